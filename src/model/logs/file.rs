//! Following a log file by looking at it now and then: what was read, what is new, whether it was rotated.
//!
//! Theory of operation: a [`Tail`] knows how far it has read and the bytes just before that place. A file
//! that still has these bytes there has grown; one that has not was rotated: renamed with a new one in its
//! place, or copied and cut. What was written to the old one since the last look is found in it by the same
//! bytes (`FILE.1`). So no line is lost or told twice, whatever the beat, and a container that comes back
//! with the same file goes on where it was. Pure; reads nothing.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::logs::stamp::Stamper;
use crate::model::logs::{LogLine, LogSource, LogStream};
use crate::model::text::{self, StyledText};

/// Bytes before the place that was read to: enough to know a file again.
const PRINT: usize = 256;
/// Longest line that is kept.
const LONGEST_LINE: usize = 64 << 10;
/// Where zero bytes tell that a file is no text.
const SNIFFED: usize = 8 << 10;

/// What came of following a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileNews {
    /// Lines, maybe none, and where they end.
    Lines(Vec<LogLine>, Arc<Tail>),
    /// Why there is nothing to read now; it is looked at again.
    Waiting(String),
}

/// How far a file has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    source: LogSource,
    offset: u64,
    /// The last bytes before `offset`.
    print: Vec<u8>,
    /// The beginning of a line without an end.
    open: Vec<u8>,
    /// Whether more of that line was left out.
    is_cut: bool,
    stamper: Stamper,
}

/// What a look at a file has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Grown,
    Rotated,
}

impl Tail {
    /// Begins at a place of a file: the last bytes of it are read from there.
    pub fn at(source: LogSource, offset: u64) -> Self {
        let (print, open) = (Vec::new(), Vec::new());
        Self { source, offset, print, open, is_cut: false, stamper: Stamper::default() }
    }

    /// Goes on in another container that has the same file.
    pub fn moved_to(mut self, source: LogSource) -> Self {
        self.source = source;
        self
    }

    /// Returns the place from which a file of this size is to be read, or nothing where it is too short.
    pub fn from(&self, size: u64) -> Option<u64> {
        (size >= self.offset).then(|| self.offset - self.print.len() as u64)
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes bytes that were read from [`Tail::from`] on; appends the lines that they complete.
    pub fn take(&mut self, bytes: &[u8], now: Timestamp, lines: &mut Vec<LogLine>) -> Found {
        let Some(new) = bytes.strip_prefix(self.print.as_slice()) else { return Found::Rotated };
        self.offset += new.len() as u64;
        let seen = new.len().saturating_sub(PRINT);
        self.print.extend_from_slice(&new[seen..]);
        let excess = self.print.len().saturating_sub(PRINT);
        self.print.drain(..excess);
        let mut rest = new;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.extend(&rest[..end]);
            self.close(now, lines);
            rest = &rest[end + 1..];
        }
        self.extend(rest);
        Found::Grown
    }

    /// Ends the last line, though it has no end: nothing follows in this file.
    pub fn finish(&mut self, now: Timestamp, lines: &mut Vec<LogLine>) {
        if !self.open.is_empty() {
            self.close(now, lines);
        }
    }

    /// Begins again at the front of the file that took this one's place.
    pub fn rotate(&mut self, now: Timestamp, lines: &mut Vec<LogLine>) {
        self.finish(now, lines);
        self.offset = 0;
        self.print.clear();
    }

    /// Makes a remark of ours at the place that was read to.
    pub fn remark(&self, at: Timestamp, words: impl Into<Box<str>>) -> LogLine {
        let source = self.source.clone();
        LogLine { at, source, stream: LogStream::Remark, level: None, text: StyledText::plain(words) }
    }

