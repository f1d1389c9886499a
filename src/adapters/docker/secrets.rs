//! What may hold secrets, as it is: a file, a program's output, a variable. For the reader of tokens only.
//!
//! Files go through the archive calls, so a stopped container has them, too, and so have its volumes.
//! Nothing here says what it read: errors name the place, never the content.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::query_parameters::{DownloadFromContainerOptions, UploadToContainerOptions};
use bytes::Bytes;
use futures_util::StreamExt;

use crate::adapters::docker::json::{Json, shown};
use crate::adapters::docker::tar::{self, NotAFile, Reader};
use crate::adapters::docker::{DockerEngine, container_path, copy, wire};
use crate::model::containers::ContainerId;
use crate::model::redact;
use crate::model::secret::{Captured, Secret, SecretFile};
use crate::ports::EngineError;

/// A larger file or output is no document with tokens.
const LIMIT: usize = 1 << 20;
/// Bytes of a complaint that are kept: its end tells why.
const COMPLAINT: usize = 2 << 10;
/// How long a program may take.
const PROGRAM: Duration = Duration::from_secs(15);
/// Rights of a new file that lies beside its target for a moment.
const MODE: u32 = 0o7777;

impl DockerEngine {
    pub(super) async fn read_secret_file(
        &self,
        id: &ContainerId,
        path: &str,
    ) -> Result<SecretFile, EngineError> {
        // Also checks that it is an id.
        container_path(id, "")?;
        let what = format!("read {}", shown(path));
        let other = |why: &str| EngineError::Other(format!("cannot {what}: {why}"));
        let docker = self.connected(&what)?;
        let found = copy::find_file(&docker, id, path, &what).await?;
        let inside = found.path;
        if found.size > LIMIT as u64 {
            return Err(other("it is larger than 1 MiB"));
        }
        let options = DownloadFromContainerOptions { path: inside.clone() };
        let work = async {
            let mut pieces = std::pin::pin!(docker.download_from_container(id.as_str(), Some(options)));
            let (mut reader, mut content) = (Reader::default(), Vec::new());
            while let Some(piece) = pieces.next().await {
                let piece = piece.map_err(|error| wire::explain(&what, &error))?;
                reader.push(&piece, &mut content).map_err(|NotAFile(_)| other("it is no regular file"))?;
                if content.len() > LIMIT {
                    return Err(other("it is larger than 1 MiB"));
                }
            }
            let content = Secret::new(content);
            match reader.found.as_ref().filter(|_| reader.is_complete()) {
                Some(found) => Ok(SecretFile {
                    content,
                    path: inside,
                    mode: found.mode & MODE,
                    uid: found.uid,
                    gid: found.gid,
                    modified: found.modified,
                }),
                None => Err(other("it was being written just now; try again")),
            }
        };
        wire::bounded(&what, wire::CALL, work).await
    }

    pub(super) async fn write_secret_file(
        &self,
        id: &ContainerId,
        file: &SecretFile,
    ) -> Result<(), EngineError> {
        let what = format!("write {}", shown(&file.path));
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let folder = if folder.is_empty() { "/" } else { folder };
        let beside = format!(".{}.stackdash", name.get(..name.len().min(80)).unwrap_or("token"));
        if self.is_running(id).await? && self.can_move(id).await {
            self.upload(id, folder, &beside, file, &what).await?;
            let part = format!("{}/{beside}", folder.trim_end_matches('/'));
            let back = self.read_secret_file(id, &part).await?;
            if back.content.bytes() != file.content.bytes() {
                let _ = self.run_as_root(id, ["rm", "-f", "--", &part]).await?;
                return Err(EngineError::Other(format!("cannot {what}: it came back different")));
            }
            let Err(why) = self.run_as_root(id, ["mv", "-f", "--", &part, &file.path]).await? else {
                return Ok(());
            };
            // A file that is mounted by itself can't be replaced, only written.
            let copied = self.run_as_root(id, ["cp", "--", &part, &file.path]).await?;
            if copied.is_ok() {
                // Nothing is lost where this fails: it is the new file's twin.
                let _ = self.run_as_root(id, ["rm", "-f", "--", &part]).await?;
                return Ok(());
            }
            let left = shown(&part);
            return Err(EngineError::Other(format!(
                "cannot {what}: mv failed: {why}; it lies at {left} now"
            )));
        }
        // Nobody runs who could see a half-written file, or there is no `mv`: the old one is kept here.
        let old = self.read_secret_file(id, &file.path).await?;
        self.upload(id, folder, name, file, &what).await?;
        match self.read_secret_file(id, &file.path).await {
            Ok(back) if back.content.bytes() == file.content.bytes() => Ok(()),
            _ => {
                self.upload(id, folder, name, &old, &what).await?;
                Err(EngineError::Other(format!("cannot {what}: it came back different; the old one is back")))
            }
        }
    }

