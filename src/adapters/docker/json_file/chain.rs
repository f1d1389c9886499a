//! The files of one json-file log: the one being written, and the older ones that it was rotated into.
//!
//! Theory of operation: a rotation renames `log.1` to `log.2` and so on, then the log to `log.1`, then makes
//! a new one. The descriptor that is kept leads to the same file whatever it is called, and whoever sees a
//! newer one knows that nothing is written to the kept one any more: it is read to its end, then those
//! that came after it, oldest first. Files are looked for from the newest to the oldest while rotations only
//! ever move them the other way, so none can slip through. Before each read the last bytes read are compared:
//! where they are gone, the file was cut and is read from its front.
//!
//! The path comes from the engine, so it is not trusted: no link is followed at its end, the folder has to
//! bear the container's id, and only regular files are opened. Blocks, so it is called off the async threads.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::Doubt;

/// Bytes read at once: a flood of a few frames. No record is that long.
pub const GULP: usize = 256 << 10;
/// Bytes before the place of reading that are compared: the end of a record with its time to the nanosecond.
const MARK: usize = 64;
/// Older files looked for at most, whatever a number in the container's options says.
const FILES: u32 = 100;

/// What a look at a log brings.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Whole records, each with its newline: this part of [`Chain::bytes`].
    Records(Range<usize>),
    /// The file was cut: what had not been read is gone.
    Cut,
    /// Files may have been rotated away before they could be read.
    Missed,
    Nothing,
}

/// A log that is being read.
#[derive(Debug)]
pub struct Chain {
    folder: OwnedFd,
    name: String,
    /// How many files the log may have in all.
    most: u32,
    reading: Open,
    /// Files that came after it, oldest first.
    newer: VecDeque<Open>,
    /// Between it and them, others may have come and gone.
    has_gap: bool,
    bytes: Vec<u8>,
    /// Read only what was there at the beginning.
    is_closed: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Device and number.
    identity: (u64, u64),
    /// Everything before it was read.
    offset: u64,
    /// Nothing from here on is wanted.
    end: u64,
    /// What stands right before `offset`.
    mark: Vec<u8>,
}

impl Chain {
    /// Opens a log at a number of records from its end. `follow`: what is written later is wanted too.
    pub fn open(path: &str, id: &str, most: u32, tail: u32, follow: bool) -> Result<Self, Doubt> {
        let path = Path::new(path);
        let name = format!("{id}-json.log");
        let is_own = path.is_absolute()
            && path.file_name().is_some_and(|own| *own == *name)
            && path.parent().and_then(Path::file_name).is_some_and(|own| *own == *id);
        let folder = path.parent().filter(|_| is_own);
        let folder = folder.ok_or_else(|| Doubt::new("its file has another name than usual"))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder =
            openat(CWD, folder, flags, Mode::empty()).map_err(|error| Doubt::from(io::Error::from(error)))?;
        let newest = Open::at(&folder, &name)?.ok_or_else(|| Doubt::new("its file is missing"))?;
        let most = most.clamp(1, FILES);
        let mut chain = Self {
            folder,
            name,
            most,
            reading: newest,
            newer: VecDeque::new(),
            has_gap: false,
            bytes: vec![0; MARK + GULP],
            is_closed: !follow,
        };
        chain.go_back(tail)?;
        Ok(chain)
    }

