//! Every command against the embedded engine: what scripts and people get to read.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::cli_commands::{finish, stackdash};

fn on_demo(arguments: &[&str]) -> (i32, String, String) {
    finish(stackdash(arguments).env("STACKDASH_DEMO", "1").env("TZ", "UTC"))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn status_is_one_document_with_five_stacks_and_figures() {
    let (code, out, err) = on_demo(&["status", "--format", "json"]);
    assert_eq!((code, &*err), (0, ""));
    let document = json(&out);
    assert_eq!(document["engine"]["connected"], true);
    let stacks = document["stacks"].as_array().unwrap();
    assert!(stacks.iter().filter(|stack| stack["name"] != "(no stack)").count() >= 5, "{out}");
    let mut running = 0;
    for service in stacks.iter().flat_map(|stack| stack["services"].as_array().unwrap()) {
        assert!(service["image_bytes"].is_u64(), "{service}");
        for container in service["containers"].as_array().unwrap() {
            assert_eq!(container["id"].as_str().unwrap().len(), 12);
            if container["state"] == "running" {
                running += 1;
                assert!(container["usage"]["cpu_percent"].is_number(), "{container}");
                let started = container["started_at"].as_str().unwrap();
                assert!(
                    started.ends_with('Z') && started.len() == "2026-11-20T12:00:00.000Z".len(),
                    "{started}"
                );
            } else {
                assert!(container["usage"]["cpu_percent"].is_null(), "{container}");
            }
        }
    }
    assert!(running > 5, "{out}");
}

#[test]
fn the_table_is_plain_text_where_no_terminal_reads_it() {
    let (code, out, err) = on_demo(&["status", "--no-usage"]);
    assert_eq!((code, &*err), (0, ""));
    assert!(!out.contains('\x1b'), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    assert!(out.lines().any(|line| line.contains("unhealthy")), "{out}");
    let (_, ascii, _) = on_demo(&["status", "--no-usage", "--ascii"]);
    assert!(ascii.is_ascii(), "{ascii}");
}

#[test]
fn one_stack_can_be_asked_for_by_name_or_by_its_compose_file() {
    let (code, out, _) = on_demo(&["status", "--no-usage", "--format", "json", "-p", "simple-sync"]);
    assert_eq!(code, 0);
    assert_eq!(json(&out)["stacks"].as_array().unwrap().len(), 1);
    let (code, _, err) = on_demo(&["status", "-p", "simple-snyc"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean \"simple-sync\"?"), "{err}");
}

#[test]
fn check_says_what_is_wrong_by_code_line_and_document() {
    let (code, out, _) = on_demo(&["check"]);
    assert_eq!(code, 2);
    assert!(out.lines().all(|line| line.starts_with("critical: ") || line.starts_with("warning: ")), "{out}");
    let (code, out, _) = on_demo(&["check", "--format", "json"]);
    assert_eq!(code, 2);
    assert_eq!(json(&out)["status"], "critical");
    let (code, out, _) = on_demo(&["check", "-p", "simple-sync"]);
    assert_eq!((code, out.starts_with("ok: ")), (0, true), "{out}");
    let (code, out, _) = on_demo(&["check", "-p", "nowhere", "--format", "json"]);
    assert_eq!(code, 3);
    assert_eq!(json(&out)["status"], "unknown");
}

#[test]
fn without_an_engine_check_is_unknown_and_status_says_where_why_and_what_to_do() {
    let nowhere = "unix:///nonexistent/docker.sock";
    let (code, out, err) = finish(&mut stackdash(&["status", "--host", nowhere]));
    assert_eq!((code, &*out), (3, ""));
    assert!(err.contains(nowhere) && err.contains("--context NAME"), "{err}");
    let (code, out, _) = finish(&mut stackdash(&["check", "--host", nowhere, "--format", "json"]));
    assert_eq!(code, 3);
    assert_eq!(json(&out)["status"], "unknown");
    assert_eq!(json(&out)["problems"].as_array().unwrap().len(), 1);
}

#[test]
fn logs_are_merged_by_time_one_object_a_line() {
    let (code, out, err) = on_demo(&["logs", "-p", "personal-assistant", "--tail", "20", "--format", "json"]);
    assert_eq!((code, &*err), (0, ""));
    let lines: Vec<Value> = out.lines().map(json).collect();
    let times: Vec<&str> = lines.iter().map(|line| line["at"].as_str().unwrap()).collect();
    assert!(times.len() > 20 && times.is_sorted(), "{out}");
    for key in ["at", "stack", "service", "container", "stream", "level", "message", "fields"] {
        assert!(lines.iter().all(|line| line.get(key).is_some()), "{key}");
    }
    let wanted = lines[0]["message"].as_str().unwrap().split_whitespace().next().unwrap().to_owned();
    let (code, out, _) =
        on_demo(&["logs", "api", "-p", "personal-assistant", "--grep", "no such words at all"]);
    assert_eq!((code, &*out), (0, ""), "{wanted}");
    let (code, _, err) = on_demo(&["logs", "--grep", "("]);
    assert_eq!(code, 2);
    assert!(err.contains("no regular expression"), "{err}");
}

#[test]
fn events_have_their_keys() {
    let (code, out, err) = on_demo(&["events", "--format", "json"]);
    assert_eq!((code, &*err), (0, ""));
    let lines: Vec<Value> = out.lines().map(json).collect();
    assert!(!lines.is_empty());
    for key in ["at", "kind", "stack", "service", "text"] {
        assert!(lines.iter().all(|line| line.get(key).is_some()), "{key}");
    }
    let (_, none, _) = on_demo(&["events", "--since", "0s"]);
    assert_eq!(none, "");
}

#[test]
fn a_restart_is_carried_out_and_told_on_standard_error() {
    let (code, out, err) = on_demo(&["restart", "gateway"]);
    assert_eq!((code, &*out), (0, ""), "{err}");
    assert!(err.contains("gateway: restarting") && err.contains("gateway: restarted"), "{err}");
    let (code, _, err) = on_demo(&["start", "gateway"]);
    assert_eq!(code, 0);
    assert!(err.contains("up already"), "{err}");
}

#[test]
fn nothing_is_changed_unless_it_was_named() {
    let (code, _, err) = on_demo(&["stop"]);
    assert_eq!(code, 2);
    assert!(err.contains("nothing was named to stop") && err.contains("-p NAME"), "{err}");
    let (code, _, err) = on_demo(&["stop", "db"]);
    assert_eq!(code, 2);
    assert!(err.contains("ambiguous") && err.contains("personal-assistant/db"), "{err}");
    let (code, _, err) = on_demo(&["stop", "gateway", "--read-only"]);
    assert_eq!(code, 1);
    assert!(err.contains("read-only"), "{err}");
}

#[test]
fn compose_verbs_run_with_their_output_on_standard_error() {
    let (code, out, err) = on_demo(&["rebuild", "simple-sync/simple-sync"]);
    assert_eq!((code, &*out), (0, ""), "{err}");
    assert!(err.starts_with("$ docker compose -p simple-sync "), "{err}");
    assert!(err.contains("[1/3] FROM base") && err.contains("simple-sync: rebuilt in "), "{err}");
    let (code, _, err) = on_demo(&["up", "-p", "simple-sync", "--profile", "nope"]);
    assert_eq!(code, 2);
    assert!(err.contains("has no profile") || err.contains("no profiles"), "{err}");
}

#[test]
fn down_never_acts_unasked() {
    let (code, _, err) = on_demo(&["down", "-p", "simple-sync"]);
    assert_eq!(code, 2);
    assert!(err.contains("--yes"), "{err}");
    let (code, _, err) = on_demo(&["down", "-p", "simple-sync", "--yes"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("containers that go: ") && err.contains("taken down in "), "{err}");
}

#[test]
fn every_changing_command_is_refused_read_only() {
    for arguments in [
        &["up", "-p", "simple-sync"][..],
        &["down", "-p", "simple-sync", "--yes"],
        &["rebuild", "-p", "simple-sync"],
        &["restart", "-p", "simple-sync"],
        &["start", "-p", "simple-sync"],
        &["stop", "-p", "simple-sync"],
    ] {
        let (code, _, err) = on_demo(&[arguments, &["--read-only"]].concat());
        assert_eq!(code, 1, "{arguments:?}: {err}");
        assert!(err.contains("read-only"), "{err}");
    }
}

#[test]
fn wait_ends_with_ready_failed_or_out_of_time() {
    assert_eq!(on_demo(&["wait", "-p", "simple-sync"]).0, 0);
    let (code, _, err) = on_demo(&["wait", "agent"]);
    assert_eq!(code, 1);
    assert!(err.contains("agent: unhealthy"), "{err}");
    assert_eq!(on_demo(&["wait", "nobody"]).0, 2);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_stackdash"))
        .args(["logs", "--follow", "--tail", "all"])
        .env("STACKDASH_DEMO", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains('│'), "{line}");
    // The pipe is closed now; the next line that is written finds nobody.
    let status = child.wait().unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((status.code(), &*err), (Some(0), ""));
}

#[test]
fn actions_are_listed_run_and_checked() {
    let (code, out, _) = on_demo(&["run"]);
    assert_eq!(code, 0);
    assert!(out.lines().any(|line| line.contains("restore") && line.ends_with("in mongodb  file=…")), "{out}");
    let (_, out, _) = on_demo(&["run", "--format", "json"]);
    let actions = &json(&out)["actions"];
    let restore = actions.as_array().unwrap().iter().find(|action| action["name"] == "restore").unwrap();
    assert_eq!((&restore["stack"], &restore["confirm"]), (&"energy-dashboard".into(), &true.into()));
    let (code, out, err) = on_demo(&["run", "set-log-level", "level=debug"]);
    assert_eq!((code, &*out), (0, "log level changed\n"), "{err}");
    let (code, _, err) = on_demo(&["run", "set-log-level", "level=debgu"]);
    assert!(code == 2 && err.contains("did you mean \"debug\"?"), "{err}");
    let (code, _, err) = on_demo(&["run", "set-log-levl"]);
    assert!(code == 2 && err.contains("did you mean \"set-log-level\"?"), "{err}");
    let (code, out, err) = on_demo(&["run", "backup-check", "--yes"]);
    assert!(code == 8 && out.contains("No space left"), "{out}{err}");
}

#[test]
fn a_token_is_authorized_with_its_address_on_standard_output() {
    let (code, out, err) = on_demo(&["tokens", "authorize", "private"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(out.lines().count(), 1, "{out}");
    assert!(out.starts_with("https://accounts.example/o/oauth2/auth?"), "{out}");
    assert!(err.contains("leads to accounts.example") && err.contains("private: authorized ("), "{err}");
    assert!(!err.contains("state=demo"), "the address is data: {err}");
    let (code, out, err) = on_demo(&["tokens", "authorize", "private", "--timeout", "1s"]);
    assert_eq!((code, out.lines().count()), (124, 1), "{err}");
    let (code, out, err) = on_demo(&["tokens", "authorize", "utec"]);
    assert_eq!((code, &*out), (2, ""));
    assert!(err.contains("its rule does not say how to authorize"), "{err}");
    let (code, _, err) = on_demo(&["tokens", "authorize", "private", "--read-only"]);
    assert_ne!(code, 0, "{err}");
}
