//! The program as a user meets it: the real binary in a pseudo-terminal, on the embedded engine.

use crate::terminal::Terminal;

#[test]
fn it_starts_shows_every_stack_and_quits_with_the_terminal_given_back() {
    let mut terminal = Terminal::start(120, 40, &["demo"]);
    for stack in ["uteclocal", "energy-dashboard", "personal-assistant", "simple-sync", "hackathon-todo"] {
        terminal.wait_for(stack);
    }
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}

#[test]
fn the_number_keys_go_to_the_screens() {
    let mut terminal = Terminal::start(120, 40, &["demo"]);
    terminal.wait_for("uteclocal");
    terminal.press("5");
    terminal.wait_for("connected");
    terminal.press("6");
    terminal.wait_for("load ");
    terminal.press("1");
    terminal.wait_for("uteclocal");
    terminal.press("?");
    terminal.wait_for("On the selection");
    terminal.press("\x1b");
    terminal.wait_gone("On the selection");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}

#[test]
fn a_restart_asks_first_and_then_tells_what_became_of_it() {
    let mut terminal = Terminal::start(120, 40, &["demo", "--theme", "mono"]);
    terminal.wait_for("uteclocal");
    terminal.press("/");
    terminal.press("gateway\r");
    terminal.wait_gone("hackathon-todo");
    terminal.press("j");
    terminal.press("r");
    terminal.wait_for("Restart");
    terminal.press("y");
    terminal.wait_for("restarted");
    terminal.press("\x03");
    terminal.exit_code();
}

#[test]
fn read_only_refuses_where_commands_enter() {
    let mut terminal = Terminal::start(120, 40, &["demo", "--read-only"]);
    terminal.wait_for("uteclocal");
    terminal.press("jr");
    terminal.wait_until("a refusal is shown", |screen| {
        screen.contains("read-only") || screen.contains("Restart")
    });
    terminal.press("y");
    terminal.wait_for("read-only");
    terminal.press("\x03");
    terminal.exit_code();
}

#[test]
fn it_survives_any_size() {
    let mut terminal = Terminal::start(120, 40, &["demo"]);
    terminal.wait_for("uteclocal");
    for (columns, rows) in [(80, 24), (60, 20), (20, 5), (1, 1), (200, 50), (100, 30)] {
        terminal.resize(columns, rows);
        terminal.press("j");
    }
    terminal.wait_for("uteclocal");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}

