//! Log followers: wanted versus running; starts and drops the difference.
//!
//! A follower stays with its container over restarts: when the stream ends it waits for the next start
//! and resumes a little before its last line, leaving out what it has already sent. The engine stamps
//! stdout and stderr apart, so resuming exactly at the last timestamp would lose lines. A container that
//! takes another one's place in its service is read from its first line on, after a seam; a file that it
//! has too is read on (`file`).

mod file;
mod seam;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;

use crate::event::Event;
use crate::model::containers::ContainerId;
use crate::model::logs::{LogLine, LogSource, LogStatus, LogStream};
use crate::model::text::StyledText;
use crate::ports::{Engine, EngineError, LogRequest};
use crate::state::State;
use crate::supervisor::inbox::Outbox;

pub use file::{Place as FilePlace, follow_file};
pub use seam::Life;

/// Lines shown at once when a log is opened.
const TAIL: u32 = 200;
/// Lines asked for at most when a log is resumed; more than this in a gap is said.
const RESUME_TAIL: u32 = 5_000;
/// Lines counted at most to say how many were missed.
const COUNT_TAIL: u32 = 1_000_000;
/// How far before the last line a log is resumed.
const OVERLAP: SignedDuration = SignedDuration::from_millis(50);
/// For how long, and how many at most, lines are known again.
const MEMORY: SignedDuration = SignedDuration::from_secs(5);
const REMEMBERED: usize = 20_000;
/// A log that has said nothing for this long is told to be open.
const OPEN_AFTER: Duration = Duration::from_millis(300);

/// Where a follower begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// So many lines from the end at most.
    pub tail: u32,
    pub since: Option<Timestamp>,
    /// What to say before the first line.
    pub seam: Option<String>,
}

impl Default for Start {
    fn default() -> Self {
        Self { tail: TAIL, since: None, seam: None }
    }
}

struct Follower {
    task: JoinHandle<()>,
    life: Arc<Life>,
    /// How far a file was read.
    file: Arc<FilePlace>,
    /// Stack, service and number: what another container may take over.
    place: Option<Place>,
}

type Place = (Arc<str>, Arc<str>, u32);

pub struct Followers {
    engine: Arc<dyn Engine>,
    outbox: Outbox,
    running: HashMap<LogSource, Follower>,
}

impl Followers {
    pub fn new(engine: Arc<dyn Engine>, outbox: Outbox) -> Self {
        Self { engine, outbox, running: HashMap::new() }
    }

    /// Follows exactly these from now on.
    pub fn follow(&mut self, wanted: &BTreeSet<LogSource>, state: &State) {
        self.running.retain(|id, follower| {
            let keep = wanted.contains(id);
            if !keep {
                follower.task.abort();
            }
            keep
        });
        // Those that were there before this call: only their places can be taken over.
        let before: Vec<LogSource> = self.running.keys().cloned().collect();
        for id in wanted {
            if self.running.contains_key(id) {
                continue;
            }
            let container = state.containers.get(&id.container).map(|entry| &entry.container);
            let tty = container.is_some_and(|container| container.tty);
            let place = container.and_then(|container| {
                let number = container.compose.as_ref()?.number;
                Some((container.stack_name(), container.service_name(), number))
            });
            let old = self.predecessor(&before, place.as_ref(), id);
            let life = Arc::new(Life::default());
            let file = Arc::new(FilePlace::new(old.and_then(|old| old.file.borrow().clone())));
            let (engine, outbox) = (self.engine.clone(), self.outbox.clone());
            let task = if id.file.is_some() {
                tokio::spawn(follow_file(engine, id.clone(), TAIL, file.clone(), life.clone(), outbox))
            } else {
                let start = match old {
                    Some(old) => {
                        let seam = Some(seam::created_again(&id.container, &old.life));
                        Start { tail: RESUME_TAIL, since: None, seam }
                    }
                    None => Start::default(),
                };
                tokio::spawn(follow(engine, id.container.clone(), tty, start, life.clone(), outbox))
            };
            self.running.insert(id.clone(), Follower { task, life, file, place });
        }
    }

    /// Finds the follower whose container had the same place before.
    fn predecessor(&self, before: &[LogSource], place: Option<&Place>, new: &LogSource) -> Option<&Follower> {
        let place = place?;
        before
            .iter()
            .filter(|old| old.file == new.file)
            .filter_map(|id| self.running.get(id))
            .find(|follower| follower.place.as_ref() == Some(place))
    }

    /// Tells a follower that its container started.
    pub fn started(&self, id: &ContainerId, at: Timestamp) {
        for life in self.lives(id) {
            life.started(at);
        }
    }

    /// Tells a follower that its container ended.
    pub fn died(&self, id: &ContainerId, at: Timestamp, exit_code: i64) {
        for life in self.lives(id) {
            life.died(at, exit_code);
        }
    }

    fn lives<'a>(&'a self, id: &'a ContainerId) -> impl Iterator<Item = &'a Life> {
        let own = self.running.iter().filter(move |(source, _)| source.container == *id);
        own.map(|(_, follower)| &*follower.life)
    }

