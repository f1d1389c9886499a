//! From the bytes of a log to lines.
//!
//! Without a terminal the engine sends frames: 8 bytes (stream, three zeros, length), then one piece
//! of output that opens with a timestamp. A line of more than 16 KiB comes as several pieces, each
//! stamped; only the last ends in a newline. With a terminal there are no frames. Chunks may end
//! anywhere. Where a log's own file is read there are no frames either, but records of such pieces. Pure;
//! knows nothing of requests and files.

use bytes::{Buf, BytesMut};
use jiff::Timestamp;

use crate::model::logs::{LogLine, LogSource, LogStream};
use crate::model::text;

/// Longest line that is kept.
const LONGEST_LINE: usize = 64 << 10;
const CUT: &[u8] = " … cut".as_bytes();
/// Longest frame that can be one; engines send about 16 KiB.
const LONGEST_FRAME: usize = 4 << 20;
const HEADER: usize = 8;
/// The engine's own pieces of a long line.
const PIECE: usize = 16 << 10;
/// A timestamp with an offset and nanoseconds has 35 characters.
const LONGEST_STAMP: usize = 40;

/// Turns chunks into lines.
#[derive(Debug)]
pub struct Decoder {
    framed: bool,
    buffer: BytesMut,
    stdout: Assembly,
    stderr: Assembly,
    /// Stamp of the last line, for those without one.
    last: Timestamp,
}

/// A whole line as it was written, without its stamp and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawLine {
    pub at: Timestamp,
    pub stream: LogStream,
    pub text: Vec<u8>,
}

impl RawLine {
    /// Makes it fit to be shown.
    pub fn into_line(self, source: &LogSource) -> LogLine {
        let text = text::styled_owned(self.text);
        let level = text::level_of(text.text());
        LogLine { at: self.at, source: source.clone(), stream: self.stream, level, text }
    }
}

/// A line being put together.
#[derive(Debug, Default)]
struct Assembly {
    open: bool,
    at: Option<Timestamp>,
    text: Vec<u8>,
    cut: bool,
}

impl Decoder {
    /// `tty`: the container has a terminal, so its log has no frames.
    pub fn new(tty: bool, now: Timestamp) -> Self {
        Self {
            framed: !tty,
            buffer: BytesMut::new(),
            stdout: Assembly::default(),
            stderr: Assembly::default(),
            last: now,
        }
    }

    /// Takes a chunk and appends the lines that it completes.
    pub fn push(&mut self, chunk: &[u8], lines: &mut Vec<RawLine>) {
        self.buffer.extend_from_slice(chunk);
        while self.framed && self.buffer.len() >= HEADER {
            let Some((stream, length)) = frame_header(&self.buffer) else {
                // No frames after all: what we know of the terminal is out of date.
                self.framed = false;
                break;
            };
            if self.buffer.len() < HEADER + length {
                return;
            }
            self.buffer.advance(HEADER);
            let payload = self.buffer.split_to(length);
            self.piece(stream, &payload, lines);
        }
        if !self.framed {
            self.raw(lines);
        }
    }

    /// Appends what is left at the end of the log: its last line may lack a newline for good.
    pub fn finish(&mut self, lines: &mut Vec<RawLine>) {
        let rest = std::mem::take(&mut self.buffer);
        // Half a frame still holds text.
        match frame_header(&rest).filter(|_| self.framed) {
            Some((stream, _)) => self.piece(stream, &rest[HEADER..], lines),
            None if self.framed => {}
            None => self.piece(LogStream::Stdout, &rest, lines),
        }
        for stream in [LogStream::Stdout, LogStream::Stderr] {
            self.complete(stream, lines);
        }
    }

