//! How the watching of a service and its runs is said: mark, word and color, for every screen alike.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use ratatui::style::Style;

use crate::model::jobs::Phase;
use crate::model::stacks::age;
use crate::model::watch::run::{RunAction, RunPhase, Trigger, WatchRun};
use crate::model::watch::{ServiceKey, WatchRule};
use crate::state::State;
use crate::state::watch::{PlanOrigin, ServiceWatch};
use crate::tui::theme::Theme;
use crate::tui::view::Context;

/// Symbol, words and color.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Face {
    pub mark: &'static str,
    pub word: String,
    pub style: Style,
}

impl Face {
    fn new(mark: &'static str, word: impl Into<String>, style: Style) -> Self {
        Self { mark, word: word.into(), style }
    }
}

/// Marks of this screen, with their twins in ASCII.
struct Marks {
    on: &'static str,
    off: &'static str,
    busy: &'static str,
    good: &'static str,
    bad: &'static str,
    stopped: &'static str,
    waits: &'static str,
    offered: &'static str,
    warning: &'static str,
    none: &'static str,
}

const UNICODE: Marks = Marks {
    on: "◎",
    off: "○",
    busy: "↻",
    good: "✓",
    bad: "✗",
    stopped: "‖",
    waits: "◌",
    offered: "≠",
    warning: "▲",
    none: "·",
};

const ASCII: Marks = Marks {
    on: "o",
    off: ".",
    busy: "@",
    good: "+",
    bad: "x",
    stopped: "=",
    waits: "~",
    offered: "!",
    warning: "!",
    none: "-",
};

fn marks(theme: &Theme) -> &'static Marks {
    if theme.ascii { &ASCII } else { &UNICODE }
}

/// Returns the run of a service that is under way; the one that does something before one that waits.
pub fn under_way<'a>(key: &ServiceKey, state: &'a State) -> Option<&'a WatchRun> {
    let of_it = || state.watch.under_way().filter(|run| is_of(run, key));
    of_it().find(|run| run.phase() > RunPhase::Queued).or_else(|| of_it().next())
}

/// Whether a run is one of a service's.
pub fn is_of(run: &WatchRun, key: &ServiceKey) -> bool {
    run.stack == key.0 && run.services.contains(&key.1)
}

/// Says how the watching of a service stands.
pub fn standing(key: &ServiceKey, watch: &ServiceWatch, cx: &Context<'_>) -> Face {
    let (theme, marks) = (cx.theme, marks(cx.theme));
    if let Some(run) = under_way(key, cx.state) {
        let since = run.phases.last().map_or(cx.now, |(_, at)| *at);
        let (mark, style) = match run.phase() {
            RunPhase::Queued => (marks.waits, theme.blocked),
            _ => (marks.busy, theme.starting),
        };
        // The first word has to do in a column.
        let doing = doing(run, cx.state).split(' ').next().unwrap_or_default();
        return Face::new(mark, format!("{doing} {}", age(since, cx.now)), style);
    }
    if !watch.suspended.is_empty() {
        return Face::new(marks.stopped, "suspended", theme.error);
    }
    if !watch.on {
        return match watch.plan.origin {
            PlanOrigin::BindMount if watch.plan.rules.is_empty() => {
                Face::new(marks.none, "reloads", theme.muted)
            }
            PlanOrigin::Nothing => Face::new(marks.none, "nothing", theme.faint),
            _ => Face::new(marks.off, "off", theme.muted),
        };
    }
    let pending = watch.pending.len();
    if pending > 0 && watch.offered {
        return Face::new(marks.offered, format!("{pending} changed"), theme.warning);
    }
    if watch.failed {
        return Face::new(marks.bad, "failed", theme.error);
    }
    if pending > 0 {
        let word = if pending == 1 { String::from("1 waits") } else { format!("{pending} wait") };
        return Face::new(marks.waits, word, theme.blocked);
    }
    if watch.trees.values().any(|facts| facts.trouble.is_some()) {
        return Face::new(marks.warning, "trouble", theme.warning);
    }
    if watch.trees.values().any(|facts| facts.polled.is_some()) {
        return Face::new(marks.on, "polled", theme.good);
    }
    Face::new(marks.on, "on", theme.good)
}

