//! What the compose files of each stack say, and which files have to be read, again or for the first time.
//!
//! What was read stays while it is read again, and where it cannot be read any more: the error stands
//! beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::compose::{ComposeProject, Definition};
use crate::model::containers::NO_STACK;
use crate::model::stacks::Stack;
use crate::ports::ComposeError;
use crate::state::Revision;

#[derive(Debug)]
struct Entry {
    project: ComposeProject,
    definition: Option<Definition>,
    /// Why the last reading failed.
    error: Option<ComposeError>,
    /// An answer is still to come.
    reading: bool,
    /// The files whose reading was asked for last.
    asked: Vec<PathBuf>,
    /// Something changed while it was being read.
    again: bool,
    /// When the reading that is under way, or was the last, was asked for.
    asked_at: Timestamp,
    /// Whether there was an answer, of what moment.
    read_at: Option<Timestamp>,
    /// The newest container for which the files were read once more.
    looked_after: Option<Timestamp>,
    /// Named by the operator: stays although nothing of it was created.
    kept: bool,
    /// Its files were chosen by the operator: those of running containers do not take their place.
    chosen: bool,
    /// Profiles that were on when the whole stack was taken down.
    profiles: BTreeSet<String>,
}

impl Entry {
    fn new(asked_at: Timestamp, project: ComposeProject) -> Self {
        Self {
            asked: project.files.clone(),
            project,
            definition: None,
            error: None,
            reading: true,
            again: false,
            asked_at,
            read_at: None,
            looked_after: None,
            kept: false,
            chosen: false,
            profiles: BTreeSet::new(),
        }
    }

    fn sources(&self) -> impl Iterator<Item = &Path> {
        let read = self.definition.iter().flat_map(|found| &found.sources).map(|source| &*source.path);
        read.chain(self.project.files.iter().map(|file| &**file))
    }

    /// Asks for another reading; none while one is under way.
    fn ask(&mut self, now: Timestamp) -> Option<ComposeProject> {
        if self.reading {
            self.again = true;
            return None;
        }
        self.reading = true;
        self.asked.clone_from(&self.project.files);
        self.asked_at = now;
        Some(self.project.clone())
    }
}

#[derive(Debug, Default)]
pub struct Definitions {
    by_stack: BTreeMap<Arc<str>, Entry>,
    /// Stacks of which the operator named several sets of files.
    varied: BTreeSet<Arc<str>>,
    /// Why the path that the operator named could not be read: as what it would be listed nobody knows.
    refused: Option<ComposeError>,
    looked_at: Option<Revision>,
}

/// What is known of one stack's files.
#[derive(Clone, Copy, Default)]
pub struct Standing<'a> {
    pub definition: Option<&'a Definition>,
    pub error: Option<&'a ComposeError>,
    /// When they were read.
    pub read_at: Option<Timestamp>,
    /// The newest container that they were read after, whatever the clocks say.
    pub looked_after: Option<Timestamp>,
    project: Option<&'a ComposeProject>,
}

impl Standing<'_> {
    /// Returns the files that the next call uses.
    pub fn files(&self) -> Vec<String> {
        let named = self.project.map(|project| &project.files).filter(|files| !files.is_empty());
        let files = named.or(self.definition.map(|definition| &definition.files));
        files.into_iter().flatten().map(|file| file.display().to_string()).collect()
    }

    pub fn folder(&self) -> String {
        self.project.map(|project| project.folder.display().to_string()).unwrap_or_default()
    }
}

/// What came of an answer.
pub struct Taken {
    pub stack: Arc<str>,
    /// A new complaint about files that could be read before.
    pub broke: Option<String>,
    /// Files changed meanwhile: read them once more.
    pub again: Option<ComposeProject>,
}

impl Definitions {
    pub fn get(&self, stack: &str) -> Option<&Definition> {
        self.by_stack.get(stack)?.definition.as_ref()
    }

    pub fn project(&self, stack: &str) -> Option<&ComposeProject> {
        self.by_stack.get(stack).map(|entry| &entry.project)
    }

    /// Whether the first answer of Compose about some stack is still to come.
    pub fn is_reading(&self) -> bool {
        self.by_stack.values().any(|entry| entry.reading)
    }

    /// Whether a stack's files are being read and were never read before.
    pub fn is_reading_first(&self, stack: &str) -> bool {
        self.by_stack.get(stack).is_some_and(|entry| entry.reading && entry.definition.is_none())
    }

    /// Returns why a path that the operator named could not be read.
    pub fn refused(&self) -> Option<&ComposeError> {
        self.refused.as_ref()
    }

    pub fn is_kept(&self, stack: &str) -> bool {
        self.by_stack.get(stack).is_some_and(|entry| entry.kept)
    }

    /// Whether the operator named several sets of files for a stack.
    pub fn has_variants(&self, stack: &str) -> bool {
        self.varied.contains(stack)
    }

    pub fn set_variants(&mut self, stack: &Arc<str>, several: bool) {
        if several {
            self.varied.insert(stack.clone());
        } else {
            self.varied.remove(stack);
        }
    }

    /// Keeps a stack whose files are known.
    pub fn keep(&mut self, stack: &str) {
        if let Some(entry) = self.by_stack.get_mut(stack)
            && entry.definition.is_some()
        {
            entry.kept = true;
        }
    }

    pub fn remember_profiles(&mut self, stack: &str, profiles: impl IntoIterator<Item = String>) {
        if let Some(entry) = self.by_stack.get_mut(stack) {
            entry.profiles = profiles.into_iter().collect();
        }
    }

    pub fn remembered_profiles(&self, stack: &str) -> impl Iterator<Item = &String> {
        self.by_stack.get(stack).into_iter().flat_map(|entry| &entry.profiles)
    }

