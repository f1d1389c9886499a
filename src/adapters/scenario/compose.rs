//! What Compose would do to a scenario's containers, with the lines it would print.
//!
//! Understands the few verbs that stackdash itself asks for; makes no container that the scenario does
//! not have.

use std::time::Duration;

use tokio::sync::mpsc::Sender;

use crate::adapters::scenario::engine::{Player, Wait};
use crate::adapters::scenario::runs;
use crate::adapters::scenario::world::World;
use crate::model::compose::ComposeProject;
use crate::model::containers::ContainerId;
use crate::model::runs::OutputLine;
use crate::ports::{ComposeError, EngineError};

/// One container that is meant.
struct One {
    index: usize,
    id: ContainerId,
    name: String,
    service: String,
    number: u32,
    up: bool,
    gone: bool,
    /// Has done its work, and is not asked to do it again.
    rests: bool,
}

/// Carries out a call.
pub async fn run(
    player: &Player,
    project: &ComposeProject,
    args: &[String],
    lines: Sender<OutputLine>,
) -> Result<(), ComposeError> {
    let words = Words::of(args);
    let Some((verb, services)) = words.plain.split_first() else {
        return Err(ComposeError::Refused(String::from("no command was given")));
    };
    if *verb == "run" {
        return run_once(player, project, services, lines).await;
    }
    let meant = player.with(|world, _| meant(world, project, services));
    if let Some(unknown) = services.iter().find(|name| !meant.iter().any(|one| one.service == **name)) {
        return Err(ComposeError::Refused(format!("the embedded engine has no image for {unknown}")));
    }
    let say = async |words: String| {
        let _ = lines.send(told(words)).await;
    };
    match *verb {
        "build" => build(player, &meant, words.has("--no-cache"), &lines).await?,
        "up" => {
            if words.has("--build") {
                build(player, &meant, false, &lines).await?;
            }
            let meant = match words.scale {
                Some((service, count)) => scaled(player, meant, service, count, &lines).await?,
                None => meant,
            };
            let anew = words.has("--force-recreate") || words.has("--build");
            for one in meant {
                up(player, one, anew && words.scale.is_none(), &lines).await?;
            }
        }
        "down" | "rm" => {
            for one in meant.into_iter().rev().filter(|one| !one.gone) {
                remove(player, &one, &lines).await?;
            }
        }
        "pull" => {
            for one in meant {
                say(format!(" {} Pulling", one.service)).await;
                tokio::time::sleep(Duration::from_millis(500)).await;
                player.with(|world, _| world.renew_image(one.index));
                say(format!(" {} Pulled", one.service)).await;
            }
        }
        other => return Err(ComposeError::Refused(format!("the embedded engine knows no {other}"))),
    }
    Ok(())
}

/// What Compose says of its own work.
fn told(text: String) -> OutputLine {
    OutputLine { text, is_error: true, is_whole: false }
}

/// Arguments told apart: flags, values that belong to them, and the rest.
struct Words<'a> {
    flags: Vec<&'a str>,
    plain: Vec<&'a str>,
    scale: Option<(&'a str, u32)>,
}

impl<'a> Words<'a> {
    fn of(args: &'a [String]) -> Self {
        let mut words = Self { flags: Vec::new(), plain: Vec::new(), scale: None };
        let mut args = args.iter().map(String::as_str);
        while let Some(word) = args.next() {
            match word {
                "--scale" => {
                    let value = args.next().and_then(|value| value.split_once('='));
                    words.scale = value.and_then(|(name, count)| Some((name, count.parse().ok()?)));
                }
                "--pull" => drop(args.next()),
                flag if flag.starts_with('-') => words.flags.push(flag),
                word => words.plain.push(word),
            }
        }
        words
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }
}

async fn up(player: &Player, one: One, anew: bool, lines: &Sender<OutputLine>) -> Result<(), ComposeError> {
    let say = async |words: &str| {
        let _ = lines.send(told(format!(" Container {}  {words}", one.name))).await;
    };
    let outdated = player.with(|world, _| world.is_outdated(one.index));
    if (anew || outdated) && one.up {
        say("Recreate").await;
        stop(player, &one.id).await?;
        player.with(|world, _| world.take_image(one.index));
        say("Recreated").await;
    } else if one.up || one.rests {
        say("Running").await;
        return Ok(());
    }
    if one.gone {
        say("Creating").await;
        player.with(|world, now| {
            world.take_image(one.index);
            world.create_again(now, one.index)
        });
        say("Created").await;
    }
    dependencies(player, one.index).await;
    say("Starting").await;
    let start = player.carry_out(&one.id, |world, now, member| world.ask_to_start(now, member, false)).await;
    start.map_err(|error| refused(&error))?;
    player.with(|world, now| world.show_image(now, one.index));
    say("Started").await;
    Ok(())
}

async fn remove(player: &Player, one: &One, lines: &Sender<OutputLine>) -> Result<(), ComposeError> {
    let say = async |words: &str| {
        let _ = lines.send(told(format!(" Container {}  {words}", one.name))).await;
    };
    say("Stopping").await;
    stop(player, &one.id).await?;
    say("Removing").await;
    let removed = player.at_once(&one.id, World::ask_to_remove).await;
    removed.map_err(|error| refused(&error))?;
    say("Removed").await;
    Ok(())
}

