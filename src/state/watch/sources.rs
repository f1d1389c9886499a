//! Takes in what is to be watched and what was changed there.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::command::Command;
use crate::model::compose::{Definition, ServiceDefinition};
use crate::model::stacks::Target;
use crate::model::watch::ServiceKey;
use crate::model::watch::run::Trigger;
use crate::model::watch::tree::{FileChange, Tree, TreeNews};
use crate::state::containers::Containers;
use crate::state::stack_files::StackFiles;
use crate::state::watch::matching::Matcher;
use crate::state::watch::plan::{plan, renews_volumes, trees};
use crate::state::watch::{Changes, Desk, PlanOrigin, ServiceWatch, TOLD, Watch};

impl Watch {
    /// Something that plans are made from has changed.
    pub(in crate::state) fn plans_changed(&mut self) {
        self.stale = true;
    }

    /// Makes the plans anew, if something has changed.
    pub(in crate::state) fn refresh_plans(&mut self, containers: &Containers, files: &StackFiles) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let mut known = BTreeSet::new();
        for stack in containers.stacks() {
            let Some(definition) = containers.definition(&stack.name) else { continue };
            let file = files.get(&stack.name);
            let base = containers.project_of(&stack.name).map(|project| project.folder.clone());
            for (name, service) in &definition.services {
                let made = plan(name, service, definition, file);
                let key = (stack.name.clone(), name.clone());
                let on = self.services.get(&key).is_some_and(|service| service.on);
                if made.origin == PlanOrigin::Nothing && made.notes.is_empty() && !on {
                    continue;
                }
                let desk = self.desks.entry(key.clone()).or_default();
                let made_trees = trees(&stack.name, name, service, &made);
                desk.trees = made_trees;
                desk.base = base.clone().unwrap_or_default();
                desk.build.clone_from(&service.build);
                desk.group = group(definition, name, service);
                desk.renews_volumes = renews_volumes(service);
                let entry = self.services.entry(key.clone()).or_default();
                if entry.plan != made {
                    entry.plan = made;
                    self.revision.bump();
                }
                known.insert(key);
            }
        }
        // A stack whose files cannot be read just now keeps what is known of it.
        let gone = |(stack, service): &ServiceKey| {
            let definition = containers.definition(stack);
            definition.is_some_and(|definition| !definition.services.contains_key(service))
                || (definition.is_none() && containers.stack(stack).is_none())
        };
        let count = self.services.len();
        self.services.retain(|key, service| known.contains(key) || (service.on && !gone(key)));
        if self.services.len() != count {
            self.revision.bump();
        }
        let services = &self.services;
        self.desks.retain(|key, _| services.contains_key(key));
        self.restore_known();
        self.wanted_changed();
    }

    /// Begins to watch again what was watched in an earlier run.
    pub(in crate::state) fn restore(&mut self, keys: Vec<ServiceKey>) {
        self.before.extend(keys);
        self.stale = true;
    }

    fn restore_known(&mut self) {
        let known: Vec<ServiceKey> =
            self.before.iter().filter(|key| self.services.contains_key(*key)).cloned().collect();
        for key in known {
            self.before.remove(&key);
            self.switch(&key, true);
        }
    }

    /// Switches the watching of a service, or of all of a stack's; says why not where there is nothing.
    pub(in crate::state) fn set(
        &mut self,
        stack: &Arc<str>,
        service: Option<&Arc<str>>,
        on: bool,
    ) -> Result<(), String> {
        let meant = |key: &ServiceKey| key.0 == *stack && service.is_none_or(|service| key.1 == *service);
        let can = |watch: &ServiceWatch| !on || !watch.plan.rules.is_empty();
        let keys: Vec<ServiceKey> = self
            .services
            .iter()
            .filter(|(key, watch)| meant(key) && can(watch))
            .map(|(key, _)| key.clone())
            .collect();
        if keys.is_empty() {
            let mut notes = self.services.iter().filter(|(key, _)| meant(key));
            let note = notes.find_map(|(_, watch)| watch.plan.notes.first());
            let name = service.map_or_else(|| stack.to_string(), |service| format!("{stack}/{service}"));
            let why = note.map_or("it has neither a build nor watch rules", String::as_str);
            return Err(format!("{name}: nothing to watch: {why}"));
        }
        for key in &keys {
            self.switch(key, on);
            self.before.remove(key);
        }
        self.wanted_changed();
        let watched = self.services.iter().filter(|(_, watch)| watch.on).map(|(key, _)| key);
        let all = watched.chain(&self.before).cloned().collect();
        self.wishes.push(Command::KeepWatched(all));
        Ok(())
    }

    fn switch(&mut self, key: &ServiceKey, on: bool) {
        let (Some(watch), Some(desk)) = (self.services.get_mut(key), self.desks.get_mut(key)) else { return };
        if on && !watch.on && watch.plan.rules.iter().any(|rule| rule.initial_sync) {
            desk.full = Some(Trigger::InitialSync);
        }
        desk.chain.clear();
        watch.suspended.clear();
        watch.on = on;
        if !on {
            // Whatever changes from here on is found by comparing when it is switched on again.
            watch.trees.clear();
            watch.pending.clear();
            watch.offered = false;
            let build = desk.build.take();
            *desk = Desk {
                trees: std::mem::take(&mut desk.trees),
                base: std::mem::take(&mut desk.base),
                group: std::mem::take(&mut desk.group),
                renews_volumes: desk.renews_volumes,
                build,
                ..Desk::default()
            };
        }
        // Its containers as they are now are the ones that were synced before.
        self.seen = None;
        self.revision.bump();
    }

    fn wanted_changed(&mut self) {
        let on = self.services.iter().filter(|(_, watch)| watch.on);
        let wanted: BTreeSet<Arc<Tree>> = on
            .filter_map(|(key, _)| self.desks.get(key))
            .flat_map(|desk| desk.trees.iter().cloned())
            .collect();
        if *self.wanted != wanted {
            self.wanted = Arc::new(wanted);
        }
        for (key, watch) in &mut self.services {
            let desk = self.desks.get(key);
            watch.trees.retain(|tree, _| desk.is_some_and(|desk| desk.trees.contains(tree)));
        }
    }

    /// Takes what a watcher of trees tells.
    pub(in crate::state) fn told(&mut self, now: Timestamp, news: TreeNews) {
        match news {
            TreeNews::Health(health) => {
                if self.health != health {
                    self.health = health;
                    self.revision.bump();
                }
            }
            TreeNews::Facts { tree, facts } => {
                if let Some(watch) = self.watch_of(&tree) {
                    watch.trees.insert(tree, facts);
                    self.revision.bump();
                }
            }
            TreeNews::Scanned { tree, facts, changes } => {
                let key = (tree.stack.clone(), tree.service.clone());
                let Some(watch) = self.watch_of(&tree) else { return };
                watch.trees.insert(tree.clone(), facts);
                let fresh = watch.pending.is_empty();
                if changes.is_empty() {
                    // What lies there now is what later starts compare with.
                    self.wishes.push(Command::KeepTree { tree, changes });
                } else if self.take(now, &key, now, changes)
                    && fresh
                    && let Some(watch) = self.services.get_mut(&key)
                {
                    watch.offered = true;
                }
                self.revision.bump();
            }
            TreeNews::Changed { tree, noticed_at, changes } => {
                let key = (tree.stack.clone(), tree.service.clone());
                if self.watch_of(&tree).is_none() {
                    return;
                }
                if self.take(now, &key, noticed_at, changes)
                    && let Some(watch) = self.services.get_mut(&key)
                {
                    // A save is a word to go on; what waited for one goes along.
                    watch.offered = false;
                }
            }
        }
    }

    fn watch_of(&mut self, tree: &Tree) -> Option<&mut ServiceWatch> {
        let key = (tree.stack.clone(), tree.service.clone());
        let known = self.desks.get(&key)?.trees.iter().any(|known| **known == *tree);
        self.services.get_mut(&key).filter(|watch| watch.on && known)
    }

    /// Puts changes to what is pending; returns whether anything that matters was new.
    fn take(
        &mut self,
        now: Timestamp,
        key: &ServiceKey,
        noticed_at: Timestamp,
        changes: Vec<FileChange>,
    ) -> bool {
        let (Some(watch), Some(desk)) = (self.services.get_mut(key), self.desks.get_mut(key)) else {
            return false;
        };
        let matcher = Matcher::new(&watch.plan.rules);
        let mut count = 0;
        for mut change in changes {
            if matcher.of(&change.path).next().is_none() {
                continue;
            }
            if let Some(known) = desk.told.get(&change.path) {
                // Told of already, by another rule about the same file.
                if *known == change.after {
                    continue;
                }
                change.before = *known;
            }
            desk.told.insert(change.path.clone(), change.after);
            count += 1;
            merge(&mut watch.pending, change);
        }
        if desk.told.len() > TOLD {
            desk.told.clear();
        }
        if count == 0 {
            return false;
        }
        desk.told_at = Some(now);
        if watch.pending.is_empty() {
            desk.noticed_at = None;
        } else {
            desk.noticed_at = Some(desk.noticed_at.map_or(noticed_at, |known| known.min(noticed_at)));
        }
        let waiting = |run: &&mut crate::model::watch::run::WatchRun| {
            !run.phase().is_end() && run.stack == key.0 && run.services.contains(&key.1)
        };
        let active = &self.active;
        if let Some(run) = self.runs.iter_mut().filter(waiting).find(|run| !active.contains_key(&run.id)) {
            run.coalesced = run.coalesced.saturating_add(count);
        }
        self.revision.bump();
        true
    }

    /// Looks for containers that are new: what was copied into the ones before is missing there.
    pub(super) fn look_at_containers(&mut self, containers: &Containers) {
        if self.seen == Some(containers.revision()) {
            return;
        }
        self.seen = Some(containers.revision());
        let busy: Vec<(Arc<str>, Arc<str>)> = self
            .active
            .values()
            .flat_map(|run| run.services.iter().map(|service| (run.stack.clone(), service.clone())))
            .collect();
        for (key, watch) in self.services.iter().filter(|(_, watch)| watch.on) {
            let Some(desk) = self.desks.get_mut(key) else { continue };
            let now = replicas(containers, key);
            let known = !desk.containers.is_empty();
            let fresh = now.difference(&desk.containers).next().is_some();
            // What we created anew ourselves is looked after by that run.
            if known
                && fresh
                && !busy.contains(key)
                && watch.plan.rules.iter().any(|rule| rule.target.is_some())
            {
                desk.full.get_or_insert(Trigger::Recreated);
            }
            if !now.is_empty() {
                desk.containers = now;
            }
        }
    }
}

