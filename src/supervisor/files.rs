//! Wanted versus watched files: one task for all of them, begun anew when what is wanted has changed.

use std::collections::BTreeSet;
use std::path::PathBuf;

use futures_util::StreamExt;
use tokio::task::AbortHandle;

use crate::event::Event;
use crate::ports::Ports;
use crate::state::{Revision, State};
use crate::supervisor::inbox::Outbox;

/// Complaints told in one run; whoever reads three knows enough.
const COMPLAINTS: usize = 3;

#[derive(Default)]
pub struct FileTask {
    looked_at: Option<(Revision, Revision)>,
    watched: BTreeSet<PathBuf>,
    task: Option<AbortHandle>,
    told: BTreeSet<String>,
}

impl Drop for FileTask {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl FileTask {
    /// Brings what is watched in line with what is wanted.
    pub fn follow(&mut self, state: &State, ports: &Ports, outbox: &Outbox) {
        let Some(files) = &ports.files else { return };
        let revisions = state.revisions();
        let seen = Some((revisions.containers, revisions.stack_files));
        if self.looked_at == seen {
            return;
        }
        self.looked_at = seen;
        let wanted = state.watched_files();
        if wanted == self.watched {
            return;
        }
        self.watched.clone_from(&wanted);
        let old = self.task.take();
        if !wanted.is_empty() {
            let (mut news, outbox) = (files.watch(wanted), outbox.clone());
            let task = tokio::spawn(async move {
                while let Some(news) = news.next().await {
                    let event = match news {
                        Ok(files) => Event::FilesChanged(files),
                        Err(why) => Event::WatchFailed(why),
                    };
                    outbox.fact(event).await;
                }
            });
            self.task = Some(task.abort_handle());
        }
        // The new one first, so that nothing is missed between the two.
        if let Some(old) = old {
            old.abort();
        }
    }

    /// Whether a complaint is news: each is told once, and only a few.
    pub fn is_news(&mut self, why: &str) -> bool {
        self.told.len() < COMPLAINTS && self.told.insert(why.to_owned())
    }
}
