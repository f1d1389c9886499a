//! One tree and how it is looked at: the way to it, what is left out, what it holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::held::{Held, key};
use super::inbox::Touch;
use super::polling;
use super::scope::Scope;
use super::way::Way;
use crate::model::text::clean;
use crate::model::watch::tree::{Tree, TreeFacts};

pub struct Looked {
    pub scope: Arc<Scope>,
    pub way: Way,
    /// To the files that say what is left out.
    sources: Vec<Way>,
    pub held: Held,
    pub facts: TreeFacts,
    /// Somebody has looked at it.
    pub begun: bool,
    /// There is nothing yet that it could be compared with.
    pub is_first: bool,
    /// `None`: it is not polled.
    pub next_poll: Option<Instant>,
}

impl Looked {
    pub fn new(tree: &Arc<Tree>) -> Self {
        Self {
            scope: Arc::new(Scope::nothing(tree)),
            way: Way::default(),
            sources: Vec::new(),
            held: Held::default(),
            facts: TreeFacts::default(),
            begun: false,
            is_first: false,
            next_poll: None,
        }
    }

    /// Finds where the root leads to, and reads what is left out.
    pub fn follow(&mut self) {
        let tree = self.scope.tree.clone();
        self.way = Way::trace(&tree.root);
        let scope = Scope::read(&tree, self.way.real.as_deref().unwrap_or(&tree.root));
        self.sources = scope.sources.iter().map(|source| Way::trace(source)).collect();
        self.scope = Arc::new(scope);
    }

    /// All ways that decide what belongs to the tree.
    pub fn ways(&self) -> impl Iterator<Item = &Way> {
        std::iter::once(&self.way).chain(&self.sources)
    }

    /// Whether what happened makes another tree of it: its root leads elsewhere, or other things are left out.
    pub fn leads_elsewhere(&self, paths: &BTreeMap<PathBuf, Touch>) -> bool {
        let is_moved = |path: &Path| paths.get(path).is_some_and(|touch| touch.moved);
        let is_touched = |path: &PathBuf| paths.contains_key(path);
        // A root that cannot be read may be now, by another mode.
        (self.facts.trouble.is_some() && self.way.points.iter().any(is_touched))
            || self.sources.iter().filter_map(|way| way.real.as_ref()).any(is_touched)
            || self.ways().any(|way| way.points.iter().any(|point| point.ancestors().any(is_moved)))
    }

    /// Whether the root leads elsewhere than it did.
    pub fn has_moved(&self) -> bool {
        Way::trace(&self.scope.tree.root) != self.way
    }

    /// Whether a path that something happened to is worth a look; from the root on.
    pub fn is_worth_a_look(&self, path: &Path, touch: Touch) -> bool {
        let Some(parent) = path.parent() else {
            // The root itself, where it is a file.
            return self.held.folders.is_empty();
        };
        // Below a folder that is not known, that folder is looked at; and of a known one only its mode is another.
        self.held.folders.contains(&key(parent)) && (touch.moved || !self.held.folders.contains(&key(path)))
    }

    /// Whether a folder's watch is for this tree. The folder is free of links.
    pub fn needs(&self, folder: &Path) -> bool {
        self.facts.polled.is_none()
            && (self.ways().any(|way| way.folders.contains(folder))
                || self.scope.relative(folder).is_some_and(|path| self.held.folders.contains(&key(path))))
    }

    /// Brings the facts up to date, but for how it is watched.
    pub fn count(&mut self) {
        self.facts.files = self.held.files.len() as u64;
        self.facts.folders = self.held.folders.len() as u64;
        self.facts.trouble = self.trouble();
    }

    fn trouble(&self) -> Option<String> {
        let root = clean(&self.scope.tree.root.display().to_string());
        match &self.way.real {
            None => Some(format!("{root} is not there; it is watched as soon as it is")),
            Some(real) if self.held.folders.is_empty() && self.held.files.is_empty() => {
                let error = std::fs::File::open(real).err();
                Some(error.map_or_else(
                    || format!("{root} is neither a file nor a folder"),
                    |error| format!("{root} is not read: {error}"),
                ))
            }
            Some(real) if self.held.files.is_empty() => {
                let error = real.read_dir().err()?;
                Some(format!("{root} is not read: {error}"))
            }
            Some(_) => None,
        }
    }

    /// Plans the next look where nobody tells.
    pub fn plan_poll(&mut self, every: Option<Duration>) {
        let pause = every.unwrap_or_else(|| polling::pause(self.held.files.len() as u64));
        self.next_poll = self.facts.polled.is_some().then(|| Instant::now() + pause);
    }
}
