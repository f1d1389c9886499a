//! From a script to the world at its beginning, with a past that fits.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::adapters::scenario::member::{CrashPlan, Member, Occasion};
use crate::adapters::scenario::random::{hex, mix, seed_of};
use crate::adapters::scenario::script::{BeginState, PastEvent, Script, ServiceScript, StackScript};
use crate::adapters::scenario::world::{World, event_of};
use crate::event::{EngineEvent, EngineEventKind};
use crate::model::containers::{ComposeLabels, Container, ContainerId, Dependency, Network, RunState};
use crate::model::health::{Health, HealthSettings};
use crate::model::redact;

/// How far back events are told.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);
/// Starts of a stack this close together are one start.
const TOGETHER: SignedDuration = SignedDuration::from_mins(3);
/// Time between two lives of a restart loop that has gone on for a while.
const LOOP_PAUSE: Duration = Duration::from_secs(26);

/// Builds the world as it is at `now`.
pub fn world(script: Script, now: Timestamp) -> World {
    let mut members = Vec::new();
    for stack in &script.stacks {
        let first = members.len();
        for service in &stack.services {
            let shared = Arc::new(service.clone());
            for number in 1..=service.replicas {
                members.push(member(&script, Some(stack), &shared, number, members.len(), now));
            }
        }
        created_together(&mut members[first..]);
    }
    for container in &script.containers {
        let shared = Arc::new(container.clone());
        members.push(member(&script, None, &shared, 1, members.len(), now));
    }
    let history = history(&script, &members, now);
    World::new(script, members, history, now)
}

fn member(
    script: &Script,
    stack: Option<&StackScript>,
    service: &Arc<ServiceScript>,
    number: u32,
    index: usize,
    now: Timestamp,
) -> Member {
    let name = match (stack, &service.container_name) {
        (_, Some(name)) => name.clone(),
        (Some(stack), None) => format!("{}-{}-{number}", stack.name, service.name),
        (None, None) => service.name.clone(),
    };
    let seed = mix(&[script.engine.seed, seed_of(&name)]);
    let begins = &service.begins;
    let since = begins.since.map_or(Duration::from_mins(131), |span| span.0);
    let since = now - since;
    let ran = begins.ran.or(service.runs_for).map_or(Duration::from_hours(1), |span| span.0);
    let started = match begins.state {
        BeginState::Running | BeginState::Paused => Some(since),
        BeginState::Exited => Some(since - ran),
        BeginState::Restarting => Some(now - Duration::from_secs(6)),
        BeginState::Created => None,
    };
    let created = started.unwrap_or(since).min(since) - Duration::from_millis(700 + seed % 900);
    let mut container = container(stack, service, &name, number, index, seed);
    container.created_at = Some(created);
    container.restart_count = begins.restarts;
    container.started_at = started;
    let mut member = Member::new(container, service.clone(), seed);
    if let Some(started) = started {
        member.begin_life(started);
    }
    match begins.state {
        BeginState::Running | BeginState::Paused => {
            let paused = begins.state == BeginState::Paused;
            member.container.run = if paused { RunState::Paused } else { RunState::Running };
            member.container.pid = Some(2000 + (seed % 30_000) as u32);
            if let Some(output) = &begins.sick {
                let for_long = begins.sick_since.map_or(Duration::from_mins(10), |span| span.0);
                member.fall_sick((now - for_long).max(since), output.clone(), 1);
            }
            member.container.health = health_at(&mut member, now);
        }
        BeginState::Exited => {
            let code = if begins.out_of_memory { 137 } else { service.ends_with };
            member.container.run = RunState::Exited;
            ended(&mut member, since, begins.exit_code.unwrap_or(code));
            member.container.oom_killed = begins.out_of_memory;
        }
        BeginState::Restarting => {
            let exit_code = begins.exit_code.unwrap_or(1);
            member.container.run = RunState::Restarting;
            ended(&mut member, now - Duration::from_secs(3), exit_code);
            member.back_off = 8;
            member.crash = CrashPlan { left: u32::MAX, exit_code, after: Duration::from_secs(3) };
        }
        BeginState::Created => {
            member.container.run = RunState::Created;
            member.waits = true;
        }
    }
    member
}

