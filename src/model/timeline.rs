//! A line of the Events screen: what an operator calls an event.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::containers::ContainerId;
use crate::model::health::Health;
use crate::model::tokens::KeptRefresh;

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
    /// A token turned, or was refreshed.
    Token,
    /// A probe of ours began to fail, or passes again.
    Probe,
    /// An unhealthy container was restarted because a rule asks for it, or no longer is.
    Heal,
    /// Our own troubles.
    Stackdash,
}

impl EntryKind {
    pub const ALL: [Self; 8] = [
        Self::Container,
        Self::Health,
        Self::Action,
        Self::Engine,
        Self::Token,
        Self::Probe,
        Self::Heal,
        Self::Stackdash,
    ];

    /// Reads what [`EntryKind::word`] wrote.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Health => "health",
            Self::Action => "action",
            Self::Engine => "engine",
            Self::Token => "token",
            Self::Probe => "probe",
            Self::Heal => "heal",
            Self::Stackdash => "stackdash",
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

impl Severity {
    pub const ALL: [Self; 4] = [Self::Info, Self::Good, Self::Warning, Self::Error];

    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// Reads what [`Severity::word`] wrote.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.word() == word)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    pub at: Timestamp,
    pub kind: EntryKind,
    pub severity: Severity,
    /// `None` for the engine itself.
    pub stack: Option<Arc<str>>,
    pub service: Option<Arc<str>>,
    /// The container it happened to, where it was one.
    pub container: Option<ContainerId>,
    /// The new verdict, where its health check changed its mind.
    pub health: Option<Health>,
    /// The refresh that it tells of, where a token was refreshed.
    pub refresh: Option<KeptRefresh>,
    pub text: String,
}

impl TimelineEntry {
    /// Whether both tell of the same thing: heard twice, or by two of us.
    pub fn is_same_as(&self, other: &Self) -> bool {
        // A replica's number leads the text, and is known only while it exists.
        self.at == other.at
            && self.container == other.container
            && (self.text.ends_with(&other.text) || other.text.ends_with(&self.text))
    }
}
