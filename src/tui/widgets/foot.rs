//! The line under a list or a text: how much there is at the left, how it is shown at the right.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::tui::theme::Theme;

/// Draws both sides in the first row of `area`. The right side wins; the left one loses whole pieces from
/// its end until it fits.
pub fn draw(area: Rect, buf: &mut Buffer, left: &[String], right: &[(String, Style)], theme: &Theme) {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return;
    }
    let dot = if theme.ascii { " - " } else { " · " };
    let right: Vec<_> = right.iter().filter(|(words, _)| !words.is_empty()).collect();
    let gaps = right.len().saturating_sub(1) * dot.width();
    let width = right.iter().map(|(words, _)| words.width()).sum::<usize>() + gaps;
    let start = area.right().saturating_sub(width as u16).max(area.x);
    let mut x = start;
    for (n, (words, style)) in right.iter().enumerate() {
        let room = |x: u16| usize::from(area.right().saturating_sub(x));
        if n > 0 {
            x = buf.set_stringn(x, area.y, dot, room(x), theme.faint).0;
        }
        x = buf.set_stringn(x, area.y, words, room(x), *style).0;
    }
    let room = usize::from((start - area.x).saturating_sub(2));
    let fits = (0..=left.len()).rev().map(|count| left[..count].join(dot)).find(|text| text.width() <= room);
    buf.set_stringn(area.x, area.y, fits.unwrap_or_default(), room, theme.muted);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_left_side_loses_pieces_until_it_fits() {
        let drawn = |width: u16| {
            let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
            let left = [String::from("12 lines"), String::from("3K")];
            draw(buf.area, &mut buf, &left, &[(String::from("paused"), Style::new())], &Theme::plain());
            buf.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>()
        };
        assert_eq!(drawn(24), "12 lines · 3K     paused");
        assert_eq!(drawn(18), "12 lines    paused");
        assert_eq!(drawn(10), "    paused");
        assert_eq!(drawn(4), "paus");
    }
}
