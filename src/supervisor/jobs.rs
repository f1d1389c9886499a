//! Carries out verbs: one task per job, one job per container at a time, cancelled when dropped.

use std::collections::HashMap;

use tokio::task::{AbortHandle, JoinSet};

use crate::event::Event;
use crate::model::containers::ContainerId;
use crate::model::jobs::{Job, JobId, JobOutcome, Verb};
use crate::model::stacks::Target;
use crate::ports::{EngineError, Ports};
use crate::state::State;
use crate::state::jobs::{Plan, plan};
use crate::supervisor::inbox::Outbox;

#[derive(Default)]
pub struct JobRunner {
    last: u64,
    running: HashMap<JobId, (AbortHandle, Outbox)>,
}

impl JobRunner {
    /// Starts a job, or says why not: nothing to do, engine out of reach, another job under way.
    pub fn start(
        &mut self,
        state: &State,
        verb: Verb,
        target: Target,
        ports: &Ports,
        outbox: &Outbox,
        tasks: &mut JoinSet<()>,
    ) -> Result<Job, String> {
        let name = state.containers.name_of(&target);
        if !state.connection.is_up() {
            return Err(format!("{}: cannot {} it while the engine is out of reach", name, verb.word()));
        }
        if let Some(other) = state.jobs.conflicting(&target, &state.containers) {
            let busy = state.containers.name_of(&other.target);
            return Err(format!(
                "{name}: {busy} is {} already; wait for it or cancel it",
                other.verb.doing()
            ));
        }
        let plan = plan(&state.containers, verb, &target)?;
        self.running.retain(|_, (task, _)| !task.is_finished());
        self.last += 1;
        let id = JobId(self.last);
        let job = Job {
            id,
            verb,
            target,
            started_at: ports.clock.now(),
            stop_timeout: plan.stop_timeout,
            done: 0,
            total: plan.total() as u32,
        };
        let names: HashMap<ContainerId, String> = plan
            .containers()
            .filter_map(|id| Some((id.clone(), state.containers.get(id)?.container.name.to_string())))
            .collect();
        let task = tasks.spawn(run(id, verb, plan, names, ports.clone(), outbox.clone()));
        self.running.insert(id, (task, outbox.clone()));
        Ok(job)
    }

    /// Stops what is left of a job; what was already asked of the engine goes on there.
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
            let engine = ports.engine.clone();
            steps.spawn(async move {
                let result = match verb {
                    Verb::Start => engine.start(&container).await,
                    Verb::Stop => engine.stop(&container).await,
                    Verb::Restart => engine.restart(&container).await,
                };
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

fn sentence(name: &str, error: &EngineError) -> String {
    let advice = error.advice();
    if advice.is_empty() { format!("{name}: {error}") } else { format!("{name}: {error}. {advice}") }
}