    pub fn kept(&self) -> impl Iterator<Item = Arc<str>> + '_ {
        self.by_stack.iter().filter(|(_, entry)| entry.kept).map(|(name, _)| name.clone())
    }

    pub fn standing(&self, stack: &str) -> Standing<'_> {
        let Some(entry) = self.by_stack.get(stack) else { return Standing::default() };
        Standing {
            definition: entry.definition.as_ref(),
            error: entry.error.as_ref(),
            read_at: entry.read_at,
            looked_after: entry.looked_after,
            project: Some(&entry.project),
        }
    }

    /// Takes an answer; none where it is about files that are not meant any more.
    pub fn read(
        &mut self,
        now: Timestamp,
        project: ComposeProject,
        result: Result<Definition, ComposeError>,
    ) -> Option<Taken> {
        let named: Option<Arc<str>> = project.name.as_deref().map(Arc::from);
        // The operator gave a path: the name is what Compose says it is.
        let found = named.is_none();
        let name: Arc<str> = match (named, &result) {
            (Some(name), _) => name,
            (None, Ok(definition)) => definition.name.clone(),
            (None, Err(error)) => {
                self.refused = Some(error.clone());
                return None;
            }
        };
        if found {
            self.refused = None;
        }
        let project = ComposeProject { name: Some(name.to_string()), ..project };
        let entry = self.by_stack.entry(name.clone()).or_insert_with(|| Entry::new(now, project.clone()));
        let other = entry.project.files != project.files;
        let outdated = entry.chosen || (entry.reading && entry.asked == project.files);
        if other && !found && outdated {
            // Read before the operator chose others, or before containers were made from others.
            entry.reading = false;
            let again = std::mem::take(&mut entry.again).then(|| entry.ask(now)).flatten();
            return Some(Taken { stack: name, broke: None, again });
        }
        if found || (other && project.own_environment) {
            entry.chosen = !project.files.is_empty();
        }
        // What the operator names or stands in is shown although nothing of it runs.
        entry.kept |= found || project.own_environment;
        entry.project = project;
        entry.read_at = Some(if entry.reading { entry.asked_at } else { now });
        entry.reading = false;
        let mut broke = None;
        match result {
            Ok(definition) => {
                entry.definition = Some(definition);
                entry.error = None;
            }
            Err(error) => {
                if entry.definition.is_some() && entry.error.as_ref() != Some(&error) {
                    broke = Some(error.to_string());
                }
                entry.error = Some(error);
            }
        }
        let again = std::mem::take(&mut entry.again).then(|| entry.ask(now)).flatten();
        Some(Taken { stack: name, broke, again })
    }

    /// Lets a stack's next calls use other files; returns what has to be read for it.
    pub fn choose(&mut self, now: Timestamp, stack: &str, files: Vec<PathBuf>) -> Option<ComposeProject> {
        let entry = self.by_stack.get_mut(stack)?;
        entry.project.files = files;
        entry.chosen = true;
        entry.kept = true;
        entry.ask(now)
    }

    /// Lets a stack's files be read once more.
    pub fn read_again(&mut self, now: Timestamp, stack: &str) -> Option<ComposeProject> {
        self.by_stack.get_mut(stack)?.ask(now)
    }

    /// Returns the projects that are made from one of these files.
    pub fn made_from(&mut self, now: Timestamp, files: &BTreeSet<PathBuf>) -> Vec<ComposeProject> {
        let touched = |entry: &&mut Entry| entry.sources().any(|path| files.contains(path));
        self.by_stack.values_mut().filter(touched).filter_map(|entry| entry.ask(now)).collect()
    }

    /// Returns every file that some stack is made from.
    pub fn sources(&self) -> impl Iterator<Item = &Path> {
        self.by_stack.values().flat_map(Entry::sources)
    }

    /// Returns the projects of stacks whose files were not read yet, have become others, or may say
    /// something else than when they were read.
    pub fn unread<'a>(
        &mut self,
        now: Timestamp,
        revision: Revision,
        stacks: impl Iterator<Item = &'a Stack>,
    ) -> Vec<ComposeProject> {
        let mut wanted = Vec::new();
        if self.looked_at == Some(revision) {
            return wanted;
        }
        self.looked_at = Some(revision);
        let labelled = |stack: &&Stack| stack.newest.is_some() && !stack.config_files.is_empty();
        for stack in stacks.filter(labelled).filter(|stack| &*stack.name != NO_STACK) {
            let files: Vec<PathBuf> = stack.config_files.iter().map(PathBuf::from).collect();
            let env_files: Vec<PathBuf> = stack.env_files.iter().map(PathBuf::from).collect();
            let folder = PathBuf::from(&stack.working_dir);
            if let Some(entry) = self.by_stack.get_mut(&stack.name) {
                let known = match (&entry.definition, entry.project.files.is_empty()) {
                    (_, false) => &entry.project.files,
                    (Some(definition), true) => &definition.files,
                    // Compose is still looking for them, or found none.
                    (None, true) => continue,
                };
                if *known != files {
                    if !entry.chosen {
                        entry.project = ComposeProject { files, folder, env_files, ..entry.project.clone() };
                        wanted.extend(entry.ask(now));
                    }
                    continue;
                }
                // What was chosen runs: from here on it is followed as any other.
                entry.chosen = false;
                if stack.outdated && entry.looked_after < stack.newest {
                    entry.looked_after = stack.newest;
                    wanted.extend(entry.ask(now));
                }
                continue;
            }
            let name = Some(stack.name.to_string());
            let project = ComposeProject { name, files, folder, env_files, ..ComposeProject::default() };
            self.by_stack.insert(stack.name.clone(), Entry::new(now, project.clone()));
            wanted.push(project);
        }
        wanted
    }
}

#[cfg(test)]
mod tests;
