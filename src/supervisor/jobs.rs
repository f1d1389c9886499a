//! Carries out verbs: one task per job, one job per container at a time, cancelled when dropped.
//!
//! What a job prints and how far it is comes back as events; which containers it touches was decided by
//! [`crate::state::jobs`].

pub mod compose;
pub mod watch;

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};

use crate::event::Event;
use crate::model::containers::{ContainerId, NO_STACK};
use crate::model::jobs::{
    ComposeOrder, ComposeVerb, CopyOrder, Job, JobId, JobOutcome, KeptImage, RunKind, Verb,
};
use crate::model::runs::RunOrder;
use crate::model::stacks::Target;
use crate::model::watch::run::RunAction;
use crate::ports::{EngineError, Ports, Turn};
use crate::state::State;
use crate::state::jobs::compose::call;
use crate::state::jobs::{Jobs, Plan, names, plan, runs, update};
use crate::supervisor;
use crate::supervisor::inbox::Outbox;
use crate::supervisor::jobs::compose::{Call, Decision};

#[derive(Default)]
pub struct JobRunner {
    last: u64,
    running: HashMap<JobId, (AbortHandle, Outbox)>,
    /// Calls of Compose that may wait for a decision.
    waiting: HashMap<JobId, tokio::sync::watch::Sender<Decision>>,
    /// Runs end in their own way: what they started in a container has to be ended there.
    /// `None`: the word is given already.
    stops: HashMap<JobId, Option<oneshot::Sender<()>>>,
    /// What keeps other stackdashes off the stacks meanwhile.
    turns: HashMap<JobId, Turn>,
}

/// What a job needs of the engine room.
pub struct Room<'a> {
    pub state: &'a State,
    pub ports: &'a Ports,
    pub outbox: &'a Outbox,
    pub tasks: &'a mut JoinSet<()>,
}

impl JobRunner {
    /// Starts a verb, or says why not: nothing to do, engine out of reach, another job under way.
    pub fn act(&mut self, room: Room<'_>, verb: Verb, target: Target) -> Result<Job, String> {
        check(room.state, verb, &target)?;
        let plan = plan(&room.state.containers, verb, &target)?;
        if matches!(
            verb,
            Verb::Rename | Verb::CopyIn | Verb::CopyOut | Verb::Compose(_) | Verb::Run(_) | Verb::Watch(_)
        ) {
            return Err(format!("{} needs to be told more", verb.word()));
        }
        let turn = turn(&room, verb, &target)?;
        let job = self.job(&room, verb, target);
        self.turns.extend(turn.map(|turn| (job.id, turn)));
        let job = Job { stop_timeout: plan.stop_timeout, total: plan.total() as u64, ..job };
        let names: HashMap<ContainerId, String> =
            plan.containers().map(|id| (id.clone(), name(room.state, id))).collect();
        let work = run(job.id, verb, plan, names, room.ports.clone(), room.outbox.clone());
        self.spawn(room, job.id, work);
        Ok(job)
    }

    /// Calls Compose, or says why not.
    pub fn compose(&mut self, room: Room<'_>, order: &ComposeOrder) -> Result<Job, String> {
        let call = call(&room.state.containers, order)?;
        let verb = Verb::Compose(order.verb);
        check(room.state, verb, &call.target)?;
        let images = images(room.state, order)?;
        let turn = turn(&room, verb, &call.target)?;
        let job = Job {
            command: call.command.clone(),
            order: Some(order.clone()),
            ..self.job(&room, verb, call.target.clone())
        };
        self.turns.extend(turn.map(|turn| (job.id, turn)));
        let (decide, decided) = tokio::sync::watch::channel(None);
        self.waiting.retain(|_, waiting| waiting.receiver_count() > 0);
        self.waiting.insert(job.id, decide);
        let work = Call {
            id: job.id,
            order: order.clone(),
            call,
            images,
            decided,
            ports: room.ports.clone(),
            outbox: room.outbox.clone(),
        };
        self.spawn(room, job.id, work.run());
        Ok(job)
    }

    /// Hands over what has been decided about what calls wait for.
    pub fn tell(&self, jobs: &Jobs) {
        for (id, waiting) in &self.waiting {
            if let Some(decision) = jobs.decided(*id) {
                waiting.send_if_modified(|known| {
                    let news = known.is_none();
                    if news {
                        *known = Some(decision.clone());
                    }
                    news
                });
            }
        }
    }

    /// Renames a container, or says why not.
    pub fn rename(&mut self, room: Room<'_>, id: ContainerId, new: String) -> Result<Job, String> {
        let target = Target::Container(id.clone());
        check(room.state, Verb::Rename, &target)?;
        plan(&room.state.containers, Verb::Rename, &target)?;
        if let Some(fault) = names::fault_of(&new) {
            return Err(format!("{new:?} is no name for a container: {fault}"));
        }
        let old = name(room.state, &id);
        let job = Job { total: 1, ..self.job(&room, Verb::Rename, target) };
        let (engine, outbox, number) = (room.ports.engine.clone(), room.outbox.clone(), job.id);
        self.spawn(room, number, async move {
            let outcome = match engine.rename(&id, &new).await {
                Ok(()) => JobOutcome::Succeeded,
                Err(error) => JobOutcome::Failed(vec![sentence(&old, &error)]),
            };
            outbox.fact(Event::JobFinished { job: number, outcome }).await;
        });
        Ok(job)
    }

