//! The end of what a running or failed job has printed, for the Overview tab.

use ratatui::text::{Line, Span};

use crate::model::stacks::Target;
use crate::tui::paint::{cut_end, wrap};
use crate::tui::view::Context;
use crate::tui::views::details::fields::section;

/// Lines shown while it runs, and of what failed: there the reason is what matters.
const TAIL: usize = 10;
const FAILED_TAIL: usize = 20;
/// Lines that the command may take.
const COMMAND: usize = 3;

pub fn lines<'a>(target: &Target, room: u16, cx: &Context<'a>) -> Vec<Line<'a>> {
    let Some(output) = cx.state.jobs.output(target, &cx.state.containers) else { return Vec::new() };
    let theme = cx.theme;
    let title = if output.failed { "What failed last" } else { "What it does" };
    let mut lines: Vec<Line<'a>> = section(title, cx).into();
    let command = wrap(&format!("$ {}", output.command), room);
    lines.extend(command.into_iter().take(COMMAND).map(|part| Line::styled(part, theme.muted)));
    let tail = if output.failed { FAILED_TAIL } else { TAIL };
    let hidden = output.lines.len().saturating_sub(tail);
    let above = output.dropped + hidden as u64;
    if above > 0 {
        lines.push(Line::styled(format!("({above} lines above)"), theme.faint));
    }
    let style = if output.failed { theme.warning } else { theme.text };
    for line in output.lines.iter().skip(hidden) {
        let words = cut_end(line, room, theme.ascii).into_owned();
        lines.push(Line::from(vec![Span::styled(words, style)]));
    }
    lines.push(Line::default());
    lines
}
