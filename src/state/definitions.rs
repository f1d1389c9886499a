//! What the compose files of each stack say, and which files still have to be read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::compose::{ComposeProject, Definition};
use crate::model::containers::NO_STACK;
use crate::model::stacks::Stack;
use crate::ports::ComposeError;
use crate::state::Revision;

#[derive(Debug)]
struct Entry {
    project: ComposeProject,
    /// `None` while it is being read.
    result: Option<Result<Definition, ComposeError>>,
    /// Named by the operator: stays although nothing of it was created.
    kept: bool,
}

#[derive(Debug, Default)]
pub struct Definitions {
    by_stack: BTreeMap<Arc<str>, Entry>,
    looked_at: Option<Revision>,
}

/// What is known of one stack's files.
#[derive(Clone, Copy, Default)]
pub struct Standing<'a> {
    pub definition: Option<&'a Definition>,
    pub error: Option<&'a str>,
    project: Option<&'a ComposeProject>,
}

impl Standing<'_> {
    pub fn files(&self) -> Vec<String> {
        let files = self.project.map(|project| &project.files).into_iter().flatten();
        files.map(|file| file.display().to_string()).collect()
    }

    pub fn folder(&self) -> String {
        self.project.map(|project| project.folder.display().to_string()).unwrap_or_default()
    }
}

impl Definitions {
    pub fn get(&self, stack: &str) -> Option<&Definition> {
        self.by_stack.get(stack)?.result.as_ref()?.as_ref().ok()
    }

    pub fn project(&self, stack: &str) -> Option<&ComposeProject> {
        self.by_stack.get(stack).map(|entry| &entry.project)
    }

    /// Whether an answer of Compose is still to come.
    pub fn is_reading(&self) -> bool {
        self.by_stack.values().any(|entry| entry.result.is_none())
    }

    pub fn is_kept(&self, stack: &str) -> bool {
        self.by_stack.get(stack).is_some_and(|entry| entry.kept)
    }

    /// Keeps a stack whose files are known.
    pub fn keep(&mut self, stack: &str) {
        if let Some(entry) = self.by_stack.get_mut(stack)
            && matches!(entry.result, Some(Ok(_)))
        {
            entry.kept = true;
        }
    }

    pub fn kept(&self) -> impl Iterator<Item = Arc<str>> + '_ {
        self.by_stack.iter().filter(|(_, entry)| entry.kept).map(|(name, _)| name.clone())
    }

    pub fn standing(&self, stack: &str) -> Standing<'_> {
        let Some(entry) = self.by_stack.get(stack) else { return Standing::default() };
        let definition = entry.result.as_ref().and_then(|result| result.as_ref().ok());
        let error = match &entry.result {
            Some(Err(ComposeError::Refused(words) | ComposeError::Failed(words))) => Some(words.as_str()),
            // Said once where it is needed, not at every stack.
            Some(Err(ComposeError::Missing) | Ok(_)) | None => None,
        };
        Standing { definition, error, project: Some(&entry.project) }
    }

    /// Takes an answer; returns the stack that it is about.
    pub fn read(
        &mut self,
        project: ComposeProject,
        result: Result<Definition, ComposeError>,
    ) -> Option<Arc<str>> {
        let named = project.name.as_deref().map(Arc::from);
        // The operator gave a path: the name is what Compose says it is.
        let kept = named.is_none();
        let name: Arc<str> = match (named, &result) {
            (Some(name), _) => name,
            (None, Ok(definition)) => definition.name.clone(),
            (None, Err(_)) => return None,
        };
        let kept = kept || self.is_kept(&name);
        let project = ComposeProject { name: Some(name.to_string()), ..project };
        self.by_stack.insert(name.clone(), Entry { project, result: Some(result), kept });
        Some(name)
    }

    /// Returns the projects of stacks whose files were not read yet, or have become others.
    pub fn unread<'a>(
        &mut self,
        revision: Revision,
        stacks: impl Iterator<Item = &'a Stack>,
    ) -> Vec<ComposeProject> {
        let mut wanted = Vec::new();
        if self.looked_at != Some(revision) {
            self.looked_at = Some(revision);
            for stack in stacks {
                if &*stack.name == NO_STACK || stack.config_files.is_empty() {
                    continue;
                }
                let files: Vec<PathBuf> = stack.config_files.iter().map(PathBuf::from).collect();
                if self
                    .by_stack
                    .get(&stack.name)
                    .is_some_and(|entry| entry.project.files == files || entry.kept)
                {
                    continue;
                }
                let project = ComposeProject {
                    name: Some(stack.name.to_string()),
                    files,
                    folder: PathBuf::from(&stack.working_dir),
                    env_files: Vec::new(),
                    profiles: Vec::new(),
                };
                let entry = Entry { project: project.clone(), result: None, kept: false };
                self.by_stack.insert(stack.name.clone(), entry);
                wanted.push(project);
            }
        }
        wanted
    }
}
