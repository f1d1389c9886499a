//! The rules: from a container's facts to its state, from containers to services and stacks.
//!
//! Pure functions; the table of states in the design is written down here and nowhere else.

mod blocked;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::compose::{Definition, ServiceDefinition};
use crate::model::containers::{Container, ContainerId, DependsCondition, RunState};
use crate::model::health::Health;
use crate::model::stacks::{
    DependencyStatus, Exit, ExitCause, Reason, Service, ServiceState, Stack, Verdict,
};
use crate::state::containers::{Entry, Facts};
use crate::state::definitions::Standing;
use crate::state::drift;
use crate::state::verdict::blocked::find_blocked;

/// A container that crashed before and has been up for less than this is still in its loop.
const LOOP_SETTLES_AFTER: SignedDuration = SignedDuration::from_secs(10);
/// Crashes within this make a loop…
const LOOP_WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// …when there are so many.
const LOOP_CRASHES: usize = 2;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// An event belongs to an end when they lie this close together.
const SAME_MOMENT: SignedDuration = SignedDuration::from_secs(3);

/// Returns how a container ended, `None` while it runs or was never started.
pub fn exit_of(container: &Container, facts: &Facts) -> Option<Exit> {
    if !matches!(container.run, RunState::Exited | RunState::Dead | RunState::Restarting | RunState::Removing)
    {
        return None;
    }
    let code = container.exit_code?;
    Some(Exit { code, cause: exit_cause(container, facts, code) })
}

fn exit_cause(container: &Container, facts: &Facts, code: i64) -> ExitCause {
    let near =
        |at: Timestamp| container.finished_at.is_some_and(|end| end.duration_since(at).abs() < SAME_MOMENT);
    if container.oom_killed || (code == 137 && facts.out_of_memory.is_some_and(near)) {
        return ExitCause::OutOfMemory;
    }
    // The stop is told within moments of the end; the first signal may lie a whole stop timeout before.
    let stopped = facts.stopped.is_some_and(near);
    let signal = facts.killed.filter(|(at, _)| near(*at)).map(|(_, signal)| signal);
    if stopped {
        return if code == 137 && (signal == Some(9) || container.stop_signal != 9) {
            ExitCause::StopTimeout
        } else {
            ExitCause::OnRequest
        };
    }
    if signal.is_some() {
        return ExitCause::Killed;
    }
    if code == 128 + i64::from(container.stop_signal) {
        return ExitCause::OnRequest;
    }
    if code == 137 {
        return ExitCause::Killed;
    }
    // These policies restart whatever ends by itself, so an end that stays was asked for.
    if code == 0 && matches!(&*container.restart_policy, "always" | "unless-stopped") {
        return ExitCause::OnRequest;
    }
    ExitCause::OnItsOwn
}

/// Returns the time from a container's start to its first passing check, as far as it can be known.
pub fn ready_after(container: &Container, facts: &Facts) -> Option<SignedDuration> {
    let started = container.started_at?;
    let flip = facts.flips.iter().find(|(at, health)| *health == Health::Healthy && *at >= started);
    if let Some((at, _)) = flip {
        return Some(at.duration_since(started));
    }
    // Fewer than five results: the engine has dropped none, so the first that passed is the first.
    if container.health_log.len() >= 5 {
        return None;
    }
    let first = container.health_log.iter().find(|check| check.exit_code == 0)?;
    let at = first.at.filter(|at| *at >= started)?;
    Some(at.duration_since(started) + SignedDuration::from_millis(first.duration_ms as i64))
}

/// Returns the state of one container by itself; whether it is blocked needs its stack.
pub fn of_container(container: &Container, facts: &Facts, now: Timestamp) -> Verdict {
    let verdict = |state, reason, since| Verdict { state, reason, since };
    match container.run {
        RunState::Created | RunState::Unknown => {
            if container.error.is_empty() {
                verdict(ServiceState::Stopped, Reason::NeverStarted, container.created_at)
            } else {
                let reason = Reason::StartFailed(container.error.clone());
                verdict(ServiceState::Failed, reason, container.finished_at.or(container.created_at))
            }
        }
        RunState::Restarting => {
            let exit = exit_of(container, facts).or(facts.last_exit);
            verdict(
                ServiceState::Restarting,
                loop_reason(container, facts, exit, now),
                loop_since(container, facts, now),
            )
        }
        RunState::Paused => verdict(ServiceState::Paused, Reason::None, container.started_at),
        RunState::Removing => verdict(ServiceState::Stopped, Reason::Removing, container.finished_at),
        RunState::Dead => {
            let reason = exit_of(container, facts).map_or(Reason::None, Reason::Exited);
            verdict(ServiceState::Failed, reason, container.finished_at)
        }
        RunState::Exited => exited(container, facts),
        RunState::Running => running(container, facts, now),
    }
}

