//! Watch rules (`develop.watch`): which files matter to a service, and what follows from a change.

pub mod ignore;
pub mod run;
pub mod tree;

use std::path::PathBuf;
use std::sync::Arc;

/// Stack and service.
pub type ServiceKey = (Arc<str>, Arc<str>);

/// One rule of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchRule {
    /// A file or a folder on the machine where Compose runs; complete.
    pub path: PathBuf,
    pub action: WatchAction,
    /// Where it goes in the container; of the actions that copy.
    pub target: Option<String>,
    /// Patterns as in `.dockerignore`, from `path` on.
    pub ignore: Vec<String>,
    /// Only what matches; empty: everything.
    pub include: Vec<String>,
    /// Copy everything once when the watch begins.
    pub initial_sync: bool,
    /// What runs in the container after a copy; empty: nothing.
    pub exec: Vec<String>,
    /// Who runs it; empty: the container's own user.
    pub exec_user: String,
    /// Where it runs; empty: the container's own folder.
    pub exec_folder: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WatchAction {
    Sync,
    Rebuild,
    Restart,
    SyncRestart,
    SyncExec,
    /// A word that this version does not know.
    Other(String),
}

impl WatchAction {
    /// Returns Compose's word.
    pub fn word(&self) -> &str {
        match self {
            Self::Sync => "sync",
            Self::Rebuild => "rebuild",
            Self::Restart => "restart",
            Self::SyncRestart => "sync+restart",
            Self::SyncExec => "sync+exec",
            Self::Other(word) => word,
        }
    }

    pub fn parse(word: &str) -> Self {
        match word {
            "sync" => Self::Sync,
            "rebuild" => Self::Rebuild,
            "restart" => Self::Restart,
            "sync+restart" => Self::SyncRestart,
            "sync+exec" => Self::SyncExec,
            other => Self::Other(other.to_owned()),
        }
    }
}
