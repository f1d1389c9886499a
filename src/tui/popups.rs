//! What lies over a screen: the top one gets the key first. One file each.
//!
//! A popup knows its own entries and answers with what was chosen; [`crate::tui::ui`] carries it out.

pub mod asking;
pub mod authorize;
pub mod command;
pub mod confirm;
pub mod help;
pub mod input;
pub mod menu;
pub mod palette;
pub mod profiles;
pub mod prompt;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Clear, Widget};

use crate::command::Command;
use crate::model::runs::RunOrder;
use crate::model::shells::ShellWish;
use crate::model::stack_file::CustomAction;
use crate::tui::action::{Action, KeyContext};
use crate::tui::keymap::{Key, Keymap};
use crate::tui::paint::{put, rule, wall, width};
use crate::tui::popups::asking::Asking;
use crate::tui::popups::authorize::Authorize;
use crate::tui::popups::command::CommandLine;
use crate::tui::popups::confirm::Confirm;
use crate::tui::popups::help::Help;
use crate::tui::popups::input::Input;
use crate::tui::popups::menu::Menu;
use crate::tui::popups::palette::Palette;
use crate::tui::popups::profiles::Profiles;
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
    Profiles(Profiles),
    /// Lines to be typed, with what they are for.
    Prompt(Prompt),
    /// A program to be typed.
    Command(CommandLine),
    /// The questions of a custom action.
    Asking(Box<Asking>),
    /// A token that is being authorized.
    Authorize(Box<Authorize>),
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
    /// Bring up (or take down) these profiles of a stack.
    Profiles {
        stack: Arc<str>,
        names: Vec<String>,
        up: bool,
    },
    Sort(SortBy),
    Theme(String),
    Shell(ShellWish),
    /// Begin a custom action of a stack.
    Custom(Arc<str>, Box<CustomAction>),
    /// Go on with a custom action: every question is answered.
    Answered(Arc<str>, Box<CustomAction>, Vec<(String, String)>),
    /// Run this.
    Run(RunOrder),
    /// Run what was typed, and remember the line.
    RunLine(String, RunOrder),
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
    /// Stay, and carry these out.
    Do(Vec<Effect>),
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
            Self::Input(_) | Self::Palette(_) | Self::Prompt(_) | Self::Command(_) | Self::Asking(_) => {
                &[KeyContext::Input]
            }
            Self::Menu(_) | Self::Help(_) | Self::Profiles(_) | Self::Authorize(_) => {
                &[KeyContext::Menu, KeyContext::Global]
            }
        };
        let action = keymap.resolve(contexts, key);
        if action == Some(Action::QuitNow) {
            return Answer::QuitNow;
        }
        match self {
            Self::Help(help) => help.handle(action),
            Self::Confirm(confirm) => confirm.handle(action),
            Self::Menu(menu) => menu.handle(action, key, keymap),
            Self::Profiles(profiles) => profiles.handle(action, key, keymap),
            Self::Palette(palette) => palette.handle(action, key, keymap),
            Self::Input(input) => input.handle(action, key),
            Self::Prompt(prompt) => prompt.handle(action, key),
            Self::Command(line) => line.handle(action, key),
            Self::Asking(asking) => asking.handle(action, key),
            Self::Authorize(authorize) => authorize.handle(action),
        }
    }

    /// Reacts to a click; one beside it closes it.
    pub fn click(&mut self, area: Rect, column: u16, row: u16, keymap: &Keymap, ascii: bool) -> Answer {
        let at = Position { x: column, y: row };
        let frame = self.area(area, keymap, ascii);
        if let Self::Authorize(_) = self {
            // What waits for somebody is not given up by a slip of the mouse.
            return Answer::Stay;
        }
        if !frame.contains(at) {
            return Answer::Close;
        }
        let line = usize::from(row.saturating_sub(frame.y + 1));
        match self {
            Self::Menu(menu) => menu.click(line, usize::from(frame.height.saturating_sub(2))),
            Self::Profiles(profiles) => profiles.click(line),
            Self::Palette(palette) => palette.click(line),
            Self::Confirm(confirm) => confirm.click(frame, column, row),
            Self::Asking(asking) => asking.click(line),
            Self::Help(_) | Self::Input(_) | Self::Prompt(_) | Self::Command(_) | Self::Authorize(_) => {
                Answer::Stay
            }
        }
    }

    pub fn wheel(&mut self, down: bool) {
        let action = Some(if down { Action::MoveDown } else { Action::MoveUp });
        match self {
            Self::Help(help) => {
                help.handle(action);
            }
            Self::Menu(menu) => menu.step(down),
            Self::Profiles(profiles) => profiles.step(down),
            Self::Palette(palette) => palette.step(down),
            Self::Asking(asking) => asking.step(down),
            Self::Confirm(_) | Self::Input(_) | Self::Prompt(_) | Self::Command(_) | Self::Authorize(_) => {}
        }
    }

    /// Returns where it lies on a screen.
    pub fn area(&self, screen: Rect, keymap: &Keymap, ascii: bool) -> Rect {
        match self {
            Self::Help(help) => help.area(screen, keymap),
            Self::Confirm(confirm) => confirm.area(screen),
            Self::Menu(menu) => menu.area(screen),
            Self::Profiles(profiles) => profiles.area(screen),
            Self::Palette(_) => Palette::area(screen),
            Self::Prompt(prompt) => prompt.area(screen),
            Self::Command(_) => CommandLine::area(screen),
            Self::Asking(asking) => asking.area(screen),
            Self::Authorize(authorize) => authorize.area(screen, keymap, ascii),
            Self::Input(_) => Rect { y: screen.bottom().saturating_sub(1), height: 1, ..screen },
        }
    }

    pub fn draw(&self, screen: Rect, buf: &mut Buffer, keymap: &Keymap, theme: &Theme) {
        let area = self.area(screen, keymap, theme.ascii).intersection(screen);
        // What is written here lies on the popup's own ground.
        let mut theme = theme.clone();
        theme.text.bg = None;
        let theme = &theme;
        match self {
            Self::Help(help) => help.draw(area, buf, keymap, theme),
            Self::Confirm(confirm) => confirm.draw(area, buf, keymap, theme),
            Self::Menu(menu) => menu.draw(area, buf, theme),
            Self::Profiles(profiles) => profiles.draw(area, buf, keymap, theme),
            Self::Palette(palette) => palette.draw(area, buf, keymap, theme),
            Self::Prompt(prompt) => prompt.draw(area, buf, theme),
            Self::Command(line) => line.draw(area, buf, keymap, theme),
            Self::Asking(asking) => asking.draw(area, buf, keymap, theme),
            Self::Authorize(authorize) => authorize.draw(screen, area, buf, keymap, theme),
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

/// Says in the frame of a list that does not fit how far one sees.
pub fn draw_count(area: Rect, buf: &mut Buffer, until: usize, of: usize, theme: &Theme) {
    let words = format!(" {} of {of} ", until.min(of));
    put(buf, area.x + 2, area.bottom().saturating_sub(1), width(&words), &words, theme.muted);
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
