//! A question before something changes. "No" is chosen until the operator says otherwise.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::{Action, KeyContext};
use crate::tui::keymap::Keymap;
use crate::tui::paint::{cut_middle, put, width};
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
        let wide = longest.max(width(&self.question)).clamp(32, 72) + 6;
        centered(screen, wide, self.lines.len() as u16 + 6)
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, keymap: &Keymap, theme: &Theme) {
        let key = |action| keymap.hint_in(&[KeyContext::Confirm], action);
        let foot = format!("{} yes, {} no", key(Action::Yes), key(Action::No));
        let inside = frame(area, buf, &self.question, &foot, theme);
        let (no, yes, y) = buttons(area);
        let last = y.saturating_sub(1);
        for (row, line) in self.lines.iter().enumerate() {
            let y = inside.y + 1 + row as u16;
            if y < last {
                let line = cut_middle(line, inside.width.saturating_sub(1), theme.ascii);
                put(buf, inside.x + 1, y, inside.width.saturating_sub(1), &line, theme.text);
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
