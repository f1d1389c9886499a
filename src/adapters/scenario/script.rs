//! The shape of a scenario file: who exists at the beginning, and what happens to them.
//!
//! Knows nothing of how it is played.

mod check;
mod happenings;
pub mod sources;
mod styles;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::adapters::scenario::script::sources::SourcesScript;
use crate::adapters::scenario::units::{MountSpec, PortSpec, Size, Span};
use crate::model::containers::DependsCondition;

pub use happenings::{Happening, HappeningKind, Past, PastEvent, What};
pub use styles::{LogStyle, LogTemplate, When};

/// A whole scenario.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    #[serde(default)]
    pub engine: EngineScript,
    /// Ways of writing log lines, by name; services refer to them.
    #[serde(default)]
    pub logs: BTreeMap<String, LogStyle>,
    #[serde(default, rename = "stack")]
    pub stacks: Vec<StackScript>,
    /// Containers without Compose labels.
    #[serde(default, rename = "container")]
    pub containers: Vec<ServiceScript>,
    /// What the engine remembers of the hours before.
    #[serde(default, rename = "past")]
    pub past: Vec<Past>,
    #[serde(default, rename = "happening")]
    pub happenings: Vec<Happening>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineScript {
    pub version: String,
    pub api: String,
    pub cpus: u32,
    pub memory: Size,
    /// Another number, another set of figures and log lines.
    pub seed: u64,
    /// Never lets anyone in, and says this.
    pub refuses: Option<String>,
}

