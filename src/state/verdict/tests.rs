//! The rules, one life story each: facts in, state and reason out.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::event::{EngineEvent, EngineEventKind, Event};
use crate::model::containers::fixture::running;
use crate::model::containers::{
    ComposeLabels, Container, ContainerId, Dependency, DependsCondition, RunState,
};
use crate::model::health::{Health, HealthCheck};
use crate::model::stacks::ServiceState;
use crate::state::State;

pub(in crate::state) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

pub(in crate::state) fn container(service: &str, run: RunState) -> Container {
    Container {
        id: ContainerId::new(format!("{service:0<64}")),
        name: Arc::from(format!("shop-{service}-1")),
        image: Arc::from("shop/image:1"),
        image_id: String::from("sha256:00"),
        compose: Some(ComposeLabels {
            project: Arc::from("shop"),
            service: Arc::from(service),
            number: 1,
            ..ComposeLabels::default()
        }),
        run,
        created_at: Some(at(0)),
        started_at: Some(at(1)),
        network_mode: String::from("shop_default"),
        command: String::from("serve"),
        ..running()
    }
}

fn exited(service: &str, code: i64, second: i64) -> Container {
    Container { exit_code: Some(code), finished_at: Some(at(second)), ..container(service, RunState::Exited) }
}

fn waiting_for(mut container: Container, service: &str, condition: DependsCondition) -> Container {
    let compose = container.compose.get_or_insert_default();
    compose.depends_on.push(Dependency { service: Arc::from(service), condition, required: true });
    container
}

fn said(service: &str, second: i64, kind: EngineEventKind) -> Event {
    let event = EngineEvent {
        at: at(second),
        container: ContainerId::new(format!("{service:0<64}")),
        kind,
        name: Arc::from(format!("shop-{service}-1")),
        stack: Some(Arc::from("shop")),
        service: Some(Arc::from(service)),
    };
    Event::EngineSaid { event, replayed: false }
}

fn state_of(containers: Vec<Container>) -> State {
    let mut state = State::new(at(0), String::from("test"), false);
    state.apply(at(100), Event::ContainersListed(containers));
    state
}

/// Returns the state of a service and its reason in words, as of second 100.
fn seen(state: &State, service: &str) -> (ServiceState, String) {
    let verdict = &state.containers.stack("shop").unwrap().service(service).unwrap().verdict;
    (verdict.state, verdict.reason.describe(at(100)))
}

#[test]
fn an_end_by_the_stop_signal_was_asked_for() {
    let state = state_of(vec![exited("web", 143, 90)]);
    assert_eq!(
        seen(&state, "web"),
        (ServiceState::Stopped, "exit code 143 (SIGTERM), stopped on request".into())
    );
    let quit = Container { stop_signal: 3, ..exited("web", 131, 90) };
    assert_eq!(seen(&state_of(vec![quit]), "web").0, ServiceState::Stopped);
}

#[test]
fn a_kill_after_the_stop_timeout_is_no_failure() {
    let mut state = state_of(vec![container("web", RunState::Running)]);
    state.apply(at(80), said("web", 80, EngineEventKind::Killed { signal: 15 }));
    state.apply(at(90), said("web", 90, EngineEventKind::Killed { signal: 9 }));
    state.apply(at(90), said("web", 90, EngineEventKind::Died { exit_code: 137 }));
    state.apply(at(90), said("web", 90, EngineEventKind::Stopped));
    state.apply(at(91), Event::ContainerInspected(Box::new(exited("web", 137, 90))));
    assert_eq!(
        seen(&state, "web"),
        (ServiceState::Stopped, "exit code 137 (SIGKILL), killed after stop timeout".into())
    );
}

#[test]
fn a_kill_from_the_host_and_one_for_memory_are_told_apart() {
    let killed = state_of(vec![exited("web", 137, 90)]);
    assert_eq!(
        seen(&killed, "web"),
        (ServiceState::Failed, "exit code 137 (SIGKILL), killed by a signal".into())
    );
    let oom = state_of(vec![Container { oom_killed: true, ..exited("web", 137, 90) }]);
    assert_eq!(seen(&oom, "web"), (ServiceState::Failed, "exit code 137 (SIGKILL), out of memory".into()));
}

