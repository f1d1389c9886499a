//! Log files inside containers, followed without running anything there.
//!
//! Theory of operation: a file is looked at on a beat. Where the container's processes are this machine's
//! and we may look into them, it is read in place, a few times a second, and the descriptor that is kept
//! shows the end of a file that was renamed away. Everywhere else the engine's archive call tells size and
//! time, slowly, and hands over the whole file when it grew; that is bounded, and large files have a longer
//! beat. Both work in images without any program. A container that has stopped is read once, to its end.

#[cfg(target_os = "linux")]
mod here;
#[cfg(not(target_os = "linux"))]
#[path = "log_files/elsewhere.rs"]
mod here;

#[cfg(target_os = "linux")]
pub use here::is_of;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::query_parameters::DownloadFromContainerOptions;
use futures_util::StreamExt;
use futures_util::stream;
use jiff::Timestamp;

use crate::adapters::docker::copy::{find_file, other, refusal};
use crate::adapters::docker::json::{self, Json};
use crate::adapters::docker::log_files::here::Here;
use crate::adapters::docker::tar::{NotAFile, Reader};
use crate::adapters::docker::wire;
use crate::model::logs::file::{self, FileNews, Found, Tail};
use crate::model::logs::{LogLine, LogSource};
use crate::ports::{BoxStream, EngineError, FileRequest};

/// How often a file of this machine is looked at.
const HERE: Duration = Duration::from_millis(250);
/// How often the engine is asked about one, and how seldom where that costs much.
const ENGINE: Duration = Duration::from_secs(2);
const SELDOM: Duration = Duration::from_mins(1);
/// A look may take this part of the time.
const EFFORT: u32 = 20;
/// Bytes from the end that are read of a file at first, or at once when it has grown.
const MOST: u64 = 16 << 20;
/// A file of which the engine would send more than this is not asked for.
const LARGEST: u64 = 1 << 30;

/// Streams what a file says, one error at most as the last item.
pub fn stream(
    docker: Docker,
    is_local: bool,
    source: LogSource,
    request: FileRequest,
) -> BoxStream<'static, Result<FileNews, EngineError>> {
    let path = source.file.as_deref().unwrap_or_default().to_owned();
    let tail = request.resume.as_deref().map(|tail| tail.clone().moved_to(source.clone()));
    let follower = Follower {
        what: format!("read {}", json::shown(&path)),
        docker,
        is_local,
        source,
        path,
        lines_wanted: request.tail as usize,
        follow: request.follow,
        tail,
        here: None,
        known: None,
        said: None,
        pause: None,
        queue: VecDeque::new(),
        is_over: false,
    };
    Box::pin(stream::unfold(follower, async |mut follower| Some((follower.next().await?, follower))))
}

/// What tells that a file has not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Facts {
    size: u64,
    modified: Option<Timestamp>,
    /// Device and number, where they are known.
    identity: Option<(u64, u64)>,
}

struct Follower {
    docker: Docker,
    is_local: bool,
    source: LogSource,
    path: String,
    what: String,
    lines_wanted: usize,
    follow: bool,
    tail: Option<Tail>,
    here: Option<Here>,
    /// The file as it was looked at last.
    known: Option<Facts>,
    /// Why there is nothing to read, as it was told last.
    said: Option<String>,
    pause: Option<Duration>,
    queue: VecDeque<Result<FileNews, EngineError>>,
    is_over: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<FileNews, EngineError>> {
        loop {
            if let Some(news) = self.queue.pop_front() {
                return Some(news);
            }
            if self.is_over {
                return None;
            }
            if let Some(pause) = self.pause {
                tokio::time::sleep(pause).await;
            }
            self.look().await;
        }
    }

