//! What the operator asked for and what came of it.
//!
//! The policy of it lies in the files below: [`plan`](mod@plan) says which containers a verb touches,
//! [`compose`] what the Compose CLI is asked for, [`cutoff`] what would cut stackdash itself off.

pub mod compose;
pub mod cutoff;
pub mod names;
pub mod output;
pub mod plan;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

use jiff::Timestamp;

use crate::model::jobs::{Job, JobId, JobOutcome, Verb};
use crate::model::stacks::{Stack, Target, age};
use crate::model::timeline::Severity;
use crate::state::Revision;
use crate::state::containers::Containers;
use crate::state::jobs::output::{JobOutput, Outputs, gist};

pub use crate::state::jobs::plan::{Plan, plan};

/// Notices kept for the face.
const NOTICES: usize = 50;

/// A result worth a word on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Counts from 1; the face remembers the last it has shown.
    pub number: u64,
    pub at: Timestamp,
    pub severity: Severity,
    pub text: String,
}

#[derive(Debug, Default)]
pub struct Jobs {
    running: BTreeMap<JobId, Job>,
    notices: VecDeque<Notice>,
    last_notice: u64,
    outputs: Outputs,
    pub revision: Revision,
}

impl Jobs {
    pub fn running(&self) -> impl Iterator<Item = &Job> {
        self.running.values()
    }

    pub fn notices(&self) -> &VecDeque<Notice> {
        &self.notices
    }

    /// Returns the job that is under way on a service, its stack or one of its containers.
    pub fn on_service(&self, stack: &str, service: &str, containers: &Containers) -> Option<&Job> {
        self.running.values().find(|job| match &job.target {
            Target::Stack(name) => &**name == stack,
            Target::Service { stack: s, service: v } => &**s == stack && &**v == service,
            Target::Container(id) => containers.get(id).is_some_and(|entry| {
                *entry.container.stack_name() == *stack && *entry.container.service_name() == *service
            }),
        })
    }

    /// Returns the job that is under way on a stack as a whole.
    pub fn on_stack(&self, stack: &str) -> Option<&Job> {
        self.running.values().find(|job| matches!(&job.target, Target::Stack(name) if &**name == stack))
    }

    /// Returns a job that is under way on any of the containers a target means, or on the target itself
    /// where it has none.
    pub fn conflicting(&self, target: &Target, containers: &Containers) -> Option<&Job> {
        let wanted = containers.of_target(target);
        self.running.values().find(|job| {
            let covers = match (&job.target, target) {
                (Target::Stack(stack), Target::Service { stack: of, .. }) => stack == of,
                (one, other) => one == other,
            };
            covers || containers.of_target(&job.target).iter().any(|id| wanted.contains(id))
        })
    }

    /// Returns a job that must end before another may begin. Compose works on a stack as a whole, so
    /// nothing else of that stack goes beside it.
    pub fn in_the_way(&self, verb: Verb, target: &Target, containers: &Containers) -> Option<&Job> {
        let stack = containers.stack_of(target);
        self.conflicting(target, containers).or_else(|| {
            self.running.values().find(|job| {
                let one_is_compose = matches!(verb, Verb::Compose(_)) || matches!(job.verb, Verb::Compose(_));
                one_is_compose && stack.is_some() && containers.stack_of(&job.target) == stack
            })
        })
    }

    /// Returns what the running or the last failed job on a target has printed.
    pub fn output(&self, target: &Target, containers: &Containers) -> Option<&JobOutput> {
        self.outputs.of(target, containers)
    }

    pub(super) fn started(&mut self, job: Job) {
        self.outputs.begin(&job);
        self.running.insert(job.id, job);
        self.revision.bump();
    }

    pub(super) fn progressed(&mut self, id: JobId, done: u64) {
        if let Some(job) = self.running.get_mut(&id) {
            job.done = done;
            self.revision.bump();
        }
    }

    pub(super) fn measured(&mut self, id: JobId, total: u64) {
        if let Some(job) = self.running.get_mut(&id) {
            job.total = total;
            self.revision.bump();
        }
    }

    pub(super) fn printed(&mut self, id: JobId, lines: Vec<String>) {
        let Some(job) = self.running.get_mut(&id) else { return };
        if let Some(last) = lines.iter().rev().map(|line| gist(line)).find(|line| !line.is_empty()) {
            job.gist = last;
        }
        self.outputs.add(id, lines);
        self.revision.bump();
    }

    pub(super) fn finished(
        &mut self,
        now: Timestamp,
        id: JobId,
        outcome: &JobOutcome,
        containers: &Containers,
    ) -> Option<Job> {
        let job = self.running.remove(&id)?;
        self.outputs.end(id, outcome);
        let (severity, mut text) = describe(now, &job, outcome);
        if let Some(left) = left_behind(&job, outcome, containers) {
            let _ = write!(text, "; {left}");
        }
        self.notice(now, severity, format!("{}: {text}", containers.name_of(&job.target)));
        Some(job)
    }

    pub(super) fn refused(&mut self, now: Timestamp, why: String) {
        self.notice(now, Severity::Warning, why);
    }

    fn notice(&mut self, at: Timestamp, severity: Severity, text: String) {
        self.last_notice += 1;
        self.notices.push_back(Notice { number: self.last_notice, at, severity, text });
        if self.notices.len() > NOTICES {
            self.notices.pop_front();
        }
        self.revision.bump();
    }
}

/// Says how a job ended, without naming its target.
pub fn describe(now: Timestamp, job: &Job, outcome: &JobOutcome) -> (Severity, String) {
    let verb = job.verb;
    match outcome {
        JobOutcome::Succeeded => {
            let count = match verb {
                Verb::Compose(_) | Verb::Rename | Verb::CopyIn | Verb::CopyOut => String::new(),
                _ if job.total > 1 => format!(" {} containers", job.total),
                _ => String::new(),
            };
            (Severity::Good, format!("{}{count} in {}", verb.done(), age(job.started_at, now)))
        }
        JobOutcome::Failed(errors) => {
            let mut text =
                format!("{} failed: {}", verb.word(), errors.first().map_or("no reason given", |e| e));
            if errors.len() > 1 {
                let _ = write!(text, " (and {} more)", errors.len() - 1);
            }
            (Severity::Error, text)
        }
        JobOutcome::Cancelled => {
            let how_far = match verb {
                Verb::Compose(_) => format!("after {}", age(job.started_at, now)),
                Verb::CopyIn | Verb::CopyOut => format!("after {} of {} bytes", job.done, job.total),
                _ => format!("after {} of {}", job.done, job.total),
            };
            (Severity::Warning, format!("{} cancelled {how_far}", verb.word()))
        }
    }
}

/// Says in what state a cancelled call of Compose leaves things.
pub fn left_behind(job: &Job, outcome: &JobOutcome, containers: &Containers) -> Option<String> {
    if *outcome != JobOutcome::Cancelled || !matches!(job.verb, Verb::Compose(_)) {
        return None;
    }
    let count = |stack: &Stack| {
        let wanted = |name: &str| match &job.target {
            Target::Service { service, .. } => **service == *name,
            _ => true,
        };
        let services: Vec<_> = stack.services.iter().filter(|service| wanted(&service.name)).collect();
        let up = services.iter().filter(|service| service.verdict.state.is_up()).count();
        format!("now {up} of {} services are up", services.len())
    };
    let stack = containers.stack_of(&job.target)?;
    Some(containers.stack(&stack).map_or_else(|| String::from("nothing of it is there now"), count))
}
