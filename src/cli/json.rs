//! The shapes of our JSON: a contract with scripts. Keys may be added, never removed.
//!
//! The model knows nothing of them: each document is made from it here. Times are RFC 3339 in UTC with
//! milliseconds, sizes are bytes, ids have 12 digits, and what is not known is `null`.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::cli::headless::Figures;
use crate::model::containers::{Container, NO_STACK};
use crate::model::health::HealthCheck;
use crate::model::logs::LogLine;
use crate::model::stacks::{Service, Stack};
use crate::model::timeline::{Severity, TimelineEntry};
use crate::model::usage::UsageSample;
use crate::state::State;
use crate::state::containers::Entry;

/// Lists whose subject this version does not know yet; their keys are part of the contract.
type Empty = [(); 0];

/// `status --format json`.
#[derive(Serialize)]
pub struct StatusDocument<'a> {
    engine: EngineDocument<'a>,
    stacks: Vec<StackDocument<'a>>,
}

#[derive(Serialize)]
struct EngineDocument<'a> {
    host: &'a str,
    name: Option<&'a str>,
    version: Option<&'a str>,
    api: Option<&'a str>,
    connected: bool,
}

#[derive(Serialize)]
struct StackDocument<'a> {
    name: &'a str,
    state: &'static str,
    variant: Option<&'a str>,
    files: &'a [String],
    profiles: Empty,
    services: Vec<ServiceDocument<'a>>,
    tokens: Empty,
    findings: Empty,
}

#[derive(Serialize)]
struct ServiceDocument<'a> {
    name: &'a str,
    state: &'static str,
    reason: String,
    since: Option<String>,
    profiles: Empty,
    image: &'a str,
    image_bytes: Option<u64>,
    one_shot: bool,
    desired: u32,
    running: u32,
    depends_on: Vec<DependencyDocument<'a>>,
    containers: Vec<ContainerDocument<'a>>,
    probes: Empty,
}

#[derive(Serialize)]
struct DependencyDocument<'a> {
    service: &'a str,
    condition: &'static str,
    met: bool,
}

#[derive(Serialize)]
struct ContainerDocument<'a> {
    id: &'a str,
    name: &'a str,
    state: &'static str,
    health: &'static str,
    exit_code: Option<i64>,
    oom_killed: bool,
    restarts: u32,
    created_at: Option<String>,
    started_at: Option<String>,
    finished_at: Option<String>,
    ready_after_ms: Option<i64>,
    ports: Vec<String>,
    usage: UsageDocument,
    health_log: Vec<HealthCheckDocument<'a>>,
    failing_streak: u32,
}

#[derive(Default, Serialize)]
struct UsageDocument {
    cpu_percent: Option<f32>,
    memory_bytes: Option<u64>,
    memory_limit_bytes: Option<u64>,
    net_rx_bytes: Option<u64>,
    net_tx_bytes: Option<u64>,
    block_read_bytes: Option<u64>,
    block_write_bytes: Option<u64>,
    pids: Option<u32>,
    source: Option<&'static str>,
}

#[derive(Serialize)]
struct HealthCheckDocument<'a> {
    at: Option<String>,
    exit_code: i64,
    duration_ms: u64,
    output: &'a str,
}

/// What the state alone does not tell.
#[derive(Default)]
pub struct Extras {
    pub figures: Figures,
    /// Sizes of images by their id.
    pub image_sizes: HashMap<String, u64>,
}

/// Makes the document of everything, or of the stacks that `shows` lets through.
pub fn status<'a>(
    state: &'a State,
    stacks: &[&'a Stack],
    extras: &'a Extras,
    now: Timestamp,
) -> StatusDocument<'a> {
    let info = state.connection.info.as_ref();
    StatusDocument {
        engine: EngineDocument {
            host: &state.connection.host,
            name: info.map(|info| &*info.name),
            version: info.map(|info| &*info.version),
            api: info.map(|info| &*info.api),
            connected: state.connection.is_up(),
        },
        stacks: stacks
            .iter()
            .map(|stack| StackDocument {
                name: &stack.name,
                state: stack.state.word(),
                variant: None,
                files: &stack.config_files,
                profiles: [],
                services: stack.services.iter().map(|s| service(state, s, extras, now)).collect(),
                tokens: [],
                findings: [],
            })
            .collect(),
    }
}

fn service<'a>(
    state: &'a State,
    service: &'a Service,
    extras: &'a Extras,
    now: Timestamp,
) -> ServiceDocument<'a> {
    let entries: Vec<&Entry> = service.containers.iter().filter_map(|id| state.containers.get(id)).collect();
    let image_id = entries.first().map_or("", |entry| &entry.container.image_id);
    ServiceDocument {
        name: &service.name,
        state: service.verdict.state.word(),
        reason: service.verdict.reason.describe(now),
        since: service.verdict.since.map(time),
        profiles: [],
        image: &service.image,
        image_bytes: extras.image_sizes.get(image_id).copied(),
        one_shot: service.one_shot,
        desired: service.desired,
        running: service.running,
        depends_on: service
            .depends_on
            .iter()
            .map(|dep| DependencyDocument {
                service: &dep.service,
                condition: dep.condition.word(),
                met: dep.met,
            })
            .collect(),
        containers: entries
            .into_iter()
            .map(|entry| container(entry, extras.figures.get(&entry.container.id)))
            .collect(),
        probes: [],
    }
}

