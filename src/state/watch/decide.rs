//! What is begun now: changes that wait become runs, at most one per service and one build per image.
//!
//! Looked at again after every event; whatever cannot begin yet is queued, and says for what it waits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::command::Command;
use crate::model::containers::RunState;
use crate::model::jobs::Verb;
use crate::model::stacks::{ServiceState, Target};
use crate::model::text::clean;
use crate::model::watch::ServiceKey;
use crate::model::watch::run::{RunAction, RunId, RunPhase, Trigger, WatchOrder, WatchRun};
use crate::state::containers::Containers;
use crate::state::jobs::Jobs;
use crate::state::watch::matching::{self, Work};
use crate::state::watch::sources::{merge, replicas};
use crate::state::watch::{Active, Changes, Desk, HISTORY, ServiceWatch, Watch};

/// How long a rebuild waits for other services that hear of the same save in the same breath.
const BREATH: SignedDuration = SignedDuration::from_millis(15);
/// Files that a run names.
const NAMED: usize = 20;
/// Files that a sentence names.
const TOLD: usize = 3;

/// What is around the watcher.
pub struct Around<'a> {
    pub containers: &'a Containers,
    pub jobs: &'a Jobs,
    /// Whether anything can be done at all.
    pub can_act: bool,
}

/// A run that somebody or something wants.
struct Want {
    stack: Arc<str>,
    services: Vec<Arc<str>>,
    action: RunAction,
    trigger: Trigger,
    work: Work,
    builds: Vec<Arc<str>>,
    noticed_at: Timestamp,
    /// What it takes up, by watched service.
    changes: BTreeMap<ServiceKey, Changes>,
    renews_volumes: bool,
    /// Whether others may still want the same.
    is_early: bool,
}

impl Watch {
    /// Returns what is to be done now.
    pub(in crate::state) fn due(&mut self, now: Timestamp, around: &Around<'_>) -> Vec<Command> {
        let mut wishes = std::mem::take(&mut self.wishes);
        if !around.can_act || self.services.is_empty() {
            return wishes;
        }
        self.look_at_containers(around.containers);
        self.decide_at = None;
        let wants = self.wants(now, around);
        let mut kept = BTreeSet::new();
        for want in wants {
            let obstacle = self.obstacle(&want, around);
            if want.is_early && obstacle.is_none() {
                self.decide_at = Some(now + BREATH);
                kept.extend(self.queued(&want));
                continue;
            }
            if self.breaks_loop(now, &want) {
                continue;
            }
            let id = self.queued(&want).unwrap_or_else(|| self.open(&want));
            kept.insert(id);
            match obstacle {
                Some(why) => self.queue(now, id, &want, why),
                None => wishes.push(self.start(now, id, want, around.containers)),
            }
        }
        self.drop_undone(&kept);
        wishes
    }

