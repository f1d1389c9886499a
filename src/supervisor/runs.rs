//! Runs programs in containers and through Compose: lines up as they come, an end by itself, by the clock
//! or by the operator. Whatever ends one, what it started inside is ended too, as far as the engine lets us.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::event::Event;
use crate::model::jobs::{JobId, JobOutcome};
use crate::model::runs::{ExecOrder, OutputLine};
use crate::ports::{ComposeError, Engine, EngineError, Killed, Ports};
use crate::state::jobs::runs::{RunHow, code_words, outcome};
use crate::supervisor::inbox::Outbox;

/// Lines that go up together.
const BATCH: usize = 64;
/// Lines of Compose that wait for the state at most; Compose waits for them then.
const LINES: usize = 256;
/// How long a program may take to print choices, and how many of them are taken.
const CHOICES_TIME: Duration = Duration::from_secs(10);
const CHOICES: usize = 1_000;

/// What ended the wait for a program.
enum Stop {
    Cancelled,
    TimedOut,
}

/// Carries out a run; a word through `stop` ends it.
pub async fn run(
    id: JobId,
    how: RunHow,
    timeout: Option<Duration>,
    stop: oneshot::Receiver<()>,
    ports: Ports,
    outbox: Outbox,
) {
    let outcome = match how {
        RunHow::Exec(order) => exec(id, &order, timeout, stop, &*ports.engine, &outbox).await,
        RunHow::Compose { project, arguments } => {
            let (lines, printed) = mpsc::channel(LINES);
            let work = ports.compose.run(&project, &arguments, lines);
            compose(id, work, printed, timeout, stop, &outbox).await
        }
    };
    outbox.fact(Event::JobFinished { job: id, outcome }).await;
}

async fn exec(
    id: JobId,
    order: &ExecOrder,
    timeout: Option<Duration>,
    stop: oneshot::Receiver<()>,
    engine: &dyn Engine,
    outbox: &Outbox,
) -> JobOutcome {
    let stopped = stopped(timeout, stop);
    tokio::pin!(stopped);
    // Not given up halfway: nobody would know then whether it has begun.
    let session = match engine.exec(order).await {
        Ok(session) => session,
        Err(error) => return JobOutcome::Failed(vec![with_advice(&error)]),
    };
    let mut lines = session.lines;
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            stop = &mut stopped => {
                let killed = session.kill.await;
                return ended(&stop, killed);
            }
            count = lines.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return outcome(session.end.await);
                }
                tell(id, &mut batch, outbox).await;
            }
        }
    }
}

async fn compose(
    id: JobId,
    work: impl Future<Output = Result<(), ComposeError>>,
    mut printed: mpsc::Receiver<OutputLine>,
    timeout: Option<Duration>,
    stop: oneshot::Receiver<()>,
    outbox: &Outbox,
) -> JobOutcome {
    let stopped = stopped(timeout, stop);
    tokio::pin!(work, stopped);
    let mut result = None;
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            // Dropping the work ends its process group.
            stop = &mut stopped => return ended(&stop, Killed::Gone),
            count = printed.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    break;
                }
                tell(id, &mut batch, outbox).await;
            }
            ended = &mut work, if result.is_none() => {
                result = Some(ended);
                // Whoever still holds the sender has nothing more to say.
                printed.close();
            }
        }
    }
    let result = match result {
        Some(result) => result,
        None => work.await,
    };
    match result {
        Ok(()) => JobOutcome::Succeeded,
        // Its last words stand in the output already.
        Err(ComposeError::Exited { code, .. }) => {
            JobOutcome::Exited { code: i64::from(code), words: String::new() }
        }
        Err(error) => JobOutcome::Failed(vec![error.to_string()]),
    }
}

/// Tells what was printed, output and errors apart.
async fn tell(id: JobId, batch: &mut Vec<OutputLine>, outbox: &Outbox) {
    for alike in batch.chunk_by(|one, next| one.is_error == next.is_error) {
        let is_error = alike.first().is_some_and(|line| line.is_error);
        let lines = alike.iter().map(|line| line.text.clone()).collect();
        outbox.fact(Event::JobOutput { job: id, lines, is_error }).await;
    }
    batch.clear();
}

/// Waits for a word to stop, or for the time to be up.
async fn stopped(timeout: Option<Duration>, stop: oneshot::Receiver<()>) -> Stop {
    let time_is_up = async {
        match timeout {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        // A sender that is gone without a word says the same: nobody can cancel it any more.
        _ = stop => Stop::Cancelled,
        () = time_is_up => Stop::TimedOut,
    }
}

fn ended(stop: &Stop, killed: Killed) -> JobOutcome {
    let left = match killed {
        Killed::Gone => None,
        Killed::Left(count) => Some(format!("{count} of its processes run on in the container")),
        Killed::Unknown => Some(String::from("it may still run in the container")),
    };
    match (stop, left) {
        (Stop::Cancelled, None) => JobOutcome::Cancelled,
        (Stop::Cancelled, Some(left)) => JobOutcome::Failed(vec![format!("cancelled, but {left}")]),
        (Stop::TimedOut, left) => JobOutcome::TimedOut(left.unwrap_or_else(|| String::from("it was ended"))),
    }
}

/// Runs a program for the choices it prints.
pub async fn choices(engine: Arc<dyn Engine>, order: &ExecOrder) -> Result<Vec<OutputLine>, String> {
    let mut session = engine.exec(order).await.map_err(|error| with_advice(&error))?;
    let mut all: Vec<OutputLine> = Vec::new();
    let read = async {
        while all.len() < CHOICES {
            let Some(line) = session.lines.recv().await else { return true };
            all.push(line);
        }
        false
    };
    match tokio::time::timeout(CHOICES_TIME, read).await {
        Ok(true) => {}
        Ok(false) => {
            session.kill.await;
            return Ok(all);
        }
        Err(_) => {
            session.kill.await;
            return Err(format!("it did not end within {} s", CHOICES_TIME.as_secs()));
        }
    }
    let end = session.end.await;
    match end.exit_code {
        Some(0) => Ok(all),
        _ if !end.refusal.is_empty() => Err(end.refusal),
        Some(code) => {
            let last = all.last().map_or(String::new(), |line| format!(": {}", line.text));
            Err(format!("it ended with {}{last}", code_words(code)))
        }
        None => Err(String::from("the connection broke")),
    }
}

fn with_advice(error: &EngineError) -> String {
    match error.advice() {
        "" => error.to_string(),
        advice => format!("{error}. {advice}"),
    }
}
