//! A line being typed at the foot: the filter of a list, the search of a text. Live.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::tui::action::{Action, KeyContext};
use crate::tui::keymap::{Key, Keymap};
use crate::tui::paint::{put, rule, width};
use crate::tui::popups::{Answer, Choice};
use crate::tui::theme::Theme;

/// Longest text that is taken.
const LONGEST: usize = 2_000;

/// A text with a cursor, edited as shells do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    text: String,
    /// Byte offset, always between characters.
    cursor: usize,
}

impl Edit {
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), cursor: text.len() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Applies a key: what it means while typing, else what it types. Returns whether the text changed.
    pub fn handle(&mut self, action: Option<Action>, key: Key) -> bool {
        let before = self.text[..self.cursor].char_indices().next_back().map_or(0, |(at, _)| at);
        let after =
            self.text[self.cursor..].chars().next().map_or(self.cursor, |c| self.cursor + c.len_utf8());
        let moved_to = match action {
            Some(Action::DeleteBefore) => return self.cut(before..self.cursor),
            Some(Action::DeleteAfter) => return self.cut(self.cursor..after),
            Some(Action::DeleteToStart) => return self.cut(0..self.cursor),
            Some(Action::DeleteToEnd) => return self.cut(self.cursor..self.text.len()),
            Some(Action::DeleteWord) => {
                let kept = self.text[..self.cursor].trim_end().rfind(' ').map_or(0, |at| at + 1);
                return self.cut(kept..self.cursor);
            }
            Some(Action::CursorLeft) => before,
            Some(Action::CursorRight) => after,
            Some(Action::CursorStart) => 0,
            Some(Action::CursorEnd) => self.text.len(),
            Some(_) => return false,
            None => return key.typed().is_some_and(|character| self.insert(character)),
        };
        self.cursor = moved_to;
        false
    }

    pub fn insert(&mut self, character: char) -> bool {
        if character.is_control() || self.text.len() >= LONGEST {
            return false;
        }
        self.text.insert(self.cursor, character);
        self.cursor += character.len_utf8();
        true
    }

    fn cut(&mut self, range: std::ops::Range<usize>) -> bool {
        let changed = !range.is_empty();
        self.cursor = range.start;
        self.text.replace_range(range, "");
        changed
    }

    /// Draws the text with its cursor; of a text that is too long, the part around the cursor.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let mut before = &self.text[..self.cursor];
        while width(before) >= area.width.max(1) {
            let mut characters = before.chars();
            characters.next();
            before = characters.as_str();
        }
        let x = put(buf, area.x, area.y, area.width, before, theme.strong);
        let end =
            put(buf, x, area.y, area.right().saturating_sub(x), &self.text[self.cursor..], theme.strong);
        if end == x {
            put(buf, x, area.y, area.right().saturating_sub(x), " ", theme.strong);
        }
        if let Some(cell) = buf.cell_mut((x, area.y)) {
            cell.modifier.insert(Modifier::REVERSED);
        }
    }
}

/// What a typed line is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asked {
    /// Filters a list, searches a text.
    #[default]
    Search,
    /// Shows only lines that match, or hides them.
    Only,
    /// A moment to go to.
    Time,
}

impl Asked {
    fn mark(self) -> &'static str {
        match self {
            Self::Search => "/",
            Self::Only => "only ",
            Self::Time => "go to ",
        }
    }

    fn hint(self, keymap: &Keymap) -> String {
        let key = |action| keymap.hint_in(&[KeyContext::Input], action);
        let keys = || format!("{} keeps it  {} clears it", key(Action::Open), key(Action::Back));
        match self {
            Self::Search => keys(),
            Self::Only => format!("! before it hides  {}", keys()),
            Self::Time => String::from("14:05, 2026-11-20 14:05, or 5m ago"),
        }
    }
}

#[derive(Debug)]
pub struct Input {
    edit: Edit,
    asked: Asked,
}

impl Input {
    pub fn new(text: &str) -> Self {
        Self::for_a(Asked::Search, text)
    }

    pub fn for_a(asked: Asked, text: &str) -> Self {
        Self { edit: Edit::new(text), asked }
    }

    pub fn asked(&self) -> Asked {
        self.asked
    }

    pub fn handle(&mut self, action: Option<Action>, key: Key) -> Answer {
        match action {
            Some(Action::Open) if self.asked == Asked::Time => {
                Answer::Choose(Choice::Jump(self.edit.text().to_owned()))
            }
            Some(Action::Open) => Answer::Close,
            Some(Action::Back) => Answer::Dropped,
            action if self.edit.handle(action, key) => Answer::Typed(self.edit.text().to_owned()),
            _ => Answer::Stay,
        }
    }

    pub fn paste(&mut self, text: &str) -> Answer {
        for character in text.chars() {
            self.edit.insert(character);
        }
        Answer::Typed(self.edit.text().to_owned())
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, keymap: &Keymap, theme: &Theme) {
        rule(buf, area, " ", theme.bar);
        let x = put(buf, area.x + 1, area.y, area.width, self.asked.mark(), theme.key);
        let words = self.asked.hint(keymap);
        let wide = width(&words);
        let room = Rect { x, width: area.right().saturating_sub(x + wide + 5).max(10), ..area };
        self.edit.draw(room, buf, theme);
        let x = area.right().saturating_sub(wide + 1);
        put(buf, x, area.y, area.right() - x, &words, theme.muted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(edit: &mut Edit, keys: &str) {
        for key in keys.split_whitespace() {
            let key = Key::parse(key).unwrap();
            edit.handle(Keymap::default().resolve(&[KeyContext::Input], key), key);
        }
    }

    #[test]
    fn a_line_is_edited_as_in_a_shell() {
        let mut edit = Edit::default();
        press(&mut edit, "ä p i Left Left x End Backspace");
        assert_eq!(edit.text(), "äxp");
        press(&mut edit, "Space f o o Ctrl-w");
        assert_eq!(edit.text(), "äxp ");
        press(&mut edit, "Home Delete Ctrl-e Ctrl-u");
        assert_eq!(edit.text(), "");
        press(&mut edit, "Backspace Delete Left Right q");
        assert_eq!(edit.text(), "q");
    }
}
