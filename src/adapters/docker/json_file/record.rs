//! One record of a json-file log: `{"log":"…\n","stream":"stdout","time":"…"}`.
//!
//! What the engine writes itself has one form, and that one is read by hand; everything else (attributes,
//! another order, rare escapes) goes to a JSON reader. Both say the same. Pure.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::logs::LogStream;

/// What a container wrote at once: a line, or a piece of a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub at: Timestamp,
    pub stream: LogStream,
    /// Without the newline at its end.
    pub text: Vec<u8>,
    /// Whether a newline ends it.
    pub ends: bool,
}

/// Reads records one after the other.
#[derive(Debug, Default)]
pub struct Records {
    /// The last second read, as it was written: thousands of records share one.
    second: Option<([u8; SECOND], i64)>,
}

/// `2026-11-20T16:00:00`
const SECOND: usize = 19;

impl Records {
    /// Reads one record, given without the newline after it; `None` where it is none.
    pub fn read(&mut self, record: &[u8]) -> Option<Record> {
        self.usual(record).or_else(|| lenient(record))
    }

    /// Reads the form that the engine writes; `None` says nothing about other forms.
    fn usual(&mut self, record: &[u8]) -> Option<Record> {
        let (text, ends, rest) = text(record.strip_prefix(b"{\"log\":\"")?)?;
        let rest = rest.strip_prefix(b",\"stream\":\"std")?;
        let (stream, rest) = match rest.split_at_checked(4)? {
            (b"out\"", rest) => (LogStream::Stdout, rest),
            (b"err\"", rest) => (LogStream::Stderr, rest),
            _ => return None,
        };
        let stamp = rest.strip_prefix(b",\"time\":\"")?.strip_suffix(b"\"}")?;
        Some(Record { at: self.stamp(stamp)?, stream, text, ends })
    }

    /// Reads `2026-11-20T16:00:00.123456789Z`, with up to nine digits of a second or none.
    fn stamp(&mut self, stamp: &[u8]) -> Option<Timestamp> {
        let (second, rest) = stamp.split_first_chunk::<SECOND>()?;
        let known = match self.second {
            Some((known, at)) if known == *second => at,
            _ => {
                let shape = |(at, byte): (usize, &u8)| match at {
                    4 | 7 => *byte == b'-',
                    10 => *byte == b'T',
                    13 | 16 => *byte == b':',
                    // A leap second is for the other reader.
                    17 => (b'0'..=b'5').contains(byte),
                    _ => byte.is_ascii_digit(),
                };
                if !second.iter().enumerate().all(shape) {
                    return None;
                }
                let text = std::str::from_utf8(second).ok()?;
                let at = format!("{text}Z").parse::<Timestamp>().ok()?.as_second();
                self.second = Some((*second, at));
                at
            }
        };
        let nanoseconds = match rest {
            b"Z" => 0,
            [b'.', digits @ .., b'Z'] if matches!(digits.len(), 1..=9) => {
                let mut value = 0_i32;
                for place in 0..9 {
                    let digit = digits.get(place).copied().unwrap_or(b'0');
                    value = value * 10 + i32::from(digit.is_ascii_digit().then(|| digit - b'0')?);
                }
                value
            }
            _ => return None,
        };
        Timestamp::new(known, nanoseconds).ok()
    }
}

/// Takes the text of a record up to its closing quote; returns it, whether it ended in a newline, and what
/// stands after the quote.
fn text(bytes: &[u8]) -> Option<(Vec<u8>, bool, &[u8])> {
    let mut text = Vec::new();
    let mut rest = bytes;
    loop {
        let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        let (plain, after) = rest.split_at(stop);
        // Nearly always it is all there is but the newline, so nothing is moved later.
        text.reserve_exact(plain.len());
        text.extend_from_slice(plain);
        let newline = after.starts_with(b"\\n\"");
        if newline || after.starts_with(b"\"") {
            // What comes from an escape is whole characters, so only what stands as it is can be broken.
            std::str::from_utf8(&text).ok()?;
            let ends = newline || text.pop_if(|last| *last == b'\n').is_some();
            return Some((text, ends, &after[if newline { 3 } else { 1 }..]));
        }
        rest = escape(after.strip_prefix(b"\\")?, &mut text)?;
    }
}

/// Writes what an escape means; returns what follows it.
fn escape<'a>(bytes: &'a [u8], text: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (&letter, rest) = bytes.split_first()?;
    let byte = match letter {
        b'"' | b'\\' | b'/' => letter,
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        b'u' => {
            let (digits, rest) = rest.split_first_chunk::<4>()?;
            let mut code = 0;
            for digit in digits {
                code = code * 16 + char::from(*digit).to_digit(16)?;
            }
            // Half of a pair is no character: the other reader knows pairs.
            let character = char::from_u32(code)?;
            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(rest);
        }
        _ => return None,
    };
    text.push(byte);
    Some(rest)
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

