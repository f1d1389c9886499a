//! Beliefs: all that we know, and the one place where it changes.
//!
//! [`State::apply`] takes a fact and the time, changes what we believe and returns what we wish for
//! now. Synchronous, deterministic, cannot fail. Never does I/O, never reads the clock, knows no
//! colors and no screen sizes.

pub mod attention;
pub mod budgets;
pub mod connection;
pub mod containers;
pub mod definitions;
pub mod details;
pub mod drift;
pub mod findings;
pub mod graph;
pub mod heal;
pub mod host;
pub mod jobs;
pub mod logs;
pub mod notify;
pub mod probes;
pub mod stack_files;
pub mod timeline;
pub mod tokens;
pub mod usage;
pub mod variants;
pub mod verdict;
pub mod watch;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::command::{Command, Interest};
use crate::event::Event;
use crate::model::containers::{Container, NO_STACK};
use crate::model::jobs::{ComposeVerb, JobId, Phase, Verb};
use crate::model::stack_file::FILE_NAME;
use crate::state::attention::{Attention, Worries};
use crate::state::budgets::{Budgets, Measured};
use crate::state::connection::Connection;
use crate::state::containers::Containers;
use crate::state::details::Details;
use crate::state::findings::Findings;
use crate::state::heal::Heal;
use crate::state::host::Host;
use crate::state::jobs::{Jobs, profiles, update};
use crate::state::logs::LogStore;
use crate::state::notify::Notify;
use crate::state::probes::Probes;
use crate::state::stack_files::StackFiles;
use crate::state::timeline::Timeline;
use crate::state::tokens::Tokens;
use crate::state::usage::UsageBook;
use crate::state::watch::Watch;
use crate::state::watch::decide::Around;

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
    pub findings: Revision,
    pub stack_files: Revision,
    pub tokens: Revision,
    pub watch: Revision,
    pub probes: Revision,
    /// Changes of probes that somebody should look at, and of what was given up.
    pub troubles: (Revision, Revision),
    pub budgets: Revision,
}

/// All we believe, by subject.
#[derive(Debug)]
pub struct State {
    /// When the last event arrived.
    pub now: Timestamp,
    pub read_only: bool,
    /// The one stack that is looked at; `None`: all of them.
    pub scope: Option<Arc<str>>,
    /// A variant to be chosen when its stack's variants are known.
    pub preferred_variant: Option<(Arc<str>, String)>,
    pub connection: Connection,
    pub containers: Containers,
    pub stack_files: StackFiles,
    pub tokens: Tokens,
    pub watch: Watch,
    pub probes: Probes,
    pub budgets: Budgets,
    pub heal: Heal,
    pub attention: Attention,
    pub usage: UsageBook,
    pub logs: LogStore,
    pub timeline: Timeline,
    pub jobs: Jobs,
    pub host: Host,
    pub details: Details,
    pub findings: Findings,
    pub notify: Notify,
    pub interest: Interest,
    sketch: Option<Box<Self>>,
}

impl State {
    pub fn new(now: Timestamp, host: String, read_only: bool) -> Self {
        Self {
            now,
            read_only,
            scope: None,
            preferred_variant: None,
            connection: Connection::new(now, host),
            containers: Containers::default(),
            stack_files: StackFiles::default(),
            tokens: Tokens::new(read_only),
            watch: Watch::default(),
            probes: Probes::default(),
            budgets: Budgets::default(),
            heal: Heal::default(),
            attention: Attention::default(),
            usage: UsageBook::default(),
            logs: LogStore::default(),
            timeline: Timeline::default(),
            jobs: Jobs::default(),
            host: Host::default(),
            details: Details::default(),
            findings: Findings::default(),
            notify: Notify::default(),
            interest: Interest::default(),
            sketch: None,
        }
    }

