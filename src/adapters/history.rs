//! The kept timeline: one JSON object a line, in `$XDG_STATE_HOME/stackdash`, one file for each engine.
//!
//! Theory of operation: whoever writes takes the lock of the engine's file, appends whole lines in one
//! write, and puts a full file aside as the older of two generations. A line that a crash tore in two
//! is closed by the next writer and skipped by every reader. Two of us at once write some things twice;
//! a reader tells each thing once. What is read is foreign text again and is cleaned as such.
//!
//! Follows no symbolic link, and what it makes is for its owner only. Knows no state and no screen.

mod line;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use etcetera::BaseStrategy as _;
use jiff::Timestamp;

use crate::adapters::own_files::{make_folder, open_plain};
use crate::model::timeline::TimelineEntry;
use crate::ports::{BoxFuture, History};

/// Bytes of one generation; there are two.
const GENERATION: u64 = 2 * 1024 * 1024;
/// How often the lock is tried, and the pause between: another of us holds it for a write only.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// The kept timeline of one engine.
pub struct FileHistory {
    place: Arc<Place>,
}

/// Where it is, and whose it is.
struct Place {
    folder: PathBuf,
    /// The endpoint, as people know it.
    engine: String,
    generation: u64,
}

impl FileHistory {
    /// Finds the folder by the user's environment; `None` without a home.
    pub fn usual(engine: &str) -> Option<Self> {
        let folders = etcetera::base_strategy::Xdg::new().ok()?;
        Some(Self::new(folders.state_dir()?.join("stackdash"), engine))
    }

    pub fn new(folder: PathBuf, engine: &str) -> Self {
        let place = Place { folder, engine: engine.to_owned(), generation: GENERATION };
        Self { place: Arc::new(place) }
    }
}

impl History for FileHistory {
    fn read(&self, since: Option<Timestamp>) -> BoxFuture<'_, Result<Vec<TimelineEntry>, String>> {
        let place = self.place.clone();
        Box::pin(off_the_loop(move || place.read(since).map_err(|error| place.complain("read", &error))))
    }

    fn append(&self, entries: Vec<TimelineEntry>) -> BoxFuture<'_, Result<(), String>> {
        let place = self.place.clone();
        Box::pin(off_the_loop(move || place.append(&entries).map_err(|error| place.complain("kept", &error))))
    }
}

async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(error.to_string()))
}

impl Place {
    fn complain(&self, what: &str, error: &io::Error) -> String {
        let folder = self.folder.display();
        format!("the timeline is not {what}: {error}, in {folder}; --no-history goes without")
    }

    /// Names one of the engine's files.
    fn file(&self, end: &str) -> PathBuf {
        self.folder.join(format!("events-{:016x}.{end}", fingerprint(&self.engine)))
    }

    fn read(&self, since: Option<Timestamp>) -> io::Result<Vec<TimelineEntry>> {
        let mut text = Vec::new();
        {
            // Without a lock file there is nothing to read, and none is made for looking.
            let Some(_lock) = self.lock(false)? else { return Ok(Vec::new()) };
            for end in ["old.jsonl", "jsonl"] {
                if let Some(file) = open_plain(&self.file(end), OpenOptions::new().read(true))? {
                    // One batch may pass the limit before the file is put aside.
                    file.take(2 * self.generation).read_to_end(&mut text)?;
                    text.push(b'\n');
                }
            }
        }
        let mut entries: Vec<TimelineEntry> = text
            .split(|byte| *byte == b'\n')
            .filter_map(|line| line::parse(line, &self.engine))
            .filter(|entry| since.is_none_or(|since| entry.at >= since))
            .collect();
        entries.sort_by_key(|entry| entry.at);
        Ok(each_once(entries))
    }

    fn append(&self, entries: &[TimelineEntry]) -> io::Result<()> {
        make_folder(&self.folder)?;
        let _lock = self.lock(true)?;
        let current = self.file("jsonl");
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let Some(mut file) = open_plain(&current, &mut options)? else { return Ok(()) };
        if file.metadata()?.len() >= self.generation {
            fs::rename(&current, self.file("old.jsonl"))?;
            let Some(fresh) = open_plain(&current, &mut options)? else { return Ok(()) };
            file = fresh;
        }
        let mut text = String::new();
        if is_torn(&mut file)? {
            text.push('\n');
        }
        for entry in entries {
            line::write(entry, &self.engine, &mut text);
        }
        file.write_all(text.as_bytes())?;
        file.sync_data()
    }

    /// Takes the lock of the engine's files; held as long as the returned file lives. `None`: there is
    /// no lock file, and none was to be made.
    fn lock(&self, make: bool) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(make);
        let Some(file) = open_plain(&self.file("lock"), &mut options)? else { return Ok(None) };
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "another stackdash holds its lock"))
    }
}

/// Whether the last line has no end: somebody died over it.
fn is_torn(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Drops what is told twice from entries that are sorted by time.
fn each_once(entries: Vec<TimelineEntry>) -> Vec<TimelineEntry> {
    let mut kept: Vec<TimelineEntry> = Vec::with_capacity(entries.len());
    // Entries of the present moment.
    let mut same: VecDeque<usize> = VecDeque::new();
    for entry in entries {
        if same.front().is_some_and(|first| kept[*first].at != entry.at) {
            same.clear();
        }
        if same.iter().any(|index| kept[*index].is_same_as(&entry)) {
            continue;
        }
        same.push_back(kept.len());
        kept.push(entry);
    }
    kept
}

/// Hashes a name into a file's (FNV-1a): the same for ever, unlike the standard library's.
fn fingerprint(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
