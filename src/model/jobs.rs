//! A command being carried out, and why.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::containers::ContainerId;
use crate::model::runs::RunTitle;
use crate::model::stacks::Target;
use crate::model::watch::run::{RunAction, RunId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// What a job does to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    Start,
    Stop,
    Restart,
    Pause,
    Unpause,
    Kill(Signal),
    /// Removes what is stopped, with its anonymous volumes.
    Remove,
    Rename,
    /// Copies a file into a container.
    CopyIn,
    /// Copies a file out of a container.
    CopyOut,
    Compose(ComposeVerb),
    /// Runs a program that was typed or that the stack's operator wrote down.
    Run(RunKind),
    /// What the watcher does after files were saved.
    Watch(RunAction),
}

/// What else may go on beside a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunKind {
    /// Anything: it takes nothing away.
    Beside,
    /// Nothing of its stack: it may recreate what the others work on.
    Alone,
}

/// What the Compose CLI is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ComposeVerb {
    Up,
    /// As [`ComposeVerb::Up`] of a whole stack, and removes containers that its files know no more.
    Sweep,
    /// Stops and removes; of a whole stack its networks too.
    Down {
        volumes: bool,
    },
    Recreate,
    Rebuild,
    /// As [`ComposeVerb::Rebuild`], with every step of the build anew.
    RebuildClean,
    Pull,
    /// So many containers of one service.
    Scale(u32),
    /// Pull, build, up, and wait until everything is ready.
    Update,
    /// Back to the images from before the last update.
    GoBack,
}

impl Verb {
    /// Returns the word for a button or a question: `restart`.
    pub fn word(self) -> &'static str {
        self.words().0
    }

    /// Returns the word for something under way: `restarting`.
    pub fn doing(self) -> &'static str {
        self.words().1
    }

    /// Returns the word for something done: `restarted`.
    pub fn done(self) -> &'static str {
        self.words().2
    }

    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Start => ("start", "starting", "started"),
            Self::Stop => ("stop", "stopping", "stopped"),
            Self::Restart => ("restart", "restarting", "restarted"),
            Self::Pause => ("pause", "pausing", "paused"),
            Self::Unpause => ("unpause", "unpausing", "unpaused"),
            Self::Kill(signal) => signal.words(),
            Self::Remove => ("remove", "removing", "removed"),
            Self::Rename => ("rename", "renaming", "renamed"),
            Self::CopyIn => ("copy in", "copying in", "copied in"),
            Self::CopyOut => ("copy out", "copying out", "copied out"),
            Self::Compose(ComposeVerb::Up) => ("bring up", "bringing up", "brought up"),
            Self::Compose(ComposeVerb::Sweep) => {
                ("bring up without orphans", "bringing up without orphans", "brought up without orphans")
            }
            Self::Compose(ComposeVerb::Down { .. }) => ("take down", "taking down", "taken down"),
            Self::Compose(ComposeVerb::Recreate) => ("recreate", "recreating", "recreated"),
            Self::Compose(ComposeVerb::Rebuild) => ("rebuild", "rebuilding", "rebuilt"),
            Self::Compose(ComposeVerb::RebuildClean) => {
                ("rebuild without cache", "rebuilding without cache", "rebuilt without cache")
            }
            Self::Run(_) => ("run", "running", "ran"),
            Self::Watch(RunAction::Rebuild) => ("rebuild", "rebuilding", "rebuilt"),
            Self::Watch(RunAction::Restart) => ("restart", "restarting", "restarted"),
            Self::Watch(_) => ("sync", "syncing", "synced"),
            Self::Compose(ComposeVerb::Pull) => ("pull", "pulling", "pulled"),
            Self::Compose(ComposeVerb::Scale(_)) => ("scale", "scaling", "scaled"),
            Self::Compose(ComposeVerb::Update) => ("update", "updating", "updated"),
            Self::Compose(ComposeVerb::GoBack) => ("go back", "going back", "gone back"),
        }
    }
}

/// A signal that a container's first process can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    Term,
    Kill,
    Hup,
    Int,
    Quit,
    Usr1,
    Usr2,
}

impl Signal {
    pub const ALL: [Self; 7] =
        [Self::Term, Self::Kill, Self::Hup, Self::Int, Self::Quit, Self::Usr1, Self::Usr2];