#[test]
fn exit_0_completes_a_one_shot_and_stops_a_service() {
    let policy_no = Container { restart_policy: "no".into(), ..exited("job", 0, 90) };
    assert_eq!(seen(&state_of(vec![policy_no]), "job").0, ServiceState::Completed);
    assert_eq!(seen(&state_of(vec![exited("web", 0, 90)]), "web").0, ServiceState::Stopped);
    let waits = waiting_for(
        container("api", RunState::Running),
        "migrations",
        DependsCondition::CompletedSuccessfully,
    );
    let state = state_of(vec![exited("migrations", 0, 90), waits]);
    assert_eq!(seen(&state, "migrations").0, ServiceState::Completed);
    let id = ContainerId::new(format!("{:0<64}", "migrations"));
    assert_eq!(state.containers.get(&id).unwrap().verdict.state, ServiceState::Completed);
    assert!(state.containers.stack("shop").unwrap().service("migrations").unwrap().one_shot);
    assert_eq!(state.containers.stack("shop").unwrap().state, ServiceState::Running);
}

#[test]
fn a_failed_migration_blocks_what_waits_for_it() {
    let api = waiting_for(
        container("api", RunState::Created),
        "migrations",
        DependsCondition::CompletedSuccessfully,
    );
    let state = state_of(vec![exited("migrations", 1, 96), api]);
    assert_eq!(seen(&state, "migrations"), (ServiceState::Failed, "exit code 1".into()));
    assert_eq!(
        seen(&state, "api"),
        (ServiceState::Blocked, "waits for migrations: completed (failed for 4s)".into())
    );
    let id = ContainerId::new(format!("{:0<64}", "api"));
    assert_eq!(state.containers.get(&id).unwrap().verdict.state, ServiceState::Blocked);
    assert_eq!(state.containers.stack("shop").unwrap().state, ServiceState::Failed);
}

#[test]
fn what_waits_for_something_blocked_names_what_lies_at_the_bottom() {
    let created = |name| container(name, RunState::Created);
    let api = waiting_for(created("api"), "migrations", DependsCondition::CompletedSuccessfully);
    let web = waiting_for(created("web"), "api", DependsCondition::Healthy);
    let proxy = waiting_for(created("proxy"), "web", DependsCondition::Started);
    let state = state_of(vec![exited("migrations", 1, 96), api.clone(), web.clone(), proxy.clone()]);
    let told = |state: &State, name| (seen(state, name).0, seen(state, name).1);
    assert_eq!(
        told(&state, "web"),
        (ServiceState::Blocked, "waits for api: healthy (blocked for 1m; migrations failed)".into())
    );
    assert_eq!(
        told(&state, "proxy"),
        (ServiceState::Blocked, "waits for web: started (blocked for 1m; migrations failed)".into())
    );
    let state = state_of(vec![container("migrations", RunState::Running), api, web, proxy]);
    assert_eq!(told(&state, "api").1, "waits for migrations: completed (running for 1m)");
    assert_eq!(told(&state, "proxy").1, "waits for web: started (blocked for 1m; migrations running)");
}

#[test]
fn what_failed_is_told_before_what_only_takes_its_time() {
    let db = Container { health: Health::Starting, ..container("db", RunState::Running) };
    let api = waiting_for(container("api", RunState::Created), "db", DependsCondition::Healthy);
    let api = waiting_for(api, "migrations", DependsCondition::CompletedSuccessfully);
    let state = state_of(vec![db.clone(), exited("migrations", 1, 96), api.clone()]);
    assert_eq!(seen(&state, "api").1, "waits for migrations: completed (failed for 4s)");
    let state = state_of(vec![db, exited("migrations", 0, 96), api]);
    assert_eq!(seen(&state, "api").1, "waits for db: healthy (starting for 1m)");
}

#[test]
fn a_circle_in_the_labels_ends() {
    let one = waiting_for(container("one", RunState::Created), "two", DependsCondition::Started);
    let two = waiting_for(container("two", RunState::Created), "one", DependsCondition::Started);
    let state = state_of(vec![one, two]);
    assert_eq!(
        seen(&state, "one"),
        (ServiceState::Blocked, "waits for two: started (blocked for 1m)".into())
    );
}

