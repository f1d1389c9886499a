//! Scrolling through lines of different height: where the first visible row is.
//!
//! Heights are asked for only around the visible part, so a hundred thousand wrapped lines cost no more
//! than fifty. Knows nothing of what the lines say.

/// The first visible row: a line, and a row within it when it is wrapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scroll {
    pub line: usize,
    pub row: usize,
}

impl Scroll {
    /// Returns the position at which the last row of the last line is at the foot of the view.
    pub fn end(len: usize, view: usize, height_of: impl Fn(usize) -> usize) -> Self {
        let mut room = view;
        for line in (0..len).rev() {
            let height = height_of(line).max(1);
            if height >= room {
                return Self { line, row: height - room.max(1) };
            }
            room -= height;
        }
        Self::default()
    }

    /// Moves down by rows, but not beyond the end.
    pub fn down(&mut self, mut rows: usize, len: usize, view: usize, height_of: impl Fn(usize) -> usize) {
        while rows > 0 && self.line < len {
            let left = height_of(self.line).max(1).saturating_sub(self.row).max(1);
            if rows < left {
                self.row += rows;
                break;
            }
            rows -= left;
            self.line += 1;
            self.row = 0;
        }
        self.settle(len, view, height_of);
    }

    /// Moves up by rows.
    pub fn up(&mut self, mut rows: usize, height_of: impl Fn(usize) -> usize) {
        while rows > 0 {
            if rows <= self.row {
                self.row -= rows;
                return;
            }
            rows -= self.row;
            self.row = 0;
            if self.line == 0 {
                return;
            }
            self.line -= 1;
            self.row = height_of(self.line).max(1);
        }
    }

    /// Goes back into bounds after lines, width or view have changed.
    pub fn settle(&mut self, len: usize, view: usize, height_of: impl Fn(usize) -> usize) {
        if self.line < len {
            self.row = self.row.min(height_of(self.line).max(1) - 1);
        }
        *self = (*self).min(Self::end(len, view, height_of));
    }

    /// Moves only as far as needed for a line to be seen, with some lines of context.
    pub fn reveal(&mut self, line: usize, len: usize, view: usize, height_of: impl Fn(usize) -> usize) {
        let mut seen = 0;
        let mut at = self.line;
        while at < len && at < line && seen < view {
            seen += height_of(at).max(1) - if at == self.line { self.row } else { 0 };
            at += 1;
        }
        let visible = line >= self.line && !(line == self.line && self.row > 0) && at == line && seen < view;
        if !visible {
            *self = Self { line, row: 0 };
            self.up(view / 3, &height_of);
            self.settle(len, view, height_of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_scroll_row_by_row() {
        let height = |line: usize| if line == 1 { 5 } else { 1 };
        let mut scroll = Scroll::default();
        scroll.down(3, 10, 4, height);
        assert_eq!(scroll, Scroll { line: 1, row: 2 });
        scroll.down(3, 10, 4, height);
        assert_eq!(scroll, Scroll { line: 2, row: 0 });
        scroll.up(1, height);
        assert_eq!(scroll, Scroll { line: 1, row: 4 });
        scroll.up(100, height);
        assert_eq!(scroll, Scroll::default());
    }

    #[test]
    fn the_end_is_the_last_row_at_the_foot() {
        assert_eq!(Scroll::end(10, 4, |_| 1), Scroll { line: 6, row: 0 });
        assert_eq!(Scroll::end(10, 4, |_| 3), Scroll { line: 8, row: 2 });
        assert_eq!(Scroll::end(2, 4, |_| 1), Scroll::default());
        let mut scroll = Scroll { line: 9, row: 0 };
        scroll.settle(10, 4, |_| 1);
        assert_eq!(scroll.line, 6);
        scroll.settle(0, 4, |_| 1);
        assert_eq!(scroll, Scroll::default());
    }

    #[test]
    fn a_line_in_sight_is_not_moved() {
        let mut scroll = Scroll { line: 10, row: 0 };
        scroll.reveal(12, 100, 9, |_| 1);
        assert_eq!(scroll.line, 10);
        scroll.reveal(19, 100, 9, |_| 1);
        assert_eq!(scroll.line, 16);
        scroll.reveal(3, 100, 9, |_| 1);
        assert_eq!(scroll.line, 0);
    }
}
