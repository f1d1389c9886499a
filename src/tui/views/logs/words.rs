//! What the pane says beside the lines: its state at the foot, and why it is empty.

use crate::model::containers::RunState;
use crate::model::logs::{LogLevel, LogStatus};
use crate::state::State;
use crate::tui::action::Action;
use crate::tui::keymap::Keymap;
use crate::tui::views::logs::sieve::Sieve;
use crate::tui::views::logs::sources::Sources;
use crate::tui::views::notice::Notice;
use crate::tui::widgets::bytes;

/// Says why no line is shown.
pub fn why_empty(
    state: &State,
    sources: &Sources,
    level: Option<LogLevel>,
    sieve: &Sieve,
    keymap: &Keymap,
) -> Notice {
    if sources.targets().is_empty() {
        return Notice::new("No log is chosen").advise(format!(
            "Go to Stacks ({}), choose a stack, a service or a container and press {}",
            keymap.named(Action::ShowStacks),
            keymap.named(Action::OpenLogs)
        ));
    }
    let living: Vec<_> = sources.list().iter().filter(|source| !source.is_gone).collect();
    let what = name(state, sources);
    if living.is_empty() && !sources.list().is_empty() {
        return Notice::new(format!("The container of {what} is gone, and its log with it"))
            .advise("Lines appear here as soon as there is one again");
    }
    if living.is_empty() {
        return Notice::new(format!("{what} has no container, so there is no log"))
            .advise("Lines appear here as soon as one is created");
    }
    if !sieve.is_empty() && !state.logs.lines().is_empty() {
        let lines = bytes::count(state.logs.lines().len() as u64);
        let (what, how) = (sieve.query.text(), if sieve.hides { "All" } else { "None" });
        let level = level.map_or(String::new(), |level| format!(" at level {} and above", level.word()));
        return Notice::new(format!("{how} of {lines} lines{level} match {what}")).advise(format!(
            "{} changes the filter, {} clears it",
            keymap.named(Action::OnlyMatching),
            keymap.named(Action::Back)
        ));
    }
    if let Some(level) = level.filter(|_| !state.logs.lines().is_empty()) {
        let lines = state.logs.lines().len() as u64;
        let noun = if lines == 1 { "line" } else { "lines" };
        return Notice::new(format!(
            "None of {} {noun} is at level {} or above",
            bytes::count(lines),
            level.word()
        ))
        .advise(format!(
            "{} goes on to the next level, after error to all lines",
            keymap.named(Action::Level)
        ));
    }
    let statuses: Vec<_> =
        living.iter().map(|source| state.logs.status(&source.id).unwrap_or(&LogStatus::Opening)).collect();
    let unreadable = statuses.iter().find_map(|status| match status {
        LogStatus::Unreadable(why) => Some(why),
        _ => None,
    });
    if let Some(why) = unreadable {
        return Notice::trouble(format!("The log of {what} cannot be read"))
            .advise(why.clone())
            .advise(advice(why));
    }
    if statuses.contains(&&LogStatus::Opening) {
        return Notice::new(format!("Opening the log of {what} …"));
    }
    let never_started = living.iter().all(|source| {
        let entry = state.containers.get(&source.id.container);
        entry.is_some_and(|entry| entry.container.run == RunState::Created)
    });
    if never_started {
        return Notice::new(format!("{what} has not been started yet, so there is no log"))
            .advise("Its log is followed as soon as it starts");
    }
    if statuses.iter().all(|status| **status == LogStatus::Ended) {
        return Notice::new(format!("{what} ended without having written a line"))
            .advise("Its log is followed again when it starts");
    }
    Notice::new(format!("{what} has not written a line so far")).advise("New lines appear here by themselves")
}

/// Says which logs cannot be read while others can.
pub fn unreadable(state: &State, sources: &Sources) -> Option<String> {
    let mut broken = sources.list().iter().filter(|source| !source.is_gone).filter_map(|source| match state
        .logs
        .status(&source.id)
    {
        Some(LogStatus::Unreadable(why)) => Some((source, why)),
        _ => None,
    });
    let (source, why) = broken.next()?;
    let more = broken.count();
    let others = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    Some(format!("{}{others} cannot be read: {why}", source.label))
}

/// Advises what to do about a log that cannot be read.
fn advice(why: &str) -> &'static str {
    if why.to_lowercase().contains("driver") {
        "The engine can read back the drivers json-file, local and journald: give the service one of these \
         (logging: driver: local) and create it again"
    } else {
        "It is tried again when the container starts"
    }
}

fn name(state: &State, sources: &Sources) -> String {
    match sources.targets() {
        [one] => state.containers.name_of(one),
        many => format!("the selection of {}", many.len()),
    }
}

/// Writes the left part of the foot: how much there is, and how much of it fits into the buffer.
pub fn amounts(state: &State, sources: &Sources, shown: usize) -> Vec<String> {
    let mut parts = Vec::new();
    if state.logs.lines().is_empty() {
        return parts;
    }
    let count = sources.list().len();
    if count > 1 {
        parts.push(format!("{count} sources"));
    }
    let lines = state.logs.lines().len();
    let noun = if lines == 1 { "line" } else { "lines" };
    let of = if shown == lines { String::new() } else { format!("{} of ", bytes::count(shown as u64)) };
    parts.push(format!("{of}{} {noun}", bytes::count(lines as u64)));
    let (held, limit) = state.logs.bytes();
    parts.push(format!("{} of {}", bytes::short(held as u64), bytes::short(limit as u64)));
    if state.logs.dropped() > 0 {
        parts.push(format!("{} dropped", bytes::count(state.logs.dropped())));
    }
    parts
}
