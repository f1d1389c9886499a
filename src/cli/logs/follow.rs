//! `logs --follow`: the same followers as the dashboard's, printing instead of storing.
//!
//! Lines are gathered for a moment and put in order of time before they are printed: what the
//! containers had to say already comes in one merged piece, what follows in small ones.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::cli::exit::Failure;
use crate::cli::headless::Headless;
use crate::cli::logs::merge::sorted;
use crate::cli::logs::print::Printer;
use crate::cli::output::{Output, say};
use crate::cli::select;
use crate::config::Config;
use crate::event::Event;
use crate::model::logs::{LogLine, LogSource, LogStatus};
use crate::state::connection::Link;
use crate::supervisor::followers::{FilePlace, Life, Start, follow, follow_file};
use crate::supervisor::inbox::{self, Outbox};

/// How long lines of the beginning are gathered: they come in many batches.
const FIRST_GATHERING: Duration = Duration::from_millis(400);
/// How long later lines are gathered: shorter than the eye notices.
const GATHERING: Duration = Duration::from_millis(60);
/// So many lines are printed at once at the latest.
const GATHERED: usize = 50_000;

struct Followed {
    life: Arc<Life>,
    started_at: Option<Timestamp>,
}

/// Follows until the process is told to end or nobody reads any more.
pub async fn run(
    mut headless: Headless,
    config: &Config,
    words: &[String],
    tail: u32,
    since: Option<Timestamp>,
    mut printer: Printer,
    output: &mut Output,
) -> Result<u8, Failure> {
    let (mut lines, outbox) = inbox::channels();
    let mut tasks = JoinSet::new();
    let mut followed: HashMap<LogSource, Followed> = HashMap::new();
    let start = Start { tail, since, seam: None };
    let mut gathered: Vec<LogLine> = Vec::new();
    let mut print_at = Instant::now() + FIRST_GATHERING;
    let mut listed_at = headless.state().connection.listed_at;
    let mut link = headless.state().connection.link.clone();
    extend(&headless, config, words, start.clone(), &mut followed, &mut printer, &outbox, &mut tasks)?;
    loop {
        tokio::select! {
            biased;
            () = sleep_until(print_at), if !gathered.is_empty() => {
                for line in sorted(std::mem::take(&mut gathered)) {
                    printer.print(&line, output)?;
                }
                output.flush()?;
            }
            event = lines.recv() => match event {
                Event::LogsAppended(batch) => {
                    if gathered.is_empty() {
                        print_at = print_at.max(Instant::now() + GATHERING);
                    }
                    gathered.extend(batch);
                    if gathered.len() > GATHERED {
                        print_at = Instant::now();
                    }
                }
                Event::LogStatusChanged { source, status: LogStatus::Unreadable(why) } => {
                    let target = crate::model::stacks::Target::Container(source.container);
                    say(format!("{}: {why}", headless.state().containers.name_of(&target)));
                }
                _ => {}
            },
            () = headless.supervisor.next() => {
                let connection = &headless.state().connection;
                if connection.link != link {
                    link = connection.link.clone();
                    match &link {
                        Link::Lost { error, .. } => say(format!("connection lost, trying again: {error}")),
                        Link::Connected => say("connected again"),
                        Link::Connecting | Link::Refused { .. } => {}
                    }
                }
                let listed_again = connection.listed_at != listed_at;
                listed_at = connection.listed_at;
                if connection.is_up() {
                    // A stack that is down for the moment may come back: keep what is followed.
                    let _ = extend(&headless, config, words, start.clone(), &mut followed, &mut printer, &outbox, &mut tasks);
                }
                for (id, follower) in &mut followed {
                    let started_at =
                        headless.state().containers.get(&id.container).and_then(|entry| entry.container.started_at);
                    if listed_again || (started_at.is_some() && started_at != follower.started_at) {
                        follower.started_at = started_at;
                        follower.life.nudge();
                    }
                }
            }
        }
    }
}

/// Follows what is wanted and not followed yet: at first everything, later what was created anew.
#[expect(clippy::too_many_arguments, reason = "one loop's state, taken apart for the borrow checker")]
fn extend(
    headless: &Headless,
    config: &Config,
    words: &[String],
    start: Start,
    followed: &mut HashMap<LogSource, Followed>,
    printer: &mut Printer,
    outbox: &Outbox,
    tasks: &mut JoinSet<()>,
) -> Result<(), Failure> {
    let state = headless.state();
    let wanted = select::containers(state, config, words)?;
    printer.learn(state, &wanted);
    for id in wanted {
        let Some(entry) = state.containers.get(&id) else { continue };
        let container = &entry.container;
        for source in state.stack_files.logs_of(container) {
            if followed.contains_key(&source) {
                continue;
            }
            let life = Arc::new(Life::default());
            let (engine, lines) = (headless.ports.engine.clone(), outbox.clone());
            if source.file.is_some() {
                let file = Arc::new(FilePlace::new(None));
                tasks.spawn(follow_file(engine, source.clone(), start.tail, file, life.clone(), lines));
            } else {
                let (start, life) = (start.clone(), life.clone());
                tasks.spawn(follow(engine, id.clone(), container.tty, start, life, lines));
            }
            followed.insert(source, Followed { life, started_at: container.started_at });
        }
    }
    Ok(())
}
