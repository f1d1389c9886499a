//! Lines of structured loggers (JSON, logfmt) taken apart: the message, and fields with their values.
//!
//! Works on text that is clean already; what JSON hides behind escapes is cleaned again, because
//! `\u001b` is an escape character too. Pure; knows nothing of drawing.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::model::text::clean_block;

/// Fields kept of one line.
const MOST_FIELDS: usize = 64;
/// A time in a line says nothing new where the engine's stamp is so near.
const SAME_TIME: SignedDuration = SignedDuration::from_secs(2);

const MESSAGES: [&str; 4] = ["msg", "message", "event", "@message"];
const TIMES: [&str; 8] = ["time", "ts", "timestamp", "@timestamp", "t", "datetime", "date", "at"];
const LEVELS: [&str; 7] = ["level", "lvl", "severity", "log.level", "loglevel", "levelname", "s"];

/// What a structured line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structured {
    /// May have several lines.
    pub message: String,
    /// In the order they were written, without message, level, and a time that equals the line's own.
    pub fields: Vec<(String, String)>,
}

/// Takes a line apart, if it is JSON or logfmt. `at` is when the engine received it; `has_level` says
/// that its level was understood and is shown elsewhere.
pub fn parse(text: &str, at: Timestamp, has_level: bool) -> Option<Structured> {
    let text = text.trim();
    let pairs = if text.starts_with('{') { json(text)? } else { logfmt(text)? };
    let mut structured = Structured::default();
    let mut has_message = false;
    for (key, value) in pairs {
        if !has_message && is_one_of(&key, &MESSAGES) {
            structured.message = value;
            has_message = true;
        } else if has_level && is_one_of(&key, &LEVELS)
            || is_one_of(&key, &TIMES) && is_same_time(&value, at)
            || structured.fields.len() >= MOST_FIELDS
        {
            // Said already, beside the text.
        } else {
            structured.fields.push((key, value));
        }
    }
    (has_message || !structured.fields.is_empty()).then_some(structured)
}

fn is_one_of(key: &str, names: &[&str]) -> bool {
    names.iter().any(|name| key.eq_ignore_ascii_case(name))
}

/// Whether a field tells the time that the line has anyway.
fn is_same_time(value: &str, at: Timestamp) -> bool {
    read_time(value).is_some_and(|time| time.duration_since(at).abs() <= SAME_TIME)
}

fn read_time(value: &str) -> Option<Timestamp> {
    if let Ok(time) = value.parse::<Timestamp>() {
        return Some(time);
    }
    if let Ok(number) = value.parse::<f64>() {
        // Seconds, milliseconds, microseconds or nanoseconds: told apart by their size.
        let mut seconds = number;
        while seconds > 1e11 {
            seconds /= 1000.0;
        }
        return Timestamp::from_nanosecond((seconds * 1e9) as i128).ok();
    }
    let civil: DateTime = value.replace(',', ".").parse().ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The pairs of a JSON object in the order they were written.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

fn json(text: &str) -> Option<Vec<(String, String)>> {
    let Pairs(pairs) = serde_json::from_str(text).ok()?;
    Some(pairs.into_iter().map(|(key, value)| (clean_block(&key), clean_block(&plain(&value)))).collect())
}

/// Writes a value as people read it: text without quotes, a time without its wrapping.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(map) if map.len() == 1 => match map.get("$date") {
            Some(Value::String(date)) => date.clone(),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}

/// Reads `key=value key="a value"`; every word must be a pair, and one of them a level or a message.
fn logfmt(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let key_end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-@/".contains(c)))?;
        let after = rest[key_end..].strip_prefix('=').filter(|_| key_end > 0)?;
        let (value, end) = if let Some(inner) = after.strip_prefix('"') {
            let (value, end) = quoted(inner)?;
            (value, end + 1)
        } else {
            let end = after.find(' ').unwrap_or(after.len());
            (after[..end].to_owned(), end)
        };
        pairs.push((rest[..key_end].to_owned(), clean_block(&value)));
        let next = &after[end..];
        if !next.is_empty() && !next.starts_with(' ') {
            return None;
        }
        rest = next.trim_start();
    }
    let is_log = pairs.iter().any(|(key, _)| is_one_of(key, &MESSAGES) || is_one_of(key, &LEVELS[..6]));
    (pairs.len() > 1 && is_log).then_some(pairs)
}

/// Reads a quoted value; returns it and where it ends, past its quote.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, at + 1)),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push(' '),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-11-20T16:13:58.5Z".parse().unwrap()
    }

    fn told(text: &str) -> Option<String> {
        let Structured { message, fields } = parse(text, at(), true)?;
        let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Some(format!("{message} | {}", fields.join(" ")))
    }

    #[test]
    fn the_forms_of_loggers_are_taken_apart() {
        let table = [
            // pino
            (
                r#"{"level":30,"time":1795191238500,"pid":7,"msg":"listening","port":8000}"#,
                "listening | pid=7 port=8000",
            ),
            // zap
            (r#"{"level":"warn","ts":1795191238.4,"caller":"a.go:3","msg":"slow"}"#, "slow | caller=a.go:3"),
            // mongod
            (
                r#"{"t":{"$date":"2026-11-20T16:13:58.123Z"},"s":"I","c":"NETWORK","msg":"up","attr":{"a":1}}"#,
                r#"up | c=NETWORK attr={"a":1}"#,
            ),
            // Another time than the line's stays.
            (r#"{"message":"due","time":"2026-11-21T00:00:00Z"}"#, "due | time=2026-11-21T00:00:00Z"),
            (
                r#"time="2026-11-20T16:13:58Z" level=info msg="two \"words\"" n=3 empty="#,
                r#"two "words" | n=3 empty="#,
            ),
            (r#"{"a":1,"b":null}"#, " | a=1 b=null"),
        ];
        for (text, wanted) in table {
            assert_eq!(told(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_only_looks_structured_stays_as_it_is() {
        for text in [
            "",
            "{",
            "{}",
            "{not json}",
            "a=b",
            "GET /x?a=1 level=2",
            "x=1 y=2",
            r#"msg="open a=1"#,
            "level=info and more",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn escapes_hidden_in_json_are_cleaned() {
        let text = r#"{"msg":"a\u001b[2J\u001b]52;c;eA==\u0007b\u202ec","k\u001b[31m":"\u009b2Jv\r\nw"}"#;
        let Structured { message, fields } = parse(text, at(), true).unwrap();
        assert_eq!(message, "abc");
        let text = format!("{fields:?}").replace("\\n", "");
        assert!(!text.contains("\\u") && !text.contains('\u{1b}') && !text.contains("\\r"), "{text}");
    }
}
