//! The Compose CLI as child processes: argument vectors in, lines out; never a shell.
//!
//! Compose itself is the authority on what its files mean; we read its resolved answer. Knows nothing of
//! engines: which one Compose talks to is told through `DOCKER_HOST` or `--context`.

pub mod definition;
pub mod files;
pub mod process;
pub mod sections;
pub mod sources;

use std::ffi::OsString;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::adapters::compose::process::{Ended, feed, run};
use crate::model::compose::{ComposeProject, Definition, PLAIN, Resolved};
use crate::model::runs::OutputLine;
use crate::model::text;
use crate::ports::{BoxFuture, Compose, ComposeError};

/// Reading the files takes 0.2 s; a network file system may take longer.
const CONFIG_LIMIT: Duration = Duration::from_secs(30);
/// A program that was found is taken to be the same for so long.
const KNOWN_FOR: Duration = Duration::from_mins(1);

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
    found: Mutex<Option<(Instant, Program)>>,
}

/// The program that answers as Compose.
#[derive(Clone)]
struct Program {
    path: OsString,
    arguments: Vec<OsString>,
    /// `2.26.1`, as it writes it on containers.
    version: String,
}

impl ComposeCli {
    pub fn new(host: Option<String>, context: Option<String>) -> Self {
        Self { host, context, found: Mutex::new(None) }
    }

    /// Finds the program, anew where the last answer is old.
    async fn program(&self) -> Result<Program, ComposeError> {
        let known = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, program)) = known
            && at.elapsed() < KNOWN_FOR
        {
            return Ok(program);
        }
        let program = self.find().await?;
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), program.clone()));
        Ok(program)
    }

    async fn find(&self) -> Result<Program, ComposeError> {
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
                let version = plain_version(&ended.stdout);
                return Ok(Program { path: program.into(), arguments: args, version });
            }
        }
        Err(ComposeError::Missing)
    }

    async fn call(
        &self,
        project: &ComposeProject,
        args: &[&str],
        lines: Option<mpsc::Sender<OutputLine>>,
        more: &[(String, String)],
    ) -> Result<Ended, ComposeError> {
        self.call_with(project, args, (lines, None), more).await
    }

    async fn call_with(
        &self,
        project: &ComposeProject,
        args: &[&str],
        ends: (Option<mpsc::Sender<OutputLine>>, Option<&str>),
        more: &[(String, String)],
    ) -> Result<Ended, ComposeError> {
        let program = self.program().await?;
        let mut all = program.arguments;
        all.extend(project.arguments());
        all.extend(args.iter().map(OsString::from));
        let host = self.host.iter().map(|host| ("DOCKER_HOST", host.as_str()));
        let env: Vec<(&str, &str)> =
            host.chain(more.iter().map(|(name, value)| (name.as_str(), value.as_str()))).collect();
        let unset: &[&str] = if project.own_environment { &[] } else { &FOREIGN };
        feed(program.path, all, Some(&project.folder), &env, unset, ends)
            .await
            .map_err(|error| ComposeError::Failed(format!("cannot run docker compose: {error}")))
    }

    /// Asks for what `up` compares with the containers' labels. `resolved` is what Compose resolved: where
    /// it reads the files again, it counts the lines of env files twice and finds another hash than `up`.
    async fn hashes(&self, project: &ComposeProject, name: &str, resolved: &str) -> Option<String> {
        let again = ComposeProject {
            name: Some(name.to_owned()),
            files: vec!["-".into()],
            env_files: Vec::new(),
            own_environment: false,
            ..project.clone()
        };
        let call = self.call_with(&again, &["config", "--hash", "*"], (None, Some(resolved)), &[]);
        let ended = tokio::time::timeout(CONFIG_LIMIT, call).await.ok()?.ok()?;
        (ended.code == Some(0)).then_some(ended.stdout)
    }
}

/// Takes `2.26.1` of `v2.26.1-4`: what a distribution adds is not on the labels.
fn plain_version(text: &str) -> String {
    let text = text.trim().trim_start_matches('v');
    text.split(['-', '+', '~']).next().unwrap_or_default().to_owned()
}

