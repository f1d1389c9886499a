//! What the operator asked for and what came of it.
//!
//! Also the policy of it: which containers a verb touches, in which order, and when it is refused.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::containers::{ContainerId, RunState};
use crate::model::jobs::{Job, JobId, JobOutcome, Verb};
use crate::model::stacks::{Target, age};
use crate::model::timeline::Severity;
use crate::state::Revision;
use crate::state::containers::{Containers, Entry};

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

    /// Returns a job that is under way on any of the containers a target means.
    pub fn conflicting(&self, target: &Target, containers: &Containers) -> Option<&Job> {
        let wanted = containers.of_target(target);
        self.running
            .values()
            .find(|job| containers.of_target(&job.target).iter().any(|id| wanted.contains(id)))
    }

    pub(super) fn started(&mut self, job: Job) {
        self.running.insert(job.id, job);
        self.revision.bump();
    }

    pub(super) fn progressed(&mut self, id: JobId, done: u32) {
        if let Some(job) = self.running.get_mut(&id) {
            job.done = done;
            self.revision.bump();
        }
    }

    pub(super) fn finished(
        &mut self,
        now: Timestamp,
        id: JobId,
        outcome: &JobOutcome,
        containers: &Containers,
    ) -> Option<Job> {
        let job = self.running.remove(&id)?;
        let (severity, text) = describe(now, &job, outcome);
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
            let count = if job.total > 1 { format!(" {} containers", job.total) } else { String::new() };
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
            (Severity::Warning, format!("{} cancelled after {} of {}", verb.word(), job.done, job.total))
        }
    }
}

/// What a verb will touch: groups in order, containers of one group at the same time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub groups: Vec<Vec<ContainerId>>,
    /// The longest stop timeout among them.
    pub stop_timeout: Option<Duration>,
}

impl Plan {
    pub fn total(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    pub fn containers(&self) -> impl Iterator<Item = &ContainerId> {
        self.groups.iter().flatten()
    }
}

/// Finds what a verb touches, or says why it can't apply.
///
/// Starting goes along the dependencies, stopping against them. A finished one-shot is not started
/// or restarted with its stack, only when it is named itself.
pub fn plan(containers: &Containers, verb: Verb, target: &Target) -> Result<Plan, String> {
    let name = containers.name_of(target);
    let all = containers.of_target(target);
    if all.is_empty() {
        return Err(format!("{name} has no containers to {}", verb.word()));
    }
    let named_itself = matches!(target, Target::Container(_));
    let applies = |entry: &Entry| {
        let run = entry.container.run;
        let one_off = entry.container.compose.as_ref().is_some_and(|compose| compose.one_off);
        if one_off && !named_itself {
            return false;
        }
        match verb {
            Verb::Start => {
                matches!(run, RunState::Created | RunState::Exited | RunState::Dead | RunState::Unknown)
            }
            Verb::Stop => run.is_up() || run == RunState::Restarting,
            Verb::Restart => !matches!(run, RunState::Removing | RunState::Dead),
        }
    };
    let rests = |entry: &Entry| {
        let stack = containers.stack(&entry.container.stack_name());
        let service = stack.and_then(|stack| stack.service(&entry.container.service_name()));
        matches!(target, Target::Stack(_))
            && service.is_some_and(|s| s.one_shot)
            && !entry.container.run.is_up()
    };
    let mut by_level: BTreeMap<usize, Vec<ContainerId>> = BTreeMap::new();
    let mut stop_timeout = None;
    for entry in all.iter().filter_map(|id| containers.get(id)) {
        if !applies(entry) || (verb != Verb::Stop && rests(entry)) {
            continue;
        }
        let level = level_of(containers, &entry.container.stack_name(), &entry.container.service_name(), 0);
        by_level.entry(level).or_default().push(entry.container.id.clone());
        if verb != Verb::Start {
            stop_timeout =
                stop_timeout.max(Some(Duration::from_secs(u64::from(entry.container.stop_timeout_s))));
        }
    }
    if by_level.is_empty() {
        return Err(match verb {
            Verb::Start => format!("{name} is up already"),
            Verb::Stop => format!("{name} is not running"),
            Verb::Restart => format!("{name} has nothing to restart"),
        });
    }
    let mut groups: Vec<_> = by_level.into_values().collect();
    if verb == Verb::Stop {
        groups.reverse();
    }
    Ok(Plan { groups, stop_timeout })
}

/// How many dependencies lie below a service; a cycle counts as deep.
fn level_of(containers: &Containers, stack: &Arc<str>, service: &Arc<str>, depth: usize) -> usize {
    if depth > 32 {
        return depth;
    }
    containers
        .stack(stack)
        .and_then(|found| found.service(service))
        .map(|found| &found.depends_on)
        .into_iter()
        .flatten()
        .map(|dep| 1 + level_of(containers, stack, &dep.service, depth + 1))
        .max()
        .unwrap_or(0)
}
