//! Carries out runs of the watcher: builds and creates anew, copies, restarts, and waits until ready.
//!
//! What is done was decided by [`crate::state::watch`]; nothing is done here that a bare call would not do.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::event::Event;
use crate::model::containers::ContainerId;
use crate::model::jobs::{ComposeOrder, ComposeVerb, Job, JobId, JobOutcome, Phase, Verb};
use crate::model::runs::{ExecOrder, words};
use crate::model::stacks::Target;
use crate::model::watch::run::{RunAction, SyncHook, SyncItem, WatchOrder};
use crate::ports::Ports;
use crate::state::State;
use crate::state::jobs::compose::{ComposeCall, ComposeStep, call, is_anonymous};
use crate::state::jobs::runs::code_words;
use crate::state::watch::decide::target;
use crate::supervisor::inbox::Outbox;
use crate::supervisor::jobs::compose::{Call, Decision};
use crate::supervisor::jobs::{JobRunner, Room, check, name, sentence, turn};

/// Containers dealt with at once.
const AT_ONCE: usize = 16;
/// Lines of a hook that go up together.
const BATCH: usize = 64;

/// A container and its name.
type Named = (ContainerId, String);

impl JobRunner {
    /// Carries out a run of the watcher, or says why not.
    pub fn watch(&mut self, room: Room<'_>, order: WatchOrder) -> Result<Job, String> {
        let verb = Verb::Watch(order.action);
        let target = target(&order.stack, &order.services);
        check(room.state, verb, &target)?;
        let call = match order.action {
            RunAction::Rebuild => rebuild(room.state, &order)?,
            _ => ComposeCall {
                project: room.state.containers.project_of(&order.stack).cloned().unwrap_or_default(),
                target: target.clone(),
                steps: Vec::new(),
                command: String::new(),
            },
        };
        let containers = replicas(room.state, &order.stack, &order.services);
        if containers.is_empty() && order.action != RunAction::Rebuild {
            return Err(format!("{}: there is no container", room.state.containers.name_of(&target)));
        }
        let turn = turn(&room, verb, &target)?;
        let job =
            Job { command: call.command.clone(), watch: Some(order.run), ..self.job(&room, verb, target) };
        self.turns.extend(turn.map(|turn| (job.id, turn)));
        let (decide, decided) = tokio::sync::watch::channel::<Decision>(None);
        self.waiting.retain(|_, waiting| waiting.receiver_count() > 0);
        self.waiting.insert(job.id, decide);
        let meant: Vec<Arc<str>> = order.services.iter().chain(&order.followers).cloned().collect();
        let compose = ComposeOrder {
            verb: ComposeVerb::Rebuild,
            stack: order.stack.clone(),
            services: meant,
            profiles: Vec::new(),
        };
        let renewed = if order.renews_volumes { anonymous(room.state, &containers) } else { Vec::new() };
        let work = Work {
            renewed,
            followers: replicas(room.state, &order.stack, &order.followers),
            containers,
            order,
            id: job.id,
            ports: room.ports.clone(),
            outbox: room.outbox.clone(),
            call: Call {
                id: job.id,
                order: compose,
                call,
                images: Vec::new(),
                decided,
                ports: room.ports.clone(),
                outbox: room.outbox.clone(),
            },
        };
        self.spawn(room, job.id, work.run());
        Ok(job)
    }
}

/// Finds the calls of Compose: one build of each image, then new containers from it.
fn rebuild(state: &State, order: &WatchOrder) -> Result<ComposeCall, String> {
    let compose = ComposeOrder {
        verb: ComposeVerb::Rebuild,
        stack: order.stack.clone(),
        services: order.services.clone(),
        profiles: Vec::new(),
    };
    let mut call = call(&state.containers, &compose)?;
    let with = |words: &[&str], services: &[Arc<str>]| -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).chain(services.iter().map(ToString::to_string)).collect()
    };
    let up: &[&str] = if order.renews_volumes {
        &["up", "--detach", "--no-deps", "--renew-anon-volumes"]
    } else {
        &["up", "--detach", "--no-deps"]
    };
    let steps =
        [(Phase::Building, with(&["build"], &order.builds)), (Phase::Starting, with(up, &order.services))];
    call.steps = steps
        .into_iter()
        .map(|(phase, arguments)| ComposeStep {
            phase: Some(phase),
            command: call.project.command_line(&arguments),
            arguments,
            lenient: false,
        })
        .collect();
    call.command = call.steps.iter().map(|step| &*step.command).collect::<Vec<_>>().join(" && ");
    Ok(call)
}

fn replicas(state: &State, stack: &Arc<str>, services: &[Arc<str>]) -> Vec<Named> {
    let mut all = Vec::new();
    for service in services {
        let target = Target::Service { stack: stack.clone(), service: service.clone() };
        for id in state.containers.of_target(&target) {
            let entry = state.containers.get(&id);
            let compose = entry.and_then(|entry| entry.container.compose.as_ref());
            if compose.is_some_and(|compose| !compose.one_off) {
                all.push((id.clone(), name(state, &id)));
            }
        }
    }
    all
}