/// Compose makes all containers before it starts the first: whatever waited was there already.
fn created_together(members: &mut [Member]) {
    let Some(first) = members.iter().filter_map(|member| member.container.created_at).min() else { return };
    for (index, member) in members.iter_mut().enumerate() {
        let waited = member.container.created_at.is_some_and(|at| at.duration_since(first) < TOGETHER);
        if waited && !member.script.depends_on.is_empty() {
            member.container.created_at = Some(first + Duration::from_millis(40 * index as u64));
        }
    }
}

fn ended(member: &mut Member, at: Timestamp, exit_code: i64) {
    if member.script.begins.on_request {
        member.note(at - member.script.stop.takes.0, Occasion::Stop);
    } else if exit_code != 0 {
        member.note(at - Duration::from_millis(40), Occasion::Crash);
    }
    member.end_life(at);
    member.container.finished_at = Some(at);
    member.container.exit_code = Some(exit_code);
    if member.container.health_settings.is_some() {
        member.container.health = Health::Unhealthy;
    }
}

/// Finds the verdict that the checks so far have led to.
fn health_at(member: &mut Member, now: Timestamp) -> Health {
    let Some(settings) = member.container.health_settings.clone() else { return Health::None };
    member.container.health = Health::Starting;
    let results = member.results(now);
    if results.streak >= settings.retries {
        Health::Unhealthy
    } else if results.log.len() as u32 > results.streak {
        Health::Healthy
    } else {
        Health::Starting
    }
}

fn container(
    stack: Option<&StackScript>,
    service: &ServiceScript,
    name: &str,
    number: u32,
    index: usize,
    seed: u64,
) -> Container {
    let network =
        stack.map(|stack| stack.network.clone().unwrap_or_else(|| format!("{}_default", stack.name)));
    let subnet = stack.map_or(17, |stack| 18 + seed_of(&stack.name) % 12);
    let networks = vec![Network {
        name: network.clone().unwrap_or_else(|| String::from("bridge")),
        ip: format!("172.{subnet}.{}.{}", index / 200, 2 + index % 200),
        aliases: vec![service.name.clone()],
    }];
    Container {
        id: ContainerId::new(hex(seed, 64)),
        name: Arc::from(name),
        image: Arc::from(&*service.image),
        image_id: format!("sha256:{}", hex(seed_of(&service.image), 64)),
        compose: stack.map(|stack| labels(stack, service, number, seed)),
        run: RunState::Created,
        health: Health::None,
        health_log: Vec::new(),
        failing_streak: 0,
        health_settings: service.health.as_ref().map(|health| HealthSettings {
            test: health.test.clone(),
            interval: health.interval.0,
            timeout: health.timeout.0,
            start_period: health.start_period.0,
            retries: health.retries,
        }),
        exit_code: None,
        oom_killed: false,
        error: String::new(),
        restart_count: 0,
        restart_policy: service.restart.word().to_owned(),
        stop_signal: 15,
        stop_timeout_s: service.stop.timeout.0.as_secs() as u32,
        pid: None,
        created_at: None,
        started_at: None,
        finished_at: None,
        ports: service.ports.iter().map(|port| port.0.clone()).collect(),
        mounts: service.mounts.iter().map(|mount| mount.0.clone()).collect(),
        networks,
        network_mode: network.unwrap_or_else(|| String::from("bridge")),
        env: service
            .env
            .iter()
            .map(|line| {
                let (key, value) = line.split_once('=').unwrap_or((line, ""));
                (key.to_owned(), redact::env_value(key, value))
            })
            .collect(),
        command: redact::text(&service.command),
        user: service.user.clone(),
        tty: service.tty,
        stdin_open: service.stdin_open,
        memory_limit: service.memory_limit.map(|size| size.0),
        log_driver: String::from("json-file"),
    }
}

