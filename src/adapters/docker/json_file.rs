//! Logs read from the engine's own files instead of through its API, which costs nearly nothing.
//!
//! Only where the engine is this machine's, writes such files (`json-file`) and we may read them: a container
//! has to run here, by its process's control group. In every other case, and at the first doubt while it is
//! read, the log comes through the engine; nobody notices but our own log. What comes is the same, line for
//! line: `record` reads what the engine wrote, the joining and the cleaning are `logs`' and `model::text`'s.
//!
//! Theory of operation of following: the kernel tells of a change in the container's folder once (`bell`);
//! what is new is read (`chain`), and again after a short pause, until there is nothing new. Then the bell is
//! set, and once more it is looked, for what came meanwhile. So a quiet log costs nothing, and a flood is
//! read in gulps, as fast as lines are taken from us. When the container's first process has ended and the
//! engine says so too, everything is written: what is left is read, and the stream ends as the engine's
//! own would.

mod bell;
mod chain;
mod record;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::Docker;
use futures_util::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

use crate::adapters::docker::json::Json;
use crate::adapters::docker::logs::{Decoder, RawLine};
use crate::adapters::docker::{log_files, streams, wire};
use crate::model::containers::ContainerId;
use crate::model::logs::{LogLine, LogSource, LogStream};
use crate::model::text::StyledText;
use crate::ports::{BoxStream, EngineError, LogRequest};

use bell::{Bell, Bells};
use chain::{Chain, Found};
use record::Records;

/// Between two looks at a log that is being written to: shorter than a frame of the screen.
const PAUSE: Duration = Duration::from_millis(20);
/// How often the engine is asked whether it knows of a container's end, and how long.
const ASK: Duration = Duration::from_millis(30);
const ASK_AT_MOST: Duration = Duration::from_secs(15);
/// When the engine goes on: how far before the last line, and how many lines from the end at most.
const OVERLAP: SignedDuration = SignedDuration::from_millis(50);
const OVERLAP_TAIL: u32 = 200_000;
/// Lines known again then, at most.
const REMEMBERED: usize = 8_192;

const CUT: &str = "the log was emptied here; what was not read before is gone";
const MISSED: &str = "lines may be missing here: the log was rotated faster than it was read";

/// What the logs of one engine share.
#[derive(Debug, Default)]
pub struct InPlace {
    bells: Mutex<Option<Arc<Bells>>>,
    /// We may not read such files: not tried again.
    is_denied: AtomicBool,
}

impl InPlace {
    fn bells(&self) -> io::Result<Arc<Bells>> {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bells) = &*bells {
            return Ok(bells.clone());
        }
        Ok(bells.insert(Arc::new(Bells::hang()?)).clone())
    }
}

/// Why a log is not read in place.
#[derive(Debug)]
pub struct Doubt {
    why: String,
    is_denied: bool,
}

impl Doubt {
    fn new(why: &str) -> Self {
        Self { why: why.to_owned(), is_denied: false }
    }
}

impl From<io::Error> for Doubt {
    fn from(error: io::Error) -> Self {
        Self { why: error.to_string(), is_denied: error.kind() == io::ErrorKind::PermissionDenied }
    }
}

/// Streams batches of log lines like [`streams::logs`], from the log's own file wherever that is possible.
pub fn logs(
    docker: Docker,
    shared: Arc<InPlace>,
    id: ContainerId,
    path: String,
    request: LogRequest,
) -> BoxStream<'static, Result<Vec<LogLine>, EngineError>> {
    let opening = async move {
        let log = Log { docker, id, path, request };
        match InHand::open(&log, &shared).await {
            Ok(in_hand) => {
                let reader = Reader::new(log, in_hand);
                stream::unfold(reader, async |mut reader| Some((reader.next().await?, reader))).boxed()
            }
            Err(doubt) => {
                log::debug!("log of {} through the engine: {}", log.id.short(), doubt.why);
                log.through_engine(&log.request)
            }
        }
    };
    Box::pin(stream::once(opening).flatten())
}

