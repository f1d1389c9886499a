//! A line of small columns.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Draws the newest values at the right; NaN is a gap.
pub fn draw(area: Rect, buf: &mut Buffer, values: &[f32], max: Option<f32>, style: Style, ascii: bool) {
    const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    const ASCII: [&str; 9] = [" ", "_", "_", ".", "-", "-", "=", "^", "#"];
    let top = max
        .unwrap_or_else(|| values.iter().copied().filter(|v| !v.is_nan()).fold(0.0, f32::max))
        .max(f32::EPSILON);
    let width = usize::from(area.width);
    let shown = &values[values.len().saturating_sub(width)..];
    let left = width - shown.len();
    for (index, value) in shown.iter().enumerate() {
        if value.is_nan() {
            continue;
        }
        let steps = (value / top).clamp(0.0, 1.0) * f32::from(area.height) * 8.0;
        let steps = (steps.round() as usize).max(1);
        for row in 0..area.height {
            let from_bottom = usize::from(area.height - 1 - row);
            let here = steps.saturating_sub(from_bottom * 8).min(8);
            let symbol = if ascii { ASCII[here] } else { BLOCKS[here] };
            if let Some(cell) = buf.cell_mut((area.x + (left + index) as u16, area.y + row)) {
                cell.set_symbol(symbol).set_style(style);
            }
        }
    }
}
