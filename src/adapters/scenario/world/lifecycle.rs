//! How containers start and end, and what can be asked of them or befall them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::adapters::scenario::member::{CrashPlan, Occasion, Stopping};
use crate::adapters::scenario::random::mix;
use crate::adapters::scenario::script::What;
use crate::adapters::scenario::world::{Due, Goal, Why, World};
use crate::event::EngineEventKind;
use crate::model::containers::RunState;
use crate::model::health::Health;

/// The first pause of a restart policy; it doubles with each restart…
const BACK_OFF: Duration = Duration::from_millis(100);
/// …up to this.
const BACK_OFF_MOST: Duration = Duration::from_mins(1);
/// A life this long makes the pauses short again.
const BACK_OFF_FORGETS: SignedDuration = SignedDuration::from_secs(10);

impl World {
    /// Lets something happen to a container.
    pub fn happen(&mut self, at: Timestamp, index: usize, what: &What) {
        self.revision += 1;
        let member = &mut self.members[index];
        let turn = member.turn;
        match what {
            What::Fail { output, exit_code } => {
                member.fall_sick(at, output.clone(), *exit_code);
                self.plan_flip(index, at);
            }
            What::Recover => {
                member.recover(at);
                self.plan_flip(index, at);
            }
            What::Crash { exit_code, times, after } => {
                if member.is_up() && member.stopping.is_none() {
                    member.crash = CrashPlan { left: *times, exit_code: *exit_code, after: *after };
                    self.plan(at, Due::Crash { member: index, turn });
                }
            }
            What::OutOfMemory => {
                if member.is_up() {
                    self.plan(at, Due::Die { member: index, turn, exit_code: 137, out_of_memory: true });
                }
            }
            What::Pause => {
                if member.container.run == RunState::Running {
                    member.container.run = RunState::Paused;
                    self.emit(at, index, EngineEventKind::Paused);
                }
            }
            What::Unpause => {
                if member.container.run == RunState::Paused {
                    member.container.run = RunState::Running;
                    self.emit(at, index, EngineEventKind::Unpaused);
                    self.plan_flip(index, at);
                }
            }
            What::Stop => drop(self.ask_to_stop(at, index, false)),
            What::Start => drop(self.ask_to_start(at, index, false)),
            What::Restart => drop(self.ask_to_restart(at, index)),
            What::Burst { lines } => {
                if member.is_up() {
                    member.note(at, Occasion::Burst { lines: *lines });
                }
            }
            What::Disconnect { .. } => self.disconnect(),
        }
    }

    /// Breaks the connection: streams end, calls fail.
    pub fn disconnect(&mut self) {
        self.cut = true;
        self.link += 1;
        self.revision += 1;
    }

    pub fn reconnect(&mut self) {
        self.cut = false;
        self.revision += 1;
    }

    /// Sends the stop signal; returns what to wait for.
    pub fn ask_to_stop(&mut self, at: Timestamp, index: usize, then_start: bool) -> Goal {
        let member = &mut self.members[index];
        member.crash = CrashPlan::default();
        member.waits = false;
        let after = u64::from(then_start);
        if member.container.run == RunState::Restarting {
            member.container.run = RunState::Exited;
            member.turn += 1;
            let turn = member.turn;
            self.emit(at, index, EngineEventKind::Stopped);
            if then_start {
                return self.ask_to_start(at, index, true);
            }
            return Goal { member: index, turn };
        }
        if !member.is_up() {
            return Goal { member: index, turn: member.turn };
        }
        let turn = member.turn;
        if let Some(stopping) = &mut member.stopping {
            stopping.then_start |= then_start;
            return Goal { member: index, turn: turn + 1 + after };
        }
        member.stopping = Some(Stopping { then_start, killed: false });
        member.note(at, Occasion::Stop);
        let signal = member.container.stop_signal;
        let stop = &member.script.stop;
        let (takes, exit_code) = if stop.ignores || stop.takes.0 > stop.timeout.0 {
            (stop.timeout.0, 137)
        } else {
            (stop.takes.0, stop.exit_code)
        };
        self.emit(at, index, EngineEventKind::Killed { signal });
        self.plan(at + takes, Due::Die { member: index, turn, exit_code, out_of_memory: false });
        Goal { member: index, turn: turn + 1 + after }
    }

