use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::startup::{Outcome, startup};
use super::*;
use crate::event::Event;
use crate::model::containers::fixture::running;
use crate::model::containers::{
    ComposeLabels, Container, ContainerId, Dependency, DependsCondition, RunState,
};
use crate::model::health::{Health, HealthCheck, HealthSettings};
use crate::model::jobs::{ComposeVerb, Job, JobId, Verb};
use crate::model::stacks::Target;

fn state_of(containers: Vec<Container>) -> State {
    let mut state = State::new(ago(0), String::from("test"), false);
    state.apply(now(), Event::ContainersListed(containers));
    state
}

fn now() -> Timestamp {
    "2026-11-20T17:30:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

/// A running container that was made so many seconds ago and started so many seconds ago.
fn made(service: &str, created: i64, started: i64) -> Container {
    let name = format!("shop-{service}-1");
    Container {
        id: ContainerId::new(format!("{name:0<64}")),
        name: name.into(),
        image: "shop/image:1".into(),
        image_id: String::from("sha256:00"),
        compose: Some(ComposeLabels {
            project: "shop".into(),
            service: service.into(),
            number: 1,
            ..ComposeLabels::default()
        }),
        restart_policy: String::from("unless-stopped"),
        created_at: Some(ago(created)),
        started_at: Some(ago(started)),
        network_mode: String::from("shop_default"),
        command: String::from("serve"),
        ..running()
    }
}

fn exited(container: Container, code: i64, since: i64) -> Container {
    Container { run: RunState::Exited, exit_code: Some(code), finished_at: Some(ago(since)), ..container }
}

/// Healthy for so long that the engine has dropped the first results.
fn healthy(container: Container) -> Container {
    let check = |n: i64| HealthCheck {
        at: Some(ago(n * 10 + 4)),
        exit_code: 0,
        duration_ms: 31,
        output: String::from("ok"),
    };
    Container {
        health: Health::Healthy,
        health_settings: Some(HealthSettings {
            test: String::from("true"),
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(3),
            start_period: Duration::ZERO,
            retries: 3,
        }),
        health_log: (0..5).rev().map(check).collect(),
        ..container
    }
}

fn needs(mut container: Container, service: &str, condition: DependsCondition) -> Container {
    let compose = container.compose.get_or_insert_default();
    compose.depends_on.push(Dependency { service: service.into(), condition, required: true });
    container
}

fn waiting(service: &str, created: i64) -> Container {
    Container { run: RunState::Created, started_at: None, ..made(service, created, created) }
}

/// Healthy since so many seconds after its start, as its first check says.
fn ready(container: Container, after: i64) -> Container {
    let mut container = healthy(container);
    let at = container.started_at.map(|start| start + SignedDuration::from_secs(after));
    container.health_log.truncate(1);
    container.health_log[0].at = at;
    container.health_log[0].duration_ms = 0;
    container
}

fn completed_by(container: Container, service: &str) -> Container {
    needs(container, service, DependsCondition::CompletedSuccessfully)
}

fn up(state: &mut State, since: i64) {
    let job = Job {
        id: JobId(7),
        verb: Verb::Compose(ComposeVerb::Up),
        target: Target::Stack("shop".into()),
        started_at: ago(since),
        stop_timeout: None,
        done: 0,
        total: 0,
        command: String::from("docker compose up"),
        gist: String::new(),
        order: None,
        phase: None,
        run: None,
        watch: None,
    };
    state.apply(now(), Event::JobStarted(Box::new(job)));
}

fn shop(state: &State) -> &Stack {
    state.containers.stack("shop").unwrap()
}

#[test]
fn what_failed_holds_up_everything_behind_it() {
    let web = needs(waiting("web", 50), "api", DependsCondition::Healthy);
    let proxy = needs(waiting("proxy", 50), "web", DependsCondition::Started);
    let api = completed_by(waiting("api", 50), "migrations");
    let bystander = needs(made("mailer", 50, 49), "db", DependsCondition::Healthy);
    let migrations = exited(made("migrations", 50, 40), 1, 38);
    let db = ready(made("db", 50, 50), 9);
    let state = state_of(vec![db, migrations, api, web, proxy, bystander]);
    let waits = waits(shop(&state), &state);
    let names: Vec<&str> = waits.iter().map(|wait| &*wait.service).collect();
    assert_eq!(names, ["api", "web", "proxy"]);
    let found = holdups(shop(&state), &waits);
    assert_eq!(found.len(), 1);
    assert_eq!((&*found[0].service, found[0].state), ("migrations", ServiceState::Failed));
    assert_eq!(found[0].holds, ["api".into(), "proxy".into(), "web".into()]);
}

#[test]
fn what_rests_waits_only_while_the_stack_is_started() {
    let api = needs(exited(made("api", 90, 80), 143, 30), "db", DependsCondition::Healthy);
    let mut state = state_of(vec![exited(made("db", 90, 80), 143, 30), api]);
    assert!(waits(shop(&state), &state).is_empty());
    up(&mut state, 2);
    assert_eq!(waits(shop(&state), &state)[0].missing[0].service, "db".into());
}

#[test]
fn a_circle_of_waits_ends() {
    let one = needs(waiting("one", 9), "two", DependsCondition::Started);
    let two = needs(waiting("two", 9), "one", DependsCondition::Started);
    let state = state_of(vec![one, two]);
    let waits = waits(shop(&state), &state);
    assert_eq!(held_by("one", &waits), ["one".into(), "two".into()]);
    assert!(holdups(shop(&state), &waits).is_empty());
}

#[test]
fn a_start_is_read_from_the_containers_alone() {
    let db = ready(made("db", 600, 600), 6);
    let mut migrations = exited(needs(made("migrations", 600, 594), "db", DependsCondition::Healthy), 0, 592);
    migrations.restart_policy = String::from("no");
    let api = ready(completed_by(made("api", 600, 592), "migrations"), 10);
    let late = made("mailer", 100, 100);
    let state = state_of(vec![late, api, migrations, db]);
    let found = startup(shop(&state), &state, now()).unwrap();
    assert!(!found.asked);
    assert_eq!(found.from, ago(600));
    let order: Vec<&str> = found.bars.iter().map(|bar| &*bar.service).collect();
    assert_eq!(order, ["db", "migrations", "api"]);
    assert_eq!(found.bar("db").unwrap().outcome, Outcome::Ready(ago(594)));
    assert_eq!(found.bar("migrations").unwrap().outcome, Outcome::Ready(ago(592)));
    assert_eq!(found.ready(), Some(ago(582)));
    assert_eq!(found.critical, ["db".into(), "migrations".into(), "api".into()]);
    assert_eq!(found.others, [("mailer".into(), ago(100))]);
}

#[test]
fn an_up_that_was_seen_begins_the_axis() {
    let old = ready(made("db", 9000, 9000), 6);
    let mut api = needs(made("api", 9000, 12), "db", DependsCondition::Healthy);
    api.health = Health::Starting;
    api.health_settings = healthy(api.clone()).health_settings;
    let mut state = state_of(vec![old, api]);
    up(&mut state, 14);
    let found = startup(shop(&state), &state, now()).unwrap();
    assert!(found.asked);
    assert_eq!((found.from, found.until), (ago(14), now()));
    assert_eq!(found.bars.len(), 1, "the database ran before");
    assert_eq!(found.bars[0].created, None, "made on another occasion");
    assert_eq!(found.bars[0].outcome, Outcome::Starting);
    assert_eq!((found.ready(), found.is_over()), (None, false));
    assert_eq!(found.others, [("db".into(), ago(9000))]);
}

#[test]
fn what_waits_for_hours_does_not_stretch_the_axis() {
    let migrations = exited(made("migrations", 7200, 7199), 1, 7190);
    let state = state_of(vec![migrations, completed_by(waiting("api", 7200), "migrations")]);
    let found = startup(shop(&state), &state, now()).unwrap();
    assert_eq!(found.bar("api").unwrap().outcome, Outcome::Waiting);
    assert_eq!(found.until, ago(7185));
}

#[test]
fn nothing_started_is_no_start() {
    let state = state_of(vec![exited(made("db", 90, 80), 143, 30)]);
    assert_eq!(startup(shop(&state), &state, now()), None);
}

#[test]
fn what_is_started_again_gets_ready_anew() {
    use crate::event::{EngineEvent, EngineEventKind};
    let first = ready(made("db", 101, 100), 10);
    let mut state = state_of(vec![first.clone()]);
    let well = |at| {
        let kind = EngineEventKind::Health(Health::Healthy);
        let (container, name) = (first.id.clone(), first.name.clone());
        let event =
            EngineEvent { at, container, kind, name, stack: Some("shop".into()), service: Some("db".into()) };
        Event::EngineSaid { event, replayed: false }
    };
    state.apply(ago(90), well(ago(90)));
    let again = Container { started_at: Some(ago(50)), ..healthy(first.clone()) };
    let starting = Container { health: Health::Starting, ..again.clone() };
    state.apply(ago(50), Event::ContainerInspected(Box::new(starting)));
    state.apply(ago(43), well(ago(43)));
    state.apply(ago(43), Event::ContainerInspected(Box::new(again)));
    let found = startup(shop(&state), &state, now()).unwrap();
    assert_eq!(found.bars[0].outcome, Outcome::Ready(ago(43)), "not unseen, and not the first time");
}

#[test]
fn what_fails_or_is_started_again_later_is_no_part_of_the_start() {
    let db = ready(made("db", 100, 99), 9);
    let api = ready(needs(made("api", 100, 89), "db", DependsCondition::Healthy), 5);
    let mut state = state_of(vec![db.clone(), api]);
    up(&mut state, 102);
    let whole = startup(shop(&state), &state, now()).unwrap().ready();
    assert_eq!(whole, Some(ago(84)));
    let killed = exited(Container { health: Health::Unhealthy, ..db.clone() }, 137, 60);
    state.apply(now(), Event::ContainerInspected(Box::new(killed)));
    let found = startup(shop(&state), &state, now()).unwrap();
    assert_eq!((found.bar("db").unwrap().outcome, found.ready()), (Outcome::Ready(ago(90)), whole));
    assert_eq!(found.bar("db").unwrap().state, ServiceState::Failed);
    let again = Container { started_at: Some(ago(40)), health: Health::Starting, ..db };
    state.apply(now(), Event::ContainerInspected(Box::new(again)));
    let found = startup(shop(&state), &state, now()).unwrap();
    assert_eq!((found.bar("db"), found.ready()), (None, whole));
    assert_eq!(found.others, [("db".into(), ago(40))]);
}
