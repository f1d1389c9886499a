//! What Compose would do to a scenario's containers, with the lines it would print.
//!
//! Understands the few verbs that stackdash itself asks for; makes no container that the scenario does
//! not have.

use std::time::Duration;

use tokio::sync::mpsc::Sender;

use crate::adapters::scenario::engine::Player;
use crate::adapters::scenario::world::World;
use crate::model::compose::ComposeProject;
use crate::model::containers::ContainerId;
use crate::ports::{ComposeError, EngineError};

/// One container that is meant.
struct One {
    index: usize,
    id: ContainerId,
    name: String,
    service: String,
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
    lines: Sender<String>,
) -> Result<(), ComposeError> {
    let (flags, words): (Vec<&str>, Vec<&str>) =
        args.iter().map(String::as_str).partition(|word| word.starts_with('-'));
    let Some((verb, services)) = words.split_first() else {
        return Err(ComposeError::Refused(String::from("no command was given")));
    };
    let meant = player.with(|world, _| meant(world, project, services));
    if let Some(unknown) = services.iter().find(|name| !meant.iter().any(|one| one.service == **name)) {
        return Err(ComposeError::Refused(format!("the embedded engine has no image for {unknown}")));
    }
    let say = async |words: String| {
        let _ = lines.send(words).await;
    };
    match *verb {
        "up" => {
            let anew = flags.contains(&"--force-recreate") || flags.contains(&"--build");
            if flags.contains(&"--build") {
                for step in ["[1/3] FROM base", "[2/3] COPY . .", "[3/3] RUN make", "exporting to image"] {
                    say(format!("#1 {step}")).await;
                    tokio::time::sleep(Duration::from_millis(400)).await;
                }
            }
            for one in meant {
                if anew && one.up {
                    say(format!(" Container {}  Recreate", one.name)).await;
                    stop(player, &one.id).await?;
                    say(format!(" Container {}  Recreated", one.name)).await;
                } else if one.up || one.rests {
                    say(format!(" Container {}  Running", one.name)).await;
                    continue;
                }
                if one.gone {
                    say(format!(" Container {}  Creating", one.name)).await;
                    player.with(|world, now| world.create_again(now, one.index));
                    say(format!(" Container {}  Created", one.name)).await;
                }
                say(format!(" Container {}  Starting", one.name)).await;
                let start = player
                    .carry_out(&one.id, |world, now, member| world.ask_to_start(now, member, false))
                    .await;
                start.map_err(|error| refused(&error))?;
                say(format!(" Container {}  Started", one.name)).await;
            }
        }
        "down" | "rm" => {
            for one in meant.into_iter().rev().filter(|one| !one.gone) {
                say(format!(" Container {}  Stopping", one.name)).await;
                stop(player, &one.id).await?;
                say(format!(" Container {}  Removing", one.name)).await;
                let removed = player.at_once(&one.id, World::ask_to_remove).await;
                removed.map_err(|error| refused(&error))?;
                say(format!(" Container {}  Removed", one.name)).await;
            }
        }
        "pull" => {
            for one in meant {
                say(format!(" {} Pulling", one.service)).await;
                tokio::time::sleep(Duration::from_millis(500)).await;
                say(format!(" {} Pulled", one.service)).await;
            }
        }
        other => return Err(ComposeError::Refused(format!("the embedded engine knows no {other}"))),
    }
    Ok(())
}

async fn stop(player: &Player, id: &ContainerId) -> Result<(), ComposeError> {
    let stop = player.carry_out(id, |world, now, member| world.ask_to_stop(now, member, false)).await;
    stop.map_err(|error| refused(&error))
}

fn meant(world: &World, project: &ComposeProject, services: &[&str]) -> Vec<One> {
    let mut found: Vec<One> = Vec::new();
    for (index, member) in world.members.iter().enumerate() {
        let Some(labels) = &member.container.compose else { continue };
        let ours = project.name.as_deref() == Some(&*labels.project);
        if ours && (services.is_empty() || services.contains(&&*labels.service)) {
            found.push(One {
                index,
                id: member.container.id.clone(),
                name: member.container.name.to_string(),
                service: labels.service.to_string(),
                up: member.is_up(),
                gone: member.gone,
                rests: !member.gone
                    && member.container.exit_code == Some(0)
                    && member.script.runs_for.is_some(),
            });
        }
    }
    found
}

fn refused(error: &EngineError) -> ComposeError {
    ComposeError::Refused(error.to_string())
}
