//! Trees of source files in the embedded engine: somebody saves files as the scenario says.
//!
//! What is saved while nobody watches is not told later; nothing is kept.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::stream;
use jiff::{SignedDuration, Timestamp};

use crate::adapters::scenario::engine::{Player, Stage};
use crate::adapters::scenario::random::{mix, seed_of};
use crate::adapters::scenario::script::sources::SaveScript;
use crate::model::watch::ServiceKey;
use crate::model::watch::tree::{ContentHash, FileChange, Tree, TreeFacts, TreeNews, WatcherHealth};
use crate::ports::{BoxFuture, BoxStream, TreeWatch, WantedTrees};

/// Watches that one user may have.
const LIMIT: u64 = 65_536;

/// A file as it is saved for the `turn`th time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Saved {
    at: Timestamp,
    path: PathBuf,
    turn: u64,
}

/// Who watches: what is watched, and how far it has been told.
struct Watcher {
    player: Arc<Player>,
    wanted: WantedTrees,
    known: BTreeSet<Arc<Tree>>,
    news: VecDeque<TreeNews>,
    /// Everything saved until then was told.
    told_until: Timestamp,
}

impl Watcher {
    /// Waits for the next word; `None`: nobody wants anything any more.
    async fn next(&mut self) -> Option<TreeNews> {
        loop {
            if let Some(news) = self.news.pop_front() {
                return Some(news);
            }
            let wanted = self.wanted.borrow_and_update().clone();
            self.look_at(&wanted);
            if !self.news.is_empty() {
                continue;
            }
            let next = self.next_saved();
            let sleep = async {
                match &next {
                    Some((_, saved)) => {
                        tokio::time::sleep(self.player.clock.until(saved.at)).await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.wanted.changed() => changed.ok()?,
                () = sleep => {
                    if let Some((trees, saved)) = next {
                        self.told_until = saved.at;
                        self.news.extend(trees.into_iter().map(|tree| changed(tree, &saved)));
                    }
                }
            }
        }
    }

    /// Tells of trees that are new.
    fn look_at(&mut self, wanted: &Arc<BTreeSet<Arc<Tree>>>) {
        if self.known == **wanted {
            return;
        }
        for tree in wanted.difference(&self.known) {
            let facts = facts(tree);
            self.news.push_back(TreeNews::Scanned { tree: tree.clone(), facts, changes: Vec::new() });
        }
        self.known.clone_from(wanted);
        let watches = self.known.iter().map(|tree| facts(tree).folders).sum();
        let health = WatcherHealth { watches, limit: Some(LIMIT), ..WatcherHealth::default() };
        self.news.push_back(TreeNews::Health(health));
    }

    /// Returns what is saved next in any of the trees, and in which.
    fn next_saved(&self) -> Option<(Vec<Arc<Tree>>, Saved)> {
        self.player.with(|world, _| {
            let began = world.began();
            let services = world.script.stacks.iter().flat_map(|stack| {
                stack.services.iter().map(move |service| (stack.folder(), &stack.name, service))
            });
            let saved = services.flat_map(|(folder, stack, service)| {
                let saves = service.sources.iter().flat_map(|sources| &sources.saves);
                saves.filter_map(move |save| {
                    let (at, turn) = next_turn(save, began, self.told_until)?;
                    let path = folder.join(&save.file);
                    let inside = |tree: &&Arc<Tree>| {
                        *tree.stack == **stack
                            && *tree.service == *service.name
                            && path.starts_with(&tree.root)
                    };
                    let trees: Vec<_> = self.known.iter().filter(inside).cloned().collect();
                    (!trees.is_empty()).then(|| (trees, Saved { at, path: path.clone(), turn }))
                })
            });
            saved.min_by_key(|(_, saved)| saved.at)
        })
    }
}

/// Returns when a file is saved next after a moment, and for the how manieth time that is.
fn next_turn(save: &SaveScript, began: Timestamp, after: Timestamp) -> Option<(Timestamp, u64)> {
    let first = began + SignedDuration::try_from(save.at.0).ok()?;
    if first > after {
        return Some((first, 0));
    }
    let every = SignedDuration::try_from(save.every?.0).ok()?;
    let turn = after.duration_since(first).as_millis() / every.as_millis().max(1) + 1;
    let turn = i32::try_from(turn).ok()?;
    Some((first + every * turn, u64::try_from(turn).ok()?))
}

fn changed(tree: Arc<Tree>, saved: &Saved) -> TreeNews {
    let seed = seed_of(&saved.path.to_string_lossy());
    let hash = |turn: u64| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&mix(&[seed, turn]).to_be_bytes());
        ContentHash(bytes)
    };
    let change = FileChange {
        path: saved.path.clone(),
        before: Some(hash(saved.turn)),
        after: Some(hash(saved.turn + 1)),
    };
    TreeNews::Changed { tree, noticed_at: saved.at, changes: vec![change] }
}

/// Makes up how much there is.
fn facts(tree: &Tree) -> TreeFacts {
    if tree.root.extension().is_some() {
        return TreeFacts { files: 1, folders: 1, ..TreeFacts::default() };
    }
    let folders = mix(&[seed_of(&tree.root.to_string_lossy())]) % 60 + 4;
    TreeFacts { files: folders * 7 + 3, folders, ..TreeFacts::default() }
}

impl TreeWatch for Stage {
    fn watch(&self, wanted: WantedTrees) -> BoxStream<'static, TreeNews> {
        let player = self.player.clone();
        let told_until = player.clock.now();
        let news = VecDeque::new();
        let watcher = Watcher { player, wanted, known: BTreeSet::new(), news, told_until };
        Box::pin(stream::unfold(watcher, |mut watcher| async move {
            let news = watcher.next().await?;
            Some((news, watcher))
        }))
    }

    fn keep<'a>(&'a self, _tree: &'a Tree, _changes: &'a [FileChange]) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn watched(&self) -> BoxFuture<'_, Result<Vec<ServiceKey>, String>> {
        let watched = self.player.with(|world, _| {
            let of = |stack: &crate::adapters::scenario::script::StackScript| {
                let on = stack.services.iter();
                let on = on.filter(|service| service.sources.as_ref().is_some_and(|sources| sources.watched));
                let name: Arc<str> = Arc::from(&*stack.name);
                on.map(|service| (name.clone(), Arc::from(&*service.name))).collect::<Vec<ServiceKey>>()
            };
            world.script.stacks.iter().flat_map(of).collect()
        });
        Box::pin(std::future::ready(Ok(watched)))
    }

    fn keep_watched<'a>(&'a self, _watched: &'a [ServiceKey]) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::adapters::scenario::units::Span;

    #[test]
    fn a_file_is_saved_again_and_again() {
        let span = |seconds| Span(Duration::from_secs(seconds));
        let save = SaveScript { at: span(5), every: Some(span(40)), file: String::from("a.js") };
        let began: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        let at = |second| began + SignedDuration::from_secs(second);
        let next = |after: i64| next_turn(&save, began, at(after));
        assert_eq!(next(0), Some((at(5), 0)));
        assert_eq!(next(5), Some((at(45), 1)));
        assert_eq!(next(84), Some((at(85), 2)));
        assert_eq!(next(85), Some((at(125), 3)));
        let once = SaveScript { every: None, ..save };
        assert_eq!(next_turn(&once, began, at(5)), None);
    }
}
