//! `[heal]`: restarts what stays unhealthy, with brakes. Only decides; the restart is an ordinary job.
//!
//! A container counts as unhealthy by the engine's own health check. The brakes are a service's: all restarts
//! of its containers by its rule count, those of earlier runs too, as far as the timeline was kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::command::Command;
use crate::model::containers::{ContainerId, RunState};
use crate::model::jobs::Verb;
use crate::model::stack_file::HealRule;
use crate::model::stacks::{ServiceState, Target, age, duration_words};
use crate::model::timeline::{EntryKind, Severity, TimelineEntry};
use crate::state::Revision;
use crate::state::containers::{Containers, Entry};
use crate::state::jobs::Jobs;
use crate::state::stack_files::StackFiles;

/// While another job has the service in its hands.
const BUSY: SignedDuration = SignedDuration::from_secs(5);

type ServiceKey = (Arc<str>, Arc<str>);

#[derive(Debug, Default)]
pub struct Heal {
    /// Whether nothing is ever restarted by itself.
    off: bool,
    /// Waits so much longer: of two stackdash of one host, one shall be first and the other see what it did.
    delay: SignedDuration,
    records: BTreeMap<ServiceKey, Record>,
    /// Since when each is unhealthy, as we saw it.
    ill: HashMap<ContainerId, Timestamp>,
    next: Option<Timestamp>,
    news: Vec<HealNews>,
    /// Counts changes of who was given up.
    pub revision: Revision,
}

/// What was done for a service.
#[derive(Debug, Default)]
struct Record {
    /// Restarts that may still count, oldest first.
    restarts: Vec<Timestamp>,
    /// Until when nothing more is done, and after how many restarts in which time.
    gave_up: Option<(Timestamp, HealRule)>,
}

/// Something for the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealNews {
    pub stack: Arc<str>,
    pub service: Arc<str>,
    pub severity: Severity,
    pub text: String,
}

/// What is to be done for a container that is unhealthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Not long enough yet.
    Wait(Timestamp),
    Restart,
    /// The brakes bite until then.
    GiveUp(Timestamp),
}

/// Decides for one container. `since`: since when it is unhealthy; `restarts`: those before, oldest first.
pub fn decide(rule: HealRule, since: Timestamp, restarts: &[Timestamp], now: Timestamp) -> Decision {
    let span = |of| SignedDuration::try_from(of).unwrap_or(SignedDuration::MAX);
    let after = |at: Timestamp, of| at.checked_add(span(of)).unwrap_or(Timestamp::MAX);
    let due = after(since, rule.after);
    if now < due {
        return Decision::Wait(due);
    }
    // One in the future counts too: the clock went back, the restart has been.
    let mut counted = restarts.iter().filter(|at| after(**at, rule.per) > now);
    let oldest = counted.next();
    let count = counted.count() + usize::from(oldest.is_some());
    match oldest {
        Some(oldest) if count >= rule.max as usize => Decision::GiveUp(after(*oldest, rule.per)),
        _ => Decision::Restart,
    }
}

impl Heal {
    /// Restarts nothing from here on.
    pub fn switch_off(&mut self) {
        self.off = true;
    }

    pub fn wait_longer(&mut self, by: SignedDuration) {
        self.delay = by;
    }

