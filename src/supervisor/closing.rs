//! Ends of jobs that wait until what the job touched has been looked at since: the next verb is judged by what
//! is there, not by what was there before.

use std::collections::HashSet;

use crate::event::Event;
use crate::model::containers::ContainerId;
use crate::model::jobs::{ComposeVerb, JobId, RunKind, Verb};
use crate::state::State;

/// What is held back, in the order in which it came.
#[derive(Default)]
pub struct Closing {
    held: Vec<Held>,
}

struct Held {
    end: Event,
    unseen: HashSet<ContainerId>,
}

impl Closing {
    pub fn hold(&mut self, end: Event, unseen: HashSet<ContainerId>) {
        self.held.push(Held { end, unseen });
    }

    /// Notes that a container was looked at; returns the ends that need not wait any longer.
    pub fn seen(&mut self, id: &ContainerId) -> Vec<Event> {
        for held in &mut self.held {
            held.unseen.remove(id);
        }
        self.held.extract_if(.., |held| held.unseen.is_empty()).map(|held| held.end).collect()
    }

    /// Returns all ends: everything was looked at, or nothing can be.
    pub fn release(&mut self) -> Vec<Event> {
        self.held.drain(..).map(|held| held.end).collect()
    }
}

/// Returns the containers that a job may have changed; `None` where it changes none.
pub fn touched(state: &State, job: JobId) -> Option<HashSet<ContainerId>> {
    let job = state.jobs.get(job)?;
    match job.verb {
        Verb::CopyIn | Verb::CopyOut | Verb::Run(RunKind::Beside) | Verb::Compose(ComposeVerb::Pull) => None,
        _ => Some(state.containers.of_target(&job.target).into_iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::jobs::JobOutcome;

    fn end(job: u64) -> Event {
        Event::JobFinished { job: JobId(job), outcome: JobOutcome::Succeeded }
    }

    fn numbers(events: Vec<Event>) -> Vec<u64> {
        let number = |event| match event {
            Event::JobFinished { job, .. } => job.0,
            other => panic!("{other:?}"),
        };
        events.into_iter().map(number).collect()
    }

    #[test]
    fn an_end_waits_until_the_last_container_was_looked_at() {
        let (a, b) = (ContainerId::new("a"), ContainerId::new("b"));
        let mut closing = Closing::default();
        closing.hold(end(1), [a.clone(), b.clone()].into());
        closing.hold(end(2), [a.clone()].into());
        assert_eq!(numbers(closing.seen(&a)), [2]);
        assert!(closing.seen(&a).is_empty());
        assert_eq!(numbers(closing.seen(&b)), [1]);
        closing.hold(end(3), [a, b].into());
        assert_eq!(numbers(closing.release()), [3]);
    }
}
