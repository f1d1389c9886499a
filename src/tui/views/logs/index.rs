//! Which lines are shown and which of them match, kept up to date by looking at new lines only.
//!
//! Lines are known by their number in the store, which stays when old lines fall out. Where a batch of
//! one container went between lines of another, numbers moved: from there on lines are looked at again.

use std::collections::VecDeque;

use crate::model::logs::{LogLevel, LogLine, LogStream, trace};
use crate::state::logs::LogStore;

/// How far back a line without a level looks for the line it belongs to.
const CONTINUATION_LINES: usize = 60;

/// Numbers of chosen lines, ascending.
#[derive(Debug, Default)]
pub struct Numbers {
    numbers: VecDeque<u64>,
    /// The number of the first line not looked at.
    next: u64,
}

impl Numbers {
    pub fn clear(&mut self) {
        self.numbers.clear();
        self.next = 0;
    }

    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    pub fn get(&self, at: usize) -> Option<u64> {
        self.numbers.get(at).copied()
    }

    /// Returns how many chosen lines have a lower number.
    pub fn before(&self, number: u64) -> usize {
        self.numbers.partition_point(|known| *known < number)
    }

    /// Looks at lines from `moved` on again, and at new ones.
    pub fn update(&mut self, store: &LogStore, moved: Option<u64>, chosen: impl Fn(usize, &LogLine) -> bool) {
        if let Some(moved) = moved.filter(|moved| *moved < self.next) {
            self.numbers.truncate(self.before(moved));
            self.next = moved;
        }
        let first = store.dropped();
        while self.numbers.front().is_some_and(|number| *number < first) {
            self.numbers.pop_front();
        }
        let start = self.next.saturating_sub(first) as usize;
        let lines = store.lines();
        for (at, line) in lines.range(start.min(lines.len())..).enumerate() {
            if chosen(start + at, line) {
                self.numbers.push_back(first + (start + at) as u64);
            }
        }
        self.next = first + lines.len() as u64;
    }
}

/// The chosen lines of a store: all of them, or those that a filter lets through.
#[derive(Debug, Default)]
pub struct Index {
    shown: Numbers,
    hits: Numbers,
    is_filtered: bool,
    first: u64,
    count: usize,
    epoch: Option<u64>,
    merges: u64,
}

impl Index {
    /// Forgets everything: another filter, other sources.
    pub fn clear(&mut self) {
        self.shown.clear();
        self.hits.clear();
        self.epoch = None;
    }

    /// Forgets the matches: another query.
    pub fn clear_hits(&mut self) {
        self.hits.clear();
    }

    /// Brings both lists up to date; returns the number from which on lines moved. `reopened` says which
    /// line before the first new one must be looked at again.
    pub fn update(
        &mut self,
        store: &LogStore,
        is_filtered: bool,
        reopened: impl Fn(u64) -> Option<u64>,
        passes: impl Fn(usize, &LogLine) -> bool,
        matches: Option<&dyn Fn(&LogLine) -> bool>,
    ) -> Option<u64> {
        let moved = if self.epoch == Some(store.epoch()) && self.is_filtered == is_filtered {
            store.moved_since(self.merges)
        } else {
            self.clear();
            Some(0)
        };
        self.epoch = Some(store.epoch());
        self.merges = store.merges();
        self.is_filtered = is_filtered;
        // Newer lines may decide about older ones that they belong to.
        let first_new = moved.unwrap_or(u64::MAX).min(self.shown.next);
        let again = [moved, reopened(first_new)].into_iter().flatten().min();
        if is_filtered {
            self.shown.update(store, again, &passes);
        }
        if let Some(matches) = matches {
            self.hits.update(store, again, |at, line| {
                line.stream != LogStream::Remark && matches(line) && (!is_filtered || passes(at, line))
            });
        }
        self.first = store.dropped();
        self.count = store.lines().len();
        moved
    }

    /// Returns how many lines are shown.
    pub fn len(&self) -> usize {
        if self.is_filtered { self.shown.len() } else { self.count }
    }

    /// Returns the number of a shown line by its position.
    pub fn number(&self, position: usize) -> Option<u64> {
        if self.is_filtered {
            self.shown.get(position)
        } else {
            (position < self.count).then(|| self.first + position as u64)
        }
    }

    /// Returns the position of the first shown line that has this number or a higher one.
    pub fn position(&self, number: u64) -> usize {
        if self.is_filtered {
            self.shown.before(number)
        } else {
            (number.saturating_sub(self.first) as usize).min(self.count)
        }
    }

    /// Returns the numbers of the lines that match.
    pub fn hits(&self) -> &Numbers {
        &self.hits
    }

    /// Returns a shown line by its position.
    pub fn line<'a>(&self, store: &'a LogStore, position: usize) -> Option<&'a LogLine> {
        line_of(store, self.number(position)?)
    }
}

/// Returns a line by its number.
pub fn line_of(store: &LogStore, number: u64) -> Option<&LogLine> {
    store.lines().get(number.checked_sub(store.dropped())? as usize)
}

/// Whether a line passes a level filter. A line of a trace counts as the line it belongs to. One that names
/// no level counts as the line before it that was written at once, or else as information.
pub fn is_at_least(store: &LogStore, at: usize, line: &LogLine, level: LogLevel) -> bool {
    if line.stream == LogStream::Remark {
        return true;
    }
    let head = store.head_of(at);
    let own = store.lines().get(head).and_then(|head| head.level).or(line.level);
    if let Some(own) = own {
        return own >= level;
    }
    let before = store.lines().range(..head).rev().take(CONTINUATION_LINES);
    let parent = before
        .take_while(|earlier| line.at.duration_since(earlier.at) <= trace::AT_ONCE)
        .filter(|earlier| earlier.source == line.source && earlier.stream != LogStream::Remark)
        .find_map(|earlier| earlier.level);
    parent.unwrap_or(LogLevel::Info) >= level
}
