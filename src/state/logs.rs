//! Log lines of what is looked at, merged by time, bounded in bytes.
//!
//! One deque for the whole selection: a line is put where its time belongs, but never before an earlier
//! line of its own container (the engine stamps stdout and stderr apart). When the selection changes,
//! lines of containers that left it go. A stack trace stays together, whatever the others say meanwhile;
//! `older` holds how the past is read.

mod older;

use std::collections::{BTreeSet, HashMap, VecDeque};

use jiff::Timestamp;

use crate::model::logs::{LogLine, LogSource, LogStatus, Reach, trace};
use crate::state::Revision;

pub use older::OlderRequest;

/// Bytes kept over all lines on the screen.
pub const LOG_BYTES: usize = 16 * 1024 * 1024;

/// Batches between older lines that are remembered for whoever keeps an index.
const MERGES_KEPT: usize = 256;

#[derive(Debug)]
pub struct LogStore {
    lines: VecDeque<LogLine>,
    bytes: usize,
    limit: usize,
    /// Lines that fell out at the front since the selection was made: the index of the first kept one.
    dropped: u64,
    shown: BTreeSet<LogSource>,
    status: HashMap<LogSource, LogStatus>,
    /// How far back each log was read, once that was asked for.
    reach: HashMap<LogSource, Reach>,
    /// Counts the times that lines were taken out of the middle, so that numbers start anew.
    epoch: u64,
    /// For each of the last batches that went between older lines: the lowest number it took.
    merged: VecDeque<u64>,
    /// How many such batches there were.
    merges: u64,
    revision: Revision,
}

impl Default for LogStore {
    fn default() -> Self {
        Self::with_limit(LOG_BYTES)
    }
}

impl LogStore {
    pub fn with_limit(limit: usize) -> Self {
        Self {
            lines: VecDeque::new(),
            bytes: 0,
            limit,
            dropped: 0,
            shown: BTreeSet::new(),
            status: HashMap::new(),
            reach: HashMap::new(),
            epoch: 0,
            merged: VecDeque::new(),
            merges: 0,
            revision: Revision::default(),
        }
    }

    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Returns the lines in order of time.
    pub fn lines(&self) -> &VecDeque<LogLine> {
        &self.lines
    }

    /// Returns how many lines fell out of the buffer: line `i` of [`LogStore::lines`] is number
    /// `dropped + i` since the selection was made, and keeps that number.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns a count that changes whenever line numbers start anew.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns a count of the batches that went between older lines; see [`LogStore::moved_since`].
    pub fn merges(&self) -> u64 {
        self.merges
    }

    /// Returns the lowest line number that may have moved since [`LogStore::merges`] was `seen`: an index
    /// of lines is right below it.
    pub fn moved_since(&self, seen: u64) -> Option<u64> {
        let missed = self.merges.saturating_sub(seen) as usize;
        match missed {
            0 => None,
            _ if missed > self.merged.len() => Some(0),
            _ => self.merged.iter().rev().take(missed).min().copied(),
        }
    }

    /// Returns the bytes held, and the most that may be held.
    pub fn bytes(&self) -> (usize, usize) {
        (self.bytes, self.limit)
    }

    pub fn shown(&self) -> &BTreeSet<LogSource> {
        &self.shown
    }

    pub fn status(&self, id: &LogSource) -> Option<&LogStatus> {
        self.status.get(id)
    }

    pub(super) fn show(&mut self, wanted: &BTreeSet<LogSource>) {
        if *wanted == self.shown {
            return;
        }
        if self.shown.is_disjoint(wanted) {
            self.lines.clear();
            self.bytes = 0;
            self.dropped = 0;
            self.limit = self.limit.min(LOG_BYTES);
        } else {
            self.lines.retain(|line| wanted.contains(&line.source));
            self.bytes = self.lines.iter().map(LogLine::weight).sum();
        }
        self.status.retain(|id, _| wanted.contains(id));
        self.reach.retain(|id, _| wanted.contains(id));
        for id in wanted {
            self.status.entry(id.clone()).or_insert(LogStatus::Opening);
        }
        self.shown.clone_from(wanted);
        self.epoch += 1;
        self.revision.bump();
    }

    pub(super) fn set_status(&mut self, id: LogSource, status: LogStatus) {
        if self.shown.contains(&id) && self.status.insert(id, status.clone()) != Some(status) {
            self.revision.bump();
        }
    }

