//! What the keys of the watcher wish, from whichever screen.

use std::sync::Arc;

use crate::command::Command;
use crate::model::stacks::Target;
use crate::model::watch::ServiceKey;
use crate::model::watch::run::RunPhase;
use crate::state::State;
use crate::state::watch::{PlanOrigin, ServiceWatch};
use crate::tui::view::Effect;
use crate::tui::views::watch::words;

/// Switches the watching of a service or of a whole stack on or off.
pub fn toggle(target: &Target, state: &State) -> Vec<Effect> {
    if let Target::Stack(stack) = target {
        return toggle_stack(stack, state);
    }
    let Some((stack, service)) = state.containers.service_of(target) else { return Vec::new() };
    let watch = match watchable(&stack, &service, state) {
        Ok(watch) => watch,
        Err(why) => return toast(why),
    };
    let on = !watch.on;
    let said = if on { watched(&service, watch, state) } else { format!("{service} is watched no more") };
    let command = Command::SetWatch { stack, service: Some(service.clone()), on };
    if on && watch.plan.rules.iter().any(|rule| rule.initial_sync) {
        let question = format!("Watch {service}?");
        let lines = vec![
            String::from("A rule of it wants everything copied when the watching begins:"),
            String::from("its containers get the files of this machine at once"),
        ];
        return vec![Effect::Confirm { question, lines, commands: vec![command] }];
    }
    vec![Effect::Run(command), Effect::Toast(said)]
}

fn toggle_stack(stack: &Arc<str>, state: &State) -> Vec<Effect> {
    let of_it = || state.watch.services().filter(|(key, _)| key.0 == *stack);
    let can = of_it().filter(|(_, watch)| has_rules(watch)).count();
    if can == 0 {
        return toast(format!("{stack}: none of its services has watch rules or a build"));
    }
    let on = !of_it().any(|(_, watch)| watch.on);
    let said = match (on, can) {
        (false, _) => format!("{stack} is watched no more"),
        (true, 1) => format!("{stack}: 1 service is watched"),
        (true, can) => format!("{stack}: {can} services are watched"),
    };
    let command = Command::SetWatch { stack: stack.clone(), service: None, on };
    vec![Effect::Run(command), Effect::Toast(said)]
}

fn watched(service: &str, watch: &ServiceWatch, state: &State) -> String {
    if watch.offered && !watch.pending.is_empty() {
        return format!("{service} is watched; {}", words::waiting(watch, state));
    }
    format!("{service} is watched: what is saved is taken up")
}

/// Does what waits for a service now. Where nothing waits it would be a surprise: it asks.
pub fn trigger(target: &Target, state: &State) -> Vec<Effect> {
    let Some((stack, service)) = state.containers.service_of(target) else {
        return toast(String::from("Select a service: each is rebuilt on its own"));
    };
    // What reloads itself can be rebuilt all the same.
    let builds = |watch: &&ServiceWatch| watch.plan.origin == PlanOrigin::BindMount;
    let watch = match state.watch.service(&stack, &service).filter(builds) {
        Some(watch) => watch,
        None => match watchable(&stack, &service, state) {
            Ok(watch) => watch,
            Err(why) => return toast(why),
        },
    };
    let key: ServiceKey = (stack.clone(), service.clone());
    let command = Command::TriggerWatch { stack: stack.clone(), service: service.clone() };
    if !watch.pending.is_empty() && watch.suspended.is_empty() {
        return vec![Effect::Run(command)];
    }
    let mut lines = Vec::new();
    if !watch.suspended.is_empty() {
        lines.push(format!("It is suspended: {}", watch.suspended));
        lines.push(String::from("This lets it go on"));
    } else if words::under_way(&key, state).is_some_and(|run| run.phase() >= RunPhase::Queued) {
        lines.push(String::from("Something is under way already; this follows it"));
    } else {
        lines.push(String::from("Nothing that it is made from has changed"));
    }
    lines.push(String::new());
    lines.push(String::from("What runs goes on until the image is built, then it is recreated"));
    vec![Effect::Confirm {
        question: format!("Rebuild {stack}/{service} now?"),
        lines,
        commands: vec![command],
    }]
}

/// Pauses the watching, or lets it go on.
pub fn pause(state: &State) -> Vec<Effect> {
    let on = !state.watch.paused;
    let said = if on {
        "Watching is paused: what is saved waits"
    } else {
        "Watching goes on: what waits is taken up"
    };
    vec![Effect::Run(Command::PauseWatch(on)), Effect::Toast(String::from(said))]
}

/// Lets what is saved wait until it is asked for, or no more.
pub fn manual(state: &State) -> Vec<Effect> {
    let on = !state.watch.manual;
    let said = if on {
        "Manual mode: what is saved waits until it is asked for"
    } else {
        "Manual mode is off: what is saved is taken up"
    };
    vec![Effect::Run(Command::SetWatchManual(on)), Effect::Toast(String::from(said))]
}

/// Whether there is anything to watch for a service.
pub fn has_rules(watch: &ServiceWatch) -> bool {
    !watch.plan.rules.is_empty()
}

/// Whether a service, or one of a stack's, could be watched.
pub fn offers_toggle(target: &Target, state: &State) -> bool {
    match target {
        Target::Stack(stack) => {
            state.watch.services().any(|(key, watch)| key.0 == *stack && has_rules(watch))
        }
        _ => offers_trigger(target, state),
    }
}

pub fn offers_trigger(target: &Target, state: &State) -> bool {
    let service = state.containers.service_of(target);
    service.is_some_and(|(stack, service)| watchable(&stack, &service, state).is_ok())
}

/// Returns what is known of a service's watching, or says why it cannot be watched.
fn watchable<'a>(stack: &str, service: &str, state: &'a State) -> Result<&'a ServiceWatch, String> {
    let Some(watch) = state.watch.service(stack, service) else {
        return Err(match state.containers.definition(stack) {
            Some(_) => format!("{service} has neither watch rules nor a build: there is nothing to watch"),
            None => format!("{stack}: its compose files are not known here, so nothing of it can be watched"),
        });
    };
    if watch.on || has_rules(watch) {
        return Ok(watch);
    }
    Err(match watch.plan.origin {
        PlanOrigin::BindMount => format!("{service}: {}", words::origin(PlanOrigin::BindMount)),
        _ => format!("{service} has neither watch rules nor a build: there is nothing to watch"),
    })
}

fn toast(why: String) -> Vec<Effect> {
    vec![Effect::Toast(why)]
}
