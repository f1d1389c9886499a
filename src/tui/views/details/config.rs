//! The Config tab of a stack: its files as Compose resolved them, secrets masked long before this.

use ratatui::text::{Line, Span};

use crate::model::compose::Definition;
use crate::model::containers::NO_STACK;
use crate::model::redact::MASK;
use crate::model::stacks::Stack;
use crate::tui::view::Context;
use crate::tui::views::details::fields::sentences;

pub fn lines<'a>(stack: &'a Stack, room: u16, cx: &Context<'a>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    if &*stack.name == NO_STACK {
        return sentences("These containers have no compose files", theme.muted, room);
    }
    if let Some(definition) = cx.state.containers.definition(&stack.name) {
        return resolved(definition, cx);
    }
    let mut lines = Vec::new();
    if let Some(error) = &stack.definition_error {
        lines.push(Line::styled(
            "Its files cannot be read; all that is shown comes from labels",
            theme.warning,
        ));
        lines.extend(error.lines().flat_map(|line| sentences(line, theme.text, room)));
    } else if cx.state.containers.reads_definitions() {
        lines.push(Line::styled("Compose reads the files", theme.muted));
    } else {
        let words = "The files were not read: that needs the Compose CLI and the files on this machine";
        lines.extend(sentences(words, theme.muted, room));
    }
    lines
}

fn resolved<'a>(definition: &'a Definition, cx: &Context<'a>) -> Vec<Line<'a>> {
    if definition.text.is_empty() {
        return vec![Line::styled("Compose gave no text of it", cx.theme.muted)];
    }
    definition.text.iter().map(|line| colored(line, cx)).collect()
}

/// Sets names apart from values; a masked value is faint.
fn colored<'a>(line: &'a str, cx: &Context<'a>) -> Line<'a> {
    let theme = cx.theme;
    let start = line.len() - line.trim_start_matches([' ', '-']).len();
    let Some(colon) = line[start..].find(':').map(|at| at + start) else {
        return Line::styled(line, theme.text);
    };
    let (name, value) = line.split_at(colon + 1);
    if !(value.is_empty() || value.starts_with(' ')) {
        return Line::styled(line, theme.text);
    }
    let style = if start == 0 { theme.title } else { theme.muted };
    let value_style = if value.contains(MASK) { theme.faint } else { theme.text };
    Line::from(vec![Span::styled(name, style), Span::styled(value, value_style)])
}
