//! Trees on the real file system: what is told of what an operator, an editor or Git does to them.

mod folders;
mod limits;
mod roots;
mod saves;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::watch;

use super::*;
use crate::model::watch::tree::{Ignore, TreeFacts, WatcherHealth};

/// As long as a slow machine may need.
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder that is watched.
struct Stage {
    _folder: tempfile::TempDir,
    root: PathBuf,
    state: PathBuf,
    wanted: watch::Sender<Arc<BTreeSet<Arc<Tree>>>>,
    news: BoxStream<'static, TreeNews>,
    health: WatcherHealth,
    facts: TreeFacts,
    watcher: TreeWatcher,
}

fn tree(root: &Path) -> Tree {
    Tree { stack: "shop".into(), service: "web".into(), root: root.to_owned(), ignores: Vec::new() }
}

impl Stage {
    fn new(set: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let (root, state) = (base.join("app"), base.join("state"));
        fs::create_dir(&root).unwrap();
        let mut watcher = TreeWatcher::new(state.clone());
        // A slow machine must not cut what belongs together in two.
        let settings = Arc::make_mut(&mut watcher.settings);
        settings.longest = PATIENCE;
        set(settings);
        let (wanted, receiver) = watch::channel(Arc::default());
        let news = watcher.watch(receiver);
        let (health, facts) = (WatcherHealth::default(), TreeFacts::default());
        Self { _folder: folder, root, state, wanted, news, health, facts, watcher }
    }

    /// Forgets who watched, and begins as another run would.
    fn restart(&mut self) {
        let (wanted, receiver) = watch::channel(Arc::default());
        self.wanted = wanted;
        self.news = self.watcher.watch(receiver);
    }

    /// Wants trees from now on.
    fn want(&self, trees: impl IntoIterator<Item = Tree>) {
        self.wanted.send_replace(Arc::new(trees.into_iter().map(Arc::new).collect()));
    }

    /// Watches the root and waits until that is so.
    async fn watching(mut self) -> Self {
        self.want([tree(&self.root)]);
        self.scanned().await;
        self
    }

    async fn next(&mut self) -> TreeNews {
        let news = tokio::time::timeout(PATIENCE, self.news.next()).await.expect("news in time");
        news.expect("it goes on")
    }

    async fn scanned(&mut self) -> (TreeFacts, Vec<String>) {
        loop {
            match self.next().await {
                TreeNews::Scanned { facts, changes, .. } => {
                    return (facts, changes.iter().map(|change| self.say(change)).collect());
                }
                TreeNews::Health(health) => self.health = health,
                other => panic!("no scan: {other:?}"),
            }
        }
    }

    async fn next_change(&mut self) -> TreeNews {
        loop {
            match self.next().await {
                TreeNews::Health(health) => self.health = health,
                TreeNews::Facts { facts, .. } => self.facts = facts,
                changed @ TreeNews::Changed { .. } => return changed,
                TreeNews::Scanned { tree, .. } => panic!("scanned {}", tree.root.display()),
            }
        }
    }

    /// Waits for the next batch: `+` came, `-` went, `*` is another.
    async fn changed(&mut self) -> Vec<String> {
        let TreeNews::Changed { changes, .. } = self.next_change().await else { unreachable!() };
        changes.iter().map(|change| self.say(change)).collect()
    }

    /// Makes sure that nothing of before is left to be told, by a file that is told after it.
    async fn nothing_but(&mut self, marker: &str) {
        let path = self.root.join(marker);
        // What came before is another batch.
        tokio::time::sleep(Duration::from_millis(700)).await;
        fs::write(&path, marker).unwrap();
        assert_eq!(self.changed().await, [format!("+{marker}")]);
    }

    async fn until(&mut self, is_so: impl Fn(&WatcherHealth, &TreeFacts) -> bool) {
        while !is_so(&self.health, &self.facts) {
            match self.next().await {
                TreeNews::Health(health) => self.health = health,
                TreeNews::Facts { facts, .. } => self.facts = facts,
                other => panic!("neither health nor facts: {other:?}"),
            }
        }
    }

    fn say(&self, change: &FileChange) -> String {
        let sign = match (change.before, change.after) {
            (None, Some(_)) => '+',
            (Some(_), None) => '-',
            (Some(before), Some(after)) if before != after => '*',
            _ => '?',
        };
        format!("{sign}{}", change.path.strip_prefix(&self.root).unwrap_or(&change.path).display())
    }

    /// Waits for batches until so many files were told of; returns how many batches that took.
    async fn told(&mut self, files: usize) -> usize {
        let (mut told, mut batches) = (0, 0);
        while told < files {
            told += self.changed().await.len();
            batches += 1;
        }
        assert_eq!(told, files);
        batches
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
