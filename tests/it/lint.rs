//! `stackdash lint` with the Compose CLI and without an engine: what is found, and what cannot be used.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::time::Duration;

use serde_json::Value;

use crate::cli_commands::{finish, stackdash};

const NOWHERE: &str = "unix:///nonexistent/docker.sock";

/// Whether there is a Compose CLI that is new enough; without one there is nothing to see here.
fn has_compose() -> bool {
    let output = Program::new("docker").args(["compose", "version", "--short"]).output();
    output.is_ok_and(|output| {
        output.status.success() && !String::from_utf8_lossy(&output.stdout).starts_with("1.")
    })
}

fn folder(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join(name);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("compose.yaml"), text).unwrap();
    (temp, folder)
}

/// Lints a path; nothing of it may hang.
fn lint(path: &Path, more: &[&str]) -> (i32, String, String) {
    let path = path.display().to_string();
    let mut command = stackdash(&["--host", NOWHERE, "lint", &path]);
    command.args(more).env("PATH", std::env::var("PATH").unwrap()).timeout(Duration::from_mins(1));
    finish(&mut command)
}

fn rules(out: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(out).unwrap_or_else(|error| panic!("{error}: {out}"));
    let findings = document["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| {
            for key in ["severity", "rule", "service", "message", "file", "line", "why", "fix"] {
                assert!(finding.get(key).is_some(), "{key} is missing in {finding}");
            }
            let line = finding["line"].as_u64().map_or_else(|| String::from("-"), |line| line.to_string());
            format!("{} {}:{line}", finding["severity"].as_str().unwrap(), finding["rule"].as_str().unwrap())
        })
        .collect()
}

const CALM: &str = "services:\n  web:\n    image: nginx:1.27\n    restart: unless-stopped\n";

#[test]
fn nothing_found_and_warnings_alone_end_well() {
    if !has_compose() {
        return;
    }
    let (_temp, calm) = folder("calm", CALM);
    let (code, out, err) = lint(&calm, &["--format", "json"]);
    assert_eq!((code, rules(&out).len()), (0, 0), "{out}{err}");
    assert!(err.contains("images and ports are not looked at"), "{err}");
    let (_temp, warned) = folder("warned", "services:\n  web:\n    image: nginx\n");
    let (code, out, _) = lint(&warned, &["--format", "json"]);
    assert_eq!((code, rules(&out)), (0, vec![String::from("warning image-latest:3")]));
    let (code, out, err) = lint(&warned, &[]);
    assert_eq!(code, 0);
    assert!(
        out.contains("compose.yaml:3: warning: web: Image nginx has no tag") && out.contains("    fix: "),
        "{out}"
    );
    assert!(err.contains("1 warning"), "{err}");
}

#[test]
fn what_compose_refuses_is_an_error_with_its_place() {
    if !has_compose() {
        return;
    }
    let cases = [
        ("services:\n  app:\n    image: x:1\n   bad: 1\n", "error yaml-broken:4"),
        ("services:\n  app:\n    image: x:1\n    imagee: y\n", "error field-unknown:4"),
        (
            "services:\n  a: {image: 'x:1', depends_on: [b]}\n  b: {image: 'x:1', depends_on: [a]}\n",
            "error depends-cycle:2",
        ),
        ("services:\n  a:\n    image: x:1\n    depends_on: [gone]\n", "error depends-unknown:4"),
        ("services:\n  a:\n    image: x:1\n    ports: ['99999:80']\n", "error port-range:4"),
        ("services:\n  a:\n    image: x:1\n    env_file: ./gone.env\n", "error env-file-missing:4"),
        (
            "services:\n  a:\n    image: x:1\n    environment:\n      - J=${JWT_SECRET:?set it}\n",
            "error env-unset:5",
        ),
        ("services:\n  a:\n    image: x:1\n    environment:\n      - J=${JWT_SECRET}\n", "error env-unset:5"),
        ("services:\n  a:\n    restart: always\n", "error image-missing:2"),
        (
            "services:\n  a:\n    image: x:1\n    container_name: b\n    deploy: {replicas: 2}\n",
            "error container-name-replicas:4",
        ),
    ];
    for (text, wanted) in cases {
        let (_temp, folder) = folder("broken", text);
        let (code, out, err) = lint(&folder, &["--format", "json"]);
        assert_eq!((code, rules(&out)), (1, vec![wanted.to_owned()]), "{text}{out}{err}");
    }
}