/// Which log is read.
struct Log {
    docker: Docker,
    id: ContainerId,
    /// Of the engine's API.
    path: String,
    request: LogRequest,
}

impl Log {
    fn through_engine(&self, request: &LogRequest) -> BoxStream<'static, Result<Vec<LogLine>, EngineError>> {
        streams::logs(self.docker.clone(), self.id.clone(), &self.path, request)
    }

    async fn inspect(&self) -> Result<serde_json::Value, EngineError> {
        wire::get_json(&self.docker, &format!("/containers/{}/json", self.id), "read the log", wire::CALL)
            .await
    }

    /// Waits until the engine has written all that a process left; it knows of the end only then.
    async fn end_of(&self, process: u64) -> Result<(), EngineError> {
        let began = Instant::now();
        while began.elapsed() < ASK_AT_MOST {
            match self.inspect().await {
                Ok(inspection) if Json(&inspection).count("State/Pid") == Some(process) => {}
                // Gone altogether.
                Ok(_) | Err(EngineError::NotFound(_)) => return Ok(()),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(ASK).await;
        }
        Ok(())
    }
}

/// What is held of a log that is read in place.
struct InHand {
    /// `None` while it is read on another thread.
    chain: Option<Chain>,
    /// For a log that is followed.
    life: Option<(Process, Bell)>,
}

/// The first process of a container.
struct Process {
    number: u64,
    /// Readable when it has ended.
    end: AsyncFd<OwnedFd>,
}

impl Process {
    /// Finds a process that is sure to be this machine's.
    fn find(number: Option<u64>, id: &ContainerId) -> Result<Self, Doubt> {
        let process = number.and_then(|number| Pid::from_raw(i32::try_from(number).ok()?));
        let (Some(number), Some(process)) = (number, process) else {
            return Err(Doubt::new("the container does not run"));
        };
        let end = pidfd_open(process, PidfdFlags::empty()).map_err(io::Error::from)?;
        // Only now, so that it is the same one.
        if !log_files::is_of(process.as_raw_nonzero().get().cast_unsigned(), id.as_str()) {
            return Err(Doubt::new("the container is not this machine's"));
        }
        Ok(Self { number, end: bell::readable(end)? })
    }
}

impl InHand {
    async fn open(log: &Log, shared: &InPlace) -> Result<Self, Doubt> {
        if shared.is_denied.load(Ordering::Relaxed) {
            return Err(Doubt::new("such files cannot be read by this user"));
        }
        let inspection = log.inspect().await.map_err(|error| Doubt::new(&error.to_string()))?;
        let facts = Json(&inspection);
        if facts.raw("HostConfig/LogConfig/Type") != "json-file" {
            return Err(Doubt::new("its driver is another one"));
        }
        let most = files(facts.at("HostConfig/LogConfig/Config"))?;
        // The name may be short; the file's never is.
        let id = ContainerId::new(facts.raw("Id"));
        if !facts.flag("State/Running") || facts.flag("State/Restarting") {
            return Err(Doubt::new("the container does not run"));
        }
        let process = Process::find(facts.count("State/Pid"), &id)?;
        let path = facts.raw("LogPath").to_owned();
        let LogRequest { tail, follow, .. } = log.request;
        let chain = tokio::task::spawn_blocking(move || Chain::open(&path, id.as_str(), most, tail, follow));
        let chain = chain.await.map_err(|error| Doubt::new(&error.to_string()))?;
        let chain = chain.inspect_err(|doubt| shared.is_denied.store(doubt.is_denied, Ordering::Relaxed))?;
        let life = if follow { Some((process, Bell::of(shared.bells()?))) } else { None };
        Ok(Self { chain: Some(chain), life })
    }
}

