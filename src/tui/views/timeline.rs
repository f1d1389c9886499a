//! The Events screen: what happened, newest at the foot and followed, as in the logs.
//!
//! ```text
//! ─ Events ─────────────────────────────────────────────────────
//! 19:01:07 ✗ assistant/agent  became unhealthy
//! 19:02:40 · assistant/agent  restarted on request
//! 19:03:02 ✓ assistant/agent  became healthy
//! 128 events                        warning and above · following
//! ```

mod paint;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::ops::Range;

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::command::Interest;
use crate::model::stacks::Target;
use crate::model::timeline::{EntryKind, Severity, TimelineEntry};
use crate::state::{Revision, State};
use crate::tui::action::{Action, KeyContext};
use crate::tui::view::{DetailTab, Effect};
use crate::tui::views::clock::{Clock, TimeMode};
use crate::tui::widgets::query::Query;
use crate::tui::widgets::window::Window;

/// Rows that one notch of the wheel moves.
const WHEEL_ROWS: usize = 3;

/// Positions in the timeline.
#[derive(Debug)]
pub struct TimelineView {
    /// Numbers of the entries shown, oldest first.
    rows: Vec<u64>,
    window: Window,
    /// The selected entry: its number, and its time to find it again by.
    selected: Option<(u64, Timestamp)>,
    follow: bool,
    /// Number of the first entry that came after following stopped.
    news_from: u64,
    query: Query,
    severity: Option<Severity>,
    kind: Option<EntryKind>,
    clock: Clock,
    /// What `rows` were built from.
    built: Option<Revision>,
    list: Rect,
}

impl Default for TimelineView {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            window: Window::default(),
            selected: None,
            follow: true,
            news_from: 0,
            query: Query::default(),
            severity: None,
            kind: None,
            clock: Clock::default(),
            built: None,
            list: Rect::ZERO,
        }
    }
}

