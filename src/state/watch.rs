//! The hot-reload loop: which files matter to which service, what is under way, and how it went.
//!
//! Files that changed come in as facts, already settled and compared with their contents; what is to be done
//! goes out as wishes. Nothing here touches a file.
//!
//! [`plan`](mod@plan) says what follows from which files, `sources` takes in what changed, [`decide`] begins
//! runs, `progress` follows them.

mod breaker;
pub mod decide;
pub mod matching;
pub mod plan;
mod progress;
mod sources;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::command::Command;
use crate::model::compose::BuildSection;
use crate::model::containers::ContainerId;
use crate::model::watch::run::{RunAction, RunId, Trigger, WatchRun};
use crate::model::watch::tree::{ContentHash, FileChange, Tree, TreeFacts, WatcherHealth};
use crate::model::watch::{ServiceKey, WatchRule};
use crate::state::Revision;
use crate::state::watch::breaker::Chain;

/// Runs that are kept.
const HISTORY: usize = 200;
/// Files that are remembered per service as they were told of last.
const TOLD: usize = 20_000;

/// Files that changed, by path: with their first `before` and their last `after`.
type Changes = BTreeMap<PathBuf, FileChange>;

#[derive(Debug, Default)]
pub struct Watch {
    services: BTreeMap<ServiceKey, ServiceWatch>,
    /// Oldest first; the last ones may be under way.
    runs: VecDeque<WatchRun>,
    pub health: WatcherHealth,
    /// Nothing is begun while it is set; what changes meanwhile is gathered.
    pub paused: bool,
    /// Nothing is begun unasked; `t` begins it.
    pub manual: bool,
    pub revision: Revision,
    desks: BTreeMap<ServiceKey, Desk>,
    /// Runs that somebody carries out, with the changes that they took up.
    active: BTreeMap<RunId, Active>,
    last_run: u64,
    /// Every tree that is to be watched.
    wanted: Arc<BTreeSet<Arc<Tree>>>,
    /// Whether something that plans are made from has changed.
    stale: bool,
    /// The containers whose ids were looked at.
    seen: Option<Revision>,
    /// What was watched in an earlier run and is not known yet.
    before: BTreeSet<ServiceKey>,
    /// Runs that ended and were not told of yet.
    ended: Vec<WatchRun>,
    wishes: Vec<Command>,
    /// When to look again at what was too early.
    decide_at: Option<Timestamp>,
}

/// What is known of a service beside what everybody may see.
#[derive(Debug, Default)]
struct Desk {
    trees: Vec<Arc<Tree>>,
    /// The stack's folder: rules and files are told of from there on.
    base: PathBuf,
    build: Option<BuildSection>,
    /// Services with the same image: all are created anew with it.
    group: Vec<Arc<str>>,
    renews_volumes: bool,
    /// What files were when they were told of last: two rules about one file are one change.
    told: HashMap<PathBuf, Option<ContentHash>>,
    /// What a run that failed had taken up: the next one takes it along.
    carried: Changes,
    /// When the first of what is pending was noticed.
    noticed_at: Option<Timestamp>,
    /// When something of it arrived last.
    told_at: Option<Timestamp>,
    /// Whether the operator wants something done now.
    asked: bool,
    /// Everything is to be copied, and why.
    full: Option<Trigger>,
    containers: BTreeSet<ContainerId>,
    chain: Chain,
}

/// A run that somebody carries out.
#[derive(Debug)]
struct Active {
    stack: Arc<str>,
    services: Vec<Arc<str>>,
    action: RunAction,
    /// By watched service.
    changes: BTreeMap<ServiceKey, Changes>,
}

/// What is watched for one service, and what is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceWatch {
    pub plan: ServicePlan,
    pub on: bool,
    pub trees: BTreeMap<Arc<Tree>, TreeFacts>,
    /// Changes that no run has taken up yet: with their first `before` and their last `after`.
    pub pending: BTreeMap<PathBuf, FileChange>,
    /// Whether what is pending was changed while nobody watched: it is offered, never begun unasked.
    pub offered: bool,
    /// Why nothing is begun any more, until the operator says so; empty: nothing is wrong.
    pub suspended: String,
    /// Whether the last run failed: its service runs on with what it had.
    pub failed: bool,
}

/// What follows from which files, as the stack's files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServicePlan {
    pub rules: Vec<WatchRule>,
    pub origin: PlanOrigin,
    /// What the operator should know: `bind mount, the service reloads itself`.
    pub notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlanOrigin {
    /// There is nothing to watch: neither rules nor a build.
    #[default]
    Nothing,
    /// `develop.watch`.
    Develop,
    /// `[[watch]]` of `stackdash.toml`.
    StackFile,
    /// Its build: everything that goes into it.
    Build,
    /// Its sources are mounted: the service reloads itself.
    BindMount,
}

impl Watch {
    /// Returns every service that could be watched or says why not, by stack and name.
    pub fn services(&self) -> impl Iterator<Item = (&ServiceKey, &ServiceWatch)> {
        self.services.iter()
    }

    pub fn service(&self, stack: &str, service: &str) -> Option<&ServiceWatch> {
        self.services.get(&(Arc::from(stack), Arc::from(service)))
    }

    /// Returns the runs that are kept, oldest first.
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = &WatchRun> {
        self.runs.iter()
    }

    pub fn run(&self, id: RunId) -> Option<&WatchRun> {
        self.runs.iter().rev().find(|run| run.id == id)
    }

    /// Returns every tree that is to be watched.
    pub fn wanted_trees(&self) -> &Arc<BTreeSet<Arc<Tree>>> {
        &self.wanted
    }

    /// Hands over the runs that ended since the last call.
    pub(super) fn take_ended(&mut self) -> Vec<WatchRun> {
        std::mem::take(&mut self.ended)
    }

    pub(super) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        self.revision.bump();
    }

    pub(super) fn set_manual(&mut self, manual: bool) {
        self.manual = manual;
        self.revision.bump();
    }

    fn run_mut(&mut self, id: RunId) -> Option<&mut WatchRun> {
        self.runs.iter_mut().rev().find(|run| run.id == id)
    }

    /// Returns the runs that have not ended, oldest first.
    pub fn under_way(&self) -> impl Iterator<Item = &WatchRun> {
        self.runs.iter().filter(|run| !run.phase().is_end())
    }
}

/// For pictures and tests of those who only look.
#[cfg(test)]
impl Watch {
    pub fn with(services: Vec<(ServiceKey, ServiceWatch)>, runs: Vec<WatchRun>) -> Self {
        // Somebody carries out what has not ended: it stays.
        let active = runs.iter().filter(|run| !run.phase().is_end()).map(|run| {
            let (stack, services) = (run.stack.clone(), run.services.clone());
            (run.id, Active { stack, services, action: run.action, changes: BTreeMap::new() })
        });
        let active = active.collect();
        Self { services: services.into_iter().collect(), runs: runs.into(), active, ..Self::default() }
    }
}
