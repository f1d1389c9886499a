//! The story of `personal-assistant`: the database first, then the migrations, once, then the API and its one
//! agent; migrations that fail hold both back and are named as the reason; and SQLite for development.

use serde_json::{Value, json};

use crate::stories::{Story, ask, docker};
use crate::terminal::Terminal;

/// Checks come every second instead of every half a minute, the agent polls as often.
const FASTER: &str = "services:
  db: { healthcheck: { interval: 1s, retries: 60 } }
  api: { healthcheck: { interval: 1s }, stop_grace_period: 2s, environment: [STAND_IN_STALE_SECONDS=6] }
  agent: { healthcheck: { interval: 1s, retries: 30 }, environment: [STAND_IN_POLL_SECONDS=1] }
";

const DEV_FASTER: &str = "services:
  api: { healthcheck: { interval: 1s } }
  agent: { healthcheck: { interval: 1s, retries: 30 }, environment: [STAND_IN_POLL_SECONDS=1] }
";

fn story(files: &str) -> (Story, u16) {
    let story = Story::of("personal-assistant");
    if !files.is_empty() {
        story.set("COMPOSE_FILE", files);
    }
    story.set("DB_PASSWORD", "a-password-of-this-test");
    story.write("secrets/db_password.txt", "a-password-of-this-test");
    story.write("secrets/llm_api_key.txt", "sk-of-this-test");
    story.write("secrets/google_oauth_credentials.json", "{}");
    story.write("config.yaml", "accounts:\n  - id: work\n");
    story.write("faster.yml", FASTER);
    let port = story.set_port("API_PORT");
    (story, port)
}

/// Waits for this stack alone: others may be on the engine.
#[track_caller]
fn ready(story: &Story) {
    story.stackdash(&["wait", "-p", &story.name, "--timeout", "60s"]).well();
}

fn probe<'a>(service: &'a Value, name: &str) -> &'a Value {
    let probes = service["probes"].as_array().unwrap();
    probes.iter().find(|probe| probe["name"] == name).unwrap_or_else(|| panic!("no {name}: {service:#}"))
}

/// The same tiers by the stack's own probes; an agent that hangs is healthy by Docker, and by nobody else.
fn tiers(story: &Story) {
    let passes = |service: &Value, name: &str| probe(service, name)["state"] == "pass";
    let api = story.wait_for("api", "is alive and ready", |api| passes(api, "alive") && passes(api, "ready"));
    assert_eq!(probe(&api, "alive")["status"], "alive");
    assert_eq!(
        (&probe(&api, "ready")["status"], &probe(&api, "ready")["code"]),
        (&json!("ready"), &json!(200))
    );
    let agent = story.wait_for("agent", "is well", |agent| passes(agent, "agent"));
    assert!(probe(&agent, "agent")["stale_at"].is_string(), "{agent:#}");

    let name = agent["containers"][0]["name"].as_str().unwrap().to_owned();
    docker(&["kill", "--signal", "STOP", &name]);
    let agent = story.wait_for("agent", "is stuck", |agent| probe(agent, "agent")["state"] == "fail");
    assert_eq!(agent["state"], "healthy", "{agent:#}");
    assert_eq!(probe(&agent, "agent")["detail"], "HTTP 503: Agent may be stuck or crashed");
    let words = "healthy by Docker, not well by /health/agent: Agent may be stuck or crashed";
    // A service that has just started may fail in peace.
    Terminal::eventually("the check says so", || {
        let check = story.stackdash(&["check", "-p", &story.name]);
        check.code == 2 && check.stdout.contains(words)
    });
    let mut terminal = story.terminal(160, 40);
    terminal.wait_for("healthy by Docker, not well by /health/agent");
    terminal.press("7");
    terminal.wait_for("1 of 3 probes fails");
    terminal.press("\x03");
    docker(&["kill", "--signal", "CONT", &name]);
    story.wait_for("agent", "goes on", |agent| passes(agent, "agent"));
}

