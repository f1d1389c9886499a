//! What each tree held when it was built last, in `$XDG_STATE_HOME/stackdash/watch`: a file for each tree, and a list
//! of the services that were watched.
//!
//! Theory of operation: a file begins with a line that names the tree, then comes a line for each file. Later changes
//! are added at the end, the last line of a path counts, and a line that a crash tore is skipped. The whole is written
//! to a new file that takes the place of the old one. Follows no symbolic link, and what it makes is for its owner only.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use etcetera::BaseStrategy as _;

use super::hashes::Stamp;
use super::held::{Entry, Key, key, path_of};
use crate::adapters::own_files::{make_folder, open_plain};
use crate::model::watch::ServiceKey;
use crate::model::watch::tree::{ContentHash, FileChange, Tree};

/// A file larger than this was not written by us: it is a million files with long names.
const LARGEST: u64 = 256 * 1024 * 1024;
/// What nobody has asked for so long is not asked for again.
const OLD: Duration = Duration::from_hours(180 * 24);
const FIRST_LINE: &str = "stackdash tree 1";
const WATCHED: &str = "watched.json";

/// The folder with all that is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    folder: PathBuf,
}

/// What was kept of a tree.
#[derive(Debug, Default)]
pub struct KeptTree {
    pub files: BTreeMap<Key, Entry>,
    /// Lines that say nothing any more.
    pub waste: usize,
}

impl Kept {
    /// Finds the folder by the user's environment; `None` without a home.
    pub fn usual() -> Option<Self> {
        let folders = etcetera::base_strategy::Xdg::new().ok()?;
        Some(Self::new(folders.state_dir()?.join("stackdash/watch")))
    }

    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Reads what was kept of a tree; `None`: nothing.
    pub fn read(&self, tree: &Tree) -> io::Result<Option<KeptTree>> {
        let Some(file) = open_plain(&self.file(tree), OpenOptions::new().read(true).write(true))? else {
            return Ok(None);
        };
        if file.metadata()?.len() > LARGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too large to be ours"));
        }
        // Nobody asks for what is old.
        let _ = file.set_modified(SystemTime::now());
        let mut file = BufReader::new(file.take(LARGEST));
        let mut line = Vec::new();
        if !next_line(&mut file, &mut line)? || line != first_line(tree) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is about something else"));
        }
        let mut kept = KeptTree::default();
        while next_line(&mut file, &mut line)? {
            let is_waste = match parse(&line) {
                Some((key, Some(entry))) => kept.files.insert(key, entry).is_some(),
                Some((key, None)) => {
                    kept.files.remove(&key);
                    true
                }
                None => !line.is_empty(),
            };
            kept.waste += usize::from(is_waste);
        }
        Ok(Some(kept))
    }

    /// Keeps what a tree holds.
    pub fn write(&self, tree: &Tree, files: &BTreeMap<Key, Entry>) -> io::Result<()> {
        self.remove_old();
        self.replace(&self.file(tree), |out| {
            out.write_all(&first_line(tree))?;
            out.write_all(b"\n")?;
            let mut line = Vec::new();
            for (key, entry) in files {
                line.clear();
                push_line(key, Some(entry), &mut line);
                out.write_all(&line)?;
            }
            Ok(())
        })
    }

    /// Adds changes to what is kept. Where nothing is yet, the tree was empty before them.
    pub fn add(&self, tree: &Tree, changes: &[FileChange]) -> io::Result<()> {
        let path = self.file(tree);
        if !path.exists() {
            self.write(tree, &BTreeMap::new())?;
        }
        let Some(mut file) = open_plain(&path, OpenOptions::new().append(true))? else { return Ok(()) };
        // Somebody may have died over the last line.
        let mut text = b"\n".to_vec();
        for change in changes {
            if let Ok(path) = change.path.strip_prefix(&tree.root) {
                let entry = change.after.map(|hash| Entry::new(hash, Stamp::default()));
                push_line(&key(path), entry.as_ref(), &mut text);
            }
        }
        file.write_all(&text)
    }

    pub fn watched(&self) -> io::Result<Vec<ServiceKey>> {
        let path = self.folder.join(WATCHED);
        let Some(mut file) = open_plain(&path, OpenOptions::new().read(true))? else { return Ok(Vec::new()) };
        let mut text = Vec::new();
        (&mut file).take(1024 * 1024).read_to_end(&mut text)?;
        let list: Vec<(String, String)> = serde_json::from_slice(&text)?;
        Ok(list.into_iter().map(|(stack, service)| (Arc::from(stack), Arc::from(service))).collect())
    }

    pub fn keep_watched(&self, watched: &[ServiceKey]) -> io::Result<()> {
        let list: Vec<(&str, &str)> = watched.iter().map(|(stack, service)| (&**stack, &**service)).collect();
        let text = serde_json::to_vec(&list)?;
        self.replace(&self.folder.join(WATCHED), |out| out.write_all(&text))
    }

    /// Writes a file anew: there is the old one or the new one, never a half.
    fn replace(
        &self,
        path: &Path,
        write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<()> {
        make_folder(&self.folder)?;
        let mut new = path.to_owned().into_os_string();
        new.push(format!(".{}.new", std::process::id()));
        let new = PathBuf::from(new);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        let Some(file) = open_plain(&new, &mut options)? else { return Ok(()) };
        let mut out = BufWriter::new(file);
        let written = write(&mut out).and_then(|()| out.flush()).and_then(|()| fs::rename(&new, path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written
    }

    /// Removes what nobody has asked for in a long time: trees come and go with the projects of years.
    fn remove_old(&self) {
        let Ok(items) = fs::read_dir(&self.folder) else { return };
        for item in items.flatten().filter(|item| item.file_name().as_bytes().starts_with(b"tree-")) {
            let age = item.metadata().and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age > OLD) {
                let _ = fs::remove_file(item.path());
            }
        }
    }

    /// Names the file of a tree. Two trees with one root and other patterns are two.
    pub fn file(&self, tree: &Tree) -> PathBuf {
        self.folder.join(format!("tree-{:016x}", fingerprint(&first_line(tree))))
    }
}

/// Reads a line without its end; `false`: there is none.
fn next_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let count = file.read_until(b'\n', line)?;
    line.pop_if(|last| *last == b'\n');
    Ok(count > 0)
}

