//! The questions before something changes: what is touched, what goes, what is lost. Default: no.

use std::collections::BTreeSet;

use crate::command::Command;
use crate::model::containers::ContainerId;
use crate::model::jobs::{ComposeOrder, ComposeVerb, Verb};
use crate::model::stacks::{Target, duration_words};
use crate::state::State;
use crate::state::jobs::compose::{call, goes, is_anonymous, must_build, orphans};
use crate::state::jobs::{cutoff, plan};
use crate::tui::popups::prompt::Prompt;
use crate::tui::view::{Effect, Offer};
use crate::tui::views::stacks::hands::{run, variants};

/// Lines of a question before it says "and n more".
const LISTED: usize = 10;
/// Characters of a line of an enumeration, for the narrowest screens that are not small.
const LONGEST: usize = 64;

/// Asks for a verb of the engine: what is touched, in which order. What takes nothing away is done unasked.
pub fn ask(verb: Verb, targets: &BTreeSet<Target>, state: &State) -> Vec<Effect> {
    let mut touched: Vec<ContainerId> = Vec::new();
    let mut commands = Vec::new();
    let mut refusal = None;
    let mut slowest = None;
    // A mark below a marked stack is meant by the stack already.
    for target in targets {
        match plan(&state.containers, verb, target) {
            Ok(plan) => {
                let fresh: Vec<_> = plan.containers().filter(|id| !touched.contains(id)).cloned().collect();
                if !fresh.is_empty() {
                    touched.extend(fresh);
                    slowest = slowest.max(plan.stop_timeout);
                    commands.push(Command::Act { verb, target: target.clone() });
                }
            }
            Err(why) => refusal = Some(why),
        }
    }
    if commands.is_empty() {
        return refusal.map(Effect::Toast).into_iter().collect();
    }
    if matches!(verb, Verb::Start | Verb::Unpause) && targets.len() == 1 {
        return run(commands);
    }
    let what = match commands.as_slice() {
        [Command::Act { target, .. }] => kind_and_name(target, state),
        _ => format!("{} marked", commands.len()),
    };
    let mut lines = names(&touched, state);
    if verb == Verb::Remove {
        section(
            &mut lines,
            "Anonymous volumes that go too, unless inherited from an earlier container:",
            anonymous(&touched, state),
        );
    }
    if let Some(timeout) = slowest {
        let seconds = duration_words(timeout.as_secs() as i64);
        lines.push(String::new());
        lines.push(format!("What does not end by itself is killed after {seconds}"));
    }
    warn(&mut lines, cutoff::warnings(state, verb, &touched));
    let question = match verb {
        Verb::Kill(_) => format!("{} to {what}?", capitalized(verb.word())),
        _ => format!("{} {what}?", capitalized(verb.word())),
    };
    vec![Effect::Confirm { question, lines, commands }]
}

