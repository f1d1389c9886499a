//! Sections of a resolved service: build, health check, mounts, watch rules. Pure.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use crate::model::compose::{BuildSection, HealthSection, MountDefinition};
use crate::model::redact;
use crate::model::text::clean;
use crate::model::watch::{WatchAction, WatchRule};

#[derive(Deserialize)]
pub struct Build {
    #[serde(default)]
    context: String,
    dockerfile: Option<String>,
    dockerfile_inline: Option<String>,
    target: Option<String>,
    additional_contexts: Option<BTreeMap<String, Value>>,
    args: Option<BTreeMap<String, Value>>,
}

pub fn build(build: Build) -> BuildSection {
    let contexts = build.additional_contexts.unwrap_or_default();
    let place = |value: &Value| clean(value.as_str().unwrap_or_default());
    BuildSection {
        context: clean(&redact::text(&build.context)),
        dockerfile: clean(&build.dockerfile.unwrap_or_default()),
        inline: build.dockerfile_inline.is_some(),
        target: clean(&build.target.unwrap_or_default()),
        additional_contexts: contexts.iter().map(|(name, value)| (clean(name), place(value))).collect(),
        arguments: build.args.unwrap_or_default().keys().map(|name| clean(name)).collect(),
    }
}

#[derive(Deserialize)]
pub struct HealthCheck {
    #[serde(default)]
    pub disable: bool,
    test: Option<Value>,
    interval: Option<String>,
    timeout: Option<String>,
    start_period: Option<String>,
    retries: Option<u32>,
}

pub fn health(check: HealthCheck) -> HealthSection {
    let span = |span: Option<String>| clean(&span.unwrap_or_default());
    HealthSection {
        // As one line: a word behind `--password` is told by the word before it.
        test: redact::text(&words(check.test.as_ref()).join(" ")),
        interval: span(check.interval),
        timeout: span(check.timeout),
        start_period: span(check.start_period),
        retries: check.retries,
    }
}

#[derive(Deserialize)]
pub struct Mount {
    #[serde(rename = "type", default)]
    kind: String,
    source: Option<String>,
    #[serde(default)]
    target: String,
    #[serde(default)]
    read_only: bool,
}

pub fn mount(mount: Mount) -> MountDefinition {
    MountDefinition {
        kind: clean(&mount.kind),
        source: clean(&mount.source.unwrap_or_default()),
        target: clean(&mount.target),
        read_only: mount.read_only,
    }
}

#[derive(Deserialize)]
pub struct Watch {
    #[serde(default)]
    path: String,
    #[serde(default)]
    action: String,
    target: Option<String>,
    #[serde(default)]
    ignore: Option<Vec<String>>,
    #[serde(default)]
    include: Option<Vec<String>>,
    #[serde(default)]
    initial_sync: bool,
    exec: Option<Value>,
}

pub fn rule(watch: Watch) -> WatchRule {
    let all = |list: Option<Vec<String>>| list.unwrap_or_default().iter().map(|word| clean(word)).collect();
    WatchRule {
        // Used as it is: a cleaned path would be another file.
        path: PathBuf::from(watch.path),
        action: WatchAction::parse(&clean(&watch.action)),
        target: watch.target.map(|target| clean(&target)).filter(|target| !target.is_empty()),
        ignore: all(watch.ignore),
        include: all(watch.include),
        initial_sync: watch.initial_sync,
        exec: watch.exec.as_ref().map(|exec| words(Some(&exec["command"]))).unwrap_or_default(),
        exec_user: part(watch.exec.as_ref(), "user"),
        exec_folder: part(watch.exec.as_ref(), "working_dir"),
    }
}

fn part(value: Option<&Value>, key: &str) -> String {
    value.and_then(|value| value[key].as_str()).map(clean).unwrap_or_default()
}

/// A command is a list since Compose resolves it; older versions leave a line.
fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).map(clean).collect(),
        Some(Value::String(line)) => vec![clean(line)],
        _ => Vec::new(),
    }
}
