//! Every wish we can have: one enum, imperative. The second file to read.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::compose::ComposeProject;
use crate::model::containers::ContainerId;
use crate::model::jobs::{ComposeOrder, CopyOrder, JobId, Verb};
use crate::model::logs::LogSource;
use crate::model::notify::Notification;
use crate::model::probes::ProbeRequest;
use crate::model::runs::{ExecOrder, RunOrder};
use crate::model::stacks::Target;
use crate::model::timeline::TimelineEntry;
use crate::model::tokens::{RefreshCause, TokenId, TokenRequest};
use crate::model::watch::ServiceKey;
use crate::model::watch::run::WatchOrder;
use crate::model::watch::tree::{FileChange, Tree};

/// A wish. The supervisor carries it out; what becomes of it comes back as [`crate::event::Event`]s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start, stop, pause, remove …; refused under `--read-only`.
    Act {
        verb: Verb,
        target: Target,
    },
    /// Call the Compose CLI; refused under `--read-only`.
    Compose(ComposeOrder),
    /// Give a container another name; refused under `--read-only`.
    Rename {
        container: ContainerId,
        name: String,
    },
    /// Copy a file in or out; refused under `--read-only`, out too: a file is written.
    Copy(CopyOrder),
    /// Run a program in a container, or through Compose; refused under `--read-only`.
    Run(RunOrder),
    /// Run a program for the choices that it prints; refused under `--read-only`, as any program is. The
    /// answer comes under the number.
    ReadChoices {
        number: u64,
        order: ExecOrder,
    },
    Cancel(JobId),
    /// What the face is looking at now: steers log followers and sampling.
    LookAt(Interest),
    /// Read more of these logs, from before the first lines held.
    LoadOlderLogs(Vec<LogSource>),
    /// Inspect one container again.
    Inspect(ContainerId),
    /// Read the whole inspection as text, for the Inspect tab.
    ReadInspect(ContainerId),
    /// Read the process table.
    ReadProcesses(ContainerId),
    /// Read the engine's disk use.
    ReadDiskUsage,
    /// Let Compose resolve a stack's files.
    ReadDefinition(ComposeProject),
    /// Let the next calls of Compose for a stack use the files of this variant. Changes nothing yet.
    ChooseVariant {
        stack: Arc<str>,
        variant: String,
    },
    /// Judge a stack's configuration.
    Lint {
        stack: Arc<str>,
        project: ComposeProject,
    },
    /// Read a stack's own file, `stackdash.toml`, in its folder.
    ReadStackFile {
        stack: Arc<str>,
        folder: PathBuf,
    },
    /// Look at a source of tokens.
    ReadTokens(TokenRequest),
    /// Have a token refreshed; refused under `--read-only`.
    RefreshToken {
        token: TokenId,
        by: RefreshCause,
    },
    /// Ask for an address that a human being opens to authorize a token anew, and wait until that has
    /// happened; refused under `--read-only`.
    Authorize(TokenId),
    /// Ask whether a token was authorized.
    AskApproval(TokenId),
    /// Wait no longer for it.
    DropAuthorization(TokenId),
    /// Switch a token's own refreshing on or off, until the program ends.
    SetAutoRefresh {
        token: TokenId,
        on: bool,
    },
    /// Watch a service's sources, or no more; no service: all of the stack's. What is watched is rebuilt when
    /// it is saved: refused under `--read-only`.
    SetWatch {
        stack: Arc<str>,
        service: Option<Arc<str>>,
        on: bool,
    },
    /// Begin nothing while it is set; what changes meanwhile is gathered.
    PauseWatch(bool),
    /// Begin nothing unasked.
    SetWatchManual(bool),
    /// Do now what is pending for a service, or rebuild it; refused under `--read-only`.
    TriggerWatch {
        stack: Arc<str>,
        service: Arc<str>,
    },
    /// Carry out a run of the watcher; refused under `--read-only`.
    RunWatch(WatchOrder),
    /// Keep what a tree holds after these changes, for the next start.
    KeepTree {
        tree: Arc<Tree>,
        changes: Vec<FileChange>,
    },
    /// Keep what is watched, for the next start.
    KeepWatched(Vec<ServiceKey>),
    /// Make one attempt of a probe.
    Probe(ProbeRequest),
    /// Make every probe now that is not under way.
    ProbeNow,
    /// Ask for the size of an image, by its id.
    MeasureImage(String),
    /// Try the engine now instead of waiting for the next attempt.
    Reconnect,
    /// Tell somebody who is not looking.
    Notify(Notification),
    /// Keep these for the next run.
    Remember(Vec<TimelineEntry>),
}

impl Command {
    /// Whether it changes anything outside stackdash: what `--read-only` refuses.
    pub fn changes_something(&self) -> bool {
        match self {
            Self::Act { .. }
            | Self::Compose(_)
            | Self::Rename { .. }
            | Self::Copy(_)
            | Self::Run(_)
            | Self::RefreshToken { .. }
            | Self::SetWatch { .. }
            | Self::TriggerWatch { .. }
            | Self::RunWatch(_)
            | Self::Authorize(_)
            | Self::ReadChoices { .. } => true,
            Self::Cancel(_)
            | Self::LookAt(_)
            | Self::LoadOlderLogs(_)
            | Self::Inspect(_)
            | Self::ReadInspect(_)
            | Self::ReadProcesses(_)
            | Self::ReadDiskUsage
            | Self::ReadDefinition(_)
            | Self::ChooseVariant { .. }
            | Self::Lint { .. }
            | Self::ReadStackFile { .. }
            | Self::ReadTokens(_)
            | Self::SetAutoRefresh { .. }
            | Self::PauseWatch(_)
            | Self::SetWatchManual(_)
            | Self::KeepTree { .. }
            | Self::KeepWatched(_)
            | Self::Probe(_)
            | Self::ProbeNow
            | Self::MeasureImage(_)
            | Self::AskApproval(_)
            | Self::DropAuthorization(_)
            | Self::Reconnect
            // Our own file, and the reason to leave a read-only screen open overnight.
            | Self::Remember(_)
            | Self::Notify(_) => false,
        }
    }
}

/// What the face is looking at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Logs that are on the screen.
    pub logs: BTreeSet<LogSource>,
    /// Containers whose figures are on the screen; sampled first and more often.
    pub usage: BTreeSet<ContainerId>,
    /// Container whose health log is on the screen; inspected again after each check.
    pub health: Option<ContainerId>,
    /// Container whose processes are on the screen; read again every few seconds.
    pub processes: Option<ContainerId>,
    /// Whether figures of the whole machine are on the screen.
    pub host: bool,
}
