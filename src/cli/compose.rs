//! `up`, `down`, `rebuild`, `update`: what the Compose CLI is asked for, with its words on standard error.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::cli::args::{DownArguments, ScaledUpArguments, UpArguments, UpdateArguments};
use crate::cli::exit::{self, Failure};
use crate::cli::headless::{Headless, Measure};
use crate::cli::lifecycle::{check_may_change, watch};
use crate::cli::output::say;
use crate::cli::project;
use crate::cli::select;
use crate::cli::settings::Setup;
use crate::command::Command;
use crate::config::Config;
use crate::config::nearest::did_you_mean;
use crate::model::compose::ComposeProject;
use crate::model::jobs::{ComposeOrder, ComposeVerb, Verb};
use crate::model::stacks::Target;
use crate::state::State;
use crate::state::jobs::Kept;
use crate::state::jobs::compose::{call, goes, orphans};
use crate::state::jobs::profiles::profiles;
use crate::state::variants::variants;

/// The longest wait for Compose to say what a folder's files are.
const FILES: Duration = Duration::from_secs(30);

pub async fn up(setup: &Setup, arguments: ScaledUpArguments) -> Result<u8, Failure> {
    let ScaledUpArguments { up: UpArguments { services }, scales, remove_orphans } = arguments;
    let verb = ComposeVerb::Up;
    check_may_change(setup, Verb::Compose(verb).word())?;
    let mut headless = Headless::connect(setup.ports_that_act()?, &setup.config, Measure::Nothing).await?;
    let code = up_and_scale(&mut headless, setup, &services.services, &scales, remove_orphans).await;
    closed(headless, code).await
}

async fn up_and_scale(
    headless: &mut Headless,
    setup: &Setup,
    services: &[String],
    scales: &[(String, u32)],
    remove_orphans: bool,
) -> Result<u8, Failure> {
    let mut orders = orders(headless, setup, ComposeVerb::Up, services, &setup.choice.profiles).await?;
    let scales = scale_orders(headless.state(), &orders, scales)?;
    if remove_orphans {
        sweep(headless.state(), &mut orders);
    }
    let code = carry_out(headless, orders).await?;
    if code != exit::OK {
        return Ok(code);
    }
    // One after the other: Compose works on a stack as a whole.
    for order in scales {
        let code = carry_out(headless, vec![order]).await?;
        if code != exit::OK {
            return Ok(code);
        }
    }
    Ok(exit::OK)
}

pub async fn rebuild(setup: &Setup, verb: ComposeVerb, arguments: UpArguments) -> Result<u8, Failure> {
    check_may_change(setup, Verb::Compose(verb).word())?;
    let mut headless = Headless::connect(setup.ports_that_act()?, &setup.config, Measure::Nothing).await?;
    let services = &arguments.services.services;
    let orders = orders(&mut headless, setup, verb, services, &setup.choice.profiles).await?;
    let code = carry_out(&mut headless, orders).await;
    closed(headless, code).await
}

/// Lets the timeline reach the disk before the command ends.
async fn closed(mut headless: Headless, code: Result<u8, Failure>) -> Result<u8, Failure> {
    headless.supervisor.close().await;
    code
}

/// Lets orders remove the orphans of their stacks too, and says which those are.
fn sweep(state: &State, orders: &mut [ComposeOrder]) {
    for order in orders {
        let goes = orphans(&state.containers, &order.stack);
        let names: Vec<String> =
            goes.into_iter().map(|id| state.containers.name_of(&Target::Container(id))).collect();
        if names.is_empty() {
            say(format!("{}: there are no orphans", order.stack));
        } else {
            say(format!("{}: orphans that go: {}", order.stack, names.join(", ")));
            order.verb = ComposeVerb::Sweep;
        }
    }
}

/// Makes an order for each `SERVICE=N`; what can't be is refused before anything is done.
fn scale_orders(
    state: &State,
    orders: &[ComposeOrder],
    scales: &[(String, u32)],
) -> Result<Vec<ComposeOrder>, Failure> {
    let mut found = Vec::new();
    for (name, count) in scales {
        let (stack, service) = match (name.split_once('/'), orders) {
            (Some((stack, service)), _) => (Arc::from(stack), service),
            (None, [order]) => (order.stack.clone(), name.as_str()),
            (None, _) => {
                return Err(Failure::usage(format!("{name:?} is ambiguous: several stacks are meant"))
                    .next_step("Say which: stack/service=N"));
            }
        };
        let verb = ComposeVerb::Scale(*count);
        let order = ComposeOrder { verb, stack, services: vec![Arc::from(service)], profiles: Vec::new() };
        call(&state.containers, &order).map_err(Failure::usage)?;
        found.push(order);
    }
    Ok(found)
}

pub async fn update(setup: &Setup, arguments: UpdateArguments) -> Result<u8, Failure> {
    let verb = ComposeVerb::Update;
    check_may_change(setup, Verb::Compose(verb).word())?;
    let mut headless = Headless::connect(setup.ports_that_act()?, &setup.config, Measure::Nothing).await?;
    let code = update_or_go_back(&mut headless, setup, verb, &arguments).await;
    closed(headless, code).await
}

