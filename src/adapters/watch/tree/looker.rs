//! Looks at all trees, one round at a time, on a thread that may wait for the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::Settings;
use super::hashes::Stamp;
use super::held::{Look, key};
use super::inbox::{Batch, Inbox, Interest};
use super::kept::{Kept, KeptTree};
use super::looked::Looked;
use super::watches::{Refused, Watches};
use crate::model::text::clean;
use crate::model::watch::tree::{ContentHash, FileChange, Tree, TreeNews, WatcherHealth};

/// So many useless lines of what is kept, or stamps that do not fit any more, cost less than writing all anew.
const STALE: usize = 64;

pub struct Looker {
    settings: Arc<Settings>,
    inbox: Arc<Inbox>,
    watches: Watches,
    trees: BTreeMap<Arc<Tree>, Looked>,
    told: Option<WatcherHealth>,
    /// Some folders may not be needed any more.
    released: bool,
    /// Files of this round that were read for nothing.
    reread: usize,
}

/// What is to be done in one round.
#[derive(Default)]
pub struct Work {
    pub wanted: Option<Arc<BTreeSet<Arc<Tree>>>>,
    pub batch: Option<Batch>,
}

impl Looker {
    pub fn new(settings: Arc<Settings>, inbox: Arc<Inbox>) -> Self {
        let watches = Watches::new(inbox.clone(), settings.most_watches);
        Self { settings, inbox, watches, trees: BTreeMap::new(), told: None, released: false, reread: 0 }
    }

    /// Whether there are trees that nobody has looked at yet.
    pub fn has_more(&self) -> bool {
        self.trees.values().any(|looked| !looked.begun)
    }

    /// Returns when polled trees are to be looked at.
    pub fn next_poll(&self) -> Option<Instant> {
        self.trees.values().filter_map(|looked| looked.next_poll).min()
    }

    /// Does a round; what there is to tell comes in order.
    pub fn round(&mut self, work: Work) -> Vec<TreeNews> {
        let mut news = Vec::new();
        if let Some(wanted) = work.wanted {
            self.adjust(&wanted);
        }
        if let Some(batch) = work.batch {
            self.take_in(&batch, &mut news);
        }
        self.poll();
        // One at a time: a large tree must not keep the others waiting for their saves.
        let next = self.trees.iter().find(|(_, looked)| !looked.begun).map(|(tree, _)| tree.clone());
        if let Some(tree) = next {
            self.begin(&tree, &mut news);
        }
        if std::mem::take(&mut self.released) {
            self.let_go();
        }
        self.tell_health(&mut news);
        news
    }

    /// Adds and drops trees; what is new is looked at in the rounds that follow.
    fn adjust(&mut self, wanted: &BTreeSet<Arc<Tree>>) {
        let before = self.trees.len();
        self.trees.retain(|tree, _| wanted.contains(tree));
        if self.trees.len() != before {
            self.released = true;
            // There may be room now for what the limit kept out.
            let polled = self.trees.values().filter(|looked| looked.facts.polled.is_some());
            self.inbox.found(polled.filter_map(|looked| looked.way.real.clone()));
        }
        for tree in wanted {
            if !self.trees.contains_key(tree) {
                self.trees.insert(tree.clone(), Looked::new(tree));
            }
        }
        self.show_interest();
    }

    fn begin(&mut self, tree: &Arc<Tree>, news: &mut Vec<TreeNews>) {
        let Some(mut looked) = self.trees.remove(tree) else { return };
        let settings = self.settings.clone();
        let kept = settings.kept.as_ref();
        let before = kept.and_then(|kept| read(kept, tree));
        looked.is_first = before.is_none();
        let waste = before.as_ref().map_or(0, |before| before.waste);
        self.reread = 0;
        looked.held.files = before.map(|before| before.files).unwrap_or_default();
        looked.begun = true;
        let changes = self.look_through(&mut looked, false, true);
        let is_first = std::mem::take(&mut looked.is_first);
        // What it is now may only take the place of what was kept where that is the same.
        let is_stale = changes.is_empty() && waste + self.reread > STALE + looked.held.files.len() / 8;
        if let Some(kept) = kept
            && looked.way.real.is_some()
            && !self.inbox.is_over()
            && (is_first || is_stale)
            && let Err(error) = kept.write(tree, &looked.held.files)
        {
            log::warn!("what {} holds is not kept: {error}", clean(&tree.root.display().to_string()));
        }
        news.push(TreeNews::Scanned { tree: tree.clone(), facts: looked.facts.clone(), changes });
        self.trees.insert(tree.clone(), looked);
        self.show_interest();
    }

