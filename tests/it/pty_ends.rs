//! The terminal is given back whole, whatever happens: signals, a panic, a stop, a hang-up, odd terminals.

use std::time::Duration;

use crate::terminal::Terminal;

#[test]
fn every_ending_signal_gives_the_terminal_back() {
    for (name, code) in [("TERM", 143), ("INT", 130), ("QUIT", 131), ("HUP", 129)] {
        let mut terminal = Terminal::start(100, 30, &["demo"]);
        terminal.wait_for("uteclocal");
        terminal.signal(name);
        assert_eq!(terminal.exit_code(), code, "after SIG{name}");
        terminal.assert_given_back();
    }
}

#[cfg(debug_assertions)]
#[test]
fn a_panic_gives_the_terminal_back_before_it_is_reported() {
    let mut terminal = Terminal::start_with(100, 30, &["demo"], &[("STACKDASH_PANIC", "1")]);
    assert_eq!(terminal.exit_code(), 101);
    terminal.assert_given_back();
    let raw = String::from_utf8_lossy(terminal.raw()).into_owned();
    let (left, said) = (raw.rfind("\x1b[?1049l").unwrap(), raw.find("panicked at").unwrap());
    assert!(said > left, "the report went to the screen that was left");
    assert!(raw.contains("STACKDASH_PANIC"), "{}", terminal.screen());
}

/// An interactive shell with job control.
fn in_a_shell() -> Terminal {
    let env = [("PS1", "prompt> "), ("HISTFILE", "/dev/null"), ("BASH_SILENCE_DEPRECATION_WARNING", "1")];
    let mut terminal = Terminal::start_program("bash", 100, 30, &["--norc", "--noprofile", "-i"], &env);
    terminal.wait_for("prompt>");
    terminal
}

#[test]
fn it_stops_and_goes_on_under_a_shell() {
    let mut terminal = in_a_shell();
    terminal.press(&format!("stty -a | grep -o -- '-*icanon'; {} demo\r", env!("CARGO_BIN_EXE_stackdash")));
    terminal.wait_for("simple-sync");
    terminal.press("\x1a");
    terminal.wait_for("Stopped");
    terminal.assert_given_back();
    terminal.press("stty -a | grep -o -- '-*icanon' | sed s/^/mode:/\r");
    terminal.wait_for("mode:icanon");
    terminal.resize(90, 28);
    terminal.press("fg\r");
    terminal.wait_for("simple-sync");
    terminal.press("5");
    terminal.wait_for("connected");
    // The terminal's own stop, as `kill -TSTP` sends it, does the same.
    terminal.press("q");
    terminal.wait_for("simple-sync");
    terminal.press("\x03");
    terminal.wait_for("prompt>");
    terminal.press("stty -a | grep -o -- '-*icanon' | sed s/^/then:/; exit 7\r");
    assert_eq!(terminal.exit_code(), 7);
    assert!(String::from_utf8_lossy(terminal.raw()).contains("then:icanon"));
    terminal.assert_given_back();
}

