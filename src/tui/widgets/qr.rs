//! A QR code in cells: half blocks, dark on light whatever the theme, for that is what phones look for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use crate::model::qr::Qr;
use crate::tui::paint::put;
use crate::tui::theme::{ColorDepth, Theme};

/// Returns the columns and rows that it takes: a cell is two squares high, or half a square wide in ASCII.
pub fn size(code: &Qr, ascii: bool) -> (u16, u16) {
    let (wide, high) = if ascii { (code.side() * 2, code.side()) } else { (code.side(), code.half_rows()) };
    (u16::try_from(wide).unwrap_or(u16::MAX), u16::try_from(high).unwrap_or(u16::MAX))
}

/// Draws it at the upper left; there must be room for all of it, half a code says nothing.
pub fn draw(area: Rect, buf: &mut Buffer, code: &Qr, theme: &Theme) {
    let (wide, high) = size(code, theme.ascii);
    if area.width < wide || area.height < high {
        return;
    }
    let (light, dark) = match theme.depth {
        ColorDepth::TrueColor => (Some(Color::Rgb(255, 255, 255)), Some(Color::Rgb(0, 0, 0))),
        ColorDepth::Indexed256 => (Some(Color::Indexed(231)), Some(Color::Indexed(16))),
        ColorDepth::Ansi16 => (Some(Color::White), Some(Color::Black)),
        // As the terminal has them: dark ones show it right.
        ColorDepth::None => (None, None),
    };
    for row in 0..usize::from(high) {
        for column in 0..code.side() {
            let y = area.y + row as u16;
            if theme.ascii {
                let is_dark = code.is_dark(column, row);
                let ground = if is_dark { dark } else { light };
                let symbol = if ground.is_none() && !is_dark { "##" } else { "  " };
                let style = Style { bg: ground, ..Style::new() };
                put(buf, area.x + 2 * column as u16, y, 2, symbol, style);
            } else {
                let style = Style { fg: light, bg: dark, ..Style::new() };
                put(buf, area.x + column as u16, y, 1, code.half_block(column, row * 2), style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme;

    #[test]
    fn it_has_the_same_squares_in_blocks_and_in_ascii() {
        let code = Qr::of("https://a.example/").unwrap();
        let squares = |ascii: bool| {
            let theme = theme::load("light", ascii, ColorDepth::Indexed256).unwrap();
            let (wide, high) = size(&code, ascii);
            let area = Rect::new(0, 0, wide, high);
            let mut buf = Buffer::empty(area);
            draw(area, &mut buf, &code, &theme);
            let side = code.side() as u16;
            (0..side)
                .map(|y| {
                    (0..side)
                        .map(|x| {
                            if ascii {
                                return buf[(2 * x, y)].bg == Color::Indexed(16);
                            }
                            !matches!((buf[(x, y / 2)].symbol(), y % 2), ("█", _) | ("▀", 0) | ("▄", 1))
                        })
                        .collect::<Vec<bool>>()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(squares(false), squares(true));
        assert!(squares(true).iter().flatten().any(|dark| *dark));
    }

    #[test]
    fn where_it_does_not_fit_nothing_is_drawn() {
        let code = Qr::of("https://a.example/").unwrap();
        let theme = theme::load("dark", false, ColorDepth::TrueColor).unwrap();
        let (wide, high) = size(&code, false);
        let area = Rect::new(0, 0, wide, high - 1);
        let mut buf = Buffer::empty(area);
        draw(area, &mut buf, &code, &theme);
        assert_eq!(buf, Buffer::empty(area));
    }
}
