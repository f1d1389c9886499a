//! An interactive shell by the exec API.
//!
//! Over a unix socket (tunnels included) the connection is upgraded and its bytes pass unchanged;
//! bollard's decoder would take a first byte below 3 for a frame header and stall. Over TCP bollard's own
//! attach is used. Closing the connection ends no process in the container, so the shell is asked to exit.

use std::path::Path;

use bollard::Docker;
use bollard::exec::{CreateExecOptions, ResizeExecOptions, StartExecOptions, StartExecResults};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::Full;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, UPGRADE};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::adapters::docker::json::shown;
use crate::adapters::docker::wire::{bounded, explain};
use crate::adapters::docker::{DockerEngine, wire};
use crate::model::containers::ContainerId;
use crate::ports::{BoxFuture, EngineError, ShellSession};

/// bash where there is one, else sh. The script is ours; nothing foreign is in it.
const SHELL: [&str; 3] = ["sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh"];
/// Chunks that may wait on their way.
const CHUNKS: usize = 64;
/// End of transmission: what Ctrl-D sends.
const END: &[u8] = b"\x04";

impl DockerEngine {
    pub(super) async fn open_shell(
        &self,
        id: &ContainerId,
        size: (u16, u16),
    ) -> Result<ShellSession, EngineError> {
        let what = format!("open a shell in {}", id.short());
        let docker = self.connected(&what)?;
        let options = CreateExecOptions {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(true),
            env: Some(vec![String::from("TERM=xterm-256color")]),
            cmd: Some(SHELL.map(str::to_owned).to_vec()),
            ..CreateExecOptions::default()
        };
        let created = bounded(&what, wire::CALL, async {
            docker.create_exec(id.as_str(), options).await.map_err(|error| explain(&what, &error))
        });
        let exec = created.await?.id;
        let (output_in, output) = mpsc::channel(CHUNKS);
        let (input, keys) = mpsc::channel(CHUNKS);
        match self.socket().await {
            Some(socket) => {
                let stream = bounded(&what, wire::CALL, upgraded(&socket, &exec, &what)).await?;
                let (reader, writer) = tokio::io::split(stream);
                tokio::spawn(read(reader, output_in));
                tokio::spawn(write(writer, keys));
            }
            None => attach(&docker, &exec, &what, output_in, keys).await?,
        }
        // A resize is only taken once the program runs.
        resize(&docker, &exec, size).await;
        let (sizes, mut wanted) = mpsc::channel(4);
        let (for_sizes, for_exit) = (docker.clone(), docker);
        let exec_of_sizes = exec.clone();
        tokio::spawn(async move {
            while let Some(size) = wanted.recv().await {
                resize(&for_sizes, &exec_of_sizes, size).await;
            }
        });
        let output = futures_util::stream::unfold(output, |mut chunks| async move {
            let chunk = chunks.recv().await?;
            Some((chunk, chunks))
        });
        Ok(ShellSession { output: Box::pin(output), input, resize: sizes, exit: exit_code(for_exit, exec) })
    }
}

/// Starts the program and takes over the connection.
async fn upgraded(
    socket: &Path,
    exec: &str,
    what: &str,
) -> Result<impl AsyncRead + AsyncWrite + Send + use<>, EngineError> {
    let failed = |words: &str| EngineError::Other(format!("cannot {what}: {}", shown(words)));
    let io = tokio::net::UnixStream::connect(socket).await.map_err(|error| failed(&error.to_string()))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(io)).await.map_err(|e| failed(&e.to_string()))?;
    tokio::spawn(connection.with_upgrades());
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/exec/{exec}/start"))
        .header(HOST, "localhost")
        .header(CONTENT_TYPE, "application/json")
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "tcp")
        .body(Full::new(Bytes::from_static(br#"{"Detach":false,"Tty":true}"#)))
        .map_err(|error| failed(&error.to_string()))?;
    let answer = sender.send_request(request).await.map_err(|error| failed(&error.to_string()))?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(failed(&format!("the engine answered {}", answer.status())));
    }
    let stream = hyper::upgrade::on(answer).await.map_err(|error| failed(&error.to_string()))?;
    Ok(TokioIo::new(stream))
}

async fn attach(
    docker: &Docker,
    exec: &str,
    what: &str,
    output: mpsc::Sender<Vec<u8>>,
    keys: mpsc::Receiver<Vec<u8>>,
) -> Result<(), EngineError> {
    let options = StartExecOptions { detach: false, tty: true, output_capacity: None };
    let started = docker.start_exec(exec, Some(options)).await.map_err(|error| explain(what, &error))?;
    let StartExecResults::Attached { output: mut chunks, input } = started else {
        return Err(EngineError::Other(format!("cannot {what}: the engine attached nothing")));
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
    // Whoever typed has left: do not leave a shell behind that waits for ever.
    let _ = to.write_all(END).await;
    let _ = to.flush().await;
}

async fn resize(docker: &Docker, exec: &str, (columns, rows): (u16, u16)) {
    let options = ResizeExecOptions { width: columns, height: rows };
    if let Err(error) = docker.resize_exec(exec, options).await {
        log::debug!("resizing a shell: {error}");
    }
}

fn exit_code(docker: Docker, exec: String) -> BoxFuture<'static, Result<i64, EngineError>> {
    const WHAT: &str = "ask how the shell ended";
    Box::pin(async move {
        let answer = bounded(WHAT, wire::CALL, async {
            wire::get_json(&docker, &format!("/exec/{exec}/json"), WHAT, wire::CALL).await
        });
        Ok(answer.await?.get("ExitCode").and_then(serde_json::Value::as_i64).unwrap_or_default())
    })
}
