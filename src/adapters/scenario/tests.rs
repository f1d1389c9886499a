//! The engine of a scenario by itself, without a supervisor.

use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::time::Instant;

use super::*;
use crate::event::EngineEventKind;
use crate::model::containers::{ContainerId, RunState};
use crate::model::health::Health;
use crate::ports::{EngineError, LogRequest};

fn clock() -> Clock {
    Clock::simulated("2026-03-02T09:00:00Z".parse().unwrap())
}

fn stage(text: &str) -> (Ports, ScenarioHandle) {
    open(text, clock()).unwrap()
}

async fn id_of(ports: &Ports, name: &str) -> ContainerId {
    let list = ports.engine.list().await.unwrap();
    list.iter().find(|container| &*container.name == name).map(|container| container.id.clone()).unwrap()
}

fn error_of(text: &str) -> String {
    let error = Script::parse(text).unwrap_err();
    format!("{error:#}")
}

#[test]
fn every_scenario_of_the_house_can_be_read() {
    for text in [DEMO, CALM, TROUBLE, LOST, REFUSED, &crowd(2, 3)] {
        Script::parse(text).unwrap();
    }
}

#[test]
fn errors_name_the_line_and_what_is_wrong_there() {
    let unknown =
        error_of("[[stack]]\nname = \"a\"\n[[stack.service]]\nname = \"b\"\nimage = \"c\"\ncolour = 1\n");
    assert!(unknown.contains("line 6") && unknown.contains("colour"), "{unknown}");
    let span = error_of("[[happening]]\nat = \"soon\"\nwhat = \"recover\"\n");
    assert!(span.contains("line 2") && span.contains("is no duration"), "{span}");
    let who = error_of("[[happening]]\nat = \"1s\"\nwhat = \"recover\"\nwho = \"a/b\"\n");
    assert!(who.contains("line 4") && who.contains("there is no a/b"), "{who}");
    let service = "[[stack]]\nname = \"a\"\n[[stack.service]]\nname = \"b\"\nimage = \"c\"\n";
    let dep = error_of(&format!("{service}depends_on = {{ db = \"healthy\" }}\n"));
    assert!(dep.contains("line 6") && dep.contains("no service db"), "{dep}");
    let style = error_of(&format!("{service}log = \"pretty\"\n"));
    assert!(style.contains("line 6") && style.contains("[logs.pretty]"), "{style}");
    let text =
        error_of("[logs.a]\nlines = [\n  { text = 'ok {\"json\": {n}}' },\n  { text = '{unheard}' },\n]\n");
    assert!(text.contains("line 4") && text.contains("{unheard}"), "{text}");
}

const CHAIN: &str = r#"
[[stack]]
name = "chain"
[[stack.service]]
name = "db"
image = "db"
health = { test = "true", interval = "5s" }
begins = { since = "1s" }
[[stack.service]]
name = "migrations"
image = "app"
depends_on = { db = "healthy" }
runs_for = "3s"
begins = { state = "created", since = "1s" }
[[stack.service]]
name = "api"
image = "app"
depends_on = { db = "healthy", migrations = "completed" }
begins = { state = "created", since = "1s" }
"#;

