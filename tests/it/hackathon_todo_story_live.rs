//! The story of `hackathon-todo`: database, backend and frontend come up one after the other, each when the
//! one before is healthy; what was said stays over `down` and goes with `down --volumes`.

use serde_json::{Value, json};

use crate::stories::{Story, ask};

struct Ports {
    backend: u16,
    frontend: u16,
}

/// As the seed has it, but for ports that are this test's own, and checks every few seconds.
fn story() -> (Story, Ports) {
    let story = Story::of("hackathon-todo");
    // Five failed checks are the end for the database: a busy machine gets fifteen seconds.
    for (check, every) in [("DB_CHECK", "3s"), ("BACKEND_CHECK", "1s"), ("FRONTEND_CHECK", "1s")] {
        story.set(check, every);
    }
    story.set_port("DB_PORT");
    let ports = Ports { backend: story.set_port("BACKEND_PORT"), frontend: story.set_port("FRONTEND_PORT") };
    (story, ports)
}

fn container<'a>(service: &'a Value, field: &str) -> &'a str {
    service["containers"][0][field].as_str().unwrap_or_else(|| panic!("no {field}: {service:#}"))
}

#[test]
fn what_was_said_stays_over_down_and_goes_with_the_volume() {
    let (story, ports) = story();
    story.up();
    // Through the frontend to the backend to the database.
    let (code, said) = ask("POST", ports.frontend, "/api/chat/", r#"{"message": "buy milk, don't forget"}"#);
    assert_eq!((code, &said["conversation_id"]), (200, &json!(1)), "{said}");
    let kept = ask("GET", ports.backend, "/conversations/", "").1;
    assert_eq!(kept[0]["content"], "buy milk, don't forget", "{kept}");
    assert_eq!(kept.as_array().unwrap().len(), 2, "{kept}");

    story.stackdash(&["down", "--yes"]).well();
    assert!(story.left("container").is_empty() && story.left("network").is_empty());
    assert_eq!(story.left("volume").len(), 1, "the volume stays");
    story.up();
    assert_eq!(ask("GET", ports.frontend, "/api/conversations/", "").1, kept);

    let said = story.stackdash(&["down", "--volumes", "--yes"]).well();
    assert!(
        said.stderr.contains(&format!("volumes that go: {}_postgres_data", story.name)),
        "{}",
        said.stderr
    );
    assert!(story.left("volume").is_empty(), "the volume goes");
    story.up();
    assert_eq!(ask("GET", ports.frontend, "/api/conversations/", "").1, json!([]));
}

#[test]
fn each_starts_when_the_one_before_is_healthy() {
    let (story, _) = story();
    story.up();
    let [db, backend, frontend] = ["db", "backend", "frontend"].map(|name| story.service(name));
    for service in [&db, &backend, &frontend] {
        assert_eq!(service["state"], "healthy", "{service:#}");
    }
    // RFC 3339 times of one zone sort as texts.
    let started = [&db, &backend, &frontend].map(|service| container(service, "started_at"));
    assert!(started.is_sorted(), "{started:?}");
    for (service, waits_for) in [(&backend, "db"), (&frontend, "backend")] {
        let wanted =
            json!([{ "service": waits_for, "condition": "service_healthy", "required": true, "met": true }]);
        assert_eq!(service["depends_on"], wanted);
    }
}

#[test]
fn while_the_database_is_sick_the_others_are_blocked_and_say_by_what() {
    let (story, _) = story();
    // It works, and its check says that it does not.
    story.write(
        "docker-compose.override.yml",
        "services:\n  db:\n    healthcheck: { test: [CMD, \"false\"], interval: 1s, retries: 10 }\n",
    );
    std::thread::scope(|scope| {
        let up = scope.spawn(|| story.stackdash(&["up"]));
        let backend = story.wait_for("backend", "is blocked", |backend| backend["state"] == "blocked");
        assert!(backend["reason"].as_str().unwrap().starts_with("waits for db: healthy"), "{backend:#}");
        assert_eq!(backend["depends_on"][0]["met"], false);
        let said = up.join().unwrap();
        assert_ne!(said.code, 0, "{}", said.stderr);
        assert!(said.stderr.contains("db-1 is unhealthy"), "{}", said.stderr);
    });
    assert_eq!(story.service("db")["state"], "unhealthy");
    let frontend = story.service("frontend");
    assert_eq!(frontend["state"], "blocked", "{frontend:#}");
    assert!(frontend["reason"].as_str().unwrap().starts_with("waits for backend: healthy"), "{frontend:#}");
    let check = story.stackdash(&["check", "-p", &story.name]);
    assert_eq!(check.code, 2, "{}", check.stdout);
    assert!(check.stdout.contains("db"), "{}", check.stdout);
}

#[test]
fn the_dashboard_says_who_waits_for_a_sick_backend() {
    let (story, ports) = story();
    story.up();
    let mut terminal = story.terminal(120, 40);
    terminal.wait_until("all three are healthy", |screen| screen.matches("healthy").count() >= 3);

    // The logs of the stack, and back.
    terminal.press("l");
    terminal.wait_for("Ready in 84ms");
    terminal.wait_for("Listening at: http://0.0.0.0:8000");
    terminal.press("1");

    // A backend that answers 503 is unhealthy a few checks later.
    ask("POST", ports.backend, "/stand-in?health=down", "");
    terminal.wait_until("the backend is unhealthy", |screen| {
        screen.lines().any(|line| line.contains("backend") && line.contains("unhealthy"))
    });
    ask("POST", ports.backend, "/stand-in?health=up", "");
    terminal.wait_for("All 3 running services are well");

    // Restarting asks first.
    terminal.press("/frontend\r");
    terminal.press("jr");
    terminal.wait_until("the question names it", |screen| {
        screen.lines().any(|line| line.contains("Restart") && line.contains("frontend"))
    });
    terminal.press("y");
    terminal.wait_for("restarted");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}