#[test]
fn the_database_the_migrations_and_then_the_api_with_its_one_agent() {
    let (story, port) = story("docker-compose.prod.yml:faster.yml");
    story.up();
    let migrations = story.service("migrations");
    assert_eq!(
        (&migrations["state"], &migrations["one_shot"]),
        (&json!("completed"), &json!(true)),
        "{migrations:#}"
    );
    for name in ["db", "api", "agent"] {
        let service = story.service(name);
        assert_eq!(service["state"], "healthy", "{service:#}");
    }
    let api = story.service("api");
    let needs = api["depends_on"].as_array().unwrap();
    assert!(needs.iter().all(|need| need["met"] == true), "{needs:?}");
    assert!(needs.iter().any(|need| need["condition"] == "service_completed_successfully"), "{needs:?}");
    let limit = api["containers"][0]["usage"]["memory_limit_bytes"].as_u64();
    assert!(limit.is_none_or(|bytes| bytes == 512 << 20), "{limit:?}");

    // Tiered health: alive, ready, and the agent's own.
    assert_eq!(ask("GET", port, "/health", ""), (200, json!({"status": "alive"})));
    assert_eq!(
        ask("GET", port, "/health/ready", ""),
        (200, json!({"status": "ready", "database": "connected"}))
    );
    story.wait_for("agent", "has polled", |_| ask("GET", port, "/health/agent", "").1["status"] == "healthy");
    tiers(&story);
    let status = story.stackdash(&["run", "-p", &story.name, "migrate-status"]).well();
    assert_eq!(status.stdout.trim(), "0002 (head)", "{status:?}");

    // An account is authorized; its token is kept in the database.
    let (code, way) = ask("GET", port, "/oauth/initiate?account_id=work&provider=google", "");
    assert!(code == 200 && way["oauth_url"].as_str().unwrap().starts_with("https://"), "{way}");
    assert_eq!(ask("GET", port, "/oauth/callback?code=1&state=work", "").0, 200);
    assert_eq!(ask("GET", port, "/oauth/status/work", "").1["authenticated"], true);

    // A second agent refuses: it would do everything twice.
    story.stackdash(&["up", "--scale", "agent=2", "agent"]).well();
    let agents = story.wait_for("agent", "has a replica that refused", |agent| {
        let containers = agent["containers"].as_array().unwrap();
        containers.len() == 2
            && containers.iter().any(|one| one["exit_code"] == 1 || one["restarts"].as_u64() > Some(0))
    });
    assert_ne!(agents["state"], "healthy", "{agents:#}");
    let said = story.stackdash(&["logs", "-p", &story.name, "agent"]).well();
    assert!(said.stdout.contains("Another agent is running already"), "{}", said.stdout);
    assert_eq!(ask("GET", port, "/health/agent", "").1["status"], "healthy", "the first goes on");

    // Without its database the API lives but is not ready.
    story.stackdash(&["stop", "-p", &story.name, "db"]).well();
    story.wait_for("api", "is unhealthy", |api| api["state"] == "unhealthy");
    assert_eq!(ask("GET", port, "/health", "").0, 200);
    let (code, words) = ask("GET", port, "/health/ready", "");
    assert!(code == 503 && words["detail"].as_str().unwrap().starts_with("Database unavailable"), "{words}");
    let api =
        story.wait_for("api", "is not ready by its probe", |api| probe(api, "ready")["state"] == "fail");
    let detail = probe(&api, "ready")["detail"].as_str().unwrap();
    assert!(detail.starts_with("HTTP 503: Database unavailable"), "{detail}");
    assert_eq!(probe(&api, "alive")["state"], "pass");
    story.stackdash(&["start", "-p", &story.name, "db"]).well();
    story.wait_for("api", "is ready again", |api| api["state"] == "healthy");
    assert_eq!(ask("GET", port, "/oauth/status/work", "").1["authenticated"], true);
    story.stackdash(&["down", "--volumes", "--yes"]).well();
    assert!(story.left("container").is_empty() && story.left("volume").is_empty());
}

