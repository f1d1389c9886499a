//! The keys of what has focus, from the table that binds them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::{ACTIONS, Action, KeyContext};
use crate::tui::keymap::{Key, Keymap};
use crate::tui::paint::{cut_end, put, width};
use crate::tui::popups::{Answer, centered, frame};
use crate::tui::theme::Theme;

#[derive(Debug)]
pub struct Help {
    contexts: Vec<KeyContext>,
    scroll: u16,
}

/// Room for the keys before what they mean.
const KEYS: u16 = 14;

impl Help {
    pub fn new(contexts: &[KeyContext]) -> Self {
        Self { contexts: contexts.to_vec(), scroll: 0 }
    }

    pub fn handle(&mut self, action: Option<Action>) -> Answer {
        let most = (ACTIONS.len() + self.contexts.len() * 2) as u16;
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
        centered(screen, 96, self.lines(keymap).len() as u16 + 2)
    }

    /// Returns keys and meanings; an empty key means a heading.
    fn lines(&self, keymap: &Keymap) -> Vec<(String, &'static str)> {
        let mut lines = Vec::new();
        for context in &self.contexts {
            let mut here: Vec<(String, &'static str)> = Vec::new();
            for info in ACTIONS.iter().filter(|info| info.contexts.contains(context)) {
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

    pub fn draw(&self, area: Rect, buf: &mut Buffer, keymap: &Keymap, theme: &Theme) {
        let lines = self.lines(keymap);
        let foot = format!("{} closes", keymap.hint_in(&[KeyContext::Menu], Action::Back));
        let inside = frame(area, buf, "Keys", &foot, theme);
        let most = (lines.len() as u16).saturating_sub(inside.height);
        let top = self.scroll.min(most);
        for (row, (keys, doc)) in
            lines.iter().skip(usize::from(top)).take(usize::from(inside.height)).enumerate()
        {
            let y = inside.y + row as u16;
            if keys.is_empty() {
                put(buf, inside.x, y, inside.width, doc, theme.title);
                continue;
            }
            put(buf, inside.x + 2, y, KEYS - 2, &cut_end(keys, KEYS - 2, theme.ascii), theme.key);
            let room = inside.width.saturating_sub(KEYS + 2);
            put(buf, inside.x + KEYS + 2, y, room, &cut_end(doc, room, theme.ascii), theme.text);
        }
        if most > 0 {
            let words = format!(" {} of {} ", top + inside.height, lines.len());
            put(buf, area.x + 2, area.bottom() - 1, width(&words), &words, theme.muted);
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
        KeyContext::Events => "Events",
        KeyContext::Host => "Host",
        KeyContext::Diagnostics => "Diagnostics",
        KeyContext::Confirm => "In a question",
        KeyContext::Menu => "In a menu",
        KeyContext::Input => "While typing",
    }
}
