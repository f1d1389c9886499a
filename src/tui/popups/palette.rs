//! Every action by name, with its key; typed letters narrow it down.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::{ACTIONS, Action, KeyContext};
use crate::tui::keymap::{Key, Keymap};
use crate::tui::paint::{cut_end, put, put_right};
use crate::tui::popups::input::Edit;
use crate::tui::popups::{Answer, Choice, centered, draw_count, frame};
use crate::tui::theme::Theme;

#[derive(Debug)]
pub struct Palette {
    contexts: Vec<KeyContext>,
    edit: Edit,
    cursor: usize,
    /// Leave out what changes something.
    read_only: bool,
    /// Custom actions: name, what each does, what follows.
    custom: Vec<(String, String, Choice)>,
}

/// One line of the list.
struct Found<'a> {
    name: &'a str,
    doc: &'a str,
    action: Option<Action>,
    choice: Choice,
}

/// Rows of the list.
const ROWS: u16 = 14;

impl Palette {
    pub fn new(contexts: &[KeyContext], read_only: bool) -> Self {
        Self { contexts: contexts.to_vec(), edit: Edit::default(), cursor: 0, read_only, custom: Vec::new() }
    }

    /// Lists the stack's own actions, too.
    pub fn with(self, custom: Vec<(String, String, Choice)>) -> Self {
        let custom = if self.read_only { Vec::new() } else { custom };
        Self { custom, ..self }
    }

    pub fn handle(&mut self, action: Option<Action>, key: Key, _keymap: &Keymap) -> Answer {
        match action {
            Some(Action::Open) => return self.choose(self.cursor),
            Some(Action::Back) => return Answer::Close,
            Some(Action::NextEntry) => self.step(true),
            Some(Action::PreviousEntry) => self.step(false),
            action => {
                if self.edit.handle(action, key) {
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
        self.found().get(index).map_or(Answer::Stay, |found| Answer::Choose(found.choice.clone()))
    }

    /// Returns the actions that hold here and match what was typed, best first.
    fn found(&self) -> Vec<Found<'_>> {
        let wanted = self.edit.text();
        let of_table = ACTIONS
            .iter()
            .filter(|info| info.action != Action::Palette)
            .filter(|info| !(self.read_only && info.action.changes_something()))
            .filter(|info| info.contexts.iter().any(|context| self.contexts.contains(context)))
            .map(|info| Found {
                name: info.name,
                doc: info.doc,
                action: Some(info.action),
                choice: Choice::Act(info.action),
            });
        let custom = self.custom.iter().map(|(name, doc, choice)| Found {
            name,
            doc,
            action: None,
            choice: choice.clone(),
        });
        let mut found: Vec<(i32, Found<'_>)> = of_table
            .chain(custom)
            .filter_map(|found| {
                let by_name = score(found.name, wanted);
                let by_doc = score(found.doc, wanted).map(|points| points - 4);
                Some((by_name.max(by_doc)?, found))
            })
            .collect();
        // Stable: equals stay in the table's order. Before anything is typed, what acts on the selection comes
        // first and what only moves comes last: everybody knows how to move.
        found.sort_by_key(|(points, found)| {
            (-points, if wanted.is_empty() { worth(found.action) } else { 0 })
        });
        found.into_iter().map(|(_, found)| found).collect()
    }

    pub fn area(screen: Rect) -> Rect {
        centered(screen, 96, ROWS + 4)
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
        if found.len() > rows {
            draw_count(area, buf, top + rows, found.len(), theme);
        }
        for (row, (index, one)) in found.iter().enumerate().skip(top).take(rows).enumerate() {
            let y = inside.y + 2 + row as u16;
            let style = if index == self.cursor { theme.strong } else { theme.text };
            put(buf, inside.x, y, 18, &cut_end(one.name, 18, theme.ascii), style);
            let room = inside.width.saturating_sub(20 + 10);
            put(buf, inside.x + 19, y, room, &cut_end(one.doc, room, theme.ascii), theme.muted);
            let hint = one.action.map(|action| keymap.hint(action)).unwrap_or_default();
            put_right(buf, inside.right().saturating_sub(10), y, 10, &hint, theme.key);
            if index == self.cursor {
                let line = Rect { x: inside.x - 1, y, width: inside.width + 2, height: 1 };
                buf.set_style(line, theme.selection);
            }
        }
    }
}

/// Ranks an action before a letter is typed: lower comes first.
fn worth(action: Option<Action>) -> u8 {
    let Some(action) = action else { return 0 };
    let of_screen = |context: &KeyContext| {
        !matches!(
            context,
            KeyContext::Global
                | KeyContext::List
                | KeyContext::Text
                | KeyContext::Input
                | KeyContext::Menu
                | KeyContext::Confirm
        )
    };
    let contexts = action.info().contexts;
    if contexts.iter().any(of_screen) {
        0
    } else if *contexts == [KeyContext::Global] {
        1
    } else {
        2
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
            let names: Vec<_> = palette.found().iter().take(3).filter_map(|found| found.action).collect();
            assert!(names.contains(&meant), "{typed}: {names:?}");
        }
    }
}
