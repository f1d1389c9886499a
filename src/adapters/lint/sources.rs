//! The text of a stack's compose files, those that they name included, for positions only.

use std::path::{Path, PathBuf};

use crate::adapters::lint::read_small;
use crate::lint::places::{Places, Source};
use crate::model::compose::ComposeProject;

/// Larger files have no positions.
const LARGEST: u64 = 4 << 20;
/// Files of one stack that are read.
const FILES: usize = 32;
/// Names that Compose looks for, in its order, and those that it lays over them.
const NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

#[derive(Debug, Default)]
pub struct Sources {
    /// In the order in which Compose reads them.
    pub main: Vec<Source>,
    /// Named by `include` and `extends`.
    pub extra: Vec<Source>,
    /// Profiles that variables switch on, with the file that does.
    pub profiles: Vec<(String, Option<PathBuf>)>,
}

/// Reads what there is; what cannot be read is left out, for Compose to complain of.
pub fn read(project: &ComposeProject) -> Sources {
    let env_file = project.env_files.last().cloned().unwrap_or_else(|| project.folder.join(".env"));
    let variables = read_small(&env_file, LARGEST).unwrap_or_default();
    let from_shell = |name: &str| {
        let ours = project.files.is_empty();
        std::env::var(name).ok().filter(|value| ours && !value.is_empty())
    };
    let value = |name: &str| from_shell(name).or_else(|| value_in(&variables, name));
    let mut found = Sources::default();
    let listed = from_shell("COMPOSE_PROFILES");
    let file = listed.is_none().then(|| env_file.clone());
    for profile in value("COMPOSE_PROFILES").iter().flat_map(|list| list.split(',')) {
        if !profile.trim().is_empty() {
            found.profiles.push((profile.trim().to_owned(), file.clone()));
        }
    }
    let paths = if project.files.is_empty() {
        let separator = value("COMPOSE_PATH_SEPARATOR").unwrap_or_else(|| String::from(":"));
        match value("COMPOSE_FILE") {
            Some(list) => list.split(&*separator).map(|name| project.folder.join(name)).collect(),
            None => usual(&project.folder),
        }
    } else {
        project.files.clone()
    };
    found.main = paths.iter().filter_map(|path| source(path)).collect();
    let mut waiting: Vec<PathBuf> = found.main.iter().flat_map(named_by).collect();
    while let Some(path) = waiting.pop() {
        let shown = path.display().to_string();
        let known = found.main.iter().chain(&found.extra).any(|source| source.path == shown);
        if known || found.main.len() + found.extra.len() >= FILES {
            continue;
        }
        if let Some(source) = source(&path) {
            waiting.extend(named_by(&source));
            found.extra.push(source);
        }
    }
    found
}

fn usual(folder: &Path) -> Vec<PathBuf> {
    let first =
        |names: [&str; 4]| names.into_iter().map(|name| folder.join(name)).find(|path| path.is_file());
    match first(NAMES) {
        Some(file) => std::iter::once(file).chain(first(OVERRIDES)).collect(),
        None => Vec::new(),
    }
}

fn source(path: &Path) -> Option<Source> {
    Some(Source { path: path.display().to_string(), text: read_small(path, LARGEST)? })
}

/// Returns the files of this machine that a file names beside itself.
fn named_by(source: &Source) -> Vec<PathBuf> {
    let folder = Path::new(&source.path).parent().unwrap_or(Path::new("/")).to_owned();
    let names = Places::read(std::slice::from_ref(source)).further();
    let plain = names.into_iter().filter(|name| !name.contains(['$', '\0']) && !name.contains("://"));
    plain.map(|name| tidy(&folder.join(name))).collect()
}

/// Takes `.` and `..` out of a path, so that one file has one name.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                tidy.pop();
            }
            part => tidy.push(part),
        }
    }
    tidy
}

/// Returns a variable of a file of variables.
fn value_in(text: &str, name: &str) -> Option<String> {
    text.lines().rev().find_map(|line| {
        let line = line.trim();
        let (key, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        (key.trim() == name && !value.is_empty()).then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_named_are_read_once() {
        let temp = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(temp.path().join(name), text).unwrap();
        write("compose.yaml", "include: [./a.yaml]\nservices: {}\n");
        write("compose.override.yaml", "services:\n  w:\n    extends: {file: a.yaml, service: x}\n");
        write("a.yaml", "include: [{path: [compose.yaml, gone.yaml]}]\nservices: {x: {image: y}}\n");
        write(".env", "COMPOSE_PROFILES=tools, nginx\n");
        let project = ComposeProject { folder: temp.path().to_owned(), ..ComposeProject::default() };
        let found = read(&project);
        let names = |list: &[Source]| {
            list.iter().map(|s| s.path.rsplit('/').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&found.main), ["compose.yaml", "compose.override.yaml"]);
        assert_eq!(names(&found.extra), ["a.yaml"]);
        assert_eq!(found.profiles.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["tools", "nginx"]);
    }
}
