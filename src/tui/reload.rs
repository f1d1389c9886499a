//! A theme that is saved shows at once: waits for its file, reads it off the loop, says what became of it.
//!
//! Knows no watcher: batches of paths come in through a channel.

use std::path::PathBuf;

use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;

use crate::tui::theme::{self, Theme};

/// Theme files that were written, and the reading that follows.
pub struct ThemeReloads {
    files: Option<Receiver<Vec<PathBuf>>>,
    reading: Option<JoinHandle<Result<Theme, String>>>,
}

impl ThemeReloads {
    pub fn new(files: Option<Receiver<Vec<PathBuf>>>) -> Self {
        Self { files, reading: None }
    }

    /// Waits until a theme was written and returns the present one, read anew. Safe to drop while
    /// waiting: a reading that has begun is found again.
    pub async fn next(&mut self, present: &Theme) -> Result<Theme, String> {
        if self.reading.is_none() {
            // Any file counts: the present theme may inherit from it.
            loop {
                let Some(files) = &mut self.files else { return std::future::pending().await };
                match files.recv().await {
                    Some(batch) if batch.iter().any(|path| is_theme(path)) => break,
                    Some(_) => {}
                    None => self.files = None,
                }
            }
        }
        let reading = self.reading.get_or_insert_with(|| {
            let (name, ascii, depth) = (present.name.clone(), present.ascii, present.depth);
            tokio::task::spawn_blocking(move || theme::load(&name, ascii, depth))
        });
        let read = reading.await;
        self.reading = None;
        read.unwrap_or_else(|error| Err(error.to_string()))
    }
}

/// Whether it is a theme, or the folder itself, which stands for all of them.
fn is_theme(path: &std::path::Path) -> bool {
    path.extension().is_none_or(|end| end == "toml")
}
