//! Beliefs: all that we know, and the one place where it changes.
//!
//! [`State::apply`] takes a fact and the time, changes what we believe and returns what we wish for
//! now. Synchronous, deterministic, cannot fail. Never does I/O, never reads the clock, knows no
//! colors and no screen sizes.

pub mod attention;
pub mod connection;
pub mod containers;
pub mod definitions;
pub mod details;
pub mod host;
pub mod jobs;
pub mod logs;
pub mod notify;
pub mod timeline;
pub mod usage;
pub mod verdict;

use std::sync::Arc;

use jiff::Timestamp;

use crate::command::{Command, Interest};
use crate::event::Event;
use crate::model::containers::NO_STACK;
use crate::model::jobs::{ComposeVerb, Verb};
use crate::model::stacks::Target;
use crate::state::attention::Attention;
use crate::state::connection::Connection;
use crate::state::containers::Containers;
use crate::state::details::Details;
use crate::state::host::Host;
use crate::state::jobs::Jobs;
use crate::state::logs::LogStore;
use crate::state::notify::Notify;
use crate::state::timeline::Timeline;
use crate::state::usage::UsageBook;

/// Counts changes of one subject: equal to the one drawn means nothing to draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revision(u64);

impl Revision {
    pub fn bump(&mut self) {
        self.0 += 1;
    }
}

/// The revisions of all subjects at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revisions {
    pub connection: Revision,
    pub containers: Revision,
    pub usage: Revision,
    pub logs: Revision,
    pub timeline: Revision,
    pub jobs: Revision,
    pub host: Revision,
    pub details: Revision,
}

/// All we believe, by subject.
#[derive(Debug)]
pub struct State {
    /// When the last event arrived.
    pub now: Timestamp,
    pub read_only: bool,
    /// The one stack that is looked at; `None`: all of them.
    pub scope: Option<Arc<str>>,
    pub connection: Connection,
    pub containers: Containers,
    pub attention: Attention,
    pub usage: UsageBook,
    pub logs: LogStore,
    pub timeline: Timeline,
    pub jobs: Jobs,
    pub host: Host,
    pub details: Details,
    pub notify: Notify,
    pub interest: Interest,
}

impl State {
    pub fn new(now: Timestamp, host: String, read_only: bool) -> Self {
        Self {
            now,
            read_only,
            scope: None,
            connection: Connection::new(now, host),
            containers: Containers::default(),
            attention: Attention::default(),
            usage: UsageBook::default(),
            logs: LogStore::default(),
            timeline: Timeline::default(),
            jobs: Jobs::default(),
            host: Host::default(),
            details: Details::default(),
            notify: Notify::default(),
            interest: Interest::default(),
        }
    }

    pub fn revisions(&self) -> Revisions {
        Revisions {
            connection: self.connection.revision,
            containers: self.containers.revision(),
            usage: self.usage.revision,
            logs: self.logs.revision(),
            timeline: self.timeline.revision,
            jobs: self.jobs.revision,
            host: self.host.revision,
            details: self.details.revision,
        }
    }

