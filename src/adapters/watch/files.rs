//! Watches files wherever they lie, there or not, through one watcher for all of them.
//!
//! Theory of operation: each file's folder is watched; where that is missing, the nearest folder above it
//! that is there. When something on the way to a file comes or goes, the folders are chosen anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::stream;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::adapters::watch::{PATHS, QUEUE, complaint, gather, written};
use crate::ports::{BoxStream, FileWatch};

/// Writing has settled when nothing came for so long: an editor's save is a few events.
const QUIET: Duration = Duration::from_millis(200);
/// Folders at most: the system counts them for all programs of a user together.
const FOLDERS: usize = 256;

/// Files of this machine.
pub struct FileWatcher;

impl FileWatch for FileWatcher {
    fn watch(&self, files: BTreeSet<PathBuf>) -> BoxStream<'static, Result<BTreeSet<PathBuf>, String>> {
        Box::pin(stream::unfold(Begun::No(files), |state| async move {
            let mut watch = match state {
                Begun::Yes(watch) => watch,
                Begun::No(files) => match Watch::start(files) {
                    Ok(watch) => watch,
                    Err(why) => return Some((Err(why), Begun::Over)),
                },
                Begun::Over => return None,
            };
            let news = watch.next().await?;
            Some((news, Begun::Yes(watch)))
        }))
    }
}

enum Begun {
    No(BTreeSet<PathBuf>),
    Yes(Watch),
    Over,
}

struct Watch {
    files: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
    watcher: RecommendedWatcher,
    batches: mpsc::Receiver<Vec<PathBuf>>,
    complaints: Vec<String>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watch {
    fn start(files: BTreeSet<PathBuf>) -> Result<Self, String> {
        let (sender, raw) = mpsc::channel(PATHS);
        let wanted = files.clone();
        let root = PathBuf::from("/");
        let watcher = notify::recommended_watcher(move |event| {
            for path in written(event, &root) {
                // A busy folder beside the files is nobody's news.
                if leads_to(&path, &wanted) {
                    let _ = sender.try_send(path);
                }
            }
        })
        .map_err(|error| complaint(Path::new("the compose files"), &error))?;
        let (out, batches) = mpsc::channel(QUEUE);
        let task = tokio::spawn(gather(raw, QUIET, out));
        let mut watch =
            Self { files, folders: BTreeSet::new(), watcher, batches, complaints: Vec::new(), task };
        watch.choose_folders();
        Ok(watch)
    }

    async fn next(&mut self) -> Option<Result<BTreeSet<PathBuf>, String>> {
        loop {
            if let Some(why) = self.complaints.pop() {
                return Some(Err(why));
            }
            let batch = self.batches.recv().await?;
            let mut news = BTreeSet::new();
            let mut anew = false;
            for path in batch {
                if self.files.contains(&path) {
                    news.insert(path);
                } else {
                    // A folder on the way: all that lies below it.
                    anew = true;
                    news.extend(self.files.iter().filter(|file| file.starts_with(&path)).cloned());
                }
            }
            if anew {
                self.choose_folders();
            }
            if !news.is_empty() {
                return Some(Ok(news));
            }
        }
    }

    /// Watches the folders that are there now. A folder that went and came back is another to the system,
    /// so all are begun anew.
    fn choose_folders(&mut self) {
        for folder in std::mem::take(&mut self.folders) {
            let _ = self.watcher.unwatch(&folder);
        }
        let there =
            |file: &PathBuf| file.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_owned);
        let folders: BTreeSet<PathBuf> = self.files.iter().filter_map(there).collect();
        if folders.len() > FOLDERS {
            let words = format!(
                "{} folders have compose files, {FOLDERS} of them are watched: the others are read once",
                folders.len()
            );
            self.complaints.push(words);
        }
        for folder in folders.into_iter().take(FOLDERS) {
            match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.folders.insert(folder);
                }
                Err(error) => {
                    self.complaints.push(complaint(&folder, &error));
                    return;
                }
            }
        }
    }
}

/// Whether a path is one of the files or a folder above one.
fn leads_to(path: &Path, files: &BTreeSet<PathBuf>) -> bool {
    // What lies below a folder follows it in the order.
    files.range(path.to_owned()..).next().is_some_and(|file| file.starts_with(path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use futures_util::StreamExt;

    use super::*;

    async fn next(stream: &mut BoxStream<'static, Result<BTreeSet<PathBuf>, String>>) -> Vec<PathBuf> {
        let news = tokio::time::timeout(Duration::from_secs(20), stream.next()).await;
        news.expect("a batch").unwrap().unwrap().into_iter().collect()
    }

    #[tokio::test]
    async fn a_file_is_told_when_it_is_saved_goes_and_comes_back_with_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let folder = root.join("shop/deploy");
        let file = folder.join("compose.yml");
        fs::create_dir_all(&folder).unwrap();
        fs::write(&file, "a").unwrap();
        let mut stream = FileWatcher.watch(BTreeSet::from([file.clone(), folder.join(".env")]));
        // Nothing begins before somebody listens.
        let (sender, mut told) = mpsc::channel(8);
        tokio::spawn(async move {
            loop {
                let batch = next(&mut stream).await;
                sender.send(batch).await.unwrap();
            }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;

        fs::write(folder.join("notes.txt"), "beside").unwrap();
        fs::write(folder.join("compose.yml~"), "b").unwrap();
        fs::rename(folder.join("compose.yml~"), &file).unwrap();
        assert_eq!(told.recv().await.unwrap(), std::slice::from_ref(&file));

        fs::remove_dir_all(root.join("shop")).unwrap();
        assert!(told.recv().await.unwrap().contains(&file));
        fs::create_dir_all(&folder).unwrap();
        fs::write(&file, "c").unwrap();
        assert!(told.recv().await.unwrap().contains(&file));
        // And it is the new folder that is watched now.
        tokio::time::sleep(QUIET * 2).await;
        while told.try_recv().is_ok() {}
        fs::write(folder.join(".env"), "A=1").unwrap();
        assert_eq!(told.recv().await.unwrap(), [folder.join(".env")]);
    }

    #[test]
    fn only_the_files_and_the_folders_above_them_matter() {
        let files = BTreeSet::from([PathBuf::from("/srv/a/x.yml"), PathBuf::from("/srv/b/y.yml")]);
        for (path, wanted) in [
            ("/srv/a/x.yml", true),
            ("/srv/b", true),
            ("/srv", true),
            ("/", true),
            ("/srv/a/x.ymla", false),
            ("/srv/a/z.yml", false),
            ("/srv/c", false),
        ] {
            assert_eq!(leads_to(Path::new(path), &files), wanted, "{path}");
        }
    }
}
