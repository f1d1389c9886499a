//! `--read-only`: one gate, every command, every verb.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use stackdash::adapters::scenario::DEMO;
use stackdash::command::{Command, Interest};
use stackdash::event::{EngineEvent, EngineInfo, ProcessTable};
use stackdash::model::compose::{ComposeProject, Definition};
use stackdash::model::containers::{Container, ContainerId};
use stackdash::model::host::EngineDiskUsage;
use stackdash::model::jobs::{ComposeOrder, ComposeVerb, CopyOrder, JobId, RunKind, Signal, Verb};
use stackdash::model::logs::LogLine;
use stackdash::model::notify::{Change, Notification};
use stackdash::model::probes::{ProbeId, ProbeRequest, ProbeRule};
use stackdash::model::runs::{ExecOrder, OutputLine, RunOrder, RunTitle, RunWay};
use stackdash::model::shells::ShellWish;
use stackdash::model::stacks::Target;
use stackdash::model::tokens::{Buffer, RefreshCause, TokenId, TokenRead, TokenRequest, TokenRule};
use stackdash::model::watch::run::{RunAction, RunId, WatchOrder};
use stackdash::model::watch::tree::Tree;
use stackdash::ports::{
    BoxFuture, BoxStream, Compose, ComposeError, Engine, EngineError, ExecSession, LogRequest, Opening, Ports,
};
use tokio::sync::mpsc::Sender;

use crate::support::{TestApp, service, stack};

/// Passes everything on, and counts what changes something.
struct Counting {
    engine: Arc<dyn Engine>,
    compose: Arc<dyn Compose>,
    changes: AtomicUsize,
}

impl Counting {
    fn count(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    fn changes(&self) -> usize {
        self.changes.load(Ordering::SeqCst)
    }
}

type Answer<'a, T> = BoxFuture<'a, Result<T, EngineError>>;

impl Engine for Counting {
    fn host(&self) -> String {
        self.engine.host()
    }
    fn connect(&self) -> Answer<'_, EngineInfo> {
        self.engine.connect()
    }
    fn ping(&self) -> Answer<'_, ()> {
        self.engine.ping()
    }
    fn list(&self) -> Answer<'_, Vec<Container>> {
        self.engine.list()
    }
    fn inspect<'a>(&'a self, id: &'a ContainerId) -> Answer<'a, Container> {
        self.engine.inspect(id)
    }
    fn events(&self, since: Option<Timestamp>) -> BoxStream<'static, Result<EngineEvent, EngineError>> {
        self.engine.events(since)
    }
    fn logs(
        &self,
        id: &ContainerId,
        request: LogRequest,
    ) -> BoxStream<'static, Result<Vec<LogLine>, EngineError>> {
        self.engine.logs(id, request)
    }
    fn start<'a>(&'a self, id: &'a ContainerId) -> Answer<'a, ()> {
        self.count();
        self.engine.start(id)
    }
    fn stop<'a>(&'a self, id: &'a ContainerId) -> Answer<'a, ()> {
        self.count();
        self.engine.stop(id)
    }
    fn restart<'a>(&'a self, id: &'a ContainerId) -> Answer<'a, ()> {
        self.count();
        self.engine.restart(id)
    }
    fn pause<'a>(&'a self, id: &'a ContainerId) -> Answer<'a, ()> {
        self.count();
        self.engine.pause(id)
    }
    fn unpause<'a>(&'a self, id: &'a ContainerId) -> Answer<'a, ()> {
        self.count();
        self.engine.unpause(id)
    }
    fn kill<'a>(&'a self, id: &'a ContainerId, signal: Signal) -> Answer<'a, ()> {
        self.count();
        self.engine.kill(id, signal)
    }
    fn remove<'a>(&'a self, id: &'a ContainerId) -> Answer<'a, ()> {
        self.count();
        self.engine.remove(id)
    }
    fn rename<'a>(&'a self, id: &'a ContainerId, name: &'a str) -> Answer<'a, ()> {
        self.count();
        self.engine.rename(id, name)
    }
    fn copy<'a>(&'a self, order: &'a CopyOrder, progress: Sender<(u64, u64)>) -> Answer<'a, ()> {
        self.count();
        self.engine.copy(order, progress)
    }
    fn inspect_text<'a>(&'a self, id: &'a ContainerId) -> Answer<'a, Vec<String>> {
        self.engine.inspect_text(id)
    }
    fn processes<'a>(&'a self, id: &'a ContainerId) -> Answer<'a, ProcessTable> {
        self.engine.processes(id)
    }
    fn disk_usage(&self) -> Answer<'_, EngineDiskUsage> {
        self.engine.disk_usage()
    }
    fn shell<'a>(&'a self, wish: &'a ShellWish, size: (u16, u16)) -> Answer<'a, Opening> {
        self.count();
        self.engine.shell(wish, size)
    }
    fn exec<'a>(&'a self, order: &'a ExecOrder) -> Answer<'a, ExecSession> {
        self.count();
        self.engine.exec(order)
    }
    fn image_bytes<'a>(&'a self, image_id: &'a str) -> Answer<'a, u64> {
        self.engine.image_bytes(image_id)
    }
}

