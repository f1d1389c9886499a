//! The two streams of the engine: events and logs.
//!
//! Each ends when the engine ends it; the callers decide whether to open it again.

use bollard::Docker;
use bytes::{Buf, BytesMut};
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use serde_json::Value;

use crate::adapters::docker::json::Json;
use crate::adapters::docker::logs::Decoder;
use crate::adapters::docker::{events, wire};
use crate::event::EngineEvent;
use crate::model::containers::ContainerId;
use crate::model::logs::LogLine;
use crate::ports::{BoxStream, EngineError, LogRequest};

/// Lines of a batch at most: enough to be cheap, few enough to be short.
const BATCH: usize = 512;
/// Chunks that are taken together when they are there already.
const CHUNKS: usize = 16;
/// One event has under 10 kB even with many labels.
const LONGEST_EVENT: usize = 1 << 20;

/// Streams events, one error at most as the last item.
pub fn events(
    docker: &Docker,
    since: Option<Timestamp>,
) -> BoxStream<'static, Result<EngineEvent, EngineError>> {
    const WHAT: &str = "read the events";
    let chunks = wire::stream(docker, &events::path(since));
    let mut rest = BytesMut::new();
    let mut broken = false;
    let batches = chunks.map(move |chunk| {
        let mut found = Vec::new();
        if broken {
            return found;
        }
        match chunk {
            Ok(chunk) => rest.extend_from_slice(&chunk),
            Err(error) => found.push(Err(wire::explain(WHAT, &error))),
        }
        while let Some(newline) = rest.iter().position(|byte| *byte == b'\n') {
            let line = rest.split_to(newline);
            rest.advance(1);
            if line.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice::<Value>(&line) {
                Ok(message) => found.extend(events::event(&message).map(Ok)),
                Err(error) => {
                    found.push(Err(EngineError::Other(format!("cannot {WHAT}: one is no JSON ({error})"))));
                    break;
                }
            }
        }
        if rest.len() > LONGEST_EVENT {
            found.push(Err(EngineError::Other(format!("cannot {WHAT}: one is larger than 1 MB"))));
        }
        // What follows a broken one cannot be trusted: the picture is to be listed again.
        broken = found.iter().any(Result::is_err);
        found
    });
    Box::pin(until_error(batches.flat_map(stream::iter)))
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
    if request.follow {
        path.push_str("&follow=1");
    }
    // The end of the bytes is an item of its own, so that the last line without a newline comes out.
    let chunks = wire::stream(&docker, &path).map(Some).chain(stream::iter([None])).ready_chunks(CHUNKS);
    let mut decoder = Decoder::new(id.clone(), request.tty, Timestamp::now());
    let batches = chunks.then(move |chunks| {
        let mut lines = Vec::new();
        let mut failure = None;
        for chunk in chunks {
            match chunk {
                Some(Ok(chunk)) => decoder.push(&chunk, &mut lines),
                Some(Err(error)) => failure = Some(error),
                None => decoder.finish(&mut lines),
            }
        }
        let mut batches: Vec<Result<Vec<LogLine>, EngineError>> = Vec::new();
        while !lines.is_empty() {
            let rest = lines.split_off(lines.len().min(BATCH));
            batches.push(Ok(std::mem::replace(&mut lines, rest)));
        }
        let (docker, id) = (docker.clone(), id.clone());
        async move {
            if let Some(error) = failure {
                batches.push(Err(refusal(&docker, &id, &error).await));
            }
            stream::iter(batches)
        }
    });
    Box::pin(until_error(batches.flatten()))
}

/// Ends a stream behind its first error.
fn until_error<T>(
    items: impl stream::Stream<Item = Result<T, EngineError>>,
) -> impl stream::Stream<Item = Result<T, EngineError>> {
    items.scan(false, |ended, item| {
        let over = std::mem::replace(ended, *ended || item.is_err());
        std::future::ready((!over).then_some(item))
    })
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
