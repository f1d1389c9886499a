//! One file out of a container or into it, through the engine's archive calls.
//!
//! Works for stopped containers too. What is not a file is refused; a link is followed by ourselves,
//! because the archive of a link is the link. A file of this machine appears whole or not at all.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::query_parameters::{
    ContainerArchiveInfoOptions, DownloadFromContainerOptions, UploadToContainerOptions,
};
use bollard::{Docker, body_try_stream};
use bytes::Bytes;
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::adapters::docker::tar::{self, Kind, NotAFile, Reader};
use crate::adapters::docker::{DockerEngine, convert, json, wire};
use crate::model::containers::ContainerId;
use crate::model::jobs::CopyOrder;
use crate::ports::EngineError;

/// Bytes read from a file at once.
const CHUNK: usize = 64 << 10;
/// An upload has one answer, at its end.
const LONGEST_UPLOAD: Duration = Duration::from_hours(1);
/// Links followed at most.
const LINKS: usize = 8;
/// Go's bits for what a path is.
const FOLDER: u32 = 1 << 31;
const LINK: u32 = 1 << 27;
/// Devices, pipes and sockets.
const ODD: u32 = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21;

type Progress = mpsc::Sender<(u64, u64)>;

impl DockerEngine {
    pub(super) async fn copy_file(&self, order: &CopyOrder, progress: Progress) -> Result<(), EngineError> {
        if !convert::is_id(order.container.as_str()) {
            return Err(EngineError::NotFound(String::from("that is no container id")));
        }
        if order.out { self.copy_out(order, &progress).await } else { self.copy_in(order, &progress).await }
    }

    async fn copy_out(&self, order: &CopyOrder, progress: &Progress) -> Result<(), EngineError> {
        let what = format!("copy {} out", json::shown(&order.inside));
        let docker = self.connected(&what)?;
        let Found { path: inside, size, .. } =
            find_file(&docker, &order.container, &order.inside, &what).await?;
        let target = if order.outside.is_dir() {
            order.outside.join(file_name(&inside).ok_or_else(|| other(&what, "that path names no file"))?)
        } else {
            order.outside.clone()
        };
        if !order.overwrite && target.exists() {
            return Err(EngineError::Conflict(format!(
                "cannot {what}: {} exists already and was left alone",
                shown(&target)
            )));
        }
        let _ = progress.try_send((0, size));
        let part = Part::beside(&target);
        let local = |error: std::io::Error| other(&what, &format!("{}: {error}", shown(&target)));
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).open(&part.0).await.map_err(local)?;
        let options = DownloadFromContainerOptions { path: inside };
        let mut pieces = std::pin::pin!(
            docker
                .with_timeout(wire::LONG_CALL)
                .download_from_container(order.container.as_str(), Some(options))
        );
        let (mut reader, mut sink, mut done) = (Reader::default(), Vec::new(), 0);
        // The engine may take its time, but not for ever: each piece has a limit of its own.
        while let Some(piece) = tokio::time::timeout(wire::LONG_CALL, pieces.next())
            .await
            .map_err(|_| EngineError::TimedOut(format!("cannot {what}: the engine sends nothing any more")))?
        {
            let piece = piece.map_err(|error| wire::explain(&what, &error))?;
            reader.push(&piece, &mut sink).map_err(|NotAFile(kind)| other(&what, refusal(kind)))?;
            file.write_all(&sink).await.map_err(local)?;
            done += sink.len() as u64;
            sink.clear();
            let _ = progress.try_send((done, size));
        }
        if !reader.is_complete() {
            return Err(other(&what, "the engine sent only a part of it; try again"));
        }
        file.flush().await.map_err(local)?;
        set_mode(&file, reader.found.as_ref().map_or(0o600, |found| found.mode)).await.map_err(local)?;
        fs::rename(&part.0, &target).await.map_err(local)
    }

    async fn copy_in(&self, order: &CopyOrder, progress: &Progress) -> Result<(), EngineError> {
        let source = &order.outside;
        let what = format!("copy {} in", shown(source));
        let docker = self.connected(&what)?;
        let local = |error: std::io::Error| other(&what, &error.to_string());
        let facts = fs::metadata(source).await.map_err(local)?;
        if !facts.is_file() {
            return Err(other(
                &what,
                if facts.is_dir() { refusal(Kind::Folder) } else { refusal(Kind::Other) },
            ));
        }
        let size = facts.len();
        if size > tar::LARGEST {
            return Err(other(&what, "it is larger than 8 GB"));
        }
        let file = File::open(source).await.map_err(local)?;
        let own_name = source.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (folder, name) = self.place_in(&order.container, &order.inside, &own_name, &what).await?;
        if name.is_empty() || name.len() > 99 {
            return Err(other(&what, "the file's name in the container must have 1 to 99 bytes"));
        }
        let _ = progress.try_send((0, size));
        let header = tar::header(&name, size, mode_of(&facts), modified(&facts));
        let archive = body(header.to_vec(), file, size, progress.clone());
        let options =
            UploadToContainerOptions { path: folder.clone(), ..UploadToContainerOptions::default() };
        let docker = docker.with_timeout(LONGEST_UPLOAD);
        let upload =
            docker.upload_to_container(order.container.as_str(), Some(options), body_try_stream(archive));
        upload.await.map_err(|error| match wire::explain(&what, &error) {
            EngineError::NotFound(words) => {
                EngineError::NotFound(format!("{words} (is there a folder {}?)", json::shown(&folder)))
            }
            error => error,
        })
    }

    /// Splits a path in the container into folder and name; a folder that exists takes the file's own name.
    async fn place_in(
        &self,
        id: &ContainerId,
        inside: &str,
        own_name: &str,
        what: &str,
    ) -> Result<(String, String), EngineError> {
        let docker = self.connected(what)?;
        let options = ContainerArchiveInfoOptions { path: inside.to_owned() };
        let ask = async {
            docker
                .get_container_archive_info(id.as_str(), Some(options))
                .await
                .map_err(|error| wire::explain(what, &error))
        };
        let is_folder = match wire::bounded(what, wire::CALL, ask).await {
            Ok(found) => found.file_mode & FOLDER != 0,
            Err(EngineError::NotFound(_)) => inside.ends_with('/'),
            Err(error) => return Err(error),
        };
        if is_folder {
            return Ok((inside.to_owned(), own_name.to_owned()));
        }
        let (folder, name) = inside.rsplit_once('/').unwrap_or(("", inside));
        Ok((if folder.is_empty() { String::from("/") } else { folder.to_owned() }, name.to_owned()))
    }
}

