//! Judges a stack's configuration: lets Compose resolve it, finds out what rules ask for, applies them.
//!
//! Reaches Compose and the engine through their ports only. Reads files for their positions and looks
//! whether others exist; never changes anything, never keeps the resolved document.

mod git;
mod listeners;
mod sources;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use crate::config::stack_file::{self, variables};
use crate::lint::document::{self, Document};
use crate::lint::facts::{AtPath, Facts, NamedService, Questions};
use crate::lint::places::Places;
use crate::lint::tokens::WrittenRule;
use crate::lint::{self, Subject, own_file, refusal};
use crate::model::compose::{ComposeProject, Resolved};
use crate::model::findings::{Finding, Standing};
use crate::model::stack_file::{ActionRun, FILE_NAME, StackFile};
use crate::model::text::clean;
use crate::ports::{BoxFuture, Compose, ComposeError, Engine, Linter};

/// Variables that are missing and stood in for, one after the other.
const STAND_INS: usize = 8;
/// Images looked into at once, and the longest wait for all of them.
const IMAGES: usize = 4;
const IMAGE_TIME: Duration = Duration::from_secs(30);
/// File systems that do not answer should not hold up the rest.
const FILE_TIME: Duration = Duration::from_secs(5);
/// The largest Dockerfile that is read.
const DOCKERFILE: u64 = 1 << 20;
/// The largest `stackdash.toml` that is read.
const OWN_FILE: u64 = 1 << 20;

pub struct StackLinter {
    compose: Arc<dyn Compose>,
    engine: Arc<dyn Engine>,
    /// Whether the engine runs on this machine.
    local: bool,
}

impl StackLinter {
    pub fn new(compose: Arc<dyn Compose>, engine: Arc<dyn Engine>, local: bool) -> Self {
        Self { compose, engine, local }
    }

    async fn judge(
        &self,
        project: &ComposeProject,
        standing: Standing,
    ) -> Result<Vec<Finding>, ComposeError> {
        let here = project.clone();
        let sources = blocking(move || sources::read(&here)).await.unwrap_or_default();
        let places = Places::read_with(&sources.extra, &sources.main);
        // Compose need not understand its own files for ours to be wrong.
        let here = project.folder.clone();
        let mut findings = own_file::findings(&blocking(move || own_faults(&here)).await.unwrap_or_default());
        let Some(resolved) = self.resolve(project, &places, &mut findings).await? else {
            crate::model::findings::sort(&mut findings);
            return Ok(findings);
        };
        let document = document::parse(&resolved.json).map_err(ComposeError::Failed)?;
        let facts = self.find_out(&document, project, sources.profiles, self.local && !standing.inside).await;
        let production = sources.main.iter().any(|source| is_for_production(&source.path));
        let warnings = &resolved.warnings;
        let subject = Subject {
            document: &document,
            places: &places,
            facts: &facts,
            standing: &standing,
            warnings,
            production,
        };
        findings.extend(lint::check(&subject));
        crate::model::findings::sort(&mut findings);
        Ok(findings)
    }

