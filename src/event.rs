//! Every fact that can reach us: one enum, in the past tense. The first file to read.

use std::sync::Arc;

use jiff::Timestamp;

use crate::command::Interest;
use crate::model::compose::{ComposeProject, Definition};
use crate::model::containers::{Container, ContainerId};
use crate::model::host::{EngineDiskUsage, HostSample};
use crate::model::jobs::{Job, JobId, JobOutcome};
use crate::model::logs::{LogLine, LogStatus, OlderLines};
use crate::model::timeline::TimelineEntry;
use crate::model::usage::UsageSample;
use crate::ports::{ComposeError, EngineError};

/// A fact. Only [`crate::state::State::apply`] turns facts into beliefs.
#[derive(Clone, Debug)]
pub enum Event {
    /// Time passed; sent when a deadline of the state is due.
    Tick,
    /// The engine answered; a full list follows.
    EngineConnected(EngineInfo),
    /// The engine could not be reached or the connection broke. `retry_at`: the next attempt.
    EngineLost {
        error: EngineError,
        retry_at: Timestamp,
    },
    /// A full picture: what is not in it does not exist any more.
    ContainersListed(Vec<Container>),
    /// One container was inspected again.
    ContainerInspected(Box<Container>),
    /// An inspection found no such container.
    ContainerGone(ContainerId),
    /// An inspection failed again and again; what we knew stays.
    InspectionFailed(ContainerId),
    /// The engine said that something happened. `replayed`: it happened before the last list, which
    /// already shows its effect.
    EngineSaid {
        event: EngineEvent,
        replayed: bool,
    },
    /// The Compose CLI resolved a stack's files, or refused to.
    DefinitionRead {
        project: ComposeProject,
        result: Result<Definition, ComposeError>,
    },
    UsageSampled(Vec<UsageSample>),
    HostSampled(Box<HostSample>),
    DiskUsageRead(Result<EngineDiskUsage, EngineError>),
    /// Lines of one container, in the order they were written.
    LogsAppended(Vec<LogLine>),
    LogStatusChanged {
        container: ContainerId,
        status: LogStatus,
    },
    /// Older lines of these logs are being read.
    OlderLogsAsked(Vec<ContainerId>),
    /// Lines of one container from before the first one held.
    OlderLogsRead {
        container: ContainerId,
        result: Result<OlderLines, EngineError>,
    },
    /// Pretty-printed, masked and sanitized lines of an inspection.
    InspectRead {
        container: ContainerId,
        lines: Result<Vec<String>, EngineError>,
    },
    ProcessesRead {
        container: ContainerId,
        table: Result<ProcessTable, EngineError>,
    },
    JobStarted(Box<Job>),
    JobProgressed {
        job: JobId,
        done: u64,
    },
    /// How much a job has to deal with is known now.
    JobMeasured {
        job: JobId,
        total: u64,
    },
    /// Lines that a job has printed, cleaned and masked.
    JobOutput {
        job: JobId,
        lines: Vec<String>,
    },
    JobFinished {
        job: JobId,
        outcome: JobOutcome,
    },
    /// What earlier runs kept of the timeline, oldest first. Comes before anything of the engine.
    HistoryRead(Vec<TimelineEntry>),
    /// The timeline cannot be kept or read, and why; told once.
    HistoryFailed(String),
    /// A webhook could not be told, and why.
    WebhookFailed(String),
    /// The face looks at something else now.
    LookedAt(Interest),
    /// A command was not carried out, and why (read-only, nothing to do, one is under way).
    CommandRefused(String),
}

/// What the engine says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineInfo {
    /// `unix:///var/run/docker.sock`.
    pub host: String,
    /// Name of the machine it runs on.
    pub name: String,
    pub version: String,
    pub api: String,
    /// `docker`, `podman`, `demo`.
    pub flavor: String,
    pub cpus: u32,
    pub memory_bytes: u64,
    /// The engine's own clock when it answered.
    pub time: Option<Timestamp>,
    /// Whether it runs on this machine.
    pub local: bool,
    /// What stackdash knows of its own place.
    pub own: OwnPlace,
}

/// Where stackdash itself runs and how it reaches the engine, as far as containers are part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnPlace {
    /// Beginning of the id of the container that it runs in, or its host name there.
    pub container: Option<String>,
    /// Port of this machine that its requests go to: a container may publish it.
    pub engine_port: Option<u16>,
    /// Name that its requests go to: a container on the same network may have it.
    pub engine_name: Option<String>,
}

/// One line of the engine's event stream, about a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineEvent {
    pub at: Timestamp,
    pub container: ContainerId,
    pub kind: EngineEventKind,
    pub name: Arc<str>,
    pub stack: Option<Arc<str>>,
    pub service: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineEventKind {
    Created,
    Started,
    Died {
        exit_code: i64,
    },
    /// A stop was carried out: it comes after the [`EngineEventKind::Died`].
    Stopped,
    Killed {
        signal: i32,
    },
    OutOfMemory,
    Paused,
    Unpaused,
    Restarted,
    Renamed,
    Removed,
    Updated,
    Health(crate::model::health::Health),
}

/// What `top` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessTable {
    pub titles: Vec<String>,
    pub rows: Vec<Vec<String>>,
}