#[test]
fn what_is_optional_holds_nobody_up_once_it_has_failed() {
    let mut web = waiting_for(container("web", RunState::Created), "cache", DependsCondition::Healthy);
    web.compose.as_mut().unwrap().depends_on[0].required = false;
    let starting = Container { health: Health::Starting, ..container("cache", RunState::Running) };
    let state = state_of(vec![starting, web.clone()]);
    assert_eq!(seen(&state, "web").1, "waits for cache: healthy (starting for 1m)");
    let state = state_of(vec![exited("cache", 1, 90), web]);
    assert_eq!(seen(&state, "web"), (ServiceState::Stopped, "created, never started".into()));
}

#[test]
fn health_counts_only_while_running() {
    let finished = Container { health: Health::Unhealthy, ..exited("job", 0, 90) };
    assert_eq!(seen(&state_of(vec![finished]), "job").0, ServiceState::Stopped);
    let check = HealthCheck {
        at: Some(at(95)),
        exit_code: 1,
        duration_ms: 20,
        output: "\n  Database unavailable\nmore".into(),
    };
    let sick = Container {
        health: Health::Unhealthy,
        health_log: vec![check],
        failing_streak: 4,
        ..container("db", RunState::Running)
    };
    assert_eq!(
        seen(&state_of(vec![sick]), "db"),
        (ServiceState::Unhealthy, "health check failed 4 times: Database unavailable".into())
    );
}

#[test]
fn a_crash_loop_stays_one_between_its_crashes_and_settles_later() {
    let mut state = state_of(vec![container("web", RunState::Running)]);
    for second in [60, 70, 98] {
        state.apply(at(second), said("web", second, EngineEventKind::Died { exit_code: 3 }));
        let ended = Container { run: RunState::Restarting, ..exited("web", 3, second) };
        state.apply(at(second), Event::ContainerInspected(Box::new(ended)));
        assert_eq!(seen(&state, "web").0, ServiceState::Restarting);
        let up = Container { started_at: Some(at(second + 1)), ..container("web", RunState::Running) };
        state.apply(at(second + 1), said("web", second + 1, EngineEventKind::Started));
        state.apply(at(second + 1), Event::ContainerInspected(Box::new(up)));
    }
    assert_eq!(
        seen(&state, "web"),
        (ServiceState::Restarting, "3 restarts in the last hour, last exit code 3".into())
    );
    let settled = state.next_deadline().unwrap();
    assert_eq!(settled, at(99) + SignedDuration::from_secs(10));
    state.apply(settled, Event::Tick);
    assert_eq!(
        seen(&state, "web"),
        (ServiceState::Running, "restarted 3 times in the last hour, last exit code 3".into())
    );
    assert_eq!(state.next_deadline(), None);
}

#[test]
fn a_loop_that_was_seen_too_late_is_known_by_the_engines_count() {
    let up = Container {
        started_at: Some(at(95)),
        restart_count: 5,
        restart_policy: String::from("always"),
        ..container("web", RunState::Running)
    };
    let mut state = state_of(vec![up.clone()]);
    assert_eq!(seen(&state, "web"), (ServiceState::Restarting, "5 restarts in the last hour".into()));
    let settled = state.next_deadline().unwrap();
    assert_eq!(settled, at(105));
    state.apply(settled, Event::Tick);
    assert_eq!(seen(&state, "web").0, ServiceState::Running);
    let once = state_of(vec![Container { restart_count: 1, ..up }]);
    assert_eq!(seen(&once, "web").0, ServiceState::Running, "once is not a loop");
}

#[test]
fn what_failed_before_anybody_looked_fails_since_about_then() {
    let check =
        |second| HealthCheck { at: Some(at(second)), exit_code: 1, duration_ms: 20, output: String::new() };
    let sick = |checks: [i64; 5], streak| Container {
        health: Health::Unhealthy,
        health_log: checks.map(check).to_vec(),
        failing_streak: streak,
        started_at: Some(at(20)),
        ..container("db", RunState::Running)
    };
    let since = |state: &State| state.containers.stack("shop").unwrap().service("db").unwrap().verdict.since;
    // Five are kept, ten seconds apart; two more came before them.
    let mut state = state_of(vec![sick([50, 60, 70, 80, 90], 7)]);
    assert_eq!(since(&state), Some(at(30)));
    // The next one comes late, and moves nothing.
    state.apply(at(104), Event::ContainerInspected(Box::new(sick([60, 70, 80, 90, 104], 8))));
    assert_eq!(since(&state), Some(at(30)));
    let long = state_of(vec![sick([50, 60, 70, 80, 90], 40)]);
    assert_eq!(since(&long), Some(at(20)), "never before its start");
}

