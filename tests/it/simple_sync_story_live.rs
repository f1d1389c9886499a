//! The story of `simple-sync`: without its secret nothing starts and the reason is said; with it `/health`
//! tells status, version and uptime.

use crate::stories::{Story, ask};

const SECRET: &str = "a-secret-of-this-test-of-40-characters--";

/// As the seed has it, but for a port that is this test's own, and a check every second.
fn story() -> (Story, u16) {
    let story = Story::of("simple-sync");
    story.set("SIMPLE_SYNC_CHECK", "1s");
    let port = story.set_port("PORT");
    (story, port)
}

#[test]
fn without_a_secret_it_refuses_and_says_which() {
    let (story, _) = story();
    for empty in [false, true] {
        if empty {
            story.set("JWT_SECRET", "");
        }
        let said = story.stackdash(&["up"]);
        assert_ne!(said.code, 0);
        for words in ["JWT_SECRET", "set it in .env, 32 characters or more"] {
            assert!(said.stderr.contains(words), "{}", said.stderr);
        }
        assert!(story.left("container").is_empty() && story.left("volume").is_empty());
        // And so does whoever asks before: which variable, where, and what to do.
        let line = std::fs::read_to_string(story.folder().join("docker-compose.yml")).unwrap();
        let line = line.lines().position(|line| line.contains("${JWT_SECRET:?")).unwrap() + 1;
        let said = story.stackdash(&["lint"]);
        assert_eq!(said.code, 1, "{said:?}");
        let found = said.stdout.lines().find(|found| found.contains("JWT_SECRET")).unwrap();
        assert!(found.contains(&format!("docker-compose.yml:{line}: error:")), "{}", said.stdout);
        let said = story.stackdash(&["lint", "--format", "json"]);
        let document: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        let findings = document["findings"].as_array().unwrap();
        let finding = findings.iter().find(|one| one["message"].to_string().contains("JWT_SECRET")).unwrap();
        assert_eq!((&finding["severity"], &finding["line"]), (&"error".into(), &line.into()), "{finding:#}");
    }
}

#[test]
fn a_secret_that_is_too_short_fails_the_service_with_its_own_words() {
    let (story, _) = story();
    story.set("JWT_SECRET", "short");
    let _ = story.stackdash(&["up"]);
    let service = story.wait_for("simple-sync", "restarts again and again", |service| {
        matches!(service["state"].as_str(), Some("restarting" | "failed"))
    });
    assert!(service["reason"].as_str().unwrap().contains("exit code 1"), "{service:#}");
    let said = story.stackdash(&["logs", "-p", &story.name]).well();
    assert!(said.stdout.contains("JWT_SECRET must be at least 32 characters long"), "{}", said.stdout);
    assert_ne!(story.stackdash(&["check", "-p", &story.name]).code, 0);
}

#[test]
fn health_tells_status_version_and_uptime() {
    let (story, port) = story();
    story.set("JWT_SECRET", SECRET);
    story.set("VERSION", "1.4.2");
    story.up();
    assert_eq!(story.service("simple-sync")["state"], "healthy");
    let (code, health) = ask("GET", port, "/health", "");
    assert_eq!(
        (code, health["status"].as_str(), health["version"].as_str()),
        (200, Some("healthy"), Some("1.4.2"))
    );
    assert!(health["uptime"].as_u64().is_some(), "{health}");
    assert!(health["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{health}");

    // The same by the stack's own probe.
    let service = story.service("simple-sync");
    let probe = &service["probes"][0];
    assert_eq!(
        (&probe["name"], &probe["state"], &probe["code"]),
        (&"health".into(), &"pass".into(), &200.into()),
        "{probe:#}"
    );
    assert_eq!((&probe["status"], &probe["version"]), (&"healthy".into(), &"1.4.2".into()), "{probe:#}");
    assert!(probe["uptime_s"].is_number() && probe["latency_ms"].is_number(), "{probe:#}");
    assert_eq!(story.stackdash(&["check", "-p", &story.name]).well().code, 0);

    // What the database holds stays.
    assert_eq!(ask("POST", port, "/api/v1/events", r#"{"uuid": "1", "item": "milk"}"#).0, 200);
    story.stackdash(&["down", "--yes"]).well();
    story.up();
    assert_eq!(ask("GET", port, "/api/v1/events", "").1[0]["item"], "milk");

    // The secret is on no screen.
    let shown = story.stackdash(&["status", "--format", "json", "-p", &story.name]).well();
    assert!(!shown.stdout.contains(SECRET));
    let mut terminal = story.terminal(120, 40);
    terminal.wait_for("healthy");
    terminal.press("jd");
    terminal.wait_for("Overview");
    terminal.wait_until("status, version and uptime are shown", |screen| {
        screen.lines().any(|line| ["healthy", "v1.4.2", "up "].iter().all(|word| line.contains(word)))
    });
    // The tabs of a service: somewhere among them is its environment.
    for _ in 0..7 {
        terminal.press("]");
        terminal.pause(std::time::Duration::from_millis(150));
        assert!(!terminal.screen().contains(SECRET), "{}", terminal.screen());
    }
    terminal.press("l");
    terminal.wait_for("simple-sync 1.4.2 starting in development");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}
