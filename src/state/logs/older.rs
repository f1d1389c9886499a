//! Reading the past: what to ask for, and where the answer goes.
//!
//! Older lines may take more room than new ones would, up to a bound of their own: they were asked for.

use std::collections::{HashSet, VecDeque};

use jiff::Timestamp;

use super::{LOG_BYTES, LogStore};
use crate::model::logs::{LogLine, LogSource, LogStatus, LogStream, OlderLines, Reach, trace};
use crate::ports::EngineError;

/// Bytes kept at most when older lines were read.
const MOST_BYTES: usize = 4 * LOG_BYTES;

/// What to read of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OlderRequest {
    pub source: LogSource,
    /// The first line held.
    pub before: Timestamp,
    /// Its text.
    pub first: String,
    /// How many lines are held from there on.
    pub held: u32,
}

impl LogStore {
    /// Returns how far back a log was read, once that was asked for.
    pub fn reach(&self, id: &LogSource) -> Option<&Reach> {
        self.reach.get(id)
    }

    /// Whether the past of a container may hold more.
    pub fn has_past(&self, id: &LogSource) -> bool {
        self.status.contains_key(id) && matches!(self.reach.get(id), None | Some(Reach::More))
    }

    /// Returns what to ask for to have more of these logs: nothing for those that are being read.
    pub fn older_requests(&self, ids: &[LogSource]) -> Vec<OlderRequest> {
        let ids = ids.iter().filter(|id| self.has_past(id));
        ids.filter_map(|id| {
            // Our own remarks are no lines of the log.
            let is_own = |line: &&LogLine| line.source == *id && line.stream != LogStream::Remark;
            let mut own = self.lines.iter().filter(is_own);
            let (before, first) = own.next().map(|line| (line.at, line.text.text().to_owned()))?;
            Some(OlderRequest { source: id.clone(), before, first, held: 1 + own.count() as u32 })
        })
        .collect()
    }

    /// Notes that older lines are being read.
    pub(in crate::state) fn older_asked(&mut self, ids: &[LogSource]) {
        for id in ids.iter().filter(|id| self.shown.contains(id)) {
            if !self.has_past(id) {
                continue;
            }
            let reach = if self.lines.iter().any(|line| line.source == *id) {
                Reach::Reading
            } else if self.status.get(id) == Some(&LogStatus::Opening) {
                continue;
            } else {
                // The end of the log was asked for already, and there was nothing.
                Reach::Beginning
            };
            self.reach.insert(id.clone(), reach);
            self.revision.bump();
        }
    }

    pub(in crate::state) fn older_read(&mut self, id: &LogSource, result: Result<OlderLines, EngineError>) {
        if !self.shown.contains(id) {
            return;
        }
        self.revision.bump();
        let reach = match result {
            Err(error) => Reach::Failed(error.to_string()),
            Ok(older) => {
                let fitted = self.put_before(id, older.lines);
                match (fitted, older.is_beginning) {
                    (false, _) => Reach::Full,
                    (true, true) => Reach::Beginning,
                    (true, false) => Reach::More,
                }
            }
        };
        self.reach.insert(id.clone(), reach);
    }

    /// Merges older lines of one container in; returns whether all of them fitted.
    fn put_before(&mut self, id: &LogSource, mut older: Vec<LogLine>) -> bool {
        let own = || self.lines.iter().filter(|line| line.source == *id);
        let Some(first) = own().next().map(|line| line.at) else { return true };
        let same: HashSet<_> =
            own().take_while(|line| line.at == first).map(|line| (line.stream, line.text.text())).collect();
        older.retain(|line| {
            line.source == *id
                && (line.at < first || line.at == first && !same.contains(&(line.stream, line.text.text())))
        });
        let asked = older.len();
        let mut room = MOST_BYTES.saturating_sub(self.bytes);
        let fits = older.iter().rev().take_while(|line| {
            let weight = line.weight();
            let fits = weight <= room;
            room = room.saturating_sub(weight);
            fits
        });
        let kept = fits.count();
        older.drain(..asked - kept);
        self.bytes += older.iter().map(LogLine::weight).sum::<usize>();
        // New lines shall not push the old ones out at once.
        self.limit = self.limit.max((self.bytes + LOG_BYTES / 4).min(MOST_BYTES));
        let mut merged: VecDeque<LogLine> = VecDeque::with_capacity(self.lines.len() + older.len());
        let mut older = older.into_iter().peekable();
        for line in self.lines.drain(..) {
            // Not into the middle of a trace.
            let goes_on = merged.back().is_some_and(|last| trace::goes_on(last, &line));
            while let Some(before) = older.next_if(|before| !goes_on && before.at <= line.at) {
                merged.push_back(before);
            }
            merged.push_back(line);
        }
        merged.extend(older);
        self.lines = merged;
        self.dropped = self.dropped.saturating_sub(kept as u64);
        self.epoch += 1;
        kept == asked
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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

    fn store() -> (LogStore, LogSource) {
        let mut store = LogStore::default();
        store
            .show(&["a", "b"].map(|name| ContainerId::new(name).into()).into_iter().collect::<BTreeSet<_>>());
        store.append(vec![line("a", 100, "a1"), line("b", 150, "b1"), line("a", 200, "a2")]);
        (store, ContainerId::new("a").into())
    }

    fn texts(store: &LogStore) -> Vec<&str> {
        store.lines().iter().map(|line| line.text.text()).collect()
    }

    #[test]
    fn older_lines_go_before_the_first_and_none_is_doubled() {
        let (mut store, a) = store();
        let requests = store.older_requests(std::slice::from_ref(&a));
        store.older_asked(std::slice::from_ref(&a));
        let before = Timestamp::from_millisecond(100).unwrap();
        assert_eq!(
            requests,
            [OlderRequest { source: a.clone(), before, first: String::from("a1"), held: 2 }]
        );
        assert!(store.older_requests(std::slice::from_ref(&a)).is_empty(), "one at a time");
        let epoch = store.epoch();
        let lines = vec![line("a", 50, "a-1"), line("a", 100, "a0"), line("a", 100, "a1")];
        store.older_read(&a, Ok(OlderLines { lines, is_beginning: false }));
        assert_eq!(texts(&store), ["a-1", "a0", "a1", "b1", "a2"]);
        assert_ne!(store.epoch(), epoch);
        assert_eq!(store.bytes().0, store.lines().iter().map(LogLine::weight).sum::<usize>());
        store.older_asked(std::slice::from_ref(&a));
        store.older_read(&a, Ok(OlderLines { lines: Vec::new(), is_beginning: true }));
        assert_eq!(store.reach(&a), Some(&Reach::Beginning));
        assert!(!store.has_past(&a));
    }

    #[test]
    fn the_past_is_bounded_and_says_so() {
        let (mut store, a) = store();
        let text = "x".repeat(100_000);
        let lines = (0..1000).map(|n| line("a", n / 20, &text)).collect();
        store.older_asked(std::slice::from_ref(&a));
        store.older_read(&a, Ok(OlderLines { lines, is_beginning: false }));
        assert_eq!(store.reach(&a), Some(&Reach::Full));
        assert!(store.bytes().0 <= MOST_BYTES && store.bytes().0 > MOST_BYTES / 2);
        store.append(vec![line("a", 300, &text)]);
        assert!(store.bytes().0 <= MOST_BYTES);
    }
}
