//! A question before something changes. "No" is chosen until the operator says otherwise.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::{Action, KeyContext};
use crate::tui::keymap::Keymap;
use crate::tui::paint::{cut_middle, put, width, wrap};
use crate::tui::popups::{Answer, centered, frame};
use crate::tui::theme::Theme;

#[derive(Debug)]
pub struct Confirm {
    question: String,
    /// What is touched.
    lines: Vec<String>,
    /// What follows a yes.
    answer: Answer,
    yes: bool,
}

/// Columns of text at most.
const WIDEST: u16 = 72;
/// Columns of the frame and the margins.
const TAKEN: u16 = 5;
/// Words of the two buttons.
const NO: &str = "  No  ";
const YES: &str = "  Yes  ";

impl Confirm {
    pub fn new(question: String, lines: Vec<String>, answer: Answer) -> Self {
        Self { question, lines, answer, yes: false }
    }

    pub fn handle(&mut self, action: Option<Action>) -> Answer {
        match action {
            Some(Action::Yes) => self.answer.clone(),
            Some(Action::No | Action::Back) => Answer::Close,
            Some(Action::Open) if self.yes => self.answer.clone(),
            Some(Action::Open) => Answer::Close,
            Some(Action::Left | Action::Right | Action::NextPane | Action::PreviousPane) => {
                self.yes = !self.yes;
                Answer::Stay
            }
            _ => Answer::Stay,
        }
    }

    pub fn click(&self, area: Rect, column: u16, row: u16) -> Answer {
        let (no, yes, y) = buttons(area);
        if row != y {
            Answer::Stay
        } else if (no..no + width(NO)).contains(&column) {
            Answer::Close
        } else if (yes..yes + width(YES)).contains(&column) {
            self.answer.clone()
        } else {
            Answer::Stay
        }
    }

    pub fn area(&self, screen: Rect) -> Rect {
        let longest = self.lines.iter().map(|line| width(line)).max().unwrap_or(0);
        let wide = (longest.max(width(&self.question)).clamp(32, WIDEST) + 6).min(screen.width);
        centered(screen, wide, self.wrapped(wide.saturating_sub(TAKEN), false).len() as u16 + 6)
    }

    /// Breaks what is too long between words; names and paths are cut in the middle.
    fn wrapped(&self, room: u16, ascii: bool) -> Vec<String> {
        let fit = |line: &String| {
            if width(line) <= room {
                vec![line.clone()]
            } else if line.trim().contains(' ') {
                wrap(line, room)
            } else {
                vec![cut_middle(line, room, ascii).into_owned()]
            }
        };
        self.lines.iter().flat_map(fit).collect()
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, keymap: &Keymap, theme: &Theme) {
        let key = |action| keymap.hint_in(&[KeyContext::Confirm], action);
        let foot = format!("{} yes, {} no", key(Action::Yes), key(Action::No));
        let inside = frame(area, buf, &self.question, &foot, theme);
        let (no, yes, y) = buttons(area);
        let last = y.saturating_sub(1);
        let room = area.width.saturating_sub(TAKEN);
        for (row, line) in self.wrapped(room, theme.ascii).iter().enumerate() {
            let y = inside.y + 1 + row as u16;
            if y < last {
                put(buf, inside.x + 1, y, room, line, theme.text);
            }
        }
        let (mut no_words, mut yes_words) = (String::from(NO), String::from(YES));
        let chosen = if self.yes { &mut yes_words } else { &mut no_words };
        // Also where there are no colors one sees which is chosen.
        *chosen = format!("[{}]", &chosen[1..chosen.len() - 1]);
        let style = |chosen: bool| if chosen { theme.strong.patch(theme.selection) } else { theme.muted };
        put(buf, no, y, width(NO), &no_words, style(!self.yes));
        put(buf, yes, y, width(YES), &yes_words, style(self.yes));
    }
}

/// Returns where the buttons begin, and their row.
fn buttons(area: Rect) -> (u16, u16, u16) {
    let yes = area.right().saturating_sub(3 + width(YES));
    let no = yes.saturating_sub(2 + width(NO));
    (no, yes, area.bottom().saturating_sub(3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::{self, ColorDepth};

    #[test]
    fn long_lines_are_broken_and_the_last_one_is_there() {
        let long = "what is said before it is done and takes more than one line of the question, as it may ";
        let lines = vec![long.to_owned(), long.repeat(2), String::from("the last of what goes")];
        let confirm = Confirm::new(String::from("Remove it?"), lines, Answer::Close);
        let theme = theme::load("dark", false, ColorDepth::TrueColor).unwrap();
        for (columns, rows) in [(60, 20), (80, 24), (120, 40)] {
            let screen = Rect::new(0, 0, columns, rows);
            let area = confirm.area(screen);
            let mut buf = Buffer::empty(screen);
            confirm.draw(area, &mut buf, &Keymap::default(), &theme);
            let text: String = buf.content().iter().map(ratatui::buffer::Cell::symbol).collect();
            assert!(text.contains("the last of what goes"), "{columns}x{rows}");
            assert!(!text.contains('…'), "{columns}x{rows}");
        }
    }
}
