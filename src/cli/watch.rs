//! `watch`: the hot-reload loop without a screen, a line for each phase of each run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::time::{Instant, timeout_at};

use crate::cli::args::{LineFormat, WatchArguments};
use crate::cli::exit::{self, Failure};
use crate::cli::headless::{Headless, Measure};
use crate::cli::json;
use crate::cli::lifecycle::check_may_change;
use crate::cli::meant;
use crate::cli::output::{Ink, Output, say};
use crate::cli::select::full_name;
use crate::cli::settings::Setup;
use crate::command::Command;
use crate::model::stacks::Target;
use crate::model::watch::ServiceKey;
use crate::model::watch::run::{RunId, RunPhase, WatchRun};
use crate::state::State;
use crate::state::watch::ServiceWatch;

/// How long what is under way may take to end with us.
const LAST_JOBS: Duration = Duration::from_secs(2);
/// Lines of a failed build that are shown.
const LAST_LINES: usize = 12;

pub async fn run(setup: &Setup, arguments: WatchArguments, output: &mut Output) -> Result<u8, Failure> {
    check_may_change(setup, "watch")?;
    let mut headless = meant::connect(setup, setup.ports_with_history()?, Measure::Nothing).await?;
    let keys = services(&mut headless, setup, &arguments.services.services).await?;
    for (stack, service) in &keys {
        let (stack, service) = (stack.clone(), Some(service.clone()));
        headless.supervisor.submit(Command::SetWatch { stack, service, on: true });
    }
    let mut reader = Reader { format: arguments.format, ..Reader::default() };
    let mut stop = Box::pin(stopped());
    loop {
        reader.tell(headless.state(), &keys);
        reader.print(headless.state(), output)?;
        output.flush()?;
        tokio::select! {
            biased;
            () = &mut stop => break,
            () = headless.supervisor.next() => {}
        }
    }
    end(&mut headless).await;
    Ok(exit::OK)
}

/// Waits for Ctrl-C, or for somebody who ends us.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Ends what is under way: a build must not go on without us.
async fn end(headless: &mut Headless) {
    let jobs: Vec<_> = headless.state().jobs.running().map(|job| job.id).collect();
    for job in jobs {
        headless.supervisor.submit(Command::Cancel(job));
    }
    let end = Instant::now() + LAST_JOBS;
    while headless.state().jobs.running().next().is_some() {
        if timeout_at(end, headless.supervisor.next()).await.is_err() {
            break;
        }
    }
    headless.supervisor.close().await;
}

/// Finds what is to be watched: what was named, or whatever the stack that is meant has to watch.
async fn services(
    headless: &mut Headless,
    setup: &Setup,
    words: &[String],
) -> Result<Vec<ServiceKey>, Failure> {
    let (named, project) = if words.is_empty() {
        let config = meant::narrowed(headless, setup).await?;
        let Some(project) = config.project else {
            return Err(Failure::usage("nothing was named to watch").next_step(
                "Name services (stackdash watch SERVICE…) or a whole stack (-p NAME), or go to a folder with a compose file",
            ));
        };
        (Vec::new(), project)
    } else {
        (meant::services(headless, setup, words).await?, String::new())
    };
    headless.definitions().await;
    let state = headless.state();
    if words.is_empty() {
        let can =
            |(key, watch): &(&ServiceKey, &ServiceWatch)| *key.0 == *project && !watch.plan.rules.is_empty();
        let keys: Vec<ServiceKey> = state.watch.services().filter(can).map(|(key, _)| key.clone()).collect();
        if keys.is_empty() {
            return Err(nothing(state, &project));
        }
        return Ok(keys);
    }
    let mut keys = Vec::new();
    for target in named {
        let key = match target {
            Target::Service { stack, service } => (stack, service),
            other => state.containers.service_of(&other).ok_or_else(|| Failure::failed("it is gone"))?,
        };
        match state.watch.service(&key.0, &key.1) {
            Some(watch) if !watch.plan.rules.is_empty() => keys.push(key),
            watch => {
                let note = watch.and_then(|watch| watch.plan.notes.first());
                let why = note.map_or("it has neither a build nor watch rules", String::as_str);
                return Err(Failure::failed(format!(
                    "{}: nothing to watch: {why}",
                    full_name(&key.0, &key.1)
                )));
            }
        }
    }
    Ok(keys)
}

fn nothing(state: &State, project: &str) -> Failure {
    let notes = state.watch.services().filter(|(key, _)| *key.0 == *project);
    let notes: Vec<String> = notes
        .flat_map(|(key, watch)| watch.plan.notes.iter().map(move |note| format!("{}: {note}", key.1)))
        .collect();
    let failure = Failure::failed(format!("{project} has nothing to watch"));
    if notes.is_empty() {
        failure.next_step("Give a service a build or develop.watch rules, or [[watch]] in its stackdash.toml")
    } else {
        failure.next_step(notes.join("\n"))
    }
}

/// What was printed already.
#[derive(Default)]
struct Reader {
    format: LineFormat,
    /// Phases of each run that were printed.
    printed: BTreeMap<RunId, usize>,
    /// Words that were said about each service.
    said: BTreeMap<ServiceKey, BTreeSet<String>>,
    notices: u64,
}

