//! The Checks screen: what is wrong with the stacks' configuration, how the probes stand, which budgets are
//! passed; the worst first.
//!
//! ```text
//! ─ Checks  1 error, 1 warning, 1 of 2 probes fails ───────────────────────
//! Configuration
//! ✗ error    sync/app    JWT_SECRET is not set        docker-compose.yml:12
//! ▲ warning  energy/app  Image mongo has no tag, …     docker-compose.yml:7
//! Probes
//! ✗ fail     shop/api    ready  HTTP 503: no database         /health/ready
//! ● pass     sync/app    health  200  3.1 ms  v1.4.2                /health
//! ─────────────────────────────────────────────────────────────────────────
//! ✗ error  env-unset     JWT_SECRET is not set
//! Why  The service starts with an empty value: …
//! Fix  Set JWT_SECRET in .env beside the compose file …
//! 2 findings                                                    by severity
//! ```

mod paint;
mod rows;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::ops::Range;

use ratatui::layout::Rect;

use crate::command::{Command, Interest};
use crate::model::findings::FindingSeverity;
use crate::state::{Revision, State};
use crate::tui::action::{Action, KeyContext};
use crate::tui::view::Effect;
use crate::tui::views::checks::rows::{Row, Selected, Thing};
use crate::tui::widgets::query::Query;
use crate::tui::widgets::window::Window;

/// Rows that one notch of the wheel moves.
const WHEEL_ROWS: usize = 3;

/// From this height on the details stand below the list.
const TALL: u16 = 20;
/// Rows of the details there.
const PANE: u16 = 10;

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    #[default]
    Severity,
    Stack,
    Rule,
}

impl Order {
    fn word(self) -> &'static str {
        match self {
            Self::Severity => "by severity",
            Self::Stack => "by stack",
            Self::Rule => "by rule",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Severity => Self::Stack,
            Self::Stack => Self::Rule,
            Self::Rule => Self::Severity,
        }
    }
}

/// Positions in the findings.
#[derive(Debug, Default)]
pub struct ChecksView {
    rows: Vec<Row>,
    window: Window,
    selected: Option<Selected>,
    query: Query,
    least: Option<FindingSeverity>,
    order: Order,
    /// Whether the details of one finding stand in place of the list.
    opened: bool,
    built: Option<[Revision; 4]>,
    area: Rect,
}