impl Compose for Counting {
    fn definition<'a>(
        &'a self,
        project: &'a ComposeProject,
    ) -> BoxFuture<'a, Result<Definition, ComposeError>> {
        self.compose.definition(project)
    }
    fn run<'a>(
        &'a self,
        project: &'a ComposeProject,
        args: &'a [String],
        lines: Sender<OutputLine>,
    ) -> BoxFuture<'a, Result<(), ComposeError>> {
        self.count();
        self.compose.run(project, args, lines)
    }
}

async fn stage(read_only: bool) -> (TestApp, Arc<Counting>) {
    let mut counting = None;
    let app = TestApp::plugged(DEMO, read_only, |ports| {
        let made = Arc::new(Counting {
            engine: ports.engine.clone(),
            compose: ports.compose.clone(),
            changes: AtomicUsize::new(0),
        });
        counting = Some(made.clone());
        Ports { engine: made.clone(), compose: made, ..ports }
    })
    .await;
    (app, counting.unwrap())
}

/// Numbers the verbs. A new one does not compile until it has a number here, and does not pass until
/// [`verbs`] has a sample of it.
fn number_of_verb(verb: Verb) -> usize {
    match verb {
        Verb::Start => 0,
        Verb::Stop => 1,
        Verb::Restart => 2,
        Verb::Pause => 3,
        Verb::Unpause => 4,
        Verb::Kill(_) => 5,
        Verb::Remove => 6,
        Verb::Rename => 7,
        Verb::CopyIn => 8,
        Verb::CopyOut => 9,
        Verb::Compose(verb) => match verb {
            ComposeVerb::Up => 10,
            ComposeVerb::Down { .. } => 11,
            ComposeVerb::Recreate => 12,
            ComposeVerb::Rebuild => 13,
            ComposeVerb::Pull => 14,
            ComposeVerb::RebuildClean => 15,
            ComposeVerb::Scale(_) => 16,
            ComposeVerb::Update => 17,
            ComposeVerb::GoBack => 18,
            ComposeVerb::Sweep => 19,
        },
        Verb::Run(_) => 20,
        Verb::Watch(_) => 21,
    }
}
const VERBS: usize = 22;

fn compose_verbs() -> Vec<ComposeVerb> {
    let down = [false, true].map(|volumes| ComposeVerb::Down { volumes });
    let plain = [
        ComposeVerb::Up,
        ComposeVerb::Recreate,
        ComposeVerb::Rebuild,
        ComposeVerb::Pull,
        ComposeVerb::RebuildClean,
        ComposeVerb::Scale(2),
        ComposeVerb::Update,
        ComposeVerb::GoBack,
        ComposeVerb::Sweep,
    ];
    plain.into_iter().chain(down).collect()
}

fn verbs() -> Vec<Verb> {
    let plain = [
        Verb::Start,
        Verb::Stop,
        Verb::Restart,
        Verb::Pause,
        Verb::Unpause,
        Verb::Remove,
        Verb::Rename,
        Verb::CopyIn,
        Verb::CopyOut,
        Verb::Run(RunKind::Beside),
        Verb::Run(RunKind::Alone),
        Verb::Watch(RunAction::Sync),
    ];
    let kills = Signal::ALL.into_iter().map(Verb::Kill);
    plain.into_iter().chain(kills).chain(compose_verbs().into_iter().map(Verb::Compose)).collect()
}

fn token_id() -> TokenId {
    TokenId { stack: "uteclocal".into(), name: "utec".into() }
}

