//! Opens the face: on the chosen engine, or on the embedded one for `demo`.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc::{Receiver, channel};

use crate::adapters::watch::{FileWatcher, FolderWatch};
use crate::cli::exit::{self, Failure};
use crate::command::Command;
use crate::config::Config;
use crate::model::compose::ComposeProject;
use crate::ports::{FileWatch, Ports};
use crate::supervisor::Supervisor;
use crate::tui::theme;

/// A theme is read when its writing has paused for so long.
const SETTLED: Duration = Duration::from_millis(100);

/// Refuses early where no face can be shown.
pub fn check_terminal() -> Result<(), Failure> {
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    let what = if dumb {
        "the dashboard needs a terminal that can more than TERM=dumb"
    } else if !io::stdin().is_terminal() {
        "the dashboard needs a terminal for its keys, and standard input is none"
    } else if !io::stdout().is_terminal() {
        "the dashboard needs a terminal to draw on, and standard output is none"
    } else {
        return Ok(());
    };
    Err(Failure::usage(what).next_step("Without a terminal: stackdash status, check, logs, events, wait"))
}

/// Runs the face until the operator leaves it.
///
/// `files`: a stack that is shown although nothing of it may have been created. `variant`: of the stack that
/// was named, where its files are found by its containers only.
pub async fn run(
    ports: Ports,
    config: &Config,
    files: Option<ComposeProject>,
    variant: Option<&str>,
) -> Result<u8, Failure> {
    let mut supervisor = Supervisor::start(ports, config.read_only);
    if config.notify.is_on() {
        supervisor.notify(config.notify.policy.clone());
    }
    if let Some(project) = &config.project {
        supervisor.limit_to(project);
    }
    if let (Some(variant), Some(project), None) = (variant, &config.project, &files) {
        supervisor.prefer_variant(project, variant);
    }
    if let Some(files) = files {
        supervisor.submit(Command::ReadDefinition(files));
    }
    supervisor.remember_watched();
    let code = crate::tui::run(supervisor, config, theme_files()).await?;
    Ok(u8::try_from(code).unwrap_or(exit::FAILED))
}

/// Watches the folder of the operator's themes; one that is made later too.
fn theme_files() -> Option<Receiver<Vec<PathBuf>>> {
    let folder = theme::user_folder()?;
    let (sender, files) = channel(1);
    tokio::spawn(async move {
        let work = async {
            if !folder.is_dir() {
                wait_for(&folder).await?;
                // What lay in it from the first was written before it was watched.
                let _ = sender.send(vec![folder.clone()]).await;
            }
            let mut watch = FolderWatch::start(&folder, SETTLED)?;
            while let Some(batch) = watch.next().await {
                if sender.send(batch).await.is_err() {
                    break;
                }
            }
            Ok::<(), String>(())
        };
        if let Err(why) = work.await {
            log::warn!("themes are not reloaded: {why}");
        }
    });
    Some(files)
}

/// Waits until a folder exists. What else is written above it, in a home folder perhaps, wakes nobody.
async fn wait_for(folder: &Path) -> Result<(), String> {
    let mut news = FileWatcher.watch(BTreeSet::from([folder.to_owned()]));
    loop {
        let told = news.next();
        tokio::pin!(told);
        // From the first question on it is watched; it may have been made before.
        let mut answer = tokio::time::timeout(Duration::ZERO, &mut told).await.ok();
        if folder.is_dir() {
            return Ok(());
        }
        if answer.is_none() {
            answer = Some(told.await);
        }
        match answer.flatten() {
            Some(Ok(_)) => {}
            Some(Err(why)) => return Err(why),
            None => return Err(format!("{} is not watched any more", folder.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_that_is_made_later_is_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("stackdash").join("themes");
        let waiting = tokio::spawn({
            let folder = folder.clone();
            async move { wait_for(&folder).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!waiting.is_finished());
        std::fs::write(home.path().join("noise.log"), "beside").unwrap();
        std::fs::create_dir(home.path().join("stackdash")).unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
        std::fs::create_dir(&folder).unwrap();
        assert_eq!(waiting.await.unwrap(), Ok(()));
    }
}