fn container<'a>(entry: &'a Entry, sample: Option<&UsageSample>) -> ContainerDocument<'a> {
    let container = &entry.container;
    ContainerDocument {
        id: container.id.short(),
        name: &container.name,
        state: container.run.word(),
        // The engine calls every stopped container with a check unhealthy; it counts only while running.
        health: if container.run.is_up() { container.health.word() } else { "none" },
        exit_code: container.exit_code,
        oom_killed: container.oom_killed,
        restarts: container.restart_count,
        created_at: container.created_at.map(time),
        started_at: container.started_at.map(time),
        finished_at: container.finished_at.map(time),
        ready_after_ms: entry.facts.ready_after.map(|span| span.as_millis() as i64),
        ports: container.ports.iter().map(ToString::to_string).collect(),
        usage: usage(container, sample),
        health_log: container.health_log.iter().map(health_check).collect(),
        failing_streak: container.failing_streak,
    }
}

fn usage(container: &Container, sample: Option<&UsageSample>) -> UsageDocument {
    let memory_limit_bytes = container.memory_limit;
    let Some(UsageSample { usage, source, .. }) = sample.filter(|_| container.run.is_up()) else {
        return UsageDocument { memory_limit_bytes, ..UsageDocument::default() };
    };
    UsageDocument {
        // Hundredths are finer than any of the sources.
        cpu_percent: usage.cpu_percent.map(|cpu| (cpu * 100.0).round() / 100.0),
        memory_bytes: usage.memory_bytes,
        memory_limit_bytes: usage.memory_limit.or(memory_limit_bytes),
        net_rx_bytes: usage.net_rx_bytes,
        net_tx_bytes: usage.net_tx_bytes,
        block_read_bytes: usage.block_read_bytes,
        block_write_bytes: usage.block_write_bytes,
        pids: usage.pids,
        source: Some(source.word()),
    }
}

fn health_check(check: &HealthCheck) -> HealthCheckDocument<'_> {
    HealthCheckDocument {
        at: check.at.map(time),
        exit_code: check.exit_code,
        duration_ms: check.duration_ms,
        output: &check.output,
    }
}

/// `check --format json`.
#[derive(Serialize)]
pub struct CheckDocument<'a> {
    pub status: &'static str,
    pub problems: Vec<ProblemDocument<'a>>,
}

#[derive(Serialize)]
pub struct ProblemDocument<'a> {
    pub severity: &'static str,
    pub stack: Option<&'a str>,
    pub service: Option<&'a str>,
    pub what: &'a str,
    pub since: Option<String>,
    pub hint: &'a str,
}

/// One line of `logs --format json`.
#[derive(Serialize)]
pub struct LogDocument<'a> {
    at: String,
    stack: &'a str,
    service: &'a str,
    container: &'a str,
    stream: &'static str,
    level: Option<&'static str>,
    message: String,
    fields: Map<String, Value>,
}

/// Makes the object of a log line; a line that is a JSON object itself is taken apart.
pub fn log_line<'a>(line: &LogLine, stack: &'a str, service: &'a str, container: &'a str) -> LogDocument<'a> {
    let (message, fields) = take_apart(line.text.text());
    LogDocument {
        at: time(line.at),
        stack,
        service,
        container,
        stream: line.stream.word(),
        level: line.level.map(crate::model::logs::LogLevel::word),
        message,
        fields,
    }
}

/// Keys that hold the message in structured logs, the usual one first.
const MESSAGE_KEYS: [&str; 4] = ["msg", "message", "event", "log"];

fn take_apart(text: &str) -> (String, Map<String, Value>) {
    let plain = || (text.to_owned(), Map::new());
    if !text.trim_start().starts_with('{') {
        return plain();
    }
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else { return plain() };
    let key = MESSAGE_KEYS.into_iter().find(|key| fields.get(*key).is_some_and(Value::is_string));
    match key.and_then(|key| fields.remove(key)) {
        Some(Value::String(message)) => (message, fields),
        _ => (text.to_owned(), fields),
    }
}

/// One line of `events --format json`.
#[derive(Serialize)]
pub struct EventDocument<'a> {
    at: String,
    kind: &'static str,
    severity: &'static str,
    stack: Option<&'a str>,
    service: Option<&'a str>,
    text: &'a str,
}

pub fn event(entry: &TimelineEntry) -> EventDocument<'_> {
    EventDocument {
        at: time(entry.at),
        kind: entry.kind.word(),
        severity: match entry.severity {
            Severity::Info => "info",
            Severity::Good => "good",
            Severity::Warning => "warning",
            Severity::Error => "error",
        },
        stack: entry.stack.as_deref(),
        service: entry.service.as_deref(),
        text: &entry.text,
    }
}

/// Writes a moment as every document does: `2026-11-20T19:03:42.123Z`.
pub fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Sorts stacks by name, containers without one last.
pub fn in_order<'a>(stacks: impl Iterator<Item = &'a Stack>) -> Vec<&'a Stack> {
    let mut stacks: Vec<&Stack> = stacks.collect();
    stacks.sort_by_key(|stack| (&*stack.name == NO_STACK, stack.name.clone()));
    stacks
}