/// Returns how many files a log may have, by the driver's options.
fn files(options: Json<'_>) -> Result<u32, Doubt> {
    let most = options.count("max-file").and_then(|most| u32::try_from(most).ok()).unwrap_or(1);
    if options.raw("compress") == "true" {
        return Err(Doubt::new("older files are compressed"));
    }
    // A single file is emptied where others are renamed, and what was not read at once is gone: that is a
    // race which the engine itself is nearer to winning.
    if most < 2 && !matches!(options.raw("max-size"), "" | "-1") {
        return Err(Doubt::new("its only file is emptied again and again"));
    }
    Ok(most)
}

/// One log being read.
struct Reader {
    log: Log,
    source: LogSource,
    in_hand: InHand,
    records: Records,
    decoder: Decoder,
    /// Read, not yet handed out.
    lines: VecDeque<RawLine>,
    /// What was handed out last, to know it again when the engine goes on.
    sent: VecDeque<(Timestamp, LogStream)>,
    /// To be said between lines.
    remark: Option<&'static str>,
    /// The next look has to wait for a moment.
    is_paced: bool,
    is_bell_set: bool,
    /// Nothing is written any more.
    is_written: bool,
    failure: Option<EngineError>,
    is_over: bool,
    engine: Option<ThroughEngine>,
}

/// The engine going on with a log.
struct ThroughEngine {
    batches: BoxStream<'static, Result<Vec<LogLine>, EngineError>>,
    /// How often a line of this time and stream was handed out already.
    known: HashMap<(Timestamp, LogStream), usize>,
}

impl Reader {
    fn new(log: Log, in_hand: InHand) -> Self {
        Self {
            source: (&log.id).into(),
            decoder: Decoder::new(log.request.tty, Timestamp::now()),
            is_written: !log.request.follow,
            log,
            in_hand,
            records: Records::default(),
            lines: VecDeque::new(),
            sent: VecDeque::new(),
            remark: None,
            is_paced: false,
            is_bell_set: false,
            failure: None,
            is_over: false,
            engine: None,
        }
    }

    async fn next(&mut self) -> Option<Result<Vec<LogLine>, EngineError>> {
        loop {
            if !self.lines.is_empty() {
                return Some(Ok(self.batch()));
            }
            if let Some(words) = self.remark.take() {
                return Some(Ok(vec![self.say(words)]));
            }
            if let Some(engine) = &mut self.engine {
                return engine.next().await;
            }
            if self.is_over {
                return self.failure.take().map(Err);
            }
            if let Err(doubt) = self.step().await {
                log::debug!("log of {} through the engine from here on: {}", self.log.id.short(), doubt.why);
                self.engine = Some(self.hand_over());
            }
        }
    }

    fn batch(&mut self) -> Vec<LogLine> {
        let batch = self.lines.drain(..self.lines.len().min(streams::BATCH));
        let lines: Vec<LogLine> = batch.map(|line| line.into_line(&self.source)).collect();
        let surplus = (self.sent.len() + lines.len()).saturating_sub(REMEMBERED).min(self.sent.len());
        self.sent.drain(..surplus);
        self.sent.extend(lines.iter().map(|line| (line.at, line.stream)));
        lines
    }

    fn say(&self, words: &str) -> LogLine {
        let at = self.sent.back().map_or_else(Timestamp::now, |(at, _)| *at);
        let text = StyledText::plain(words);
        LogLine { at, source: self.source.clone(), stream: LogStream::Remark, level: None, text }
    }

    /// Reads once, or waits until there is something to read.
    async fn step(&mut self) -> Result<(), Doubt> {
        if std::mem::take(&mut self.is_paced) {
            tokio::time::sleep(PAUSE).await;
        }
        match self.look().await? {
            Found::Records(_) => {}
            Found::Cut => self.remark = Some(CUT),
            Found::Missed => self.remark = Some(MISSED),
            Found::Nothing if self.is_written => self.finish(),
            Found::Nothing => self.wait().await?,
        }
        Ok(())
    }

