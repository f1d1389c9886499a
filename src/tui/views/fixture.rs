//! A believable state for tests of views: made by applying events, as the program does.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::command::Interest;
use crate::event::{EngineInfo, Event};
use crate::model::containers::fixture::running;
use crate::model::containers::{ComposeLabels, Container, ContainerId};
use crate::model::logs::{LogLevel, LogLine, LogStatus, LogStream};
use crate::model::probes::{FaultKind, ProbeAnswer, ProbeFault, ProbeId, ProbeRule, Stale, Told};
use crate::model::stack_file::{Budget, StackFile};
use crate::model::stacks::Target;
use crate::model::text::StyledText;
use crate::model::usage::{Usage, UsageSample, UsageSource};
use crate::state::State;
use crate::tui::theme::Theme;
use crate::tui::view::Context;

/// The moment every fixture lives at: a Friday evening.
pub fn now() -> Timestamp {
    "2026-11-20T19:03:22Z".parse().unwrap()
}

/// A number of seconds before [`now`].
pub fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(now().as_millisecond() - seconds * 1000).unwrap()
}

/// The bodies of the four sizes that views are looked at in: the screen less header and footer.
pub const SIZES: [(u16, u16); 4] = [(60, 18), (80, 22), (120, 38), (200, 48)];

/// Returns the id of a container of the fixture.
pub fn id(stack: &str, service: &str, number: u32) -> ContainerId {
    ContainerId::new(format!("{stack}-{service}-{number}"))
}

pub fn service(stack: &str, service: &str) -> Target {
    Target::Service { stack: Arc::from(stack), service: Arc::from(service) }
}

pub fn container(stack: &str, service: &str, number: u32) -> Container {
    Container {
        id: id(stack, service, number),
        name: Arc::from(format!("{stack}-{service}-{number}")),
        image: Arc::from("busybox"),
        compose: Some(ComposeLabels {
            project: Arc::from(stack),
            service: Arc::from(service),
            number,
            ..ComposeLabels::default()
        }),
        pid: Some(1000 + number),
        created_at: Some(ago(7200)),
        started_at: Some(ago(7200)),
        ..running()
    }
}

/// Builds a state event by event.
pub struct Fixture {
    pub state: State,
}

impl Default for Fixture {
    /// Starts connected, with two stacks.
    fn default() -> Self {
        let mut fixture =
            Self { state: State::new(now(), String::from("unix:///var/run/docker.sock"), false) };
        fixture.apply_at(
            ago(100_000),
            Event::EngineConnected(EngineInfo {
                host: String::from("unix:///var/run/docker.sock"),
                name: String::from("lab01"),
                version: String::from("20.10.24"),
                api: String::from("1.41"),
                flavor: String::from("docker"),
                cpus: 8,
                memory_bytes: 16 << 30,
                time: Some(now()),
                clock_ahead: None,
                local: true,
                own: crate::event::OwnPlace::default(),
            }),
        );
        fixture.apply(Event::ContainersListed(vec![
            container("assistant", "agent", 1),
            container("assistant", "api", 1),
            container("assistant", "api", 2),
            container("assistant", "db", 1),
            container("energy", "app", 1),
            container("energy", "personal-dashboard-frontend", 1),
        ]));
        fixture
    }
}

impl Fixture {
    /// Starts connected, with two stacks.
    pub fn new() -> Self {
        Self::default()
    }

    pub fn apply(&mut self, event: Event) -> &mut Self {
        self.state.apply(now(), event);
        self
    }

    pub fn apply_at(&mut self, at: Timestamp, event: Event) -> &mut Self {
        self.state.apply(at, event);
        self
    }

    /// Looks at the logs of some containers.
    pub fn look_at_logs(&mut self, ids: &[ContainerId]) -> &mut Self {
        let logs = ids.iter().map(Into::into).collect();
        self.apply(Event::LookedAt(Interest { logs, ..Interest::default() }))
    }

    pub fn log_status(&mut self, container: ContainerId, status: LogStatus) -> &mut Self {
        self.apply(Event::LogStatusChanged { source: container.into(), status })
    }

    pub fn log(&mut self, lines: Vec<LogLine>) -> &mut Self {
        self.apply(Event::LogsAppended(lines))
    }
}

