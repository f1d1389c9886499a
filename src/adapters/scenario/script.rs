//! The shape of a scenario file: who exists at the beginning, and what happens to them.
//!
//! Reads and checks the text; knows nothing of how it is played.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use toml::Spanned;

use crate::adapters::scenario::logs;
use crate::adapters::scenario::units::{MountSpec, PortSpec, Size, Span};
use crate::model::containers::DependsCondition;
use crate::model::logs::{LogLevel, LogStream};

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
    pub folder: Option<String>,
    #[serde(default)]
    pub files: Vec<String>,
    #[serde(default)]
    pub network: Option<String>,
    #[serde(rename = "service")]
    pub services: Vec<ServiceScript>,
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
        Self { base: Size(48_000_000), swing: Size(3_000_000), period: Span(Duration::from_secs(240)) }
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

/// A way of writing log lines.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogStyle {
    pub lines: Vec<LogTemplate>,
    /// Written at each start, in this order.
    #[serde(default)]
    pub start: Vec<LogTemplate>,
    /// Written when it is asked to stop.
    #[serde(default)]
    pub stop: Vec<LogTemplate>,
    /// Written when it crashes.
    #[serde(default)]
    pub crash: Vec<LogTemplate>,
    /// Lists to choose from: `{path}` takes one of `words.path`.
    #[serde(default)]
    pub words: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogTemplate {
    /// With placeholders in braces; more than one line is written at once.
    pub text: Spanned<String>,
    #[serde(default)]
    pub level: Option<Level>,
    #[serde(default = "one")]
    pub weight: u32,
    #[serde(default)]
    pub stderr: bool,
    #[serde(default)]
    pub when: When,
}

impl LogTemplate {
    pub fn stream(&self) -> LogStream {
        if self.stderr { LogStream::Stderr } else { LogStream::Stdout }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    #[default]
    Always,
    /// Only while its health check fails.
    Sick,
    /// Only while it does not.
    Well,
}

/// One engine event of the time before.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    pub ago: Span,
    pub who: Spanned<String>,
    pub what: PastEvent,
    #[serde(default)]
    pub exit_code: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PastEvent {
    Created,
    Started,
    Died,
    Stopped,
    Killed,
    Restarted,
    OutOfMemory,
    Healthy,
    Unhealthy,
}

/// Something that happens at a set time, once or again and again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Happening {
    pub at: Span,
    /// Again after so long.
    pub every: Option<Span>,
    /// Each time up to so much later, by chance.
    #[serde(default)]
    pub jitter: Span,
    /// `stack/service`, or the name of a container without a stack; empty for the connection.
    pub who: Option<Spanned<String>>,
    pub what: HappeningKind,
    /// What a failing check prints.
    #[serde(default)]
    pub output: String,
    /// Of the check, or of the crash.
    #[serde(default = "one_code")]
    pub exit_code: i64,
    /// Crashes in a row.
    #[serde(default = "one")]
    pub times: u32,
    /// How long it runs between two crashes.
    #[serde(default)]
    pub after: Span,
    /// Length of a burst.
    #[serde(default)]
    pub lines: u32,
    /// How long the connection is gone.
    #[serde(default)]
    pub lasts: Span,
}

fn one_code() -> i64 {
    1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HappeningKind {
    Fail,
    Recover,
    Crash,
    OutOfMemory,
    Pause,
    Unpause,
    Stop,
    Start,
    Restart,
    Burst,
    Disconnect,
}

/// What happens, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Its health check fails from now on.
    Fail {
        output: String,
        exit_code: i64,
    },
    /// Its health check passes again.
    Recover,
    /// It ends by itself; `times`: after each restart again.
    Crash {
        exit_code: i64,
        times: u32,
        after: Duration,
    },
    /// The kernel kills it for memory.
    OutOfMemory,
    Pause,
    Unpause,
    /// Somebody stops, starts or restarts it behind our back.
    Stop,
    Start,
    Restart,
    /// So many lines of its log at once.
    Burst {
        lines: u32,
    },
    /// The connection to the engine breaks.
    Disconnect {
        lasts: Duration,
    },
}

impl Happening {
    pub fn what(&self) -> What {
        match self.what {
            HappeningKind::Fail => What::Fail { output: self.output.clone(), exit_code: self.exit_code },
            HappeningKind::Recover => What::Recover,
            HappeningKind::Crash => {
                What::Crash { exit_code: self.exit_code, times: self.times, after: self.after.0 }
            }
            HappeningKind::OutOfMemory => What::OutOfMemory,
            HappeningKind::Pause => What::Pause,
            HappeningKind::Unpause => What::Unpause,
            HappeningKind::Stop => What::Stop,
            HappeningKind::Start => What::Start,
            HappeningKind::Restart => What::Restart,
            HappeningKind::Burst => What::Burst { lines: self.lines },
            HappeningKind::Disconnect => What::Disconnect { lasts: self.lasts.0 },
        }
    }
}

impl Script {
    /// Reads a scenario; an error names the line.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let script: Self = toml::from_str(text).context("scenario")?;
        script.check(text)?;
        Ok(script)
    }

    /// Checks what refers to something else.
    fn check(&self, text: &str) -> anyhow::Result<()> {
        let line = |offset: usize| text.get(..offset).map_or(1, |head| head.matches('\n').count() + 1);
        for stack in &self.stacks {
            for service in &stack.services {
                for dep in service.depends_on.keys() {
                    if !stack.services.iter().any(|other| other.name == *dep.get_ref()) {
                        let line = line(dep.span().start);
                        bail!(
                            "scenario, line {line}: depends_on: {} has no service {}",
                            stack.name,
                            dep.get_ref()
                        );
                    }
                }
            }
        }
        let services = self.stacks.iter().flat_map(|stack| &stack.services).chain(&self.containers);
        for style in services.filter_map(|service| service.log.as_ref()) {
            if !self.logs.contains_key(style.get_ref()) {
                let line = line(style.span().start);
                bail!("scenario, line {line}: log: there is no [logs.{}]", style.get_ref());
            }
        }
        for style in self.logs.values() {
            for template in style.lines.iter().chain(&style.start).chain(&style.stop).chain(&style.crash) {
                if let Some(unknown) = logs::unknown_placeholder(template.text.get_ref(), &style.words) {
                    let line = line(template.text.span().start);
                    bail!("scenario, line {line}: text: nothing is known to put for {{{unknown}}}");
                }
            }
        }
        let named = self.past.iter().map(|past| &past.who);
        let named = named.chain(self.happenings.iter().filter_map(|happening| happening.who.as_ref()));
        for who in named {
            if !self.knows(who.get_ref()) {
                let line = line(who.span().start);
                bail!("scenario, line {line}: who: there is no {} (write stack/service)", who.get_ref());
            }
        }
        for (index, happening) in self.happenings.iter().enumerate() {
            let about_connection = happening.what == HappeningKind::Disconnect;
            if happening.who.is_none() && !about_connection {
                bail!("scenario, happening {}: who is missing", index + 1);
            }
        }
        Ok(())
    }

    fn knows(&self, who: &str) -> bool {
        match who.split_once('/') {
            Some((stack, service)) => self
                .stacks
                .iter()
                .any(|s| s.name == stack && s.services.iter().any(|other| other.name == service)),
            None => self.containers.iter().any(|container| container.name == who),
        }
    }
}
