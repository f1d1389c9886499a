//! Who is held up by whom: which conditions are met, and what lies at the bottom of a chain of waits.
//!
//! Pure; labels may describe a circle, which Compose would refuse, so no walk here trusts its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::containers::{ContainerId, DependsCondition};
use crate::model::stacks::{DependencyStatus, Reason, Service, ServiceState, Verdict};
use crate::state::containers::Entry;

/// Marks which conditions are met, and turns services that wait for one into `blocked`.
pub(super) fn find_blocked(
    services: &mut [Service],
    by_service: &BTreeMap<Arc<str>, Vec<&Entry>>,
) -> Vec<(ContainerId, Verdict)> {
    let standing: BTreeMap<Arc<str>, Verdict> =
        services.iter().map(|service| (service.name.clone(), service.verdict.clone())).collect();
    for dep in services.iter_mut().flat_map(|service| &mut service.depends_on) {
        dep.met = standing.get(&dep.service).is_some_and(|verdict| is_met(dep.condition, verdict.state));
    }
    // Whoever was never started and misses something is held up by it; that may be held up in turn.
    let held_up: BTreeMap<Arc<str>, Vec<DependencyStatus>> = services
        .iter()
        .filter(|service| service.verdict.reason == Reason::NeverStarted)
        .map(|service| {
            let missing = service.depends_on.iter().filter(|dep| holds_up(dep, standing.get(&dep.service)));
            (service.name.clone(), missing.cloned().collect::<Vec<_>>())
        })
        .filter(|(_, missing)| !missing.is_empty())
        .collect();
    let state_of = |name: &str| standing.get(name).map_or(ServiceState::Absent, |verdict| verdict.state);
    let mut blocked = Vec::new();
    for service in services.iter_mut() {
        let Some(missing) = held_up.get(&service.name) else { continue };
        // What failed is the news; else what is under way, before what only waits as well.
        let told = missing.iter().min_by_key(|dep| {
            let root = root_of(&dep.service, &held_up, &state_of);
            let hopeless = matches!(state_of(&root), ServiceState::Failed | ServiceState::Unhealthy);
            (!hopeless, root != dep.service)
        });
        let Some(dep) = told else { continue };
        let root = root_of(&dep.service, &held_up, &state_of);
        let since = standing.get(&dep.service).and_then(|verdict| verdict.since);
        let (state, root) = if root == dep.service && !held_up.contains_key(&root) {
            (state_of(&root), None)
        } else {
            let state = state_of(&root);
            (ServiceState::Blocked, (root != dep.service).then_some((root, state)))
        };
        let reason =
            Reason::WaitsFor { service: dep.service.clone(), condition: dep.condition, state, since, root };
        service.verdict = Verdict { state: ServiceState::Blocked, reason, since: service.verdict.since };
        for entry in by_service.get(&service.name).into_iter().flatten() {
            if entry.verdict.reason == Reason::NeverStarted {
                blocked.push((entry.container.id.clone(), service.verdict.clone()));
            }
        }
    }
    blocked
}

/// Whether Compose waits for this: what is optional is done without once it has failed or is not there.
fn holds_up(dep: &DependencyStatus, standing: Option<&Verdict>) -> bool {
    if dep.met || dep.required {
        return !dep.met;
    }
    standing.is_some_and(|verdict| {
        verdict.reason == Reason::NeverStarted
            || matches!(verdict.state, ServiceState::Starting | ServiceState::Running)
    })
}

/// Follows what is held up to what holds it up: something failed, if there is such, else the first.
fn root_of(
    from: &Arc<str>,
    held_up: &BTreeMap<Arc<str>, Vec<DependencyStatus>>,
    state_of: &impl Fn(&str) -> ServiceState,
) -> Arc<str> {
    let mut seen = vec![from.clone()];
    let mut at = 0;
    let mut first = None;
    // Labels may say anything, a circle too: each is looked at once.
    while let Some(name) = seen.get(at).cloned() {
        at += 1;
        let Some(missing) = held_up.get(&name) else {
            if matches!(state_of(&name), ServiceState::Failed | ServiceState::Unhealthy) {
                return name;
            }
            first.get_or_insert(name);
            continue;
        };
        for dep in missing {
            if !seen.contains(&dep.service) {
                seen.push(dep.service.clone());
            }
        }
    }
    first.unwrap_or_else(|| from.clone())
}

fn is_met(condition: DependsCondition, state: ServiceState) -> bool {
    match condition {
        DependsCondition::Started => matches!(
            state,
            ServiceState::Running
                | ServiceState::Healthy
                | ServiceState::Starting
                | ServiceState::Unhealthy
                | ServiceState::Paused
                | ServiceState::Restarting
                | ServiceState::Completed
        ),
        DependsCondition::Healthy => state == ServiceState::Healthy,
        DependsCondition::CompletedSuccessfully => state == ServiceState::Completed,
    }
}