/// Asks for calls of Compose that take nothing away for good.
pub fn ask_compose(orders: &[ComposeOrder], state: &State) -> Vec<Effect> {
    let Some(first) = orders.first() else { return Vec::new() };
    let commands: Vec<Command> = orders.iter().cloned().map(Command::Compose).collect();
    let verb = Verb::Compose(first.verb);
    let mut touched = Vec::new();
    let mut lines = Vec::new();
    for order in orders {
        let mut profiles = order.profiles.clone();
        match call(&state.containers, order) {
            Ok(call) => {
                touched.extend(state.containers.of_target(&call.target));
                // Those that are on, or were when it was taken down, come along with the whole stack.
                if order.services.is_empty() {
                    profiles = call.project.profiles;
                }
            }
            Err(why) => return vec![Effect::Toast(why)],
        }
        if order.services.is_empty() {
            lines.push(format!("The whole stack {}", order.stack));
        } else {
            lines.extend(order.services.iter().map(|service| format!("{}/{service}", order.stack)));
        }
        if !profiles.is_empty() {
            let word = if profiles.len() == 1 { "profile" } else { "profiles" };
            lines.push(format!("With the {word} {}", profiles.join(", ")));
        }
        lines.extend(variants::told_before(&order.stack, state));
    }
    cut(&mut lines);
    if first.verb == ComposeVerb::Sweep {
        let goes: Vec<_> = orders.iter().flat_map(|order| orphans(&state.containers, &order.stack)).collect();
        section(
            &mut lines,
            "These are stopped and removed, its files do not know them:",
            names(&goes, state),
        );
    }
    let words: &[&str] = match first.verb {
        ComposeVerb::Up => {
            &["What it depends on comes up too", "Containers whose definition or image changed are recreated"]
        }
        ComposeVerb::Sweep => &["Volumes stay", "Containers whose definition or image changed are recreated"],
        ComposeVerb::Recreate => &["Its containers are stopped, removed and made anew; volumes stay"],
        ComposeVerb::Rebuild => &["What runs goes on until the image is built, then it is recreated"],
        ComposeVerb::RebuildClean => {
            &["Every step of the build is done anew", "What runs goes on until then, then it is recreated"]
        }
        ComposeVerb::Update => &[
            "Pulls, builds, brings up and waits until all of it is ready",
            "The present images are kept meanwhile: one can go back to them",
        ],
        ComposeVerb::GoBack => {
            &["The images from before get their names back", "The containers are made anew from them"]
        }
        ComposeVerb::Scale(_) => &[],
        ComposeVerb::Pull => &["What runs goes on with its present image until it is recreated"],
        ComposeVerb::Down { .. } => &[],
    };
    lines.push(String::new());
    lines.extend(words.iter().map(|word| (*word).to_owned()));
    if orders.iter().any(|order| must_build(&state.containers, order)) {
        lines.push(String::from("Images are built first: those that are there may be of other files"));
    }
    lines.extend(orders.iter().flat_map(|order| scaled_back(order, state)));
    warn(&mut lines, cutoff::warnings(state, verb, &touched));
    let what = match orders {
        [order] => name(order),
        _ => format!("{} stacks", orders.len()),
    };
    let question = match first.verb {
        ComposeVerb::GoBack => format!("Go back to the old image of {what}?"),
        ComposeVerb::Sweep => format!("Bring up {what} and remove its orphans?"),
        _ => format!("{} {what}?", capitalized(verb.word())),
    };
    vec![Effect::Confirm { question, lines, commands }]
}

/// Names services that have another number of containers than the files say: bringing them up evens that out.
fn scaled_back(order: &ComposeOrder, state: &State) -> Vec<String> {
    let known = state.containers.definition(&order.stack).zip(state.containers.stack(&order.stack));
    let Some((definition, stack)) = known.filter(|_| order.verb != ComposeVerb::Pull) else {
        return Vec::new();
    };
    let meant = stack
        .services
        .iter()
        .filter(|service| order.services.is_empty() || order.services.contains(&service.name));
    meant
        .filter_map(|service| {
            let wanted = definition.services.get(&service.name)?.replicas;
            let (name, now) = (&service.name, service.desired);
            (now > 1 && now > wanted).then(|| format!("{name} goes from {now} containers back to {wanted}"))
        })
        .collect()
}

