//! The timeline: what happened, one line each, newest last, bounded.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use crate::event::{EngineEvent, EngineEventKind};
use crate::model::containers::NO_STACK;
use crate::model::health::Health;
use crate::model::jobs::{Job, JobOutcome};
use crate::model::stacks::{Target, age, signal_name};
use crate::model::timeline::{EntryKind, Severity, TimelineEntry};
use crate::model::tokens::{KeptRefresh, RefreshCause, TokenState};
use crate::model::watch::run::{RunPhase, WatchRun};
use crate::state::Revision;
use crate::state::connection::{Connection, Link};
use crate::state::containers::Containers;
use crate::state::heal::HealNews;
use crate::state::probes::ProbeNews;
use crate::state::tokens::{NewsKind, TokenNews};

/// Entries kept.
const CAPACITY: usize = 5_000;

#[derive(Debug, Default)]
pub struct Timeline {
    entries: VecDeque<TimelineEntry>,
    /// Entries that fell out at the front.
    dropped: u64,
    /// Entries that are worth keeping for the next run and were not handed over yet.
    news: Vec<TimelineEntry>,
    pub revision: Revision,
}

impl Timeline {
    /// Returns the entries, oldest first.
    pub fn entries(&self) -> &VecDeque<TimelineEntry> {
        &self.entries
    }

    /// Returns how many entries fell out: entry `i` is number `dropped + i` for ever.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes in what earlier runs kept.
    pub(super) fn remember(&mut self, entries: Vec<TimelineEntry>) {
        for entry in entries {
            self.insert(entry);
        }
    }

    /// Hands over what happened since the last call and is worth keeping.
    pub(super) fn take_news(&mut self) -> Vec<TimelineEntry> {
        std::mem::take(&mut self.news)
    }

    fn push(&mut self, entry: TimelineEntry) {
        if self.insert(entry.clone()) {
            self.news.push(entry);
        }
    }

    /// Puts an entry where its time belongs; returns whether it was new.
    fn insert(&mut self, entry: TimelineEntry) -> bool {
        // Replayed events may be older than what we noted ourselves.
        let mut at = self.entries.len();
        while at > 0 && self.entries[at - 1].at > entry.at {
            at -= 1;
        }
        // The engine tells its past again to every run and after every broken connection.
        let same_time = self.entries.range(..at).rev().take_while(|known| known.at == entry.at);
        if same_time.into_iter().any(|known| known.is_same_as(&entry)) {
            return false;
        }
        self.entries.insert(at, entry);
        if self.entries.len() > CAPACITY {
            self.entries.pop_front();
            self.dropped += 1;
        }
        self.revision.bump();
        true
    }

    pub(super) fn engine_connected(
        &mut self,
        now: Timestamp,
        connection: &Connection,
        gap: Option<Timestamp>,
    ) {
        let who = connection.info.as_ref().map_or_else(String::new, |info| {
            let name = if info.name.is_empty() { String::new() } else { format!("{}: ", info.name) };
            format!("{name}engine {} at {}", info.version, info.host)
        });
        match gap {
            Some(since) => {
                let text = format!("connected again after {} without events, {who}", age(since, now));
                self.push(about_engine(now, Severity::Good, text));
            }
            // That a run began is no news of the engine: not kept.
            None => {
                self.insert(about_engine(now, Severity::Info, format!("connected, {who}")));
            }
        }
    }

    pub(super) fn engine_lost(&mut self, now: Timestamp, connection: &Connection) {
        match &connection.link {
            Link::Lost { error, .. } => {
                self.push(about_engine(now, Severity::Error, format!("connection lost: {error}")));
            }
            Link::Refused { error, .. } => {
                self.insert(about_engine(now, Severity::Error, format!("no connection: {error}")));
            }
            Link::Connecting | Link::Connected => {}
        }
    }

    pub(super) fn webhook_failed(&mut self, now: Timestamp, why: String) {
        self.push(TimelineEntry { kind: EntryKind::Stackdash, ..about_engine(now, Severity::Warning, why) });
    }

