//! The supervisor without a face: connects, waits for the picture, takes figures.
//!
//! Every command that needs the engine comes through here, so all of them see what the dashboard sees.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::adapters::history::FileHistory;
use crate::cli::exit::Failure;
use crate::cli::select;
use crate::config::Config;
use crate::model::containers::ContainerId;
use crate::model::stacks::Target;
use crate::model::usage::{UsageSample, UsageSource};
use crate::ports::{BoxFuture, History as _, Ports, UsageMeter, UsageRequest};
use crate::state::State;
use crate::state::connection::Link;
use crate::supervisor::Supervisor;
use crate::supervisor::history::LOOK_BACK;

/// Past events are told at once after the list; when nothing came for this long, they are through.
const QUIET: Duration = Duration::from_millis(150);
/// A busy engine is never quiet: then this is long enough.
const SETTLED: Duration = Duration::from_secs(1);
/// The longest wait for Compose, which takes a fifth of a second for each stack.
const DEFINITIONS: Duration = Duration::from_secs(4);
/// The longest wait for findings: images may have to be looked into.
const FINDINGS: Duration = Duration::from_secs(15);
/// The longest wait for sources of tokens: files in containers, programs, endpoints.
const TOKENS: Duration = Duration::from_secs(10);
/// The longest wait for probes: an attempt of usual patience, and another one.
const PROBES: Duration = Duration::from_secs(12);
/// The longest wait for the first figures; an engine without readable control groups needs a second.
const FIRST_FIGURES: Duration = Duration::from_millis(2500);
/// Time between the two readings that make a rate.
const BETWEEN_READINGS: Duration = Duration::from_secs(1);
/// Images asked for at once, and the longest wait for all of them.
const IMAGES: usize = 8;
const IMAGE_TIME: Duration = Duration::from_secs(3);

/// Figures of what is up.
pub type Figures = HashMap<ContainerId, UsageSample>;

/// What a command wants to know of usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Nothing,
    /// One reading: memory and what was killed for it.
    Once,
    /// Two readings: CPU and rates as well.
    Rates,
}

pub struct Headless {
    pub supervisor: Supervisor,
    pub ports: Ports,
}

impl Headless {
    /// Connects and waits until everything is listed and the engine's past events are told.
    pub async fn connect(mut ports: Ports, config: &Config, measure: Measure) -> Result<Self, Failure> {
        if measure == Measure::Nothing {
            ports.usage = Arc::new(NoMeter);
        }
        let mut supervisor = Supervisor::start(ports.clone(), config.read_only);
        supervisor.leave_tokens_alone();
        supervisor.heal_nothing();
        let mut headless = Self { supervisor, ports };
        loop {
            headless.supervisor.next().await;
            let connection = &headless.state().connection;
            match &connection.link {
                Link::Refused { error, .. } | Link::Lost { error, .. } => {
                    return Err(Failure::unreachable(&connection.host, error));
                }
                Link::Connecting => {}
                Link::Connected if connection.listed_at.is_some() => break,
                Link::Connected => {}
            }
        }
        headless.settle().await;
        Ok(headless)
    }

    pub fn state(&self) -> &State {
        self.supervisor.state()
    }

    /// Waits until Compose has told what the stacks' files say, as far as it does.
    pub async fn definitions(&mut self) {
        let end = Instant::now() + DEFINITIONS;
        while self.state().containers.reads_definitions() || self.state().stack_files.is_reading() {
            if timeout_at(end, self.supervisor.next()).await.is_err() {
                return;
            }
        }
    }

    /// Waits until the stacks' configurations are judged, as far as they are soon.
    pub async fn findings(&mut self) {
        let end = Instant::now() + FINDINGS;
        while self.state().findings.is_judging() {
            if timeout_at(end, self.supervisor.next()).await.is_err() {
                return;
            }
        }
    }

    /// Waits until every source of tokens was looked at once, as far as they answer.
    pub async fn tokens(&mut self) {
        let end = Instant::now() + TOKENS;
        while self.state().stack_files.is_reading() || self.state().tokens.is_reading_first() {
            if timeout_at(end, self.supervisor.next()).await.is_err() {
                return;
            }
        }
    }

    /// Adds the refreshes that the kept timeline tells of, as far as it can be read: a command that looks once
    /// has seen none.
    pub async fn recall_refreshes(&mut self, config: &Config) {
        if self.state().tokens.is_empty() || !config.history {
            return;
        }
        let Some(kept) = FileHistory::usual(&self.ports.engine.host()) else { return };
        if let Ok(mut entries) = kept.read(Some(self.supervisor.now() - LOOK_BACK)).await {
            entries.retain(|entry| entry.refresh.is_some());
            self.supervisor.remember(entries);
        }
    }

