//! Follows a log file inside a container: over restarts, and over to the container that takes its place.

use std::sync::Arc;

use futures_util::StreamExt;
use tokio::sync::watch;

use crate::event::Event;
use crate::model::logs::file::{FileNews, Tail};
use crate::model::logs::{LogSource, LogStatus};
use crate::ports::{Engine, FileRequest};
use crate::supervisor::followers::Life;
use crate::supervisor::inbox::Outbox;

/// Lines sent at once.
const BATCH: usize = 512;

/// How far a file was read: what another follower goes on from.
pub type Place = watch::Sender<Option<Arc<Tail>>>;

/// Follows one file for ever; `life` tells when its container runs again.
pub async fn follow_file(
    engine: Arc<dyn Engine>,
    source: LogSource,
    lines: u32,
    place: Arc<Place>,
    life: Arc<Life>,
    outbox: Outbox,
) {
    let say = async |status| {
        outbox.log(Event::LogStatusChanged { source: source.clone(), status }).await;
    };
    loop {
        let resume = place.borrow().clone();
        let mut news = engine.log_file(&source, FileRequest { tail: lines, resume, follow: true });
        let mut last = LogStatus::Ended;
        let mut is_open = false;
        while let Some(news) = news.next().await {
            match news {
                Ok(FileNews::Lines(mut lines, tail)) => {
                    if !std::mem::replace(&mut is_open, true) {
                        say(LogStatus::Following).await;
                    }
                    place.send_replace(Some(tail));
                    while !lines.is_empty() {
                        let rest = lines.split_off(lines.len().min(BATCH));
                        outbox.log(Event::LogsAppended(lines)).await;
                        lines = rest;
                    }
                }
                Ok(FileNews::Waiting(why)) => {
                    is_open = false;
                    say(LogStatus::Unreadable(why)).await;
                }
                Err(error) => last = LogStatus::Unreadable(error.to_string()),
            }
        }
        say(last).await;
        life.next_start().await;
    }
}