async fn update_or_go_back(
    headless: &mut Headless,
    setup: &Setup,
    verb: ComposeVerb,
    arguments: &UpdateArguments,
) -> Result<u8, Failure> {
    let services = &arguments.up.services.services;
    let orders = orders(headless, setup, verb, services, &setup.choice.profiles).await?;
    let code = carry_out(headless, orders).await?;
    let kept: Vec<(Arc<str>, Kept)> =
        headless.state().jobs.all_kept().map(|(stack, kept)| (stack.clone(), kept.clone())).collect();
    if code == exit::OK || kept.is_empty() {
        return Ok(code);
    }
    let back = kept.into_iter().map(|(stack, kept)| {
        let services = kept.images.iter().map(|image| image.service.clone()).collect();
        let order = ComposeOrder { verb: ComposeVerb::GoBack, stack, services, profiles: Vec::new() };
        (order, kept)
    });
    let (orders, kept): (Vec<_>, Vec<_>) = back.unzip();
    if arguments.rollback {
        carry_out(headless, orders).await?;
        // What was asked for did not come about, whatever came after.
        return Ok(exit::FAILED);
    }
    for (order, kept) in orders.iter().zip(kept) {
        let names: Vec<&str> = order.services.iter().map(|service| &**service).collect();
        say(format!("{}: to go back to the image from before ({}):", order.stack, names.join(", ")));
        for image in &kept.images {
            say(format!("  docker tag {} {}", image.kept_as, image.name));
        }
        if let Ok(call) = call(&headless.state().containers, order) {
            say(format!("  {}", call.command));
        }
    }
    say("Next time --rollback does so by itself");
    Ok(code)
}

pub async fn down(setup: &Setup, arguments: DownArguments) -> Result<u8, Failure> {
    check_may_change(setup, "take down")?;
    if !arguments.yes && !can_ask() {
        return Err(Failure::usage("down asks first, and there is no terminal to ask on")
            .next_step("To do it unasked: stackdash down --yes"));
    }
    let verb = ComposeVerb::Down { volumes: arguments.volumes };
    let mut headless = Headless::connect(setup.ports_that_act()?, &setup.config, Measure::Nothing).await?;
    let mut orders = orders(&mut headless, setup, verb, &arguments.services.services, &[]).await?;
    only_profiles(headless.state(), &mut orders, &setup.choice.profiles)?;
    for order in &orders {
        tell_what_goes(headless.state(), order);
    }
    if !arguments.yes && !asked(arguments.volumes)? {
        say("Nothing was changed");
        return Ok(exit::OK);
    }
    let code = carry_out(&mut headless, orders).await;
    closed(headless, code).await
}

/// Says what a `down` takes away.
fn tell_what_goes(state: &State, order: &ComposeOrder) {
    let goes = goes(&state.containers, order);
    let name = |id| state.containers.name_of(&Target::Container(id));
    let names: Vec<String> = goes.containers.into_iter().map(name).collect();
    for (what, names) in [("containers", names), ("networks", goes.networks), ("volumes", goes.volumes)] {
        if !names.is_empty() {
            say(format!("{}: {what} that go: {}", order.stack, names.join(", ")));
        }
    }
    let stays: Vec<String> = goes.stays.into_iter().map(name).collect();
    if !stays.is_empty() {
        let names = stays.join(", ");
        say(format!("{}: these stay, the compose files do not know them: {names}", order.stack));
    }
}

/// Whether there is a terminal to ask on.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks on the terminal; anything but the whole word is no.
pub fn asked(volumes: bool) -> Result<bool, Failure> {
    let question =
        if volumes { "The data in the volumes is lost. Type yes to do it: " } else { "Type yes to do it: " };
    let mut error = std::io::stderr();
    let cannot = |error: std::io::Error| Failure::failed(format!("cannot ask: {error}"));
    error.write_all(question.as_bytes()).and_then(|()| error.flush()).map_err(cannot)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(cannot)?;
    Ok(answer.trim() == "yes")
}

async fn carry_out(headless: &mut Headless, orders: Vec<ComposeOrder>) -> Result<u8, Failure> {
    for order in orders {
        if let Some(words) = variant(headless.state(), &order) {
            say(words);
        }
        if let Ok(call) = call(&headless.state().containers, &order) {
            // Each step of several says its own.
            if let [only] = &*call.steps
                && only.phase.is_none()
            {
                say(format!("$ {}", call.command));
            }
        }
        headless.supervisor.submit(Command::Compose(order));
    }
    let failed = watch(headless).await?;
    Ok(if failed { exit::FAILED } else { exit::OK })
}

/// Says which of several variants an order is about, and why that one.
fn variant(state: &State, order: &ComposeOrder) -> Option<String> {
    let all = variants(state, &order.stack);
    let next = all.iter().find(|one| one.next)?;
    let (stack, name) = (&order.stack, &next.variant.name);
    Some(match all.iter().find(|one| one.runs) {
        None => format!("{stack}: variant {name}"),
        Some(_) if next.runs => format!("{stack}: variant {name}, it is what runs"),
        Some(other) => format!("{stack}: variant {name} instead of {}", other.variant.name),
    })
}

