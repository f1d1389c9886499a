//! `stackdash.toml` beside a stack's compose files: what its operator wants to see and to do.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::model::probes::ProbeRule;
use crate::model::tokens::TokenRule;
use crate::model::watch::WatchRule;

/// Name of the file.
pub const FILE_NAME: &str = "stackdash.toml";

/// Everything that one file says. Every path in it is complete: relative ones were meant from the
/// file's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StackFile {
    pub path: PathBuf,
    /// In the order of the file.
    pub variants: Vec<Variant>,
    pub tokens: Vec<TokenRule>,
    pub probes: Vec<ProbeRule>,
    pub actions: Vec<CustomAction>,
    pub logs: Vec<LogFile>,
    /// Rules beside those of `develop.watch`, by service.
    pub watch: Vec<(Arc<str>, WatchRule)>,
    pub budget: Budget,
    /// By service.
    pub heal: BTreeMap<Arc<str>, HealRule>,
}

/// What the labels of one container say of its service, and what is wrong with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelRules {
    pub tokens: Vec<TokenRule>,
    pub probes: Vec<ProbeRule>,
    /// One line each, with container and label.
    pub faults: Vec<String>,
}

/// A named set of compose files of one stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    pub name: String,
    pub files: Vec<PathBuf>,
}

/// Something of the operator's own, under `c` and in the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomAction {
    pub name: String,
    pub run: ActionRun,
    /// Asked before it runs, in this order; an answer takes the place of `{name}` within an argument.
    pub ask: Vec<Question>,
    /// Whether it is confirmed first.
    pub confirm: bool,
    /// `None`: it may take as long as it likes.
    pub timeout: Option<Duration>,
}

/// An argument vector, never a line for a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionRun {
    /// In the first running container of a service.
    Exec { service: Arc<str>, arguments: Vec<String>, user: Option<String>, folder: Option<String> },
    /// By the Compose CLI: `["run", "--rm", "backup"]`.
    Compose(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub name: String,
    pub choices: Choices,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choices {
    /// Whatever is typed.
    Free,
    List(Vec<String>),
    /// Lines that a program in the container prints.
    Exec(Vec<String>),
}

/// A log file in a container or on one of its volumes, beside its standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    pub service: Arc<str>,
    /// Complete path in the container.
    pub file: String,
}

/// What is flagged when it is passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// From start to ready.
    pub ready: Option<Duration>,
    /// In bytes.
    pub memory: Option<u64>,
    /// In bytes.
    pub image: Option<u64>,
    /// How long the engine's health check takes.
    pub health: Option<Duration>,
    /// From a saved file to ready.
    pub rebuild: Option<Duration>,
}

/// Restart what stays unhealthy, with brakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealRule {
    pub after: Duration,
    /// At most so many restarts …
    pub max: u32,
    /// … in this time.
    pub per: Duration,
}
