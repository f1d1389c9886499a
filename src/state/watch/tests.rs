//! What follows from saved files, with a clock that only moves when told and jobs that only end when told.

mod decisions;
mod plans;
mod properties;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::command::Command;
use crate::event::{EngineInfo, Event};
use crate::model::compose::{BuildSection, ComposeProject, Definition, MountDefinition, ServiceDefinition};
use crate::model::containers::{ComposeLabels, Container, ContainerId, RunState};
use crate::model::health::Health;
use crate::model::jobs::{Job, JobId, JobOutcome, Phase, Verb};
use crate::model::watch::run::{RunPhase, WatchOrder, WatchRun};
use crate::model::watch::tree::{ContentHash, FileChange, Tree, TreeFacts, TreeNews};
use crate::model::watch::{WatchAction, WatchRule};
use crate::state::State;
use crate::state::watch::decide::target;

const STACK: &str = "shop";
const FOLDER: &str = "/srv/shop";

fn begin() -> Timestamp {
    "2026-11-20T17:30:00Z".parse().unwrap()
}

fn container(service: &str, number: u32, generation: u32) -> Container {
    let name = format!("shop-{service}-{number}");
    let id = format!("{name}-{generation}");
    Container {
        id: ContainerId::new(format!("{id:0<64}")),
        name: name.into(),
        image: "shop/image:1".into(),
        image_id: String::from("sha256:00"),
        compose: Some(ComposeLabels {
            project: STACK.into(),
            service: service.into(),
            number,
            working_dir: FOLDER.to_owned(),
            config_files: vec![format!("{FOLDER}/docker-compose.yml")],
            version: String::from("2.26.1"),
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
        restart_policy: String::from("unless-stopped"),
        stop_signal: 15,
        stop_timeout_s: 10,
        pid: None,
        created_at: Some(begin()),
        started_at: Some(begin()),
        finished_at: None,
        ports: Vec::new(),
        mounts: Vec::new(),
        networks: Vec::new(),
        network_mode: String::from("shop_default"),
        env: Vec::new(),
        command: String::from("serve"),
        user: String::new(),
        tty: false,
        stdin_open: false,
        memory_limit: None,
        log_driver: String::from("json-file"),
    }
}

fn rule(path: &str, action: WatchAction, target: &str) -> WatchRule {
    WatchRule {
        path: format!("{FOLDER}/{path}").into(),
        action,
        target: (!target.is_empty()).then(|| target.to_owned()),
        ignore: Vec::new(),
        include: Vec::new(),
        initial_sync: false,
        exec: Vec::new(),
        exec_user: String::new(),
        exec_folder: String::new(),
    }
}

fn built(context: &str) -> ServiceDefinition {
    ServiceDefinition {
        builds: true,
        build: Some(BuildSection { context: format!("{FOLDER}/{context}"), ..BuildSection::default() }),
        replicas: 1,
        ..ServiceDefinition::default()
    }
}

fn ruled(rules: Vec<WatchRule>) -> ServiceDefinition {
    ServiceDefinition { watch: rules, ..built("app") }
}

fn bind(source: &str, target: &str) -> MountDefinition {
    MountDefinition {
        kind: String::from("bind"),
        source: format!("{FOLDER}/{source}"),
        target: target.to_owned(),
        read_only: false,
    }
}

fn hash(content: u8) -> Option<ContentHash> {
    (content > 0).then_some(ContentHash([content; 16]))
}

/// A stack whose services are up, with everything that was wished for.
struct Bench {
    state: State,
    now: Timestamp,
    services: BTreeMap<&'static str, ServiceDefinition>,
    orders: Vec<WatchOrder>,
    wishes: Vec<Command>,
    jobs: BTreeMap<u64, Job>,
    last_job: u64,
    files: BTreeMap<PathBuf, u8>,
}

impl Bench {
    fn new(services: impl IntoIterator<Item = (&'static str, ServiceDefinition)>) -> Self {
        let mut bench = Self {
            state: State::new(begin(), String::from("test"), false),
            now: begin() + SignedDuration::from_hours(1),
            services: services.into_iter().collect(),
            orders: Vec::new(),
            wishes: Vec::new(),
            jobs: BTreeMap::new(),
            last_job: 0,
            files: BTreeMap::new(),
        };
        bench.apply(Event::EngineConnected(EngineInfo { local: true, ..EngineInfo::default() }));
        let containers = bench.services.keys().map(|name| container(name, 1, 1)).collect();
        bench.apply(Event::ContainersListed(containers));
        bench.define();
        bench
    }

    /// Tells what the stack's files say now.
    fn define(&mut self) {
        let services =
            self.services.iter().map(|(name, service)| (Arc::from(*name), service.clone())).collect();
        let definition = Definition {
            name: STACK.into(),
            services,
            files: vec![format!("{FOLDER}/docker-compose.yml").into()],
            ..Definition::default()
        };
        let project = self.state.containers.project_of(STACK).cloned().unwrap_or_else(|| ComposeProject {
            name: Some(STACK.to_owned()),
            folder: FOLDER.into(),
            ..ComposeProject::default()
        });
        self.apply(Event::DefinitionRead { project, result: Ok(definition) });
    }

    fn on(mut self) -> Self {
        self.apply(Event::WatchSet { stack: STACK.into(), service: None, on: true });
        self
    }

    fn apply(&mut self, event: Event) {
        for wish in self.state.apply(self.now, event) {
            match wish {
                Command::RunWatch(order) => self.begin(order),
                wish => self.wishes.push(wish),
            }
        }
    }

    /// What the supervisor does with an order.
    fn begin(&mut self, order: WatchOrder) {
        self.last_job += 1;
        let job = Job {
            id: JobId(self.last_job),
            verb: Verb::Watch(order.action),
            target: target(&order.stack, &order.services),
            started_at: self.now,
            stop_timeout: None,
            done: 0,
            total: 0,
            command: String::new(),
            gist: String::new(),
            order: None,
            phase: None,
            run: None,
            watch: Some(order.run),
        };
        self.orders.push(order);
        self.jobs.insert(self.last_job, job.clone());
        self.apply(Event::JobStarted(Box::new(job)));
    }

    fn phase(&mut self, job: u64, phase: Phase) {
        self.apply(Event::JobPhased { job: JobId(job), phase, command: String::new() });
    }

    /// Ends a job that runs.
    fn end(&mut self, job: u64, outcome: JobOutcome) {
        if self.jobs.remove(&job).is_some() {
            self.apply(Event::JobFinished { job: JobId(job), outcome });
        }
    }

    fn succeed(&mut self, job: u64) {
        self.end(job, JobOutcome::Succeeded);
    }

    fn fail(&mut self, job: u64) {
        self.end(job, JobOutcome::Failed(vec![String::from("no such file: x")]));
    }

    /// Lets time pass, with the ticks that are asked for.
    fn wait(&mut self, time: SignedDuration) {
        let end = self.now + time;
        while let Some(at) = self.state.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.apply(Event::Tick);
            if self.state.next_deadline() == Some(at) {
                break;
            }
        }
        self.now = end;
        self.apply(Event::Tick);
    }

    fn breath(&mut self) {
        self.wait(SignedDuration::from_millis(50));
    }

    /// Saves a file with this content, 0 removes it: every tree that holds it tells, as the adapter would.
    fn save(&mut self, path: &str, content: u8) {
        let path = PathBuf::from(format!("{FOLDER}/{path}"));
        let before = self.files.insert(path.clone(), content).unwrap_or(0);
        if before == content {
            return;
        }
        let change = FileChange { path: path.clone(), before: hash(before), after: hash(content) };
        let trees: Vec<Arc<Tree>> = self.state.watch.wanted_trees().iter().cloned().collect();
        for tree in trees.into_iter().filter(|tree| path.starts_with(&tree.root)) {
            let changes = vec![change.clone()];
            self.apply(Event::TreeSaid(TreeNews::Changed { tree, noticed_at: self.now, changes }));
        }
    }

    /// Tells what was changed while nobody watched.
    fn scanned(&mut self, path: &str) {
        let path = PathBuf::from(format!("{FOLDER}/{path}"));
        let trees: Vec<Arc<Tree>> = self.state.watch.wanted_trees().iter().cloned().collect();
        for tree in trees {
            let mut changes = vec![FileChange { path: path.clone(), before: hash(1), after: hash(2) }];
            changes.retain(|change| change.path.starts_with(&tree.root));
            let facts = TreeFacts::default();
            self.apply(Event::TreeSaid(TreeNews::Scanned { tree, facts, changes }));
        }
    }

    fn ask(&mut self, service: &str) {
        self.apply(Event::WatchTriggered { stack: STACK.into(), service: service.into() });
    }

    fn runs(&self) -> Vec<&WatchRun> {
        self.state.watch.runs().collect()
    }

    fn last(&self) -> &WatchRun {
        self.state.watch.runs().next_back().expect("a run")
    }

    fn phases(&self) -> Vec<RunPhase> {
        self.last().phases.iter().map(|(phase, _)| *phase).collect()
    }

    /// The orders so far: `rebuild app,worker`, `sync app /app/src/a`.
    fn ordered(&self) -> Vec<String> {
        let words = |order: &WatchOrder| {
            let copies: Vec<&str> = order.copies.iter().map(|item| item.target.as_str()).collect();
            format!("{} {} {}", order.action.word(), order.services.join(","), copies.join(","))
        };
        self.orders.iter().map(|order| words(order).trim_end().to_owned()).collect()
    }
}
