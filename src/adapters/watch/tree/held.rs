//! One tree: the files that it had when they were looked at last.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::hashes::{self, Stamp};
use super::scope::Scope;
use super::watches::{Refused, Watches};
use crate::model::watch::tree::{ContentHash, FileChange};

/// A path from the root on, as bytes: what lies in a folder follows it in the order.
pub type Key = Box<[u8]>;

/// What is known of a file.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub hash: ContentHash,
    pub stamp: Stamp,
    /// In which look it was seen last.
    seen: u32,
}

impl Entry {
    pub fn new(hash: ContentHash, stamp: Stamp) -> Self {
        Self { hash, stamp, seen: 0 }
    }
}

/// Answers what is known elsewhere of a file: another tree may have read it already.
pub type Elsewhere<'a> = &'a dyn Fn(&Path, Stamp) -> Option<ContentHash>;

/// The files and folders of one tree.
#[derive(Debug, Default)]
pub struct Held {
    pub files: BTreeMap<Key, Entry>,
    /// Folders that matter; the root has an empty name.
    pub folders: BTreeSet<Key>,
    look: u32,
}

/// How a look is done.
pub struct Look<'a> {
    pub scope: &'a Arc<Scope>,
    /// `None`: the kernel is not asked to tell.
    pub watches: Option<&'a mut Watches>,
    /// The kernel may have forgotten watches.
    pub again: bool,
    pub elsewhere: Elsewhere<'a>,
    /// Nobody wants to know what is another: there is nothing to compare with.
    pub is_first: bool,
    pub changes: Vec<FileChange>,
    /// Some folders do not matter any more: their watches may be idle.
    pub released: bool,
    /// How many files were read and found to be what they were.
    pub reread: usize,
    /// Whether nobody waits for the outcome any more.
    pub is_over: &'a dyn Fn() -> bool,
}

impl Held {
    /// Looks at a path and all below it. The path is from the root on.
    pub fn look(&mut self, path: &Path, look: &mut Look<'_>) -> Result<(), Refused> {
        self.look += 1;
        let full = full_path(&look.scope.real, path);
        match fs::symlink_metadata(&full) {
            Ok(meta) if meta.is_dir() => {
                // What was a file is a folder now.
                self.forget_file(path, look);
                let folders = self.take_folders(path);
                if path.as_os_str().is_empty() || !look.scope.skips(path) {
                    self.walk(path, look)?;
                }
                self.forget_unseen(path, look);
                look.released |= folders.iter().any(|folder| !self.folders.contains(folder));
            }
            Ok(meta) => {
                self.forget_below(path, look);
                if hashes::has_contents(&meta)
                    && (path.as_os_str().is_empty() || !look.scope.is_ignored(path))
                {
                    self.examine(path, &full, &meta, look);
                } else {
                    self.forget_file(path, look);
                }
            }
            Err(error) if is_gone(&error) => {
                self.forget_file(path, look);
                self.forget_below(path, look);
            }
            Err(error) => log::debug!("{} is not looked at: {error}", full.display()),
        }
        Ok(())
    }

    /// Forgets everything: the root is gone.
    pub fn clear(&mut self, scope: &Scope) -> Vec<FileChange> {
        self.folders.clear();
        let gone = std::mem::take(&mut self.files);
        gone.iter().map(|(key, entry)| change(scope, path_of(key), Some(entry.hash), None)).collect()
    }

