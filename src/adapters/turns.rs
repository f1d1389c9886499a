//! One stackdash of a host at a time works on a stack as a whole: advisory locks on files of the user's own
//! folder. A lock goes with the process that holds it, however that ends; the files stay.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use ring::digest::{SHA256, digest};
use rustix::fs::{FlockOperation, flock};

use crate::adapters::own_files;
use crate::model::text;
use crate::ports::{Turn, Turns};

/// Bytes of the hash in a file's name.
const NAME: usize = 16;
/// Bytes read of who holds a lock.
const HOLDER: u64 = 100;

/// The turns on the stacks of one engine.
pub struct FileTurns {
    folder: PathBuf,
    engine: String,
}

impl FileTurns {
    /// Uses the runtime folder, else that of states; `None` without a home.
    pub fn usual(engine: &str) -> Option<Self> {
        let folders = etcetera::base_strategy::Xdg::new().ok()?;
        let runtime = folders.runtime_dir().filter(|folder| folder.is_dir());
        let folder = runtime.or_else(|| folders.state_dir())?.join("stackdash").join("stacks");
        Some(Self::new(&folder, engine))
    }

    pub fn new(folder: &Path, engine: &str) -> Self {
        Self { folder: folder.to_owned(), engine: engine.to_owned() }
    }

    fn open(&self, stack: &str) -> io::Result<File> {
        own_files::make_folder(&self.folder)?;
        let hash = digest(&SHA256, format!("{}\0{stack}", self.engine).as_bytes());
        let name = hash.as_ref().iter().take(NAME).fold(String::new(), |mut name, byte| {
            let _ = write!(name, "{byte:02x}");
            name
        });
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = own_files::open_plain(&self.folder.join(name), &mut options)?;
        file.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Turns for FileTurns {
    fn take(&self, stack: &str, doing: &str, alone: bool) -> Result<Option<Turn>, String> {
        let how = if alone {
            FlockOperation::NonBlockingLockExclusive
        } else {
            FlockOperation::NonBlockingLockShared
        };
        let taken = self.open(stack).and_then(|file| match flock(&file, how) {
            Ok(()) => Ok(Ok(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(Err(file)),
            Err(error) => Err(error.into()),
        });
        match taken {
            Ok(Ok(mut file)) => {
                // For people only: without it, nobody knows more than that somebody is there.
                let words = format!("{} {doing}\n", std::process::id());
                let _ = file.set_len(0).and_then(|()| io::Write::write_all(&mut file, words.as_bytes()));
                Ok(Some(Box::new(file)))
            }
            Ok(Err(file)) => Err(holder(&file)),
            // A folder that can't be written to is no reason to do nothing.
            Err(error) => {
                log::warn!("{}: other stackdashes are not known of: {error}", self.folder.display());
                Ok(None)
            }
        }
    }
}

/// Says who is at it, from what stands in the file.
fn holder(file: &File) -> String {
    let mut told = String::new();
    let _ = file.take(HOLDER).read_to_string(&mut told);
    match told.trim().split_once(' ') {
        Some((pid, doing)) if pid.parse::<u32>().is_ok() => {
            format!("another stackdash (process {pid}) is at work on it: {}", text::clean(doing))
        }
        _ => String::from("another stackdash is at work on it"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn who_works_on_a_whole_stack_works_alone_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("stacks");
        let (one, other) = (FileTurns::new(&place, "engine"), FileTurns::new(&place, "engine"));
        let turn = one.take("shop", "updating", true).unwrap();
        let why = other.take("shop", "restarting", false).map(drop).unwrap_err();
        assert_eq!(
            why,
            format!("another stackdash (process {}) is at work on it: updating", std::process::id())
        );
        assert!(other.take("blog", "updating", true).unwrap().is_some(), "another stack");
        let elsewhere = FileTurns::new(&place, "elsewhere");
        assert!(elsewhere.take("shop", "updating", true).unwrap().is_some(), "another engine");
        drop(turn);
        let (_a, _b) =
            (one.take("shop", "restarting", false), other.take("shop", "stopping", false).unwrap());
        let why = one.take("shop", "updating", true).map(drop).unwrap_err();
        assert!(why.contains("at work on it: stopping"), "{why}");
    }

    #[test]
    fn the_files_are_the_users_own_and_what_stands_in_them_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let turns = FileTurns::new(&folder.path().join("stacks"), "engine");
        let _turn = turns.take("shop", "updating", true).unwrap();
        let file = std::fs::read_dir(folder.path().join("stacks")).unwrap().next().unwrap().unwrap().path();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "12 up\u{1b}[2Jdating").unwrap();
        assert!(!turns.take("shop", "x", true).map(drop).unwrap_err().contains('\u{1b}'));
        std::fs::write(&file, b"\xff").unwrap();
        assert_eq!(
            turns.take("shop", "x", true).map(drop).unwrap_err(),
            "another stackdash is at work on it"
        );
        let nowhere = FileTurns::new(Path::new("/proc/nowhere"), "engine");
        assert!(nowhere.take("shop", "updating", true).unwrap().is_none(), "no folder, no obstacle");
    }
}
