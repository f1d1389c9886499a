//! From cells to bytes, as few as they need: a cell that looks like the one written before it costs its
//! letter, one further to the right or below it a short step, and the look of the last frame is remembered.
//!
//! Writes nothing itself. Where anything else may have changed how the terminal writes, it must be told to
//! [`Pen::forget`].

use std::io::Write;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// Modifiers with the parameters that switch them on.
const SWITCHES: [(Modifier, u8); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

/// Letters that no other way to move is shorter than.
const SHORT: u16 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    front: Color,
    back: Color,
    modifier: Modifier,
}

const PLAIN: Look = Look { front: Color::Reset, back: Color::Reset, modifier: Modifier::empty() };

/// How the terminal writes now, as far as that is known.
#[derive(Debug, Default)]
pub struct Pen {
    look: Option<Look>,
}

impl Pen {
    /// Takes nothing for granted any more.
    pub fn forget(&mut self) {
        self.look = None;
    }

    /// Appends what writes these cells, which come in the order of reading.
    /// `width`: columns of the terminal.
    pub fn write<'a>(
        &mut self,
        out: &mut Vec<u8>,
        width: u16,
        cells: impl Iterator<Item = (u16, u16, &'a Cell)>,
    ) {
        // Something else may have moved the cursor since the last frame.
        let mut cursor: Option<(u16, u16)> = None;
        for (x, y, cell) in cells {
            step(out, cursor, (x, y));
            self.take(out, Look { front: cell.fg, back: cell.bg, modifier: cell.modifier });
            let symbol = cell.symbol();
            out.extend_from_slice(symbol.as_bytes());
            // Terminals are of two minds about how wide some letters are, and where the cursor is behind the last.
            let is_plain = symbol.width() == 1 && symbol.chars().count() == 1;
            cursor = (is_plain && x + 1 < width).then_some((x + 1, y));
        }
    }

    fn take(&mut self, out: &mut Vec<u8>, look: Look) {
        let old = match self.look.replace(look) {
            Some(old) if old == look => return,
            // What is on cannot be switched off one by one everywhere.
            Some(old) if look.modifier.contains(old.modifier) => old,
            _ => {
                out.extend_from_slice(b"\x1b[0");
                parameters(out, PLAIN, look);
                out.push(b'm');
                return;
            }
        };
        let begin = out.len();
        parameters(out, old, look);
        // The first has a semicolon before it as well.
        out.splice(begin..=begin, *b"\x1b[");
        out.push(b'm');
    }
}

/// Moves to a cell, unless the cursor is there.
fn step(out: &mut Vec<u8>, cursor: Option<(u16, u16)>, (x, y): (u16, u16)) {
    let written = match cursor {
        Some(at) if at == (x, y) => return,
        Some((column, row)) if row == y && column < x => match x - column {
            1 => out.write_all(b"\x1b[C"),
            right => write!(out, "\x1b[{right}C"),
        },
        // Columns of figures: a line feed and some backspaces, which raw terminals take by the letter.
        Some((column, row)) if row < y && x <= column && (y - row) + (column - x) <= SHORT => {
            out.extend((row..y).map(|_| b'\n').chain((x..column).map(|_| 8)));
            return;
        }
        _ if x == 0 => write!(out, "\x1b[{}H", y + 1),
        _ => write!(out, "\x1b[{};{}H", y + 1, x + 1),
    };
    debug_assert!(written.is_ok(), "a vector takes everything");
}

/// Appends `;` and a parameter for all that differs.
fn parameters(out: &mut Vec<u8>, old: Look, new: Look) {
    for (modifier, number) in SWITCHES {
        if new.modifier.contains(modifier) && !old.modifier.contains(modifier) {
            out.extend_from_slice(&[b';', b'0' + number]);
        }
    }
    if old.front != new.front {
        color(out, new.front, 30);
    }
    if old.back != new.back {
        color(out, new.back, 40);
    }
}

