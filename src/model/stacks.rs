//! Stacks and services, and the state that each is in.
//!
//! A stack is a Compose project; its state is the worst of its services that should be up. The rules
//! that find a state live in `state::verdict`.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::containers::{ContainerId, DependsCondition};

/// State of a service, a container or a stack. Ordered worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceState {
    Failed,
    Unhealthy,
    Restarting,
    Blocked,
    Starting,
    Paused,
    Stopped,
    Completed,
    Running,
    Healthy,
    Absent,
}

impl ServiceState {
    pub const ALL: [Self; 11] = [
        Self::Failed,
        Self::Unhealthy,
        Self::Restarting,
        Self::Blocked,
        Self::Starting,
        Self::Paused,
        Self::Stopped,
        Self::Completed,
        Self::Running,
        Self::Healthy,
        Self::Absent,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unhealthy => "unhealthy",
            Self::Restarting => "restarting",
            Self::Blocked => "blocked",
            Self::Starting => "starting",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Completed => "completed",
            Self::Running => "running",
            Self::Healthy => "healthy",
            Self::Absent => "absent",
        }
    }

    /// Returns the mark drawn before the word; see [`ServiceState::ascii_mark`] for its twin.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Failed | Self::Unhealthy => "✗",
            Self::Restarting => "↻",
            Self::Blocked => "◌",
            Self::Starting => "◔",
            Self::Paused => "‖",
            Self::Stopped => "■",
            Self::Completed => "✓",
            Self::Running | Self::Healthy => "●",
            Self::Absent => "○",
        }
    }

    /// Returns the mark for terminals without UTF-8.
    pub fn ascii_mark(self) -> &'static str {
        match self {
            Self::Failed | Self::Unhealthy => "x",
            Self::Restarting => "@",
            Self::Blocked => "~",
            Self::Starting => "-",
            Self::Paused => "=",
            Self::Stopped => "#",
            Self::Completed => "+",
            Self::Running | Self::Healthy => "*",
            Self::Absent => ".",
        }
    }

    /// Whether the attention list speaks of it.
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::Failed | Self::Unhealthy | Self::Restarting | Self::Blocked)
    }

    /// Whether it is up: the "up" of the header's "stacks up/all".
    pub fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Healthy | Self::Starting | Self::Completed)
    }
}

/// How a container's end came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExitCause {
    OnItsOwn,
    /// Somebody stopped it (we saw it, or it ended by its own stop signal).
    OnRequest,
    /// The stop signal was not enough: SIGKILL after the stop timeout.
    StopTimeout,
    /// Somebody killed it with a signal (`docker kill`).
    Killed,
    OutOfMemory,
}

/// How a container ended, spelled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exit {
    pub code: i64,
    pub cause: ExitCause,
}

impl Exit {
    /// Writes `exit code 137 (SIGKILL), out of memory`.
    pub fn describe(&self) -> String {
        let mut text = format!("exit code {}", self.code);
        if let Some(signal) = signal_name(self.code - 128) {
            text.push_str(" (");
            text.push_str(signal);
            text.push(')');
        } else if self.code == 127 {
            text.push_str(" (command not found)");
        } else if self.code == 126 {
            text.push_str(" (command not executable)");
        }
        text.push_str(match self.cause {
            ExitCause::OnItsOwn => "",
            ExitCause::OnRequest => ", stopped on request",
            ExitCause::StopTimeout => ", killed after stop timeout",
            ExitCause::Killed => ", killed by a signal",
            ExitCause::OutOfMemory => ", out of memory",
        });
        text
    }
}

/// Returns the name of a Linux signal by number.
pub fn signal_name(number: i64) -> Option<&'static str> {
    const NAMES: [&str; 31] = [
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGILL",
        "SIGTRAP",
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGKILL",
        "SIGUSR1",
        "SIGSEGV",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGSTKFLT",
        "SIGCHLD",
        "SIGCONT",
        "SIGSTOP",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
        "SIGURG",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGVTALRM",
        "SIGPROF",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
        "SIGSYS",
    ];
    usize::try_from(number - 1).ok().and_then(|index| NAMES.get(index).copied())
}