impl Reader {
    /// Says what there is to say beside the runs, to standard error.
    fn tell(&mut self, state: &State, keys: &[ServiceKey]) {
        for key in keys {
            let Some(watch) = state.watch.service(&key.0, &key.1) else { continue };
            let said = self.said.entry(key.clone()).or_default();
            let name = full_name(&key.0, &key.1);
            for words in words_about(watch) {
                if said.insert(words.clone()) {
                    say(format!("{name}: {words}"));
                }
            }
        }
        let ours = |text: &str| keys.iter().any(|(stack, _)| text.starts_with(&**stack));
        for notice in state.jobs.notices().iter().filter(|notice| notice.number > self.notices) {
            if ours(&notice.text) {
                say(&notice.text);
            }
        }
        self.notices = state.jobs.notices().back().map_or(self.notices, |notice| notice.number);
    }

    fn print(&mut self, state: &State, output: &mut Output) -> Result<(), Failure> {
        for run in state.watch.runs() {
            let known = self.printed.entry(run.id).or_default();
            for (phase, at) in run.phases.iter().skip(*known) {
                for service in &run.services {
                    match self.format {
                        LineFormat::Json => output.object(&json::watch::line(run, service, *phase, *at))?,
                        LineFormat::Text => output.line(text(run, service, *phase, *at, output))?,
                    }
                }
                if *phase == RunPhase::Failed {
                    show_output(state, run);
                }
            }
            *known = run.phases.len();
        }
        if let Some(first) = state.watch.runs().next().map(|run| run.id) {
            self.printed.retain(|id, _| *id >= first);
        }
        Ok(())
    }
}

/// Shows the end of what a run that failed has printed.
fn show_output(state: &State, run: &WatchRun) {
    let Some(printed) = run.job.and_then(|job| state.jobs.output_of(job)) else { return };
    let skipped = printed.lines.len().saturating_sub(LAST_LINES);
    for line in printed.lines.iter().skip(skipped) {
        say(format!("  {line}"));
    }
}

fn words_about(watch: &ServiceWatch) -> Vec<String> {
    let mut words = Vec::new();
    if !watch.trees.is_empty() && watch.trees.values().all(|facts| facts.trouble.is_none()) {
        let files: u64 = watch.trees.values().map(|facts| facts.files).sum();
        let actions: BTreeSet<&str> = watch.plan.rules.iter().map(|rule| rule.action.word()).collect();
        let actions: Vec<&str> = actions.into_iter().collect();
        if watch.trees.len() == tree_count(watch) {
            words.push(format!("watching {files} files: {}", actions.join(", ")));
        }
    }
    words.extend(watch.plan.notes.iter().cloned());
    for facts in watch.trees.values() {
        words.extend(facts.trouble.iter().map(|why| format!("not watched: {why}")));
        words.extend(facts.polled.iter().map(|why| format!("polled: {why}")));
    }
    if watch.offered {
        let files = watch.pending.len();
        let they = if files == 1 { "file was changed" } else { "files were changed" };
        words.push(format!("{files} {they} while nobody watched; the next save takes them along"));
    }
    if !watch.suspended.is_empty() {
        words.push(format!("suspended: {}; begin anew with another stackdash watch", watch.suspended));
    }
    words
}

/// Rules of the same tree are watched together; the sum is told once all of them were looked through.
fn tree_count(watch: &ServiceWatch) -> usize {
    let roots: BTreeSet<_> = watch.plan.rules.iter().map(|rule| (&rule.path, &rule.ignore)).collect();
    roots.len()
}

fn text(run: &WatchRun, service: &Arc<str>, phase: RunPhase, at: jiff::Timestamp, output: &Output) -> String {
    let look = output.look;
    let ink = match phase {
        RunPhase::Ready => Some(Ink::Green),
        RunPhase::Failed => Some(Ink::Red),
        RunPhase::Queued | RunPhase::Suspended => Some(Ink::Yellow),
        RunPhase::Noticed => Some(Ink::Faint),
        _ => None,
    };
    let time = at.to_zoned(TimeZone::system()).strftime("%H:%M:%S%.3f").to_string();
    let word = look.paint(ink, &format!("{:<9}", phase.word()));
    let name = full_name(&run.stack, service);
    let took = at.duration_since(run.noticed_at()).as_secs_f64().max(0.0);
    let mut line = format!("{time}  {name}  {word}  {}", run.action.word());
    match phase {
        RunPhase::Noticed => {
            let first = run.files.first().map(|file| file.display().to_string());
            let _ = write!(line, "  {}", first.unwrap_or_else(|| run.rule.clone()));
            if run.file_count > 1 {
                let _ = write!(line, " and {} more", run.file_count - 1);
            }
        }
        _ => {
            let _ = write!(line, "  {took:.2} s");
        }
    }
    if !run.detail.is_empty() && (phase.is_end() || phase == RunPhase::Queued) {
        let _ = write!(line, "  {}", run.detail);
    }
    line
}
