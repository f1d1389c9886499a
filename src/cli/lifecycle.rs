//! `restart`, `start`, `stop`: what the keys of the dashboard do, with progress on standard error.

use std::collections::HashMap;

use crate::cli::args::ServiceArguments;
use crate::cli::compose::known_profile;
use crate::cli::exit::{self, Failure};
use crate::cli::headless::{Headless, Measure};
use crate::cli::meant;
use crate::cli::output::say;
use crate::cli::select;
use crate::cli::settings::Setup;
use crate::command::Command;
use crate::model::containers::NO_STACK;
use crate::model::jobs::Verb;
use crate::model::stacks::Target;
use crate::model::timeline::Severity;
use crate::state::State;
use crate::state::jobs::plan;

pub async fn run(
    setup: &Setup,
    verb: Verb,
    arguments: ServiceArguments,
    profiles: &[String],
) -> Result<u8, Failure> {
    let word = verb.word();
    check_may_change(setup, word)?;
    let mut headless = meant::connect(setup, setup.ports_that_act()?, Measure::Nothing).await?;
    let mut targets = targets(&mut headless, setup, verb, &arguments.services).await?;
    if !profiles.is_empty() {
        headless.definitions().await;
        targets = of_profiles(headless.state(), &targets, profiles)?;
    }
    for target in targets {
        let containers = &headless.state().containers;
        // Asking for what is so already is no failure: scripts say "start" to be sure.
        if verb != Verb::Restart
            && !containers.of_target(&target).is_empty()
            && let Err(words) = plan(containers, verb, &target)
        {
            say(words);
            continue;
        }
        headless.supervisor.submit(Command::Act { verb, target });
    }
    let failed = watch(&mut headless).await;
    headless.supervisor.close().await;
    let failed = failed?;
    Ok(if failed { exit::FAILED } else { exit::OK })
}

/// Refuses early, before anything is asked of an engine.
pub fn check_may_change(setup: &Setup, word: &str) -> Result<(), Failure> {
    if setup.config.read_only {
        return Err(Failure::failed(format!("cannot {word} anything: started read-only")).next_step(
            "Leave out --read-only, or unset read_only in the configuration and STACKDASH_READ_ONLY",
        ));
    }
    Ok(())
}

async fn targets(
    headless: &mut Headless,
    setup: &Setup,
    verb: Verb,
    words: &[String],
) -> Result<Vec<Target>, Failure> {
    if !words.is_empty() {
        return meant::services(headless, setup, words).await;
    }
    let config = meant::narrowed(headless, setup).await?;
    let state = headless.state();
    let stacks = select::stacks(state, &config)?;
    if config.project.is_some() {
        return Ok(stacks.iter().map(|stack| Target::Stack(stack.name.clone())).collect());
    }
    // Every stack of the machine is never meant by saying nothing.
    let known: Vec<&str> = stacks.iter().map(|stack| &*stack.name).filter(|name| *name != NO_STACK).collect();
    let word = verb.word();
    let known = if known.is_empty() { String::new() } else { format!(": {}", known.join(", ")) };
    Err(Failure::usage(format!("nothing was named to {word}")).next_step(format!(
        "Name services (stackdash {word} SERVICE…) or a whole stack (-p NAME{known}), or go to a folder with a compose file"
    )))
}

/// Narrows stacks down to the services of profiles that have containers.
fn of_profiles(state: &State, targets: &[Target], wanted: &[String]) -> Result<Vec<Target>, Failure> {
    let mut found = Vec::new();
    for target in targets {
        let Target::Stack(stack) = target else {
            found.push(target.clone());
            continue;
        };
        for profile in wanted {
            for service in known_profile(state, stack, profile)? {
                let target = Target::Service { stack: stack.clone(), service };
                if !state.containers.of_target(&target).is_empty() && !found.contains(&target) {
                    found.push(target);
                }
            }
        }
    }
    Ok(found)
}

/// Says how the jobs go until all are done; returns whether any failed.
pub async fn watch(headless: &mut Headless) -> Result<bool, Failure> {
    let mut failed = false;
    let mut told = 0;
    let mut shown = String::new();
    let mut printed = HashMap::new();
    let mut phases = HashMap::new();
    loop {
        let state = headless.state();
        for notice in state.jobs.notices().iter().filter(|notice| notice.number > told) {
            say(&notice.text);
            failed |= notice.severity >= Severity::Warning;
        }
        told = state.jobs.notices().back().map_or(told, |notice| notice.number);
        if state.jobs.running().next().is_none() {
            return Ok(failed);
        }
        let progress: Vec<String> = state
            .jobs
            .running()
            // Compose says itself how far it is.
            .filter(|job| job.command.is_empty())
            .map(|job| {
                let name = state.containers.name_of(&job.target);
                format!("{name}: {}, {} of {}", job.doing(), job.done, job.total)
            })
            .collect();
        let progress = progress.join("\n");
        if progress != shown && !progress.is_empty() {
            say(&progress);
        }
        shown = progress;
        for job in state.jobs.running() {
            if let Some(phase) = &job.phase
                && phases.insert(job.id, phase.since) != Some(phase.since)
            {
                say(format!("{}: {}", state.containers.name_of(&job.target), phase.phase.doing()));
            }
            let Some(output) = state.jobs.output(&job.target, &state.containers) else { continue };
            let all = output.dropped + output.lines.len() as u64;
            let known = printed.entry(job.id).or_insert(0);
            let fresh = usize::try_from(all - *known).unwrap_or(usize::MAX).min(output.lines.len());
            for line in output.lines.iter().skip(output.lines.len() - fresh) {
                say(line);
            }
            *known = all;
        }
        headless.supervisor.next().await;
    }
}
