//! Budgets of `stackdash.toml` against what is: time to ready, memory, image, health check. One that is passed is
//! a finding, with the figure and the limit.
//!
//! Sizes of images are asked for once each, and only where there is a budget for them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::command::Command;
use crate::model::findings::{Finding, FindingSeverity};
use crate::model::health::Health;
use crate::model::stack_file::StackFile;
use crate::model::stacks::{Service, Stack};
use crate::state::Revision;
use crate::state::containers::{Containers, Entry};
use crate::state::probes::Probes;
use crate::state::stack_files::StackFiles;
use crate::state::usage::UsageBook;

/// A budget that was passed is kept again only below this part of it: figures waver.
const KEPT_BELOW: f64 = 0.95;

#[derive(Debug, Default)]
pub struct Budgets {
    by_stack: BTreeMap<Arc<str>, Vec<Finding>>,
    /// Bytes by image id; `None`: asked for. Zero: nobody says.
    images: HashMap<String, Option<u64>>,
    seen: Option<[Revision; 4]>,
    pub revision: Revision,
}

/// Everything that budgets are held against.
pub(super) struct Measured<'a> {
    pub containers: &'a Containers,
    pub usage: &'a UsageBook,
    pub probes: &'a Probes,
    pub files: &'a StackFiles,
}

impl Budgets {
    /// Returns the budgets of a stack that are passed.
    pub fn of(&self, stack: &str) -> &[Finding] {
        self.by_stack.get(stack).map_or(&[], Vec::as_slice)
    }

    pub fn stacks(&self) -> impl Iterator<Item = (&Arc<str>, &[Finding])> {
        self.by_stack.iter().map(|(name, findings)| (name, findings.as_slice()))
    }

    /// Whether the size of some image is still to come.
    pub fn is_measuring(&self) -> bool {
        self.images.values().any(Option::is_none)
    }

    pub(super) fn image_measured(&mut self, image_id: String, bytes: Option<u64>) {
        self.images.insert(image_id, Some(bytes.unwrap_or(0)));
        self.seen = None;
    }

    /// Holds everything against its budget, where anything has changed; returns what is to be measured.
    pub(super) fn refresh(&mut self, measured: &Measured<'_>) -> Vec<Command> {
        let Measured { containers, usage, probes, files } = measured;
        let seen = Some([containers.revision(), usage.revision, probes.troubles, files.revision]);
        if self.seen == seen {
            return Vec::new();
        }
        self.seen = seen;
        let mut wishes = Vec::new();
        let mut found = BTreeMap::new();
        for (name, file) in files.iter() {
            let Some(stack) = containers.stack(name) else { continue };
            let budget = &file.budget;
            if budget.image.is_some() {
                wishes.extend(self.unmeasured(stack, containers));
            }
            let passed = self.passed(stack, file, measured);
            if !passed.is_empty() {
                found.insert(name.clone(), passed);
            }
        }
        if found != self.by_stack {
            self.by_stack = found;
            self.revision.bump();
        }
        wishes
    }

    fn unmeasured(&mut self, stack: &Stack, containers: &Containers) -> Vec<Command> {
        let mut wishes = Vec::new();
        for entry in stack.services.iter().flat_map(|service| of_service(service, containers)) {
            let id = &entry.container.image_id;
            if !id.is_empty() && !self.images.contains_key(id) {
                self.images.insert(id.clone(), None);
                wishes.push(Command::MeasureImage(id.clone()));
            }
        }
        wishes
    }

    fn passed(&self, stack: &Stack, file: &StackFile, measured: &Measured<'_>) -> Vec<Finding> {
        let budget = &file.budget;
        let before = self.of(&stack.name);
        let mut findings = Vec::new();
        for service in &stack.services {
            let entries: Vec<&Entry> = of_service(service, measured.containers).collect();
            let mut hold = |rule: &'static str,
                            figure: Option<f64>,
                            limit: Option<f64>,
                            finding: &dyn Fn(f64, f64) -> Words| {
                let (Some(figure), Some(limit)) = (figure, limit) else { return };
                let was =
                    before.iter().any(|old| old.rule == rule && old.service.as_ref() == Some(&service.name));
                let least = if was { limit * KEPT_BELOW } else { limit };
                if figure > least {
                    let (message, why, fix) = finding(figure, limit);
                    findings.push(Finding {
                        severity: FindingSeverity::Warning,
                        rule,
                        service: Some(service.name.clone()),
                        message,
                        why: why.to_owned(),
                        fix: fix.to_owned(),
                        file: Some(crate::model::text::clean(&file.path.display().to_string())),
                        line: None,
                    });
                }
            };
            let span = |limit: Option<Duration>| limit.map(|limit| limit.as_secs_f64());
            let size = |limit: Option<u64>| limit.map(|limit| limit as f64);
            hold("budget-ready", ready(service, &entries, measured), span(budget.ready), &ready_words);
            hold("budget-memory", memory(&entries, measured.usage), size(budget.memory), &memory_words);
            hold("budget-image", self.image(&entries), size(budget.image), &image_words);
            hold("budget-health", health(&entries), span(budget.health), &health_words);
        }
        findings
    }

