use insta::assert_snapshot;

use crate::command::Command;
use crate::model::tokens::RefreshCause;
use crate::tui::fixture::tokens::{add, add_busy, id};
use crate::tui::fixture::{Stage, now, trouble, well};
use crate::tui::theme::{self, ColorDepth};
use crate::tui::ui::Request;
use crate::tui::view::Screen;

fn stage(width: u16, height: u16) -> Stage {
    let mut stage = Stage::new(width, height).connected(well()).sampled();
    add_busy(&mut stage.state);
    stage
}

fn calm() -> Stage {
    let mut stage = Stage::new(120, 40).connected(well());
    add(&mut stage.state);
    stage
}

#[test]
fn one_token_in_each_state_at_every_size() {
    for (width, height) in [(60, 20), (80, 24), (120, 40), (200, 50)] {
        assert_snapshot!(format!("board_{width}x{height}"), stage(width, height).keys("3").screen());
    }
}

#[test]
fn the_board_in_ascii() {
    let mut stage = stage(80, 24).keys("3");
    stage.ui.theme.ascii = true;
    let screen = stage.text();
    assert!(screen.is_ascii(), "{screen}");
    assert_snapshot!(screen);
}

#[test]
fn states_keep_their_colors_apart_in_three_themes() {
    for name in ["dark", "light", "high-contrast"] {
        let mut stage = stage(120, 40).keys("3");
        stage.ui.theme = theme::load(name, false, ColorDepth::TrueColor).unwrap();
        let buffer = stage.buffer();
        let at = |word: &str| {
            let row = (0..40).find(|y| {
                let text: String = (0..120).map(|x| buffer[(x, *y)].symbol()).collect();
                text.contains(word)
            });
            buffer[(3, row.unwrap())].fg
        };
        assert_ne!(at("rejected  "), at("● valid"), "{name}");
        assert_ne!(at("expiring  "), at("● valid"), "{name}");
        assert_ne!(at("expiring  "), at("rejected  "), "{name}");
    }
}

#[test]
fn no_secret_of_a_rule_is_shown() {
    let mut stage = stage(200, 50).keys("3 o o G");
    let mut all = String::new();
    for _ in 0..8 {
        all += &stage.text();
        stage = stage.keys("k");
    }
    assert!(all.contains("auth.example"), "{all}");
    assert!(!all.contains("hunter2") && !all.contains("account_id=work"), "{all}");
}

#[test]
fn details_take_a_narrow_screen_and_give_it_back() {
    let mut stage = stage(60, 20).keys("3 Enter");
    assert_snapshot!(stage.text());
    stage = stage.keys("Esc");
    assert!(stage.text().contains("EXPIRES"));
    assert_eq!(stage.ui.screen, Screen::Tokens);
    stage = stage.keys("Enter q");
    assert_eq!(stage.ui.screen, Screen::Tokens);
    assert_eq!(stage.keys("q").ui.screen, Screen::Stacks);
}

#[test]
fn an_empty_board_says_how_to_add_a_token() {
    let mut stage = Stage::new(80, 24).connected(trouble()).keys("3");
    assert!(stage.text().contains("Reading the tokens of your stacks"));
    let stacks: Vec<_> = stage.state.containers.stacks().map(|stack| stack.name.clone()).collect();
    for stack in stacks {
        let folder = std::path::PathBuf::from(format!("/srv/stacks/{stack}"));
        let result = Ok(crate::model::stack_file::StackFile::default());
        stage.apply(crate::event::Event::StackFileRead { stack, folder, result });
    }
    assert_snapshot!(stage.screen());
}

#[test]
fn r_refreshes_the_selected_one_without_a_question() {
    let stage = calm().keys("3 / g o o g l e - h Enter r");
    let token = id("personal-assistant", "google-home");
    assert_eq!(stage.asked, [Request::Run(Command::RefreshToken { token, by: RefreshCause::Operator })]);
}

#[test]
fn what_has_no_refresh_says_so() {
    let mut stage = calm().keys("3 / c e r t Enter r");
    assert_eq!(stage.asked, []);
    assert!(stage.text().contains("its rule says no refresh"), "{}", stage.text());
}

#[test]
fn t_asks_and_names_the_worst_on_any_screen() {
    let mut stage = calm().keys("5 T");
    let screen = stage.text();
    assert!(screen.contains("Refresh the token personal-assistant/google-work now?"), "{screen}");
    assert!(screen.contains("invalid_grant"), "{screen}");
    assert_eq!(stage.asked, []);
    let token = id("personal-assistant", "google-work");
    let stage = stage.keys("y");
    assert_eq!(stage.asked, [Request::Run(Command::RefreshToken { token, by: RefreshCause::Operator })]);
}

#[test]
fn read_only_refuses_a_refresh() {
    let mut stage = calm();
    stage.state.read_only = true;
    let mut stage = stage.keys("3 r T A");
    assert_eq!(stage.asked, []);
    assert!(stage.text().contains("Read-only"));
}

#[test]
fn a_switches_the_refreshing_by_itself() {
    let stage = calm().keys("3 / g o o g l e - h Enter A");
    let token = id("personal-assistant", "google-home");
    assert_eq!(stage.asked, [Request::Run(Command::SetAutoRefresh { token, on: true })]);
}

#[test]
fn the_selection_stays_on_its_token_while_the_order_changes() {
    let mut stage = calm().keys("3 j j");
    stage.sync();
    let before = stage.ui.tokens.selected(&stage.state).map(|token| token.id.clone());
    let mut stage = stage.keys("o");
    stage.sync();
    assert_eq!(stage.ui.tokens.selected(&stage.state).map(|token| token.id.clone()), before);
}

#[test]
fn seconds_count_only_while_one_is_near() {
    let mut stage = calm().keys("3");
    stage.sync();
    assert!(stage.ui.tokens.counts_seconds(&stage.state, now()), "one ends in 42s");
    let mut stage = stage.keys("/ c e r t Enter");
    stage.sync();
    let later = now() + jiff::SignedDuration::from_mins(10);
    assert!(!stage.ui.tokens.counts_seconds(&stage.state, later));
}
