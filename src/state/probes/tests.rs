//! Probes under a clock that the test moves; the whole state is there, since who runs decides.

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::event::{EngineInfo, Event};
use crate::model::containers::{Container, Network};
use crate::model::health::Health;
use crate::model::probes::{FaultKind, ProbeFault, Stale, Told};
use crate::model::stack_file::StackFile;
use crate::model::timeline::EntryKind;
use crate::state::State;
use crate::state::verdict::tests::container;

pub const START: i64 = 1_000;

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn rule(name: &str, every: u64) -> ProbeRule {
    ProbeRule {
        name: name.to_owned(),
        service: "api".into(),
        url: format!("http://localhost:8000/health/{name}"),
        every: Duration::from_secs(every),
        timeout: Duration::from_secs(5),
        expect: Vec::new(),
        stale: None,
    }
}

fn well() -> ProbeAnswer {
    ProbeAnswer { code: Some(200), ..ProbeAnswer::default() }
}

fn ill(words: &str) -> ProbeAnswer {
    ProbeAnswer {
        code: Some(503),
        fault: Some(ProbeFault { kind: FaultKind::Code, words: format!("HTTP 503: {words}") }),
        told: Told { message: Some(words.to_owned()), ..Told::default() },
        ..ProbeAnswer::default()
    }
}

/// A service that is up, with one probe, and what that is answered.
struct Life {
    now: Timestamp,
    state: State,
    answer: ProbeAnswer,
    made: Vec<Timestamp>,
    open: Vec<ProbeRequest>,
    /// Whether answers come at once.
    prompt: bool,
}

fn api(health: Health, started: i64) -> Container {
    let mut api = container("api", RunState::Running);
    api.health = health;
    api.started_at = Some(at(started));
    api
}

impl Life {
    fn of(rules: Vec<ProbeRule>, container: Container) -> Self {
        Self::answering(well(), rules, container)
    }

    fn answering(answer: ProbeAnswer, rules: Vec<ProbeRule>, container: Container) -> Self {
        let mut state = State::new(at(START), String::new(), false);
        state.apply(at(START), Event::EngineConnected(EngineInfo::default()));
        state.apply(at(START), Event::ContainersListed(vec![container]));
        let mut life = Self { now: at(START), state, answer, made: vec![], open: vec![], prompt: true };
        let file = StackFile { probes: rules, ..StackFile::default() };
        life.apply(Event::StackFileRead { stack: "shop".into(), folder: PathBuf::new(), result: Ok(file) });
        life
    }

    fn new(health: Health) -> Self {
        Self::of(vec![rule("ready", 10)], api(health, 0))
    }

    fn apply(&mut self, event: Event) {
        let wishes = self.state.apply(self.now, event);
        self.take(wishes);
    }

    fn take(&mut self, wishes: Vec<Command>) {
        for wish in wishes {
            let Command::Probe(request) = wish else { continue };
            self.made.push(self.now);
            if self.prompt {
                self.answered(request);
            } else {
                self.open.push(request);
            }
        }
    }

    fn answered(&mut self, request: ProbeRequest) {
        self.apply(Event::Probed { probe: request.id, answer: Box::new(self.answer.clone()) });
    }

    /// Lets time pass as the supervisor does: up to each deadline.
    fn pass(&mut self, seconds: i64) {
        let end = self.now + SignedDuration::from_secs(seconds);
        while let Some(due) = self.state.next_deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.apply(Event::Tick);
        }
        self.now = end;
    }

    fn probe(&self) -> &Probe {
        self.state.probes.iter().next().unwrap()
    }

    fn told(&self) -> Vec<&str> {
        let entries = self.state.timeline.entries().iter();
        entries.filter(|entry| entry.kind == EntryKind::Probe).map(|entry| &*entry.text).collect()
    }

    fn attention(&self) -> Vec<String> {
        let problems = self.state.attention.problems().iter();
        problems.map(|one| format!("{} {}: {}", one.name, one.word(), one.describe(self.now))).collect()
    }
}

#[test]
fn it_is_made_at_once_and_then_on_a_steady_beat() {
    let mut life = Life::new(Health::Healthy);
    assert_eq!((life.made.len(), life.probe().state), (1, ProbeState::Pass));
    life.pass(95);
    let gaps: Vec<i64> = life.made.windows(2).map(|two| two[1].duration_since(two[0]).as_secs()).collect();
    assert!((5..=15).contains(&gaps[0]) && gaps[1..].iter().all(|gap| *gap == 10), "{gaps:?}");
}

