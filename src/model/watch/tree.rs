//! Trees of source files: what is watched of them, and what was found there.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

/// A file or a folder with all below it, watched for one service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tree {
    pub stack: Arc<str>,
    pub service: Arc<str>,
    /// Complete.
    pub root: PathBuf,
    /// What is neither watched nor told of. `.git` and what editors leave behind never are.
    pub ignores: Vec<Ignore>,
}

/// Where patterns of what does not matter come from; all of them hold, the order has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ignore {
    /// Patterns as in `.dockerignore`, from `base` on.
    Patterns { base: PathBuf, patterns: Vec<String> },
    /// What a build leaves out of its context: `<Dockerfile>.dockerignore`, else `.dockerignore` in the context.
    /// Read again when it changes.
    DockerIgnore { context: PathBuf, dockerfile: PathBuf },
}

/// Stands for a file's contents, mode and kind (the first 16 bytes of SHA-256).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub [u8; 16]);

/// A file that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Complete.
    pub path: PathBuf,
    /// What it was when it was told of last; `None`: it was not there.
    pub before: Option<ContentHash>,
    /// What it is; `None`: it is gone.
    pub after: Option<ContentHash>,
}

/// What is known of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeFacts {
    pub files: u64,
    pub folders: u64,
    /// Why its files are looked at again and again instead of being told of (a network file system, the
    /// kernel's watch limit); `None`: the kernel tells.
    pub polled: Option<String>,
    /// Why it cannot be watched at all; it is tried again. `None`: it can.
    pub trouble: Option<String>,
}

/// How the watching itself is doing, over all trees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatcherHealth {
    /// Folders with a watch of the kernel's each.
    pub watches: u64,
    /// How many one user may have; `None`: unknown.
    pub limit: Option<u64>,
    /// Trees that are polled.
    pub polled: u64,
    /// How often the kernel's queue overflowed and everything was looked at again.
    pub overflows: u64,
}

/// What a watcher of trees tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeNews {
    /// A tree was looked through for the first time since it is watched. `changes`: what differs from what was
    /// kept of it; nothing if nothing was kept.
    Scanned {
        tree: Arc<Tree>,
        facts: TreeFacts,
        changes: Vec<FileChange>,
    },
    /// Files have other contents than when they were told of last, and the writing has settled.
    Changed {
        tree: Arc<Tree>,
        /// When the first of these was noticed.
        noticed_at: Timestamp,
        changes: Vec<FileChange>,
    },
    /// What is known of a tree is another thing now.
    Facts {
        tree: Arc<Tree>,
        facts: TreeFacts,
    },
    Health(WatcherHealth),
}