#[test]
fn failed_migrations_hold_back_the_api_and_the_agent() {
    let (story, _) = story("docker-compose.prod.yml:faster.yml");
    story.write("alembic/versions/0003_break.sql", "alter table no_such_table add column more text;\n");
    let up = story.stackdash(&["up"]);
    assert_ne!(up.code, 0, "{}", up.stderr);
    let migrations = story.service("migrations");
    assert_eq!(migrations["state"], "failed", "{migrations:#}");
    assert_eq!(migrations["containers"][0]["exit_code"], 1);
    for name in ["api", "agent"] {
        let service = story.service(name);
        assert_eq!((&service["state"], &service["running"]), (&json!("blocked"), &json!(0)), "{service:#}");
        let reason = service["reason"].as_str().unwrap();
        assert!(reason.contains("migrations") && reason.contains("failed"), "{reason}");
    }
    let check = story.stackdash(&["check", "-p", &story.name]);
    assert!(check.code == 2 && check.stdout.contains("migrations"), "{}", check.stdout);
    let mut terminal = story.terminal(120, 40);
    terminal.wait_until("the list says who is held back, and by what", |screen| {
        let says = |words: &[&str]| screen.lines().any(|line| words.iter().all(|word| line.contains(word)));
        says(&["migrations", "failed"]) && says(&["api", "blocked"]) && says(&["agent", "blocked"])
    });
    terminal.press("1g/migrations\r");
    terminal.wait_for("/migrations");
    terminal.press("gjl");
    terminal.wait_for("Migration failed");
    terminal.wait_for("no_such_table");

    // Mended, everything goes on.
    std::fs::remove_file(story.folder().join("alembic/versions/0003_break.sql")).unwrap();
    story.stackdash(&["rebuild"]).well();
    ready(&story);
    assert_eq!(story.service("api")["state"], "healthy");
    story.stackdash(&["down", "--volumes", "--yes"]).well();
}

#[test]
fn development_keeps_everything_in_sqlite() {
    let (story, port) = story("");
    story.write("dev-faster.yml", DEV_FASTER);
    // The system's own variants, each with its faster checks.
    let file = std::fs::read_to_string(story.folder().join("stackdash.toml")).unwrap();
    let file = file
        .replace(r#"["docker-compose.yml"]"#, r#"["docker-compose.yml", "dev-faster.yml"]"#)
        .replace(r#"["docker-compose.prod.yml"]"#, r#"["docker-compose.prod.yml", "faster.yml"]"#);
    story.write("stackdash.toml", &file);
    let up = |variant: &str| {
        let said = story.stackdash(&["--variant", variant, "up"]).well();
        ready(&story);
        assert_eq!(story.status()["variant"], variant);
        said
    };
    up("dev");
    let names: Vec<String> = story.status()["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| service["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["agent", "api"]);
    assert_eq!(ask("GET", port, "/health/ready", "").0, 200);
    let container = story.service("api")["containers"][0]["name"].as_str().unwrap().to_owned();
    docker(&["exec", &container, "pa", "tasks", "add", "call back"]);
    story.stackdash(&["down", "--yes"]).well();
    up("dev");
    assert_eq!(ask("GET", port, "/tasks", "").1, json!(["call back"]), "the volume stays");
    story.wait_for("agent", "has polled", |_| ask("GET", port, "/health/agent", "").1["status"] == "healthy");

    // The same stack in production: PostgreSQL, with no word of what was in SQLite.
    let said = up("prod");
    assert!(said.stderr.contains("up --detach --build"), "dev and prod share an image's name: {said:?}");
    assert_eq!(story.service("migrations")["state"], "completed");
    assert_eq!(ask("GET", port, "/health/ready", "").1["database"], "connected");
    assert_eq!(ask("GET", port, "/tasks", "").1, json!([]));
    story.stackdash(&["--variant", "prod", "down", "--volumes", "--yes"]).well();
    assert!(story.left("container").is_empty() && story.left("volume").is_empty());
}
