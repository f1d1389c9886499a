//! Requests to the engine: bollard's transport, our own decoding.
//!
//! bollard brings the connections (unix, tcp, TLS) and the error answers. Its decoding is strict,
//! though: one word that it does not know fails a whole list or ends the event stream, and its log
//! decoder holds back text without a newline. So whatever is read goes out as its one request that
//! hands over the body as it is, with our path in place of its own; what comes back is decoded here.
//! Each request has a connection of its own, as always with bollard; the list's inspections are
//! bounded, and afterwards the event stream is all there is, so nothing is gained by keeping any.

use std::time::Duration;

use bollard::Docker;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use hyper::Uri;
use hyper::header::CONTENT_TYPE;
use serde_json::Value;

use crate::adapters::docker::json::shown;
use crate::ports::EngineError;

/// How long a call may take, all of it.
pub const CALL: Duration = Duration::from_secs(10);
/// Lists, and sums over the engine's whole disk.
pub const LONG_CALL: Duration = Duration::from_secs(30);
/// For streams: Podman answers only when the first item is there, which may be never.
const STREAM_HEAD: Duration = Duration::from_hours(10 * 365 * 24);
/// No honest answer is larger; a list of a thousand containers has 2 MB.
const LARGEST_ANSWER: usize = 64 << 20;

/// Streams the body of a GET request as it comes.
pub fn stream(
    docker: &Docker,
    path: &str,
) -> impl Stream<Item = Result<Bytes, bollard::errors::Error>> + use<> {
    let path = path.to_owned();
    docker
        .clone()
        .with_timeout(STREAM_HEAD)
        .with_request_modifier(move |mut request| {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = path.parse().ok();
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
            request.headers_mut().remove(CONTENT_TYPE);
            request
        })
        .export_container("-")
}

/// Reads the whole answer of a GET request. `what` completes "cannot …".
pub async fn get(docker: &Docker, path: &str, what: &str, limit: Duration) -> Result<Bytes, EngineError> {
    bounded(what, limit, async {
        let mut chunks = stream(docker, path);
        let mut body = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk.map_err(|error| explain(what, &error))?);
            if body.len() > LARGEST_ANSWER {
                return Err(EngineError::Other(format!("cannot {what}: the answer is larger than 64 MB")));
            }
        }
        Ok(body.freeze())
    })
    .await
}

/// Reads the JSON answer of a GET request.
pub async fn get_json(
    docker: &Docker,
    path: &str,
    what: &str,
    limit: Duration,
) -> Result<Value, EngineError> {
    let body = get(docker, path, what, limit).await?;
    serde_json::from_slice(&body)
        .map_err(|error| EngineError::Other(format!("cannot {what}: the answer is no JSON ({error})")))
}

/// Gives a call so much time and no more.
pub async fn bounded<T>(
    what: &str,
    limit: Duration,
    call: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    match tokio::time::timeout(limit, call).await {
        Ok(result) => result,
        Err(_) => Err(too_late(what, limit)),
    }
}

pub fn too_late(what: &str, limit: Duration) -> EngineError {
    EngineError::TimedOut(format!("cannot {what}: no answer within {} s", limit.as_secs()))
}

/// Says in our words what bollard reports: what was tried, and the engine's own message.
pub fn explain(what: &str, error: &bollard::errors::Error) -> EngineError {
    use bollard::errors::Error;
    let sentence = |message: &str| format!("cannot {what}: {message}");
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            let message = shown(message);
            // An engine that speaks TLS says so to whoever does not.
            let wants_tls = message.contains("HTTP request to an HTTPS server");
            let text = if message.is_empty() {
                sentence(&format!("the engine answered {status_code}"))
            } else {
                sentence(&message)
            };
            match status_code {
                404 => EngineError::NotFound(text),
                409 => EngineError::Conflict(text),
                401 | 403 => EngineError::Unauthorized(text),
                400 if wants_tls => EngineError::Unauthorized(text),
                _ => EngineError::Other(text),
            }
        }
        Error::RequestTimeoutError => EngineError::TimedOut(sentence("no answer in time")),
        Error::SocketNotFoundError(path) => {
            EngineError::Unreachable(sentence(&format!("no socket at {}", shown(path))))
        }
        Error::CertPathError { path }
        | Error::CertParseError { path }
        | Error::CertMultipleKeys { path, .. } => EngineError::Unauthorized(sentence(&format!(
            "no usable certificate in {}",
            shown(&path.to_string_lossy())
        ))),
        Error::NoHomePathError | Error::NoNativeCertsError { .. } | Error::LoadNativeCertsErrors { .. } => {
            EngineError::Unauthorized(sentence(&shown(&error.to_string())))
        }
        Error::HyperLegacyError { .. } | Error::HyperResponseError { .. } | Error::IOError { .. } => {
            connection(error, &sentence)
        }
        other => EngineError::Other(sentence(&shown(&other.to_string()))),
    }
}

/// Finds the root of a broken connection; what stands above it only repeats that it broke.
fn connection(error: &(dyn std::error::Error + 'static), sentence: &dyn Fn(&str) -> String) -> EngineError {
    let mut root = error;
    let mut denied = false;
    while let Some(source) = root.source() {
        root = source;
        if let Some(io) = root.downcast_ref::<std::io::Error>() {
            denied |= io.kind() == std::io::ErrorKind::PermissionDenied;
        }
    }
    let words = shown(&root.to_string());
    // Engines that restart end TLS like this too, so it says nothing of certificates.
    if words.contains("close_notify") {
        return EngineError::Unreachable(sentence("the engine closed the connection"));
    }
    let lower = words.to_ascii_lowercase();
    if denied {
        EngineError::PermissionDenied(sentence(&words))
    } else if ["certificate", "tls", "handshake", "corrupt message"].iter().any(|word| lower.contains(word)) {
        EngineError::Unauthorized(sentence(&words))
    } else {
        EngineError::Unreachable(sentence(&words))
    }
}
