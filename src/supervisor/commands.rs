//! What is done with each wish.

use std::sync::Arc;

use crate::command::Command;
use crate::event::Event;
use crate::model::compose::ComposeProject;
use crate::model::jobs::Job;
use crate::model::tokens::{RefreshCause, TokenId};
use crate::state::findings;
use crate::supervisor::jobs::{JobRunner, Room};
use crate::supervisor::{READ_ONLY, Supervisor, older, runs, watch};

impl Supervisor {
    /// Carries out a wish. The one gate of `--read-only`: nothing that changes something passes it.
    pub fn submit(&mut self, command: Command) {
        if self.state.read_only && command.changes_something() {
            self.apply(Event::CommandRefused(String::from(READ_ONLY)));
            return;
        }
        match command {
            Command::Act { verb, target } => self.begin(|jobs, room| jobs.act(room, verb, target)),
            Command::Compose(order) => self.begin(|jobs, room| jobs.compose(room, &order)),
            Command::Rename { container, name } => {
                self.begin(|jobs, room| jobs.rename(room, container, name));
            }
            Command::Copy(order) => self.begin(|jobs, room| jobs.copy(room, order)),
            Command::Run(order) => self.begin(|jobs, room| jobs.run(room, order)),
            Command::ReadChoices { number, order } => {
                let engine = self.ports.engine.clone();
                self.fetch(async move {
                    let result = runs::choices(engine, &order).await;
                    Event::ChoicesRead { number, result }
                });
            }
            Command::Cancel(job) => self.jobs.cancel(job),
            Command::LookAt(interest) => {
                if interest == self.state.interest {
                    return;
                }
                self.followers.follow(&interest.logs, &self.state);
                let now = self.now();
                if interest.processes != self.state.interest.processes {
                    self.next_processes = interest.processes.is_some().then_some(now);
                }
                if interest.health != self.state.interest.health {
                    self.next_health = interest.health.is_some().then_some(now);
                }
                self.apply(Event::LookedAt(interest));
            }
            Command::LoadOlderLogs(ids) => {
                let requests = self.state.logs.older_requests(&ids);
                self.apply(Event::OlderLogsAsked(ids));
                for request in requests {
                    let engine = self.ports.engine.clone();
                    let tty = self.state.containers.get(&request.source.container);
                    let tty = tty.is_some_and(|entry| entry.container.tty);
                    self.fetch(async move {
                        let result = older::read(engine, &request, tty).await;
                        Event::OlderLogsRead { source: request.source, result }
                    });
                }
            }
            Command::Inspect(id) => self.inspect(id),
            Command::ReadInspect(container) => {
                let engine = self.ports.engine.clone();
                self.fetch(async move {
                    let lines = engine.inspect_text(&container).await;
                    Event::InspectRead { container, lines }
                });
            }
            Command::ReadProcesses(container) => {
                let engine = self.ports.engine.clone();
                self.fetch(async move {
                    let table = engine.processes(&container).await;
                    Event::ProcessesRead { container, table }
                });
            }
            Command::ReadDiskUsage => {
                let engine = self.ports.engine.clone();
                self.fetch(async move { Event::DiskUsageRead(engine.disk_usage().await) });
            }
            Command::ReadDefinition(project) => {
                let compose = self.ports.compose.clone();
                let turn = self.definitions.clone();
                self.fetch(async move {
                    // One at a time: each takes a core for a fifth of a second, and nobody waits for it.
                    let _turn = turn.acquire_owned().await;
                    let result = compose.definition(&project).await;
                    Event::DefinitionRead { project, result }
                });
            }
            Command::ChooseVariant { stack, variant } => self.apply(Event::VariantChosen { stack, variant }),
            Command::Lint { stack, project } => self.lint(stack, project),
            Command::ReadStackFile { stack, folder } => {
                let files = self.ports.stack_files.clone();
                self.fetch(async move {
                    let result = files.read(&folder).await;
                    Event::StackFileRead { stack, folder, result }
                });
            }
            Command::ReadTokens(request) => {
                let source = self.ports.tokens.clone();
                self.fetch(async move {
                    let result = source.read(&request).await;
                    Event::TokensRead { stack: request.stack, rule: request.rule.name.clone(), result }
                });
            }
            Command::Probe(request) => {
                let (prober, turn) = (self.ports.prober.clone(), self.probes.clone());
                self.fetch(async move {
                    let _turn = turn.acquire_owned().await;
                    let answer = Box::new(prober.probe(&request).await);
                    Event::Probed { probe: request.id, answer }
                });
            }
            Command::ProbeNow => self.apply(Event::ProbesWanted),
            Command::MeasureImage(image_id) => {
                let engine = self.ports.engine.clone();
                self.fetch(async move {
                    let bytes = engine.image_bytes(&image_id).await.ok();
                    Event::ImageMeasured { image_id, bytes }
                });
            }
            Command::RefreshToken { token, by } => self.refresh_token(token, by),
            Command::Authorize(token) => self.authorize(token),
            Command::AskApproval(token) => {
                let request = self.state.tokens.request(&token, &self.state.containers);
                let source = self.ports.tokens.clone();
                if let Some(request) = request {
                    self.fetch(async move {
                        let result = source.approval(&request, &token).await;
                        Event::ApprovalRead { token, result }
                    });
                }
            }
            Command::DropAuthorization(token) => self.apply(Event::AuthorizationDropped(token)),
            Command::SetAutoRefresh { token, on } => self.apply(Event::AutoRefreshSet { token, on }),
            Command::SetWatch { stack, service, on } => self.apply(Event::WatchSet { stack, service, on }),
            Command::PauseWatch(paused) => self.apply(Event::WatchPaused(paused)),
            Command::SetWatchManual(manual) => self.apply(Event::WatchManual(manual)),
            Command::TriggerWatch { stack, service } => self.apply(Event::WatchTriggered { stack, service }),
            Command::RunWatch(order) => {
                let run = order.run;
                let room = Room {
                    state: &self.state,
                    ports: &self.ports,
                    outbox: &self.outbox,
                    tasks: &mut self.tasks,
                };
                match self.jobs.watch(room, order) {
                    Ok(job) => self.apply(Event::JobStarted(Box::new(job))),
                    Err(why) => self.apply(Event::WatchRefused { run, why }),
                }
            }
            Command::KeepTree { tree, changes } => {
                if let Some(trees) = self.ports.trees.clone() {
                    self.keep(async move { trees.keep(&tree, &changes).await });
                }
            }
            Command::KeepWatched(watched) => {
                if let Some(trees) = self.ports.trees.clone().filter(|_| self.trees.remembers) {
                    self.keep(async move { trees.keep_watched(&watched).await });
                }
            }
            Command::Reconnect => self.reconnect.notify_one(),
            Command::Notify(notification) => {
                if let Some(webhook) = self.ports.webhook.clone() {
                    let (turn, outbox) = (self.webhooks.clone(), self.outbox.clone());
                    self.tasks.spawn(async move {
                        let _turn = turn.acquire_owned().await;
                        if let Err(why) = webhook.tell(notification).await {
                            log::warn!("{why}");
                            outbox.fact(Event::WebhookFailed(why)).await;
                        }
                    });
                }
            }
            Command::Remember(entries) => {
                if let Some(recorder) = &mut self.recorder {
                    recorder.keep(entries);
                }
            }
        }
    }

