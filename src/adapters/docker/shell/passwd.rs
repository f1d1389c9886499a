//! What `/etc/passwd` of a container names as a user's shell, read through the archive call: nothing runs
//! in the container for it.

use bollard::Docker;

use crate::adapters::docker::wire;
use crate::model::containers::ContainerId;

const WHAT: &str = "read /etc/passwd of the container";
/// A header of a tar archive, and the step of its contents.
const BLOCK: usize = 512;

/// Returns the shell of a user (by name or number; empty: root), if it is one to type into.
pub async fn shell_of(docker: &Docker, id: &ContainerId, user: &str) -> Option<String> {
    let path = super::super::container_path(id, "archive?path=/etc/passwd").ok()?;
    let archive = wire::get(docker, &path, WHAT, wire::CALL).await.ok()?;
    let text = String::from_utf8_lossy(first_file(&archive)?).into_owned();
    named_shell(&text, user)
}

/// Returns the contents of an archive's first entry, if that is a file.
fn first_file(archive: &[u8]) -> Option<&[u8]> {
    let header = archive.get(..BLOCK)?;
    let is_file = matches!(header[156], b'0' | 0);
    let size = std::str::from_utf8(&header[124..136]).ok()?.trim_matches(['\0', ' ']);
    let size = usize::from_str_radix(size, 8).ok()?;
    archive.get(BLOCK..BLOCK.checked_add(size)?).filter(|_| is_file)
}

fn named_shell(passwd: &str, user: &str) -> Option<String> {
    // The group after a colon decides nothing here.
    let user = user.split(':').next().unwrap_or_default();
    let user = if user.is_empty() { "0" } else { user };
    let entry = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| {
        fields.first().is_some_and(|name| *name == user) || fields.get(2).is_some_and(|id| *id == user)
    })?;
    let shell = entry.get(6)?.trim();
    let none = ["nologin", "false", "true", "sync", "halt", "shutdown"];
    let last = shell.rsplit('/').next().unwrap_or_default();
    (shell.starts_with('/') && !none.contains(&last)).then(|| shell.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/opt/shell\n\
        app:x:1000:1000::/home/app:/usr/bin/fish\n\
        www:x:33:33::/var/www:/usr/sbin/nologin\nodd\n";

    #[test]
    fn a_user_is_found_by_name_and_by_number() {
        assert_eq!(named_shell(PASSWD, "").as_deref(), Some("/opt/shell"));
        assert_eq!(named_shell(PASSWD, "app").as_deref(), Some("/usr/bin/fish"));
        assert_eq!(named_shell(PASSWD, "1000:1000").as_deref(), Some("/usr/bin/fish"));
        assert_eq!(named_shell(PASSWD, "nobody"), None);
    }

    #[test]
    fn a_shell_that_lets_nobody_in_is_none() {
        assert_eq!(named_shell(PASSWD, "www"), None);
        assert_eq!(named_shell("x:x:0:0::/:\n", "0"), None);
    }

    #[test]
    fn an_archive_is_read_and_a_broken_one_is_none() {
        let mut archive = vec![0; BLOCK];
        archive[124..135].copy_from_slice(b"00000000004");
        archive[156] = b'0';
        archive.extend_from_slice(b"abcd");
        archive.resize(3 * BLOCK, 0);
        assert_eq!(first_file(&archive), Some(&b"abcd"[..]));
        archive[156] = b'2';
        assert_eq!(first_file(&archive), None, "a link is no file");
        assert_eq!(first_file(&archive[..600]), None);
        assert_eq!(first_file(b""), None);
        archive[124..135].copy_from_slice(b"77777777777");
        archive[156] = b'0';
        assert_eq!(first_file(&archive), None, "longer than it is");
    }
}
