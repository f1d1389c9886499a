//! Profiles: what each adds to a stack, what comes along with it, and which are remembered.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::model::jobs::{ComposeOrder, ComposeVerb};
use crate::model::stacks::Target;
use crate::state::containers::Containers;

/// Returns the profiles that are on: those of services that have containers, those that Compose has on by
/// itself, and those that were on when the stack was taken down.
pub fn profiles_on(containers: &Containers, stack: &str) -> Vec<String> {
    let Some(definition) = containers.definition(stack) else { return Vec::new() };
    let mut on = profiles_in_use(containers, stack);
    on.extend(definition.default_profiles.iter().cloned());
    // What is there tells itself what is on; only of nothing one must remember it.
    if containers.of_target(&Target::Stack(Arc::from(stack))).is_empty() {
        on.extend(containers.remembered_profiles(stack).filter(|name| definition.has_profile(name)).cloned());
    }
    on.sort();
    on.dedup();
    on
}

/// Returns the profiles of services that have containers.
pub fn profiles_in_use(containers: &Containers, stack: &str) -> Vec<String> {
    let (Some(definition), Some(found)) = (containers.definition(stack), containers.stack(stack)) else {
        return Vec::new();
    };
    let created: Vec<&Vec<String>> = found
        .services
        .iter()
        .filter(|service| !service.containers.is_empty())
        .filter_map(|service| Some(&definition.services.get(&service.name)?.profiles))
        .filter(|profiles| !profiles.is_empty())
        .collect();
    let mut on: BTreeSet<&String> =
        created.iter().filter(|profiles| profiles.len() == 1).map(|profiles| &profiles[0]).collect();
    // Of several profiles one is enough; another may bring up what nobody asked for.
    for profiles in created {
        if !profiles.iter().any(|profile| on.contains(profile)) {
            on.extend(profiles.first());
        }
    }
    on.into_iter().cloned().collect()
}

/// One profile of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileStanding {
    pub name: String,
    /// Services that it adds.
    pub services: Vec<Arc<str>>,
    /// Those of them that are up.
    pub up: usize,
    /// Those of them that have containers.
    pub created: usize,
}

/// Returns every profile of a stack, or why they are not known.
pub fn profiles(containers: &Containers, stack: &str) -> Result<Vec<ProfileStanding>, String> {
    let Some(definition) = containers.definition(stack) else {
        return Err(containers.why_undefined(stack));
    };
    let found = containers.stack(stack);
    let all: Vec<ProfileStanding> = definition
        .profiles()
        .into_iter()
        .map(|name| {
            let services: Vec<Arc<str>> = definition
                .services
                .iter()
                .filter(|(_, service)| service.profiles.contains(&name))
                .map(|(service, _)| service.clone())
                .collect();
            let standing: Vec<_> = services.iter().filter_map(|service| found?.service(service)).collect();
            let up = standing.iter().filter(|s| !s.containers.is_empty() && s.verdict.state.is_up()).count();
            let created = standing.iter().filter(|s| !s.containers.is_empty()).count();
            ProfileStanding { name, services, up, created }
        })
        .collect();
    if all.is_empty() { Err(format!("{stack} has no profiles")) } else { Ok(all) }
}

/// What bringing a service up would come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is up: nothing is done to it.
    Exists,
    WillStart,
    WillBeCreated,
}

impl Fate {
    pub fn words(self) -> &'static str {
        match self {
            Self::Exists => "is up",
            Self::WillStart => "will be started",
            Self::WillBeCreated => "will be created",
        }
    }
}

/// One service that switching profiles on brings up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coming {
    pub service: Arc<str>,
    pub fate: Fate,
    /// `None`: the profile itself names it; else the service that depends on it.
    pub needed_by: Option<Arc<str>>,
}

/// Returns everything that bringing up these profiles touches: their services first, then what those
/// depend on.
pub fn preview(containers: &Containers, stack: &str, profiles: &[String]) -> Vec<Coming> {
    let Some(definition) = containers.definition(stack) else { return Vec::new() };
    let found = containers.stack(stack);
    let fate = |name: &str| match found.and_then(|stack| stack.service(name)) {
        Some(service) if service.containers.is_empty() => Fate::WillBeCreated,
        Some(service) if service.verdict.state.is_up() || service.running > 0 => Fate::Exists,
        Some(_) => Fate::WillStart,
        None => Fate::WillBeCreated,
    };
    let mut coming: Vec<Coming> = Vec::new();
    let mut seen: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut queue: VecDeque<(Arc<str>, Option<Arc<str>>)> = definition
        .services
        .iter()
        .filter(|(_, service)| service.profiles.iter().any(|profile| profiles.contains(profile)))
        .map(|(name, _)| (name.clone(), None))
        .collect();
    while let Some((name, needed_by)) = queue.pop_front() {
        if !seen.insert(name.clone()) {
            continue;
        }
        if let Some(service) = definition.services.get(&name) {
            queue.extend(service.depends_on.iter().map(|dep| (dep.service.clone(), Some(name.clone()))));
        }
        coming.push(Coming { fate: fate(&name), service: name, needed_by });
    }
    coming
}

/// Remembers, as an order begins, which profiles are on: a stack that is taken down comes back as it was.
pub(in crate::state) fn remember(containers: &mut Containers, order: &ComposeOrder) {
    if !matches!(order.verb, ComposeVerb::Down { .. }) {
        return;
    }
    let stack = &order.stack;
    containers.keep(stack);
    let left = !containers.of_target(&Target::Stack(stack.clone())).is_empty();
    if order.services.is_empty() && left {
        let on = profiles_in_use(containers, stack);
        containers.remember_profiles(stack, on);
    }
}