    pub(super) fn token_changed(&mut self, at: Timestamp, news: TokenNews) {
        let name = &news.id.name;
        let (severity, text) = match news.kind {
            NewsKind::Turned { from, to, why } => {
                let why = why.map_or_else(String::new, |why| format!(": {why}"));
                let severity = match to {
                    TokenState::Valid => Severity::Good,
                    TokenState::Expiring | TokenState::Refreshing => Severity::Warning,
                    _ => Severity::Error,
                };
                (severity, format!("token {name}: {} → {}{why}", from.word(), to.word()))
            }
            NewsKind::Renewed { expires_at, fingerprint, by } => {
                let end = expires_at.map_or_else(String::new, |end| format!(", expires in {}", age(at, end)));
                let by = match by {
                    RefreshCause::Operator => "refreshed",
                    RefreshCause::Auto => "refreshed by itself",
                    RefreshCause::Service => "changed by its service",
                };
                (Severity::Good, format!("token {name} {by}{end} (fingerprint {fingerprint})"))
            }
            NewsKind::Authorized => (Severity::Good, format!("token {name} authorized anew")),
            NewsKind::NotAuthorized { why } => {
                (Severity::Warning, format!("token {name} was not authorized: {why}"))
            }
            NewsKind::RefreshFailed { by, why, next } => {
                let next =
                    next.map_or_else(String::new, |next| format!("; next attempt in {}", age(at, next)));
                (Severity::Error, format!("token {name}: refresh ({}) failed: {why}{next}", by.word()))
            }
        };
        let token = news.id.name.clone();
        let refresh = news.refresh.map(|refresh| KeptRefresh { token, refresh });
        self.push(TimelineEntry {
            at,
            kind: EntryKind::Token,
            severity,
            stack: Some(news.id.stack.clone()),
            service: news.service,
            container: None,
            health: None,
            refresh,
            text,
        });
    }

    pub(super) fn probe_changed(&mut self, at: Timestamp, news: ProbeNews) {
        let ProbeNews { id, severity, text } = news;
        self.about_service(at, (EntryKind::Probe, severity), (id.stack, id.service), text);
    }

    pub(super) fn healed(&mut self, at: Timestamp, news: HealNews) {
        let HealNews { stack, service, severity, text } = news;
        self.about_service(at, (EntryKind::Heal, severity), (stack, service), text);
    }

    fn about_service(
        &mut self,
        at: Timestamp,
        (kind, severity): (EntryKind, Severity),
        (stack, service): (Arc<str>, Arc<str>),
        text: String,
    ) {
        self.push(TimelineEntry {
            at,
            kind,
            severity,
            stack: Some(stack),
            service: Some(service),
            container: None,
            health: None,
            refresh: None,
            text,
        });
    }