    /// Looks once; whatever is new comes into the queue.
    async fn look(&mut self) {
        let began = Instant::now();
        let is_running = match self.find_here().await {
            Ok(is_running) => is_running,
            Err(error) => return self.end(error),
        };
        let mut lines = Vec::new();
        let found = match &self.here {
            Some(_) => self.look_here(&mut lines).await,
            None => self.look_by_engine(&mut lines).await,
        };
        if !is_running && let Some(tail) = &mut self.tail {
            tail.finish(Timestamp::now(), &mut lines);
        }
        match found {
            Ok(()) => {
                let is_first = self.pause.is_none() || self.said.take().is_some();
                if (is_first || !lines.is_empty())
                    && let Some(tail) = &self.tail
                {
                    self.queue.push_back(Ok(FileNews::Lines(lines, Arc::new(tail.clone()))));
                }
            }
            Err(error) if error.is_connection() || !self.follow || !is_running => return self.end(error),
            Err(error) => {
                let why = error.to_string();
                if self.said.as_ref() != Some(&why) {
                    self.said = Some(why.clone());
                    self.queue.push_back(Ok(FileNews::Waiting(why)));
                }
            }
        }
        self.is_over = !self.follow || !is_running;
        let beat = if self.here.is_some() { HERE } else { ENGINE };
        self.pause = Some((began.elapsed() * EFFORT).clamp(beat, SELDOM));
    }

    fn end(&mut self, error: EngineError) {
        self.queue.push_back(Err(error));
        self.is_over = true;
    }

    /// Finds the way to the file; returns whether the container runs.
    async fn find_here(&mut self) -> Result<bool, EngineError> {
        if let Some(here) = &self.here
            && here.is_alive()
        {
            return Ok(true);
        }
        let what = format!("look at {}", self.source.container.short());
        let path = format!("/containers/{}/json", self.source.container);
        let inspection = wire::get_json(&self.docker, &path, &what, wire::CALL).await?;
        let state = Json(&inspection);
        let is_running = state.flag("State/Running");
        // What was open stays open: a file that was renamed away is read to its end.
        let open = self.here.take().and_then(Here::into_open);
        if is_running && self.is_local {
            let process = state.count("State/Pid").and_then(|pid| u32::try_from(pid).ok());
            self.here = process.and_then(|pid| Here::find(pid, self.source.container.as_str(), open));
        }
        Ok(is_running)
    }

    async fn look_here(&mut self, lines: &mut Vec<LogLine>) -> Result<(), EngineError> {
        let Some(mut here) = self.here.take() else { return Ok(()) };
        let (path, tail, known) = (self.path.clone(), self.tail.clone(), self.known);
        let wanted = self.lines_wanted;
        let source = self.source.clone();
        // A file may lie on a slow disk.
        let work = tokio::task::spawn_blocking(move || {
            let mut lines = Vec::new();
            let seen = here.look(&path, source, tail, known, wanted, &mut lines);
            (here, seen, lines)
        });
        let (here, seen, found) = work.await.map_err(|error| other(&self.what, &error.to_string()))?;
        self.here = Some(here);
        lines.extend(found);
        match seen {
            Ok((tail, facts)) => {
                self.tail = Some(tail);
                self.known = Some(facts);
                Ok(())
            }
            // What we may not read, the engine may.
            Err(here::Trouble::Denied) => {
                self.is_local = false;
                self.here = None;
                self.look_by_engine(lines).await
            }
            Err(here::Trouble::Missing) => Err(EngineError::NotFound(format!(
                "cannot {}: there is no such file in the container yet",
                self.what
            ))),
            Err(here::Trouble::NoFile(kind)) => Err(other(&self.what, refusal(kind))),
            Err(here::Trouble::Binary) => Err(other(&self.what, NO_TEXT)),
            Err(here::Trouble::Other(why)) => Err(other(&self.what, &why)),
        }
    }

    async fn look_by_engine(&mut self, lines: &mut Vec<LogLine>) -> Result<(), EngineError> {
        let id = &self.source.container;
        let found = find_file(&self.docker, id, &self.path, &self.what).await?;
        let facts = Facts { size: found.size, modified: found.modified, identity: None };
        if self.tail.is_some() && self.known == Some(facts) {
            return Ok(());
        }
        if found.size > LARGEST {
            let size = found.size >> 20;
            return Err(other(
                &self.what,
                &format!(
                    "it has {size} MB, and the engine can only send all of it: rotate it, or run stackdash as root on the engine's machine"
                ),
            ));
        }
        let now = Timestamp::now();
        let written = found.modified.unwrap_or(now);
        if let Some(tail) = self.tail.clone() {
            // Everything at once: a gap would be lines lost.
            let bytes = match tail.from(found.size) {
                Some(from) => Some(self.fetch(&found.path, from, u64::MAX).await?.0),
                None => None,
            };
            let mut tail = tail;
            let grown = bytes.is_some_and(|bytes| tail.take(&bytes, now, lines) == Found::Grown);
            if !grown {
                self.take_rest(&mut tail, &found.path, now, lines).await;
                tail.rotate(now, lines);
                let at = lines.last().map_or(now, |line| line.at);
                lines.push(tail.remark(at, ROTATED));
                let (bytes, _) = self.fetch(&found.path, 0, u64::MAX).await?;
                tail.take(&bytes, now, lines);
            }
            self.tail = Some(tail);
        } else {
            let (bytes, start) = self.fetch(&found.path, 0, MOST).await?;
            self.tail =
                Some(begin(&self.source, &bytes, start, self.lines_wanted, written, lines, &self.what)?);
        }
        // Read a moment later than it was asked about: what came meanwhile is in, or comes with the next look.
        self.known = Some(facts);
        Ok(())
    }

