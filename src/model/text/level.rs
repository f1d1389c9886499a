//! How serious a log line says it is, read from its beginning.
//!
//! A guess by the forms that loggers use (words, brackets, logfmt, JSON, klog); never looks far, for
//! it runs on every line. Prose that mentions an error is not an error.

use crate::model::logs::LogLevel;

/// How far into a line a level may stand.
const TEXT_BYTES: usize = 200;
/// JSON writes the time and more before it.
const JSON_BYTES: usize = 512;

/// Returns the level a line gives itself, if it gives one. `text` is clean already.
pub fn level_of(text: &str) -> Option<LogLevel> {
    let bytes = text.trim_start().as_bytes();
    if bytes.first() == Some(&b'{') {
        return json_level(&bytes[..bytes.len().min(JSON_BYTES)]);
    }
    let bytes = &bytes[..bytes.len().min(TEXT_BYTES)];
    klog_level(bytes).or_else(|| word_level(bytes))
}

/// Reads `E1120 16:13:58.123456 …`, the form of klog and glog.
fn klog_level(bytes: &[u8]) -> Option<LogLevel> {
    let (&letter, rest) = bytes.split_first()?;
    if rest.len() < 6
        || !rest[..4].iter().all(u8::is_ascii_digit)
        || rest[4] != b' '
        || !rest[5].is_ascii_digit()
    {
        return None;
    }
    letter_level(letter)
}

fn letter_level(letter: u8) -> Option<LogLevel> {
    match letter {
        b'F' | b'E' => Some(LogLevel::Error),
        b'W' => Some(LogLevel::Warn),
        b'I' => Some(LogLevel::Info),
        b'D' => Some(LogLevel::Debug),
        _ => None,
    }
}

/// Names under which structured loggers write the level.
fn is_level_key(key: &[u8]) -> bool {
    [&b"level"[..], b"lvl", b"severity", b"log.level", b"loglevel", b"levelname"]
        .iter()
        .any(|name| key.eq_ignore_ascii_case(name))
}

fn json_level(bytes: &[u8]) -> Option<LogLevel> {
    let mut rest = bytes;
    while let Some(start) = rest.iter().position(|&byte| byte == b'"') {
        rest = &rest[start + 1..];
        let end = rest.iter().position(|&byte| byte == b'"')?;
        let key = &rest[..end];
        rest = &rest[end + 1..];
        let after = rest.trim_ascii_start();
        let Some(after) = after.strip_prefix(b":") else { continue };
        let value = after.trim_ascii_start();
        // MongoDB writes one letter under `s`.
        if key == b"s" && value.len() > 2 && value[0] == b'"' {
            return letter_level(value[1]);
        }
        if is_level_key(key) {
            if let Some(value) = value.strip_prefix(b"\"") {
                let end = value.iter().position(|&byte| byte == b'"').unwrap_or(value.len());
                return named(&value[..end]);
            }
            let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
            return std::str::from_utf8(&value[..digits]).ok()?.parse().ok().and_then(numbered);
        }
        // Skip a string value, so that its text is not taken for a key.
        if let Some(value) = value.strip_prefix(b"\"") {
            rest = &value[string_end(value)..];
        }
    }
    None
}

/// Returns where the string that `value` begins inside of has ended, past its quote.
fn string_end(value: &[u8]) -> usize {
    let mut escaped = false;
    for (index, &byte) in value.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    value.len()
}

/// The numbers of pino and bunyan.
fn numbered(number: u32) -> Option<LogLevel> {
    match number {
        10..=19 => Some(LogLevel::Trace),
        20..=29 => Some(LogLevel::Debug),
        30..=39 => Some(LogLevel::Info),
        40..=49 => Some(LogLevel::Warn),
        50..=60 => Some(LogLevel::Error),
        _ => None,
    }
}

/// Finds the first word of the line that stands where loggers write a level.
fn word_level(bytes: &[u8]) -> Option<LogLevel> {
    // Set once an ordinary word was read: from there on, only shouted and bracketed words count.
    let mut prose = false;
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
            at += 1;
        }
        let word = &bytes[start..at];
        let before = start.checked_sub(1).map(|index| bytes[index]);
        let after = bytes.get(at).copied();
        if after == Some(b'=') && is_level_key(word) {
            let value = &bytes[at + 1..];
            let value = value.strip_prefix(b"\"").unwrap_or(value);
            let length = value.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            return named(&value[..length]);
        }
        let bracketed = matches!(
            (before, after),
            (Some(b'['), Some(b']')) | (Some(b'<'), Some(b'>')) | (Some(b'('), Some(b')'))
        );
        // Asked in this order because most words are ordinary ones after another ordinary one.
        if (!prose || bracketed || word.iter().all(u8::is_ascii_uppercase))
            && stands_alone(before, after)
            && let Some(level) = named(word)
        {
            return Some(level);
        }
        if !prose {
            let bracketed_name = matches!(before, Some(b'[' | b'('));
            prose = !bracketed_name
                && word.iter().filter(|byte| byte.is_ascii_lowercase()).count() > 2
                && !is_date_word(word);
        }
    }
    None
}

