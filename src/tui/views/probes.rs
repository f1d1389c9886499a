//! Words about probes that several views need.

use crate::model::probes::{ProbeState, Told};
use crate::model::stacks::{Service, duration_words};
use crate::state::State;
use crate::state::probes::Probe;
use crate::tui::theme::Theme;

/// Writes code and latency: `200`, `3.2 ms`.
pub fn figures(probe: &Probe) -> Vec<String> {
    let code = probe.code().map(|code| code.to_string());
    let latency = probe.latency_ms().map(|ms| match ms {
        ms if ms < 100.0 => format!("{ms:.1} ms"),
        ms if ms < 10_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1000.0),
    });
    code.into_iter().chain(latency).collect()
}

/// Writes what the answer says of itself: `ready`, `v1.4.2`, `up 3h`.
pub fn says(probe: &Probe) -> Vec<String> {
    let Some(Told { status, version, uptime, .. }) = probe.last.as_ref().map(|answer| &answer.told) else {
        return Vec::new();
    };
    let version = version.as_ref().map(|version| {
        if version.starts_with(|c: char| c.is_ascii_digit()) {
            format!("v{version}")
        } else {
            version.clone()
        }
    });
    let uptime = uptime.map(|seconds| format!("up {}", duration_words(seconds as i64)));
    status.iter().cloned().chain(version).chain(uptime).collect()
}

/// Whether the mark of a failing probe stands behind a service's name: where its state does not say as much.
pub fn is_marked(stack: &str, service: &Service, state: &State) -> bool {
    !service.verdict.state.is_trouble() && state.probes.trouble_of(stack, &service.name).is_some()
}

pub fn mark(state: ProbeState, theme: &Theme) -> &'static str {
    if theme.ascii { state.ascii_mark() } else { state.mark() }
}