fn token_rule() -> TokenRule {
    TokenRule {
        name: String::from("utec"),
        service: None,
        read: TokenRead::HostFile("/srv/token.json".into()),
        expires: None,
        issued: None,
        value: None,
        each: None,
        label: None,
        buffer: Buffer::Fixed(Duration::from_mins(5)),
        refresh: None,
        auto_refresh: false,
        authorize: None,
    }
}

fn probe_request() -> ProbeRequest {
    let rule = ProbeRule {
        name: String::from("health"),
        service: "simple-sync".into(),
        url: String::from("http://localhost:8080/health"),
        every: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        expect: Vec::new(),
        stale: None,
    };
    let id = ProbeId { stack: "simple-sync".into(), service: "simple-sync".into(), name: "health".into() };
    ProbeRequest { id, rule: Arc::new(rule), address: None }
}

/// Numbers the commands, and says whether each changes something.
fn number_of_command(command: &Command) -> (usize, bool) {
    match command {
        Command::Act { .. } => (0, true),
        Command::Compose(_) => (1, true),
        Command::Rename { .. } => (2, true),
        Command::Copy(_) => (3, true),
        Command::Cancel(_) => (4, false),
        Command::LookAt(_) => (5, false),
        Command::Inspect(_) => (6, false),
        Command::ReadInspect(_) => (7, false),
        Command::ReadProcesses(_) => (8, false),
        Command::ReadDiskUsage => (9, false),
        Command::ReadDefinition(_) => (10, false),
        Command::Reconnect => (11, false),
        Command::LoadOlderLogs(_) => (12, false),
        // What we tell others of and write into files of our own.
        Command::Notify(_) => (13, false),
        Command::Remember(_) => (14, false),
        Command::ReadStackFile { .. } => (15, false),
        Command::ChooseVariant { .. } => (16, false),
        Command::Run(_) => (17, true),
        Command::ReadChoices { .. } => (18, true),
        Command::Lint { .. } => (19, false),
        Command::ReadTokens(_) => (20, false),
        Command::RefreshToken { .. } => (21, true),
        // Ours alone; what it would do later passes the same gate.
        Command::SetAutoRefresh { .. } => (22, false),
        Command::SetWatch { .. } => (23, true),
        Command::PauseWatch(_) => (24, false),
        Command::SetWatchManual(_) => (25, false),
        Command::TriggerWatch { .. } => (26, true),
        Command::RunWatch(_) => (27, true),
        Command::KeepTree { .. } => (28, false),
        Command::KeepWatched(_) => (29, false),
        Command::Probe(_) => (30, false),
        Command::MeasureImage(_) => (31, false),
        Command::ProbeNow => (32, false),
        Command::Authorize(_) => (33, true),
        Command::AskApproval(_) => (34, false),
        Command::DropAuthorization(_) => (35, false),
    }
}
const COMMANDS: usize = 36;

fn tree() -> Tree {
    Tree {
        stack: "uteclocal".into(),
        service: "gateway".into(),
        root: "/srv/gateway".into(),
        ignores: Vec::new(),
    }
}

