//! The stage of the flow tests: a scenario, a clock that only moves when told, and the supervisor.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use stackdash::adapters::scenario::{self, ScenarioHandle};
use stackdash::command::{Command, Interest};
use stackdash::model::containers::ContainerId;
use stackdash::model::jobs::{Job, Verb};
use stackdash::model::notify::NotifyPolicy;
use stackdash::model::shells::ShellWish;
use stackdash::model::stacks::{Service, ServiceState, Stack, Target};
use stackdash::ports::{Clock, Ports, Webhook};
use stackdash::state::State;
use stackdash::supervisor::Supervisor;
use stackdash::tui::draw::draw;
use stackdash::tui::keymap::{Key, Keymap};
use stackdash::tui::theme::{self, ColorDepth};
use stackdash::tui::ui::{Input, Request, Ui};

/// The moment at which every scenario begins.
pub const BEGINNING: &str = "2026-03-02T09:00:00Z";

/// The program without a face, playing a scenario. Needs a paused tokio clock.
pub struct TestApp {
    supervisor: Supervisor,
    pub ports: Ports,
    pub scenario: ScenarioHandle,
}

impl TestApp {
    /// Starts on a scenario and lets it connect.
    pub async fn scenario(text: &str) -> Self {
        Self::start(text, false).await
    }

    async fn start(text: &str, read_only: bool) -> Self {
        Self::plugged(text, read_only, |ports| ports).await
    }

    /// Starts on a scenario whose ports are plugged into something else first.
    pub async fn plugged(text: &str, read_only: bool, plug: impl FnOnce(Ports) -> Ports) -> Self {
        let beginning: Timestamp = BEGINNING.parse().unwrap();
        let (ports, scenario) = scenario::open(text, Clock::simulated(beginning)).unwrap();
        let ports = plug(ports);
        let mut app = Self { supervisor: Supervisor::start(ports.clone(), read_only), ports, scenario };
        app.settle().await;
        app
    }

    /// Starts on a scenario with somebody to tell of changes.
    pub async fn notifying(text: &str, policy: NotifyPolicy, webhook: Arc<dyn Webhook>) -> Self {
        let beginning: Timestamp = BEGINNING.parse().unwrap();
        let (ports, scenario) = scenario::open(text, Clock::simulated(beginning)).unwrap();
        let ports = Ports { webhook: Some(webhook), ..ports };
        let mut app = Self { supervisor: Supervisor::start(ports.clone(), false), ports, scenario };
        app.supervisor.notify(policy);
        app.settle().await;
        app
    }

    pub fn state(&self) -> &State {
        self.supervisor.state()
    }

    pub fn now(&self) -> Timestamp {
        self.supervisor.now()
    }

    pub fn submit(&mut self, command: Command) {
        self.supervisor.submit(command);
    }

    pub async fn act(&mut self, verb: Verb, target: Target) {
        self.submit(Command::Act { verb, target });
        self.settle().await;
    }

    /// Asks for a shell; tells only whether the gate lets it through.
    pub fn open_shell(&self, id: &ContainerId) -> Result<(), String> {
        self.supervisor.open_shell(ShellWish::shell(id.clone()), (80, 24)).map(drop)
    }

    /// Takes in whatever can be taken in without time passing.
    pub async fn settle(&mut self) {
        // Work hops between tasks; each hop needs a turn of the runtime. How much one turn takes in depends on
        // the machine: only turns that bring nothing count.
        let mut calm = 0;
        while calm < 50 {
            tokio::task::yield_now().await;
            let before = tokio::time::Instant::now();
            tokio::select! {
                biased;
                () = self.supervisor.next() => calm = 0,
                () = quiet() => calm += 1,
            }
            assert_eq!(before, tokio::time::Instant::now(), "settling lets no time pass");
        }
    }

    /// Lets so much time pass, taking in what happens meanwhile.
    pub async fn advance(&mut self, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        loop {
            tokio::select! {
                biased;
                () = self.supervisor.next() => {}
                () = tokio::time::sleep_until(end) => break,
            }
        }
        self.settle().await;
    }

    pub async fn seconds(&mut self, seconds: u64) {
        self.advance(Duration::from_secs(seconds)).await;
    }

    pub fn stack(&self, name: &str) -> &Stack {
        self.state().containers.stack(name).unwrap_or_else(|| panic!("no stack {name}"))
    }

    pub fn service(&self, stack: &str, service: &str) -> &Service {
        self.stack(stack).service(service).unwrap_or_else(|| panic!("no service {stack}/{service}"))
    }

    pub fn service_state(&self, stack: &str, service: &str) -> ServiceState {
        self.service(stack, service).verdict.state
    }

