//! The meters of a scenario: what containers use, and a machine that would bear them.

use std::sync::PoisonError;

use jiff::Timestamp;

use crate::adapters::scenario::engine::{Player, Stage};
use crate::adapters::scenario::random::{mix, smooth, unit};
use crate::adapters::scenario::world::World;
use crate::model::containers::RunState;
use crate::model::host::{Disk, HostSample, OwnCost};
use crate::model::usage::{Usage, UsageSample, UsageSource};
use crate::ports::{BoxFuture, HostMeter, UsageMeter, UsageRequest};

impl UsageMeter for Stage {
    fn sample(&self, wanted: Vec<UsageRequest>) -> BoxFuture<'_, Vec<UsageSample>> {
        let samples = self.player.with(|world, now| {
            if world.is_cut() {
                return Vec::new();
            }
            let ids: Vec<usize> =
                wanted.iter().filter_map(|request| world.find(&request.container)).collect();
            read(&self.player, world, &ids, now)
        });
        Box::pin(std::future::ready(samples))
    }
}

fn read(player: &Player, world: &World, members: &[usize], now: Timestamp) -> Vec<UsageSample> {
    let mut counters = player.counters.lock().unwrap_or_else(PoisonError::into_inner);
    let cpus = world.script.engine.cpus;
    members
        .iter()
        .map(|index| &world.members[*index])
        .filter(|member| member.is_up() && member.container.run != RunState::Restarting)
        .map(|member| UsageSample {
            container: member.container.id.clone(),
            usage: counters.read(member, now, cpus),
            source: UsageSource::Engine,
        })
        .collect()
}

impl HostMeter for Stage {
    fn sample(&self) -> BoxFuture<'_, HostSample> {
        let sample = self.player.with(|world, now| {
            let everyone: Vec<usize> = (0..world.members.len()).collect();
            let used: Vec<Usage> =
                read(&self.player, world, &everyone, now).into_iter().map(|sample| sample.usage).collect();
            host(world, &used, now)
        });
        Box::pin(std::future::ready(sample))
    }
}

/// A machine on which these containers and a little else run.
fn host(world: &World, used: &[Usage], now: Timestamp) -> HostSample {
    let engine = &world.script.engine;
    let seed = engine.seed;
    let seconds = now.as_millisecond() as f64 / 1000.0;
    let cores = f64::from(engine.cpus.max(1));
    let containers: f64 = used.iter().filter_map(|usage| usage.cpu_percent).map(f64::from).sum();
    let rest = 3.0 + 2.0 * smooth(mix(&[seed, 71]), seconds / 5.0);
    let busy = (containers / cores + rest).clamp(0.5, 100.0);
    let core = |index: u32| {
        let lean = 0.6 + 0.8 * unit(&[seed, u64::from(index), 72]);
        (busy * lean + 4.0 * smooth(mix(&[seed, u64::from(index), 80]), seconds / 2.0)).clamp(0.0, 100.0)
            as f32
    };
    let memory: u64 = used.iter().filter_map(|usage| usage.memory_bytes).sum();
    let load = |minutes: f64| {
        let slow = smooth(mix(&[seed, 73]), seconds / (60.0 * minutes));
        ((busy / 100.0 * cores) * (1.0 + 0.3 * slow) * 100.0).round() / 100.0
    };
    let disk = |mount: &str, device: &str, used: u64, total: u64| Disk {
        mount: mount.to_owned(),
        device: device.to_owned(),
        file_system: String::from("ext4"),
        used,
        total,
    };
    HostSample {
        name: String::from("demo"),
        cpu_percent: busy as f32,
        cores: (0..engine.cpus).map(core).collect(),
        memory_used: (1_900_000_000 + memory).min(engine.memory.0),
        memory_total: engine.memory.0,
        swap_used: 41_000_000,
        swap_total: 2 << 30,
        load: [load(1.0), load(5.0), load(15.0)],
        uptime_s: 12 * 86_400 + 3 * 3600 + (now.as_second().rem_euclid(86_400)) as u64,
        disks: vec![
            disk("/", "/dev/nvme0n1p2", 61_300_000_000, 118_000_000_000),
            disk("/srv", "/dev/sda1", 402_000_000_000, 960_000_000_000),
        ],
        temperatures: vec![
            (
                String::from("Package"),
                (44.0 + busy / 4.0 + 1.5 * smooth(mix(&[seed, 74]), seconds / 9.0)) as f32,
            ),
            (String::from("nvme0"), (38.0 + smooth(mix(&[seed, 75]), seconds / 30.0)) as f32),
        ],
        own: OwnCost {
            cpu_percent: (0.4 + 0.3 * smooth(mix(&[seed, 76]), seconds / 6.0)) as f32,
            memory_bytes: 14_200_000,
            open_files: 19,
            threads: 5,
            engine_calls: None,
        },
    }
}
