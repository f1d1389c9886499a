//! Opening the way to an engine, and saying exactly why it is closed.
//!
//! Makes bollard clients; sends no request.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use bollard::{API_DEFAULT_VERSION, Docker};

use crate::adapters::docker::json::shown;
use crate::adapters::docker::wire;
use crate::ports::EngineError;

/// Opens a unix socket once, so that a refusal is explained, and makes a client for it.
pub async fn unix(path: &Path) -> Result<Docker, EngineError> {
    // Masking makes its patterns first, which takes longer than a list: nothing is named until something is wrong.
    let what = || format!("open {}", shown(&path.to_string_lossy()));
    match tokio::time::timeout(wire::CALL, tokio::net::UnixStream::connect(path)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(refusal(&what(), path, &error)),
        Err(_) => return Err(wire::too_late(&what(), wire::CALL)),
    }
    Docker::connect_with_unix(&path.to_string_lossy(), wire::LONG_CALL.as_secs(), API_DEFAULT_VERSION)
        .map_err(|error| wire::explain(&what(), &error))
}

fn refusal(what: &str, path: &Path, error: &std::io::Error) -> EngineError {
    match error.kind() {
        ErrorKind::NotFound => EngineError::Unreachable(format!("cannot {what}: there is no such socket")),
        ErrorKind::ConnectionRefused => EngineError::Unreachable(format!(
            "cannot {what}: the socket is there, but no engine listens on it"
        )),
        ErrorKind::PermissionDenied => {
            EngineError::PermissionDenied(format!("cannot {what}: permission denied{}", who_may(path)))
        }
        _ => EngineError::Unreachable(format!("cannot {what}: {}", shown(&error.to_string()))),
    }
}

pub fn plain(url: &str) -> Result<Docker, EngineError> {
    Docker::connect_with_http(url, wire::LONG_CALL.as_secs(), API_DEFAULT_VERSION)
        .map_err(|error| wire::explain(&format!("use {}", shown(url)), &error))
}

/// Makes a client that shows our certificate and checks the engine's.
pub fn tls(url: &str, folder: &Path) -> Result<Docker, EngineError> {
    let file = |name: &str| folder.join(name);
    let what = format!("use {}", shown(url));
    for name in ["ca.pem", "cert.pem", "key.pem"] {
        if let Err(error) = std::fs::File::open(file(name)) {
            let path = shown(&file(name).to_string_lossy());
            return Err(EngineError::Unauthorized(format!(
                "cannot {what}: cannot read {path} ({})",
                error.kind()
            )));
        }
    }
    let limit = wire::LONG_CALL.as_secs();
    Docker::connect_with_ssl(
        url,
        &file("key.pem"),
        &file("cert.pem"),
        &file("ca.pem"),
        limit,
        API_DEFAULT_VERSION,
    )
    .map_err(|error| wire::explain(&what, &error))
}

/// Says to whom a socket belongs and who we are: `; it belongs to group docker, you are ada`.
fn who_may(path: &Path) -> String {
    let uid = rustix::process::geteuid().as_raw();
    let us = entry_of("/etc/passwd", uid).unwrap_or_else(|| format!("user {uid}"));
    match std::fs::metadata(path) {
        Ok(socket) => {
            let gid = socket.gid();
            let group = entry_of("/etc/group", gid).unwrap_or_else(|| gid.to_string());
            format!("; it belongs to group {group}, you are {us}")
        }
        // The folder is closed already.
        Err(_) => format!("; you are {us}"),
    }
}

/// Looks up a number in a file of the form `name:…:number:…`.
fn entry_of(file: &str, number: u32) -> Option<String> {
    let number = number.to_string();
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.split(':').nth(2) == Some(number.as_str()))?;
    Some(shown(line.split(':').next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_without_a_listener_is_told_from_a_missing_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine.sock");
        let missing = unix(&path).await.unwrap_err().to_string();
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let silent = unix(&path).await.unwrap_err().to_string();
        assert!(missing.ends_with("there is no such socket"), "{missing}");
        assert!(silent.ends_with("no engine listens on it"), "{silent}");
    }

    #[test]
    fn a_missing_certificate_is_named() {
        let error = tls("tcp://lab:2376", Path::new("/nowhere")).unwrap_err();
        assert!(
            matches!(&error, EngineError::Unauthorized(text) if text.contains("/nowhere/ca.pem")),
            "{error}"
        );
    }

    #[test]
    fn the_refusal_names_both_sides() {
        let said = who_may(Path::new("/etc/passwd"));
        assert!(said.contains("belongs to group") && said.contains("you are"), "{said}");
    }
}
