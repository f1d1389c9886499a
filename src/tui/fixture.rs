//! A state built by hand for snapshots: facts in, screens out.

pub mod tokens;
pub mod watch;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::Command;
use crate::event::{EngineEvent, EngineEventKind, EngineInfo, Event};
use crate::model::containers::fixture;
use crate::model::containers::{
    ComposeLabels, Container, ContainerId, Dependency, DependsCondition, Mount, Network, Port, RunState,
};
use crate::model::health::{Health, HealthCheck, HealthSettings};
use crate::model::host::HostSample;
use crate::model::usage::{Usage, UsageSample, UsageSource};
use crate::state::State;
use crate::tui::draw;
use crate::tui::keymap::{Key, Keymap};
use crate::tui::theme::{ColorDepth, Theme};
use crate::tui::ui::{Input, Request, Ui};

/// The moment every picture shows.
pub fn now() -> Timestamp {
    "2026-11-20T17:30:00Z".parse().unwrap()
}

pub fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

pub fn id_of(name: &str) -> ContainerId {
    let mut hex = String::new();
    for byte in name.bytes() {
        hex = format!("{hex}{byte:02x}");
    }
    hex.push_str("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    hex.truncate(64);
    ContainerId::new(hex)
}

/// Makes a running container of a service.
pub fn running(stack: &str, service: &str, since: i64) -> Container {
    let name = format!("{stack}-{service}-1");
    Container {
        id: id_of(&name),
        name: Arc::from(name.as_str()),
        image: Arc::from(format!("registry.example/{stack}/{service}:2.4").as_str()),
        image_id: String::from("sha256:0123"),
        compose: Some(ComposeLabels {
            project: Arc::from(stack),
            service: Arc::from(service),
            number: 1,
            config_files: vec![format!("/srv/stacks/{stack}/docker-compose.yml")],
            working_dir: format!("/srv/stacks/{stack}"),
            version: String::from("2.26.1"),
            ..ComposeLabels::default()
        }),
        restart_policy: String::from("unless-stopped"),
        pid: Some(4242),
        created_at: Some(ago(since + 5)),
        started_at: Some(ago(since)),
        networks: vec![Network {
            name: format!("{stack}_default"),
            ip: String::from("172.18.0.3"),
            aliases: Vec::new(),
        }],
        network_mode: format!("{stack}_default"),
        env: vec![
            (String::from("PATH"), String::from("/usr/local/bin:/usr/bin:/bin")),
            (String::from("DATABASE_PASSWORD"), String::from("••••••••")),
            (String::from("LOG_LEVEL"), String::from("info")),
        ],
        command: String::from("uvicorn src.main:app --host 0.0.0.0 --port 8000"),
        ..fixture::running()
    }
}

pub fn healthy(mut container: Container) -> Container {
    container.health = Health::Healthy;
    container.health_settings = Some(settings());
    container.health_log = (0..5).map(|n| check(n * 10 + 4, 0, 31, "ok")).rev().collect();
    container
}

pub fn unhealthy(mut container: Container, streak: u32, output: &str) -> Container {
    container.health = Health::Unhealthy;
    container.failing_streak = streak;
    container.health_settings = Some(settings());
    let streak = i64::from(streak);
    container.health_log = (0..5)
        .map(|n| if n < streak { check(n * 10 + 4, 1, 212, output) } else { check(n * 10 + 4, 0, 31, "ok") })
        .rev()
        .collect();
    container
}

pub fn exited(mut container: Container, code: i64, since: i64) -> Container {
    container.run = RunState::Exited;
    container.exit_code = Some(code);
    container.finished_at = Some(ago(since));
    container.pid = None;
    container
}

pub fn published(mut container: Container, host: u16, inside: u16) -> Container {
    for ip in ["0.0.0.0", "::"] {
        container.ports.push(Port {
            host_ip: Some(String::from(ip)),
            host_port: Some(host),
            container_port: inside,
            protocol: String::from("tcp"),
        });
    }
    container
}

pub fn needs(mut container: Container, service: &str, condition: DependsCondition) -> Container {
    if let Some(compose) = &mut container.compose {
        compose.depends_on.push(Dependency { service: Arc::from(service), condition, required: true });
    }
    container
}

pub fn limited(mut container: Container, megabytes: u64) -> Container {
    container.memory_limit = Some(megabytes << 20);
    container
}

fn one_shot(mut container: Container) -> Container {
    container.restart_policy = String::from("no");
    container
}

fn settings() -> HealthSettings {
    HealthSettings {
        test: String::from("CMD-SHELL curl -fsS http://localhost:8000/health"),
        interval: Duration::from_secs(10),
        timeout: Duration::from_secs(3),
        start_period: Duration::from_secs(20),
        retries: 3,
    }
}

fn check(since: i64, exit_code: i64, duration_ms: u64, output: &str) -> HealthCheck {
    HealthCheck { at: Some(ago(since)), exit_code, duration_ms, output: output.to_owned() }
}

/// Four stacks in which all is well, and one container without a stack.
pub fn well() -> Vec<Container> {
    let db = |stack: &str| published(limited(healthy(running(stack, "db", 7400)), 512), 5432, 5432);
    let mut loose = running("", "registry-cache", 86_400 * 12);
    loose.compose = None;
    loose.name = Arc::from("registry-cache");
    let mut backend = healthy(running("hackathon-todo", "backend", 7200));
    backend.mounts.push(Mount {
        kind: String::from("volume"),
        source: String::from("hackathon-todo_uploads"),
        destination: String::from("/data/uploads"),
        writable: true,
    });
    backend.mounts.push(Mount {
        kind: String::from("bind"),
        source: String::from("/srv/stacks/hackathon-todo/config/production/backend.toml"),
        destination: String::from("/etc/backend.toml"),
        writable: false,
    });
    vec![
        published(limited(healthy(running("energy-dashboard", "app", 11_100)), 256), 3042, 3042),
        published(running("energy-dashboard", "mongodb", 11_160), 27_017, 27_017),
        published(running("energy-dashboard", "questdb", 11_160), 9000, 9000),
        needs(published(limited(backend, 256), 8001, 8000), "db", DependsCondition::Healthy),
        db("hackathon-todo"),
        published(healthy(running("hackathon-todo", "frontend", 7100)), 3000, 3000),
        needs(
            needs(
                published(limited(healthy(running("personal-assistant", "api", 3700)), 256), 8000, 8000),
                "db",
                DependsCondition::Healthy,
            ),
            "migrations",
            DependsCondition::CompletedSuccessfully,
        ),
        needs(healthy(running("personal-assistant", "agent", 3690)), "api", DependsCondition::Started),
        db("personal-assistant"),
        one_shot(exited(running("personal-assistant", "migrations", 3760), 0, 3750)),
        published(healthy(running("uteclocal", "gateway", 260_000)), 8080, 80),
        running("uteclocal", "utec-cloud", 260_000),
        loose,
    ]
}

/// One of everything that goes wrong.
pub fn trouble() -> Vec<Container> {
    let mut all = well();
    for container in &mut all {
        let name: &str = &container.name;
        match name {
            "energy-dashboard-questdb-1" => {
                *container = exited(limited(container.clone(), 512), 137, 125);
                container.oom_killed = true;
            }
            "personal-assistant-agent-1" => {
                *container = unhealthy(
                    container.clone(),
                    5,
                    "curl: (7) Failed to connect to localhost port 8000 after 0 ms: Connection refused",
                );
            }
            "personal-assistant-migrations-1" => {
                *container = exited(container.clone(), 1, 48);
            }
            "personal-assistant-api-1" => {
                container.run = RunState::Created;
                container.health = Health::None;
                container.health_log.clear();
                container.started_at = None;
                container.created_at = Some(ago(52));
                container.ports.clear();
            }
            "hackathon-todo-frontend-1" => {
                container.run = RunState::Restarting;
                container.exit_code = Some(1);
                container.restart_count = 14;
                container.finished_at = Some(ago(4));
                container.health = Health::Starting;
            }
            "uteclocal-utec-cloud-1" => {
                container.run = RunState::Paused;
            }
            "hackathon-todo-db-1" => {
                container.health = Health::Starting;
                container.started_at = Some(ago(9));
            }
            _ => {}
        }
    }
    all.push(exited(running("simple-sync", "sync", 90_000), 0, 4000));
    all
}

/// A face over a state.
pub struct Stage {
    pub state: State,
    pub ui: Ui,
    /// What the face asked for so far.
    pub asked: Vec<Request>,
}

impl Stage {
    /// Nothing is known yet.
    pub fn new(width: u16, height: u16) -> Self {
        let state = State::new(ago(5), String::from("unix:///var/run/docker.sock"), false);
        let area = Rect::new(0, 0, width, height);
        let ui = Ui::new(Keymap::default(), Theme::default(), ColorDepth::TrueColor, area);
        Self { state, ui, asked: Vec::new() }
    }

    pub fn connected(mut self, containers: Vec<Container>) -> Self {
        self.apply(Event::EngineConnected(EngineInfo {
            host: String::from("unix:///var/run/docker.sock"),
            name: String::from("lab01"),
            version: String::from("20.10.24"),
            api: String::from("1.41"),
            flavor: String::from("docker"),
            cpus: 4,
            memory_bytes: 24 << 30,
            time: Some(now()),
            clock_ahead: None,
            local: true,
            own: crate::event::OwnPlace::default(),
        }));
        self.apply(Event::ContainersListed(containers));
        self
    }

    /// Adds two minutes of figures for whatever runs.
    pub fn sampled(mut self) -> Self {
        for beat in (0..60).rev() {
            let at = now() - SignedDuration::from_secs(beat * 2);
            let samples = self
                .state
                .containers
                .iter()
                .filter(|entry| entry.container.run == RunState::Running)
                .map(|entry| sample(&entry.container, beat))
                .collect();
            self.state.apply(at, Event::UsageSampled(samples));
            let host = HostSample {
                name: String::from("lab01"),
                cpu_percent: 20.0 + (beat % 7) as f32 * 6.0,
                memory_used: 9 << 30,
                memory_total: 24 << 30,
                ..HostSample::default()
            };
            self.state.apply(at, Event::HostSampled(Box::new(host)));
        }
        self
    }

    pub fn apply(&mut self, event: Event) {
        self.state.apply(now(), event);
    }

    pub fn said(&mut self, stack: &str, service: &str, since: i64, kind: EngineEventKind) {
        let name = format!("{stack}-{service}-1");
        let event = EngineEvent {
            at: ago(since),
            container: id_of(&name),
            kind,
            name: Arc::from(name.as_str()),
            stack: Some(Arc::from(stack)),
            service: Some(Arc::from(service)),
        };
        self.apply(Event::EngineSaid { event, replayed: true });
    }

    /// Presses keys, separated by spaces.
    pub fn keys(mut self, keys: &str) -> Self {
        for key in keys.split_whitespace() {
            self.sync();
            let key = Key::parse(key).unwrap();
            let requests = self.ui.handle(Input::Key(key), &self.state, now());
            self.asked.extend(requests);
        }
        self
    }

    pub fn click(mut self, column: u16, row: u16) -> Self {
        self.sync();
        let requests = self.ui.handle(Input::Click { column, row }, &self.state, now());
        self.asked.extend(requests);
        self
    }

    pub fn sync(&mut self) {
        self.submit_wishes();
        while let Some(requests) = self.ui.catch_up(&self.state, now()) {
            self.asked.extend(requests);
            self.submit_wishes();
        }
    }

    fn submit_wishes(&mut self) {
        for wish in self.ui.sync(&self.state, now()) {
            if let Command::LookAt(interest) = wish {
                self.state.apply(now(), Event::LookedAt(interest));
            } else {
                self.asked.push(Request::Run(wish));
            }
        }
    }

    pub fn screen(mut self) -> String {
        self.text()
    }

    pub fn text(&mut self) -> String {
        let buffer = self.buffer();
        let area = buffer.area;
        let mut text = String::new();
        for y in area.top()..area.bottom() {
            let mut line = String::new();
            for x in area.left()..area.right() {
                line.push_str(buffer[(x, y)].symbol());
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    pub fn buffer(&mut self) -> Buffer {
        self.sync();
        let mut buffer = Buffer::empty(self.ui.area);
        draw::draw(self.ui.area, &mut buffer, &self.ui, &self.state, now());
        buffer
    }
}

fn sample(container: &Container, beat: i64) -> UsageSample {
    let seed = container.name.bytes().map(u32::from).sum::<u32>();
    let wave = ((beat as u32 + seed) % 9) as f32;
    let busy = (seed % 5) as f32;
    UsageSample {
        container: container.id.clone(),
        usage: Usage {
            cpu_percent: Some(busy * (0.4 + wave * 0.7)),
            memory_bytes: Some((u64::from(seed % 190) + 12) << 20),
            memory_limit: container.memory_limit,
            net_rx_bytes: Some(84_000_000),
            net_tx_bytes: Some(21_000_000),
            net_rx_rate: Some(wave * 1200.0),
            net_tx_rate: Some(wave * 300.0),
            block_read_bytes: Some(4_000_000),
            block_write_bytes: Some(90_000_000),
            block_read_rate: Some(0.0),
            block_write_rate: Some(busy * 4096.0),
            pids: Some(7),
            oom_kills: Some(0),
        },
        source: UsageSource::Cgroup,
    }
}
