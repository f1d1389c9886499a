//! How a stack came up: from `up` to each service ready, on one axis of time.
//!
//! Containers say when they were created, started and ready; the last job says when `up` was asked for.
//! Where nobody saw that, the largest group of starts close together stands for it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::containers::{DependsCondition, RunState};
use crate::model::health::Health;
use crate::model::jobs::{ComposeVerb, Verb};
use crate::model::stacks::{Service, ServiceState, Stack, Target};
use crate::state::State;
use crate::state::containers::Entry;

/// Starts that lie further apart belong to different occasions.
const APART: SignedDuration = SignedDuration::from_secs(60);
/// A container that was made this long before its start has lived before, or waited for something.
const MADE_FOR_IT: SignedDuration = SignedDuration::from_mins(10);
/// Clocks of containers and ours may differ by this.
const MOMENT: SignedDuration = SignedDuration::from_secs(1);
/// The shortest axis.
const LEAST: SignedDuration = SignedDuration::from_secs(2);

/// How far a service has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Running, healthy or completed since then.
    Ready(Timestamp),
    /// Ready, but nobody saw when.
    ReadySometime,
    Failed(Timestamp),
    /// Started and not ready yet.
    Starting,
    /// Not started yet.
    Waiting,
}

/// One service on the axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    pub service: Arc<str>,
    pub state: ServiceState,
    /// When its container was made, where that belongs to this start.
    pub created: Option<Timestamp>,
    pub started: Option<Timestamp>,
    pub outcome: Outcome,
}

impl Bar {
    fn begin(&self) -> Option<Timestamp> {
        self.created.or(self.started)
    }

    /// Returns when it was done with starting, well or not.
    pub fn end(&self) -> Option<Timestamp> {
        match self.outcome {
            Outcome::Ready(at) | Outcome::Failed(at) => Some(at),
            Outcome::ReadySometime => self.started,
            Outcome::Starting | Outcome::Waiting => None,
        }
    }
}

/// The start of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Startup {
    pub from: Timestamp,
    /// Where the axis ends.
    pub until: Timestamp,
    /// Whether `up` was seen; else `from` is the first container.
    pub asked: bool,
    /// By their start; what waits comes last, what waits for it after it.
    pub bars: Vec<Bar>,
    /// Services that run and were started on another occasion, with the moment.
    pub others: Vec<(Arc<str>, Timestamp)>,
    /// The chain that took longest: each was waited for by the next.
    pub critical: Vec<Arc<str>>,
}

impl Startup {
    pub fn bar(&self, service: &str) -> Option<&Bar> {
        self.bars.iter().find(|bar| &*bar.service == service)
    }

