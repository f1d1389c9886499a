//! The seams to the outside: small object-safe traits in model words.
//!
//! Adapters implement them, the supervisor calls them. Nothing here knows Docker, a file or a terminal.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::Stream;
use jiff::{SignedDuration, Timestamp};

use crate::event::{EngineEvent, EngineInfo, ProcessTable};
use crate::model::compose::{ComposeProject, Definition, Resolved};
use crate::model::containers::{Container, ContainerId};
use crate::model::findings::{Finding, ImageFacts, Standing};
use crate::model::host::{EngineDiskUsage, HostSample};
use crate::model::jobs::{CopyOrder, Signal};
use crate::model::logs::file::{FileNews, Tail};
use crate::model::logs::{LogLine, LogSource};
use crate::model::notify::Notification;
use crate::model::probes::{ProbeAnswer, ProbeRequest};
use crate::model::runs::{ExecEnd, ExecOrder, OutputLine};
use crate::model::secret::{Captured, Secret, SecretFile};
use crate::model::shells::{ShellEnd, ShellWish};
use crate::model::stack_file::StackFile;
use crate::model::timeline::TimelineEntry;
use crate::model::tokens::{
    Approval, Invitation, RefreshFailure, Refreshed, TokenId, TokenProblem, TokenReadings, TokenRequest,
};
use crate::model::usage::UsageSample;
use crate::model::watch::ServiceKey;
use crate::model::watch::run::SyncItem;
use crate::model::watch::tree::{FileChange, Tree, TreeNews};

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
                "Name an engine by --host URL or --context NAME; docker context ls lists the contexts"
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

/// What part of a log file in a container is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRequest {
    /// So many lines from the end at most, where nothing is resumed.
    pub tail: u32,
    /// Goes on where that ended.
    pub resume: Option<Arc<Tail>>,
    /// Stay and wait for more, as long as the container runs.
    pub follow: bool,
}

/// An interactive program in a container, bytes in and out.
pub struct ShellSession {
    /// What it prints; ends when the program does or the engine goes away.
    pub output: BoxStream<'static, Vec<u8>>,
    pub input: tokio::sync::mpsc::Sender<Vec<u8>>,
    /// Whether there is no terminal behind it: nothing echoes what is typed, and lines end in a newline only.
    pub plain: bool,
    /// New sizes of the terminal: columns, rows.
    pub resize: tokio::sync::mpsc::Sender<(u16, u16)>,
    /// How it ended, to be asked for after the output has ended. Never takes long.
    pub end: BoxFuture<'static, ShellEnd>,
    /// Ends the program as a closed terminal would; for when nobody can type `exit` any more.
    pub hang_up: BoxFuture<'static, ()>,
}

/// A program in a container, without a terminal.
pub struct ExecSession {
    /// What it prints; ends when the program does or the engine goes away. A program whose lines are not
    /// taken waits.
    pub lines: tokio::sync::mpsc::Receiver<OutputLine>,
    /// How it ended, to be asked for after the lines have ended. Never takes long.
    pub end: BoxFuture<'static, ExecEnd>,
    /// Ends the program and what it started, as far as the engine allows; says what is left of it. Bounded
    /// in time. To drop a session ends nothing: closing the connection ends no process in a container.
    pub kill: BoxFuture<'static, Killed>,
}

