//! The table of states, over recorded inspections of real containers: what the engine says must come
//! out as the state and the words that the design promises.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use stackdash::event::{EngineEvent, EngineEventKind, Event};
use stackdash::model::containers::{Container, ContainerId};
use stackdash::model::stacks::{Service, ServiceState};
use stackdash::ports::Engine;
use stackdash::state::State;

use crate::engine_fake::{ENGINE_TIME, FakeEngine, engine_at, recorded};

/// Lists recorded containers through the whole adapter.
async fn listed(names: &[&str]) -> Vec<Container> {
    let fake = FakeEngine::start(names.iter().map(|name| recorded(name)).collect());
    let engine = engine_at(fake.url());
    engine.connect().await.unwrap();
    let containers = engine.list().await.unwrap();
    assert_eq!(containers.len(), names.len());
    containers
}

fn now() -> Timestamp {
    ENGINE_TIME.parse().unwrap()
}

fn state_of(containers: Vec<Container>) -> State {
    let mut state = State::new(now(), String::from("unix:///fake.sock"), false);
    state.apply(now(), Event::ContainersListed(containers));
    state
}

/// Returns state and reason of a container that was recorded under this name.
fn verdict(state: &State, name: &str) -> (ServiceState, String) {
    let entry = state.containers.iter().find(|entry| &*entry.container.name == name).unwrap();
    (entry.verdict.state, entry.verdict.reason.describe(now()))
}

#[tokio::test]
async fn every_recorded_state_is_told_as_the_design_says() {
    use ServiceState::{
        Completed, Failed, Healthy, Paused, Restarting, Running, Starting, Stopped, Unhealthy,
    };
    let table = [
        ("created", Stopped, "created, never started"),
        ("running", Running, ""),
        ("tty", Running, ""),
        ("starting", Starting, ""),
        ("healthy", Healthy, ""),
        ("unhealthy", Unhealthy, "health check failed 12 times: connection refused"),
        ("restarting", Restarting, "7 restarts in the last hour, last exit code 3"),
        ("paused", Paused, ""),
        ("exited-0", Completed, "exit code 0"),
        ("restart-no", Completed, "exit code 0"),
        ("exited-0-always-stopped", Stopped, "exit code 0, stopped on request"),
        ("exited-1", Failed, "exit code 1"),
        ("exited-137", Failed, "exit code 137 (SIGKILL), killed by a signal"),
        ("exited-143", Stopped, "exit code 143 (SIGTERM), stopped on request"),
        ("oom", Failed, "exit code 137 (SIGKILL), out of memory"),
        ("oom-unflagged", Failed, "exit code 137 (SIGKILL), killed by a signal"),
        ("dead", Failed, "exit code 1"),
        ("removing", Stopped, "being removed"),
    ];
    let names: Vec<&str> = table.iter().map(|(name, ..)| *name).chain(["badcmd"]).collect();
    let state = state_of(listed(&names).await);
    for (name, expected, reason) in table {
        assert_eq!(verdict(&state, &format!("demo-{name}")), (expected, String::from(reason)), "{name}");
    }
    let (failed, reason) = verdict(&state, "demo-badcmd");
    assert_eq!(failed, Failed);
    assert!(reason.starts_with("start failed: ") && reason.contains("no such file"), "{reason}");
}

#[tokio::test]
async fn events_tell_apart_what_exit_code_137_leaves_open() {
    let containers = listed(&["exited-137", "oom-unflagged"]).await;
    let find = |name: &str| containers.iter().find(|c| &*c.name == name).unwrap();
    let (stopped, oom) = (find("demo-exited-137"), find("demo-oom-unflagged"));
    let said = |container: &Container, kind| {
        let end = container.finished_at.unwrap();
        engine_event(&container.id, end + SignedDuration::from_millis(20), kind)
    };
    let events = [
        said(stopped, EngineEventKind::Killed { signal: 9 }),
        said(stopped, EngineEventKind::Died { exit_code: 137 }),
        said(stopped, EngineEventKind::Stopped),
        said(oom, EngineEventKind::OutOfMemory),
    ];
    let mut state = state_of(containers.clone());
    for event in events {
        state.apply(now(), Event::EngineSaid { event, replayed: true });
    }
    let after_stop = String::from("exit code 137 (SIGKILL), killed after stop timeout");
    assert_eq!(verdict(&state, "demo-exited-137"), (ServiceState::Stopped, after_stop));
    let no_memory = String::from("exit code 137 (SIGKILL), out of memory");
    assert_eq!(verdict(&state, "demo-oom-unflagged"), (ServiceState::Failed, no_memory));
}

fn engine_event(id: &ContainerId, at: Timestamp, kind: EngineEventKind) -> EngineEvent {
    EngineEvent { at, container: id.clone(), kind, name: Arc::from("x"), stack: None, service: None }
}

#[tokio::test]
async fn a_compose_stack_shows_its_one_shots_and_what_waits() {
    let names = ["compose-db", "compose-migrations", "compose-seed", "compose-api", "compose-never"];
    let state = state_of(listed(&names).await);
    let stack = state.containers.stack("shop").unwrap();
    let service = |name: &str| -> &Service { stack.service(name).unwrap() };
    let told = |name: &str| (service(name).verdict.state, service(name).one_shot);
    assert_eq!(told("db"), (ServiceState::Healthy, false));
    // Nothing was said of its restarts, but another service waits for its end.
    assert_eq!(told("migrations"), (ServiceState::Completed, true));
    assert_eq!(told("seed"), (ServiceState::Completed, true));
    assert_eq!(told("api"), (ServiceState::Running, false));
    assert_eq!(service("never").verdict.state, ServiceState::Blocked);
    let reason = service("never").verdict.reason.describe(now());
    assert!(reason.starts_with("waits for api: healthy (running for "), "{reason}");
    assert_eq!(stack.state, ServiceState::Blocked);
    assert_eq!(stack.config_files, ["/srv/shop/compose.yml"]);
    assert!(service("api").depends_on.iter().all(|dependency| dependency.met));
}
