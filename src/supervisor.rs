//! The engine room: owns the state and the ports, carries out commands, brings facts in.
//!
//! [`Supervisor::submit`] takes a wish, [`Supervisor::next`] waits until something happened and has
//! applied it. Decides no policy (that is `state`) and draws nothing.

mod beat;
pub mod closing;
mod commands;
pub mod files;
pub mod followers;
pub mod history;
pub mod inbox;
pub mod jobs;
pub mod link;
pub mod older;
pub mod runs;
pub mod watch;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::event::{EngineEventKind, Event};
use crate::model::containers::{ContainerId, RunState};
use crate::model::notify::NotifyPolicy;
use crate::model::shells::ShellWish;
use crate::model::timeline::TimelineEntry;
use crate::model::usage::BEAT_SECONDS;
use crate::ports::{BoxFuture, Clock, EngineError, Opening, Ports};
use crate::state::State;
use crate::state::notify::Notify;
use crate::supervisor::closing::Closing;
use crate::supervisor::files::FileTask;
use crate::supervisor::followers::Followers;
use crate::supervisor::history::Recorder;
use crate::supervisor::inbox::{Inbox, Outbox};
use crate::supervisor::jobs::JobRunner;
use crate::supervisor::watch::TreeTask;

/// How long runs may take to end with us.
const LAST_RUNS: Duration = Duration::from_secs(6);
const READ_ONLY: &str = "read-only: nothing is changed (started with --read-only)";
/// Inspections under way at once.
const INSPECTIONS: usize = 8;
/// Webhooks told at once.
const WEBHOOKS: usize = 2;
/// Probes under way at once.
const PROBES: usize = 8;
/// Waiting times after an inspection that failed for another reason than "no such container".
const INSPECTION_RETRIES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(2), Duration::from_millis(0)];

/// A line that a job has printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub text: String,
    pub is_error: bool,
}

