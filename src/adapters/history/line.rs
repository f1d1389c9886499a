//! One line of the kept timeline: an object with the engine's name in it.
//!
//! What is written is masked once more, what is read is cleaned: the file may have been touched.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::containers::ContainerId;
use crate::model::health::Health;
use crate::model::redact;
use crate::model::text::clean;
use crate::model::timeline::{EntryKind, Severity, TimelineEntry};
use crate::model::tokens::{KeptRefresh, Refresh, RefreshCause};

/// A line longer than this was not written by us.
const MAX_BYTES: usize = 16 * 1024;
/// Bytes of a text that are kept.
const TEXT_BYTES: usize = 4 * 1024;

#[derive(Serialize, Deserialize)]
struct Line {
    at: String,
    engine: String,
    kind: String,
    severity: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stack: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    container: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    health: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<RefreshLine>,
    text: String,
}

/// A refresh of a token, with its moment in the line around it.
#[derive(Serialize, Deserialize)]
struct RefreshLine {
    token: String,
    by: String,
    ok: bool,
    detail: String,
}

/// Adds an entry to a text, with the end of its line.
pub fn write(entry: &TimelineEntry, engine: &str, into: &mut String) {
    let end = entry.text.floor_char_boundary(TEXT_BYTES);
    let line = Line {
        at: entry.at.to_string(),
        engine: engine.to_owned(),
        kind: entry.kind.word().to_owned(),
        severity: entry.severity.word().to_owned(),
        stack: entry.stack.as_deref().map(str::to_owned),
        service: entry.service.as_deref().map(str::to_owned),
        container: entry.container.as_ref().map(|id| id.as_str().to_owned()),
        health: entry.health.map(|health| health.word().to_owned()),
        refresh: entry.refresh.as_ref().map(|KeptRefresh { token, refresh }| RefreshLine {
            token: token.to_string(),
            by: refresh.by.word().to_owned(),
            ok: refresh.ok,
            detail: redact::text(&refresh.detail[..refresh.detail.floor_char_boundary(TEXT_BYTES)]),
        }),
        text: redact::text(&entry.text[..end]),
    };
    if let Ok(line) = serde_json::to_string(&line) {
        into.push_str(&line);
        into.push('\n');
    }
}

/// Reads a line; `None` where it is torn, of another engine, or of a version that knows more than we do.
pub fn parse(line: &[u8], engine: &str) -> Option<TimelineEntry> {
    if line.is_empty() || line.len() > MAX_BYTES {
        return None;
    }
    let line: Line = serde_json::from_slice(line).ok()?;
    if line.engine != engine {
        return None;
    }
    let name = |name: Option<String>| name.map(|name| Arc::from(clean(&name)));
    let at = line.at.parse().ok()?;
    let refresh = line.refresh.and_then(|kept| {
        let by = RefreshCause::parse(&kept.by)?;
        let detail = redact::text(&clean(&kept.detail));
        let token = Arc::from(clean(&kept.token));
        Some(KeptRefresh { token, refresh: Refresh { at, by, ok: kept.ok, detail } })
    });
    Some(TimelineEntry {
        at,
        kind: EntryKind::parse(&line.kind)?,
        severity: Severity::parse(&line.severity)?,
        stack: name(line.stack),
        service: name(line.service),
        container: line.container.map(|id| ContainerId::new(clean(&id))),
        health: line.health.map(|word| Health::parse(&word)),
        refresh,
        text: redact::text(&clean(&line.text)),
    })
}
