//! A text to read: scrolls both ways, wraps, searches.
//!
//! The lines stay with their owner and are lent to [`TextPane::sync`] and [`TextPane::draw`].

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::Action;
use crate::tui::theme::Theme;
use crate::tui::widgets::query::Query;
use crate::tui::widgets::scroll::Scroll;
use crate::tui::widgets::styled::{self, Piece};
use crate::tui::widgets::window;

/// Columns that one key scrolls sideways.
const STEP: usize = 8;

/// Positions in a text.
#[derive(Clone, Debug, Default)]
pub struct TextPane {
    scroll: Scroll,
    /// First visible column while not wrapped.
    column: usize,
    wrap: bool,
    query: Query,
    /// Lines with a match, in order.
    hits: Vec<usize>,
    /// Which of `hits` the search stands on.
    current: Option<usize>,
    /// A line to bring into sight at the next sync.
    reveal: bool,
    /// Whether the query changed since `hits` were found.
    searched: bool,
    heights: Vec<usize>,
    widest: usize,
    view: (usize, usize),
}

impl TextPane {
    /// Takes over the lines and the area they are drawn in.
    pub fn sync(&mut self, lines: &[String], area: Rect) {
        self.view = (usize::from(area.width.saturating_sub(1)), usize::from(area.height));
        if !self.searched || self.heights.len() != lines.len() {
            self.searched = true;
            self.hits.clear();
            self.hits.extend((0..lines.len()).filter(|line| self.query.finds(&lines[*line])));
            self.current = match self.current {
                _ if self.hits.is_empty() => None,
                Some(current) => Some(current.min(self.hits.len() - 1)),
                None => {
                    Some(self.hits.partition_point(|hit| *hit < self.scroll.line).min(self.hits.len() - 1))
                }
            };
        }
        let width = self.view.0;
        self.heights.clear();
        self.heights.extend(lines.iter().map(|line| if self.wrap { styled::rows(line, width) } else { 1 }));
        self.widest = if self.wrap { 0 } else { lines.iter().map(String::len).max().unwrap_or(0) };
        self.column = self.column.min(self.widest.saturating_sub(width));
        if std::mem::take(&mut self.reveal)
            && let Some(hit) = self.current.and_then(|current| self.hits.get(current))
        {
            self.scroll.reveal(*hit, lines.len(), self.view.1, |line| self.heights[line]);
        }
        self.scroll.settle(lines.len(), self.view.1, |line| self.heights[line]);
    }

    /// Moves as an action says; returns whether the action was one of its own.
    pub fn handle(&mut self, action: Action) -> bool {
        let page = self.view.1.saturating_sub(1).max(1);
        let half = (self.view.1 / 2).max(1);
        match action {
            Action::MoveDown => self.down(1),
            Action::MoveUp => self.up(1),
            Action::HalfPageDown => self.down(half),
            Action::HalfPageUp => self.up(half),
            Action::PageDown => self.down(page),
            Action::PageUp => self.up(page),
            Action::First => self.scroll = Scroll::default(),
            Action::Last => {
                self.scroll = Scroll::end(self.heights.len(), self.view.1, |line| self.heights[line]);
            }
            Action::Right => self.column = (self.column + STEP).min(self.widest.saturating_sub(self.view.0)),
            Action::Left => self.column = self.column.saturating_sub(STEP),
            Action::Wrap => {
                self.wrap = !self.wrap;
                self.column = 0;
                self.scroll.row = 0;
            }
            Action::NextMatch => self.step(1),
            Action::PreviousMatch => self.step(-1),
            _ => return false,
        }
        true
    }

    /// Scrolls by rows: the wheel.
    pub fn scroll_by(&mut self, rows: isize) {
        if rows < 0 { self.up(rows.unsigned_abs()) } else { self.down(rows.unsigned_abs()) }
    }

    /// Searches for another text; the next sync goes to the first match from here on.
    pub fn set_query(&mut self, text: &str) {
        self.query.set(text);
        self.searched = false;
        self.current = None;
        self.reveal = true;
    }

    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Returns `3/17`, `no match`, or nothing while nothing is searched.
    pub fn status(&self) -> String {
        match self.current {
            _ if self.query.is_empty() => String::new(),
            Some(current) => format!("{}/{}", current + 1, self.hits.len()),
            None => String::from("no match"),
        }
    }

