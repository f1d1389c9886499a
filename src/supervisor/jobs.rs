//! Carries out verbs: one task per job, one job per container at a time, cancelled when dropped.
//!
//! What a job prints and how far it is comes back as events; which containers it touches was decided by
//! [`crate::state::jobs`].

use std::collections::HashMap;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use crate::event::Event;
use crate::model::containers::ContainerId;
use crate::model::jobs::{ComposeOrder, CopyOrder, Job, JobId, JobOutcome, Verb};
use crate::model::stacks::Target;
use crate::ports::{EngineError, Ports};
use crate::state::State;
use crate::state::jobs::compose::{ComposeCall, call};
use crate::state::jobs::{Plan, names, plan};
use crate::supervisor::inbox::Outbox;

/// Lines that wait for the state at most; Compose waits for them then.
const LINES: usize = 256;
/// Lines that go up together.
const BATCH: usize = 64;

#[derive(Default)]
pub struct JobRunner {
    last: u64,
    running: HashMap<JobId, (AbortHandle, Outbox)>,
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
        if matches!(verb, Verb::Rename | Verb::CopyIn | Verb::CopyOut | Verb::Compose(_)) {
            return Err(format!("{} needs to be told more", verb.word()));
        }
        let job = self.job(&room, verb, target);
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
        let job = Job { command: call.command.clone(), ..self.job(&room, verb, call.target.clone()) };
        let work = run_compose(job.id, call, room.ports.clone(), room.outbox.clone());
        self.spawn(room, job.id, work);
        Ok(job)
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

    fn job(&mut self, room: &Room<'_>, verb: Verb, target: Target) -> Job {
        self.running.retain(|_, (task, _)| !task.is_finished());
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
        }
    }

    fn spawn(&mut self, room: Room<'_>, id: JobId, work: impl Future<Output = ()> + Send + 'static) {
        let task = room.tasks.spawn(work);
        self.running.insert(id, (task, room.outbox.clone()));
    }

    /// Stops what is left of a job; what was already asked of the engine goes on there. A call of Compose
    /// ends with its whole process group.
    pub fn cancel(&mut self, id: JobId) {
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

/// Says why a verb can't begin now.
fn check(state: &State, verb: Verb, target: &Target) -> Result<(), String> {
    let name = state.containers.name_of(target);
    if !state.connection.is_up() {
        return Err(format!("{name}: cannot {} it while the engine is out of reach", verb.word()));
    }
    match state.jobs.in_the_way(verb, target, &state.containers) {
        Some(other) => {
            let busy = state.containers.name_of(&other.target);
            let doing = other.verb.doing();
            Err(format!("{name}: {busy} is {doing} already; wait for it or cancel it"))
        }
        None => Ok(()),
    }
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
        Verb::Rename | Verb::CopyIn | Verb::CopyOut | Verb::Compose(_) => Ok(()),
    }
}

async fn run_compose(id: JobId, call: ComposeCall, ports: Ports, outbox: Outbox) {
    let (lines, mut printed) = mpsc::channel(LINES);
    let work = ports.compose.run(&call.project, &call.arguments, lines);
    tokio::pin!(work);
    let mut result = None;
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            count = printed.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    break;
                }
                let lines = std::mem::take(&mut batch);
                outbox.fact(Event::JobOutput { job: id, lines }).await;
            }
            ended = &mut work, if result.is_none() => {
                result = Some(ended);
                // Whoever still holds the sender has nothing more to say.
                printed.close();
            }
        }
    }
    let result = match result {
        Some(result) => result,
        None => work.await,
    };
    let outcome = match result {
        Ok(()) => JobOutcome::Succeeded,
        Err(error) => JobOutcome::Failed(vec![error.to_string()]),
    };
    outbox.fact(Event::JobFinished { job: id, outcome }).await;
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
