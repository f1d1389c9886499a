//! Usage of each container: the newest figures and ten minutes of history.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::model::containers::ContainerId;
use crate::model::stacks::Stack;
use crate::model::usage::{
    BEAT_SECONDS, History, HistoryPoint, OFF_SCREEN_BEATS, Usage, UsageSample, UsageSource,
};
use crate::ports::UsageRequest;
use crate::state::Revision;
use crate::state::containers::Containers;

#[derive(Debug)]
pub struct UsageEntry {
    pub usage: Usage,
    pub source: UsageSource,
    pub at: Timestamp,
    pub history: History,
}

#[derive(Debug, Default)]
pub struct UsageBook {
    by_container: HashMap<ContainerId, UsageEntry>,
    pub revision: Revision,
}

/// Sums over containers; `None` where no one knows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UsageSum {
    pub cpu_percent: Option<f32>,
    pub memory_bytes: Option<u64>,
    pub net_rate: Option<f32>,
}

impl UsageBook {
    /// Returns the figures of a running container.
    pub fn get(&self, id: &ContainerId) -> Option<&UsageEntry> {
        self.by_container.get(id)
    }

    /// Adds up the figures of some containers.
    pub fn sum<'a>(&self, ids: impl IntoIterator<Item = &'a ContainerId>) -> UsageSum {
        let mut sum = UsageSum::default();
        for entry in ids.into_iter().filter_map(|id| self.get(id)) {
            if let Some(cpu) = entry.usage.cpu_percent {
                *sum.cpu_percent.get_or_insert(0.0) += cpu;
            }
            if let Some(memory) = entry.usage.memory_bytes {
                *sum.memory_bytes.get_or_insert(0) += memory;
            }
            if let (Some(rx), Some(tx)) = (entry.usage.net_rx_rate, entry.usage.net_tx_rate) {
                *sum.net_rate.get_or_insert(0.0) += rx + tx;
            }
        }
        sum
    }

    /// Adds up the figures of a whole stack.
    pub fn sum_of_stack(&self, stack: &Stack) -> UsageSum {
        self.sum(stack.services.iter().flat_map(|service| &service.containers))
    }

    pub(super) fn sampled(&mut self, now: Timestamp, samples: Vec<UsageSample>, containers: &mut Containers) {
        if samples.is_empty() {
            return;
        }
        for sample in samples {
            let Some(known) = containers.get(&sample.container) else { continue };
            if !known.container.run.is_up() {
                continue;
            }
            if let Some(count) = sample.usage.oom_kills {
                containers.oom_kills_read(now, &sample.container, count);
            }
            let point = HistoryPoint::from(&sample.usage);
            let entry = self.by_container.entry(sample.container).or_insert_with(|| UsageEntry {
                usage: sample.usage,
                source: sample.source,
                at: now,
                history: History::default(),
            });
            entry.usage = sample.usage;
            entry.source = sample.source;
            entry.at = now;
            // Rates are those of all the time since the reading before.
            entry.history.push_covering(now, point, OFF_SCREEN_BEATS);
        }
        self.revision.bump();
    }

    /// Drops what no longer exists, and the present figures of what no longer runs.
    pub(super) fn retain(&mut self, containers: &Containers) {
        self.by_container.retain(|id, _| containers.get(id).is_some());
        self.revision.bump();
    }
}

/// Lists all that runs for the meter: what is on the screen is due with every beat, the rest with every fifth
/// one, each container in its own turn.
pub fn requests(
    containers: &Containers,
    visible: &BTreeSet<ContainerId>,
    known: &UsageBook,
    now: Timestamp,
) -> Vec<UsageRequest> {
    let beat = now.as_second() / BEAT_SECONDS;
    containers
        .iter()
        .filter(|entry| entry.container.run.is_up())
        .map(|entry| {
            let id = &entry.container.id;
            let visible = visible.contains(id);
            // Rates need two readings.
            let is_new = || known.get(id).is_none_or(|entry| entry.usage.cpu_percent.is_none());
            let due = visible || (turn_of(id) + beat) % OFF_SCREEN_BEATS == 0 || is_new();
            UsageRequest {
                container: id.clone(),
                pid: entry.container.pid,
                network_mode: entry.container.network_mode.clone(),
                visible,
                due,
            }
        })
        .collect()
}

/// Spreads containers over the beats: ids are hashes already.
fn turn_of(id: &ContainerId) -> i64 {
    id.as_str().bytes().take(4).fold(0, |sum, byte| sum * 31 + i64::from(byte))
}
