//! `up`, `down`, `rebuild`: what the Compose CLI is asked for, with its words on standard error.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::cli::args::{DownArguments, UpArguments};
use crate::cli::exit::{self, Failure};
use crate::cli::headless::{Headless, Measure};
use crate::cli::lifecycle::{check_may_change, watch};
use crate::cli::output::say;
use crate::cli::project;
use crate::cli::settings::Setup;
use crate::command::Command;
use crate::config::Config;
use crate::model::compose::ComposeProject;
use crate::model::jobs::{ComposeOrder, ComposeVerb, Verb};
use crate::model::stacks::Target;
use crate::state::State;
use crate::state::jobs::compose::{call, goes, profiles};

/// The longest wait for Compose to say what a folder's files are.
const FILES: Duration = Duration::from_secs(30);

pub async fn up(setup: &Setup, verb: ComposeVerb, arguments: UpArguments) -> Result<u8, Failure> {
    let word = Verb::Compose(verb).word();
    check_may_change(setup, word)?;
    let mut headless = Headless::connect(setup.ports()?, &setup.config, Measure::Nothing).await?;
    let orders =
        orders(&mut headless, setup, verb, &arguments.services.services, &arguments.profiles).await?;
    carry_out(&mut headless, orders).await
}

pub async fn down(setup: &Setup, arguments: DownArguments) -> Result<u8, Failure> {
    check_may_change(setup, "take down")?;
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !arguments.yes && !terminal {
        return Err(Failure::usage("down asks first, and there is no terminal to ask on")
            .next_step("To do it unasked: stackdash down --yes"));
    }
    let verb = ComposeVerb::Down { volumes: arguments.volumes };
    let mut headless = Headless::connect(setup.ports()?, &setup.config, Measure::Nothing).await?;
    let mut orders = orders(&mut headless, setup, verb, &arguments.services.services, &[]).await?;
    only_profiles(headless.state(), &mut orders, &arguments.profiles)?;
    for order in &orders {
        tell_what_goes(headless.state(), order);
    }
    if !arguments.yes && !asked(arguments.volumes)? {
        say("Nothing was changed");
        return Ok(exit::OK);
    }
    carry_out(&mut headless, orders).await
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

/// Asks on the terminal; anything but the whole word is no.
fn asked(volumes: bool) -> Result<bool, Failure> {
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
        if let Ok(call) = call(&headless.state().containers, &order) {
            say(format!("$ {}", call.command));
        }
        headless.supervisor.submit(Command::Compose(order));
    }
    let failed = watch(headless).await?;
    Ok(if failed { exit::FAILED } else { exit::OK })
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
    if named.is_none() && !full {
        // As with Compose itself: the stack of this folder is meant.
        if let Ok(found) = project::find(Path::new("."), &|name| std::env::var(name).ok()) {
            let name = read_files(headless, found.project).await?;
            config.project = Some(name.to_string());
        }
    }
    headless.definitions().await;
    let order =
        |stack: Arc<str>| ComposeOrder { verb, stack, services: Vec::new(), profiles: profiles.to_vec() };
    if words.is_empty() {
        let Some(name) = config.project.clone() else {
            return Err(Failure::usage(format!("nothing was named to {word}")).next_step(
                "Name a stack (-p NAME) or services (stack/service), or go to a folder with a compose file",
            ));
        };
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

fn known_profile(state: &State, stack: &str, wanted: &str) -> Result<Vec<Arc<str>>, Failure> {
    let all = profiles(&state.containers, stack).map_err(Failure::usage)?;
    let names: Vec<&str> = all.iter().map(|profile| &*profile.name).collect();
    let known = format!("Known profiles: {}", names.join(", "));
    all.iter()
        .find(|profile| profile.name == wanted)
        .map(|profile| profile.services.clone())
        .ok_or_else(|| Failure::usage(format!("{stack} has no profile {wanted:?}")).next_step(known))
}

/// Lets Compose read the files of a folder; returns the stack's name.
async fn read_files(headless: &mut Headless, project: ComposeProject) -> Result<Arc<str>, Failure> {
    // Asked directly first: what it refuses is the answer to the command.
    let definition = headless.ports.compose.definition(&project).await;
    let name = definition.map_err(|error| Failure::usage(error.to_string()))?.name;
    headless.supervisor.submit(Command::ReadDefinition(project));
    let end = Instant::now() + FILES;
    while headless.state().containers.definition(&name).is_none() {
        if timeout_at(end, headless.supervisor.next()).await.is_err() {
            break;
        }
    }
    Ok(name)
}
