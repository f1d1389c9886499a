//! Where a stack comes from: its variant, its files, what is wrong with them, and what differs from them.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::model::containers::NO_STACK;
use crate::model::stacks::{Drift, Stack};
use crate::state::variants::variants;
use crate::tui::paint::{cut_middle, glyphs, wrap};
use crate::tui::view::Context;
use crate::tui::views::details::fields::{LABEL, field, sentences};

/// Faults of a stack's own file that are shown at most.
const FAULTS: usize = 5;

pub fn lines<'a>(stack: &Stack, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let value = room.saturating_sub(LABEL);
    let mut lines = Vec::new();
    lines.extend(variant(stack, room, cx));
    for (index, file) in stack.config_files.iter().enumerate() {
        let label = if index == 0 { "files" } else { "" };
        lines.extend(field(label, &cut_middle(file, value, theme.ascii), theme.text, room, cx));
    }
    if !stack.working_dir.is_empty() {
        let folder = cut_middle(&stack.working_dir, value, theme.ascii).into_owned();
        lines.extend(field("folder", &folder, theme.text, room, cx));
    }
    lines.extend(drift(stack, room, cx));
    if &*stack.name == NO_STACK {
        return lines;
    }
    match &stack.definition_error {
        Some(words) => {
            lines.push(Line::default());
            let (title, rest) = if stack.defined {
                ("Files changed, cannot be read:", "What is shown of them is from before")
            } else {
                ("Its files cannot be read:", "What is shown comes from its containers' labels alone")
            };
            lines.push(Line::styled(title, theme.warning));
            lines.extend(indented(words, theme.text, room));
            lines.push(Line::styled(rest, theme.muted));
        }
        None if !stack.defined && cx.state.connection.is_up() && !cx.state.connection.is_local() => {
            let words =
                "Its files are not on this machine: what is shown comes from its containers' labels alone";
            lines.push(Line::default());
            lines.extend(sentences(words, theme.muted, room));
        }
        None => {}
    }
    if let Some(faults) = cx.state.stack_files.fault(&stack.name) {
        lines.push(Line::default());
        lines.push(Line::styled("Its stackdash.toml cannot be used:", theme.warning));
        for fault in faults.lines().take(FAULTS) {
            lines.extend(indented(fault, theme.text, room));
        }
        let more = faults.lines().count().saturating_sub(FAULTS);
        if more > 0 {
            lines.push(Line::styled(format!("  and {more} more"), theme.muted));
        }
    }
    let mut faults = cx.state.stack_files.label_faults(&stack.name).peekable();
    if faults.peek().is_some() {
        lines.push(Line::default());
        lines.push(Line::styled("Labels that cannot be used:", theme.warning));
        lines.extend(faults.by_ref().take(FAULTS).flat_map(|fault| indented(fault, theme.text, room)));
        let more = faults.count();
        if more > 0 {
            lines.push(Line::styled(format!("  and {more} more"), theme.muted));
        }
    }
    lines
}

/// Writes `dev (running) · prod`.
fn variant<'a>(stack: &Stack, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let words: Vec<String> = variants(cx.state, &stack.name)
        .iter()
        .map(|one| match one.word() {
            "" => one.variant.name.clone(),
            word => format!("{} ({word})", one.variant.name),
        })
        .collect();
    if words.is_empty() {
        return Vec::new();
    }
    let dot = format!(" {} ", glyphs(theme.ascii).dot);
    field("variant", &words.join(&dot), theme.text, room, cx)
}

/// Says which services are not as the files say.
fn drift<'a>(stack: &Stack, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let named = |gone: bool| -> Vec<&str> {
        let all = stack.services.iter().filter(|service| match service.drift {
            Some(Drift::Gone) => gone,
            Some(_) => !gone,
            None => false,
        });
        all.map(|service| &*service.name).collect()
    };
    let mut lines = Vec::new();
    for (gone, words) in [
        (false, "changed in file; bringing it up applies it"),
        (true, "orphan, its files know it no more; up --remove-orphans removes it"),
    ] {
        let names = named(gone);
        if !names.is_empty() {
            let words = format!("{}: {words}", names.join(", "));
            let label = if lines.is_empty() { "drift" } else { "" };
            lines.extend(field(label, &words, theme.warning, room, cx));
        }
    }
    lines
}

fn indented<'a>(words: &str, style: Style, room: u16) -> Vec<Line<'a>> {
    let lines = wrap(words, room.saturating_sub(2)).into_iter();
    lines.map(|line| Line::from(vec![Span::raw("  "), Span::styled(line, style)])).collect()
}

#[cfg(test)]
mod tests;