    /// Looks once; what is new comes into the queue.
    async fn look(&mut self) -> Result<Found, Doubt> {
        let lost = || Doubt::new("it was lost on the way");
        let mut chain = self.in_hand.chain.take().ok_or_else(lost)?;
        // A file may lie on a slow disk.
        let work = tokio::task::spawn_blocking(move || {
            let found = chain.read();
            (chain, found)
        });
        let (chain, found) = work.await.map_err(|error| Doubt::new(&error.to_string()))?;
        let found = found?;
        if let Found::Records(part) = &found {
            // A full gulp has more behind it.
            self.is_paced = !self.is_written && part.len() < chain::GULP / 2;
            self.is_bell_set = false;
            self.take(&chain.bytes()[part.clone()])?;
        }
        self.in_hand.chain = Some(chain);
        Ok(found)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Doubt> {
        let LogRequest { since, until, .. } = self.log.request;
        let mut lines = Vec::new();
        let mut result = Ok(());
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some(record) = self.records.read(line.strip_suffix(b"\n").unwrap_or(line)) else {
                result = Err(Doubt::new("a record of it cannot be read"));
                break;
            };
            if since.is_some_and(|since| record.at < since) {
                continue;
            }
            // The engine too ends here, though a line that was stamped late may follow.
            if until.is_some_and(|until| record.at > until) {
                self.decoder.finish(&mut lines);
                self.is_over = true;
                break;
            }
            self.decoder.record(record.at, record.stream, record.text, record.ends, &mut lines);
        }
        self.lines.extend(lines);
        result
    }

    fn finish(&mut self) {
        let mut lines = Vec::new();
        self.decoder.finish(&mut lines);
        self.lines.extend(lines);
        self.is_over = true;
    }

    /// Waits for more, or for the container's end.
    async fn wait(&mut self) -> Result<(), Doubt> {
        let (Some((process, bell)), Some(chain)) = (&mut self.in_hand.life, &self.in_hand.chain) else {
            self.is_written = true;
            return Ok(());
        };
        if !self.is_bell_set {
            bell.set(chain.folder())?;
            // What came before it was set is looked for once more.
            self.is_bell_set = true;
            return Ok(());
        }
        tokio::select! {
            () = bell.rung() => self.is_bell_set = false,
            end = process.end.readable() => {
                drop(end?);
                let number = process.number;
                self.failure = self.log.end_of(number).await.err();
                self.is_written = true;
            }
        }
        Ok(())
    }

    /// Lets the engine go on where we were.
    fn hand_over(&mut self) -> ThroughEngine {
        let mut known = HashMap::new();
        let waiting = self.lines.iter().map(|line| (line.at, line.stream));
        let all: Vec<_> = self.sent.iter().copied().chain(waiting).collect();
        let last = all.iter().map(|(at, _)| *at).max();
        let mut request = self.log.request.clone();
        if let Some(last) = last {
            // Not before what is known: that would be told twice.
            let from = if all.len() >= REMEMBERED { all[0].0.max(last - OVERLAP) } else { last - OVERLAP };
            request.since = Some(request.since.map_or(from, |since| since.max(from)));
            request.tail = OVERLAP_TAIL;
        }
        for line in all {
            *known.entry(line).or_default() += 1;
        }
        ThroughEngine { batches: self.log.through_engine(&request), known }
    }
}

impl ThroughEngine {
    async fn next(&mut self) -> Option<Result<Vec<LogLine>, EngineError>> {
        let batch = self.batches.next().await?;
        Some(batch.map(|mut lines| {
            if !self.known.is_empty() {
                lines.retain(|line| match self.known.get_mut(&(line.at, line.stream)) {
                    Some(times) if *times > 0 => {
                        *times -= 1;
                        false
                    }
                    _ => true,
                });
            }
            lines
        }))
    }
}
