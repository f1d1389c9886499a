//! Log followers: wanted versus running; starts and drops the difference.
//!
//! A follower stays with its container over restarts: when the stream ends it waits for the next start
//! and resumes a little before its last line, leaving out what it has already sent. The engine stamps
//! stdout and stderr apart, so resuming exactly at the last timestamp would lose lines.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::event::Event;
use crate::model::containers::ContainerId;
use crate::model::logs::{LogLine, LogStatus, LogStream};
use crate::model::text::StyledText;
use crate::ports::{Engine, EngineError, LogRequest};
use crate::state::State;
use crate::supervisor::inbox::Outbox;

/// Lines shown at once when a log is opened.
const TAIL: u32 = 200;
/// Lines asked for at most when a log is resumed; more than this in a gap is said.
const RESUME_TAIL: u32 = 5_000;
/// How far before the last line a log is resumed.
const OVERLAP: SignedDuration = SignedDuration::from_millis(50);
/// A log that has said nothing for this long is told to be open.
const OPEN_AFTER: Duration = Duration::from_millis(300);

/// Where a follower begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// So many lines from the end at most.
    pub tail: u32,
    pub since: Option<Timestamp>,
}

impl Default for Start {
    fn default() -> Self {
        Self { tail: TAIL, since: None }
    }
}

struct Follower {
    task: JoinHandle<()>,
    started: Arc<Notify>,
}

pub struct Followers {
    engine: Arc<dyn Engine>,
    outbox: Outbox,
    running: HashMap<ContainerId, Follower>,
}

impl Followers {
    pub fn new(engine: Arc<dyn Engine>, outbox: Outbox) -> Self {
        Self { engine, outbox, running: HashMap::new() }
    }

    /// Follows exactly these from now on.
    pub fn follow(&mut self, wanted: &BTreeSet<ContainerId>, state: &State) {
        self.running.retain(|id, follower| {
            let keep = wanted.contains(id);
            if !keep {
                follower.task.abort();
            }
            keep
        });
        for id in wanted {
            if self.running.contains_key(id) {
                continue;
            }
            let tty = state.containers.get(id).is_some_and(|entry| entry.container.tty);
            let started = Arc::new(Notify::new());
            let work = follow(
                self.engine.clone(),
                id.clone(),
                tty,
                Start::default(),
                started.clone(),
                self.outbox.clone(),
            );
            self.running.insert(id.clone(), Follower { task: tokio::spawn(work), started });
        }
    }

    /// Tells a follower that its container started.
    pub fn nudge(&self, id: &ContainerId) {
        if let Some(follower) = self.running.get(id) {
            follower.started.notify_one();
        }
    }

    pub fn nudge_all(&self) {
        for follower in self.running.values() {
            follower.started.notify_one();
        }
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        for follower in self.running.values() {
            follower.task.abort();
        }
    }
}

/// What was sent last, to know it again.
#[derive(Default)]
struct Seen {
    last: Option<Timestamp>,
    recent: VecDeque<(Timestamp, u64)>,
}

impl Seen {
    fn key(line: &LogLine) -> u64 {
        let mut hasher = DefaultHasher::new();
        (line.at.as_nanosecond(), line.stream, line.text.text()).hash(&mut hasher);
        hasher.finish()
    }

    fn note(&mut self, line: &LogLine) {
        let last = self.last.map_or(line.at, |at| at.max(line.at));
        self.last = Some(last);
        self.recent.push_back((line.at, Self::key(line)));
        while self.recent.front().is_some_and(|(at, _)| last.duration_since(*at) > OVERLAP * 4) {
            self.recent.pop_front();
        }
    }

    fn has(&self, line: &LogLine) -> bool {
        let key = Self::key(line);
        self.recent.iter().any(|(_, known)| *known == key)
    }
}

/// Follows one log for ever; `started` tells that its container runs again.
pub async fn follow(
    engine: Arc<dyn Engine>,
    id: ContainerId,
    tty: bool,
    start: Start,
    started: Arc<Notify>,
    outbox: Outbox,
) {
    let mut seen = Seen::default();
    loop {
        let resumed_from = seen.last;
        let request = match resumed_from {
            Some(last) => LogRequest { tail: RESUME_TAIL, since: Some(last - OVERLAP), follow: true, tty },
            None => LogRequest { tail: start.tail, since: start.since, follow: true, tty },
        };
        let end = stream(&engine, &id, request, resumed_from, &mut seen, &outbox).await;
        let status = match end {
            Ok(()) => LogStatus::Ended,
            Err(error) => LogStatus::Unreadable(error.to_string()),
        };
        outbox.log(Event::LogStatusChanged { container: id.clone(), status }).await;
        started.notified().await;
    }
}

async fn stream(
    engine: &Arc<dyn Engine>,
    id: &ContainerId,
    request: LogRequest,
    resumed_from: Option<Timestamp>,
    seen: &mut Seen,
    outbox: &Outbox,
) -> Result<(), EngineError> {
    let mut batches = engine.logs(id, request);
    let mut open = false;
    let mut fresh = 0_u32;
    loop {
        let next = if open {
            batches.next().await
        } else if let Ok(next) = tokio::time::timeout(OPEN_AFTER, batches.next()).await {
            next
        } else {
            open = true;
            let status = LogStatus::Following;
            outbox.log(Event::LogStatusChanged { container: id.clone(), status }).await;
            continue;
        };
        let mut lines = match next {
            None => return Ok(()),
            Some(batch) => batch?,
        };
        if !open {
            open = true;
            let status = LogStatus::Following;
            outbox.log(Event::LogStatusChanged { container: id.clone(), status }).await;
        }
        if let Some(from) = resumed_from
            && fresh == 0
        {
            lines.retain(|line| line.at > from + OVERLAP || !seen.has(line));
            if let Some(first) = lines.first() {
                let seam = LogLine {
                    at: first.at,
                    container: id.clone(),
                    stream: LogStream::Remark,
                    level: None,
                    text: StyledText::plain("started again"),
                };
                lines.insert(0, seam);
            }
        }
        if lines.is_empty() {
            continue;
        }
        fresh += lines.len() as u32;
        for line in &lines {
            if line.stream != LogStream::Remark {
                seen.note(line);
            }
        }
        outbox.log(Event::LogsAppended(lines)).await;
    }
}