impl Default for EngineScript {
    fn default() -> Self {
        Self {
            version: String::from("28.5.1"),
            api: String::from("1.51"),
            cpus: 4,
            memory: Size(16 << 30),
            seed: 1,
            refuses: None,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackScript {
    pub name: String,
    #[serde(default)]
    pub folder: Option<PathBuf>,
    #[serde(default)]
    pub files: Vec<String>,
    #[serde(default)]
    pub network: Option<String>,
    /// Text of the `stackdash.toml` in its folder.
    #[serde(default)]
    pub stackdash: Option<String>,
    #[serde(rename = "service")]
    pub services: Vec<ServiceScript>,
    /// Services that its files name and nobody ever created.
    #[serde(default)]
    pub absent: Vec<AbsentScript>,
    /// What is wrong with its files.
    #[serde(default, rename = "finding")]
    pub findings: Vec<FindingScript>,
    /// What the tokens of its rules live through.
    #[serde(default, rename = "token")]
    pub tokens: Vec<TokenScript>,
    /// What the probes of its rules are answered.
    #[serde(default, rename = "probe")]
    pub probes: Vec<ProbeScript>,
}

/// What one probe is answered while its service is well, and while it is sick.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeScript {
    pub service: String,
    /// Name of its rule in `stackdash`.
    pub rule: String,
    pub status: Option<String>,
    pub version: Option<String>,
    /// Milliseconds to an answer, about.
    #[serde(default = "default_latency")]
    pub latency: u64,
    /// How old what its rule calls stale is.
    pub last: Option<Span>,
    /// The service whose illness it shows; its own where none is named.
    pub depends: Option<String>,
    /// What it says then.
    pub sick: Option<String>,
}

fn default_latency() -> u64 {
    4
}

/// One token: each lives as long as the one before.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenScript {
    /// Name of its rule in `stackdash`.
    pub rule: String,
    /// Which of a document's many.
    #[serde(default)]
    pub label: Option<String>,
    pub life: Span,
    /// What is left of the first one at the beginning.
    #[serde(default)]
    pub left: Option<Span>,
    /// How long before the end its owner fetches a new one by itself.
    #[serde(default)]
    pub renews: Option<Span>,
    /// How whoever wants it refreshed is refused.
    #[serde(default)]
    pub refuses: Option<String>,
    /// The address that authorizes it anew, and how long after it was asked for somebody approves.
    #[serde(default)]
    pub authorizes: Option<String>,
    #[serde(default)]
    pub approves: Option<Span>,
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingScript {
    pub severity: SeverityScript,
    pub rule: String,
    pub service: Option<String>,
    pub message: String,
    pub fix: String,
    pub line: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeverityScript {
    Error,
    Warning,
    Info,
}

impl StackScript {
    pub fn folder(&self) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| PathBuf::from(format!("/srv/{}", self.name)))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbsentScript {
    pub name: String,
    pub image: String,
    #[serde(default)]
    pub profiles: Vec<String>,
    #[serde(default)]
    pub depends_on: BTreeMap<Spanned<String>, Condition>,
    #[serde(default)]
    pub ports: Vec<PortSpec>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceScript {
    pub name: String,
    /// Where it differs from `stack-service-1`.
    pub container_name: Option<String>,
    pub image: String,
    #[serde(default = "default_image_size")]
    pub image_size: Size,
    #[serde(default)]
    pub command: String,
    #[serde(default)]
    pub user: String,
    #[serde(default)]
    pub tty: bool,
    #[serde(default = "one")]
    pub replicas: u32,
    #[serde(default)]
    pub restart: RestartPolicy,
    #[serde(default)]
    pub ports: Vec<PortSpec>,
    #[serde(default)]
    pub mounts: Vec<MountSpec>,
    /// Profiles it stands behind.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// `NAME=value`.
    #[serde(default)]
    pub env: Vec<String>,
    #[serde(default)]
    pub depends_on: BTreeMap<Spanned<String>, Condition>,
    pub memory_limit: Option<Size>,
    pub health: Option<HealthScript>,
    #[serde(default)]
    pub stop: StopScript,
    /// Runs so long and ends then by itself: a one-shot.
    pub runs_for: Option<Span>,
    /// How it ends by itself.
    #[serde(default)]
    pub ends_with: i64,
    /// The engine cannot start it, and says this.
    pub start_error: Option<String>,
    /// Whether building or pulling brings another image…
    #[serde(default)]
    pub update: bool,
    /// …whose health check fails and prints this.
    pub update_sick: Option<String>,
    /// Its build fails, and says this.
    pub build_error: Option<String>,
    #[serde(default)]
    pub begins: Beginning,
    #[serde(default)]
    pub cpu: Wave,
    #[serde(default)]
    pub memory: MemoryShape,
    #[serde(default)]
    pub traffic: Traffic,
    /// Name of a style in `[logs]`; none: it writes nothing.
    pub log: Option<Spanned<String>>,
    /// Lines a second, more or less.
    #[serde(default = "default_log_rate")]
    pub log_rate: f64,
    /// Command lines of its processes; none: just its command.
    #[serde(default)]
    pub processes: Vec<String>,
    #[serde(default)]
    pub stdin_open: bool,
    /// Programs in it, and what they do.
    #[serde(default)]
    pub programs: Vec<ProgramScript>,
    /// How its sources are watched and saved.
    pub sources: Option<SourcesScript>,
}

/// A program that begins with these arguments.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramScript {
    pub run: Vec<String>,
    #[serde(default)]
    pub lines: Vec<String>,
    #[serde(default)]
    pub takes: Option<Span>,
    #[serde(default)]
    pub exit_code: i64,
}

fn one() -> u32 {
    1
}

fn default_image_size() -> Size {
    Size(180_000_000)
}

fn default_log_rate() -> f64 {
    0.5
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    #[default]
    No,
    Always,
    UnlessStopped,
    OnFailure,
}

impl RestartPolicy {
    pub fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Always => "always",
            Self::UnlessStopped => "unless-stopped",
            Self::OnFailure => "on-failure",
        }
    }

    /// Whether an end that nobody asked for is followed by a start.
    pub fn restarts(self, exit_code: i64) -> bool {
        match self {
            Self::No => false,
            Self::Always | Self::UnlessStopped => true,
            Self::OnFailure => exit_code != 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    Started,
    Healthy,
    Completed,
}

impl From<Condition> for DependsCondition {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Started => Self::Started,
            Condition::Healthy => Self::Healthy,
            Condition::Completed => Self::CompletedSuccessfully,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthScript {
    pub test: String,
    #[serde(default = "thirty_seconds")]
    pub interval: Span,
    #[serde(default = "thirty_seconds")]
    pub timeout: Span,
    #[serde(default)]
    pub start_period: Span,
    #[serde(default = "three")]
    pub retries: u32,
    /// How long one check takes, more or less.
    #[serde(default = "default_check")]
    pub takes: Span,
    /// What a passing check prints.
    #[serde(default)]
    pub output: String,
}

fn thirty_seconds() -> Span {
    Span(Duration::from_secs(30))
}

fn default_check() -> Span {
    Span(Duration::from_millis(40))
}

fn three() -> u32 {
    3
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StopScript {
    /// From the stop signal to its end.
    pub takes: Span,
    /// Does not listen: killed after the timeout.
    pub ignores: bool,
    pub timeout: Span,
    pub exit_code: i64,
}

impl Default for StopScript {
    fn default() -> Self {
        let span = |ms| Span(Duration::from_millis(ms));
        Self { takes: span(400), ignores: false, timeout: span(10_000), exit_code: 0 }
    }
}

/// What a container is doing when the scenario begins.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Beginning {
    pub state: BeginState,
    /// How long it has been so.
    pub since: Option<Span>,
    /// For one that has ended: how long it had run.
    pub ran: Option<Span>,
    pub exit_code: Option<i64>,
    pub out_of_memory: bool,
    /// Somebody had stopped it.
    pub on_request: bool,
    /// Its check fails from the beginning on, and prints this.
    pub sick: Option<String>,
    /// For how long the check has been failing already.
    pub sick_since: Option<Span>,
    pub restarts: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BeginState {
    #[default]
    Running,
    Paused,
    Exited,
    /// Ends again and again, each time a few seconds after its start.
    Restarting,
    /// Created; started as soon as what it waits for is there.
    Created,
}

/// A figure that moves: a slow wave, a quick one, now and then a spike.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wave {
    pub base: f64,
    /// Height of the slow wave.
    pub swing: f64,
    pub period: Span,
    pub noise: f64,
    /// Height of spikes.
    pub spike: f64,
    /// Time from spike to spike, more or less.
    pub spike_every: Span,
}

impl Default for Wave {
    fn default() -> Self {
        let seconds = |s| Span(Duration::from_secs(s));
        Self { base: 0.5, swing: 0.3, period: seconds(90), noise: 0.3, spike: 0.0, spike_every: seconds(60) }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryShape {
    pub base: Size,
    /// How far it wanders up and down.
    pub swing: Size,
    pub period: Span,
}

impl Default for MemoryShape {
    fn default() -> Self {
        Self { base: Size(48_000_000), swing: Size(3_000_000), period: Span(Duration::from_mins(4)) }
    }
}

/// Bytes a second, on average.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Traffic {
    pub rx: Size,
    pub tx: Size,
    pub read: Size,
    pub write: Size,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { rx: Size(900), tx: Size(1400), read: Size(0), write: Size(600) }
    }
}
