//! Every action by name, with its key; typed letters narrow it down.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::{ACTIONS, Action, ActionInfo, KeyContext};
use crate::tui::keymap::{Key, Keymap};
use crate::tui::paint::{cut_end, put, put_right};
use crate::tui::popups::input::Edit;
use crate::tui::popups::{Answer, Choice, centered, frame};
use crate::tui::theme::Theme;

#[derive(Debug)]
pub struct Palette {
    contexts: Vec<KeyContext>,
    edit: Edit,
    cursor: usize,
    /// Leave out what changes something.
    read_only: bool,
}

/// Rows of the list.
const ROWS: u16 = 14;

impl Palette {
    pub fn new(contexts: &[KeyContext], read_only: bool) -> Self {
        Self { contexts: contexts.to_vec(), edit: Edit::default(), cursor: 0, read_only }
    }

    pub fn handle(&mut self, action: Option<Action>, key: Key, _keymap: &Keymap) -> Answer {
        match action {
            Some(Action::Open) => return self.choose(self.cursor),
            Some(Action::Back) => return Answer::Close,
            Some(Action::NextEntry) => self.step(true),
            Some(Action::PreviousEntry) => self.step(false),
            _ => {
                if self.edit.handle(key) {
                    self.cursor = 0;
                }
            }
        }
        Answer::Stay
    }

    pub fn paste(&mut self, text: &str) {
        for character in text.chars() {
            self.edit.insert(character);
        }
    }

    pub fn step(&mut self, down: bool) {
        let count = self.found().len().max(1);
        self.cursor = if down { (self.cursor + 1) % count } else { (self.cursor + count - 1) % count };
    }

    pub fn click(&mut self, line: usize) -> Answer {
        // The first line is the one being typed, then a gap.
        line.checked_sub(2).map_or(Answer::Stay, |row| self.choose(row + self.top()))
    }

    fn top(&self) -> usize {
        (self.cursor + 1).saturating_sub(usize::from(ROWS))
    }

    fn choose(&self, index: usize) -> Answer {
        self.found().get(index).map_or(Answer::Stay, |info| Answer::Choose(Choice::Act(info.action)))
    }

    /// Returns the actions that hold here and match what was typed, best first.
    fn found(&self) -> Vec<&'static ActionInfo> {
        let wanted = self.edit.text();
        let mut found: Vec<(i32, &ActionInfo)> = ACTIONS
            .iter()
            .filter(|info| info.action != Action::Palette)
            .filter(|info| !(self.read_only && info.action.changes_something()))
            .filter(|info| info.contexts.iter().any(|context| self.contexts.contains(context)))
            .filter_map(|info| {
                let by_name = score(info.name, wanted);
                let by_doc = score(info.doc, wanted).map(|points| points - 4);
                Some((by_name.max(by_doc)?, info))
            })
            .collect();
        // Stable: equals stay in the table's order.
        found.sort_by_key(|(points, _)| -points);
        found.into_iter().map(|(_, info)| info).collect()
    }

    pub fn area(screen: Rect) -> Rect {
        centered(screen, 76, ROWS + 4)
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, keymap: &Keymap, theme: &Theme) {
        let foot = format!("{} does it", keymap.hint_in(&[KeyContext::Input], Action::Open));
        let inside = frame(area, buf, "Actions", &foot, theme);
        let x = put(buf, inside.x, inside.y, 2, ":", theme.key) + 1;
        self.edit.draw(Rect { x, width: inside.right().saturating_sub(x), height: 1, ..inside }, buf, theme);
        let found = self.found();
        if found.is_empty() {
            put(buf, inside.x, inside.y + 2, inside.width, "No action is called so", theme.muted);
        }
        let rows = usize::from(inside.height.saturating_sub(2)).min(usize::from(ROWS));
        let top = (self.cursor + 1).saturating_sub(rows);
        for (row, (index, info)) in found.iter().enumerate().skip(top).take(rows).enumerate() {
            let y = inside.y + 2 + row as u16;
            let style = if index == self.cursor { theme.strong } else { theme.text };
            put(buf, inside.x, y, 18, info.name, style);
            let room = inside.width.saturating_sub(20 + 10);
            put(buf, inside.x + 19, y, room, &cut_end(info.doc, room, theme.ascii), theme.muted);
            put_right(buf, inside.right().saturating_sub(10), y, 10, &keymap.hint(info.action), theme.key);
            if index == self.cursor {
                let line = Rect { x: inside.x - 1, y, width: inside.width + 2, height: 1 };
                buf.set_style(line, theme.selection);
            }
        }
    }
}

/// Rates how well letters are found in a text, in their order; `None`: not at all. Letters at the
/// beginning of words and letters side by side count more, skipped ones a little less.
pub fn score(text: &str, wanted: &str) -> Option<i32> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let mut points = 0;
    let mut from = 0;
    let mut last: Option<usize> = None;
    for letter in wanted.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let at_word = |at: usize| at == 0 || matches!(text[at - 1], '-' | ' ');
        let next = last.map(|at| at + 1).filter(|at| text.get(*at) == Some(&letter));
        let found = next
            .or_else(|| (from..text.len()).find(|at| text[*at] == letter && at_word(*at)))
            .or_else(|| (from..text.len()).find(|at| text[*at] == letter))?;
        points += if at_word(found) { 8 } else { 1 };
        if next.is_some() {
            points += 6;
        }
        points -= (found - from).min(5) as i32;
        last = Some(found);
        from = found + 1;
    }
    Some(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_match_in_their_order_and_beginnings_win() {
        assert!(score("restart", "rst").is_some());
        assert!(score("restart", "tsr").is_none());
        assert!(score("restart", "res") > score("show-host", "s"));
        assert!(score("show-logs", "sl") > score("timestamps", "sa"));
    }

    #[test]
    fn the_action_meant_comes_first() {
        let mut palette = Palette::new(&[KeyContext::Tree, KeyContext::List, KeyContext::Global], false);
        for (typed, meant) in
            [("restart", Action::Restart), ("logs", Action::OpenLogs), ("them", Action::Themes)]
        {
            palette.edit = Edit::new(typed);
            let names: Vec<_> = palette.found().iter().take(3).map(|info| info.action).collect();
            assert!(names.contains(&meant), "{typed}: {names:?}");
        }
    }
}
