//! A list to choose from: actions on the selection, on the marks, orders, themes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::{Action, KeyContext};
use crate::tui::keymap::{Key, Keymap};
use crate::tui::paint::{cut_end, put, put_right, width};
use crate::tui::popups::{Answer, Choice, centered, frame};
use crate::tui::theme::Theme;

#[derive(Debug)]
pub struct Entry {
    pub label: String,
    /// The key that does the same without the menu, or a remark.
    pub hint: String,
    pub choice: Choice,
}

#[derive(Debug)]
pub struct Menu {
    title: String,
    entries: Vec<Entry>,
    cursor: usize,
}

impl Menu {
    pub fn new(title: impl Into<String>, entries: Vec<Entry>, cursor: usize) -> Self {
        Self { title: title.into(), cursor: cursor.min(entries.len().saturating_sub(1)), entries }
    }

    pub fn handle(&mut self, action: Option<Action>, key: Key, keymap: &Keymap) -> Answer {
        match action {
            Some(Action::MoveDown) => self.step(true),
            Some(Action::MoveUp) => self.step(false),
            Some(Action::First | Action::PageUp) => self.cursor = 0,
            Some(Action::Last | Action::PageDown) => self.cursor = self.entries.len().saturating_sub(1),
            Some(Action::Open) => return self.choose(self.cursor),
            Some(Action::Back | Action::Quit) => return Answer::Close,
            _ => {
                // The key of an entry chooses it, as if the menu were not there.
                let meant = keymap.resolve(&[KeyContext::Tree], key);
                let index = self.entries.iter().position(|entry| match &entry.choice {
                    Choice::Act(action) => Some(*action) == meant,
                    Choice::Do(_) | Choice::ClearMarks | Choice::Sort(_) | Choice::Theme(_) => false,
                });
                if let Some(index) = index {
                    return self.choose(index);
                }
            }
        }
        Answer::Stay
    }

    pub fn step(&mut self, down: bool) {
        let count = self.entries.len().max(1);
        self.cursor = if down { (self.cursor + 1) % count } else { (self.cursor + count - 1) % count };
    }

    pub fn click(&mut self, line: usize) -> Answer {
        self.choose(line)
    }

    fn choose(&self, index: usize) -> Answer {
        self.entries.get(index).map_or(Answer::Stay, |entry| Answer::Choose(entry.choice.clone()))
    }

    pub fn area(&self, screen: Rect) -> Rect {
        let longest =
            self.entries.iter().map(|entry| width(&entry.label) + width(&entry.hint) + 3).max().unwrap_or(0);
        let wide = longest.max(width(&self.title) + 2).clamp(24, 70) + 4;
        centered(screen, wide, self.entries.len() as u16 + 2)
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let inside = frame(area, buf, &self.title, "", theme);
        let height = usize::from(inside.height).max(1);
        let top = (self.cursor + 1).saturating_sub(height);
        for (row, (index, entry)) in self.entries.iter().enumerate().skip(top).take(height).enumerate() {
            let y = inside.y + row as u16;
            let hint = width(&entry.hint);
            let room = inside.width.saturating_sub(hint + 1);
            let style = if index == self.cursor { theme.strong } else { theme.text };
            put(buf, inside.x, y, room, &cut_end(&entry.label, room, theme.ascii), style);
            put_right(buf, inside.x, y, inside.width, &entry.hint, theme.key);
            if index == self.cursor {
                buf.set_style(
                    Rect { x: inside.x - 1, y, width: inside.width + 2, height: 1 },
                    theme.selection,
                );
            }
        }
    }
}
