//! The connection to the engine: who answers, since when, or why nobody does.

use jiff::Timestamp;

use crate::event::EngineInfo;
use crate::ports::EngineError;
use crate::state::Revision;

/// What we know of the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// First attempt under way.
    Connecting,
    Connected,
    /// It was there and is gone; the picture is stale.
    Lost {
        since: Timestamp,
        error: EngineError,
        retry_at: Timestamp,
    },
    /// It never answered.
    Refused {
        since: Timestamp,
        error: EngineError,
        retry_at: Timestamp,
    },
}

#[derive(Debug)]
pub struct Connection {
    /// The endpoint, for people.
    pub host: String,
    pub link: Link,
    /// Who answered last; kept while the link is down.
    pub info: Option<EngineInfo>,
    /// When the last full list arrived.
    pub listed_at: Option<Timestamp>,
    pub revision: Revision,
}

impl Connection {
    pub(super) fn new(_now: Timestamp, host: String) -> Self {
        Self { host, link: Link::Connecting, info: None, listed_at: None, revision: Revision::default() }
    }

    pub fn is_up(&self) -> bool {
        self.link == Link::Connected
    }

    /// Whether the engine runs on this machine, so that the paths in its labels are ours.
    pub fn is_local(&self) -> bool {
        self.info.as_ref().is_some_and(|info| info.local)
    }

    /// Whether what is on the screen may be out of date.
    pub fn is_stale(&self) -> bool {
        matches!(self.link, Link::Lost { .. })
    }

    /// Notes that the engine answers; returns since when it had been lost.
    pub(super) fn connected(&mut self, _now: Timestamp, info: EngineInfo) -> Option<Timestamp> {
        let gap = match &self.link {
            Link::Lost { since, .. } => Some(*since),
            Link::Connecting | Link::Connected | Link::Refused { .. } => None,
        };
        self.host.clone_from(&info.host);
        self.info = Some(info);
        self.link = Link::Connected;
        self.revision.bump();
        gap
    }

    /// Notes a failed attempt or a broken link; returns whether this is news.
    pub(super) fn lost(&mut self, now: Timestamp, error: EngineError, retry_at: Timestamp) -> bool {
        self.revision.bump();
        match &mut self.link {
            Link::Lost { error: old, retry_at: old_retry, .. }
            | Link::Refused { error: old, retry_at: old_retry, .. } => {
                *old = error;
                *old_retry = retry_at;
                false
            }
            link @ Link::Connecting => {
                *link = Link::Refused { since: now, error, retry_at };
                true
            }
            link @ Link::Connected => {
                *link = Link::Lost { since: now, error, retry_at };
                true
            }
        }
    }

    pub(super) fn listed(&mut self, now: Timestamp) {
        self.listed_at = Some(now);
        self.revision.bump();
    }
}
