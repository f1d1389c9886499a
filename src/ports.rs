//! The seams to the outside: small object-safe traits in model words.
//!
//! Adapters implement them, the supervisor calls them. Nothing here knows Docker, a file or a terminal.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use jiff::Timestamp;

use crate::event::{EngineEvent, EngineInfo, ProcessTable};
use crate::model::compose::{ComposeProject, Definition};
use crate::model::containers::{Container, ContainerId};
use crate::model::host::{EngineDiskUsage, HostSample};
use crate::model::jobs::{CopyOrder, Signal};
use crate::model::logs::LogLine;
use crate::model::notify::Notification;
use crate::model::shells::{ShellEnd, ShellWish};
use crate::model::timeline::TimelineEntry;
use crate::model::usage::UsageSample;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;

/// Why the engine did not do what it was asked. Each message is sanitized and complete: what was
/// tried, and the engine's own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Nothing answers at the endpoint.
    #[error("{0}")]
    Unreachable(String),
    /// The socket exists, but this user may not open it.
    #[error("{0}")]
    PermissionDenied(String),
    #[error("{0}")]
    NotFound(String),
    /// The engine refuses in the present state (paused, being removed, name taken).
    #[error("{0}")]
    Conflict(String),
    /// It did not answer in time.
    #[error("{0}")]
    TimedOut(String),
    /// TLS: no or wrong certificate.
    #[error("{0}")]
    Unauthorized(String),
    /// The endpoint itself makes no sense (unknown scheme, unknown context).
    #[error("{0}")]
    BadEndpoint(String),
    #[error("{0}")]
    Other(String),
}

impl EngineError {
    /// Whether the engine as a whole is out of reach, not just this request.
    pub fn is_connection(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::PermissionDenied(_)
                | Self::Unauthorized(_)
                | Self::TimedOut(_)
                | Self::BadEndpoint(_)
        )
    }

    /// Says what to do next, in one or two lines.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => {
                "Is the engine running? Start it (systemctl start docker), or name another one: --host URL or --context NAME"
            }
            Self::PermissionDenied(_) => {
                "Your user may not open the socket: join its group (sudo usermod -aG docker $USER, then log in again) or use a rootless engine"
            }
            Self::Unauthorized(_) => "Check DOCKER_TLS_VERIFY and the certificates in DOCKER_CERT_PATH",
            Self::TimedOut(_) => "The engine is slow or the network is down; stackdash goes on trying",
            Self::BadEndpoint(_) => {
                "Known forms: unix:///path, tcp://host:port, http://, https://, ssh://user@host; docker context ls lists the contexts"
            }
            Self::NotFound(_) | Self::Conflict(_) | Self::Other(_) => "",
        }
    }
}

/// What part of a log is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRequest {
    /// So many lines from the end at most.
    pub tail: u32,
    /// Only lines from here on.
    pub since: Option<Timestamp>,
    /// Only lines up to here; `tail` counts from the end of the log all the same.
    pub until: Option<Timestamp>,
    /// Stay and wait for more.
    pub follow: bool,
    pub tty: bool,
}

/// An interactive program in a container, bytes in and out.
pub struct ShellSession {
    /// What it prints; ends when the program does or the engine goes away.
    pub output: BoxStream<'static, Vec<u8>>,
    pub input: tokio::sync::mpsc::Sender<Vec<u8>>,
    /// New sizes of the terminal: columns, rows.
    pub resize: tokio::sync::mpsc::Sender<(u16, u16)>,
    /// How it ended, to be asked for after the output has ended. Never takes long.
    pub end: BoxFuture<'static, ShellEnd>,
    /// Ends the program as a closed terminal would; for when nobody can type `exit` any more.
    pub hang_up: BoxFuture<'static, ()>,
}

/// What came of the wish for a terminal in a container.
pub enum Opening {
    Opened(ShellSession),
    /// The image has no shell.
    NoShell {
        /// The engine's own words.
        said: String,
        /// Local images that have one, smallest first.
        images: Vec<String>,
    },
}

