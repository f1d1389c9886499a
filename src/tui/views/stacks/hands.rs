//! Hands: what the keys and menus wish to do to the selection or the marks, and what is asked before.
//!
//! Offers exactly what can apply: the rules are those of [`crate::state::jobs`].

mod questions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::command::Command;
use crate::model::containers::{Container, ContainerId, RunState};
use crate::model::jobs::{ComposeOrder, ComposeVerb, Signal, Verb};
use crate::model::stacks::Target;
use crate::state::State;
use crate::state::jobs::compose::{ProfileStanding, order, profiles};
use crate::state::jobs::plan;
use crate::tui::action::Action;
use crate::tui::popups::prompt::Prompt;
use crate::tui::view::{Effect, Offer};
use crate::tui::views::stacks::StacksView;
use crate::tui::views::stacks::hands::questions::{ask, ask_compose, ask_down, capitalized};
use crate::tui::views::stacks::selection::container_of;

impl StacksView {
    /// Does what an action means for the selection.
    pub(super) fn hand(&self, action: Action, state: &State) -> Vec<Effect> {
        let Some(target) = self.selected.clone() else { return Vec::new() };
        let only = BTreeSet::from([target.clone()]);
        if let Some(verb) = verb_of(action) {
            return ask(verb, &only, state);
        }
        if let Some((verb, target)) = compose_of(action, &target, state) {
            return match order(&state.containers, verb, &target) {
                Ok(order) => ask_compose(&[order], state),
                Err(why) => toast(why),
            };
        }
        match action {
            Action::Kill => vec![kill_menu(&only, state)],
            Action::Down => down(&target, state),
            Action::Renew => renew_menu(&target, state),
            Action::Profiles => profiles_menu(&target, state),
            Action::Rename => prompt(&target, state, Prompt::rename),
            Action::CopyOut => prompt(&target, state, Prompt::copy_out),
            Action::CopyIn => prompt(&target, state, Prompt::copy_in),
            _ => Vec::new(),
        }
    }

    /// Whether an action can apply to the selection now.
    pub fn offers(&self, action: Action, state: &State) -> bool {
        let Some(target) = &self.selected else { return false };
        if action == Action::CancelJob {
            return state.jobs.conflicting(target, &state.containers).is_some();
        }
        if !action.changes_something() {
            return true;
        }
        if state.read_only {
            return false;
        }
        let containers = &state.containers;
        let can = |verb| plan(containers, verb, target).is_ok();
        let composes = |verb| order(containers, verb, target).is_ok();
        if let Some(verb) = verb_of(action) {
            return can(verb);
        }
        match action {
            Action::Kill => Signal::ALL.into_iter().any(|signal| can(Verb::Kill(signal))),
            Action::Down => composes(ComposeVerb::Down { volumes: false }) || can(Verb::Remove),
            Action::Rebuild => composes(ComposeVerb::Rebuild) && builds(target, state),
            Action::Renew | Action::Recreate | Action::Up => composes(ComposeVerb::Up),
            // For a stack it would be the same as the line above it.
            Action::UpStack => composes(ComposeVerb::Up) && !matches!(target, Target::Stack(_)),
            Action::Pull => composes(ComposeVerb::Pull),
            Action::Profiles => {
                containers.stack_of(target).is_some_and(|stack| profiles(containers, &stack).is_ok())
            }
            Action::Rename | Action::CopyOut | Action::CopyIn => container_of(target, state).is_some(),
            Action::OpenShell | Action::ShellAs | Action::ShellIn => self.runs(state).is_some(),
            Action::Attach => self.runs(state).is_some_and(|container| container.tty),
            _ => true,
        }
    }

