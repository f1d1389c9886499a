//! A list to choose from: actions on the selection, on the marks, orders, themes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::{Action, KeyContext};
use crate::tui::keymap::{Key, Keymap};
use crate::tui::paint::{cut_end, put, put_right, width};
use crate::tui::popups::{Answer, Choice, centered, draw_count, frame};
use crate::tui::theme::Theme;

/// Columns of a menu at most, without its frame.
const WIDEST: u16 = 70;
/// Columns of labels at most in front of remarks.
const REMARKS_MOST: u16 = 30;

#[derive(Debug)]
pub struct Entry {
    pub label: String,
    /// The key that does the same without the menu, or a remark.
    pub hint: String,
    pub choice: Choice,
}

impl Entry {
    fn names_a_key(&self) -> bool {
        matches!(self.choice, Choice::Act(_) | Choice::ClearMarks)
    }
}

#[derive(Debug)]
pub struct Menu {
    title: String,
    /// What the choice is about, above the entries.
    lines: Vec<String>,
    entries: Vec<Entry>,
    cursor: usize,
}

impl Menu {
    pub fn new(title: impl Into<String>, entries: Vec<Entry>, cursor: usize) -> Self {
        let cursor = cursor.min(entries.len().saturating_sub(1));
        Self { title: title.into(), lines: Vec::new(), cursor, entries }
    }

    /// Says first what it is about.
    pub fn about(mut self, lines: Vec<String>) -> Self {
        self.lines = lines;
        if !self.lines.is_empty() {
            self.lines.push(String::new());
        }
        self
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
                    _ => false,
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

    /// Reacts to a click on one of its `rows`.
    pub fn click(&mut self, line: usize, rows: usize) -> Answer {
        let said = self.lines_shown(rows);
        let top = self.top(rows - said);
        line.checked_sub(said).map_or(Answer::Stay, |row| self.choose(top + row))
    }

    /// Returns how many lines are said above the entries: these keep two rows.
    fn lines_shown(&self, rows: usize) -> usize {
        self.lines.len().min(rows.saturating_sub(self.entries.len().min(2)))
    }

    /// Returns the first entry that is shown in so many rows.
    fn top(&self, rows: usize) -> usize {
        (self.cursor + 1).saturating_sub(rows)
    }

    fn choose(&self, index: usize) -> Answer {
        self.entries.get(index).map_or(Answer::Stay, |entry| Answer::Choose(entry.choice.clone()))
    }

    /// Returns how far right remarks begin: in one column behind the labels, but for the few that are so
    /// long that nothing would fit beside them.
    fn remarks_at(&self) -> u16 {
        let remarked = || self.entries.iter().filter(|entry| !entry.names_a_key() && !entry.hint.is_empty());
        let longest = remarked().map(|entry| width(&entry.hint)).max().unwrap_or(0);
        let ends = remarked().map(|entry| width(&entry.label) + 2);
        ends.filter(|end| *end <= REMARKS_MOST && end + longest <= WIDEST).max().unwrap_or(0)
    }

    pub fn area(&self, screen: Rect) -> Rect {
        let at = self.remarks_at();
        let wide = |entry: &Entry| match entry.names_a_key() {
            true => width(&entry.label) + width(&entry.hint) + 3,
            false if entry.hint.is_empty() => width(&entry.label),
            false => (width(&entry.label) + 2).max(at) + width(&entry.hint),
        };
        let longest = self.entries.iter().map(wide).max().unwrap_or(0);
        let said = self.lines.iter().map(|line| width(line)).max().unwrap_or(0);
        let wide = longest.max(said).max(width(&self.title) + 2).clamp(24, WIDEST) + 4;
        centered(screen, wide, (self.lines.len() + self.entries.len()) as u16 + 2)
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let mut inside = frame(area, buf, &self.title, "", theme);
        for line in self.lines.iter().take(self.lines_shown(usize::from(inside.height))) {
            let words = cut_end(line, inside.width, theme.ascii);
            put(buf, inside.x, inside.y, inside.width, &words, theme.muted);
            inside = Rect { y: inside.y + 1, height: inside.height - 1, ..inside };
        }
        let remarks_at = self.remarks_at();
        let height = usize::from(inside.height).max(1);
        let top = self.top(height);
        if self.entries.len() > height {
            draw_count(area, buf, top + height, self.entries.len(), theme);
        }
        for (row, (index, entry)) in self.entries.iter().enumerate().skip(top).take(height).enumerate() {
            let y = inside.y + row as u16;
            let hint = width(&entry.hint);
            let room = inside.width.saturating_sub(hint + 1);
            let style = if index == self.cursor { theme.strong } else { theme.text };
            put(buf, inside.x, y, room, &cut_end(&entry.label, room, theme.ascii), style);
            if entry.names_a_key() {
                put_right(buf, inside.x, y, inside.width, &entry.hint, theme.key);
            } else if remarks_at.max(width(&entry.label) + 2) + hint <= inside.width {
                let at = inside.x + remarks_at.max(width(&entry.label) + 2);
                put(buf, at, y, hint, &entry.hint, theme.muted);
            } else {
                put_right(buf, inside.x, y, inside.width, &entry.hint, theme.muted);
            }
            if index == self.cursor {
                buf.set_style(
                    Rect { x: inside.x - 1, y, width: inside.width + 2, height: 1 },
                    theme.selection,
                );
            }
        }
    }
}
