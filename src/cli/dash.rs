//! Opens the face: on the chosen engine, or on the embedded one for `demo`.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use std::path::Path;
use tokio::sync::mpsc::{Receiver, channel};

use crate::adapters::watch::FolderWatch;
use crate::cli::exit::{self, Failure};
use crate::cli::project;
use crate::command::Command;
use crate::config::Config;
use crate::model::compose::ComposeProject;
use crate::ports::Ports;
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

/// Returns the stack of this folder, if it has one: it is shown beside all that run.
pub fn files_here() -> Option<ComposeProject> {
    let found = project::find(Path::new("."), &|name| std::env::var(name).ok()).ok()?;
    Some(found.project)
}

/// Runs the face until the operator leaves it.
///
/// `files`: a stack that is shown although nothing of it may have been created.
pub async fn run(ports: Ports, config: &Config, files: Option<ComposeProject>) -> Result<u8, Failure> {
    let mut supervisor = Supervisor::start(ports, config.read_only);
    if config.notify.is_on() {
        supervisor.notify(config.notify.policy.clone());
    }
    if let Some(project) = &config.project {
        supervisor.limit_to(project);
    }
    if let Some(files) = files {
        supervisor.submit(Command::ReadDefinition(files));
    }
    let code = crate::tui::run(supervisor, config, theme_files()).await?;
    Ok(u8::try_from(code).unwrap_or(exit::FAILED))
}

/// Watches the folder of the operator's themes, where there is one.
fn theme_files() -> Option<Receiver<Vec<PathBuf>>> {
    let folder = theme::user_folder().filter(|folder| folder.is_dir())?;
    let mut watch = FolderWatch::start(&folder, SETTLED)
        .inspect_err(|why| log::warn!("themes are not reloaded: {why}"))
        .ok()?;
    let (sender, files) = channel(1);
    tokio::spawn(async move {
        while let Some(batch) = watch.next().await {
            if sender.send(batch).await.is_err() {
                return;
            }
        }
    });
    Some(files)
}
