//! A line of a log, as JSON; one that is an object itself is taken apart.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::cli::json::time;
use crate::model::logs::LogLine;

/// One line of `logs --format json`.
#[derive(Serialize)]
pub struct LogDocument<'a> {
    at: String,
    stack: &'a str,
    service: &'a str,
    container: &'a str,
    stream: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    level: Option<&'static str>,
    message: String,
    fields: Map<String, Value>,
}

/// Makes the object of a log line; a line that is a JSON object itself is taken apart.
pub fn log_line<'a>(line: &LogLine, stack: &'a str, service: &'a str, container: &'a str) -> LogDocument<'a> {
    let (message, fields) = take_apart(line.text.text());
    LogDocument {
        at: time(line.at),
        stack,
        service,
        container,
        stream: line.stream.word(),
        source: line.source.file.as_deref().map(str::to_owned),
        level: line.level.map(crate::model::logs::LogLevel::word),
        message,
        fields,
    }
}

/// Keys that hold the message in structured logs, the usual one first.
const MESSAGE_KEYS: [&str; 4] = ["msg", "message", "event", "log"];

fn take_apart(text: &str) -> (String, Map<String, Value>) {
    let plain = || (text.to_owned(), Map::new());
    if !text.trim_start().starts_with('{') {
        return plain();
    }
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else { return plain() };
    let key = MESSAGE_KEYS.into_iter().find(|key| fields.get(*key).is_some_and(Value::is_string));
    match key.and_then(|key| fields.remove(key)) {
        Some(Value::String(message)) => (message, fields),
        _ => (text.to_owned(), fields),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::sample::{id, now};
    use crate::model::logs::{LogLevel, LogStream};
    use crate::model::text::StyledText;

    fn line(text: &str) -> LogLine {
        LogLine {
            at: now(),
            source: id(1).into(),
            stream: LogStream::Stderr,
            level: Some(LogLevel::Warn),
            text: StyledText::plain(text),
        }
    }

    #[test]
    fn a_log_line_is_one_object() {
        let value = serde_json::to_value(log_line(&line("slow query"), "shop", "db", "shop-db-1")).unwrap();
        let wanted = json!({
            "at": "2026-11-20T12:00:00.000Z", "stack": "shop", "service": "db", "container": "shop-db-1",
            "stream": "stderr", "level": "warn", "message": "slow query", "fields": {}
        });
        assert_eq!(value, wanted);
    }

    #[test]
    fn a_structured_log_line_is_taken_apart() {
        let text = r#"{"level":"warn","msg":"slow query","ms":812}"#;
        let value = serde_json::to_value(log_line(&line(text), "shop", "db", "shop-db-1")).unwrap();
        assert_eq!(value["message"], "slow query");
        assert_eq!(value["fields"], json!({ "level": "warn", "ms": 812 }));
        // Cut off in the middle, or not an object at all: the line as it is.
        for text in [r#"{"msg":"slo"#, "{braces} only", "[1, 2]"] {
            assert_eq!(take_apart(text), (text.to_owned(), Map::new()));
        }
    }
}