    /// Waits until every probe was made, and once more where it failed, as far as they answer; and until the
    /// images that have a budget are measured.
    pub async fn probes(&mut self) {
        let end = Instant::now() + PROBES;
        while self.state().stack_files.is_reading()
            || self.state().probes.is_settling()
            || self.state().budgets.is_measuring()
        {
            if timeout_at(end, self.supervisor.next()).await.is_err() {
                return;
            }
        }
    }

    /// Waits until the stacks' own files are read, as far as they can be.
    pub async fn stack_files(&mut self) {
        let end = Instant::now() + DEFINITIONS;
        while self.state().stack_files.is_reading() {
            if timeout_at(end, self.supervisor.next()).await.is_err() {
                return;
            }
        }
    }

    /// Finds the services that words mean; one that was never created is known by its compose file only.
    pub async fn services(&mut self, config: &Config, words: &[String]) -> Result<Vec<Target>, Failure> {
        let found = select::services(self.state(), config, words);
        if found.is_ok() {
            return found;
        }
        self.definitions().await;
        select::services(self.state(), config, words)
    }

    async fn settle(&mut self) {
        let end = Instant::now() + SETTLED;
        loop {
            let quiet = (Instant::now() + QUIET).min(end);
            if timeout_at(quiet, self.supervisor.next()).await.is_err() || Instant::now() >= end {
                return;
            }
        }
    }

    /// Reads figures of everything that is up.
    pub async fn figures(&mut self, measure: Measure) -> Figures {
        if measure == Measure::Nothing {
            return Figures::new();
        }
        let end = Instant::now() + FIRST_FIGURES;
        while self.wanted().iter().any(|request| self.state().usage.get(&request.container).is_none()) {
            if timeout_at(end, self.supervisor.next()).await.is_err() {
                break;
            }
        }
        let first_reading = Instant::now();
        let wanted = self.wanted();
        let mut figures: Figures = wanted
            .iter()
            .filter_map(|request| {
                let entry = self.state().usage.get(&request.container)?;
                let container = request.container.clone();
                Some((container.clone(), UsageSample { container, usage: entry.usage, source: entry.source }))
            })
            .collect();
        // The engine works its rates out over a second; ours may have come from two beats close together.
        let rates_wanted = figures
            .values()
            .any(|sample| sample.usage.cpu_percent.is_none() || sample.source == UsageSource::Cgroup);
        if measure == Measure::Rates && rates_wanted {
            sleep_until(first_reading + BETWEEN_READINGS).await;
            // Asked directly: the supervisor's own beat may be too near to the first reading.
            if let Ok(samples) = timeout(FIRST_FIGURES, self.ports.usage.sample(wanted)).await {
                figures.extend(samples.into_iter().map(|sample| (sample.container.clone(), sample)));
            }
        }
        figures
    }

    fn wanted(&self) -> Vec<UsageRequest> {
        let (state, now) = (self.state(), self.ports.clock.now());
        let all = crate::state::usage::requests(&state.containers, &state.interest.usage, &state.usage, now);
        // There is no beat after this one.
        all.into_iter().map(|request| UsageRequest { due: true, ..request }).collect()
    }

    /// Asks for the sizes of all images that are used, by image id; leaves out what the engine does not say.
    pub async fn image_sizes(&self) -> HashMap<String, u64> {
        let mut ids: Vec<String> =
            self.state().containers.iter().map(|entry| entry.container.image_id.clone()).collect();
        ids.sort();
        ids.dedup();
        ids.retain(|id| !id.is_empty());
        let engine = &self.ports.engine;
        let mut sizes = HashMap::new();
        let mut answers = futures_util::stream::iter(ids)
            .map(|id| async move {
                let size = engine.image_bytes(&id).await;
                (id, size)
            })
            .buffer_unordered(IMAGES);
        let end = Instant::now() + IMAGE_TIME;
        while let Ok(Some((id, size))) = timeout_at(end, answers.next()).await {
            if let Ok(size) = size {
                sizes.insert(id, size);
            }
        }
        sizes
    }
}

/// Reads nothing: commands that show no figures should not make the engine count them.
struct NoMeter;

impl UsageMeter for NoMeter {
    fn sample(&self, _wanted: Vec<UsageRequest>) -> BoxFuture<'_, Vec<UsageSample>> {
        Box::pin(async { Vec::new() })
    }
}