impl Fixture {
    /// Gives `assistant` three tiers of probes, the last of which fails, and `energy` a budget that is passed.
    pub fn with_probes() -> Self {
        let mut fixture = Self::new();
        let rule = |service: &str, name: &str, path: &str| ProbeRule {
            name: name.to_owned(),
            service: service.into(),
            url: format!("http://localhost:8000{path}"),
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            expect: Vec::new(),
            stale: Some(Stale { field: String::from("last"), after: Duration::from_mins(30) })
                .filter(|_| name == "agent"),
        };
        let probes = vec![
            rule("api", "alive", "/health"),
            rule("api", "ready", "/health/ready"),
            rule("agent", "agent", "/health/agent"),
            rule("db", "backup", "/backup"),
        ];
        fixture.stack_file("assistant", StackFile { probes, ..StackFile::default() });
        let budget = Budget { memory: Some(100_000_000), ..Budget::default() };
        fixture.stack_file(
            "energy",
            StackFile { budget, path: "/srv/energy/stackdash.toml".into(), ..StackFile::default() },
        );
        let usage = Usage { memory_bytes: Some(612_000_000), ..Usage::default() };
        let sample = UsageSample { container: id("energy", "app", 1), usage, source: UsageSource::Cgroup };
        fixture.apply(Event::UsageSampled(vec![sample]));
        let well = |status: &str, version: Option<&str>| ProbeAnswer {
            code: Some(200),
            latency: Some(Duration::from_micros(3240)),
            told: Told {
                status: Some(status.to_owned()),
                version: version.map(str::to_owned),
                uptime: version.map(|_| 7200.0),
                ..Told::default()
            },
            ..ProbeAnswer::default()
        };
        let words = "Database unavailable: connection to server at \"db\" (172.18.0.2), port 5432 failed";
        let ill = ProbeAnswer {
            code: Some(503),
            latency: Some(Duration::from_millis(212)),
            told: Told { message: Some(words.to_owned()), ..Told::default() },
            fault: Some(ProbeFault { kind: FaultKind::Code, words: format!("HTTP 503: {words}") }),
            remark: None,
        };
        fixture.probed(300, ("api", "alive"), well("alive", Some("1.4.2")));
        fixture.probed(50, ("api", "ready"), ill.clone());
        fixture.probed(45, ("api", "ready"), ill);
        let mut agent = well("healthy", None);
        agent.told.last = Some(ago(40));
        fixture.probed(200, ("agent", "agent"), agent);
        fixture
    }

    fn stack_file(&mut self, stack: &str, file: StackFile) {
        let (stack, folder) = (Arc::from(stack), file.path.clone());
        self.apply_at(ago(400), Event::StackFileRead { stack, folder, result: Ok(file) });
    }

    fn probed(&mut self, seconds: i64, (service, name): (&str, &str), answer: ProbeAnswer) {
        let probe = ProbeId { stack: "assistant".into(), service: service.into(), name: name.into() };
        self.apply_at(ago(seconds), Event::Probed { probe, answer: Box::new(answer) });
    }
}

/// Makes a line of a log, written some milliseconds before [`now`].
pub fn line(container: &ContainerId, ago_ms: i64, level: Option<LogLevel>, text: &str) -> LogLine {
    LogLine {
        at: Timestamp::from_millisecond(now().as_millisecond() - ago_ms).unwrap(),
        source: container.into(),
        stream: LogStream::Stdout,
        level,
        text: StyledText::plain(text),
    }
}

/// Draws a view of some size on a filled background and returns the cells.
pub fn draw(
    size: (u16, u16),
    state: &State,
    theme: &Theme,
    view: impl Fn(Rect, &mut Buffer, &Context<'_>),
) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    buf.set_style(buf.area, theme.text);
    let cx = Context {
        state,
        theme,
        keymap: &crate::tui::keymap::Keymap::default(),
        now: now(),
        focused: true,
        coarse: false,
        stale: false,
    };
    view(buf.area, &mut buf, &cx);
    buf
}

/// Returns the symbols of a buffer, a line per row, without spaces at the end.
pub fn screen(buf: &Buffer) -> String {
    let row_text = |row: &[Cell]| {
        let mut text = String::new();
        let mut covered = 0;
        for cell in row {
            // The cells behind a wide character are not seen.
            if covered == 0 {
                text.push_str(cell.symbol());
                covered = cell.symbol().width();
            }
            covered = covered.saturating_sub(1);
        }
        text.trim_end().to_owned() + "\n"
    };
    buf.content.chunks(buf.area.width as usize).map(row_text).collect()
}
