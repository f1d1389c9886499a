//! Every verb with the keys of an operator on a real engine, on one, on marks and on a stack; every signal.
//! What happened is asked of Docker, not of the screen. Behind the feature `live`.

use std::time::Duration;

use stackdash::model::jobs::Signal;
use stackdash::ports::Engine;

use crate::engine_live::{Guard, bounded, docker, engine, inspected};
use crate::hands_live::Project;
use crate::terminal::Terminal;

#[tokio::test]
async fn every_signal_arrives_as_itself() {
    let traps = Signal::ALL.into_iter().filter(|signal| *signal != Signal::Kill).fold(
        String::new(),
        |script, signal| {
            let name = signal.name();
            script + &format!("trap 'echo got {name}' {}; ", &name[3..])
        },
    );
    let guard = Guard::run(&[], &format!("{traps} echo ready; while :; do sleep 0.1; done"));
    let engine = engine().await;
    let says = |words: String| {
        let id = guard.0.clone();
        async move {
            bounded(&words, async {
                while !docker(&["logs", id.as_str()]).lines().any(|line| line == words) {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            })
            .await;
        }
    };
    says(String::from("ready")).await;
    for signal in Signal::ALL.into_iter().filter(|signal| *signal != Signal::Kill) {
        engine.kill(&guard.0, signal).await.unwrap();
        says(format!("got {}", signal.name())).await;
    }
    engine.kill(&guard.0, Signal::Kill).await.unwrap();
    inspected(&engine, &guard.0, "its end", |found| found.exit_code == Some(137)).await;
}

/// Docker knows that something is done before the program does, which holds one job per container.
const AFTER: Duration = Duration::from_secs(1);

fn is(container: &str, field: &str, wanted: &str) -> bool {
    let out = std::process::Command::new("docker")
        .args(["inspect", "-f", &format!("{{{{{field}}}}}"), container])
        .output()
        .unwrap();
    String::from_utf8_lossy(&out.stdout).trim() == wanted
}

#[track_caller]
fn become_all(containers: &[&str], wanted: &str) {
    for container in containers {
        Terminal::eventually(&format!("{container} is {wanted}"), || is(container, ".State.Status", wanted));
    }
}

/// Waits until the rows of both services say so: what a verb touches is what the screen believes.
#[track_caller]
fn both_show(terminal: &mut Terminal, word: &str) {
    terminal.wait_until(&format!("both services show {word}"), |screen| {
        ["one", "two"].iter().all(|service| {
            screen.lines().any(|line| {
                let mut words = line.split_whitespace();
                words.next() == Some(service) && words.nth(1) == Some(word)
            })
        })
    });
}

/// Runs an action by its name, answers yes.
fn act(terminal: &mut Terminal, keys: &str, question: &str) {
    terminal.press(keys);
    terminal.wait_for(question);
    terminal.press("y");
    terminal.wait_gone(question);
}

#[test]
fn every_verb_by_key_on_one_on_marks_and_on_a_stack() {
    let service = "    <<: *l\n    command: [\"sh\", \"-c\", \"trap exit TERM; while :; do sleep 0.1; done\"]\n    volumes: [/scratch]\n";
    let project = Project::new("every-verb", &format!("services:\n  one:\n{service}  two:\n{service}"));
    project.compose(&["up", "-d"]);
    let (one, two) = (format!("{}-one-1", project.name), format!("{}-two-1", project.name));
    let both = [one.as_str(), two.as_str()];
    let mut terminal = Terminal::start(140, 40, &["-p", &project.name]);
    terminal.wait_for("two");

    // On the stack: nobody else's key may begin before the last verb has ended.
    terminal.press("g");
    act(&mut terminal, "s", "Stop the stack");
    become_all(&both, "exited");
    terminal.wait_for("stopped 2 containers");
    terminal.press("gS");
    become_all(&both, "running");
    terminal.wait_for("started 2 containers");
    both_show(&mut terminal, "running");
    act(&mut terminal, "g:pause\r", "Pause the stack");
    become_all(&both, "paused");
    terminal.wait_for(" paused 2 containers");
    both_show(&mut terminal, "paused");
    terminal.press("g:unpause\r");
    become_all(&both, "running");
    terminal.wait_for("unpaused 2 containers");
    both_show(&mut terminal, "running");
    let since = docker(&["inspect", "-f", "{{.State.StartedAt}}", &one]);
    act(&mut terminal, "gr", "Restart the stack");
    Terminal::eventually("it was restarted", || !is(&one, ".State.StartedAt", &since));
    become_all(&both, "running");
    terminal.wait_for("restarted 2 containers");
    both_show(&mut terminal, "running");

    // On one.
    terminal.press("/two\r");
    terminal.wait_for("/two ");
    terminal.press("G");
    act(&mut terminal, ":pause\r", "Pause");
    become_all(&both[1..], "paused");
    assert!(is(&one, ".State.Status", "running"), "the other was left alone");
    terminal.pause(AFTER);
    terminal.press(":unpause\r");
    become_all(&both[1..], "running");
    terminal.pause(AFTER);
    terminal.press(":rename\r");
    terminal.wait_for("Rename");
    let other = format!("{}-renamed", project.name);
    terminal.press(&format!("\x15{other}\r"));
    Terminal::eventually("it has another name", || is(&other, ".State.Status", "running"));
    terminal.pause(AFTER);
    terminal.press(":kill\r");
    terminal.wait_for("SIGUSR2");
    terminal.press("j\r");
    terminal.wait_for("SIGKILL");
    terminal.wait_for("?");
    terminal.press("y");
    become_all(&[&other], "exited");
    terminal.press("G");
    terminal.wait_for("137");
    terminal.pause(AFTER);
    let volume = docker(&["inspect", "-f", "{{(index .Mounts 0).Name}}", &other]);
    terminal.press(":remove\r");
    terminal.wait_for("Anonymous volumes that go too");
    assert!(terminal.screen().contains(&volume[..12]), "{}", terminal.screen());
    terminal.press("y");
    Terminal::eventually("it and its volume are gone", || {
        !docker(&["ps", "-aq", "--format", "{{.Names}}"]).contains(&other)
            && !docker(&["volume", "ls", "-q"]).contains(&volume)
    });
    terminal.press("\x1b");
    project.compose(&["up", "-d"]);
    both_show(&mut terminal, "running");

    // On marks.
    terminal.press("gj G ");
    terminal.press("b");
    terminal.wait_for("Stop all");
    terminal.press("j\r");
    terminal.wait_for("Stop 2 marked");
    terminal.press("y");
    become_all(&both, "exited");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}
