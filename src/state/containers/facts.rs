//! What the event stream tells of a container beyond an inspection, and what outlives one.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::event::{EngineEvent, EngineEventKind};
use crate::model::containers::{Container, RunState};
use crate::model::health::Health;
use crate::model::stacks::Exit;
use crate::state::containers::Entry;
use crate::state::verdict;

/// How long exits are remembered.
const MEMORY: SignedDuration = SignedDuration::from_hours(1);
/// Health flips remembered per container.
const FLIPS: usize = 32;

/// What the event stream tells beyond an inspection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Ends nobody asked for, in the last hour.
    pub crashes: VecDeque<Timestamp>,
    /// Last signal that was sent through the engine.
    pub killed: Option<(Timestamp, i32)>,
    /// Last stop that was carried out through the engine.
    pub stopped: Option<Timestamp>,
    pub died: Option<(Timestamp, i64)>,
    /// How it ended the time before it was started again.
    pub last_exit: Option<Exit>,
    /// Last time the kernel killed one of its processes for memory.
    pub out_of_memory: Option<Timestamp>,
    /// Processes killed for memory since its start, by its control group.
    pub oom_kills: u64,
    /// Verdicts of the health check, oldest first.
    pub flips: VecDeque<(Timestamp, Health)>,
    /// Since when its health check fails, where nobody saw it begin.
    pub failing_since: Option<Timestamp>,
    /// From its start to the first passing check.
    pub ready_after: Option<SignedDuration>,
}

/// Adds what an event says to what we remember of a container.
pub(super) fn note(facts: &mut Facts, event: &EngineEvent, stop_signal: i32, started: Option<Timestamp>) {
    while facts.crashes.front().is_some_and(|at| event.at.duration_since(*at) > MEMORY) {
        facts.crashes.pop_front();
    }
    match &event.kind {
        EngineEventKind::Died { exit_code } => {
            facts.died = Some((event.at, *exit_code));
            // A stop is told only after the end it caused; a signal of ours comes before it.
            let asked = facts.killed.is_some_and(|(at, signal)| {
                event.at.duration_since(at) < SignedDuration::from_secs(60)
                    && (signal == stop_signal || signal == 9)
            });
            if !asked && facts.crashes.back() != Some(&event.at) {
                facts.crashes.push_back(event.at);
            }
        }
        EngineEventKind::Stopped => facts.stopped = Some(event.at),
        EngineEventKind::Killed { signal } => facts.killed = Some((event.at, *signal)),
        EngineEventKind::OutOfMemory => facts.out_of_memory = Some(event.at),
        EngineEventKind::Health(health) => note_flip(facts, event.at, *health, started),
        // What belongs to one life only is dropped by the inspection that shows the next: this event may
        // be a replay of the start that we see already.
        EngineEventKind::Started
        | EngineEventKind::Created
        | EngineEventKind::Paused
        | EngineEventKind::Unpaused
        | EngineEventKind::Restarted
        | EngineEventKind::Renamed
        | EngineEventKind::Removed
        | EngineEventKind::Updated => {}
    }
}

/// Notes a verdict of the health check, unless it was told before. The same verdict in another life of the
/// container is news: it says when that got ready.
pub(super) fn note_flip(facts: &mut Facts, at: Timestamp, health: Health, started: Option<Timestamp>) {
    let known = |(known, last): &(Timestamp, Health)| {
        let same_life = started.is_none_or(|start| *known >= start || at < start);
        *known >= at || (*last == health && same_life)
    };
    if facts.flips.back().is_some_and(known) {
        return;
    }
    facts.flips.push_back((at, health));
    if facts.flips.len() > FLIPS {
        facts.flips.pop_front();
    }
}

/// Returns what is still true of a container in its next inspection: a new life begins with nothing.
pub(super) fn facts_for(entry: Entry, next: &Container) -> Facts {
    let mut facts = entry.facts;
    if entry.container.started_at != next.started_at {
        facts.oom_kills = 0;
        facts.ready_after = None;
        facts.failing_since = None;
    }
    facts
}

/// Adds what only an inspection tells.
pub(super) fn learn_from_inspection(facts: &mut Facts, container: &Container, now: Timestamp) {
    if let Some(exit) = verdict::exit_of(container, facts) {
        facts.last_exit = Some(exit);
    }
    while facts.crashes.front().is_some_and(|at| now.duration_since(*at) > MEMORY) {
        facts.crashes.pop_front();
    }
    if container.run == RunState::Running
        && container.health == Health::Healthy
        && facts.ready_after.is_none()
    {
        facts.ready_after = verdict::ready_after(container, facts);
    }
    if container.health == Health::Unhealthy {
        // Once: reckoned anew with each check it would move.
        facts.failing_since = facts.failing_since.or_else(|| first_failure(container));
    } else {
        facts.failing_since = None;
    }
}

/// Returns when the first of the checks failed that fail in a row. The engine keeps five results and counts on:
/// what it dropped is taken to have come in the rhythm of those that are left.
fn first_failure(container: &Container) -> Option<Timestamp> {
    let log = &container.health_log;
    let from = log.iter().rposition(|check| check.exit_code == 0).map_or(0, |passed| passed + 1);
    let (first, last) = (log.get(from)?.at?, log.last()?.at?);
    let kept = log.len() - from;
    let dropped = (container.failing_streak as usize).saturating_sub(kept);
    if from > 0 || dropped == 0 || kept < 2 {
        return Some(first);
    }
    let rhythm = last.duration_since(first) / (kept as i32 - 1);
    let reckoned = rhythm.checked_mul(i32::try_from(dropped).ok()?).map(|before| first - before);
    reckoned.map(|at| container.started_at.map_or(at, |start| at.max(start))).or(Some(first))
}
