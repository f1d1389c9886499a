//! A line of history in one row: as many of the newest values as there are columns.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

const BLOCKS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII: [&str; 8] = ["_", ".", "-", "=", "+", "*", "%", "#"];

/// Draws `values`, oldest first, right-aligned in the first row of `area`.
///
/// `max` is the top of the scale (the highest value where none is given). `NaN` leaves a gap: nothing
/// was read there, which is not the same as zero.
pub fn draw(area: Rect, buf: &mut Buffer, values: &[f32], max: Option<f32>, style: Style, ascii: bool) {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return;
    }
    let shown = &values[values.len().saturating_sub(area.width as usize)..];
    let top = max.unwrap_or_else(|| shown.iter().copied().filter(|v| v.is_finite()).fold(0.0, f32::max));
    let marks = if ascii { ASCII } else { BLOCKS };
    let first = area.right() - shown.len() as u16;
    for (x, value) in (first..).zip(shown) {
        if !value.is_finite() {
            continue;
        }
        let level = if top > 0.0 { (value / top * 8.0).ceil().clamp(1.0, 8.0) } else { 1.0 };
        buf[(x, area.y)].set_symbol(marks[level as usize - 1]).set_style(style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[f32], max: Option<f32>, ascii: bool) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        draw(buf.area, &mut buf, values, max, Style::new(), ascii);
        buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn a_gap_stays_empty_and_zero_is_a_line() {
        assert_eq!(drawn(&[0.0, f32::NAN, 4.0, 8.0], None, false), "    ▁ ▄█");
        assert_eq!(drawn(&[0.0, f32::NAN, 4.0, 8.0], None, true), "    _ =#");
    }

    #[test]
    fn the_newest_values_win_and_the_scale_holds() {
        assert_eq!(drawn(&[9.0, 9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], None, false), "▁▂▃▄▅▆▇█");
        assert_eq!(drawn(&[50.0, 200.0], Some(100.0), false), "      ▄█");
        assert_eq!(drawn(&[0.0, 0.0], None, false), "      ▁▁");
    }

    #[test]
    fn an_area_outside_of_the_screen_draws_nothing() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        draw(Rect::new(9, 9, 3, 1), &mut buf, &[1.0], None, Style::new(), false);
        assert_eq!(buf, Buffer::empty(Rect::new(0, 0, 4, 1)));
    }
}
