//! The story of `energy-dashboard`: development with its tools, driven by keys; production with reverse
//! proxy, backups and automatic updates behind their profiles, with a backup, a restore and an update.

use serde_json::{Value, json};

use crate::stories::{Said, Story, ask};
use crate::terminal::Terminal;

/// Checks come every second instead of every half a minute. Nothing here can be pulled.
const FASTER: &str = "services:
  mongodb: { healthcheck: { interval: 1s }, pull_policy: never }
  questdb: { pull_policy: never }
";

const PRODUCTION: &str = "  app: { healthcheck: { interval: 1s } }
  nginx: { pull_policy: never }
  mongo-backup: { pull_policy: never }
  watchtower: { pull_policy: never }
";

fn state<'a>(stack: &'a Value, service: &str) -> &'a str {
    let services = stack["services"].as_array().unwrap();
    let found = services.iter().find(|found| found["name"] == service);
    found.and_then(|found| found["state"].as_str()).unwrap_or_else(|| panic!("no {service}: {stack:#}"))
}

/// Waits for this stack alone: others may be on the engine.
#[track_caller]
fn ready(story: &Story) {
    story.stackdash(&["wait", "-p", &story.name, "--timeout", "60s"]).well();
}

#[test]
fn development_with_its_tools_is_driven_by_keys() {
    let story = Story::of("energy-dashboard");
    story.write("docker-compose.override.yml", FASTER);
    story.set("HA_TOKEN", "a-long-lived-token");
    let port = story.set_port("PORT");
    for other in [
        "MONGODB_EXTERNAL_PORT",
        "QUESTDB_EXTERNAL_HTTP_PORT",
        "QUESTDB_EXTERNAL_ILP_PORT",
        "QUESTDB_EXTERNAL_PG_PORT",
    ] {
        story.set_port(other);
    }
    let express = story.set_port("MONGO_EXPRESS_PORT");
    story.up();
    let stack = story.status();
    assert_eq!((state(&stack, "mongodb"), state(&stack, "app")), ("healthy", "running"), "{stack:#}");
    assert_eq!((state(&stack, "questdb"), state(&stack, "mongo-express")), ("running", "absent"));
    let (code, status) = ask("GET", port, "/api/status", "");
    assert_eq!(
        (code, &status["mongodb"], &status["questdb"]),
        (200, &json!("connected"), &json!("connected"))
    );
    assert_eq!(ask("PUT", port, "/api/settings", r#"{"ha_url": "homeassistant.local"}"#).0, 200);

    // The profile `tools`, from the picker.
    let mut terminal = story.terminal(120, 40);
    terminal.press("a");
    terminal.wait_until("the tools are absent", |screen| {
        screen.lines().any(|line| line.contains("mongo-express") && line.contains("absent"))
    });
    terminal.press("p");
    terminal.wait_for("Bringing up tools");
    terminal.press("u");
    terminal.wait_for("With the profile tools");
    terminal.press("y");
    terminal.wait_until("the tools run", |screen| {
        screen.lines().any(|line| line.contains("mongo-express") && line.contains("running"))
    });
    story.wait_for("mongo-express", "runs", |express| express["state"] == "running");
    assert!(ask("GET", express, "/", "").1.to_string().contains("homeassistant.local"));

    // Logs, and a source that is changed while they are open.
    terminal.press("/app\r");
    terminal.wait_for("/app");
    terminal.press("gjl");
    terminal.wait_for("server listening at");
    story.write("web/frontend/src/main.jsx", "document.title = 'Changed';\n");
    terminal.wait_for("HMR update");
    terminal.press("q");
    terminal.wait_for("/app");

    // A restart.
    let before = story.service("app")["containers"][0]["started_at"].clone();
    terminal.press("r");
    terminal.wait_for("Restart");
    terminal.press("y");
    story.wait_for("app", "was restarted", |app| app["containers"][0]["started_at"] != before);
    story.wait_for("app", "is well again", |app| app["state"] == "running");

    // A shell.
    terminal.press("e");
    terminal.wait_for("/app #");
    terminal.press("echo \"to $MONGODB_URI\"\r");
    terminal.wait_for("to mongodb://mongodb:27017/energy_dashboard");
    terminal.press("exit\r");
    terminal.wait_for("Stacks");

    // Clean: nothing stays, and it asks for the word.
    terminal.press("\x1b");
    terminal.wait_for("Stacks · worst first");
    terminal.press("gD");
    terminal.wait_for("Volumes too");
    terminal.press("j\r");
    terminal.wait_for("yes");
    terminal.press("yes\r");
    terminal.wait_until("nothing runs", |screen| screen.contains("taken down"));
    assert!(story.left("container").is_empty());
    assert!(story.left("volume").is_empty(), "{:?}", story.left("volume"));
    assert!(story.left("network").is_empty());
}

/// Carries out an action of the stack's own `stackdash.toml`.
fn act(story: &Story, words: &[&str]) -> Said {
    story.stackdash(&[&["run", "-p", &story.name, "--yes"], words].concat())
}

#[test]
fn production_is_backed_up_restored_and_updated() {
    let story = Story::of("energy-dashboard");
    story.write("faster.yml", &format!("{FASTER}{PRODUCTION}"));
    story.set("COMPOSE_FILE", "docker-compose.prod.yml:faster.yml");
    let port = story.set_port("NGINX_HTTP_PORT");
    story.set_port("NGINX_HTTPS_PORT");
    story.up();
    let stack = story.status();
    assert_eq!((state(&stack, "app"), state(&stack, "nginx")), ("healthy", "absent"), "{stack:#}");
    let ports = story.service("app")["containers"][0]["ports"].to_string();
    assert!(!ports.contains("->"), "only nginx is published: {ports}");

    let profiles = ["--profile", "nginx", "--profile", "backup", "--profile", "auto-update"];
    story.stackdash(&[&["up"], &profiles[..]].concat()).well();
    ready(&story);
    assert_eq!(ask("GET", port, "/api/status", "").1["status"], "ok", "through nginx");
    // The app by its container's own address, the proxy by its published port.
    for service in ["app", "nginx"] {
        story.wait_for(service, "passes its probe", |service| service["probes"][0]["state"] == "pass");
    }
    let mut on: Vec<String> = story.status()["profiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    on.sort();
    assert_eq!(on, ["auto-update", "backup", "nginx"]);
    let says = |service: &str, words: &str| {
        let mut terminal = Terminal::start_program(
            env!("CARGO_BIN_EXE_stackdash"),
            200,
            20,
            &["logs", "--follow", "-p", &story.name, service],
            &[],
        );
        terminal.wait_for(words);
        terminal.press("\x03");
    };
    says("watchtower", &format!("Checking {}-app-1", story.name));
    says("mongo-backup", "Backup of energy_dashboard completed");

    // A backup, a loss, a restore.
    let settings = |value: &str| {
        let body = format!(r#"{{"ha_url": "{value}"}}"#);
        assert_eq!(ask("PUT", port, "/api/settings", &body).0, 200);
    };
    settings("before");
    let told = act(&story, &["backup-now"]).well();
    assert!(told.stderr.contains("done dumping energy_dashboard"), "{told:?}");
    settings("lost");
    // Which files there are, the question itself knows.
    let refused = act(&story, &["restore"]);
    let known = refused.stderr.split_once("known: ").map(|(_, files)| files.trim());
    let file = known.unwrap_or_else(|| panic!("{refused:?}"));
    assert!(refused.code != 0 && file.starts_with("manual-") && file.ends_with(".archive"), "{refused:?}");
    let refused = act(&story, &["restore", "file=../../etc/passwd"]);
    assert!(refused.code != 0 && refused.stderr.contains("none of its choices"), "{refused:?}");
    let asks = story.stackdash(&["run", "-p", &story.name, "restore", &format!("file={file}")]);
    assert!(asks.code != 0 && asks.stderr.contains("asks first"), "{asks:?}");
    act(&story, &["restore", &format!("file={file}")]).well();
    assert_eq!(ask("GET", port, "/api/settings", "").1["ha_url"], "before");

    // An update brings the changed sources and keeps the data.
    story.write("web/frontend/src/main.jsx", "document.title = 'The next version';\n");
    let updated = story.stackdash(&["update", "app"]).well();
    assert!(updated.stderr.contains("build app"), "{}", updated.stderr);
    assert_eq!(story.service("app")["state"], "healthy", "it has waited for that");
    // nginx asked for the app's address when it started.
    story.stackdash(&["restart", "-p", &story.name, "nginx"]).well();
    ready(&story);
    let (code, page) = ask("GET", port, "/dashboard", "");
    assert!(code == 200 && page.to_string().contains("The next version"), "{code} {page}");
    assert_eq!(ask("GET", port, "/api/settings", "").1["ha_url"], "before");

    story.stackdash(&["down", "--yes"]).well();
    assert!(story.left("container").is_empty(), "services behind profiles go too");
    assert!(story.left("volume").len() >= 4, "the data stays");
    story.stackdash(&["up"]).well();
    story.stackdash(&["down", "--volumes", "--yes"]).well();
    assert!(story.left("volume").is_empty() && story.left("network").is_empty());
}
