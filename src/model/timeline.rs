//! A line of the Events screen: what an operator calls an event.

use std::sync::Arc;

use jiff::Timestamp;

/// What kind of thing happened; also the `kind` of `events --format json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A container came, started, stopped or went.
    Container,
    /// A health check changed its verdict.
    Health,
    /// The operator did something, and its result.
    Action,
    /// The connection to the engine.
    Engine,
}

impl EntryKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Health => "health",
            Self::Action => "action",
            Self::Engine => "engine",
        }
    }
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    Info,
    Good,
    Warning,
    Error,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    pub at: Timestamp,
    pub kind: EntryKind,
    pub severity: Severity,
    /// `None` for the engine itself.
    pub stack: Option<Arc<str>>,
    pub service: Option<Arc<str>>,
    pub text: String,
}