    /// Copies a file, or says why not.
    pub fn copy(&mut self, room: Room<'_>, order: CopyOrder) -> Result<Job, String> {
        let verb = if order.out { Verb::CopyOut } else { Verb::CopyIn };
        let target = Target::Container(order.container.clone());
        check(room.state, verb, &target)?;
        plan(&room.state.containers, verb, &target)?;
        let name = name(room.state, &order.container);
        let job = self.job(&room, verb, target);
        let work = run_copy(job.id, order, name, room.ports.clone(), room.outbox.clone());
        self.spawn(room, job.id, work);
        Ok(job)
    }

    /// Runs a program, or says why not.
    pub fn run(&mut self, room: Room<'_>, order: RunOrder) -> Result<Job, String> {
        let call = runs::call(&room.state.containers, &order)?;
        let verb = Verb::Run(call.kind);
        match call.kind {
            RunKind::Alone => check(room.state, verb, &order.target)?,
            RunKind::Beside => check_link(room.state, verb, &order.target)?,
        }
        if let Some(same) = room.state.jobs.same_run(&order.title, &order.target, &room.state.containers) {
            let on = room.state.containers.name_of(&same.target);
            return Err(format!("{} is running on {on} already; wait for it or cancel it", order.title.name));
        }
        let turn = turn(&room, verb, &order.target)?;
        let job =
            Job { command: call.command, run: Some(order.title), ..self.job(&room, verb, order.target) };
        self.turns.extend(turn.map(|turn| (job.id, turn)));
        let (stop, stopped) = oneshot::channel();
        let (ports, outbox) = (room.ports.clone(), room.outbox.clone());
        let work = supervisor::runs::run(job.id, call.how, order.timeout, stopped, ports, outbox);
        self.spawn(room, job.id, work);
        self.stops.insert(job.id, Some(stop));
        Ok(job)
    }

    /// Ends every run; they tell when they have ended.
    pub fn cancel_runs(&mut self) -> bool {
        self.stops.retain(|id, _| self.running.get(id).is_some_and(|(task, _)| !task.is_finished()));
        let any = !self.stops.is_empty();
        for stop in self.stops.values_mut().filter_map(Option::take) {
            let _ = stop.send(());
        }
        any
    }

    fn job(&mut self, room: &Room<'_>, verb: Verb, target: Target) -> Job {
        self.running.retain(|_, (task, _)| !task.is_finished());
        self.stops.retain(|id, _| self.running.contains_key(id));
        self.last += 1;
        Job {
            id: JobId(self.last),
            verb,
            target,
            started_at: room.ports.clock.now(),
            stop_timeout: None,
            done: 0,
            total: 0,
            command: String::new(),
            gist: String::new(),
            order: None,
            phase: None,
            run: None,
            watch: None,
        }
    }

    fn spawn(&mut self, room: Room<'_>, id: JobId, work: impl Future<Output = ()> + Send + 'static) {
        let task = room.tasks.spawn(work);
        self.running.insert(id, (task, room.outbox.clone()));
    }

    /// Lets others have the turn after a job.
    pub fn ended(&mut self, id: JobId) {
        self.turns.remove(&id);
    }

    /// Stops what is left of a job; what was already asked of the engine goes on there. A call of Compose
    /// ends with its whole process group.
    pub fn cancel(&mut self, id: JobId) {
        if let Some(stop) = self.stops.get_mut(&id) {
            if let Some(stop) = stop.take() {
                let _ = stop.send(());
            }
            return;
        }
        if let Some((task, outbox)) = self.running.remove(&id)
            && !task.is_finished()
        {
            task.abort();
            tokio::spawn(async move {
                outbox.fact(Event::JobFinished { job: id, outcome: JobOutcome::Cancelled }).await;
            });
        }
    }
}

/// Asks for the turn on the stack of a target, or says which other stackdash has it.
fn turn(room: &Room<'_>, verb: Verb, target: &Target) -> Result<Option<Turn>, String> {
    let alone = match verb {
        Verb::Compose(_) | Verb::Run(RunKind::Alone) | Verb::Watch(RunAction::Rebuild) => true,
        Verb::Run(RunKind::Beside) | Verb::Rename | Verb::CopyIn | Verb::CopyOut => return Ok(None),
        _ => false,
    };
    let containers = &room.state.containers;
    let Some((turns, stack)) = room.ports.turns.as_ref().zip(containers.stack_of(target)) else {
        return Ok(None);
    };
    // What is of no stack has nothing in common that could be worked on.
    if *stack == *NO_STACK {
        return Ok(None);
    }
    let refused = |who| format!("{stack}: {who}; wait until it has ended, or cancel it there");
    turns.take(&stack, verb.doing(), alone).map_err(refused)
}

