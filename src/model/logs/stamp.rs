//! The time that a line of a file begins with, as far as it says one.
//!
//! A file's lines come without a time of the engine's. Loggers write their own: at the line's beginning, in
//! a field of a structured line, or in brackets behind a client's address. Pure.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A time as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    Exact(Timestamp),
    /// A time of day somewhere: no zone stands beside it.
    Local(DateTime),
}

/// How far into a line a time is looked for.
const REACH: usize = 200;
/// Keys of structured lines that hold the time.
const KEYS: [&str; 8] =
    ["\"time\"", "\"ts\"", "\"timestamp\"", "\"@timestamp\"", "\"t\"", "\"datetime\"", "time=", "ts="];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// How far a last line's time and the file's own may lie apart to tell of one another.
const CLOSE: i64 = 60;
/// Zones lie on multiples of this, in seconds.
const ZONE_STEP: i64 = 30 * 60;
const ZONE_MOST: i64 = 14 * 3600;

/// Reads the time of a line.
pub fn read(line: &str) -> Option<Stamp> {
    let line = head(line);
    let start = line.trim_start_matches([' ', '[', '(', '"', '\'']);
    if let Some(stamp) = at_start(start) {
        return Some(stamp);
    }
    if line.starts_with('{') || line.contains('=') {
        let found = KEYS.iter().find_map(|key| {
            let at = line.find(key).filter(|at| {
                key.starts_with('"') || *at == 0 || line.as_bytes()[at - 1].is_ascii_whitespace()
            })?;
            at_start(line[at + key.len()..].trim_start_matches([' ', ':', '"']))
        });
        if found.is_some() {
            return found;
        }
    }
    line.match_indices('[').take(3).find_map(|(at, _)| common_log(&line[at + 1..]))
}

/// Cuts a line where no time is looked for any more.
fn head(line: &str) -> &str {
    let mut end = line.len().min(REACH);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}

fn at_start(text: &str) -> Option<Stamp> {
    let bytes = text.as_bytes();
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match digits {
        4 if matches!(bytes.get(4), Some(b'-' | b'/')) => calendar(text),
        10 | 13 | 16 | 19 => epoch(text, digits),
        _ => None,
    }
}

/// Reads `2026-11-20T10:00:00.123Z`, `2026/11/20 10:00:00`, `2026-11-20 10:00:00,123 +0100`.
fn calendar(text: &str) -> Option<Stamp> {
    let bytes = text.as_bytes();
    let number = |range: std::ops::Range<usize>| -> Option<i16> {
        let part = text.get(range)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    if bytes.get(7) != bytes.get(4) || !matches!(bytes.get(10), Some(b'T' | b't' | b' ' | b'_')) {
        return None;
    }
    let small = |range| number(range).and_then(|n| i8::try_from(n).ok());
    let date = Date::new(number(0..4)?, small(5..7)?, small(8..10)?).ok()?;
    if bytes.get(13) != Some(&b':') || bytes.get(16) != Some(&b':') {
        return None;
    }
    // A leap second is the last one of its minute to everybody else.
    let second = small(17..19)?.min(59);
    let rest = text.get(19..)?;
    let (nanosecond, rest) = fraction(rest);
    let time = Time::new(small(11..13)?, small(14..16)?, second, nanosecond).ok()?;
    let moment = date.to_datetime(time);
    match zone(rest) {
        Some(seconds) => exact(moment, seconds),
        None => Some(Stamp::Local(moment)),
    }
}

/// Reads a fraction of a second after a dot or a comma; returns what follows.
fn fraction(text: &str) -> (i32, &str) {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return (0, text) };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return (0, text);
    }
    let nine: String = rest[..digits].chars().chain(std::iter::repeat('0')).take(9).collect();
    (nine.parse().unwrap_or(0), &rest[digits..])
}