/// Says in a row of the tree what somebody should know of a service's watching; nothing of what is off.
pub fn badge(key: &ServiceKey, state: &State, theme: &Theme) -> Option<Face> {
    let (watch, marks) = (state.watch.service(&key.0, &key.1)?, marks(theme));
    if !watch.suspended.is_empty() {
        return Some(Face::new(marks.stopped, "loop", theme.error));
    }
    if !watch.on {
        return None;
    }
    if watch.offered && !watch.pending.is_empty() {
        return Some(Face::new(marks.offered, files(watch.pending.len()), theme.warning));
    }
    if watch.failed {
        let word = last_failure(key, state).map_or("build", |run| what_failed(run.action));
        return Some(Face::new(marks.bad, word, theme.error));
    }
    Some(Face::new(marks.on, "watch", theme.muted))
}

/// Returns the run by which a service failed last.
pub fn last_failure<'a>(key: &ServiceKey, state: &'a State) -> Option<&'a WatchRun> {
    state.watch.runs().rev().filter(|run| is_of(run, key)).find(|run| run.phase() == RunPhase::Failed)
}

/// Names what of a run can go wrong.
pub fn what_failed(action: RunAction) -> &'static str {
    match action {
        RunAction::Rebuild => "build",
        RunAction::Restart => "restart",
        RunAction::Sync | RunAction::SyncRestart | RunAction::SyncExec => "sync",
    }
}

/// Says what a run is doing now.
pub fn doing(run: &WatchRun, state: &State) -> &'static str {
    let job = state.jobs.running().find(|job| job.watch == Some(run.id));
    if let Some(phase) = job.and_then(|job| job.phase.as_ref()) {
        return match phase.phase {
            Phase::Starting => "re-creating",
            phase => phase.doing(),
        };
    }
    match run.phase() {
        RunPhase::Noticed => "deciding",
        RunPhase::Queued => "queued",
        RunPhase::Building => "building",
        RunPhase::Built => "re-creating",
        RunPhase::Synced if run.action == RunAction::SyncRestart => "restarting",
        RunPhase::Synced if run.action == RunAction::SyncExec => "running the hook",
        RunPhase::Recreated | RunPhase::Restarted | RunPhase::Synced => "waiting for health",
        RunPhase::Ready => "ready",
        RunPhase::Failed => "failed",
        RunPhase::Suspended => "suspended",
    }
}

/// Returns mark, word and color of a run.
pub fn outcome(run: &WatchRun, theme: &Theme) -> Face {
    let marks = marks(theme);
    match run.phase() {
        RunPhase::Ready => Face::new(marks.good, "ready", theme.good),
        RunPhase::Failed => Face::new(marks.bad, "failed", theme.error),
        RunPhase::Suspended => Face::new(marks.stopped, "suspended", theme.error),
        RunPhase::Queued => Face::new(marks.waits, "queued", theme.blocked),
        _ => Face::new(marks.busy, "under way", theme.starting),
    }
}

/// Says what led to a run.
pub fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Files => "saved",
        Trigger::Operator => "asked for",
        Trigger::InitialSync => "first copy",
        Trigger::Recreated => "copied again: the container is a new one",
    }
}

/// Names the step between a phase of a run and the one before it.
pub fn step(before: RunPhase, phase: RunPhase) -> &'static str {
    match phase {
        RunPhase::Noticed => "noticed",
        RunPhase::Building if before == RunPhase::Queued => "waited",
        RunPhase::Queued | RunPhase::Building => "decided",
        RunPhase::Built => "built",
        RunPhase::Recreated => "re-created",
        RunPhase::Synced => "synced",
        RunPhase::Restarted => "restarted",
        RunPhase::Ready => "ready",
        RunPhase::Failed => "failed",
        RunPhase::Suspended => "suspended",
    }
}

/// Returns each step of a run with how long it took.
pub fn steps(run: &WatchRun) -> Vec<(&'static str, SignedDuration)> {
    let pairs = run.phases.windows(2);
    pairs.map(|pair| (step(pair[0].0, pair[1].0), pair[1].1.duration_since(pair[0].1))).collect()
}

/// Writes how long something took: `35ms`, `2.1s`, `1m 20s`.
pub fn took(span: SignedDuration) -> String {
    let milliseconds = span.as_millis().max(0);
    match milliseconds {
        0..100 => format!("{milliseconds}ms"),
        100..59_950 => format!("{:.1}s", milliseconds as f64 / 1000.0),
        _ => format!("{}m {}s", milliseconds / 60_000, milliseconds / 1000 % 60),
    }
}

/// Returns the time that a rebuild of a stack may take.
pub fn budget(stack: &str, state: &State) -> Option<SignedDuration> {
    SignedDuration::try_from(state.stack_files.get(stack)?.budget.rebuild?).ok()
}

