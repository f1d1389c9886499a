//! The last line: the keys that matter here, and the screens. Both can be clicked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::Action;
use crate::tui::paint::{on, put, rule, width};
use crate::tui::popups::Popup;
use crate::tui::ui::Ui;
use crate::tui::view::{Context, Screen};
use crate::tui::views::stacks::Pane;

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
        let key = if item.present { theme.tab_active } else { theme.key };
        let word = if item.present { theme.tab_active } else { theme.muted };
        let x = put(buf, item.x, area.y, room, &item.key, on(theme.bar, key));
        if !item.word.is_empty() {
            put(buf, x + 1, area.y, area.right().saturating_sub(x + 1), item.word, on(theme.bar, word));
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
    // Screens stand at the right; where there is little room only the present one keeps its name.
    let screens: Vec<(Screen, String, &'static str)> = Screen::ALL
        .into_iter()
        .map(|screen| {
            let (title, action) = screen.title();
            let named = area.width >= 116 || screen == ui.screen;
            (screen, ui.keymap.hint(action), if named { title } else { "" })
        })
        .collect();
    let wide: u16 = screens
        .iter()
        .map(|(_, key, title)| width(key) + width(title) + 2 + u16::from(!title.is_empty()))
        .sum();
    let mut x = area.right().saturating_sub(wide);
    let limit = x.saturating_sub(1);
    for (screen, key, word) in screens {
        let next = x + width(&key) + width(word) + 2 + u16::from(!word.is_empty());
        items.push(Item { action: screen.title().1, key, word, x, present: screen == ui.screen });
        x = next;
    }
    let mut x = area.x + 1;
    for action in hints(ui).iter().filter(|action| !(ui.read_only && action.changes_something())) {
        let (key, word) = (ui.keymap.hint_in(ui.contexts(), *action), action.info().short);
        let next = x + width(&key) + 1 + width(word) + 2;
        if key.is_empty() || next > limit {
            continue;
        }
        items.push(Item { action: *action, key, word, x, present: false });
        x = next;
    }
    items
}

/// Lists the keys that matter, the most important first.
fn hints(ui: &Ui) -> &'static [Action] {
    if !ui.connected {
        return &[Action::Help, Action::Reconnect, Action::Quit];
    }
    match (ui.screen, ui.stacks.focus) {
        (Screen::Stacks, Pane::Tree) if ui.stacks.selection_rests() => {
            &[Action::Help, Action::Open, Action::Start, Action::OpenLogs, Action::Filter, Action::Menu]
        }
        (Screen::Stacks, Pane::Tree) => &[
            Action::Help,
            Action::Open,
            Action::OpenLogs,
            Action::Restart,
            Action::Stop,
            Action::Filter,
            Action::Menu,
        ],
        (Screen::Stacks, Pane::Details) => {
            &[Action::Help, Action::Back, Action::NextTab, Action::Filter, Action::OpenLogs, Action::Menu]
        }
        (Screen::Logs, _) => {
            &[Action::Help, Action::Follow, Action::Filter, Action::Level, Action::Wrap, Action::Timestamps]
        }
        (Screen::Events, _) => &[Action::Help, Action::Filter, Action::Level, Action::OpenDetails],
        (Screen::Host, _) => &[Action::Help, Action::ReadAgain],
        (Screen::Diagnostics, _) => &[Action::Help, Action::Follow, Action::Level, Action::Filter],
    }
}
