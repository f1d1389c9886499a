//! `wait`: until services are ready, one of them has failed, or time is up.

use std::collections::HashMap;

use tokio::time::{Instant, timeout_at};

use crate::cli::args::WaitArguments;
use crate::cli::exit::{self, Failure};
use crate::cli::headless::{Headless, Measure};
use crate::cli::meant;
use crate::cli::output::say;
use crate::cli::select;
use crate::cli::settings::Setup;
use crate::model::stacks::{ExitCause, Reason, Service, ServiceState, Stack, Target, Verdict};
use crate::state::State;

/// What a verdict means to somebody who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Ready,
    Pending,
    Failed,
}

pub async fn run(setup: &Setup, arguments: WaitArguments) -> Result<u8, Failure> {
    let end = Instant::now() + arguments.timeout;
    let connect = Headless::connect(setup.ports()?, &setup.config, Measure::Nothing);
    let Ok(connected) = timeout_at(end, connect).await else {
        say(format!("the engine did not answer within {:?}", arguments.timeout));
        return Ok(exit::TIMED_OUT);
    };
    let mut headless = connected?;
    meant::read_named(&mut headless, setup).await?;
    let targets = targets(&mut headless, setup, &arguments.services.services).await?;
    if targets.is_empty() {
        say("there is nothing to wait for");
        return Ok(exit::OK);
    }
    let mut told: HashMap<Target, ServiceState> = HashMap::new();
    loop {
        let now = headless.supervisor.now();
        let state = headless.state();
        let mut pending = Vec::new();
        for target in &targets {
            let name = state.containers.name_of(target);
            let Some(verdict) = verdict_of(state, target) else {
                say(format!("{name}: gone"));
                return Ok(exit::FAILED);
            };
            let reason = verdict.reason.describe(now);
            let reason = if reason.is_empty() { reason } else { format!(", {reason}") };
            if told.insert(target.clone(), verdict.state) != Some(verdict.state) {
                say(format!("{name}: {}{reason}", verdict.state.word()));
            }
            match standing(&verdict) {
                Standing::Ready => {}
                Standing::Pending => pending.push(format!("{name} is {}{reason}", verdict.state.word())),
                Standing::Failed => return Ok(exit::FAILED),
            }
        }
        if pending.is_empty() {
            return Ok(exit::OK);
        }
        if timeout_at(end, headless.supervisor.next()).await.is_err() {
            say(format!("not ready after {:?}: {}", arguments.timeout, pending.join("; ")));
            if targets.iter().all(|target| is_absent(headless.state(), target)) {
                say("Nothing of it was created yet: stackdash up");
            }
            return Ok(exit::TIMED_OUT);
        }
    }
}

/// Without a word: everything of the stack that is meant, or of all, that is meant to be up.
async fn targets(headless: &mut Headless, setup: &Setup, words: &[String]) -> Result<Vec<Target>, Failure> {
    if !words.is_empty() {
        return meant::services(headless, setup, words).await;
    }
    let config = meant::narrowed(headless, setup).await?;
    let state = headless.state();
    let stacks = select::stacks(state, &config)?;
    let meant_to_be_up = targets_of(&stacks, |service| !rests(&service.verdict));
    if config.project.is_none() || !meant_to_be_up.is_empty() {
        return Ok(meant_to_be_up);
    }
    // Nothing of the stack that is meant is there yet, and that is not the same as ready.
    let is_to_come =
        |service: &Service| service.verdict.state == ServiceState::Absent && service.profiles.is_empty();
    Ok(if stacks.iter().flat_map(|stack| &stack.services).all(|service| service.containers.is_empty()) {
        targets_of(&stacks, is_to_come)
    } else {
        Vec::new()
    })
}

fn targets_of(stacks: &[&Stack], is_wanted: impl Fn(&Service) -> bool) -> Vec<Target> {
    let services = stacks.iter().flat_map(|stack| stack.services.iter().map(move |service| (stack, service)));
    services
        .filter(|(_, service)| is_wanted(service))
        .map(|(stack, service)| Target::Service { stack: stack.name.clone(), service: service.name.clone() })
        .collect()
}

fn is_absent(state: &State, target: &Target) -> bool {
    verdict_of(state, target).is_some_and(|verdict| verdict.state == ServiceState::Absent)
}

fn rests(verdict: &Verdict) -> bool {
    match verdict.state {
        ServiceState::Absent => true,
        ServiceState::Stopped => matches!(
            &verdict.reason,
            Reason::Exited(exit) if matches!(exit.cause, ExitCause::OnRequest | ExitCause::StopTimeout)
        ),
        _ => false,
    }
}

fn verdict_of(state: &State, target: &Target) -> Option<Verdict> {
    match target {
        Target::Service { stack, service } => {
            state.containers.stack(stack)?.service(service).map(|service| service.verdict.clone())
        }
        Target::Container(id) => state.containers.get(id).map(|entry| entry.verdict.clone()),
        Target::Stack(_) => None,
    }
}

/// Judges a verdict. A restart loop may still end well, and what was only created may still be started.
pub fn standing(verdict: &Verdict) -> Standing {
    match verdict.state {
        ServiceState::Healthy | ServiceState::Running | ServiceState::Completed => Standing::Ready,
        ServiceState::Starting | ServiceState::Restarting | ServiceState::Paused | ServiceState::Absent => {
            Standing::Pending
        }
        ServiceState::Blocked => match &verdict.reason {
            Reason::WaitsFor { state: ServiceState::Failed | ServiceState::Unhealthy, .. }
            | Reason::WaitsFor { root: Some((_, ServiceState::Failed | ServiceState::Unhealthy)), .. } => {
                Standing::Failed
            }
            _ => Standing::Pending,
        },
        ServiceState::Stopped if verdict.reason == Reason::NeverStarted => Standing::Pending,
        ServiceState::Stopped | ServiceState::Failed | ServiceState::Unhealthy => Standing::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stacks::Exit;

    fn judged(state: ServiceState, reason: Reason) -> Standing {
        standing(&Verdict { state, reason, since: None })
    }

    #[test]
    fn what_was_created_may_still_start_but_what_ended_has_failed() {
        assert_eq!(judged(ServiceState::Stopped, Reason::NeverStarted), Standing::Pending);
        let exit = Exit { code: 0, cause: ExitCause::OnRequest };
        assert_eq!(judged(ServiceState::Stopped, Reason::Exited(exit)), Standing::Failed);
        assert_eq!(judged(ServiceState::Completed, Reason::None), Standing::Ready);
    }

    #[test]
    fn waiting_for_something_failed_is_hopeless() {
        let waits = |state| Reason::WaitsFor {
            service: "db".into(),
            condition: crate::model::containers::DependsCondition::Healthy,
            state,
            since: None,
            root: None,
        };
        assert_eq!(judged(ServiceState::Blocked, waits(ServiceState::Starting)), Standing::Pending);
        assert_eq!(judged(ServiceState::Blocked, waits(ServiceState::Failed)), Standing::Failed);
    }
}