/// Reads `Z`, `+01:00`, ` +0100`, ` UTC`: seconds east of Greenwich.
fn zone(text: &str) -> Option<i64> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    for name in ["Z", "z", "UTC", "GMT"] {
        if let Some(rest) = text.strip_prefix(name)
            && ends(rest)
        {
            return Some(0);
        }
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let two = |at: usize| -> Option<i64> {
        let part = text.get(at..at + 2)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let hours = two(1)?;
    let minutes = if text.as_bytes().get(3) == Some(&b':') { two(4) } else { two(3) };
    Some(sign * (hours * 3600 + minutes.unwrap_or(0) * 60)).filter(|seconds| seconds.abs() <= ZONE_MOST)
}

fn exact(moment: DateTime, seconds: i64) -> Option<Stamp> {
    let utc = moment.to_zoned(TimeZone::UTC).ok()?.timestamp();
    utc.checked_sub(SignedDuration::from_secs(seconds)).ok().map(Stamp::Exact)
}

/// Reads seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their length.
fn epoch(text: &str, digits: usize) -> Option<Stamp> {
    let whole: i64 = text[..digits].parse().ok()?;
    let rest = &text[digits..];
    let (nanosecond, rest) = if digits == 10 { fraction(rest) } else { (0, rest) };
    // A number that goes on is the name of something.
    if rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '/')) {
        return None;
    }
    let at = match digits {
        10 => Timestamp::new(whole, nanosecond).ok()?,
        13 => Timestamp::from_millisecond(whole).ok()?,
        16 => Timestamp::from_microsecond(whole).ok()?,
        _ => Timestamp::from_nanosecond(whole.into()).ok()?,
    };
    // Ten digits may be anything; times of logs lie in these decades.
    (1_000_000_000..4_000_000_000).contains(&at.as_second()).then_some(Stamp::Exact(at))
}

/// Reads the Common Log Format's `20/Nov/2026:10:00:00 +0000`.
fn common_log(text: &str) -> Option<Stamp> {
    let (day, rest) = text.split_once('/')?;
    let (month, rest) = rest.split_once('/')?;
    let (year, rest) = rest.split_once(':')?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let date = Date::new(year.parse().ok()?, month as i8, day.parse().ok()?).ok()?;
    let time: Time = rest.get(..8)?.parse().ok()?;
    let moment = date.to_datetime(time);
    match zone(rest.get(8..)?) {
        Some(seconds) => exact(moment, seconds),
        None => Some(Stamp::Local(moment)),
    }
}

/// Gives lines of one file their times, in the order they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamper {
    last: Option<Timestamp>,
    /// Seconds east of Greenwich of times without a zone, once they were found.
    zone: Option<i64>,
}

impl Stamper {
    /// Finds the zone that the file's times are in: its last line was written when the file was.
    pub fn learn(&mut self, last_line: &str, written: Timestamp) {
        if let Some(Stamp::Local(moment)) = read(last_line)
            && let Ok(utc) = moment.to_zoned(TimeZone::UTC)
        {
            let ahead = utc.timestamp().as_second() - written.as_second();
            let zone = (ahead as f64 / ZONE_STEP as f64).round() as i64 * ZONE_STEP;
            let fits = zone.abs() <= ZONE_MOST && (ahead - zone).abs() <= CLOSE;
            self.zone = fits.then_some(zone).or(self.zone);
        }
    }

