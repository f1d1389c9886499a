//! How a service writes its log: templates with placeholders.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::model::logs::{LogLevel, LogStream};

/// A way of writing log lines.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogStyle {
    pub lines: Vec<LogTemplate>,
    /// Written at each start, in this order.
    #[serde(default)]
    pub start: Vec<LogTemplate>,
    /// Written when it is asked to stop.
    #[serde(default)]
    pub stop: Vec<LogTemplate>,
    /// Written when it crashes.
    #[serde(default)]
    pub crash: Vec<LogTemplate>,
    /// Lists to choose from: `{path}` takes one of `words.path`.
    #[serde(default)]
    pub words: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogTemplate {
    /// With placeholders in braces; more than one line is written at once.
    pub text: Spanned<String>,
    #[serde(default)]
    pub level: Option<Level>,
    #[serde(default = "one")]
    pub weight: u32,
    #[serde(default)]
    pub stderr: bool,
    #[serde(default)]
    pub when: When,
}

impl LogTemplate {
    pub fn stream(&self) -> LogStream {
        if self.stderr { LogStream::Stderr } else { LogStream::Stdout }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    #[default]
    Always,
    /// Only while its health check fails.
    Sick,
    /// Only while it does not.
    Well,
}

fn one() -> u32 {
    1
}
