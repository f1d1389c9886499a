//! The Processes tab: what `top` shows.

use ratatui::text::Line;

use crate::event::ProcessTable;
use crate::state::containers::Entry;
use crate::tui::paint::width;
use crate::tui::view::Context;

pub fn lines<'a>(entry: &Entry, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    if !entry.container.run.is_up() {
        return vec![Line::styled("Not running: no processes", theme.muted)];
    }
    match cx.state.details.processes(&entry.container.id) {
        None => vec![Line::styled("Reading the processes", theme.muted)],
        Some((_, Err(error))) => vec![Line::styled(error.to_string(), theme.error)],
        Some((_, Ok(table))) => rows(table, cx),
    }
}

fn rows<'a>(table: &ProcessTable, cx: &Context<'_>) -> Vec<Line<'a>> {
    let last = table.titles.len().saturating_sub(1);
    let mut widths: Vec<usize> = table.titles.iter().map(|title| usize::from(width(title))).collect();
    for row in &table.rows {
        for (wide, cell) in widths.iter_mut().zip(row) {
            *wide = (*wide).max(usize::from(width(cell)));
        }
    }
    let join = |cells: &[String]| {
        let mut text = String::new();
        for (index, cell) in cells.iter().enumerate() {
            text.push_str(cell);
            if index < last {
                let pad = widths.get(index).map_or(0, |wide| wide.saturating_sub(usize::from(width(cell))));
                text.push_str(&" ".repeat(pad + 2));
            }
        }
        text
    };
    let mut lines = vec![Line::styled(join(&table.titles), cx.theme.faint)];
    lines.extend(table.rows.iter().map(|row| Line::styled(join(row), cx.theme.text)));
    lines
}
