//! A believable state for tests of views: made by applying events, as the program does.

use std::sync::Arc;

use jiff::Timestamp;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::command::Interest;
use crate::event::{EngineInfo, Event};
use crate::model::containers::{ComposeLabels, Container, ContainerId, RunState};
use crate::model::health::Health;
use crate::model::logs::{LogLevel, LogLine, LogStatus, LogStream};
use crate::model::stacks::Target;
use crate::model::text::StyledText;
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
        image_id: String::new(),
        compose: Some(ComposeLabels {
            project: Arc::from(stack),
            service: Arc::from(service),
            number,
            ..ComposeLabels::default()
        }),
        run: RunState::Running,
        health: Health::None,
        health_log: Vec::new(),
        failing_streak: 0,
        health_settings: None,
        exit_code: None,
        oom_killed: false,
        error: String::new(),
        restart_count: 0,
        restart_policy: String::new(),
        stop_signal: 15,
        stop_timeout_s: 10,
        pid: Some(1000 + number),
        created_at: Some(ago(7200)),
        started_at: Some(ago(7200)),
        finished_at: None,
        ports: Vec::new(),
        mounts: Vec::new(),
        networks: Vec::new(),
        network_mode: String::from("bridge"),
        env: Vec::new(),
        command: String::new(),
        user: String::new(),
        tty: false,
        memory_limit: None,
        log_driver: String::from("json-file"),
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
        let logs = ids.iter().cloned().collect();
        self.apply(Event::LookedAt(Interest { logs, ..Interest::default() }))
    }

    pub fn log_status(&mut self, container: ContainerId, status: LogStatus) -> &mut Self {
        self.apply(Event::LogStatusChanged { container, status })
    }

    pub fn log(&mut self, lines: Vec<LogLine>) -> &mut Self {
        self.apply(Event::LogsAppended(lines))
    }
}

/// Makes a line of a log, written some milliseconds before [`now`].
pub fn line(container: &ContainerId, ago_ms: i64, level: Option<LogLevel>, text: &str) -> LogLine {
    LogLine {
        at: Timestamp::from_millisecond(now().as_millisecond() - ago_ms).unwrap(),
        container: container.clone(),
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