#[test]
fn one_failure_is_told_to_nobody_and_the_second_is_said_with_what_docker_says() {
    let mut life = Life::new(Health::Healthy);
    life.answer = ill("Database unavailable");
    while life.probe().state == ProbeState::Pass {
        life.pass(1);
    }
    assert!(life.told().is_empty() && life.attention().is_empty() && !life.probe().is_settled());
    life.pass(2);
    let words = "healthy by Docker, not ready by /health/ready: Database unavailable";
    assert_eq!(life.told(), [format!("probe ready fails: {words}")]);
    assert_eq!(life.attention(), [format!("shop/api probe: {words}")]);
    life.pass(60);
    assert_eq!(life.told().len(), 1, "said once");
    life.answer = well();
    life.pass(15);
    assert_eq!(life.told()[1..], ["probe ready passes again"]);
    assert!(life.attention().is_empty());
}

#[test]
fn a_single_failure_between_others_is_no_trouble() {
    let mut life = Life::new(Health::Healthy);
    for _ in 0..6 {
        life.answer = ill("busy");
        while life.probe().state == ProbeState::Pass {
            life.pass(1);
        }
        life.answer = well();
        life.pass(15);
    }
    assert!(life.told().is_empty(), "{:?}", life.told());
}

#[test]
fn what_docker_says_too_is_trouble_at_once_and_stands_there_once() {
    let mut life = Life::new(Health::Unhealthy);
    life.answer = ill("no db");
    life.pass(15);
    assert!(life.probe().is_trouble());
    assert_eq!(life.attention().len(), 1, "{:?}", life.attention());
    assert!(life.attention()[0].starts_with("shop/api unhealthy"));
    let service = life.state.containers.stack("shop").unwrap().service("api").unwrap();
    assert_eq!(contradiction(&life.state.probes, "shop", "api", service.verdict.state), None);
    life.answer = well();
    life.pass(15);
    assert!(life.told().is_empty(), "Docker's check has told it");
    let words = contradiction(&life.state.probes, "shop", "api", ServiceState::Unhealthy);
    assert_eq!(words.as_deref(), Some("unhealthy by Docker, yet /health/ready passes"));
}

#[test]
fn what_is_left_when_docker_is_content_again_is_told_then() {
    let mut life = Life::new(Health::Unhealthy);
    life.answer = ill("no db");
    life.pass(15);
    assert!(life.told().is_empty());
    life.apply(Event::ContainerInspected(Box::new(api(Health::Healthy, 0))));
    assert_eq!(life.attention().len(), 1, "{:?}", life.attention());
    life.pass(15);
    assert_eq!(life.told(), ["probe ready fails: healthy by Docker, not ready by /health/ready: no db"]);
}

#[test]
fn a_service_that_starts_may_fail_in_peace_and_is_watched_closely() {
    let mut life = Life::answering(ill("warming up"), vec![rule("ready", 30)], api(Health::None, START));
    life.pass(20);
    assert!(life.told().is_empty() && life.attention().is_empty());
    assert!(life.made.len() > 15, "once a second: {}", life.made.len());
    life.answer = well();
    life.pass(2);
    let ready = life.probe().ready_after.unwrap().as_secs();
    assert!((20..=22).contains(&ready), "{ready}");
    // But not for ever.
    let mut life = Life::answering(ill("warming up"), vec![rule("ready", 30)], api(Health::None, START));
    life.pass(100);
    assert_eq!(life.attention(), ["shop/api probe: not ready by /health/ready: warming up"]);
}

#[test]
fn without_its_service_nothing_is_asked_and_nothing_is_known() {
    let mut life = Life::new(Health::Healthy);
    let made = life.made.len();
    let mut stopped = container("api", RunState::Exited);
    stopped.exit_code = Some(0);
    life.apply(Event::ContainerInspected(Box::new(stopped)));
    life.pass(100);
    let probe = life.probe();
    assert_eq!((probe.state, probe.code(), life.made.len()), (ProbeState::Unknown, None, made));
    assert!(probe.why.as_ref().unwrap().starts_with("its service is "), "{:?}", probe.why);
    life.apply(Event::ContainerInspected(Box::new(api(Health::Healthy, 1100))));
    assert_eq!((life.probe().state, life.made.len()), (ProbeState::Pass, made + 1), "at once");
}