    /// Takes what a container wrote at once, read from its log's own file: `ends` tells whether a newline
    /// stood after it.
    #[cfg(target_os = "linux")]
    pub fn record(
        &mut self,
        at: Timestamp,
        stream: LogStream,
        text: Vec<u8>,
        ends: bool,
        lines: &mut Vec<RawLine>,
    ) {
        let is_whole = ends && !self.assembly(stream).open && text.len() <= LONGEST_LINE;
        // Nearly every one.
        if is_whole && text.iter().all(|byte| !matches!(byte, b'\n' | b'\r')) {
            self.last = at;
            lines.push(RawLine { at, stream, text });
            return;
        }
        let mut pieces = text.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            self.assembly(stream).add(Some(at), piece);
            if ends || pieces.peek().is_some() {
                self.complete(stream, lines);
            }
        }
    }

    /// Takes one piece that opens with a stamp; inside it a newline may end a line.
    fn piece(&mut self, stream: LogStream, payload: &[u8], lines: &mut Vec<RawLine>) {
        let mut rest = payload;
        while !rest.is_empty() {
            let (at, text) = split_stamp(rest);
            let newline = text.iter().position(|byte| *byte == b'\n');
            self.assembly(stream).add(at, &text[..newline.unwrap_or(text.len())]);
            let Some(newline) = newline else { return };
            self.complete(stream, lines);
            rest = &text[newline + 1..];
        }
    }

    /// Takes whole lines and whole pieces out of the buffer of a log without frames.
    fn raw(&mut self, lines: &mut Vec<RawLine>) {
        loop {
            let stamp = self.buffer.len() - split_stamp(&self.buffer).1.len();
            let newline = self.buffer.iter().position(|byte| *byte == b'\n');
            if let Some(newline) = newline.filter(|newline| *newline <= stamp + PIECE) {
                let line = self.buffer.split_to(newline + 1);
                self.piece(LogStream::Stdout, &line, lines);
                continue;
            }
            // A full piece without a newline: the next one follows with its own stamp.
            if self.buffer.len() < stamp + PIECE + LONGEST_STAMP {
                return;
            }
            let next = &self.buffer[stamp + PIECE..];
            let ends_here = split_stamp(next).0.is_some();
            let length = if ends_here { stamp + PIECE } else { self.buffer.len().min(stamp + PIECE + 1) };
            let piece = self.buffer.split_to(length);
            self.piece(LogStream::Stdout, &piece, lines);
        }
    }

    fn assembly(&mut self, stream: LogStream) -> &mut Assembly {
        if stream == LogStream::Stderr { &mut self.stderr } else { &mut self.stdout }
    }

    fn complete(&mut self, stream: LogStream, lines: &mut Vec<RawLine>) {
        let mut done = std::mem::take(self.assembly(stream));
        if !done.open {
            return;
        }
        if done.text.last() == Some(&b'\r') {
            done.text.pop();
        }
        if done.cut {
            done.text.extend_from_slice(CUT);
        }
        self.last = done.at.unwrap_or(self.last);
        lines.push(RawLine { at: self.last, stream, text: done.text });
    }
}

impl Assembly {
    fn add(&mut self, at: Option<Timestamp>, text: &[u8]) {
        self.open = true;
        self.at = self.at.or(at);
        let room = LONGEST_LINE.saturating_sub(self.text.len());
        self.text.extend_from_slice(&text[..text.len().min(room)]);
        self.cut |= text.len() > room;
    }
}

/// Reads a frame's header; `None` where it can be none.
fn frame_header(bytes: &[u8]) -> Option<(LogStream, usize)> {
    let header: [u8; HEADER] = bytes.get(..HEADER)?.try_into().ok()?;
    let [stream, 0, 0, 0, length @ ..] = header else { return None };
    let stream = match stream {
        0 | 1 => LogStream::Stdout,
        2 => LogStream::Stderr,
        _ => return None,
    };
    let length = u32::from_be_bytes(length) as usize;
    (length <= LONGEST_FRAME).then_some((stream, length))
}

/// Takes the engine's timestamp off the front of a piece.
fn split_stamp(bytes: &[u8]) -> (Option<Timestamp>, &[u8]) {
    let head = &bytes[..bytes.len().min(LONGEST_STAMP)];
    let stamp = head.iter().position(|byte| *byte == b' ').and_then(|space| {
        // Cheaper than a failed parse: every stamp opens with the digits of a year.
        let looks = head.len() > 20 && head[..4].iter().all(u8::is_ascii_digit) && head[4] == b'-';
        let at = looks.then(|| std::str::from_utf8(&head[..space]).ok()?.parse::<Timestamp>().ok())??;
        Some((at, &bytes[space + 1..]))
    });
    match stamp {
        Some((at, text)) => (Some(at), text),
        None => (None, bytes),
    }
}

#[cfg(test)]
mod tests;
