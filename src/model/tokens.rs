//! Tokens: anything with an expiry that a stack lives on. What is known of one; never its value.

pub mod authorization;
pub mod rules;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::containers::ContainerId;
use crate::model::stacks::{ServiceState, duration_words};
pub use crate::model::tokens::authorization::{
    Approval, Authorization, AuthorizationStage, Invitation, OpenAddress,
};
pub use crate::model::tokens::rules::{
    Authorize, Buffer, HttpCall, OauthGrant, SecretPlace, TokenRead, TokenRefresh, TokenRule,
};

/// Which token is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId {
    pub stack: Arc<str>,
    /// That of its rule; where a document lists many, its label.
    pub name: Arc<str>,
}

/// How a token stands, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenState {
    /// The last refresh was refused.
    Rejected,
    Expired,
    Missing,
    Unreadable,
    /// Inside its refresh buffer, or under a tenth of its life left.
    Expiring,
    Refreshing,
    Valid,
}

impl TokenState {
    pub const ALL: [Self; 7] = [
        Self::Rejected,
        Self::Expired,
        Self::Missing,
        Self::Unreadable,
        Self::Expiring,
        Self::Refreshing,
        Self::Valid,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Expiring => "expiring",
            Self::Refreshing => "refreshing",
            Self::Valid => "valid",
        }
    }

    pub fn mark(self) -> &'static str {
        match self {
            Self::Rejected | Self::Expired => "✗",
            Self::Missing => "○",
            Self::Unreadable => "◌",
            Self::Expiring => "◔",
            Self::Refreshing => "↻",
            Self::Valid => "●",
        }
    }

    /// Returns the mark for terminals without UTF-8.
    pub fn ascii_mark(self) -> &'static str {
        match self {
            Self::Rejected | Self::Expired => "x",
            Self::Missing => ".",
            Self::Unreadable => "~",
            Self::Expiring => "-",
            Self::Refreshing => "@",
            Self::Valid => "*",
        }
    }

    /// Returns the state of a service that is as bad: it gives the color and the place in a list.
    pub fn weight(self) -> ServiceState {
        match self {
            Self::Rejected | Self::Expired => ServiceState::Failed,
            Self::Missing | Self::Unreadable => ServiceState::Unhealthy,
            Self::Expiring => ServiceState::Blocked,
            Self::Refreshing => ServiceState::Starting,
            Self::Valid => ServiceState::Healthy,
        }
    }

    /// Whether somebody should look at it.
    pub fn is_trouble(self) -> bool {
        !matches!(self, Self::Valid | Self::Refreshing)
    }
}

/// What a source says of one token now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenReading {
    /// Which of a document's tokens; `None` where there is one.
    pub label: Option<String>,
    pub expires_at: Option<Timestamp>,
    pub issued_at: Option<Timestamp>,
    /// First 8 hexadecimal digits of the SHA-256 of its value: tells whether it changed, nothing more.
    pub fingerprint: String,
    /// Where the document itself says it.
    pub buffer: Option<Duration>,
    /// What else is good to know: issuer, scope, names of a certificate.
    pub facts: Vec<(String, String)>,
}

/// Everything that one reading of a source told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenReadings {
    pub tokens: Vec<TokenReading>,
    /// How far the clock of the source is ahead of ours, where it tells the time.
    pub clock_ahead: Option<SignedDuration>,
}

/// Why nothing was read. The words are complete, sanitized, and hold no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenProblem {
    /// The place is there, the token is not; or the place is not.
    Missing(String),
    /// The place can't be reached, or what is there can't be understood.
    Unreadable(String),
}

impl TokenProblem {
    pub fn words(&self) -> &str {
        match self {
            Self::Missing(words) | Self::Unreadable(words) => words,
        }
    }
}

/// A source to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    pub stack: Arc<str>,
    pub rule: Arc<TokenRule>,
    /// Containers of its service, running ones first.
    pub containers: Vec<ContainerId>,
    /// The stack's folder on this machine, where it is known.
    pub folder: Option<PathBuf>,
}

/// Who refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefreshCause {
    Operator,
    /// stackdash by itself, where the rule asks for it.
    Auto,
    /// The service itself: the token changed without our doing.
    Service,
}

impl RefreshCause {
    pub fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Auto => "auto",
            Self::Service => "service",
        }
    }

    /// Reads what [`RefreshCause::word`] wrote.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Operator, Self::Auto, Self::Service].into_iter().find(|cause| cause.word() == word)
    }
}

/// How a refresh went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    pub at: Timestamp,
    pub by: RefreshCause,
    pub ok: bool,
    /// `HTTP 200`, `invalid_grant: …`.
    pub detail: String,
}

impl Refresh {
    /// How [`Refresh::detail`] begins where another stackdash was first.
    pub const BY_ANOTHER: &'static str = "already refreshed by another stackdash";

    /// Whether another stackdash on this machine had just done it.
    pub fn was_by_another(&self) -> bool {
        self.ok && self.detail.starts_with(Self::BY_ANOTHER)
    }
}

/// A refresh of a token of some stack, as the kept timeline tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRefresh {
    pub token: Arc<str>,
    pub refresh: Refresh,
}

/// What came of asking for a refresh. Only what the source says next tells whether there is a new token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The endpoint answered well: `HTTP 200`.
    Answered(String),
    /// Another stackdash of this host had it refreshed so many seconds ago; nothing was asked for.
    ByAnother { seconds: i64 },
}

/// Why a refresh did not happen. The words are complete, and say what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshFailure {
    pub words: String,
    /// Whether the endpoint refused, as it will again: `invalid_grant`, 401.
    pub rejected: bool,
}

/// Writes how long until a moment, or since: `in 1h 30m`, `in 42s`, `3m ago`.
pub fn countdown(at: Timestamp, now: Timestamp) -> String {
    let milliseconds = at.as_millisecond() - now.as_millisecond();
    if milliseconds > 0 {
        // Rounded up: what is not over yet is never "in 0s".
        format!("in {}", duration_words((milliseconds + 999) / 1000))
    } else {
        format!("{} ago", duration_words(-milliseconds / 1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_is_over_only_when_it_is() {
        let now: Timestamp = "2026-11-20T19:00:00.500Z".parse().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(countdown(at("2026-11-20T20:30:00.500Z"), now), "in 1h 30m");
        assert_eq!(countdown(at("2026-11-20T19:00:42Z"), now), "in 42s");
        assert_eq!(countdown(at("2026-11-20T19:00:00.501Z"), now), "in 1s");
        assert_eq!(countdown(now, now), "0s ago");
        assert_eq!(countdown(at("2026-11-20T18:56:00Z"), now), "4m ago");
    }

    #[test]
    fn every_state_has_a_twin_in_ascii() {
        for state in TokenState::ALL {
            assert!(state.ascii_mark().is_ascii(), "{}", state.word());
        }
    }
}