#[test]
fn a_file_of_our_own_that_cannot_be_read_is_an_error_with_its_line() {
    if !has_compose() {
        return;
    }
    let (_temp, folder) = folder("own", CALM);
    let own = folder.join("stackdash.toml");
    fs::write(&own, "[budget]\nready = \"10s\"\n\n[varants]\ndev = [\"compose.yaml\"]\n").unwrap();
    let (code, out, err) = lint(&folder, &["--format", "json"]);
    assert_eq!((code, rules(&out)), (1, vec![String::from("error stackdash-file:4")]), "{out}{err}");
    assert!(out.contains("did you mean \\\"variants\\\"?"), "{out}");
    // It is told also where Compose understands nothing of its own files.
    fs::write(folder.join("compose.yaml"), "services:\n  a:\n    image: x:1\n   bad: 1\n").unwrap();
    let (_, out, _) = lint(&folder, &["--format", "json"]);
    assert!(rules(&out).contains(&String::from("error stackdash-file:4")), "{out}");
    fs::write(&own, "[[probe]]\nservice = \"web\"\nname = \"up\"\nhttp = \"http://localhost:${NO_SUCH}/\"\n")
        .unwrap();
    let text = format!("{CALM}    labels:\n      stackdash.token.x.raed: y\n");
    fs::write(folder.join("compose.yaml"), text).unwrap();
    let (code, out, _) = lint(&folder, &["--format", "json"]);
    let told = rules(&out);
    assert_eq!(code, 1, "{out}");
    for wanted in ["error stackdash-file:-", "error stackdash-label:5"] {
        assert!(told.iter().any(|rule| rule == wanted), "{wanted}: {told:?}");
    }
    assert!(!out.contains("container web"), "there is no container yet: {out}");
}

#[test]
fn a_rule_of_our_own_about_no_service_is_a_warning_with_its_line() {
    if !has_compose() {
        return;
    }
    let (_temp, folder) = folder("slip", CALM);
    let own = folder.join("stackdash.toml");
    let rules_of = |service: &str| {
        format!(
            "[[token]]\nname = \"cloud\"\nservice = \"{service}\"\nread = {{ file = \"/t.json\" }}\n\n[heal]\n{service} = {{ after = \"90s\", max = 3, per = \"1h\" }}\n"
        )
    };
    fs::write(&own, rules_of("web")).unwrap();
    let (_, out, err) = lint(&folder, &["--format", "json"]);
    assert_eq!(rules(&out), Vec::<String>::new(), "{out}{err}");
    fs::write(&own, rules_of("wbe")).unwrap();
    let (_, out, err) = lint(&folder, &["--format", "json"]);
    let wanted = ["warning stackdash-service:3", "warning stackdash-service:7"].map(String::from).to_vec();
    assert_eq!(rules(&out), wanted, "{out}{err}");
    assert!(out.contains("token cloud names the service wbe") && out.contains("its services: web"), "{out}");
    // Another variant may have it.
    let variants = format!("{}\n[variants]\ndev = [\"compose.yaml\"]\n", rules_of("wbe"));
    fs::write(&own, variants).unwrap();
    let (_, out, _) = lint(&folder, &["--format", "json"]);
    assert_eq!(rules(&out), Vec::<String>::new(), "{out}");
}

#[test]
fn missing_variables_do_not_hide_each_other_or_the_rest() {
    if !has_compose() {
        return;
    }
    let text =
        "services:\n  a:\n    image: x\n    environment:\n      - J=${JWT_SECRET:?}\n      - K=${KEY:?}\n";
    let (_temp, folder) = folder("many", text);
    let (code, out, _) = lint(&folder, &["--format", "json"]);
    assert_eq!(
        (code, rules(&out)),
        (1, ["error env-unset:5", "error env-unset:6", "warning image-latest:3"].map(String::from).to_vec())
    );
    fs::write(folder.join(".env"), "JWT_SECRET=0123456789\nKEY=1\n").unwrap();
    let (code, out, _) = lint(&folder, &["--format", "json"]);
    assert_eq!((code, rules(&out)), (0, ["warning image-latest:3"].map(String::from).to_vec()));
    assert!(!out.contains("0123456789"));
}

#[test]
fn files_that_are_laid_over_and_named_keep_their_places() {
    if !has_compose() {
        return;
    }
    let (_temp, folder) = folder("over", "include: [more.yaml]\nservices:\n  a:\n    image: x:1\n");
    fs::write(folder.join("compose.override.yaml"), "services:\n  a:\n    image: x:latest\n").unwrap();
    fs::write(folder.join("more.yaml"), "services:\n  b:\n    extends: {file: base.yaml, service: base}\n")
        .unwrap();
    fs::write(folder.join("base.yaml"), "services:\n  base:\n\n    image: y\n").unwrap();
    let (code, out, err) = lint(&folder, &["--format", "json"]);
    assert_eq!(code, 0, "{out}{err}");
    let document: Value = serde_json::from_str(&out).unwrap();
    let places: Vec<String> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            let file = found["file"].as_str().unwrap();
            format!("{}:{}", file.rsplit('/').next().unwrap(), found["line"])
        })
        .collect();
    assert_eq!(places, ["base.yaml:4", "compose.override.yaml:3"]);
}