    /// Returns the container that a shell would be for, if it runs.
    fn runs<'a>(&self, state: &'a State) -> Option<&'a Container> {
        let id = self.container(state)?;
        let container = &state.containers.get(&id)?.container;
        (container.run == RunState::Running).then_some(container)
    }

    /// Returns what can be done to the marks.
    pub fn bulk_offers(&self, state: &State) -> Vec<Offer> {
        let can = |verb| self.marks.iter().any(|target| plan(&state.containers, verb, target).is_ok());
        let mut offers = Vec::new();
        let verbs = [Verb::Restart, Verb::Stop, Verb::Start, Verb::Pause, Verb::Unpause, Verb::Remove];
        for verb in verbs.into_iter().filter(|verb| can(*verb)) {
            let label = format!("{} all", capitalized(verb.word()));
            offers.push(offer(label, "asks", ask(verb, &self.marks, state)));
        }
        if Signal::ALL.into_iter().any(|signal| can(Verb::Kill(signal))) {
            offers.push(offer("Send a signal to all", "asks", vec![kill_menu(&self.marks, state)]));
        }
        for verb in [ComposeVerb::Up, ComposeVerb::Recreate, ComposeVerb::Pull] {
            let orders = orders(verb, &self.marks, state);
            if !orders.is_empty() {
                let label = format!("{} all", capitalized(Verb::Compose(verb).word()));
                offers.push(offer(label, "asks", ask_compose(&orders, state)));
            }
        }
        offers
    }
}

fn down(target: &Target, state: &State) -> Vec<Effect> {
    match order(&state.containers, ComposeVerb::Down { volumes: false }, target) {
        Ok(order) => ask_down(&order, state),
        // Without Compose the engine itself removes, what is stopped only.
        Err(_) => ask(Verb::Remove, &BTreeSet::from([target.clone()]), state),
    }
}

/// Returns the engine's verb behind an action.
fn verb_of(action: Action) -> Option<Verb> {
    match action {
        Action::Start => Some(Verb::Start),
        Action::Stop => Some(Verb::Stop),
        Action::Restart => Some(Verb::Restart),
        Action::Pause => Some(Verb::Pause),
        Action::Unpause => Some(Verb::Unpause),
        Action::Remove => Some(Verb::Remove),
        _ => None,
    }
}

/// Returns the verb of Compose behind an action, and what it is for.
fn compose_of(action: Action, target: &Target, state: &State) -> Option<(ComposeVerb, Target)> {
    let verb = match action {
        Action::Up | Action::UpStack => ComposeVerb::Up,
        Action::Recreate => ComposeVerb::Recreate,
        Action::Rebuild => ComposeVerb::Rebuild,
        Action::Pull => ComposeVerb::Pull,
        _ => return None,
    };
    let target = match action {
        Action::UpStack => Target::Stack(state.containers.stack_of(target)?),
        _ => target.clone(),
    };
    Some((verb, target))
}

fn offer(label: impl Into<String>, hint: &str, effects: Vec<Effect>) -> Offer {
    Offer { label: label.into(), hint: hint.to_owned(), effects }
}

fn toast(why: String) -> Vec<Effect> {
    vec![Effect::Toast(why)]
}

fn kill_menu(targets: &BTreeSet<Target>, state: &State) -> Effect {
    let entries = Signal::ALL
        .into_iter()
        .filter(|signal| {
            targets.iter().any(|target| plan(&state.containers, Verb::Kill(*signal), target).is_ok())
        })
        .map(|signal| offer(signal.name(), signal.meaning(), ask(Verb::Kill(signal), targets, state)))
        .collect::<Vec<_>>();
    if entries.is_empty() {
        return Effect::Toast(String::from("Nothing runs here that could be sent a signal"));
    }
    Effect::Choose { title: String::from("Send a signal"), entries }
}

fn renew_menu(target: &Target, state: &State) -> Vec<Effect> {
    let verbs = [
        (ComposeVerb::Recreate, "new containers, same image"),
        (ComposeVerb::Rebuild, "build the image, new containers"),
        (ComposeVerb::Pull, "fetch the image, change nothing yet"),
    ];
    let mut entries = Vec::new();
    let mut refusal = None;
    for (verb, hint) in verbs {
        if verb == ComposeVerb::Rebuild && !builds(target, state) {
            continue;
        }
        match order(&state.containers, verb, target) {
            Ok(order) => {
                let label = capitalized(Verb::Compose(verb).word());
                entries.push(offer(label, hint, ask_compose(&[order], state)));
            }
            Err(why) => refusal = Some(why),
        }
    }
    match refusal {
        Some(why) if entries.is_empty() => toast(why),
        _ => {
            let title = format!("Renew {}", state.containers.name_of(target));
            vec![Effect::Choose { title, entries }]
        }
    }
}

