//! What an engine does at once when it is asked: pause, signal, remove, rename. In its own words where
//! it refuses.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::adapters::scenario::member::{CrashPlan, Stopping};
use crate::adapters::scenario::random::{hex, mix};
use crate::adapters::scenario::world::{Due, World};
use crate::event::EngineEventKind;
use crate::model::containers::{ContainerId, RunState};
use crate::model::jobs::Signal;
use crate::ports::EngineError;

/// From a signal to the end it causes.
const DIES_AFTER: Duration = Duration::from_millis(40);

impl World {
    pub fn ask_to_pause(&mut self, at: Timestamp, index: usize) -> Result<(), EngineError> {
        let container = &mut self.members[index].container;
        match container.run {
            RunState::Running => {
                container.run = RunState::Paused;
                self.emit(at, index, EngineEventKind::Paused);
                Ok(())
            }
            RunState::Paused => {
                Err(conflict(&format!("container {} is already paused", container.id.short())))
            }
            _ => Err(conflict(&format!("container {} is not running", container.id.short()))),
        }
    }

    pub fn ask_to_unpause(&mut self, at: Timestamp, index: usize) -> Result<(), EngineError> {
        let container = &mut self.members[index].container;
        if container.run != RunState::Paused {
            return Err(conflict(&format!("Container {} is not paused", container.id.short())));
        }
        container.run = RunState::Running;
        self.emit(at, index, EngineEventKind::Unpaused);
        self.plan_flip(index, at);
        Ok(())
    }

    pub fn ask_to_kill(&mut self, at: Timestamp, index: usize, signal: Signal) -> Result<(), EngineError> {
        let member = &mut self.members[index];
        if !member.is_up() {
            return Err(conflict(&format!("container {} is not running", member.container.id.short())));
        }
        let stop = &member.script.stop;
        let ends = match signal {
            Signal::Kill => true,
            Signal::Term | Signal::Int | Signal::Quit => !stop.ignores,
            Signal::Hup | Signal::Usr1 | Signal::Usr2 => false,
        };
        let by_stop_signal = signal.number() == member.container.stop_signal;
        let exit_code = if by_stop_signal { stop.exit_code } else { 128 + i64::from(signal.number()) };
        self.emit(at, index, EngineEventKind::Killed { signal: signal.number() });
        if ends {
            let member = &mut self.members[index];
            member.crash = CrashPlan::default();
            // A signal by hand is a wish: no restart policy acts against it.
            member.stopping = Some(Stopping { then_start: false, killed: true });
            let turn = member.turn;
            self.plan(at + DIES_AFTER, Due::Die { member: index, turn, exit_code, out_of_memory: false });
        }
        Ok(())
    }

    pub fn ask_to_remove(&mut self, at: Timestamp, index: usize) -> Result<(), EngineError> {
        let member = &mut self.members[index];
        if member.is_up() || member.container.run == RunState::Restarting {
            return Err(conflict(&format!(
                "You cannot remove a running container {}. Stop the container before attempting removal or force remove",
                member.container.id.short()
            )));
        }
        member.turn += 1;
        member.waits = false;
        member.gone = true;
        self.emit(at, index, EngineEventKind::Removed);
        self.wake_dependents(at);
        Ok(())
    }

    /// Creates again what was removed; says whether it did.
    pub fn create_again(&mut self, at: Timestamp, index: usize) -> bool {
        let member = &mut self.members[index];
        if !member.gone {
            return false;
        }
        member.gone = false;
        // Ids never come back. Who asked by the old one still means this member.
        member.container.id = ContainerId::new(hex(mix(&[member.seed, member.turn]), 64));
        member.container.run = RunState::Created;
        member.container.created_at = Some(at);
        member.container.started_at = None;
        member.container.finished_at = None;
        member.container.exit_code = None;
        member.container.restart_count = 0;
        let id = member.container.id.clone();
        self.by_id.insert(id, index);
        self.emit(at, index, EngineEventKind::Created);
        true
    }

    pub fn ask_to_rename(&mut self, at: Timestamp, index: usize, name: &str) -> Result<(), EngineError> {
        if let Some(other) = self.members.iter().find(|m| !m.gone && *m.container.name == *name) {
            return Err(conflict(&format!(
                "Error when allocating new name: Conflict. The container name \"/{name}\" is already in use by container {}",
                other.container.id.short()
            )));
        }
        self.members[index].container.name = Arc::from(name);
        self.emit(at, index, EngineEventKind::Renamed);
        Ok(())
    }
}

fn conflict(words: &str) -> EngineError {
    EngineError::Conflict(words.to_owned())
}
