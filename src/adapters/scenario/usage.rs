//! What a container uses at a moment: curves over time, worked out when somebody asks.
//!
//! Totals are the only thing remembered, so that they fit the rates that were shown.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::adapters::scenario::member::Member;
use crate::adapters::scenario::random::{mix, smooth, unit};
use crate::adapters::scenario::script::Wave;
use crate::model::containers::{ContainerId, RunState};
use crate::model::usage::Usage;

/// Counters of one container since its start.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    started: Option<Timestamp>,
    at: Timestamp,
    rx: f64,
    tx: f64,
    read: f64,
    write: f64,
}

/// The counters of all containers.
#[derive(Debug, Default)]
pub struct Counters {
    by_container: HashMap<ContainerId, Totals>,
}

impl Counters {
    /// Reads the figures of a container that is up.
    pub fn read(&mut self, member: &Member, now: Timestamp, cpus: u32) -> Usage {
        let script = &member.script;
        let seconds = now.as_millisecond() as f64 / 1000.0;
        let up =
            member.container.started_at.map_or(0.0, |start| now.duration_since(start).as_secs_f64().max(0.0));
        let paused = member.container.run == RunState::Paused;
        let cpu = if paused { 0.0 } else { cpu(member, now, seconds, up).min(f64::from(cpus) * 100.0) };
        let memory = memory(member, seconds, up);
        let traffic = &script.traffic;
        let busy = if paused { 0.0 } else { activity(member.seed, seconds) };
        let rate = |bytes: u64, lane: u64| {
            bytes as f64 * busy * (1.0 + 0.5 * smooth(mix(&[member.seed, lane]), seconds / 3.0))
        };
        let (rx, tx) = (rate(traffic.rx.0, 11), rate(traffic.tx.0, 12));
        let (read, write) = (rate(traffic.read.0, 13), rate(traffic.write.0, 14));
        let started = member.container.started_at;
        let totals = self.by_container.entry(member.container.id.clone()).or_default();
        if totals.started != started {
            // First look at this life: as if it had gone on like this all the time.
            *totals = Totals {
                started,
                at: now,
                rx: traffic.rx.0 as f64 * up,
                tx: traffic.tx.0 as f64 * up,
                read: traffic.read.0 as f64 * up + memory * 0.4,
                write: traffic.write.0 as f64 * up,
            };
        }
        let elapsed = now.duration_since(totals.at).as_secs_f64().max(0.0);
        totals.at = now;
        totals.rx += rx * elapsed;
        totals.tx += tx * elapsed;
        totals.read += read * elapsed;
        totals.write += write * elapsed;
        let networked = member.container.network_mode != "host";
        let net = |figure: f64| networked.then_some(figure);
        Usage {
            cpu_percent: Some(cpu as f32),
            memory_bytes: Some(memory as u64),
            memory_limit: member.container.memory_limit,
            net_rx_bytes: net(totals.rx).map(|bytes| bytes as u64),
            net_tx_bytes: net(totals.tx).map(|bytes| bytes as u64),
            net_rx_rate: net(rx).map(|rate| rate as f32),
            net_tx_rate: net(tx).map(|rate| rate as f32),
            block_read_bytes: Some(totals.read as u64),
            block_write_bytes: Some(totals.write as u64),
            block_read_rate: Some(read as f32),
            block_write_rate: Some(write as f32),
            pids: Some(script.processes.len().max(1) as u32 + (member.seed % 5) as u32),
            oom_kills: Some(0),
        }
    }
}

/// How busy it is, around 1.
fn activity(seed: u64, seconds: f64) -> f64 {
    let slow = smooth(mix(&[seed, 21]), seconds / 25.0);
    let quick = smooth(mix(&[seed, 22]), seconds / 4.0);
    (1.0 + 0.6 * slow + 0.35 * quick).max(0.05)
}

fn cpu(member: &Member, now: Timestamp, seconds: f64, up: f64) -> f64 {
    let wave = &member.script.cpu;
    let seed = member.seed;
    let period = wave.period.0.as_secs_f64().max(1.0);
    let phase = unit(&[seed, 31]);
    let slow = (std::f64::consts::TAU * (seconds / period + phase)).sin();
    let quick = smooth(mix(&[seed, 32]), seconds / 2.5);
    let mut percent = wave.base + wave.swing * slow + wave.noise * quick + spike(wave, seed, seconds);
    // A start costs more than the days after it.
    percent += (25.0 + wave.base) * (-up / 3.0).exp();
    if member.is_sick(now) {
        percent = percent * 1.8 + 4.0;
    }
    percent.max(0.02)
}

/// A steep rise and a slower fall, at a chance moment of each stretch.
fn spike(wave: &Wave, seed: u64, seconds: f64) -> f64 {
    if wave.spike <= 0.0 {
        return 0.0;
    }
    let every = wave.spike_every.0.as_secs_f64().max(5.0);
    let stretch = (seconds / every).floor();
    let chance = |lane: u64| unit(&[seed, stretch as i64 as u64, lane]);
    let since = seconds - stretch * every - chance(41) * every * 0.7;
    let length = 3.0 + 6.0 * chance(42);
    if !(0.0..length).contains(&since) {
        return 0.0;
    }
    let share = since / length;
    let shape = if share < 0.25 { share * 4.0 } else { (1.0 - share) / 0.75 };
    wave.spike * shape * (0.6 + 0.4 * chance(43))
}

fn memory(member: &Member, seconds: f64, up: f64) -> f64 {
    let shape = &member.script.memory;
    let base = shape.base.0 as f64;
    let period = shape.period.0.as_secs_f64().max(1.0);
    let wander = smooth(mix(&[member.seed, 51]), seconds * 4.0 / period);
    let ripple = smooth(mix(&[member.seed, 52]), seconds / 3.0) * 0.1;
    // It grows into its size after a start.
    let grown = 1.0 - 0.6 * (-up / 12.0).exp();
    let bytes = (base + shape.swing.0 as f64 * (wander + ripple)) * grown;
    let most = member.container.memory_limit.map_or(f64::MAX, |limit| limit as f64 * 0.995);
    bytes.clamp(500_000.0, most)
}
