//! Going from match to match in merged logs.

use crate::state::logs::LogStore;
use crate::tui::view::Effect;
use crate::tui::views::logs::index::line_of;
use crate::tui::views::logs::pane::{Anchor, LogPane};

impl LogPane {
    /// Goes to the newest match at or above the foot, or else to the first one below.
    pub(super) fn seek_nearest(&mut self, store: &LogStore) {
        let hits = self.index.hits();
        let foot = self.index.number(self.last_visible(store)).unwrap_or(0);
        let at = hits.before(foot + 1).saturating_sub(1);
        if let Some(number) = hits.get(at) {
            self.go_to(number, store);
        }
    }

    pub(super) fn step(&mut self, by: isize, store: &LogStore) -> Vec<Effect> {
        let hits = self.index.hits();
        if self.query.is_empty() || hits.len() == 0 {
            let what = if self.query.is_empty() { "Nothing is searched for" } else { "No match" };
            return vec![Effect::Toast(what.to_owned())];
        }
        let count = hits.len() as isize;
        let from = match &self.current {
            Some(current) => hits.before(current.number) as isize + by,
            None => hits.before(self.index.number(self.scroll.line).unwrap_or(0)) as isize,
        };
        if let Some(number) = hits.get(from.rem_euclid(count) as usize) {
            self.go_to(number, store);
        }
        Vec::new()
    }

    /// Stands on a match; scrolls, and stops following, only where it is out of sight.
    fn go_to(&mut self, number: u64, store: &LogStore) {
        self.current = Anchor::of(store, number);
        let position = self.index.position(number);
        let mut scroll = self.scroll;
        let view = usize::from(self.list.height);
        scroll.reveal(position, self.index.len(), view, |at| self.height(store, at));
        if self.cursor.is_some() {
            self.cursor.clone_from(&self.current);
        }
        if self.scroll != scroll {
            self.scroll = scroll;
            self.pause(store);
            self.hold(store);
        }
        // Sideways too, where lines are cut.
        if let Some(line) = line_of(store, number).filter(|_| !self.wrap) {
            let face = self.faces.of(number, line);
            let text = face.as_ref().and_then(|face| face.first()).unwrap_or(&line.text).text();
            let found =
                self.query.matches(text).next().map_or(0, |found| text[..found.start].chars().count());
            if found < self.column || found >= self.column + self.text_width() {
                self.column = found.saturating_sub(self.text_width() / 3);
            }
        }
    }
}