    /// Returns a line's time: its own, else that of the line before it, else `otherwise`.
    pub fn stamp(&mut self, line: &str, otherwise: Timestamp) -> Timestamp {
        let own = match read(line) {
            Some(Stamp::Exact(at)) => Some(at),
            Some(Stamp::Local(moment)) => match exact(moment, self.zone.unwrap_or(0)) {
                Some(Stamp::Exact(at)) => Some(at),
                _ => None,
            },
            None => None,
        };
        // Without any time in the file, lines are as old as they come.
        let at = own.or(self.last).unwrap_or(otherwise);
        if own.is_some() {
            self.last = own;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(line: &str) -> Option<String> {
        Some(match read(line)? {
            Stamp::Exact(at) => at.to_string(),
            Stamp::Local(moment) => format!("local {moment}"),
        })
    }

    #[test]
    fn times_are_read_as_loggers_write_them() {
        let table = [
            ("2026-11-20T10:00:00Z started", Some("2026-11-20T10:00:00Z")),
            ("2026-11-20T10:00:00.123456+01:00 INFO x", Some("2026-11-20T09:00:00.123456Z")),
            ("2026-11-20 10:00:00,123 INFO x", Some("local 2026-11-20T10:00:00.123")),
            ("[2026-11-20 10:00:00] x", Some("local 2026-11-20T10:00:00")),
            ("2026/11/20 10:00:00 [error] 7#7: x", Some("local 2026-11-20T10:00:00")),
            ("2026-11-20 10:00:00.5 UTC [12] LOG:  x", Some("2026-11-20T10:00:00.5Z")),
            ("2026-11-20 10:00:00 -0530 x", Some("2026-11-20T15:30:00Z")),
            ("1795168800 x", Some("2026-11-20T10:00:00Z")),
            ("1795168800.25 [0] x", Some("2026-11-20T10:00:00.25Z")),
            (r#"{"level":30,"time":1795168800123,"msg":"x"}"#, Some("2026-11-20T10:00:00.123Z")),
            (r#"{"ts":"2026-11-20T10:00:00Z"}"#, Some("2026-11-20T10:00:00Z")),
            ("level=info ts=2026-11-20T10:00:00Z msg=x", Some("2026-11-20T10:00:00Z")),
            (r#"1.2.3.4 - - [20/Nov/2026:10:00:00 +0100] "GET /""#, Some("2026-11-20T09:00:00Z")),
            ("", None),
            ("plain", None),
            ("    at x (y.js:1:2)", None),
            ("2026-11-20 is a day", None),
            ("2026-13-20 10:00:00 x", None),
            ("1795168800-job started", None),
            ("0000000001 x", None),
        ];
        for (line, wanted) in table {
            assert_eq!(told(line).as_deref(), wanted, "{line}");
        }
    }

    #[test]
    fn the_zone_is_found_by_the_last_line_and_lines_without_a_time_inherit() {
        let mut stamper = Stamper::default();
        let written: Timestamp = "2026-11-20T08:00:02Z".parse().unwrap();
        stamper.learn("2026-11-20 10:00:00,123 last", written);
        assert_eq!(stamper.stamp("2026-11-20 09:59:00 x", written).to_string(), "2026-11-20T07:59:00Z");
        assert_eq!(stamper.stamp("  continued", written).to_string(), "2026-11-20T07:59:00Z");
        // An hour old already: nothing is known of its zone.
        let mut stamper = Stamper::default();
        stamper.learn("2026-11-20 10:00:00 last", "2026-11-20T11:12:00Z".parse().unwrap());
        assert_eq!(stamper.stamp("2026-11-20 10:00:00 last", written).to_string(), "2026-11-20T10:00:00Z");
        assert_eq!(Stamper::default().stamp("no time at all", written), written);
    }

    #[test]
    fn a_day_without_a_fraction_is_read() {
        // Once it was not: the form of web servers at the first second of the range.
        let at = Timestamp::from_second(1_000_000_000).unwrap();
        let line = format!("1.2.3.4 - - [{} +0000]", at.strftime("%d/%b/%Y:%H:%M:%S"));
        assert_eq!(read(&line), Some(Stamp::Exact(at)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(second in 1_000_000_000_i64..4_000_000_000, ms in 0_i32..1000, hours in -12_i64..=14, form in 0_usize..6) {
            let at = Timestamp::new(second, ms * 1_000_000).unwrap();
            let there = at + SignedDuration::from_hours(hours);
            let (sign, far) = (if hours < 0 { '-' } else { '+' }, hours.abs());
            let day = there.strftime("%Y-%m-%d");
            let clock = there.strftime("%H:%M:%S");
            let line = match form {
                0 => format!("{day}T{clock}.{ms:03}{sign}{far:02}:00 x"),
                1 => format!("[{day} {clock},{ms:03} {sign}{far:02}00] x"),
                2 => format!("{at} x"),
                3 => format!("{}.{ms:03} x", at.as_second()),
                4 => format!("{{\"time\":{}}}", at.as_millisecond()),
                _ => format!("1.2.3.4 - - [{} {sign}{far:02}00]", there.strftime("%d/%b/%Y:%H:%M:%S")),
            };
            let Some(Stamp::Exact(found)) = read(&line) else { panic!("{line}") };
            // The last form has no room for a fraction, so that only the second is sure.
            let wanted = if form < 5 { at } else { Timestamp::from_second(second).unwrap() };
            prop_assert_eq!(found, wanted, "{}", line);
        }

        #[test]
        fn no_line_is_too_odd(line in "\\PC{0,60}", digits in "[0-9TZ:/+., \\[\\]-]{0,40}") {
            let _ = (read(&line), read(&digits));
        }
    }
}
