//! Keys are the operator's: on the screens, in dialogs, and in every word that names one.

use stackdash::adapters::scenario::CALM;
use stackdash::config::file;
use stackdash::tui::keymap::{Keymap, Preset};

use crate::support::Stage;

async fn stage(config: &str) -> Stage {
    let file = file::parse("config.toml", config).unwrap();
    let preset = file.key_preset.as_deref().and_then(Preset::by_name);
    let mut stage = Stage::scenario(CALM, 120, 40).await;
    stage.ui.keymap = Keymap::with_preset(preset, &file.keys).unwrap();
    stage.sync().await;
    stage
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered_with_the_operators_keys() {
    let mut stage = stage("[keys]\nrestart = \"F6\"\n[keys.confirm]\nyes = \"Ctrl-y\"\nno = \"F9\"").await;
    stage.keys("j F6").await;
    stage.assert_shows("Ctrl-y yes, F9 no");
    stage.keys("y").await;
    assert_eq!(stage.ui.popups.len(), 1, "y means nothing any more");
    stage.keys("F9").await;
    assert!(stage.ui.popups.is_empty());
    stage.keys("F6 Ctrl-y").await;
    assert_eq!(stage.app.jobs().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_line_and_the_palette_are_left_with_the_operators_keys() {
    let mut stage = stage("[keys.input]\nback = \"Ctrl-g\"\nopen = \"F8\"\nnext-entry = \"Ctrl-j\"").await;
    stage.keys("/").await;
    stage.assert_shows("F8 keeps it  Ctrl-g clears it");
    stage.keys("Esc Enter Ctrl-g").await;
    assert!(stage.ui.popups.is_empty());
    stage.keys(":").await;
    stage.assert_shows("F8 does it");
    stage.keys("s h o w Ctrl-j F8").await;
    assert!(stage.ui.popups.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_menu_moves_by_the_operators_keys() {
    let mut stage = stage("[keys.menu]\nmove-down = \"n\"\nopen = \"F8\"\nback = \"F9\"").await;
    stage.keys("F2").await;
    let before = stage.screen();
    stage.keys("j").await;
    assert_eq!(before, stage.screen());
    stage.keys("n n F8").await;
    assert_eq!(stage.ui.theme.name, "high-contrast");
    stage.keys("F2 F9").await;
    assert!(stage.ui.popups.is_empty());
}

#[tokio::test(start_paused = true)]
async fn help_footer_and_notices_follow_a_preset() {
    let mut stage = stage("[keys]\npreset = \"k9s\"\nlevel = \"F7\"").await;
    stage.keys("j").await;
    let screen = stage.screen();
    let footer = screen.lines().last().unwrap();
    assert!(footer.contains("l logs"), "{footer}");
    assert!(!footer.contains("e shell"), "{footer}");
    stage.keys("?").await;
    stage.assert_shows("Open a shell in the container");
    let screen = stage.screen();
    let line = screen.lines().find(|line| line.contains("Open a shell in the container")).unwrap();
    assert!(line.contains(" s "), "{line}");
    stage.keys("Esc 5 F7 F7").await;
    stage.assert_shows("F7 goes on to the next level");
}

#[tokio::test(start_paused = true)]
async fn a_line_is_edited_with_the_operators_keys() {
    let mut stage =
        stage("[keys.input]\ndelete-word = \"Alt-d\"\ncursor-start = \"F7\"\n[keys]\ndelete-before = \"F8\"")
            .await;
    stage.keys("/ o n e Space t w o").await;
    stage.assert_shows("/one two");
    stage.keys("Ctrl-w Backspace").await;
    stage.assert_shows("/one two");
    stage.keys("Alt-d").await;
    assert!(!stage.screen().contains("two"));
    stage.keys("F8 F7 x").await;
    stage.assert_shows("/xone");
    let file =
        file::parse("config.toml", "[keys.input]\ndelete-word = \"F9\"\ndelete-to-start = \"F9\"\n").unwrap();
    let errors = Keymap::with_preset(None, &file.keys).unwrap_err();
    assert!(errors[0].starts_with("config.toml:3: `F9` is asked for twice"), "{errors:?}");
}
