//! Raw counters of one container and the rates that follow from two readings.
//!
//! Both sources meet here. Counters that went back (a restart) give no rate instead of a wrong one.

use std::time::Instant;

use crate::model::usage::Usage;

/// One reading. `None`: the source does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counters {
    /// CPU time the container used.
    pub cpu_ns: Option<u64>,
    /// CPU time that passed on the whole machine, idle included, summed over its cores.
    pub system_ns: Option<u64>,
    pub cpus: u32,
    pub memory_bytes: Option<u64>,
    pub memory_limit: Option<u64>,
    pub net_rx_bytes: Option<u64>,
    pub net_tx_bytes: Option<u64>,
    pub block_read_bytes: Option<u64>,
    pub block_write_bytes: Option<u64>,
    pub pids: Option<u32>,
    pub oom_kills: Option<u64>,
}

/// A reading and when it was made, by the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub at: Instant,
    pub counters: Counters,
}

impl Reading {
    /// Returns the usage now, with rates since `before`.
    pub fn usage(&self, before: Option<&Self>) -> Usage {
        let now = &self.counters;
        let mut usage = Usage {
            memory_bytes: now.memory_bytes,
            memory_limit: now.memory_limit,
            net_rx_bytes: now.net_rx_bytes,
            net_tx_bytes: now.net_tx_bytes,
            block_read_bytes: now.block_read_bytes,
            block_write_bytes: now.block_write_bytes,
            pids: now.pids,
            oom_kills: now.oom_kills,
            ..Usage::default()
        };
        let Some(before) = before else { return usage };
        let seconds = self.at.saturating_duration_since(before.at).as_secs_f32();
        let before = &before.counters;
        let rate = |now, before| per_second(now, before, seconds);
        usage.cpu_percent = cpu_percent(now, before);
        usage.net_rx_rate = rate(now.net_rx_bytes, before.net_rx_bytes);
        usage.net_tx_rate = rate(now.net_tx_bytes, before.net_tx_bytes);
        usage.block_read_rate = rate(now.block_read_bytes, before.block_read_bytes);
        usage.block_write_rate = rate(now.block_write_bytes, before.block_write_bytes);
        usage
    }
}

/// Returns percent of one core, as `docker stats` counts it.
pub(super) fn cpu_percent(now: &Counters, before: &Counters) -> Option<f32> {
    let used = now.cpu_ns?.checked_sub(before.cpu_ns?)?;
    let passed = now.system_ns?.checked_sub(before.system_ns?).filter(|&passed| passed > 0)?;
    Some((used as f64 / passed as f64 * f64::from(now.cpus.max(1)) * 100.0) as f32)
}

fn per_second(now: Option<u64>, before: Option<u64>, seconds: f32) -> Option<f32> {
    let moved = now?.checked_sub(before?)?;
    (seconds > 0.0).then(|| moved as f32 / seconds)
}

/// Returns memory in use less the file cache that the kernel would give back first.
pub(super) fn working_memory(usage: u64, inactive_file: Option<u64>) -> u64 {
    match inactive_file {
        Some(cache) if cache < usage => usage - cache,
        _ => usage,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn reading(at: Instant, cpu_ms: u64, system_ms: u64, rx: u64) -> Reading {
        let counters = Counters {
            cpu_ns: Some(cpu_ms * 1_000_000),
            system_ns: Some(system_ms * 1_000_000),
            cpus: 4,
            net_rx_bytes: Some(rx),
            ..Counters::default()
        };
        Reading { at, counters }
    }

    #[test]
    fn rates_are_what_moved_between_two_readings() {
        let start = Instant::now();
        let before = reading(start, 1000, 10_000, 500);
        // Two seconds on four cores, of which the container had one and a half core seconds.
        let now = reading(start + Duration::from_secs(2), 2500, 18_000, 2500);
        let usage = now.usage(Some(&before));
        assert_eq!(usage.cpu_percent, Some(75.0));
        assert_eq!(usage.net_rx_rate, Some(1000.0));
        assert_eq!(usage.net_rx_bytes, Some(2500));
        assert_eq!(usage.net_tx_rate, None);
    }

    #[test]
    fn a_first_reading_has_totals_and_no_rates() {
        let usage = reading(Instant::now(), 1, 1, 7).usage(None);
        assert_eq!((usage.cpu_percent, usage.net_rx_rate, usage.net_rx_bytes), (None, None, Some(7)));
    }

    #[test]
    fn counters_that_went_back_give_no_rate() {
        let start = Instant::now();
        let before = reading(start, 1000, 10_000, 500);
        let usage = reading(start + Duration::from_secs(2), 10, 18_000, 20).usage(Some(&before));
        assert_eq!((usage.cpu_percent, usage.net_rx_rate, usage.net_rx_bytes), (None, None, Some(20)));
        // No time passed: nothing to divide by.
        let usage = reading(start, 1000, 10_000, 900).usage(Some(&before));
        assert_eq!((usage.cpu_percent, usage.net_rx_rate), (None, None));
    }

    #[test]
    fn only_cache_smaller_than_the_usage_is_taken_off() {
        assert_eq!(working_memory(100, Some(30)), 70);
        assert_eq!(working_memory(100, Some(100)), 100);
        assert_eq!(working_memory(100, None), 100);
    }
}
