//! Where the kernel does not tell: which file systems are polled, and how often.

use std::path::Path;
use std::time::Duration;

/// Few files are looked at so often.
const SHORTEST: Duration = Duration::from_secs(1);
/// And many no less often than this.
const LONGEST: Duration = Duration::from_secs(10);
/// So many files add a second.
const FILES_PER_SECOND: u64 = 5_000;

/// Returns the pause between two looks at so many files.
pub fn pause(files: u64) -> Duration {
    (SHORTEST + Duration::from_millis(files * 1_000 / FILES_PER_SECOND)).min(LONGEST)
}

/// Says why the files at a path have to be polled: changes that another machine makes are not told of here.
#[cfg(target_os = "linux")]
pub fn reason(path: &Path) -> Option<String> {
    let kind = rustix::fs::statfs(path).ok()?.f_type;
    let name = file_system(kind as u64 & 0xffff_ffff)?;
    Some(format!("the files are on {name}, which does not tell of changes"))
}

#[cfg(not(target_os = "linux"))]
pub fn reason(_path: &Path) -> Option<String> {
    None
}

/// Names file systems whose files may be changed from elsewhere, by their magic number.
#[cfg(target_os = "linux")]
fn file_system(magic: u64) -> Option<&'static str> {
    match magic {
        0x6969 => Some("NFS"),
        0x517b => Some("SMB"),
        0xff53_4d42 => Some("CIFS"),
        0xfe53_4d42 => Some("SMB2"),
        0x0102_1997 => Some("9p"),
        // sshfs and others, and virtiofs, which has no number of its own.
        0x6573_5546 => Some("FUSE"),
        0x786f_4256 => Some("vboxsf"),
        0x7c7c_6673 => Some("prl_fs"),
        0x0bac_bacb => Some("VMware's shared folders"),
        0x5346_414f => Some("AFS"),
        0x00c3_6400 => Some("Ceph"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_with_the_number_of_files() {
        assert_eq!(pause(0), SHORTEST);
        assert_eq!(pause(10_000), Duration::from_secs(3));
        assert_eq!(pause(10_000_000), LONGEST);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_s_files_are_told_of() {
        assert_eq!(reason(Path::new("/proc")), None);
        assert_eq!(reason(Path::new("/nonexistent")), None);
        assert_eq!(file_system(0x6969), Some("NFS"));
    }
}
