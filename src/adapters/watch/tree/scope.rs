//! What of a tree matters: its root, and everything that is left out below it.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::text::clean;
use crate::model::watch::ignore::{Patterns, is_always_ignored};
use crate::model::watch::tree::{Ignore, Tree};

/// A `.dockerignore` is not longer than this.
const LONGEST: u64 = 1024 * 1024;

/// A tree with its patterns read, and where its root leads to.
#[derive(Debug)]
pub struct Scope {
    pub tree: Arc<Tree>,
    /// Free of links.
    pub real: PathBuf,
    lists: Vec<List>,
    /// Files that say what is left out, whether they are there or not.
    pub sources: Vec<PathBuf>,
}

#[derive(Debug)]
struct List {
    patterns: Patterns,
    place: Place,
    /// Never left out: a build reads its Dockerfile whatever the patterns say. From the tree's root on.
    kept: Option<PathBuf>,
}

/// How the folder of the patterns lies to the tree's root.
#[derive(Debug)]
enum Place {
    /// Above it, so far.
    Above(PathBuf),
    /// Below it, so deep.
    Below(PathBuf),
}

impl Scope {
    /// Makes one that nothing was read of.
    pub fn nothing(tree: &Arc<Tree>) -> Self {
        Self { tree: tree.clone(), real: tree.root.clone(), lists: Vec::new(), sources: Vec::new() }
    }

    /// Reads what is to be read.
    pub fn read(tree: &Arc<Tree>, real: &Path) -> Self {
        let mut scope = Self { real: real.to_owned(), ..Self::nothing(tree) };
        for ignore in &tree.ignores {
            match ignore {
                Ignore::Patterns { base, patterns } => scope.add(base, Patterns::new(patterns), None),
                Ignore::DockerIgnore { context, dockerfile } => scope.add_docker_ignore(context, dockerfile),
            }
        }
        scope
    }

    fn add_docker_ignore(&mut self, context: &Path, dockerfile: &Path) {
        let dockerfile = context.join(dockerfile);
        let mut own = dockerfile.clone().into_os_string();
        own.push(".dockerignore");
        let candidates = [PathBuf::from(own), context.join(".dockerignore")];
        let text = candidates.iter().find_map(|path| match text_of(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                log::warn!("{} is not read: {error}", clean(&path.display().to_string()));
                None
            }
        });
        self.sources.extend(candidates);
        if let Some(text) = text {
            self.add(context, Patterns::parse(&text), Some(&dockerfile));
        }
    }

    fn add(&mut self, base: &Path, patterns: Patterns, kept: Option<&Path>) {
        for fault in patterns.faults() {
            log::warn!("what is left out of {}: {}", clean(&base.display().to_string()), clean(fault));
        }
        let root = &self.tree.root;
        let place = place(base, root).or_else(|| place(&base.canonicalize().ok()?, &self.real));
        if let Some(place) = place
            && !patterns.is_empty()
        {
            let kept = kept.and_then(|kept| kept.strip_prefix(root).ok()).map(Path::to_owned);
            self.lists.push(List { patterns, place, kept });
        }
    }

    /// Returns a path from the root on; `None` where it is not below it. The path is free of links.
    pub fn relative<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        path.strip_prefix(&self.real).ok()
    }

    /// Whether nobody wants to hear of a path; from the root on.
    pub fn is_ignored(&self, path: &Path) -> bool {
        is_always_ignored(path) || self.lists.iter().any(|list| list.is_ignored(path))
    }

    /// Whether nothing in a folder can matter; from the root on.
    pub fn skips(&self, folder: &Path) -> bool {
        is_always_ignored(folder) || self.lists.iter().any(|list| list.skips(folder))
    }

    /// Whether a path or something below it may matter. The path is free of links.
    pub fn matters(&self, path: &Path) -> bool {
        self.relative(path).is_some_and(|path| !self.is_ignored(path) || !self.skips(path))
    }
}

fn place(base: &Path, root: &Path) -> Option<Place> {
    match (root.strip_prefix(base), base.strip_prefix(root)) {
        (Ok(from_base), _) => Some(Place::Above(from_base.to_owned())),
        (_, Ok(from_root)) => Some(Place::Below(from_root.to_owned())),
        _ => None,
    }
}

impl List {
    fn is_ignored(&self, path: &Path) -> bool {
        self.kept.as_deref() != Some(path)
            && self.place.turn(path).is_some_and(|path| self.patterns.is_ignored(&path))
    }

    fn skips(&self, folder: &Path) -> bool {
        !self.kept.as_ref().is_some_and(|kept| kept.starts_with(folder))
            && self.place.turn(folder).is_some_and(|folder| !self.patterns.may_contain_kept(&folder))
    }
}

impl Place {
    /// Turns a path from the tree's root on into one from the patterns' folder on; `None`: it lies elsewhere.
    fn turn<'a>(&self, path: &'a Path) -> Option<Cow<'a, Path>> {
        match self {
            Self::Above(way) if way.as_os_str().is_empty() => Some(Cow::Borrowed(path)),
            Self::Above(way) => Some(Cow::Owned(way.join(path))),
            Self::Below(way) => path.strip_prefix(way).ok().map(Cow::Borrowed),
        }
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it is no plain file"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