/// Returns the containers of a service, without one-off runs.
pub(super) fn replicas(
    containers: &Containers,
    (stack, service): &ServiceKey,
) -> BTreeSet<crate::model::containers::ContainerId> {
    let target = Target::Service { stack: stack.clone(), service: service.clone() };
    let all = containers.of_target(&target).into_iter();
    all.filter(|id| {
        let compose = containers.get(id).and_then(|entry| entry.container.compose.as_ref());
        compose.is_some_and(|compose| !compose.one_off)
    })
    .collect()
}

/// Puts a change to others; an undone one is none.
pub(super) fn merge(changes: &mut Changes, change: FileChange) {
    let path: PathBuf = change.path.clone();
    match changes.get_mut(&path) {
        Some(known) => known.after = change.after,
        None => {
            changes.insert(path.clone(), change);
        }
    }
    if changes.get(&path).is_some_and(|change| change.before == change.after) {
        changes.remove(&path);
    }
}

/// Returns the services that run on the image that a service's build makes, itself first.
fn group(definition: &Definition, name: &Arc<str>, service: &ServiceDefinition) -> Vec<Arc<str>> {
    let shares = |other: &ServiceDefinition| !service.image.is_empty() && other.image == service.image;
    let others = definition.services.iter().filter(|(other, of)| *other != name && shares(of));
    std::iter::once(name.clone()).chain(others.map(|(other, _)| other.clone())).collect()
}