    /// Runs a program; the inner error is what it said.
    async fn run_as_root<const N: usize>(
        &self,
        id: &ContainerId,
        arguments: [&str; N],
    ) -> Result<Result<(), String>, EngineError> {
        let done = self.capture_as(id, &arguments.map(str::to_owned), Some("0:0")).await?;
        Ok(if done.exit_code == Some(0) { Ok(()) } else { Err(done.complaint) })
    }

    async fn is_running(&self, id: &ContainerId) -> Result<bool, EngineError> {
        let inspection = self.inspection(id, "look at the container").await?;
        let state = Json(&inspection).at("State");
        Ok(state.flag("Running") && !state.flag("Paused"))
    }

    async fn can_move(&self, id: &ContainerId) -> bool {
        // Every `mv` knows `--`; what it answers to a missing file does not matter, only that it is there.
        let order = ["mv", "--", "/.stackdash-no-such-file", "/.stackdash-no-such-file"].map(str::to_owned);
        let done = self.capture_as(id, &order, Some("0:0")).await;
        done.is_ok_and(|done| done.exit_code.is_some_and(|code| !matches!(code, 126 | 127)))
    }

    async fn upload(
        &self,
        id: &ContainerId,
        folder: &str,
        name: &str,
        file: &SecretFile,
        what: &str,
    ) -> Result<(), EngineError> {
        container_path(id, "")?;
        let content = file.content.bytes();
        if name.is_empty() || name.len() > 99 || content.len() > LIMIT {
            return Err(EngineError::Other(format!("cannot {what}: its name or its content is too long")));
        }
        let docker = self.connected(what)?;
        let size = content.len() as u64;
        let header = tar::owned_by(tar::header(name, size, file.mode, file.modified), file.uid, file.gid);
        let mut archive = header.to_vec();
        archive.extend_from_slice(content);
        archive.resize(archive.len() + tar::padding(size) + 2 * tar::BLOCK, 0);
        let options =
            UploadToContainerOptions { path: folder.to_owned(), ..UploadToContainerOptions::default() };
        let work = async {
            docker
                .upload_to_container(id.as_str(), Some(options), bollard::body_full(Bytes::from(archive)))
                .await
                .map_err(|error| wire::explain(what, &error))
        };
        wire::bounded(what, wire::LONG_CALL, work).await
    }

    pub(super) async fn capture_output(
        &self,
        id: &ContainerId,
        arguments: &[String],
    ) -> Result<Captured, EngineError> {
        self.capture_as(id, arguments, None).await
    }

    pub(super) async fn capture_as(
        &self,
        id: &ContainerId,
        arguments: &[String],
        user: Option<&str>,
    ) -> Result<Captured, EngineError> {
        container_path(id, "")?;
        let what = format!("run {}", shown(arguments.first().map_or("nothing", String::as_str)));
        let docker = self.connected(&what)?;
        let options = CreateExecOptions {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(arguments.to_vec()),
            user: user.map(str::to_owned),
            ..CreateExecOptions::default()
        };
        let work = async {
            let explained = |error: bollard::errors::Error| wire::explain(&what, &error);
            let exec = docker.create_exec(id.as_str(), options).await.map_err(explained)?.id;
            let start = StartExecOptions { detach: false, tty: false, output_capacity: None };
            let StartExecResults::Attached { output: mut chunks, input } =
                docker.start_exec(&exec, Some(start)).await.map_err(explained)?
            else {
                return Err(EngineError::Other(format!("cannot {what}: the engine attached nothing")));
            };
            drop(input);
            let (mut output, mut complaint) = (Vec::new(), Vec::new());
            while let Some(chunk) = chunks.next().await {
                match chunk.map_err(explained)? {
                    LogOutput::StdErr { message } => {
                        complaint.extend_from_slice(&message);
                        let excess = complaint.len().saturating_sub(COMPLAINT);
                        complaint.drain(..excess);
                    }
                    chunk => output.extend_from_slice(&chunk.into_bytes()),
                }
                if output.len() > LIMIT {
                    return Err(EngineError::Other(format!("cannot {what}: it printed more than 1 MiB")));
                }
            }
            let path = format!("/exec/{exec}/json");
            let end = wire::get_json(&docker, &path, &what, wire::CALL).await?;
            let exit_code = Json(&end).integer("ExitCode");
            // Engines say on standard output that there is no such program.
            if matches!(exit_code, Some(126 | 127)) && complaint.is_empty() {
                complaint = std::mem::take(&mut output);
                complaint.truncate(COMPLAINT);
            }
            let complaint = redact::text(&shown(&String::from_utf8_lossy(&complaint)));
            Ok(Captured { output: Secret::new(output), complaint, exit_code })
        };
        wire::bounded(&what, PROGRAM, work).await
    }

    pub(super) async fn read_variable(
        &self,
        id: &ContainerId,
        name: &str,
    ) -> Result<Option<Secret>, EngineError> {
        let what = format!("read the environment of {}", id.short());
        let inspection = self.inspection(id, &what).await?;
        let mut pairs = Json(&inspection).at("Config").at("Env").texts_here();
        let found = pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        Ok(found.map(|value| Secret::from(value.to_owned())))
    }
}