/// Reads a record of whatever form.
fn lenient(record: &[u8]) -> Option<Record> {
    let Entry { log, stream, time } = serde_json::from_slice(record).ok()?;
    let stream = match &*stream {
        "stdout" => LogStream::Stdout,
        "stderr" => LogStream::Stderr,
        _ => return None,
    };
    let mut text = log.into_owned().into_bytes();
    let ends = text.pop_if(|last| *last == b'\n').is_some();
    Some(Record { at: time.parse().ok()?, stream, text, ends })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(record: &str) -> Option<Record> {
        Records::default().read(record.as_bytes())
    }

    #[test]
    fn what_the_engine_writes_is_read_by_hand() {
        let record = r#"{"log":"a\ufffdb\u003c\u0026\t\u001b[31m \"x\" \\ é\n","stream":"stderr","time":"2026-11-28T18:56:59.85305996Z"}"#;
        let usual = Records::default().usual(record.as_bytes()).unwrap();
        assert_eq!(String::from_utf8_lossy(&usual.text), "a\u{fffd}b<&\t\u{1b}[31m \"x\" \\ é");
        assert_eq!((usual.stream, usual.ends), (LogStream::Stderr, true));
        assert_eq!(usual.at, "2026-11-28T18:56:59.853059960Z".parse().unwrap());
        assert_eq!(lenient(record.as_bytes()), Some(usual));
        let piece = read(r#"{"log":"no end","stream":"stdout","time":"2026-11-28T18:56:59Z"}"#).unwrap();
        assert!(!piece.ends && piece.text == b"no end");
    }

    #[test]
    fn other_forms_are_read_as_well() {
        let wanted = read(r#"{"log":"x\n","stream":"stdout","time":"2026-11-28T18:56:59.5Z"}"#).unwrap();
        for record in [
            r#"{"log":"x\n","stream":"stdout","attrs":{"a":"}\"","b":"1"},"time":"2026-11-28T18:56:59.5Z"}"#,
            r#"{"time":"2026-11-28T18:56:59.5Z","stream":"stdout","log":"x\n"}"#,
            r#"{ "log": "x\u000a", "stream": "stdout", "time": "2026-11-28T19:56:59.500+01:00" }"#,
        ] {
            assert_eq!(read(record).as_ref(), Some(&wanted), "{record}");
        }
        let pair = read(r#"{"log":"\ud83d\ude00\n","stream":"stdout","time":"2026-11-28T18:56:59Z"}"#);
        assert_eq!(pair.unwrap().text, "😀".as_bytes());
    }

    #[test]
    fn what_is_no_record_is_told() {
        let long = "x".repeat(100);
        for record in [
            "",
            "{",
            "null",
            "\0\0\0\0",
            r#"{"log":"x\n","stream":"stdin","time":"2026-11-28T18:56:59Z"}"#,
            r#"{"log":"x\n","stream":"stdout","time":"yesterday"}"#,
            r#"{"log":"x\n","stream":"stdout","time":"2026-11-28T18:56:59Z"#,
            r#"{"log":"half{"log":"x\n","stream":"stdout","time":"2026-11-28T18:56:59Z"}"#,
            r#"{"log":"\ud83d\n","stream":"stdout","time":"2026-11-28T18:56:59Z"}"#,
            "2026-11-28T18:56:59.853014015Z stdout F a line of another engine",
            &long,
        ] {
            assert_eq!(read(record), None, "{record}");
        }
        let broken = b"{\"log\":\"\xff\n\",\"stream\":\"stdout\",\"time\":\"2026-11-28T18:56:59Z\"}";
        assert_eq!(Records::default().read(broken), None);
    }

    proptest! {
        /// Writes records as the engine does, and others that nearly are some.
        #[test]
        fn both_readers_say_the_same(
            log in "(\\PC|[ -~]|\\\\|\"|\n|\t|\r|\u{0}|\u{1b}|\u{7f}|\u{2028}|😀){0,40}",
            slashed in any::<bool>(),
            stream in "(stdout|stderr|stdwhat|)",
            second in -2_000_000_000_i64..4_000_000_000,
            nanoseconds in 0_i32..1_000_000_000,
            digits in 0_usize..=10,
            cut in 0_usize..200,
            odd in any::<(u8, u8)>(),
        ) {
            let log = serde_json::to_string(&log).unwrap();
            let log = if slashed { log.replace('/', "\\/").replace('<', "\\u003C") } else { log };
            let at = Timestamp::from_second(second).unwrap();
            let fraction = format!("{nanoseconds:09}0");
            let dot = if digits > 0 { "." } else { "" };
            let time = format!("{}{dot}{}Z", &at.to_string()[..SECOND], &fraction[..digits]);
            let record = format!("{{\"log\":{log},\"stream\":\"{stream}\",\"time\":\"{time}\"}}").into_bytes();
            let mut records = Records::default();
            if let Some(usual) = records.usual(&record) {
                prop_assert_eq!(lenient(&record), Some(usual));
            } else {
                let plain = (stream == "stdout" || stream == "stderr") && digits < 10;
                prop_assert!(!plain || lenient(&record).is_none(), "{}", String::from_utf8_lossy(&record));
            }
            // One byte is another, and the end is missing: nothing falls, and they still agree.
            let mut changed = record.clone();
            let place = usize::from(odd.0) % changed.len();
            changed[place] = odd.1;
            for record in [&changed[..], &record[..cut.min(record.len())]] {
                if let Some(usual) = records.usual(record) {
                    prop_assert_eq!(lenient(record), Some(usual), "{}", String::from_utf8_lossy(record));
                }
            }
        }
    }
}
