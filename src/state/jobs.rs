//! What the operator asked for and what came of it.
//!
//! The policy of it lies in the files below: [`plan`](mod@plan) says which containers a verb touches,
//! [`compose`] what the Compose CLI is asked for, [`runs`] what else is run, [`cutoff`] what would cut
//! stackdash itself off.

pub mod advice;
pub mod compose;
pub mod cutoff;
pub mod names;
pub mod output;
pub mod plan;
pub mod profiles;
pub mod progress;
pub mod runs;
pub mod update;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::containers::ContainerId;
use crate::model::jobs::{ComposeVerb, Job, JobId, JobOutcome, KeptImage, Phase, PhaseNow, RunKind, Verb};
use crate::model::runs::RunTitle;
use crate::model::stacks::{Stack, Target, age};
use crate::model::timeline::Severity;
use crate::model::watch::run::RunAction;
use crate::state::Revision;
use crate::state::containers::Containers;
use crate::state::jobs::output::{JobOutput, Outputs, gist};
use crate::state::jobs::progress::Progress;
use crate::state::jobs::runs::code_words;
use crate::state::jobs::update::Standing;

pub use crate::state::jobs::plan::{Plan, plan};

/// How long a row speaks of what failed.
const FAILURE_SHOWN: SignedDuration = SignedDuration::from_mins(5);
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
    /// Jobs that wait until what they started is ready.
    waits: BTreeMap<JobId, Wait>,
    /// Images that updates under way keep.
    keeping: BTreeMap<JobId, Vec<KeptImage>>,
    /// Images from before an update that failed, by stack.
    kept: BTreeMap<Arc<str>, Kept>,
    /// When each stack was last asked to come up as a whole.
    starts: BTreeMap<Arc<str>, Timestamp>,
    pub revision: Revision,
}

#[derive(Debug)]
struct Wait {
    containers: Vec<ContainerId>,
    since: Timestamp,
    /// How long what has no health check has to run to be ready.
    settles: SignedDuration,
    standing: Standing,
}

/// What can be gone back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The update that failed; the face asks once about each.
    pub job: JobId,
    pub at: Timestamp,
    pub images: Vec<KeptImage>,
    /// Why, a line for each service that is not well.
    pub why: Vec<String>,
    /// Whether the operator should be asked; who cancels knows what he did.
    pub asks: bool,
}

impl Jobs {
    pub fn running(&self) -> impl Iterator<Item = &Job> {
        self.running.values()
    }

    pub fn get(&self, id: JobId) -> Option<&Job> {
        self.running.get(&id)
    }

    pub fn notices(&self) -> &VecDeque<Notice> {
        &self.notices
    }

