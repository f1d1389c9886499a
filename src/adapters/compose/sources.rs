//! Which files a definition is made from, so that a change of any is noticed.
//!
//! Compose does not tell, so the files are looked through for the keys that name others: `include`,
//! `extends`, `env_file`. What is found here decides only what is watched, never what anything means.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::model::compose::{ComposeProject, SourceFile};

/// Where Compose looks without being told, its order.
const FOUND: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVERRIDES: [&str; 4] = [
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];
/// Files at most; a definition made from more is watched in part.
const MOST: usize = 100;
/// Larger files are not looked through, in bytes.
const LARGEST: u64 = 4 << 20;

/// Returns every file that a project is made from, as far as it can be seen, and those that would be if
/// they were there.
pub fn of(project: &ComposeProject) -> Vec<SourceFile> {
    let mut open: Vec<PathBuf> = project.files.clone();
    let mut found: BTreeSet<SourceFile> = BTreeSet::new();
    let add_environment = |path: PathBuf, found: &mut BTreeSet<SourceFile>| {
        found.insert(SourceFile { path, is_environment: true });
    };
    if project.env_files.is_empty() {
        add_environment(project.folder.join(".env"), &mut found);
    }
    for file in &project.env_files {
        add_environment(file.clone(), &mut found);
    }
    if project.files.is_empty() {
        open.extend(FOUND.iter().chain(&OVERRIDES).map(|name| project.folder.join(name)));
        open.extend(named_by_variable(&project.folder));
    }
    while let Some(path) = open.pop() {
        let source = SourceFile { path: path.clone(), is_environment: false };
        if found.len() >= MOST || !found.insert(source) {
            continue;
        }
        // A link may lead to a file that is written where it lies.
        if let Ok(real) = path.canonicalize()
            && real != path
        {
            found.insert(SourceFile { path: real, is_environment: false });
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        for (name, is_environment) in mentioned(&text_of(&path)) {
            let mut path = folder.join(name);
            if !is_environment && path.is_dir() {
                continue;
            }
            if path.components().any(|part| part == std::path::Component::ParentDir)
                && let Ok(real) = path.canonicalize()
            {
                path = real;
            }
            if is_environment {
                add_environment(path, &mut found);
            } else {
                open.push(path);
            }
        }
    }
    found.into_iter().take(MOST).collect()
}

/// Returns the files that are named, or those that Compose finds.
pub fn files_of(project: &ComposeProject) -> Vec<PathBuf> {
    if !project.files.is_empty() {
        return project.files.clone();
    }
    let named = named_by_variable(&project.folder);
    if !named.is_empty() {
        return named;
    }
    let first =
        |names: &[&str]| names.iter().map(|name| project.folder.join(name)).find(|path| path.is_file());
    first(&FOUND).into_iter().chain(first(&OVERRIDES)).collect()
}

/// Returns the files of `COMPOSE_FILE`, from our environment or the folder's `.env`.
fn named_by_variable(folder: &Path) -> Vec<PathBuf> {
    let from_file = || {
        let text = text_of(&folder.join(".env"));
        let line = text.lines().find_map(|line| line.trim().strip_prefix("COMPOSE_FILE="))?;
        Some(line.trim().trim_matches(['"', '\'']).to_owned())
    };
    let list = std::env::var("COMPOSE_FILE").ok().filter(|list| !list.is_empty()).or_else(from_file);
    list.iter().flat_map(|list| list.split(':')).map(|name| folder.join(name)).collect()
}

fn text_of(path: &Path) -> String {
    let small = std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() <= LARGEST);
    if small { std::fs::read_to_string(path).unwrap_or_default() } else { String::new() }
}

/// Finds the words under `include`, `extends` and `env_file`; `true`: a file of variables.
fn mentioned(text: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    // The key that we are under, how deep it stands, and whether it means variables.
    let mut under: Option<(usize, bool)> = None;
    for line in text.lines() {
        let bare = line.split(" #").next().unwrap_or_default().trim_end();
        let content = bare.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = bare.len() - content.len();
        let item = content.starts_with("- ");
        if let Some((depth, _)) = under
            && (indent < depth || (indent == depth && !item))
        {
            under = None;
        }
        let content = content.trim_start_matches("- ");
        let (key, rest) = content.split_once(':').map_or(("", content), |(key, rest)| (key.trim(), rest));
        let one_line = !rest.trim().is_empty();
        match key {
            "include" | "extends" => under = Some((indent, false)),
            "env_file" if !one_line => under = Some((indent, true)),
            _ => {}
        }
        let is_environment = match (key, under) {
            ("env_file", _) => true,
            (_, Some((_, is_environment))) => is_environment,
            (_, None) => continue,
        };
        if !matches!(key, "" | "include" | "extends" | "env_file" | "path" | "file") {
            continue;
        }
        for word in rest.split(|c: char| c.is_whitespace() || "[]{},".contains(c)) {
            let word = word.trim_matches(['"', '\'']).trim_end_matches(':');
            let is_path = word.contains(['.', '/']) && !word.contains("://") && !word.contains('$');
            if is_path {
                found.push((word.to_owned(), is_environment));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_named_by_others_are_found() {
        let text = r#"
include:
  - ../common/compose.yaml  # shared
  - path: infra.yml
    env_file: infra.env
  - path: [a.yml, "b.yml"]
  - oci://example.com/x.yml
services:
  web:
    extends:
      file: base.yml
      service: web.base
    env_file: ./web.env
    image: web.image/x
    volumes:
      - ./data.db:/data.db
  api:
    env_file:
    - api.env
    - path: more/local.env
      required: false
    environment:
      FILE: other.yml
  db: {extends: {file: db.yml, service: db}}
"#;
        let found = mentioned(text);
        let of = |kind| -> Vec<&str> {
            found.iter().filter(|(_, environment)| *environment == kind).map(|(name, _)| &**name).collect()
        };
        assert_eq!(of(false), ["../common/compose.yaml", "infra.yml", "a.yml", "b.yml", "base.yml"]);
        assert_eq!(of(true), ["infra.env", "./web.env", "api.env", "more/local.env"]);
    }

    #[test]
    fn a_folder_is_watched_for_what_compose_would_look_for() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), "COMPOSE_FILE=x/one.yml:two.yml\n").unwrap();
        std::fs::write(folder.path().join("two.yml"), "include: [three.yml]\n").unwrap();
        let project = ComposeProject { folder: folder.path().to_owned(), ..ComposeProject::default() };
        let names: Vec<String> = of(&project)
            .iter()
            .map(|source| source.path.strip_prefix(folder.path()).unwrap().display().to_string())
            .collect();
        for name in
            [".env", "compose.yaml", "docker-compose.override.yml", "x/one.yml", "two.yml", "three.yml"]
        {
            assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
        }
    }
}
