//! Opens the face: on the chosen engine, or on the embedded one for `demo`.

use std::io::{self, IsTerminal};
use std::path::Path;

use crate::cli::exit::{self, Failure};
use crate::cli::project;
use crate::command::Command;
use crate::config::Config;
use crate::model::compose::ComposeProject;
use crate::ports::Ports;
use crate::supervisor::Supervisor;

/// Refuses early where no face can be shown.
pub fn check_terminal() -> Result<(), Failure> {
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    if dumb || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Failure::usage("the dashboard needs a terminal, and this is none")
            .next_step("Without a terminal: stackdash status, check, logs, events, wait"));
    }
    Ok(())
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
    if let Some(project) = &config.project {
        supervisor.limit_to(project);
    }
    if let Some(files) = files {
        supervisor.submit(Command::ReadDefinition(files));
    }
    let code = crate::tui::run(supervisor, config).await?;
    Ok(u8::try_from(code).unwrap_or(exit::FAILED))
}