impl ChecksView {
    pub fn contexts(&self) -> &'static [KeyContext] {
        &[KeyContext::Checks, KeyContext::List, KeyContext::Global]
    }

    pub fn set_filter(&mut self, text: &str) {
        self.query.set(text);
        self.built = None;
    }

    pub fn filter(&self) -> &str {
        self.query.text()
    }

    pub fn interest(&self, _state: &State, _interest: &mut Interest) {}

    pub fn sync(&mut self, state: &State, area: Rect) {
        self.area = area;
        self.refresh(state);
    }

    /// Whether the details of the selected finding stand below the list.
    fn has_pane(&self) -> bool {
        self.area.height >= TALL && !self.opened
    }

    /// The list's rows: below the heading, above the foot, above the details where there is room.
    fn list(&self) -> Rect {
        let area = self.area;
        let below = if self.has_pane() { PANE + 1 } else { 0 };
        Rect { y: area.y + 1, height: area.height.saturating_sub(2 + below), ..area }
    }

    fn details(&self) -> Option<Rect> {
        let list = self.list();
        if self.has_pane() {
            Some(Rect { y: list.bottom() + 1, height: PANE, ..list })
        } else {
            self.opened.then_some(list)
        }
    }

    fn refresh(&mut self, state: &State) {
        let revisions = [
            state.findings.revision,
            state.containers.revision(),
            state.probes.revision,
            state.budgets.revision,
        ];
        if self.built != Some(revisions) {
            self.built = Some(revisions);
            self.rows = rows::rows(state, self.order, |thing| self.shows(thing));
            let row = self.selected.as_ref().and_then(|wanted| {
                self.rows.iter().position(|row| row.thing(state).is_some_and(|thing| thing.is(wanted)))
            });
            if let Some(row) = row {
                self.window.fit(self.rows.len(), usize::from(self.list().height));
                self.window.select(row);
            }
        }
        self.window.fit(self.rows.len(), usize::from(self.list().height));
        self.leave_title(true);
        self.note(state);
        if self.rows.is_empty() {
            self.opened = false;
        }
    }

    fn shows(&self, thing: &Thing<'_>) -> bool {
        self.least.is_none_or(|least| thing.severity() <= least)
            && (self.query.is_empty() || self.query.lets_through(&thing.line()))
    }

    /// Titles cannot be selected: goes on to the row behind it, or before it.
    fn leave_title(&mut self, down: bool) {
        let at = self.window.selected();
        if matches!(self.rows.get(at), Some(Row::Title(_))) {
            self.window.select(if down || at == 0 { at + 1 } else { at - 1 });
        }
    }

    fn note(&mut self, state: &State) {
        let row = self.rows.get(self.window.selected());
        let found = row.and_then(|row| Some(row.thing(state)?.selected()));
        if found.is_some() || self.rows.is_empty() {
            self.selected = found;
        }
    }

    fn step(&mut self, action: Action) -> bool {
        let from = self.window.selected();
        let moved = self.window.handle(action);
        let down = self.window.selected() >= from;
        self.leave_title(down);
        moved
    }

    pub fn handle(&mut self, action: Action, state: &State) -> Vec<Effect> {
        match action {
            Action::Open | Action::Right if !self.rows.is_empty() => self.opened = true,
            Action::Back | Action::Left if self.opened => self.opened = false,
            Action::Back if !self.query.is_empty() => self.set_filter(""),
            Action::Level => {
                self.least = match self.least {
                    None => Some(FindingSeverity::Warning),
                    Some(FindingSeverity::Warning) => Some(FindingSeverity::Error),
                    Some(_) => None,
                };
                self.built = None;
            }
            Action::Sort => {
                self.order = self.order.next();
                self.built = None;
            }
            Action::NextMatch => return self.handle(Action::MoveDown, state),
            Action::PreviousMatch => return self.handle(Action::MoveUp, state),
            Action::ReadAgain => return read_again(state),
            Action::CopyLine => {
                let (what, text) = match &self.selected {
                    None => return nothing(),
                    Some(Selected::Finding(_, finding)) => ("place", finding.place()),
                    Some(Selected::Probe(id)) => (
                        "address",
                        state.probes.get(id).map(|probe| probe.rule.url.clone()).unwrap_or_default(),
                    ),
                };
                if text.is_empty() {
                    return vec![Effect::Toast(String::from("This finding is about no file"))];
                }
                return vec![Effect::Copy { what: String::from(what), text }];
            }
            Action::CopyAll if self.rows.is_empty() => return nothing(),
            Action::CopyAll => {
                let text = self.text(state, self.window.visible());
                return vec![Effect::Copy { what: String::from("visible findings"), text }];
            }
            Action::Save if self.rows.is_empty() => return nothing(),
            Action::Save => {
                let text = self.text(state, 0..self.rows.len());
                return vec![Effect::Save { name: String::from("findings.txt"), text }];
            }
            _ => {
                if self.step(action) {
                    self.note(state);
                }
                return Vec::new();
            }
        }
        self.refresh(state);
        Vec::new()
    }

    pub fn click(&mut self, column: u16, row: u16, state: &State) -> Vec<Effect> {
        let list = self.list();
        if list.contains((column, row).into())
            && !self.opened
            && let Some(row) = self.window.row_at(list, row)
            && !matches!(self.rows.get(row), Some(Row::Title(_)))
        {
            self.window.select(row);
            self.note(state);
        }
        Vec::new()
    }

    pub fn wheel(&mut self, _column: u16, _row: u16, down: bool, state: &State) {
        let action = if down { Action::MoveDown } else { Action::MoveUp };
        for _ in 0..WHEEL_ROWS {
            self.step(action);
        }
        self.note(state);
    }

    fn text(&self, state: &State, rows: Range<usize>) -> String {
        let mut text = String::new();
        for row in &self.rows[rows] {
            let _ = match row {
                Row::Title(part) => writeln!(text, "{}", part.title()),
                row => {
                    writeln!(text, "{}", row.thing(state).map_or_else(String::new, |thing| thing.line()))
                }
            };
        }
        text
    }
}

/// Whether a stack is still there, or is one whose files nobody could read.
fn is_present(state: &State, stack: &str) -> bool {
    state.containers.stack(stack).is_some() || state.containers.project_of(stack).is_none()
}

/// Lets Compose read all files again, what they mean now is judged then; and has all probes made.
fn read_again(state: &State) -> Vec<Effect> {
    let present = state.findings.projects().filter(|(stack, _)| is_present(state, stack));
    let mut effects: Vec<Effect> =
        present.map(|(_, project)| Effect::Run(Command::ReadDefinition(project.clone()))).collect();
    let words = match (effects.is_empty(), state.probes.is_empty()) {
        (true, true) => "No stack's files are known here",
        (true, false) => "Making the probes",
        (false, true) => "Reading the files again",
        (false, false) => "Reading the files again, making the probes",
    };
    if !state.probes.is_empty() {
        effects.push(Effect::Run(Command::ProbeNow));
    }
    effects.push(Effect::Toast(String::from(words)));
    effects
}

fn nothing() -> Vec<Effect> {
    vec![Effect::Toast(String::from("There is no finding"))]
}
