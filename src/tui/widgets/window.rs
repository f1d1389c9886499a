//! The visible part of a long list: selection, offset, paging, and the scrollbar beside it.
//!
//! Knows numbers of rows, not what is in them; a view draws [`Window::visible`] and nothing else.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::Action;
use crate::tui::theme::Theme;

/// Rows kept between the selection and the edge while moving.
const MARGIN: usize = 2;

/// Positions in a list of which only a part is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    selected: usize,
    offset: usize,
    len: usize,
    height: usize,
}

impl Window {
    /// Takes over the length of the list and the height of its area.
    pub fn fit(&mut self, len: usize, height: usize) {
        self.len = len;
        self.height = height;
        self.settle();
    }

    pub fn selected(&self) -> usize {
        self.selected
    }

    pub fn offset(&self) -> usize {
        self.offset
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the rows that are seen.
    pub fn visible(&self) -> Range<usize> {
        self.offset..self.len.min(self.offset + self.height)
    }

    pub fn select(&mut self, row: usize) {
        self.selected = row;
        self.settle();
    }

    /// Selects a row and keeps it on the screen row where the old one was: for lists that grew above.
    pub fn shift_to(&mut self, row: usize) {
        let screen_row = self.selected.saturating_sub(self.offset);
        self.selected = row;
        self.offset = row.saturating_sub(screen_row);
        self.settle();
    }

    /// Returns the row of the list at a row of the area, if there is one.
    pub fn row_at(&self, area: Rect, row: u16) -> Option<usize> {
        let inside = row.checked_sub(area.y).filter(|down| *down < area.height)?;
        Some(self.offset + inside as usize).filter(|index| *index < self.len)
    }

    /// Moves as an action says; returns whether the action was one of movement.
    pub fn handle(&mut self, action: Action) -> bool {
        let page = self.height.saturating_sub(1).max(1);
        let half = (self.height / 2).max(1);
        match action {
            Action::MoveDown => self.move_by(1),
            Action::MoveUp => self.move_by(-1),
            Action::PageDown => self.move_by(page as isize),
            Action::PageUp => self.move_by(-(page as isize)),
            Action::HalfPageDown => self.move_by(half as isize),
            Action::HalfPageUp => self.move_by(-(half as isize)),
            Action::First => self.select(0),
            Action::Last => self.select(self.len.saturating_sub(1)),
            _ => return false,
        }
        true
    }

    fn move_by(&mut self, rows: isize) {
        self.select(self.selected.saturating_add_signed(rows));
    }

    /// Puts selection and offset back into bounds, with some rows of context around the selection.
    fn settle(&mut self) {
        let last = self.len.saturating_sub(1);
        self.selected = self.selected.min(last);
        let margin = MARGIN.min(self.height.saturating_sub(1) / 2);
        let lowest = (self.selected + margin + 1).saturating_sub(self.height);
        let highest = self.selected.saturating_sub(margin);
        self.offset = self.offset.clamp(lowest.min(highest), highest.max(lowest));
        self.offset = self.offset.min(self.len.saturating_sub(self.height));
    }
}

/// Draws a scrollbar into the first column of `area`: nothing where everything is seen.
pub fn draw_scrollbar(area: Rect, buf: &mut Buffer, visible: Range<usize>, len: usize, theme: &Theme) {
    let area = area.intersection(buf.area);
    if area.is_empty() || visible.len() >= len {
        return;
    }
    let height = usize::from(area.height);
    let thumb = (visible.len() * height).div_ceil(len).clamp(1, height);
    let hidden = len - visible.len();
    // The ends are only touched when the list's ends are seen.
    let room = height - thumb;
    let top = match visible.start {
        0 => 0,
        start if start >= hidden => room,
        start => {
            (start * room / hidden).clamp(usize::from(room > 1), room.saturating_sub(1).max(1).min(room))
        }
    };
    let (track, knob) = if theme.ascii { ("|", "#") } else { ("│", "┃") };
    for row in 0..area.height {
        let on = (top..top + thumb).contains(&usize::from(row));
        let (symbol, style) = if on { (knob, theme.muted) } else { (track, theme.gauge_empty) };
        buf[(area.x, area.y + row)].set_symbol(symbol).set_style(style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(len: usize, height: usize) -> Window {
        let mut window = Window::default();
        window.fit(len, height);
        window
    }

    #[test]
    fn moving_keeps_context_around_the_selection() {
        let mut window = window(100, 10);
        for _ in 0..8 {
            window.handle(Action::MoveDown);
        }
        assert_eq!((window.selected(), window.visible()), (8, 1..11));
        window.handle(Action::Last);
        assert_eq!((window.selected(), window.visible()), (99, 90..100));
        window.handle(Action::PageUp);
        assert_eq!((window.selected(), window.visible()), (90, 88..98));
        window.handle(Action::First);
        assert_eq!((window.selected(), window.visible()), (0, 0..10));
    }

    #[test]
    fn a_list_that_shrinks_keeps_the_selection_inside() {
        let mut window = window(100, 10);
        window.select(80);
        window.fit(5, 10);
        assert_eq!((window.selected(), window.visible()), (4, 0..5));
        window.fit(0, 10);
        assert_eq!((window.selected(), window.visible()), (0, 0..0));
        window.handle(Action::MoveDown);
        assert_eq!(window.selected(), 0);
    }

    #[test]
    fn a_window_of_one_row_and_of_none_still_works() {
        let mut window = window(10, 1);
        window.handle(Action::MoveDown);
        assert_eq!(window.visible(), 1..2);
        window.fit(10, 0);
        assert_eq!(window.visible().len(), 0);
        window.handle(Action::PageDown);
        assert_eq!(window.selected(), 2);
    }

    #[test]
    fn rows_added_above_leave_the_picture_still() {
        let mut window = window(50, 10);
        window.select(20);
        let offset = window.offset();
        window.fit(53, 10);
        window.shift_to(23);
        assert_eq!((window.selected(), window.offset()), (23, offset + 3));
    }

    #[test]
    fn clicks_hit_rows_only() {
        let mut window = window(3, 10);
        window.select(1);
        let area = Rect::new(0, 5, 20, 10);
        assert_eq!(window.row_at(area, 6), Some(1));
        assert_eq!(window.row_at(area, 9), None);
        assert_eq!(window.row_at(area, 4), None);
    }

    #[test]
    fn the_scrollbar_touches_an_end_only_at_the_end() {
        let drawn = |visible: Range<usize>| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 1, 6));
            draw_scrollbar(buf.area, &mut buf, visible, 100, &Theme { ascii: true, ..Theme::plain() });
            buf.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>()
        };
        assert_eq!(drawn(0..6), "#|||||");
        assert_eq!(drawn(1..7), "|#||||");
        assert_eq!(drawn(93..99), "||||#|");
        assert_eq!(drawn(94..100), "|||||#");
        assert_eq!(drawn(0..100), "      ");
    }
}