    /// Returns what differs from what is known, by stamps alone; nothing is read.
    pub fn differing(&mut self, scope: &Scope) -> Vec<PathBuf> {
        self.look += 1;
        let mut differing = Vec::new();
        let mut pending = vec![PathBuf::new()];
        let root = fs::symlink_metadata(&scope.real);
        if root.as_ref().is_ok_and(|meta| !meta.is_dir()) {
            self.compare(Path::new(""), root.as_ref().ok(), scope, &mut differing);
            pending.clear();
        }
        let mut folders = 0;
        while let Some(folder) = pending.pop() {
            folders += 1;
            if !self.folders.contains(&key(&folder)) {
                differing.push(full_path(&scope.real, &folder));
                continue;
            }
            let Ok(list) = List::read(&folder, scope) else { continue };
            for name in list.files {
                let meta = fs::symlink_metadata(full_path(&scope.real, &name)).ok();
                self.compare(&name, meta.as_ref(), scope, &mut differing);
            }
            pending.extend(list.folders);
        }
        let unseen = self.files.iter().filter(|(_, entry)| entry.seen != self.look);
        differing.extend(unseen.map(|(key, _)| full_path(&scope.real, path_of(key))));
        if folders < self.folders.len() {
            let full = self.folders.iter().map(|folder| full_path(&scope.real, path_of(folder)));
            differing
                .extend(full.filter(|folder| !fs::symlink_metadata(folder).is_ok_and(|meta| meta.is_dir())));
        }
        differing
    }

    fn compare(&mut self, path: &Path, meta: Option<&Metadata>, scope: &Scope, differing: &mut Vec<PathBuf>) {
        let stamp = meta.map(|meta| Stamp::of(meta, SystemTime::now()));
        match self.files.get_mut(&*key(path)) {
            Some(entry) => {
                entry.seen = self.look;
                if !stamp.is_some_and(|stamp| stamp.is_same(entry.stamp)) {
                    differing.push(full_path(&scope.real, path));
                }
            }
            None => differing.push(full_path(&scope.real, path)),
        }
    }

    /// Looks through a folder that is there. Watches come before looking: what happens between is told.
    fn walk(&mut self, start: &Path, look: &mut Look<'_>) -> Result<(), Refused> {
        let mut pending = vec![start.to_owned()];
        while let Some(folder) = pending.pop() {
            if (look.is_over)() {
                return Ok(());
            }
            if let Some(watches) = &mut look.watches {
                match watches.add(&full_path(&look.scope.real, &folder), look.again) {
                    Ok(()) => {}
                    Err(Refused::This(why)) => log::debug!("a folder is not watched: {why}"),
                    Err(full) => return Err(full),
                }
            }
            self.folders.insert(key(&folder));
            let list = match List::read(&folder, look.scope) {
                Ok(list) => list,
                Err(error) => {
                    log::debug!("{} is not read: {error}", full_path(&look.scope.real, &folder).display());
                    // What cannot be seen is not gone.
                    if !is_gone(&error) {
                        self.mark_seen(&folder);
                    }
                    continue;
                }
            };
            for name in list.files {
                if (look.is_over)() {
                    return Ok(());
                }
                let full = full_path(&look.scope.real, &name);
                if let Ok(meta) = fs::symlink_metadata(&full)
                    && hashes::has_contents(&meta)
                {
                    self.examine(&name, &full, &meta, look);
                }
            }
            pending.extend(list.folders);
        }
        Ok(())
    }

    /// Compares a file with what is known of it, and reads it only where it may differ.
    fn examine(&mut self, path: &Path, full: &Path, meta: &Metadata, look: &mut Look<'_>) {
        let key = key(path);
        let stamp = Stamp::of(meta, SystemTime::now());
        if let Some(entry) = self.files.get_mut(&key) {
            entry.seen = self.look;
            if entry.stamp.is_same(stamp) {
                return;
            }
        }
        let known = if stamp.is_same(stamp) { (look.elsewhere)(full, stamp) } else { None };
        let hash = match known.map_or_else(|| hashes::hash(full, meta), Ok) {
            Ok(hash) => hash,
            Err(error) => {
                // It is written anew right now, or may not be read: its next event brings us back.
                log::debug!("{} is not read: {error}", full.display());
                if is_gone(&error) {
                    self.forget_file(path, look);
                }
                return;
            }
        };
        let before = self.files.insert(key, Entry { hash, stamp, seen: self.look }).map(|entry| entry.hash);
        if before == Some(hash) {
            look.reread += 1;
        } else if !look.is_first {
            look.changes.push(change(look.scope, path, before, Some(hash)));
        }
    }

