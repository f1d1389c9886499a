//! The archive of what is copied: found first, then read and sent piece by piece.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;

use crate::adapters::docker::json;
use crate::adapters::docker::tar::{self, Entry, Kind};
use crate::model::watch::ignore::{Patterns, is_editors_or_gits};
use crate::model::watch::run::SyncItem;
use crate::model::watch::tree::Ignore;

/// Bytes that are sent at once.
const CHUNK: usize = 64 << 10;
/// Pieces that wait for the engine.
const PIECES: usize = 8;
/// Files that an error names.
const NAMED: usize = 3;
/// Folders in each other at most.
const DEEPEST: usize = 64;

/// What there is to copy, and what is gone.
#[derive(Debug, Default)]
pub struct Walk {
    found: Vec<Found>,
    /// Targets of what is not there any more.
    pub gone: Vec<String>,
}

#[derive(Debug)]
struct Found {
    source: PathBuf,
    target: String,
    facts: Metadata,
    /// Whether it was named itself, not found in a folder.
    is_named: bool,
}

impl Walk {
    /// Looks at everything that is to be copied.
    pub fn of(items: &[SyncItem]) -> Self {
        let mut walk = Self::default();
        for item in items {
            match fs::symlink_metadata(&item.source) {
                Ok(facts) if facts.is_dir() => {
                    let scope = Scope::of(item);
                    walk.folder(&scope, &item.source, &item.target, facts, 0);
                }
                Ok(facts) => walk.add(item.source.clone(), item.target.clone(), facts, true),
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
                {
                    // Not even the operator's own files may ask for everything.
                    if item.removes && Path::new(&item.target).file_name().is_some() {
                        walk.gone.push(item.target.clone());
                    }
                }
                // Told when it is read.
                Err(_) => {}
            }
        }
        walk
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether something goes below a place from which something has gone.
    pub fn replaces(&self) -> bool {
        let gone: BTreeSet<&str> = self.gone.iter().map(String::as_str).collect();
        !gone.is_empty()
            && self.found.iter().any(|found| {
                Path::new(&found.target)
                    .ancestors()
                    .any(|one| one.to_str().is_some_and(|one| gone.contains(one)))
            })
    }

    pub fn has_folders(&self) -> bool {
        self.found.iter().any(|found| found.facts.is_dir())
    }

    /// Returns where the files, or the folders, go that were named themselves.
    pub fn targets(&self, folders: bool) -> Vec<String> {
        let meant = self.found.iter().filter(|found| found.is_named && found.facts.is_dir() == folders);
        meant.map(|found| found.target.clone()).collect()
    }

    fn add(&mut self, source: PathBuf, target: String, facts: Metadata, is_named: bool) {
        let kind = facts.file_type();
        // Pipes and sockets are no sources.
        if kind.is_file() || kind.is_dir() || kind.is_symlink() {
            self.found.push(Found { source, target, facts, is_named });
        }
    }

    fn folder(&mut self, scope: &Scope, folder: &Path, target: &str, facts: Metadata, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        // Without a choice of files, folders are copied with their modes.
        if scope.include.is_empty() {
            self.add(folder.to_owned(), target.to_owned(), facts, depth == 0);
        }
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if is_editors_or_gits(&name) {
                continue;
            }
            let (path, target) = (entry.path(), format!("{}/{name}", target.trim_end_matches('/')));
            let Ok(facts) = fs::symlink_metadata(&path) else { continue };
            if facts.is_dir() {
                if scope.may_hold(&path) {
                    self.folder(scope, &path, &target, facts, depth + 1);
                }
            } else if scope.is_meant(&path) {
                self.add(path, target, facts, false);
            }
        }
    }
}

/// What of a folder is meant.
struct Scope {
    root: PathBuf,
    include: Patterns,
    ignores: Vec<(PathBuf, Patterns)>,
}

impl Scope {
    fn of(item: &SyncItem) -> Self {
        let ignores = item.ignores.iter().filter_map(|ignore| match ignore {
            Ignore::Patterns { base, patterns } => Some((base.clone(), Patterns::new(patterns))),
            Ignore::DockerIgnore { context, dockerfile } => {
                let mut own = dockerfile.clone().into_os_string();
                own.push(".dockerignore");
                let text =
                    fs::read_to_string(own).or_else(|_| fs::read_to_string(context.join(".dockerignore")));
                Some((context.clone(), Patterns::parse(&text.ok()?)))
            }
        });
        Self { root: item.source.clone(), include: Patterns::new(&item.include), ignores: ignores.collect() }
    }

    fn is_meant(&self, path: &Path) -> bool {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        self.include.is_included(inside)
            && !self.ignores.iter().any(|(base, patterns)| {
                path.strip_prefix(base).is_ok_and(|inside| patterns.is_ignored(inside))
            })
    }

    fn may_hold(&self, folder: &Path) -> bool {
        self.ignores.iter().all(|(base, patterns)| {
            folder.strip_prefix(base).map_or(true, |inside| patterns.may_contain_kept(inside))
        })
    }
}

/// What could not be read; the rest is copied all the same.
#[derive(Clone, Debug, Default)]
pub struct Troubles(Arc<Mutex<Vec<String>>>);

