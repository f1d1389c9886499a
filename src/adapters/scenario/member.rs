//! One container of the scenario: its lives, its illnesses, and what follows from both.
//!
//! Health checks are not carried out one by one: their times follow from the start and the interval,
//! their results from the illnesses. Knows nothing of the others and of what is due next.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::adapters::scenario::random::{mix, unit};
use crate::adapters::scenario::script::ServiceScript;
use crate::model::containers::{Container, RunState};
use crate::model::health::{Health, HealthCheck, HealthSettings};

/// Results that an engine keeps.
const KEPT_CHECKS: usize = 5;
/// Lives whose logs are kept.
const KEPT_LIVES: usize = 12;
/// Occasions whose log lines are kept.
const KEPT_OCCASIONS: usize = 60;
/// Illnesses kept: enough for the checks that can still be seen.
const KEPT_ILLS: usize = 12;

/// From a start to the end that followed.
#[derive(Clone, Debug)]
pub struct Life {
    pub from: Timestamp,
    pub to: Option<Timestamp>,
}

/// A time in which the health check fails.
#[derive(Clone, Debug)]
pub struct Illness {
    pub from: Timestamp,
    pub to: Option<Timestamp>,
    pub output: String,
    pub exit_code: i64,
}

/// Something that leaves lines of its own in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    Start,
    Stop,
    Crash,
    Burst { lines: u32 },
}

/// Crashes still to come.
#[derive(Clone, Copy, Debug, Default)]
pub struct CrashPlan {
    pub left: u32,
    pub exit_code: i64,
    pub after: Duration,
}

/// A stop under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopping {
    pub then_start: bool,
    /// By a signal: an engine tells no stop of it.
    pub killed: bool,
}

#[derive(Debug)]
pub struct Member {
    /// As the engine would list it, but for its check results.
    pub container: Container,
    pub script: Arc<ServiceScript>,
    pub seed: u64,
    /// Counts starts and ends: what was planned for an earlier turn is void.
    pub turn: u64,
    pub lives: VecDeque<Life>,
    pub ills: VecDeque<Illness>,
    pub occasions: VecDeque<(Timestamp, Occasion)>,
    /// Check results of the life before.
    carried: Vec<HealthCheck>,
    pub crash: CrashPlan,
    /// Starts in a row by the restart policy: each waits twice as long as the one before.
    pub back_off: u32,
    pub stopping: Option<Stopping>,
    /// Compose starts it as soon as its dependencies allow.
    pub waits: bool,
    /// Removed; it may be created again.
    pub gone: bool,
}

/// What the checks say at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckResults {
    pub log: Vec<HealthCheck>,
    pub streak: u32,
}

impl Member {
    pub fn new(container: Container, script: Arc<ServiceScript>, seed: u64) -> Self {
        Self {
            container,
            script,
            seed,
            turn: 0,
            lives: VecDeque::new(),
            ills: VecDeque::new(),
            occasions: VecDeque::new(),
            carried: Vec::new(),
            crash: CrashPlan::default(),
            back_off: 0,
            stopping: None,
            waits: false,
            gone: false,
        }
    }

    /// Returns the container as an inspection at `now` shows it.
    pub fn inspected(&self, now: Timestamp) -> Container {
        let mut container = self.container.clone();
        if container.health_settings.is_some() {
            let results = self.results(now);
            container.health_log = results.log;
            container.failing_streak = results.streak;
        }
        container
    }

    pub fn is_up(&self) -> bool {
        self.container.run.is_up()
    }

    pub fn begin_life(&mut self, at: Timestamp) {
        self.carried = self.results(at).log;
        self.lives.push_back(Life { from: at, to: None });
        if self.lives.len() > KEPT_LIVES {
            self.lives.pop_front();
        }
        self.note(at, Occasion::Start);
    }

    pub fn end_life(&mut self, at: Timestamp) {
        if let Some(life) = self.lives.back_mut() {
            life.to = Some(at);
        }
        self.recover(at);
    }

    pub fn note(&mut self, at: Timestamp, occasion: Occasion) {
        self.occasions.push_back((at, occasion));
        if self.occasions.len() > KEPT_OCCASIONS {
            self.occasions.pop_front();
        }
    }