fn labels(stack: &StackScript, service: &ServiceScript, number: u32, seed: u64) -> ComposeLabels {
    let folder = stack.folder().display().to_string();
    let files = if stack.files.is_empty() {
        vec![format!("{folder}/docker-compose.yml")]
    } else {
        stack.files.iter().map(|file| format!("{folder}/{file}")).collect()
    };
    ComposeLabels {
        project: Arc::from(&*stack.name),
        service: Arc::from(&*service.name),
        number,
        one_off: false,
        config_files: files,
        working_dir: folder,
        env_files: Vec::new(),
        config_hash: hex(seed ^ 5, 64),
        version: String::from("2.40.3"),
        depends_on: service
            .depends_on
            .iter()
            .map(|(dep, condition)| Dependency {
                service: Arc::from(&**dep.get_ref()),
                condition: (*condition).into(),
                required: true,
            })
            .collect(),
        rules: None,
    }
}

/// Tells the events that led to the beginning, and those that the script adds.
fn history(script: &Script, members: &[Member], now: Timestamp) -> Vec<EngineEvent> {
    let mut events = Vec::new();
    for member in members {
        let container = &member.container;
        let mut tell = |at: Option<Timestamp>, kind| {
            events.extend(at.map(|at| event_of(member, at, kind)));
        };
        tell(container.created_at, EngineEventKind::Created);
        tell(container.started_at, EngineEventKind::Started);
        let settings = container.health_settings.as_ref().filter(|_| container.run == RunState::Running);
        if let (Some(settings), Some(start)) = (settings, container.started_at)
            && let first = start + settings.interval
            && first < now
            && !member.is_sick(first)
        {
            tell(Some(first), EngineEventKind::Health(Health::Healthy));
        }
        if let Some(code) = container.exit_code {
            let begins = &member.script.begins;
            let end = container.finished_at;
            let just_before = end.map(|at| at - SignedDuration::from_millis(3));
            if container.oom_killed {
                tell(just_before, EngineEventKind::OutOfMemory);
            }
            if begins.on_request {
                let asked = end.map(|at| at - member.script.stop.takes.0);
                tell(asked, EngineEventKind::Killed { signal: container.stop_signal });
            }
            tell(end, EngineEventKind::Died { exit_code: code });
            if begins.on_request {
                tell(end.map(|at| at + SignedDuration::from_millis(2)), EngineEventKind::Stopped);
            }
        }
        if container.run == RunState::Restarting {
            let exit_code = container.exit_code.unwrap_or(1);
            for back in 1..container.restart_count.min(12) {
                let end = container.finished_at.map(|at| at - LOOP_PAUSE * back);
                tell(end, EngineEventKind::Died { exit_code });
                tell(end.map(|at| at - Duration::from_secs(3)), EngineEventKind::Started);
            }
        }
    }
    for past in &script.past {
        let kind = match past.what {
            PastEvent::Created => EngineEventKind::Created,
            PastEvent::Started => EngineEventKind::Started,
            PastEvent::Died => EngineEventKind::Died { exit_code: past.exit_code },
            PastEvent::Stopped => EngineEventKind::Stopped,
            PastEvent::Killed => EngineEventKind::Killed { signal: 15 },
            PastEvent::Restarted => EngineEventKind::Restarted,
            PastEvent::OutOfMemory => EngineEventKind::OutOfMemory,
            PastEvent::Healthy => EngineEventKind::Health(Health::Healthy),
            PastEvent::Unhealthy => EngineEventKind::Health(Health::Unhealthy),
        };
        let is_meant = |member: &&Member| match past.who.get_ref().split_once('/') {
            Some((stack, service)) => {
                *member.container.stack_name() == *stack && *member.container.service_name() == *service
            }
            None => *member.container.name == **past.who.get_ref(),
        };
        events.extend(members.iter().filter(is_meant).map(|m| event_of(m, now - past.ago.0, kind.clone())));
    }
    events.retain(|event| now.duration_since(event.at) < REMEMBERED);
    events.sort_by_key(|event| event.at);
    events
}