/// Gives a service another number of containers; returns those that are to be up.
async fn scaled(
    player: &Player,
    meant: Vec<One>,
    service: &str,
    count: u32,
    lines: &Sender<OutputLine>,
) -> Result<Vec<One>, ComposeError> {
    let (own, mut others): (Vec<One>, Vec<One>) = meant.into_iter().partition(|one| one.service == service);
    let Some(first) = own.first().map(|one| one.index) else { return Ok(others) };
    for one in own.iter().filter(|one| one.number > count && !one.gone) {
        remove(player, one, lines).await?;
    }
    let wanted = player.with(|world, now| {
        let numbers: Vec<usize> =
            (1..=count).filter_map(|number| world.replica(now, first, number)).collect();
        numbers.into_iter().filter_map(|index| one(world, index)).collect::<Vec<_>>()
    });
    others.extend(wanted);
    Ok(others)
}

/// Plays a build of each image that is built here, with the lines that BuildKit writes.
async fn build(
    player: &Player,
    meant: &[One],
    anew: bool,
    lines: &Sender<OutputLine>,
) -> Result<(), ComposeError> {
    let mut built: Vec<&str> = Vec::new();
    for one in meant {
        let script = player.with(|world, _| world.members[one.index].script.clone());
        // Replicas, and services that share an image, are built once.
        if !is_built(&script.image) || built.contains(&&*one.service) {
            continue;
        }
        built.push(&one.service);
        let name = &one.service;
        let say = async |words: String| {
            let _ = lines.send(told(words)).await;
            tokio::time::sleep(Duration::from_millis(150)).await;
        };
        say(String::from("#0 building with \"default\" instance using docker driver")).await;
        for (number, step) in
            ["internal] load build definition", "1/4] FROM base", "2/4] COPY . ."].into_iter().enumerate()
        {
            let number = number + 1;
            say(format!("#{number} [{name} {step}")).await;
            say(if anew || number == 1 {
                format!("#{number} DONE 0.1s")
            } else {
                format!("#{number} CACHED")
            })
            .await;
        }
        say(format!("#4 [{name} 3/4] RUN make")).await;
        for (at, words) in [("0.4", "compiling 38 files"), ("1.1", "linking")] {
            say(format!("#4 {at} {words}")).await;
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        if let Some(error) = &script.build_error {
            say(format!("#4 1.3 {error}")).await;
            say(String::from("#4 ERROR: executor failed running [/bin/sh -c make]: exit code: 2")).await;
            let words = "failed to solve: executor failed running [/bin/sh -c make]: exit code: 2";
            return Err(ComposeError::Refused(words.to_owned()));
        }
        say(String::from("#4 DONE 1.4s")).await;
        say(format!("#5 [{name}] exporting to image")).await;
        say(String::from("#5 DONE 0.2s")).await;
        player.with(|world, _| world.renew_image(one.index));
    }
    Ok(())
}

/// Images without a registry's name or a version are built here.
pub fn is_built(image: &str) -> bool {
    image.ends_with(":latest") && !image.contains('/')
}

/// Plays a service that is run once, with what it would print.
async fn run_once(
    player: &Player,
    project: &ComposeProject,
    words: &[&str],
    lines: Sender<OutputLine>,
) -> Result<(), ComposeError> {
    let Some((service, arguments)) = words.split_first() else {
        return Err(ComposeError::Refused(String::from("requires at least 1 arg(s), only received 0")));
    };
    let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    let found = player.with(|world, _| {
        let mut stacks = world.script.stacks.iter();
        let stack = stacks.find(|stack| project.name.as_deref() == Some(stack.name.as_str()))?;
        let script = stack.services.iter().find(|other| other.name == *service)?;
        Some(runs::lines_of(script, &arguments))
    });
    let Some((printed, takes, code)) = found else {
        return Err(ComposeError::Refused(format!("no such service: {service}")));
    };
    let pause = takes / u32::try_from(printed.len().max(1)).unwrap_or(1);
    for line in printed {
        tokio::time::sleep(pause).await;
        let _ = lines.send(OutputLine { text: line, is_error: false, is_whole: true }).await;
    }
    match i32::try_from(code) {
        Ok(0) => Ok(()),
        code => Err(ComposeError::Exited { code: code.unwrap_or(1), words: String::new() }),
    }
}

/// Waits for what a container needs, as far as that is on its way.
async fn dependencies(player: &Player, index: usize) {
    let look = |world: &mut World, _| if world.waits_for_more(index) { Wait::Change } else { Wait::Done(()) };
    player.until(look).await;
}

async fn stop(player: &Player, id: &ContainerId) -> Result<(), ComposeError> {
    let stop = player.carry_out(id, |world, now, member| world.ask_to_stop(now, member, false)).await;
    stop.map_err(|error| refused(&error))
}

fn meant(world: &World, project: &ComposeProject, services: &[&str]) -> Vec<One> {
    let found = (0..world.members.len()).filter(|index| {
        let Some(labels) = &world.members[*index].container.compose else { return false };
        let member = &world.members[*index];
        let ours = project.name.as_deref() == Some(&*labels.project);
        // Replicas of an earlier scale that are gone stay gone.
        let wanted = !member.gone || labels.number <= member.script.replicas;
        ours && wanted && (services.is_empty() || services.contains(&&*labels.service))
    });
    found.filter_map(|index| one(world, index)).collect()
}

fn one(world: &World, index: usize) -> Option<One> {
    let member = &world.members[index];
    let labels = member.container.compose.as_ref()?;
    Some(One {
        index,
        id: member.container.id.clone(),
        name: member.container.name.to_string(),
        service: labels.service.to_string(),
        number: labels.number,
        up: member.is_up(),
        gone: member.gone,
        rests: !member.gone && member.container.exit_code == Some(0) && member.script.runs_for.is_some(),
    })
}

fn refused(error: &EngineError) -> ComposeError {
    ComposeError::Refused(error.to_string())
}
