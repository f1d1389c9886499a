//! Ten minutes of one figure as a filled line over several rows.
//!
//! ```text
//! CPU                      now 12% · max 88%
//! 100%
//!  50%          ⣀⣀
//!   0%⣀⣀⣀⣤⣤⣤⣤⣀⣀⣿⣿⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀
//!     -10m               -5m            now
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::theme::Theme;
use crate::tui::widgets::bytes;

/// How figures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Percent,
    Bytes,
    BytesPerSecond,
}

impl Unit {
    pub fn write(self, value: f32) -> String {
        match self {
            _ if !value.is_finite() => String::from("-"),
            Self::Percent if value > 0.0 && value < 9.95 => format!("{value:.1}%"),
            Self::Percent => format!("{value:.0}%"),
            Self::Bytes => bytes::short(value.max(0.0) as u64),
            Self::BytesPerSecond => bytes::rate(value),
        }
    }

    /// Rounds the top of a scale up to a figure that reads well.
    fn round_up(self, highest: f32) -> f32 {
        let highest = highest.max(match self {
            Self::Percent => 1.0,
            Self::Bytes | Self::BytesPerSecond => 1024.0,
        });
        let base: f32 = match self {
            Self::Percent => 1.0,
            Self::Bytes | Self::BytesPerSecond => 1024_f32.powf(highest.log(1024.0).floor()),
        };
        let scaled = highest / base;
        let power = 10_f32.powf(scaled.log10().floor());
        let step = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].into_iter().find(|step| step * power >= scaled);
        step.unwrap_or(10.0) * power * base
    }
}

/// A chart with its caption, its scale and its axis of time.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    pub title: &'a str,
    /// Oldest first, evenly spaced, the newest at "now"; `NaN` where nothing was read.
    pub values: &'a [f32],
    /// Seconds that `values` span.
    pub seconds: u32,
    pub unit: Unit,
    /// Top of the scale; a round figure above the highest value where none is given.
    pub top: Option<f32>,
    pub style: Style,
    /// Whether height means trouble: colored from 70 % and from 90 % of the scale on.
    pub gauge: bool,
}

impl Chart<'_> {
    /// Draws caption, plot and axis; the axis goes first when rows are short, then the scale.
    ///
    /// Without a title there is no caption: it may stand in a heading instead, see [`Chart::figures`].
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buf.area);
        let caption = u16::from(!self.title.is_empty());
        if area.width < 8 || area.height < 1 + caption {
            return;
        }
        if caption > 0 {
            self.draw_caption(area, buf, theme);
        }
        let has_axis = area.height >= 3 + caption;
        let plot = Rect { y: area.y + caption, height: area.height - caption - u16::from(has_axis), ..area };
        let top = self.top.filter(|top| *top > 0.0).unwrap_or_else(|| self.unit.round_up(self.highest()));
        let labels = self.draw_scale(plot, buf, theme, top);
        let plot = Rect { x: plot.x + labels, width: plot.width - labels, ..plot };
        self.draw_plot(plot, buf, theme, top);
        if has_axis {
            self.draw_axis(Rect { y: plot.bottom(), height: 1, ..plot }, buf, theme);
        }
    }

    fn highest(&self) -> f32 {
        self.values.iter().copied().filter(|value| value.is_finite()).fold(0.0, f32::max)
    }

    /// Returns the newest and the highest figure: `now 12% · max 88%`.
    pub fn figures(&self, theme: &Theme) -> Line<'static> {
        let now = self.values.last().copied().unwrap_or(f32::NAN);
        let max = if self.values.iter().any(|value| value.is_finite()) { self.highest() } else { f32::NAN };
        let separator = if theme.ascii { "  max " } else { " · max " };
        Line::from(vec![
            Span::styled("now ", theme.muted),
            Span::styled(self.unit.write(now), theme.strong),
            Span::styled(separator, theme.muted),
            Span::styled(self.unit.write(max), theme.text),
        ])
    }

    fn draw_caption(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let (end, _) = buf.set_stringn(area.x, area.y, self.title, usize::from(area.width), theme.title);
        let mut figures = self.figures(theme);
        if figures.width() as u16 + 1 > area.right().saturating_sub(end) {
            // Where not all of it fits beside the title, the present figure alone may.
            figures = Line::from(figures.spans.swap_remove(1));
        }
        let room = area.right().saturating_sub(end);
        let width = figures.width() as u16;
        if width < room {
            buf.set_line(area.right() - width, area.y, &figures, width);
        }
    }

    /// Draws the labels at the left and returns the columns they take.
    fn draw_scale(&self, plot: Rect, buf: &mut Buffer, theme: &Theme, top: f32) -> u16 {
        let zero = match self.unit {
            Unit::Percent => "0%",
            Unit::Bytes | Unit::BytesPerSecond => "0",
        };
        let top_label = self.unit.write(top);
        let half_label = self.unit.write(top / 2.0);
        let width = top_label.len().max(half_label.len()).max(zero.len()) as u16;
        if plot.width < width + 12 {
            return 0;
        }
        let mut put = |row: u16, label: &str| {
            let x = plot.x + width - label.len() as u16;
            buf.set_string(x, plot.y + row, label, theme.muted);
        };
        put(0, &top_label);
        if plot.height >= 2 {
            put(plot.height - 1, zero);
        }
        if plot.height >= 5 {
            put(plot.height / 2, &half_label);
        }
        width + 1
    }

    fn draw_plot(&self, plot: Rect, buf: &mut Buffer, theme: &Theme, top: f32) {
        let (per_cell, levels) = if theme.ascii { (1, 2) } else { (2, 4) };
        let columns = usize::from(plot.width) * per_cell;
        let steps = usize::from(plot.height) * levels;
        let heights: Vec<Option<usize>> = (0..columns)
            .map(|column| {
                let value = self.value_at(column, columns)?;
                // Something is a dot at least: zero and a gap are not the same.
                Some(((value / top).clamp(0.0, 1.0) * steps as f32).round().max(1.0) as usize)
            })
            .collect();
        for row in 0..plot.height {
            let below = usize::from(plot.height - 1 - row) * levels;
            let style = if self.gauge { theme.gauge_at(below as f64 / steps as f64) } else { self.style };
            for column in 0..plot.width {
                let at = usize::from(column) * per_cell;
                let fill =
                    |at: usize| heights[at].map_or(0, |height| height.saturating_sub(below).min(levels));
                let symbol =
                    if theme.ascii { [' ', '.', ':'][fill(at)] } else { braille(fill(at), fill(at + 1)) };
                if symbol != ' ' {
                    buf[(plot.x + column, plot.y + row)].set_char(symbol).set_style(style);
                }
            }
        }
    }

    /// Returns the highest value of those that fall into a column.
    fn value_at(&self, column: usize, columns: usize) -> Option<f32> {
        let len = self.values.len();
        let start = column * len / columns;
        let end = ((column + 1) * len / columns).max(start + 1).min(len);
        let known = self.values.get(start..end)?.iter().copied().filter(|value| value.is_finite());
        known.reduce(f32::max)
    }

    fn draw_axis(&self, axis: Rect, buf: &mut Buffer, theme: &Theme) {
        let minutes = self.seconds / 60;
        buf.set_stringn(axis.x, axis.y, format!("-{minutes}m"), usize::from(axis.width), theme.faint);
        if axis.width >= 24 && minutes >= 2 {
            let label = format!("-{}m", minutes / 2);
            let x = axis.x + axis.width / 2 - label.len() as u16 / 2;
            buf.set_string(x, axis.y, label, theme.faint);
        }
        buf.set_string(axis.right() - 3, axis.y, "now", theme.faint);
    }
}