    pub fn fall_sick(&mut self, at: Timestamp, output: String, exit_code: i64) {
        self.recover(at);
        self.ills.push_back(Illness { from: at, to: None, output, exit_code });
        if self.ills.len() > KEPT_ILLS {
            self.ills.pop_front();
        }
    }

    pub fn recover(&mut self, at: Timestamp) {
        if let Some(ill) = self.ills.back_mut()
            && ill.to.is_none()
        {
            ill.to = Some(at);
        }
    }

    pub fn is_sick(&self, at: Timestamp) -> bool {
        self.illness(at).is_some()
    }

    fn illness(&self, at: Timestamp) -> Option<&Illness> {
        // A check at the very moment of a change belongs to the time before: it is over by then.
        self.ills.iter().rev().find(|ill| ill.from < at && ill.to.is_none_or(|to| at <= to))
    }

    fn checks(&self) -> Option<(&HealthSettings, Timestamp, SignedDuration)> {
        let settings = self.container.health_settings.as_ref()?;
        let started = self.lives.back()?.from;
        let step = SignedDuration::try_from(settings.interval).ok()?;
        Some((settings, started, step))
    }

    /// Returns what the checks up to `now` say.
    pub fn results(&self, now: Timestamp) -> CheckResults {
        let Some((settings, started, step)) = self.checks() else { return CheckResults::default() };
        let until = self.lives.back().and_then(|life| life.to).unwrap_or(now).min(now);
        let count = (until.duration_since(started).as_nanos() / step.as_nanos().max(1)).max(0) as i64;
        let mut log: Vec<HealthCheck> = self.carried.clone();
        for number in (count - KEPT_CHECKS as i64 + 1).max(1)..=count {
            log.push(self.check(settings, started + step * number as i32, number));
        }
        log.drain(..log.len().saturating_sub(KEPT_CHECKS));
        let streak = (1..=count)
            .rev()
            .map(|number| started + step * number as i32)
            .take_while(|at| self.is_sick(*at) && !self.is_excused(settings, started, *at))
            .count() as u32;
        CheckResults { log, streak }
    }

    /// Failures inside the start period do not count, as long as nothing has passed.
    fn is_excused(&self, settings: &HealthSettings, started: Timestamp, at: Timestamp) -> bool {
        self.container.health == Health::Starting && at < started + settings.start_period
    }

    fn check(&self, settings: &HealthSettings, at: Timestamp, number: i64) -> HealthCheck {
        let seed = mix(&[self.seed, number as u64, 77]);
        let health = self.script.health.as_ref();
        let usual = health.map_or(40.0, |health| health.takes.0.as_secs_f64() * 1000.0);
        let duration_ms = (usual * (0.75 + 0.7 * unit(&[seed]).powi(3))) as u64;
        match self.illness(at) {
            Some(ill) => HealthCheck {
                at: Some(at),
                exit_code: ill.exit_code,
                duration_ms: if ill.exit_code == -1 {
                    settings.timeout.as_millis() as u64
                } else {
                    duration_ms
                },
                output: ill.output.clone(),
            },
            None => HealthCheck {
                at: Some(at),
                exit_code: 0,
                duration_ms,
                output: health.map(|health| health.output.clone()).unwrap_or_default(),
            },
        }
    }

    /// Returns the next moment after `now` at which the verdict changes, and to what.
    pub fn next_flip(&self, now: Timestamp) -> Option<(Timestamp, Health)> {
        if self.container.run != RunState::Running {
            return None;
        }
        let (settings, started, step) = self.checks()?;
        let done = (now.duration_since(started).as_nanos() / step.as_nanos().max(1)).max(0) as i64;
        let mut streak = self.results(now).streak;
        let patience = settings.start_period.as_nanos() as i64 / (step.as_nanos() as i64).max(1);
        for number in done + 1..=done + 2 + patience + i64::from(settings.retries) {
            let at = started + step * number as i32;
            if !self.is_sick(at) {
                streak = 0;
                if self.container.health != Health::Healthy {
                    return Some((at, Health::Healthy));
                }
            } else if !self.is_excused(settings, started, at) {
                streak += 1;
                if streak >= settings.retries && self.container.health != Health::Unhealthy {
                    return Some((at, Health::Unhealthy));
                }
            }
        }
        None
    }
}
