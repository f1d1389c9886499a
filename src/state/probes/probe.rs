//! One probe: how it stands, since when, and when it is made again.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::probes::{FaultKind, ProbeAnswer, ProbeId, ProbeRule, ProbeState};
use crate::model::stacks::{ServiceState, age, duration_words};
use crate::model::timeline::Severity;
use crate::state::probes::{LEAST, schedule};

/// So long after its start a service may fail in peace, where it has not passed yet.
const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// The same where the engine's own check passes already.
const HEALTHY_GRACE: SignedDuration = SignedDuration::from_secs(20);
/// Failures in a row that count.
const ENOUGH: u32 = 2;

#[derive(Clone, Debug)]
pub struct Probe {
    pub id: ProbeId,
    pub rule: Arc<ProbeRule>,
    pub state: ProbeState,
    /// Since when it stands so.
    pub since: Timestamp,
    /// What the last attempt came to, in this life of its service.
    pub last: Option<ProbeAnswer>,
    pub at: Option<Timestamp>,
    /// Why it does not pass.
    pub why: Option<String>,
    /// From its service's start to its first pass, where that was watched.
    pub ready_after: Option<SignedDuration>,
    trouble: bool,
    /// Whether its trouble was told.
    told: bool,
    failures: u32,
    /// Whether it passed in this life.
    has_passed: bool,
    /// When its service was started; `None`: it does not run.
    life: Option<Timestamp>,
    in_flight: bool,
    /// In which life of its service it was asked last.
    asked_in: Option<Timestamp>,
    /// Asked for while it was under way.
    again: Option<Timestamp>,
    next: Timestamp,
    seed: u64,
}

/// A change that is worth a line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeNews {
    pub id: ProbeId,
    pub severity: Severity,
    pub text: String,
}

impl Probe {
    pub(super) fn new(now: Timestamp, id: ProbeId, rule: Arc<ProbeRule>) -> Self {
        let seed = schedule::seed([&*id.stack, &*id.service, &*id.name]);
        Self {
            id,
            rule,
            state: ProbeState::Unknown,
            since: now,
            last: None,
            at: None,
            why: None,
            ready_after: None,
            trouble: false,
            told: false,
            failures: 0,
            has_passed: false,
            life: None,
            in_flight: false,
            asked_in: None,
            again: None,
            next: now,
            seed,
        }
    }

    /// Whether somebody should look at it: it fails, and not by chance.
    pub fn is_trouble(&self) -> bool {
        self.trouble
    }

    /// Whether its service runs, so that it is made at all.
    pub fn is_made(&self) -> bool {
        self.life.is_some()
    }

    /// Whether its state is one to speak of.
    pub(super) fn is_settled(&self) -> bool {
        let unsure = self.state == ProbeState::Fail && !self.trouble && self.failures < ENOUGH;
        self.life.is_none() || (self.at.is_some() && !unsure)
    }

    /// Returns the code of the last answer.
    pub fn code(&self) -> Option<u16> {
        self.last.as_ref().and_then(|answer| answer.code)
    }

    /// Returns milliseconds to the last answer's head.
    pub fn latency_ms(&self) -> Option<f64> {
        let latency = self.last.as_ref()?.latency?;
        Some((latency.as_secs_f64() * 10_000.0).round() / 10.0)
    }

    /// Says what is the matter in the fewest words: the endpoint's own where it has some.
    pub fn gist(&self) -> &str {
        let answer = self.last.as_ref();
        let own = answer.and_then(|answer| {
            let fault = answer.fault.as_ref()?;
            let speaks = matches!(fault.kind, FaultKind::Code | FaultKind::Body | FaultKind::Unknown);
            answer.told.message.as_deref().filter(|_| speaks)
        });
        own.or(self.why.as_deref()).unwrap_or_default()
    }

    /// Says what its service is not, and who says otherwise:
    /// `healthy by Docker, not ready by /health/ready: Database unavailable`.
    pub fn describe(&self, service: ServiceState) -> String {
        let named = format!("{} {}", self.id.name, self.rule.path()).to_lowercase();
        let not = if named.contains("ready") {
            "not ready"
        } else if named.contains("live") {
            "not alive"
        } else {
            "not well"
        };
        let docker = match service {
            ServiceState::Healthy => "healthy by Docker, ",
            _ => "",
        };
        format!("{docker}{not} by {}: {}", self.rule.path(), self.gist())
    }

    /// Whether its service has just started: then it may fail in peace.
    fn is_starting(&self, now: Timestamp, service: ServiceState) -> bool {
        let grace = if service == ServiceState::Healthy { HEALTHY_GRACE } else { GRACE };
        let fresh = self.life.is_some_and(|start| now.duration_since(start) < grace);
        service == ServiceState::Starting || (!self.has_passed && fresh)
    }