    pub fn is_wrapped(&self) -> bool {
        self.wrap
    }

    /// Returns the first visible line.
    pub fn first_line(&self) -> usize {
        self.scroll.line
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme, lines: &[String]) {
        let area = area.intersection(buf.area);
        if area.width < 2 || area.height == 0 {
            return;
        }
        let width = area.width - 1;
        let mut y = area.y;
        let mut line = self.scroll.line;
        let mut skip = self.scroll.row;
        let current = self.current.and_then(|current| self.hits.get(current)).copied();
        while y < area.bottom() && line < lines.len() {
            let text = lines[line].as_str();
            let matches: Vec<Range<usize>> = self.query.matches(text).collect();
            let piece = Piece {
                text,
                runs: &[],
                base: theme.text,
                matches: &matches,
                current: current == Some(line),
            };
            if self.wrap {
                let hang = styled::hang(text, usize::from(width)) as u16;
                // An empty line is a row as well.
                let rows = styled::wrapped(text, usize::from(width)).enumerate();
                y += u16::from(text.is_empty() && skip == 0);
                for (row, range) in rows.skip(skip).take(usize::from(area.bottom().saturating_sub(y))) {
                    let indent = if row == 0 { 0 } else { hang };
                    piece.draw(buf, (area.x + indent, y), width - indent, range, theme);
                    y += 1;
                }
                skip = 0;
            } else {
                let (start, over) = styled::byte_at(text, self.column);
                let over = over as u16;
                piece.draw(buf, (area.x + over, y), width.saturating_sub(over), start..text.len(), theme);
                y += 1;
            }
            line += 1;
        }
        let bar = Rect { x: area.right() - 1, width: 1, ..area };
        window::draw_scrollbar(bar, buf, self.scroll.line..line, lines.len(), theme);
    }

    fn down(&mut self, rows: usize) {
        self.scroll.down(rows, self.heights.len(), self.view.1, |line| self.heights[line]);
    }

    fn up(&mut self, rows: usize) {
        self.scroll.up(rows, |line| self.heights[line]);
    }

    fn step(&mut self, by: isize) {
        let count = self.hits.len() as isize;
        if count > 0 {
            let from = self.current.map_or(0, |current| current as isize + by);
            self.current = Some(from.rem_euclid(count) as usize);
            self.reveal = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<String> {
        (0..40)
            .map(|n| format!("line {n} {}", if n % 10 == 3 { "Needle in a long line of hay" } else { "" }))
            .collect()
    }

    fn drawn(pane: &mut TextPane, width: u16, height: u16) -> Vec<String> {
        let lines = lines();
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        pane.sync(&lines, buf.area);
        pane.draw(buf.area, &mut buf, &Theme { ascii: true, ..Theme::default() }, &lines);
        let cells: Vec<&str> = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        cells.chunks(width as usize).map(|row| row[..row.len() - 1].concat().trim_end().to_owned()).collect()
    }

    #[test]
    fn search_goes_from_match_to_match_and_around() {
        let mut pane = TextPane::default();
        pane.set_query("needle");
        drawn(&mut pane, 20, 5);
        assert_eq!(pane.status(), "1/4");
        pane.handle(Action::PreviousMatch);
        let screen = drawn(&mut pane, 20, 5);
        assert_eq!(pane.status(), "4/4");
        assert!(screen.iter().any(|row| row.starts_with("line 33 Needle")), "{screen:?}");
        pane.handle(Action::NextMatch);
        assert_eq!(pane.status(), "1/4");
        pane.set_query("nowhere");
        drawn(&mut pane, 20, 5);
        assert_eq!(pane.status(), "no match");
    }

    #[test]
    fn it_scrolls_both_ways_and_wraps() {
        let mut pane = TextPane::default();
        drawn(&mut pane, 16, 4);
        pane.handle(Action::Right);
        assert_eq!(drawn(&mut pane, 16, 4)[3], "eedle in a long");
        pane.handle(Action::Wrap);
        assert_eq!(drawn(&mut pane, 16, 5)[3..], ["line 3 Needle", "  in a long"]);
        drawn(&mut pane, 16, 2);
        pane.handle(Action::Last);
        assert_eq!(drawn(&mut pane, 16, 2), ["line 38", "line 39"]);
        pane.handle(Action::MoveUp);
        assert_eq!(drawn(&mut pane, 16, 2), ["line 37", "line 38"]);
    }
}
