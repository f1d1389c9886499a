//! From one answer of the stats API to counters, the way the Docker CLI computes its figures.

use bollard::models::{ContainerBlkioStats, ContainerCpuStats, ContainerMemoryStats, ContainerStatsResponse};

use super::Frame;
use crate::adapters::usage::counters::{Counters, cpu_percent, working_memory};

/// Returns the figures of an answer; `None` for the empty ones that follow a container's end.
pub(super) fn frame_of(stats: &ContainerStatsResponse) -> Option<Frame> {
    // A stopped container's stream goes on with dates of the year one and counters of zero.
    if stats.read.as_deref().is_none_or(|read| read.starts_with("0001-")) {
        return None;
    }
    let cpu = stats.cpu_stats.as_ref().map(cpu_counters).unwrap_or_default();
    let block = stats.blkio_stats.as_ref().and_then(block_bytes);
    let networks = stats.networks.as_ref().filter(|networks| !networks.is_empty());
    let sum = |figure: fn(&bollard::models::ContainerNetworkStats) -> Option<u64>| {
        networks.map(|networks| networks.values().filter_map(figure).sum())
    };
    let counters = Counters {
        memory_bytes: stats.memory_stats.as_ref().and_then(memory_bytes),
        memory_limit: stats.memory_stats.as_ref().and_then(|memory| memory.limit).filter(|&limit| limit > 0),
        net_rx_bytes: sum(|network| network.rx_bytes),
        net_tx_bytes: sum(|network| network.tx_bytes),
        block_read_bytes: block.map(|(read, _)| read),
        block_write_bytes: block.map(|(_, written)| written),
        pids: stats.pids_stats.as_ref().and_then(|pids| pids.current).map(|pids| pids as u32),
        ..cpu
    };
    // A one-shot answer has no sample before, only zeros.
    let before = stats.precpu_stats.as_ref().map(cpu_counters).filter(|before| before.system_ns.is_some());
    let cpu_percent = before.and_then(|before| cpu_percent(&counters, &before));
    Some(Frame { counters, cpu_percent })
}

fn cpu_counters(stats: &ContainerCpuStats) -> Counters {
    let usage = stats.cpu_usage.as_ref();
    let listed = usage.and_then(|usage| usage.percpu_usage.as_ref()).map(|cores| cores.len() as u32);
    Counters {
        cpu_ns: usage.and_then(|usage| usage.total_usage),
        system_ns: stats.system_cpu_usage.filter(|&system| system > 0),
        cpus: stats.online_cpus.filter(|&cpus| cpus > 0).or(listed).unwrap_or(1),
        ..Counters::default()
    }
}

fn memory_bytes(stats: &ContainerMemoryStats) -> Option<u64> {
    let details = stats.stats.as_ref();
    // Version 1 of control groups has both keys, and the total is the right one.
    let cache =
        details.and_then(|keys| keys.get("total_inactive_file").or_else(|| keys.get("inactive_file")));
    stats.usage.map(|usage| working_memory(usage, cache.copied()))
}

/// Returns bytes read and written; `None` where the engine lists no device.
fn block_bytes(stats: &ContainerBlkioStats) -> Option<(u64, u64)> {
    let entries = stats.io_service_bytes_recursive.as_ref().filter(|entries| !entries.is_empty())?;
    let sum = |operation: &str| {
        let named = |entry: &&bollard::models::ContainerBlkioStatEntry| {
            entry.op.as_deref().is_some_and(|op| op.eq_ignore_ascii_case(operation))
        };
        entries.iter().filter(named).filter_map(|entry| entry.value).sum()
    };
    Some((sum("read"), sum("write")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stats(value: serde_json::Value) -> ContainerStatsResponse {
        serde_json::from_value(value).unwrap()
    }

    /// An answer as an engine of API 1.41 on control groups version 1 gave it, shortened.
    fn recorded() -> serde_json::Value {
        json!({
            "read": "2026-11-20T19:18:04.400139444Z",
            "preread": "2026-11-20T19:18:03.378052699Z",
            "pids_stats": {"current": 1},
            "blkio_stats": {"io_service_bytes_recursive": []},
            "num_procs": 0,
            "cpu_stats": {
                "cpu_usage": {"total_usage": 13_808_255_800_u64, "percpu_usage": [10_368_757_139_u64, 3_439_498_661_u64]},
                "system_cpu_usage": 4_954_590_000_000_u64, "online_cpus": 2
            },
            "precpu_stats": {
                "cpu_usage": {"total_usage": 13_274_672_829_u64},
                "system_cpu_usage": 4_952_560_000_000_u64, "online_cpus": 2
            },
            "memory_stats": {"usage": 2_117_632, "limit": 67_108_864,
                "stats": {"inactive_file": 7, "total_inactive_file": 1_605_632}},
            "networks": {"eth0": {"rx_bytes": 1180, "tx_bytes": 3}, "eth1": {"rx_bytes": 20, "tx_bytes": 4}}
        })
    }

    #[test]
    fn figures_are_the_docker_clis() {
        let frame = frame_of(&stats(recorded())).unwrap();
        assert_eq!(frame.cpu_percent.map(|percent| (percent * 10.0).round() / 10.0), Some(52.6));
        let counters = frame.counters;
        assert_eq!(counters.memory_bytes, Some(512_000));
        assert_eq!(counters.memory_limit, Some(67_108_864));
        assert_eq!((counters.net_rx_bytes, counters.net_tx_bytes), (Some(1200), Some(7)));
        assert_eq!((counters.block_read_bytes, counters.pids, counters.cpus), (None, Some(1), 2));
    }

    #[test]
    fn figures_of_control_groups_version_2_are_read() {
        let mut value = recorded();
        value["cpu_stats"]["cpu_usage"] = json!({"total_usage": 5});
        value["cpu_stats"]["online_cpus"] = json!(0);
        value["memory_stats"]["stats"] = json!({"inactive_file": 2_000_000, "anon": 1});
        value["blkio_stats"]["io_service_bytes_recursive"] = json!([
            {"major": 8, "minor": 0, "op": "read", "value": 10}, {"major": 8, "minor": 0, "op": "write", "value": 4},
            {"major": 8, "minor": 16, "op": "Read", "value": 1}, {"major": 8, "minor": 0, "op": "discard", "value": 9}
        ]);
        let frame = frame_of(&stats(value)).unwrap();
        assert_eq!(frame.counters.cpus, 1);
        assert_eq!(frame.counters.memory_bytes, Some(117_632));
        assert_eq!((frame.counters.block_read_bytes, frame.counters.block_write_bytes), (Some(11), Some(4)));
        assert_eq!(frame.cpu_percent, None, "a counter that went back gives no percentage");
    }

    #[test]
    fn frames_of_an_ended_container_are_discarded() {
        let mut value = recorded();
        value["read"] = json!("0001-01-01T00:00:00Z");
        assert!(frame_of(&stats(value)).is_none());
        assert!(frame_of(&stats(json!({}))).is_none());
    }

    #[test]
    fn host_network_has_no_figures_and_a_one_shot_no_percentage() {
        let mut value = recorded();
        value["networks"] = serde_json::Value::Null;
        value["precpu_stats"] = json!({"cpu_usage": {"total_usage": 0}});
        let frame = frame_of(&stats(value)).unwrap();
        assert_eq!((frame.counters.net_rx_bytes, frame.cpu_percent), (None, None));
    }
}
