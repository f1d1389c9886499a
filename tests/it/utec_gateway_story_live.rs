//! The story of `utec-gateway`: the token lives in the volume, so it outlives every container, and Home
//! Assistant reaches the gateway over its network.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::stories::{Story, ask, docker};

/// As the seed has it, but for names and ports that are this test's own, and a check every second.
fn story() -> (Story, u16) {
    let story = Story::of("utec-gateway");
    story.set("UTECLOCAL_NAME", &story.name);
    story.set("UTECLOCAL_CHECK", "1s");
    let port = story.set_port("UTECLOCAL_PORT");
    (story, port)
}

#[test]
fn the_token_outlives_down_and_up() {
    let (story, port) = story();
    story.up();
    let gateway = story.service("gateway");
    assert_eq!(gateway["state"], "healthy", "{gateway:#}");
    assert_eq!(gateway["containers"][0]["name"], format!("{}-gateway", story.name));
    let (code, health) = ask("GET", port, "/health", "");
    assert_eq!((code, &health["status"], &health["token"]), (200, &json!("healthy"), &json!("missing")));

    let tokens = r#"{"access_token": "a", "refresh_token": "r", "expires_in": 120}"#;
    assert_eq!(ask("POST", port, "/api/config", tokens).0, 200);
    assert_eq!(ask("GET", port, "/health", "").1["token"], "expiring");
    let (code, refreshed) = ask("POST", port, "/api/token/refresh", "");
    assert_eq!(code, 200, "{refreshed}");
    let expires = refreshed["token_expires_at"].as_str().unwrap().to_owned();

    story.stackdash(&["down", "--yes"]).well();
    assert!(story.left("container").is_empty());
    assert_eq!(story.left("volume").len(), 1, "the volume stays");

    story.up();
    // It reads its file in its own time.
    crate::terminal::Terminal::eventually("the token was read", || {
        ask("GET", port, "/api/status", "").1["token"] != "missing"
    });
    let (_, status) = ask("GET", port, "/api/status", "");
    assert_eq!((&status["token"], &status["token_expires_at"]), (&json!("valid"), &json!(expires)));
    assert_eq!(ask("POST", port, "/api/lock", "").1["state"], "locked");

    // Its log file in the volume is one more source of its logs, and it remembers the time before `down`.
    let said = story.stackdash(&["logs", "-p", &story.name, "--format", "json"]).well();
    let lines: Vec<serde_json::Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_file = lines.iter().filter(|line| line["source"] == "/data/gateway.log").count();
    assert!(of_file > 0 && of_file < lines.len(), "{}", said.stdout);
    let inside = format!("{}-gateway", story.name);
    let written = docker(&["exec", &inside, "cat", "/data/gateway.log"]);
    assert_eq!(of_file, written.lines().count(), "{written}\n{}", said.stdout);
}

/// Waits until the log of a stack has these words.
#[track_caller]
fn wait_for_log(story: &Story, words: &str) {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let said = story.stackdash(&["logs", "-p", &story.name]).well();
        if said.stdout.contains(words) {
            return;
        }
        assert!(Instant::now() < end, "never in the log: {words:?}\n{}", said.stdout);
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn home_assistant_reaches_it_by_its_name_and_by_the_hosts_port() {
    let (gateway, port) = story();
    gateway.up();
    let tokens = r#"{"access_token": "a", "refresh_token": "r", "expires_in": 7200}"#;
    assert_eq!(ask("POST", port, "/api/config", tokens).0, 200);

    let home = Story::of("utec-gateway/home-assistant");
    home.set("UTECLOCAL_NAME", &gateway.name);
    home.set("HOME_ASSISTANT_IMAGE", "stackdash-test/python:3.11-slim");
    let by_name = format!("http://{}-gateway:8000/api/devices", gateway.name);
    home.write(
        "docker-compose.override.yml",
        &format!(
            "services:\n  homeassistant:\n    command: sh -c 'stand-in curl -fsS {by_name}; echo; exec sleep 600'\n    init: true\n"
        ),
    );
    home.up();
    wait_for_log(&home, "\"name\":\"Front Door\"");

    // From a network that it does not share, the name means nothing, and the host's port is the way.
    let outside = |url: &str| {
        let image = "stackdash-test/alpine:3";
        let ask = format!("stand-in curl -fsS {url}");
        docker(&["run", "--rm", "--label", "stackdash.test=1", image, "sh", "-c", &ask])
    };
    assert_eq!(outside(&by_name), "");
    let host = "$(ip route | awk '/default/ { print $3 }')";
    let answer = outside(&format!("http://{host}:{port}/health"));
    assert!(answer.contains("\"status\":\"healthy\""), "{answer}");
}

#[test]
fn the_dashboard_shows_the_gateway_and_restarts_it() {
    let (story, port) = story();
    story.up();
    let mut terminal = story.terminal(120, 40);
    terminal.wait_until("the gateway is healthy", |screen| {
        screen.lines().any(|line| line.contains("gateway") && line.contains("healthy"))
    });
    terminal.press("j");
    terminal.wait_for("uvicorn gateway_main:app");
    terminal.press("l");
    terminal.wait_for("Schedulers started: token check, device poll");
    ask("POST", port, "/api/token/refresh", "");
    terminal.wait_for("Token refresh failed: no refresh token");

    terminal.press("1r");
    terminal.wait_for("Restart");
    terminal.press("y");
    terminal.wait_for("restarted");
    terminal.press("l");
    terminal.wait_for("Shutting down");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}