    /// Lets Compose resolve the files; what it refuses is a finding. For a variable that is missing
    /// something stands in, so that the rest can be judged as well.
    async fn resolve(
        &self,
        project: &ComposeProject,
        places: &Places,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<Resolved>, ComposeError> {
        let mut stand_ins: Vec<(String, String)> = Vec::new();
        loop {
            let words = match self.compose.resolve(project, &stand_ins).await {
                Ok(resolved) => return Ok(Some(resolved)),
                Err(ComposeError::Refused(words)) => words,
                Err(error) => return Err(error),
            };
            findings.extend(refusal::findings(&words, places));
            let missing = refusal::required_variable(&words).map(str::to_owned);
            let again = missing.as_ref().is_none_or(|name| stand_ins.iter().any(|(known, _)| known == name));
            match missing {
                Some(name) if !again && stand_ins.len() < STAND_INS => {
                    stand_ins.push((name, lint::STAND_IN.to_owned()));
                }
                _ => return Ok(None),
            }
        }
    }

    async fn find_out(
        &self,
        document: &Document,
        project: &ComposeProject,
        profiles: Vec<(String, Option<PathBuf>)>,
        local: bool,
    ) -> Facts {
        let Questions { paths, dockerfiles, images, ports } = lint::questions(document);
        let listening = blocking(move || if local { listeners::read(&ports) } else { Vec::new() });
        let at_paths = blocking(move || paths.into_iter().map(|path| (at(&path), path)).collect::<Vec<_>>());
        let texts = blocking(move || {
            let read = |path: PathBuf| Some((read_small(&path, DOCKERFILE)?, path));
            dockerfiles.into_iter().filter_map(read).collect::<Vec<_>>()
        });
        let asked: Vec<(String, BTreeSet<String>)> = images.into_iter().collect();
        let images = async {
            let mut answers = futures_util::stream::iter(asked)
                .map(|(name, programs)| async move {
                    let facts = self.engine.image_facts(&name, &programs).await;
                    facts.ok().map(|facts| (name, facts))
                })
                .buffer_unordered(IMAGES);
            let mut found = Vec::new();
            let end = tokio::time::Instant::now() + IMAGE_TIME;
            while let Ok(Some(answer)) = tokio::time::timeout_at(end, answers.next()).await {
                found.extend(answer);
            }
            found
        };
        let (listeners, paths, dockerfiles, images, tracked) =
            tokio::join!(listening, at_paths, texts, images, git::tracked(project));
        let OwnRules { tokens, named, label_faults } = own_rules(document, project).await;
        Facts {
            local,
            paths: paths.unwrap_or_default().into_iter().map(|(at, path)| (path, at)).collect(),
            dockerfiles: dockerfiles
                .unwrap_or_default()
                .into_iter()
                .map(|(text, path)| (path, text))
                .collect(),
            images: images.into_iter().collect(),
            listeners: listeners.unwrap_or_default(),
            tokens,
            named,
            label_faults,
            tracked,
            profiles,
        }
    }
}

/// Finds what is wrong with the stack's own file, a line for each fault; none where there is no file.
fn own_faults(folder: &Path) -> Vec<String> {
    let path = folder.join(FILE_NAME);
    let Some(text) = read_small(&path, OWN_FILE) else { return Vec::new() };
    let mut file = match stack_file::parse(&path, &text) {
        Ok(file) => file,
        Err(faults) => return faults.0,
    };
    let beside = fs::read_to_string(folder.join(".env")).unwrap_or_default();
    let value = |name: &str| std::env::var(name).ok().or_else(|| variables::value_in(&beside, name));
    let told = variables::fill_in(&mut file, &value).err().unwrap_or_default();
    told.lines().map(str::to_owned).collect()
}

/// What the stack's own file and the labels of its services say.
struct OwnRules {
    tokens: Vec<WrittenRule>,
    named: Vec<NamedService>,
    /// Services whose labels cannot be used, and why.
    label_faults: Vec<(String, String)>,
}

/// Reads what is said beside the compose file and in labels.
async fn own_rules(document: &Document, project: &ComposeProject) -> OwnRules {
    let folder = project.folder.clone();
    let path = folder.join(FILE_NAME);
    let here = path.clone();
    let text = blocking(move || read_small(&here, OWN_FILE)).await.flatten().unwrap_or_default();
    // What is wrong with the file as such is told elsewhere.
    let own = stack_file::parse(&path, &text).unwrap_or_default();
    let file = clean(&path.display().to_string());
    let named = if own.variants.is_empty() { services_named(&own, &text, &file) } else { Vec::new() };
    let mut tokens: Vec<WrittenRule> = own
        .tokens
        .into_iter()
        .map(|rule| WrittenRule { rule, file: Some(file.clone()), text: text.clone() })
        .collect();
    let mut label_faults = Vec::new();
    for (name, service) in &document.services {
        let labels =
            service.labels.iter().filter_map(|(label, value)| Some((label.as_str(), value.as_str()?)));
        let rules = stack_file::labels::rules(name, name, &folder, labels);
        let written = rules.tokens.into_iter();
        tokens.extend(written.map(|rule| WrittenRule { rule, file: None, text: String::new() }));
        label_faults.extend(rules.faults.into_iter().map(|fault| (name.clone(), without_container(&fault))));
    }
    OwnRules { tokens, named, label_faults }
}

/// Lists the services that a stack's own file names, with the rules that do.
fn services_named(own: &StackFile, text: &str, file: &str) -> Vec<NamedService> {
    let tokens =
        own.tokens.iter().filter_map(|rule| Some((format!("token {}", rule.name), rule.service.as_ref()?)));
    let probes = own.probes.iter().map(|rule| (format!("probe {}", rule.name), &rule.service));
    let actions = own.actions.iter().filter_map(|action| match &action.run {
        ActionRun::Exec { service, .. } => Some((format!("action {}", action.name), service)),
        ActionRun::Compose(_) => None,
    });
    let logs = own.logs.iter().map(|log| (format!("log {}", log.file), &log.service));
    let watch = own.watch.iter().map(|(service, _)| (String::from("watch rule"), service));
    let line =
        |is_it: &dyn Fn(&str) -> bool| text.lines().position(is_it).and_then(|at| u32::try_from(at + 1).ok());
    let by_value = tokens.chain(probes).chain(actions).chain(logs).chain(watch).map(|(what, service)| {
        let written = format!("\"{service}\"");
        (what, service, line(&|line| line.contains("service") && line.contains(&written)))
    });
    // There it is a key, or the name of a table.
    let by_key = own.heal.keys().map(|service| {
        let key = |line: &str| {
            let line = line.trim_start().trim_start_matches("[heal.");
            let key = line.split([' ', '\t', '=', ']']).next().unwrap_or_default();
            key.trim_matches(['"', '\'']) == &**service
        };
        (String::from("heal rule"), service, line(&key))
    });
    by_value
        .chain(by_key)
        .map(|(what, service, line)| NamedService {
            what,
            service: service.to_string(),
            file: file.to_owned(),
            line,
        })
        .collect()
}

/// In a file there are no containers yet.
fn without_container(fault: &str) -> String {
    fault.split_once(", label ").map_or_else(|| fault.to_owned(), |(_, rest)| format!("label {rest}"))
}

impl Linter for StackLinter {
    fn findings<'a>(
        &'a self,
        project: &'a ComposeProject,
        standing: Standing,
    ) -> BoxFuture<'a, Result<Vec<Finding>, ComposeError>> {
        Box::pin(self.judge(project, standing))
    }
}

/// Does what may wait for a disk elsewhere; `None`: it did not end in time.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::time::timeout(FILE_TIME, tokio::task::spawn_blocking(work)).await.ok()?.ok()
}

/// Whether the files' names say that they are for production.
fn is_for_production(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split(['.', '-', '_']).any(|word| matches!(word, "prod" | "production"))
}

fn at(path: &Path) -> AtPath {
    let Ok(facts) = fs::metadata(path) else { return AtPath::Missing };
    if facts.is_dir() {
        AtPath::Folder
    } else if facts.is_file() {
        let readable = fs::File::open(path).is_ok();
        AtPath::File { readable, mode: facts.permissions().mode() & 0o7777, owner: facts.uid() }
    } else {
        AtPath::Other
    }
}

/// Reads a regular file that is not too large.
fn read_small(path: &Path, largest: u64) -> Option<String> {
    let facts = fs::metadata(path).ok()?;
    if !facts.is_file() || facts.len() > largest {
        return None;
    }
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_for_production() {
        assert!(is_for_production("/srv/a/docker-compose.prod.yml"));
        assert!(is_for_production("compose-production.yaml"));
        assert!(!is_for_production("/srv/prod/compose.yaml"));
        assert!(!is_for_production("products.yml"));
    }
}