/// Whether a run was a rebuild that took longer than it may.
pub fn is_over_budget(run: &WatchRun, state: &State) -> bool {
    let over = || Some(run.took()? > budget(&run.stack, state)?);
    run.action == RunAction::Rebuild && run.phase() == RunPhase::Ready && over().unwrap_or(false)
}

/// Names what a run is about: `energy/app`, `energy/app +1`; without the stack: `app`.
pub fn services(run: &WatchRun, with_stack: bool) -> String {
    let first = run.services.first().map_or("", |service| &**service);
    let name = if with_stack { format!("{}/{first}", run.stack) } else { first.to_owned() };
    match run.services.len() {
        0 | 1 => name,
        more => format!("{name} +{}", more - 1),
    }
}

/// Names the files of a run: `src/main.py`, `src/main.py +2`.
pub fn changed(run: &WatchRun) -> String {
    match (run.files.first(), run.file_count) {
        (None, _) => trigger(run.trigger).to_owned(),
        (Some(file), 0 | 1) => file.display().to_string(),
        (Some(file), count) => format!("{} +{}", file.display(), count - 1),
    }
}

pub fn files(count: usize) -> String {
    if count == 1 { String::from("1 file") } else { format!("{count} files") }
}

/// Says what is done next with what waits: `3 files changed while nobody watched`.
pub fn waiting(watch: &ServiceWatch, state: &State) -> String {
    let files = files(watch.pending.len());
    let why = if watch.offered {
        "changed while nobody watched"
    } else if !watch.suspended.is_empty() {
        "changed while it is suspended"
    } else if state.watch.paused {
        "changed while paused"
    } else if state.watch.manual {
        "changed, manual mode"
    } else {
        "changed, about to be taken up"
    };
    format!("{files} {why}")
}

/// Where the rules of a service come from.
pub fn origin(plan: PlanOrigin) -> &'static str {
    match plan {
        PlanOrigin::Nothing => "neither watch rules nor a build",
        PlanOrigin::Develop => "develop.watch of its compose file",
        PlanOrigin::StackFile => "[[watch]] of stackdash.toml",
        PlanOrigin::Build => "its build: all that goes into the image",
        PlanOrigin::BindMount => "bind mount, the service reloads itself",
    }
}

/// Writes a path as one would from the stack's folder: `./src`.
pub fn local(path: &Path, folder: Option<&PathBuf>) -> String {
    match folder.and_then(|folder| path.strip_prefix(folder).ok()) {
        Some(rest) if rest.as_os_str().is_empty() => String::from("./"),
        Some(rest) => format!("./{}", rest.display()),
        None => path.display().to_string(),
    }
}

/// Writes a rule without its action: `./web/src → /app/src`.
pub fn places(rule: &WatchRule, folder: Option<&PathBuf>, theme: &Theme) -> String {
    let arrow = crate::tui::paint::glyphs(theme.ascii).arrow;
    let path = local(&rule.path, folder);
    match &rule.target {
        Some(target) => format!("{path} {arrow} {target}"),
        None => path,
    }
}

/// Writes all rules of a service in a few words: `rebuild ./package.json, sync ./web → /web`.
pub fn rules(key: &ServiceKey, watch: &ServiceWatch, cx: &Context<'_>) -> String {
    if watch.plan.rules.is_empty() {
        return watch.plan.notes.first().cloned().unwrap_or_else(|| origin(watch.plan.origin).to_owned());
    }
    let folder = cx.state.containers.project_of(&key.0).map(|project| &project.folder);
    let words = watch.plan.rules.iter();
    let words = words.map(|rule| format!("{} {}", rule.action.word(), places(rule, folder, cx.theme)));
    words.collect::<Vec<_>>().join(", ")
}

/// Names what the rules of a service do, each once: `sync, rebuild x2`.
pub fn actions(watch: &ServiceWatch) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for rule in &watch.plan.rules {
        match counts.iter_mut().find(|(word, _)| *word == rule.action.word()) {
            Some((_, count)) => *count += 1,
            None => counts.push((rule.action.word(), 1)),
        }
    }
    let words = counts.into_iter().map(
        |(word, count)| {
            if count > 1 { format!("{word} x{count}") } else { word.to_owned() }
        },
    );
    words.collect::<Vec<_>>().join(", ")
}

/// Writes a moment of a run: the time of day, the date where it was on another.
pub fn clock(at: Timestamp, now: Timestamp) -> String {
    let zone = crate::tui::views::details::fields::zone;
    let local = at.to_zoned(zone());
    let today = local.date() == now.to_zoned(zone()).date();
    local.strftime(if today { "%H:%M:%S" } else { "%b %d  " }).to_string()
}
