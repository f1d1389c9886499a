//! A socket between stackdash and an engine that can be cut and restored.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
#[cfg(feature = "live")]
use tokio::net::TcpListener;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{AbortHandle, JoinSet};

/// Lets an engine be reached over TCP, so that nobody takes it for one of this machine.
#[cfg(feature = "live")]
pub async fn far_away() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut far = UnixStream::connect("/var/run/docker.sock").await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    url
}

/// Passes bytes between a socket of its own and an engine's.
pub struct Proxy {
    path: PathBuf,
    target: PathBuf,
    listener: Mutex<Option<AbortHandle>>,
    /// First lines of the requests so far.
    asked: Arc<Mutex<Vec<String>>>,
    /// Holds the folder of the socket.
    _folder: tempfile::TempDir,
}

impl Proxy {
    pub fn open(target: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let proxy = Self {
            path: folder.path().join("engine.sock"),
            target: target.to_owned(),
            listener: Mutex::default(),
            asked: Arc::default(),
            _folder: folder,
        };
        proxy.restore();
        proxy
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// Returns what was asked for so far: `GET /info HTTP/1.1`. Every request has its own connection.
    #[cfg(feature = "live")]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Lets connections through, as if the engine had come back.
    pub fn restore(&self) {
        let listener = UnixListener::bind(&self.path).unwrap();
        let (target, asked) = (self.target.clone(), self.asked.clone());
        let work = tokio::spawn(async move {
            // Dropped with this task, and all connections with it.
            let mut connections = JoinSet::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (target, asked) = (target.clone(), asked.clone());
                connections.spawn(async move {
                    if let Ok(mut engine) = UnixStream::connect(&target).await {
                        let mut first = vec![0; 16 << 10];
                        let count = client.read(&mut first).await.unwrap_or_default();
                        let line = String::from_utf8_lossy(&first[..count]);
                        asked.lock().unwrap().push(line.lines().next().unwrap_or_default().to_owned());
                        if engine.write_all(&first[..count]).await.is_err() {
                            return;
                        }
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
                    }
                });
            }
        });
        *self.listener.lock().unwrap() = Some(work.abort_handle());
    }

    /// Breaks every connection and takes the socket away, as if the engine had gone.
    pub fn cut(&self) {
        if let Some(listener) = self.listener.lock().unwrap().take() {
            listener.abort();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}
