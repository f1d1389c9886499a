//! Lines of container logs, fit to be shown.
//!
//! `fields` takes structured lines apart, `trace` says which lines belong together; `file` knows log files
//! inside containers, `stamp` the times that their lines begin with.

pub mod fields;
pub mod file;
pub mod stamp;
pub mod trace;

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::containers::ContainerId;
use crate::model::text::StyledText;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogStream {
    Stdout,
    Stderr,
    /// A file inside the container.
    File,
    /// Our own remark between lines: a seam after a restart, a gap, a dropped stretch.
    Remark,
}

impl LogStream {
    pub fn word(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::File => "file",
            Self::Remark => "remark",
        }
    }
}

/// How serious a line says it is, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    pub fn word(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Where lines come from: what a container prints, or a file in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogSource {
    pub container: ContainerId,
    /// Complete path in the container; `None`: its standard output and error.
    pub file: Option<Arc<str>>,
}

impl LogSource {
    pub fn file(container: ContainerId, file: Arc<str>) -> Self {
        Self { container, file: Some(file) }
    }

    /// Returns the file's name without its folder.
    pub fn file_name(&self) -> Option<&str> {
        self.file.as_deref().map(|file| file.rsplit('/').next().unwrap_or(file))
    }
}

impl From<ContainerId> for LogSource {
    fn from(container: ContainerId) -> Self {
        Self { container, file: None }
    }
}

impl From<&ContainerId> for LogSource {
    fn from(container: &ContainerId) -> Self {
        Self { container: container.clone(), file: None }
    }
}

/// One line, sanitized and capped in length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub at: Timestamp,
    pub source: LogSource,
    pub stream: LogStream,
    pub level: Option<LogLevel>,
    pub text: StyledText,
}

impl LogLine {
    /// Returns about how many bytes of memory the line holds.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.text.weight()
    }
}

/// What is happening to the log that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogStatus {
    /// Asked for, nothing came yet.
    Opening,
    Following,
    /// The container stopped; followed again when it starts.
    Ended,
    /// Why there is nothing to read, and what to do.
    Unreadable(String),
}

/// How far back a log has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Older lines are being read.
    Reading,
    /// There are older ones.
    More,
    /// The first line that the engine keeps is held.
    Beginning,
    /// The buffer has no room for older ones.
    Full,
    Failed(String),
}

/// Lines from before the first one held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OlderLines {
    /// Oldest first.
    pub lines: Vec<LogLine>,
    /// Whether the engine keeps nothing before them.
    pub is_beginning: bool,
}