    /// Reads what was written to a file before it was rotated, if it lies where files are rotated to.
    async fn take_rest(&self, tail: &mut Tail, path: &str, now: Timestamp, lines: &mut Vec<LogLine>) {
        let old = format!("{path}.1");
        let Ok(found) = find_file(&self.docker, &self.source.container, &old, &self.what).await else {
            return;
        };
        if let Some(from) = tail.from(found.size).filter(|_| found.size <= LARGEST)
            && let Ok((bytes, _)) = self.fetch(&found.path, from, u64::MAX).await
        {
            tail.take(&bytes, now, lines);
        }
    }

    /// Reads a file from a place on, at most so many bytes from its end; returns where they begin.
    async fn fetch(&self, path: &str, from: u64, most: u64) -> Result<(Vec<u8>, u64), EngineError> {
        let options = DownloadFromContainerOptions { path: path.to_owned() };
        let docker = self.docker.clone().with_timeout(wire::LONG_CALL);
        let mut pieces =
            std::pin::pin!(docker.download_from_container(self.source.container.as_str(), Some(options)));
        let (mut reader, mut bytes, mut start) = (Reader::default(), Vec::new(), 0_u64);
        while let Some(piece) = tokio::time::timeout(wire::LONG_CALL, pieces.next()).await.map_err(|_| {
            EngineError::TimedOut(format!("cannot {}: the engine sends nothing any more", self.what))
        })? {
            let piece = piece.map_err(|error| wire::explain(&self.what, &error))?;
            reader.push(&piece, &mut bytes).map_err(|NotAFile(kind)| other(&self.what, refusal(kind)))?;
            let early = from.saturating_sub(start).min(bytes.len() as u64);
            let excess = (bytes.len() as u64 - early).saturating_sub(most.saturating_mul(2));
            // Seldom, because what is kept moves.
            if early > 0 || excess > 0 {
                let cut = if excess > 0 { bytes.len() as u64 - most } else { early };
                bytes.drain(..cut as usize);
                start += cut;
            }
        }
        if !reader.is_complete() {
            return Err(other(&self.what, "the engine sent only a part of it; it is tried again"));
        }
        let excess = (bytes.len() as u64).saturating_sub(most);
        bytes.drain(..excess as usize);
        Ok((bytes, start + excess))
    }
}

const ROTATED: &str = "rotated: a new file from here on";
const NO_TEXT: &str = "it holds zero bytes, so it is no text";

/// Takes the last lines of a file that is read for the first time.
fn begin(
    source: &LogSource,
    bytes: &[u8],
    start: u64,
    wanted: usize,
    written: Timestamp,
    lines: &mut Vec<LogLine>,
    what: &str,
) -> Result<Tail, EngineError> {
    if file::is_binary(bytes) {
        return Err(other(what, NO_TEXT));
    }
    let cut = file::last_lines(bytes, wanted);
    let mut tail = Tail::at(source.clone(), start + cut as u64);
    tail.learn(bytes, written);
    tail.take(&bytes[cut..], written, lines);
    if cut == 0 && start > 0 {
        let at = lines.first().map_or(written, |line| line.at);
        let size = (start + bytes.len() as u64) >> 20;
        lines.insert(0, tail.remark(at, format!("of {size} MB only the last {} were read", MOST >> 20)));
    }
    Ok(tail)
}
