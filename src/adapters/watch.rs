//! Watches folders: gathers what was written there and tells it once the writing has settled.
//!
//! Theory of operation: the folder is watched, never a file in it, because an editor that saves by
//! renaming leaves a watch on the old file behind. The system's watcher calls from a thread of its own;
//! paths are gathered until nothing came for a while (or it never stops), then told as one batch. Reading
//! a file is an event too and is dropped, else a reader would wake itself. Knows paths, not what they mean.

mod files;
mod tree;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::model::text::clean;

pub use files::FileWatcher;
pub use tree::TreeWatcher;

/// A batch is told at the latest after this, however much is still being written.
const LONGEST: Duration = Duration::from_secs(2);
/// Paths of one batch; beyond it the folder itself stands for all.
const PATHS: usize = 1_000;
/// Batches that may wait for whoever listens.
const QUEUE: usize = 16;

/// A watch that lasts as long as this value.
pub struct FolderWatch {
    batches: mpsc::Receiver<Vec<PathBuf>>,
    task: JoinHandle<()>,
}

impl FolderWatch {
    /// Watches one folder, not what lies deeper; must be called inside a tokio runtime. Writing has
    /// settled when nothing came for `quiet`. The error says what to do.
    pub fn start(folder: &Path, quiet: Duration) -> Result<Self, String> {
        let (sender, raw) = mpsc::channel(PATHS);
        let root = folder.to_owned();
        let complain = |error: notify::Error| complaint(folder, &error);
        let mut watcher = notify::recommended_watcher(move |event| {
            for path in written(event, &root) {
                // A full queue has news enough for a batch already.
                let _ = sender.try_send(path);
            }
        })
        .map_err(complain)?;
        watcher.watch(folder, RecursiveMode::NonRecursive).map_err(complain)?;
        let (out, batches) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            // Dropped with the task: until then it goes on watching.
            let _watcher = watcher;
            gather(raw, quiet, out).await;
        });
        Ok(Self { batches, task })
    }

    /// Waits for the next batch. Safe to drop while waiting.
    pub async fn next(&mut self) -> Option<Vec<PathBuf>> {
        self.batches.recv().await
    }
}

impl Drop for FolderWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Says what cannot be watched, why, and what to do.
fn complaint(folder: &Path, error: &notify::Error) -> String {
    let folder = clean(&folder.display().to_string());
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => {
            format!("cannot watch {folder}: too many watches; raise fs.inotify.max_user_watches")
        }
        _ => format!("cannot watch {folder}: {}", clean(&error.to_string())),
    }
}

/// Returns the paths that an event says were changed; the root stands for "anything".
fn written(event: notify::Result<Event>, root: &Path) -> Vec<PathBuf> {
    match event {
        Ok(event) if event.need_rescan() => vec![root.to_owned()],
        Ok(event) => match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => event.paths,
            EventKind::Access(_) => Vec::new(),
            _ => event.paths,
        },
        Err(error) => {
            log::warn!("watching {}: {error}", root.display());
            vec![root.to_owned()]
        }
    }
}

async fn gather(mut raw: mpsc::Receiver<PathBuf>, quiet: Duration, out: mpsc::Sender<Vec<PathBuf>>) {
    while let Some(first) = raw.recv().await {
        let mut paths = BTreeSet::from([first]);
        let last_call = Instant::now() + LONGEST;
        while paths.len() < PATHS
            && let Ok(Some(path)) = timeout_at((Instant::now() + quiet).min(last_call), raw.recv()).await
        {
            paths.insert(path);
        }
        if out.send(paths.into_iter().collect()).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const QUIET: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn an_atomic_save_and_a_plain_one_are_one_batch_each_and_reading_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let theme = folder.path().join("mine.toml");
        fs::write(&theme, "old").unwrap();
        let mut watch = FolderWatch::start(folder.path(), QUIET).unwrap();

        fs::write(folder.path().join("mine.toml~"), "new").unwrap();
        fs::rename(folder.path().join("mine.toml~"), &theme).unwrap();
        assert!(watch.next().await.unwrap().contains(&theme));
        assert_eq!(fs::read_to_string(&theme).unwrap(), "new");

        // A watch on the file itself would be dead by now.
        let other = folder.path().join("other.toml");
        fs::write(&other, "x").unwrap();
        assert_eq!(watch.next().await.unwrap(), [other], "reading the first one was no news");
    }

    #[tokio::test(start_paused = true)]
    async fn writing_is_told_when_it_has_settled_or_never_stops() {
        let (sender, raw) = mpsc::channel(8);
        let (out, mut batches) = mpsc::channel(8);
        let began = Instant::now();
        tokio::spawn(gather(raw, QUIET, out));
        tokio::spawn(async move {
            loop {
                if sender.send(PathBuf::from("a")).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        assert_eq!(batches.recv().await.unwrap(), [PathBuf::from("a")]);
        assert_eq!(began.elapsed().as_secs(), 2);
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_an_error() {
        let error = FolderWatch::start(Path::new("/nonexistent/themes"), QUIET).err().unwrap();
        assert!(error.starts_with("cannot watch /nonexistent/themes"), "{error}");
    }
}
