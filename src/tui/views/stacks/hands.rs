//! Hands: what the keys and menus wish to do to the selection or the marks, and what is asked before.
//!
//! Offers exactly what can apply: the rules are those of [`crate::state::jobs`].

pub mod profiles;
mod questions;
#[cfg(test)]
mod tests;
mod variants;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::command::Command;
use crate::model::containers::{Container, ContainerId, RunState};
use crate::model::jobs::{ComposeOrder, ComposeVerb, Signal, Verb};
use crate::model::stacks::Target;
use crate::state::State;
use crate::state::jobs::compose::{order, orphans};
use crate::state::jobs::profiles::profiles as profiles_of;
use crate::state::jobs::runs::offered;
use crate::state::jobs::{Kept, plan};
use crate::tui::action::Action;
use crate::tui::popups::prompt::Prompt;
use crate::tui::view::{Effect, Offer};
use crate::tui::views::stacks::StacksView;
use crate::tui::views::stacks::hands::questions::{ask, ask_compose, ask_down, capitalized};
use crate::tui::views::stacks::selection::container_of;
use crate::tui::views::watch::hands as watch;

impl StacksView {
    /// Does what an action means for the selection.
    pub(super) fn hand(&self, action: Action, state: &State) -> Vec<Effect> {
        let Some(target) = self.selected.clone() else { return refusal(action, state) };
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
            Action::ToggleWatch => watch::toggle(&target, state),
            Action::TriggerWatch => watch::trigger(&target, state),
            Action::Renew => renew_menu(&target, state),
            Action::Variant => variants::menu(&target, state),
            Action::Profiles => profiles::choose(&target, state),
            Action::Scale => scale(&target, state),
            Action::GoBack => match kept(&target, state) {
                Some((stack, kept)) => go_back(&stack, kept, state),
                None => toast(String::from("No update failed here: there is nothing to go back to")),
            },
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
        if action == Action::Variant {
            return variants::has_variants(target, state);
        }
        if action == Action::ShowOutput {
            return state.jobs.output(target, &state.containers).is_some();
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
            Action::Rebuild | Action::RebuildClean => composes(ComposeVerb::Rebuild) && builds(target, state),
            Action::Update => composes(ComposeVerb::Update),
            Action::GoBack => kept(target, state).is_some(),
            Action::Scale => composes(ComposeVerb::Up) && containers.service_of(target).is_some(),
            Action::Renew => composes(ComposeVerb::Up) || sweeps(target, state).is_some(),
            Action::Recreate | Action::Up => composes(ComposeVerb::Up),
            // For a stack it would be the same as the line above it.
            Action::UpStack => composes(ComposeVerb::Up) && !matches!(target, Target::Stack(_)),
            Action::Pull => composes(ComposeVerb::Pull),
            Action::Profiles => {
                containers.stack_of(target).is_some_and(|stack| profiles_of(containers, &stack).is_ok())
            }
            Action::ToggleWatch => watch::offers_toggle(target, state),
            Action::TriggerWatch => watch::offers_trigger(target, state),
            Action::Rename | Action::CopyOut | Action::CopyIn => container_of(target, state).is_some(),
            Action::CustomActions => containers.stack_of(target).is_some_and(|stack| {
                let file = state.stack_files.get(&stack);
                file.is_some_and(|file| offered(file, containers, target).next().is_some())
            }),
            Action::OpenShell | Action::ShellAs | Action::ShellIn | Action::RunCommand => {
                self.runs(state).is_some()
            }
            Action::Attach => self.runs(state).is_some_and(|container| container.tty || container.stdin_open),
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
        for verb in [ComposeVerb::Up, ComposeVerb::Update, ComposeVerb::Recreate, ComposeVerb::Pull] {
            let orders = orders(verb, &self.marks, state);
            if !orders.is_empty() {
                let label = format!("{} all", capitalized(Verb::Compose(verb).word()));
                offers.push(offer(label, "asks", ask_compose(&orders, state)));
            }
        }
        offers
    }
}

/// Says why a key that changes something does nothing where nothing is listed.
fn refusal(action: Action, state: &State) -> Vec<Effect> {
    if !action.changes_something() {
        return Vec::new();
    }
    match state.containers.refused() {
        Some(error) => toast(format!("Nothing of the stack can start: {error}")),
        None => toast(String::from("There is nothing here that this could be done to")),
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
        Action::RebuildClean => ComposeVerb::RebuildClean,
        Action::Update => ComposeVerb::Update,
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
        (ComposeVerb::Update, "pull, build, up, wait until healthy"),
        (ComposeVerb::Recreate, "new containers, same image"),
        (ComposeVerb::Rebuild, "build the image, new containers"),
        (ComposeVerb::RebuildClean, "every step of the build anew"),
        (ComposeVerb::Pull, "fetch the image, change nothing yet"),
    ];
    let mut entries = Vec::new();
    let mut refusal = None;
    if let Some((stack, kept)) = kept(target, state) {
        entries.extend(go_back_offer(&stack, kept, state));
    }
    for (verb, hint) in verbs {
        if matches!(verb, ComposeVerb::Rebuild | ComposeVerb::RebuildClean) && !builds(target, state) {
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
    if let Some(order) = sweeps(target, state) {
        entries.push(offer("Remove orphans", "up --remove-orphans, asks", ask_compose(&[order], state)));
    }
    let known = order(&state.containers, ComposeVerb::Up, target).is_ok();
    if known && state.containers.service_of(target).is_some() && !entries.is_empty() {
        entries.push(offer("Scale", "how many containers", scale(target, state)));
    }
    match refusal {
        Some(why) if entries.is_empty() => toast(why),
        _ => {
            let title = format!("Renew {}", state.containers.name_of(target));
            vec![Effect::Choose { title, entries }]
        }
    }
}

/// Returns the order that rids a stack of its orphans, for the stack and for an orphan of it.
fn sweeps(target: &Target, state: &State) -> Option<ComposeOrder> {
    let stack = state.containers.stack_of(target)?;
    let of_target = state.containers.of_target(target);
    let orphans = orphans(&state.containers, &stack);
    let one_of_them = of_target.iter().all(|id| orphans.contains(id));
    if !matches!(target, Target::Stack(_)) && !one_of_them {
        return None;
    }
    order(&state.containers, ComposeVerb::Sweep, &Target::Stack(stack)).ok()
}

/// Asks how many containers a service is to have, or says why it can't have another number.
fn scale(target: &Target, state: &State) -> Vec<Effect> {
    let Some((stack, service)) = state.containers.service_of(target) else {
        return toast(String::from("Select a service: each has its own number of containers"));
    };
    let now =
        state.containers.stack(&stack).and_then(|stack| Some(stack.service(&service)?.desired as usize));
    let now = now.unwrap_or(0);
    let target = Target::Service { stack, service };
    // Whether more than one is possible at all is known before anything is typed.
    match order(&state.containers, ComposeVerb::Scale(2), &target) {
        Ok(order) => vec![Effect::Ask(Prompt::scale(order, now))],
        Err(why) => toast(why),
    }
}

/// Returns what the last failed update of the target's stack can be undone with.
fn kept<'a>(target: &Target, state: &'a State) -> Option<(Arc<str>, &'a Kept)> {
    let stack = state.containers.stack_of(target)?;
    let kept = state.jobs.kept(&stack)?;
    match state.containers.service_of(target) {
        Some((_, service)) if !kept.images.iter().any(|image| image.service == service) => None,
        _ => Some((stack, kept)),
    }
}

/// Offers to go back to the images from before an update.
pub fn go_back_offer(stack: &Arc<str>, kept: &Kept, state: &State) -> Option<Offer> {
    let services: Vec<&str> = kept.images.iter().map(|image| &*image.service).collect();
    let label = format!("Go back: {} to the image from before", services.join(", "));
    (!services.is_empty()).then(|| offer(label, "asks", go_back(stack, kept, state)))
}

fn go_back(stack: &Arc<str>, kept: &Kept, state: &State) -> Vec<Effect> {
    let order = ComposeOrder {
        verb: ComposeVerb::GoBack,
        stack: stack.clone(),
        services: kept.images.iter().map(|image| image.service.clone()).collect(),
        profiles: Vec::new(),
    };
    ask_compose(&[order], state)
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
