//! The Usage tab: ten minutes of CPU, memory, network and block I/O, and the figures of now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::containers::ContainerId;
use crate::model::stacks::Target;
use crate::model::usage::{BEAT_SECONDS, HISTORY_SLOTS, HistoryPoint, Usage};
use crate::tui::paint::put;
use crate::tui::view::Context;
use crate::tui::views::stacks::tree::history_sum;
use crate::tui::widgets::bytes;
use crate::tui::widgets::chart::{Chart, Unit};

/// Rows of a chart that is worth drawing.
const LEAST: u16 = 5;

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
    let below = Rect { y: area.y + 3, height: area.height.saturating_sub(3), ..area };
    draw_charts(below, buf, &ids, sum.memory_limit, cx);
}

/// What is drawn, in the order of worth: title, unit, series, figure.
type Plot = (&'static str, Unit, usize, fn(&HistoryPoint) -> f32);

const PLOTS: [Plot; 4] = [
    ("CPU", Unit::Percent, 0, |point| point.cpu_percent),
    ("Memory", Unit::Bytes, 1, |point| point.memory_bytes),
    ("Network", Unit::BytesPerSecond, 2, |point| point.net_rx_rate + point.net_tx_rate),
    ("Disk", Unit::BytesPerSecond, 3, |point| point.block_read_rate + point.block_write_rate),
];

fn draw_charts(area: Rect, buf: &mut Buffer, ids: &[&ContainerId], limit: Option<u64>, cx: &Context<'_>) {
    // As many as fit with a caption, an axis and two rows of drawing.
    let count = (PLOTS.len() as u16).min(area.height / LEAST).max(1);
    let each = area.height / count;
    for (index, (title, unit, series, figure)) in PLOTS.iter().take(usize::from(count)).enumerate() {
        let plot = Rect { y: area.y + index as u16 * each, height: each.min(area.height), ..area };
        let values = history_sum(ids, HISTORY_SLOTS, cx, figure);
        let title = match (*title, limit) {
            ("Memory", Some(limit)) => format!("Memory (limit {})", bytes::short(limit)),
            (title, _) => title.to_owned(),
        };
        let chart = Chart {
            title: &title,
            values: &values,
            seconds: HISTORY_SLOTS as u32 * BEAT_SECONDS as u32,
            unit: *unit,
            top: None,
            gauge: false,
            style: cx.theme.series[*series],
        };
        chart.draw(plot, buf, cx.theme);
    }
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