impl ComposeCli {
    /// Lets Compose resolve the files, with all profiles on.
    async fn config(
        &self,
        project: &ComposeProject,
        stand_ins: &[(String, String)],
    ) -> Result<Ended, ComposeError> {
        for file in &project.files {
            files::check(file).map_err(ComposeError::Failed)?;
        }
        let everything = ComposeProject { profiles: vec![String::from("*")], ..project.clone() };
        let call = self.call(&everything, &["config", "--format", "json"], None, stand_ins);
        let ended = tokio::time::timeout(CONFIG_LIMIT, call)
            .await
            .map_err(|_| ComposeError::Failed(String::from("docker compose config did not end in 30 s")))??;
        if ended.code != Some(0) {
            return Err(ComposeError::Refused(complaint(&ended)));
        }
        Ok(ended)
    }
}

/// Returns the words of a warning, as Compose writes it into a pipe.
fn warning(line: &str) -> Option<String> {
    let message = line.split_once("level=warning msg=\"")?.1;
    let message = message.strip_suffix('"').unwrap_or(message);
    Some(message.replace("\\\"", "\"").replace("\\\\", "\\"))
}

impl Compose for ComposeCli {
    fn definition<'a>(
        &'a self,
        project: &'a ComposeProject,
    ) -> BoxFuture<'a, Result<Definition, ComposeError>> {
        Box::pin(async move {
            let ended = self.config(project, &[]).await?;
            let mut definition = definition::parse(&ended.stdout)?;
            let everything = ComposeProject { profiles: vec![String::from("*")], ..project.clone() };
            if let Some(lines) = self.hashes(&everything, &definition.name, &ended.stdout).await {
                definition::take_hashes(&mut definition, &lines);
            }
            definition.version = self.program().await.map(|program| program.version).unwrap_or_default();
            definition.files = sources::files_of(project);
            definition.sources = sources::of(project);
            if !definition.profiles().is_empty() {
                // Which are on by themselves only Compose knows: it reads `.env` as it reads it.
                let plain = ComposeProject { profiles: Vec::new(), ..project.clone() };
                let call = self.call(&plain, &["config", "--services"], None, &[]);
                if let Ok(Ok(ended)) = tokio::time::timeout(CONFIG_LIMIT, call).await {
                    let active: Vec<String> = ended.stdout.lines().map(text::clean).collect();
                    definition.set_default_profiles(&active);
                }
            }
            Ok(definition)
        })
    }

    fn resolve<'a>(
        &'a self,
        project: &'a ComposeProject,
        stand_ins: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<Resolved, ComposeError>> {
        Box::pin(async move {
            let ended = self.config(project, stand_ins).await?;
            let warnings = ended.stderr.iter().filter_map(|line| warning(line)).collect();
            Ok(Resolved { json: ended.stdout, warnings })
        })
    }

    fn run<'a>(
        &'a self,
        project: &'a ComposeProject,
        args: &'a [String],
        lines: mpsc::Sender<OutputLine>,
    ) -> BoxFuture<'a, Result<(), ComposeError>> {
        Box::pin(async move {
            let mut all = PLAIN.to_vec();
            all.extend(args.iter().map(String::as_str));
            let ended = self.call(project, &all, Some(lines), &[]).await?;
            match ended.code {
                Some(0) => Ok(()),
                Some(code) => Err(ComposeError::Exited { code, words: complaint(&ended) }),
                None => Err(ComposeError::Refused(complaint(&ended))),
            }
        })
    }
}

/// Words that progress ends or goes on with: `Container shop-db-1  Waiting`, `db Pulling`.
const PROGRESS: [&str; 24] = [
    "Building",
    "Built",
    "Created",
    "Creating",
    "Downloading",
    "Error",
    "Exited",
    "Extracting",
    "Healthy",
    "Interrupted",
    "Pulled",
    "Pulling",
    "Recreate",
    "Recreated",
    "Removed",
    "Removing",
    "Running",
    "Skipped",
    "Started",
    "Starting",
    "Stopped",
    "Stopping",
    "Waiting",
    "Warning",
];
/// Beginnings of the lines that say what went wrong.
const ERRORS: [&str; 8] = [
    "Error response",
    "Error:",
    "ERROR:",
    "failed to ",
    "dependency failed to start: ",
    "service \"",
    "yaml: ",
    "no such service",
];