    pub(super) fn engine_said(&mut self, event: &EngineEvent, containers: &Containers) {
        let (kind, severity, text) = match &event.kind {
            EngineEventKind::Created => (EntryKind::Container, Severity::Info, String::from("created")),
            EngineEventKind::Started => (EntryKind::Container, Severity::Info, String::from("started")),
            EngineEventKind::Died { exit_code } => {
                let signal = signal_name(exit_code - 128).map_or_else(String::new, |s| format!(" ({s})"));
                let severity = if *exit_code == 0 { Severity::Info } else { Severity::Warning };
                (EntryKind::Container, severity, format!("ended with exit code {exit_code}{signal}"))
            }
            EngineEventKind::Stopped => {
                (EntryKind::Container, Severity::Info, String::from("stopped on request"))
            }
            EngineEventKind::Killed { signal } => {
                let name = signal_name(i64::from(*signal)).map_or_else(|| signal.to_string(), str::to_owned);
                (EntryKind::Container, Severity::Info, format!("was sent {name}"))
            }
            EngineEventKind::OutOfMemory => {
                (EntryKind::Container, Severity::Error, String::from("a process was killed, out of memory"))
            }
            EngineEventKind::Paused => (EntryKind::Container, Severity::Info, String::from("paused")),
            EngineEventKind::Unpaused => (EntryKind::Container, Severity::Info, String::from("unpaused")),
            EngineEventKind::Restarted => {
                (EntryKind::Container, Severity::Info, String::from("restarted on request"))
            }
            EngineEventKind::Renamed => {
                (EntryKind::Container, Severity::Info, format!("renamed to {}", event.name))
            }
            EngineEventKind::Removed => (EntryKind::Container, Severity::Info, String::from("removed")),
            EngineEventKind::Updated => {
                (EntryKind::Container, Severity::Info, String::from("resource limits changed"))
            }
            EngineEventKind::Health(health) => {
                let (severity, text) = match health {
                    Health::Healthy => (Severity::Good, "became healthy"),
                    Health::Unhealthy => (Severity::Error, "became unhealthy"),
                    Health::Starting => (Severity::Info, "health check started"),
                    Health::None => (Severity::Info, "has no health check now"),
                };
                (EntryKind::Health, severity, text.to_owned())
            }
        };
        let known = containers.get(&event.container);
        if event.kind == EngineEventKind::Renamed
            && is_last_step_of_recreation(event, known.map(|k| &*k.container.name))
        {
            return;
        }
        let stack = event.stack.clone().or_else(|| known.map(|entry| entry.container.stack_name()));
        let service = event.service.clone().unwrap_or_else(|| event.name.clone());
        // Replicas of one service are told apart by their number.
        let number = known
            .and_then(|entry| entry.container.compose.as_ref())
            .filter(|compose| compose.number > 1)
            .map_or_else(String::new, |compose| format!("replica {} ", compose.number));
        self.push(TimelineEntry {
            at: event.at,
            kind,
            severity,
            stack: stack.or_else(|| Some(Arc::from(NO_STACK))),
            service: Some(service),
            container: Some(event.container.clone()),
            health: match event.kind {
                EngineEventKind::Health(health) => Some(health),
                _ => None,
            },
            refresh: None,
            text: format!("{number}{text}"),
        });
    }

    /// Tells of a step of a job that is over, with its own command line.
    pub(super) fn phase_over(&mut self, now: Timestamp, job: Option<&Job>) {
        let Some((job, phase)) = job.and_then(|job| Some((job, job.phase.as_ref()?))) else { return };
        let took = age(phase.since, now);
        // A run of the watcher tells of its steps in one line at its end.
        if job.watch.is_some() {
            return;
        }
        let text = format!("{} in {took} · {}", phase.phase.done(), phase.command);
        self.about_job(now, job, &text);
    }

    /// Tells what did not go as wished, and was no reason to end.
    pub(super) fn remarked(&mut self, now: Timestamp, job: Option<&Job>, remark: &str) {
        if let Some(job) = job {
            self.about_job(now, job, remark);
        }
    }

    fn about_job(&mut self, now: Timestamp, job: &Job, text: &str) {
        let text = format!("{}: {text}", job.verb.word());
        let (stack, service) = match &job.target {
            Target::Stack(name) => (Some(name.clone()), None),
            Target::Service { stack, service } => (Some(stack.clone()), Some(service.clone())),
            Target::Container(_) => (None, None),
        };
        self.push(TimelineEntry {
            at: now,
            kind: EntryKind::Action,
            severity: Severity::Info,
            stack,
            service,
            container: None,
            health: None,
            refresh: None,
            text,
        });
    }

    pub(super) fn job_finished(
        &mut self,
        now: Timestamp,
        job: &Job,
        outcome: &JobOutcome,
        containers: &Containers,
    ) {
        let (severity, mut text) = crate::state::jobs::describe(now, job, outcome);
        if let Some(left) = crate::state::jobs::left_behind(job, outcome, containers) {
            text = format!("{text}; {left}");
        }
        // Each step has told its own command line already.
        let command = job.phase.as_ref().map_or(&job.command, |phase| &phase.command);
        if !command.is_empty() {
            text = format!("{text} · {command}");
        }
        let (stack, service) = match &job.target {
            Target::Stack(name) => (Some(name.clone()), None),
            Target::Service { stack, service } => (Some(stack.clone()), Some(service.clone())),
            Target::Container(id) => containers.get(id).map_or((None, None), |entry| {
                (Some(entry.container.stack_name()), Some(entry.container.service_name()))
            }),
        };
        let container = match &job.target {
            Target::Container(id) => Some(id.clone()),
            Target::Stack(_) | Target::Service { .. } => None,
        };
        let kind = EntryKind::Action;
        self.push(TimelineEntry {
            at: now,
            kind,
            severity,
            stack,
            service,
            container,
            health: None,
            refresh: None,
            text,
        });
    }
}

