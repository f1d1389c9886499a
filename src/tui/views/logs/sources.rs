//! Whose lines are shown: the containers of the targets, found anew whenever containers change.
//!
//! A service that is made again gets new containers: these join, and the ones that are gone stay for a
//! while, because their last lines say why they went.

use std::collections::HashMap;

use crate::model::logs::LogSource;
use crate::model::stacks::Target;
use crate::state::{Revision, State};

/// Containers that no longer exist and are still shown.
const GONE_KEPT: usize = 8;

/// One log in the gutter: what a container prints, or a file in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub id: LogSource,
    /// `api`, or `api-2` where several replicas are shown; `api·app.log` for a file.
    pub label: String,
    /// Index into the colors of the gutter.
    pub color: usize,
    pub is_gone: bool,
}

#[derive(Debug, Default)]
pub struct Sources {
    targets: Vec<Target>,
    list: Vec<Source>,
    by_id: HashMap<LogSource, usize>,
    seen: Option<(Revision, Revision)>,
}

impl Sources {
    pub fn set(&mut self, targets: Vec<Target>) {
        *self = Self { targets, ..Self::default() };
    }

    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    pub fn list(&self) -> &[Source] {
        &self.list
    }

    pub fn get(&self, id: &LogSource) -> Option<&Source> {
        self.by_id.get(id).map(|at| &self.list[*at])
    }

    /// Returns the logs that the targets mean now, then those of containers that are gone.
    pub fn ids(&self, state: &State) -> Vec<LogSource> {
        let mut ids = living(&self.targets, state);
        for source in &self.list {
            if !ids.contains(&source.id) {
                ids.push(source.id.clone());
            }
        }
        ids
    }

    /// Finds the containers again where something changed; returns whether other ones are shown now.
    pub fn sync(&mut self, state: &State) -> bool {
        let revision = (state.containers.revision(), state.stack_files.revision);
        if self.seen == Some(revision) {
            return false;
        }
        self.seen = Some(revision);
        let ids = living(&self.targets, state);
        let labels = labels(&ids, state);
        let mut list: Vec<Source> = Vec::with_capacity(ids.len());
        for (id, label) in ids.into_iter().zip(labels) {
            list.push(Source { id, label, color: 0, is_gone: false });
        }
        let gone: Vec<Source> = self
            .list
            .iter()
            .filter(|old| !list.iter().any(|new| new.id == old.id))
            .map(|old| Source { is_gone: true, ..old.clone() })
            .collect();
        list.extend(gone.into_iter().rev().take(GONE_KEPT));
        // One service, one color: a container made again looks like the one before it.
        let mut names: Vec<String> = list.iter().map(|source| source.label.clone()).collect();
        names.sort();
        names.dedup();
        for source in &mut list {
            source.color = names.binary_search(&source.label).unwrap_or(0);
        }
        let changed = list.iter().map(|source| &source.id).ne(self.list.iter().map(|source| &source.id));
        self.by_id = list.iter().enumerate().map(|(at, source)| (source.id.clone(), at)).collect();
        self.list = list;
        changed
    }
}

fn living(targets: &[Target], state: &State) -> Vec<LogSource> {
    let mut ids = Vec::new();
    for target in targets {
        for id in state.containers.of_target(target) {
            let logs = match state.containers.get(&id) {
                Some(entry) => state.stack_files.logs_of(&entry.container),
                None => vec![id.into()],
            };
            for log in logs {
                if !ids.contains(&log) {
                    ids.push(log);
                }
            }
        }
    }
    ids
}

/// Names logs as shortly as they can be told apart.
fn labels(ids: &[LogSource], state: &State) -> Vec<String> {
    let facts: Vec<_> = ids
        .iter()
        .map(|id| {
            state.containers.get(&id.container).map(|entry| {
                let container = &entry.container;
                let number = container.compose.as_ref().map_or(0, |compose| compose.number);
                (container.stack_name(), container.service_name(), number)
            })
        })
        .collect();
    let mut stacks: Vec<_> = facts.iter().flatten().map(|(stack, ..)| stack.clone()).collect();
    stacks.sort();
    stacks.dedup();
    let mut replicas: HashMap<_, usize> = HashMap::new();
    let printed = facts.iter().zip(ids).filter(|(_, id)| id.file.is_none());
    for (stack, service, _) in printed.filter_map(|(fact, _)| fact.as_ref()) {
        *replicas.entry((stack.clone(), service.clone())).or_default() += 1;
    }
    facts
        .into_iter()
        .zip(ids)
        .map(|(fact, id)| {
            let Some((stack, service, number)) = fact else { return id.container.short().to_owned() };
            let several = replicas.get(&(stack.clone(), service.clone())).is_some_and(|count| *count > 1);
            let prefix = if stacks.len() > 1 { format!("{stack}/") } else { String::new() };
            let suffix = if several { format!("-{number}") } else { String::new() };
            let file = id.file_name().map(|name| format!("·{name}")).unwrap_or_default();
            format!("{prefix}{service}{suffix}{file}")
        })
        .collect()
}