    /// Returns when something is to be decided that nothing else may bring up.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.decide_at
    }

    /// The operator wants something done for a service now.
    pub(in crate::state) fn trigger(&mut self, stack: &Arc<str>, service: &Arc<str>) -> Result<(), String> {
        let key = (stack.clone(), service.clone());
        let (Some(watch), Some(desk)) = (self.services.get_mut(&key), self.desks.get_mut(&key)) else {
            return Err(format!("{stack}/{service}: nothing to do, it has neither a build nor watch rules"));
        };
        if watch.plan.rules.is_empty() && desk.build.is_none() {
            let why =
                watch.plan.notes.first().map_or("it has neither a build nor watch rules", String::as_str);
            return Err(format!("{stack}/{service}: nothing to do: {why}"));
        }
        desk.asked = true;
        desk.chain.clear();
        watch.suspended.clear();
        self.revision.bump();
        Ok(())
    }

    fn wants(&mut self, now: Timestamp, around: &Around<'_>) -> Vec<Want> {
        let unasked = !self.paused && !self.manual;
        let mut wants: Vec<Want> = Vec::new();
        for (key, watch) in &mut self.services {
            let Some(desk) = self.desks.get_mut(key) else { continue };
            let allowed = watch.on && unasked && !watch.offered && watch.suspended.is_empty();
            let something = !watch.pending.is_empty() || desk.full.is_some();
            if !(desk.asked || (allowed && something)) {
                continue;
            }
            let Some(want) = want(now, key, watch, desk, around.containers) else { continue };
            add(&mut wants, want, &self.desks);
        }
        wants
    }

    /// Says what is in the way of a run.
    fn obstacle(&self, want: &Want, around: &Around<'_>) -> Option<String> {
        let shares = |services: &[Arc<str>]| services.iter().any(|service| want.services.contains(service));
        let other = self.active.values().find(|run| run.stack == want.stack && shares(&run.services));
        if let Some(other) = other {
            return Some(format!("waits for the {} under way", other.action.word()));
        }
        let verb = Verb::Watch(want.action);
        let job = around.jobs.in_the_way(verb, &target(&want.stack, &want.services), around.containers)?;
        Some(format!("waits: {} is {}", around.containers.name_of(&job.target), job.doing()))
    }

    /// Finds the run that waits for the same services.
    fn queued(&self, want: &Want) -> Option<RunId> {
        let waits = |run: &&WatchRun| {
            !run.phase().is_end()
                && !self.active.contains_key(&run.id)
                && run.stack == want.stack
                && run.services.iter().any(|service| want.services.contains(service))
        };
        self.runs.iter().find(waits).map(|run| run.id)
    }

    fn open(&mut self, want: &Want) -> RunId {
        self.last_run += 1;
        let id = RunId(self.last_run);
        self.runs.push_back(WatchRun {
            id,
            stack: want.stack.clone(),
            services: want.services.clone(),
            action: want.action,
            trigger: want.trigger,
            rule: String::new(),
            files: Vec::new(),
            file_count: 0,
            coalesced: 0,
            phases: vec![(RunPhase::Noticed, want.noticed_at)],
            job: None,
            detail: String::new(),
        });
        while self.runs.len() > HISTORY && self.runs.front().is_some_and(|run| run.phase().is_end()) {
            self.runs.pop_front();
        }
        id
    }

    fn queue(&mut self, now: Timestamp, id: RunId, want: &Want, why: String) {
        self.describe(id, want);
        let Some(run) = self.run_mut(id) else { return };
        if run.phase() != RunPhase::Queued || run.detail != why {
            if run.phase() != RunPhase::Queued {
                run.phases.push((RunPhase::Queued, now));
            }
            run.detail = why;
            self.revision.bump();
        }
    }

    /// Writes down what a run is about.
    fn describe(&mut self, id: RunId, want: &Want) {
        let bases: BTreeMap<&ServiceKey, &Path> =
            want.changes.keys().filter_map(|key| Some((key, self.desks.get(key)?.base.as_path()))).collect();
        let mut files = BTreeSet::new();
        for (key, changes) in &want.changes {
            let base = bases.get(key).copied().unwrap_or(Path::new(""));
            files.extend(changes.keys().map(|path| shown(path, base)));
        }
        let Some(run) = self.run_mut(id) else { return };
        run.services.clone_from(&want.services);
        run.action = want.action;
        run.trigger = want.trigger;
        run.rule.clone_from(&want.work.rule);
        run.file_count = files.len();
        run.files = files.into_iter().take(NAMED).collect();
    }

    fn start(&mut self, now: Timestamp, id: RunId, want: Want, containers: &Containers) -> Command {
        self.describe(id, &want);
        if let Some(run) = self.run_mut(id) {
            run.detail.clear();
        }
        let rebuilds = want.action == RunAction::Rebuild;
        for (key, changes) in &want.changes {
            let (Some(watch), Some(desk)) = (self.services.get_mut(key), self.desks.get_mut(key)) else {
                continue;
            };
            if rebuilds {
                desk.chain.begun(now, want.noticed_at, changes.keys().cloned().collect());
            }
            if !rebuilds && matches!(want.trigger, Trigger::InitialSync | Trigger::Recreated) {
                desk.full = None;
                continue;
            }
            watch.pending.clear();
            watch.offered = false;
            desk.carried.clear();
            desk.noticed_at = None;
            desk.asked = false;
        }
        let restarts =
            matches!(want.action, RunAction::Rebuild | RunAction::Restart | RunAction::SyncRestart);
        let followers = if restarts { followers(containers, &want) } else { Vec::new() };
        let active = Active {
            stack: want.stack.clone(),
            services: want.services.clone(),
            action: want.action,
            changes: want.changes,
        };
        self.active.insert(id, active);
        self.revision.bump();
        Command::RunWatch(WatchOrder {
            run: id,
            stack: want.stack,
            services: want.services,
            action: want.action,
            copies: want.work.copies,
            hooks: want.work.hooks,
            builds: want.builds,
            followers,
            renews_volumes: want.renews_volumes,
        })
    }

    /// Suspends services whose builds change their own inputs; returns whether a want is over with that.
    fn breaks_loop(&mut self, now: Timestamp, want: &Want) -> bool {
        if want.action != RunAction::Rebuild || want.trigger != Trigger::Files {
            return false;
        }
        let looping = want.changes.iter().find(|(key, changes)| {
            let files: BTreeSet<PathBuf> = changes.keys().cloned().collect();
            self.desks.get(*key).is_some_and(|desk| desk.chain.is_loop(now, want.noticed_at, &files))
        });
        let Some((key, changes)) = looping else { return false };
        let base = self.desks.get(key).map_or(PathBuf::new(), |desk| desk.base.clone());
        let mut names: Vec<String> =
            changes.keys().take(TOLD).map(|path| shown(path, &base).display().to_string()).collect();
        if changes.len() > TOLD {
            names.push(format!("{} more", changes.len() - TOLD));
        }
        let why = format!("its builds change their own inputs: {}", names.join(", "));
        // Two rebuilds may wait for each other's end: while one is under way nothing is decided.
        let shares = |services: &[Arc<str>]| services.iter().any(|service| want.services.contains(service));
        if self.active.values().any(|run| run.stack == want.stack && shares(&run.services)) {
            return false;
        }
        for key in want.changes.keys() {
            if let Some(watch) = self.services.get_mut(key) {
                watch.suspended.clone_from(&why);
            }
        }
        let id = self.queued(want).unwrap_or_else(|| self.open(want));
        self.describe(id, want);
        self.end(now, id, RunPhase::Suspended, why);
        true
    }

    /// Ends a run.
    pub(super) fn end(&mut self, now: Timestamp, id: RunId, phase: RunPhase, detail: String) {
        if let Some(run) = self.run_mut(id) {
            run.phases.push((phase, now));
            run.detail = detail;
            let run = run.clone();
            self.ended.push(run);
        }
        self.revision.bump();
    }

    /// Forgets runs that nobody wants any more: what they were for was undone.
    fn drop_undone(&mut self, kept: &BTreeSet<RunId>) {
        let active = &self.active;
        let count = self.runs.len();
        self.runs
            .retain(|run| run.phase().is_end() || active.contains_key(&run.id) || kept.contains(&run.id));
        if self.runs.len() != count {
            self.revision.bump();
        }
    }
}

