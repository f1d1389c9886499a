//! Who answers: what an engine says of itself.

use jiff::{SignedDuration, Timestamp};

use crate::adapters::docker::json::Json;
use crate::event::{EngineInfo, OwnPlace};

/// Returns how far a clock is ahead that told `time` between two moments of ours. Within them it may be right.
pub fn ahead(time: Timestamp, sent: Timestamp, came: Timestamp) -> SignedDuration {
    if time > came {
        time.duration_since(came)
    } else if time < sent {
        time.duration_since(sent)
    } else {
        SignedDuration::ZERO
    }
}

pub fn of(host: String, local: bool, version: Json<'_>, info: Json<'_>) -> EngineInfo {
    let podman = version.items("Components").any(|component| component.raw("Name").contains("Podman"));
    EngineInfo {
        host,
        name: info.line("Name"),
        version: version.line("Version"),
        api: version.line("ApiVersion"),
        flavor: String::from(if podman { "podman" } else { "docker" }),
        cpus: info.count("NCPU").unwrap_or_default() as u32,
        memory_bytes: info.count("MemTotal").unwrap_or_default(),
        time: info.time("SystemTime"),
        clock_ahead: None,
        local,
        own: OwnPlace::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_ahead_only_by_what_is_certain() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let seconds = |time: i64| ahead(at(time), at(100), at(104)).as_secs();
        assert_eq!([90, 99, 100, 103, 104, 110].map(seconds), [-10, -1, 0, 0, 0, 6]);
    }
}