    pub(super) fn append(&mut self, lines: Vec<LogLine>) {
        let mut lowest: Option<u64> = None;
        // Lines come in batches of one source.
        let mut last: Option<(LogSource, bool)> = None;
        for line in lines {
            let is_shown = match &last {
                Some((source, is_shown)) if *source == line.source => *is_shown,
                _ => last.insert((line.source.clone(), self.shown.contains(&line.source))).1,
            };
            if !is_shown {
                continue;
            }
            self.bytes += line.weight();
            let at = self.place_of(&line);
            if at == self.lines.len() {
                self.lines.push_back(line);
            } else {
                let number = self.dropped + at as u64;
                lowest = Some(lowest.map_or(number, |lowest| lowest.min(number)));
                self.lines.insert(at, line);
            }
            while self.bytes > self.limit {
                let Some(oldest) = self.lines.pop_front() else { break };
                self.bytes -= oldest.weight();
                self.dropped += 1;
            }
        }
        if let Some(lowest) = lowest {
            self.merges += 1;
            self.merged.push_back(lowest);
            if self.merged.len() > MERGES_KEPT {
                self.merged.pop_front();
            }
        }
        self.revision.bump();
    }

    /// Returns where a new line belongs.
    fn place_of(&self, line: &LogLine) -> usize {
        let lines = &self.lines;
        if trace::may_go_on(line)
            && let Some(back) = recent(lines, line.at).position(|before| before.source == line.source)
            && trace::goes_on(&lines[lines.len() - 1 - back], line)
        {
            return lines.len() - back;
        }
        let mut at = lines.len();
        while at > 0 && lines[at - 1].at > line.at && lines[at - 1].source != line.source {
            at -= 1;
        }
        // Not into the middle of a trace.
        while at > 0 && at < lines.len() && trace::goes_on(&lines[at - 1], &lines[at]) {
            at += 1;
        }
        at
    }

    /// Returns the index of the line that the line at an index belongs to: itself, or the head of its trace.
    pub fn head_of(&self, at: usize) -> usize {
        let mut head = at;
        while let Some(line) = self.lines.get(head).filter(|line| trace::may_go_on(line)) {
            let back = self.lines.range(..head).rev().take(trace::REACH);
            let Some((steps, before)) = back.enumerate().find(|(_, before)| before.source == line.source)
            else {
                break;
            };
            if !trace::goes_on(before, line) {
                break;
            }
            head -= steps + 1;
        }
        head
    }

    /// Returns the lines that belong together with the one at an index, its head first.
    pub fn group_of(&self, at: usize) -> impl Iterator<Item = &LogLine> {
        let mut next = Some(self.head_of(at));
        std::iter::from_fn(move || {
            let at = next?;
            let line = self.lines.get(at)?;
            next = self
                .lines
                .range(at + 1..)
                .take(trace::REACH)
                .take_while(|after| after.at.duration_since(line.at) <= trace::AT_ONCE)
                .position(|after| after.source == line.source)
                .map(|steps| at + 1 + steps)
                .filter(|after| trace::goes_on(line, &self.lines[*after]));
            Some(line)
        })
    }
}