/// Appends a color; `base`: 30 for letters, 40 for what is behind them.
fn color(out: &mut Vec<u8>, color: Color, base: u8) {
    let bright = base + 60;
    let number = match color {
        Color::Reset => base + 9,
        Color::Black => base,
        Color::Red => base + 1,
        Color::Green => base + 2,
        Color::Yellow => base + 3,
        Color::Blue => base + 4,
        Color::Magenta => base + 5,
        Color::Cyan => base + 6,
        Color::Gray => base + 7,
        Color::DarkGray => bright,
        Color::LightRed => bright + 1,
        Color::LightGreen => bright + 2,
        Color::LightYellow => bright + 3,
        Color::LightBlue => bright + 4,
        Color::LightMagenta => bright + 5,
        Color::LightCyan => bright + 6,
        Color::White => bright + 7,
        Color::Indexed(index) => {
            let written = write!(out, ";{};5;{index}", base + 8);
            debug_assert!(written.is_ok(), "a vector takes everything");
            return;
        }
        Color::Rgb(red, green, blue) => {
            let written = write!(out, ";{};2;{red};{green};{blue}", base + 8);
            debug_assert!(written.is_ok(), "a vector takes everything");
            return;
        }
    };
    let written = write!(out, ";{number}");
    debug_assert!(written.is_ok(), "a vector takes everything");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    const AREA: Rect = Rect { x: 0, y: 0, width: 20, height: 5 };

    fn frame(pen: &mut Pen, old: &Buffer, new: &Buffer) -> Vec<u8> {
        let mut out = Vec::new();
        pen.write(&mut out, AREA.width, old.diff(new).into_iter());
        out
    }

    #[test]
    fn what_looks_as_before_costs_its_letters() {
        let (mut pen, style) = (Pen::default(), Style::new().fg(Color::Rgb(200, 100, 50)).bg(Color::Black));
        let blank = Buffer::empty(AREA);
        let mut first = blank.clone();
        first.set_string(3, 1, "41s 42s", style);
        assert_eq!(frame(&mut pen, &blank, &first), b"\x1b[2;4H\x1b[0;38;2;200;100;50;40m41s 42s");
        let mut second = first.clone();
        second.set_string(3, 1, "42s 43s", style);
        assert_eq!(frame(&mut pen, &first, &second), b"\x1b[2;5H2\x1b[3C3");
        // Nothing is taken for granted after something else has written.
        pen.forget();
        let begin = b"\x1b[2;5H\x1b[0;38;2;200;100;50;40m";
        assert!(frame(&mut pen, &second, &first).starts_with(begin));
        let mut third = first.clone();
        third.set_string(0, 4, "x", style.fg(Color::Red));
        assert_eq!(frame(&mut pen, &first, &third), b"\x1b[5H\x1b[31mx");
        // A column of figures.
        let mut fourth = third.clone();
        for row in 1..4 {
            fourth.set_string(9, row, "42", style.fg(Color::Red));
        }
        assert_eq!(frame(&mut pen, &third, &fourth), b"\x1b[2;10H42\n\x08\x0842\n\x08\x0842");
    }

    #[test]
    fn behind_a_wide_letter_the_cursor_is_placed_anew() {
        let blank = Buffer::empty(AREA);
        let mut next = blank.clone();
        next.set_string(0, 0, "日本x", Style::new());
        assert_eq!(
            frame(&mut Pen::default(), &blank, &next),
            "\x1b[1H\x1b[0m日\x1b[1;3H本\x1b[1;5Hx".as_bytes()
        );
    }

    fn any_color() -> impl Strategy<Value = Color> {
        prop_oneof![
            Just(Color::Reset),
            Just(Color::Red),
            Just(Color::DarkGray),
            Just(Color::White),
            any::<u8>().prop_map(Color::Indexed),
            any::<[u8; 3]>().prop_map(|[r, g, b]| Color::Rgb(r, g, b)),
        ]
    }

    /// Places with what is written there.
    fn any_writing() -> impl Strategy<Value = Vec<(u16, u16, &'static str, Style)>> {
        let text = prop_oneof![Just("a"), Just("41s"), Just("é"), Just("─│▁█"), Just("   ")];
        let modifier = prop_oneof![
            Just(Modifier::empty()),
            // The terminal of this test knows no letter that is bold and dim.
            Just(Modifier::BOLD),
            Just(Modifier::UNDERLINED | Modifier::ITALIC),
            Just(Modifier::REVERSED | Modifier::BOLD),
        ];
        let style = (any_color(), any_color(), modifier)
            .prop_map(|(front, back, modifier)| Style::new().fg(front).bg(back).add_modifier(modifier));
        prop::collection::vec((0..AREA.width, 0..AREA.height, text, style), 0..12)
    }

    fn seen(color: Color) -> vt100::Color {
        match color {
            Color::Red => vt100::Color::Idx(1),
            Color::DarkGray => vt100::Color::Idx(8),
            Color::White => vt100::Color::Idx(15),
            Color::Indexed(index) => vt100::Color::Idx(index),
            Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
            _ => vt100::Color::Default,
        }
    }

    proptest! {
        #[test]
        fn a_terminal_shows_every_frame_as_it_is(frames in prop::collection::vec(any_writing(), 1..6)) {
            let mut terminal = vt100::Parser::new(AREA.height, AREA.width, 0);
            let (mut pen, mut shown) = (Pen::default(), Buffer::empty(AREA));
            for writing in frames {
                let mut next = Buffer::empty(AREA);
                for (x, y, text, style) in writing {
                    next.set_string(x, y, text, style);
                }
                terminal.process(&frame(&mut pen, &shown, &next));
                for at in AREA.positions() {
                    let (cell, real) = (&next[at], terminal.screen().cell(at.y, at.x).unwrap());
                    let text = if real.contents().is_empty() { " " } else { real.contents() };
                    prop_assert_eq!(text, cell.symbol(), "{:?}", at);
                    prop_assert_eq!(real.fgcolor(), seen(cell.fg));
                    prop_assert_eq!(real.bgcolor(), seen(cell.bg));
                    let switches = [real.bold(), real.dim(), real.italic(), real.underline(), real.inverse()];
                    let wanted = [Modifier::BOLD, Modifier::DIM, Modifier::ITALIC, Modifier::UNDERLINED, Modifier::REVERSED];
                    prop_assert_eq!(switches, wanted.map(|modifier| cell.modifier.contains(modifier)));
                }
                shown = next;
            }
        }
    }
}
