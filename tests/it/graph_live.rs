//! A stack whose migration fails on a real engine: who is blocked by it, in JSON and on the Graph tab, and
//! how it comes up once that is mended.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::engine_live::image;
use crate::terminal::Terminal;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/stacks/blocked/compose.yml");
const STACK: &str = "stackdash-graph";

struct Stack;

impl Stack {
    /// Whether `up` succeeds is for the caller to know: with a failed migration it must not.
    fn up() -> bool {
        let up = Command::new("docker").args(["compose", "-f", FILE, "up", "-d"]).output().unwrap();
        up.status.success()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let down = ["compose", "-f", FILE, "--profile", "*", "down", "-v", "-t", "1"];
        let _ = Command::new("docker").args(down).output();
    }
}

fn services() -> Value {
    let out = Command::new(env!("CARGO_BIN_EXE_stackdash"))
        .args(["-p", STACK, "status", "--format", "json"])
        .env("STACKDASH_HISTORY", "0")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&out.stdout).unwrap();
    document["stacks"][0]["services"].clone()
}

fn service<'a>(services: &'a Value, name: &str) -> &'a Value {
    let found = services.as_array().unwrap().iter().find(|service| service["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {services}"))
}

#[test]
fn a_failed_migration_blocks_what_waits_for_it_until_it_is_mended() {
    image();
    let _stack = Stack;
    assert!(!Stack::up(), "the migration must fail");

    let told = services();
    assert_eq!(service(&told, "migrations")["state"], "failed");
    let api = service(&told, "api");
    assert_eq!(api["state"], "blocked");
    let reason = api["reason"].as_str().unwrap();
    assert!(reason.starts_with("waits for migrations: completed (failed"), "{reason}");
    let needs = api["depends_on"].as_array().unwrap();
    let met = |name: &str| needs.iter().find(|dep| dep["service"] == name).unwrap()["met"].clone();
    assert_eq!((met("db"), met("migrations")), (Value::Bool(true), Value::Bool(false)));
    let web = service(&told, "web");
    assert_eq!(web["state"], "blocked", "over api");
    let reason = web["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("waits for api: healthy (blocked for ") && reason.ends_with("migrations failed)")
    );

    let mut terminal = Terminal::start(160, 60, &["-p", STACK]);
    terminal.wait_for("waits for migrations: completed (failed");
    terminal.press("g\r]");
    terminal.wait_for("migrations failed holds up api, web");
    terminal.wait_for("completed ✗");
    // Its files are known by now: what stands behind a profile is there too.
    terminal.press("]");
    terminal.wait_for("brings along db (healthy)");
    terminal.press("]");
    terminal.wait_for("depends_on:");
    terminal.press("G");
    assert!(!terminal.screen().contains("not-to-be-seen"));
    terminal.press("[[");
    terminal.wait_for("holds up");

    let touch = ["exec", "stackdash-graph-db-1", "touch", "/state/mended"];
    assert!(Command::new("docker").args(touch).status().unwrap().success());
    assert!(Stack::up());
    terminal.wait_gone("holds up");
    terminal.wait_for("completed ✓");
    // It was started by somebody else: the axis begins with the first container.
    terminal.wait_for("Start, from the first container to ready");
    terminal.wait_until("each row of the start is ready", |screen| {
        screen.lines().filter(|line| line.trim_end().ends_with("ready") && line.contains('s')).count() >= 2
    });
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}