#[test]
fn never_two_at_once_and_an_answer_from_another_life_counts_for_nothing() {
    let mut life = Life::of(vec![rule("ready", 10)], api(Health::Healthy, 0));
    life.prompt = false;
    life.pass(60);
    assert_eq!(life.open.len(), 1);
    life.apply(Event::ContainerInspected(Box::new(api(Health::Healthy, START + 30))));
    let old = life.open.remove(0);
    life.answer = ill("from before");
    life.answered(old);
    assert_eq!((life.probe().state, life.probe().at), (ProbeState::Unknown, None));
    life.pass(1);
    assert_eq!(life.open.len(), 1, "asked anew");
}

#[test]
fn what_is_too_old_fails_by_its_age() {
    let stale = Some(Stale { field: String::from("last_activity"), after: Duration::from_mins(30) });
    let mut life = Life::of(vec![ProbeRule { stale, ..rule("agent", 10) }], api(Health::Healthy, 0));
    life.answer.told.last = Some(at(START - 1700));
    life.pass(30);
    assert_eq!(life.probe().state, ProbeState::Pass);
    life.pass(100);
    assert_eq!(life.probe().why.as_deref(), Some("last_activity is 30m old, at most 30m"));
    assert_eq!(life.attention().len(), 1);
}

#[test]
fn an_answer_that_does_not_know_is_unknown() {
    let mut life = Life::new(Health::Healthy);
    let words = String::from("says unknown: No agent logs found");
    life.answer.fault = Some(ProbeFault { kind: FaultKind::Unknown, words });
    life.pass(60);
    assert_eq!((life.probe().state, life.attention().len()), (ProbeState::Unknown, 0));
    assert!(life.probe().is_settled());
}

#[test]
fn a_containers_name_leads_to_its_own_address() {
    let mut api = api(Health::Healthy, 0);
    api.networks =
        vec![Network { name: "shop".into(), ip: "172.18.0.3".into(), aliases: vec!["backend".into()] }];
    let rules = ["api", "shop-api-1", "backend", "localhost", "other"]
        .map(|host| ProbeRule { url: format!("http://{host}:80/"), ..rule(host, 10) });
    let mut life = Life::of(rules.to_vec(), api);
    life.prompt = false;
    life.open.clear();
    life.pass(20);
    let wanted: IpAddr = "172.18.0.3".parse().unwrap();
    let containers = &life.state.containers;
    let found: Vec<Option<IpAddr>> =
        life.state.probes.iter().map(|probe| address_of(&probe.id, &probe.rule, containers)).collect();
    assert_eq!(found, [Some(wanted), Some(wanted), Some(wanted), None, None]);
}

#[test]
fn an_event_of_its_stack_lets_it_look_soon() {
    let mut life = Life::new(Health::Healthy);
    life.pass(2);
    let made = life.made.len();
    life.state.probes.container_changed(life.now, "shop");
    life.pass(1);
    assert_eq!(life.made.len(), made + 1);
    life.apply(Event::ProbesWanted);
    life.apply(Event::ProbesWanted);
    life.pass(2);
    assert_eq!(life.made.len(), made + 2, "twice in a moment is once");
    let made = life.made.len() - 1;
    life.state.probes.container_changed(life.now, "blog");
    life.pass(1);
    assert_eq!(life.made.len(), made + 1);
}

proptest! {
    /// However the clock jumps: no probe is made more than once a second, and none is forgotten.
    #[test]
    fn jumps_of_the_clock_cause_no_storm(jumps in prop::collection::vec(-100_000_i64..100_000, 1..12)) {
        let mut life = Life::new(Health::Healthy);
        for jump in jumps {
            life.now += SignedDuration::from_secs(jump);
            let before = life.made.len();
            life.apply(Event::Tick);
            prop_assert!(life.made.len() - before <= 1);
            life.pass(31);
            let made = life.made.len() - before;
            prop_assert!((1..=5).contains(&made), "{made} after a jump of {jump}");
        }
    }
}