    /// Returns a state of its own that has the containers of the first list and nothing else, until the whole
    /// picture is there. Only to be drawn: nothing is derived from it, and nothing follows.
    pub fn sketch(&self) -> Option<&Self> {
        self.sketch.as_deref()
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
            findings: self.findings.revision,
            stack_files: self.stack_files.revision,
            tokens: self.tokens.revision,
            watch: self.watch.revision,
            probes: self.probes.revision,
            troubles: (self.probes.troubles, self.heal.revision),
            budgets: self.budgets.revision,
        }
    }

    /// Takes a fact and returns the wishes that follow from it.
    pub fn apply(&mut self, now: Timestamp, event: Event) -> Vec<Command> {
        self.now = now;
        let mut wishes = Vec::new();
        if changes_plans(&event) {
            self.watch.plans_changed();
        }
        match event {
            Event::Tick => self.containers.tick(now),
            Event::EngineConnected(info) => {
                let gap = self.connection.connected(now, info);
                self.timeline.engine_connected(now, &self.connection, gap);
            }
            Event::EngineLost { error, retry_at } => {
                self.sketch = None;
                if self.connection.lost(now, error, retry_at) {
                    self.timeline.engine_lost(now, &self.connection);
                }
            }
            Event::ContainersSketched(list) => self.draw_up_sketch(now, list),
            Event::ContainersListed(mut list) => {
                self.sketch = None;
                list.retain(|container| self.is_in_scope(&container.stack_name()));
                self.containers.listed(now, list);
                self.connection.listed(now);
                self.forget_the_gone();
            }
            Event::ContainerInspected(container) => {
                // At its first event there was no container to be looked into.
                if self.containers.get(&container.id).is_none() {
                    self.tokens.container_changed(now, &container.stack_name(), &container.service_name());
                }
                self.containers.inspected(now, *container);
            }
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
                if let (Some(stack), Some(service)) = (&event.stack, &event.service) {
                    self.tokens.container_changed(now, stack, service);
                    self.probes.container_changed(now, stack);
                }
                if self.containers.engine_said(now, &event) {
                    self.forget_the_gone();
                } else if !replayed {
                    wishes.push(Command::Inspect(event.container));
                }
            }
            Event::Linted { stack, result } => self.findings.judged(stack, result, &self.containers),
            Event::DefinitionRead { project, result } => {
                self.findings.files_read(&project, &result);
                if let Some(taken) = self.containers.definition_read(now, project, result) {
                    wishes.extend(taken.again.map(Command::ReadDefinition));
                    if let Some(why) = taken.broke {
                        let why = format!("{}: files changed, cannot be read: {why}", taken.stack);
                        self.jobs.refused(now, why);
                    }
                }
            }
            Event::StackFileRead { stack, folder, result } => {
                if self.stack_files.was_otherwise(&stack, &result) {
                    self.findings.judge_again(&stack);
                }
                if let Some(fault) = self.stack_files.read(stack.clone(), folder, result) {
                    self.jobs.refused(now, fault.lines().next().unwrap_or_default().to_owned());
                }
                let several = self.stack_files.get(&stack).is_some_and(|file| file.variants.len() > 1);
                self.containers.set_variants(&stack, several);
                if let Some((_, variant)) = self.preferred_variant.take_if(|(wanted, _)| *wanted == stack) {
                    wishes.extend(self.choose_variant(now, &stack, &variant));
                }
            }
            Event::FilesChanged(files) => {
                let projects = self.containers.files_changed(now, &files);
                wishes.extend(projects.into_iter().map(Command::ReadDefinition));
                let written = self.stack_files.written(&files);
                wishes.extend(
                    written.into_iter().map(|(stack, folder)| Command::ReadStackFile { stack, folder }),
                );
            }
            Event::WatchFailed(why) => self.jobs.refused(now, why),
            Event::VariantChosen { stack, variant } => {
                wishes.extend(self.choose_variant(now, &stack, &variant));
            }
            Event::TokensRead { stack, rule, result } => self.tokens.read(now, &stack, &rule, result),
            Event::TokenRefreshStarted { token, by } => self.tokens.refresh_started(now, &token, by),
            Event::TokenRefreshed { token, result } => self.tokens.refreshed(now, &token, result),
            Event::AuthorizationStarted(token) => self.tokens.authorization_started(now, &token),
            Event::InvitationRead { token, result } => self.tokens.invitation_read(now, &token, result),
            Event::ApprovalRead { token, result } => self.tokens.approval_read(now, &token, result),
            Event::AuthorizationDropped(token) => self.tokens.authorization_dropped(&token),
            Event::AutoRefreshSet { token, on } => self.tokens.set_auto(now, &token, on),
            Event::ProbesWanted => self.probes.wanted(now),
            Event::Probed { probe, answer } => self.probes.answered(now, &probe, *answer, &self.containers),
            Event::ImageMeasured { image_id, bytes } => self.budgets.image_measured(image_id, bytes),
            Event::TreeSaid(news) => self.watch.told(now, news),
            // Nothing could follow from what was saved.
            Event::WatchedBefore(_) if self.read_only => {}
            Event::WatchedBefore(keys) => self.watch.restore(keys),
            Event::WatchSet { stack, service, on } => {
                if let Err(why) = self.watch.set(&stack, service.as_ref(), on) {
                    self.jobs.refused(now, why);
                }
            }
            Event::WatchPaused(paused) => self.watch.set_paused(paused),
            Event::WatchManual(manual) => self.watch.set_manual(manual),
            Event::WatchTriggered { stack, service } => {
                if let Err(why) = self.watch.trigger(&stack, &service) {
                    self.jobs.refused(now, why);
                }
            }
            Event::WatchRefused { run, why } => self.watch.refused(now, run, why),
            Event::UsageSampled(samples) => self.usage.sampled(now, samples, &mut self.containers),
            Event::HostSampled(sample) => self.host.sampled(now, *sample),
            Event::DiskUsageRead(result) => self.host.disk_usage_read(now, result),
            Event::LogsAppended(lines) => self.logs.append(lines),
            Event::LogStatusChanged { source, status } => self.logs.set_status(source, status),
            Event::OlderLogsAsked(ids) => self.logs.older_asked(&ids),
            Event::OlderLogsRead { source, result } => self.logs.older_read(&source, result),
            Event::InspectRead { container, lines } => self.details.inspect_read(container, lines),
            Event::ProcessesRead { container, table } => self.details.processes_read(now, container, table),
            Event::ChoicesRead { number, result } => self.details.choices_read(number, result),
            Event::JobStarted(job) => {
                if let Some(order) = &job.order {
                    profiles::remember(&mut self.containers, order);
                }
                if let Some(order) = &job.order
                    && order.verb == ComposeVerb::Update
                {
                    let images = update::images(&self.containers, order);
                    self.jobs.keeps(job.id, images);
                }
                self.watch.job_started(&job);
                self.jobs.started(*job);
            }
            Event::JobPhased { job, phase, command } => {
                self.follow_run(now, job, phase);
                let over = self.jobs.phased(now, job, phase, command);
                self.timeline.phase_over(now, over.as_ref());
            }
            Event::JobWaits { job, containers } => {
                self.follow_run(now, job, Phase::Waiting);
                let over = self.jobs.waits(now, job, containers);
                self.timeline.phase_over(now, over.as_ref());
            }
            Event::JobRemarked { job, remark } => {
                self.jobs.remarked(now, job, &remark, &self.containers);
                self.timeline.remarked(now, self.jobs.get(job), &remark);
            }
            Event::UpdateFailed { job, images } => self.jobs.update_failed(now, job, images),
            Event::JobMeasured { job, total } => self.jobs.measured(job, total),
            Event::JobOutput { job, lines, .. } => self.jobs.printed(job, lines),
            Event::JobProgressed { job, done } => self.jobs.progressed(job, done),
            Event::JobFinished { job, outcome } => {
                if let Some((job, outcome)) = self.jobs.finished(now, job, &outcome, &self.containers) {
                    if job.watch.is_some() {
                        self.watch.job_finished(now, &job, &outcome);
                    } else {
                        self.timeline.job_finished(now, &job, &outcome, &self.containers);
                    }
                    // Whoever calls Compose has often just changed its files.
                    if let Verb::Compose(_) = job.verb
                        && let Some(stack) = self.containers.stack_of(&job.target)
                        && let Some(project) = self.containers.read_again(now, &stack)
                    {
                        wishes.push(Command::ReadDefinition(project));
                    }
                }
            }
            Event::HistoryRead(mut entries) => {
                entries.retain(|entry| entry.stack.as_deref().is_none_or(|stack| self.is_in_scope(stack)));
                self.containers.remember_flips(&entries);
                self.heal.remember(&entries);
                self.tokens.remember(&entries);
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
        self.jobs.judge(now, &self.containers);
        for fault in self.stack_files.labels_changed(&self.containers) {
            self.jobs.refused(now, fault);
        }
        wishes.extend(self.reload(now));
        self.tokens.rules_changed(now, &self.stack_files);
        self.probes.rules_changed(now, &self.stack_files);
        if self.connection.is_up() {
            wishes.extend(self.tokens.due(now, &self.containers));
            wishes.extend(self.probes.due(now, &self.containers));
            wishes.extend(self.heal_due(now));
        }
        for news in self.tokens.take_news() {
            self.timeline.token_changed(now, news);
        }
        for news in self.probes.take_news() {
            self.timeline.probe_changed(now, news);
        }
        let measured = Measured {
            containers: &self.containers,
            usage: &self.usage,
            probes: &self.probes,
            files: &self.stack_files,
        };
        wishes.extend(self.budgets.refresh(&measured));
        let worries = Worries {
            findings: &self.findings,
            tokens: &self.tokens,
            probes: &self.probes,
            heal: &self.heal,
            watch: &self.watch,
        };
        self.attention.refresh(now, &self.containers, &worries);
        let told = self.notify.refresh(now, &self.containers, &self.tokens, &self.connection);
        wishes.extend(told.into_iter().map(Command::Notify));
        let news = self.timeline.take_news();
        if !news.is_empty() {
            wishes.push(Command::Remember(news));
        }
        // Which ports are a stack's own is known with the containers.
        if self.connection.listed_at.is_some() {
            let due = self.findings.take_due();
            wishes.extend(due.into_iter().map(|(stack, project)| Command::Lint { stack, project }));
        }
        if self.connection.is_local() {
            wishes.extend(self.containers.unread_definitions(now).into_iter().map(Command::ReadDefinition));
            let unread = self.stack_files.unread(&self.containers);
            wishes.extend(unread.into_iter().map(|(stack, folder)| Command::ReadStackFile { stack, folder }));
        }
        wishes
    }

    fn draw_up_sketch(&mut self, now: Timestamp, mut list: Vec<Container>) {
        list.retain(|container| self.is_in_scope(&container.stack_name()));
        if self.connection.listed_at.is_none() && !list.is_empty() {
            let mut sketch = Self::new(now, self.connection.host.clone(), self.read_only);
            sketch.scope.clone_from(&self.scope);
            sketch.containers.listed(now, list);
            self.sketch = Some(Box::new(sketch));
            self.connection.revision.bump();
        }
    }

    /// Finds what is to be done about files that were saved.
    fn reload(&mut self, now: Timestamp) -> Vec<Command> {
        self.watch.refresh_plans(&self.containers, &self.stack_files);
        let can_act = self.connection.is_up() && !self.read_only;
        let around = Around { containers: &self.containers, jobs: &self.jobs, can_act };
        let wishes = self.watch.due(now, &around);
        for run in self.watch.take_ended() {
            self.timeline.watch_ended(now, &run);
        }
        wishes
    }

    fn follow_run(&mut self, now: Timestamp, job: JobId, phase: Phase) {
        if let Some(job) = self.jobs.get(job) {
            self.watch.job_phased(now, job, phase);
        }
    }

    /// Returns when [`Event::Tick`] is due at the latest, if anything waits for it.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let tokens = self.tokens.next_deadline(self.now).filter(|_| self.connection.is_up());
        let own = self.probes.next_deadline().into_iter().chain(self.heal.next_deadline());
        let own = own.filter(|_| self.connection.is_up());
        let others = self.notify.next_deadline().into_iter().chain(self.jobs.next_deadline()).chain(tokens);
        let others = others.chain(own).chain(self.watch.next_deadline());
        self.containers.next_deadline().into_iter().chain(others).min()
    }

    /// Restarts what stays unhealthy, where that is asked for.
    fn heal_due(&mut self, now: Timestamp) -> Vec<Command> {
        if self.read_only {
            return Vec::new();
        }
        let wishes = self.heal.due(now, &self.containers, &self.stack_files, &self.jobs);
        for news in self.heal.take_news() {
            self.timeline.healed(now, news);
        }
        wishes
    }

    /// Lets a stack use the files of a variant; says so, or why not.
    fn choose_variant(&mut self, now: Timestamp, stack: &Arc<str>, wanted: &str) -> Option<Command> {
        let variants = variants::variants(self, stack);
        let Some(found) = variants.iter().find(|one| one.variant.name == wanted) else {
            let known: Vec<&str> = variants.iter().map(|one| &*one.variant.name).collect();
            let why = if known.is_empty() {
                format!("{stack} has no variants: name sets of its files under [variants] in {FILE_NAME}")
            } else {
                format!("{stack} has no variant {wanted:?} (known: {})", known.join(", "))
            };
            self.jobs.refused(now, why);
            return None;
        };
        let (files, runs) = (found.variant.files.clone(), found.runs);
        let words = if runs {
            format!("{stack}: {wanted} is chosen, it is what runs")
        } else {
            format!("{stack}: {wanted} is chosen, not running; bringing it up switches to it")
        };
        self.jobs.said(now, words);
        self.containers.choose_files(now, stack, files).map(Command::ReadDefinition)
    }

    /// Returns every file whose change matters, there or not.
    pub fn watched_files(&self) -> BTreeSet<PathBuf> {
        if !self.connection.is_local() {
            return BTreeSet::new();
        }
        self.containers.source_files().map(Path::to_owned).chain(self.stack_files.paths()).collect()
    }

    /// Returns the stack that everything known is of, if there is only one: its name tells nothing apart.
    pub fn only_stack(&self) -> Option<&str> {
        if let Some(scope) = &self.scope {
            return Some(scope);
        }
        let mut stacks = self.containers.stacks();
        stacks.next().filter(|_| stacks.next().is_none()).map(|stack| &*stack.name)
    }

    fn is_in_scope(&self, stack: &str) -> bool {
        self.scope.as_deref().is_none_or(|only| only == stack)
    }

    fn forget_the_gone(&mut self) {
        self.usage.retain(&self.containers);
        self.details.retain(&self.containers);
    }
}

/// Whether what is watched may be something else after an event.
fn changes_plans(event: &Event) -> bool {
    matches!(
        event,
        Event::DefinitionRead { .. }
            | Event::StackFileRead { .. }
            | Event::VariantChosen { .. }
            | Event::ContainersListed(_)
    )
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
