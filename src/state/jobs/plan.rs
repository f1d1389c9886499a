//! Which containers a verb touches, in which order, or why it can't apply.
//!
//! The menus offer exactly what has a plan, and the jobs carry out exactly what the plan says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::containers::{ContainerId, RunState};
use crate::model::jobs::{Signal, Verb};
use crate::model::stacks::Target;
use crate::state::containers::{Containers, Entry};

/// What a verb will touch: groups in order, containers of one group at the same time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub groups: Vec<Vec<ContainerId>>,
    /// The longest stop timeout among them.
    pub stop_timeout: Option<Duration>,
}

impl Plan {
    pub fn total(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    pub fn containers(&self) -> impl Iterator<Item = &ContainerId> {
        self.groups.iter().flatten()
    }
}

/// Finds what a verb touches, or says why it can't apply.
///
/// Starting goes along the dependencies, stopping against them. A finished one-shot is not started
/// or restarted with its stack, only when it is named itself.
pub fn plan(containers: &Containers, verb: Verb, target: &Target) -> Result<Plan, String> {
    let name = containers.name_of(target);
    let all = containers.of_target(target);
    if all.is_empty() {
        return Err(format!("{name} has no containers to {}", verb.word()));
    }
    let named_itself = matches!(target, Target::Container(_));
    let one_off = |entry: &Entry| entry.container.compose.as_ref().is_some_and(|compose| compose.one_off);
    let rests = |entry: &Entry| {
        let stack = containers.stack(&entry.container.stack_name());
        let service = stack.and_then(|stack| stack.service(&entry.container.service_name()));
        matches!(target, Target::Stack(_))
            && service.is_some_and(|s| s.one_shot)
            && !entry.container.run.is_up()
    };
    let stops = matches!(verb, Verb::Stop | Verb::Restart);
    let mut by_level: BTreeMap<usize, Vec<ContainerId>> = BTreeMap::new();
    let mut stop_timeout = None;
    for entry in all.iter().filter_map(|id| containers.get(id)) {
        if !applies(verb, entry.container.run) {
            continue;
        }
        // Leftovers of one-off runs are what one wants to be rid of; nothing else is meant for them.
        if one_off(entry) && !named_itself && verb != Verb::Remove {
            continue;
        }
        if matches!(verb, Verb::Start | Verb::Restart) && rests(entry) {
            continue;
        }
        let level = level_of(containers, &entry.container.stack_name(), &entry.container.service_name(), 0);
        by_level.entry(level).or_default().push(entry.container.id.clone());
        if stops {
            stop_timeout =
                stop_timeout.max(Some(Duration::from_secs(u64::from(entry.container.stop_timeout_s))));
        }
    }
    if by_level.is_empty() {
        return Err(nothing_to_do(verb, &name));
    }
    let mut groups: Vec<_> = by_level.into_values().collect();
    if verb == Verb::Stop {
        groups.reverse();
    }
    if !matches!(verb, Verb::Start | Verb::Stop | Verb::Restart) {
        // No order matters: the one is not less paused for the other.
        groups = vec![groups.concat()];
    }
    Ok(Plan { groups, stop_timeout })
}

/// Whether a verb can do anything to a container in this state.
fn applies(verb: Verb, run: RunState) -> bool {
    match verb {
        Verb::Start => {
            matches!(run, RunState::Created | RunState::Exited | RunState::Dead | RunState::Unknown)
        }
        Verb::Stop => run.is_up() || run == RunState::Restarting,
        Verb::Restart => !matches!(run, RunState::Removing | RunState::Dead),
        Verb::Pause => run == RunState::Running,
        Verb::Unpause => run == RunState::Paused,
        // A paused process cannot act on a signal; only SIGKILL needs no acting.
        Verb::Kill(Signal::Kill) => run.is_up(),
        Verb::Kill(_) => run == RunState::Running,
        Verb::Remove => matches!(run, RunState::Created | RunState::Exited | RunState::Dead),
        Verb::Rename | Verb::CopyIn | Verb::CopyOut => run != RunState::Removing,
        // What is there says nothing of what Compose may do.
        Verb::Compose(_) | Verb::Run(_) | Verb::Watch(_) => false,
    }
}

fn nothing_to_do(verb: Verb, name: &str) -> String {
    match verb {
        Verb::Start => format!("{name} is up already"),
        Verb::Stop | Verb::Kill(_) | Verb::Pause => format!("{name} is not running"),
        Verb::Restart => format!("{name} has nothing to restart"),
        Verb::Unpause => format!("{name} is not paused"),
        Verb::Remove => format!("{name} has nothing that is stopped; stop it first, then remove it"),
        Verb::Rename | Verb::CopyIn | Verb::CopyOut | Verb::Compose(_) | Verb::Run(_) | Verb::Watch(_) => {
            format!("{name} has no container to {}", verb.word())
        }
    }
}

/// How many dependencies lie below a service; a cycle counts as deep.
fn level_of(containers: &Containers, stack: &Arc<str>, service: &Arc<str>, depth: usize) -> usize {
    if depth > 32 {
        return depth;
    }
    containers
        .stack(stack)
        .and_then(|found| found.service(service))
        .map(|found| &found.depends_on)
        .into_iter()
        .flatten()
        .map(|dep| 1 + level_of(containers, stack, &dep.service, depth + 1))
        .max()
        .unwrap_or(0)
}