fn exited(container: &Container, facts: &Facts) -> Verdict {
    let since = container.finished_at;
    if !container.error.is_empty() {
        return Verdict {
            state: ServiceState::Failed,
            reason: Reason::StartFailed(container.error.clone()),
            since,
        };
    }
    let Some(exit) = exit_of(container, facts) else {
        return Verdict { state: ServiceState::Stopped, reason: Reason::None, since };
    };
    let state = match (exit.cause, exit.code) {
        (ExitCause::OutOfMemory, _) => ServiceState::Failed,
        (ExitCause::OnRequest | ExitCause::StopTimeout, _) => ServiceState::Stopped,
        (ExitCause::OnItsOwn | ExitCause::Killed, 0) => {
            if container.restart_policy == "no" {
                ServiceState::Completed
            } else {
                ServiceState::Stopped
            }
        }
        (ExitCause::OnItsOwn | ExitCause::Killed, _) => ServiceState::Failed,
    };
    Verdict { state, reason: Reason::Exited(exit), since }
}

fn running(container: &Container, facts: &Facts, now: Timestamp) -> Verdict {
    if is_looping(container, facts, now) {
        let reason = loop_reason(container, facts, facts.last_exit, now);
        return Verdict { state: ServiceState::Restarting, reason, since: loop_since(container, facts, now) };
    }
    let flipped = |health: Health| {
        facts
            .flips
            .back()
            .filter(|(at, last)| *last == health && container.started_at.is_none_or(|start| *at >= start))
            .map(|(at, _)| *at)
    };
    let (state, reason, since) = match container.health {
        Health::None => (ServiceState::Running, Reason::None, container.started_at),
        Health::Starting => (ServiceState::Starting, Reason::None, container.started_at),
        Health::Healthy => {
            (ServiceState::Healthy, Reason::None, flipped(Health::Healthy).or(container.started_at))
        }
        Health::Unhealthy => {
            let output = container
                .health_log
                .last()
                .and_then(|check| check.output.lines().find(|line| !line.trim().is_empty()))
                .unwrap_or_default()
                .trim()
                .to_owned();
            let reason = Reason::HealthFailing { streak: container.failing_streak, output };
            let since = flipped(Health::Unhealthy).or(facts.failing_since).or(container.started_at);
            (ServiceState::Unhealthy, reason, since)
        }
    };
    let reason = if reason != Reason::None {
        reason
    } else if facts.oom_kills > 0 {
        Reason::ChildOutOfMemory { times: facts.oom_kills }
    } else if !facts.crashes.is_empty() {
        Reason::Restarted { times: facts.crashes.len() as u32, exit: facts.last_exit }
    } else {
        Reason::None
    };
    Verdict { state, reason, since }
}

fn recent_crashes(facts: &Facts, now: Timestamp) -> usize {
    facts.crashes.iter().filter(|at| now.duration_since(**at) <= LOOP_WINDOW).count()
}

fn is_looping(container: &Container, facts: &Facts, now: Timestamp) -> bool {
    // The engine forgets its events soon, but it counts: what it restarted so often is in a loop, seen or not.
    // Most were never restarted, and of these the hour need not be asked.
    let counted = || container.restart_count as usize >= LOOP_CRASHES && is_young(container, now);
    (recent_crashes(facts, now) >= LOOP_CRASHES || counted())
        && container.started_at.is_some_and(|start| now.duration_since(start) < LOOP_SETTLES_AFTER)
}

fn loop_reason(container: &Container, facts: &Facts, exit: Option<Exit>, now: Timestamp) -> Reason {
    let crashes = facts.crashes.iter().filter(|at| now.duration_since(**at) <= HOUR).count() as u32;
    // The engine forgets its events soon, but it counts: of a young container all of them are recent.
    let counted = if is_young(container, now) { container.restart_count } else { 0 };
    Reason::RestartLoop { exit, restarts_last_hour: crashes.max(counted), restarts: container.restart_count }
}