    /// Returns when everything was ready; `None` while something is not, or nobody saw it.
    pub fn ready(&self) -> Option<Timestamp> {
        let ready = |bar: &Bar| match bar.outcome {
            Outcome::Ready(at) => Some(at),
            _ => None,
        };
        self.bars.iter().map(ready).collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Whether everything has come up, seen or not.
    pub fn is_over(&self) -> bool {
        self.bars.iter().all(|bar| matches!(bar.outcome, Outcome::Ready(_) | Outcome::ReadySometime))
    }
}

/// Whether a verb starts what it is about.
pub fn starts(verb: Verb) -> bool {
    match verb {
        Verb::Start | Verb::Restart => true,
        Verb::Compose(verb) => !matches!(verb, ComposeVerb::Down { .. } | ComposeVerb::Pull),
        _ => false,
    }
}

/// Whether a job that starts the stack, or some of it, is under way.
pub fn is_being_started(stack: &str, state: &State) -> bool {
    let of_stack = |target: &Target| state.containers.stack_of(target).is_some_and(|name| &*name == stack);
    state.jobs.running().any(|job| starts(job.verb) && of_stack(&job.target))
}

/// Reads how a stack came up; `None` where nothing of it was ever started.
pub fn startup(stack: &Stack, state: &State, now: Timestamp) -> Option<Startup> {
    let mut bars: Vec<Bar> = stack.services.iter().filter_map(|service| bar_of(service, state)).collect();
    bars.sort_by_cached_key(|bar| {
        let depth = depth(&bar.service, stack);
        (bar.started.unwrap_or(Timestamp::MAX), depth, bar.service.clone())
    });
    let (again, bars): (Vec<Bar>, Vec<Bar>) = {
        let again = bars.iter().map(|bar| was_started_again(bar, &bars, stack)).collect::<Vec<_>>();
        let (again, first): (Vec<_>, Vec<_>) = bars.into_iter().zip(again).partition(|(_, again)| *again);
        let bare = |all: Vec<(Bar, bool)>| all.into_iter().map(|(bar, _)| bar).collect();
        (bare(again), bare(first))
    };
    let asked = state.jobs.last_start(&stack.name);
    let wave = asked
        .and_then(|at| wave_from(&bars, at, now).map(|members| (at, true, members)))
        .or_else(|| largest_wave(&bars, now).map(|(at, members)| (at, false, members)));
    let (from, asked, members) = wave?;
    let mut mine = Vec::new();
    let mut others: Vec<_> = again.into_iter().filter_map(|bar| Some((bar.service, bar.started?))).collect();
    for (index, mut bar) in bars.into_iter().enumerate() {
        // Made on another occasion and only started on this one.
        bar.created = bar.created.filter(|at| *at >= from - MOMENT || !members.contains(&index));
        if members.contains(&index) {
            mine.push(bar);
        } else if let Some(at) = bar.started.filter(|_| bar.outcome != Outcome::Waiting) {
            others.push((bar.service, at));
        }
    }
    let from = mine.iter().filter_map(Bar::begin).min().map_or(from, |first| first.min(from));
    let until = end_of_axis(&mine, from, now);
    let critical = critical(&mine, stack);
    Some(Startup { from, until, asked, bars: mine, others, critical })
}

fn bar_of(service: &Service, state: &State) -> Option<Bar> {
    let entries: Vec<_> = service
        .containers
        .iter()
        .filter_map(|id| state.containers.get(id))
        .filter(|entry| entry.container.compose.as_ref().is_some_and(|compose| !compose.one_off))
        .collect();
    let started = entries.iter().filter_map(|entry| entry.container.started_at).min();
    let created = entries.iter().filter_map(|entry| entry.container.created_at).min();
    let created = created.filter(|at| started.is_none_or(|start| start.duration_since(*at) < MADE_FOR_IT));
    let ended = entries.iter().filter_map(|entry| entry.container.finished_at).max();
    let verdict = &service.verdict;
    let outcome = match verdict.state {
        _ if entries.is_empty() => return None,
        ServiceState::Completed => Outcome::Ready(ended.or(started)?),
        ServiceState::Failed => match entries.iter().find_map(|entry| was_ready(entry)) {
            // What came later is no part of how it came up.
            Some(at) => Outcome::Ready(at),
            None => Outcome::Failed(ended.or(started).or(created)?),
        },
        ServiceState::Blocked | ServiceState::Absent => Outcome::Waiting,
        ServiceState::Stopped if started.is_none() => Outcome::Waiting,
        // It rests, so there is no start to tell of.
        ServiceState::Stopped => return None,
        ServiceState::Starting => Outcome::Starting,
        ServiceState::Running
        | ServiceState::Healthy
        | ServiceState::Unhealthy
        | ServiceState::Restarting
        | ServiceState::Paused => {
            let ready = |entry: &Entry| {
                let start = entry.container.started_at?;
                match entry.container.health {
                    Health::None => Some(start),
                    _ => entry.facts.ready_after.map(|after| start + after),
                }
            };
            let up = entries.iter().filter(|entry| entry.container.run == RunState::Running);
            let all: Option<Vec<Timestamp>> = up.map(|entry| ready(entry)).collect();
            all.and_then(|all| all.into_iter().max()).map_or(Outcome::ReadySometime, Outcome::Ready)
        }
    };
    Some(Bar { service: service.name.clone(), state: verdict.state, created, started, outcome })
}

/// Returns when a container that has ended had passed its check for the first time, if it had.
fn was_ready(entry: &Entry) -> Option<Timestamp> {
    let at = entry.container.started_at? + entry.facts.ready_after?;
    entry.container.finished_at.filter(|end| *end > at).map(|_| at)
}

/// Whether a service that others waited for has been started once more after they had gone on.
fn was_started_again(bar: &Bar, bars: &[Bar], stack: &Stack) -> bool {
    let Some(started) = bar.started else { return false };
    bars.iter().any(|other| {
        let waited = stack.service(&other.service).into_iter().flat_map(|service| &service.depends_on);
        let mut waited = waited.filter(|dep| dep.condition != DependsCondition::Started);
        waited.any(|dep| dep.service == bar.service)
            && other.outcome != Outcome::Waiting
            && other.started.is_some_and(|at| started.duration_since(at) > MOMENT)
    })
}

/// Returns how many layers lie before a service; bounded, for labels may describe a circle.
fn depth(service: &str, stack: &Stack) -> usize {
    let mut layer = vec![service];
    for depth in 0..stack.services.len() {
        let needed = layer.iter().filter_map(|name| stack.service(name)).flat_map(|found| &found.depends_on);
        let mut next: Vec<&str> = needed.map(|dep| &*dep.service).collect();
        next.sort_unstable();
        next.dedup();
        if next.is_empty() {
            return depth;
        }
        layer = next;
    }
    stack.services.len()
}

/// Returns the bars that belong to a start that began then: each begins soon after another has ended.
fn wave_from(bars: &[Bar], from: Timestamp, now: Timestamp) -> Option<Vec<usize>> {
    let mut end = from;
    let mut members = Vec::new();
    let begun = bars.iter().enumerate().filter_map(|(index, bar)| Some((begin_after(bar, from)?, index)));
    let mut begun: Vec<(Timestamp, usize)> = begun.collect();
    begun.sort();
    for (begin, index) in begun {
        if begin.duration_since(end) > APART {
            break;
        }
        members.push(index);
        end = end.max(bars[index].end().unwrap_or(now));
    }
    (!members.is_empty()).then_some(members)
}

/// Returns where a bar begins, if that is not before a moment: a container made earlier may be started again.
fn begin_after(bar: &Bar, from: Timestamp) -> Option<Timestamp> {
    [bar.created, bar.started].into_iter().flatten().find(|at| *at >= from - MOMENT)
}

/// Returns the largest group of bars that begin close together; of equal ones the latest.
fn largest_wave(bars: &[Bar], now: Timestamp) -> Option<(Timestamp, Vec<usize>)> {
    let mut begins: Vec<Timestamp> = bars.iter().filter_map(Bar::begin).collect();
    begins.sort();
    let waves = begins.into_iter().filter_map(|begin| Some((begin, wave_from(bars, begin, now)?)));
    // The first of equal ones that overlap is whole; a later one of the same size is another occasion.
    waves.fold(None, |best: Option<(Timestamp, Vec<usize>)>, wave| match best {
        Some(best) if best.1.len() > wave.1.len() || best.1 == wave.1 => Some(best),
        _ => Some(wave),
    })
}

/// Ends the axis with the last thing known; what is under way reaches to now, what only waits may run out
/// of the picture.
fn end_of_axis(bars: &[Bar], from: Timestamp, now: Timestamp) -> Timestamp {
    let known = bars.iter().flat_map(|bar| [bar.begin(), bar.end()]).flatten().max().unwrap_or(from);
    let mut until = known.max(from + LEAST);
    if bars.iter().any(|bar| bar.outcome == Outcome::Starting) {
        until = until.max(now);
    }
    if bars.iter().any(|bar| bar.outcome == Outcome::Waiting) {
        let half = SignedDuration::from_millis((until.duration_since(from).as_millis() / 2) as i64);
        until = until.max(now.min(until + half));
    }
    until
}

/// Follows from what was ready last to what it had waited for, and so on.
fn critical(bars: &[Bar], stack: &Stack) -> Vec<Arc<str>> {
    let ready = |bar: &&Bar| match bar.outcome {
        Outcome::Ready(at) => Some(at),
        _ => None,
    };
    let Some(last) = bars.iter().filter(|bar| ready(bar).is_some()).max_by_key(ready) else {
        return Vec::new();
    };
    let mut path = vec![last.service.clone()];
    while let Some(service) = path.last().and_then(|name| stack.service(name)) {
        let before = service.depends_on.iter().filter_map(|dep| {
            let bar = bars.iter().find(|bar| bar.service == dep.service)?;
            let at = match dep.condition {
                DependsCondition::Started => bar.started,
                DependsCondition::Healthy | DependsCondition::CompletedSuccessfully => ready(&bar),
            };
            Some((at?, bar.service.clone()))
        });
        match before.max() {
            Some((_, name)) if !path.contains(&name) => path.push(name),
            _ => break,
        }
    }
    path.reverse();
    path
}
