//! The mouse: a click chooses, the wheel scrolls, names of screens and keys at the foot can be pressed.

use jiff::Timestamp;
use ratatui::layout::Position;

use crate::state::State;
use crate::tui::draw::footer;
use crate::tui::regions::Regions;
use crate::tui::ui::{Request, Ui};
use crate::tui::view::Screen;

impl Ui {
    pub(super) fn click(&mut self, column: u16, row: u16, state: &State, now: Timestamp) -> Vec<Request> {
        let keymap = &self.keymap;
        if let Some(popup) = self.popups.last_mut() {
            let answer = popup.click(self.area, column, row, keymap, self.theme.ascii);
            return self.answer(answer, state, now);
        }
        let at = Position { x: column, y: row };
        let regions = Regions::of(self.area);
        if regions.footer.contains(at) {
            return match footer::action_at(regions.footer, column, self) {
                Some(action) => self.act(action, state, now),
                None => Vec::new(),
            };
        }
        if !regions.body.contains(at) {
            return Vec::new();
        }
        let effects = match self.screen {
            Screen::Stacks => self.stacks.click(column, row, state),
            Screen::Logs => self.logs.click(column, row, state),
            Screen::Tokens => self.tokens.click(column, row, state),
            Screen::Watch => self.watch.click(column, row, state),
            Screen::Events => self.timeline.click(column, row, state),
            Screen::Host => self.host.click(column, row, state),
            Screen::Checks => self.checks.click(column, row, state),
            Screen::Diagnostics => self.diagnostics.click(column, row, state),
        };
        self.carry_out(effects, state, now)
    }

    pub(super) fn wheel(&mut self, column: u16, row: u16, down: bool, state: &State) {
        if let Some(popup) = self.popups.last_mut() {
            popup.wheel(down);
            return;
        }
        match self.screen {
            Screen::Stacks => self.stacks.wheel(column, row, down, state),
            Screen::Logs => self.logs.wheel(column, row, down, state),
            Screen::Tokens => self.tokens.wheel(column, row, down, state),
            Screen::Watch => self.watch.wheel(column, row, down, state),
            Screen::Events => self.timeline.wheel(column, row, down, state),
            Screen::Host => self.host.wheel(column, row, down, state),
            Screen::Checks => self.checks.wheel(column, row, down, state),
            Screen::Diagnostics => self.diagnostics.wheel(column, row, down, state),
        }
    }
}
