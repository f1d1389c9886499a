//! Hostile output, names, labels and health checks through a real engine into a real terminal: what is
//! checked are the raw bytes that the terminal gets. Behind the feature `live`.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::hostile::{Inspector, corpus};
use crate::logs_live::image;
use crate::terminal::Terminal;

/// Takes the containers of a stack away, however the test ends.
struct Stack(&'static str);

impl Drop for Stack {
    fn drop(&mut self) {
        let filter = format!("label=com.docker.compose.project={}", self.0);
        let Ok(ids) = Command::new("docker").args(["ps", "-aq", "--filter", &filter]).output() else {
            return;
        };
        for id in String::from_utf8_lossy(&ids.stdout).lines() {
            let _ = Command::new("docker").args(["rm", "-f", "-v", id]).output();
        }
    }
}

/// Starts a container of the stack; the script is what it runs.
fn run(stack: &str, service: &str, options: &[&str], script: &str) {
    let project = format!("com.docker.compose.project={stack}");
    let service = format!("com.docker.compose.service={service}");
    let number = "com.docker.compose.container-number=1";
    let out = Command::new("docker")
        .args(["run", "-d", "--label", "stackdash.test=1", "--label", &project, "--label", &service])
        .args(["--label", number])
        .args(options)
        .args([image(), "sh", "-c", script])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

/// Writes bytes as `printf` of a shell takes them.
fn octal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\{byte:03o}");
        text
    })
}

#[track_caller]
fn assert_clean(terminal: &Terminal, what: &str) {
    let found = Inspector::inspect(terminal.raw());
    assert!(found.odd.is_empty(), "{what}: {:?}", &found.odd[..found.odd.len().min(10)]);
}

#[test]
fn nothing_that_a_container_says_reaches_the_terminal_but_text_and_color() {
    let stack = Stack("stackdash-hostile");
    let mut script = String::new();
    // Long lines come from the container itself: a command has its limits.
    for (_, line) in corpus().into_iter().filter(|(_, line)| line.len() < 2_000) {
        let _ = writeln!(script, "printf '{}\\n'", octal(&line));
    }
    script.push_str("yes x | head -c 10000000 | tr -d '\\n'; echo; echo the-last-line; exec sleep 1000");
    let odd = "\u{1b}]0;EVIL\u{7}\u{1b}[2Jodd\u{202e}\u{9b}2J";
    let health = format!("printf '{}'; false", octal(odd.as_bytes()));
    let options = [
        "--label",
        &format!("com.docker.compose.oneoff={odd}"),
        "--label",
        &format!("x.{odd}={odd}"),
        "-e",
        &format!("ODD={odd}"),
        "-e",
        &format!("{odd}=value"),
        "--health-cmd",
        &health,
        "--health-interval",
        "1s",
        "--health-retries",
        "1",
    ];
    run(stack.0, "writer", &options, &script);
    run(stack.0, &format!("s{odd}"), &[], "echo named; exec sleep 1000");

    let mut terminal = Terminal::start(120, 40, &[]);
    terminal.wait_for(stack.0);
    terminal.press(&format!("/{}\r", stack.0));
    terminal.wait_for("writer");
    assert_clean(&terminal, "the stack's rows, with an odd service name");
    // Every tab of the details of the writer, then of the other one.
    terminal.press("/\x15writer\r");
    terminal.wait_for("/writer ");
    terminal.press("j");
    terminal.press("\r");
    for _ in 0..9 {
        terminal.press("]");
        terminal.pause(Duration::from_millis(400));
    }
    assert_clean(&terminal, "the details");
    terminal.press("l");
    terminal.wait_for("the-last-line");
    assert_clean(&terminal, "the end of the log");
    for key in [
        "g",
        "w",
        "J",
        "J",
        "\x04",
        "\x04",
        "\x04",
        "t",
        "/end\r",
        "n",
        "N",
        "n",
        "&!visible\r",
        "\x1b",
        "v",
        "k",
        "\r",
    ] {
        terminal.press(key);
        terminal.pause(Duration::from_millis(150));
        assert_clean(&terminal, &format!("after {key:?}"));
    }
    terminal.press("5");
    terminal.pause(Duration::from_millis(500));
    terminal.press("0");
    terminal.pause(Duration::from_millis(500));
    assert_clean(&terminal, "events and diagnostics");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
    assert_clean(&terminal, "the whole run");
}