    /// Learns the zone of the file's times by its last line.
    pub fn learn(&mut self, bytes: &[u8], written: Timestamp) {
        let last = bytes.rsplit(|byte| *byte == b'\n').find(|line| !line.is_empty()).unwrap_or_default();
        self.stamper.learn(text::styled(&last[..last.len().min(PRINT)]).text(), written);
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LONGEST_LINE.saturating_sub(self.open.len());
        self.is_cut |= bytes.len() > room;
        self.open.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn close(&mut self, now: Timestamp, lines: &mut Vec<LogLine>) {
        let mut line = std::mem::take(&mut self.open);
        if std::mem::take(&mut self.is_cut) {
            line.extend_from_slice(" … cut".as_bytes());
        }
        // A writer that goes on at its old place after the file was cut leaves a hole of zeros.
        let hole = line.iter().take_while(|byte| **byte == 0).count();
        let line = line[hole..].strip_suffix(b"\r").unwrap_or(&line[hole..]);
        let text = text::styled(line);
        let at = self.stamper.stamp(text.text(), now);
        let level = text::level_of(text.text());
        lines.push(LogLine { at, source: self.source.clone(), stream: LogStream::File, level, text });
    }
}

/// Returns where the last lines of some bytes begin.
pub fn last_lines(bytes: &[u8], count: usize) -> usize {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if count == 0 {
        return bytes.len();
    }
    let ends = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    ends.map(|(at, _)| at + 1).nth(count - 1).unwrap_or(0)
}

/// Whether these first bytes are no text.
pub fn is_binary(bytes: &[u8]) -> bool {
    let hole = bytes.iter().take_while(|byte| **byte == 0).count();
    let rest = if hole < bytes.len() { &bytes[hole..] } else { bytes };
    rest[..rest.len().min(SNIFFED)].contains(&0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::containers::ContainerId;

    fn tail() -> Tail {
        Tail::at(LogSource::file(ContainerId::new("a"), "/data/a.log".into()), 0)
    }

    fn texts(lines: &[LogLine]) -> Vec<&str> {
        lines.iter().map(|line| line.text.text()).collect()
    }

    /// Looks at a file and the one that it was before, as an adapter does.
    fn look(tail: &mut Tail, file: &[u8], old: &[u8], lines: &mut Vec<LogLine>) -> Found {
        let now = Timestamp::UNIX_EPOCH;
        let read = |tail: &Tail, file: &[u8]| {
            tail.from(file.len() as u64).map(|from| file[from as usize..].to_vec())
        };
        if let Some(bytes) = read(tail, file)
            && tail.take(&bytes, now, lines) == Found::Grown
        {
            return Found::Grown;
        }
        if let Some(bytes) = read(tail, old) {
            tail.take(&bytes, now, lines);
        }
        tail.rotate(now, lines);
        tail.take(file, now, lines);
        Found::Rotated
    }

    #[test]
    fn what_was_written_before_a_rotation_is_found_in_the_old_file() {
        let (mut tail, mut lines) = (tail(), Vec::new());
        assert_eq!(look(&mut tail, b"one\ntw", b"", &mut lines), Found::Grown);
        assert_eq!(look(&mut tail, b"three\nfour\nfive\n", b"one\ntwo\n", &mut lines), Found::Rotated);
        assert_eq!(texts(&lines), ["one", "two", "three", "four", "five"]);
        // A writer without append leaves a hole where it was.
        let mut hole = vec![0; 16];
        hole.extend_from_slice(b"six\n");
        assert_eq!(look(&mut tail, &hole, b"", &mut lines), Found::Rotated);
        assert_eq!(texts(&lines)[5..], ["six"]);
    }

    #[test]
    fn the_last_lines_are_found_and_no_text_is_told() {
        assert_eq!(last_lines(b"a\nb\nc\n", 2), 2);
        assert_eq!(last_lines(b"a\nb\nc", 2), 2);
        assert_eq!(last_lines(b"a\nb\n", 9), 0);
        assert_eq!(last_lines(b"a\nb\n", 0), 4);
        assert!(is_binary(b"\x7fELF\x02\x01\0\0") && !is_binary(b"\0\0\0text") && !is_binary(b""));
        assert!(is_binary(b"\0\0\0"));
    }

    #[test]
    fn a_line_without_end_is_cut_and_a_file_that_ends_tells_its_last_one() {
        let (mut tail, mut lines) = (tail(), Vec::new());
        let long = vec![b'x'; LONGEST_LINE * 2];
        tail.take(&long, Timestamp::UNIX_EPOCH, &mut lines);
        assert!(lines.is_empty() && tail.open.len() == LONGEST_LINE);
        tail.finish(Timestamp::UNIX_EPOCH, &mut lines);
        assert_eq!(lines.len(), 1);
        tail.finish(Timestamp::UNIX_EPOCH, &mut lines);
        assert_eq!(lines.len(), 1, "told once");
    }

    #[derive(Clone, Debug)]
    enum Deed {
        Write(Vec<u8>),
        Rename,
        CopyTruncate,
        Look,
    }

    fn deeds() -> impl Strategy<Value = Vec<Deed>> {
        let deed = prop_oneof![
            6 => proptest::collection::vec(0_u8..=255, 0..60).prop_map(Deed::Write),
            1 => Just(Deed::Rename),
            1 => Just(Deed::CopyTruncate),
            6 => Just(Deed::Look),
        ];
        proptest::collection::vec(deed, 0..60)
    }

    proptest! {
        /// One rotation at most between two looks: what the name of the old file can tell.
        #[test]
        fn no_line_is_lost_or_doubled(deeds in deeds()) {
            let (mut tail, mut lines) = (tail(), Vec::new());
            let (mut file, mut old): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
            let (mut number, mut may_rotate) = (0, false);
            for deed in deeds {
                match deed {
                    Deed::Write(sizes) => {
                        for size in sizes {
                            number += 1;
                            let padding = "x".repeat(usize::from(size));
                            file.extend_from_slice(format!("line {number} {padding}\n").as_bytes());
                        }
                    }
                    Deed::Rename | Deed::CopyTruncate if may_rotate => {
                        old = std::mem::take(&mut file);
                        may_rotate = false;
                    }
                    Deed::Rename | Deed::CopyTruncate => {}
                    Deed::Look => {
                        look(&mut tail, &file, &old, &mut lines);
                        // A file that was empty cannot be known again.
                        may_rotate = tail.offset() > 0;
                    }
                }
            }
            look(&mut tail, &file, &old, &mut lines);
            let numbers: Vec<usize> =
                lines.iter().map(|line| line.text.text().split(' ').nth(1).unwrap().parse().unwrap()).collect();
            prop_assert_eq!(numbers, (1..=number).collect::<Vec<usize>>());
        }

        #[test]
        fn pieces_of_any_size_make_the_same_lines(bytes in proptest::collection::vec(any::<u8>(), 0..2000), cut in 1_usize..300) {
            let (mut whole, mut wanted) = (tail(), Vec::new());
            whole.take(&bytes, Timestamp::UNIX_EPOCH, &mut wanted);
            let (mut tail, mut lines) = (tail(), Vec::new());
            for end in (0..bytes.len()).step_by(cut).chain([bytes.len()]) {
                let from = tail.from(end as u64).unwrap() as usize;
                prop_assert_eq!(tail.take(&bytes[from..end], Timestamp::UNIX_EPOCH, &mut lines), Found::Grown);
            }
            prop_assert_eq!(lines, wanted);
            prop_assert_eq!(tail, whole);
        }
    }
}
