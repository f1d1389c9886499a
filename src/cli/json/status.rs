//! The snapshot of everything, as JSON: engine, stacks, services, containers.

mod watch;

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::headless::Figures;
use crate::cli::json::lint::{FindingDocument, finding};
use crate::cli::json::probes::{self, ProbeDocument};
use crate::cli::json::status::watch::{WatchDocument, of_service};
use crate::cli::json::time;
use crate::cli::json::tokens::{self, TokenDocument};
use crate::model::containers::Container;
use crate::model::health::HealthCheck;
use crate::model::stacks::{Drift, Service, Stack};
use crate::model::usage::UsageSample;
use crate::state::State;
use crate::state::containers::Entry;
use crate::state::variants;

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
    profiles: &'a [String],
    services: Vec<ServiceDocument<'a>>,
    tokens: Vec<TokenDocument<'a>>,
    findings: Vec<FindingDocument<'a>>,
}

#[derive(Serialize)]
struct ServiceDocument<'a> {
    name: &'a str,
    state: &'static str,
    reason: String,
    since: Option<String>,
    profiles: &'a [String],
    /// How it differs from what its files say: `gone`, `image`, `config`.
    drift: Option<&'static str>,
    image: &'a str,
    image_bytes: Option<u64>,
    one_shot: bool,
    desired: u32,
    running: u32,
    depends_on: Vec<DependencyDocument<'a>>,
    containers: Vec<ContainerDocument<'a>>,
    probes: Vec<ProbeDocument<'a>>,
    /// `null`: nothing is known of its sources.
    watch: Option<WatchDocument<'a>>,
}

#[derive(Serialize)]
struct DependencyDocument<'a> {
    service: &'a str,
    condition: &'static str,
    met: bool,
    required: bool,
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
                variant: variants::current(state, &stack.name),
                files: &stack.config_files,
                profiles: &stack.profiles,
                services: stack.services.iter().map(|s| service(state, stack, s, extras, now)).collect(),
                tokens: tokens::of_stack(state, &stack.name, now),
                findings: state
                    .findings
                    .of(&stack.name)
                    .unwrap_or_default()
                    .iter()
                    .chain(state.budgets.of(&stack.name))
                    .map(finding)
                    .collect(),
            })
            .collect(),
    }
}

fn service<'a>(
    state: &'a State,
    stack: &'a Stack,
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
        profiles: &service.profiles,
        drift: service.drift.as_ref().map(Drift::kind),
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
                required: dep.required,
            })
            .collect(),
        containers: entries
            .into_iter()
            .map(|entry| container(entry, extras.figures.get(&entry.container.id)))
            .collect(),
        probes: probes::of_service(state, &stack.name, &service.name),
        watch: of_service(state, &stack.name, &service.name),
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::Value;

    use super::*;
    use crate::cli::json::in_order;
    use crate::cli::sample::{extras, id, now, state};
    use crate::event::{EngineEvent, EngineEventKind, Event};
    use crate::model::health::Health;

    fn text() -> String {
        let state = state();
        let stacks = in_order(state.containers.stacks());
        serde_json::to_string_pretty(&status(&state, &stacks, &extras(), now())).unwrap()
    }

    fn document() -> Value {
        serde_json::from_str(&text()).unwrap()
    }

    /// The shape that scripts rely on; the values mean nothing here.
    const CONTRACT: &str = r#"{
        "engine": { "host": 0, "name": 0, "version": 0, "api": 0, "connected": 0 },
        "stacks": [ {
            "name": 0, "state": 0, "variant": 0, "files": [], "profiles": [],
            "services": [ {
                "name": 0, "state": 0, "reason": 0, "profiles": [], "image": 0, "image_bytes": 0,
                "one_shot": 0, "desired": 0, "running": 0,
                "depends_on": [ { "service": 0, "condition": 0, "met": 0, "required": 0 } ],
                "containers": [ {
                    "id": 0, "name": 0, "state": 0, "health": 0, "exit_code": 0, "oom_killed": 0,
                    "restarts": 0, "created_at": 0, "started_at": 0, "finished_at": 0,
                    "ready_after_ms": 0, "ports": [],
                    "usage": {
                        "cpu_percent": 0, "memory_bytes": 0, "memory_limit_bytes": 0,
                        "net_rx_bytes": 0, "net_tx_bytes": 0, "block_read_bytes": 0,
                        "block_write_bytes": 0, "pids": 0, "source": 0
                    },
                    "health_log": [ { "at": 0, "exit_code": 0, "duration_ms": 0, "output": 0 } ],
                    "failing_streak": 0
                } ],
                "probes": [ {
                    "name": 0, "url": 0, "state": 0, "code": 0, "latency_ms": 0, "at": 0, "status": 0,
                    "version": 0, "uptime_s": 0, "detail": 0
                } ]
            } ],
            "tokens": [ {
                "name": 0, "service": 0, "state": 0, "expires_at": 0, "expires_in_s": 0,
                "refresh_buffer_s": 0, "auto_refresh": 0, "fingerprint": 0, "last_refresh": 0
            } ],
            "findings": []
        } ]
    }"#;

    /// Checks that every key of `contract` is in `found`; a list speaks of each of its items.
    fn covers(contract: &Value, found: &Value, path: &str) {
        match (contract, found) {
            (Value::Object(wanted), Value::Object(there)) => {
                for (key, inner) in wanted {
                    let value = there.get(key).unwrap_or_else(|| panic!("{path}.{key} is missing"));
                    covers(inner, value, &format!("{path}.{key}"));
                }
            }
            (Value::Array(wanted), Value::Array(there)) => {
                for (wanted, there) in wanted.iter().flat_map(|w| there.iter().map(move |t| (w, t))) {
                    covers(wanted, there, &format!("{path}[]"));
                }
            }
            (Value::Object(_) | Value::Array(_), other) => panic!("{path} is {other}"),
            _ => {}
        }
    }

    #[test]
    fn status_has_every_key_of_the_contract() {
        let contract: Value = serde_json::from_str(CONTRACT).unwrap();
        covers(&contract, &document(), "");
    }

    #[test]
    fn status_tells_the_truth_about_each_service() {
        insta::assert_snapshot!(text());
    }

    #[test]
    fn a_stack_without_a_name_comes_last() {
        let names: Vec<String> = document()["stacks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stack| stack["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["blog", "shop", "(no stack)"]);
    }

    #[test]
    fn past_events_that_are_told_again_keep_the_time_to_ready() {
        let mut state = state();
        let said = |seconds: i64, kind| {
            let at = now() - SignedDuration::from_secs(seconds);
            let (stack, service) = (Some("shop".into()), Some("db".into()));
            let event = EngineEvent { at, container: id(1), kind, name: "shop-db-1".into(), stack, service };
            Event::EngineSaid { event, replayed: true }
        };
        state.apply(now(), said(3600, EngineEventKind::Started));
        state.apply(now(), said(3590, EngineEventKind::Health(Health::Healthy)));
        let stacks = in_order(state.containers.stacks());
        let document = serde_json::to_value(status(&state, &stacks, &extras(), now())).unwrap();
        let services = document["stacks"][1]["services"].as_array().unwrap();
        let db = services.iter().find(|service| service["name"] == "db").unwrap();
        assert!(db["containers"][0]["ready_after_ms"].is_u64(), "{db}");
    }
}