#[test]
fn what_is_no_compose_file_is_said_at_once() {
    let temp = tempfile::tempdir().unwrap();
    let at = |name: &str| temp.path().join(name);
    fs::create_dir(at("empty")).unwrap();
    fs::create_dir_all(at("folder/compose.yaml")).unwrap();
    fs::create_dir(at("pipe")).unwrap();
    let made = Program::new("mkfifo").arg(at("pipe/compose.yaml")).status().unwrap();
    assert!(made.success());
    std::os::unix::fs::symlink(at("loop.yaml"), at("loop.yaml")).unwrap();
    fs::File::create(at("huge.yaml")).unwrap().set_len(50 << 20).unwrap();
    fs::write(at("binary.yaml"), [0xff, 0xfe, 0, 1]).unwrap();
    let cases = [
        ("empty", "no compose file in"),
        ("folder", "is a folder, not a compose file"),
        ("folder/compose.yaml", "no compose file in"),
        ("pipe", "is a pipe"),
        ("pipe/compose.yaml", "is a pipe"),
        ("loop.yaml", "symbolic links"),
        ("huge.yaml", "has 50 MB; a compose file has 4 MB at most"),
        ("nowhere.yaml", "no such file or folder"),
    ];
    for (name, wanted) in cases {
        let (code, out, err) = lint(&at(name), &["--format", "json"]);
        assert_eq!((code, &*out), (2, ""), "{name}: {err}");
        assert!(err.contains(wanted), "{name}: {err}");
        // The dashboard opened with it says the same before it takes the screen.
        let path = at(name).display().to_string();
        let mut command = stackdash(&["--host", NOWHERE, &path]);
        let (code, _, err) = finish(command.timeout(Duration::from_secs(20)));
        assert!(code == 2 && err.contains(wanted), "{name}: {code} {err}");
    }
}

#[test]
fn a_pipe_beside_the_compose_file_hangs_nobody() {
    let (_temp, folder) = folder("envpipe", CALM);
    assert!(Program::new("mkfifo").arg(folder.join(".env")).status().unwrap().success());
    let path = folder.display().to_string();
    // Standard output is no terminal: that is the next thing it says.
    let mut command = stackdash(&["--host", NOWHERE, &path]);
    let (code, _, err) = finish(command.timeout(Duration::from_secs(20)));
    assert!(code == 2 && err.contains("needs a terminal"), "{code} {err}");
}

#[test]
fn odd_names_are_told_clean() {
    if !has_compose() {
        return;
    }
    let (_temp, folder) = folder("a b\u{1b}[31m'$HOME", CALM);
    let (code, out, err) = lint(&folder, &[]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{out:?}{err:?}");
    let (_temp, folder) = self::folder("x", "services:\n  \"b\\u001b[31m c\": {image: x}\n");
    let (code, out, err) = lint(&folder, &[]);
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{out:?}{err:?}");
    assert_eq!(code, 1, "{out}{err}");
}

#[test]
fn without_a_path_the_folder_is_meant() {
    if !has_compose() {
        return;
    }
    let (_temp, folder) = folder("here", "services:\n  web:\n    image: nginx\n");
    let mut command = stackdash(&["--host", NOWHERE, "lint", "--format", "json"]);
    command.current_dir(&folder).env("PATH", std::env::var("PATH").unwrap());
    let (code, out, _) = finish(&mut command);
    assert_eq!((code, rules(&out)), (0, vec![String::from("warning image-latest:3")]));
    let empty = tempfile::tempdir().unwrap();
    let (code, out, err) = finish(command.current_dir(empty.path()));
    assert_eq!((code, &*out), (2, ""), "{err}");
    assert!(err.contains("no compose file in"), "{err}");
}

#[test]
fn a_file_of_variables_may_be_missing_where_the_file_says_so() {
    if !has_compose() {
        return;
    }
    let text = |file: &str| {
        format!(
            "services:\n  web:\n    image: web:1\n    user: \"1000\"\n    restart: always\n    env_file:\n{file}"
        )
    };
    let (_temp, optional) = folder("envopt", &text("      - path: ./local.env\n        required: false\n"));
    let (code, out, err) = lint(&optional, &["--format", "json"]);
    assert!(code == 0 && !out.contains("local.env"), "{out} {err}");
    let (_temp, needed) = folder("envneed", &text("      - ./local.env\n"));
    let (code, out, err) = lint(&needed, &["--format", "json"]);
    assert!(code == 1 && out.contains("env-file-missing") && out.contains("required: false"), "{out} {err}");
}