    /// Takes a fact and returns the wishes that follow from it.
    pub fn apply(&mut self, now: Timestamp, event: Event) -> Vec<Command> {
        self.now = now;
        let mut wishes = Vec::new();
        match event {
            Event::Tick => self.containers.tick(now),
            Event::EngineConnected(info) => {
                let gap = self.connection.connected(now, info);
                self.timeline.engine_connected(now, &self.connection, gap);
            }
            Event::EngineLost { error, retry_at } => {
                if self.connection.lost(now, error, retry_at) {
                    self.timeline.engine_lost(now, &self.connection);
                }
            }
            Event::ContainersListed(mut list) => {
                list.retain(|container| self.is_in_scope(&container.stack_name()));
                self.containers.listed(now, list);
                self.connection.listed(now);
                self.forget_the_gone();
            }
            Event::ContainerInspected(container) => self.containers.inspected(now, *container),
            Event::InspectionFailed(_) => {}
            Event::ContainerGone(id) => {
                self.containers.gone(now, &id);
                self.forget_the_gone();
            }
            // The link notices when the engine is out of reach; one odd answer changes no belief.
            Event::EngineSaid { event, .. }
                if !self.is_in_scope(event.stack.as_deref().unwrap_or(NO_STACK)) => {}
            Event::EngineSaid { event, replayed } => {
                self.timeline.engine_said(&event, &self.containers);
                if self.containers.engine_said(now, &event) {
                    self.forget_the_gone();
                } else if !replayed {
                    wishes.push(Command::Inspect(event.container));
                }
            }
            Event::DefinitionRead { project, result } => {
                self.containers.definition_read(now, project, result);
            }
            Event::UsageSampled(samples) => self.usage.sampled(now, samples, &mut self.containers),
            Event::HostSampled(sample) => self.host.sampled(now, *sample),
            Event::DiskUsageRead(result) => self.host.disk_usage_read(now, result),
            Event::LogsAppended(lines) => self.logs.append(lines),
            Event::LogStatusChanged { container, status } => self.logs.set_status(container, status),
            Event::OlderLogsAsked(ids) => self.logs.older_asked(&ids),
            Event::OlderLogsRead { container, result } => self.logs.older_read(&container, result),
            Event::InspectRead { container, lines } => self.details.inspect_read(container, lines),
            Event::ProcessesRead { container, table } => self.details.processes_read(now, container, table),
            Event::JobStarted(job) => {
                if let Verb::Compose(ComposeVerb::Down { .. }) = job.verb
                    && let Target::Stack(name) = &job.target
                {
                    self.containers.keep(name);
                }
                self.jobs.started(*job);
            }
            Event::JobMeasured { job, total } => self.jobs.measured(job, total),
            Event::JobOutput { job, lines } => self.jobs.printed(job, lines),
            Event::JobProgressed { job, done } => self.jobs.progressed(job, done),
            Event::JobFinished { job, outcome } => {
                if let Some(job) = self.jobs.finished(now, job, &outcome, &self.containers) {
                    self.timeline.job_finished(now, &job, &outcome, &self.containers);
                    // Whoever calls Compose has often just changed its files.
                    if let Verb::Compose(_) = job.verb
                        && let Some(stack) = self.containers.stack_of(&job.target)
                        && let Some(project) = self.containers.project_of(&stack)
                    {
                        wishes.push(Command::ReadDefinition(project.clone()));
                    }
                }
            }
            Event::HistoryRead(mut entries) => {
                entries.retain(|entry| entry.stack.as_deref().is_none_or(|stack| self.is_in_scope(stack)));
                self.containers.remember_flips(&entries);
                self.timeline.remember(entries);
            }
            Event::HistoryFailed(why) => self.jobs.refused(now, why),
            Event::WebhookFailed(why) => {
                if self.notify.webhook_failed(now) {
                    self.timeline.webhook_failed(now, why);
                }
            }
            Event::CommandRefused(why) => self.jobs.refused(now, why),
            Event::LookedAt(interest) => {
                self.logs.show(&interest.logs);
                self.interest = interest;
            }
        }
        self.attention.refresh(&self.containers);
        let told = self.notify.refresh(now, &self.containers, &self.connection);
        wishes.extend(told.into_iter().map(Command::Notify));
        let news = self.timeline.take_news();
        if !news.is_empty() {
            wishes.push(Command::Remember(news));
        }
        if self.connection.is_local() {
            wishes.extend(self.containers.unread_definitions().into_iter().map(Command::ReadDefinition));
        }
        wishes
    }

    /// Returns when [`Event::Tick`] is due at the latest, if anything waits for it.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.containers.next_deadline().into_iter().chain(self.notify.next_deadline()).min()
    }

    fn is_in_scope(&self, stack: &str) -> bool {
        self.scope.as_deref().is_none_or(|only| only == stack)
    }

    fn forget_the_gone(&mut self) {
        self.usage.retain(&self.containers);
        self.details.retain(&self.containers);
    }
}

impl State {
    /// Returns when the next result of a container's health check is to be expected.
    pub fn next_health_result(&self, id: &crate::model::containers::ContainerId) -> Option<Timestamp> {
        let container = &self.containers.get(id)?.container;
        let interval = container.health_settings.as_ref()?.interval;
        let last = container.health_log.last()?;
        let took = std::time::Duration::from_millis(last.duration_ms + 300);
        Some(last.at? + interval + took)
    }
}
