//! What becomes of the picture when the engine misbehaves: it stays, the loss is told, and a fresh
//! list follows. No Docker needed; the clock is paused, so waiting costs nothing.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use stackdash::command::Command;
use stackdash::event::Event;
use stackdash::model::containers::{ContainerId, RunState};
use stackdash::model::logs::LogStream;
use stackdash::ports::{Clock, Engine, EngineError, LogRequest};
use stackdash::state::connection::Link;
use stackdash::state::{Revisions, State};
use stackdash::supervisor::Supervisor;

use crate::engine_fake::{ENGINE_TIME, FakeEngine, Fault, engine_at, event, ports, recorded};
use crate::proxy::Proxy;

/// Longest that anything here may take, on the paused clock.
const PATIENCE: Duration = Duration::from_mins(5);

fn supervise(url: String) -> Supervisor {
    let clock = Clock::simulated(ENGINE_TIME.parse().unwrap());
    Supervisor::start(ports(url, clock), false)
}

/// Runs the engine room until its state is as wanted.
async fn until(supervisor: &mut Supervisor, what: &str, wanted: impl Fn(&State) -> bool) {
    let run = async {
        while !wanted(supervisor.state()) {
            supervisor.next().await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, run).await.is_ok();
    assert!(came, "never: {what}; link: {:?}", supervisor.state().connection.link);
}

fn is_lost(state: &State) -> bool {
    matches!(state.connection.link, Link::Lost { .. })
}

fn error_of(state: &State) -> String {
    match &state.connection.link {
        Link::Lost { error, .. } | Link::Refused { error, .. } => error.to_string(),
        link => panic!("no error: {link:?}"),
    }
}

fn runs(state: &State, name: &str) -> Option<RunState> {
    let entry = state.containers.iter().find(|entry| &*entry.container.name == name);
    entry.map(|entry| entry.container.run)
}

fn with_state(name: &str, state: &Value) -> Value {
    let mut inspection = recorded(name);
    for (key, value) in state.as_object().unwrap() {
        inspection["State"][key] = value.clone();
    }
    inspection
}

/// A supervisor that shows a running and a healthy container.
async fn settled() -> (FakeEngine, Supervisor) {
    let fake = FakeEngine::start(vec![recorded("running"), recorded("healthy")]);
    let mut supervisor = supervise(fake.url());
    until(&mut supervisor, "the first list", |state| state.containers.len() == 2).await;
    listening(&fake, &mut supervisor).await;
    (fake, supervisor)
}

/// Waits until the event stream is open.
async fn listening(fake: &FakeEngine, supervisor: &mut Supervisor) {
    let run = async {
        while fake.asked("/events") == 0 || !supervisor.state().connection.is_up() {
            let _ = tokio::time::timeout(Duration::from_millis(20), supervisor.next()).await;
        }
        // The answer's head is on its way.
        for _ in 0..5 {
            let _ = tokio::time::timeout(Duration::from_millis(20), supervisor.next()).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, run).await.is_ok(), "nobody listens to events");
}

#[tokio::test(start_paused = true)]
async fn events_change_the_picture() {
    let (fake, mut supervisor) = settled().await;
    let dead = with_state("running", &json!({"Status": "exited", "ExitCode": 3, "Running": false}));
    fake.set_containers(vec![dead.clone(), recorded("healthy")]);
    fake.say(&event(&dead, "die", 5, json!({"exitCode": "3"})));
    until(&mut supervisor, "exited", |state| runs(state, "demo-running") == Some(RunState::Exited)).await;
    fake.say(&event(&dead, "destroy", 6, json!({})));
    until(&mut supervisor, "removed", |state| state.containers.len() == 1).await;
    assert_eq!(fake.asked("/containers/json"), 1, "events alone drive the picture");
}

#[tokio::test(start_paused = true)]
async fn a_cut_keeps_the_picture_and_the_return_brings_a_fresh_list() {
    let fake = FakeEngine::start(vec![recorded("running"), recorded("healthy")]);
    let proxy = Proxy::open(fake.path());
    let mut supervisor = supervise(proxy.url());
    until(&mut supervisor, "the first list", |state| state.containers.len() == 2).await;
    listening(&fake, &mut supervisor).await;
    proxy.cut();
    until(&mut supervisor, "the loss", is_lost).await;
    until(&mut supervisor, "the reason", |state| error_of(state).contains("no such socket")).await;
    assert_eq!(supervisor.state().containers.len(), 2);
    assert!(supervisor.state().connection.is_stale());
    // Something happens meanwhile that no event tells.
    fake.set_containers(vec![recorded("healthy"), recorded("paused"), recorded("exited-1")]);
    proxy.restore();
    until(&mut supervisor, "the return", |state| {
        state.connection.is_up() && state.containers.len() == 3 && runs(state, "demo-running").is_none()
    })
    .await;
    let told: Vec<&str> =
        supervisor.state().timeline.entries().iter().map(|entry| entry.text.as_str()).collect();
    assert!(told.len() >= 2, "loss and return are in the timeline: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_stream_that_ends_is_opened_again() {
    let (fake, mut supervisor) = settled().await;
    fake.end_events();
    until(&mut supervisor, "the loss", is_lost).await;
    until(&mut supervisor, "the return", |state| state.connection.is_up()).await;
    assert_eq!(fake.asked("/containers/json"), 2);
    assert_eq!(supervisor.state().containers.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_broken_event_ends_the_stream_and_lists_again() {
    let (fake, mut supervisor) = settled().await;
    fake.say_bytes(b"{\"Type\":\"container\",,,\n");
    until(&mut supervisor, "the loss", is_lost).await;
    assert!(error_of(supervisor.state()).contains("no JSON"), "{}", error_of(supervisor.state()));
    until(&mut supervisor, "the return", |state| state.connection.is_up()).await;
    assert_eq!(supervisor.state().containers.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn foreign_events_and_half_chunks_do_no_harm() {
    let (fake, mut supervisor) = settled().await;
    fake.say(&json!({"Type": "pod", "Action": "start", "Actor": {"ID": "abc"}, "time": 1}));
    fake.say(&json!({"Type": "container", "Action": "levitate", "Actor": {"ID": "abc"}, "time": 1}));
    fake.say(&json!("a bare word"));
    let paused = with_state("running", &json!({"Status": "paused"}));
    fake.set_containers(vec![paused.clone(), recorded("healthy")]);
    // One event in three chunks, its newline alone in the last.
    let line = event(&paused, "pause", 5, json!({})).to_string();
    let (first, second) = line.split_at(line.len() / 2);
    for part in [first, second, "\r\n"] {
        fake.say_bytes(part.as_bytes());
    }
    until(&mut supervisor, "paused", |state| runs(state, "demo-running") == Some(RunState::Paused)).await;
    assert!(supervisor.state().connection.is_up());
    assert_eq!(fake.asked("/containers/json"), 1);
}

#[tokio::test(start_paused = true)]
async fn lists_that_are_broken_leave_the_old_picture() {
    let faults = [
        ("/containers/json", Fault::Truncated, "cannot list the containers"),
        ("/containers/json", Fault::Body(String::from("[{\"Id\": \"abc\", ")), "no JSON"),
        ("/containers/json", Fault::Body(String::from("{}")), "no list"),
        ("/containers/json", Fault::HangUp, "cannot list the containers"),
        ("/containers/json", Fault::Status(500, "disk on fire"), "disk on fire"),
        ("/containers/json", Fault::Slow(Duration::from_mins(1)), "no answer within 30 s"),
        ("/info", Fault::Slow(Duration::from_mins(1)), "no answer within 10 s"),
        ("/version", Fault::Body(String::from("<html>")), "no JSON"),
    ];
    for (path, fault, words) in faults {
        let (fake, mut supervisor) = settled().await;
        fake.break_path(path, fault.clone());
        fake.end_events();
        until(&mut supervisor, "the reason", |state| is_lost(state) && error_of(state).contains(words)).await;
        assert_eq!(supervisor.state().containers.len(), 2, "{path} {fault:?}");
        fake.heal();
        until(&mut supervisor, "the return", |state| state.connection.is_up()).await;
        assert_eq!(supervisor.state().containers.len(), 2, "{path} {fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_never_answered_is_refused_and_asked_again() {
    let fake = FakeEngine::start(vec![recorded("running")]);
    fake.break_path("/version", Fault::Status(503, "starting up"));
    let mut supervisor = supervise(fake.url());
    until(&mut supervisor, "the refusal", |state| matches!(state.connection.link, Link::Refused { .. }))
        .await;
    assert!(error_of(supervisor.state()).contains("starting up"));
    fake.heal();
    until(&mut supervisor, "the list", |state| state.containers.len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn words_nobody_knows_cost_nothing_but_themselves() {
    let fake = FakeEngine::start(vec![
        with_state("running", &json!({"Status": "molten"})),
        with_state("created", &json!({"Status": "initialized"})),
        with_state("paused", &json!({"Status": "configured"})),
        recorded("healthy"),
    ]);
    let mut supervisor = supervise(fake.url());
    until(&mut supervisor, "the list", |state| state.containers.len() == 4).await;
    let state = supervisor.state();
    assert_eq!(runs(state, "demo-running"), Some(RunState::Unknown));
    assert_eq!(runs(state, "demo-created"), Some(RunState::Created));
    assert_eq!(runs(state, "demo-paused"), Some(RunState::Created));
    assert_eq!(runs(state, "demo-healthy"), Some(RunState::Running));
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_inspected_stays_in_the_list_and_one_that_went_leaves_it() {
    let (broken, stuck, gone) = (recorded("exited-1"), recorded("dead"), recorded("paused"));
    let fake = FakeEngine::start(vec![recorded("running"), broken.clone(), stuck.clone(), gone.clone()]);
    let path = |inspection: &Value| format!("/containers/{}/json", inspection["Id"].as_str().unwrap());
    fake.break_path(&path(&broken), Fault::Status(500, "RWLayer is unexpectedly nil"));
    fake.break_path(&path(&stuck), Fault::Slow(Duration::from_mins(1)));
    fake.break_path(&path(&gone), Fault::Status(404, "No such container"));
    let mut supervisor = supervise(fake.url());
    until(&mut supervisor, "the list", |state| !state.containers.is_empty()).await;
    assert_eq!(runs(supervisor.state(), "demo-exited-1"), Some(RunState::Exited));
    assert_eq!(runs(supervisor.state(), "demo-dead"), Some(RunState::Dead));
    assert_eq!(runs(supervisor.state(), "demo-paused"), None);
    assert_eq!(supervisor.state().containers.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failed_inspection_takes_nothing_away() {
    let (fake, mut supervisor) = settled().await;
    let inspection = recorded("running");
    let id = inspection["Id"].as_str().unwrap();
    let path = format!("/containers/{id}/json");
    for fault in [Fault::Truncated, Fault::Body(String::from("{")), Fault::Status(500, "oops")] {
        fake.break_path(&path, fault);
        supervisor.submit(Command::Inspect(ContainerId::new(id)));
        let until = tokio::time::Instant::now() + Duration::from_mins(1);
        while tokio::time::Instant::now() < until {
            supervisor.next().await;
        }
        assert_eq!(supervisor.state().containers.len(), 2);
        // And the next one is not held up by it.
        fake.heal();
        let before = fake.asked(&path);
        supervisor.submit(Command::Inspect(ContainerId::new(id)));
        while fake.asked(&path) == before {
            supervisor.next().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_breaks_off_gives_its_lines_and_then_the_reason() {
    let fake = FakeEngine::start(vec![recorded("running")]);
    let engine = engine_at(fake.url());
    engine.connect().await.unwrap();
    let id = ContainerId::new(recorded("running")["Id"].as_str().unwrap());
    let request = LogRequest { tail: 10, since: None, until: None, follow: false, tty: false };
    let text = "2026-11-20T19:00:00.5Z hello\n";
    let mut bytes = vec![2, 0, 0, 0, 0, 0, 0, text.len() as u8];
    bytes.extend_from_slice(text.as_bytes());
    fake.set_log(bytes);
    let batches: Vec<_> = engine.logs(&id, request.clone()).collect().await;
    let lines = batches[0].as_ref().unwrap();
    assert_eq!((lines[0].stream, lines[0].text.text()), (LogStream::Stderr, "hello"));
    assert_eq!(batches.len(), 1);

    let words = "configured logging driver does not support reading";
    fake.break_path(&format!("/containers/{id}/logs"), Fault::Status(501, words));
    let batches: Vec<_> = engine.logs(&id, request).collect().await;
    let error = batches[0].as_ref().unwrap_err().to_string();
    assert!(error.contains("\"json-file\" keeps nothing to read"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn refusals_keep_the_engines_words() {
    let fake = FakeEngine::start(vec![recorded("running")]);
    let engine = engine_at(fake.url());
    engine.connect().await.unwrap();
    let id = ContainerId::new(recorded("running")["Id"].as_str().unwrap());
    let stop = format!("/containers/{id}/stop");
    assert_eq!(engine.stop(&id).await, Ok(()));
    fake.break_path(&stop, Fault::Status(409, "container is\u{1b}[31m paused"));
    assert!(
        matches!(engine.stop(&id).await, Err(EngineError::Conflict(text)) if text.starts_with("cannot stop: container is"))
    );
    fake.break_path(&stop, Fault::Slow(Duration::from_secs(1000)));
    assert!(matches!(engine.stop(&id).await, Err(EngineError::TimedOut(_))));
    let unknown = ContainerId::new("c0ffee");
    let gone = EngineError::NotFound(String::from("cannot start: No such container: c0ffee"));
    assert_eq!(engine.start(&unknown).await, Err(gone));
}

#[tokio::test(start_paused = true)]
async fn the_first_list_is_shown_before_its_containers_are_inspected_and_believed_by_nobody() {
    let fake = FakeEngine::start(vec![
        recorded("running"),
        recorded("healthy"),
        recorded("unhealthy"),
        recorded("exited-137"),
    ]);
    let path = |name: &str| format!("/containers/{}/json", recorded(name)["Id"].as_str().unwrap());
    fake.break_path(&path("running"), Fault::Slow(Duration::from_secs(8)));
    // Who answers takes longer still to say.
    fake.break_path("/info", Fault::Slow(Duration::from_secs(5)));
    let mut supervisor = supervise(fake.url());
    // What any event does to a state that has just begun.
    let mut fresh = State::new(supervisor.now(), String::new(), false);
    fresh.apply(supervisor.now(), Event::Tick);
    until(&mut supervisor, "the sketch", |state| state.sketch().is_some()).await;

    let state = supervisor.state();
    let sketch = state.sketch().unwrap();
    let states: Vec<_> = ["demo-running", "demo-healthy", "demo-unhealthy", "demo-exited-137"]
        .map(|name| {
            let mut entries = sketch.containers.iter();
            entries.find(|entry| &*entry.container.name == name).map(|entry| entry.verdict.state.word())
        })
        .into_iter()
        .collect();
    assert_eq!(states, [Some("running"), Some("healthy"), Some("unhealthy"), Some("failed")]);
    // The two that the list leaves in doubt were inspected, the others were not.
    assert_eq!([path("unhealthy"), path("exited-137")].map(|path| fake.asked(&path)), [1, 1]);
    assert!(sketch.containers.iter().any(|entry| entry.container.started_at.is_none()));

    // Nobody acts on it.
    assert!(state.containers.is_empty() && state.attention.problems().is_empty());
    assert!(state.timeline.entries().is_empty() && state.notify.count() == 0);
    assert!(state.connection.listed_at.is_none() && state.connection.link == Link::Connecting);
    let connection = state.revisions().connection;
    assert_eq!(state.revisions(), Revisions { connection, ..fresh.revisions() });

    until(&mut supervisor, "the whole", |state| state.connection.listed_at.is_some()).await;
    let state = supervisor.state();
    assert!(state.sketch().is_none() && state.containers.len() == 4 && state.connection.is_up());
    assert!(!state.attention.problems().is_empty());
    assert_eq!(fake.asked(&path("healthy")), 1);
    assert_eq!(fake.asked("/containers/json"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sketch_goes_when_the_engine_goes() {
    let fake = FakeEngine::start(vec![recorded("running")]);
    fake.break_path("/info", Fault::Slow(Duration::from_mins(1)));
    let mut supervisor = supervise(fake.url());
    until(&mut supervisor, "the sketch", |state| state.sketch().is_some()).await;
    until(&mut supervisor, "the refusal", |state| matches!(state.connection.link, Link::Refused { .. }))
        .await;
    assert!(supervisor.state().sketch().is_none());
}
