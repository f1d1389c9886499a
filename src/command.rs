//! Every wish we can have: one enum, imperative. The second file to read.

use std::collections::BTreeSet;

use crate::model::compose::ComposeProject;
use crate::model::containers::ContainerId;
use crate::model::jobs::{ComposeOrder, CopyOrder, JobId, Verb};
use crate::model::notify::Notification;
use crate::model::stacks::Target;
use crate::model::timeline::TimelineEntry;

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
    Cancel(JobId),
    /// What the face is looking at now: steers log followers and sampling.
    LookAt(Interest),
    /// Read more of these logs, from before the first lines held.
    LoadOlderLogs(Vec<ContainerId>),
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
            Self::Act { .. } | Self::Compose(_) | Self::Rename { .. } | Self::Copy(_) => true,
            Self::Cancel(_)
            | Self::LookAt(_)
            | Self::LoadOlderLogs(_)
            | Self::Inspect(_)
            | Self::ReadInspect(_)
            | Self::ReadProcesses(_)
            | Self::ReadDiskUsage
            | Self::ReadDefinition(_)
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
    /// Containers whose logs are on the screen.
    pub logs: BTreeSet<ContainerId>,
    /// Containers whose figures are on the screen; sampled first and more often.
    pub usage: BTreeSet<ContainerId>,
    /// Container whose health log is on the screen; inspected again after each check.
    pub health: Option<ContainerId>,
    /// Container whose processes are on the screen; read again every few seconds.
    pub processes: Option<ContainerId>,
    /// Whether figures of the whole machine are on the screen.
    pub host: bool,
}
