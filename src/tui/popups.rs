//! What lies over a screen: the top one gets the key first. One file each.
//!
//! A popup knows its own entries and answers with what was chosen; [`crate::tui::ui`] carries it out.

pub mod confirm;
pub mod help;
pub mod input;
pub mod menu;
pub mod palette;
pub mod prompt;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Clear, Widget};

use crate::command::Command;
use crate::model::shells::ShellWish;
use crate::tui::action::{Action, KeyContext};
use crate::tui::keymap::{Key, Keymap};
use crate::tui::paint::{put, rule, wall, width};
use crate::tui::popups::confirm::Confirm;
use crate::tui::popups::help::Help;
use crate::tui::popups::input::Input;
use crate::tui::popups::menu::Menu;
use crate::tui::popups::palette::Palette;
use crate::tui::popups::prompt::Prompt;
use crate::tui::theme::Theme;
use crate::tui::view::Effect;
use crate::tui::views::stacks::rows::SortBy;

#[derive(Debug)]
pub enum Popup {
    Help(Help),
    Confirm(Confirm),
    Menu(Menu),
    Palette(Palette),
    /// Lines to be typed, with what they are for.
    Prompt(Prompt),
    /// The filter line at the foot; the screen stays in sight.
    Input(Input),
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Act(Action),
    /// Carry these out.
    Do(Vec<Effect>),
    ClearMarks,
    Sort(SortBy),
    Theme(String),
    Shell(ShellWish),
    /// Ask whether a debug container may stand beside this one (its name).
    AskBeside(String, ShellWish),
    /// Go to a moment, as it was typed.
    Jump(String),
}

/// What a key did to a popup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Stay,
    Close,
    /// Close, then carry this out.
    Choose(Choice),
    Run(Vec<Command>),
    /// The line being typed changed.
    Typed(String),
    /// The line was given up.
    Dropped,
    /// Not for a popup: quit.
    QuitNow,
}

impl Popup {
    pub fn handle(&mut self, key: Key, keymap: &Keymap) -> Answer {
        let contexts: &[KeyContext] = match self {
            Self::Confirm(_) => &[KeyContext::Confirm],
            Self::Input(_) | Self::Palette(_) | Self::Prompt(_) => &[KeyContext::Input],
            Self::Menu(_) | Self::Help(_) => &[KeyContext::Menu, KeyContext::Global],
        };
        let action = keymap.resolve(contexts, key);
        if action == Some(Action::QuitNow) {
            return Answer::QuitNow;
        }
        match self {
            Self::Help(help) => help.handle(action),
            Self::Confirm(confirm) => confirm.handle(action),
            Self::Menu(menu) => menu.handle(action, key, keymap),
            Self::Palette(palette) => palette.handle(action, key, keymap),
            Self::Input(input) => input.handle(action, key),
            Self::Prompt(prompt) => prompt.handle(action, key),
        }
    }

    /// Reacts to a click; one beside it closes it.
    pub fn click(&mut self, area: Rect, column: u16, row: u16, keymap: &Keymap) -> Answer {
        let at = Position { x: column, y: row };
        let frame = self.area(area, keymap);
        if !frame.contains(at) {
            return Answer::Close;
        }
        let line = usize::from(row.saturating_sub(frame.y + 1));
        match self {
            Self::Menu(menu) => menu.click(line),
            Self::Palette(palette) => palette.click(line),
            Self::Confirm(confirm) => confirm.click(frame, column, row),
            Self::Help(_) | Self::Input(_) | Self::Prompt(_) => Answer::Stay,
        }
    }

    pub fn wheel(&mut self, down: bool) {
        let action = Some(if down { Action::MoveDown } else { Action::MoveUp });
        match self {
            Self::Help(help) => {
                help.handle(action);
            }
            Self::Menu(menu) => menu.step(down),
            Self::Palette(palette) => palette.step(down),
            Self::Confirm(_) | Self::Input(_) | Self::Prompt(_) => {}
        }
    }

    /// Returns where it lies on a screen.
    pub fn area(&self, screen: Rect, keymap: &Keymap) -> Rect {
        match self {
            Self::Help(help) => help.area(screen, keymap),
            Self::Confirm(confirm) => confirm.area(screen),
            Self::Menu(menu) => menu.area(screen),
            Self::Palette(_) => Palette::area(screen),
            Self::Prompt(prompt) => prompt.area(screen),
            Self::Input(_) => Rect { y: screen.bottom().saturating_sub(1), height: 1, ..screen },
        }
    }

    pub fn draw(&self, screen: Rect, buf: &mut Buffer, keymap: &Keymap, theme: &Theme) {
        let area = self.area(screen, keymap).intersection(screen);
        // What is written here lies on the popup's own ground.
        let mut theme = theme.clone();
        theme.text.bg = None;
        let theme = &theme;
        match self {
            Self::Help(help) => help.draw(area, buf, keymap, theme),
            Self::Confirm(confirm) => confirm.draw(area, buf, keymap, theme),
            Self::Menu(menu) => menu.draw(area, buf, theme),
            Self::Palette(palette) => palette.draw(area, buf, keymap, theme),
            Self::Prompt(prompt) => prompt.draw(area, buf, theme),
            Self::Input(input) => input.draw(area, buf, keymap, theme),
        }
    }
}

/// Puts a box of some size in the middle, a little above it.
pub fn centered(screen: Rect, wide: u16, high: u16) -> Rect {
    let wide = wide.min(screen.width.saturating_sub(4));
    let high = high.min(screen.height.saturating_sub(2));
    Rect {
        x: screen.x + (screen.width - wide) / 2,
        y: screen.y + (screen.height - high) * 2 / 5,
        width: wide,
        height: high,
    }
}

/// Draws a frame with a title and a foot, and returns what is inside.
pub fn frame(area: Rect, buf: &mut Buffer, title: &str, foot: &str, theme: &Theme) -> Rect {
    Clear.render(area, buf);
    buf.set_style(area, theme.bar);
    if area.width < 4 || area.height < 2 {
        return Rect::default();
    }
    let (line, side, corners) =
        if theme.ascii { ("-", "|", ["+"; 4]) } else { ("─", "│", ["╭", "╮", "╰", "╯"]) };
    let style = theme.border_focused;
    let bottom = area.bottom() - 1;
    rule(buf, area, line, style);
    rule(buf, Rect { y: bottom, ..area }, line, style);
    wall(buf, area, side, style);
    wall(buf, Rect { x: area.right() - 1, ..area }, side, style);
    let places = [(area.x, area.y), (area.right() - 1, area.y), (area.x, bottom), (area.right() - 1, bottom)];
    for ((x, y), corner) in places.into_iter().zip(corners) {
        put(buf, x, y, 1, corner, style);
    }
    let room = area.width - 4;
    if !title.is_empty() {
        put(buf, area.x + 2, area.y, room, &format!(" {title} "), theme.title);
    }
    if !foot.is_empty() {
        let foot = format!(" {foot} ");
        let wide = width(&foot).min(room);
        put(buf, area.right() - 2 - wide, bottom, wide, &foot, theme.muted);
    }
    Rect { x: area.x + 2, y: area.y + 1, width: room, height: area.height - 2 }
}