    /// Finds where a root leads to, and looks at everything there. `again`: watches may be lost. `first`: what is
    /// not there was not there before either, as far as anybody knows.
    fn look_through(&mut self, looked: &mut Looked, again: bool, first: bool) -> Vec<FileChange> {
        looked.follow();
        // Whoever calls listens before looking, else what happens between is lost.
        self.show_interest_with(Some(looked));
        let mut polled = (self.settings.reason)(&looked.way.nearest);
        if polled.is_none()
            && let Err(why) = self.watch_ways(looked, again)
        {
            polled = Some(why);
        }
        let mut changes = Vec::new();
        if looked.way.real.is_some() {
            let (found, refused) = self.look(looked, Path::new(""), again, polled.is_none());
            changes = found;
            if let Some(why) = refused {
                changes.extend(self.look(looked, Path::new(""), again, false).0);
                polled = Some(why);
            }
        } else if !first {
            changes = looked.held.clear(&looked.scope);
        }
        self.released = true;
        looked.facts.polled = polled;
        looked.count();
        looked.plan_poll(self.settings.poll_every);
        merged(changes)
    }

    fn watch_ways(&mut self, looked: &Looked, again: bool) -> Result<(), String> {
        let folders = looked.ways().flat_map(|way| &way.folders);
        for folder in folders {
            match self.watches.add(folder, again) {
                Ok(()) => {}
                Err(Refused::Full(why)) => return Err(why),
                Err(Refused::This(why)) => log::debug!("{} is not watched: {why}", folder.display()),
            }
        }
        Ok(())
    }

    /// Looks at a path of a tree and below it.
    fn look(
        &mut self,
        looked: &mut Looked,
        path: &Path,
        again: bool,
        watch: bool,
    ) -> (Vec<FileChange>, Option<String>) {
        let (trees, inbox) = (&self.trees, &self.inbox);
        let elsewhere = |full: &Path, stamp: Stamp| -> Option<ContentHash> {
            trees.values().find_map(|other| {
                let path = other.scope.relative(full)?;
                let entry = other.held.files.get(&*key(path))?;
                entry.stamp.is_same(stamp).then_some(entry.hash)
            })
        };
        let mut look = Look {
            scope: &looked.scope,
            watches: watch.then_some(&mut self.watches),
            again,
            elsewhere: &elsewhere,
            is_first: looked.is_first,
            changes: Vec::new(),
            released: false,
            reread: 0,
            is_over: &|| inbox.is_over(),
        };
        let refused = match looked.held.look(path, &mut look) {
            Err(Refused::Full(why)) => Some(why),
            _ => None,
        };
        self.released |= look.released;
        self.reread += look.reread;
        (look.changes, refused)
    }

    fn take_in(&mut self, batch: &Batch, news: &mut Vec<TreeNews>) {
        // Watches go with what they were for, or follow it to another place: first all are ended, then begun anew.
        for (path, _) in batch.paths.iter().filter(|(_, touch)| touch.moved) {
            self.watches.remove_below(path);
        }
        let begun: Vec<Arc<Tree>> =
            self.trees.iter().filter(|(_, looked)| looked.begun).map(|(tree, _)| tree.clone()).collect();
        for tree in begun {
            let Some(mut looked) = self.trees.remove(&tree) else { continue };
            let facts = looked.facts.clone();
            let changes = self.take_in_one(&mut looked, batch);
            looked.count();
            if !changes.is_empty() {
                news.push(TreeNews::Changed { tree: tree.clone(), noticed_at: batch.noticed_at, changes });
            }
            if looked.facts != facts {
                news.push(TreeNews::Facts { tree: tree.clone(), facts: looked.facts.clone() });
            }
            self.trees.insert(tree, looked);
        }
        self.show_interest();
    }

