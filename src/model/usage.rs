//! Resource usage: rates, their source, and a short history.

use jiff::Timestamp;

use crate::model::containers::ContainerId;

/// Where a figure was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UsageSource {
    /// The kernel's control group files, read directly.
    Cgroup,
    /// The engine's stats API.
    Engine,
}

impl UsageSource {
    pub fn word(self) -> &'static str {
        match self {
            Self::Cgroup => "cgroup",
            Self::Engine => "engine",
        }
    }
}

/// What one container uses. Totals count since its start; rates are per second over the last beat.
/// `None` is "not known", never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Percent of one core, as `docker stats` counts it: Δcontainer / Δsystem × cores × 100.
    pub cpu_percent: Option<f32>,
    /// Memory in use less inactive file cache, as `docker stats` counts it.
    pub memory_bytes: Option<u64>,
    /// `None`: no limit of its own.
    pub memory_limit: Option<u64>,
    pub net_rx_bytes: Option<u64>,
    pub net_tx_bytes: Option<u64>,
    pub net_rx_rate: Option<f32>,
    pub net_tx_rate: Option<f32>,
    pub block_read_bytes: Option<u64>,
    pub block_write_bytes: Option<u64>,
    pub block_read_rate: Option<f32>,
    pub block_write_rate: Option<f32>,
    pub pids: Option<u32>,
    /// Processes the kernel killed for memory since the container's start.
    pub oom_kills: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct UsageSample {
    pub container: ContainerId,
    pub usage: Usage,
    pub source: UsageSource,
}

/// Length of a [`History`] slot, in seconds. Sampling runs at the same beat.
pub const BEAT_SECONDS: i64 = 2;
/// What is not on the screen is read once in so many beats.
pub const OFF_SCREEN_BEATS: i64 = 5;
/// Slots of a [`History`]: ten minutes.
pub const HISTORY_SLOTS: usize = 300;

/// One slot of a [`History`]; `NaN` where nothing was read.
#[derive(Clone, Copy, Debug)]
pub struct HistoryPoint {
    pub cpu_percent: f32,
    pub memory_bytes: f32,
    pub net_rx_rate: f32,
    pub net_tx_rate: f32,
    pub block_read_rate: f32,
    pub block_write_rate: f32,
}

impl HistoryPoint {
    pub const EMPTY: Self = Self {
        cpu_percent: f32::NAN,
        memory_bytes: f32::NAN,
        net_rx_rate: f32::NAN,
        net_tx_rate: f32::NAN,
        block_read_rate: f32::NAN,
        block_write_rate: f32::NAN,
    };
}

impl From<&Usage> for HistoryPoint {
    fn from(usage: &Usage) -> Self {
        Self {
            cpu_percent: usage.cpu_percent.unwrap_or(f32::NAN),
            memory_bytes: usage.memory_bytes.map_or(f32::NAN, |b| b as f32),
            net_rx_rate: usage.net_rx_rate.unwrap_or(f32::NAN),
            net_tx_rate: usage.net_tx_rate.unwrap_or(f32::NAN),
            block_read_rate: usage.block_read_rate.unwrap_or(f32::NAN),
            block_write_rate: usage.block_write_rate.unwrap_or(f32::NAN),
        }
    }
}

/// Ten minutes of usage in a ring of fixed size.
#[derive(Clone, Debug)]
pub struct History {
    points: Box<[HistoryPoint]>,
    /// Slot number (seconds since the epoch / beat) of the newest point.
    newest: i64,
}

impl Default for History {
    fn default() -> Self {
        Self { points: vec![HistoryPoint::EMPTY; HISTORY_SLOTS].into_boxed_slice(), newest: 0 }
    }
}

impl History {
    /// Records a sample; slots that were skipped stay empty, so that a gap is seen as one.
    pub fn push(&mut self, at: Timestamp, point: HistoryPoint) {
        self.push_covering(at, point, 0);
    }

    /// Records a sample that holds for the slots before it as well, where no more than `slots` were skipped.
    pub fn push_covering(&mut self, at: Timestamp, point: HistoryPoint, slots: i64) {
        let slot = at.as_second() / BEAT_SECONDS;
        if slot < self.newest {
            // The clock went back: what we have is in the future and would never be shown again.
            if self.newest - slot > 2 {
                *self = Self::default();
            } else {
                return;
            }
        }
        let skipped = (slot - self.newest).min(HISTORY_SLOTS as i64);
        let between = if skipped <= slots { point } else { HistoryPoint::EMPTY };
        for step in 0..skipped {
            let index = Self::index(slot - step);
            self.points[index] = between;
        }
        self.newest = slot;
        self.points[Self::index(slot)] = point;
    }

    /// Returns the last `count` points up to `now`, oldest first; empty slots where nothing was read.
    pub fn last(&self, count: usize, now: Timestamp) -> impl Iterator<Item = HistoryPoint> + '_ {
        // As late as the slow beat is still "now": otherwise every chart would flicker at its right edge.
        let slot = now.as_second() / BEAT_SECONDS;
        let end = if slot - self.newest <= OFF_SCREEN_BEATS { self.newest } else { slot };
        let count = count.min(HISTORY_SLOTS) as i64;
        (0..count).rev().map(move |back| {
            let wanted = end - back;
            if wanted > self.newest || wanted <= self.newest - HISTORY_SLOTS as i64 {
                HistoryPoint::EMPTY
            } else {
                self.points[Self::index(wanted)]
            }
        })
    }

    fn index(slot: i64) -> usize {
        slot.rem_euclid(HISTORY_SLOTS as i64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn point(cpu: f32) -> HistoryPoint {
        HistoryPoint { cpu_percent: cpu, ..HistoryPoint::EMPTY }
    }

    #[test]
    fn a_gap_stays_empty_and_old_points_fall_out() {
        let mut history = History::default();
        history.push(at(1000), point(1.0));
        history.push(at(1006), point(4.0));
        let seen: Vec<f32> = history.last(4, at(1006)).map(|p| p.cpu_percent).collect();
        assert_eq!(seen[0], 1.0);
        assert!(seen[1].is_nan() && seen[2].is_nan());
        assert_eq!(seen[3], 4.0);
        history.push(at(1000 + 2 * HISTORY_SLOTS as i64 + 100), point(9.0));
        assert!(history.last(HISTORY_SLOTS, at(1700)).filter(|p| !p.cpu_percent.is_nan()).count() == 1);
    }

    #[test]
    fn a_point_of_a_slow_beat_covers_the_slots_since_the_one_before() {
        let mut history = History::default();
        history.push_covering(at(1000), point(1.0), 5);
        history.push_covering(at(1010), point(4.0), 5);
        let seen: Vec<f32> = history.last(6, at(1010)).map(|p| p.cpu_percent).collect();
        assert_eq!(seen, [1.0, 4.0, 4.0, 4.0, 4.0, 4.0]);
        history.push_covering(at(1022), point(7.0), 5);
        let seen: Vec<f32> = history.last(3, at(1022)).map(|p| p.cpu_percent).collect();
        assert!(seen[0].is_nan() && seen[1].is_nan());
    }

    #[test]
    fn a_clock_that_jumps_back_starts_a_new_history() {
        let mut history = History::default();
        history.push(at(100_000), point(1.0));
        history.push(at(50_000), point(2.0));
        let seen: Vec<f32> = history.last(2, at(50_000)).map(|p| p.cpu_percent).collect();
        assert!(seen[0].is_nan());
        assert_eq!(seen[1], 2.0);
    }
}
