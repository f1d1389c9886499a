//! A gauge: how full something is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::theme::Theme;

/// Draws a gauge of one row; its color says low, medium or high.
pub fn draw(area: Rect, buf: &mut Buffer, ratio: f64, theme: &Theme) {
    let ratio = ratio.clamp(0.0, 1.0);
    let style = if ratio >= 0.9 {
        theme.gauge[2]
    } else if ratio >= 0.7 {
        theme.gauge[1]
    } else {
        theme.gauge[0]
    };
    let full = (f64::from(area.width) * ratio).round() as u16;
    for x in 0..area.width {
        let (symbol, style) = match (x < full, theme.ascii) {
            (true, false) => ("━", style),
            (true, true) => ("=", style),
            (false, false) => ("━", theme.gauge_empty),
            (false, true) => (".", theme.gauge_empty),
        };
        if let Some(cell) = buf.cell_mut((area.x + x, area.y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    }
}