/// Finds the images that a call keeps, or goes back to.
fn images(state: &State, order: &ComposeOrder) -> Result<Vec<KeptImage>, String> {
    match order.verb {
        ComposeVerb::Update => Ok(update::images(&state.containers, order)),
        ComposeVerb::GoBack => {
            let kept = state.jobs.kept(&order.stack).map(|kept| kept.images.clone()).unwrap_or_default();
            let kept: Vec<_> =
                kept.into_iter().filter(|image| order.services.contains(&image.service)).collect();
            if kept.is_empty() {
                return Err(format!("{}: there is nothing to go back to", order.stack));
            }
            Ok(kept)
        }
        _ => Ok(Vec::new()),
    }
}

/// Says why a verb can't begin now.
fn check(state: &State, verb: Verb, target: &Target) -> Result<(), String> {
    check_link(state, verb, target)?;
    let name = state.containers.name_of(target);
    match state.jobs.in_the_way(verb, target, &state.containers) {
        Some(other) => {
            let busy = state.containers.name_of(&other.target);
            let doing = other.doing();
            Err(format!("{name}: {busy} is {doing} already; wait for it or cancel it"))
        }
        None => Ok(()),
    }
}

fn check_link(state: &State, verb: Verb, target: &Target) -> Result<(), String> {
    if state.connection.is_up() {
        return Ok(());
    }
    let name = state.containers.name_of(target);
    Err(match verb {
        Verb::Run(_) => format!("{name}: nothing can be run while the engine is out of reach"),
        verb => format!("{name}: cannot be {} while the engine is out of reach", verb.done()),
    })
}

fn name(state: &State, id: &ContainerId) -> String {
    state.containers.name_of(&Target::Container(id.clone()))
}

async fn run(
    id: JobId,
    verb: Verb,
    plan: Plan,
    names: HashMap<ContainerId, String>,
    ports: Ports,
    outbox: Outbox,
) {
    let mut errors = Vec::new();
    let mut done = 0;
    for group in plan.groups {
        let mut steps = JoinSet::new();
        for container in group {
            let ports = ports.clone();
            steps.spawn(async move {
                let result = step(verb, &container, &ports).await;
                (container, result)
            });
        }
        while let Some(step) = steps.join_next().await {
            let Ok((container, result)) = step else { continue };
            done += 1;
            if let Err(error) = result {
                let name = names.get(&container).map_or(container.short(), String::as_str);
                errors.push(sentence(name, &error));
            }
            outbox.fact(Event::JobProgressed { job: id, done }).await;
        }
        // What comes later leans on this group.
        if !errors.is_empty() && verb == Verb::Start {
            break;
        }
    }
    let outcome = if errors.is_empty() { JobOutcome::Succeeded } else { JobOutcome::Failed(errors) };
    outbox.fact(Event::JobFinished { job: id, outcome }).await;
}

/// Does a verb to one container.
async fn step(verb: Verb, container: &ContainerId, ports: &Ports) -> Result<(), EngineError> {
    let engine = &ports.engine;
    match verb {
        Verb::Start => engine.start(container).await,
        Verb::Stop => engine.stop(container).await,
        Verb::Restart => engine.restart(container).await,
        Verb::Pause => engine.pause(container).await,
        Verb::Unpause => engine.unpause(container).await,
        Verb::Kill(signal) => engine.kill(container, signal).await,
        Verb::Remove => engine.remove(container).await,
        // Refused before.
        Verb::Rename | Verb::CopyIn | Verb::CopyOut | Verb::Compose(_) | Verb::Run(_) | Verb::Watch(_) => {
            Ok(())
        }
    }
}

async fn run_copy(id: JobId, order: CopyOrder, name: String, ports: Ports, outbox: Outbox) {
    let (progress, mut told) = mpsc::channel(8);
    let work = ports.engine.copy(&order, progress);
    tokio::pin!(work);
    let mut known = 0;
    let result = loop {
        tokio::select! {
            biased;
            Some((done, total)) = told.recv() => {
                if total != known {
                    known = total;
                    outbox.fact(Event::JobMeasured { job: id, total }).await;
                }
                outbox.fact(Event::JobProgressed { job: id, done }).await;
            }
            result = &mut work => break result,
        }
    };
    let outcome = match result {
        Ok(()) => JobOutcome::Succeeded,
        Err(error) => JobOutcome::Failed(vec![sentence(&name, &error)]),
    };
    outbox.fact(Event::JobFinished { job: id, outcome }).await;
}

/// Says what went wrong and what to do about it.
fn sentence(name: &str, error: &EngineError) -> String {
    let advice = match error {
        EngineError::NotFound(words) if words.contains("No such container") => "It is gone already",
        EngineError::Conflict(words) if words.contains("is already in use") => "Choose another name",
        EngineError::Conflict(words) if words.contains("paused") => "Unpause it first",
        EngineError::Conflict(words) if words.contains("running") => "Stop it first",
        EngineError::Conflict(words) if words.contains("in progress") => "Wait a moment and look again",
        error => error.advice(),
    };
    if advice.is_empty() { format!("{name}: {error}") } else { format!("{name}: {error}. {advice}") }
}
