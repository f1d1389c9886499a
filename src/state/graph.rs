//! What waits for what in a stack, and how its start went: read from what is known already.
//!
//! Pure functions over stacks, containers and jobs. Places on a screen are found in the face.

pub mod startup;

use std::sync::Arc;

use crate::model::stacks::{DependencyStatus, Reason, Service, ServiceState, Stack};
use crate::state::State;

/// A service that is held up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    pub service: Arc<str>,
    /// What is not met yet.
    pub missing: Vec<DependencyStatus>,
}

/// Something that failed or is under way, and everything that cannot start before it is as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdup {
    pub service: Arc<str>,
    pub state: ServiceState,
    /// Those that wait for it, directly or over others, by name.
    pub holds: Vec<Arc<str>>,
}

/// Returns the services that wait, those first that most others wait for: what is blocked, and while the
/// stack is being started also what has not come up yet.
pub fn waits(stack: &Stack, state: &State) -> Vec<Wait> {
    let starting = startup::is_being_started(&stack.name, state);
    let held_up = stack.services.iter().filter(|service| is_held_up(service, starting));
    let waits: Vec<Wait> = held_up
        .map(|service| Wait {
            service: service.name.clone(),
            missing: service.depends_on.iter().filter(|dep| !dep.met).cloned().collect(),
        })
        .filter(|wait| !wait.missing.is_empty())
        .collect();
    let held: Vec<usize> = waits.iter().map(|wait| held_by(&wait.service, &waits).len()).collect();
    let mut order: Vec<usize> = (0..waits.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(held[*index]));
    order.into_iter().map(|index| waits[index].clone()).collect()
}

fn is_held_up(service: &Service, starting: bool) -> bool {
    match service.verdict.state {
        ServiceState::Blocked => true,
        ServiceState::Stopped => starting || service.verdict.reason == Reason::NeverStarted,
        // Behind a profile it was not asked for.
        ServiceState::Absent => starting && service.profiles.is_empty(),
        _ => false,
    }
}

/// Returns what others wait for and is no waiter itself, the failed first.
pub fn holdups(stack: &Stack, waits: &[Wait]) -> Vec<Holdup> {
    let mut found: Vec<Holdup> = Vec::new();
    for missing in waits.iter().flat_map(|wait| &wait.missing) {
        let known = found.iter().any(|holdup| holdup.service == missing.service);
        if known || waits.iter().any(|wait| wait.service == missing.service) {
            continue;
        }
        let state = stack.service(&missing.service).map_or(ServiceState::Absent, |s| s.verdict.state);
        let holds = held_by(&missing.service, waits);
        found.push(Holdup { service: missing.service.clone(), state, holds });
    }
    found.sort_by(|a, b| (a.state, &a.service).cmp(&(b.state, &b.service)));
    found
}

/// Returns everything that waits for a service, over others too.
pub fn held_by(service: &str, waits: &[Wait]) -> Vec<Arc<str>> {
    let mut held: Vec<Arc<str>> = Vec::new();
    loop {
        let misses = |wait: &&Wait| {
            !held.contains(&wait.service)
                && wait.missing.iter().any(|dep| &*dep.service == service || held.contains(&dep.service))
        };
        let Some(next) = waits.iter().find(misses) else { break };
        held.push(next.service.clone());
    }
    held.sort();
    held
}

#[cfg(test)]
mod tests;
