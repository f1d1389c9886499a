//! A thin gauge: how full something is, in one row.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::theme::Theme;

/// Draws a bar filled to `ratio` (0 to 1), colored from 70 % and from 90 % on; `NaN` is an empty bar.
///
/// The filled part differs from the empty one by shape too, so it reads without colors.
pub fn draw(area: Rect, buf: &mut Buffer, ratio: f64, theme: &Theme) {
    draw_in(area, buf, ratio, theme.gauge_at(ratio), theme);
}

/// Draws such a bar in a color of its own: where little is left, not much is used.
pub fn draw_in(area: Rect, buf: &mut Buffer, ratio: f64, style: Style, theme: &Theme) {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return;
    }
    let ratio = if ratio.is_finite() { ratio.clamp(0.0, 1.0) } else { 0.0 };
    let (full, half, empty) = if theme.ascii { ("#", "=", "-") } else { ("━", "╸", "─") };
    // Counted in halves; something is never drawn as nothing, and not quite full is never drawn as full.
    let most = usize::from(area.width) * 2;
    let mut halves = (ratio * most as f64).round() as usize;
    if ratio > 0.0 {
        halves = halves.max(1);
    }
    if ratio < 1.0 {
        halves = halves.min(most - 1);
    }
    for column in 0..area.width {
        let (symbol, style) = match halves.saturating_sub(usize::from(column) * 2) {
            0 => (empty, theme.gauge_empty),
            1 => (half, style),
            _ => (full, style),
        };
        buf[(area.x + column, area.y)].set_symbol(symbol).set_style(style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(ratio: f64, ascii: bool) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 1));
        draw(buf.area, &mut buf, ratio, &Theme { ascii, ..Theme::plain() });
        buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn a_bar_tells_a_little_from_nothing_and_almost_from_full() {
        assert_eq!(drawn(0.0, false), "──────");
        assert_eq!(drawn(0.001, false), "╸─────");
        assert_eq!(drawn(0.5, false), "━━━───");
        assert_eq!(drawn(0.999, false), "━━━━━╸");
        assert_eq!(drawn(1.0, false), "━━━━━━");
        assert_eq!(drawn(f64::NAN, false), "──────");
        assert_eq!(drawn(0.75, true), "####=-");
    }

    #[test]
    fn the_color_says_when_it_gets_tight() {
        let theme = Theme::default();
        assert_eq!(theme.gauge_at(0.69), theme.gauge[0]);
        assert_eq!(theme.gauge_at(0.70), theme.gauge[1]);
        assert_eq!(theme.gauge_at(0.90), theme.gauge[2]);
    }
}
