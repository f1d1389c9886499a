//! Containers and the stacks that they make up.
//!
//! Keeps each container as it was last inspected, what the event stream added to it (how it ended, how
//! often), and the stacks derived from both. A change derives its own stack anew, no other.

pub mod facts;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::event::{EngineEvent, EngineEventKind};
use crate::model::compose::{ComposeProject, Definition};
use crate::model::containers::{Container, ContainerId, RunState};
use crate::model::health::Health;
use crate::model::stacks::{Stack, Target, Verdict};
use crate::model::timeline::TimelineEntry;
use crate::ports::ComposeError;
use crate::state::Revision;
pub use crate::state::containers::facts::Facts;
use crate::state::containers::facts::{facts_for, learn_from_inspection, note, note_flip};
use crate::state::definitions::{Definitions, Taken};
use crate::state::verdict;

/// Removed containers remembered; ids never come back.
const REMOVED: usize = 256;

/// A container with what is derived from it.
#[derive(Debug)]
pub struct Entry {
    pub container: Container,
    pub facts: Facts,
    pub verdict: Verdict,
}

#[derive(Debug, Default)]
pub struct Containers {
    by_id: HashMap<ContainerId, Entry>,
    members: BTreeMap<Arc<str>, HashSet<ContainerId>>,
    stacks: BTreeMap<Arc<str>, Stack>,
    definitions: Definitions,
    /// Facts of containers that were not listed yet.
    early: HashMap<ContainerId, Facts>,
    /// Containers that are no more, newest last: an inspection or a list that was under way when one went
    /// must not bring it back.
    removed: VecDeque<ContainerId>,
    /// When a verdict may change by the passing of time alone.
    recheck: BTreeMap<Arc<str>, Timestamp>,
    revision: Revision,
}

impl Containers {
    pub fn revision(&self) -> Revision {
        self.revision
    }

    pub fn get(&self, id: &ContainerId) -> Option<&Entry> {
        self.by_id.get(id)
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.by_id.values()
    }