#[test]
fn a_terminal_that_is_too_small_is_told_so() {
    let mut terminal = Terminal::start(40, 10, &["demo"]);
    terminal.wait_for("60x20");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn a_dumb_terminal_is_told_what_to_use_instead() {
    let mut terminal = Terminal::start_with(80, 24, &["demo"], &[("TERM", "dumb")]);
    assert_eq!(terminal.exit_code(), 2);
    assert!(terminal.screen().contains("stackdash status"), "{}", terminal.screen());
}

#[test]
fn an_engine_out_of_reach_gets_a_screen_that_says_why_and_what_to_do() {
    let mut terminal = Terminal::start(100, 30, &["--host", "unix:///nowhere/docker.sock"]);
    terminal.wait_for("/nowhere/docker.sock");
    terminal.wait_for("retry");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}

#[test]
fn without_color_no_color_is_sent() {
    let mut terminal = Terminal::start_with(120, 40, &["demo"], &[("NO_COLOR", "1")]);
    terminal.wait_for("uteclocal");
    let raw = String::from_utf8_lossy(terminal.raw()).into_owned();
    let colored = raw
        .split("\x1b[")
        .filter_map(|rest| rest.split_once('m'))
        .map(|(parameters, _)| parameters)
        .filter(|parameters| parameters.chars().all(|c| c.is_ascii_digit() || c == ';'))
        .flat_map(|parameters| parameters.split(';'))
        .filter_map(|number| number.parse::<u32>().ok())
        .find(|number| matches!(number, 30..=38 | 40..=48 | 90..=107));
    assert_eq!(colored, None, "a color was sent");
    terminal.press("\x03");
    terminal.exit_code();
}

#[test]
fn ascii_mode_sends_nothing_but_ascii() {
    let mut terminal = Terminal::start(120, 40, &["demo", "--ascii"]);
    terminal.wait_for("uteclocal");
    for key in ["2", "5", "6", "0", "1"] {
        terminal.press(key);
        terminal.wait_until("a screen is drawn", |screen| !screen.trim().is_empty());
    }
    terminal.press("\x03");
    terminal.exit_code();
    let odd: String =
        String::from_utf8_lossy(terminal.raw()).chars().filter(|c| !c.is_ascii()).take(20).collect();
    assert!(odd.is_empty(), "characters beyond ASCII: {odd}");
}

#[test]
fn a_click_selects() {
    let mut terminal = Terminal::start(120, 40, &["demo"]);
    terminal.wait_for("simple-sync");
    let named =
        |screen: &str| screen.lines().any(|line| line.contains("? ──") && line.contains("simple-sync"));
    // The demo lives: a row may move between the look and the click.
    for _ in 0..10 {
        let (column, row) = terminal.find("simple-sync").unwrap();
        terminal.click(column, row);
        terminal.press("r");
        terminal.wait_for("Restart ");
        if named(&terminal.screen()) {
            break;
        }
        terminal.press("\x1b");
        terminal.wait_gone("Restart ");
    }
    assert!(named(&terminal.screen()), "the question names what was clicked:\n{}", terminal.screen());
    terminal.press("\x03");
    terminal.exit_code();
}

#[test]
fn the_demo_has_a_make_believe_shell() {
    let mut terminal = Terminal::start(100, 30, &["demo"]);
    terminal.wait_for("simple-sync");
    terminal.press("/simple\r");
    terminal.wait_gone("hackathon-todo");
    terminal.press("gje");
    terminal.wait_for("This is the demo");
    terminal.press("hello\r");
    terminal.wait_for("demo: hello");
    terminal.press("exit 3\r");
    terminal.wait_for("ended with exit code 3");
    terminal.press("e");
    terminal.wait_until("it opens again", |screen| screen.matches("This is the demo").count() == 2);
    terminal.press("\x04");
    terminal.wait_for("? help");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}

#[test]
fn each_key_is_painted_before_anything_else_happens() {
    let mut terminal = Terminal::start(120, 40, &["demo"]);
    terminal.wait_for("uteclocal");
    let started = std::time::Instant::now();
    terminal.press("/");
    let mut typed = String::new();
    for letter in "qwertyuiopasdfgh".chars() {
        typed.push(letter);
        terminal.press(&letter.to_string());
        terminal.wait_for(&typed);
    }
    // A key whose wake-up is lost lies until the next figure moves, one or two seconds later.
    let took = started.elapsed();
    assert!(
        took < std::time::Duration::from_secs(8),
        "{took:?} for sixteen keys: some waited for another event"
    );
    terminal.press("\x03");
    terminal.exit_code();
}

#[test]
fn a_key_that_comes_with_a_new_size_is_not_left_lying() {
    let mut terminal = Terminal::start(120, 40, &["demo"]);
    terminal.wait_for("uteclocal");
    terminal.press("/x");
    terminal.wait_for("/x ");
    // The signal and the key must be there at once; how often they are is chance.
    for round in 0..150 {
        let (key, typed) = if round % 2 == 0 { ("y", "/xy ") } else { ("\x7f", "/x ") };
        terminal.resize(120 - round % 2, 40);
        terminal.press(key);
        terminal.wait_for(typed);
    }
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn a_broken_theme_is_told_with_its_line_and_the_default_stays() {
    let folder = tempfile::tempdir().unwrap();
    let themes = folder.path().join("stackdash/themes");
    std::fs::create_dir_all(&themes).unwrap();
    std::fs::write(themes.join("mine.toml"), "inherits = \"dark\"\n[styles]\nfaled = \"red\"\n").unwrap();
    let config = [("XDG_CONFIG_HOME", folder.path().to_str().unwrap())];
    let mut terminal = Terminal::start_with(160, 40, &["demo", "--theme", "mine"], &config);
    terminal.wait_for("mine.toml:3");
    terminal.wait_for("did you mean \"failed\"?");
    terminal.wait_for("uteclocal");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
}
