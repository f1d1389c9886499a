//! The connection breaks, and comes back.

use stackdash::adapters::scenario::{CALM, LOST};
use stackdash::command::Command;
use stackdash::model::jobs::Verb;
use stackdash::model::logs::LogStatus;
use stackdash::model::stacks::ServiceState;
use stackdash::state::connection::Link;

use crate::support::{TestApp, service};

#[tokio::test(start_paused = true)]
async fn a_lost_engine_leaves_its_last_picture_and_a_countdown() {
    let mut app = TestApp::scenario(CALM).await;
    app.scenario.cut();
    app.settle().await;
    assert!(app.state().connection.is_stale());
    assert_eq!(app.service_state("blog", "web"), ServiceState::Healthy, "the last picture stays");
    let retry = |app: &TestApp| match &app.state().connection.link {
        Link::Lost { retry_at, .. } => *retry_at,
        other => panic!("{other:?}"),
    };
    let first = retry(&app);
    assert!(first > app.now());
    app.seconds(5).await;
    assert!(retry(&app) > first);

    app.act(Verb::Restart, service("blog", "web")).await;
    assert!(app.notices()[0].contains("out of reach"), "{:?}", app.notices());
}

#[tokio::test(start_paused = true)]
async fn a_restored_engine_is_listed_again_and_the_gap_is_told() {
    let mut app = TestApp::scenario(CALM).await;
    app.seconds(5).await;
    let begin = app.now();
    let listed = app.state().connection.listed_at;
    app.scenario.cut();
    app.seconds(4).await;
    app.scenario.crash("cache/redis", 1);
    app.seconds(3).await;
    app.scenario.restore();
    app.submit(Command::Reconnect);
    app.settle().await;
    assert!(app.state().connection.is_up());
    assert!(app.state().connection.listed_at > listed);
    let told = app.timeline_since(begin);
    assert!(told[0].starts_with("connection lost"), "{told:?}");
    // What happened meanwhile is told too, once.
    assert_eq!(told.iter().filter(|line| *line == "cache/redis: ended with exit code 1").count(), 1);
    assert_eq!(told.iter().filter(|line| *line == "cache/redis: started").count(), 1);
    assert!(told.last().unwrap().starts_with("connected again after 7s without events"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn logs_go_on_after_the_gap() {
    let mut app = TestApp::scenario(CALM).await;
    let web = app.container("blog", "web");
    app.look_at_logs([web.clone()]).await;
    app.seconds(10).await;
    app.scenario.cut();
    app.settle().await;
    assert!(matches!(app.state().logs.status(&(&web).into()), Some(LogStatus::Unreadable(_))));
    app.seconds(20).await;
    app.scenario.restore();
    app.seconds(20).await;
    assert_eq!(app.state().logs.status(&(&web).into()), Some(&LogStatus::Following));
    crate::flows::logs::assert_complete(&app, &web).await;
}

#[tokio::test(start_paused = true)]
async fn the_lost_scenario_plays_by_itself() {
    let mut app = TestApp::scenario(LOST).await;
    app.seconds(25).await;
    assert!(app.state().connection.is_stale());
    app.seconds(40).await;
    assert!(app.state().connection.is_up());
    let told: Vec<&str> = app.state().timeline.entries().iter().map(|entry| &*entry.text).collect();
    assert!(told.contains(&"restarted on request"), "{told:?}");
}
