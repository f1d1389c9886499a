//! Logs: merged, resumed, none lost and none doubled.

use futures_util::StreamExt;
use jiff::SignedDuration;
use stackdash::adapters::scenario::{DEMO, TROUBLE};
use stackdash::model::containers::ContainerId;
use stackdash::model::jobs::Verb;
use stackdash::model::logs::{LogStatus, LogStream};
use stackdash::ports::LogRequest;

use crate::support::{TestApp, service, stack};

/// Compares what is shown of a container with what its engine would tell of the same time.
pub async fn assert_complete(app: &TestApp, id: &ContainerId) {
    let shown: Vec<_> = app
        .state()
        .logs
        .lines()
        .iter()
        .filter(|line| line.source.container == *id && line.stream != LogStream::Remark)
        .map(|line| (line.at, line.text.text().to_owned()))
        .collect();
    let since = shown.first().map(|(at, _)| *at);
    assert!(since.is_some(), "nothing is shown");
    let request = LogRequest { tail: u32::MAX, since, until: None, follow: false, tty: false };
    let mut batches = app.ports.engine.logs(id, request);
    let mut told = Vec::new();
    while let Some(batch) = batches.next().await {
        told.extend(batch.unwrap().into_iter().map(|line| (line.at, line.text.text().to_owned())));
    }
    assert_eq!(shown, told);
}

#[tokio::test(start_paused = true)]
async fn the_logs_of_a_stack_are_merged_by_time() {
    let mut app = TestApp::scenario(DEMO).await;
    let all = app.state().containers.of_target(&stack("energy-dashboard"));
    app.look_at_logs(all.clone()).await;
    let lines = app.state().logs.lines();
    assert!(lines.len() > 400, "{}", lines.len());
    assert!(lines.iter().zip(lines.iter().skip(1)).all(|(a, b)| a.at <= b.at));
    let before = lines.len();
    app.seconds(20).await;
    let lines = app.state().logs.lines();
    assert!(lines.len() > before + 10);
    assert!(lines.iter().zip(lines.iter().skip(1)).all(|(a, b)| a.at <= b.at));
    for id in &all {
        assert_complete(&app, id).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_loses_no_line_and_doubles_none() {
    let mut app = TestApp::scenario(DEMO).await;
    let api = app.container("personal-assistant", "api");
    let db = app.container("personal-assistant", "db");
    app.look_at_logs([api.clone(), db.clone()]).await;
    app.seconds(30).await;
    app.act(Verb::Restart, service("personal-assistant", "api")).await;
    app.seconds(30).await;
    app.act(Verb::Restart, service("personal-assistant", "api")).await;
    app.seconds(60).await;
    assert_complete(&app, &api).await;
    assert_complete(&app, &db).await;
    let texts = app.log_texts();
    assert_eq!(texts.iter().filter(|text| text.starts_with("started again")).count(), 2);
    assert!(texts.iter().filter(|text| text.contains("Application startup complete")).count() >= 2);
}

#[tokio::test(start_paused = true)]
async fn a_crash_loop_leaves_all_its_last_words() {
    let mut app = TestApp::scenario(DEMO).await;
    let sync = app.container("simple-sync", "simple-sync");
    app.look_at_logs([sync.clone()]).await;
    app.seconds(200).await;
    assert_complete(&app, &sync).await;
    let panics = app.log_texts().iter().filter(|text| text.starts_with("panic: database")).count();
    assert_eq!(panics, 6);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_container_shows_its_past_and_ends() {
    let mut app = TestApp::scenario(TROUBLE).await;
    let failed = app.container("trouble", "failed");
    app.look_at_logs([failed.clone()]).await;
    assert_eq!(app.state().logs.status(&(&failed).into()), Some(&LogStatus::Ended));
    assert_eq!(app.log_texts().len(), 200);
    assert!(app.log_texts().last().unwrap().starts_with("fatal: cannot read"));
    assert!(app.state().logs.lines().back().unwrap().at < app.now() - SignedDuration::from_mins(4));
    let silent = app.container("trouble", "paused");
    app.look_at_logs([silent.clone()]).await;
    app.seconds(1).await;
    assert_eq!(
        app.state().logs.status(&(&silent).into()),
        Some(&LogStatus::Following),
        "it has just said nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_looks_and_nothing_is_read() {
    let mut app = TestApp::scenario(DEMO).await;
    app.seconds(30).await;
    assert!(app.state().logs.lines().is_empty());
}
