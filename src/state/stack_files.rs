//! What `stackdash.toml` and the labels of containers say about each stack, and which folders still have to be
//! looked into. Labels are nearer: they win over a rule of the same name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::containers::Container;
use crate::model::logs::LogSource;
use crate::model::probes::ProbeRule;
use crate::model::stack_file::{FILE_NAME, LabelRules, StackFile};
use crate::model::tokens::TokenRule;
use crate::state::Revision;
use crate::state::containers::Containers;

/// The file, and the one that its variables come from.
const MADE_FROM: [&str; 2] = [FILE_NAME, ".env"];

#[derive(Debug)]
struct Entry {
    folder: PathBuf,
    /// `None` while it is being read; a folder without the file has an empty one.
    result: Option<Result<StackFile, String>>,
}

#[derive(Debug, Default)]
pub struct StackFiles {
    by_stack: BTreeMap<Arc<str>, Entry>,
    looked_at: Option<Revision>,
    /// By stack and service.
    labels: BTreeMap<(Arc<str>, Arc<str>), Arc<LabelRules>>,
    labels_seen: Option<Revision>,
    pub revision: Revision,
}

impl StackFiles {
    pub fn get(&self, stack: &str) -> Option<&StackFile> {
        self.by_stack.get(stack)?.result.as_ref()?.as_ref().ok()
    }

    /// Returns what is wrong with a stack's file, a line for each fault.
    pub fn fault(&self, stack: &str) -> Option<&str> {
        self.by_stack.get(stack)?.result.as_ref()?.as_ref().err().map(String::as_str)
    }

    /// Whether something else was known of a stack's file before.
    pub(super) fn was_otherwise(&self, stack: &str, result: &Result<StackFile, String>) -> bool {
        let known = self.by_stack.get(stack).and_then(|entry| entry.result.as_ref());
        known.is_some_and(|known| known != result)
    }

    /// Whether a file is still being read.
    pub fn is_reading(&self) -> bool {
        self.by_stack.values().any(|entry| entry.result.is_none())
    }