    fn take_in_one(&mut self, looked: &mut Looked, batch: &Batch) -> Vec<FileChange> {
        let polled = looked.facts.polled.is_some();
        if (batch.rescan && !polled) || looked.leads_elsewhere(&batch.paths) {
            return self.look_through(looked, batch.rescan, false);
        }
        let mut changes = Vec::new();
        let scope = looked.scope.clone();
        let mut done: Option<PathBuf> = None;
        for (full, touch) in &batch.paths {
            let Some(path) = scope.relative(full) else { continue };
            // A folder was looked through with all below it.
            if done.as_ref().is_some_and(|done| path.starts_with(done))
                || !looked.is_worth_a_look(path, *touch)
            {
                continue;
            }
            let (found, refused) = self.look(looked, path, false, !polled && looked.facts.polled.is_none());
            changes.extend(found);
            if touch.moved {
                done = Some(path.to_owned());
            }
            if let Some(why) = refused {
                changes.extend(self.look(looked, path, false, false).0);
                looked.facts.polled = Some(why);
                looked.plan_poll(self.settings.poll_every);
                self.released = true;
            }
        }
        merged(changes)
    }

    /// Looks for differences where nobody tells; they settle like what is told.
    fn poll(&mut self) {
        let now = Instant::now();
        for looked in self.trees.values_mut() {
            if looked.next_poll.is_none_or(|next| next > now) {
                continue;
            }
            let differing = if looked.has_moved() {
                looked.way.points.iter().take(1).cloned().collect()
            } else if looked.way.real.is_some() {
                looked.held.differing(&looked.scope)
            } else {
                Vec::new()
            };
            self.inbox.found(differing);
            looked.plan_poll(self.settings.poll_every);
        }
    }

    /// Ends watches that no tree needs.
    fn let_go(&mut self) {
        let trees = &self.trees;
        self.watches.retain(|folder| trees.values().any(|looked| looked.needs(folder)));
    }

    fn show_interest(&self) {
        self.show_interest_with(None);
    }

    fn show_interest_with(&self, also: Option<&Looked>) {
        let trees = || self.trees.values().chain(also);
        let scopes = trees().filter(|looked| looked.way.real.is_some()).map(|looked| looked.scope.clone());
        let points = trees().flat_map(|looked| looked.ways().flat_map(|way| way.points.iter().cloned()));
        self.inbox.set_interest(Interest { scopes: scopes.collect(), points: points.collect() });
    }

    fn tell_health(&mut self, news: &mut Vec<TreeNews>) {
        let health = WatcherHealth {
            watches: self.watches.count(),
            limit: self.watches.limit(),
            polled: self.trees.values().filter(|looked| looked.facts.polled.is_some()).count() as u64,
            overflows: self.inbox.overflows(),
        };
        if self.told.as_ref() != Some(&health) {
            self.told = Some(health.clone());
            news.push(TreeNews::Health(health));
        }
    }
}

fn read(kept: &Kept, tree: &Tree) -> Option<KeptTree> {
    kept.read(tree).unwrap_or_else(|error| {
        log::warn!("what was kept of {} is not read: {error}", clean(&tree.root.display().to_string()));
        None
    })
}

/// Makes one change of each path: what it was at first, and what it is in the end. None where that is the same.
fn merged(mut changes: Vec<FileChange>) -> Vec<FileChange> {
    // Those of one path stay in the order in which they were found.
    changes.sort_by(|one, other| one.path.cmp(&other.path));
    changes.dedup_by(|later, first| {
        let is_same = later.path == first.path;
        if is_same {
            first.after = later.after;
        }
        is_same
    });
    changes.retain(|change| change.before != change.after);
    changes
}