    /// Starts it in a moment; returns what to wait for.
    pub fn ask_to_start(&mut self, at: Timestamp, index: usize, restart: bool) -> Goal {
        let member = &mut self.members[index];
        let turn = member.turn;
        if member.is_up() {
            return Goal { member: index, turn };
        }
        member.back_off = 0;
        member.waits = false;
        let delay = Duration::from_millis(180 + mix(&[member.seed, turn]) % 160);
        let why = if restart { Why::Restart } else { Why::Asked };
        self.plan(at + delay, Due::Start { member: index, turn, why });
        Goal { member: index, turn: turn + 1 }
    }

    /// Stops it where it runs, and starts it.
    pub fn ask_to_restart(&mut self, at: Timestamp, index: usize) -> Goal {
        let run = self.members[index].container.run;
        if run.is_up() || run == RunState::Restarting {
            self.ask_to_stop(at, index, true)
        } else {
            self.ask_to_start(at, index, true)
        }
    }

    pub(super) fn start(&mut self, at: Timestamp, index: usize, why: Why) {
        let member = &mut self.members[index];
        member.turn += 1;
        member.stopping = None;
        if let Some(error) = &member.script.start_error {
            member.container.error.clone_from(error);
            member.container.exit_code = Some(128);
            self.revision += 1;
            return;
        }
        let turn = member.turn;
        member.begin_life(at);
        let container = &mut member.container;
        container.run = RunState::Running;
        container.health = if container.health_settings.is_some() { Health::Starting } else { Health::None };
        container.started_at = Some(at);
        container.exit_code = None;
        container.oom_killed = false;
        container.error.clear();
        container.pid = Some(2000 + (mix(&[member.seed, turn]) % 30_000) as u32);
        if why == Why::Policy {
            container.restart_count += 1;
        }
        self.emit(at, index, EngineEventKind::Started);
        if why == Why::Restart {
            self.emit(at, index, EngineEventKind::Restarted);
        }
        self.plan_flip(index, at);
        self.plan_end(index, at);
        self.wake_dependents(at);
    }

    pub(super) fn die(&mut self, at: Timestamp, index: usize, exit_code: i64, out_of_memory: bool) {
        let member = &mut self.members[index];
        member.turn += 1;
        let stopping = member.stopping.take();
        member.end_life(at);
        let container = &mut member.container;
        let lived = container.started_at.map_or(SignedDuration::ZERO, |start| at.duration_since(start));
        container.finished_at = Some(at);
        container.exit_code = Some(exit_code);
        container.oom_killed = out_of_memory;
        container.pid = None;
        // An engine calls everything with a check unhealthy that does not run.
        if container.health_settings.is_some() {
            container.health = Health::Unhealthy;
        }
        let restarts = stopping.is_none() && member.script.restart.restarts(exit_code);
        container.run = if restarts { RunState::Restarting } else { RunState::Exited };
        let (turn, stop_signal) = (member.turn, container.stop_signal);
        if out_of_memory {
            self.emit(at, index, EngineEventKind::OutOfMemory);
        }
        if stopping.is_some_and(|stopping| !stopping.killed) && exit_code == 137 && stop_signal != 9 {
            self.emit(at, index, EngineEventKind::Killed { signal: 9 });
        }
        self.emit(at, index, EngineEventKind::Died { exit_code });
        if let Some(stopping) = stopping {
            if !stopping.killed {
                self.emit(at, index, EngineEventKind::Stopped);
            }
            if stopping.then_start {
                self.ask_to_start(at, index, true);
            }
        } else if restarts {
            let member = &mut self.members[index];
            if lived > BACK_OFF_FORGETS {
                member.back_off = 0;
            }
            let pause = (BACK_OFF * 2_u32.pow(member.back_off.min(10))).min(BACK_OFF_MOST);
            member.back_off += 1;
            self.plan(at + pause, Due::Start { member: index, turn, why: Why::Policy });
        }
        self.wake_dependents(at);
    }
}
