//! Wanted versus watched trees: one task for all of them, told when what is wanted has changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::event::Event;
use crate::model::watch::tree::Tree;
use crate::ports::{Ports, TreeWatch};
use crate::state::State;
use crate::supervisor::inbox::Outbox;

type Wanted = Arc<BTreeSet<Arc<Tree>>>;

#[derive(Default)]
pub struct TreeTask {
    wanted: Option<watch::Sender<Wanted>>,
    task: Option<AbortHandle>,
    /// Whether what is watched is kept for the next run.
    pub remembers: bool,
}

impl Drop for TreeTask {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl TreeTask {
    /// Brings what is watched in line with what is wanted.
    pub fn follow(&mut self, state: &State, ports: &Ports, outbox: &Outbox) {
        let Some(trees) = &ports.trees else { return };
        let wanted = state.watch.wanted_trees();
        match &self.wanted {
            Some(known) => {
                known.send_if_modified(|known| {
                    let news = !Arc::ptr_eq(known, wanted);
                    if news {
                        *known = wanted.clone();
                    }
                    news
                });
            }
            None if wanted.is_empty() => {}
            None => {
                let (sender, receiver) = watch::channel(wanted.clone());
                let (mut news, outbox) = (trees.watch(receiver), outbox.clone());
                let task = tokio::spawn(async move {
                    while let Some(news) = news.next().await {
                        outbox.fact(Event::TreeSaid(news)).await;
                    }
                });
                self.task = Some(task.abort_handle());
                self.wanted = Some(sender);
            }
        }
    }
}

/// Reads what was watched in an earlier run.
pub async fn recall(trees: Arc<dyn TreeWatch>, outbox: Outbox) {
    match trees.watched().await {
        Ok(watched) if watched.is_empty() => {}
        Ok(watched) => outbox.fact(Event::WatchedBefore(watched)).await,
        Err(why) => {
            log::warn!("{why}");
            outbox.fact(Event::WatchFailed(why)).await;
        }
    }
}