    pub fn folder(&self) -> &OwnedFd {
        &self.folder
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Goes so many records back from the end, into older files too.
    fn go_back(&mut self, tail: u32) -> Result<(), Doubt> {
        let mut missing = self.reading.go_back(tail)?;
        if self.is_closed {
            self.reading.end = self.reading.size()?;
        }
        for number in 1..self.most {
            if missing == 0 {
                break;
            }
            let name = format!("{}.{number}", self.name);
            let Some(mut older) = Open::at(&self.folder, &name)? else {
                // It may be half renamed, or packed: then the engine has to unpack it.
                let packed = openat(&self.folder, format!("{name}.gz"), OFlags::PATH, Mode::empty());
                if packed.is_ok() {
                    return Err(Doubt::new("older lines are compressed"));
                }
                continue;
            };
            if older.identity == self.reading.identity {
                continue;
            }
            missing = older.go_back(missing)?;
            self.newer.push_front(std::mem::replace(&mut self.reading, older));
        }
        self.reading.remember()?;
        Ok(())
    }

    /// Reads what is new: at most [`GULP`] bytes.
    pub fn read(&mut self) -> Result<Found, Doubt> {
        loop {
            // What is newer has to be seen before the end of the old file is.
            let is_last = self.newer.is_empty();
            match self.reading.read(&mut self.bytes)? {
                Found::Nothing if !is_last => {
                    if let Some(next) = self.newer.pop_front() {
                        self.reading = next;
                    }
                    if std::mem::take(&mut self.has_gap) {
                        return Ok(Found::Missed);
                    }
                }
                Found::Nothing if !self.is_closed => {
                    self.look()?;
                    if self.newer.is_empty() {
                        return Ok(Found::Nothing);
                    }
                }
                found => return Ok(found),
            }
        }
    }

    /// Looks for files that came after the one that is read.
    fn look(&mut self) -> Result<(), Doubt> {
        // Between two renames there is none.
        let Some(newest) = Open::at(&self.folder, &self.name)? else { return Ok(()) };
        if newest.identity == self.reading.identity {
            return Ok(());
        }
        if self.most < 2 {
            return Err(Doubt::new("its file was replaced"));
        }
        self.newer.push_front(newest);
        for number in 1..self.most {
            let Some(older) = Open::at(&self.folder, &format!("{}.{number}", self.name))? else { continue };
            if older.identity == self.reading.identity {
                return Ok(());
            }
            if self.newer.iter().all(|newer| newer.identity != older.identity) {
                self.newer.push_front(older);
            }
        }
        // What is read was the oldest, and is gone: others may have come and gone after it.
        self.has_gap = true;
        Ok(())
    }
}

impl Open {
    /// Opens a file in a folder; none where there is none.
    fn at(folder: &OwnedFd, name: &str) -> Result<Option<Self>, Doubt> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match openat(folder, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(io::Error::from(error).into()),
        };
        let facts = file.metadata()?;
        if !facts.is_file() {
            return Err(Doubt::new("it is no regular file"));
        }
        let identity = (facts.dev(), facts.ino());
        Ok(Some(Self { file, identity, offset: 0, end: u64::MAX, mark: Vec::new() }))
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Sets the place of reading so many records before the end; returns how many are missing.
    fn go_back(&mut self, records: u32) -> Result<u32, Doubt> {
        let mut rest = self.size()?;
        let mut block = vec![0; GULP];
        // The newline of the record before them counts as well.
        let mut newlines = 0;
        while rest > 0 {
            let start = rest.saturating_sub(block.len() as u64);
            let part = &mut block[..(rest - start) as usize];
            self.file.read_exact_at(part, start)?;
            for (at, _) in part.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
                newlines += 1;
                if newlines > records {
                    self.offset = start + at as u64 + 1;
                    return Ok(0);
                }
            }
            rest = start;
        }
        self.offset = 0;
        Ok(records - newlines)
    }

    /// Takes up what stands before the place of reading.
    fn remember(&mut self) -> io::Result<()> {
        let length = self.offset.min(MARK as u64);
        self.mark.resize(length as usize, 0);
        self.file.read_exact_at(&mut self.mark, self.offset - length)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<Found, Doubt> {
        let mark = self.mark.len();
        let start = self.offset - mark as u64;
        let room = self.end.saturating_sub(start).min((mark + GULP) as u64) as usize;
        let mut count = 0;
        while count < room {
            match self.file.read_at(&mut bytes[count..room], start + count as u64) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if count < mark || bytes[..mark] != self.mark {
            self.offset = 0;
            self.mark.clear();
            return Ok(Found::Cut);
        }
        let fresh = &bytes[mark..count];
        let Some(last) = fresh.iter().rposition(|byte| *byte == b'\n') else {
            if fresh.len() == GULP {
                return Err(Doubt::new("a record has no end"));
            }
            return Ok(Found::Nothing);
        };
        let end = mark + last + 1;
        self.offset += (end - mark) as u64;
        self.mark.clear();
        self.mark.extend_from_slice(&bytes[end.saturating_sub(MARK)..end]);
        Ok(Found::Records(mark..end))
    }
}

#[cfg(test)]
mod tests;