impl TimelineView {
    pub fn contexts(&self) -> &'static [KeyContext] {
        &[KeyContext::Events, KeyContext::List, KeyContext::Global]
    }

    pub fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    pub fn set_filter(&mut self, text: &str) {
        self.query.set(text);
        self.built = None;
    }

    pub fn filter(&self) -> &str {
        self.query.text()
    }

    pub fn interest(&self, _state: &State, _interest: &mut Interest) {}

    /// Whether something on it counts seconds, so that time alone asks for a frame.
    pub fn counts_seconds(&self, _state: &State, _now: Timestamp) -> bool {
        self.clock.mode == TimeMode::Relative
    }

    pub fn sync(&mut self, state: &State, area: Rect) {
        let above = area.height.min(1);
        self.list = Rect { y: area.y + above, height: area.height.saturating_sub(above + 1), ..area };
        self.refresh(state);
    }

    fn refresh(&mut self, state: &State) {
        let timeline = &state.timeline;
        if self.built != Some(timeline.revision) {
            self.built = Some(timeline.revision);
            let first = timeline.dropped();
            let shown = timeline.entries().iter().enumerate().filter(|(_, entry)| self.shows(entry));
            self.rows = shown.map(|(at, _)| first + at as u64).collect();
        }
        let height = usize::from(self.list.height);
        if self.follow {
            self.window.fit(self.rows.len(), height);
            self.window.select(self.rows.len().saturating_sub(1));
            self.note(state);
            return;
        }
        let row = self.selected.map(|selected| self.row_of(state, selected));
        self.window.fit(self.rows.len(), height);
        if let Some(row) = row.filter(|row| *row != self.window.selected()) {
            self.window.shift_to(row);
        }
        self.note(state);
    }

    fn shows(&self, entry: &TimelineEntry) -> bool {
        self.severity.is_none_or(|severity| entry.severity >= severity)
            && self.kind.is_none_or(|kind| entry.kind == kind)
            && (self.query.is_empty() || self.query.lets_through(&format!("{} {}", name(entry), entry.text)))
    }

    /// Finds the row of an entry again, or of the one that took its place.
    fn row_of(&self, state: &State, (number, at): (u64, Timestamp)) -> usize {
        let entries = state.timeline.entries();
        let first = state.timeline.dropped();
        let same = number.checked_sub(first).and_then(|index| entries.get(index as usize));
        let number = if same.is_some_and(|entry| entry.at == at) {
            number
        } else {
            // An older event slipped in before it.
            first + entries.partition_point(|entry| entry.at < at) as u64
        };
        self.rows.partition_point(|row| *row < number).min(self.rows.len().saturating_sub(1))
    }

    /// Remembers the selected entry by what stays of it.
    fn note(&mut self, state: &State) {
        let entry = |number: u64| entry(state, number).map(|entry| (number, entry.at));
        self.selected = self.rows.get(self.window.selected()).copied().and_then(entry);
    }

    /// Returns the selected entry.
    pub fn selected<'a>(&self, state: &'a State) -> Option<&'a TimelineEntry> {
        entry(state, self.selected?.0)
    }

    pub fn handle(&mut self, action: Action, state: &State) -> Vec<Effect> {
        match action {
            Action::Level => {
                self.severity = match self.severity {
                    None => Some(Severity::Warning),
                    Some(Severity::Warning) => Some(Severity::Error),
                    Some(_) => None,
                };
                self.built = None;
            }
            Action::Kind => {
                self.kind = match self.kind {
                    None => Some(EntryKind::Container),
                    Some(EntryKind::Container) => Some(EntryKind::Health),
                    Some(EntryKind::Health) => Some(EntryKind::Action),
                    Some(EntryKind::Action) => Some(EntryKind::Engine),
                    Some(EntryKind::Engine) => Some(EntryKind::Token),
                    Some(EntryKind::Token) => Some(EntryKind::Probe),
                    Some(EntryKind::Probe) => Some(EntryKind::Heal),
                    Some(EntryKind::Heal) => Some(EntryKind::Stackdash),
                    Some(EntryKind::Stackdash) => None,
                };
                self.built = None;
            }
            Action::Timestamps => {
                self.clock.mode = self.clock.mode.next();
                return vec![Effect::Toast(format!("Times: {}", self.clock.mode.word()))];
            }
            Action::Follow if self.follow => self.pause(state),
            Action::Follow | Action::Last => self.follow = true,
            Action::NextMatch => return self.handle(Action::MoveDown, state),
            Action::PreviousMatch => return self.handle(Action::MoveUp, state),
            Action::Open | Action::OpenDetails => return self.open_details(state),
            Action::OpenLogs => {
                return self.on_target(state, |_, target| vec![Effect::OpenLogs(vec![target])]);
            }
            Action::CopyLine => {
                let Some(entry) = self.selected(state) else { return nothing() };
                let text = format!("{} {} {}", self.clock.write_full(entry.at), name(entry), entry.text);
                return vec![Effect::Copy { what: String::from("event"), text }];
            }
            Action::CopyAll if self.rows.is_empty() => return nothing(),
            Action::CopyAll => {
                let text = self.text(state, self.window.visible());
                return vec![Effect::Copy { what: String::from("visible events"), text }];
            }
            Action::Save if self.rows.is_empty() => return nothing(),
            Action::Save => {
                let text = self.text(state, 0..self.rows.len());
                return vec![Effect::Save { name: String::from("events.log"), text }];
            }
            _ => {
                if self.window.handle(action) {
                    self.moved(state);
                }
                return Vec::new();
            }
        }
        self.refresh(state);
        Vec::new()
    }

    pub fn click(&mut self, column: u16, row: u16, state: &State) -> Vec<Effect> {
        if self.list.contains((column, row).into())
            && let Some(row) = self.window.row_at(self.list, row)
        {
            self.window.select(row);
            self.moved(state);
        }
        Vec::new()
    }

    pub fn wheel(&mut self, _column: u16, _row: u16, down: bool, state: &State) {
        let action = if down { Action::MoveDown } else { Action::MoveUp };
        for _ in 0..WHEEL_ROWS {
            self.window.handle(action);
        }
        self.moved(state);
    }

    /// Standing on the newest entry is following; anywhere else is not.
    fn moved(&mut self, state: &State) {
        if self.window.selected() + 1 >= self.rows.len() {
            self.follow = true;
        } else {
            self.pause(state);
        }
        self.note(state);
    }

    fn pause(&mut self, state: &State) {
        if self.follow {
            self.follow = false;
            self.news_from = state.timeline.dropped() + state.timeline.entries().len() as u64;
        }
    }

    /// Returns how many shown entries came since following stopped.
    fn news(&self) -> usize {
        self.rows.len() - self.rows.partition_point(|row| *row < self.news_from)
    }

    fn open_details(&self, state: &State) -> Vec<Effect> {
        self.on_target(state, |entry, target| {
            let tab = (entry.kind == EntryKind::Health).then_some(DetailTab::Health);
            vec![Effect::OpenDetails { target, tab }]
        })
    }

    fn on_target(
        &self,
        state: &State,
        effects: impl FnOnce(&TimelineEntry, Target) -> Vec<Effect>,
    ) -> Vec<Effect> {
        let Some(entry) = self.selected(state) else { return nothing() };
        let target = match (&entry.stack, &entry.service) {
            (Some(stack), Some(service)) => {
                Target::Service { stack: stack.clone(), service: service.clone() }
            }
            (Some(stack), None) => Target::Stack(stack.clone()),
            (None, _) => return vec![Effect::Toast(String::from("This is about the engine itself"))],
        };
        if state.containers.of_target(&target).is_empty() {
            return vec![Effect::Toast(format!(
                "{} has no container any more",
                state.containers.name_of(&target)
            ))];
        }
        effects(entry, target)
    }

    fn text(&self, state: &State, rows: Range<usize>) -> String {
        let mut text = String::new();
        for entry in self.rows[rows].iter().filter_map(|number| entry(state, *number)) {
            let _ = writeln!(text, "{:.3} {} {} {}", entry.at, entry.kind.word(), name(entry), entry.text);
        }
        text
    }
}

fn nothing() -> Vec<Effect> {
    vec![Effect::Toast(String::from("There is no event"))]
}

fn entry(state: &State, number: u64) -> Option<&TimelineEntry> {
    state.timeline.entries().get(number.checked_sub(state.timeline.dropped())? as usize)
}

/// Names what an entry is about: `energy/app`, `energy`, `engine`.
fn name(entry: &TimelineEntry) -> String {
    match (&entry.stack, &entry.service) {
        (Some(stack), Some(service)) if &**stack == crate::model::containers::NO_STACK => service.to_string(),
        (Some(stack), Some(service)) => format!("{stack}/{service}"),
        (Some(stack), None) => stack.to_string(),
        (None, _) => String::from("engine"),
    }
}