fn stands_alone(before: Option<u8>, after: Option<u8>) -> bool {
    matches!(before, None | Some(b' ' | b'[' | b'(' | b'<' | b'|' | b':' | b'"' | b'*' | b'=' | b']'))
        && matches!(
            after,
            None | Some(b' ' | b']' | b')' | b'>' | b'|' | b':' | b',' | b'"' | b'*' | b'!' | b';')
        )
}

/// Month and week day names stand in time stamps.
fn is_date_word(word: &[u8]) -> bool {
    const NAMES: [&[u8]; 19] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
        b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun",
    ];
    word.len() == 3 && NAMES.iter().any(|name| word.eq_ignore_ascii_case(name))
}

fn named(word: &[u8]) -> Option<LogLevel> {
    const NAMES: [(&str, LogLevel); 32] = [
        ("error", LogLevel::Error),
        ("err", LogLevel::Error),
        ("eror", LogLevel::Error),
        ("fatal", LogLevel::Error),
        ("ftl", LogLevel::Error),
        ("critical", LogLevel::Error),
        ("crit", LogLevel::Error),
        ("panic", LogLevel::Error),
        ("alert", LogLevel::Error),
        ("emerg", LogLevel::Error),
        ("emergency", LogLevel::Error),
        ("severe", LogLevel::Error),
        ("fail", LogLevel::Error),
        ("warning", LogLevel::Warn),
        ("warn", LogLevel::Warn),
        ("wrn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("inf", LogLevel::Info),
        ("notice", LogLevel::Info),
        ("information", LogLevel::Info),
        ("log", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("dbg", LogLevel::Debug),
        ("dbug", LogLevel::Debug),
        ("debg", LogLevel::Debug),
        ("debug1", LogLevel::Debug),
        ("fine", LogLevel::Debug),
        ("trace", LogLevel::Trace),
        ("trc", LogLevel::Trace),
        ("trce", LogLevel::Trace),
        ("verbose", LogLevel::Trace),
        ("finest", LogLevel::Trace),
    ];
    // Asked of nearly every line: numbers and most words need no look at the table.
    if !matches!(
        word.first().map(u8::to_ascii_lowercase),
        Some(b'a' | b'c'..=b'f' | b'i' | b'l' | b'n' | b'p' | b's'..=b'w')
    ) {
        return None;
    }
    NAMES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes())).map(|&(_, level)| level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loggers_are_understood() {
        use LogLevel::{Debug, Error, Info, Trace, Warn};
        let table = [
            ("ERROR something broke", Error),
            ("2026-11-20 16:13:58,123 - app.db - WARNING - slow query", Warn),
            ("2026-11-20T16:13:58.123456Z  INFO stack::sync: listening", Info),
            ("INFO:     127.0.0.1:53210 - \"GET /ERROR HTTP/1.1\" 500", Info),
            ("2026/11/20 16:13:58 [error] 7#7: *1 open() failed", Error),
            ("[2026-11-20][12][debug][main] upstream", Debug),
            ("time=\"2026-11-20T16:13:58Z\" level=warn msg=\"an error\"", Warn),
            ("ts=1 severity=\"error\" x=1", Error),
            ("{\"level\":\"error\",\"msg\":\"x\"}", Error),
            ("{\"time\":1763655238,\"msg\":\"level\",\"level\":30}", Info),
            ("{\"level\": 60, \"pid\":1}", Error),
            ("{\"msg\":\"say \\\"level\\\": \\\"error\\\"\",\"level\":\"debug\"}", Debug),
            ("{\"severity\":\"WARNING\"}", Warn),
            ("{\"t\":{\"$date\":\"2026-11-20T16:13:58.000+00:00\"},\"s\":\"W\",\"c\":\"NETWORK\"}", Warn),
            ("E1120 16:13:58.123456       1 controller.go:12] failed", Error),
            ("I1120 16:13:58.123456       1 main.go:12] error free", Info),
            ("2026-11-20 16:13:58.001 UTC [42] FATAL:  role does not exist", Error),
            ("2026-11-20 16:13:58.001 UTC [42] LOG:  checkpoint starting", Info),
            ("20 Nov 2026 16:13:58 warning low memory", Warn),
            ("npm ERR! missing script", Error),
            ("panic: runtime error: index out of range", Error),
            ("info: Microsoft.Hosting.Lifetime[0]", Info),
            ("fail: Microsoft.AspNetCore[0]", Error),
            ("2026-11-20T16:13:58Z    trace   core/x.go:1    hello", Trace),
            ("  <warn> ready", Warn),
            ("CRITICAL:root:out of disk", Error),
            ("Error response from daemon: no such container", Error),
        ];
        for (line, level) in table {
            assert_eq!(level_of(line), Some(level), "{line}");
        }
    }

    #[test]
    fn prose_about_errors_has_no_level() {
        let table = [
            "",
            "GET /error 200",
            "the build ended with error: none",
            "0 errors, 0 warnings",
            "listening on :8000, debug off",
            "no level here",
            "/var/log/error.log rotated",
            "ERROR_COUNT is 0",
            "{\"msg\":\"no level\"}",
            "{\"level\":\"chatty\"}",
            "{",
            "{\"level\"",
            "{\"level\":",
            "I1120",
        ];
        for line in table {
            assert_eq!(level_of(line), None, "{line}");
        }
        assert_eq!(level_of(&format!("{} ERROR too far", "x ".repeat(120))), None);
    }
}
