//! Keeps the timeline: entries go through a bounded queue to a task that writes them in batches.
//!
//! Whatever is wrong with the disk costs one warning and the entries, never the program.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::event::Event;
use crate::model::timeline::TimelineEntry;
use crate::ports::History;
use crate::supervisor::inbox::Outbox;

/// Batches that may wait for the disk.
const QUEUE: usize = 256;
/// How much is read back at the start.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A slow disk does not keep the engine waiting for longer.
const READING: Duration = Duration::from_secs(2);
/// How long the last entries may take at the end.
const CLOSING: Duration = Duration::from_secs(1);

/// The queue to the writer.
pub struct Recorder {
    queue: mpsc::Sender<Vec<TimelineEntry>>,
    writer: JoinHandle<()>,
    overrun: bool,
}

impl Recorder {
    /// Starts the writer; must be called inside a tokio runtime.
    pub fn start(history: Arc<dyn History>, outbox: Outbox) -> Self {
        let (queue, batches) = mpsc::channel(QUEUE);
        Self { queue, writer: tokio::spawn(write(history, batches, outbox)), overrun: false }
    }

    /// Queues entries; where the disk does not keep up they are lost, which is said once.
    pub fn keep(&mut self, entries: Vec<TimelineEntry>) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(entries)
            && !std::mem::replace(&mut self.overrun, true)
        {
            log::warn!("the disk does not keep up: some of the timeline is not kept");
        }
    }

    /// Writes what is queued, unless that takes too long.
    pub async fn close(self) {
        drop(self.queue);
        if timeout(CLOSING, self.writer).await.is_err() {
            log::warn!("the disk does not answer: the end of the timeline is not kept");
        }
    }
}

async fn write(history: Arc<dyn History>, mut batches: mpsc::Receiver<Vec<TimelineEntry>>, outbox: Outbox) {
    let mut told = false;
    while let Some(mut entries) = batches.recv().await {
        while let Ok(more) = batches.try_recv() {
            entries.extend(more);
        }
        if let Err(why) = history.append(entries).await
            && !std::mem::replace(&mut told, true)
        {
            log::warn!("{why}");
            outbox.fact(Event::HistoryFailed(why)).await;
        }
    }
}

/// Reads what earlier runs kept and tells it, before anything of the engine is told.
pub async fn recall(history: &dyn History, now: Timestamp, outbox: &Outbox) {
    match timeout(READING, history.read(Some(now - LOOK_BACK))).await {
        Ok(Ok(entries)) if entries.is_empty() => {}
        Ok(Ok(entries)) => outbox.fact(Event::HistoryRead(entries)).await,
        Ok(Err(why)) => {
            log::warn!("{why}");
            outbox.fact(Event::HistoryFailed(why)).await;
        }
        Err(_) => log::warn!("the kept timeline could not be read in time"),
    }
}
