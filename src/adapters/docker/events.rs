//! The engine's event stream: what to ask for, and one line of JSON to one [`EngineEvent`].
//!
//! Types and actions that we do not know are passed over, so that a newer engine, or Podman with its
//! pods, does not end the stream. Knows nothing of what an event means for a container.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::adapters::docker::convert;
use crate::adapters::docker::json::Json;
use crate::event::{EngineEvent, EngineEventKind};
use crate::model::containers::ContainerId;
use crate::model::health::Health;
use crate::model::text;

/// Actions we listen to. Each health check would add three `exec_*` to them.
const ACTIONS: [&str; 13] = [
    "create",
    "start",
    "die",
    "stop",
    "kill",
    "oom",
    "pause",
    "unpause",
    "restart",
    "rename",
    "destroy",
    "update",
    "health_status",
];

/// Writes the request for the stream.
pub fn path(since: Option<Timestamp>) -> String {
    let filters = json!({"type": ["container"], "event": ACTIONS}).to_string();
    let mut path = format!("/events?filters={}", percent_encode(&filters));
    if let Some(since) = since {
        path.push_str("&since=");
        path.push_str(&seconds(since));
    }
    path
}

/// Writes a moment as the engine wants it in queries: `seconds.nanoseconds`.
pub fn seconds(at: Timestamp) -> String {
    format!("{}.{:09}", at.as_second(), at.subsec_nanosecond())
}

/// Escapes what may not stand in a query.
fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Reads one event; `None` for what does not concern us.
pub fn event(message: &Value) -> Option<EngineEvent> {
    let json = Json(message);
    if !matches!(json.raw("Type"), "container" | "") {
        return None;
    }
    // The old names beside the new ones are all that some engines send.
    let either = |new: &str, old: &str| {
        let value = json.raw(new);
        if value.is_empty() { json.raw(old) } else { value }
    };
    let id = Some(either("Actor/ID", "id")).filter(|id| convert::is_id(id))?;
    let attributes = json.at("Actor/Attributes");
    let label = |name: &str| {
        let value = text::clean(attributes.raw(name));
        (!value.is_empty()).then(|| Arc::from(value))
    };
    let at = match json.integer("timeNano") {
        Some(nanos) if nanos > 0 => Timestamp::from_nanosecond(i128::from(nanos)).ok()?,
        _ => Timestamp::from_second(json.integer("time")?).ok()?,
    };
    Some(EngineEvent {
        at,
        container: ContainerId::new(id),
        kind: kind(either("Action", "status"), attributes)?,
        name: Arc::from(text::clean(attributes.raw("name"))),
        stack: label("com.docker.compose.project"),
        service: label("com.docker.compose.service"),
    })
}

fn kind(action: &str, attributes: Json<'_>) -> Option<EngineEventKind> {
    Some(match action {
        "create" => EngineEventKind::Created,
        "start" => EngineEventKind::Started,
        "die" | "died" => {
            let code = attributes.integer("exitCode").or_else(|| attributes.integer("containerExitCode"));
            EngineEventKind::Died { exit_code: code.unwrap_or_default() }
        }
        "stop" => EngineEventKind::Stopped,
        "kill" => EngineEventKind::Killed {
            signal: attributes.integer("signal").and_then(|n| i32::try_from(n).ok()).unwrap_or(9),
        },
        "oom" => EngineEventKind::OutOfMemory,
        "pause" => EngineEventKind::Paused,
        "unpause" => EngineEventKind::Unpaused,
        "restart" => EngineEventKind::Restarted,
        "rename" => EngineEventKind::Renamed,
        "destroy" | "remove" => EngineEventKind::Removed,
        "update" => EngineEventKind::Updated,
        _ => {
            // Docker writes the verdict behind the action, Podman among the attributes.
            let verdict = action.strip_prefix("health_status")?.trim_start_matches(':').trim();
            let word = if verdict.is_empty() { attributes.raw("health_status") } else { verdict };
            match Health::parse(word) {
                Health::None => return None,
                health => EngineEventKind::Health(health),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(action: &str, attributes: Value) -> Option<EngineEventKind> {
        let message = json!({
            "Type": "container",
            "Action": action,
            "Actor": {"ID": "c0ffee", "Attributes": attributes},
            "time": 1_790_000_000,
            "timeNano": 1_790_000_000_000_000_001_i64,
        });
        event(&message).map(|event| event.kind)
    }

    #[test]
    fn actions_become_facts() {
        let none = || json!({});
        assert_eq!(read("die", json!({"exitCode": "137"})), Some(EngineEventKind::Died { exit_code: 137 }));
        assert_eq!(read("kill", json!({"signal": "15"})), Some(EngineEventKind::Killed { signal: 15 }));
        assert_eq!(read("destroy", none()), Some(EngineEventKind::Removed));
        let healthy = Some(EngineEventKind::Health(Health::Healthy));
        assert_eq!(read("health_status: healthy", none()), healthy);
        assert_eq!(read("health_status", json!({"health_status": "healthy"})), healthy);
        for odd in ["health_status", "health_status: running", "exec_create: sh", "checkpoint", ""] {
            assert_eq!(read(odd, none()), None, "{odd}");
        }
    }

    #[test]
    fn what_is_not_a_container_is_passed_over() {
        let pod = json!({"Type": "pod", "Action": "start", "Actor": {"ID": "c0ffee"}, "time": 1});
        assert_eq!(event(&pod), None);
        assert_eq!(event(&json!({"Type": "container", "Action": "start", "time": 1})), None);
        assert_eq!(event(&json!([1, 2])), None);
    }

    #[test]
    fn labels_and_nanoseconds_are_kept() {
        let message = json!({
            "Type": "container",
            "Action": "start",
            "Actor": {"ID": "c0ffee", "Attributes": {
                "name": "shop-api-1",
                "com.docker.compose.project": "shop",
                "com.docker.compose.service": "api",
            }},
            "timeNano": 1_790_000_000_000_000_001_i64,
        });
        let event = event(&message).unwrap();
        assert_eq!(seconds(event.at), "1790000000.000000001");
        assert_eq!(
            (&*event.name, event.stack.as_deref(), event.service.as_deref()),
            ("shop-api-1", Some("shop"), Some("api"))
        );
    }

    #[test]
    fn the_request_asks_for_containers_only() {
        let path = path(Some(Timestamp::from_second(5).unwrap()));
        assert!(path.starts_with("/events?filters=%7B%22"), "{path}");
        assert!(path.ends_with("&since=5.000000000"), "{path}");
        assert!(!path.contains("exec") && path.contains("health_status"));
    }
}
