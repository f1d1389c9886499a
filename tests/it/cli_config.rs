//! Configuration files: every valid one loads, every invalid one says where and what.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use stackdash::cli::settings::parse;

fn files(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config").join(kind);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn load(file: &Path) -> Result<stackdash::config::file::FileConfig, String> {
    let name = file.file_name().unwrap().to_string_lossy();
    parse(&name, &std::fs::read_to_string(file).unwrap())
}

#[test]
fn every_valid_file_loads() {
    for file in files("valid") {
        load(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}

#[test]
fn every_key_of_the_file_is_read() {
    let file =
        load(&files("valid").into_iter().find(|file| file.ends_with("everything.toml")).unwrap()).unwrap();
    assert_eq!(file.theme.as_deref(), Some("dark"));
    assert_eq!(file.read_only, Some(true));
    assert_eq!(file.ascii, Some(false));
    assert_eq!(file.context.as_deref(), Some("lab"));
    let keys: Vec<(Option<&str>, &str, usize)> = file
        .keys
        .iter()
        .map(|choice| (choice.context.as_deref(), &*choice.action, choice.keys.len()))
        .collect();
    assert_eq!(
        keys,
        [(None, "restart", 1), (None, "stop", 2), (None, "suspend", 0), (Some("tree"), "open-logs", 2)]
    );
}

#[test]
fn every_invalid_file_says_where_and_what() {
    let mut messages = String::new();
    for file in files("invalid") {
        let error = load(&file).expect_err(&file.display().to_string());
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for line in error.lines() {
            assert!(line.starts_with(&format!("{name}:")), "{line:?} does not say where");
        }
        writeln!(messages, "{error}").unwrap();
    }
    insta::assert_snapshot!(messages);
}
