//! The line one stands on: opening it, and marking a block from it on.

use crate::state::logs::LogStore;
use crate::tui::view::Effect;
use crate::tui::views::logs::pane::{Anchor, LogPane};

impl LogPane {
    /// Stands on a line if none is stood on yet: the match of the search, or the last one visible.
    fn take_stand(&mut self, store: &LogStore) -> Option<Anchor> {
        if self.cursor.is_none() {
            let last = || self.index.number(self.last_visible(store));
            let number = self.current.as_ref().map(|current| current.number).or_else(last)?;
            self.cursor = Anchor::of(store, number);
            // Nobody reads a line that runs away.
            self.pause(store);
        }
        self.cursor.clone()
    }

    /// Shows the line with one field a row, or as one line again.
    pub(super) fn open_line(&mut self, store: &LogStore) {
        if let Some(line) = self.take_stand(store) {
            let number = line.number;
            self.faces.toggle_open(line);
            let position = self.index.position(number);
            self.reveal(position, store);
            self.reveal_rows(position, store);
        }
    }

    /// Begins a block at the line, or gives it up.
    pub(super) fn toggle_block(&mut self, store: &LogStore) -> Vec<Effect> {
        if self.block.take().is_none() {
            self.block = self.take_stand(store);
            if self.block.is_some() {
                return vec![Effect::Toast(String::from("Marking: move, then copy or save the block"))];
            }
        }
        Vec::new()
    }

    /// Moves the stand by shown lines; nothing where none is stood on.
    pub(super) fn step_cursor(&mut self, by: isize, store: &LogStore) -> bool {
        let Some(cursor) = &self.cursor else { return false };
        let at = self.index.position(cursor.number).saturating_add_signed(by);
        self.stand_at(at.min(self.index.len().saturating_sub(1)), store);
        true
    }

    /// Stands on the line at a position, and scrolls as far as that needs.
    pub(super) fn stand_at(&mut self, position: usize, store: &LogStore) {
        if let Some(number) = self.index.number(position) {
            self.cursor = Anchor::of(store, number);
            self.reveal(position, store);
        }
    }

    fn reveal(&mut self, position: usize, store: &LogStore) {
        let mut scroll = self.scroll;
        let view = usize::from(self.list.height);
        scroll.reveal(position, self.index.len(), view, |at| self.height(store, at));
        self.scroll = scroll;
        self.pause(store);
        self.hold(store);
    }

    /// Scrolls down so far that all rows of a line are seen, if they fit.
    fn reveal_rows(&mut self, position: usize, store: &LogStore) {
        let view = usize::from(self.list.height);
        let own = self.height(store, position);
        let above: usize = (self.scroll.line..position).map(|at| self.height(store, at)).sum();
        let above = above.saturating_sub(self.scroll.row);
        let mut scroll = self.scroll;
        let excess = (above + own).saturating_sub(view).min(above);
        scroll.down(excess, self.index.len(), view, |at| self.height(store, at));
        self.scroll = scroll;
        self.hold(store);
    }

    /// Returns the positions that the block covers.
    pub(super) fn block_range(&self) -> Option<std::ops::Range<usize>> {
        let (from, to) = (self.block.as_ref()?.number, self.cursor.as_ref()?.number);
        let (from, to) = (from.min(to), from.max(to));
        Some(self.index.position(from)..self.index.position(to + 1))
    }

    /// Whether a line is stood on or lies in the block.
    pub(super) fn is_marked(&self, number: u64) -> bool {
        let Some(cursor) = self.cursor.as_ref().map(|cursor| cursor.number) else { return false };
        let from = self.block.as_ref().map_or(cursor, |block| block.number);
        (from.min(cursor)..=from.max(cursor)).contains(&number)
    }
}