/// What is left of a program that was to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killed {
    /// Nothing.
    Gone,
    /// So many processes took no notice even of SIGKILL, or belong to another user.
    Left(u32),
    /// The image has no shell to look with, or the engine did not answer.
    Unknown,
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
    /// Counts the requests that were made so far; `None` where nobody counts.
    fn calls(&self) -> Option<u64> {
        None
    }
    /// Connects and asks who answers.
    fn connect(&self) -> BoxFuture<'_, Result<EngineInfo, EngineError>>;
    /// Asks for a sign of life; cheap.
    fn ping(&self) -> BoxFuture<'_, Result<(), EngineError>>;
    /// Lists every container, inspected, a bounded number at a time.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Container>, EngineError>>;
    /// As [`Engine::list`], and gives a sketch as soon as the state of each container is certain: of those in
    /// it little else may be known. An engine that has none drops `sketch`.
    fn list_with_sketch(
        &self,
        sketch: tokio::sync::oneshot::Sender<Vec<Container>>,
    ) -> BoxFuture<'_, Result<Vec<Container>, EngineError>> {
        drop(sketch);
        self.list()
    }
    fn inspect<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<Container, EngineError>>;
    /// Streams events from `since` on (past ones first); ends when the connection does.
    fn events(&self, since: Option<Timestamp>) -> BoxStream<'static, Result<EngineEvent, EngineError>>;
    /// Streams batches of lines; ends when the container stops, or at the end without `follow`.
    fn logs(
        &self,
        id: &ContainerId,
        request: LogRequest,
    ) -> BoxStream<'static, Result<Vec<LogLine>, EngineError>>;
    /// Streams what a log file in a container says; with `follow` until the container stops. Changes
    /// nothing and runs nothing in the container.
    fn log_file(
        &self,
        source: &LogSource,
        request: FileRequest,
    ) -> BoxStream<'static, Result<FileNews, EngineError>> {
        let (_, _) = (source, request);
        let error = EngineError::Other(String::from("this engine reads no log files"));
        Box::pin(futures_util::stream::iter([Err(error)]))
    }
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
    /// Reads one file of a container, running or not; refuses what is larger than 1 MiB.
    fn read_file<'a>(
        &'a self,
        id: &'a ContainerId,
        path: &'a str,
    ) -> BoxFuture<'a, Result<SecretFile, EngineError>> {
        let _ = (id, path);
        Box::pin(async { Err(EngineError::Other(String::from("this engine reads no files"))) })
    }
    /// Writes a file of a container with its mode and owner: whole or not at all where the container runs and
    /// has `mv`. What was there stays until the new one has been read back.
    fn write_file<'a>(
        &'a self,
        id: &'a ContainerId,
        file: &'a SecretFile,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        let _ = (id, file);
        Box::pin(async { Err(EngineError::Other(String::from("this engine writes no files"))) })
    }
    /// Runs a program in a running container to its end and takes what it prints, up to 1 MiB.
    fn capture<'a>(
        &'a self,
        id: &'a ContainerId,
        arguments: &'a [String],
    ) -> BoxFuture<'a, Result<Captured, EngineError>> {
        let _ = (id, arguments);
        Box::pin(async { Err(EngineError::Other(String::from("this engine runs no programs"))) })
    }
    /// Returns a variable of a container's environment as it is; inspections have it masked.
    fn variable<'a>(
        &'a self,
        id: &'a ContainerId,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Secret>, EngineError>> {
        let _ = (id, name);
        Box::pin(async { Err(EngineError::Other(String::from("this engine tells no variables"))) })
    }
    /// Returns the id of the image that a name stands for now.
    fn image_id<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, EngineError>> {
        let _ = name;
        Box::pin(async { Err(EngineError::Other(String::from("this engine tells nothing of images"))) })
    }
    /// Copies files into a running container and removes what is not there any more, with modes kept; says what
    /// could not be done, and does the rest.
    fn sync<'a>(
        &'a self,
        id: &'a ContainerId,
        items: &'a [SyncItem],
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        let (_, _) = (id, items);
        Box::pin(async { Err(EngineError::Other(String::from("this engine copies no files"))) })
    }
    /// Gives an image a name; the image that had it loses it.
    fn tag<'a>(&'a self, image_id: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), EngineError>> {
        let _ = (image_id, name);
        Box::pin(async { Err(EngineError::Other(String::from("this engine names no images"))) })
    }
    /// Takes a name from an image; without another name and a container it goes.
    fn untag<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), EngineError>> {
        let _ = name;
        Box::pin(async { Err(EngineError::Other(String::from("this engine names no images"))) })
    }
    /// Removes a volume; one that a container has, running or not, is refused.
    fn remove_volume<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), EngineError>> {
        let _ = name;
        Box::pin(async { Err(EngineError::Other(String::from("this engine removes no volumes"))) })
    }
    /// Runs a program without a terminal and without input.
    fn exec<'a>(&'a self, order: &'a ExecOrder) -> BoxFuture<'a, Result<ExecSession, EngineError>> {
        let _ = order;
        Box::pin(async { Err(EngineError::Other(String::from("this engine runs no programs"))) })
    }
    /// Returns an image's size in bytes by its id, where the engine says it.
    fn image_bytes<'a>(&'a self, image_id: &'a str) -> BoxFuture<'a, Result<u64, EngineError>>;
    /// Returns what an image on the engine says, and which of these programs it has. Changes nothing.
    fn image_facts<'a>(
        &'a self,
        image: &'a str,
        programs: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<ImageFacts, EngineError>> {
        let _ = (image, programs);
        Box::pin(async { Err(EngineError::Other(String::from("this engine tells nothing of its images"))) })
    }
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
    /// Wanted with this beat. Others keep what is open for them, and are read with one of the next.
    pub due: bool,
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
    /// What it ran ended with another code than 0; its last words.
    #[error("{words}")]
    Exited { code: i32, words: String },
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
    /// Resolves a stack's files to the whole document, with all profiles on. `stand_ins`: values for
    /// variables that are not set, so that Compose goes on.
    fn resolve<'a>(
        &'a self,
        project: &'a ComposeProject,
        stand_ins: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<Resolved, ComposeError>> {
        let _ = (project, stand_ins);
        Box::pin(async { Err(ComposeError::Missing) })
    }
    /// Runs a verb (`up -d web`); its output goes to `lines` as it comes, progress among the errors. Dropping the future ends the
    /// whole process group.
    fn run<'a>(
        &'a self,
        project: &'a ComposeProject,
        args: &'a [String],
        lines: tokio::sync::mpsc::Sender<OutputLine>,
    ) -> BoxFuture<'a, Result<(), ComposeError>>;
}

