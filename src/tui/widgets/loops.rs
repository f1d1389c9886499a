//! How long some loops took, a column each, against the time that they may take.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::theme::Theme;
use crate::tui::widgets::sparkline;

const BLOCKS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// One loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loop {
    pub seconds: f64,
    pub style: Style,
}

/// Makes `rows` lines of columns, oldest first, at most `room` of them; a dashed line is the time allowed.
pub fn lines<'a>(
    loops: &[Loop],
    budget: Option<f64>,
    room: u16,
    rows: usize,
    theme: &Theme,
) -> Vec<Line<'a>> {
    // A column and a gap each.
    let most = usize::from(room / 2).max(1);
    let shown = &loops[loops.len().saturating_sub(most)..];
    let longest = shown.iter().map(|one| one.seconds).fold(budget.unwrap_or(0.0), f64::max);
    if shown.is_empty() || longest <= 0.0 {
        return Vec::new();
    }
    let steps = rows * 8;
    let eighths = |seconds: f64| ((seconds / longest * steps as f64).round() as usize).clamp(1, steps);
    let line_row = budget.map(|budget| (eighths(budget) - 1) / 8);
    let (dash, level) = if theme.ascii { ("-", "#") } else { ("┄", "█") };
    (0..rows)
        .rev()
        .map(|row| {
            let empty = |width: usize| {
                let symbol = if line_row == Some(row) { dash } else { " " };
                Span::styled(symbol.repeat(width), theme.warning)
            };
            let mut spans = Vec::with_capacity(shown.len() * 2 + 1);
            for one in shown {
                spans.push(match eighths(one.seconds).saturating_sub(row * 8) {
                    0 => empty(1),
                    8.. => Span::styled(level, one.style),
                    _ if theme.ascii => Span::styled(".", one.style),
                    part => Span::styled(BLOCKS[part - 1], one.style),
                });
                spans.push(empty(1));
            }
            spans.push(empty(usize::from(room).saturating_sub(shown.len() * 2)));
            Line::from(spans)
        })
        .collect()
}

/// Draws the newest loops in one row, each in its own color.
pub fn draw(area: Rect, buf: &mut Buffer, loops: &[Loop], budget: Option<f64>, theme: &Theme) {
    let shown = &loops[loops.len().saturating_sub(usize::from(area.width))..];
    let longest = shown.iter().map(|one| one.seconds).fold(budget.unwrap_or(0.0), f64::max);
    let first = area.right().saturating_sub(shown.len() as u16);
    for (x, one) in (first..).zip(shown) {
        let cell = Rect { x, width: 1, height: 1, ..area };
        sparkline::draw(cell, buf, &[one.seconds as f32], Some(longest as f32), one.style, theme.ascii);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seconds: &[f64], budget: Option<f64>, ascii: bool) -> Vec<String> {
        let loops: Vec<Loop> =
            seconds.iter().map(|seconds| Loop { seconds: *seconds, style: Style::new() }).collect();
        let theme = Theme { ascii, ..Theme::plain() };
        lines(&loops, budget, 12, 2, &theme).iter().map(Line::to_string).collect()
    }

    #[test]
    fn columns_stand_against_the_time_allowed() {
        assert_eq!(drawn(&[1.0, 4.0, 2.0], None, false), ["  █         ", "▄ █ █       "]);
        assert_eq!(drawn(&[1.0, 8.0], Some(5.0), false), ["┄┄█┄┄┄┄┄┄┄┄┄", "▂ █         "]);
        assert_eq!(drawn(&[1.0, 8.0], Some(5.0), true), ["--#---------", ". #         "]);
    }

    #[test]
    fn the_newest_stay_and_nothing_is_no_chart() {
        let many: Vec<f64> = (0..40).map(f64::from).collect();
        assert_eq!(drawn(&many, None, false)[1], "█ █ █ █ █ █ ");
        assert!(drawn(&[], Some(5.0), false).is_empty());
    }
}