    /// Watches again what was watched in an earlier run, and keeps what is watched for the next.
    pub fn remember_watched(&mut self) {
        let Some(trees) = self.ports.trees.clone() else { return };
        self.trees.remembers = true;
        self.tasks.spawn(watch::recall(trees, self.outbox.clone()));
    }

    /// Lets something be kept; what is wrong with the disk costs one warning.
    fn keep(&mut self, work: impl Future<Output = Result<(), String>> + Send + 'static) {
        let outbox = self.outbox.clone();
        self.tasks.spawn(async move {
            if let Err(why) = work.await {
                outbox.fact(Event::WatchFailed(why)).await;
            }
        });
    }

    fn refresh_token(&mut self, token: TokenId, by: RefreshCause) {
        let tokens = &self.state.tokens;
        let ready = tokens.can_refresh(&token).and_then(|()| {
            tokens.request(&token, &self.state.containers).ok_or_else(|| format!("{} is gone", token.name))
        });
        match ready {
            Ok(request) => {
                self.apply(Event::TokenRefreshStarted { token: token.clone(), by });
                let source = self.ports.tokens.clone();
                self.fetch(async move {
                    let result = source.refresh(&request, &token).await;
                    Event::TokenRefreshed { token, result }
                });
            }
            Err(why) => self.apply(Event::CommandRefused(why)),
        }
    }

    fn authorize(&mut self, token: TokenId) {
        let tokens = &self.state.tokens;
        let ready = tokens.can_authorize(&token).and_then(|()| {
            tokens.request(&token, &self.state.containers).ok_or_else(|| format!("{} is gone", token.name))
        });
        match ready {
            Ok(request) => {
                self.apply(Event::AuthorizationStarted(token.clone()));
                let source = self.ports.tokens.clone();
                self.fetch(async move {
                    let result = source.authorize(&request, &token).await;
                    Event::InvitationRead { token, result }
                });
            }
            Err(why) => self.apply(Event::CommandRefused(why)),
        }
    }

    fn lint(&mut self, stack: Arc<str>, project: ComposeProject) {
        let Some(linter) = self.ports.linter.clone() else { return };
        let standing = findings::standing(&self.state, &stack);
        let turn = self.definitions.clone();
        self.fetch(async move {
            let _turn = turn.acquire_owned().await;
            let result = linter.findings(&project, standing).await;
            Event::Linted { stack, result }
        });
    }

    /// Lets a job begin, or tells why it cannot.
    fn begin(&mut self, start: impl FnOnce(&mut JobRunner, Room<'_>) -> Result<Job, String>) {
        let room =
            Room { state: &self.state, ports: &self.ports, outbox: &self.outbox, tasks: &mut self.tasks };
        match start(&mut self.jobs, room) {
            Ok(job) => self.apply(Event::JobStarted(Box::new(job))),
            Err(why) => self.apply(Event::CommandRefused(why)),
        }
    }
}