fn loop_since(container: &Container, facts: &Facts, now: Timestamp) -> Option<Timestamp> {
    let first_seen = facts.crashes.front().copied();
    if is_young(container, now) && container.restart_count as usize > facts.crashes.len() {
        return container.created_at.or(first_seen);
    }
    first_seen.or(container.finished_at).or(container.started_at)
}

fn is_young(container: &Container, now: Timestamp) -> bool {
    container.created_at.is_some_and(|at| now.duration_since(at) <= HOUR)
}

/// Returns when a verdict may change although nothing happens (a loop that settles).
pub fn next_change(entries: &[&Entry], now: Timestamp) -> Option<Timestamp> {
    entries
        .iter()
        .filter(|entry| {
            entry.container.run == RunState::Running && is_looping(&entry.container, &entry.facts, now)
        })
        .filter_map(|entry| entry.container.started_at)
        .map(|start| start + LOOP_SETTLES_AFTER)
        .min()
}

/// A stack, and the verdicts of containers that only their stack could tell: blocked, or a one-shot.
pub struct Derived {
    pub stack: Stack,
    pub corrected: Vec<(ContainerId, Verdict)>,
}

/// Derives a stack from its containers.
pub fn derive_stack(name: &Arc<str>, entries: &[&Entry], definition: Standing<'_>) -> Derived {
    let mut by_service: BTreeMap<Arc<str>, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        by_service.entry(entry.container.service_name()).or_default().push(entry);
    }
    for replicas in by_service.values_mut() {
        replicas.sort_by(|a, b| {
            let key = |e: &Entry| e.container.compose.as_ref().map(|c| (c.one_off, c.number));
            key(a).cmp(&key(b)).then_with(|| a.container.name.cmp(&b.container.name))
        });
    }
    if let Some(definition) = definition.definition {
        for service in definition.services.keys() {
            by_service.entry(service.clone()).or_default();
        }
    }
    let defined = |service: &str| definition.definition.and_then(|found| found.services.get(service));
    // One-shots are known by those that wait for their end.
    let from_labels = by_service
        .values()
        .filter_map(|replicas| replicas.first()?.container.compose.as_ref())
        .flat_map(|compose| &compose.depends_on);
    let from_files = definition
        .definition
        .into_iter()
        .flat_map(|found| found.services.values())
        .flat_map(|s| &s.depends_on);
    let waited_for: Vec<Arc<str>> = from_labels
        .chain(from_files)
        .filter(|dep| dep.condition == DependsCondition::CompletedSuccessfully)
        .map(|dep| dep.service.clone())
        .collect();

    let mut services: Vec<Service> = by_service
        .iter()
        .map(|(service, replicas)| {
            derive_service(service, replicas, waited_for.contains(service), defined(service))
        })
        .collect();
    let newest = entries.iter().max_by_key(|entry| entry.container.created_at);
    let compose = newest.and_then(|entry| entry.container.compose.as_ref());
    let outdated = drift::mark(&mut services, &by_service, compose, definition);
    let mut corrected = find_blocked(&mut services, &by_service);
    corrected.extend(find_completed(&services, &by_service));

    let stack = Stack {
        name: name.clone(),
        state: stack_state(&services),
        services,
        config_files: compose.map_or_else(|| definition.files(), |c| c.config_files.clone()),
        working_dir: compose.map_or_else(|| definition.folder(), |c| c.working_dir.clone()),
        defined: definition.definition.is_some(),
        definition_error: definition.error.map(ToString::to_string),
        env_files: compose.map(|c| c.env_files.clone()).unwrap_or_default(),
        newest: newest.and_then(|entry| entry.container.created_at),
        outdated,
        profiles: definition.definition.map(Definition::profiles).unwrap_or_default(),
    };
    Derived { stack, corrected }
}

fn is_one_off(entry: &Entry) -> bool {
    entry.container.compose.as_ref().is_some_and(|compose| compose.one_off)
}