#[test]
fn a_failed_start_says_so_in_the_engines_words() {
    let failed = Container {
        exit_code: Some(127),
        error: "exec: \"nope\": executable file not found in $PATH".into(),
        ..container("web", RunState::Created)
    };
    let (state, reason) = seen(&state_of(vec![failed]), "web");
    assert_eq!(state, ServiceState::Failed);
    assert_eq!(reason, "start failed: exec: \"nope\": executable file not found in $PATH");
}

#[test]
fn a_stack_is_as_bad_as_what_should_be_up() {
    let healthy = Container { health: Health::Healthy, ..container("db", RunState::Running) };
    let state = state_of(vec![healthy.clone(), exited("web", 143, 90)]);
    assert_eq!(state.containers.stack("shop").unwrap().state, ServiceState::Healthy);
    let state = state_of(vec![exited("db", 143, 90), exited("web", 143, 90)]);
    assert_eq!(state.containers.stack("shop").unwrap().state, ServiceState::Stopped);
    let state = state_of(vec![healthy, container("web", RunState::Paused)]);
    assert_eq!(state.containers.stack("shop").unwrap().state, ServiceState::Paused);
}

#[test]
fn memory_kills_of_children_are_told_although_the_service_runs() {
    use crate::model::usage::{Usage, UsageSample, UsageSource};
    let mut state = state_of(vec![container("web", RunState::Running)]);
    let sample = UsageSample {
        container: ContainerId::new(format!("{:0<64}", "web")),
        usage: Usage { oom_kills: Some(2), ..Usage::default() },
        source: UsageSource::Cgroup,
    };
    state.apply(at(100), Event::UsageSampled(vec![sample]));
    assert_eq!(
        seen(&state, "web"),
        (ServiceState::Running, "2 child processes were killed, out of memory".into())
    );
    assert_eq!(state.attention.problems().len(), 1);
}

#[test]
fn a_definition_adds_what_was_never_created() {
    use crate::model::compose::{ComposeProject, Definition, ServiceDefinition};
    let mut web = container("web", RunState::Running);
    web.compose.as_mut().unwrap().config_files = vec!["/srv/shop/compose.yml".into()];
    let mut state = State::new(at(0), String::from("test"), false);
    let info = crate::event::EngineInfo { local: true, ..Default::default() };
    state.apply(at(1), Event::EngineConnected(info));
    let wishes = state.apply(at(2), Event::ContainersListed(vec![web]));
    let [crate::command::Command::ReadDefinition(project), crate::command::Command::ReadStackFile { .. }] =
        &wishes[..]
    else {
        panic!("{wishes:?}")
    };
    assert!(state.apply(at(3), Event::Tick).is_empty(), "asked for once");
    let tools = ServiceDefinition { profiles: vec!["tools".into()], ..Default::default() };
    let definition = Definition {
        name: "shop".into(),
        services: [("web".into(), ServiceDefinition::default()), ("admin".into(), tools)].into(),
        ..Default::default()
    };
    let project: ComposeProject = project.clone();
    state.apply(at(4), Event::DefinitionRead { project, result: Ok(definition) });
    assert_eq!(seen(&state, "admin").0, ServiceState::Absent);
    let stack = state.containers.stack("shop").unwrap();
    assert_eq!((stack.state, stack.profiles.clone()), (ServiceState::Running, vec!["tools".to_owned()]));
}

#[test]
fn an_inspection_that_was_under_way_brings_nothing_back() {
    use crate::event::{EngineEvent, EngineEventKind};
    let web = container("web", RunState::Running);
    let mut state = state_of(vec![web.clone()]);
    let removed = EngineEvent {
        at: at(101),
        container: web.id.clone(),
        kind: EngineEventKind::Removed,
        name: web.name.clone(),
        stack: Some(Arc::from("shop")),
        service: Some(Arc::from("web")),
    };
    let wishes = state.apply(at(101), Event::EngineSaid { event: removed, replayed: false });
    assert!(!wishes.iter().any(|wish| matches!(wish, crate::command::Command::Inspect(_))));
    let late = Container { run: RunState::Removing, ..web.clone() };
    state.apply(at(102), Event::ContainerInspected(Box::new(late)));
    assert!(state.containers.is_empty());
    // A list that was begun before it went is no proof either.
    state.apply(at(103), Event::ContainersListed(vec![web]));
    assert!(state.containers.is_empty());
}