/// Whether there is anything to build. Where the files are not known Compose will say.
fn builds(target: &Target, state: &State) -> bool {
    let Some(stack) = state.containers.stack_of(target) else { return false };
    let Some(definition) = state.containers.definition(&stack) else { return true };
    match state.containers.service_of(target) {
        Some((_, service)) => definition.services.get(&service).is_some_and(|service| service.builds),
        None => definition.services.values().any(|service| service.builds),
    }
}

fn profiles_menu(target: &Target, state: &State) -> Vec<Effect> {
    let Some(stack) = state.containers.stack_of(target) else { return Vec::new() };
    let found = match profiles(&state.containers, &stack) {
        Ok(found) => found,
        Err(why) => return toast(why),
    };
    let entries = found
        .iter()
        .map(|profile| {
            let names: Vec<&str> = profile.services.iter().map(|name| &**name).collect();
            let mark = match profile.up {
                0 => " ",
                up if up == names.len() => "x",
                _ => "~",
            };
            let hint = format!("{} of {} up", profile.up, names.len());
            let label = format!("[{mark}] {}: {}", profile.name, names.join(", "));
            offer(label, &hint, profile_effects(&stack, profile, state))
        })
        .collect();
    vec![Effect::Choose { title: format!("Profiles of {stack}"), entries }]
}

/// What choosing a profile leads to: what is off goes up, what is up goes down, what is half asks which.
fn profile_effects(stack: &Arc<str>, profile: &ProfileStanding, state: &State) -> Vec<Effect> {
    let order = |verb, profiles: Vec<String>| ComposeOrder {
        verb,
        stack: stack.clone(),
        services: profile.services.clone(),
        profiles,
    };
    let up = ask_compose(&[order(ComposeVerb::Up, vec![profile.name.clone()])], state);
    let down = ask_down(&order(ComposeVerb::Down { volumes: false }, Vec::new()), state);
    if profile.created == 0 {
        up
    } else if profile.up == profile.services.len() {
        down
    } else {
        let entries = vec![
            offer("Bring up what is not", "asks", up),
            offer("Stop and remove what is there", "asks", down),
        ];
        vec![Effect::Choose { title: format!("Profile {}", profile.name), entries }]
    }
}

fn prompt(target: &Target, state: &State, make: impl FnOnce(ContainerId, &str) -> Prompt) -> Vec<Effect> {
    match container_of(target, state).and_then(|id| state.containers.get(&id)) {
        Some(entry) => vec![Effect::Ask(make(entry.container.id.clone(), &entry.container.name))],
        None => toast(String::from("Select a service or a container that is there")),
    }
}

/// Gathers the orders for several targets: one for each stack, because Compose takes a stack at a time.
fn orders(verb: ComposeVerb, targets: &BTreeSet<Target>, state: &State) -> Vec<ComposeOrder> {
    let mut by_stack: BTreeMap<Arc<str>, ComposeOrder> = BTreeMap::new();
    for found in targets.iter().filter_map(|target| order(&state.containers, verb, target).ok()) {
        match by_stack.get_mut(&found.stack) {
            None => {
                by_stack.insert(found.stack.clone(), found);
            }
            Some(known) if known.services.is_empty() || found.services.is_empty() => known.services.clear(),
            Some(known) => {
                for service in found.services {
                    if !known.services.contains(&service) {
                        known.services.push(service);
                    }
                }
            }
        }
    }
    by_stack.into_values().collect()
}

/// Runs what needs no question.
fn run(commands: Vec<Command>) -> Vec<Effect> {
    commands.into_iter().map(Effect::Run).collect()
}
