//! Who the engine is and what it keeps on its disks.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::model::host::DiskUsageRow;
use crate::model::stacks::age;
use crate::tui::action::Action;
use crate::tui::theme::Theme;
use crate::tui::view::Context;
use crate::tui::views::host::machine::{below, dot};
use crate::tui::widgets::{bytes, heading, styled};

/// Rows of [`draw`]: heading, titles, four kinds.
pub const ROWS: u16 = 6;

pub fn draw(area: Rect, buf: &mut Buffer, is_reading: bool, cx: &Context<'_>) {
    if area.is_empty() {
        return;
    }
    let theme = cx.theme;
    let connection = &cx.state.connection;
    let dot = dot(theme);
    let host = &cx.state.host;
    let right = match host.disk_usage_at {
        _ if is_reading => String::from("reading …"),
        Some(at) => format!("{} ago{dot}{} reads again", age(at, cx.now), cx.keymap.named(Action::ReadAgain)),
        None => String::new(),
    };
    let right = if theme.ascii { right.replace('…', "...") } else { right };
    let who = connection.info.as_ref().map_or_else(
        || connection.host.clone(),
        |info| format!("{} {}{dot}API {}{dot}{}", info.flavor, info.version, info.api, connection.host),
    );
    let room = usize::from(area.width).saturating_sub(right.chars().count() + 14);
    let who = Line::styled(styled::cut(&who, room, theme.ascii), theme.muted);
    heading::draw(area, buf, "Engine", &who, &Line::styled(right, theme.muted), false, theme);
    let rest = below(area);
    match &host.disk_usage {
        Some(Ok(usage)) => {
            let rows = [
                ("images", &usage.images),
                ("containers", &usage.containers),
                ("volumes", &usage.volumes),
                ("build cache", &usage.build_cache),
            ];
            draw_table(rest, buf, &rows, theme);
        }
        Some(Err(error)) => {
            let width = usize::from(rest.width.saturating_sub(2));
            let title = format!("The disk use could not be read: {error}");
            buf.set_string(rest.x + 1, rest.y, styled::cut(&title, width, theme.ascii), theme.warning);
            if rest.height > 1 {
                let advice = format!("{} reads again", cx.keymap.named(Action::ReadAgain));
                buf.set_stringn(rest.x + 1, rest.y + 1, advice, width, theme.muted);
            }
        }
        None => {
            let words = if is_reading {
                "Asking the engine, which may take a while with many images"
            } else if connection.is_up() {
                "The disk use has not been read yet"
            } else {
                "The disk use is read when the engine answers"
            };
            buf.set_stringn(rest.x + 1, rest.y, words, usize::from(rest.width), theme.muted);
        }
    }
}

fn draw_table(area: Rect, buf: &mut Buffer, rows: &[(&str, &DiskUsageRow)], theme: &Theme) {
    // Figures stand close to their names: a table stretched over a wide screen is hard to read across.
    let step = (area.width.saturating_sub(14) / 4).clamp(7, 12);
    let cell = |n: u16| area.x + 13 + n * step;
    let mut put = |x: u16, y: u16, text: &str, style| {
        let width = usize::from(step);
        buf.set_string(x, y, format!("{text:>width$}"), style);
    };
    for (n, title) in (0..).zip(["count", "active", "size", "to free"]) {
        put(cell(n), area.y, title, theme.muted);
    }
    for (y, (_, row)) in (area.y + 1..area.bottom()).zip(rows) {
        put(cell(0), y, &bytes::count(u64::from(row.count)), theme.text);
        put(cell(1), y, &bytes::count(u64::from(row.active)), theme.text);
        put(cell(2), y, &bytes::short(row.bytes), theme.strong);
        // Half of much to win back is worth a look.
        let much = row.reclaimable_bytes > 1 << 30 && row.reclaimable_bytes > row.bytes / 2;
        let style = if much { theme.warning } else { theme.text };
        put(cell(3), y, &bytes::short(row.reclaimable_bytes), style);
    }
    for (y, (name, _)) in (area.y + 1..area.bottom()).zip(rows) {
        buf.set_string(area.x + 1, y, *name, theme.text);
    }
}