/// Returns the last lines, back to those that a line of this time cannot belong to, newest first. A trace
/// stands where it began, so times are out of order by as much as one may take.
fn recent(lines: &VecDeque<LogLine>, at: Timestamp) -> impl Iterator<Item = &LogLine> {
    lines.iter().rev().take_while(move |before| at.duration_since(before.at) <= trace::AT_ONCE * 2)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::containers::ContainerId;
    use crate::model::logs::LogStream;
    use crate::model::text::StyledText;

    fn line(container: &str, millisecond: i64, text: &str) -> LogLine {
        LogLine {
            at: Timestamp::from_millisecond(millisecond).unwrap(),
            source: ContainerId::new(container).into(),
            stream: LogStream::Stdout,
            level: None,
            text: StyledText::plain(text),
        }
    }

    fn ids(names: &[&str]) -> BTreeSet<LogSource> {
        names.iter().map(|name| ContainerId::new(*name).into()).collect()
    }

    fn texts(store: &LogStore) -> Vec<&str> {
        store.lines().iter().map(|line| line.text.text()).collect()
    }

    #[test]
    fn lines_merge_by_time_but_a_container_keeps_its_own_order() {
        let mut store = LogStore::default();
        store.show(&ids(&["a", "b"]));
        store.append(vec![line("a", 10, "a1"), line("a", 30, "a3"), line("a", 20, "a2 late")]);
        store.append(vec![line("b", 15, "b1"), line("b", 40, "b2")]);
        assert_eq!(texts(&store), ["a1", "b1", "a3", "a2 late", "b2"]);
    }

    #[test]
    fn a_trace_stays_together_whatever_others_say_meanwhile() {
        let mut store = LogStore::default();
        store.show(&ids(&["a", "b"]));
        store.append(vec![line("a", 10, "failed")]);
        store.append(vec![line("b", 11, "b1"), line("b", 14, "b2")]);
        store.append(vec![line("a", 12, "  at x"), line("a", 13, "  at y"), line("a", 20, "next")]);
        assert_eq!(texts(&store), ["failed", "  at x", "  at y", "b1", "b2", "next"]);
        // Nor is it split by a line that comes late.
        let mut store = LogStore::default();
        store.show(&ids(&["a", "b"]));
        store.append(vec![line("a", 10, "failed"), line("a", 12, "  at x"), line("a", 20, "next")]);
        store.append(vec![line("b", 11, "b1")]);
        assert_eq!(texts(&store), ["failed", "  at x", "b1", "next"]);
        assert_eq!((store.head_of(1), store.head_of(2), store.head_of(3)), (0, 2, 3));
        assert_eq!(store.group_of(1).count(), 2);
        assert_eq!(store.group_of(3).count(), 1);
    }

    #[test]
    fn a_merge_says_from_where_on_numbers_moved() {
        let mut store = LogStore::default();
        store.show(&ids(&["a", "b"]));
        store.append(vec![line("a", 10, "a1"), line("a", 20, "a2"), line("a", 30, "a3")]);
        let seen = store.merges();
        assert_eq!(store.moved_since(seen), None);
        store.append(vec![line("b", 25, "b1")]);
        store.append(vec![line("b", 40, "b2")]);
        assert_eq!(store.moved_since(seen), Some(2));
        assert_eq!(store.moved_since(store.merges()), None);
        for n in 0..=MERGES_KEPT as i64 {
            store.append(vec![line("a", 100 + n * 10, "a"), line("b", 95 + n * 10, "b")]);
        }
        assert_eq!(store.moved_since(seen), Some(0));
    }

    #[test]
    fn lines_nobody_looks_at_are_not_kept() {
        let mut store = LogStore::default();
        store.show(&ids(&["a", "b"]));
        store.append(vec![line("a", 1, "a1"), line("b", 2, "b1"), line("c", 3, "c1")]);
        store.show(&ids(&["b"]));
        assert_eq!(texts(&store), ["b1"]);
        store.show(&ids(&["c"]));
        assert!(store.lines().is_empty());
        assert_eq!(store.bytes().0, 0);
    }

    /// However many lines of another container come between, and in whatever pieces; `first`: the other
    /// container was read before.
    fn keeps_a_trace_together(
        own: usize,
        between: usize,
        batch: usize,
        first: bool,
    ) -> Result<(), proptest::test_runner::TestCaseError> {
        let mut store = LogStore::default();
        store.show(&ids(&["a", "b"]));
        let mut lines = Vec::new();
        for n in 0..own {
            lines.push(line("a", n as i64, if n == 0 { "failed" } else { "  at x" }));
            lines.extend((0..between).map(|_| line("b", n as i64, "b")));
        }
        lines.push(line("a", 5_000, "next"));
        if first {
            lines.sort_by_key(|line| line.source.container.as_str() == "a");
        }
        for piece in lines.chunks(batch) {
            store.append(piece.to_vec());
        }
        let texts = texts(&store);
        let head = texts.iter().position(|text| *text == "failed").unwrap();
        proptest::prop_assert!(texts[head + 1..head + own].iter().all(|text| *text == "  at x"));
        proptest::prop_assert_eq!(store.head_of(head + own - 1), head);
        proptest::prop_assert_eq!(store.group_of(head + own - 1).count(), own);
        Ok(())
    }

    #[test]
    fn a_trace_that_comes_line_by_line_stays_together() {
        // Once it did not.
        keeps_a_trace_together(10, 23, 1, false).unwrap();
    }

    proptest::proptest! {
        #[test]
        fn a_long_trace_is_never_split(
            own in 2_usize..40,
            between in 0_usize..30,
            batch in 1_usize..60,
            first in proptest::bool::ANY,
        ) {
            keeps_a_trace_together(own, between, batch, first)?;
        }
    }

    #[test]
    fn the_buffer_is_bounded_and_says_what_it_dropped() {
        let mut store = LogStore::with_limit(10_000);
        store.show(&ids(&["a"]));
        for n in 0..1000 {
            store.append(vec![line("a", n, "some words that take room")]);
        }
        assert!(store.bytes().0 <= 10_000);
        assert_eq!(store.dropped() + store.lines().len() as u64, 1000);
        assert_eq!(store.lines().iter().map(LogLine::weight).sum::<usize>(), store.bytes().0);
    }
}
