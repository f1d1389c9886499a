//! The Inspect tab: the engine's whole answer, secrets masked.

use ratatui::text::Line;

use crate::state::containers::Entry;
use crate::tui::view::Context;

pub fn lines<'a>(entry: &Entry, cx: &Context<'a>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    match cx.state.details.inspect(&entry.container.id) {
        None => vec![Line::styled("Reading the inspection", theme.muted)],
        Some(Err(error)) => vec![Line::styled(error.to_string(), theme.error)],
        Some(Ok(lines)) => lines.iter().map(|line| Line::styled(line.as_str(), theme.text)).collect(),
    }
}