    fn image(&self, entries: &[&Entry]) -> Option<f64> {
        let sizes = entries.iter().filter_map(|entry| *self.images.get(&entry.container.image_id)?);
        sizes.max().map(|bytes| bytes as f64)
    }
}

/// Message, why, fix.
type Words = (String, &'static str, &'static str);

fn ready_words(figure: f64, limit: f64) -> Words {
    (
        format!("Ready {} after its start, its budget is {}", time(figure), time(limit)),
        "Every restart and every update keeps its users waiting for so long",
        "See what it waits for (Graph) and what it does at its start (logs), or raise ready in [budget]",
    )
}

fn memory_words(figure: f64, limit: f64) -> Words {
    (
        format!("Uses {} of memory, its budget is {}", bytes(figure), bytes(limit)),
        "It takes more of the machine than was planned for it",
        "Look for a leak (Usage), limit it (deploy.resources.limits.memory), or raise memory in [budget]",
    )
}

fn image_words(figure: f64, limit: f64) -> Words {
    (
        format!("Its image has {}, its budget is {}", bytes(figure), bytes(limit)),
        "Pulling, building and keeping it takes time and disk",
        "Build in stages, from a smaller base, or raise image in [budget]",
    )
}

fn health_words(figure: f64, limit: f64) -> Words {
    (
        format!("Its health check takes {}, its budget is {}", time(figure), time(limit)),
        "A slow check is the first sign of a busy service, and costs at every interval",
        "Let it ask for less, or raise health in [budget]",
    )
}

fn of_service<'a>(service: &'a Service, containers: &'a Containers) -> impl Iterator<Item = &'a Entry> {
    let entries = service.containers.iter().filter_map(|id| containers.get(id));
    entries.filter(|entry| !entry.container.compose.as_ref().is_some_and(|compose| compose.one_off))
}

/// The slowest replica, in seconds; by the engine's check, else by the first probe that passed.
fn ready(service: &Service, entries: &[&Entry], measured: &Measured<'_>) -> Option<f64> {
    let up = entries.iter().filter(|entry| entry.container.run.is_up());
    let by_engine =
        up.filter(|entry| saw_first_check(entry)).filter_map(|entry| entry.facts.ready_after).max();
    let by_probe = || {
        let stack = entries.first()?.container.stack_name();
        measured.probes.of_service(&stack, &service.name).filter_map(|probe| probe.ready_after).max()
    };
    let has_check = entries.iter().any(|entry| entry.container.health_settings.is_some());
    let found = if has_check { by_engine } else { by_probe() };
    found.map(|span| span.as_secs_f64())
}

/// Whether the first verdict that is known of this life can be the first there was: one that got healthy after
/// having been unhealthy may have been ready long before.
fn saw_first_check(entry: &Entry) -> bool {
    let start = entry.container.started_at;
    let first = entry.facts.flips.iter().find(|(at, _)| start.is_none_or(|start| *at >= start));
    first.is_none_or(|(_, health)| *health != Health::Unhealthy)
}

fn memory(entries: &[&Entry], usage: &UsageBook) -> Option<f64> {
    let up = entries.iter().filter(|entry| entry.container.run.is_up());
    let figures = up.filter_map(|entry| usage.get(&entry.container.id)?.usage.memory_bytes);
    figures.max().map(|bytes| bytes as f64)
}

/// The middle one of the last results, in seconds: a single slow one says nothing.
fn health(entries: &[&Entry]) -> Option<f64> {
    let up = entries.iter().filter(|entry| entry.container.run.is_up());
    let middle = |entry: &&Entry| {
        let mut times: Vec<u64> = entry.container.health_log.iter().map(|check| check.duration_ms).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    };
    up.filter_map(middle).max().map(|ms| ms as f64 / 1000.0)
}

fn time(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{} ms", (seconds * 1000.0).round())
    } else if seconds < 120.0 {
        format!("{} s", (seconds * 10.0).round() / 10.0)
    } else {
        crate::model::stacks::duration_words(seconds as i64)
    }
}

/// In the units that budgets are written in.
fn bytes(bytes: f64) -> String {
    match bytes {
        b if b >= 1e9 => format!("{} GB", (b / 1e8).round() / 10.0),
        b if b >= 1e6 => format!("{} MB", (b / 1e6).round()),
        b => format!("{} kB", (b / 1e3).round()),
    }
}

#[cfg(test)]
mod tests;