#[test]
fn with_nobody_to_continue_it_does_not_stop() {
    // It leads the session here, as in a new window of a terminal or under `docker run -it`.
    let mut terminal = Terminal::start(100, 30, &["demo"]);
    terminal.wait_for("uteclocal");
    terminal.press("\x1a");
    terminal.wait_for("Nothing here could continue");
    terminal.signal("TSTP");
    terminal.press("5");
    terminal.wait_for("connected");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn a_closed_terminal_ends_the_program_at_once() {
    for ignored in [false, true] {
        let program = env!("CARGO_BIN_EXE_stackdash");
        let script = format!("trap '' HUP; exec {program} demo");
        let mut terminal = if ignored {
            // What a parent ignores stays ignored: no signal tells.
            Terminal::start_program("sh", 100, 30, &["-c", &script], &[])
        } else {
            Terminal::start(100, 30, &["demo"])
        };
        terminal.wait_for("uteclocal");
        terminal.close("j");
        let took = terminal.wait_for_end();
        assert!(took < Duration::from_secs(10), "it took {took:?}");
    }
}

#[test]
fn a_storm_of_sizes_ends_in_the_last_one() {
    let mut terminal = Terminal::start(120, 40, &["demo"]);
    terminal.wait_for("uteclocal");
    for step in 0..200u16 {
        terminal.resize(60 + step % 60, 20 + step % 20);
        std::thread::sleep(Duration::from_millis(2));
    }
    for (columns, rows) in [(20, 5), (1, 1), (2, 200), (500, 2), (101, 31)] {
        terminal.resize(columns, rows);
    }
    terminal.wait_for("uteclocal");
    terminal.wait_until("the frame fills the last size", |screen| screen.lines().count() == 31);
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}

#[test]
fn it_starts_in_any_size() {
    for (columns, rows) in [(20, 5), (1, 1)] {
        let mut terminal = Terminal::start(columns, rows, &["demo"]);
        terminal.wait_until("something is written", |_| true);
        terminal.resize(100, 30);
        terminal.wait_for("uteclocal");
        terminal.press("\x03");
        assert_eq!(terminal.exit_code(), 0, "at {columns}x{rows}");
        terminal.assert_given_back();
    }
}

#[test]
fn no_kind_of_terminal_is_refused_but_a_dumb_one() {
    for term in ["linux", "screen", "tmux-256color", "xterm", "vt100", "never-heard-of", ""] {
        let mut terminal = Terminal::start_with(100, 30, &["demo"], &[("TERM", term), ("COLORTERM", "")]);
        terminal.wait_for("uteclocal");
        terminal.press("\x03");
        assert_eq!(terminal.exit_code(), 0, "TERM={term}");
        terminal.assert_given_back();
        let raw = String::from_utf8_lossy(terminal.raw()).into_owned();
        assert!(!raw.contains("38;2;"), "TERM={term} got colors of 24 bits");
        let indexed = raw.split("38;5;").skip(1).any(|rest| {
            rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse::<u16>().unwrap() > 15
        });
        assert_eq!(indexed, term.contains("256"), "TERM={term}");
    }
}

#[test]
fn nothing_is_asked_of_the_terminal() {
    let mut terminal = Terminal::start(100, 30, &["demo"]);
    terminal.wait_for("uteclocal");
    terminal.press("\x03");
    terminal.exit_code();
    let raw = String::from_utf8_lossy(terminal.raw()).into_owned();
    // Cursor position, device attributes, modes, keyboard, colors.
    for question in ["\x1b[6n", "\x1b[c", "\x1b[0c", "\x1b[>c", "\x1b[>0q", "$p", "\x1b[?u", "]11;?", "]10;?"]
    {
        assert!(!raw.contains(question), "{question:?}");
    }
}

#[test]
fn a_locale_without_utf8_gets_ascii() {
    let mut terminal = Terminal::start_with(100, 30, &["demo"], &[("LC_ALL", "C")]);
    terminal.wait_for("uteclocal");
    terminal.press("\x03");
    terminal.exit_code();
    assert!(terminal.raw().is_ascii(), "{}", terminal.screen());
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    for (script, word) in [
        ("\"$1\" demo </dev/null", "standard input"),
        ("\"$1\" demo | cat; exit $PIPESTATUS", "standard output"),
    ] {
        let args = ["-c", script, "bash", env!("CARGO_BIN_EXE_stackdash")];
        let mut terminal = Terminal::start_program("bash", 100, 30, &args, &[]);
        assert_eq!(terminal.exit_code(), 2, "{}", terminal.screen());
        let screen = terminal.screen();
        assert!(screen.contains(word) && screen.contains("stackdash status"), "{screen}");
        assert!(!String::from_utf8_lossy(terminal.raw()).contains("\x1b[?1049h"));
    }
}