impl Troubles {
    fn add(&self, path: &Path, error: &io::Error) {
        let path = json::shown(&path.to_string_lossy());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{path}: {error}"));
    }

    /// Returns a few of them in words.
    pub fn told(&self) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let more = all.len().saturating_sub(NAMED);
        let mut words = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
        if more > 0 {
            let _ = write!(words, "; and {more} more");
        }
        (!words.is_empty()).then_some(words)
    }
}

/// An archive on its way: read by a thread of its own, no faster than it is taken.
pub struct Packed<S> {
    pub body: S,
    pub troubles: Troubles,
}

impl Packed<()> {
    /// Begins to read; `folders`: whether folders are named.
    pub fn pack(
        walk: Arc<Walk>,
        folders: bool,
    ) -> Packed<impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static> {
        let (pieces, taken) = mpsc::channel(PIECES);
        let troubles = Troubles::default();
        let told = troubles.clone();
        tokio::task::spawn_blocking(move || {
            let mut writer = Writer { pieces, buffer: Vec::with_capacity(CHUNK) };
            for found in walk.found.iter().filter(|found| folders || !found.facts.is_dir()) {
                if writer.file(found, &told).is_err() {
                    return;
                }
            }
            let _ = writer.zeros(2 * tar::BLOCK).and_then(|()| writer.flush());
        });
        let body = futures_util::stream::unfold(taken, |mut taken| async {
            let piece = taken.recv().await?;
            Some((piece, taken))
        });
        Packed { body, troubles }
    }
}

/// Nobody takes the archive any more.
struct Left;

struct Writer {
    pieces: mpsc::Sender<Result<Bytes, io::Error>>,
    buffer: Vec<u8>,
}

impl Writer {
    fn file(&mut self, found: &Found, troubles: &Troubles) -> Result<(), Left> {
        let facts = &found.facts;
        let name = found.target.trim_start_matches('/');
        if name.is_empty() {
            return Ok(());
        }
        let mut entry = Entry {
            name,
            kind: Kind::File,
            link: "",
            size: 0,
            mode: facts.mode() & 0o7777,
            modified: u64::try_from(facts.mtime()).unwrap_or_default(),
            uid: facts.uid(),
            gid: facts.gid(),
        };
        if facts.is_dir() {
            entry.kind = Kind::Folder;
            let folder = format!("{}/", name.trim_end_matches('/'));
            return self.put(&tar::entry(&Entry { name: &folder, ..entry }));
        }
        if facts.is_symlink() {
            let link = match fs::read_link(&found.source) {
                Ok(link) => link,
                Err(error) => {
                    troubles.add(&found.source, &error);
                    return Ok(());
                }
            };
            entry.kind = Kind::Link;
            return self.put(&tar::entry(&Entry { link: &link.to_string_lossy(), ..entry }));
        }
        let opened = File::open(&found.source).and_then(|file| {
            let size = file.metadata()?.len();
            Ok((file, size))
        });
        match opened {
            Ok((file, size)) if size <= tar::LARGEST => {
                entry.size = size;
                self.put(&tar::entry(&entry))?;
                self.content(file, size)
            }
            Ok(_) => {
                troubles.add(&found.source, &io::Error::other("it is larger than 8 GB"));
                Ok(())
            }
            // Gone between two looks: its end is told of next.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => {
                troubles.add(&found.source, &error);
                Ok(())
            }
        }
    }

    /// Writes so many bytes, whatever happens to the file meanwhile: another write is another change.
    fn content(&mut self, mut file: File, size: u64) -> Result<(), Left> {
        let mut left = size;
        let mut chunk = vec![0; CHUNK.min(usize::try_from(size).unwrap_or(CHUNK)).max(1)];
        while left > 0 {
            let most = chunk.len().min(usize::try_from(left).unwrap_or(CHUNK));
            let Ok(count) = file.read(&mut chunk[..most]) else { break };
            if count == 0 {
                break;
            }
            self.put(&chunk[..count])?;
            left -= count as u64;
        }
        while left > 0 {
            let most = CHUNK.min(usize::try_from(left).unwrap_or(CHUNK));
            self.zeros(most)?;
            left -= most as u64;
        }
        self.zeros(tar::padding(size))
    }

    fn zeros(&mut self, count: usize) -> Result<(), Left> {
        const NOTHING: [u8; 1024] = [0; 1024];
        let mut left = count;
        while left > 0 {
            let most = left.min(NOTHING.len());
            self.put(&NOTHING[..most])?;
            left -= most;
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Left> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Left> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let full = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        self.pieces.blocking_send(Ok(Bytes::from(full))).map_err(|_| Left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone(target: &str, removes: bool) -> Vec<String> {
        let item = SyncItem {
            source: PathBuf::from("/nonexistent/src"),
            target: target.to_owned(),
            ignores: Vec::new(),
            include: Vec::new(),
            removes,
        };
        Walk::of(&[item]).gone
    }

    #[test]
    fn only_what_was_seen_going_is_removed_and_never_everything() {
        assert_eq!(gone("/app/src/a.py", true), ["/app/src/a.py"]);
        assert!(gone("/app/src", false).is_empty(), "a tree that cannot be found");
        for all in ["/", "//", "/..", ""] {
            assert!(gone(all, true).is_empty(), "{all:?}");
        }
    }
}
