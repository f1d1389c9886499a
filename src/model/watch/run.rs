//! Runs of the watcher: from a saved file to a service that is ready again.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::jobs::JobId;
use crate::model::watch::tree::Ignore;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub u64);

/// What a run does, strongest first: where a file asks for several, the strongest is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunAction {
    Rebuild,
    Restart,
    SyncRestart,
    SyncExec,
    Sync,
}

impl RunAction {
    /// Returns Compose's word: `sync+restart`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rebuild => "rebuild",
            Self::Restart => "restart",
            Self::SyncRestart => "sync+restart",
            Self::SyncExec => "sync+exec",
            Self::Sync => "sync",
        }
    }

    pub fn copies(self) -> bool {
        matches!(self, Self::Sync | Self::SyncRestart | Self::SyncExec)
    }
}

/// Why a run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Files were saved.
    Files,
    /// The operator asked for it.
    Operator,
    /// A rule wants everything copied when the watching begins.
    InitialSync,
    /// The container is a new one: what was copied before is missing there.
    Recreated,
}

/// Where a run is. A run passes some of these, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunPhase {
    /// A file that matters was changed.
    Noticed,
    /// It was decided what to do; something else has to end first.
    Queued,
    Building,
    Built,
    Recreated,
    Synced,
    Restarted,
    /// The service is running, and healthy if it has a health check.
    Ready,
    Failed,
    /// Its builds change their own inputs: nothing more is done until the operator says so.
    Suspended,
}

impl RunPhase {
    /// Returns the word of the JSON contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Noticed => "noticed",
            Self::Queued => "queued",
            Self::Building => "building",
            Self::Built => "built",
            Self::Recreated => "recreated",
            Self::Synced => "synced",
            Self::Restarted => "restarted",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Suspended => "suspended",
        }
    }

    /// Whether nothing follows.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Ready | Self::Failed | Self::Suspended)
    }
}

/// One run: what caused it and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchRun {
    pub id: RunId,
    pub stack: Arc<str>,
    /// More than one where they share a build.
    pub services: Vec<Arc<str>>,
    pub action: RunAction,
    pub trigger: Trigger,
    /// The rule in a few words: `sync ./src → /app/src`.
    pub rule: String,
    /// The first of the changed files, in the words of the rule's root.
    pub files: Vec<PathBuf>,
    /// How many files in all.
    pub file_count: usize,
    /// Changes that came while it waited and were taken along.
    pub coalesced: u32,
    /// When each phase was reached, in order; the first is [`RunPhase::Noticed`].
    pub phases: Vec<(RunPhase, Timestamp)>,
    /// The job that carries it out; its output is kept under this.
    pub job: Option<JobId>,
    /// The first error line, or why it waits.
    pub detail: String,
}

impl WatchRun {
    /// Returns the phase that it is in.
    pub fn phase(&self) -> RunPhase {
        self.phases.last().map_or(RunPhase::Noticed, |(phase, _)| *phase)
    }

    /// Returns when it was noticed.
    pub fn noticed_at(&self) -> Timestamp {
        self.phases.first().map_or(Timestamp::UNIX_EPOCH, |(_, at)| *at)
    }

    /// Returns when a phase was reached.
    pub fn at(&self, phase: RunPhase) -> Option<Timestamp> {
        self.phases.iter().find(|(reached, _)| *reached == phase).map(|(_, at)| *at)
    }

    /// Says in one line what it was about and how it went: `sync web/a.js (sync ./web → /web): ready in 0.1 s`.
    pub fn describe(&self) -> String {
        let first = self.files.first().map(|file| format!(" {}", file.display()));
        let first = first.unwrap_or_else(|| match self.trigger {
            Trigger::Files => String::new(),
            Trigger::Operator => String::from(" on request"),
            Trigger::InitialSync => String::from(" of everything, at first"),
            Trigger::Recreated => String::from(" of everything, the container is new"),
        });
        let more = match self.file_count {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let rule = if self.rule.is_empty() { String::new() } else { format!(" ({})", self.rule) };
        let mut text = format!("{}{first}{more}{rule}: {}", self.action.word(), self.phase().word());
        if let Some(took) = self.took() {
            let _ = write!(text, " in {}", seconds(took));
        }
        if !self.detail.is_empty() {
            let _ = write!(text, ": {}", self.detail);
        }
        let steps: Vec<String> = self
            .phases
            .windows(2)
            .filter(|pair| matches!(pair[1].0, RunPhase::Built | RunPhase::Recreated | RunPhase::Synced))
            .map(|pair| format!("{} {}", pair[1].0.word(), seconds(pair[1].1.duration_since(pair[0].1))))
            .collect();
        if !steps.is_empty() {
            let _ = write!(text, " · {}", steps.join(", "));
        }
        text
    }

    /// Returns how long it took from the saved file to its end; `None` while it goes on.
    pub fn took(&self) -> Option<SignedDuration> {
        let (phase, at) = self.phases.last()?;
        phase.is_end().then(|| at.duration_since(self.noticed_at()))
    }
}

/// Writes `0.4 s`, `12 s`.
fn seconds(span: SignedDuration) -> String {
    let seconds = span.as_secs_f64().max(0.0);
    if seconds < 10.0 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") }
}

/// A run as somebody is told to carry it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchOrder {
    pub run: RunId,
    pub stack: Arc<str>,
    /// Services that are built and created anew, restarted or copied into.
    pub services: Vec<Arc<str>>,
    pub action: RunAction,
    /// What is copied, and what is to go, in every container of the services.
    pub copies: Vec<SyncItem>,
    /// What runs in the containers afterwards, in order.
    pub hooks: Vec<SyncHook>,
    /// Those of the services whose build makes the images of all of them; of a rebuild.
    pub builds: Vec<Arc<str>>,
    /// Services that are restarted when these have been created anew or restarted.
    pub followers: Vec<Arc<str>>,
    /// Whether volumes without a name are filled from the new image instead of kept.
    pub renews_volumes: bool,
}

/// A file or a folder that goes into containers, or that has gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SyncItem {
    /// On this machine.
    pub source: PathBuf,
    /// Complete path in the container.
    pub target: String,
    /// What of a folder stays here.
    pub ignores: Vec<Ignore>,
    /// What of a folder goes, as patterns from it on; empty: everything.
    pub include: Vec<String>,
    /// Whether it is removed in the container where it is not here any more: of what was seen going, never of
    /// a whole tree that cannot be found.
    pub removes: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncHook {
    /// The program first.
    pub arguments: Vec<String>,
    /// `None`: the container's own.
    pub user: Option<String>,
    pub folder: Option<String>,
}
