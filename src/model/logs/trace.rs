//! Which lines belong together: a stack trace and what it follows.
//!
//! Judged by a line's first characters, for it is asked of every line. Loggers write a trace at once, so
//! time decides as well: an indented line a second later stands for itself.

use jiff::SignedDuration;

use crate::model::logs::{LogLine, LogStream};

/// A trace is written at once.
pub const AT_ONCE: SignedDuration = SignedDuration::from_millis(100);
/// How many lines, of all containers, are looked back over for the line before of the same one.
pub const REACH: usize = 200;

/// Whether a line goes on with what the line before it of the same container said.
pub fn goes_on(before: &LogLine, line: &LogLine) -> bool {
    before.source == line.source
        && before.stream != LogStream::Remark
        && line.stream != LogStream::Remark
        && line.at.duration_since(before.at).abs() <= AT_ONCE
        && (continues(line.text.text()) || closes(line.text.text()) && continues(before.text.text()))
}

/// Whether a line may go on with another one, by its own look.
pub fn may_go_on(line: &LogLine) -> bool {
    line.stream != LogStream::Remark && (continues(line.text.text()) || closes(line.text.text()))
}

/// Whether a text is the middle of something.
fn continues(text: &str) -> bool {
    const OPENINGS: [&str; 10] = [
        "Caused by",
        "Suppressed:",
        "Traceback (most recent call last)",
        "During handling of the above exception",
        "The above exception was the direct cause",
        "at ",
        "... ",
        "goroutine ",
        "stack backtrace:",
        "note: run with `RUST_BACKTRACE",
    ];
    match text.as_bytes().first() {
        None | Some(b' ' | b'}' | b')') => true,
        // A bracket that closes; one that opens is the form of many loggers.
        Some(b']') => true,
        Some(b'C' | b'S' | b'T' | b'D' | b'a' | b'.' | b'g' | b's' | b'n') => {
            OPENINGS.iter().any(|opening| text.starts_with(opening))
        }
        Some(_) => false,
    }
}

/// Whether a text can be the last line of a Python traceback: `package.SomeError: why`.
fn closes(text: &str) -> bool {
    let name = &text[..text.find([':', ' ']).unwrap_or(text.len())];
    if !text[name.len()..].is_empty() && !text[name.len()..].starts_with(':') {
        return false;
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    last.as_bytes().first().is_some_and(u8::is_ascii_uppercase)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::containers::ContainerId;
    use crate::model::text::StyledText;

    fn line(millisecond: i64, text: &str) -> LogLine {
        LogLine {
            at: Timestamp::from_millisecond(millisecond).unwrap(),
            source: ContainerId::new("a").into(),
            stream: LogStream::Stderr,
            level: None,
            text: StyledText::plain(text),
        }
    }

    /// Marks each line that goes on with the one before it.
    fn joined(texts: &[&str]) -> String {
        let lines: Vec<LogLine> = texts.iter().map(|text| line(0, text)).collect();
        lines.windows(2).map(|pair| if goes_on(&pair[0], &pair[1]) { '+' } else { '.' }).collect()
    }

    #[test]
    fn traces_of_the_common_languages_hang_together() {
        let python = [
            "ERROR:app:failed",
            "Traceback (most recent call last):",
            "  File \"app.py\", line 3, in main",
            "    run()",
            "ValueError: bad value",
            "INFO:app:next",
        ];
        assert_eq!(joined(&python), "++++.");
        let java = [
            "ERROR request failed",
            " at com.example.App.run(App.java:12)",
            "Caused by: java.io.IOException: no",
            "\u{20}... 12 more",
            "2026-11-20 INFO next",
        ];
        assert_eq!(joined(&java), "+++.");
        let node = [
            "Error: no",
            "    at connect (/app/a.js:1:2)",
            "    at b (c.js:1:1) {",
            "  code: 'X'",
            "}",
            "done",
        ];
        assert_eq!(joined(&node), "++++.");
        assert_eq!(joined(&["panic: no", "", "goroutine 1 [running]:", "exit"]), "++.");
    }

    #[test]
    fn ordinary_lines_stand_for_themselves() {
        assert_eq!(joined(&["one", "two", "Error: three", "GET /x", "[info] x", "Ready: yes"]), ".....");
        assert!(!goes_on(&line(0, "error"), &line(1000, "  indented, but later")));
        let other = LogLine { source: ContainerId::new("b").into(), ..line(0, "  at x") };
        assert!(!goes_on(&line(0, "error"), &other));
    }
}
