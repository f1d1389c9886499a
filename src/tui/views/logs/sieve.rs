//! The live filter: only lines that match, or all but these. It stays while following.
//!
//! Lines that belong together pass or stay away together: a trace is shown as a whole where any of its
//! lines matches.

use crate::model::logs::{LogLine, LogStream, trace};
use crate::state::logs::LogStore;
use crate::tui::widgets::query::Query;

#[derive(Debug, Default)]
pub struct Sieve {
    /// As it was typed, with the mark that turns it round.
    text: String,
    pub query: Query,
    /// Whether what matches is hidden instead.
    pub hides: bool,
}

impl Sieve {
    /// Takes over what was typed: a pattern, turned round by a `!` before it.
    pub fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        self.hides = text.starts_with('!');
        self.query.set(text.strip_prefix('!').unwrap_or(text));
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.query.is_empty()
    }

    /// Whether the line at an index is shown. Our own remarks always are.
    pub fn lets_through(&self, store: &LogStore, at: usize, line: &LogLine) -> bool {
        if self.is_empty() || line.stream == LogStream::Remark {
            return true;
        }
        let finds = |line: &LogLine| self.query.finds(line.text.text());
        let matches = finds(line) || store.group_of(at).any(finds);
        matches != self.hides
    }

    /// Returns the lowest number before `next` that must be looked at again, because newer lines belong to it.
    pub fn reopened(&self, store: &LogStore, next: u64) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        let first = store.dropped();
        let start = (next.saturating_sub(first) as usize).min(store.lines().len());
        store
            .lines()
            .range(start..)
            .enumerate()
            .filter(|(_, line)| trace::may_go_on(line))
            .map(|(at, _)| first + store.head_of(start + at) as u64)
            .filter(|head| *head < next)
            .min()
    }
}