/// Asks for a `down`: lists what goes; where volumes could go too, asks which first.
pub fn ask_down(order: &ComposeOrder, state: &State) -> Vec<Effect> {
    let with_volumes = ComposeOrder { verb: ComposeVerb::Down { volumes: true }, ..order.clone() };
    if let Err(why) = call(&state.containers, order) {
        return vec![Effect::Toast(why)];
    }
    let goes = goes(&state.containers, &with_volumes);
    let list = |volumes: bool| {
        let mut lines = names(&goes.containers, state);
        if goes.containers.is_empty() {
            lines.push(String::from("None of its containers is there"));
        }
        section(&mut lines, "Networks:", goes.networks.clone());
        if volumes {
            section(&mut lines, "Volumes, with all the data in them:", goes.volumes.clone());
        } else if !goes.volumes.is_empty() {
            lines.push(String::new());
            lines.extend(broken_up(&format!("Volumes stay: {}", goes.volumes.join(", "))));
        }
        if !goes.stays.is_empty() {
            lines.extend([String::new(), String::from("These stay: the compose files do not know them")]);
            lines.extend(names(&goes.stays, state));
        }
        let verb = Verb::Compose(ComposeVerb::Down { volumes });
        warn(&mut lines, cutoff::warnings(state, verb, &goes.containers));
        lines
    };
    let what = name(order);
    let question = format!("Take down {what}: stop and remove?");
    let plain =
        Effect::Confirm { question, lines: list(false), commands: vec![Command::Compose(order.clone())] };
    if goes.volumes.is_empty() {
        return vec![plain];
    }
    let title = format!("Take down {what} with its volumes: the data is lost");
    let prompt = Prompt::yes(title, list(true), vec![Command::Compose(with_volumes)]);
    let entries = vec![
        Offer {
            label: String::from(if order.services.is_empty() {
                "Containers and networks; volumes stay"
            } else {
                "Containers; volumes stay"
            }),
            hint: String::from("asks"),
            effects: vec![plain],
        },
        Offer {
            label: String::from("Volumes too: the data is lost"),
            hint: String::from("type yes"),
            effects: vec![Effect::Ask(prompt)],
        },
    ];
    vec![Effect::Choose { title: format!("Take down {what}"), entries }]
}

fn name(order: &ComposeOrder) -> String {
    match &*order.services {
        [] => format!("the stack {}", order.stack),
        [service] => format!("{}/{service}", order.stack),
        several => format!("{} services of {}", several.len(), order.stack),
    }
}

/// Lists containers with their states.
fn names(ids: &[ContainerId], state: &State) -> Vec<String> {
    let mut lines: Vec<String> = ids
        .iter()
        .filter_map(|id| state.containers.get(id))
        .map(|entry| format!("{}  {}", entry.container.name, entry.verdict.state.word()))
        .collect();
    cut(&mut lines);
    lines
}

/// Breaks a long enumeration up into lines.
fn broken_up(words: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + word.len() < LONGEST => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn cut(lines: &mut Vec<String>) {
    if lines.len() > LISTED {
        let more = lines.len() - LISTED + 1;
        lines.truncate(LISTED - 1);
        lines.push(format!("and {more} more"));
    }
}

fn section(lines: &mut Vec<String>, title: &str, mut content: Vec<String>) {
    if !content.is_empty() {
        cut(&mut content);
        lines.extend([String::new(), title.to_owned()]);
        lines.extend(content);
    }
}

fn warn(lines: &mut Vec<String>, warnings: Vec<String>) {
    // What matters most is read first, and is never cut off at the foot.
    for warning in warnings.into_iter().rev() {
        lines.insert(0, warning);
    }
}

/// Names the anonymous volumes of containers.
fn anonymous(ids: &[ContainerId], state: &State) -> Vec<String> {
    let entries = ids.iter().filter_map(|id| state.containers.get(id));
    entries
        .flat_map(|entry| &entry.container.mounts)
        .filter(|mount| mount.kind == "volume" && is_anonymous(&mount.source))
        .map(|mount| format!("{}  at {}", mount.source.get(..12).unwrap_or_default(), mount.destination))
        .collect()
}

fn kind_and_name(target: &Target, state: &State) -> String {
    let name = state.containers.name_of(target);
    match target {
        Target::Stack(_) => format!("the stack {name}"),
        Target::Service { .. } => name,
        Target::Container(_) => format!("the container {name}"),
    }
}

pub fn capitalized(word: &str) -> String {
    let mut word = word.to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}
