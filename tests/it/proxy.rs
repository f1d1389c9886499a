//! A socket between stackdash and an engine that can be cut and restored.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tokio::net::{UnixListener, UnixStream};
use tokio::task::{AbortHandle, JoinSet};

/// Passes bytes between a socket of its own and an engine's.
pub struct Proxy {
    path: PathBuf,
    target: PathBuf,
    listener: Mutex<Option<AbortHandle>>,
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
            _folder: folder,
        };
        proxy.restore();
        proxy
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// Lets connections through, as if the engine had come back.
    pub fn restore(&self) {
        let listener = UnixListener::bind(&self.path).unwrap();
        let target = self.target.clone();
        let work = tokio::spawn(async move {
            // Dropped with this task, and all connections with it.
            let mut connections = JoinSet::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let target = target.clone();
                connections.spawn(async move {
                    if let Ok(mut engine) = UnixStream::connect(&target).await {
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
