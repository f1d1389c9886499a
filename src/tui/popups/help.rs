//! The keys of what has focus, from the table that binds them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::{ACTIONS, Action, KeyContext};
use crate::tui::keymap::{Key, Keymap};
use crate::tui::paint::{cut_end, put, width, wrap};
use crate::tui::popups::{Answer, centered, draw_count, frame};
use crate::tui::theme::Theme;

#[derive(Debug)]
pub struct Help {
    contexts: Vec<KeyContext>,
    /// Leaves out what would be refused.
    read_only: bool,
    scroll: u16,
}

/// Room for the keys before what they mean, at most.
const KEYS: u16 = 14;
/// Columns of the popup.
const WIDE: u16 = 96;

/// A line of it.
struct Row {
    keys: String,
    words: String,
    heading: bool,
}

impl Help {
    pub fn new(contexts: &[KeyContext], read_only: bool) -> Self {
        Self { contexts: contexts.to_vec(), read_only, scroll: 0 }
    }

    pub fn handle(&mut self, action: Option<Action>) -> Answer {
        // Long meanings take two lines.
        let most = (ACTIONS.len() * 2 + self.contexts.len() * 2) as u16;
        match action {
            Some(Action::MoveDown) => self.scroll = (self.scroll + 1).min(most),
            Some(Action::MoveUp) => self.scroll = self.scroll.saturating_sub(1),
            Some(Action::PageDown) => self.scroll = (self.scroll + 10).min(most),
            Some(Action::PageUp) => self.scroll = self.scroll.saturating_sub(10),
            Some(Action::First) => self.scroll = 0,
            Some(Action::Last) => self.scroll = most,
            Some(Action::Back | Action::Quit | Action::Help | Action::Open) => return Answer::Close,
            _ => {}
        }
        Answer::Stay
    }

    pub fn area(&self, screen: Rect, keymap: &Keymap) -> Rect {
        let wide = WIDE.min(screen.width.saturating_sub(4));
        let (rows, _) = self.rows(keymap, wide.saturating_sub(4));
        centered(screen, wide, u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(2))
    }

    /// Returns keys and meanings; an empty key means a heading.
    fn lines(&self, keymap: &Keymap) -> Vec<(String, &'static str)> {
        let mut lines = Vec::new();
        for context in &self.contexts {
            let mut here: Vec<(String, &'static str)> = Vec::new();
            let refused =
                |action: Action| self.read_only && action.changes_something() && action != Action::CancelJob;
            let held = ACTIONS.iter().filter(|info| info.contexts.contains(context));
            for info in held.filter(|info| !refused(info.action)) {
                // A key that an inner context takes means something else here.
                let keys: Vec<String> = keymap
                    .keys(info.action)
                    .iter()
                    .filter(|key| keymap.resolve(&self.contexts, **key) == Some(info.action))
                    .map(Key::to_string)
                    .collect();
                let listed = self
                    .contexts
                    .iter()
                    .take_while(|inner| *inner != context)
                    .any(|inner| info.contexts.contains(inner));
                if !keys.is_empty() && !listed {
                    here.push((keys.join(" "), info.doc));
                }
            }
            if !here.is_empty() {
                if !lines.is_empty() {
                    lines.push((String::new(), ""));
                }
                lines.push((String::new(), heading(*context)));
                lines.extend(here);
            }
        }
        lines
    }

    /// Returns what is shown in so many columns, and how many of them the keys take.
    fn rows(&self, keymap: &Keymap, wide: u16) -> (Vec<Row>, u16) {
        let lines = self.lines(keymap);
        let column = lines.iter().map(|(keys, _)| width(keys)).max().unwrap_or(0).min(KEYS);
        let room = wide.saturating_sub(2 + column + 2);
        let mut rows = Vec::with_capacity(lines.len());
        for (keys, doc) in lines {
            if keys.is_empty() {
                rows.push(Row { keys, words: doc.to_owned(), heading: true });
                continue;
            }
            let mut keys = Some(keys);
            for words in wrap(doc, room) {
                rows.push(Row { keys: keys.take().unwrap_or_default(), words, heading: false });
            }
        }
        (rows, column)
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, keymap: &Keymap, theme: &Theme) {
        let foot = format!("{} closes", keymap.hint_in(&[KeyContext::Menu], Action::Back));
        let inside = frame(area, buf, if self.read_only { "Keys, read-only" } else { "Keys" }, &foot, theme);
        let (rows, column) = self.rows(keymap, inside.width);
        let most = (rows.len() as u16).saturating_sub(inside.height);
        let top = self.scroll.min(most);
        let visible = rows.iter().skip(usize::from(top)).zip(inside.y..inside.bottom());
        for (row, y) in visible {
            if row.heading {
                put(buf, inside.x, y, inside.width, &row.words, theme.title);
                continue;
            }
            put(buf, inside.x + 2, y, column, &cut_end(&row.keys, column, theme.ascii), theme.key);
            let x = inside.x + 2 + column + 2;
            put(buf, x, y, inside.right().saturating_sub(x), &row.words, theme.text);
        }
        if most > 0 {
            draw_count(area, buf, usize::from(top + inside.height), rows.len(), theme);
        }
    }
}

fn heading(context: KeyContext) -> &'static str {
    match context {
        KeyContext::Global => "Everywhere",
        KeyContext::List => "In a list",
        KeyContext::Text => "In a text",
        KeyContext::Tree => "On the selection",
        KeyContext::Logs => "Logs",
        KeyContext::Tokens => "Tokens",
        KeyContext::Watch => "Watch",
        KeyContext::Events => "Events",
        KeyContext::Host => "Host",
        KeyContext::Checks => "Checks",
        KeyContext::Diagnostics => "Diagnostics",
        KeyContext::Confirm => "In a question",
        KeyContext::Menu => "In a menu",
        KeyContext::Input => "While typing",
    }
}