/// Why something is in its state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reason {
    /// The state says it all.
    #[default]
    None,
    Exited(Exit),
    /// The engine restarts it again and again.
    RestartLoop {
        /// How it ended last.
        exit: Option<Exit>,
        /// As far as they were seen.
        restarts_last_hour: u32,
        /// All that the engine counted.
        restarts: u32,
    },
    WaitsFor {
        service: Arc<str>,
        condition: DependsCondition,
        /// State of what it waits for, and since when.
        state: ServiceState,
        since: Option<Timestamp>,
        /// What lies at the bottom where that is blocked itself, and its state.
        root: Option<(Arc<str>, ServiceState)>,
    },
    HealthFailing {
        streak: u32,
        /// Last output of the check, first line.
        output: String,
    },
    /// The engine could not start it, in its own words.
    StartFailed(String),
    /// Created and left so.
    NeverStarted,
    /// Being removed.
    Removing,
    /// A child process was killed for memory while the container ran on.
    ChildOutOfMemory {
        times: u64,
    },
    /// Some replicas are worse off than others: the state speaks of so many of them.
    Replicas {
        affected: u32,
        of: u32,
        worst: Box<Self>,
    },
    /// Its files have errors.
    Misconfigured {
        errors: u32,
        /// The first of them.
        first: String,
    },
    /// A restart in the last hour that is over.
    Restarted {
        times: u32,
        exit: Option<Exit>,
    },
}

impl Reason {
    /// Says the reason in words, with ages counted to `now`. Empty for [`Reason::None`].
    pub fn describe(&self, now: Timestamp) -> String {
        match self {
            Self::None => String::new(),
            Self::Exited(exit) => exit.describe(),
            Self::RestartLoop { exit, restarts_last_hour, restarts } => {
                let all = if restarts > restarts_last_hour { *restarts } else { 0 };
                let mut text = match (restarts_last_hour, all) {
                    (0, 0) => String::from("restart loop"),
                    (0, all) => format!("restart loop, {all} restarts in all"),
                    (1, 0) => String::from("1 restart in the last hour"),
                    (n, 0) => format!("{n} restarts in the last hour"),
                    (1, all) => format!("1 restart seen in the last hour, {all} in all"),
                    (n, all) => format!("{n} restarts seen in the last hour, {all} in all"),
                };
                if let Some(exit) = exit {
                    text.push_str(", last ");
                    text.push_str(&exit.describe());
                }
                text
            }
            Self::Misconfigured { errors: 1, first } => first.clone(),
            Self::Misconfigured { errors, first } => format!("{errors} errors, first: {first}"),
            Self::WaitsFor { service, condition, state, since, root } => {
                let age = since.map_or_else(String::new, |since| format!(" for {}", age(since, now)));
                let root = root
                    .as_ref()
                    .map_or_else(String::new, |(name, state)| format!("; {name} {}", state.word()));
                format!("waits for {service}: {} ({}{age}{root})", condition.goal(), state.word())
            }
            Self::HealthFailing { streak, output } => {
                let mut text = match streak {
                    0 => String::from("health check failing"),
                    1 => String::from("health check failed once"),
                    n => format!("health check failed {n} times"),
                };
                if !output.is_empty() {
                    text.push_str(": ");
                    text.push_str(output);
                }
                text
            }
            Self::StartFailed(words) => format!("start failed: {words}"),
            Self::NeverStarted => String::from("created, never started"),
            Self::Removing => String::from("being removed"),
            Self::ChildOutOfMemory { times: 1 } => String::from("a child process was killed, out of memory"),
            Self::ChildOutOfMemory { times } => format!("{times} child processes were killed, out of memory"),
            Self::Replicas { affected, of, worst } => {
                let inner = worst.describe(now);
                let sep = if inner.is_empty() { "" } else { ": " };
                format!("{affected} of {of} replicas{sep}{inner}")
            }
            Self::Restarted { times, exit } => {
                let count = if *times == 1 {
                    String::from("restarted once")
                } else {
                    format!("restarted {times} times")
                };
                let how = exit.map_or_else(String::new, |exit| format!(", last {}", exit.describe()));
                format!("{count} in the last hour{how}")
            }
        }
    }
}

/// Writes an age as one or two short units: `4s`, `12m`, `3h 5m`, `6d`.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    duration_words((now.as_second() - since.as_second()).max(0))
}

