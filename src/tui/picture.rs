//! A rendered screen as an SVG picture: what `stackdash demo --picture FILE` writes.
//!
//! Knows a buffer and nothing of how it came about.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// Width and height of a cell, in SVG units.
const CELL: (f32, f32) = (8.4, 18.0);
/// Room around the screen.
const MARGIN: f32 = 12.0;
const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#c8ccd4";

/// The 16 colors that a terminal brings along, as they are drawn here.
const ANSI: [&str; 16] = [
    "#1c1f26", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf", "#5c6370",
    "#f08080", "#b5e08c", "#f0d08b", "#82c0ff", "#d898f0", "#78d0d8", "#ffffff",
];

/// Draws a buffer as an SVG document.
pub fn svg(buffer: &Buffer) -> String {
    let (columns, rows) = (f32::from(buffer.area.width), f32::from(buffer.area.height));
    let (width, height) = (columns * CELL.0 + 2.0 * MARGIN, rows * CELL.1 + 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let Some(first) = buffer.cell((x, y)) else { break };
            let start = x;
            let mut text = String::new();
            while x < buffer.area.width
                && let Some(cell) = buffer.cell((x, y))
                && looks(cell) == looks(first)
            {
                text.push_str(cell.symbol());
                x += 1;
            }
            run(&mut out, (start, y), x - start, &text, first);
        }
    }
    out.push_str("</svg>\n");
    out
}

fn looks(cell: &Cell) -> (Color, Color, Modifier) {
    (cell.fg, cell.bg, cell.modifier)
}

fn run(out: &mut String, at: (u16, u16), columns: u16, text: &str, cell: &Cell) {
    let (mut fg, mut bg) = (css(cell.fg, FOREGROUND), css(cell.bg, BACKGROUND));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fg, &mut bg);
    }
    let (x, y) = (MARGIN + f32::from(at.0) * CELL.0, MARGIN + f32::from(at.1) * CELL.1);
    let width = f32::from(columns) * CELL.0;
    if bg != BACKGROUND {
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{bg}\"/>",
            CELL.1
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let mut style = String::new();
    if cell.modifier.contains(Modifier::BOLD) {
        style.push_str(" font-weight=\"bold\"");
    }
    if cell.modifier.contains(Modifier::ITALIC) {
        style.push_str(" font-style=\"italic\"");
    }
    if cell.modifier.contains(Modifier::UNDERLINED) {
        style.push_str(" text-decoration=\"underline\"");
    }
    if cell.modifier.contains(Modifier::DIM) {
        style.push_str(" opacity=\"0.6\"");
    }
    // The length is given, so that a reader's font cannot push the columns apart.
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{fg}\"{style} textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\">{}</text>",
        y + CELL.1 * 0.74,
        escape(text)
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn css(color: Color, default: &str) -> String {
    match color {
        Color::Reset => default.to_owned(),
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Indexed(index) => indexed(index),
        Color::Black => ANSI[0].to_owned(),
        Color::Red => ANSI[1].to_owned(),
        Color::Green => ANSI[2].to_owned(),
        Color::Yellow => ANSI[3].to_owned(),
        Color::Blue => ANSI[4].to_owned(),
        Color::Magenta => ANSI[5].to_owned(),
        Color::Cyan => ANSI[6].to_owned(),
        Color::Gray => ANSI[7].to_owned(),
        Color::DarkGray => ANSI[8].to_owned(),
        Color::LightRed => ANSI[9].to_owned(),
        Color::LightGreen => ANSI[10].to_owned(),
        Color::LightYellow => ANSI[11].to_owned(),
        Color::LightBlue => ANSI[12].to_owned(),
        Color::LightMagenta => ANSI[13].to_owned(),
        Color::LightCyan => ANSI[14].to_owned(),
        Color::White => ANSI[15].to_owned(),
    }
}

/// The 256-color cube of xterm.
fn indexed(index: u8) -> String {
    match index {
        0..=15 => ANSI[usize::from(index)].to_owned(),
        16..=231 => {
            let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let n = index - 16;
            format!("#{:02x}{:02x}{:02x}", level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        232..=255 => {
            let gray = 8 + 10 * (index - 232);
            format!("#{gray:02x}{gray:02x}{gray:02x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn hostile_text_cannot_leave_its_element() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 1));
        buffer.set_string(0, 0, "<script>&", Style::new().fg(Color::Red));
        let picture = svg(&buffer);
        assert!(picture.contains("&lt;script&gt;&amp;"));
        assert!(!picture.contains("<script"));
    }
}
