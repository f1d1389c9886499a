//! The Env tab: the environment a container was given. Secrets are masked long before this.

use ratatui::text::Line;

use crate::state::containers::Entry;
use crate::tui::paint::{cut_end, width};
use crate::tui::view::Context;

pub fn lines<'a>(entry: &Entry, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let mut variables: Vec<&(String, String)> = entry.container.env.iter().collect();
    if variables.is_empty() {
        return vec![Line::styled("No environment variables", cx.theme.muted)];
    }
    variables.sort();
    let names = variables.iter().map(|(name, _)| width(name)).max().unwrap_or(0).min(room / 2);
    variables
        .into_iter()
        .map(|(name, value)| {
            let name = cut_end(name, names, cx.theme.ascii);
            let pad = " ".repeat(usize::from(names.saturating_sub(width(&name)) + 2));
            let masked = !value.is_empty() && value.chars().all(|c| c == '*' || c == '•');
            let style = if masked { cx.theme.faint } else { cx.theme.text };
            Line::from(vec![
                ratatui::text::Span::styled(format!("{name}{pad}"), cx.theme.muted),
                ratatui::text::Span::styled(value.clone(), style),
            ])
        })
        .collect()
}
