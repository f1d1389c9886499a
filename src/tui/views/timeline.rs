//! The Events screen: what happened.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::Interest;
use crate::state::State;
use crate::tui::action::Action;
use crate::tui::view::{Context, Effect};

/// A stand-in.
#[derive(Debug, Default)]
pub struct TimelineView;

impl TimelineView {
    pub fn sync(&mut self, _state: &State, _area: Rect) {}

    pub fn handle(&mut self, _action: Action, _state: &State) -> Vec<Effect> {
        Vec::new()
    }

    pub fn click(&mut self, _column: u16, _row: u16, _state: &State) -> Vec<Effect> {
        Vec::new()
    }

    pub fn draw(&self, _area: Rect, _buf: &mut Buffer, _cx: &Context<'_>) {}

    pub fn interest(&self, _state: &State, _interest: &mut Interest) {}
}
