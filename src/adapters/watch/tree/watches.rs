//! The kernel's watches: one for each folder, shared by all trees.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::inbox::Inbox;

const LIMIT: &str = "/proc/sys/fs/inotify/max_user_watches";
const TOO_MANY: &str = "the kernel's limit of watches is reached: raise fs.inotify.max_user_watches";
const TOO_MANY_PROGRAMS: &str =
    "the kernel's limit of watching programs is reached: raise fs.inotify.max_user_instances";

/// Why a folder is not watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no room for more; complete, with what to do.
    Full(String),
    /// Only this folder: it went meanwhile, or may not be read.
    This(String),
}

pub struct Watches {
    inbox: Arc<Inbox>,
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    /// At most so many, whatever the kernel allows.
    most: Option<u64>,
}

impl Watches {
    pub fn new(inbox: Arc<Inbox>, most: Option<u64>) -> Self {
        Self { inbox, watcher: None, folders: BTreeSet::new(), most }
    }

    pub fn count(&self) -> u64 {
        self.folders.len() as u64
    }

    /// Returns how many one user may have.
    pub fn limit(&self) -> Option<u64> {
        let kernel = std::fs::read_to_string(LIMIT).ok().and_then(|text| text.trim().parse().ok());
        match (self.most, kernel) {
            (Some(most), Some(kernel)) => Some(most.min(kernel)),
            (most, kernel) => most.or(kernel),
        }
    }

    /// Watches a folder, not what is deeper. `again`: also if that was done already, because the kernel may have
    /// forgotten it.
    pub fn add(&mut self, folder: &Path, again: bool) -> Result<(), Refused> {
        let known = self.folders.contains(folder);
        if known && !again {
            return Ok(());
        }
        if !known && self.most.is_some_and(|most| self.count() >= most) {
            return Err(Refused::Full(TOO_MANY.to_owned()));
        }
        let refused = |error: notify::Error| match error.kind {
            ErrorKind::MaxFilesWatch => Refused::Full(TOO_MANY.to_owned()),
            _ => Refused::This(error.to_string()),
        };
        let watcher = match &mut self.watcher {
            Some(watcher) => watcher,
            none => {
                let inbox = self.inbox.clone();
                let watcher = notify::recommended_watcher(move |event| inbox.hear(event));
                none.insert(watcher.map_err(|_| Refused::Full(TOO_MANY_PROGRAMS.to_owned()))?)
            }
        };
        watcher.watch(folder, RecursiveMode::NonRecursive).map_err(refused)?;
        self.folders.insert(folder.to_owned());
        Ok(())
    }

    /// Ends the watch of a folder.
    pub fn remove(&mut self, folder: &Path) {
        if self.folders.remove(folder)
            && let Some(watcher) = &mut self.watcher
        {
            // The kernel ends a watch with its folder.
            let _ = watcher.unwatch(folder);
        }
        if self.folders.is_empty() {
            self.watcher = None;
        }
    }

    /// Ends the watches of a folder and of all below it.
    pub fn remove_below(&mut self, folder: &Path) {
        let below: Vec<PathBuf> = self
            .folders
            .range::<Path, _>((Bound::Included(folder), Bound::Unbounded))
            .take_while(|watched| watched.starts_with(folder))
            .cloned()
            .collect();
        for folder in below {
            self.remove(&folder);
        }
    }

    /// Ends the watches that nobody needs any more.
    pub fn retain(&mut self, mut is_needed: impl FnMut(&Path) -> bool) {
        let idle: Vec<PathBuf> = self.folders.iter().filter(|folder| !is_needed(folder)).cloned().collect();
        for folder in idle {
            self.remove(&folder);
        }
    }
}
