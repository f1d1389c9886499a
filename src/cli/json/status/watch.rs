//! How the sources of a service are watched, as JSON.

use serde::Serialize;

use crate::cli::json::time;
use crate::model::watch::run::WatchRun;
use crate::state::State;
use crate::state::watch::PlanOrigin;

#[derive(Serialize)]
pub struct WatchDocument<'a> {
    on: bool,
    /// Where its rules come from: `develop`, `stackdash.toml`, `build`; `null`: it has none.
    origin: Option<&'static str>,
    /// Whether its sources are mounted, so that it reloads itself.
    bind_mount: bool,
    /// Files that changed and that no run has taken up.
    pending: usize,
    /// Whether these changed while nobody watched.
    offered: bool,
    /// Why nothing is begun any more.
    suspended: Option<&'a str>,
    failed: bool,
    notes: &'a [String],
    last_run: Option<RunDocument<'a>>,
}

#[derive(Serialize)]
struct RunDocument<'a> {
    at: String,
    run: u64,
    phase: &'static str,
    action: &'static str,
    rule: &'a str,
    files: Vec<String>,
    file_count: usize,
    duration_ms: Option<i64>,
    detail: &'a str,
}

/// Makes the object of one service.
pub fn of_service<'a>(state: &'a State, stack: &str, service: &str) -> Option<WatchDocument<'a>> {
    let watch = state.watch.service(stack, service)?;
    let of_it = |run: &&WatchRun| *run.stack == *stack && run.services.iter().any(|name| **name == *service);
    let origin = match watch.plan.origin {
        PlanOrigin::Develop => Some("develop"),
        PlanOrigin::StackFile => Some("stackdash.toml"),
        PlanOrigin::Build => Some("build"),
        PlanOrigin::Nothing | PlanOrigin::BindMount => None,
    };
    Some(WatchDocument {
        on: watch.on,
        origin,
        bind_mount: watch.plan.origin == PlanOrigin::BindMount,
        pending: watch.pending.len(),
        offered: watch.offered,
        suspended: Some(&*watch.suspended).filter(|why| !why.is_empty()),
        failed: watch.failed,
        notes: &watch.plan.notes,
        last_run: state.watch.runs().rev().find(of_it).map(run),
    })
}

fn run(run: &WatchRun) -> RunDocument<'_> {
    RunDocument {
        at: time(run.noticed_at()),
        run: run.id.0,
        phase: run.phase().word(),
        action: run.action.word(),
        rule: &run.rule,
        files: run.files.iter().map(|file| file.display().to_string()).collect(),
        file_count: run.file_count,
        duration_ms: run.took().map(|took| took.as_millis() as i64),
        detail: &run.detail,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use jiff::{SignedDuration, Timestamp};
    use serde_json::{Value, json, to_value};

    use super::*;
    use crate::model::watch::run::{RunAction, RunId, RunPhase, Trigger};
    use crate::state::watch::{ServicePlan, ServiceWatch, Watch};

    fn state() -> State {
        let began: Timestamp = "2026-11-20T19:03:00Z".parse().unwrap();
        let (stack, service): (Arc<str>, Arc<str>) = (Arc::from("shop"), Arc::from("web"));
        let plan = ServicePlan { origin: PlanOrigin::Build, ..ServicePlan::default() };
        let watched = ServiceWatch { plan, on: true, failed: true, ..ServiceWatch::default() };
        let run = WatchRun {
            id: RunId(7),
            stack: stack.clone(),
            services: vec![service.clone()],
            action: RunAction::Rebuild,
            trigger: Trigger::Files,
            rule: String::from("rebuild ./web"),
            files: vec![PathBuf::from("main.py")],
            file_count: 1,
            coalesced: 0,
            phases: vec![
                (RunPhase::Noticed, began),
                (RunPhase::Failed, began + SignedDuration::from_millis(1840)),
            ],
            job: None,
            detail: String::from("SyntaxError"),
        };
        let mut state = State::new(began, String::new(), false);
        state.watch = Watch::with(vec![((stack, service), watched)], vec![run]);
        state
    }

    #[test]
    fn a_service_tells_how_it_is_watched_and_how_its_last_run_went() {
        let state = state();
        let told = to_value(of_service(&state, "shop", "web")).unwrap();
        assert_eq!(told["on"], true);
        assert_eq!(told["origin"], "build");
        assert_eq!(told["failed"], true);
        assert_eq!(told["suspended"], Value::Null);
        assert_eq!(
            told["last_run"],
            json!({ "at": "2026-11-20T19:03:00.000Z", "run": 7, "phase": "failed", "action": "rebuild",
                "rule": "rebuild ./web", "files": ["main.py"], "file_count": 1, "duration_ms": 1840,
                "detail": "SyntaxError" })
        );
        assert_eq!(to_value(of_service(&state, "shop", "db")).unwrap(), Value::Null);
    }
}
