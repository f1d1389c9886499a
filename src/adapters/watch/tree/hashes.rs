//! What stands for a file: a hash of its contents, mode and kind, and a stamp that tells when to read it again.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::digest::{Context, SHA256};
use rustix::fs::OFlags;

use crate::model::watch::tree::ContentHash;

/// Files larger than this are not read: their size and the moment of their last change stand for the contents.
const LARGEST: u64 = 64 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;
/// The kernel's clock ticks so slowly that a second write may bear the same moment as the first.
const TICK: Duration = Duration::from_millis(20);
/// Some file systems know seconds, or every other second.
const COARSE_TICK: Duration = Duration::from_secs(2);

/// Stands for size, moments, mode and inode: equal stamps are equal contents. Zero is equal to nothing: the file is
/// so new that it may change without a change of its moments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Takes the stamp of a file as it is at `now`.
    pub fn of(meta: &Metadata, now: SystemTime) -> Self {
        let newest = (meta.mtime(), meta.mtime_nsec()).max((meta.ctime(), meta.ctime_nsec()));
        let at = UNIX_EPOCH + Duration::new(newest.0.max(0) as u64, newest.1.clamp(0, 999_999_999) as u32);
        let tick = if meta.mtime_nsec() == 0 && meta.ctime_nsec() == 0 { COARSE_TICK } else { TICK };
        // A moment in the future is no older than a tick either.
        if now.duration_since(at).unwrap_or_default() <= tick {
            return Self::default();
        }
        let parts = [
            meta.ino(),
            meta.dev(),
            meta.size(),
            meta.mtime() as u64,
            meta.mtime_nsec() as u64,
            meta.ctime() as u64,
            meta.ctime_nsec() as u64,
            u64::from(meta.mode()),
        ];
        let bytes = parts.iter().flat_map(|part| part.to_le_bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash.max(1))
    }

    /// Whether nothing has changed since the other was taken.
    pub fn is_same(self, other: Self) -> bool {
        self.0 != 0 && self.0 == other.0
    }
}

/// Whether a thing has contents that are compared: a plain file or a symbolic link.
pub fn has_contents(meta: &Metadata) -> bool {
    meta.is_file() || meta.is_symlink()
}

/// Reads a plain file or a symbolic link, whose target stands for its contents.
pub fn hash(path: &Path, meta: &Metadata) -> io::Result<ContentHash> {
    let mut context = Context::new(&SHA256);
    if meta.is_symlink() {
        context.update(b"link\0");
        context.update(fs::read_link(path)?.as_os_str().as_bytes());
        return Ok(finish(context));
    }
    context.update(b"file\0");
    context.update(&(meta.mode() & 0o7777).to_le_bytes());
    if meta.len() > LARGEST {
        context.update(&meta.len().to_le_bytes());
        context.update(&meta.mtime().to_le_bytes());
        context.update(&meta.mtime_nsec().to_le_bytes());
        return Ok(finish(context));
    }
    let mut file = open(path)?;
    let mut chunk = vec![0; CHUNK.min(meta.len() as usize + 1)];
    // A file that grows while it is read is read again by its own event.
    let mut left = LARGEST;
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => {
                context.update(&chunk[..count]);
                left = left.saturating_sub(count as u64);
                if left == 0 {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(finish(context))
}

/// Opens a plain file. What took its place meanwhile, a pipe or a link, is neither waited for nor followed.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no plain file any more")) }
}

fn finish(context: Context) -> ContentHash {
    let mut hash = [0; 16];
    hash.copy_from_slice(&context.finish().as_ref()[..16]);
    ContentHash(hash)
}
