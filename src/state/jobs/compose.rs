//! What the Compose CLI is asked for: which project, which arguments, and what will go.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::compose::ComposeProject;
use crate::model::containers::{ContainerId, NO_STACK};
use crate::model::jobs::{ComposeOrder, ComposeVerb, Verb};
use crate::model::stacks::Target;
use crate::state::containers::Containers;

/// A call of Compose, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComposeCall {
    pub project: ComposeProject,
    pub arguments: Vec<String>,
    pub target: Target,
    /// As one would type it.
    pub command: String,
}

/// Makes the order for a target, or says why Compose can't act on it.
pub fn order(containers: &Containers, verb: ComposeVerb, target: &Target) -> Result<ComposeOrder, String> {
    let name = containers.name_of(target);
    let stack = containers.stack_of(target).ok_or_else(|| format!("{name} is gone"))?;
    let services = match target {
        Target::Stack(_) => Vec::new(),
        _ => containers.service_of(target).map(|(_, service)| service).into_iter().collect(),
    };
    let order = ComposeOrder { verb, stack, services, profiles: Vec::new() };
    call(containers, &order).map(|_| order)
}

/// Works an order out, or says why it can't be carried out.
pub fn call(containers: &Containers, order: &ComposeOrder) -> Result<ComposeCall, String> {
    let stack = &order.stack;
    if **stack == *NO_STACK {
        return Err(String::from("this container is of no stack: Compose does not know it"));
    }
    let Some(project) = containers.project_of(stack) else {
        return Err(format!("{stack}: its compose files are not known here, so Compose can't act on it"));
    };
    if let Some(definition) = containers.definition(stack)
        && let Some(unknown) = order.services.iter().find(|name| !definition.services.contains_key(*name))
        && !matches!(order.verb, ComposeVerb::Down { .. })
    {
        return Err(format!("{stack}: its compose files know no service {unknown:?}"));
    }
    let mut project = project.clone();
    project.profiles = match order.verb {
        // What goes, goes whole, whatever is switched on now.
        ComposeVerb::Down { .. } => vec![String::from("*")],
        _ => profiles_on(containers, stack).into_iter().chain(order.profiles.iter().cloned()).collect(),
    };
    project.profiles.sort();
    project.profiles.dedup();
    let arguments = arguments(order);
    let target = match &*order.services {
        [service] => Target::Service { stack: stack.clone(), service: service.clone() },
        _ => Target::Stack(stack.clone()),
    };
    let command = project.command_line(&arguments);
    Ok(ComposeCall { project, arguments, target, command })
}

fn arguments(order: &ComposeOrder) -> Vec<String> {
    let whole = order.services.is_empty();
    let verb: &[&str] = match order.verb {
        ComposeVerb::Up => &["up", "--detach"],
        ComposeVerb::Recreate if whole => &["up", "--detach", "--force-recreate"],
        ComposeVerb::Recreate => &["up", "--detach", "--force-recreate", "--no-deps"],
        ComposeVerb::Rebuild if whole => &["up", "--detach", "--build"],
        ComposeVerb::Rebuild => &["up", "--detach", "--build", "--no-deps"],
        ComposeVerb::Pull => &["pull"],
        ComposeVerb::Down { volumes: false } if whole => &["down"],
        ComposeVerb::Down { volumes: true } if whole => &["down", "--volumes"],
        // Older versions know no `down SERVICE`.
        ComposeVerb::Down { volumes: false } => &["rm", "--stop", "--force"],
        ComposeVerb::Down { volumes: true } => &["rm", "--stop", "--force", "--volumes"],
    };
    verb.iter().map(|word| (*word).to_owned()).chain(order.services.iter().map(ToString::to_string)).collect()
}

/// Returns the profiles that are on: those of services that have containers.
pub fn profiles_on(containers: &Containers, stack: &str) -> Vec<String> {
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
        return Err(format!("{stack}: its compose files are not known here, so its profiles are not either"));
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

/// What goes with a `down`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goes {
    pub containers: Vec<ContainerId>,
    pub networks: Vec<String>,
    /// Named and anonymous ones. An anonymous one that a recreated container took over from the one before
    /// is no longer its own: engines leave it, and nothing tells us which those are.
    pub volumes: Vec<String>,
    /// Containers that Compose leaves alone, because its files do not know their service.
    pub stays: Vec<ContainerId>,
}

/// Finds what goes with a `down`; volumes only where that was asked for.
pub fn goes(containers: &Containers, order: &ComposeOrder) -> Goes {
    let ComposeVerb::Down { volumes } = order.verb else { return Goes::default() };
    let whole = order.services.is_empty();
    let definition = containers.definition(&order.stack);
    let mut goes = Goes::default();
    for id in containers.of_target(&Target::Stack(order.stack.clone())) {
        let Some(entry) = containers.get(&id) else { continue };
        let service = entry.container.service_name();
        let one_off = entry.container.compose.as_ref().is_some_and(|compose| compose.one_off);
        let defined = definition.is_none_or(|definition| definition.services.contains_key(&service));
        if whole && !defined {
            goes.stays.push(id);
        } else if whole || (order.services.contains(&service) && !one_off) {
            let mounts = entry.container.mounts.iter().filter(|mount| mount.kind == "volume");
            let anonymous = mounts.filter(|mount| is_anonymous(&mount.source));
            if volumes {
                goes.volumes.extend(
                    anonymous
                        .map(|mount| format!("{} (anonymous; stays if inherited)", short(&mount.source))),
                );
            }
            goes.containers.push(id);
        }
    }
    if whole {
        let networks = goes.containers.iter().filter_map(|id| containers.get(id));
        let prefix = format!("{}_", order.stack);
        let mut names: Vec<String> = networks
            .flat_map(|entry| &entry.container.networks)
            .map(|network| network.name.clone())
            .filter(|name| name.starts_with(&prefix))
            .collect();
        names.sort();
        names.dedup();
        goes.networks = names;
        if volumes && let Some(definition) = definition {
            goes.volumes.extend(definition.volumes.iter().cloned());
        }
    }
    goes.volumes.sort();
    goes.volumes.dedup();
    goes
}

/// Whether the engine made up the name of a volume.
pub fn is_anonymous(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn short(name: &str) -> &str {
    name.get(..12).unwrap_or(name)
}

/// Whether a verb is one of Compose's.
pub fn is_compose(verb: Verb) -> bool {
    matches!(verb, Verb::Compose(_))
}
