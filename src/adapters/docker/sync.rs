//! Files and folders into a running container, in one archive; and away, where they have gone here.
//!
//! The archive is for the container's root and has the files alone: folders that are missing are made by the
//! engine, and those that are there, links to folders among them, stay as they are. Only folders that are copied
//! as a whole are named. What is there in the way of something else (a folder for a file) is removed once.
//! Owners are those of this machine's files, or the container's own user where the engine knows it.

mod archive;

use std::sync::Arc;
use std::time::Duration;

use bollard::query_parameters::UploadToContainerOptions;
use bollard::{Docker, body_try_stream};

use crate::adapters::docker::shell::{SHUT, is_shut};
use crate::adapters::docker::sync::archive::{Packed, Walk};
use crate::adapters::docker::{DockerEngine, convert, json, wire};
use crate::model::containers::ContainerId;
use crate::model::watch::run::SyncItem;
use crate::ports::EngineError;

/// An upload has one answer, at its end.
const LONGEST_UPLOAD: Duration = Duration::from_mins(30);
/// Bytes of arguments of one removal.
const ARGUMENTS: usize = 64 << 10;
/// Names that an error tells.
const NAMED: usize = 3;

impl DockerEngine {
    pub(super) async fn sync_files(&self, id: &ContainerId, items: &[SyncItem]) -> Result<(), EngineError> {
        if !convert::is_id(id.as_str()) {
            return Err(EngineError::NotFound(String::from("that is no container id")));
        }
        let what = format!("copy into {}", id.short());
        let docker = self.connected(&what)?.with_timeout(LONGEST_UPLOAD);
        let items: Arc<[SyncItem]> = items.into();
        let walk = {
            let items = items.clone();
            let looked = tokio::task::spawn_blocking(move || Walk::of(&items)).await;
            looked.map_err(|error| EngineError::Other(format!("cannot {what}: {error}")))?
        };
        let mut troubles = Vec::new();
        let walk = Arc::new(walk);
        // Removing goes beside, unless something comes where something else has gone.
        let remove = self.remove_files(id, &walk.gone);
        let removed = if walk.replaces() {
            let removed = remove.await;
            self.send(&docker, id, &walk, &what, &mut troubles).await?;
            removed
        } else {
            let (removed, sent) = tokio::join!(remove, self.send(&docker, id, &walk, &what, &mut troubles));
            sent?;
            removed
        };
        troubles.extend(removed?.err());
        if troubles.is_empty() {
            return Ok(());
        }
        Err(EngineError::Other(format!("cannot {what}: {}", troubles.join("; "))))
    }

    async fn send(
        &self,
        docker: &Docker,
        id: &ContainerId,
        walk: &Arc<Walk>,
        what: &str,
        troubles: &mut Vec<String>,
    ) -> Result<(), EngineError> {
        if walk.is_empty() {
            return Ok(());
        }
        let mut way = Way { as_user: true, folders: true };
        let mut cleared = false;
        loop {
            let packed = Packed::pack(walk.clone(), way.folders);
            let options = UploadToContainerOptions {
                path: String::from("/"),
                copy_uidgid: Some(way.as_user.to_string()),
                no_overwrite_dir_non_dir: Some(String::from("true")),
            };
            let upload = docker.upload_to_container(id.as_str(), Some(options), body_try_stream(packed.body));
            let result = tokio::time::timeout(LONGEST_UPLOAD, upload).await;
            let Ok(result) = result else {
                return Err(EngineError::TimedOut(format!("cannot {what}: no answer from the engine")));
            };
            let Err(error) = result else {
                troubles.extend(packed.troubles.told());
                return Ok(());
            };
            let error = wire::explain(what, &error);
            let words = error.to_string();
            if error.is_connection() {
                return Err(error);
            }
            if way.as_user && is_about_the_user(&words) {
                way.as_user = false;
            } else if way.folders && walk.has_folders() && is_in_the_way(&words) {
                way.folders = false;
            } else if !cleared && is_in_the_way(&words) {
                cleared = true;
                // They are sent again at once. A folder that is there is none of it: this `rm` leaves it.
                let folders = walk.targets(true);
                if !folders.is_empty() {
                    let words = ["rm", "-f", "--"].map(str::to_owned);
                    let arguments: Vec<String> = words.into_iter().chain(folders).collect();
                    self.capture_as(id, &arguments, Some("0:0")).await?;
                }
                if let Err(why) = self.remove_files(id, &walk.targets(false)).await? {
                    troubles.push(why);
                }
            } else {
                return Err(error);
            }
        }
    }

    /// Removes files and folders in the container; the inner error says why not.
    async fn remove_files(
        &self,
        id: &ContainerId,
        targets: &[String],
    ) -> Result<Result<(), String>, EngineError> {
        let mut rest = targets;
        while !rest.is_empty() {
            let mut bytes = 0;
            let count = rest.iter().take_while(|target| {
                bytes += target.len() + 1;
                bytes <= ARGUMENTS
            });
            let count = count.count().max(1);
            let (now, later) = rest.split_at(count);
            rest = later;
            let words = ["rm", "-rf", "--"].map(str::to_owned);
            let arguments: Vec<String> = words.into_iter().chain(now.iter().cloned()).collect();
            let done = self.capture_as(id, &arguments, Some("0:0")).await?;
            if done.exit_code == Some(0) {
                continue;
            }
            let mut names: Vec<String> = now.iter().take(NAMED).map(|name| json::shown(name)).collect();
            if now.len() > NAMED {
                names.push(format!("{} more", now.len() - NAMED));
            }
            let names = names.join(", ");
            return Ok(Err(if is_shut(&done.complaint) {
                format!("{names} cannot be removed there: {}. {SHUT}", done.complaint.trim())
            } else if matches!(done.exit_code, Some(126 | 127)) {
                format!("the image has no rm, so what is gone here stays there: {names}")
            } else {
                format!("{names} cannot be removed there: {}", done.complaint.trim())
            }));
        }
        Ok(Ok(()))
    }
}

/// How an archive is sent.
#[derive(Clone, Copy)]
struct Way {
    /// Whether files get the container's own user as their owner.
    as_user: bool,
    /// Whether folders are named.
    folders: bool,
}

/// Engines look the container's user up on the host, where there may be none of this name.
fn is_about_the_user(words: &str) -> bool {
    ["unable to find user", "no matching entries in passwd", "unknown user", "no such user", "passwd"]
        .iter()
        .any(|known| words.contains(known))
}

fn is_in_the_way(words: &str) -> bool {
    ["cannot overwrite", "not a directory", "is a directory", "file exists"]
        .iter()
        .any(|known| words.contains(known))
}
