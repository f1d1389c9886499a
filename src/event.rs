//! Every fact that can reach us: one enum, in the past tense. The first file to read.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::command::Interest;
use crate::model::compose::{ComposeProject, Definition};
use crate::model::containers::{Container, ContainerId};
use crate::model::findings::Finding;
use crate::model::host::{EngineDiskUsage, HostSample};
use crate::model::jobs::{Job, JobId, JobOutcome, KeptImage, Phase};
use crate::model::logs::{LogLine, LogSource, LogStatus, OlderLines};
use crate::model::probes::{ProbeAnswer, ProbeId};
use crate::model::runs::OutputLine;
use crate::model::stack_file::StackFile;
use crate::model::timeline::TimelineEntry;
use crate::model::tokens::{
    Approval, Invitation, RefreshCause, RefreshFailure, Refreshed, TokenId, TokenProblem, TokenReadings,
};
use crate::model::usage::UsageSample;
use crate::model::watch::ServiceKey;
use crate::model::watch::run::RunId;
use crate::model::watch::tree::TreeNews;
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
    /// The first list is in, the inspections are not: all containers, each with its state and little else.
    /// Good for nothing but to be looked at until the full picture comes.
    ContainersSketched(Vec<Container>),
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
    /// Files that stacks are made from were written, have come or have gone.
    FilesChanged(BTreeSet<PathBuf>),
    /// Changed files will not be noticed, and why.
    WatchFailed(String),
    /// The next call of Compose for a stack uses other files; by what name they go.
    VariantChosen {
        stack: Arc<str>,
        variant: String,
    },
    /// A stack's configuration was judged, or could not be looked at.
    Linted {
        stack: Arc<str>,
        result: Result<Vec<Finding>, ComposeError>,
    },
    /// A stack's own file was read; the error has a line for each fault. No file: an empty one.
    StackFileRead {
        stack: Arc<str>,
        folder: PathBuf,
        result: Result<StackFile, String>,
    },
    /// A source of tokens was looked at.
    TokensRead {
        stack: Arc<str>,
        /// Name of its rule.
        rule: String,
        result: Result<TokenReadings, TokenProblem>,
    },
    TokenRefreshStarted {
        token: TokenId,
        by: RefreshCause,
    },
    /// The endpoint answered, or nobody did. Only the next reading tells whether there is a new token.
    TokenRefreshed {
        token: TokenId,
        result: Result<Refreshed, RefreshFailure>,
    },
    /// An endpoint is asked for an address to be opened.
    AuthorizationStarted(TokenId),
    /// It gave one, or said why not.
    InvitationRead {
        token: TokenId,
        result: Result<Invitation, String>,
    },
    /// It was asked whether somebody has approved.
    ApprovalRead {
        token: TokenId,
        result: Result<Approval, String>,
    },
    /// Nobody waits for it any longer.
    AuthorizationDropped(TokenId),
    AutoRefreshSet {
        token: TokenId,
        on: bool,
    },
    /// What a watcher of source trees tells.
    TreeSaid(TreeNews),
    /// What was watched in an earlier run, a stack and a service each.
    WatchedBefore(Vec<ServiceKey>),
    /// Watching was switched on or off. No service: all of the stack's.
    WatchSet {
        stack: Arc<str>,
        service: Option<Arc<str>>,
        on: bool,
    },
    WatchPaused(bool),
    /// Nothing is begun unasked any more, or it is again.
    WatchManual(bool),
    /// The operator wants what is pending done now, or a rebuild where nothing is.
    WatchTriggered {
        stack: Arc<str>,
        service: Arc<str>,
    },
    /// A run of the watcher could not begin, and why.
    WatchRefused {
        run: RunId,
        why: String,
    },
    /// All probes are wanted now.
    ProbesWanted,
    /// A probe was made.
    Probed {
        probe: ProbeId,
        answer: Box<ProbeAnswer>,
    },
    /// An image was measured, in bytes; `None`: the engine does not say.
    ImageMeasured {
        image_id: String,
        bytes: Option<u64>,
    },
    UsageSampled(Vec<UsageSample>),
    HostSampled(Box<HostSample>),
    DiskUsageRead(Result<EngineDiskUsage, EngineError>),
    /// Lines of one log, in the order they were written.
    LogsAppended(Vec<LogLine>),
    LogStatusChanged {
        source: LogSource,
        status: LogStatus,
    },
    /// Older lines of these logs are being read.
    OlderLogsAsked(Vec<LogSource>),
    /// Lines of one log from before the first one held.
    OlderLogsRead {
        source: LogSource,
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
    /// What a program printed as choices for a question, or why there are none.
    ChoicesRead {
        number: u64,
        result: Result<Vec<OutputLine>, String>,
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
        /// Whether they came on its standard error, as far as that can be told.
        is_error: bool,
    },
    /// A step of a job began: Compose was called with this command line.
    JobPhased {
        job: JobId,
        phase: Phase,
        command: String,
    },
    /// A step did what it could; what it could not is the remark.
    JobRemarked {
        job: JobId,
        remark: String,
    },
    /// A job has started these containers and waits until they are ready.
    JobWaits {
        job: JobId,
        containers: Vec<ContainerId>,
    },
    /// An update left these services on images that they do not do well with; those from before are kept.
    UpdateFailed {
        job: JobId,
        images: Vec<KeptImage>,
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
    /// How far that clock is ahead of ours, as far as the time of the question leaves no doubt.
    pub clock_ahead: Option<SignedDuration>,
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
