//! Figures of the machine: CPU, memory, disks, temperatures, and stackdash's own cost.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::model::host::HostSample;
use crate::model::stacks::duration_words;
use crate::model::usage::{BEAT_SECONDS, HISTORY_SLOTS, HistoryPoint};
use crate::tui::theme::Theme;
use crate::tui::view::Context;
use crate::tui::widgets::chart::{Chart, Unit};
use crate::tui::widgets::{bar, bytes, heading, styled};

/// Rows of [`draw_cost`].
pub const COST_ROWS: u16 = 3;
/// Columns of one core: number, bar, percent.
const CORE_WIDTH: u16 = 22;

/// Draws a heading and ten minutes of all cores together.
pub fn draw_cpu(area: Rect, buf: &mut Buffer, sample: &HostSample, cx: &Context<'_>) {
    let theme = cx.theme;
    let values = history(cx, |point| point.cpu_percent);
    let chart = chart(&values, Unit::Percent, 100.0, theme);
    let dot = dot(theme);
    let cores = sample.cores.len();
    let is_elsewhere = cx.state.connection.info.as_ref().is_some_and(|info| !info.local);
    // Of several machines in sight it has to be said which one this is.
    let place = if is_elsewhere { " (this machine, not the engine's)" } else { "" };
    let mut words = vec![format!("{}{place}", sample.name)];
    words.push(format!("{cores} {}", if cores == 1 { "core" } else { "cores" }));
    let [one, five, fifteen] = sample.load;
    words.push(format!("load {one:.2} {five:.2} {fifteen:.2}"));
    words.push(format!("up {}", duration_words(sample.uptime_s as i64)));
    let figures = chart.figures(theme);
    let room = usize::from(area.width).saturating_sub(figures.width() + 10);
    while words.len() > 1 && words.join(dot).width() > room {
        words.pop();
    }
    let left = Line::styled(styled::cut(&words.join(dot), room, theme.ascii), theme.muted);
    heading::draw(area, buf, "CPU", &left, &figures, false, theme);
    chart.draw(below(area), buf, theme);
}

/// Returns the rows that bars for all cores take at a width.
pub fn core_rows(sample: &HostSample, width: u16) -> u16 {
    let columns = usize::from((width / CORE_WIDTH).max(1));
    sample.cores.len().div_ceil(columns) as u16
}

/// Draws a bar for each core, column by column; more cores than fit are counted.
pub fn draw_cores(area: Rect, buf: &mut Buffer, sample: &HostSample, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let columns = (area.width / CORE_WIDTH).max(1);
    let width = area.width / columns;
    let room = usize::from(columns * area.height);
    let shown = if sample.cores.len() > room { room - 1 } else { sample.cores.len() };
    for (n, percent) in sample.cores.iter().take(shown).enumerate() {
        let (column, row) = (n as u16 / area.height, n as u16 % area.height);
        let x = area.x + column * width;
        let y = area.y + row;
        buf.set_string(x, y, format!("{n:>3}"), theme.muted);
        let bar_width = width.saturating_sub(11);
        bar::draw(Rect::new(x + 4, y, bar_width, 1), buf, f64::from(*percent) / 100.0, theme);
        buf.set_string(x + 4 + bar_width, y, format!("{percent:>4.0}%"), theme.text);
    }
    if shown < sample.cores.len() {
        let text = format!("and {} more", sample.cores.len() - shown);
        let x = area.x + (columns - 1) * width;
        buf.set_stringn(x, area.bottom() - 1, text, usize::from(width), theme.muted);
    }
}

/// Returns the rows of bars: memory, and swap where there is any.
pub fn memory_rows(sample: &HostSample) -> u16 {
    1 + u16::from(sample.swap_total > 0)
}

/// Draws a heading, bars, and a chart where there is room for one.
pub fn draw_memory(area: Rect, buf: &mut Buffer, sample: &HostSample, cx: &Context<'_>) {
    let theme = cx.theme;
    let values = history(cx, |point| point.memory_bytes);
    let chart = chart(&values, Unit::Bytes, sample.memory_total as f32, theme);
    let bars = memory_rows(sample);
    let has_chart = area.height >= 1 + bars + 4;
    let figures = if has_chart { chart.figures(theme) } else { Line::default() };
    heading::draw(area, buf, "Memory", &Line::default(), &figures, false, theme);
    let mut rest = below(area);
    let rows =
        [("memory", sample.memory_used, sample.memory_total), ("swap", sample.swap_used, sample.swap_total)];
    for (name, used, total) in rows.into_iter().filter(|(_, _, total)| *total > 0) {
        draw_share(rest, buf, (name, 8), used, total, theme);
        rest = below(rest);
    }
    if has_chart {
        chart.draw(rest, buf, theme);
    }
}

/// Returns the rows of [`draw_disks`] when all are shown.
pub fn disk_rows(sample: &HostSample) -> u16 {
    1 + (sample.disks.len() as u16).max(1)
}

/// Draws a heading and a bar per disk; those that do not fit are counted.
pub fn draw_disks(area: Rect, buf: &mut Buffer, sample: &HostSample, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let rows = usize::from(area.height - 1);
    let hidden = sample.disks.len().saturating_sub(rows);
    // Where not all fit, the fullest are what one needs to know.
    let mut disks: Vec<_> = sample.disks.iter().collect();
    if hidden > 0 {
        disks.sort_by(|a, b| share(b.used, b.total).total_cmp(&share(a.used, a.total)));
        disks.truncate(rows);
    }
    let right = if hidden > 0 { format!("{hidden} more, less full") } else { String::new() };
    heading::draw(area, buf, "Disks", &Line::default(), &Line::styled(right, theme.muted), false, theme);
    let mut rest = below(area);
    if disks.is_empty() {
        buf.set_stringn(rest.x + 1, rest.y, "no disk is known", usize::from(rest.width), theme.muted);
    }
    let longest = disks.iter().map(|disk| disk.mount.width()).max().unwrap_or(0) as u16;
    let width = (longest + 2).clamp(8, area.width / 3);
    for disk in disks {
        draw_share(rest, buf, (&disk.mount, width), disk.used, disk.total, theme);
        rest = below(rest);
    }
}

