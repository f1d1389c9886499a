//! Health checks: verdicts that change, and where that is told.

use jiff::ToSpan;
use stackdash::adapters::scenario::{CALM, DEMO};
use stackdash::command::{Command, Interest};
use stackdash::model::health::Health;
use stackdash::model::stacks::ServiceState;

use crate::support::{TestApp, service};

#[tokio::test(start_paused = true)]
async fn a_flip_reaches_the_row_the_timeline_and_the_attention_list() {
    let mut app = TestApp::scenario(CALM).await;
    let begin = app.now();
    assert_eq!(app.scenario.fail_health("blog/web", "wget: server returned error: HTTP/1.1 503"), 1);
    app.seconds(20).await;
    assert_eq!(app.service_state("blog", "web"), ServiceState::Healthy, "two failures are not yet three");
    app.seconds(11).await;
    assert_eq!(app.service_state("blog", "web"), ServiceState::Unhealthy);
    assert_eq!(app.stack("blog").state, ServiceState::Unhealthy);
    assert!(app.timeline_since(begin).contains(&String::from("blog/web: became unhealthy")));
    let problem = &app.state().attention.problems()[0];
    assert_eq!(problem.target, service("blog", "web"));
    assert!(
        app.told("blog", "web").contains("failed 3 times: wget: server returned"),
        "{}",
        app.told("blog", "web")
    );

    app.scenario.recover("blog/web");
    app.seconds(10).await;
    assert_eq!(app.service_state("blog", "web"), ServiceState::Healthy);
    assert!(app.state().attention.problems().is_empty());
    assert_eq!(app.timeline_since(begin).last().unwrap(), "blog/web: became healthy");
}

#[tokio::test(start_paused = true)]
async fn the_demo_keeps_its_timetable() {
    let mut app = TestApp::scenario(DEMO).await;
    let begin = app.now();
    app.seconds(26).await;
    assert_eq!(app.service_state("personal-assistant", "agent"), ServiceState::Healthy);
    app.seconds(15).await;
    assert_eq!(app.service_state("hackathon-todo", "backend"), ServiceState::Unhealthy);
    app.seconds(50).await;
    assert_eq!(app.service_state("hackathon-todo", "backend"), ServiceState::Healthy);
    let flips: Vec<(i64, &str)> = app
        .state()
        .timeline
        .entries()
        .iter()
        .filter(|entry| entry.at > begin && entry.text.contains("healthy"))
        .map(|entry| (entry.at.duration_since(begin).as_secs(), &*entry.text))
        .collect();
    assert_eq!(flips, [(25, "became healthy"), (40, "became unhealthy"), (90, "became healthy")]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_loop_is_seen_and_settles() {
    let mut app = TestApp::scenario(DEMO).await;
    app.seconds(146).await;
    assert_eq!(app.service_state("simple-sync", "simple-sync"), ServiceState::Restarting);
    app.seconds(40).await;
    assert_eq!(app.service_state("simple-sync", "simple-sync"), ServiceState::Healthy);
    assert_eq!(
        app.told("simple-sync", "simple-sync"),
        "healthy restarted 6 times in the last hour, last exit code 2"
    );
}

#[tokio::test(start_paused = true)]
async fn a_started_container_is_checked_after_one_interval() {
    let mut app = TestApp::scenario(CALM).await;
    app.act(stackdash::model::jobs::Verb::Restart, service("blog", "db")).await;
    app.seconds(2).await;
    assert_eq!(app.service_state("blog", "db"), ServiceState::Starting);
    app.seconds(10).await;
    assert_eq!(app.service_state("blog", "db"), ServiceState::Healthy);
    let entry = app.state().containers.get(&app.container("blog", "db")).unwrap();
    assert_eq!(entry.facts.ready_after.map(|time| time.as_secs()), Some(10));
    assert_eq!(entry.container.restart_count, 0, "a restart on request is no crash");
}

#[tokio::test(start_paused = true)]
async fn a_check_log_on_the_screen_keeps_up() {
    let mut app = TestApp::scenario(CALM).await;
    let web = app.container("blog", "web");
    app.submit(Command::LookAt(Interest { health: Some(web.clone()), ..Interest::default() }));
    app.seconds(35).await;
    let entry = app.state().containers.get(&web).unwrap();
    assert_eq!(entry.container.health, Health::Healthy);
    assert_eq!(entry.container.health_log.len(), 5);
    let last = entry.container.health_log.last().and_then(|check| check.at).unwrap();
    assert!(app.now() - 11.seconds() < last, "the last check is {last}");
}