    pub fn name(self) -> &'static str {
        match self {
            Self::Term => "SIGTERM",
            Self::Kill => "SIGKILL",
            Self::Hup => "SIGHUP",
            Self::Int => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::Usr1 => "SIGUSR1",
            Self::Usr2 => "SIGUSR2",
        }
    }

    /// Returns what programs usually do about it.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Term => "asks it to end",
            Self::Kill => "ends it at once",
            Self::Hup => "often: read the configuration again",
            Self::Int => "as Ctrl-C does",
            Self::Quit => "ends it, often with a dump",
            Self::Usr1 | Self::Usr2 => "what the program makes of it",
        }
    }

    pub fn number(self) -> i32 {
        match self {
            Self::Hup => 1,
            Self::Int => 2,
            Self::Quit => 3,
            Self::Kill => 9,
            Self::Usr1 => 10,
            Self::Usr2 => 12,
            Self::Term => 15,
        }
    }

    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Term => ("send SIGTERM", "sending SIGTERM", "sent SIGTERM"),
            Self::Kill => ("send SIGKILL", "sending SIGKILL", "sent SIGKILL"),
            Self::Hup => ("send SIGHUP", "sending SIGHUP", "sent SIGHUP"),
            Self::Int => ("send SIGINT", "sending SIGINT", "sent SIGINT"),
            Self::Quit => ("send SIGQUIT", "sending SIGQUIT", "sent SIGQUIT"),
            Self::Usr1 => ("send SIGUSR1", "sending SIGUSR1", "sent SIGUSR1"),
            Self::Usr2 => ("send SIGUSR2", "sending SIGUSR2", "sent SIGUSR2"),
        }
    }
}

/// One call of the Compose CLI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComposeOrder {
    pub verb: ComposeVerb,
    pub stack: Arc<str>,
    /// Empty: the whole stack.
    pub services: Vec<Arc<str>>,
    /// Profiles to switch on beside those that are on.
    pub profiles: Vec<String>,
}

/// What a call of Compose in several steps is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    Pulling,
    Building,
    Starting,
    /// Copying files into containers.
    Syncing,
    Restarting,
    /// Running what is to follow a copy.
    Hooking,
    /// Until everything is ready, or is not going to be.
    Waiting,
}

impl Phase {
    /// Returns the words for a phase under way: `waiting for health`.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Pulling => "pulling",
            Self::Building => "building",
            Self::Starting => "starting",
            Self::Syncing => "syncing",
            Self::Restarting => "restarting",
            Self::Hooking => "running the hook",
            Self::Waiting => "waiting for health",
        }
    }

    /// Returns the word for a phase that is over: `pulled`.
    pub fn done(self) -> &'static str {
        match self {
            Self::Pulling => "pulled",
            Self::Building => "built",
            Self::Starting => "started",
            Self::Syncing => "synced",
            Self::Restarting => "restarted",
            Self::Hooking => "hook ran",
            Self::Waiting => "ready",
        }
    }
}

/// The phase that a job is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseNow {
    pub phase: Phase,
    pub since: Timestamp,
    /// Its command line; empty while it waits.
    pub command: String,
}

/// The image that a service ran, and the name by which Compose finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptImage {
    pub service: Arc<str>,
    /// `shop-web`, `nginx:1.27`.
    pub name: String,
    /// `sha256:…`.
    pub id: String,
    /// Name that keeps it from being lost meanwhile.
    pub kept_as: String,
}

/// A file to be copied between a container and this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOrder {
    pub container: ContainerId,
    /// Out of the container, or into it.
    pub out: bool,
    /// Path in the container.
    pub inside: String,
    /// Path on this machine.
    pub outside: PathBuf,
    /// Whether a file that is there already on this machine may be replaced.
    pub overwrite: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    pub verb: Verb,
    pub target: Target,
    pub started_at: Timestamp,
    /// The longest stop timeout among what it stops; SIGKILL follows after it.
    pub stop_timeout: Option<Duration>,
    /// What it has dealt with, of how many: containers, or bytes of a copy.
    pub done: u64,
    pub total: u64,
    /// The exact command line, secrets masked; empty for what the engine does itself.
    pub command: String,
    /// The last line of its output, without what is the same in each.
    pub gist: String,
    /// What Compose was asked for.
    pub order: Option<ComposeOrder>,
    /// Of a job in several steps: the present one.
    pub phase: Option<PhaseNow>,
    /// What is run, of a run.
    pub run: Option<RunTitle>,
    /// The run of the watcher that it carries out.
    pub watch: Option<RunId>,
}

impl Job {
    /// Says what is under way: `restarting`, `running backup-now`.
    pub fn doing(&self) -> String {
        match &self.run {
            Some(title) => format!("{} {}", self.verb.doing(), title.name),
            None => self.verb.doing().to_owned(),
        }
    }
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    Succeeded,
    /// One sentence each: what was tried, what the engine said.
    Failed(Vec<String>),
    /// A program ended with another code than 0; `words`: why, where anybody said.
    Exited {
        code: i64,
        words: String,
    },
    /// It took longer than it was given, and was ended; `words`: what is left of it.
    TimedOut(String),
    Cancelled,
}
