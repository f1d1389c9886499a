//! The two streams of the engine: events and logs.
//!
//! Each ends when the engine ends it; the callers decide whether to open it again.

use std::time::Duration;

use bollard::Docker;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use serde_json::Value;

use crate::adapters::docker::json::Json;
use crate::adapters::docker::logs::{Decoder, RawLine};
use crate::adapters::docker::{events, wire};
use crate::event::EngineEvent;
use crate::model::containers::ContainerId;
use crate::model::logs::{LogLine, LogSource};
use crate::ports::{BoxStream, EngineError, LogRequest};

/// Lines of a batch at most: enough to be cheap, few enough to be short.
pub const BATCH: usize = 512;
/// How long a batch may wait for more lines: shorter than a frame of the screen.
const GATHER: Duration = Duration::from_millis(8);
/// One event has under 10 kB even with many labels.
const LONGEST_EVENT: usize = 1 << 20;

/// Streams events, one error at most as the last item.
pub fn events(
    docker: &Docker,
    since: Option<Timestamp>,
) -> BoxStream<'static, Result<EngineEvent, EngineError>> {
    let reader = EventReader {
        chunks: Box::pin(wire::stream(docker, &events::path(since))),
        rest: BytesMut::new(),
        failed: false,
    };
    Box::pin(stream::unfold(reader, async |mut reader| Some((reader.next().await?, reader))))
}

/// The event stream being read: one JSON value a line.
struct EventReader {
    chunks: BoxStream<'static, Result<Bytes, bollard::errors::Error>>,
    rest: BytesMut,
    /// What follows a broken one cannot be trusted: the containers are to be listed again.
    failed: bool,
}

impl EventReader {
    async fn next(&mut self) -> Option<Result<EngineEvent, EngineError>> {
        while !self.failed {
            if let Some(newline) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line = self.rest.split_to(newline + 1);
                match read_event(&line) {
                    Ok(None) => continue,
                    Ok(Some(event)) => return Some(Ok(event)),
                    Err(why) => return Some(self.fail(&why)),
                }
            }
            if self.rest.len() > LONGEST_EVENT {
                return Some(self.fail("one is larger than 1 MB"));
            }
            match self.chunks.next().await? {
                Ok(chunk) => self.rest.extend_from_slice(&chunk),
                Err(error) => {
                    self.failed = true;
                    return Some(Err(wire::explain("read the events", &error)));
                }
            }
        }
        None
    }

    fn fail(&mut self, why: &str) -> Result<EngineEvent, EngineError> {
        self.failed = true;
        Err(EngineError::Other(format!("cannot read the events: {why}")))
    }
}

/// Reads a line of the stream; none where it does not concern us.
fn read_event(line: &[u8]) -> Result<Option<EngineEvent>, String> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let message: Value = serde_json::from_slice(line).map_err(|error| format!("one is no JSON ({error})"))?;
    Ok(events::event(&message))
}

/// Streams batches of log lines, one error at most as the last item.
pub fn logs(
    docker: Docker,
    id: ContainerId,
    path: &str,
    request: &LogRequest,
) -> BoxStream<'static, Result<Vec<LogLine>, EngineError>> {
    let mut path = format!("{path}?stdout=1&stderr=1&timestamps=1&tail={}", request.tail);
    if let Some(since) = request.since {
        path.push_str("&since=");
        path.push_str(&events::seconds(since));
    }
    if let Some(until) = request.until {
        path.push_str("&until=");
        path.push_str(&events::seconds(until));
    }
    if request.follow {
        path.push_str("&follow=1");
    }
    let reader = LogReader {
        chunks: Box::pin(wire::stream(&docker, &path)),
        decoder: Decoder::new(request.tty, Timestamp::now()),
        lines: Vec::new(),
        failure: None,
        over: false,
        docker,
        source: (&id).into(),
        id,
    };
    Box::pin(stream::unfold(reader, async |mut reader| Some((reader.next().await?, reader))))
}

/// One log being read.
struct LogReader {
    chunks: BoxStream<'static, Result<Bytes, bollard::errors::Error>>,
    decoder: Decoder,
    /// Read, not yet handed out.
    lines: Vec<RawLine>,
    failure: Option<bollard::errors::Error>,
    over: bool,
    docker: Docker,
    id: ContainerId,
    source: LogSource,
}

impl LogReader {
    async fn next(&mut self) -> Option<Result<Vec<LogLine>, EngineError>> {
        if self.lines.is_empty() {
            self.gather().await;
        }
        if !self.lines.is_empty() {
            let batch = self.lines.drain(..self.lines.len().min(BATCH));
            return Some(Ok(batch.map(|line| line.into_line(&self.source)).collect()));
        }
        let failure = self.failure.take()?;
        Some(Err(refusal(&self.docker, &self.id, &failure).await))
    }

    /// Reads until there are lines, then goes on for a moment: the engine sends each line as a chunk
    /// of its own, and a flood should not come as one batch a line.
    async fn gather(&mut self) {
        while self.lines.is_empty() && !self.over {
            let chunk = self.chunks.next().await;
            self.take(chunk);
        }
        let mut moment = std::pin::pin!(tokio::time::sleep(GATHER));
        while self.lines.len() < BATCH && !self.over {
            tokio::select! {
                biased;
                chunk = self.chunks.next() => self.take(chunk),
                () = &mut moment => return,
            }
        }
    }

    fn take(&mut self, chunk: Option<Result<Bytes, bollard::errors::Error>>) {
        match chunk {
            Some(Ok(chunk)) => self.decoder.push(&chunk, &mut self.lines),
            // Also at the end, so that a last line without a newline comes out.
            end => {
                self.decoder.finish(&mut self.lines);
                self.failure = end.and_then(Result::err);
                self.over = true;
            }
        }
    }
}

/// Explains why a log cannot be read. Some drivers send it away and keep nothing to read.
async fn refusal(docker: &Docker, id: &ContainerId, error: &bollard::errors::Error) -> EngineError {
    const WHAT: &str = "read the log";
    let explained = wire::explain(WHAT, error);
    if !explained.to_string().contains("does not support reading") {
        return explained;
    }
    let path = format!("/containers/{id}/json");
    let inspection = wire::get_json(docker, &path, WHAT, wire::CALL).await.unwrap_or_default();
    let driver = Json(&inspection).line("HostConfig/LogConfig/Type");
    EngineError::Other(format!(
        "cannot {WHAT}: the log driver \"{driver}\" keeps nothing to read; use json-file or local, or read it where it goes"
    ))
}
