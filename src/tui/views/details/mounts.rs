//! The Mounts tab: what is mounted where.

use ratatui::text::{Line, Span};

use crate::state::containers::Entry;
use crate::tui::paint::{cut_middle, wrap};
use crate::tui::view::Context;

pub fn lines<'a>(entry: &Entry, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    if entry.container.mounts.is_empty() {
        let words = "Nothing is mounted: what it writes goes with the container";
        return wrap(words, room).into_iter().map(|line| Line::styled(line, theme.muted)).collect();
    }
    let mut lines = Vec::new();
    for mount in &entry.container.mounts {
        let destination = cut_middle(&mount.destination, room.saturating_sub(14), theme.ascii).into_owned();
        lines.push(Line::from(vec![
            Span::styled(destination, theme.text),
            Span::styled(format!("  {}", mount.kind), theme.muted),
            Span::styled(if mount.writable { "" } else { "  read-only" }, theme.warning),
        ]));
        if !mount.source.is_empty() {
            let source = cut_middle(&mount.source, room.saturating_sub(4), theme.ascii);
            let from = if theme.ascii { "<-" } else { "←" };
            lines.push(Line::styled(format!("  {from} {source}"), theme.muted));
        }
    }
    lines
}