fn derive_service(
    name: &Arc<str>,
    replicas: &[&Entry],
    waited_for: bool,
    defined: Option<&ServiceDefinition>,
) -> Service {
    let regular: Vec<&&Entry> = replicas.iter().filter(|entry| !is_one_off(entry)).collect();
    let one_shot = waited_for
        || regular.iter().any(|entry| {
            entry.container.restart_policy == "no" && entry.verdict.state == ServiceState::Completed
        });
    let verdict_of = |entry: &Entry| {
        let mut verdict = entry.verdict.clone();
        let ended_well = matches!(&verdict.reason, Reason::Exited(exit) if exit.code == 0 && exit.cause == ExitCause::OnItsOwn);
        if waited_for && verdict.state == ServiceState::Stopped && ended_well {
            verdict.state = ServiceState::Completed;
        }
        verdict
    };
    let worst = regular.iter().map(|entry| verdict_of(entry)).min_by_key(|verdict| verdict.state);
    let mut verdict =
        worst.unwrap_or(Verdict { state: ServiceState::Absent, reason: Reason::None, since: None });
    let affected = regular.iter().filter(|entry| verdict_of(entry).state == verdict.state).count();
    if affected < regular.len() {
        let worst = Box::new(verdict.reason);
        verdict.reason = Reason::Replicas { affected: affected as u32, of: regular.len() as u32, worst };
    }
    let sample = regular.first().copied().or(replicas.first());
    // Labels tell how it was created; the file tells of what was not (and of what Compose 1 created).
    let labels = sample.and_then(|entry| entry.container.compose.as_ref()).map(|compose| &compose.depends_on);
    let is_optional = |name: &str| {
        let known = defined.iter().flat_map(|service| &service.depends_on);
        known.into_iter().any(|dep| *dep.service == *name && !dep.required)
    };
    let depends_on = labels
        .filter(|found| !found.is_empty())
        .or(defined.map(|service| &service.depends_on))
        .map(|found| {
            found
                .iter()
                .map(|dep| DependencyStatus {
                    service: dep.service.clone(),
                    condition: dep.condition,
                    met: false,
                    required: dep.required && !is_optional(&dep.service),
                })
                .collect()
        })
        .unwrap_or_default();
    Service {
        name: name.clone(),
        verdict,
        one_shot,
        depends_on,
        containers: replicas.iter().map(|entry| entry.container.id.clone()).collect(),
        desired: (regular.len() as u32)
            .max(defined.filter(|_| !regular.is_empty()).map_or(0, |s| s.replicas)),
        running: regular.iter().filter(|entry| entry.container.run == RunState::Running).count() as u32,
        image: sample.map_or_else(
            || Arc::from(defined.map_or("", |service| &service.image)),
            |entry| entry.container.image.clone(),
        ),
        profiles: defined.map(|service| service.profiles.clone()).unwrap_or_default(),
        drift: None,
    }
}

/// Finds replicas of one-shots that did their work, which only those that wait for it could tell.
fn find_completed(
    services: &[Service],
    by_service: &BTreeMap<Arc<str>, Vec<&Entry>>,
) -> Vec<(ContainerId, Verdict)> {
    let done = services.iter().filter(|s| s.one_shot && s.verdict.state == ServiceState::Completed);
    done.filter_map(|service| by_service.get(&service.name))
        .flatten()
        .filter(|entry| entry.verdict.state == ServiceState::Stopped)
        .map(|entry| {
            let verdict = Verdict { state: ServiceState::Completed, ..entry.verdict.clone() };
            (entry.container.id.clone(), verdict)
        })
        .collect()
}

/// The worst of the services that should be up. One that was stopped on request or has done its work
/// should not, unless there is no other.
fn stack_state(services: &[Service]) -> ServiceState {
    let asked_to_rest = |service: &Service| match service.verdict.state {
        ServiceState::Absent | ServiceState::Completed => true,
        ServiceState::Stopped => match &service.verdict.reason {
            Reason::Exited(exit) => matches!(exit.cause, ExitCause::OnRequest | ExitCause::StopTimeout),
            _ => false,
        },
        _ => false,
    };
    let worst_up = services.iter().filter(|s| !asked_to_rest(s)).map(|s| s.verdict.state).min();
    worst_up.or_else(|| services.iter().map(|s| s.verdict.state).min()).unwrap_or(ServiceState::Absent)
}

#[cfg(test)]
pub(in crate::state) mod tests;
