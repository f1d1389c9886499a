//! The shape of `watch --format json`: one object a line, for each phase that a run of a service reaches.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::json::time;
use crate::model::watch::run::{RunPhase, WatchRun};

#[derive(Serialize)]
pub struct WatchLine<'a> {
    at: String,
    run: u64,
    phase: &'static str,
    stack: &'a str,
    service: &'a str,
    action: &'static str,
    rule: &'a str,
    /// The first of them, from the stack's folder on.
    files: Vec<&'a Path>,
    /// How many in all.
    file_count: usize,
    /// Since the first change was noticed.
    duration_ms: i64,
    detail: Option<&'a str>,
}

/// Writes a phase that a run has reached; `service` is one of its services.
pub fn line<'a>(run: &'a WatchRun, service: &'a str, phase: RunPhase, at: Timestamp) -> WatchLine<'a> {
    let says_why = phase.is_end() || phase == RunPhase::Queued;
    WatchLine {
        at: time(at),
        run: run.id.0,
        phase: phase.word(),
        stack: &run.stack,
        service,
        action: run.action.word(),
        rule: &run.rule,
        files: run.files.iter().map(PathBuf::as_path).collect(),
        file_count: run.file_count,
        duration_ms: i64::try_from(at.duration_since(run.noticed_at()).as_millis())
            .unwrap_or_default()
            .max(0),
        detail: Some(&*run.detail).filter(|detail| says_why && !detail.is_empty()),
    }
}
