//! A healthy, an unhealthy, a crash-looping, an OOM-killed, a paused and a finished container side by side
//! on a real engine, and the real binary in a pseudo-terminal that tells the truth about each.
//!
//! The delays between a change and its place on the screen are printed, not asserted:
//! `tests/live.sh truth --nocapture`.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::engine_live::image;
use crate::terminal::Terminal;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/stacks/truth/compose.yml");

fn docker(arguments: &[&str]) -> String {
    let out = Command::new("docker").args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(out.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

struct Stack;

impl Stack {
    fn up() -> Self {
        image();
        docker(&["compose", "-f", FILE, "up", "-d"]);
        Self
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["compose", "-f", FILE, "down", "-v", "-t", "1"]).output();
    }
}

/// Whether some line of the screen holds all of these words.
fn says(screen: &str, words: &[&str]) -> bool {
    screen.lines().any(|line| words.iter().all(|word| line.contains(word)))
}

#[track_caller]
fn wait(terminal: &mut Terminal, words: &[&str]) {
    terminal.wait_until(&format!("a line says {words:?}"), |screen| says(screen, words));
}

/// Does something to the engine and says how long the screen took to tell.
#[expect(clippy::print_stdout, reason = "figures for whoever runs it with --nocapture")]
#[track_caller]
fn changed(terminal: &mut Terminal, what: &str, arguments: &[&str], words: &[&str]) {
    docker(arguments);
    let told = Instant::now();
    wait(terminal, words);
    println!("{what}: on the screen {} ms after the command returned", told.elapsed().as_millis());
}

#[test]
fn the_screen_tells_the_truth_about_each_state() {
    let _stack = Stack::up();
    let mut terminal = Terminal::start(160, 50, &["-p", "stackdash-truth"]);
    for words in [
        ["hungry", "failed"],
        ["looper", "restarting"],
        ["sound", "healthy"],
        ["sick", "healthy"],
        ["still", "running"],
        ["finished", "completed"],
        ["migrations", "completed"],
        ["api", "running"],
    ] {
        wait(&mut terminal, &words);
    }
    wait(&mut terminal, &["hungry", "exit code 137 (SIGKILL), out of memory"]);
    wait(&mut terminal, &["looper", "last exit code 3"]);

    let name = |service: &str| format!("stackdash-truth-{service}-1");
    changed(&mut terminal, "pause", &["pause", &name("still")], &["still", "paused"]);
    changed(&mut terminal, "unpause", &["unpause", &name("still")], &["still", "running"]);
    changed(&mut terminal, "kill", &["kill", &name("still")], &["still", "failed"]);
    wait(&mut terminal, &["still", "exit code 137 (SIGKILL), killed by a signal"]);
    changed(&mut terminal, "start", &["start", &name("still")], &["still", "running"]);
    changed(&mut terminal, "stop", &["stop", "-t", "5", &name("still")], &["still", "stopped"]);
    docker(&["exec", &name("sick"), "touch", "/tmp/broken"]);
    wait(&mut terminal, &["sick", "unhealthy"]);
    wait(&mut terminal, &["sick", "Database unavailable"]);
    docker(&["exec", &name("sick"), "rm", "/tmp/broken"]);
    wait(&mut terminal, &["sick", "healthy"]);
    // What was never created, or is no more, is hidden until asked for.
    terminal.press("a");
    changed(&mut terminal, "remove", &["rm", "-f", &name("api")], &["api", "absent"]);
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}
