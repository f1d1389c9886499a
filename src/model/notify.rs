//! Notifications: what is told to somebody who is not looking at the screen.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// What a service's state changed to; also the words of `on` in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    Unhealthy,
    Failed,
    Restarting,
    Recovered,
}

impl Change {
    pub const ALL: [Self; 4] = [Self::Unhealthy, Self::Failed, Self::Restarting, Self::Recovered];

    pub fn word(self) -> &'static str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::Failed => "failed",
            Self::Restarting => "restarting",
            Self::Recovered => "recovered",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.word() == word)
    }
}

/// What is told of, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyPolicy {
    pub on: Vec<Change>,
    /// A service that was told of in trouble is not told of in trouble again for so long.
    pub quiet: SignedDuration,
}

impl Default for NotifyPolicy {
    fn default() -> Self {
        Self { on: Change::ALL.to_vec(), quiet: SignedDuration::from_mins(5) }
    }
}

/// One change of one service. Its text is sanitized and masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub at: Timestamp,
    /// The endpoint, for people.
    pub engine: String,
    pub change: Change,
    pub stack: Arc<str>,
    pub service: Arc<str>,
    /// One line: `energy/app is unhealthy: 3 failed checks`.
    pub text: String,
}
