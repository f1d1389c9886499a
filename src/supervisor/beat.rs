//! What is done because it is time: figures, and questions that no event answers.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::command::Command;
use crate::event::Event;
use crate::supervisor::{INSPECTIONS, Supervisor};

/// How often unhealthy containers are inspected, for their newest result and failing streak.
const SICK_BEAT: SignedDuration = SignedDuration::from_secs(10);
/// How often processes are read while they are looked at.
const PROCESS_BEAT: SignedDuration = SignedDuration::from_secs(3);

impl Supervisor {
    pub(super) fn next_deadline(&self) -> Timestamp {
        [self.state.next_deadline(), self.next_health, self.next_processes]
            .into_iter()
            .flatten()
            .fold(self.next_sample.min(self.next_sick), Timestamp::min)
    }

    /// Does what is due by the clock.
    pub(super) fn on_time(&mut self) {
        let now = self.ports.clock.now();
        if self.state.next_deadline().is_some_and(|at| at <= now) {
            self.apply(Event::Tick);
        }
        if self.next_sample <= now {
            self.next_sample = next_beat(now, self.beat);
            self.sample();
        }
        if self.next_health.is_some_and(|at| at <= now) {
            self.next_health = self.state.interest.health.clone().map(|id| {
                let due = self.state.next_health_result(&id);
                self.inspect(id);
                due.filter(|at| *at > now).unwrap_or(now + SignedDuration::from_secs(2))
            });
        }
        if self.next_sick <= now {
            self.next_sick = now + SICK_BEAT;
            for id in self.state.containers.unhealthy().take(INSPECTIONS).collect::<Vec<_>>() {
                self.inspect(id);
            }
        }
        if self.next_processes.is_some_and(|at| at <= now) {
            self.next_processes = self.state.interest.processes.clone().map(|id| {
                self.submit(Command::ReadProcesses(id));
                now + PROCESS_BEAT
            });
        }
    }

    /// Whatever lies further ahead than it was ever put was put there by a clock that has gone back since.
    pub(super) fn survive_a_clock_set_back(&mut self) {
        let now = self.ports.clock.now();
        let farthest = now + SICK_BEAT;
        self.next_sample = if self.next_sample > farthest { now } else { self.next_sample };
        self.next_sick = if self.next_sick > farthest { now } else { self.next_sick };
        self.next_processes = self.next_processes.map(|at| if at > farthest { now } else { at });
        // A check may have any interval; one question too many costs nothing.
        let farthest = now + SignedDuration::from_hours(1);
        self.next_health = self.next_health.map(|at| if at > farthest { now } else { at });
    }

    fn sample(&mut self) {
        if !self.sampling && self.state.connection.is_up() {
            let (state, now) = (&self.state, self.ports.clock.now());
            let wanted =
                crate::state::usage::requests(&state.containers, &state.interest.usage, &state.usage, now);
            if !wanted.is_empty() {
                self.sampling = true;
                let meter = self.ports.usage.clone();
                self.fetch(async move { Event::UsageSampled(meter.sample(wanted).await) });
            }
        }
        if !self.host_sampling && self.state.interest.host {
            self.host_sampling = true;
            let meter = self.ports.host.clone();
            let engine = self.ports.engine.clone();
            self.fetch(async move {
                let mut sample = meter.sample().await;
                sample.own.engine_calls = engine.calls();
                Event::HostSampled(Box::new(sample))
            });
        }
    }
}

/// Returns the next moment that lies on the beat, so that all figures of a screen change together.
fn next_beat(now: Timestamp, beat: Duration) -> Timestamp {
    let beat = beat.as_millis() as i64;
    let millisecond = now.as_millisecond();
    Timestamp::from_millisecond(millisecond - millisecond.rem_euclid(beat) + beat).unwrap_or(now)
}