/// Compose's own words, without the noise around them: what went wrong, not how far it was.
fn complaint(ended: &Ended) -> String {
    let words: Vec<&str> = ended
        .stderr
        .iter()
        .map(|line| line.trim())
        .filter(|line| !line.is_empty() && !line.contains("level=warning"))
        .collect();
    let told: Vec<&str> = words.iter().copied().filter(|line| !is_progress(line)).collect();
    let errors: Vec<&str> = told.iter().copied().filter(|line| is_error(line)).collect();
    // Progress alone is still better than nothing.
    let kept = [errors, told, words].into_iter().find(|lines| !lines.is_empty()).unwrap_or_default();
    let last = kept.iter().rev().take(3).rev().copied().collect::<Vec<_>>().join("; ");
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

fn is_error(line: &str) -> bool {
    ERRORS.iter().any(|beginning| line.starts_with(beginning))
}

/// Whether a line says how far Compose, a build or a pull is.
fn is_progress(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
    // `#5 [web 2/3] RUN make`
    let step = first.strip_prefix('#').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    // Of these Compose says something only while it works on them, its own errors among it.
    let thing = matches!(first, "Container" | "Network" | "Volume") && words.next().is_some();
    step || thing || (!is_error(line) && PROGRESS.contains(&second))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complained(stderr: &str) -> String {
        let stderr = stderr.lines().map(str::to_owned).collect();
        complaint(&Ended { code: Some(1), stderr, ..Ended::default() })
    }

    #[test]
    fn a_failed_dependency_is_told_without_the_way_to_it() {
        let told = complained(
            " Network shop_default  Created\n Container shop-db-1  Started\n Container shop-db-1  Waiting\n \
             Container shop-db-1  Error\ndependency failed to start: container shop-db-1 exited (3)",
        );
        assert_eq!(told, "dependency failed to start: container shop-db-1 exited (3)");
        let told = complained(
            " Container shop-migrate-1  Waiting\n Container shop-migrate-1  service \"migrate\" didn't \
             complete successfully: exit 1\nservice \"migrate\" didn't complete successfully: exit 1",
        );
        assert_eq!(told, "service \"migrate\" didn't complete successfully: exit 1");
    }

    #[test]
    fn the_engines_words_are_told_without_progress() {
        let told = complained(
            " Container shop-web-1  Created\n Container shop-web-1  Starting\nError response from daemon: driver \
             failed programming external connectivity on endpoint shop-web-1 (b0aa): Bind for 0.0.0.0:8080 \
             failed: port is already allocated",
        );
        assert!(told.starts_with("Error response from daemon: driver failed"), "{told}");
        assert!(told.ends_with("port is already allocated"), "{told}");
        let refused = "Get \"http://localhost:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused";
        let told = complained(&format!(
            " web Pulling \n web Error {refused}\nError response from daemon: {refused}"
        ));
        assert_eq!(told, format!("Error response from daemon: {refused}"));
    }

    #[test]
    fn a_failed_build_is_told_by_its_last_word() {
        let told = complained(
            "#5 [web 2/2] RUN echo no; false\n#5 0.224 no\n#5 ERROR: exit code: 1\n------\n > [web 2/2] RUN echo \
             no; false:\n0.224 no\n------\nfailed to solve: executor failed running [/bin/sh -c echo no; false]: \
             exit code: 1",
        );
        assert_eq!(
            told,
            "failed to solve: executor failed running [/bin/sh -c echo no; false]: exit code: 1"
        );
    }

    #[test]
    fn what_is_of_no_known_kind_is_told_and_a_warning_is_not() {
        let told = complained(
            "time=\"2026-11-20T12:00:00Z\" level=warning msg=\"version is obsolete\"\nvalidating \
             /srv/compose.yml: services.web additional property y is not allowed",
        );
        assert_eq!(told, "validating /srv/compose.yml: services.web additional property y is not allowed");
        assert_eq!(complained(" Container shop-web-1  Error"), "Container shop-web-1  Error");
        assert_eq!(complained(""), "docker compose ended with exit code 1");
    }
}