    /// Returns the job that is under way on a service or one of its containers. A job on the whole stack is
    /// not meant, unless it names the service: the service has a state of its own meanwhile.
    pub fn on_service(&self, stack: &str, service: &str, containers: &Containers) -> Option<&Job> {
        self.running.values().find(|job| match &job.target {
            Target::Stack(name) => {
                let named = job.order.as_ref().is_some_and(|o| o.services.iter().any(|s| **s == *service));
                &**name == stack && named
            }
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
        self.running.values().find(|job| covers(job, target, containers))
    }

    /// Returns a job that must end before another may begin. Compose works on a stack as a whole, so
    /// nothing else of that stack goes beside it.
    pub fn in_the_way(&self, verb: Verb, target: &Target, containers: &Containers) -> Option<&Job> {
        let stack = containers.stack_of(target);
        // Runs of the watcher only get into each other's way on the same service, which it sees to itself.
        let both_watch = |job: &Job| matches!((verb, job.verb), (Verb::Watch(_), Verb::Watch(_)));
        let others = || {
            let all = self.running.values();
            all.filter(|job| job.verb != Verb::Run(RunKind::Beside) && !both_watch(job))
        };
        others().find(|job| covers(job, target, containers)).or_else(|| {
            others().find(|job| {
                let one_is_compose = takes_all(verb) || takes_all(job.verb);
                one_is_compose && stack.is_some() && containers.stack_of(&job.target) == stack
            })
        })
    }

    /// Returns the output of a Compose verb that failed on a target not long ago.
    pub fn failure(&self, target: &Target, now: Timestamp) -> Option<&JobOutput> {
        self.outputs
            .failure(target)
            .filter(|output| output.ended_at().is_some_and(|at| now.duration_since(at) < FAILURE_SHOWN))
    }

    /// Returns the run of the same custom action on the same stack that is under way: a backup beside a
    /// migration is meant, two backups into the same file are not.
    pub fn same_run(&self, title: &RunTitle, target: &Target, containers: &Containers) -> Option<&Job> {
        let stack = containers.stack_of(target);
        self.running.values().find(|job| {
            title.is_action
                && job.run.as_ref() == Some(title)
                && stack.is_some()
                && containers.stack_of(&job.target) == stack
        })
    }

    /// Returns what one job has printed.
    pub fn output_of(&self, id: JobId) -> Option<&JobOutput> {
        self.outputs.by_job(id)
    }

    /// Returns what the running or the last failed job on a target has printed.
    pub fn output(&self, target: &Target, containers: &Containers) -> Option<&JobOutput> {
        self.outputs.of(target, containers)
    }

    /// Returns what the last failed update of a stack can be undone with.
    pub fn kept(&self, stack: &str) -> Option<&Kept> {
        self.kept.get(stack)
    }

    /// Returns everything that could be gone back to, by stack.
    pub fn all_kept(&self) -> impl Iterator<Item = (&Arc<str>, &Kept)> {
        self.kept.iter()
    }

    /// Returns what became of what a job started, once that is known: services that are not going to be
    /// ready, and why.
    pub fn decided(&self, id: JobId) -> Option<&Vec<(Arc<str>, String)>> {
        match &self.waits.get(&id)?.standing {
            Standing::Decided(failed) => Some(failed),
            Standing::Undecided(_) => None,
        }
    }

    /// Judges what jobs wait for.
    pub(super) fn judge(&mut self, now: Timestamp, containers: &Containers) {
        for wait in self.waits.values_mut() {
            if matches!(wait.standing, Standing::Undecided(_)) {
                wait.standing = update::standing(containers, &wait.containers, wait.since, wait.settles, now);
            }
        }
    }

    /// Returns when a wait may be decided by the passing of time alone.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let deadlines = self.waits.values().filter_map(|wait| match wait.standing {
            Standing::Undecided(at) => Some(at),
            Standing::Decided(_) => None,
        });
        deadlines.min()
    }

    /// Notes that a step begins; returns the job as it was in the step before, which is over.
    pub(super) fn phased(&mut self, now: Timestamp, id: JobId, phase: Phase, command: String) -> Option<Job> {
        let job = self.running.get_mut(&id)?;
        let before = job.clone();
        self.outputs.next_process(id, &command);
        job.phase = Some(PhaseNow { phase, since: now, command });
        job.gist.clear();
        self.revision.bump();
        before.phase.is_some().then_some(before)
    }

    pub(super) fn waits(&mut self, now: Timestamp, id: JobId, containers: Vec<ContainerId>) -> Option<Job> {
        // Decided anew at the end of this very event.
        let watched = self.running.get(&id).is_some_and(|job| job.watch.is_some());
        let settles = if watched { SignedDuration::ZERO } else { update::SETTLES_AFTER };
        let wait = Wait { containers, since: now, settles, standing: Standing::Undecided(now) };
        self.waits.insert(id, wait);
        self.phased(now, id, Phase::Waiting, String::new())
    }

    /// Takes a word on what did not go as wished, and is no reason to end.
    pub(super) fn remarked(&mut self, now: Timestamp, id: JobId, remark: &str, containers: &Containers) {
        let Some(job) = self.running.get(&id) else { return };
        let text = format!("{}: {remark}", containers.name_of(&job.target));
        self.notice(now, Severity::Info, text);
        self.outputs.add(id, vec![remark.to_owned()]);
    }

    pub(super) fn update_failed(&mut self, now: Timestamp, id: JobId, images: Vec<KeptImage>) {
        let Some(stack) = self.running.get(&id).and_then(|job| Some(job.order.as_ref()?.stack.clone()))
        else {
            return;
        };
        let why = self.decided(id).into_iter().flatten();
        let why = why.map(|(service, why)| format!("{service}: {why}")).collect();
        self.kept.insert(stack, Kept { job: id, at: now, images, why, asks: true });
        self.revision.bump();
    }

    pub(super) fn keeps(&mut self, id: JobId, images: Vec<KeptImage>) {
        self.keeping.insert(id, images);
    }

    /// Returns when a stack was last asked to come up as a whole.
    pub fn last_start(&self, stack: &str) -> Option<Timestamp> {
        self.starts.get(stack).copied()
    }

    pub(super) fn started(&mut self, job: Job) {
        if let Target::Stack(name) = &job.target
            && crate::state::graph::startup::starts(job.verb)
        {
            self.starts.insert(name.clone(), job.started_at);
        }
        self.outputs.begin(&job);
        // Whatever is done to a stack now, what an earlier update left behind is history.
        if let Some(order) = &job.order
            && order.verb != ComposeVerb::GoBack
        {
            self.kept.remove(&order.stack);
        }
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
        let last = lines.iter().rev().map(|line| gist(line)).find(|line| !line.is_empty());
        self.outputs.add(id, lines);
        if let Some(last) = last {
            // BuildKit numbers its steps; what they are called says more.
            let progress = self.outputs.by_job(id).map(|output| &output.progress);
            let step = progress.filter(|_| last.starts_with('#')).and_then(|progress| progress.current());
            job.gist = step.map_or(last, str::to_owned);
        }
        self.revision.bump();
    }

    pub(super) fn finished(
        &mut self,
        now: Timestamp,
        id: JobId,
        outcome: &JobOutcome,
        containers: &Containers,
    ) -> Option<(Job, JobOutcome)> {
        let job = self.running.remove(&id)?;
        self.waits.remove(&id);
        let keeping = self.keeping.remove(&id).unwrap_or_default();
        if *outcome == JobOutcome::Cancelled
            && !keeping.is_empty()
            && let Some(order) = &job.order
        {
            let kept = Kept { job: id, at: now, images: keeping, why: Vec::new(), asks: false };
            self.kept.insert(order.stack.clone(), kept);
        }
        let outcome = self.sharpened(id, outcome);
        self.outputs.end(now, id, &outcome);
        if let JobOutcome::Failed(errors) = &outcome
            && let Some(kept) = self.kept.values_mut().find(|kept| kept.job == id && kept.why.is_empty())
        {
            kept.why.clone_from(errors);
        }
        if outcome == JobOutcome::Succeeded
            && let Some(order) = &job.order
        {
            self.kept.remove(&order.stack);
        }
        if job.watch.is_some() && outcome == JobOutcome::Succeeded {
            // Nobody wants a word for every saved file.
            self.revision.bump();
            return Some((job, outcome));
        }
        let (severity, mut text) = describe(now, &job, &outcome);
        if let Some(left) = left_behind(&job, &outcome, containers) {
            let _ = write!(text, "; {left}");
        }
        self.notice(now, severity, format!("{}: {text}", containers.name_of(&job.target)));
        Some((job, outcome))
    }

    /// Puts the line of a build that says what went wrong before Compose's own last words, and says what to
    /// do where that is known.
    fn sharpened(&self, id: JobId, outcome: &JobOutcome) -> JobOutcome {
        let progress = self.outputs.by_job(id).map(|output| &output.progress);
        match outcome {
            JobOutcome::Failed(errors) if errors.iter().any(|e| e.contains("failed to solve")) => {
                let first = progress.and_then(Progress::first_error);
                let printed = progress.and_then(Progress::failed_log);
                let errors = first.map_or_else(|| errors.clone(), |first| vec![first]);
                let told = errors.into_iter().map(|error| advice::with(error, printed.as_deref()));
                JobOutcome::Failed(told.collect())
            }
            JobOutcome::Failed(errors) => {
                let told = errors.iter().map(|error| advice::with(error.clone(), None));
                JobOutcome::Failed(told.collect())
            }
            JobOutcome::Exited { code, words } => {
                JobOutcome::Exited { code: *code, words: advice::with(words.clone(), None) }
            }
            _ => outcome.clone(),
        }
    }

    /// Takes a word that is good to know and no more.
    pub(super) fn said(&mut self, now: Timestamp, words: String) {
        self.notice(now, Severity::Info, words);
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

/// Whether a job touches any of the containers that a target means, or the target itself.
fn covers(job: &Job, target: &Target, containers: &Containers) -> bool {
    let named = match (&job.target, target) {
        (Target::Stack(stack), Target::Service { stack: of, .. }) => stack == of,
        (one, other) => one == other,
    };
    let wanted = containers.of_target(target);
    named || containers.of_target(&job.target).iter().any(|id| wanted.contains(id))
}

/// Whether a verb works on a stack as a whole.
fn takes_all(verb: Verb) -> bool {
    matches!(verb, Verb::Compose(_) | Verb::Run(RunKind::Alone) | Verb::Watch(RunAction::Rebuild))
}

/// Says how a job ended, without naming its target.
pub fn describe(now: Timestamp, job: &Job, outcome: &JobOutcome) -> (Severity, String) {
    let verb = job.verb;
    if let Some(title) = &job.run {
        return describe_run(now, job, title, outcome);
    }
    match outcome {
        JobOutcome::Succeeded => {
            let count = match verb {
                Verb::Compose(_) | Verb::Rename | Verb::CopyIn | Verb::CopyOut | Verb::Run(_) => {
                    String::new()
                }
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
                Verb::Compose(_) => match &job.phase {
                    Some(now_in) => {
                        format!("while {}, after {}", now_in.phase.doing(), age(job.started_at, now))
                    }
                    None => format!("after {}", age(job.started_at, now)),
                },
                Verb::Run(_) => format!("after {}", age(job.started_at, now)),
                Verb::CopyIn | Verb::CopyOut => format!("after {} of {} bytes", job.done, job.total),
                _ => format!("after {} of {}", job.done, job.total),
            };
            (Severity::Warning, format!("{} cancelled {how_far}", verb.word()))
        }
        JobOutcome::Exited { code, words } => {
            let why = if words.is_empty() { String::new() } else { format!(": {words}") };
            (Severity::Error, format!("{} failed with {}{why}", verb.word(), code_words(*code)))
        }
        JobOutcome::TimedOut(words) => (Severity::Error, format!("{} took too long; {words}", verb.word())),
    }
}

fn describe_run(now: Timestamp, job: &Job, title: &RunTitle, outcome: &JobOutcome) -> (Severity, String) {
    let (name, took) = (&title.name, age(job.started_at, now));
    match outcome {
        JobOutcome::Succeeded => (Severity::Good, format!("{name} ended with exit code 0 after {took}")),
        JobOutcome::Exited { code, words } => {
            let why = if words.is_empty() { String::new() } else { format!(": {words}") };
            (Severity::Error, format!("{name} ended with {} after {took}{why}", code_words(*code)))
        }
        JobOutcome::Failed(errors) => {
            (Severity::Error, format!("{name} failed: {}", errors.first().map_or("no reason given", |e| e)))
        }
        JobOutcome::TimedOut(words) => {
            (Severity::Error, format!("{name} did not end within {took}; {words}"))
        }
        JobOutcome::Cancelled => (Severity::Warning, format!("{name} cancelled after {took}")),
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
            _ => job.order.as_ref().is_none_or(|order| {
                order.services.is_empty() || order.services.iter().any(|service| **service == *name)
            }),
        };
        let services: Vec<_> = stack.services.iter().filter(|service| wanted(&service.name)).collect();
        let up = services.iter().filter(|service| service.verdict.state.is_up()).count();
        format!("now {up} of {} services are up", services.len())
    };
    let stack = containers.stack_of(&job.target)?;
    let mut words =
        containers.stack(&stack).map_or_else(|| String::from("nothing of it is there now"), count);
    if job.verb == Verb::Compose(ComposeVerb::Update) {
        words += match job.phase.as_ref().map(|now| now.phase) {
            Some(Phase::Starting | Phase::Waiting) => ", perhaps new; the old images are kept",
            _ => ", nothing new was started",
        };
    }
    Some(words)
}
