//! Usage from the engine's stats API, where control groups are out of reach.
//!
//! A stats stream costs the engine some CPU for as long as it lasts, so only containers on the screen
//! have one; the others are asked once in a while, some at a time. A sample never waits: it reports
//! what has arrived since the one before.

mod figures;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::query_parameters::StatsOptions;
use futures_util::StreamExt;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::adapters::usage::EngineHandle;
use crate::adapters::usage::counters::{Counters, Reading};
use crate::model::containers::ContainerId;
use crate::model::usage::{UsageSample, UsageSource};
use crate::ports::{BoxFuture, BoxStream, UsageRequest};

/// Between two rounds of asking for what is not on the screen.
const ROUND: Duration = Duration::from_secs(10);
/// Containers asked at the same time in a round.
const AT_ONCE: usize = 16;
/// How long one container may take to answer; the engine itself needs one to two seconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// One answer of the engine.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame {
    pub counters: Counters,
    /// The CPU percentage the frame carries in itself; for a container's first frame.
    pub cpu_percent: Option<f32>,
}

/// Where frames come from: the engine, or a test.
pub(super) trait StatsSource: Send + Sync {
    /// Streams a container's frames until it is dropped or the connection ends.
    fn follow(&self, container: &ContainerId) -> BoxStream<'static, Frame>;
    /// Asks for one frame.
    fn once(&self, container: &ContainerId) -> BoxFuture<'static, Option<Frame>>;
    /// Asks for the memory of the engine's machine: it stands for "no limit".
    fn machine_memory(&self) -> BoxFuture<'static, Option<u64>>;
}

/// Follows and asks the engine for what is wanted.
pub(super) struct StatsMeter {
    source: Arc<dyn StatsSource>,
    state: Mutex<StatsState>,
}

#[derive(Default)]
struct StatsState {
    streams: HashMap<ContainerId, Task>,
    round: Option<Task>,
    next_round: Option<Instant>,
    memory_question: Option<Task>,
    /// The reading last reported of each container.
    before: HashMap<ContainerId, Reading>,
    arrived: Arc<Mutex<Arrived>>,
}

/// What the tasks leave for the next sample.
#[derive(Default)]
struct Arrived {
    frames: HashMap<ContainerId, (std::time::Instant, Frame)>,
    machine_memory: Option<u64>,
}

/// A task that ends when nobody wants it any more.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl StatsMeter {
    pub fn new(source: Arc<dyn StatsSource>) -> Self {
        Self { source, state: Mutex::default() }
    }

    /// Reports what has arrived; starts and drops streams so that they fit what is wanted.
    pub fn sample(&self, wanted: &[UsageRequest]) -> Vec<UsageSample> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = state.report(wanted);
        state.follow(&self.source, wanted);
        state.ask(&self.source, wanted);
        samples
    }
}

impl StatsState {
    fn report(&mut self, wanted: &[UsageRequest]) -> Vec<UsageSample> {
        let known: HashSet<&ContainerId> = wanted.iter().map(|request| &request.container).collect();
        self.before.retain(|container, _| known.contains(container));
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let machine_memory = arrived.machine_memory;
        let mut frames = std::mem::take(&mut arrived.frames);
        drop(arrived);
        wanted
            .iter()
            .filter_map(|request| {
                let (at, mut frame) = frames.remove(&request.container)?;
                // Without a limit the engine tells the machine's memory.
                frame.counters.memory_limit = frame
                    .counters
                    .memory_limit
                    .filter(|&limit| machine_memory.is_some_and(|all| limit < all));
                let reading = Reading { at, counters: frame.counters };
                let before = self.before.insert(request.container.clone(), reading);
                let mut usage = reading.usage(before.as_ref());
                if before.is_none() {
                    usage.cpu_percent = frame.cpu_percent;
                }
                Some(UsageSample { container: request.container.clone(), usage, source: UsageSource::Engine })
            })
            .collect()
    }

