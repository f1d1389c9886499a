//! Notifications: what is told to somebody who is not looking at the screen.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// What the state of a service or of a token changed to; also the words of `on` in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    Unhealthy,
    Failed,
    Restarting,
    /// Of a token: its end is near, and nobody renews it by himself.
    Expiring,
    /// Of a token: it is over.
    Expired,
    /// Of a token: a refresh was refused.
    Rejected,
    Recovered,
}

impl Change {
    pub const ALL: [Self; 7] = [
        Self::Unhealthy,
        Self::Failed,
        Self::Restarting,
        Self::Expiring,
        Self::Expired,
        Self::Rejected,
        Self::Recovered,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::Failed => "failed",
            Self::Restarting => "restarting",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
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

/// One change of one service or token. Its text is sanitized and masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub at: Timestamp,
    /// The endpoint, for people.
    pub engine: String,
    pub change: Change,
    pub stack: Arc<str>,
    /// Empty for a token of the stack as a whole.
    pub service: Arc<str>,
    /// The token that it is about, if it is about one.
    pub token: Option<Arc<str>>,
    /// One line: `energy/app is unhealthy: 3 failed checks`.
    pub text: String,
}
