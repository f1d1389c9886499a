//! The last line: the keys that matter here, and the screens. Both can be clicked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::stacks::Target;
use crate::tui::action::Action;
use crate::tui::paint::{on, put, rule, width};
use crate::tui::popups::Popup;
use crate::tui::ui::Ui;
use crate::tui::view::{Context, Screen};
use crate::tui::views::stacks::Pane;

/// Columns from which every screen is named at the foot, and from which all are but the one that is rarely wanted.
const ALL_NAMED: u16 = 144;
const NAMED: u16 = 116;

/// One thing that can be pressed: its key, its word, where it stands.
struct Item {
    action: Action,
    key: String,
    word: &'static str,
    x: u16,
    present: bool,
}

pub fn draw(area: Rect, buf: &mut Buffer, ui: &Ui, cx: &Context<'_>) {
    let theme = cx.theme;
    rule(buf, area, " ", theme.bar);
    if matches!(ui.popups.last(), Some(Popup::Input(_))) {
        return;
    }
    for item in items(area, ui) {
        let room = area.right().saturating_sub(item.x);
        // A theme may give the present one a ground of its own, against which its letters stand.
        let style = |usual| {
            if item.present { theme.bar.patch(theme.tab_active) } else { on(theme.bar, usual) }
        };
        let x = put(buf, item.x, area.y, room, &item.key, style(theme.key));
        if !item.word.is_empty() {
            put(buf, x + 1, area.y, area.right().saturating_sub(x + 1), item.word, style(theme.muted));
        }
    }
}

/// Returns what a click on the last line means.
pub fn action_at(area: Rect, column: u16, ui: &Ui) -> Option<Action> {
    items(area, ui)
        .into_iter()
        .find(|item| {
            let wide = width(&item.key) + width(item.word) + 1;
            (item.x..item.x + wide).contains(&column)
        })
        .map(|item| item.action)
}

fn items(area: Rect, ui: &Ui) -> Vec<Item> {
    let mut items = Vec::new();
    // Screens stand at the right; where there is little room only the present one keeps its name. By the width
    // alone, so that nothing jumps as the selection moves.
    let gap = if (NAMED..ALL_NAMED).contains(&area.width) { 1 } else { 2 };
    let screens: Vec<(Screen, String, &'static str)> = Screen::ALL
        .into_iter()
        .map(|screen| {
            let (title, action) = screen.title();
            let rare = screen == Screen::Diagnostics && area.width < ALL_NAMED;
            let named = screen == ui.screen || (area.width >= NAMED && !rare);
            (screen, ui.keymap.hint(action), if named { title } else { "" })
        })
        .collect();
    let wide: u16 = screens
        .iter()
        .map(|(_, key, title)| width(key) + width(title) + gap + u16::from(!title.is_empty()))
        .sum();
    let mut x = area.right().saturating_sub(wide + 2 - gap);
    let limit = x.saturating_sub(1);
    for (screen, key, word) in screens {
        let next = x + width(&key) + width(word) + gap + u16::from(!word.is_empty());
        items.push(Item { action: screen.title().1, key, word, x, present: screen == ui.screen });
        x = next;
    }
    let mut x = area.x + 1;
    for action in hints(ui).iter().filter(|action| !(ui.read_only && action.changes_something())) {
        let (key, word) = (ui.keymap.hint_in(ui.contexts(), *action), action.info().short);
        let end = x + width(&key) + 1 + width(word);
        if key.is_empty() || end > limit {
            continue;
        }
        items.push(Item { action: *action, key, word, x, present: false });
        x = end + 2;
    }
    items
}

/// Lists the keys that matter, the most important first.
fn hints(ui: &Ui) -> &'static [Action] {
    if !ui.connected {
        return &[Action::Help, Action::Reconnect, Action::Quit];
    }
    match (ui.screen, ui.stacks.focus) {
        (Screen::Stacks, Pane::Tree) if ui.stacks.selected().is_none() => {
            &[Action::Help, Action::Palette, Action::ShowAbsent]
        }
        // Of what was never created there is nothing to start and no log.
        (Screen::Stacks, Pane::Tree) if ui.stacks.selection_is_absent() => {
            if matches!(ui.stacks.selected(), Some(Target::Stack(_))) {
                &[Action::Help, Action::Open, Action::UpStack, Action::ShowAbsent, Action::Menu]
            } else {
                &[Action::Help, Action::Open, Action::Up, Action::UpStack, Action::Menu, Action::Filter]
            }
        }
        (Screen::Stacks, Pane::Tree) if ui.stacks.selection_rests() => {
            &[Action::Help, Action::Open, Action::Start, Action::OpenLogs, Action::Menu, Action::Filter]
        }
        (Screen::Stacks, Pane::Tree) => &[
            Action::Help,
            Action::Open,
            Action::OpenLogs,
            Action::Restart,
            Action::Stop,
            Action::Menu,
            Action::Filter,
        ],
        (Screen::Stacks, Pane::Details) => {
            &[Action::Help, Action::Back, Action::NextTab, Action::Filter, Action::OpenLogs, Action::Menu]
        }
        (Screen::Logs, _) => {
            &[Action::Help, Action::Follow, Action::Filter, Action::Level, Action::Wrap, Action::Timestamps]
        }
        // What is not there cannot be refreshed or watched.
        (Screen::Tokens, _) if !ui.tokens.lists_any() => &[Action::Help, Action::Palette],
        (Screen::Watch, _) if !ui.watch.lists_any() => &[Action::Help, Action::Palette],
        (Screen::Tokens, _) => &[
            Action::Help,
            Action::RefreshToken,
            Action::Authorize,
            Action::AutoRefresh,
            Action::Open,
            Action::Filter,
            Action::Sort,
        ],
        (Screen::Watch, _) => &[
            Action::Help,
            Action::ToggleWatch,
            Action::TriggerWatch,
            Action::PauseWatch,
            Action::ManualWatch,
            Action::Open,
            Action::Filter,
        ],
        (Screen::Events, _) => &[
            Action::Help,
            Action::Filter,
            Action::Level,
            Action::OpenDetails,
            Action::Kind,
            Action::Timestamps,
        ],
        (Screen::Checks, _) => {
            &[Action::Help, Action::Open, Action::Filter, Action::Level, Action::CopyLine, Action::ReadAgain]
        }
        (Screen::Host, _) => &[Action::Help, Action::ReadAgain],
        (Screen::Diagnostics, _) => &[Action::Help, Action::Follow, Action::Level, Action::Filter],
    }
}