/// Names a tree in one line.
fn first_line(tree: &Tree) -> Vec<u8> {
    let ignores = fingerprint(format!("{:?}", tree.ignores).as_bytes());
    let words = serde_json::json!([&*tree.stack, &*tree.service, tree.root.to_string_lossy(), ignores]);
    format!("{FIRST_LINE} {words}").into_bytes()
}

/// `HASH STAMP PATH`, both in hexadecimal; `- PATH` of what is gone.
fn push_line(key: &[u8], entry: Option<&Entry>, line: &mut Vec<u8>) {
    match entry {
        Some(entry) => {
            let hash = u128::from_be_bytes(entry.hash.0);
            let _ = write!(line, "{hash:032x} {:016x} ", entry.stamp.0);
        }
        None => line.extend(b"- "),
    }
    for byte in key {
        match byte {
            b'\n' => line.extend(b"\\n"),
            b'\\' => line.extend(b"\\\\"),
            other => line.push(*other),
        }
    }
    line.push(b'\n');
}

fn parse(line: &[u8]) -> Option<(Key, Option<Entry>)> {
    if let Some(path) = line.strip_prefix(b"- ") {
        return Some((unescape(path)?, None));
    }
    let text = std::str::from_utf8(line.get(..50)?).ok()?;
    let hash = u128::from_str_radix(text.get(..32)?, 16).ok()?;
    let stamp = u64::from_str_radix(text.get(33..49)?, 16).ok()?;
    let entry = Entry::new(ContentHash(hash.to_be_bytes()), Stamp(stamp));
    Some((unescape(&line[50..])?, Some(entry)))
}

/// Reads a path from the root on; `None` where it would lead elsewhere.
fn unescape(text: &[u8]) -> Option<Key> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' if *rest.next()? == b'n' => b'\n',
            other => *other,
        });
    }
    let plain = path_of(&bytes).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    plain.then(|| bytes.into())
}

/// Hashes a name into a file's (FNV-1a): the same for ever, unlike the standard library's.
fn fingerprint(name: &[u8]) -> u64 {
    name.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
