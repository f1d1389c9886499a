//! A sheet of cells for lines that meet and words between them.
//!
//! Lines are drawn from cell to cell; where some meet, the cell's symbol is found in the end from all of
//! its directions. Words lie over lines.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use crate::tui::paint::width;

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// By directions: up 1, down 2, left 4, right 8.
const LINES: [&str; 16] = [" ", "│", "│", "│", "─", "╯", "╮", "┤", "─", "╰", "╭", "├", "─", "┴", "┬", "┼"];

#[derive(Clone, Default)]
struct Cell {
    directions: u8,
    dashed: bool,
    /// Which of several lines gives the color: the one that matters most.
    weight: u8,
    style: Style,
    text: Option<String>,
}

/// How a line looks and how much it matters.
#[derive(Clone, Copy, Debug)]
pub struct Pen {
    pub style: Style,
    pub weight: u8,
    pub dashed: bool,
}

pub struct Canvas {
    width: usize,
    cells: Vec<Cell>,
    ascii: bool,
}

impl Canvas {
    pub fn new(width: usize, height: usize, ascii: bool) -> Self {
        Self { width, cells: vec![Cell::default(); width * height], ascii }
    }

    fn cell(&mut self, x: usize, y: usize) -> Option<&mut Cell> {
        if x < self.width { self.cells.get_mut(y * self.width + x) } else { None }
    }

    fn touch(&mut self, x: usize, y: usize, direction: u8, pen: Pen) {
        let Some(cell) = self.cell(x, y) else { return };
        if cell.directions == 0 || pen.weight >= cell.weight {
            (cell.style, cell.weight) = (pen.style, pen.weight);
        }
        // A line that is drawn through by another stays whole.
        cell.dashed = pen.dashed && (cell.directions == 0 || cell.dashed);
        cell.directions |= direction;
    }

    /// Draws a straight line between two cells, both included.
    pub fn line(&mut self, from: (usize, usize), to: (usize, usize), pen: Pen) {
        let ((x0, y0), (x1, y1)) = (from.min(to), from.max(to));
        if y0 == y1 {
            for x in x0..x1 {
                self.touch(x, y0, RIGHT, pen);
                self.touch(x + 1, y0, LEFT, pen);
            }
        } else {
            for y in y0.min(y1)..y0.max(y1) {
                self.touch(x0, y, DOWN, pen);
                self.touch(x0, y + 1, UP, pen);
            }
        }
    }

    /// Draws a frame and clears what is in it.
    pub fn frame(&mut self, x: usize, y: usize, width: usize, height: usize, pen: Pen) {
        let (right, bottom) = (x + width - 1, y + height - 1);
        for row in y + 1..bottom {
            for column in x + 1..right {
                if let Some(cell) = self.cell(column, row) {
                    *cell = Cell::default();
                }
            }
        }
        for (from, to) in [
            ((x, y), (right, y)),
            ((x, bottom), (right, bottom)),
            ((x, y), (x, bottom)),
            ((right, y), (right, bottom)),
        ] {
            self.line(from, to, pen);
        }
    }

    /// Writes words over whatever is there; returns the column behind them.
    pub fn text(&mut self, mut x: usize, y: usize, text: &str, style: Style) -> usize {
        for cluster in text.graphemes(true) {
            let wide = usize::from(width(cluster));
            if wide == 0 || x + wide > self.width {
                continue;
            }
            for (offset, part) in
                std::iter::once(cluster).chain(std::iter::repeat_n("", wide - 1)).enumerate()
            {
                if let Some(cell) = self.cell(x + offset, y) {
                    cell.text = Some(part.to_owned());
                    cell.style = style;
                }
            }
            x += wide;
        }
        x
    }

    fn symbol<'c>(&self, cell: &'c Cell) -> &'c str {
        if let Some(text) = &cell.text {
            return text;
        }
        let vertical = cell.directions & (UP | DOWN) != 0;
        let horizontal = cell.directions & (LEFT | RIGHT) != 0;
        match (vertical, horizontal) {
            (true, true) if self.ascii => "+",
            (true, false) if self.ascii => {
                if cell.dashed {
                    ":"
                } else {
                    "|"
                }
            }
            (false, true) if self.ascii => "-",
            (true, false) if cell.dashed => "┆",
            (false, true) if cell.dashed => "┄",
            _ => LINES[usize::from(cell.directions & 15)],
        }
    }

    pub fn lines<'a>(&self) -> Vec<Line<'a>> {
        let mut lines = Vec::new();
        for row in self.cells.chunks(self.width.max(1)) {
            let mut spans: Vec<Span<'a>> = Vec::new();
            let end = row.iter().rposition(|cell| cell.text.is_some() || cell.directions != 0);
            for cell in row.iter().take(end.map_or(0, |end| end + 1)) {
                let symbol = self.symbol(cell);
                let blank = symbol == " ";
                match spans.last_mut() {
                    Some(last) if blank || last.style == cell.style => last.content.to_mut().push_str(symbol),
                    _ => spans.push(Span::styled(symbol.to_owned(), cell.style)),
                }
            }
            lines.push(Line::from(spans));
        }
        lines
    }
}
