//! The engine behind `ssh://`: one ssh child forwards its socket to a private one of ours.
//!
//! Uses the system's ssh, with its keys, agent and configuration; never asks for a password. Knows
//! nothing of the engine's API.

use std::fs::DirBuilder;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::adapters::docker::endpoint::SshTarget;
use crate::adapters::docker::json::shown;
use crate::ports::EngineError;

/// How long ssh may take to log in and forward.
const LOGIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A running ssh child; dropping it ends it and removes the socket.
#[derive(Debug)]
pub struct Tunnel {
    child: Child,
    folder: PrivateFolder,
}

impl Tunnel {
    /// Starts ssh and waits until the socket is there.
    pub async fn open(target: &SshTarget) -> Result<Self, EngineError> {
        let trouble = |words: &str| {
            EngineError::Unreachable(format!("cannot reach {} by ssh: {words}", shown(&target.host)))
        };
        let folder = PrivateFolder::make().map_err(|error| trouble(&shown(&error.to_string())))?;
        let socket = folder.socket();
        let mut child = Command::new("ssh")
            .args(arguments(target, &socket))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| trouble(&format!("cannot start ssh ({error})")))?;
        let deadline = tokio::time::Instant::now() + LOGIN;
        loop {
            if socket.exists() {
                return Ok(Self { child, folder });
            }
            if let Ok(Some(status)) = child.try_wait() {
                let mut said = Vec::new();
                if let Some(stderr) = child.stderr.take() {
                    let _ = stderr.take(2048).read_to_end(&mut said).await;
                }
                let said = shown(String::from_utf8_lossy(&said).trim());
                return Err(trouble(&if said.is_empty() { status.to_string() } else { said }));
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(EngineError::TimedOut(format!(
                    "cannot reach {} by ssh: not logged in within {} s",
                    shown(&target.host),
                    LOGIN.as_secs()
                )));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.socket()
    }

    /// Whether ssh still runs.
    pub fn is_open(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

/// Writes ssh's argument vector. The host comes after `--`, so it can never be an option.
fn arguments(target: &SshTarget, socket: &Path) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "-N",
        "-T",
        "-o",
        "BatchMode=yes",
        "-o",
        "ExitOnForwardFailure=yes",
        "-o",
        "ConnectTimeout=15",
        "-o",
        "ServerAliveInterval=15",
        // A quiet ssh: the little that is left fits the pipe that nobody reads while all is well.
        "-o",
        "LogLevel=ERROR",
        "-o",
        "StreamLocalBindMask=0177",
    ]
    .map(String::from)
    .to_vec();
    arguments.push(String::from("-L"));
    arguments.push(format!("{}:{}", socket.display(), target.socket));
    if let Some(user) = &target.user {
        arguments.extend([String::from("-l"), user.clone()]);
    }
    if let Some(port) = target.port {
        arguments.extend([String::from("-p"), port.to_string()]);
    }
    arguments.extend([String::from("--"), target.host.clone()]);
    arguments
}

/// A folder that only this user can enter; removed with what is in it.
#[derive(Debug)]
struct PrivateFolder(PathBuf);

impl PrivateFolder {
    fn make() -> io::Result<Self> {
        let parent = std::env::var_os("XDG_RUNTIME_DIR")
            .map(PathBuf::from)
            .filter(|folder| folder.is_dir())
            .unwrap_or_else(std::env::temp_dir);
        // The name cannot be guessed, and an existing folder is an error, not a place to move in.
        let name = format!("stackdash-{:016x}", RandomState::new().hash_one(std::process::id()));
        let path = parent.join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    fn socket(&self) -> PathBuf {
        self.0.join("engine.sock")
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.socket());
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn target(user: Option<&str>, port: Option<u16>) -> SshTarget {
        SshTarget {
            user: user.map(str::to_owned),
            host: String::from("far"),
            port,
            socket: String::from("/var/run/docker.sock"),
        }
    }

    #[test]
    fn the_host_is_never_an_option_and_nothing_is_asked() {
        let full = arguments(&target(Some("ops"), Some(2222)), Path::new("/run/x/engine.sock"));
        let ending =
            ["-L", "/run/x/engine.sock:/var/run/docker.sock", "-l", "ops", "-p", "2222", "--", "far"];
        assert!(full.ends_with(&ending.map(String::from)), "{full:?}");
        for option in ["BatchMode=yes", "ExitOnForwardFailure=yes"] {
            let place = full.iter().position(|word| word == option).unwrap();
            assert_eq!(full[place - 1], "-o");
        }
        let bare = arguments(&target(None, None), Path::new("/s"));
        assert!(
            bare.ends_with(&["-L", "/s:/var/run/docker.sock", "--", "far"].map(String::from)),
            "{bare:?}"
        );
    }

    #[test]
    fn the_folder_is_private_and_goes_with_its_owner() {
        let folder = PrivateFolder::make().unwrap();
        let path = folder.0.clone();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::write(folder.socket(), "").unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