impl Timeline {
    /// Tells how a run of the watcher went, once for each of its services.
    pub(super) fn watch_ended(&mut self, now: Timestamp, run: &WatchRun) {
        let severity = match run.phase() {
            RunPhase::Failed => Severity::Error,
            RunPhase::Suspended => Severity::Warning,
            _ => Severity::Good,
        };
        for service in &run.services {
            let about = about_engine(now, severity, run.describe());
            self.push(TimelineEntry {
                kind: EntryKind::Action,
                stack: Some(run.stack.clone()),
                service: Some(service.clone()),
                ..about
            });
        }
    }
}

/// Whether Compose gave a container that it made anew the name of the old one: no news beside `created`.
fn is_last_step_of_recreation(event: &EngineEvent, before: Option<&str>) -> bool {
    let (Some(stack), Some(service)) = (&event.stack, &event.service) else { return false };
    let name = &*event.name;
    // `3f2a9c1b77de_shop-web-1` becomes `shop-web-1`.
    let was_made = before.and_then(|before| before.strip_suffix(name)?.strip_suffix('_'));
    let is_id = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = name.strip_prefix(&**stack).and_then(|rest| rest.strip_prefix('-'));
    let number = number.and_then(|rest| rest.strip_prefix(&**service)?.strip_prefix('-'));
    was_made.is_some_and(is_id) || number.is_some_and(|number| number.parse::<u32>().is_ok())
}

fn about_engine(at: Timestamp, severity: Severity, text: String) -> TimelineEntry {
    TimelineEntry {
        at,
        kind: EntryKind::Engine,
        severity,
        stack: None,
        service: None,
        container: None,
        health: None,
        refresh: None,
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::containers::ContainerId;

    fn entry(at: i64, text: &str) -> TimelineEntry {
        about_engine(Timestamp::from_second(at).unwrap(), Severity::Info, text.to_owned())
    }

    fn texts(timeline: &Timeline) -> Vec<&str> {
        timeline.entries().iter().map(|entry| &*entry.text).collect()
    }

    #[test]
    fn the_renaming_that_ends_a_recreation_is_no_news() {
        let event = |name: &str, service: Option<&str>| EngineEvent {
            at: Timestamp::UNIX_EPOCH,
            container: ContainerId::new("c1"),
            name: Arc::from(name),
            stack: service.map(|_| Arc::from("shop")),
            service: service.map(Arc::from),
            kind: EngineEventKind::Renamed,
        };
        let is = |name, service, before| is_last_step_of_recreation(&event(name, service), before);
        assert!(is("shop-web-1", Some("web"), None));
        assert!(is("mydb", Some("db"), Some("3f2a9c1b77de_mydb")));
        assert!(!is("mydb", Some("db"), Some("shop-db-1")));
        assert!(!is("shop-web-old", Some("web"), Some("shop-web-1")));
        assert!(!is("shop-web-1", None, Some("x")));
    }

    #[test]
    fn what_was_kept_is_not_told_or_kept_twice() {
        let mut timeline = Timeline::default();
        timeline.remember(vec![entry(1, "a"), entry(2, "b"), entry(2, "c")]);
        assert!(timeline.take_news().is_empty(), "what was read is not written again");
        timeline.push(entry(2, "b"));
        timeline.push(entry(1, "new"));
        assert_eq!(texts(&timeline), ["a", "new", "b", "c"]);
        assert_eq!(timeline.take_news(), [entry(1, "new")]);
        assert!(timeline.take_news().is_empty());
    }
}
