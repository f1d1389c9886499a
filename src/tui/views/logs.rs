//! Merged logs of a selection: a service, a replica, a whole stack, or everything marked.
//!
//! ```text
//! ─ Logs assistant ─────────────────────────────────────────────
//! 19:03:20 api-1 I GET /health 200
//! 19:03:21 db    W checkpoints are occurring too frequently
//! 19:03:22 api-2 E could not reach the agent
//! 3 sources · 1,204 lines · 2.1M of 16M       warn+ · following
//! ```
//!
//! [`LogPane`] is all of it but the title; a tab of the details shows one too.

mod cursor;
mod export;
mod face;
mod index;
mod paint;
mod pane;
mod past;
mod search;
mod sieve;
mod sources;
mod words;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::command::{Command, Interest};
use crate::model::stacks::Target;
use crate::state::State;
use crate::tui::action::{Action, KeyContext};
use crate::tui::view::{Context, Effect};
use crate::tui::widgets::heading;

pub use pane::LogPane;

/// The Logs screen.
#[derive(Debug, Default)]
pub struct LogsView {
    pane: LogPane,
    area: Rect,
}

impl LogsView {
    /// Shows the merged logs of some targets, following.
    pub fn open(&mut self, targets: Vec<Target>) {
        self.pane.open(targets);
    }

    pub fn targets(&self) -> &[Target] {
        self.pane.targets()
    }

    pub fn contexts(&self) -> &'static [KeyContext] {
        &[KeyContext::Logs, KeyContext::Text, KeyContext::Global]
    }

    pub fn sync(&mut self, state: &State, area: Rect) {
        self.area = area;
        self.pane.sync(state, below_title(area));
    }

    pub fn set_filter(&mut self, text: &str) {
        self.pane.set_filter(text);
    }

    pub fn filter(&self) -> &str {
        self.pane.filter()
    }

    /// Returns all of it but the title.
    pub fn pane(&mut self) -> &mut LogPane {
        &mut self.pane
    }

    /// Returns what it wishes now: older lines, where one has come to the first ones.
    pub fn wishes(&mut self, state: &State) -> Vec<Command> {
        self.pane.wishes(state)
    }

    pub fn handle(&mut self, action: Action, state: &State) -> Vec<Effect> {
        self.pane.handle(action, state)
    }

    pub fn click(&mut self, column: u16, row: u16, state: &State) -> Vec<Effect> {
        self.pane.click(column, row, state)
    }

    pub fn wheel(&mut self, column: u16, row: u16, down: bool, state: &State) {
        self.pane.wheel(column, row, down, state);
    }

    pub fn interest(&self, state: &State, interest: &mut Interest) {
        self.pane.interest(state, interest);
    }

    /// Whether something on it counts seconds, so that time alone asks for a frame.
    pub fn counts_seconds(&self, _state: &State, _now: Timestamp) -> bool {
        self.pane.counts_seconds()
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let names: Vec<String> =
            self.pane.targets().iter().map(|target| cx.state.containers.name_of(target)).collect();
        let left = match names.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        };
        let left = Line::styled(left, cx.theme.text);
        heading::draw(area, buf, "Logs", &left, &Line::styled("", Style::new()), cx.focused, cx.theme);
        self.pane.draw(below_title(area), buf, cx);
    }
}

fn below_title(area: Rect) -> Rect {
    Rect { y: area.y + area.height.min(1), height: area.height.saturating_sub(1), ..area }
}
