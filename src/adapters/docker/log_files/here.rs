//! A log file read in place: through the root of one of the container's processes.
//!
//! A path is resolved inside that root by the kernel, links too: a container cannot lead us to a file of
//! this machine. Only regular files are read. Whose process it is, is checked by its control group, for its
//! number may mean another one where stackdash runs in a container itself.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};

use jiff::Timestamp;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};

use super::{Facts, MOST, ROTATED};
use crate::adapters::docker::tar::Kind;
use crate::model::logs::file::{self, Found, Tail};
use crate::model::logs::{LogLine, LogSource};

/// Bytes read at once; more come with the next look.
const AT_ONCE: u64 = 4 << 20;

/// Why a file cannot be read in place.
#[derive(Debug)]
pub enum Trouble {
    Denied,
    Missing,
    NoFile(Kind),
    Binary,
    Other(String),
}

/// The way into one container.
pub struct Here {
    process: u32,
    container: String,
    root: OwnedFd,
    /// The file that is read.
    open: Option<Open>,
}

/// A file that stays readable after it was renamed.
pub struct Open {
    file: File,
    identity: (u64, u64),
}

impl Here {
    /// Opens a container's root by one of its processes; nothing where that is not allowed.
    pub fn find(process: u32, container: &str, open: Option<Open>) -> Option<Self> {
        if process == 0 || !is_of(process, container) {
            return None;
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, format!("/proc/{process}/root"), flags, Mode::empty()).ok()?;
        let here = Self { process, container: container.to_owned(), root, open };
        // Looking through a link is allowed sooner than reading behind it, and kernels differ.
        match here.open_at(".") {
            Ok(_) | Err(Trouble::NoFile(_)) => Some(here),
            Err(_) => None,
        }
    }

    pub fn is_alive(&self) -> bool {
        is_of(self.process, &self.container)
    }

    pub fn into_open(self) -> Option<Open> {
        self.open
    }

    /// Looks once at a file: returns how far it was read, and its facts.
    pub fn look(
        &mut self,
        path: &str,
        source: LogSource,
        tail: Option<Tail>,
        known: Option<Facts>,
        wanted: usize,
        lines: &mut Vec<LogLine>,
    ) -> Result<(Tail, Facts), Trouble> {
        let now = Timestamp::now();
        let (file, facts) = match self.open_at(path) {
            Ok(found) => found,
            // Between a rename and the new file: what is left of the old one is read.
            Err(Trouble::Missing) if self.open.is_some() && tail.is_some() => {
                let (Some(open), Some(mut tail)) = (&self.open, tail) else { return Err(Trouble::Missing) };
                read_on(&open.file, &mut tail, now, lines)?;
                let facts = known.unwrap_or(Facts { size: 0, modified: None, identity: None });
                return Ok((tail, facts));
            }
            Err(trouble) => return Err(trouble),
        };
        let Some(mut tail) = tail else {
            let start = facts.size.saturating_sub(MOST);
            let bytes = read(&file, start, MOST)?;
            if file::is_binary(&bytes) {
                return Err(Trouble::Binary);
            }
            let written = facts.modified.unwrap_or(now);
            let tail = super::begin(&source, &bytes, start, wanted, written, lines, "read it")
                .map_err(|error| Trouble::Other(error.to_string()))?;
            self.keep(file, facts);
            return Ok((tail, facts));
        };
        if known == Some(facts) && tail.offset() >= facts.size {
            return Ok((tail, facts));
        }
        if let Some(open) = self.open.take_if(|open| Some(open.identity) != facts.identity) {
            while read_on(&open.file, &mut tail, now, lines)? {}
            begin_again(&file, &mut tail, now, lines)?;
        } else if !is_grown(&file, facts.size, &mut tail, now, lines)? {
            // Copied and cut: what we have not seen is in the copy.
            if let Ok((old, facts)) = self.open_at(&format!("{path}.1")) {
                is_grown(&old, facts.size, &mut tail, now, lines)?;
            }
            begin_again(&file, &mut tail, now, lines)?;
        }
        self.keep(file, facts);
        Ok((tail, facts))
    }

    fn keep(&mut self, file: File, facts: Facts) {
        self.open = facts.identity.map(|identity| Open { file, identity });
    }

    fn open_at(&self, path: &str) -> Result<(File, Facts), Trouble> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let file = openat2(&self.root, path, flags, Mode::empty(), inside).map_err(|error| {
            match io::Error::from(error).kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Trouble::Missing,
                // An old kernel, a socket: the engine finds its own words.
                _ => Trouble::Denied,
            }
        })?;
        let file = File::from(file);
        let facts = file.metadata().map_err(trouble)?;
        if facts.is_dir() {
            return Err(Trouble::NoFile(Kind::Folder));
        }
        if !facts.is_file() {
            return Err(Trouble::NoFile(Kind::Other));
        }
        let modified = facts.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
        let identity = Some((facts.dev(), facts.ino()));
        Ok((file, Facts { size: facts.len(), modified, identity }))
    }
}

/// Goes on at the front of the file that took the other one's place.
fn begin_again(
    file: &File,
    tail: &mut Tail,
    now: Timestamp,
    lines: &mut Vec<LogLine>,
) -> Result<(), Trouble> {
    tail.rotate(now, lines);
    let at = lines.last().map_or(now, |line| line.at);
    lines.push(tail.remark(at, ROTATED));
    read_on(file, tail, now, lines).map(drop)
}

/// Whether a process of this machine belongs to a container.
pub fn is_of(process: u32, container: &str) -> bool {
    let groups = std::fs::read_to_string(format!("/proc/{process}/cgroup")).unwrap_or_default();
    groups.contains(container)
}

fn trouble(error: io::Error) -> Trouble {
    if error.kind() == io::ErrorKind::PermissionDenied {
        Trouble::Denied
    } else {
        Trouble::Other(error.to_string())
    }
}

/// Reads what a file has grown by; tells `false` where it is not the one that was read.
fn is_grown(
    file: &File,
    size: u64,
    tail: &mut Tail,
    now: Timestamp,
    lines: &mut Vec<LogLine>,
) -> Result<bool, Trouble> {
    let Some(from) = tail.from(size) else { return Ok(false) };
    let bytes = read(file, from, AT_ONCE)?;
    if tail.take(&bytes, now, lines) == Found::Rotated {
        return Ok(false);
    }
    while read_on(file, tail, now, lines)? {}
    Ok(true)
}

/// Reads on in the file that was read so far; tells whether there was more.
fn read_on(file: &File, tail: &mut Tail, now: Timestamp, lines: &mut Vec<LogLine>) -> Result<bool, Trouble> {
    let before = tail.offset();
    let size = file.metadata().map_err(trouble)?.len();
    let Some(from) = tail.from(size) else { return Ok(false) };
    tail.take(&read(file, from, AT_ONCE)?, now, lines);
    Ok(tail.offset() > before)
}

fn read(file: &File, from: u64, most: u64) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    while (bytes.len() as u64) < most {
        let room = chunk.len().min((most - bytes.len() as u64) as usize);
        match file.read_at(&mut chunk[..room], from + bytes.len() as u64) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(trouble(error)),
        }
    }
    Ok(bytes)
}