    /// Returns every stack whose file is known and usable.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &StackFile)> {
        self.by_stack.iter().filter_map(|(name, entry)| Some((name, entry.result.as_ref()?.as_ref().ok()?)))
    }

    /// Returns every token's rule of every stack.
    pub fn tokens(&self) -> Vec<(&Arc<str>, &TokenRule)> {
        self.rules(|file| &file.tokens, |labels| &labels.tokens, |rule| rule.name.clone())
    }

    /// Returns every probe's rule of every stack; a probe's name is unique in its service.
    pub fn probes(&self) -> Vec<(&Arc<str>, &ProbeRule)> {
        let name = |rule: &ProbeRule| (rule.service.clone(), rule.name.clone());
        self.rules(|file| &file.probes, |labels| &labels.probes, name)
    }

    /// Returns what is wrong with the labels of a stack's containers, a line for each fault.
    pub fn label_faults<'a>(&'a self, stack: &'a str) -> impl Iterator<Item = &'a str> {
        let of_stack = self.labels.iter().filter(move |((of, _), _)| **of == *stack);
        of_stack.flat_map(|(_, labels)| labels.faults.iter().map(String::as_str))
    }

    /// Merges rules of files and labels; of two with the same name the label's stays.
    fn rules<'a, Rule, Name: Ord>(
        &'a self,
        of_file: impl Fn(&'a StackFile) -> &'a Vec<Rule>,
        of_labels: impl Fn(&'a LabelRules) -> &'a Vec<Rule>,
        name: impl Fn(&Rule) -> Name,
    ) -> Vec<(&'a Arc<str>, &'a Rule)> {
        let mut all: BTreeMap<(&Arc<str>, Name), &Rule> = BTreeMap::new();
        for (stack, file) in self.iter() {
            all.extend(of_file(file).iter().map(|rule| ((stack, name(rule)), rule)));
        }
        for ((stack, _), labels) in &self.labels {
            all.extend(of_labels(labels).iter().map(|rule| ((stack, name(rule)), rule)));
        }
        all.into_iter().map(|((stack, _), rule)| (stack, rule)).collect()
    }

    /// Takes what the labels of the containers say; returns the faults that are news.
    pub(super) fn labels_changed(&mut self, containers: &Containers) -> Vec<String> {
        if self.labels_seen == Some(containers.revision()) {
            return Vec::new();
        }
        self.labels_seen = Some(containers.revision());
        let mut now = BTreeMap::new();
        for entry in containers.iter() {
            let Some(compose) = &entry.container.compose else { continue };
            if let Some(rules) = &compose.rules {
                let key = (compose.project.clone(), compose.service.clone());
                now.entry(key).or_insert_with(|| rules.clone());
            }
        }
        // A container that is made anew is gone for a moment; what is known of its tokens stays.
        for (key, rules) in &self.labels {
            let Some(stack) = containers.stack(&key.0) else { continue };
            if stack.service(&key.1).is_none_or(|service| service.containers.is_empty()) {
                now.entry(key.clone()).or_insert_with(|| rules.clone());
            }
        }
        if now == self.labels {
            return Vec::new();
        }
        let old: BTreeSet<&String> = self.labels.values().flat_map(|rules| &rules.faults).collect();
        let faults = now.values().flat_map(|rules| &rules.faults);
        let news = faults.filter(|fault| !old.contains(fault)).cloned().collect();
        self.labels = now;
        self.revision.bump();
        news
    }

    /// Returns the logs of a container: what it prints, then the files its stack's file names.
    pub fn logs_of(&self, container: &Container) -> Vec<LogSource> {
        let service = container.service_name();
        let files = self.get(&container.stack_name()).map_or(&[][..], |file| file.logs.as_slice());
        let own = files.iter().filter(|log| log.service == service);
        let files = own.map(|log| LogSource::file(container.id.clone(), log.file.as_str().into()));
        std::iter::once(LogSource::from(&container.id)).chain(files).collect()
    }

    /// Takes what a folder's file says; returns what is wrong with it if that is news.
    pub(super) fn read(
        &mut self,
        stack: Arc<str>,
        folder: PathBuf,
        result: Result<StackFile, String>,
    ) -> Option<String> {
        let fault = result.as_ref().err().filter(|fault| self.fault(&stack) != Some(fault)).cloned();
        self.by_stack.insert(stack, Entry { folder, result: Some(result) });
        self.revision.bump();
        fault
    }

    /// Returns every file, there or not, and those that variables in it come from.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.by_stack.values().flat_map(|entry| MADE_FROM.map(|name| entry.folder.join(name)))
    }

    /// Returns the stacks, and their folders, whose file is one of these.
    pub(super) fn written(&self, files: &BTreeSet<PathBuf>) -> Vec<(Arc<str>, PathBuf)> {
        let is_touched =
            |entry: &Entry| MADE_FROM.iter().any(|name| files.contains(&entry.folder.join(name)));
        let touched = self.by_stack.iter().filter(|(_, entry)| is_touched(entry));
        touched.map(|(stack, entry)| (stack.clone(), entry.folder.clone())).collect()
    }

    /// Returns stacks whose folder was not looked into yet, or has become another.
    pub(super) fn unread(&mut self, containers: &Containers) -> Vec<(Arc<str>, PathBuf)> {
        if self.looked_at == Some(containers.revision()) {
            return Vec::new();
        }
        self.looked_at = Some(containers.revision());
        let mut wanted = Vec::new();
        for stack in containers.stacks() {
            let Some(project) = containers.project_of(&stack.name) else { continue };
            let known = self.by_stack.get(&stack.name);
            if known.is_none_or(|entry| entry.folder != project.folder) {
                let entry = Entry { folder: project.folder.clone(), result: None };
                self.by_stack.insert(stack.name.clone(), entry);
                wanted.push((stack.name.clone(), project.folder.clone()));
            }
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::stack_file;
    use crate::model::containers::ComposeLabels;

    fn with_labels(id: &str, labels: &[(&str, &str)]) -> Container {
        let rules = stack_file::labels::rules("web-1", "web", Path::new("/srv"), labels.iter().copied());
        let compose = ComposeLabels {
            project: "shop".into(),
            service: "web".into(),
            rules: Some(Arc::new(rules)),
            ..ComposeLabels::default()
        };
        let mut container = crate::tui::fixture::running("shop", "web", 60);
        container.id = crate::tui::fixture::id_of(id);
        container.compose = Some(compose);
        container
    }

    #[test]
    fn labels_win_over_the_file_and_outlive_their_container_for_a_moment() {
        let mut files = StackFiles::default();
        let text = "[[token]]\nname = \"a\"\nread = { env = \"FILE\" }\nservice = \"web\"\n[[token]]\nname = \"b\"\nread = { env = \"FILE\" }\nservice = \"web\"\n";
        let file = stack_file::parse(Path::new("/srv/stackdash.toml"), text).unwrap();
        files.read("shop".into(), "/srv".into(), Ok(file));
        let labels = [
            ("stackdash.token.b.read.env", "LABEL"),
            ("stackdash.token.c.read.env", "LABEL"),
            ("stackdash.token.d.red.env", "LABEL"),
        ];
        let mut containers = Containers::default();
        let now = jiff::Timestamp::UNIX_EPOCH;
        containers.listed(now, vec![with_labels("one", &labels)]);
        let told = files.labels_changed(&containers);
        assert_eq!(told.len(), 2, "{told:?}");
        let sources = |files: &StackFiles| {
            let each =
                files.tokens().into_iter().map(|(_, rule)| format!("{} {}", rule.name, rule.source_words()));
            each.collect::<Vec<_>>()
        };
        let wanted = [
            "a environment variable FILE in web",
            "b environment variable LABEL in web",
            "c environment variable LABEL in web",
        ];
        assert_eq!(sources(&files), wanted);
        assert_eq!(files.label_faults("shop").count(), 2);
        // Told once, and gone with the stack.
        containers.listed(now, vec![with_labels("two", &labels)]);
        assert_eq!(files.labels_changed(&containers), Vec::<String>::new());
        containers.listed(now, Vec::new());
        files.labels_changed(&containers);
        assert_eq!(sources(&files).len(), 2);
    }
}
