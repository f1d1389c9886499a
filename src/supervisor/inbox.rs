//! Two bounded channels into the supervisor: facts, and log lines.
//!
//! Logs have their own, so that a chatty container slows its own reader and nothing else. Facts come
//! first. The loop never sends into a channel it reads, so the bounds cannot deadlock.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::event::Event;

/// Facts that may wait.
const FACTS: usize = 1024;
/// Batches of log lines that may wait.
const LOG_BATCHES: usize = 64;
/// How long one turn may go on taking events before a frame gets its chance.
pub const BUDGET: Duration = Duration::from_millis(6);

pub struct Inbox {
    facts: mpsc::Receiver<Event>,
    logs: mpsc::Receiver<Event>,
}

/// The sending half; cheap to clone. A closed inbox swallows what is sent.
#[derive(Clone)]
pub struct Outbox {
    facts: mpsc::Sender<Event>,
    logs: mpsc::Sender<Event>,
}

pub fn channels() -> (Inbox, Outbox) {
    let (facts_in, facts) = mpsc::channel(FACTS);
    let (logs_in, logs) = mpsc::channel(LOG_BATCHES);
    (Inbox { facts, logs }, Outbox { facts: facts_in, logs: logs_in })
}

impl Inbox {
    /// Waits for the next event, facts first. Safe to drop while waiting.
    pub async fn recv(&mut self) -> Event {
        tokio::select! {
            biased;
            Some(event) = self.facts.recv() => event,
            Some(event) = self.logs.recv() => event,
            else => std::future::pending().await,
        }
    }

    pub fn try_recv(&mut self) -> Option<Event> {
        self.facts.try_recv().or_else(|_| self.logs.try_recv()).ok()
    }
}

impl Outbox {
    pub async fn fact(&self, event: Event) {
        // Nobody listens any more when this fails: we are shutting down.
        let _ = self.facts.send(event).await;
    }

    pub async fn log(&self, event: Event) {
        let _ = self.logs.send(event).await;
    }
}