    /// Returns the running containers whose health check fails.
    pub fn unhealthy(&self) -> impl Iterator<Item = ContainerId> + '_ {
        self.iter()
            .filter(|entry| {
                entry.container.run == RunState::Running && entry.container.health == Health::Unhealthy
            })
            .map(|entry| entry.container.id.clone())
    }

    /// Returns the stacks by name.
    pub fn stacks(&self) -> impl Iterator<Item = &Stack> {
        self.stacks.values()
    }

    pub fn stack(&self, name: &str) -> Option<&Stack> {
        self.stacks.get(name)
    }

    /// Returns every container that a target means; replicas before one-off runs.
    pub fn of_target(&self, target: &Target) -> Vec<ContainerId> {
        match target {
            Target::Container(id) => self.by_id.contains_key(id).then(|| id.clone()).into_iter().collect(),
            Target::Service { stack, service } => self
                .stack(stack)
                .and_then(|stack| stack.service(service))
                .map(|service| service.containers.clone())
                .unwrap_or_default(),
            Target::Stack(name) => self
                .stack(name)
                .map(|stack| stack.services.iter().flat_map(|s| s.containers.iter().cloned()).collect())
                .unwrap_or_default(),
        }
    }

    /// Names a target for people: `gateway`, `energy/app`, a container's name.
    pub fn name_of(&self, target: &Target) -> String {
        match target {
            Target::Stack(name) => name.to_string(),
            Target::Service { stack, service } => {
                if &**stack == crate::model::containers::NO_STACK {
                    service.to_string()
                } else {
                    format!("{stack}/{service}")
                }
            }
            Target::Container(id) => {
                self.get(id).map_or_else(|| id.short().to_owned(), |entry| entry.container.name.to_string())
            }
        }
    }

    /// Returns the stack that a target is of.
    pub fn stack_of(&self, target: &Target) -> Option<Arc<str>> {
        match target {
            Target::Stack(name) | Target::Service { stack: name, .. } => Some(name.clone()),
            Target::Container(id) => self.get(id).map(|entry| entry.container.stack_name()),
        }
    }

    /// Returns the stack and the service that a target is of; none for a whole stack.
    pub fn service_of(&self, target: &Target) -> Option<(Arc<str>, Arc<str>)> {
        match target {
            Target::Stack(_) => None,
            Target::Service { stack, service } => Some((stack.clone(), service.clone())),
            Target::Container(id) => {
                let container = &self.get(id)?.container;
                Some((container.stack_name(), container.service_name()))
            }
        }
    }

    /// Keeps a stack in sight although nothing of it may be left, so that it can be brought up again.
    pub(super) fn keep(&mut self, stack: &str) {
        self.definitions.keep(stack);
    }

    /// Remembers which profiles are on, for when nothing is left to tell.
    pub(super) fn remember_profiles(&mut self, stack: &str, profiles: Vec<String>) {
        self.definitions.remember_profiles(stack, profiles);
    }

    pub fn remembered_profiles(&self, stack: &str) -> impl Iterator<Item = &String> {
        self.definitions.remembered_profiles(stack)
    }

    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.recheck.values().min().copied()
    }

    /// Takes what Compose resolved for a stack.
    pub(super) fn definition_read(
        &mut self,
        now: Timestamp,
        project: ComposeProject,
        result: Result<Definition, ComposeError>,
    ) -> Option<Taken> {
        let taken = self.definitions.read(now, project, result);
        if let Some(taken) = &taken {
            self.derive(now, &taken.stack);
        }
        self.revision.bump();
        taken
    }

    /// Takes that files were written; returns what has to be read again.
    pub(super) fn files_changed(&mut self, now: Timestamp, files: &BTreeSet<PathBuf>) -> Vec<ComposeProject> {
        self.definitions.made_from(now, files)
    }

    /// Lets a stack's next calls use other files; returns what has to be read for it.
    pub(super) fn choose_files(
        &mut self,
        now: Timestamp,
        stack: &Arc<str>,
        files: Vec<PathBuf>,
    ) -> Option<ComposeProject> {
        let wanted = self.definitions.choose(now, stack, files);
        self.derive(now, stack);
        self.revision.bump();
        wanted
    }

    /// Lets a stack's files be read once more.
    pub(super) fn read_again(&mut self, now: Timestamp, stack: &str) -> Option<ComposeProject> {
        self.definitions.read_again(now, stack)
    }

    /// Returns every file that some stack is made from.
    pub fn source_files(&self) -> impl Iterator<Item = &Path> {
        self.definitions.sources()
    }

    /// Returns the files that the next call for a stack uses.
    pub fn files_of(&self, stack: &str) -> Vec<String> {
        self.definitions.standing(stack).files()
    }

    /// Whether the operator named several sets of files for a stack.
    pub fn has_variants(&self, stack: &str) -> bool {
        self.definitions.has_variants(stack)
    }

    pub(super) fn set_variants(&mut self, stack: &Arc<str>, several: bool) {
        self.definitions.set_variants(stack, several);
    }

    /// Returns the projects whose files should be read now; each is returned once.
    pub(super) fn unread_definitions(&mut self, now: Timestamp) -> Vec<ComposeProject> {
        self.definitions.unread(now, self.revision, self.stacks.values())
    }

    /// Returns how Compose is to be called for a stack.
    pub fn project_of(&self, stack: &str) -> Option<&ComposeProject> {
        self.definitions.project(stack)
    }

    /// Whether files of some stack are still being read.
    pub fn reads_definitions(&self) -> bool {
        self.definitions.is_reading()
    }

    /// Says why nothing is known of a stack's files, in so far as it is known.
    pub(super) fn why_undefined(&self, stack: &str) -> String {
        if self.definitions.is_reading_first(stack) {
            return format!("{stack}: its compose files are being read; try again in a moment");
        }
        match self.definitions.standing(stack).error {
            Some(error) => format!("{stack}: its compose files cannot be read: {error}"),
            None => format!("{stack}: its compose files are not known here"),
        }
    }

    /// Returns why the path that the operator named could not be read: no stack stands for it.
    pub fn refused(&self) -> Option<&ComposeError> {
        self.definitions.refused()
    }

    pub fn definition(&self, stack: &str) -> Option<&Definition> {
        self.definitions.get(stack)
    }

    pub(super) fn listed(&mut self, now: Timestamp, mut list: Vec<Container>) {
        let mut old = std::mem::take(&mut self.by_id);
        self.members.clear();
        self.stacks.clear();
        self.recheck.clear();
        list.retain(|container| !self.removed.contains(&container.id));
        for container in list {
            let facts = old
                .remove(&container.id)
                .map(|entry| facts_for(entry, &container))
                .or_else(|| self.early.remove(&container.id))
                .unwrap_or_default();
            self.put(now, container, facts);
        }
        self.early.clear();
        let names: BTreeSet<_> = self.members.keys().cloned().chain(self.definitions.kept()).collect();
        for name in names {
            self.derive(now, &name);
        }
        self.revision.bump();
    }

    pub(super) fn inspected(&mut self, now: Timestamp, container: Container) {
        if self.removed.contains(&container.id) {
            return;
        }
        let stack = container.stack_name();
        let mut left = None;
        let facts = match self.by_id.remove(&container.id) {
            Some(entry) => {
                let old_stack = entry.container.stack_name();
                if entry.container == container {
                    // Nothing new: put it back and leave the picture alone.
                    self.by_id.insert(container.id.clone(), entry);
                    self.derive_if_due(now, &stack);
                    return;
                }
                if old_stack != stack {
                    left = Some(old_stack);
                }
                facts_for(entry, &container)
            }
            None => self.early.remove(&container.id).unwrap_or_default(),
        };
        let id = container.id.clone();
        self.put(now, container, facts);
        if let Some(old_stack) = left {
            self.leave(&old_stack, &id);
            self.derive(now, &old_stack);
        }
        self.derive(now, &stack);
        self.revision.bump();
    }

    pub(super) fn gone(&mut self, now: Timestamp, id: &ContainerId) {
        let Some(entry) = self.by_id.remove(id) else { return };
        let stack = entry.container.stack_name();
        self.leave(&stack, id);
        self.derive(now, &stack);
        self.revision.bump();
    }

    /// Notes what an engine event says of a container; returns whether the container is gone by it.
    pub(super) fn engine_said(&mut self, now: Timestamp, event: &EngineEvent) -> bool {
        if event.kind == EngineEventKind::Removed {
            self.early.remove(&event.container);
            if self.removed.len() == REMOVED {
                self.removed.pop_front();
            }
            self.removed.push_back(event.container.clone());
            self.gone(now, &event.container);
            return true;
        }
        if self.removed.contains(&event.container) {
            return false;
        }
        let stop_signal = self.by_id.get(&event.container).map_or(15, |e| e.container.stop_signal);
        let started = self.by_id.get(&event.container).and_then(|e| e.container.started_at);
        let facts = match self.by_id.get_mut(&event.container) {
            Some(entry) => &mut entry.facts,
            None => self.early.entry(event.container.clone()).or_default(),
        };
        note(facts, event, stop_signal, started);
        if let Some(entry) = self.by_id.get_mut(&event.container) {
            // A replayed flip may tell when it got ready; no inspection follows it.
            if event.kind == EngineEventKind::Health(Health::Healthy) {
                learn_from_inspection(&mut entry.facts, &entry.container, now);
            }
            let stack = entry.container.stack_name();
            self.derive(now, &stack);
            self.revision.bump();
        }
        false
    }

    /// Takes the flips that earlier runs kept; the list that follows says whose containers still exist.
    pub(super) fn remember_flips(&mut self, entries: &[TimelineEntry]) {
        for entry in entries {
            let (Some(id), Some(health)) = (&entry.container, entry.health) else { continue };
            let facts = match self.by_id.get_mut(id) {
                Some(known) => &mut known.facts,
                None => self.early.entry(id.clone()).or_default(),
            };
            note_flip(facts, entry.at, health, None);
        }
    }

    /// Notes the control group's count of processes killed for memory.
    pub(super) fn oom_kills_read(&mut self, now: Timestamp, id: &ContainerId, count: u64) {
        let Some(entry) = self.by_id.get_mut(id) else { return };
        if entry.facts.oom_kills == count {
            return;
        }
        if count > entry.facts.oom_kills {
            entry.facts.out_of_memory = Some(now);
        }
        entry.facts.oom_kills = count;
        let stack = entry.container.stack_name();
        self.derive(now, &stack);
        self.revision.bump();
    }

    pub(super) fn tick(&mut self, now: Timestamp) {
        let due: Vec<_> =
            self.recheck.iter().filter(|(_, at)| **at <= now).map(|(name, _)| name.clone()).collect();
        for name in due {
            self.derive(now, &name);
            self.revision.bump();
        }
    }

    fn derive_if_due(&mut self, now: Timestamp, stack: &Arc<str>) {
        if self.recheck.get(stack).is_some_and(|at| *at <= now) {
            self.derive(now, stack);
            self.revision.bump();
        }
    }

    fn put(&mut self, now: Timestamp, container: Container, mut facts: Facts) {
        learn_from_inspection(&mut facts, &container, now);
        self.members.entry(container.stack_name()).or_default().insert(container.id.clone());
        let verdict = verdict::of_container(&container, &facts, now);
        self.by_id.insert(container.id.clone(), Entry { container, facts, verdict });
    }

    fn leave(&mut self, stack: &Arc<str>, id: &ContainerId) {
        if let Some(members) = self.members.get_mut(stack) {
            members.remove(id);
            if members.is_empty() {
                self.members.remove(stack);
            }
        }
    }

    /// Derives one stack anew from its containers.
    fn derive(&mut self, now: Timestamp, name: &Arc<str>) {
        self.recheck.remove(name);
        let definition = self.definitions.standing(name);
        let nobody = HashSet::new();
        let members = self.members.get(name).unwrap_or(&nobody);
        if members.is_empty() && !self.definitions.is_kept(name) {
            self.stacks.remove(name);
            return;
        }
        for id in members {
            if let Some(entry) = self.by_id.get_mut(id) {
                entry.verdict = verdict::of_container(&entry.container, &entry.facts, now);
            }
        }
        let entries: Vec<&Entry> = members.iter().filter_map(|id| self.by_id.get(id)).collect();
        let derived = verdict::derive_stack(name, &entries, definition);
        if let Some(at) = verdict::next_change(&entries, now) {
            self.recheck.insert(name.clone(), at);
        }
        for (id, verdict) in derived.corrected {
            if let Some(entry) = self.by_id.get_mut(&id) {
                entry.verdict = verdict;
            }
        }
        self.stacks.insert(name.clone(), derived.stack);
    }
}
