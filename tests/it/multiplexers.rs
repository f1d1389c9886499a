//! Inside GNU screen and tmux: drawn, keyed, left whole, the clipboard passed on. Where one of them is not
//! installed its test says so and does nothing.

#![expect(clippy::print_stdout, reason = "a test that is left out says so")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::terminal::Terminal;

/// The start of what puts a text into the outer terminal's clipboard.
const CLIPBOARD: &[u8] = b"\x1b]52;";

fn is_installed(program: &str, version: &str) -> bool {
    let asked = Command::new(program).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status();
    // Some versions of screen answer with 1.
    let found = asked.is_ok();
    if !found {
        println!("left out: {program} is not installed");
    }
    found
}

/// Walks through the program at a prompt inside a multiplexer.
fn walk(terminal: &mut Terminal) {
    terminal.wait_for("prompt>");
    terminal.press(&format!("{} demo\r", env!("CARGO_BIN_EXE_stackdash")));
    terminal.wait_for("simple-sync");
    terminal.wait_for("energy-dashboard");
    terminal.press("5");
    terminal.wait_for("connected");
    terminal.press("1?");
    terminal.wait_for("On the selection");
    terminal.press("\x1b");
    terminal.wait_gone("On the selection");
    terminal.resize(90, 28);
    terminal.wait_for("simple-sync");
    // The id of the selection. A multiplexer that is busy with the new size drops keys, and tmux passes nothing
    // on to a terminal that it thinks is behind: then one copies again.
    terminal.press("j");
    let end = Instant::now() + Duration::from_mins(1);
    while !terminal.has_written(CLIPBOARD, Duration::from_secs(1)) {
        assert!(Instant::now() < end, "the clipboard was never passed on:\n{}", terminal.screen());
        terminal.press("y");
    }
    terminal.wait_for("Copied");
    terminal.press("\x03");
    terminal.wait_for("prompt>");
    terminal.press("stty -a | grep -o -- '-*icanon' | sed s/^/mode:/\r");
    terminal.wait_for("mode:icanon");
    terminal.wait_gone("simple-sync");
}

const SHELL: [(&str, &str); 3] = [("PS1", "prompt> "), ("HISTFILE", "/dev/null"), ("SHELL", "/bin/sh")];

/// Ends what a fallen test leaves: screen goes on without its terminal.
struct Server {
    sockets: std::path::PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("screen").args(["-X", "quit"]).env("SCREENDIR", &self.sockets).output();
    }
}

#[test]
fn inside_gnu_screen_it_draws_copies_and_leaves_the_window_whole() {
    if !is_installed("screen", "-v") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sockets = folder.path().join("sockets");
    std::fs::create_dir(&sockets).unwrap();
    Command::new("chmod").arg("700").arg(&sockets).status().unwrap();
    let config = folder.path().join("screenrc");
    std::fs::write(&config, "startup_message off\naltscreen on\ndefutf8 on\n").unwrap();
    let arguments = ["-U", "-c", config.to_str().unwrap(), "bash", "--norc", "--noprofile", "-i"];
    let environment = [&SHELL[..], &[("SCREENDIR", sockets.to_str().unwrap())]].concat();
    let _server = Server { sockets: sockets.clone() };
    let mut terminal = Terminal::start_program("screen", 120, 40, &arguments, &environment);
    walk(&mut terminal);
    terminal.press("exit\r");
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn inside_tmux_it_draws_copies_and_leaves_the_window_whole() {
    if !is_installed("tmux", "-V") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (setting, other) in
        [("set-clipboard on", "allow-passthrough off"), ("set-clipboard off", "allow-passthrough on")]
    {
        let config = folder.path().join("tmux.conf");
        let capable = "set -as terminal-features ',xterm*:clipboard'";
        std::fs::write(&config, format!("set -g {setting}\nset -g {other}\n{capable}\n")).unwrap();
        let socket = folder.path().join(setting.replace(' ', "-"));
        let arguments = [
            "-u",
            "-S",
            socket.to_str().unwrap(),
            "-f",
            config.to_str().unwrap(),
            "new-session",
            "bash --norc --noprofile -i",
        ];
        let mut terminal = Terminal::start_program("tmux", 120, 40, &arguments, &SHELL);
        walk(&mut terminal);
        terminal.press("exit\r");
        assert_eq!(terminal.exit_code(), 0, "with {setting}");
    }
}
