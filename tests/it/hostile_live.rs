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

/// What is not a log line: names of stacks and services, labels and history of an image, and values of the
/// environment, all as bad as the engine takes them, through every screen, tab, menu and dialog.
#[test]
fn hostile_names_pass_every_screen_tab_and_menu_as_text() {
    let odd = "\u{1b}]0;EVIL\u{7}\u{1b}]52;c;RVZJTA==\u{7}\u{1b}]8;;http://e.example\u{1b}\\\u{1b}[2Jodd\u{202e}\u{200b}\u{9b}2J\u{9d}0;t\u{9c}\u{1}\u{8}";
    let project = format!("stackdash-odd{odd}{}", "long".repeat(300));
    let service = format!("svc{odd}{}", "wide\u{65e5}".repeat(200));
    let tag = "stackdash-test/hostile-names:1";
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy("/bin/busybox", folder.path().join("sh")).unwrap();
    let tar = folder.path().join("image.tar");
    let (place, file) = (folder.path().to_str().unwrap(), tar.to_str().unwrap());
    assert!(Command::new("tar").args(["-C", place, "-cf", file, "sh"]).status().unwrap().success());
    let label = format!("LABEL org.opencontainers.image.title=\"{}\"", odd.replace('\\', "\\\\"));
    let imported =
        Command::new("docker").args(["import", "-m", odd, "-c", &label, file, tag]).output().unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let _ = std::fs::remove_file(&tar);

    let labels = [
        format!("com.docker.compose.project={project}"),
        format!("com.docker.compose.service={service}"),
        format!("com.docker.compose.project.working_dir=/tmp/{odd}"),
        format!("com.docker.compose.project.config_files=/tmp/{odd}/compose.yml"),
        format!("com.docker.compose.depends_on=db{odd}:service_healthy:true"),
        format!("com.docker.compose.config-hash={odd}"),
        // A token whose every word is odd, read from a variable that is no token.
        format!("stackdash.token.t{}.read.env=ODD", odd.replace('.', "_")),
        format!("stackdash.token.fault.read.fil{}={odd}", odd.replace('.', "_")),
        String::from("stackdash.token.page.read.exec=[\"/sh\", \"-c\", \"echo no json\"]"),
        String::from("com.docker.compose.container-number=1"),
        String::from("stackdash.test=1"),
    ];
    let name = format!("stackdash-hostile_names.-{}", std::process::id());
    let mut arguments = vec!["run", "-d", "--name", &name, "--user", "0"];
    for label in &labels {
        arguments.extend(["--label", label]);
    }
    let (env, health) = (format!("ODD={odd}"), format!("printf '{}'; false", octal(odd.as_bytes())));
    arguments.extend([
        "-e",
        &env,
        "--health-cmd",
        &health,
        "--health-interval",
        "1s",
        "--health-retries",
        "1",
    ]);
    let script = format!("printf '{}\\n'; while :; do sleep 1; done", octal(odd.as_bytes()));
    arguments.extend([tag, "/sh", "-c", &script]);
    let out = Command::new("docker").args(&arguments).output().unwrap();
    let gone = Named(name);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));

    for (columns, rows) in [(140, 40), (80, 24)] {
        let mut terminal = Terminal::start(columns, rows, &[]);
        terminal.wait_for("stackdash-odd");
        terminal.press("/stackdash-odd\r");
        // The stack and its service, with all their tabs, in the split and in full.
        for row in ["g", "G"] {
            terminal.press(row);
            for _ in 0..14 {
                terminal.press("]");
                terminal.pause(Duration::from_millis(150));
                assert_clean(&terminal, "a tab of the details");
            }
            for keys in [
                "d", "\x1b", "x", "\x1b", ":", "\x1b", "r", "n", "s", "n", "D", "\x1b", "p", "\x1b", "R",
                "\x1b", " b", "\x1b", " ",
            ] {
                terminal.press(keys);
                terminal.pause(Duration::from_millis(150));
                assert_clean(&terminal, &format!("after {keys:?}"));
            }
            for keys in [
                ":rename\r",
                "\x1b",
                ":kill\r",
                "\x1b",
                ":copy-out\r",
                "\x1b",
                ":run-command\r",
                "\x1b",
                "c",
                "\x1b",
            ] {
                terminal.press(keys);
                terminal.pause(Duration::from_millis(200));
                assert_clean(&terminal, &format!("after {keys:?}"));
            }
            terminal.press("\x1b");
        }
        for screen in ["l", "1", "2", "3", "\r", "a", "r", "A", "\t", "5", "6", "7", "0", "?", "\x1b", "1"] {
            terminal.press(screen);
            terminal.pause(Duration::from_millis(400));
            assert_clean(&terminal, &format!("the screen of {screen:?}"));
        }
        terminal.press("\x03");
        assert_eq!(terminal.exit_code(), 0);
        terminal.assert_given_back();
    }
    drop(gone);
    let _ = Command::new("docker").args(["rmi", tag]).output();
}

/// A container that goes when the test ends.
struct Named(String);

impl Drop for Named {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "-f", "-v", &self.0]).output();
    }
}