/// Works out what a service's changes ask for, if that can be done now.
fn want(
    now: Timestamp,
    key: &ServiceKey,
    watch: &mut ServiceWatch,
    desk: &mut Desk,
    containers: &Containers,
) -> Option<Want> {
    if !desk.asked && is_resting(containers, key) {
        return None;
    }
    let changes = all_changes(watch, desk);
    let rules = &watch.plan.rules;
    let mut trigger = if desk.asked { Trigger::Operator } else { Trigger::Files };
    let refs: Vec<_> = changes.values().collect();
    let mut work = matching::work(rules, &desk.base, desk.build.as_ref(), &refs);
    if work.action.is_none() && desk.asked {
        work = matching::everything(rules, &desk.base, desk.build.as_ref(), |_| true);
        if desk.build.is_some() {
            let word = RunAction::Rebuild.word().to_owned();
            work = Work { action: Some(RunAction::Rebuild), rule: word, ..Work::default() };
        } else if work.action.is_none() {
            work.action = Some(RunAction::Restart);
        }
    } else if work.action.is_none() {
        // Undone since a run that failed, or the rules are others now.
        watch.pending.clear();
        watch.failed &= !changes.is_empty();
        desk.carried.clear();
        desk.noticed_at = None;
        trigger = desk.full?;
        let initial = trigger == Trigger::InitialSync;
        work = matching::everything(rules, &desk.base, desk.build.as_ref(), |rule| {
            rule.initial_sync || !initial
        });
        if work.action.is_none() {
            desk.full = None;
        }
    }
    let action = work.action?;
    if action != RunAction::Rebuild && !has_containers(containers, key, action) {
        desk.asked = false;
        return None;
    }
    let rebuilds = action == RunAction::Rebuild;
    Some(Want {
        stack: key.0.clone(),
        services: if rebuilds { with_image(containers, key, &desk.group) } else { vec![key.1.clone()] },
        action,
        trigger,
        work,
        builds: if rebuilds { vec![key.1.clone()] } else { Vec::new() },
        noticed_at: desk.noticed_at.unwrap_or(now),
        changes: BTreeMap::from([(key.clone(), changes)]),
        renews_volumes: rebuilds && desk.renews_volumes,
        is_early: rebuilds && !desk.asked && desk.told_at.is_some_and(|at| now < at + BREATH),
    })
}

