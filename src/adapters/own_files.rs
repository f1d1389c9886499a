//! Files that stackdash writes for itself: in a folder for their owner only, and never through a link.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// Makes a folder for its owner only; one that exists already is made so.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    match fs::symlink_metadata(folder) {
        Ok(meta) if !meta.is_dir() => Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            "its folder is no plain folder (symbolic links are not followed)",
        )),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
        }
        Ok(_) => Ok(()),
        Err(_) => DirBuilder::new().recursive(true).mode(0o700).create(folder),
    }
}

/// Opens a plain file; `None` where there is none. Anything else at its place is an error, and nothing
/// is waited for.
pub fn open_plain(path: &Path, options: &mut OpenOptions) -> io::Result<Option<File>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match options.mode(0o600).custom_flags(flags.bits().cast_signed()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if file.metadata()?.is_file() {
        Ok(Some(file))
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"))
    }
}
