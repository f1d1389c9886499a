//! Profiles: the popup that shows them, and what choosing some leads to.

use std::sync::Arc;

use crate::model::jobs::{ComposeOrder, ComposeVerb};
use crate::model::stacks::Target;
use crate::state::State;
use crate::state::jobs;
use crate::state::jobs::profiles::preview;
use crate::tui::popups::profiles::{Line, Profiles};
use crate::tui::view::Effect;
use crate::tui::views::stacks::hands::questions::{ask_compose, ask_down};

/// Shows the profiles of the target's stack.
pub fn choose(target: &Target, state: &State) -> Vec<Effect> {
    let Some(stack) = state.containers.stack_of(target) else { return Vec::new() };
    match jobs::profiles::profiles(&state.containers, &stack) {
        Ok(found) => {
            let on = jobs::profiles::profiles_on(&state.containers, &stack);
            let lines = found
                .into_iter()
                .map(|profile| Line {
                    coming: preview(&state.containers, &stack, std::slice::from_ref(&profile.name)),
                    on: on.contains(&profile.name),
                    profile,
                    marked: false,
                })
                .collect();
            vec![Effect::Profiles(Profiles::new(stack, lines))]
        }
        Err(why) => vec![Effect::Toast(why)],
    }
}

/// Asks to bring up, or to take down, everything that some profiles add.
pub fn effects(stack: &Arc<str>, names: &[String], up: bool, state: &State) -> Vec<Effect> {
    let found = match jobs::profiles::profiles(&state.containers, stack) {
        Ok(found) => found,
        Err(why) => return vec![Effect::Toast(why)],
    };
    let mut services: Vec<Arc<str>> = Vec::new();
    for profile in found.iter().filter(|profile| names.contains(&profile.name)) {
        for service in &profile.services {
            if !services.contains(service) {
                services.push(service.clone());
            }
        }
    }
    let order = |verb, services, profiles| ComposeOrder { verb, stack: stack.clone(), services, profiles };
    if up {
        return ask_compose(&[order(ComposeVerb::Up, services, names.to_vec())], state);
    }
    // What is not there can't be taken down.
    let there = state.containers.stack(stack);
    services.retain(|name| {
        there.and_then(|stack| stack.service(name)).is_some_and(|service| !service.containers.is_empty())
    });
    if services.is_empty() {
        return vec![Effect::Toast(format!("{stack}: nothing of {} is there", names.join(", ")))];
    }
    ask_down(&order(ComposeVerb::Down { volumes: false }, services, Vec::new()), state)
}