/// Adds a want; builds that share an image, or say the same, are one.
fn add(wants: &mut Vec<Want>, want: Want, desks: &BTreeMap<ServiceKey, Desk>) {
    let build = |want: &Want| want.changes.keys().next().and_then(|key| desks.get(key)?.build.clone());
    let same = wants.iter_mut().find(|known| {
        let both_build = known.action == RunAction::Rebuild && want.action == RunAction::Rebuild;
        let image = known.services.iter().any(|service| want.services.contains(service));
        known.stack == want.stack && both_build && (image || build(known) == build(&want))
    });
    let Some(known) = same else {
        wants.push(want);
        return;
    };
    let one_image = known.services.iter().any(|service| want.services.contains(service));
    if !one_image {
        known.builds.extend(want.builds);
    }
    for service in want.services {
        if !known.services.contains(&service) {
            known.services.push(service);
        }
    }
    known.noticed_at = known.noticed_at.min(want.noticed_at);
    known.renews_volumes |= want.renews_volumes;
    known.is_early |= want.is_early;
    if want.trigger == Trigger::Operator {
        known.trigger = Trigger::Operator;
    }
    known.changes.extend(want.changes);
}

fn all_changes(watch: &ServiceWatch, desk: &Desk) -> Changes {
    let mut changes = desk.carried.clone();
    for change in watch.pending.values() {
        merge(&mut changes, change.clone());
    }
    changes
}

/// Whether a service is down by somebody's will, or never was up: saving a file does not start it.
fn is_resting(containers: &Containers, key: &ServiceKey) -> bool {
    let service = containers.stack(&key.0).and_then(|stack| stack.service(&key.1));
    service.is_none_or(|service| {
        matches!(
            service.verdict.state,
            ServiceState::Stopped | ServiceState::Completed | ServiceState::Absent
        )
    })
}

/// Files go into stopped containers too; only what is there can be restarted.
fn has_containers(containers: &Containers, key: &ServiceKey, action: RunAction) -> bool {
    replicas(containers, key).iter().filter_map(|id| containers.get(id)).any(|entry| {
        action != RunAction::Sync || !matches!(entry.container.run, RunState::Removing | RunState::Dead)
    })
}

/// Returns the services that are created anew with an image: those that are there.
fn with_image(containers: &Containers, key: &ServiceKey, group: &[Arc<str>]) -> Vec<Arc<str>> {
    let others = group
        .iter()
        .filter(|name| **name != key.1 && !is_resting(containers, &(key.0.clone(), (*name).clone())));
    std::iter::once(key.1.clone()).chain(others.cloned()).collect()
}

/// Returns the services that ask to be restarted with one of these.
fn followers(containers: &Containers, want: &Want) -> Vec<Arc<str>> {
    let Some(definition) = containers.definition(&want.stack) else { return Vec::new() };
    let follows = definition.services.iter().filter(|(name, service)| {
        !want.services.contains(name)
            && service.restarts_with.iter().any(|on| want.services.contains(on))
            && !is_resting(containers, &(want.stack.clone(), (*name).clone()))
    });
    follows.map(|(name, _)| name.clone()).collect()
}

/// Returns what a run is on.
pub fn target(stack: &Arc<str>, services: &[Arc<str>]) -> Target {
    match services {
        [service] => Target::Service { stack: stack.clone(), service: service.clone() },
        _ => Target::Stack(stack.clone()),
    }
}

/// Writes a path from the stack's folder on, fit to be shown.
fn shown(path: &Path, base: &Path) -> PathBuf {
    PathBuf::from(clean(&path.strip_prefix(base).unwrap_or(path).to_string_lossy()))
}
