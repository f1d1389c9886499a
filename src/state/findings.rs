//! What linting found, stack by stack, and which stacks still wait to be judged.
//!
//! A stack is judged each time its files were read, but not before the containers are known: what a stack
//! itself holds is no trouble.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::compose::{ComposeProject, Definition};
use crate::model::findings::{Finding, FindingSeverity, HeldPort, Standing};
use crate::ports::ComposeError;
use crate::state::containers::Containers;
use crate::state::{Revision, State};

/// Rule of files that nobody could look at.
pub const UNUSABLE: &str = "files-unusable";

#[derive(Debug, Default)]
pub struct Findings {
    pub revision: Revision,
    /// Whether somebody judges at all.
    pub on: bool,
    by_stack: BTreeMap<Arc<str>, Vec<Finding>>,
    /// Files that were read and are not judged yet.
    due: BTreeMap<Arc<str>, ComposeProject>,
    judging: BTreeSet<Arc<str>>,
    /// How each stack that was judged is read again.
    projects: BTreeMap<Arc<str>, ComposeProject>,
}

impl Findings {
    /// Returns what is wrong with a stack, worst first; `None`: not judged.
    pub fn of(&self, stack: &str) -> Option<&[Finding]> {
        self.by_stack.get(stack).map(Vec::as_slice)
    }

    /// Returns every stack that was judged, by name.
    pub fn stacks(&self) -> impl Iterator<Item = (&Arc<str>, &[Finding])> {
        self.by_stack.iter().map(|(name, findings)| (name, findings.as_slice()))
    }

    /// Returns how the stacks that were judged are read again.
    pub fn projects(&self) -> impl Iterator<Item = (&Arc<str>, &ComposeProject)> {
        self.projects.iter()
    }

    /// Returns the stacks that have errors: how many, and the first of them.
    pub(super) fn errors(&self) -> impl Iterator<Item = (&Arc<str>, u32, &str)> {
        self.by_stack.iter().filter_map(|(name, findings)| {
            let errors = findings.iter().filter(|finding| finding.severity == FindingSeverity::Error);
            let first = findings.first().filter(|first| first.severity == FindingSeverity::Error)?;
            Some((name, errors.count() as u32, &*first.message))
        })
    }

    /// Whether an answer is still to come.
    pub fn is_judging(&self) -> bool {
        self.on && (!self.due.is_empty() || !self.judging.is_empty())
    }

    /// Notes that a stack's files were read.
    pub(super) fn files_read(&mut self, project: &ComposeProject, result: &Result<Definition, ComposeError>) {
        let name = match (&project.name, result) {
            (Some(name), _) => Arc::from(name.as_str()),
            (None, Ok(definition)) => definition.name.clone(),
            // Said once where it is needed, not at every stack.
            (_, Err(ComposeError::Missing)) => return,
            (None, Err(_)) => Arc::from(folder_name(project)),
        };
        if !self.on {
            return;
        }
        if project.name.is_none() {
            // While nobody could read its name, it went by that of its folder.
            let folder: Arc<str> = Arc::from(folder_name(project));
            if folder != name && self.projects.remove(&folder).is_some_and(|old| old.name.is_none()) {
                self.by_stack.remove(&folder);
                self.revision.bump();
            }
        }
        self.projects.insert(name.clone(), project.clone());
        self.due.insert(name, project.clone());
    }

    /// Something beside a stack's compose files changed that rules look at.
    pub(super) fn judge_again(&mut self, stack: &Arc<str>) {
        if let Some(project) = self.projects.get(stack).filter(|_| self.on) {
            self.due.insert(stack.clone(), project.clone());
        }
    }

    /// Returns what is to be judged now; each once.
    pub(super) fn take_due(&mut self) -> Vec<(Arc<str>, ComposeProject)> {
        let due: Vec<_> = std::mem::take(&mut self.due).into_iter().collect();
        self.judging.extend(due.iter().map(|(name, _)| name.clone()));
        due
    }

    pub(super) fn judged(
        &mut self,
        stack: Arc<str>,
        result: Result<Vec<Finding>, ComposeError>,
        containers: &Containers,
    ) {
        self.judging.remove(&stack);
        let findings = match result {
            Ok(findings) => findings,
            Err(ComposeError::Missing) => Vec::new(),
            Err(
                ComposeError::Refused(words)
                | ComposeError::Failed(words)
                | ComposeError::Exited { words, .. },
            ) => {
                vec![unusable(words, containers.stack(&stack).is_some())]
            }
        };
        if self.by_stack.get(&stack) != Some(&findings) {
            self.by_stack.insert(stack, findings);
            self.revision.bump();
        }
    }
}

/// A stack that runs goes on without its files; one that does not has nothing else.
fn unusable(words: String, lives: bool) -> Finding {
    let (severity, why, fix) = if lives {
        (
            FindingSeverity::Info,
            "What is known of the stack comes from its containers' labels; Compose cannot act on it from here",
            "Run stackdash where the files are, or name them",
        )
    } else {
        (
            FindingSeverity::Error,
            "Without its files nothing of the stack can start",
            "Name the stack's compose file",
        )
    };
    Finding {
        severity,
        rule: UNUSABLE,
        service: None,
        message: words,
        why: why.to_owned(),
        fix: fix.to_owned(),
        file: None,
        line: None,
    }
}

/// Names a stack whose own name nobody could read.
fn folder_name(project: &ComposeProject) -> String {
    let name = project.folder.file_name().map(|name| name.to_string_lossy().into_owned());
    crate::model::text::clean(&name.unwrap_or_else(|| String::from("stack")))
}

/// Returns what linting a stack has to know of what runs.
pub fn standing(state: &State, stack: &str) -> Standing {
    let containers = &state.containers;
    let own = state.connection.info.as_ref().and_then(|info| info.own.container.as_deref());
    // A shorter hint may be anybody's host name.
    let inside = own
        .filter(|own| own.len() >= 12)
        .is_some_and(|own| containers.iter().any(|e| e.container.id.as_str().starts_with(own)));
    let mut standing = Standing { inside, ..Standing::default() };
    for entry in containers.iter().filter(|entry| entry.container.run.is_up()) {
        let container = &entry.container;
        let name = container.stack_name();
        if &*name == stack {
            standing.own.push(container.id.as_str().to_owned());
        }
        standing.ports.extend(container.ports.iter().filter_map(|port| {
            Some(HeldPort {
                id: container.id.as_str().to_owned(),
                container: container.name.to_string(),
                stack: name.clone(),
                host_ip: port.host_ip.clone(),
                port: port.host_port?,
                protocol: port.protocol.clone(),
            })
        }));
    }
    standing
}
