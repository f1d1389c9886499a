//! Watches trees of sources and tells which files have other contents, once the writing has settled.
//!
//! Theory of operation: each folder that matters has one watch of the kernel's, found by a walk of our own that never
//! enters what is left out. What the kernel tells is only a hint where to look: paths are gathered until the writing
//! has [settled](settle), then each is compared with what is known of it, by a [stamp](hashes::Stamp) and where that
//! differs by a hash of the contents. So a touch, an undo, a lost event and an editor's dance of renames are all the
//! same question: is the file what it was? Where the kernel does not tell, the same question is asked by
//! [the clock](polling). One round of looking at a time runs on a thread that may wait for the disk; meanwhile the
//! [`inbox`] gathers what comes. Nothing runs while nothing happens.
//!
//! All paths inside are free of links; only what is told has the root's own words. A file of more than 64 MiB is not
//! read: its size and its moment stand for it. Knows files, not what a rule will do.

mod hashes;
mod held;
mod inbox;
mod kept;
mod looked;
mod looker;
mod polling;
mod scope;
mod settle;
#[cfg(test)]
mod tests;
mod watches;
mod way;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::model::watch::ServiceKey;
use crate::model::watch::tree::{FileChange, Tree, TreeNews};
use crate::ports::{BoxFuture, BoxStream, TreeWatch, WantedTrees};
use inbox::Inbox;
use kept::Kept;
use looker::{Looker, Work};

/// News that may wait for whoever listens.
const QUEUE: usize = 16;

/// Trees of this machine.
pub struct TreeWatcher {
    settings: Arc<Settings>,
}

#[derive(Clone, Debug)]
struct Settings {
    /// `None`: nothing is kept.
    kept: Option<Kept>,
    /// Watches at most, whatever the kernel allows.
    most_watches: Option<u64>,
    /// `None`: as seldom as there are files.
    poll_every: Option<Duration>,
    /// A batch is told at the latest after this.
    longest: Duration,
    /// Says why a path has to be polled, if it has.
    reason: fn(&Path) -> Option<String>,
}

impl TreeWatcher {
    /// Keeps what trees hold where the user's environment says; nothing without a home.
    pub fn usual() -> Self {
        Self::with(Kept::usual())
    }

    /// Keeps what trees hold in this folder.
    pub fn new(folder: PathBuf) -> Self {
        Self::with(Some(Kept::new(folder)))
    }

    fn with(kept: Option<Kept>) -> Self {
        let settings = Settings {
            kept,
            most_watches: None,
            poll_every: None,
            longest: settle::LONGEST,
            reason: polling::reason,
        };
        Self { settings: Arc::new(settings) }
    }

    /// Uses so many watches at most: as if the kernel had no more, for tests.
    #[must_use]
    pub fn with_most_watches(mut self, most: u64) -> Self {
        Arc::make_mut(&mut self.settings).most_watches = Some(most);
        self
    }
}

impl TreeWatch for TreeWatcher {
    fn watch(&self, wanted: WantedTrees) -> BoxStream<'static, TreeNews> {
        let settings = self.settings.clone();
        Box::pin(stream::unfold(Begun::No(settings, wanted), |state| async move {
            let mut watch = match state {
                Begun::Yes(watch) => watch,
                Begun::No(settings, wanted) => Watch::start(settings, wanted),
            };
            let news = watch.news.recv().await?;
            Some((news, Begun::Yes(watch)))
        }))
    }

    fn keep<'a>(&'a self, tree: &'a Tree, changes: &'a [FileChange]) -> BoxFuture<'a, Result<(), String>> {
        let (tree, changes) = (tree.clone(), changes.to_vec());
        self.with_kept(move |kept| kept.add(&tree, &changes))
    }

    fn watched(&self) -> BoxFuture<'_, Result<Vec<ServiceKey>, String>> {
        self.with_kept(Kept::watched)
    }

    fn keep_watched<'a>(&'a self, watched: &'a [ServiceKey]) -> BoxFuture<'a, Result<(), String>> {
        let watched = watched.to_vec();
        self.with_kept(move |kept| kept.keep_watched(&watched))
    }
}

impl TreeWatcher {
    /// Does something with what is kept, off the loop.
    fn with_kept<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce(&Kept) -> std::io::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, String>> {
        let Some(kept) = self.settings.kept.clone() else {
            return Box::pin(std::future::ready(Ok(T::default())));
        };
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&kept)).await;
            let done = done.unwrap_or_else(|error| Err(std::io::Error::other(error)));
            done.map_err(|error| format!("what the watcher knows is not kept or read: {error}"))
        })
    }
}

enum Begun {
    No(Arc<Settings>, WantedTrees),
    Yes(Watch),
}

/// A watch that lasts as long as this value.
struct Watch {
    news: mpsc::Receiver<TreeNews>,
    inbox: Arc<Inbox>,
    task: JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        // A round on its own thread cannot be aborted.
        self.inbox.end();
        self.task.abort();
    }
}

impl Watch {
    fn start(settings: Arc<Settings>, wanted: WantedTrees) -> Self {
        let (out, news) = mpsc::channel(QUEUE);
        let inbox = Arc::new(Inbox::new(settings.longest));
        let task = tokio::spawn(run(settings, inbox.clone(), wanted, out));
        Self { news, inbox, task }
    }
}

/// Sees to one round after the other.
async fn run(
    settings: Arc<Settings>,
    inbox: Arc<Inbox>,
    mut wanted: WantedTrees,
    out: mpsc::Sender<TreeNews>,
) {
    let mut looker = Looker::new(settings, inbox.clone());
    let mut next = Some(wanted.borrow_and_update().clone());
    loop {
        let work = Work { wanted: next.take(), batch: inbox.take(Instant::now()) };
        let must_poll = looker.next_poll().is_some_and(|next| next <= Instant::now());
        if work.wanted.is_some() || work.batch.is_some() || must_poll || looker.has_more() {
            let round = tokio::task::spawn_blocking(move || {
                let news = looker.round(work);
                (looker, news)
            });
            let Ok((back, news)) = round.await else {
                log::error!("the watcher of sources has ended by a fault of its own");
                return;
            };
            looker = back;
            for news in news {
                if out.send(news).await.is_err() {
                    return;
                }
            }
            // Somebody may have changed his mind meanwhile, and nothing of the rest may be due.
            if wanted.has_changed().is_ok_and(|changed| changed) {
                next = Some(wanted.borrow_and_update().clone());
            }
            continue;
        }
        let deadline = inbox.plan().into_iter().chain(looker.next_poll()).min();
        tokio::select! {
            changed = wanted.changed() => match changed {
                Ok(()) => next = Some(wanted.borrow_and_update().clone()),
                Err(_) => return,
            },
            () = inbox.bell.notified() => {}
            () = until(deadline) => {}
            () = out.closed() => return,
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
