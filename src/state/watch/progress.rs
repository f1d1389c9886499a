//! How runs go: what the jobs that carry them out tell, as phases.

use jiff::Timestamp;

use crate::command::Command;
use crate::model::jobs::{Job, JobOutcome, Phase};
use crate::model::watch::run::{RunAction, RunId, RunPhase, Trigger};
use crate::model::watch::tree::FileChange;
use crate::state::jobs::runs::code_words;
use crate::state::watch::plan::local;
use crate::state::watch::sources::merge;
use crate::state::watch::{Active, Watch};

impl Watch {
    pub(in crate::state) fn job_started(&mut self, job: &Job) {
        let Some(run) = job.watch.and_then(|id| self.run_mut(id)) else { return };
        run.job = Some(job.id);
        self.revision.bump();
    }

    /// A job has come to its next step: what it did before is done.
    pub(in crate::state) fn job_phased(&mut self, now: Timestamp, job: &Job, phase: Phase) {
        let Some(run) = job.watch.and_then(|id| self.run_mut(id)) else { return };
        let before = job.phase.as_ref().map(|now| now.phase);
        let reached = match (before, phase) {
            (_, Phase::Building) => Some(RunPhase::Building),
            (_, Phase::Starting) => Some(RunPhase::Built),
            (Some(Phase::Starting), _) => Some(RunPhase::Recreated),
            (Some(Phase::Syncing), _) => Some(RunPhase::Synced),
            // Those that follow a new container are restarted, too; that is no phase of its own.
            (Some(Phase::Restarting), _) if run.action != RunAction::Rebuild => Some(RunPhase::Restarted),
            _ => None,
        };
        if let Some(reached) = reached {
            run.phases.push((reached, now));
            self.revision.bump();
        }
    }

    pub(in crate::state) fn job_finished(&mut self, now: Timestamp, job: &Job, outcome: &JobOutcome) {
        let Some(id) = job.watch else { return };
        let Some(active) = self.active.remove(&id) else { return };
        if active.action == RunAction::Rebuild {
            for key in active.changes.keys() {
                if let Some(desk) = self.desks.get_mut(key) {
                    desk.chain.ended(now);
                }
            }
        }
        match outcome {
            JobOutcome::Succeeded => self.succeeded(now, id, job, &active),
            JobOutcome::Failed(errors) => {
                let why = errors.first().map_or("no reason given", String::as_str);
                self.failed(now, id, active, why.to_owned());
            }
            JobOutcome::Cancelled => self.failed(now, id, active, String::from("cancelled")),
            JobOutcome::Exited { code, words } => {
                self.failed(now, id, active, format!("{}: {words}", code_words(*code)));
            }
            JobOutcome::TimedOut(words) => self.failed(now, id, active, words.clone()),
        }
    }

    /// A run could not begin.
    pub(in crate::state) fn refused(&mut self, now: Timestamp, id: RunId, why: String) {
        if let Some(active) = self.active.remove(&id) {
            self.failed(now, id, active, why);
        }
    }

    fn succeeded(&mut self, now: Timestamp, id: RunId, job: &Job, active: &Active) {
        // The last step has no next one that would say so.
        match job.phase.as_ref().map(|now| now.phase) {
            Some(Phase::Syncing) => self.push(now, id, RunPhase::Synced),
            Some(Phase::Restarting) if active.action != RunAction::Rebuild => {
                self.push(now, id, RunPhase::Restarted);
            }
            _ => {}
        }
        for (key, changes) in &active.changes {
            if let Some(watch) = self.services.get_mut(key) {
                watch.failed = false;
            }
            let Some(desk) = self.desks.get_mut(key) else { continue };
            if active.action == RunAction::Rebuild {
                desk.full = None;
                // What went into the image is there; what is only ever copied is missing.
                let context = desk.build.as_ref().and_then(|build| local(&build.context));
                let rules = self.services.get(key).map_or(&[][..], |watch| &watch.plan.rules);
                let missing = rules.iter().any(|rule| {
                    let built = context.as_ref().is_some_and(|context| rule.path.starts_with(context));
                    rule.target.is_some() && (rule.initial_sync || !built)
                });
                if missing {
                    desk.full = Some(Trigger::Recreated);
                }
                // Its containers are new, and known to be.
                desk.containers.clear();
                self.seen = None;
            }
            for tree in &desk.trees {
                let of_it = changes.values().filter(|change| change.path.starts_with(&tree.root));
                let of_it: Vec<FileChange> = of_it.cloned().collect();
                if !of_it.is_empty() {
                    self.wishes.push(Command::KeepTree { tree: tree.clone(), changes: of_it });
                }
            }
        }
        self.end(now, id, RunPhase::Ready, String::new());
    }

    fn failed(&mut self, now: Timestamp, id: RunId, active: Active, why: String) {
        for (key, changes) in active.changes {
            if let Some(watch) = self.services.get_mut(&key) {
                watch.failed = true;
            }
            if let Some(desk) = self.desks.get_mut(&key) {
                for change in changes.into_values() {
                    merge(&mut desk.carried, change);
                }
            }
        }
        self.end(now, id, RunPhase::Failed, why);
    }

    fn push(&mut self, now: Timestamp, id: RunId, phase: RunPhase) {
        if let Some(run) = self.run_mut(id) {
            run.phases.push((phase, now));
        }
    }
}
