//! Imports point down only: each room may know the floors below it and its own parts.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms with what each may import; what is not named here may import anything.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("model", &["model"]),
    ("command", &["model", "command"]),
    ("event", &["model", "command", "event", "ports"]),
    ("ports", &["model", "event", "ports"]),
    ("config", &["config", "model"]),
    ("lint", &["model", "lint"]),
    ("state", &["model", "event", "command", "ports", "state"]),
    ("adapters", &["model", "event", "ports", "config", "lint", "adapters"]),
    ("supervisor", &["model", "event", "command", "ports", "state", "supervisor"]),
    ("tui", &["model", "event", "command", "ports", "config", "state", "supervisor", "tui", "logging"]),
];

/// Rooms of the adapters that the others may use: they plug in nothing themselves.
const SHARED: &[&str] = &["documents", "http", "own_files"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

fn rooms_named_in(text: &str) -> Vec<String> {
    text.match_indices("crate::")
        .filter_map(|(at, _)| {
            let rest = &text[at + "crate::".len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
            Some(rest[..end].to_owned())
        })
        .collect()
}

/// Cuts off the tests of a module and its doc comments: they may look anywhere.
fn code_of(text: &str) -> String {
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    text[..end].lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn imports_point_down_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let room = first.trim_end_matches(".rs");
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(name, _)| *name == room) else { continue };
        let text = code_of(&fs::read_to_string(&file).unwrap());
        for known in rooms_named_in(&text) {
            if !allowed.contains(&known.as_str()) {
                wrong.push(format!("{} knows `{known}`", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "rooms that know what they should not:\n{}", wrong.join("\n"));
}

#[test]
fn adapters_do_not_know_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/adapters");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let room = first.trim_end_matches(".rs").to_owned();
        let text = code_of(&fs::read_to_string(&file).unwrap());
        for (at, _) in text.match_indices("crate::adapters::") {
            let rest = &text[at + "crate::adapters::".len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            if rest[..end] != room && !SHARED.contains(&&rest[..end]) {
                wrong.push(format!("{} knows `{}`", inside.display(), &rest[..end]));
            }
        }
    }
    assert!(wrong.is_empty(), "adapters that know a sibling:\n{}", wrong.join("\n"));
}
