//! What is the operator's own, in a pseudo-terminal: who is told of changes, and themes that are saved.

use std::time::{Duration, Instant};

use crate::terminal::Terminal;

#[test]
fn a_change_reaches_the_desktop_through_tmux() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "[notify]\nbell = true\ndesktop = \"osc777\"\non = [\"recovered\"]\n").unwrap();
    let config = config.display().to_string();
    let env = [("TMUX", "/tmp/tmux-0/default,1,0")];
    let mut terminal = Terminal::start_with(120, 40, &["demo", "--config", &config], &env);
    // The agent of the demo recovers after 22 seconds.
    let told =
        "\x1bPtmux;\x1b\x1b]777;notify;stackdash;personal-assistant/agent recovered: healthy\x07\x1b\\\x07";
    terminal.wait_for_bytes(told.as_bytes());
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}

#[test]
fn a_theme_shows_as_soon_as_it_is_saved_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let themes = folder.path().join("stackdash/themes");
    std::fs::create_dir_all(&themes).unwrap();
    let save = |text: &str| {
        // As most editors do it: beside, then in its place.
        std::fs::write(themes.join("mine.toml.new"), text).unwrap();
        std::fs::rename(themes.join("mine.toml.new"), themes.join("mine.toml")).unwrap();
    };
    save("inherits = \"dark\"\n");
    let home = folder.path().display().to_string();
    let env = [("XDG_CONFIG_HOME", &*home)];
    let mut terminal = Terminal::start_with(120, 40, &["demo", "--theme", "mine"], &env);
    terminal.wait_for("uteclocal");
    // The first screen does not wait for the watching of themes.
    let end = Instant::now() + Duration::from_secs(30);
    while !terminal.has_written(b"mine.toml:3", Duration::from_secs(3)) {
        assert!(Instant::now() < end, "the broken theme is not told:\n{}", terminal.screen());
        save("inherits = \"dark\"\n[styles]\nfialed = \"red\"\n");
    }
    terminal.wait_gone("mine.toml:3");
    save("inherits = \"dark\"\n[styles]\ntext = { fg = \"#123456\" }\n");
    terminal.wait_for("Theme mine reloaded");
    terminal.wait_for_bytes(b"38;2;18;52;86");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}
