//! The machine stackdash runs on, and what the engine keeps on its disks.

use std::collections::VecDeque;

use jiff::Timestamp;

/// One sample of the machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostSample {
    pub name: String,
    pub cpu_percent: f32,
    pub cores: Vec<f32>,
    pub memory_used: u64,
    pub memory_total: u64,
    pub swap_used: u64,
    pub swap_total: u64,
    /// 1, 5 and 15 minutes.
    pub load: [f64; 3],
    pub uptime_s: u64,
    pub disks: Vec<Disk>,
    /// Degrees Celsius, hottest first; empty in most virtual machines.
    pub temperatures: Vec<(String, f32)>,
    pub own: OwnCost,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    pub mount: String,
    pub device: String,
    pub file_system: String,
    pub used: u64,
    pub total: u64,
}

/// What stackdash itself costs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnCost {
    /// Of one core.
    pub cpu_percent: f32,
    pub memory_bytes: u64,
    pub open_files: u32,
    pub threads: u32,
    /// Requests to the engine since the start; `None` where nobody counts them.
    pub engine_calls: Option<u64>,
}

/// How fast a counter moves, over the last minute.
#[derive(Clone, Debug, Default)]
pub struct PerMinute {
    /// Readings, the oldest first.
    readings: VecDeque<(Timestamp, u64)>,
}

impl PerMinute {
    /// Takes a reading; those of the same second count once.
    pub fn push(&mut self, at: Timestamp, total: u64) {
        let newest = self.readings.back().map(|(newest, _)| newest.as_second());
        // A clock that was set makes the differences nonsense.
        if newest.is_some_and(|newest| newest > at.as_second()) {
            self.readings.clear();
        } else if newest == Some(at.as_second()) {
            return;
        }
        self.readings.push_back((at, total));
        while self.readings.front().is_some_and(|(oldest, _)| at.as_second() - oldest.as_second() > 60) {
            self.readings.pop_front();
        }
    }

    /// Returns how much is added in a minute; `None` before there is enough to tell.
    pub fn get(&self) -> Option<u64> {
        let ((first, before), (last, after)) = (self.readings.front()?, self.readings.back()?);
        let seconds = last.duration_since(*first).as_secs_f64();
        (seconds >= 4.0).then(|| (after.saturating_sub(*before) as f64 * 60.0 / seconds).round() as u64)
    }
}

/// The engine's disk use, as `docker system df` counts it. Bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineDiskUsage {
    pub images: DiskUsageRow,
    pub containers: DiskUsageRow,
    pub volumes: DiskUsageRow,
    pub build_cache: DiskUsageRow,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskUsageRow {
    pub count: u32,
    pub active: u32,
    pub bytes: u64,
    pub reclaimable_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_told_by_the_minute() {
        let at = |second: i64| Timestamp::from_second(1000 + second).unwrap();
        let mut calls = PerMinute::default();
        calls.push(at(0), 100);
        calls.push(at(2), 110);
        assert_eq!(calls.get(), None);
        calls.push(at(30), 150);
        assert_eq!(calls.get(), Some(100));
        // What is older than a minute counts no more.
        calls.push(at(90), 150);
        assert_eq!(calls.get(), Some(0));
        // The clock was set back.
        calls.push(at(50), 160);
        assert_eq!(calls.get(), None);
    }
}
