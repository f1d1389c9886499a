//! A small world to test documents and tables with: one service in each state worth seeing.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::cli::json::status::Extras;
use crate::cli::output::{Look, Output};
use crate::event::{EngineInfo, Event};
use crate::model::containers::fixture::running;
use crate::model::containers::{
    ComposeLabels, Container, ContainerId, Dependency, DependsCondition, Port, RunState,
};
use crate::model::health::{Health, HealthCheck, HealthSettings};
use crate::model::usage::{Usage, UsageSample, UsageSource};
use crate::state::State;

pub fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Option<Timestamp> {
    now().checked_sub(SignedDuration::from_secs(seconds)).ok()
}

pub fn id(number: u32) -> ContainerId {
    ContainerId::new(format!("{number:08x}").repeat(8))
}

/// A running container of a service, up for an hour.
pub fn container(number: u32, stack: &str, service: &str) -> Container {
    let compose = ComposeLabels {
        project: stack.into(),
        service: service.into(),
        number: 1,
        config_files: vec![format!("/srv/{stack}/compose.yaml")],
        working_dir: format!("/srv/{stack}"),
        version: String::from("2.26.1"),
        ..ComposeLabels::default()
    };
    Container {
        id: id(number),
        name: if stack.is_empty() { service.into() } else { format!("{stack}-{service}-1").into() },
        image: format!("{service}:1").into(),
        image_id: format!("sha256:{service}"),
        compose: (!stack.is_empty()).then_some(compose),
        restart_policy: String::from("unless-stopped"),
        pid: Some(number),
        created_at: ago(3660),
        started_at: ago(3600),
        ..running()
    }
}

fn ended(mut container: Container, code: i64) -> Container {
    container.run = RunState::Exited;
    container.exit_code = Some(code);
    container.finished_at = ago(120);
    container.pid = None;
    container
}

fn checked(mut container: Container, exit_code: i64, output: &str) -> Container {
    container.health = if exit_code == 0 { Health::Healthy } else { Health::Unhealthy };
    container.failing_streak = if exit_code == 0 { 0 } else { 3 };
    let check =
        |seconds| HealthCheck { at: ago(seconds), exit_code, duration_ms: 31, output: output.to_owned() };
    container.health_log = vec![check(60), check(30)];
    container.health_settings = Some(HealthSettings {
        test: String::from("curl -f localhost"),
        interval: Duration::from_secs(30),
        timeout: Duration::from_secs(5),
        start_period: Duration::from_secs(10),
        retries: 3,
    });
    container
}

fn waits_for(mut container: Container, service: &str, condition: DependsCondition) -> Container {
    if let Some(compose) = &mut container.compose {
        compose.depends_on.push(Dependency { service: service.into(), condition, required: true });
    }
    container
}

fn never_started(mut container: Container) -> Container {
    container.run = RunState::Created;
    container.started_at = None;
    container.pid = None;
    container
}

/// A stack in trouble, a calm one, and a container without a stack.
pub fn state() -> State {
    let port = |ip: &str, host| Port {
        host_ip: Some(ip.to_owned()),
        host_port: Some(host),
        container_port: 80,
        protocol: String::from("tcp"),
    };
    let db = checked(container(1, "shop", "db"), 0, "accepting connections");
    let mut migrations = ended(container(2, "shop", "migrations"), 1);
    migrations.restart_policy = String::from("no");
    let api = waits_for(container(3, "shop", "api"), "db", DependsCondition::Healthy);
    let api = never_started(waits_for(api, "migrations", DependsCondition::CompletedSuccessfully));
    let mut web =
        checked(container(4, "shop", "web"), 22, "curl: (22) The requested URL returned error: 503\nmore");
    web.ports = vec![port("0.0.0.0", 8080), port("::", 8080), port("127.0.0.1", 9090)];
    let worker = container(5, "shop", "worker");
    let mut second = ended(container(6, "shop", "worker"), 137);
    second.oom_killed = true;
    second.name = "shop-worker-2".into();
    if let Some(compose) = &mut second.compose {
        compose.number = 2;
    }
    let site = checked(container(7, "blog", "site"), 0, "");
    let mut tool = container(8, "", "adminer");
    tool.run = RunState::Paused;

    let mut state = State::new(now(), String::from("unix:///var/run/docker.sock"), false);
    let info = EngineInfo {
        host: String::from("unix:///var/run/docker.sock"),
        name: String::from("lab01"),
        version: String::from("20.10.24"),
        api: String::from("1.41"),
        ..EngineInfo::default()
    };
    state.apply(now(), Event::EngineConnected(info));
    state.apply(now(), Event::ContainersListed(vec![db, migrations, api, web, worker, second, site, tool]));
    state
}

/// Figures of the database only: the others are not known.
pub fn extras() -> Extras {
    let usage = Usage {
        cpu_percent: Some(0.4),
        memory_bytes: Some(123_456_789),
        memory_limit: Some(268_435_456),
        net_rx_bytes: Some(1000),
        net_tx_bytes: Some(2000),
        pids: Some(3),
        ..Usage::default()
    };
    let sample = UsageSample { container: id(1), usage, source: UsageSource::Cgroup };
    let mut extras = Extras::default();
    extras.figures.insert(id(1), sample);
    extras.image_sizes.insert(String::from("sha256:db"), 187_000_000);
    extras
}

/// What was written, to be read when the test is done.
#[derive(Clone, Default)]
pub struct Written(Rc<RefCell<Vec<u8>>>);

impl Written {
    pub fn output(&self, look: Look, width: usize) -> Output {
        Output::into(Box::new(self.clone()), look, width)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
