//! The decision as a pure function, and a service that gets ill again and again.

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::event::{EngineInfo, Event};
use crate::model::containers::Container;
use crate::model::health::Health;
use crate::model::stack_file::StackFile;
use crate::state::State;
use crate::state::verdict::tests::container;

const RULE: HealRule = HealRule { after: Duration::from_mins(1), max: 2, per: Duration::from_hours(1) };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn it_waits_then_restarts_then_gives_up_until_the_oldest_counts_no_more() {
    let decide = |now, restarts: &[i64]| {
        decide(RULE, at(1000), &restarts.iter().map(|s| at(*s)).collect::<Vec<_>>(), at(now))
    };
    assert_eq!(decide(1059, &[]), Decision::Wait(at(1060)));
    assert_eq!(decide(1060, &[]), Decision::Restart);
    assert_eq!(decide(1060, &[500]), Decision::Restart);
    assert_eq!(decide(1060, &[500, 800]), Decision::GiveUp(at(4100)));
    assert_eq!(decide(4100, &[500, 800]), Decision::Restart);
    assert_eq!(decide(1060, &[2000, 3000]), Decision::GiveUp(at(5600)), "the clock went back");
}

fn gateway(health: Health, started: i64) -> Container {
    let mut gateway = container("gateway", RunState::Running);
    gateway.health = health;
    gateway.started_at = Some(at(started));
    gateway
}

/// A state with one rule; returns the restarts that a second of it wishes for.
fn guarded(read_only: bool) -> State {
    let mut state = State::new(at(0), String::new(), read_only);
    state.apply(at(0), Event::EngineConnected(EngineInfo::default()));
    state.apply(at(0), Event::ContainersListed(vec![gateway(Health::Healthy, 0)]));
    let heal = BTreeMap::from([("gateway".into(), RULE)]);
    let file = StackFile { heal, ..StackFile::default() };
    state.apply(
        at(0),
        Event::StackFileRead { stack: "shop".into(), folder: PathBuf::new(), result: Ok(file) },
    );
    state
}

fn restarts(wishes: &[Command]) -> usize {
    wishes.iter().filter(|wish| matches!(wish, Command::Act { verb: Verb::Restart, .. })).count()
}

/// Lets the service be ill; each restart makes it well for a while. Returns when it was restarted.
fn play(state: &mut State, until: i64, well_for: i64) -> Vec<i64> {
    let (mut started, mut ill, mut done) = (0, false, Vec::new());
    for second in 1..=until {
        if !ill && second - started > well_for {
            ill = true;
            state.apply(at(second), Event::ContainerInspected(Box::new(gateway(Health::Unhealthy, started))));
        }
        let wishes = state.apply(at(second), Event::Tick);
        if restarts(&wishes) > 0 {
            done.push(second);
            (started, ill) = (second, false);
            state.apply(at(second), Event::ContainerInspected(Box::new(gateway(Health::Starting, second))));
        }
    }
    done
}

#[test]
fn it_is_restarted_as_often_as_the_rule_says_and_given_up_visibly() {
    let mut state = guarded(false);
    let done = play(&mut state, 1000, 5);
    assert_eq!(done.len(), 2, "{done:?}");
    assert!(done[0] >= 60 && done[1] >= done[0] + 60, "{done:?}");
    let told: Vec<&str> = state
        .timeline
        .entries()
        .iter()
        .filter(|entry| entry.kind == EntryKind::Heal)
        .map(|entry| &*entry.text)
        .collect();
    assert_eq!(told[0], "heal.gateway: unhealthy for 1m, restart 1 of 2 in 1h");
    assert_eq!(told[1], "heal.gateway: unhealthy for 1m, restart 2 of 2 in 1h");
    assert!(
        told[2].starts_with("heal.gateway gave up: 2 restarts in 1h did not help, next attempt in "),
        "{told:?}"
    );
    assert_eq!(told.len(), 3, "said once");
    let problem = &state.attention.problems()[0];
    assert!(problem.describe(at(1000)).starts_with("heal gave up after 2 restarts in 1h"), "{problem:?}");
    // Well again, nobody is given up any more.
    state.apply(at(1001), Event::ContainerInspected(Box::new(gateway(Health::Healthy, 135))));
    assert_eq!(state.heal.gave_up("shop", "gateway"), None);
}

#[test]
fn nothing_is_restarted_read_only_or_when_switched_off() {
    let mut state = guarded(true);
    assert!(play(&mut state, 500, 5).is_empty());
    let mut state = guarded(false);
    state.heal.switch_off();
    assert!(play(&mut state, 500, 5).is_empty());
}

#[test]
fn restarts_of_earlier_runs_count() {
    let mut state = guarded(false);
    let before = |second| TimelineEntry {
        at: at(second),
        kind: EntryKind::Heal,
        severity: Severity::Warning,
        stack: Some("shop".into()),
        service: Some("gateway".into()),
        container: None,
        health: None,
        refresh: None,
        text: format!("restart {second}"),
    };
    state.apply(at(1), Event::HistoryRead(vec![before(-100), before(-50)]));
    assert!(play(&mut state, 500, 5).is_empty());
    assert!(state.heal.gave_up("shop", "gateway").is_some());
}

proptest! {
    /// Never before its time, never more in any window than allowed.
    #[test]
    fn the_brakes_hold(
        after in 1_u64..300, max in 1_u32..5, per in 1_u64..4000,
        steps in prop::collection::vec((1_i64..200, any::<bool>()), 1..200),
    ) {
        let rule = HealRule { after: Duration::from_secs(after), max, per: Duration::from_secs(per) };
        let (mut now, mut since, mut done): (i64, Option<i64>, Vec<Timestamp>) = (0, None, Vec::new());
        for (step, ill) in steps {
            now += step;
            since = ill.then(|| since.unwrap_or(now));
            let Some(began) = since else { continue };
            match decide(rule, at(began), &done, at(now)) {
                Decision::Restart => {
                    prop_assert!(now - began >= after as i64);
                    done.push(at(now));
                    since = None;
                }
                Decision::Wait(until) => prop_assert!(until > at(now)),
                Decision::GiveUp(until) => prop_assert!(until > at(now) && done.len() >= max as usize),
            }
        }
        for window in done.windows(max as usize + 1) {
            let span = window[max as usize].duration_since(window[0]).as_secs();
            prop_assert!(span >= per as i64, "{span} s for {} restarts", window.len());
        }
    }
}
