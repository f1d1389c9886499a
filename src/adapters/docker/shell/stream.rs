//! A connection that is taken over for the bytes of a terminal.
//!
//! Over a unix socket (tunnels included) and over plain TCP the connection is upgraded and its bytes pass
//! unchanged; bollard's decoder would take a first byte below 3 for a frame header and stall. Only where
//! TLS stands between is bollard's own attach used.

use std::path::PathBuf;

use bollard::Docker;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::query_parameters::AttachContainerOptionsBuilder;
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, UPGRADE};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::adapters::docker::json::{Json, shown};
use crate::adapters::docker::wire::{bounded, explain};
use crate::adapters::docker::{DockerEngine, Endpoint, wire};
use crate::ports::EngineError;

/// Chunks that may wait on their way.
const CHUNKS: usize = 64;

/// Whose terminal is meant, by id.
pub enum Source<'a> {
    Exec(&'a str),
    Container(&'a str),
}

/// Bytes out of a terminal and into it.
pub struct Wires {
    pub output: mpsc::Receiver<Vec<u8>>,
    pub input: mpsc::Sender<Vec<u8>>,
}

impl DockerEngine {
    /// Takes over the terminal of an exec, which starts with it, or of a container.
    pub(super) async fn take_over(
        &self,
        docker: &Docker,
        source: &Source<'_>,
        what: &str,
    ) -> Result<Wires, EngineError> {
        let (output_in, output) = mpsc::channel(CHUNKS);
        let (input, keys) = mpsc::channel(CHUNKS);
        match self.way().await {
            Some(way) => {
                let stream = bounded(what, wire::CALL, upgraded(way, source, what)).await?;
                let (reader, writer) = tokio::io::split(stream);
                tokio::spawn(read(reader, output_in));
                tokio::spawn(write(writer, keys));
            }
            None => attach(docker, source, what, output_in, keys).await?,
        }
        Ok(Wires { output, input })
    }

    /// Returns where a connection of our own can be made; `None` over TLS.
    async fn way(&self) -> Option<Way> {
        match &self.endpoint {
            Endpoint::Tcp { url, tls: None } => {
                let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                Some(Way::Address(rest.trim_end_matches('/').to_owned()))
            }
            _ => self.socket().await.map(Way::Socket),
        }
    }
}

enum Way {
    Socket(PathBuf),
    Address(String),
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

async fn upgraded(
    way: Way,
    source: &Source<'_>,
    what: &str,
) -> Result<impl AsyncRead + AsyncWrite + Send + use<>, EngineError> {
    let failed = |words: &str| EngineError::Other(format!("cannot {what}: {}", shown(words)));
    let lost = |words: &str| EngineError::Unreachable(format!("cannot {what}: {}", shown(words)));
    let io: Box<dyn Duplex> = match way {
        Way::Socket(path) => {
            Box::new(tokio::net::UnixStream::connect(path).await.map_err(|error| lost(&error.to_string()))?)
        }
        Way::Address(address) => {
            let stream =
                tokio::net::TcpStream::connect(address).await.map_err(|error| lost(&error.to_string()))?;
            // Single keys should not wait for more.
            let _ = stream.set_nodelay(true);
            Box::new(stream)
        }
    };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(io)).await.map_err(|e| lost(&e.to_string()))?;
    tokio::spawn(connection.with_upgrades());
    let (path, body) = match source {
        Source::Exec(id) => (format!("/exec/{id}/start"), r#"{"Detach":false,"Tty":true}"#),
        Source::Container(id) => {
            (format!("/containers/{id}/attach?stream=1&stdin=1&stdout=1&stderr=1"), "{}")
        }
    };
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, "localhost")
        .header(CONTENT_TYPE, "application/json")
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "tcp")
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .map_err(|error| failed(&error.to_string()))?;
    let answer = sender.send_request(request).await.map_err(|error| lost(&error.to_string()))?;
    let status = answer.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        let body = answer.into_body().collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let said = serde_json::from_slice::<Value>(&body).unwrap_or_default();
        let message = Json(&said).raw("message").to_owned();
        let message = if message.is_empty() { format!("the engine answered {status}") } else { message };
        return Err(match status {
            StatusCode::NOT_FOUND => EngineError::NotFound(format!("cannot {what}: {}", shown(&message))),
            StatusCode::CONFLICT => EngineError::Conflict(format!("cannot {what}: {}", shown(&message))),
            _ => failed(&message),
        });
    }
    let stream = hyper::upgrade::on(answer).await.map_err(|error| failed(&error.to_string()))?;
    Ok(TokioIo::new(stream))
}

/// Attaches to what has no terminal: the engine sends frames, only their content comes out.
pub async fn plain(docker: &Docker, source: &Source<'_>, what: &str) -> Result<Wires, EngineError> {
    let (output_in, output) = mpsc::channel(CHUNKS);
    let (input, keys) = mpsc::channel(CHUNKS);
    bounded(what, wire::CALL, attach(docker, source, what, output_in, keys)).await?;
    Ok(Wires { output, input })
}

async fn attach(
    docker: &Docker,
    source: &Source<'_>,
    what: &str,
    output: mpsc::Sender<Vec<u8>>,
    keys: mpsc::Receiver<Vec<u8>>,
) -> Result<(), EngineError> {
    let (mut chunks, input) = match source {
        Source::Exec(id) => {
            let options = StartExecOptions { detach: false, tty: true, output_capacity: None };
            let started =
                docker.start_exec(id, Some(options)).await.map_err(|error| explain(what, &error))?;
            let StartExecResults::Attached { output, input } = started else {
                return Err(EngineError::Other(format!("cannot {what}: the engine attached nothing")));
            };
            (output, input)
        }
        Source::Container(id) => {
            let options = AttachContainerOptionsBuilder::default()
                .stream(true)
                .stdin(true)
                .stdout(true)
                .stderr(true)
                .build();
            let attached =
                docker.attach_container(id, Some(options)).await.map_err(|error| explain(what, &error))?;
            (attached.output, attached.input)
        }
    };
    tokio::spawn(write(input, keys));
    tokio::spawn(async move {
        while let Some(Ok(chunk)) = chunks.next().await {
            if output.send(chunk.into_bytes().to_vec()).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}

async fn read(mut from: impl AsyncRead + Unpin, to: mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count) = from.read(&mut buffer).await {
        if count == 0 || to.send(buffer[..count].to_vec()).await.is_err() {
            return;
        }
    }
}

async fn write(mut to: impl AsyncWrite + Unpin, mut keys: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = keys.recv().await {
        if to.write_all(&bytes).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