/// A file in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Without the links that led to it.
    pub path: String,
    pub size: u64,
    pub modified: Option<Timestamp>,
}

/// Finds the file behind links.
pub(super) async fn find_file(
    docker: &Docker,
    id: &ContainerId,
    path: &str,
    what: &str,
) -> Result<Found, EngineError> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let options = ContainerArchiveInfoOptions { path: path.clone() };
        let ask = async {
            docker
                .get_container_archive_info(id.as_str(), Some(options))
                .await
                .map_err(|error| wire::explain(what, &error))
        };
        let found = wire::bounded(what, wire::CALL, ask).await.map_err(|error| match error {
            // Of a path that does not exist engines say nothing but the code.
            EngineError::NotFound(_) => EngineError::NotFound(format!(
                "cannot {what}: there is no {} in the container (what is in /proc, /dev and tmpfs is not seen)",
                json::shown(&path)
            )),
            error => error,
        })?;
        if found.file_mode & LINK != 0 && !found.link_target.is_empty() && found.link_target != path {
            path = found.link_target;
        } else if found.file_mode & FOLDER != 0 {
            return Err(other(what, refusal(Kind::Folder)));
        } else if found.file_mode & ODD != 0 {
            return Err(other(what, refusal(Kind::Other)));
        } else {
            let size = u64::try_from(found.size).unwrap_or_default();
            let modified = found.modification_time.and_then(|at| at.parse().ok());
            return Ok(Found { path, size, modified });
        }
    }
    Err(other(what, "too many links lead to each other"))
}

/// A file under way; it goes unless it was renamed.
struct Part(PathBuf);

impl Part {
    fn beside(target: &Path) -> Self {
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self(target.with_file_name(format!(".{name}.{}.part", std::process::id())))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Streams an archive: header, content, padding and end.
fn body(
    header: Vec<u8>,
    file: File,
    size: u64,
    progress: Progress,
) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
    let head = futures_util::stream::iter([Ok(Bytes::from(header))]);
    let content = futures_util::stream::try_unfold((file, 0_u64), move |(mut file, done)| {
        let progress = progress.clone();
        async move {
            let left = size - done;
            if left == 0 {
                return Ok(None);
            }
            let mut chunk = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
            let count = file.read(&mut chunk).await?;
            if count == 0 {
                return Err(std::io::Error::other("the file became shorter while it was read"));
            }
            chunk.truncate(count);
            let done = done + count as u64;
            let _ = progress.try_send((done, size));
            Ok(Some((Bytes::from(chunk), (file, done))))
        }
    });
    let tail = vec![0; tar::padding(size) + 2 * tar::BLOCK];
    head.chain(content).chain(futures_util::stream::iter([Ok(Bytes::from(tail))]))
}

pub(super) fn refusal(kind: Kind) -> &'static str {
    match kind {
        Kind::Folder => "it is a folder; name one file in it",
        Kind::Link => "it is a link that leads nowhere",
        Kind::File | Kind::Extension | Kind::Other => "it is no regular file",
    }
}

pub(super) fn other(what: &str, why: &str) -> EngineError {
    EngineError::Other(format!("cannot {what}: {}", json::shown(why)))
}

fn shown(path: &Path) -> String {
    json::shown(&path.to_string_lossy())
}

fn file_name(path: &str) -> Option<&str> {
    path.rsplit('/').find(|part| !part.is_empty()).filter(|name| !matches!(*name, "." | ".."))
}

#[cfg(unix)]
async fn set_mode(file: &File, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    // Rights of other users' programs stay in the container.
    file.set_permissions(std::fs::Permissions::from_mode(mode & 0o777)).await
}

#[cfg(unix)]
fn mode_of(facts: &std::fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    facts.permissions().mode() & 0o777
}

fn modified(facts: &std::fs::Metadata) -> u64 {
    let since = facts.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_secs())
}