/// Finds the volumes of containers that the engine made up a name for.
fn anonymous(state: &State, containers: &[Named]) -> Vec<String> {
    let entries = containers.iter().filter_map(|(id, _)| state.containers.get(id));
    let mounts = entries.flat_map(|entry| &entry.container.mounts).filter(|mount| mount.kind == "volume");
    mounts.map(|mount| mount.source.clone()).filter(|name| is_anonymous(name)).collect()
}

/// What is done to each container.
#[derive(Clone)]
enum Deed {
    Copy(Arc<[SyncItem]>),
    Restart,
}

/// Everything a run needs.
struct Work {
    id: JobId,
    order: WatchOrder,
    containers: Vec<Named>,
    followers: Vec<Named>,
    /// Volumes without a name that the new containers do not take over.
    renewed: Vec<String>,
    call: Call,
    ports: Ports,
    outbox: Outbox,
}

impl Work {
    async fn run(mut self) {
        let result = match self.order.action {
            RunAction::Rebuild => self.rebuild().await,
            _ => self.others().await,
        };
        let outcome = match result {
            Ok(()) => JobOutcome::Succeeded,
            Err(errors) => JobOutcome::Failed(errors),
        };
        self.outbox.fact(Event::JobFinished { job: self.id, outcome }).await;
    }

    async fn rebuild(&mut self) -> Result<(), Vec<String>> {
        for step in &self.call.call.steps {
            self.call.step(step).await.map_err(|error| vec![error])?;
        }
        // Compose leaves them behind, one set for each rebuild. What a container still has, the engine keeps.
        for volume in &self.renewed {
            if let Err(error) = self.ports.engine.remove_volume(volume).await {
                log::info!("{volume}: {error}");
            }
        }
        self.follow().await?;
        self.ready().await
    }

    async fn others(&mut self) -> Result<(), Vec<String>> {
        if !self.order.copies.is_empty() {
            self.phase(Phase::Syncing, "").await;
            let copies: Arc<[SyncItem]> = std::mem::take(&mut self.order.copies).into();
            self.each(&self.containers, Deed::Copy(copies)).await?;
        }
        for hook in &self.order.hooks {
            self.phase(Phase::Hooking, &words(&hook.arguments)).await;
            for (id, name) in &self.containers {
                self.hook(hook, id).await.map_err(|why| vec![format!("{name}: {why}")])?;
            }
        }
        if matches!(self.order.action, RunAction::Restart | RunAction::SyncRestart) {
            self.phase(Phase::Restarting, "").await;
            self.each(&self.containers, Deed::Restart).await?;
            self.follow().await?;
            self.ready().await?;
        }
        Ok(())
    }

    /// Restarts those that ask for it.
    async fn follow(&self) -> Result<(), Vec<String>> {
        if self.followers.is_empty() {
            return Ok(());
        }
        if self.order.action == RunAction::Rebuild {
            self.phase(Phase::Restarting, "").await;
        }
        self.each(&self.followers, Deed::Restart).await
    }

    async fn ready(&mut self) -> Result<(), Vec<String>> {
        let failed = self.call.ready().await?;
        if failed.is_empty() {
            return Ok(());
        }
        Err(failed.into_iter().map(|(service, why)| format!("{service} is {why}")).collect())
    }

    /// Does the same to every container, some at a time.
    async fn each(&self, containers: &[Named], deed: Deed) -> Result<(), Vec<String>> {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut all = JoinSet::new();
        for (id, name) in containers {
            let (turns, ports, deed) = (turns.clone(), self.ports.clone(), deed.clone());
            let (id, name) = (id.clone(), name.clone());
            all.spawn(async move {
                let _turn = turns.acquire_owned().await;
                let result = match &deed {
                    Deed::Copy(items) => ports.engine.sync(&id, items).await,
                    Deed::Restart => ports.engine.restart(&id).await,
                };
                result.map_err(|error| sentence(&name, &error))
            });
        }
        let mut errors = Vec::new();
        while let Some(done) = all.join_next().await {
            errors.extend(done.ok().and_then(Result::err));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    async fn hook(&self, hook: &SyncHook, id: &ContainerId) -> Result<(), String> {
        let order = ExecOrder {
            container: id.clone(),
            arguments: hook.arguments.clone(),
            user: hook.user.clone(),
            folder: hook.folder.clone(),
        };
        let mut session = self.ports.engine.exec(&order).await.map_err(|error| error.to_string())?;
        let (mut batch, mut last) = (Vec::new(), String::new());
        while session.lines.recv_many(&mut batch, BATCH).await > 0 {
            let lines: Vec<String> = batch.drain(..).map(|line| line.text).collect();
            if let Some(line) = lines.iter().rev().find(|line| !line.trim().is_empty()) {
                last.clone_from(line);
            }
            self.outbox.fact(Event::JobOutput { job: self.id, lines, is_error: false }).await;
        }
        let end = session.end.await;
        let program = words(&hook.arguments);
        match end.exit_code {
            Some(0) => Ok(()),
            _ if !end.refusal.is_empty() => Err(end.refusal),
            Some(code) => {
                let last = if last.is_empty() { last } else { format!(": {last}") };
                Err(format!("{program} ended with {}{last}", code_words(code)))
            }
            None => Err(format!("{program}: the connection broke")),
        }
    }

    async fn phase(&self, phase: Phase, command: &str) {
        self.outbox.fact(Event::JobPhased { job: self.id, phase, command: command.to_owned() }).await;
    }
}
