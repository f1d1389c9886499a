//! A line of the timeline, as JSON.

use serde::Serialize;

use crate::cli::json::time;
use crate::model::timeline::TimelineEntry;

/// One line of `events --format json`.
#[derive(Serialize)]
pub struct EventDocument<'a> {
    at: String,
    kind: &'static str,
    severity: &'static str,
    stack: Option<&'a str>,
    service: Option<&'a str>,
    text: &'a str,
}

pub fn event(entry: &TimelineEntry) -> EventDocument<'_> {
    EventDocument {
        at: time(entry.at),
        kind: entry.kind.word(),
        severity: entry.severity.word(),
        stack: entry.stack.as_deref(),
        service: entry.service.as_deref(),
        text: &entry.text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::sample::now;
    use crate::model::timeline::{EntryKind, Severity};

    #[test]
    fn an_event_is_one_object() {
        let entry = TimelineEntry {
            at: now(),
            kind: EntryKind::Health,
            severity: Severity::Error,
            stack: Some("shop".into()),
            service: Some("web".into()),
            container: None,
            health: None,
            refresh: None,
            text: String::from("became unhealthy"),
        };
        let wanted = json!({
            "at": "2026-11-20T12:00:00.000Z", "kind": "health", "severity": "error", "stack": "shop",
            "service": "web", "text": "became unhealthy"
        });
        assert_eq!(serde_json::to_value(event(&entry)).unwrap(), wanted);
    }
}
