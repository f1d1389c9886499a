//! The engine room: owns the state and the ports, carries out commands, brings facts in.
//!
//! [`Supervisor::submit`] takes a wish, [`Supervisor::next`] waits until something happened and has
//! applied it. Decides no policy (that is `state`) and draws nothing.

pub mod followers;
pub mod history;
pub mod inbox;
pub mod jobs;
pub mod link;
pub mod older;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::command::Command;
use crate::event::{EngineEventKind, Event};
use crate::model::containers::{ContainerId, RunState};
use crate::model::jobs::Job;
use crate::model::notify::NotifyPolicy;
use crate::model::shells::ShellWish;
use crate::model::usage::BEAT_SECONDS;
use crate::ports::{BoxFuture, EngineError, Opening, Ports};
use crate::state::State;
use crate::state::notify::Notify;
use crate::supervisor::followers::Followers;
use crate::supervisor::history::Recorder;
use crate::supervisor::inbox::{Inbox, Outbox};
use crate::supervisor::jobs::{JobRunner, Room};

const READ_ONLY: &str = "read-only: nothing is changed (started with --read-only)";
/// Inspections under way at once.
const INSPECTIONS: usize = 8;
/// Webhooks told at once.
const WEBHOOKS: usize = 2;
/// Waiting times after an inspection that failed for another reason than "no such container".
const INSPECTION_RETRIES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(2), Duration::from_millis(0)];
/// How often unhealthy containers are inspected, for their newest result and failing streak.
const SICK_BEAT: SignedDuration = SignedDuration::from_secs(10);
/// How often processes are read while they are looked at.
const PROCESS_BEAT: SignedDuration = SignedDuration::from_secs(3);

pub struct Supervisor {
    state: State,
    ports: Ports,
    inbox: Inbox,
    outbox: Outbox,
    tasks: JoinSet<()>,
    followers: Followers,
    jobs: JobRunner,
    recorder: Option<Recorder>,
    /// Containers being inspected; `true`: once more afterwards.
    inspecting: HashMap<ContainerId, bool>,
    inspections: Arc<Semaphore>,
    definitions: Arc<Semaphore>,
    webhooks: Arc<Semaphore>,
    reconnect: Arc<tokio::sync::Notify>,
    next_sample: Timestamp,
    sampling: bool,
    host_sampling: bool,
    next_health: Option<Timestamp>,
    next_processes: Option<Timestamp>,
    /// When containers that are unhealthy are asked again: no event tells of one more failed check.
    next_sick: Timestamp,
}

impl Supervisor {
    /// Starts to connect at once; must be called inside a tokio runtime.
    pub fn start(ports: Ports, read_only: bool) -> Self {
        let now = ports.clock.now();
        let (inbox, outbox) = inbox::channels();
        let reconnect = Arc::new(tokio::sync::Notify::new());
        let mut tasks = JoinSet::new();
        let link = link::run(ports.clone(), outbox.clone(), reconnect.clone());
        let (kept, teller) = (ports.history.clone(), outbox.clone());
        tasks.spawn(async move {
            // First what was kept: the engine tells part of it again, and that is told once.
            if let Some(kept) = kept {
                history::recall(&*kept, now, &teller).await;
            }
            link.await;
        });
        Self {
            state: State::new(now, ports.engine.host(), read_only),
            followers: Followers::new(ports.engine.clone(), outbox.clone()),
            jobs: JobRunner::default(),
            recorder: ports.history.clone().map(|history| Recorder::start(history, outbox.clone())),
            inspecting: HashMap::new(),
            inspections: Arc::new(Semaphore::new(INSPECTIONS)),
            definitions: Arc::new(Semaphore::new(1)),
            webhooks: Arc::new(Semaphore::new(WEBHOOKS)),
            reconnect,
            next_sample: now,
            sampling: false,
            host_sampling: false,
            next_health: None,
            next_processes: None,
            next_sick: now,
            ports,
            inbox,
            outbox,
            tasks,
        }
    }

    /// Tells of changes from here on.
    pub fn notify(&mut self, policy: NotifyPolicy) {
        self.state.notify = Notify::new(policy);
    }