/// One engine. Every call is bounded in time by the adapter.
pub trait Engine: Send + Sync {
    /// The endpoint, for people: `unix:///var/run/docker.sock`.
    fn host(&self) -> String;
    /// Connects and asks who answers.
    fn connect(&self) -> BoxFuture<'_, Result<EngineInfo, EngineError>>;
    /// Asks for a sign of life; cheap.
    fn ping(&self) -> BoxFuture<'_, Result<(), EngineError>>;
    /// Lists every container, inspected, a bounded number at a time.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Container>, EngineError>>;
    fn inspect<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<Container, EngineError>>;
    /// Streams events from `since` on (past ones first); ends when the connection does.
    fn events(&self, since: Option<Timestamp>) -> BoxStream<'static, Result<EngineEvent, EngineError>>;
    /// Streams batches of lines; ends when the container stops, or at the end without `follow`.
    fn logs(
        &self,
        id: &ContainerId,
        request: LogRequest,
    ) -> BoxStream<'static, Result<Vec<LogLine>, EngineError>>;
    fn start<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>>;
    /// Stops; the engine itself sends SIGKILL after the container's stop timeout.
    fn stop<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>>;
    fn restart<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>>;
    fn pause<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>>;
    fn unpause<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>>;
    fn kill<'a>(&'a self, id: &'a ContainerId, signal: Signal) -> BoxFuture<'a, Result<(), EngineError>>;
    /// Removes a stopped container and its anonymous volumes.
    fn remove<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>>;
    fn rename<'a>(&'a self, id: &'a ContainerId, name: &'a str) -> BoxFuture<'a, Result<(), EngineError>>;
    /// Copies one file in or out; tells the bytes that are done, of how many.
    fn copy<'a>(
        &'a self,
        order: &'a CopyOrder,
        progress: tokio::sync::mpsc::Sender<(u64, u64)>,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        let _ = (order, progress);
        Box::pin(async { Err(EngineError::Other(String::from("this engine copies no files"))) })
    }
    /// Returns the whole inspection, pretty-printed, masked and sanitized.
    fn inspect_text<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<Vec<String>, EngineError>>;
    fn processes<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<ProcessTable, EngineError>>;
    fn disk_usage(&self) -> BoxFuture<'_, Result<EngineDiskUsage, EngineError>>;
    /// Opens a terminal in a container, of so many columns and rows.
    fn shell<'a>(
        &'a self,
        wish: &'a ShellWish,
        size: (u16, u16),
    ) -> BoxFuture<'a, Result<Opening, EngineError>> {
        let _ = (wish, size);
        Box::pin(async { Err(EngineError::Other(String::from("this engine opens no shells"))) })
    }
    /// Returns an image's size in bytes by its id, where the engine says it.
    fn image_bytes<'a>(&'a self, image_id: &'a str) -> BoxFuture<'a, Result<u64, EngineError>>;
}

/// A container whose figures are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRequest {
    pub container: ContainerId,
    pub pid: Option<u32>,
    /// Host and shared namespaces have no network figures of their own.
    pub network_mode: String,
    /// On the screen now.
    pub visible: bool,
}

/// Reads usage. Called once a beat with all running containers; returns what is new since.
pub trait UsageMeter: Send + Sync {
    fn sample(&self, wanted: Vec<UsageRequest>) -> BoxFuture<'_, Vec<UsageSample>>;
}

/// Reads figures of the machine stackdash runs on.
pub trait HostMeter: Send + Sync {
    fn sample(&self) -> BoxFuture<'_, HostSample>;
}

/// Why the Compose CLI did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// There is none.
    #[error(
        "the Compose CLI was not found; install it (Debian and Ubuntu: apt install docker-compose-plugin) so that `docker compose version` answers"
    )]
    Missing,
    /// It refused, in its own words.
    #[error("{0}")]
    Refused(String),
    /// It could not be run, or its answer could not be read.
    #[error("{0}")]
    Failed(String),
}

/// The Compose CLI.
pub trait Compose: Send + Sync {
    /// Resolves a stack's files, with all profiles on.
    fn definition<'a>(
        &'a self,
        project: &'a ComposeProject,
    ) -> BoxFuture<'a, Result<Definition, ComposeError>>;
    /// Runs a verb (`up -d web`); its output goes to `lines` as it comes. Dropping the future ends the
    /// whole process group.
    fn run<'a>(
        &'a self,
        project: &'a ComposeProject,
        args: &'a [String],
        lines: tokio::sync::mpsc::Sender<String>,
    ) -> BoxFuture<'a, Result<(), ComposeError>>;
}

/// What is kept of one engine's timeline from run to run.
pub trait History: Send + Sync {
    /// Reads what was kept since a moment (everything without one): each entry once, oldest first.
    /// Nothing kept yet is no error.
    fn read(&self, since: Option<Timestamp>) -> BoxFuture<'_, Result<Vec<TimelineEntry>, String>>;
    /// Adds entries; says why that cannot be done.
    fn append(&self, entries: Vec<TimelineEntry>) -> BoxFuture<'_, Result<(), String>>;
}

/// Somebody far away who is told of changes.
pub trait Webhook: Send + Sync {
    /// Tells of one change, bounded in time; the error is complete and names no secret.
    fn tell(&self, notification: Notification) -> BoxFuture<'_, Result<(), String>>;
}

/// Everything of the outside that the supervisor is plugged into.
#[derive(Clone)]
pub struct Ports {
    pub engine: Arc<dyn Engine>,
    pub usage: Arc<dyn UsageMeter>,
    pub host: Arc<dyn HostMeter>,
    pub compose: Arc<dyn Compose>,
    /// `None`: nothing is kept.
    pub history: Option<Arc<dyn History>>,
    /// `None`: nobody is told.
    pub webhook: Option<Arc<dyn Webhook>>,
    pub clock: Clock,
}

/// Tells the time: the wall's, or one that moves with tokio's (paused in tests).
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    Wall,
    /// Starts at a fixed moment and follows `tokio::time`, so that tests and pictures repeat.
    Simulated {
        epoch: Timestamp,
        start: tokio::time::Instant,
    },
}

impl Clock {
    /// Makes a simulated clock that reads `epoch` now.
    pub fn simulated(epoch: Timestamp) -> Self {
        Self::Simulated { epoch, start: tokio::time::Instant::now() }
    }

    pub fn now(&self) -> Timestamp {
        match self {
            Self::Wall => Timestamp::now(),
            Self::Simulated { epoch, start } => *epoch + start.elapsed(),
        }
    }

    /// Returns how long until `at`; zero when it has passed.
    pub fn until(&self, at: Timestamp) -> Duration {
        Duration::try_from(at.duration_since(self.now())).unwrap_or(Duration::ZERO)
    }
}
