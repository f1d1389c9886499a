//! What is known right after the start.

use stackdash::adapters::scenario::{CALM, DEMO, REFUSED, TROUBLE};
use stackdash::model::stacks::ServiceState;
use stackdash::ports::EngineError;
use stackdash::state::connection::Link;

use crate::support::TestApp;

#[tokio::test(start_paused = true)]
async fn a_calm_engine_gives_no_cause_for_attention() {
    let app = TestApp::scenario(CALM).await;
    assert!(app.state().connection.is_up());
    assert!(app.state().attention.problems().is_empty());
    let names: Vec<&str> = app.state().containers.stacks().map(|stack| &*stack.name).collect();
    assert_eq!(names, ["blog", "cache"]);
    assert_eq!(app.service_state("blog", "web"), ServiceState::Healthy);
    assert_eq!(app.service_state("cache", "redis"), ServiceState::Running);
}

#[tokio::test(start_paused = true)]
async fn every_state_is_recognized_with_its_reason() {
    let app = TestApp::scenario(TROUBLE).await;
    let told = |service: &str| app.told("trouble", service);
    assert_eq!(told("failed"), "failed exit code 1");
    assert_eq!(told("out-of-memory"), "failed exit code 137 (SIGKILL), out of memory");
    assert_eq!(
        told("unhealthy"),
        "unhealthy health check failed 12 times: curl: (22) The requested URL returned error: 503"
    );
    assert_eq!(told("restarting"), "restarting 9 restarts in the last hour, last exit code 1");
    assert_eq!(told("migrations"), "failed exit code 1");
    assert_eq!(told("blocked"), "blocked waits for migrations: completed (failed for 6m)");
    assert_eq!(told("starting"), "starting");
    assert_eq!(told("paused"), "paused");
    assert_eq!(told("stopped"), "stopped exit code 0, stopped on request");
    assert_eq!(told("completed"), "completed exit code 0");
    assert_eq!(told("running"), "running");
    assert_eq!(told("healthy"), "healthy");
    let worst = &app.state().attention.problems()[0];
    assert_eq!(worst.verdict.state, ServiceState::Failed);
}

#[tokio::test(start_paused = true)]
async fn the_demo_begins_mostly_well_with_a_past() {
    let app = TestApp::scenario(DEMO).await;
    let names: Vec<&str> = app.state().containers.stacks().map(|stack| &*stack.name).collect();
    assert_eq!(
        names,
        [
            "(no stack)",
            "energy-dashboard",
            "hackathon-todo",
            "personal-assistant",
            "simple-sync",
            "uteclocal"
        ]
    );
    assert_eq!(app.service_state("personal-assistant", "agent"), ServiceState::Unhealthy);
    assert_eq!(app.service_state("personal-assistant", "migrations"), ServiceState::Completed);
    assert_eq!(app.told("energy-dashboard", "mongo-backup"), "failed exit code 137 (SIGKILL), out of memory");
    // Two containers, and a certificate that is about to expire.
    assert_eq!(app.state().attention.problems().len(), 3);
    assert!(app.state().timeline.entries().len() > 15);
    // Its tokens are looked at right after.
    let mut newest =
        app.state().timeline.entries().iter().rev().filter(|entry| !entry.text.starts_with("token "));
    let newest = newest.next().unwrap();
    assert!(newest.text.starts_with("connected"), "{}", newest.text);
}

#[tokio::test(start_paused = true)]
async fn figures_are_there_at_once_and_move() {
    let mut app = TestApp::scenario(DEMO).await;
    let questdb = app.container("energy-dashboard", "questdb");
    let figures = |app: &TestApp| app.state().usage.get(&questdb).unwrap().usage;
    let first = figures(&app);
    let share = first.memory_bytes.unwrap() as f64 / first.memory_limit.unwrap() as f64;
    assert!((0.88..1.0).contains(&share), "{share}");
    app.seconds(10).await;
    let later = figures(&app);
    assert_ne!(first.cpu_percent, later.cpu_percent);
    assert!(later.net_rx_bytes > first.net_rx_bytes);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_refuses_is_asked_again() {
    let mut app = TestApp::scenario(REFUSED).await;
    let first_retry = match &app.state().connection.link {
        Link::Refused { error: EngineError::PermissionDenied(_), retry_at, .. } => *retry_at,
        other => panic!("{other:?}"),
    };
    app.seconds(20).await;
    match &app.state().connection.link {
        Link::Refused { retry_at, .. } => assert!(*retry_at > first_retry && *retry_at > app.now()),
        other => panic!("{other:?}"),
    }
    assert!(app.state().containers.is_empty());
}
