//! A command being carried out, and why.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::stacks::Target;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// What a job does to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    Start,
    Stop,
    Restart,
}

impl Verb {
    /// Returns the word for a button or a question: `restart`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }

    /// Returns the word for something under way: `restarting`.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Start => "starting",
            Self::Stop => "stopping",
            Self::Restart => "restarting",
        }
    }

    /// Returns the word for something done: `restarted`.
    pub fn done(self) -> &'static str {
        match self {
            Self::Start => "started",
            Self::Stop => "stopped",
            Self::Restart => "restarted",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    pub verb: Verb,
    pub target: Target,
    pub started_at: Timestamp,
    /// The longest stop timeout among what it stops; SIGKILL follows after it.
    pub stop_timeout: Option<Duration>,
    /// Containers it has dealt with, of how many.
    pub done: u32,
    pub total: u32,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    Succeeded,
    /// One sentence each: what was tried, what the engine said.
    Failed(Vec<String>),
    Cancelled,
}
