//! Keeps the link to the engine: connect, listen, list; when it breaks, wait and begin again.
//!
//! The event stream tells from a moment before the list on, so nothing falls between them; what it tells of
//! the time before the list is marked as replayed. After a gap the stream resumes one
//! nanosecond after the last event that we saw.
//!
//! The very first list is shown as soon as it is in ([`Event::ContainersSketched`]), before its containers are
//! inspected and before the engine has said who it is.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, oneshot};

use crate::event::{EngineInfo, Event};
use crate::model::containers::Container;
use crate::ports::{EngineError, Ports};
use crate::supervisor::inbox::Outbox;

/// Waiting times between attempts.
const BACK_OFF: [u64; 6] = [1, 1, 2, 3, 5, 10];
/// How far back the first look into the engine's memory of events goes; it keeps 256.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);
/// A silent link is asked for a sign of life this often.
const PING: Duration = Duration::from_secs(15);
/// What the first list is given before anything else is asked.
const HEAD_START: Duration = Duration::from_millis(250);

/// `before`: what has to be told before anything of the engine is; the first list need not wait for it.
pub async fn run(ports: Ports, outbox: Outbox, reconnect: Arc<Notify>, before: impl Future<Output = ()>) {
    let mut last_event: Option<Timestamp> = None;
    let mut failures = 0;
    let (first, ()) = tokio::join!(first_look(&ports, &outbox), before);
    let mut first = Some(first);
    loop {
        let error = match listen(&ports, &outbox, first.take(), &mut last_event, &mut failures).await {
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

/// What the engine said at first, asked for at a moment.
type Look = Result<(tokio::time::Instant, EngineInfo, Vec<Container>), EngineError>;

/// Lists for the first time and asks who answers; the first screen waits for the list alone.
async fn first_look(ports: &Ports, outbox: &Outbox) -> Look {
    let engine = &ports.engine;
    let asked = tokio::time::Instant::now();
    let (sketch, sketched) = oneshot::channel();
    let list_is_in = Notify::new();
    let show = async {
        if let Ok(list) = sketched.await {
            outbox.fact(Event::ContainersSketched(list)).await;
        }
        list_is_in.notify_one();
    };
    let connect = async {
        // An engine may run programs to say who it is, and its list waits for them.
        let _ = tokio::time::timeout(HEAD_START, list_is_in.notified()).await;
        engine.connect().await
    };
    let (info, list, ()) = tokio::join!(connect, engine.list_with_sketch(sketch), show);
    Ok((asked, info?, list?))
}

/// One life of the link; returns when it is over.
async fn listen(
    ports: &Ports,
    outbox: &Outbox,
    first: Option<Look>,
    last_event: &mut Option<Timestamp>,
    failures: &mut usize,
) -> Result<(), EngineError> {
    let engine = &ports.engine;
    let (asked, info, early) = if let Some(look) = first {
        let (asked, info, list) = look?;
        (asked, info, Some(list))
    } else {
        // A new connection comes first.
        (tokio::time::Instant::now(), engine.connect().await?, None)
    };
    let engine_now = info.time.unwrap_or_else(|| ports.clock.now());
    let since = last_event.map_or(engine_now - LOOK_BACK, |at| at + SignedDuration::from_nanos(1));
    let mut events = engine.events(Some(since));
    // A second of slack: an event this close to the list costs one more inspection, a lost one the truth.
    let list_from = engine_now - SignedDuration::from_secs(1) - asked.elapsed();
    let list = match early {
        Some(list) => list,
        None => engine.list().await?,
    };
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