/// Finds what is meant: services, or the stack that was named, or that of this folder.
async fn orders(
    headless: &mut Headless,
    setup: &Setup,
    verb: ComposeVerb,
    words: &[String],
    profiles: &[String],
) -> Result<Vec<ComposeOrder>, Failure> {
    let word = Verb::Compose(verb).word();
    let named = setup.config.project.clone();
    let mut config = Config { project: named.clone(), ..setup.config.clone() };
    let full = words.iter().any(|word| word.contains('/'));
    let files = match &setup.files {
        Some(files) => Some(files.clone()),
        // As with Compose itself: the stack of this folder is meant.
        None if named.is_none() && !full => setup.files_here()?,
        None => None,
    };
    let chosen_by_files = files.is_some();
    if let Some(files) = files {
        let name = read_files(headless, files).await?;
        config.project = Some(name.to_string());
    }
    headless.definitions().await;
    if let (Some(variant), Some(stack), false) = (&setup.choice.variant, &config.project, chosen_by_files) {
        choose_variant(headless, stack, variant).await?;
    }
    let order =
        |stack: Arc<str>| ComposeOrder { verb, stack, services: Vec::new(), profiles: profiles.to_vec() };
    if words.is_empty() {
        let Some(name) = config.project.clone() else {
            return Err(Failure::usage(format!("nothing was named to {word}")).next_step(
                "Name a stack (-p NAME) or services (stack/service), or go to a folder with a compose file",
            ));
        };
        // One that neither runs nor has files here cannot be acted on.
        select::stacks(headless.state(), &config)?;
        let orders = vec![order(Arc::from(name))];
        return checked(headless.state(), orders);
    }
    let mut by_stack: BTreeMap<Arc<str>, ComposeOrder> = BTreeMap::new();
    for target in headless.services(&config, words).await? {
        let containers = &headless.state().containers;
        let Some((stack, service)) = containers.service_of(&target) else { continue };
        let order = by_stack.entry(stack.clone()).or_insert_with(|| order(stack));
        if !order.services.contains(&service) {
            order.services.push(service);
        }
    }
    checked(headless.state(), by_stack.into_values().collect())
}

fn checked(state: &State, orders: Vec<ComposeOrder>) -> Result<Vec<ComposeOrder>, Failure> {
    for order in &orders {
        call(&state.containers, order).map_err(Failure::usage)?;
        for profile in &order.profiles {
            known_profile(state, &order.stack, profile)?;
        }
    }
    Ok(orders)
}

/// Narrows whole stacks down to the services of profiles.
fn only_profiles(state: &State, orders: &mut [ComposeOrder], wanted: &[String]) -> Result<(), Failure> {
    for order in orders {
        for profile in wanted {
            for service in known_profile(state, &order.stack, profile)? {
                if !order.services.contains(&service) {
                    order.services.push(service);
                }
            }
        }
    }
    Ok(())
}

pub fn known_profile(state: &State, stack: &str, wanted: &str) -> Result<Vec<Arc<str>>, Failure> {
    let all = profiles(&state.containers, stack).map_err(Failure::usage)?;
    let names: Vec<&str> = all.iter().map(|profile| &*profile.name).collect();
    let known = format!("Known profiles: {}", names.join(", "));
    all.iter().find(|profile| profile.name == wanted).map(|profile| profile.services.clone()).ok_or_else(
        || {
            let hint = did_you_mean(wanted, names.iter().copied());
            Failure::usage(format!("{stack} has no profile {wanted:?}{hint}")).next_step(known)
        },
    )
}

/// Lets a stack whose files are known by its containers use those of a variant.
async fn choose_variant(headless: &mut Headless, stack: &str, wanted: &str) -> Result<(), Failure> {
    if let Some(fault) = headless.state().stack_files.fault(stack) {
        return Err(Failure::usage(fault));
    }
    let all = variants(headless.state(), stack);
    let names = all.iter().map(|one| &*one.variant.name);
    if !names.clone().any(|name| name == wanted) {
        return Err(project::unknown_variant(stack, wanted, names));
    }
    let (stack, variant) = (Arc::from(stack), wanted.to_owned());
    headless.supervisor.submit(Command::ChooseVariant { stack, variant });
    headless.definitions().await;
    Ok(())
}

/// Lets Compose read the files of a folder; returns the stack's name.
pub async fn read_files(headless: &mut Headless, files: ComposeProject) -> Result<Arc<str>, Failure> {
    // Asked directly first: what it refuses is the answer to the command.
    let definition = headless.ports.compose.definition(&files).await;
    let name = definition.map_err(|error| project::refused(&files, &error))?.name;
    headless.supervisor.submit(Command::ReadDefinition(files));
    let end = Instant::now() + FILES;
    // The running containers' labels may have told of other files before.
    let is_taken =
        |state: &State| state.containers.project_of(&name).is_some_and(|known| known.own_environment);
    while !is_taken(headless.state()) {
        if timeout_at(end, headless.supervisor.next()).await.is_err() {
            break;
        }
    }
    Ok(name)
}