/// Judges a stack's configuration.
pub trait Linter: Send + Sync {
    /// Returns what is wrong with a stack's files, worst first; the error says why they could not be
    /// looked at. Bounded in time.
    fn findings<'a>(
        &'a self,
        project: &'a ComposeProject,
        standing: Standing,
    ) -> BoxFuture<'a, Result<Vec<Finding>, ComposeError>>;
}

/// The stacks' own files.
pub trait StackFiles: Send + Sync {
    /// Reads `stackdash.toml` in a folder; an empty one where there is none. The error has a line for each
    /// fault: `file:line: what`.
    fn read<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<StackFile, String>>;
}

/// Sources of tokens: the only room that ever holds a secret.
pub trait TokenSource: Send + Sync {
    /// Looks at what a rule names, bounded in time.
    fn read<'a>(&'a self, request: &'a TokenRequest) -> BoxFuture<'a, Result<TokenReadings, TokenProblem>>;
    /// Has a token refreshed, or finds that it was a moment ago. `token`: which of a document's many.
    fn refresh<'a>(
        &'a self,
        request: &'a TokenRequest,
        token: &'a TokenId,
    ) -> BoxFuture<'a, Result<Refreshed, RefreshFailure>>;
    /// Asks for an address that a human being opens to authorize a token anew; the error is complete and says
    /// what to do next.
    fn authorize<'a>(
        &'a self,
        _request: &'a TokenRequest,
        token: &'a TokenId,
    ) -> BoxFuture<'a, Result<Invitation, String>> {
        Box::pin(async { Err(format!("{} cannot be authorized from here", token.name)) })
    }
    /// Asks whether that has happened; the error is a look in vain, after which another is worth it.
    fn approval<'a>(
        &'a self,
        _request: &'a TokenRequest,
        _token: &'a TokenId,
    ) -> BoxFuture<'a, Result<Approval, String>> {
        Box::pin(async { Ok(Approval::Pending) })
    }
}

