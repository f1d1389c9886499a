//! One replica or one-off run of a service, as the engine describes it.
//!
//! Everything here is already fit to be shown: names are sanitized and secret values are masked
//! before a [`Container`] is made. Knows nothing of stacks' states; those are derived in `state`.

#[cfg(test)]
pub mod fixture;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::health::{Health, HealthCheck, HealthSettings};
use crate::model::stack_file::LabelRules;

/// The engine's full id of a container (64 hex digits).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerId(Arc<str>);

impl ContainerId {
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first 12 characters, as the Docker CLI shows an id.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

/// The engine's own word for what a container is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RunState {
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
    /// A word this version does not know (another engine's, say).
    #[default]
    Unknown,
}

impl RunState {
    /// Returns the engine's word, as `docker ps` prints it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
        }
    }

    /// Parses the engine's word; anything unknown is [`RunState::Unknown`].
    pub fn parse(word: &str) -> Self {
        match word {
            "created" => Self::Created,
            "running" => Self::Running,
            "paused" => Self::Paused,
            "restarting" => Self::Restarting,
            "removing" => Self::Removing,
            "exited" => Self::Exited,
            "dead" => Self::Dead,
            _ => Self::Unknown,
        }
    }

    /// Whether processes of the container exist (running, paused).
    pub fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

/// What a service waits for before Compose starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DependsCondition {
    Started,
    Healthy,
    CompletedSuccessfully,
}

impl DependsCondition {
    /// Returns Compose's word, as it stands in a compose file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "service_started",
            Self::Healthy => "service_healthy",
            Self::CompletedSuccessfully => "service_completed_successfully",
        }
    }

    /// Returns the short word for what is waited for: `healthy`.
    pub fn goal(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Healthy => "healthy",
            Self::CompletedSuccessfully => "completed",
        }
    }

    pub fn parse(word: &str) -> Self {
        match word {
            "service_healthy" => Self::Healthy,
            "service_completed_successfully" => Self::CompletedSuccessfully,
            _ => Self::Started,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    pub service: Arc<str>,
    pub condition: DependsCondition,
    /// Whether Compose gives up without it. Labels do not tell; there it is taken for granted.
    pub required: bool,
}

/// One port of a container, published or only exposed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// Host address it is published on; `None`: exposed only.
    pub host_ip: Option<String>,
    pub host_port: Option<u16>,
    pub container_port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

impl fmt::Display for Port {
    /// Writes `0.0.0.0:8000->8000/tcp`, or `8000/tcp` where nothing is published.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(host_port) = self.host_port {
            let ip = self.host_ip.as_deref().unwrap_or("0.0.0.0");
            if ip.contains(':') {
                write!(f, "[{ip}]:{host_port}->")?;
            } else {
                write!(f, "{ip}:{host_port}->")?;
            }
        }
        write!(f, "{}/{}", self.container_port, self.protocol)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// `bind`, `volume`, `tmpfs`, …: the engine's word.
    pub kind: String,
    /// Volume name or host path.
    pub source: String,
    pub destination: String,
    pub writable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    pub name: String,
    pub ip: String,
    pub aliases: Vec<String>,
}

/// The Compose facts that a container's labels carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComposeLabels {
    pub project: Arc<str>,
    pub service: Arc<str>,
    /// Replica number, from 1; 0 where the label is missing.
    pub number: u32,
    pub one_off: bool,
    /// Absolute paths, as far as the labels allow.
    pub config_files: Vec<String>,
    pub working_dir: String,
    /// Files of variables that Compose was given beside the usual one.
    pub env_files: Vec<String>,
    pub config_hash: String,
    /// Version of the Compose CLI that made the container.
    pub version: String,
    pub depends_on: Vec<Dependency>,
    /// What labels of our own say, where there are any.
    pub rules: Option<Arc<LabelRules>>,
}

/// One container, as the last list or inspect told it.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    pub id: ContainerId,
    /// Without the leading slash.
    pub name: Arc<str>,
    pub image: Arc<str>,
    /// Image id, `sha256:…`.
    pub image_id: String,
    pub compose: Option<ComposeLabels>,
    pub run: RunState,
    pub health: Health,
    /// Last results, oldest first; the engine keeps five.
    pub health_log: Vec<HealthCheck>,
    pub failing_streak: u32,
    pub health_settings: Option<HealthSettings>,
    /// Known only when it has ended (or when the engine gave one for a failed start).
    pub exit_code: Option<i64>,
    pub oom_killed: bool,
    /// The engine's own sentence about a failed start; empty: none.
    pub error: String,
    /// Crash restarts by the engine's restart policy; `docker restart` does not count.
    pub restart_count: u32,
    /// `no`, `always`, `unless-stopped`, `on-failure`, or empty where none was asked for.
    pub restart_policy: String,
    /// Signal that a stop sends first, by number (15: SIGTERM).
    pub stop_signal: i32,
    /// Seconds between the stop signal and SIGKILL.
    pub stop_timeout_s: u32,
    /// Process id of the first process on the engine's host; `None` when not running.
    pub pid: Option<u32>,
    pub created_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub ports: Vec<Port>,
    pub mounts: Vec<Mount>,
    pub networks: Vec<Network>,
    /// `host`, `bridge`, `service:x`, …
    pub network_mode: String,
    /// Names with values; secret values are already masked.
    pub env: Vec<(String, String)>,
    pub command: String,
    pub user: String,
    pub tty: bool,
    /// Whether its first process takes input although nobody is attached.
    pub stdin_open: bool,
    /// Bytes; `None`: no limit.
    pub memory_limit: Option<u64>,
    pub log_driver: String,
}

impl Container {
    /// Returns the stack this container belongs to, `(no stack)` without Compose labels.
    pub fn stack_name(&self) -> Arc<str> {
        self.compose.as_ref().map_or_else(no_stack, |c| c.project.clone())
    }

    /// Returns the service it is a replica of, its own name without Compose labels.
    pub fn service_name(&self) -> Arc<str> {
        self.compose.as_ref().map_or_else(|| self.name.clone(), |c| c.service.clone())
    }
}

/// Name of the stack that holds containers without Compose labels.
pub const NO_STACK: &str = "(no stack)";

fn no_stack() -> Arc<str> {
    Arc::from(NO_STACK)
}