/// Returns the braille character filled from below to `left` and `right` dots of four.
fn braille(left: usize, right: usize) -> char {
    const LEFT: [u32; 5] = [0, 0x40, 0x44, 0x46, 0x47];
    const RIGHT: [u32; 5] = [0, 0x80, 0xa0, 0xb0, 0xb8];
    match LEFT[left] | RIGHT[right] {
        0 => ' ',
        dots => char::from_u32(0x2800 + dots).unwrap_or(' '),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(chart: &Chart<'_>, width: u16, height: u16, ascii: bool) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        chart.draw(buf.area, &mut buf, &Theme { ascii, ..Theme::plain() });
        let cells: Vec<&str> = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        cells.chunks(width as usize).map(|row| row.concat().trim_end().to_owned() + "\n").collect()
    }

    fn chart(values: &[f32]) -> Chart<'_> {
        Chart {
            title: "CPU",
            values,
            seconds: 600,
            unit: Unit::Percent,
            top: Some(100.0),
            style: Style::new(),
            gauge: false,
        }
    }

    fn wave() -> Vec<f32> {
        (0..300)
            .map(|n| if (100..130).contains(&n) { f32::NAN } else { 50.0 - 49.0 * (n as f32 / 30.0).cos() })
            .collect()
    }

    #[test]
    fn a_wave_with_a_gap() {
        insta::assert_snapshot!("chart_wave", drawn(&chart(&wave()), 50, 8, false));
        insta::assert_snapshot!("chart_wave_ascii", drawn(&chart(&wave()), 50, 8, true));
    }

    #[test]
    fn a_small_chart_keeps_the_figure() {
        insta::assert_snapshot!("chart_small", drawn(&chart(&wave()), 16, 3, false));
        insta::assert_snapshot!("chart_empty", drawn(&chart(&[f32::NAN; 300]), 40, 5, false));
    }

    #[test]
    fn scales_end_at_round_figures() {
        assert_eq!(Unit::Percent.write(Unit::Percent.round_up(137.0)), "200%");
        assert_eq!(Unit::Percent.write(Unit::Percent.round_up(0.0)), "1.0%");
        assert_eq!(Unit::Bytes.write(Unit::Bytes.round_up(3.2 * 1024.0 * 1024.0)), "4.0M");
        assert_eq!(Unit::BytesPerSecond.write(Unit::BytesPerSecond.round_up(0.0)), "1.0K/s");
        assert_eq!(Unit::Bytes.write(Unit::Bytes.round_up(700.0 * 1024.0)), "800K");
    }
}