    /// Looks at one stack only, from the next list on.
    pub fn limit_to(&mut self, stack: &str) {
        self.state.scope = Some(Arc::from(stack));
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// Carries out a wish. The one gate of `--read-only`: nothing that changes something passes it.
    pub fn submit(&mut self, command: Command) {
        if self.state.read_only && command.changes_something() {
            self.apply(Event::CommandRefused(String::from(READ_ONLY)));
            return;
        }
        match command {
            Command::Act { verb, target } => self.begin(|jobs, room| jobs.act(room, verb, target)),
            Command::Compose(order) => self.begin(|jobs, room| jobs.compose(room, &order)),
            Command::Rename { container, name } => {
                self.begin(|jobs, room| jobs.rename(room, container, name));
            }
            Command::Copy(order) => self.begin(|jobs, room| jobs.copy(room, order)),
            Command::Cancel(job) => self.jobs.cancel(job),
            Command::LookAt(interest) => {
                if interest == self.state.interest {
                    return;
                }
                self.followers.follow(&interest.logs, &self.state);
                let now = self.now();
                if interest.processes != self.state.interest.processes {
                    self.next_processes = interest.processes.is_some().then_some(now);
                }
                if interest.health != self.state.interest.health {
                    self.next_health = interest.health.is_some().then_some(now);
                }
                self.apply(Event::LookedAt(interest));
            }
            Command::LoadOlderLogs(ids) => {
                let requests = self.state.logs.older_requests(&ids);
                self.apply(Event::OlderLogsAsked(ids));
                for request in requests {
                    let engine = self.ports.engine.clone();
                    let tty = self.state.containers.get(&request.container);
                    let tty = tty.is_some_and(|entry| entry.container.tty);
                    self.fetch(async move {
                        let result = older::read(engine, &request, tty).await;
                        Event::OlderLogsRead { container: request.container, result }
                    });
                }
            }
            Command::Inspect(id) => self.inspect(id),
            Command::ReadInspect(container) => {
                let engine = self.ports.engine.clone();
                self.fetch(async move {
                    let lines = engine.inspect_text(&container).await;
                    Event::InspectRead { container, lines }
                });
            }
            Command::ReadProcesses(container) => {
                let engine = self.ports.engine.clone();
                self.fetch(async move {
                    let table = engine.processes(&container).await;
                    Event::ProcessesRead { container, table }
                });
            }
            Command::ReadDiskUsage => {
                let engine = self.ports.engine.clone();
                self.fetch(async move { Event::DiskUsageRead(engine.disk_usage().await) });
            }
            Command::ReadDefinition(project) => {
                let compose = self.ports.compose.clone();
                let turn = self.definitions.clone();
                self.fetch(async move {
                    // One at a time: each takes a core for a fifth of a second, and nobody waits for it.
                    let _turn = turn.acquire_owned().await;
                    let result = compose.definition(&project).await;
                    Event::DefinitionRead { project, result }
                });
            }
            Command::Reconnect => self.reconnect.notify_one(),
            Command::Notify(notification) => {
                if let Some(webhook) = self.ports.webhook.clone() {
                    let (turn, outbox) = (self.webhooks.clone(), self.outbox.clone());
                    self.tasks.spawn(async move {
                        let _turn = turn.acquire_owned().await;
                        if let Err(why) = webhook.tell(notification).await {
                            log::warn!("{why}");
                            outbox.fact(Event::WebhookFailed(why)).await;
                        }
                    });
                }
            }
            Command::Remember(entries) => {
                if let Some(recorder) = &mut self.recorder {
                    recorder.keep(entries);
                }
            }
        }
    }

    /// Lets what is to be kept reach the disk; nothing is kept afterwards.
    pub async fn close(&mut self) {
        if let Some(recorder) = self.recorder.take() {
            recorder.close().await;
        }
    }

    /// Opens a terminal in a container. Refused under `--read-only`: what is typed there may change
    /// anything.
    fn begin(&mut self, start: impl FnOnce(&mut JobRunner, Room<'_>) -> Result<Job, String>) {
        let room =
            Room { state: &self.state, ports: &self.ports, outbox: &self.outbox, tasks: &mut self.tasks };
        match start(&mut self.jobs, room) {
            Ok(job) => self.apply(Event::JobStarted(Box::new(job))),
            Err(why) => self.apply(Event::CommandRefused(why)),
        }
    }

    /// Opens a shell in a container. Refused under `--read-only`: what is typed there may change anything.
    pub fn open_shell(
        &self,
        wish: ShellWish,
        size: (u16, u16),
    ) -> Result<BoxFuture<'static, Result<Opening, EngineError>>, String> {
        if self.state.read_only {
            return Err(String::from(READ_ONLY));
        }
        let Some(entry) = self.state.containers.get(&wish.container) else {
            return Err(String::from("The container is gone"));
        };
        if entry.container.run != RunState::Running {
            return Err(format!("{} is {}: no shell", entry.container.name, entry.container.run.word()));
        }
        let engine = self.ports.engine.clone();
        Ok(Box::pin(async move { engine.shell(&wish, size).await }))
    }

    /// Waits until something happened and applies it, with whatever else has arrived meanwhile.
    /// Safe to drop at any await.
    pub async fn next(&mut self) {
        let wait = self.ports.clock.until(self.next_deadline());
        tokio::select! {
            biased;
            event = self.inbox.recv() => {
                self.apply(event);
                let started = std::time::Instant::now();
                while started.elapsed() < inbox::BUDGET {
                    let Some(event) = self.inbox.try_recv() else { break };
                    self.apply(event);
                }
            }
            () = tokio::time::sleep(wait) => {}
        }
        self.on_time();
        while self.tasks.try_join_next().is_some() {}
    }

    fn next_deadline(&self) -> Timestamp {
        [self.state.next_deadline(), self.next_health, self.next_processes]
            .into_iter()
            .flatten()
            .fold(self.next_sample.min(self.next_sick), Timestamp::min)
    }

    fn apply(&mut self, event: Event) {
        match &event {
            Event::ContainersListed(_) => {
                self.inspecting.clear();
                self.followers.nudge_all();
                // The first figures should not wait for the next beat.
                self.next_sample = self.now();
            }
            Event::EngineSaid { event, replayed: false } => match event.kind {
                EngineEventKind::Started => self.followers.started(&event.container, event.at),
                EngineEventKind::Died { exit_code } => {
                    self.followers.died(&event.container, event.at, exit_code);
                }
                _ => {}
            },
            Event::UsageSampled(_) => self.sampling = false,
            Event::HostSampled(_) => self.host_sampling = false,
            _ => {}
        }
        let inspected = match &event {
            Event::ContainerInspected(container) => Some(container.id.clone()),
            Event::ContainerGone(id) | Event::InspectionFailed(id) => Some(id.clone()),
            _ => None,
        };
        let wishes = self.state.apply(self.ports.clock.now(), event);
        if let Some(id) = inspected
            && self.inspecting.remove(&id) == Some(true)
        {
            self.inspect(id);
        }
        for wish in wishes {
            self.submit(wish);
        }
    }

    /// Inspects a container; a second wish while one is under way is remembered, a third is the same.
    fn inspect(&mut self, id: ContainerId) {
        if let Some(again) = self.inspecting.get_mut(&id) {
            *again = true;
            return;
        }
        self.inspecting.insert(id.clone(), false);
        let engine = self.ports.engine.clone();
        let permits = self.inspections.clone();
        self.fetch(async move {
            let _permit = permits.acquire_owned().await;
            for pause in INSPECTION_RETRIES {
                match engine.inspect(&id).await {
                    Ok(container) => return Event::ContainerInspected(Box::new(container)),
                    Err(EngineError::NotFound(_)) => return Event::ContainerGone(id),
                    Err(error) => {
                        log::warn!("inspecting {}: {error}", id.short());
                        tokio::time::sleep(pause).await;
                    }
                }
            }
            // The last known picture stays; a broken link lists everything again.
            Event::InspectionFailed(id)
        });
    }

    fn fetch(&mut self, work: impl Future<Output = Event> + Send + 'static) {
        let outbox = self.outbox.clone();
        self.tasks.spawn(async move {
            let event = work.await;
            outbox.fact(event).await;
        });
    }

    /// Does what is due by the clock.
    fn on_time(&mut self) {
        let now = self.ports.clock.now();
        if self.state.next_deadline().is_some_and(|at| at <= now) {
            self.apply(Event::Tick);
        }
        if self.next_sample <= now {
            self.next_sample = next_beat(now);
            self.sample();
        }
        if self.next_health.is_some_and(|at| at <= now) {
            self.next_health = self.state.interest.health.clone().map(|id| {
                let due = self.state.next_health_result(&id);
                self.inspect(id);
                due.filter(|at| *at > now).unwrap_or(now + SignedDuration::from_secs(2))
            });
        }
        if self.next_sick <= now {
            self.next_sick = now + SICK_BEAT;
            for id in self.state.containers.unhealthy().take(INSPECTIONS).collect::<Vec<_>>() {
                self.inspect(id);
            }
        }
        if self.next_processes.is_some_and(|at| at <= now) {
            self.next_processes = self.state.interest.processes.clone().map(|id| {
                self.submit(Command::ReadProcesses(id));
                now + PROCESS_BEAT
            });
        }
    }

    fn sample(&mut self) {
        if !self.sampling && self.state.connection.is_up() {
            let wanted = crate::state::usage::requests(&self.state.containers, &self.state.interest.usage);
            if !wanted.is_empty() {
                self.sampling = true;
                let meter = self.ports.usage.clone();
                self.fetch(async move { Event::UsageSampled(meter.sample(wanted).await) });
            }
        }
        if !self.host_sampling && self.state.interest.host {
            self.host_sampling = true;
            let meter = self.ports.host.clone();
            self.fetch(async move { Event::HostSampled(Box::new(meter.sample().await)) });
        }
    }
}

/// Returns the next moment that lies on the beat, so that all figures of a screen change together.
fn next_beat(now: Timestamp) -> Timestamp {
    let beat = Duration::from_secs(BEAT_SECONDS as u64).as_millis() as i64;
    let millisecond = now.as_millisecond();
    Timestamp::from_millisecond(millisecond - millisecond.rem_euclid(beat) + beat).unwrap_or(now)
}