#[tokio::test(start_paused = true)]
async fn what_waits_is_started_when_its_conditions_are_met() {
    let (ports, _handle) = stage(CHAIN);
    let begin = ports.clock.now();
    let mut events = ports.engine.events(Some(begin));
    let mut told = Vec::new();
    while told.len() < 4 {
        let event = events.next().await.unwrap().unwrap();
        told.push((event.at.duration_since(begin).as_secs(), event.service.unwrap().to_string(), event.kind));
    }
    assert_eq!(
        told,
        [
            (4, String::from("db"), EngineEventKind::Health(Health::Healthy)),
            (4, String::from("migrations"), EngineEventKind::Started),
            (7, String::from("migrations"), EngineEventKind::Died { exit_code: 0 }),
            (7, String::from("api"), EngineEventKind::Started),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_not_listened_to_takes_its_whole_timeout() {
    let (ports, _handle) = stage(DEMO);
    let questdb = id_of(&ports, "energy-dashboard-questdb-1").await;
    let begin = Instant::now();
    ports.engine.stop(&questdb).await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 10);
    let container = ports.engine.inspect(&questdb).await.unwrap();
    assert_eq!((container.run, container.exit_code), (RunState::Exited, Some(137)));
    let gateway = id_of(&ports, "uteclocal-gateway").await;
    let begin = Instant::now();
    ports.engine.stop(&gateway).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1));
    // Once more is no error, and nothing happens.
    ports.engine.stop(&gateway).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_goes_on_when_nobody_waits_for_it() {
    let (ports, _handle) = stage(DEMO);
    let questdb = id_of(&ports, "energy-dashboard-questdb-1").await;
    let waited = tokio::time::timeout(Duration::from_secs(1), ports.engine.stop(&questdb)).await;
    assert!(waited.is_err());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(ports.engine.inspect(&questdb).await.unwrap().run, RunState::Exited);
}

#[tokio::test(start_paused = true)]
async fn out_of_memory_is_told_and_kept() {
    let (ports, handle) = stage(TROUBLE);
    let mut events = ports.engine.events(Some(ports.clock.now()));
    assert_eq!(handle.happen("trouble/running", &What::OutOfMemory), 1);
    assert_eq!(events.next().await.unwrap().unwrap().kind, EngineEventKind::OutOfMemory);
    assert_eq!(events.next().await.unwrap().unwrap().kind, EngineEventKind::Died { exit_code: 137 });
    let container = ports.engine.inspect(&id_of(&ports, "trouble-running-1").await).await.unwrap();
    assert!(container.oom_killed);
}

#[tokio::test(start_paused = true)]
async fn a_cut_connection_ends_streams_and_fails_calls() {
    let (ports, handle) = stage(CALM);
    let web = id_of(&ports, "blog-web-1").await;
    let mut events = ports.engine.events(None);
    let request = LogRequest { tail: 0, since: None, until: None, follow: true, tty: false };
    let mut logs = ports.engine.logs(&web, request);
    handle.cut();
    assert!(matches!(events.next().await, Some(Err(EngineError::Unreachable(_)))));
    assert!(events.next().await.is_none());
    assert!(matches!(logs.next().await, Some(Err(EngineError::Unreachable(_)))));
    assert!(matches!(ports.engine.list().await, Err(EngineError::Unreachable(_))));
    assert!(matches!(ports.engine.ping().await, Err(EngineError::Unreachable(_))));
    handle.restore();
    assert!(ports.engine.list().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_log_told_twice_is_the_same_log() {
    let (ports, _handle) = stage(DEMO);
    let agent = id_of(&ports, "personal-assistant-agent-1").await;
    let read = |since: Option<Timestamp>, tail| {
        let request = LogRequest { tail, since, until: None, follow: false, tty: false };
        let batches = ports.engine.logs(&agent, request);
        async move { batches.map(Result::unwrap).concat().await }
    };
    let first = read(None, 200).await;
    assert_eq!(first.len(), 200);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(read(Some(Timestamp::MIN), u32::MAX).await.len() > 5000, "five hours of it");
    let since = first[0].at;
    let again = read(Some(since), 5000).await;
    assert_eq!(again[..first.len()], first[..]);
    assert!(first.iter().any(|line| !line.text.runs().is_empty()), "some are colored");
    assert!(first.iter().any(|line| line.text.text().contains("Traceback")), "it is in trouble");
}

/// Every wake-up of an idle program costs a little; there are hardly any here.
#[tokio::test(start_paused = true)]
async fn an_idle_world_hardly_ever_wakes_up() {
    let (ports, handle) = stage(DEMO);
    let begin = ports.clock.now();
    let mut events = ports.engine.events(Some(begin));
    let end = begin + Duration::from_mins(1);
    let mut due = 0;
    while let Some(at) = handle.player.with(|world, _| world.next_due()).filter(|at| *at < end) {
        due += 1;
        let wait = ports.clock.until(at) + Duration::from_millis(1);
        let _ = tokio::time::timeout(wait, events.next()).await;
    }
    assert!((3..20).contains(&due), "{due} things happened in a minute");
}

#[tokio::test(start_paused = true)]
async fn the_host_bears_its_containers() {
    let (ports, _handle) = stage(DEMO);
    let host = ports.host.sample().await;
    assert_eq!(host.cores.len(), 8);
    assert!(host.memory_used > 3_000_000_000 && host.memory_used < host.memory_total);
    let disk = ports.engine.disk_usage().await.unwrap();
    assert!(disk.images.bytes > 3_000_000_000);
    let agent = id_of(&ports, "personal-assistant-agent-1").await;
    let container = ports.engine.inspect(&agent).await.unwrap();
    assert_eq!(ports.engine.image_bytes(&container.image_id).await, Ok(338_000_000));
    let table = ports.engine.processes(&agent).await.unwrap();
    assert!(table.rows.iter().all(|row| row.len() == table.titles.len()));
    let stopped = id_of(&ports, "personal-assistant-migrations-1").await;
    assert!(matches!(ports.engine.processes(&stopped).await, Err(EngineError::Conflict(_))));
}
