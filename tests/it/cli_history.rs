//! What is kept of the timeline answers when nobody else does.

use jiff::Timestamp;
use stackdash::adapters::history::FileHistory;
use stackdash::model::timeline::{EntryKind, Severity, TimelineEntry};
use stackdash::ports::History as _;

use crate::cli_commands::{finish, stackdash};

const NOWHERE: &str = "unix:///nonexistent/docker.sock";

fn entry(ago_hours: i64, service: &str, text: &str) -> TimelineEntry {
    TimelineEntry {
        at: Timestamp::now() - jiff::SignedDuration::from_hours(ago_hours),
        kind: EntryKind::Container,
        severity: Severity::Warning,
        stack: Some("shop".into()),
        service: Some(service.into()),
        container: None,
        health: None,
        refresh: None,
        text: text.to_owned(),
    }
}

async fn night() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let history = FileHistory::new(folder.path().join("stackdash"), NOWHERE);
    let entries = vec![
        entry(30, "web", "long ago"),
        entry(5, "web", "ended with exit code 1"),
        entry(4, "db", "became unhealthy"),
    ];
    history.append(entries).await.unwrap();
    folder
}

#[tokio::test]
async fn what_happened_overnight_is_told_without_an_engine() {
    let folder = night().await;
    let told = |arguments: &[&str]| {
        let mut command = stackdash(&[&["events", "--host", NOWHERE], arguments].concat());
        finish(command.env("XDG_STATE_HOME", folder.path()).env("STACKDASH_HISTORY", "1"))
    };
    let (code, out, err) = told(&["--since", "24h"]);
    // Standard error says that it may not be all.
    assert_eq!(code, 3);
    assert!(err.contains("this is what was kept") && err.contains("cannot reach the engine"), "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert!(lines[0].ends_with("ended with exit code 1"), "{out}");
    assert!(lines[1].contains("shop/db") && lines[1].ends_with("became unhealthy"), "{out}");

    assert_eq!(told(&["--since", "2d"]).1.lines().count(), 3);
    assert_eq!(told(&["db"]).1.lines().count(), 1);
    assert_eq!(told(&["shop/web"]).1.lines().count(), 1);
    assert_eq!(told(&["-p", "other"]).1, "");
    let (_, json, _) = told(&["--format", "json"]);
    assert!(json.lines().all(|line| line.starts_with("{\"at\":")), "{json}");
}

#[tokio::test]
async fn no_history_is_a_flag_a_variable_and_a_key() {
    let folder = night().await;
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "history = false").unwrap();
    let config = config.display().to_string();
    for (flags, variable) in [(vec!["--no-history"], "1"), (vec![], "0"), (vec!["--config", &config], "")] {
        let mut command = stackdash(&[&["events", "--host", NOWHERE], &*flags].concat());
        command.env("XDG_STATE_HOME", folder.path()).env("STACKDASH_HISTORY", variable);
        let (code, out, _) = finish(&mut command);
        assert_eq!((code, &*out), (3, ""), "{flags:?} {variable}");
    }
}
