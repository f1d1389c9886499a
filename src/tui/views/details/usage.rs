//! The Usage tab: ten minutes of CPU, memory, network and block I/O, and the figures of now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::containers::ContainerId;
use crate::model::stacks::Target;
use crate::model::usage::{HISTORY_SLOTS, HistoryPoint, Usage};
use crate::tui::paint::{glyphs, put, put_right};
use crate::tui::theme::Theme;
use crate::tui::view::Context;
use crate::tui::views::stacks::tree::history_sum;
use crate::tui::widgets::{bytes, sparkline};

/// One chart: its title, the figure of now, the values, the least top of its scale.
struct Chart {
    title: &'static str,
    now: String,
    values: Vec<f32>,
    floor: f32,
    scale: fn(f32) -> String,
    series: usize,
}

pub fn draw(area: Rect, buf: &mut Buffer, target: &Target, cx: &Context<'_>) {
    let theme = cx.theme;
    let all = cx.state.containers.of_target(target);
    let ids: Vec<&ContainerId> = all
        .iter()
        .filter(|id| cx.state.containers.get(id).is_some_and(|entry| entry.container.run.is_up()))
        .collect();
    let newest = ids.iter().find_map(|id| cx.state.usage.get(id));
    let Some(newest) = newest else {
        let words = if ids.is_empty() {
            "Not running: nothing is used"
        } else {
            "The first figures come in a moment"
        };
        put(buf, area.x, area.y, area.width, words, theme.muted);
        return;
    };
    let source = newest.source.word();
    let sum = add_up(&ids, cx);
    let (first, rest) = facts(&sum, source, ids.len());
    put(buf, area.x, area.y, area.width, &first, theme.text);
    put(buf, area.x, area.y + 1, area.width, &rest, theme.muted);
    let charts = charts(&ids, &sum, usize::from(area.width), cx);
    let below = Rect { y: area.y + 3, height: area.height.saturating_sub(3), ..area };
    draw_charts(below, buf, &charts, theme);
}

fn draw_charts(area: Rect, buf: &mut Buffer, charts: &[Chart], theme: &Theme) {
    // As many charts as fit with a title, two rows of drawing and a gap.
    let count = charts.len().min(usize::from(area.height / 3)).max(1) as u16;
    let each = area.height / count;
    for (index, chart) in charts.iter().take(usize::from(count)).enumerate() {
        let top = area.y + index as u16 * each;
        if top + 1 >= area.bottom() {
            break;
        }
        put(buf, area.x, top, area.width, chart.title, theme.muted);
        let x = area.x + 9;
        put(buf, x, top, area.width.saturating_sub(9), &chart.now, theme.strong);
        let peak = chart.values.iter().copied().filter(|v| !v.is_nan()).fold(0.0, f32::max);
        let words = format!("peak {} in 10m", (chart.scale)(peak));
        put_right(buf, area.x, top, area.width, &words, theme.faint);
        let height = each.saturating_sub(2).clamp(1, 8);
        let plot = Rect { y: top + 1, height, ..area };
        let max = peak.max(chart.floor);
        sparkline::draw(plot, buf, &chart.values, Some(max), theme.series[chart.series], theme.ascii);
    }
}

