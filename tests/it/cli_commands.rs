//! The real binary: exit codes, what goes to which stream, and what is said when something is wrong.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use assert_cmd::Command;

/// A command in an environment of its own: no configuration, no engine of this machine.
pub fn stackdash(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stackdash"));
    command.env_clear().env("XDG_CONFIG_HOME", "/nonexistent").env("HOME", "/nonexistent").args(arguments);
    command.env("STACKDASH_HISTORY", "0");
    command
}

/// Runs it; returns the exit code, standard output and standard error.
pub fn run(arguments: &[&str]) -> (i32, String, String) {
    finish(&mut stackdash(arguments))
}

pub fn finish(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config").join(name).display().to_string()
}

const NOWHERE: &str = "unix:///nonexistent/docker.sock";

#[test]
fn help_lists_what_exists() {
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, 0);
    for command in [
        "demo", "status", "check", "lint", "tokens", "up", "down", "rebuild", "restart", "start", "stop",
        "logs", "events", "wait", "watch", "themes",
    ] {
        assert!(out.contains(&format!("\n  {command} ")), "{command} is missing in:\n{out}");
    }
    assert!(!out.contains("--demo"), "the demo is a command:\n{out}");
}

#[test]
fn help_keeps_a_commands_own_options_apart_and_shows_how_it_is_used() {
    let (_, out, _) = run(&["logs", "--help"]);
    let (own, everywhere) = out.split_once("Options of every command:").unwrap();
    assert!(own.contains("--grep") && !own.contains("--host"), "{out}");
    assert!(everywhere.contains("--host") && everywhere.contains("Examples:"), "{out}");
}

#[test]
fn to_monitoring_what_cannot_be_used_is_unknown_and_never_critical() {
    let file = fixture("invalid/unknown-key.toml");
    let (code, out, err) = run(&["check", "--config", &file]);
    assert_eq!((code, &*err), (3, ""));
    assert!(out.starts_with("unknown: cannot use the configuration: ") && out.contains("read_only"), "{out}");
    let (code, out, _) = run(&["check", "--config", &file, "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &document["status"]), (3, &serde_json::json!("unknown")));
    let (code, out, err) = run(&["check", "--bogus"]);
    assert_eq!((code, &*out), (3, ""));
    assert!(err.contains("stackdash check knows --format"), "{err}");
}

#[test]
fn a_file_behind_the_letter_is_no_misspelled_command() {
    for arguments in [["-f", "staus", "status"], ["status", "-f", "staus"]] {
        let (code, out, err) = run(&arguments);
        assert_eq!((code, &*out), (2, ""));
        assert!(err.contains("staus: no such file or folder") && !err.contains("command"), "{err}");
    }
}

#[test]
fn a_variant_is_looked_for_in_this_folder() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("compose.yml"), "services: {}\n").unwrap();
    std::fs::write(temp.path().join("stackdash.toml"), "[variants]\nprod = [\"compose.yml\"]\n").unwrap();
    let (code, out, err) = finish(stackdash(&["--variant", "prd", "status"]).current_dir(temp.path()));
    assert_eq!((code, &*out), (2, ""));
    assert!(err.contains("did you mean \"prod\"?") && err.contains("Known variants: prod"), "{err}");
}

#[test]
fn an_unknown_command_is_told_what_is_known() {
    let (code, out, err) = run(&["staus"]);
    assert_eq!((code, &*out), (2, ""));
    assert!(err.contains("\"staus\" is no command") && err.contains("did you mean \"status\"?"), "{err}");
    assert!(err.contains("Commands: demo, status, check"), "{err}");
}

#[test]
fn a_path_that_is_not_there_is_an_error() {
    let (code, out, err) = run(&["./nowhere/compose.yml"]);
    assert_eq!((code, &*out), (2, ""));
    assert!(err.contains("./nowhere/compose.yml: no such file or folder"), "{err}");
}

#[test]
fn two_names_for_an_engine_are_an_error() {
    let (code, out, err) = run(&["status", "--host", NOWHERE, "--context", "lab"]);
    assert_eq!((code, &*out), (2, ""));
    assert!(err.contains("cannot be used with"), "{err}");
    let (code, _, err) =
        finish(stackdash(&["status"]).env("STACKDASH_HOST", NOWHERE).env("STACKDASH_CONTEXT", "lab"));
    assert_eq!(code, 2);
    assert!(err.contains("STACKDASH_HOST and STACKDASH_CONTEXT"), "{err}");
}

#[test]
fn a_configuration_that_was_named_must_be_there() {
    let (code, _, err) = run(&["status", "--config", "/nonexistent/config.toml"]);
    assert_eq!(code, 2);
    assert!(err.contains("cannot read the configuration /nonexistent/config.toml"), "{err}");
}

#[test]
fn a_broken_configuration_says_file_line_and_what_was_meant() {
    let file = fixture("invalid/unknown-key.toml");
    let (code, out, err) = run(&["themes", "--config", &file]);
    assert_eq!((code, &*out), (2, ""));
    assert!(
        err.contains(&format!("{file}:3: unknown key \"readonly\"; did you mean \"read_only\"?")),
        "{err}"
    );
}

#[test]
fn an_unknown_theme_is_told_the_known_ones() {
    let (code, _, err) = run(&["themes", "--theme", "drak"]);
    assert_eq!(code, 2);
    assert!(err.contains("unknown theme \"drak\"; did you mean \"dark\"?"), "{err}");
}

#[test]
fn themes_are_listed_one_a_line() {
    let (code, out, err) = run(&["themes"]);
    assert_eq!((code, &*err), (0, ""));
    assert!(out.lines().any(|line| line == "dark"), "{out}");
}

#[test]
fn completions_and_the_manual_are_made_for_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, _) = run(&["completions", shell]);
        assert_eq!(code, 0);
        assert!(out.contains("status") && out.contains("read-only"), "{shell}: {out}");
    }
    let (code, out, _) = run(&["man"]);
    assert_eq!(code, 0);
    assert!(out.contains("\n.SS stackdash tokens refresh ") && out.contains("\\-\\-no\\-cache"), "{out}");
    assert!(!out.contains("stackdash\\-status(1)"), "there is one page: {out}");
    assert!(out.contains(".TH") && out.contains("EXIT STATUS") && out.contains("STACKDASH_THEME"), "{out}");
}

#[test]
fn the_dashboard_without_a_terminal_says_what_to_use_instead() {
    let (code, out, err) = run(&["demo"]);
    assert_eq!((code, &*out), (2, ""));
    assert!(err.contains("needs a terminal") && err.contains("stackdash status"), "{err}");
}