/// Returns the rows of [`draw_temperatures`]; none where no sensor is known.
pub fn temperature_rows(sample: &HostSample) -> u16 {
    match sample.temperatures.len() {
        0 => 0,
        count => 1 + count as u16,
    }
}

pub fn draw_temperatures(area: Rect, buf: &mut Buffer, sample: &HostSample, theme: &Theme) {
    heading::draw(area, buf, "Temperatures", &Line::default(), &Line::default(), false, theme);
    let mut rest = below(area);
    for (name, degrees) in &sample.temperatures {
        if rest.is_empty() {
            return;
        }
        let figure = format!("{degrees:.0} °C");
        let figure = if theme.ascii { figure.replace(" °", " ") } else { figure };
        let room = usize::from(rest.width).saturating_sub(figure.width() + 3);
        buf.set_string(rest.x + 1, rest.y, styled::cut(name, room, theme.ascii), theme.text);
        // Most chips slow down from about 90 °C on.
        let style = if *degrees >= 70.0 { theme.gauge_at(f64::from(*degrees) / 100.0) } else { theme.strong };
        buf.set_string(rest.right() - 1 - figure.width() as u16, rest.y, figure, style);
        rest = below(rest);
    }
}

/// Draws what stackdash itself takes; `rates`: what happened in a minute, and whether it is bytes.
pub fn draw_cost(
    area: Rect,
    buf: &mut Buffer,
    sample: &HostSample,
    rates: [(Option<u64>, &str, bool); 3],
    theme: &Theme,
) {
    heading::draw(area, buf, "stackdash itself", &Line::default(), &Line::default(), false, theme);
    let own = &sample.own;
    let held = [
        (format!("{:.1}%", own.cpu_percent), "CPU"),
        (bytes::short(own.memory_bytes), "memory"),
        (own.open_files.to_string(), "files"),
        (own.threads.to_string(), "threads"),
    ];
    let rest = below(area);
    draw_figures(rest, buf, &held, "", theme);
    let told = rates.into_iter().filter_map(|(rate, name, is_bytes)| {
        let rate = rate?;
        Some((if is_bytes { bytes::short(rate) } else { rate.to_string() }, name))
    });
    let told: Vec<(String, &str)> = told.collect();
    if !told.is_empty() {
        draw_figures(below(rest), buf, &told, " /min", theme);
    }
}

/// Draws `0.4% CPU · 24M memory`, and what holds for all of it.
fn draw_figures(area: Rect, buf: &mut Buffer, figures: &[(String, &str)], unit: &str, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let mut spans = vec![Span::raw(" ")];
    for (n, (figure, name)) in figures.iter().enumerate() {
        if n > 0 {
            spans.push(Span::styled(dot(theme), theme.faint));
        }
        spans.push(Span::styled(figure, theme.strong));
        spans.push(Span::styled(format!(" {name}"), theme.muted));
    }
    spans.push(Span::styled(unit, theme.muted));
    buf.set_line(area.x, area.y, &Line::from(spans), area.width);
}

/// Draws `name ━━━━━─── 9.8G of 16G  61%` in the first row of an area.
fn draw_share(
    area: Rect,
    buf: &mut Buffer,
    (name, name_width): (&str, u16),
    used: u64,
    total: u64,
    theme: &Theme,
) {
    if area.is_empty() {
        return;
    }
    let ratio = share(used, total);
    let name = styled::cut(name, usize::from(name_width.saturating_sub(2)), theme.ascii);
    buf.set_string(area.x + 1, area.y, name, theme.text);
    let figures = Line::from(vec![
        Span::styled(format!("{:>5}", bytes::short(used)), theme.strong),
        Span::styled(format!(" of {:<4}", bytes::short(total)), theme.muted),
        Span::styled(
            format!("{:>4.0}%", ratio * 100.0),
            if ratio >= 0.7 { theme.gauge_at(ratio) } else { theme.text },
        ),
    ]);
    let width = figures.width() as u16;
    let x = area.x + name_width + 1;
    let bar_width = area.width.saturating_sub(name_width + width + 3);
    bar::draw(Rect::new(x, area.y, bar_width, 1), buf, ratio, theme);
    buf.set_line(x + bar_width + 1, area.y, &figures, width);
}

fn share(used: u64, total: u64) -> f64 {
    if total == 0 { 0.0 } else { used as f64 / total as f64 }
}

fn history(cx: &Context<'_>, value: impl Fn(&HistoryPoint) -> f32) -> Vec<f32> {
    cx.state.host.history.last(HISTORY_SLOTS, cx.now).map(|point| value(&point)).collect()
}

fn chart<'a>(values: &'a [f32], unit: Unit, top: f32, theme: &Theme) -> Chart<'a> {
    Chart {
        title: "",
        values,
        seconds: HISTORY_SLOTS as u32 * BEAT_SECONDS as u32,
        unit,
        top: Some(top),
        style: theme.series[0],
        gauge: true,
    }
}

pub(super) fn below(area: Rect) -> Rect {
    let taken = area.height.min(1);
    Rect { y: area.y + taken, height: area.height - taken, ..area }
}

pub(super) fn dot(theme: &Theme) -> &'static str {
    if theme.ascii { " - " } else { " · " }
}