    pub fn nudge_all(&self) {
        for follower in self.running.values() {
            follower.life.nudge();
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

/// What was sent last, to know it again: after a resume, and because engines tell lines twice when a log
/// rotates under them.
#[derive(Default)]
struct Seen {
    /// The first line sent: a resume must not bring what lies before it.
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    recent: VecDeque<(Timestamp, u64)>,
    keys: HashSet<u64, BuildHasherDefault<AsItIs>>,
}

/// Keys are hashes already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {}

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

impl Seen {
    fn key(line: &LogLine) -> u64 {
        let mut hasher = DefaultHasher::new();
        (line.at.as_nanosecond(), line.stream, line.text.text()).hash(&mut hasher);
        hasher.finish()
    }

    /// Whether a line was sent already.
    fn has(&self, line: &LogLine) -> bool {
        self.has_key(line, Self::key(line))
    }

    fn has_key(&self, line: &LogLine, key: u64) -> bool {
        self.last.is_some_and(|last| line.at <= last) && self.keys.contains(&key)
    }

    /// Takes a line in; returns whether it is a new one.
    fn note(&mut self, line: &LogLine) -> bool {
        let key = Self::key(line);
        if self.has_key(line, key) {
            return false;
        }
        let last = self.last.map_or(line.at, |at| at.max(line.at));
        self.last = Some(last);
        self.first = self.first.or(Some(line.at));
        self.recent.push_back((line.at, key));
        self.keys.insert(key);
        while self.recent.len() > REMEMBERED
            || self.recent.front().is_some_and(|(at, _)| last.duration_since(*at) > MEMORY)
        {
            if let Some((_, key)) = self.recent.pop_front() {
                self.keys.remove(&key);
            }
        }
        true
    }
}

/// Follows one log for ever; `life` tells when its container runs again.
pub async fn follow(
    engine: Arc<dyn Engine>,
    id: ContainerId,
    tty: bool,
    start: Start,
    life: Arc<Life>,
    outbox: Outbox,
) {
    let mut reader = Reader {
        engine,
        id,
        tty,
        seen: Seen::default(),
        seam: start.seam.clone(),
        is_resumed: false,
        life,
        outbox,
    };
    loop {
        let request = match reader.seen.last {
            Some(last) => LogRequest { tail: RESUME_TAIL, since: Some(last - OVERLAP), ..reader.request() },
            None => LogRequest { tail: start.tail, since: start.since, ..reader.request() },
        };
        reader.is_resumed = reader.seen.last.is_some();
        let status = match reader.stream(request).await {
            Ok(()) => LogStatus::Ended,
            Err(error) => LogStatus::Unreadable(error.to_string()),
        };
        reader.say(status).await;
        reader.life.next_start().await;
    }
}

/// One log being read, over and over.
struct Reader {
    engine: Arc<dyn Engine>,
    id: ContainerId,
    tty: bool,
    seen: Seen,
    /// To be said before the first line.
    seam: Option<String>,
    /// A seam is to be said before the next line.
    is_resumed: bool,
    life: Arc<Life>,
    outbox: Outbox,
}

impl Reader {
    fn request(&self) -> LogRequest {
        LogRequest { tail: TAIL, since: None, until: None, follow: true, tty: self.tty }
    }

    async fn say(&self, status: LogStatus) {
        self.outbox.log(Event::LogStatusChanged { source: (&self.id).into(), status }).await;
    }

    fn remark(&self, at: Timestamp, words: String) -> LogLine {
        LogLine {
            at,
            source: (&self.id).into(),
            stream: LogStream::Remark,
            level: None,
            text: StyledText::plain(words),
        }
    }

    async fn stream(&mut self, request: LogRequest) -> Result<(), EngineError> {
        let mut batches = self.engine.logs(&self.id, request);
        let resumed_from = self.seen.last;
        let mut is_open = false;
        let mut is_first = true;
        loop {
            let next = if is_open {
                batches.next().await
            } else {
                let next = tokio::time::timeout(OPEN_AFTER, batches.next()).await;
                is_open = true;
                if !matches!(next, Ok(None | Some(Err(_)))) {
                    self.say(LogStatus::Following).await;
                }
                let Ok(next) = next else { continue };
                next
            };
            let mut lines = match next {
                None => return Ok(()),
                Some(batch) => batch?,
            };
            let mut missed = None;
            // The answer begins with what is known already, or else with a gap.
            if let Some(from) = resumed_from.filter(|_| is_first)
                && let Some(first) = lines.first().filter(|line| !self.seen.has(line))
            {
                missed = self.count_missed(from, first.at).await;
            }
            let answered = !lines.is_empty();
            let first = self.seen.first.filter(|_| resumed_from.is_some());
            lines.retain(|line| first.is_none_or(|first| line.at >= first) && self.seen.note(line));
            is_first &= !answered;
            let Some(first) = lines.first().map(|line| line.at) else { continue };
            if let Some(words) = missed {
                lines.insert(0, self.remark(first, words));
            }
            // Only now: by the time that lines come, events have told why there is a seam.
            let seam = self.seam.take().or_else(|| self.is_resumed.then(|| self.life.seam()));
            self.is_resumed = false;
            if let Some(words) = seam {
                lines.insert(0, self.remark(first, words));
            }
            self.outbox.log(Event::LogsAppended(lines)).await;
        }
    }

    /// Says how many lines lie between the last one sent and the first one of the answer.
    async fn count_missed(&self, from: Timestamp, to: Timestamp) -> Option<String> {
        let request =
            LogRequest { tail: COUNT_TAIL, since: Some(from), until: Some(to), follow: false, tty: self.tty };
        let mut batches = self.engine.logs(&self.id, request);
        let mut count = 0;
        while let Some(Ok(batch)) = batches.next().await {
            count += batch.iter().filter(|line| line.at > from && line.at < to).count();
        }
        // The last line sent may itself be gone while nothing was written since.
        (count > 0).then(|| seam::missed(count))
    }
}

#[cfg(test)]
mod tests;