    /// Keeps one stream for each container on the screen.
    fn follow(&mut self, source: &Arc<dyn StatsSource>, wanted: &[UsageRequest]) {
        let visible: HashSet<&ContainerId> =
            wanted.iter().filter(|request| request.visible).map(|request| &request.container).collect();
        // A stream that ended (connection lost, container gone) is tried again at the next beat.
        self.streams.retain(|container, task| visible.contains(container) && !task.0.is_finished());
        for container in visible {
            if self.streams.contains_key(container) {
                continue;
            }
            let mut frames = source.follow(container);
            let arrived = self.arrived.clone();
            let id = container.clone();
            let task = tokio::spawn(async move {
                while let Some(frame) = frames.next().await {
                    arrived.lock().unwrap_or_else(PoisonError::into_inner).keep(id.clone(), frame);
                }
            });
            self.streams.insert(container.clone(), Task(task));
        }
    }

    /// Starts a round of questions when one is due.
    fn ask(&mut self, source: &Arc<dyn StatsSource>, wanted: &[UsageRequest]) {
        if wanted.is_empty() {
            self.round = None;
            self.next_round = None;
            return;
        }
        let knows_memory =
            self.arrived.lock().unwrap_or_else(PoisonError::into_inner).machine_memory.is_some();
        if !knows_memory && self.memory_question.as_ref().is_none_or(|task| task.0.is_finished()) {
            let question = source.machine_memory();
            let arrived = self.arrived.clone();
            self.memory_question = Some(Task(tokio::spawn(async move {
                let answer = tokio::time::timeout(PATIENCE, question).await.ok().flatten();
                arrived.lock().unwrap_or_else(PoisonError::into_inner).machine_memory = answer;
            })));
        }
        let hidden: Vec<ContainerId> = wanted
            .iter()
            .filter(|request| !request.visible)
            .map(|request| request.container.clone())
            .collect();
        let due = self.next_round.is_none_or(|at| Instant::now() >= at);
        let running = self.round.as_ref().is_some_and(|task| !task.0.is_finished());
        if hidden.is_empty() || !due || running {
            return;
        }
        self.next_round = Some(Instant::now() + ROUND);
        let source = source.clone();
        let arrived = self.arrived.clone();
        self.round = Some(Task(tokio::spawn(async move {
            let questions = futures_util::stream::iter(hidden).for_each_concurrent(AT_ONCE, |container| {
                let question = source.once(&container);
                let arrived = arrived.clone();
                async move {
                    if let Ok(Some(frame)) = tokio::time::timeout(PATIENCE, question).await {
                        arrived.lock().unwrap_or_else(PoisonError::into_inner).keep(container, frame);
                    }
                }
            });
            questions.await;
        })));
    }
}

impl Arrived {
    fn keep(&mut self, container: ContainerId, frame: Frame) {
        self.frames.insert(container, (std::time::Instant::now(), frame));
    }
}

/// The engine through bollard.
pub(super) struct BollardStats(pub EngineHandle);

impl StatsSource for BollardStats {
    fn follow(&self, container: &ContainerId) -> BoxStream<'static, Frame> {
        let Some(docker) = (self.0)() else { return Box::pin(futures_util::stream::empty()) };
        let frames = docker.stats(container.as_str(), Some(StatsOptions { stream: true, one_shot: false }));
        Box::pin(
            frames.take_while(|frame| std::future::ready(frame.is_ok())).filter_map(|frame| {
                std::future::ready(frame.ok().and_then(|frame| figures::frame_of(&frame)))
            }),
        )
    }

    fn once(&self, container: &ContainerId) -> BoxFuture<'static, Option<Frame>> {
        let Some(docker) = (self.0)() else { return Box::pin(std::future::ready(None)) };
        let container = container.clone();
        Box::pin(async move {
            let options = StatsOptions { stream: false, one_shot: true };
            let mut frames = std::pin::pin!(docker.stats(container.as_str(), Some(options)));
            figures::frame_of(&frames.next().await?.ok()?)
        })
    }

    fn machine_memory(&self) -> BoxFuture<'static, Option<u64>> {
        let Some(docker) = (self.0)() else { return Box::pin(std::future::ready(None)) };
        Box::pin(
            async move { docker.info().await.ok()?.mem_total.and_then(|bytes| u64::try_from(bytes).ok()) },
        )
    }
}

#[cfg(test)]
mod tests;
