//! A line that is asked for in a box: a user, a folder.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::containers::ContainerId;
use crate::tui::action::Action;
use crate::tui::keymap::Key;
use crate::tui::paint::{put, width};
use crate::tui::popups::input::Edit;
use crate::tui::popups::{Answer, Choice, centered, frame};
use crate::tui::theme::Theme;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    User(ContainerId),
    Folder(ContainerId),
}

#[derive(Debug)]
pub struct Prompt {
    title: String,
    /// Says what may be typed.
    remark: &'static str,
    asked: Asked,
    edit: Edit,
}

impl Prompt {
    pub fn new(title: String, remark: &'static str, asked: Asked) -> Self {
        Self { title, remark, asked, edit: Edit::default() }
    }

    pub fn handle(&mut self, action: Option<Action>, key: Key) -> Answer {
        match action {
            Some(Action::Open) => {
                let text = self.edit.text().trim();
                if text.is_empty() {
                    Answer::Close
                } else {
                    Answer::Choose(Choice::Typed(self.asked.clone(), text.to_owned()))
                }
            }
            Some(Action::Back) => Answer::Close,
            _ => {
                self.edit.handle(key);
                Answer::Stay
            }
        }
    }

    pub fn paste(&mut self, text: &str) {
        for character in text.chars() {
            self.edit.insert(character);
        }
    }

    pub fn area(&self, screen: Rect) -> Rect {
        let wide = width(&self.title).max(width(self.remark)).clamp(44, 72) + 6;
        centered(screen, wide, 6)
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let inside = frame(area, buf, &self.title, "Enter goes on, Esc gives up", theme);
        let line = Rect { y: inside.y + 1, height: 1, ..inside };
        if inside.height > 1 {
            self.edit.draw(line, buf, theme);
        }
        if inside.height > 2 {
            put(buf, inside.x, inside.y + 2, inside.width, self.remark, theme.muted);
        }
    }
}