pub struct Supervisor {
    state: State,
    ports: Ports,
    inbox: Inbox,
    outbox: Outbox,
    tasks: JoinSet<()>,
    followers: Followers,
    jobs: JobRunner,
    closing: Closing,
    recorder: Option<Recorder>,
    files: FileTask,
    trees: TreeTask,
    /// What jobs print, for a caller that takes every line; `None`: nobody does.
    heard: Option<Vec<Heard>>,
    /// Containers being inspected; `true`: once more afterwards.
    inspecting: HashMap<ContainerId, bool>,
    inspections: Arc<Semaphore>,
    definitions: Arc<Semaphore>,
    webhooks: Arc<Semaphore>,
    probes: Arc<Semaphore>,
    reconnect: Arc<tokio::sync::Notify>,
    /// Between two samples; a slow link gets every second one.
    beat: Duration,
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
        let (kept, teller) = (ports.history.clone(), outbox.clone());
        // First what was kept: the engine tells part of it again, and that is told once.
        let recall = async move {
            if let Some(kept) = kept {
                history::recall(&*kept, now, &teller).await;
            }
        };
        tasks.spawn(link::run(ports.clone(), outbox.clone(), reconnect.clone(), recall));
        let mut state = State::new(now, ports.engine.host(), read_only);
        state.findings.on = ports.linter.is_some();
        if let Clock::Wall = ports.clock {
            // Two of us would restart the same container in the same moment.
            state.heal.wait_longer(SignedDuration::from_millis(i64::from(std::process::id() % 2000)));
        }
        Self {
            state,
            followers: Followers::new(ports.engine.clone(), outbox.clone()),
            jobs: JobRunner::default(),
            closing: Closing::default(),
            recorder: ports.history.clone().map(|history| Recorder::start(history, outbox.clone())),
            files: FileTask::default(),
            trees: TreeTask::default(),
            heard: None,
            inspecting: HashMap::new(),
            inspections: Arc::new(Semaphore::new(INSPECTIONS)),
            definitions: Arc::new(Semaphore::new(1)),
            webhooks: Arc::new(Semaphore::new(WEBHOOKS)),
            probes: Arc::new(Semaphore::new(PROBES)),
            reconnect,
            beat: Duration::from_secs(BEAT_SECONDS as u64),
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

    /// Halves the beat of figures from here on: whoever looks does so over a slow link.
    pub fn slow_down(&mut self) {
        self.beat = Duration::from_secs(2 * BEAT_SECONDS as u64);
    }

    /// Refreshes no token unasked: a command that looks once must not spend one.
    pub fn leave_tokens_alone(&mut self) {
        self.state.tokens.leave_alone();
    }

    /// Restarts nothing by itself: a command that looks once is no guardian.
    pub fn heal_nothing(&mut self) {
        self.state.heal.switch_off();
    }

    /// Takes what earlier runs kept of the timeline.
    pub fn remember(&mut self, entries: Vec<TimelineEntry>) {
        self.apply(Event::HistoryRead(entries));
    }

    /// Looks at one stack only, from the next list on.
    pub fn limit_to(&mut self, stack: &str) {
        self.state.scope = Some(Arc::from(stack));
    }

    /// Lets a stack use the files of a variant as soon as its variants are known.
    pub fn prefer_variant(&mut self, stack: &str, variant: &str) {
        self.state.preferred_variant = Some((Arc::from(stack), variant.to_owned()));
    }

    /// Keeps every line that jobs print from here on until it is taken; the state keeps the last ones only.
    pub fn listen(&mut self) {
        self.heard = Some(Vec::new());
    }

    /// Takes the lines that jobs have printed since the last call.
    pub fn take_heard(&mut self) -> Vec<Heard> {
        self.heard.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// Ends what runs in containers and lets what is to be kept reach the disk; nothing is kept afterwards.
    pub async fn close(&mut self) {
        if self.jobs.cancel_runs() {
            let end = tokio::time::Instant::now() + LAST_RUNS;
            while self.state.jobs.running().any(|job| job.run.is_some()) {
                if tokio::time::timeout_at(end, self.next()).await.is_err() {
                    break;
                }
            }
        }
        if let Some(recorder) = self.recorder.take() {
            recorder.close().await;
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
        self.survive_a_clock_set_back();
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

    fn apply(&mut self, event: Event) {
        if let Some(event) = self.held_back(event) {
            self.take_in(event);
        }
    }

    /// Holds the end of a job back until what it touched has been looked at since.
    fn held_back(&mut self, event: Event) -> Option<Event> {
        let Event::JobFinished { job, .. } = &event else { return Some(event) };
        self.jobs.ended(*job);
        let touched = closing::touched(&self.state, *job).filter(|_| self.state.connection.is_up());
        let Some(mut unseen) = touched else { return Some(event) };
        for id in unseen.clone() {
            self.inspect(id);
        }
        // What has just been made is known by its event alone so far.
        unseen.extend(self.inspecting.keys().cloned());
        if unseen.is_empty() {
            return Some(event);
        }
        self.closing.hold(event, unseen);
        None
    }

    fn take_in(&mut self, event: Event) {
        if let Event::WatchFailed(why) = &event {
            log::warn!("{why}");
            if !self.files.is_news(why) {
                return;
            }
        }
        match &event {
            Event::JobOutput { lines, is_error, .. } => {
                if let Some(heard) = &mut self.heard {
                    heard.extend(lines.iter().map(|text| Heard { text: text.clone(), is_error: *is_error }));
                }
            }
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
        let all_seen = matches!(event, Event::ContainersListed(_) | Event::EngineLost { .. });
        let inspected = match &event {
            Event::ContainerInspected(container) => Some(container.id.clone()),
            Event::ContainerGone(id) | Event::InspectionFailed(id) => Some(id.clone()),
            _ => None,
        };
        let wishes = self.state.apply(self.ports.clock.now(), event);
        self.jobs.tell(&self.state.jobs);
        let mut ends = if all_seen { self.closing.release() } else { Vec::new() };
        if let Some(id) = inspected {
            if self.inspecting.remove(&id) == Some(true) {
                self.inspect(id);
            } else {
                ends.extend(self.closing.seen(&id));
            }
        }
        for wish in wishes {
            self.submit(wish);
        }
        for end in ends {
            self.take_in(end);
        }
        self.files.follow(&self.state, &self.ports, &self.outbox);
        self.trees.follow(&self.state, &self.ports, &self.outbox);
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
}
