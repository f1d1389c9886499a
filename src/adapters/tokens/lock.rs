//! One stackdash at a time refreshes a token: an advisory lock on a file of the user's own folder.
//!
//! The file stays, with the moment of the last refresh in it; there is nothing else in it to be read.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use etcetera::BaseStrategy as _;
use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};

use crate::adapters::own_files;
use crate::adapters::tokens::fingerprint;
use crate::ports::Clock;

/// Another stackdash's refresh that is not older has been enough.
const RECENT: Duration = Duration::from_secs(15);
/// Digits of a lock's name.
const DIGITS: usize = 32;

/// Held as long as it lives.
pub struct Lock {
    file: File,
    own: String,
}

/// What came of the wish for a lock.
pub enum Wish {
    Granted(Lock),
    /// Another stackdash is at it.
    Busy,
    /// Another stackdash did it so many seconds ago.
    Done(i64),
}

/// Finds the folder of the locks; `None` without a home.
pub fn usual_folder() -> Option<PathBuf> {
    let folders = etcetera::base_strategy::Xdg::new().ok()?;
    let runtime = folders.runtime_dir().filter(|folder| folder.is_dir());
    Some(runtime.or_else(|| folders.state_dir())?.join("stackdash").join("locks"))
}

/// Returns a name for one reader of tokens; no two in the world of one host have the same.
pub fn own_name() -> String {
    static READERS: AtomicU32 = AtomicU32::new(0);
    format!("{}.{}", std::process::id(), READERS.fetch_add(1, Ordering::Relaxed))
}

/// Asks for the lock of one token of one stack of one engine.
/// `own`: who asks; what it did itself is no reason to wait.
pub fn wish(folder: &Path, own: &str, engine: &str, stack: &str, token: &str) -> std::io::Result<Wish> {
    own_files::make_folder(folder)?;
    let mut name = fingerprint::hex(format!("{engine}\0{stack}\0{token}").as_bytes());
    name.truncate(DIGITS);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = own_files::open_plain(&folder.join(name), &mut options)?;
    let file = file.ok_or(std::io::ErrorKind::NotFound)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(Wish::Busy),
        Err(error) => return Err(error.into()),
    }
    let mut told = String::new();
    // Whatever else stands there is no reason not to refresh.
    let _ = (&file).take(100).read_to_string(&mut told);
    if let Some((who, at)) = told.trim().split_once(' ')
        && who != own
        && let Ok(at) = at.parse::<Timestamp>()
    {
        let ago = Clock::Wall.now().duration_since(at);
        if !ago.is_negative() && ago.unsigned_abs() < RECENT {
            return Ok(Wish::Done(ago.as_secs()));
        }
    }
    Ok(Wish::Granted(Lock { file, own: own.to_owned() }))
}

impl Lock {
    /// Notes for the others that it is done.
    pub fn done(mut self) {
        let line = format!("{} {}", self.own, Clock::Wall.now());
        let written = self
            .file
            .rewind()
            .and_then(|()| self.file.set_len(0))
            .and_then(|()| self.file.write_all(line.as_bytes()));
        if let Err(error) = written {
            log::debug!("the lock of a token was not written: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_one_at_a_time_refreshes_one_token() {
        let folder = tempfile::tempdir().unwrap();
        let of = |token: &str| wish(&folder.path().join("locks"), "7.1", "engine", "stack", token).unwrap();
        let Wish::Granted(lock) = of("a") else { panic!("the first is granted") };
        assert!(matches!(of("a"), Wish::Busy));
        assert!(matches!(of("b"), Wish::Granted(_)));
        lock.done();
        assert!(matches!(of("a"), Wish::Granted(_)), "our own refresh holds nobody of us up");
        let file = std::fs::read_dir(folder.path().join("locks"))
            .unwrap()
            .flatten()
            .find(|file| file.metadata().unwrap().len() > 0);
        let file = file.unwrap().path();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, format!("1.1 {}", Timestamp::now())).unwrap();
        assert!(matches!(of("a"), Wish::Done(0)), "another stackdash did it just now");
        std::fs::write(&file, "1.1 2020-01-01T00:00:00Z").unwrap();
        assert!(matches!(of("a"), Wish::Granted(_)));
    }
}