    fn forget_file(&mut self, path: &Path, look: &mut Look<'_>) {
        if let Some(entry) = self.files.remove(&key(path)) {
            look.changes.push(change(look.scope, path, Some(entry.hash), None));
        }
    }

    /// Forgets all below a path that is no folder any more.
    fn forget_below(&mut self, path: &Path, look: &mut Look<'_>) {
        let gone: Vec<Key> = range(&self.files, path).map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.forget_file(path_of(&key), look);
        }
        look.released |= !self.take_folders(path).is_empty();
    }

    /// Takes out a folder and those below it.
    fn take_folders(&mut self, path: &Path) -> Vec<Key> {
        let folders = folders_below(&self.folders, path);
        for folder in &folders {
            self.folders.remove(folder);
        }
        folders
    }

    /// Forgets what this look did not see in a folder.
    fn forget_unseen(&mut self, path: &Path, look: &mut Look<'_>) {
        let now = self.look;
        let gone: Vec<Key> = range(&self.files, path)
            .filter(|(_, entry)| entry.seen != now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            self.forget_file(path_of(&key), look);
        }
    }

    fn mark_seen(&mut self, folder: &Path) {
        let now = self.look;
        let (low, high) = bounds(folder);
        for (_, entry) in self.files.range_mut::<[u8], _>((as_bytes(&low), as_bytes(&high))) {
            entry.seen = now;
        }
    }
}

/// What lies in a folder and matters; paths from the root on.
struct List {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl List {
    fn read(folder: &Path, scope: &Scope) -> io::Result<Self> {
        let mut list = Self { files: Vec::new(), folders: Vec::new() };
        for item in fs::read_dir(full_path(&scope.real, folder))? {
            let item = item?;
            let path = folder.join(item.file_name());
            // Not followed: a link is a file here.
            let kind = item.file_type()?;
            if kind.is_dir() {
                if !scope.skips(&path) {
                    list.folders.push(path);
                }
            } else if (kind.is_file() || kind.is_symlink()) && !scope.is_ignored(&path) {
                list.files.push(path);
            }
        }
        Ok(list)
    }
}

fn change(scope: &Scope, path: &Path, before: Option<ContentHash>, after: Option<ContentHash>) -> FileChange {
    FileChange { path: full_path(&scope.tree.root, path), before, after }
}

/// Joins, but adds no slash for the root itself.
pub fn full_path(root: &Path, path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { root.to_owned() } else { root.join(path) }
}

pub fn key(path: &Path) -> Key {
    path.as_os_str().as_bytes().into()
}

pub fn path_of(key: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(key))
}

pub fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Returns the bounds of what lies below a folder, itself left out.
fn bounds(folder: &Path) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let mut low = folder.as_os_str().as_bytes().to_vec();
    if low.is_empty() {
        return (Bound::Excluded(low), Bound::Unbounded);
    }
    low.push(b'/');
    let mut high = low.clone();
    *high.last_mut().expect("it has a slash") = b'/' + 1;
    (Bound::Excluded(low), Bound::Excluded(high))
}

fn as_bytes(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(bytes) => Bound::Included(bytes),
        Bound::Excluded(bytes) => Bound::Excluded(bytes),
        Bound::Unbounded => Bound::Unbounded,
    }
}

fn range<'a>(files: &'a BTreeMap<Key, Entry>, folder: &Path) -> impl Iterator<Item = (&'a Key, &'a Entry)> {
    let (low, high) = bounds(folder);
    files.range::<[u8], _>((as_bytes(&low), as_bytes(&high)))
}

/// Returns a folder and those below it.
fn folders_below(folders: &BTreeSet<Key>, folder: &Path) -> Vec<Key> {
    let (low, high) = bounds(folder);
    let below = folders.range::<[u8], _>((as_bytes(&low), as_bytes(&high)));
    folders.get(&key(folder)).into_iter().chain(below).cloned().collect()
}
