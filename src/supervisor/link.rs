//! Keeps the link to the engine: connect, listen, list; when it breaks, wait and begin again.
//!
//! The event stream is opened before the list is read, so nothing falls between them; what the stream
//! tells of the time before the list is marked as replayed. After a gap the stream resumes one
//! nanosecond after the last event that we saw.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::event::Event;
use crate::ports::{EngineError, Ports};
use crate::supervisor::inbox::Outbox;

/// Waiting times between attempts.
const BACK_OFF: [u64; 6] = [1, 1, 2, 3, 5, 10];
/// How far back the first look into the engine's memory of events goes; it keeps 256.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);
/// A silent link is asked for a sign of life this often.
const PING: Duration = Duration::from_secs(15);

pub async fn run(ports: Ports, outbox: Outbox, reconnect: Arc<Notify>) {
    let mut last_event: Option<Timestamp> = None;
    let mut failures = 0;
    loop {
        let error = match listen(&ports, &outbox, &mut last_event, &mut failures).await {
            Err(error) => error,
            Ok(()) => EngineError::Unreachable(format!("{}: the event stream ended", ports.engine.host())),
        };
        let wait = Duration::from_secs(BACK_OFF[failures.min(BACK_OFF.len() - 1)]);
        failures += 1;
        let retry_at = ports.clock.now() + wait;
        outbox.fact(Event::EngineLost { error, retry_at }).await;
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = reconnect.notified() => {}
        }
    }
}

/// One life of the link; returns when it is over.
async fn listen(
    ports: &Ports,
    outbox: &Outbox,
    last_event: &mut Option<Timestamp>,
    failures: &mut usize,
) -> Result<(), EngineError> {
    let engine = &ports.engine;
    let info = engine.connect().await?;
    let engine_now = info.time.unwrap_or_else(|| ports.clock.now());
    let since = last_event.map_or(engine_now - LOOK_BACK, |at| at + SignedDuration::from_nanos(1));
    let mut events = engine.events(Some(since));
    // A second of slack: an event this close to the list costs one more inspection, a lost one the truth.
    let list_from = engine_now - SignedDuration::from_secs(1);
    let list = engine.list().await?;
    *failures = 0;
    outbox.fact(Event::EngineConnected(info)).await;
    outbox.fact(Event::ContainersListed(list)).await;
    loop {
        let next = tokio::select! {
            next = events.next() => next,
            () = tokio::time::sleep(PING) => {
                engine.ping().await?;
                continue;
            }
        };
        match next {
            None => return Ok(()),
            Some(Err(error)) => return Err(error),
            Some(Ok(event)) => {
                *last_event = Some(last_event.map_or(event.at, |at| at.max(event.at)));
                let replayed = event.at < list_from;
                outbox.fact(Event::EngineSaid { event, replayed }).await;
            }
        }
    }
}
