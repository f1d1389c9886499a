//! Taking lines away: to the clipboard or into a file.

use std::fmt::Write as _;
use std::ops::Range;

use crate::model::logs::LogStream;
use crate::state::State;
use crate::state::logs::LogStore;
use crate::tui::view::Effect;
use crate::tui::views::logs::index::line_of;
use crate::tui::views::logs::pane::LogPane;

impl LogPane {
    /// Copies the block, or else the line that is stood on, as written.
    pub(super) fn copy_line(&mut self, store: &LogStore) -> Vec<Effect> {
        if let Some(range) = self.block_range() {
            let count = range.len();
            let lines = range.filter_map(|at| self.index.line(store, at));
            let text = lines.fold(String::new(), |text, line| text + line.text.text() + "\n");
            self.block = None;
            return vec![Effect::Copy { what: format!("block of {count} lines"), text }];
        }
        let marked = self.cursor.as_ref().or(self.current.as_ref()).map(|anchor| anchor.number);
        let number = marked.or_else(|| self.index.number(self.last_visible(store)));
        let Some(line) = number.and_then(|number| line_of(store, number)) else {
            return vec![Effect::Toast(String::from("There is no line to copy"))];
        };
        vec![Effect::Copy { what: String::from("line"), text: line.text.text().to_owned() }]
    }

    pub(super) fn copy_all(&self, state: &State) -> Vec<Effect> {
        if self.index.len() == 0 {
            return vec![Effect::Toast(String::from("There is nothing to copy"))];
        }
        let text = self.text(state, self.scroll.line..self.last_visible(&state.logs) + 1);
        vec![Effect::Copy { what: String::from("visible lines"), text }]
    }

    pub(super) fn save(&self, state: &State) -> Vec<Effect> {
        if self.index.len() == 0 {
            return vec![Effect::Toast(String::from("There is nothing to save"))];
        }
        let name = match self.sources.targets() {
            [one] => state.containers.name_of(one),
            _ => String::from("selection"),
        };
        let name: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
            .collect();
        vec![Effect::Save {
            name: format!("{}.log", name.trim_matches(['-', '.'])),
            text: self.text(state, self.block_range().unwrap_or(0..self.index.len())),
        }]
    }

    /// Writes lines as they go into a file: time in UTC, source, text.
    fn text(&self, state: &State, range: Range<usize>) -> String {
        let mut text = String::new();
        for line in range.filter_map(|at| self.index.line(&state.logs, at)) {
            let source = self.sources.get(&line.source).map_or("", |source| source.label.as_str());
            let (open, close) = if line.stream == LogStream::Remark { ("-- ", " --") } else { ("", "") };
            let _ = writeln!(text, "{:.3} {source} {open}{}{close}", line.at, line.text.text());
        }
        text
    }
}