fn charts(ids: &[&ContainerId], sum: &Usage, room: usize, cx: &Context<'_>) -> Vec<Chart> {
    let glyphs = glyphs(cx.theme.ascii);
    let values =
        |figure: fn(&HistoryPoint) -> f32| squeeze(&history_sum(ids, HISTORY_SLOTS, cx, figure), room);
    let rate = |value: Option<f32>| value.map_or_else(|| String::from(glyphs.none), bytes::rate);
    let mut memory = sum.memory_bytes.map_or_else(|| String::from(glyphs.none), bytes::short);
    if let (Some(used), Some(limit)) = (sum.memory_bytes, sum.memory_limit) {
        let percent = used as f64 * 100.0 / limit.max(1) as f64;
        memory.push_str(&format!(" of {} ({percent:.0}%)", bytes::short(limit)));
    }
    let both = |down: Option<f32>, up: Option<f32>| {
        format!("{}{} {}{}", glyphs.down, rate(down), glyphs.up, rate(up))
    };
    vec![
        Chart {
            title: "CPU",
            now: sum.cpu_percent.map_or_else(|| String::from(glyphs.none), |cpu| format!("{cpu:.1}%")),
            values: values(|point| point.cpu_percent),
            floor: 5.0,
            scale: |value| format!("{value:.1}%"),
            series: 0,
        },
        Chart {
            title: "Memory",
            now: memory,
            values: values(|point| point.memory_bytes),
            floor: 1024.0 * 1024.0,
            scale: |value| bytes::short(value as u64),
            series: 1,
        },
        Chart {
            title: "Network",
            now: both(sum.net_rx_rate, sum.net_tx_rate),
            values: values(|point| point.net_rx_rate + point.net_tx_rate),
            floor: 1024.0,
            scale: bytes::rate,
            series: 2,
        },
        Chart {
            title: "Disk",
            now: both(sum.block_read_rate, sum.block_write_rate),
            values: values(|point| point.block_read_rate + point.block_write_rate),
            floor: 1024.0,
            scale: bytes::rate,
            series: 3,
        },
    ]
}

/// Fits ten minutes into some columns, keeping the peaks.
fn squeeze(values: &[f32], room: usize) -> Vec<f32> {
    if room == 0 || values.len() <= room {
        return values.to_vec();
    }
    (0..room)
        .map(|column| {
            let (from, to) = (column * values.len() / room, (column + 1) * values.len() / room);
            values[from..to].iter().copied().filter(|v| !v.is_nan()).fold(f32::NAN, f32::max)
        })
        .collect()
}

fn add_up(ids: &[&ContainerId], cx: &Context<'_>) -> Usage {
    fn add<T: Copy + std::ops::Add<Output = T>>(sum: &mut Option<T>, value: Option<T>) {
        if let Some(value) = value {
            *sum = Some(sum.map_or(value, |sum| sum + value));
        }
    }
    let mut sum = Usage::default();
    for id in ids {
        let Some(usage) = cx.state.usage.get(id).map(|entry| entry.usage) else { continue };
        let limit = usage.memory_limit.or(cx.state.containers.get(id).and_then(|e| e.container.memory_limit));
        add(&mut sum.cpu_percent, usage.cpu_percent);
        add(&mut sum.memory_bytes, usage.memory_bytes);
        add(&mut sum.memory_limit, limit);
        add(&mut sum.net_rx_bytes, usage.net_rx_bytes);
        add(&mut sum.net_tx_bytes, usage.net_tx_bytes);
        add(&mut sum.net_rx_rate, usage.net_rx_rate);
        add(&mut sum.net_tx_rate, usage.net_tx_rate);
        add(&mut sum.block_read_bytes, usage.block_read_bytes);
        add(&mut sum.block_write_bytes, usage.block_write_bytes);
        add(&mut sum.block_read_rate, usage.block_read_rate);
        add(&mut sum.block_write_rate, usage.block_write_rate);
        add(&mut sum.pids, usage.pids);
    }
    // A limit of some is no limit of all.
    let limited =
        |id: &&&ContainerId| cx.state.containers.get(id).is_some_and(|e| e.container.memory_limit.is_some());
    if ids.iter().filter(limited).count() < ids.len() {
        sum.memory_limit = None;
    }
    sum
}

fn facts(sum: &Usage, source: &str, count: usize) -> (String, String) {
    let mut first = Vec::new();
    if let Some(pids) = sum.pids {
        first.push(format!("{pids} processes"));
    }
    if count > 1 {
        first.push(format!("{count} containers"));
    }
    first.push(format!("read from {source}"));
    let mut rest = Vec::new();
    if let (Some(rx), Some(tx)) = (sum.net_rx_bytes, sum.net_tx_bytes) {
        rest.push(format!("net in {} out {}", bytes::short(rx), bytes::short(tx)));
    }
    if let (Some(read), Some(written)) = (sum.block_read_bytes, sum.block_write_bytes) {
        rest.push(format!("disk read {} written {}", bytes::short(read), bytes::short(written)));
    }
    let rest = if rest.is_empty() { String::new() } else { format!("since its start: {}", rest.join(", ")) };
    (first.join(", "), rest)
}