    /// Says a service's state and its reason.
    pub fn told(&self, stack: &str, service: &str) -> String {
        let verdict = &self.service(stack, service).verdict;
        format!("{} {}", verdict.state.word(), verdict.reason.describe(self.now())).trim_end().to_owned()
    }

    pub fn container(&self, stack: &str, service: &str) -> ContainerId {
        self.service(stack, service).containers[0].clone()
    }

    pub fn jobs(&self) -> Vec<&Job> {
        self.state().jobs.running().collect()
    }

    pub fn notices(&self) -> Vec<&str> {
        self.state().jobs.notices().iter().map(|notice| &*notice.text).collect()
    }

    /// Writes the timeline since a moment: `stack/service: text`.
    pub fn timeline_since(&self, since: Timestamp) -> Vec<String> {
        self.state()
            .timeline
            .entries()
            .iter()
            .filter(|entry| entry.at >= since)
            .map(|entry| match (&entry.stack, &entry.service) {
                (Some(stack), Some(service)) => format!("{stack}/{service}: {}", entry.text),
                (Some(stack), None) => format!("{stack}: {}", entry.text),
                _ => entry.text.clone(),
            })
            .collect()
    }

    /// Opens the logs of these containers.
    pub async fn look_at_logs(&mut self, logs: impl IntoIterator<Item = ContainerId>) {
        let interest = Interest { logs: logs.into_iter().map(Into::into).collect(), ..Interest::default() };
        self.submit(Command::LookAt(interest));
        self.settle().await;
    }

    pub fn log_texts(&self) -> Vec<&str> {
        self.state().logs.lines().iter().map(|line| line.text.text()).collect()
    }
}

/// Gives every other task that is ready its turn, and then some.
async fn quiet() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

pub fn stack(name: &str) -> Target {
    Target::Stack(Arc::from(name))
}

pub fn service(stack: &str, service: &str) -> Target {
    Target::Service { stack: Arc::from(stack), service: Arc::from(service) }
}

/// The program with its face: keys in, screen out, no terminal.
pub struct Stage {
    pub app: TestApp,
    pub ui: Ui,
}

impl Stage {
    /// Starts the face on a scenario, on a screen of this size.
    pub async fn scenario(text: &str, columns: u16, rows: u16) -> Self {
        Self::over(TestApp::scenario(text).await, columns, rows).await
    }

    /// Starts the face over a program that runs already.
    pub async fn over(app: TestApp, columns: u16, rows: u16) -> Self {
        let keymap = Keymap::new(&[]).unwrap();
        let depth = ColorDepth::TrueColor;
        let theme = theme::load("dark", false, depth).unwrap();
        let ui = Ui::new(keymap, theme, depth, Rect::new(0, 0, columns, rows));
        let mut stage = Self { app, ui };
        stage.sync().await;
        stage
    }

    /// Brings the views up to date and lets what they wish come true.
    pub async fn sync(&mut self) {
        // A wish may be followed by another: what is looked at decides what is read.
        for _ in 0..3 {
            let now = self.app.now();
            for wish in self.ui.sync(self.app.state(), now) {
                self.app.submit(wish);
            }
            self.app.settle().await;
        }
    }

    /// Presses keys in the notation of the configuration file, separated by blanks: `j Enter Ctrl-d`.
    pub async fn keys(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            let key = Key::parse(key).unwrap();
            let now = self.app.now();
            for request in self.ui.handle(Input::Key(key), self.app.state(), now) {
                if let Request::Run(command) = request {
                    self.app.submit(command);
                }
            }
            self.sync().await;
        }
    }

    /// Lets time pass, looking at the screen all the while.
    pub async fn seconds(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.app.seconds(1).await;
            let now = self.app.now();
            for wish in self.ui.sync(self.app.state(), now) {
                self.app.submit(wish);
            }
        }
        self.sync().await;
    }

    pub fn frame(&self) -> Buffer {
        let mut buffer = Buffer::empty(self.ui.area);
        draw(self.ui.area, &mut buffer, &self.ui, self.app.state(), self.app.now());
        buffer
    }

    /// Returns the screen as text, a line each.
    pub fn screen(&self) -> String {
        let frame = self.frame();
        let rows = frame.area.height;
        (0..rows)
            .map(|y| (0..frame.area.width).map(|x| frame[(x, y)].symbol()).collect::<String>())
            .map(|line| line.trim_end().to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[track_caller]
    pub fn assert_shows(&self, text: &str) {
        let screen = self.screen();
        assert!(screen.contains(text), "the screen does not show {text:?}:\n{screen}");
    }
}