    /// Wants an attempt at some moment, or earlier.
    pub(super) fn ask(&mut self, at: Timestamp) {
        if self.in_flight {
            self.again = Some(self.again.map_or(at, |known| known.min(at)));
            return;
        }
        let at = self.at.map_or(at, |last| at.max(last + LEAST));
        self.next = self.next.min(at);
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        (self.life.is_some() && !self.in_flight).then_some(self.next)
    }

    pub(super) fn is_due(&mut self, now: Timestamp) -> bool {
        // The clock went back: what was to be soon is far away now.
        let far = now + schedule::span(self.rule.every) * 2;
        if self.next > far {
            self.next = schedule::beat(now, self.rule.every, self.seed);
        }
        self.next().is_some_and(|at| at <= now)
    }

    pub(super) fn began(&mut self, now: Timestamp) {
        self.in_flight = true;
        self.asked_in = self.life;
        self.next = schedule::beat(now, self.rule.every, self.seed);
    }

    /// Takes since when its service runs; returns whether that changed how it stands.
    pub(super) fn lives(&mut self, now: Timestamp, life: Option<Timestamp>, service: ServiceState) -> bool {
        if self.life == life {
            return false;
        }
        self.life = life;
        self.failures = 0;
        self.has_passed = false;
        self.ready_after = None;
        self.trouble = false;
        self.told = false;
        if self.state != ProbeState::Unknown {
            self.since = now;
        }
        self.state = ProbeState::Unknown;
        self.last = None;
        self.at = None;
        self.why = life.is_none().then(|| format!("its service is {}", service.word()));
        if life.is_some() {
            self.next = now;
        }
        true
    }

    /// Takes an answer and plans the next attempt.
    pub(super) fn take(&mut self, now: Timestamp, answer: ProbeAnswer, service: ServiceState) {
        self.in_flight = false;
        let again = self.again.take();
        let Some(life) = self.life.filter(|_| self.asked_in == self.life) else {
            // The answer is one of another life.
            self.next = now;
            return;
        };
        let (state, why) = judge(&answer, &self.rule, now);
        if state != self.state {
            self.state = state;
            self.since = now;
        }
        let first = self.at.is_none();
        self.at = Some(now);
        self.last = Some(answer);
        self.why = why;
        match state {
            ProbeState::Fail => self.failures = self.failures.saturating_add(1),
            ProbeState::Unknown => self.failures = 0,
            ProbeState::Pass => {
                self.failures = 0;
                // One that passes at the first look may have done so for long.
                let watched = !first || now.duration_since(life) < SignedDuration::from_secs(2);
                if !self.has_passed && watched {
                    self.ready_after = Some(now.duration_since(life));
                }
                self.has_passed = true;
            }
        }
        let starting = self.is_starting(now, service);
        let enough = self.failures >= ENOUGH || service == ServiceState::Unhealthy;
        self.trouble = match state {
            ProbeState::Fail => self.trouble || (enough && !starting),
            ProbeState::Unknown | ProbeState::Pass => false,
        };
        self.next = match state {
            ProbeState::Fail if starting => schedule::starting(now, self.rule.every),
            ProbeState::Fail if self.failures < ENOUGH => schedule::again(now, self.rule.every),
            _ => schedule::beat(now, self.rule.every, self.seed),
        };
        if let Some(at) = again {
            self.ask(at);
        }
    }

    /// Tells that it has become trouble, or that it is over. Where the engine's own check fails too, that has been
    /// told already.
    pub(super) fn news(&mut self, service: ServiceState) -> Option<ProbeNews> {
        let name = &self.id.name;
        let (severity, text) = match (self.trouble, self.told) {
            (true, false) if !service.is_trouble() => {
                (Severity::Error, format!("probe {name} fails: {}", self.describe(service)))
            }
            (false, true) => {
                let does = if self.state == ProbeState::Pass { "passes again" } else { "no longer fails" };
                (Severity::Good, format!("probe {name} {does}"))
            }
            _ => return None,
        };
        self.told = self.trouble;
        Some(ProbeNews { id: self.id.clone(), severity, text })
    }
}

/// Judges an answer, and the age of what it tells of.
fn judge(answer: &ProbeAnswer, rule: &ProbeRule, now: Timestamp) -> (ProbeState, Option<String>) {
    if let Some(fault) = &answer.fault {
        let state = if fault.kind == FaultKind::Unknown { ProbeState::Unknown } else { ProbeState::Fail };
        return (state, Some(fault.words.clone()));
    }
    if let (Some(stale), Some(last)) = (&rule.stale, answer.told.last)
        && now.duration_since(last) > schedule::span(stale.after)
    {
        let field = crate::model::text::clean(&stale.field);
        let most = duration_words(stale.after.as_secs() as i64);
        return (ProbeState::Fail, Some(format!("{field} is {} old, at most {most}", age(last, now))));
    }
    (ProbeState::Pass, None)
}
