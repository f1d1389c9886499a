//! The Compose CLI as child processes: argument vectors in, lines out; never a shell.
//!
//! Compose itself is the authority on what its files mean; we read its resolved answer. Knows nothing of
//! engines: which one Compose talks to is told through `DOCKER_HOST` or `--context`.

pub mod definition;
pub mod process;

use std::ffi::OsString;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::adapters::compose::process::{Ended, run};
use crate::model::compose::{ComposeProject, Definition, PLAIN};
use crate::model::text;
use crate::ports::{BoxFuture, Compose, ComposeError};

/// Reading the files takes 0.2 s; a network file system may take longer.
const CONFIG_LIMIT: Duration = Duration::from_secs(30);

/// Variables of the caller's shell that would redirect a call.
const FOREIGN: [&str; 6] = [
    "COMPOSE_FILE",
    "COMPOSE_PROJECT_NAME",
    "COMPOSE_PROFILES",
    "COMPOSE_ENV_FILES",
    "COMPOSE_PATH_SEPARATOR",
    "COMPOSE_PROGRESS",
];

/// `docker compose`, else a standalone `docker-compose` of version 2 or later.
pub struct ComposeCli {
    /// `DOCKER_HOST` for the child; `None`: as in our own environment.
    host: Option<String>,
    context: Option<String>,
}

impl ComposeCli {
    pub fn new(host: Option<String>, context: Option<String>) -> Self {
        Self { host, context }
    }

    /// Returns the program and its first arguments.
    async fn program(&self) -> Result<(OsString, Vec<OsString>), ComposeError> {
        let mut plugin = Vec::new();
        if let Some(context) = &self.context {
            plugin.extend([OsString::from("--context"), OsString::from(context)]);
        }
        plugin.push(OsString::from("compose"));
        for (program, args) in [("docker", plugin), ("docker-compose", Vec::new())] {
            let mut version = args.clone();
            version.extend(["version", "--short"].map(OsString::from));
            let Ok(ended) = run(program.into(), version, None, &[], &FOREIGN, None).await else { continue };
            // Version 1 knows neither profiles of today nor the resolved JSON.
            let old = ended.stdout.trim_start_matches('v').starts_with("1.");
            if ended.code == Some(0) && !old {
                return Ok((program.into(), args));
            }
        }
        Err(ComposeError::Missing)
    }

    async fn call(
        &self,
        project: &ComposeProject,
        args: &[&str],
        lines: Option<mpsc::Sender<String>>,
    ) -> Result<Ended, ComposeError> {
        let (program, mut all) = self.program().await?;
        all.extend(project.arguments());
        all.extend(args.iter().map(OsString::from));
        let env: Vec<(&str, &str)> = self.host.iter().map(|host| ("DOCKER_HOST", host.as_str())).collect();
        let unset: &[&str] = if project.files.is_empty() { &[] } else { &FOREIGN };
        run(program, all, Some(&project.folder), &env, unset, lines)
            .await
            .map_err(|error| ComposeError::Failed(format!("cannot run docker compose: {error}")))
    }
}

impl Compose for ComposeCli {
    fn definition<'a>(
        &'a self,
        project: &'a ComposeProject,
    ) -> BoxFuture<'a, Result<Definition, ComposeError>> {
        Box::pin(async move {
            if let Some(missing) = project.files.iter().find(|file| !file.exists()) {
                let words = format!("{} is not on this machine", text::clean(&missing.display().to_string()));
                return Err(ComposeError::Failed(words));
            }
            let everything = ComposeProject { profiles: vec![String::from("*")], ..project.clone() };
            let call = self.call(&everything, &["config", "--format", "json"], None);
            let ended = tokio::time::timeout(CONFIG_LIMIT, call).await.map_err(|_| {
                ComposeError::Failed(String::from("docker compose config did not end in 30 s"))
            })??;
            if ended.code != Some(0) {
                return Err(ComposeError::Refused(complaint(&ended)));
            }
            definition::parse(&ended.stdout)
        })
    }

    fn run<'a>(
        &'a self,
        project: &'a ComposeProject,
        args: &'a [String],
        lines: mpsc::Sender<String>,
    ) -> BoxFuture<'a, Result<(), ComposeError>> {
        Box::pin(async move {
            let mut all = PLAIN.to_vec();
            all.extend(args.iter().map(String::as_str));
            let ended = self.call(project, &all, Some(lines)).await?;
            match ended.code {
                Some(0) => Ok(()),
                _ => Err(ComposeError::Refused(complaint(&ended))),
            }
        })
    }
}

/// Compose's own words, without the noise around them.
fn complaint(ended: &Ended) -> String {
    let lines: Vec<&str> = ended
        .stderr
        .iter()
        .map(String::as_str)
        .filter(|line| !line.trim().is_empty() && !line.contains("level=warning"))
        .collect();
    let last = lines.iter().rev().take(3).rev().copied().collect::<Vec<_>>().join("; ");
    if last.is_empty() {
        match ended.code {
            Some(code) => format!("docker compose ended with exit code {code}"),
            None => String::from("docker compose was ended by a signal"),
        }
    } else {
        // Cleaned and masked with each line.
        last
    }
}