/// HTTP checks of our own.
pub trait Prober: Send + Sync {
    /// Makes one attempt, bounded in time and size.
    fn probe<'a>(&'a self, request: &'a ProbeRequest) -> BoxFuture<'a, ProbeAnswer>;
}

/// Files that may be written by others.
pub trait FileWatch: Send + Sync {
    /// Tells which of these files were written, have come or have gone, in batches, until the stream is
    /// dropped; they need not exist. What cannot be watched is told as an error, and the rest goes on.
    fn watch(&self, files: BTreeSet<PathBuf>) -> BoxStream<'static, Result<BTreeSet<PathBuf>, String>>;
}

/// What is watched now.
pub type WantedTrees = tokio::sync::watch::Receiver<Arc<BTreeSet<Arc<Tree>>>>;

/// Trees of source files: compared by contents, so that a touch or an undo is no change.
pub trait TreeWatch: Send + Sync {
    /// Watches what is wanted, as that changes, until the stream is dropped or nobody wants anything any more.
    fn watch(&self, wanted: WantedTrees) -> BoxStream<'static, TreeNews>;
    /// Keeps what a tree holds after these changes: what differs from it at the next start is told then.
    fn keep<'a>(&'a self, tree: &'a Tree, changes: &'a [FileChange]) -> BoxFuture<'a, Result<(), String>>;
    /// Returns what was watched in an earlier run, a stack and a service each.
    fn watched(&self) -> BoxFuture<'_, Result<Vec<ServiceKey>, String>>;
    fn keep_watched<'a>(&'a self, watched: &'a [ServiceKey]) -> BoxFuture<'a, Result<(), String>>;
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

/// Other stackdashes of this host: one at a time works on a stack as a whole.
pub trait Turns: Send + Sync {
    /// Asks for the turn on a stack; never waits. `doing`: what for (`updating`), for the others. `alone`: as
    /// Compose works, else beside others that are not alone. The error says who is at it; none is granted
    /// where nobody can tell.
    fn take(&self, stack: &str, doing: &str, alone: bool) -> Result<Option<Turn>, String>;
}

/// Held as long as it lives.
pub type Turn = Box<dyn std::any::Any + Send>;

/// Everything of the outside that the supervisor is plugged into.
#[derive(Clone)]
pub struct Ports {
    pub engine: Arc<dyn Engine>,
    pub usage: Arc<dyn UsageMeter>,
    pub host: Arc<dyn HostMeter>,
    pub compose: Arc<dyn Compose>,
    /// `None`: nobody asks for findings.
    pub linter: Option<Arc<dyn Linter>>,
    pub stack_files: Arc<dyn StackFiles>,
    pub tokens: Arc<dyn TokenSource>,
    pub prober: Arc<dyn Prober>,
    /// `None`: files are read once.
    pub files: Option<Arc<dyn FileWatch>>,
    /// `None`: no sources are watched.
    pub trees: Option<Arc<dyn TreeWatch>>,
    /// `None`: nothing is kept.
    pub history: Option<Arc<dyn History>>,
    /// `None`: nobody else is there.
    pub turns: Option<Arc<dyn Turns>>,
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
    /// As [`Clock::Simulated`], and somebody sets it: so many seconds are added, or taken off.
    Adjusted {
        epoch: Timestamp,
        start: tokio::time::Instant,
        seconds: &'static AtomicI64,
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
            Self::Adjusted { epoch, start, seconds } => {
                *epoch + start.elapsed() + SignedDuration::from_secs(seconds.load(Ordering::SeqCst))
            }
        }
    }

    /// Returns how long until `at`; zero when it has passed.
    pub fn until(&self, at: Timestamp) -> Duration {
        Duration::try_from(at.duration_since(self.now())).unwrap_or(Duration::ZERO)
    }
}