fn commands(container: &ContainerId) -> Vec<Command> {
    let targets =
        [stack("uteclocal"), service("simple-sync", "simple-sync"), Target::Container(container.clone())];
    let mut all = Vec::new();
    for target in targets {
        all.extend(verbs().into_iter().map(|verb| Command::Act { verb, target: target.clone() }));
    }
    for verb in compose_verbs() {
        let (stack, services, profiles) = ("simple-sync".into(), Vec::new(), Vec::new());
        all.push(Command::Compose(ComposeOrder { verb, stack, services, profiles }));
    }
    all.push(Command::Rename { container: container.clone(), name: String::from("other") });
    for out in [true, false] {
        all.push(Command::Copy(CopyOrder {
            container: container.clone(),
            out,
            inside: String::from("/etc/hosts"),
            outside: "/nonexistent/hosts".into(),
            overwrite: false,
        }));
    }
    let exec = ExecOrder {
        container: container.clone(),
        arguments: vec![String::from("touch"), String::from("/tmp/x")],
        user: None,
        folder: None,
    };
    let compose = RunWay::Compose { stack: "simple-sync".into(), arguments: vec![String::from("up")] };
    for way in [RunWay::Exec(exec.clone()), compose] {
        all.push(Command::Run(RunOrder {
            title: RunTitle { name: "touch".into(), is_action: false },
            target: service("simple-sync", "simple-sync"),
            way,
            timeout: None,
        }));
    }
    all.push(Command::ReadChoices { number: 1, order: exec });
    all.extend([
        Command::Cancel(JobId(1)),
        Command::LookAt(Interest::default()),
        Command::Inspect(container.clone()),
        Command::ReadInspect(container.clone()),
        Command::ReadProcesses(container.clone()),
        Command::ReadDiskUsage,
        Command::MeasureImage(String::from("sha256:1")),
        Command::Probe(probe_request()),
        Command::ProbeNow,
        Command::ReadTokens(TokenRequest {
            stack: "uteclocal".into(),
            rule: Arc::new(token_rule()),
            containers: Vec::new(),
            folder: None,
        }),
        Command::RefreshToken { token: token_id(), by: RefreshCause::Operator },
        Command::SetAutoRefresh { token: token_id(), on: true },
        Command::SetWatch { stack: "uteclocal".into(), service: None, on: true },
        Command::PauseWatch(false),
        Command::SetWatchManual(false),
        Command::TriggerWatch { stack: "uteclocal".into(), service: "gateway".into() },
        Command::RunWatch(WatchOrder {
            run: RunId(1),
            stack: "uteclocal".into(),
            services: vec!["gateway".into()],
            action: RunAction::Restart,
            copies: Vec::new(),
            hooks: Vec::new(),
            builds: vec![],
            followers: vec![],
            renews_volumes: false,
        }),
        Command::KeepTree { tree: Arc::new(tree()), changes: Vec::new() },
        Command::KeepWatched(Vec::new()),
        Command::Authorize(token_id()),
        Command::AskApproval(token_id()),
        Command::DropAuthorization(token_id()),
        Command::ReadStackFile { stack: "uteclocal".into(), folder: "/srv".into() },
        Command::ChooseVariant { stack: "uteclocal".into(), variant: String::from("prod") },
        Command::ReadDefinition(ComposeProject {
            name: Some(String::from("uteclocal")),
            ..ComposeProject::default()
        }),
        Command::Lint { stack: "uteclocal".into(), project: ComposeProject::default() },
        Command::Reconnect,
        Command::LoadOlderLogs(vec![container.clone().into()]),
        Command::Remember(Vec::new()),
        Command::Notify(Notification {
            at: Timestamp::UNIX_EPOCH,
            engine: String::new(),
            change: Change::Failed,
            stack: "simple-sync".into(),
            service: "simple-sync".into(),
            token: None,
            text: String::new(),
        }),
    ]);
    all
}

#[tokio::test(start_paused = true)]
async fn no_command_changes_anything() {
    let (mut app, counting) = stage(true).await;
    let begin = app.now();
    let container = app.container("simple-sync", "simple-sync");
    let all = commands(&container);
    let mut seen = [false; COMMANDS];
    let mut refused = 0;
    for command in all {
        let (number, changes) = number_of_command(&command);
        seen[number] = true;
        assert_eq!(command.changes_something(), changes, "{command:?}");
        app.submit(command);
        app.settle().await;
        refused += usize::from(changes);
        assert!(app.jobs().is_empty());
        if changes {
            assert!(app.notices().last().is_some_and(|words| words.starts_with("read-only")));
        }
    }
    assert_eq!(seen, [true; COMMANDS], "every command has its sample");
    let mut seen = [false; VERBS];
    for verb in verbs() {
        seen[number_of_verb(verb)] = true;
    }
    assert_eq!(seen, [true; VERBS], "every verb has its sample");
    assert!(refused > 60);
    assert!(app.open_shell(&container).is_err());
    app.seconds(9).await;
    assert_eq!(counting.changes(), 0);
    assert_eq!(app.timeline_since(begin + jiff::SignedDuration::from_millis(1)), Vec::<String>::new());

    // Looking is free.
    assert!(app.state().details.inspect(&container).unwrap().is_ok());
    assert!(app.state().details.processes(&container).is_some());
    assert!(app.state().host.disk_usage.as_ref().unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_same_commands_change_things_without_the_gate() {
    let (mut app, counting) = stage(false).await;
    let container = app.container("simple-sync", "simple-sync");
    for command in commands(&container) {
        app.submit(command);
        app.seconds(15).await;
    }
    assert!(counting.changes() > 15, "the count counts: {}", counting.changes());
}