    /// Says of a service that nothing more is done for it.
    pub fn gave_up(&self, stack: &str, service: &str) -> Option<String> {
        let record = self.records.iter().find(|((of, name), _)| **of == *stack && **name == *service);
        let (_, rule) = record?.1.gave_up?;
        Some(format!(
            "heal gave up after {} in {}",
            times(rule.max),
            duration_words(rule.per.as_secs() as i64)
        ))
    }

    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.next
    }

    pub(super) fn take_news(&mut self) -> Vec<HealNews> {
        std::mem::take(&mut self.news)
    }

    /// Takes the restarts that earlier runs kept.
    pub(super) fn remember(&mut self, entries: &[TimelineEntry]) {
        for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Heal) {
            if let (Some(stack), Some(service), Severity::Warning) =
                (&entry.stack, &entry.service, entry.severity)
            {
                let record = self.records.entry((stack.clone(), service.clone())).or_default();
                record.restarts.push(entry.at);
                record.restarts.sort();
            }
        }
    }

    /// Looks at everything that has a rule; returns what is to be restarted now.
    pub(super) fn due(
        &mut self,
        now: Timestamp,
        containers: &Containers,
        files: &StackFiles,
        jobs: &Jobs,
    ) -> Vec<Command> {
        self.next = None;
        if self.off {
            return Vec::new();
        }
        let mut wishes = Vec::new();
        for (stack, file) in files.iter() {
            for (service, rule) in &file.heal {
                let target = Target::Service { stack: stack.clone(), service: service.clone() };
                let ids = containers.of_target(&target);
                let ill: Vec<&Entry> =
                    ids.iter().filter_map(|id| containers.get(id)).filter(|entry| is_ill(entry)).collect();
                self.ill
                    .retain(|id, _| !ids.contains(id) || ill.iter().any(|entry| entry.container.id == *id));
                let key = (stack.clone(), service.clone());
                if ill.is_empty() {
                    self.well(&key, containers);
                }
                for entry in &ill {
                    let busy = jobs.on_service(stack, service, containers).is_some();
                    let alone = ids.len() == 1;
                    wishes.extend(self.treat(now, &key, *rule, entry, (busy, alone)));
                }
            }
        }
        wishes
    }

    /// A service with nothing unhealthy, and something healthy, is no longer given up.
    fn well(&mut self, key: &ServiceKey, containers: &Containers) {
        let state = containers.stack(&key.0).and_then(|stack| stack.service(&key.1));
        let is_well = state.is_some_and(|service| service.verdict.state == ServiceState::Healthy);
        if let Some(record) = self.records.get_mut(key).filter(|_| is_well)
            && record.gave_up.take().is_some()
        {
            self.revision.bump();
        }
    }

    fn treat(
        &mut self,
        now: Timestamp,
        key: &ServiceKey,
        rule: HealRule,
        entry: &Entry,
        (busy, alone): (bool, bool),
    ) -> Option<Command> {
        let id = &entry.container.id;
        let seen = *self.ill.entry(id.clone()).or_insert(now);
        let since = entry.verdict.since.unwrap_or(seen);
        let mut record = self.records.remove(key).unwrap_or_default();
        // A restart that failed or was refused gets the same time to help as one that was carried out.
        let ill_since = record.restarts.last().map_or(since, |last| since.max(*last)) + self.delay;
        let command = match decide(rule, ill_since, &record.restarts, now) {
            Decision::Wait(at) => {
                self.wake(at);
                None
            }
            Decision::GiveUp(until) => {
                self.wake(until);
                if record.gave_up.is_none() {
                    record.gave_up = Some((until, rule));
                    self.tell(key, Severity::Error, gave_up_words(key, rule, now, until));
                    self.revision.bump();
                }
                None
            }
            Decision::Restart if busy => {
                self.wake(now + BUSY);
                None
            }
            Decision::Restart => {
                if record.gave_up.take().is_some() {
                    self.revision.bump();
                }
                let per = SignedDuration::try_from(rule.per).unwrap_or(SignedDuration::MAX);
                record.restarts.retain(|at| at.checked_add(per).is_ok_and(|end| end > now));
                record.restarts.push(now);
                let text = restart_words(key, rule, age(since, now), record.restarts.len());
                self.tell(key, Severity::Warning, text);
                self.wake(now + BUSY);
                let target = if alone {
                    Target::Service { stack: key.0.clone(), service: key.1.clone() }
                } else {
                    Target::Container(id.clone())
                };
                Some(Command::Act { verb: Verb::Restart, target })
            }
        };
        self.records.insert(key.clone(), record);
        command
    }

    fn wake(&mut self, at: Timestamp) {
        self.next = Some(self.next.map_or(at, |known| known.min(at)));
    }

    fn tell(&mut self, (stack, service): &ServiceKey, severity: Severity, text: String) {
        self.news.push(HealNews { stack: stack.clone(), service: service.clone(), severity, text });
    }
}

fn is_ill(entry: &Entry) -> bool {
    entry.container.run == RunState::Running && entry.verdict.state == ServiceState::Unhealthy
}

fn restart_words(key: &ServiceKey, rule: HealRule, ill: String, count: usize) -> String {
    let per = duration_words(rule.per.as_secs() as i64);
    format!("heal.{}: unhealthy for {ill}, restart {count} of {} in {per}", key.1, rule.max)
}

fn gave_up_words(key: &ServiceKey, rule: HealRule, now: Timestamp, until: Timestamp) -> String {
    let (count, per) = (times(rule.max), duration_words(rule.per.as_secs() as i64));
    format!("heal.{} gave up: {count} in {per} did not help, next attempt in {}", key.1, age(now, until))
}

fn times(count: u32) -> String {
    if count == 1 { String::from("1 restart") } else { format!("{count} restarts") }
}

#[cfg(test)]
mod tests;
