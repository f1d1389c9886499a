//! Figures against their budgets.

use std::path::PathBuf;

use jiff::Timestamp;

use super::*;
use crate::event::{EngineInfo, Event};
use crate::model::containers::{Container, RunState};
use crate::model::health::{Health, HealthCheck, HealthSettings};
use crate::model::stack_file::Budget;
use crate::model::usage::{Usage, UsageSample, UsageSource};
use crate::state::State;
use crate::state::verdict::tests::container;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Ready after 12 s, with a check that takes 700 ms.
fn slow() -> Container {
    let mut api = container("api", RunState::Running);
    api.health = Health::Healthy;
    api.started_at = Some(at(100));
    let check = |second, duration_ms| HealthCheck {
        at: Some(at(second)),
        exit_code: 0,
        duration_ms,
        output: String::new(),
    };
    api.health_log = vec![check(111, 1000), check(121, 700), check(131, 20)];
    api.health_settings = Some(HealthSettings {
        test: String::from("curl"),
        interval: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        start_period: Duration::ZERO,
        retries: 3,
    });
    api
}

fn used(state: &mut State, bytes: u64) {
    let usage = Usage { memory_bytes: Some(bytes), ..Usage::default() };
    let sample = UsageSample { container: slow().id, usage, source: UsageSource::Cgroup };
    state.apply(at(200), Event::UsageSampled(vec![sample]));
}

fn with(budget: Budget) -> (State, Vec<Command>) {
    let mut state = State::new(at(150), String::new(), false);
    state.apply(at(150), Event::EngineConnected(EngineInfo::default()));
    state.apply(at(150), Event::ContainersListed(vec![slow()]));
    let file = StackFile { path: PathBuf::from("/srv/stackdash.toml"), budget, ..StackFile::default() };
    let event = Event::StackFileRead { stack: "shop".into(), folder: PathBuf::new(), result: Ok(file) };
    let wishes = state.apply(at(150), event);
    (state, wishes)
}

fn told(state: &State) -> Vec<String> {
    let findings = state.budgets.of("shop").iter();
    findings.map(|finding| format!("{}: {}", finding.rule, finding.message)).collect()
}

#[test]
fn what_passes_its_budget_is_told_with_figure_and_limit() {
    let (mut state, wishes) = with(Budget {
        ready: Some(Duration::from_secs(10)),
        memory: Some(100_000_000),
        image: Some(200_000_000),
        health: Some(Duration::from_millis(500)),
        rebuild: None,
    });
    assert!(
        wishes.contains(&Command::MeasureImage(String::from("sha256:00"))) && state.budgets.is_measuring()
    );
    used(&mut state, 150_000_000);
    state.apply(
        at(200),
        Event::ImageMeasured { image_id: String::from("sha256:00"), bytes: Some(1_250_000_000) },
    );
    assert!(!state.budgets.is_measuring());
    assert_eq!(
        told(&state),
        [
            "budget-ready: Ready 12 s after its start, its budget is 10 s",
            "budget-memory: Uses 150 MB of memory, its budget is 100 MB",
            "budget-image: Its image has 1.3 GB, its budget is 200 MB",
            "budget-health: Its health check takes 700 ms, its budget is 500 ms",
        ]
    );
    let finding = &state.budgets.of("shop")[0];
    assert_eq!((finding.severity, finding.place()), (FindingSeverity::Warning, "/srv/stackdash.toml".into()));
}

#[test]
fn nothing_is_measured_and_nothing_is_told_without_a_budget() {
    let (mut state, wishes) = with(Budget::default());
    used(&mut state, 1 << 40);
    assert!(told(&state).is_empty());
    assert!(!wishes.iter().any(|wish| matches!(wish, Command::MeasureImage(_))));
}

#[test]
fn figures_that_waver_around_a_budget_do_not_flicker() {
    let (mut state, _) = with(Budget { memory: Some(100_000_000), ..Budget::default() });
    let mut told_at = |bytes| {
        used(&mut state, bytes);
        told(&state).len()
    };
    assert_eq!(
        [99_000_000, 101_000_000, 99_000_000, 96_000_000, 94_000_000, 99_000_000].map(&mut told_at),
        [0, 1, 1, 1, 0, 0]
    );
}

#[test]
fn an_image_that_nobody_can_measure_is_asked_for_once() {
    let (mut state, wishes) = with(Budget { image: Some(1), ..Budget::default() });
    assert_eq!(wishes.iter().filter(|wish| matches!(wish, Command::MeasureImage(_))).count(), 1);
    let event = Event::ImageMeasured { image_id: String::from("sha256:00"), bytes: None };
    let wishes = state.apply(at(160), event);
    assert!(told(&state).is_empty() && !wishes.iter().any(|wish| matches!(wish, Command::MeasureImage(_))));
}
