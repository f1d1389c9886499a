//! Start, stop, restart: from the wish to the result.

use std::time::Duration;

use stackdash::adapters::scenario::{CALM, DEMO, TROUBLE};
use stackdash::command::Command;
use stackdash::model::jobs::Verb;
use stackdash::model::stacks::ServiceState;

use crate::support::{TestApp, service, stack};

#[tokio::test(start_paused = true)]
async fn a_restart_is_under_way_at_once_and_ends_in_a_notice() {
    let mut app = TestApp::scenario(DEMO).await;
    let begin = app.now();
    app.act(Verb::Restart, service("simple-sync", "simple-sync")).await;
    assert_eq!(app.jobs().len(), 1);
    assert_eq!((app.jobs()[0].done, app.jobs()[0].total), (0, 1));
    app.seconds(2).await;
    assert!(app.jobs().is_empty());
    assert_eq!(app.notices(), ["simple-sync/simple-sync: restarted in 0s"]);
    assert_eq!(
        app.timeline_since(begin).iter().filter(|line| line.starts_with("simple-sync/")).collect::<Vec<_>>(),
        [
            "simple-sync/simple-sync: was sent SIGTERM",
            "simple-sync/simple-sync: ended with exit code 0",
            "simple-sync/simple-sync: stopped on request",
            "simple-sync/simple-sync: started",
            "simple-sync/simple-sync: restarted on request",
            "simple-sync/simple-sync: restarted in 0s",
        ]
    );
    assert_eq!(app.service_state("simple-sync", "simple-sync"), ServiceState::Starting);
}

#[tokio::test(start_paused = true)]
async fn a_second_wish_for_the_same_thing_is_refused() {
    let mut app = TestApp::scenario(DEMO).await;
    app.act(Verb::Stop, service("energy-dashboard", "questdb")).await;
    app.act(Verb::Restart, service("energy-dashboard", "questdb")).await;
    app.act(Verb::Restart, stack("energy-dashboard")).await;
    assert_eq!(app.jobs().len(), 1);
    let refusals = app.notices();
    assert_eq!(refusals.len(), 2);
    assert!(refusals.iter().all(|text| text.contains("is stopping already")), "{refusals:?}");
    app.act(Verb::Restart, service("energy-dashboard", "app")).await;
    assert_eq!(app.jobs().len(), 2, "another service is free");
}

#[tokio::test(start_paused = true)]
async fn a_slow_stop_ends_with_its_timeout() {
    let mut app = TestApp::scenario(DEMO).await;
    app.act(Verb::Stop, service("energy-dashboard", "questdb")).await;
    assert_eq!(app.jobs()[0].stop_timeout, Some(Duration::from_secs(10)));
    app.seconds(9).await;
    assert_eq!(app.jobs().len(), 1);
    assert_eq!(app.service_state("energy-dashboard", "questdb"), ServiceState::Running);
    app.seconds(2).await;
    assert!(app.jobs().is_empty());
    assert_eq!(
        app.told("energy-dashboard", "questdb"),
        "stopped exit code 137 (SIGKILL), killed after stop timeout"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stack_stops_against_its_dependencies_and_starts_along_them() {
    let mut app = TestApp::scenario(CALM).await;
    let begin = app.now();
    app.act(Verb::Stop, stack("blog")).await;
    app.seconds(3).await;
    assert_eq!(app.stack("blog").state, ServiceState::Stopped);
    app.act(Verb::Start, stack("blog")).await;
    app.seconds(3).await;
    let told = app.timeline_since(begin);
    let order: Vec<&str> = told
        .iter()
        .map(String::as_str)
        .filter(|line| line.ends_with("exit code 0") || line.ends_with(": started"))
        .collect();
    assert_eq!(
        order,
        [
            "blog/web: ended with exit code 0",
            "blog/db: ended with exit code 0",
            "blog/db: started",
            "blog/web: started",
        ]
    );
    assert_eq!(app.notices(), ["blog: stopped 2 containers in 0s", "blog: started 2 containers in 0s"]);
}

#[tokio::test(start_paused = true)]
async fn a_job_tells_how_far_it_is() {
    let mut app = TestApp::scenario(DEMO).await;
    app.act(Verb::Stop, stack("personal-assistant")).await;
    // The api goes at once, the agent takes three seconds, and the database waits for both.
    let progress = |app: &TestApp| app.jobs().first().map(|job| (job.done, job.total));
    assert_eq!(progress(&app), Some((0, 3)));
    app.seconds(1).await;
    assert_eq!(progress(&app), Some((1, 3)));
    assert_eq!(app.service_state("personal-assistant", "db"), ServiceState::Healthy);
    app.advance(Duration::from_millis(2100)).await;
    assert_eq!(progress(&app), Some((2, 3)));
    app.seconds(1).await;
    assert_eq!(progress(&app), None);
    assert_eq!(app.notices(), ["personal-assistant: stopped 3 containers in 3s"]);
    assert_eq!(app.service_state("personal-assistant", "migrations"), ServiceState::Completed);
}

#[tokio::test(start_paused = true)]
async fn what_the_engine_cannot_start_is_told_in_its_words() {
    let mut app = TestApp::scenario(TROUBLE).await;
    app.act(Verb::Start, service("trouble", "refused")).await;
    app.seconds(2).await;
    let notice = app.notices()[0];
    assert!(notice.contains("start failed") && notice.contains("port is already allocated"), "{notice}");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_job_frees_its_target() {
    let mut app = TestApp::scenario(DEMO).await;
    app.act(Verb::Stop, service("energy-dashboard", "questdb")).await;
    let job = app.jobs()[0].id;
    app.submit(Command::Cancel(job));
    app.settle().await;
    assert!(app.jobs().is_empty());
    assert_eq!(app.notices(), ["energy-dashboard/questdb: stop cancelled after 0 of 1"]);
    // What was asked of the engine goes on there.
    app.seconds(11).await;
    assert_eq!(app.service_state("energy-dashboard", "questdb"), ServiceState::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_restart_loop_can_be_stopped() {
    let mut app = TestApp::scenario(TROUBLE).await;
    app.seconds(30).await;
    assert_eq!(app.service_state("trouble", "restarting"), ServiceState::Restarting);
    app.act(Verb::Stop, service("trouble", "restarting")).await;
    app.seconds(5).await;
    assert!(app.jobs().is_empty());
    app.seconds(90).await;
    let state = app.service_state("trouble", "restarting");
    assert!(matches!(state, ServiceState::Stopped | ServiceState::Failed), "{state:?}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_cures_what_was_unhealthy() {
    let mut app = TestApp::scenario(DEMO).await;
    app.act(Verb::Restart, service("personal-assistant", "agent")).await;
    app.seconds(5).await;
    assert_eq!(app.service_state("personal-assistant", "agent"), ServiceState::Starting);
    app.seconds(32).await;
    assert_eq!(app.service_state("personal-assistant", "agent"), ServiceState::Healthy);
}