/// Writes seconds as one or two short units: `4s`, `12m`, `3h 5m`, `6d`.
pub fn duration_words(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 9 {
        format!("{days}d")
    } else if days > 0 {
        if hours > 0 { format!("{days}d {hours}h") } else { format!("{days}d") }
    } else if hours > 0 {
        if minutes > 0 { format!("{hours}h {minutes}m") } else { format!("{hours}h") }
    } else if minutes > 0 {
        format!("{minutes}m")
    } else {
        format!("{seconds}s")
    }
}

/// State with its reason and its age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub state: ServiceState,
    pub reason: Reason,
    pub since: Option<Timestamp>,
}

/// A dependency with its present standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyStatus {
    pub service: Arc<str>,
    pub condition: DependsCondition,
    pub met: bool,
    /// Whether Compose gives up without it.
    pub required: bool,
}

/// One service of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub name: Arc<str>,
    pub verdict: Verdict,
    /// Runs to its end and is done then.
    pub one_shot: bool,
    pub depends_on: Vec<DependencyStatus>,
    /// Replicas by number, then one-off runs.
    pub containers: Vec<ContainerId>,
    /// Containers it has that are no one-off runs.
    pub desired: u32,
    pub running: u32,
    pub image: Arc<str>,
    /// Compose profiles it stands behind; empty: it is always on.
    pub profiles: Vec<String>,
    /// How its containers differ from what its files say now.
    pub drift: Option<Drift>,
}

/// How what runs differs from what the files say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drift {
    /// The files know no such service.
    Gone,
    /// The files name another image.
    Image { runs: String, wanted: String },
    /// Something else of its configuration: `up` would make the container anew.
    Config,
}

impl Drift {
    /// Returns the kind, for a document.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Image { .. } => "image",
            Self::Config => "config",
        }
    }

    /// Says what it is and what to do about it.
    pub fn describe(&self) -> String {
        match self {
            Self::Gone => String::from(
                "orphan: its files know it no more; up leaves it as it is, up --remove-orphans removes it",
            ),
            Self::Image { runs, wanted } => {
                format!("changed in file: it runs {runs}, the file says {wanted}; bringing it up applies it")
            }
            Self::Config => String::from("changed in file; bringing it up applies it"),
        }
    }
}

/// One Compose project, or the containers without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    pub name: Arc<str>,
    pub state: ServiceState,
    /// Sorted by name.
    pub services: Vec<Service>,
    pub config_files: Vec<String>,
    pub working_dir: String,
    /// Whether its files were read; otherwise all we know is from labels.
    pub defined: bool,
    /// Why its files could not be read, in Compose's words. `defined` as well: what is known of them is
    /// from before.
    pub definition_error: Option<String>,
    /// Files of variables that its newest container was made with, beside the usual one.
    pub env_files: Vec<String>,
    /// When its newest container was made; `None`: it has none.
    pub newest: Option<Timestamp>,
    /// A container was made after its files were read, and they may say something else by now.
    pub outdated: bool,
    /// Every profile its services name, sorted.
    pub profiles: Vec<String>,
}

impl Stack {
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| &*service.name == name)
    }
}

/// What a command is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    Stack(Arc<str>),
    Service { stack: Arc<str>, service: Arc<str> },
    Container(ContainerId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exits_are_spelled_out() {
        let exit = |code, cause| Exit { code, cause }.describe();
        assert_eq!(exit(0, ExitCause::OnItsOwn), "exit code 0");
        assert_eq!(exit(137, ExitCause::OutOfMemory), "exit code 137 (SIGKILL), out of memory");
        assert_eq!(exit(137, ExitCause::StopTimeout), "exit code 137 (SIGKILL), killed after stop timeout");
        assert_eq!(exit(143, ExitCause::OnRequest), "exit code 143 (SIGTERM), stopped on request");
        assert_eq!(exit(127, ExitCause::OnItsOwn), "exit code 127 (command not found)");
    }

    #[test]
    fn states_are_ordered_worst_first() {
        let mut sorted = ServiceState::ALL;
        sorted.sort();
        assert_eq!(sorted, ServiceState::ALL);
        assert!(ServiceState::Failed < ServiceState::Healthy);
    }

    #[test]
    fn ages_use_at_most_two_units() {
        assert_eq!(duration_words(4), "4s");
        assert_eq!(duration_words(125), "2m");
        assert_eq!(duration_words(3600 * 3 + 300), "3h 5m");
        assert_eq!(duration_words(86_400 * 2 + 3600), "2d 1h");
        assert_eq!(duration_words(86_400 * 40), "40d");
    }
}
