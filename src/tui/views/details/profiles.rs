//! The Profiles tab of a stack: each profile, the services it adds and which of them are up.

use ratatui::text::{Line, Span};

use crate::model::containers::NO_STACK;
use crate::model::stacks::{Service, ServiceState, Stack, age};
use crate::tui::paint::{cut_end, glyphs, width};
use crate::tui::theme::Theme;
use crate::tui::view::Context;
use crate::tui::views::details::fields::sentences;

/// Columns of a name.
const NAME: u16 = 24;

pub fn lines<'a>(stack: &'a Stack, room: u16, cx: &Context<'a>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    if &*stack.name == NO_STACK || !stack.defined {
        let words = stack.definition_error.as_deref().unwrap_or("The files were not read");
        let words = format!("Profiles stand in compose files only, never in labels. {words}");
        return sentences(&words, theme.muted, room);
    }
    let always: Vec<&Service> = stack.services.iter().filter(|s| s.profiles.is_empty()).collect();
    let names = stack.services.iter().map(|service| width(&service.name)).max().unwrap_or(0).min(NAME);
    let mut lines = Vec::new();
    if stack.profiles.is_empty() {
        lines.push(Line::styled("No profiles: every service is always on", theme.muted));
    }
    for profile in &stack.profiles {
        let added: Vec<&Service> = stack.services.iter().filter(|s| s.profiles.contains(profile)).collect();
        lines.push(head(profile, &added, theme));
        for service in &added {
            lines.push(row(service, names, cx));
            let others: Vec<&str> =
                service.profiles.iter().filter(|name| *name != profile).map(String::as_str).collect();
            if !others.is_empty() {
                let words = format!("    also in {}", others.join(", "));
                lines.push(Line::styled(cut_end(&words, room, theme.ascii).into_owned(), theme.muted));
            }
            if let Some(words) = comes_along(stack, service, theme) {
                lines
                    .extend(sentences(&words, theme.muted, room.saturating_sub(4)).into_iter().map(indented));
            }
        }
        lines.push(Line::default());
    }
    if !stack.profiles.is_empty() {
        lines.push(head("Without a profile", &always, theme));
        lines.extend(always.iter().map(|service| row(service, names, cx)));
    }
    lines
}

fn indented(mut line: Line<'_>) -> Line<'_> {
    line.spans.insert(0, Span::raw("    "));
    line
}

/// Writes the profile, whether it is on, and how many of its services are up.
fn head<'a>(name: &str, services: &[&Service], theme: &Theme) -> Line<'a> {
    let up = services.iter().filter(|service| service.verdict.state.is_up()).count();
    let there = services.iter().filter(|service| !service.containers.is_empty()).count();
    let (mark, style, word) = match (there, up) {
        (0, _) => (theme.mark(ServiceState::Absent), theme.absent, String::from("off")),
        (_, up) if up == services.len() => {
            (theme.mark(ServiceState::Running), theme.good, format!("{up} of {up} up"))
        }
        (_, up) => {
            (theme.mark(ServiceState::Running), theme.warning, format!("{up} of {} up", services.len()))
        }
    };
    Line::from(vec![
        Span::styled(format!("{mark} "), style),
        Span::styled(name.to_owned(), theme.title),
        Span::styled(format!("  {word}"), style),
    ])
}

fn row<'a>(service: &Service, names: u16, cx: &Context<'_>) -> Line<'a> {
    let theme = cx.theme;
    let state = service.verdict.state;
    let since = service.verdict.since.map(|since| age(since, cx.now)).unwrap_or_default();
    let name = cut_end(&service.name, names, theme.ascii).into_owned();
    Line::from(vec![
        Span::styled(format!("  {} ", theme.mark(state)), theme.state(state)),
        Span::styled(format!("{name:<w$}  ", w = usize::from(names)), theme.text),
        Span::styled(format!("{:<10} ", state.word()), theme.state(state)),
        Span::styled(since, theme.muted),
    ])
}

/// Says which dependencies come along when a service is brought up.
fn comes_along(stack: &Stack, service: &Service, theme: &Theme) -> Option<String> {
    let mut found: Vec<&Service> = Vec::new();
    let mut open = vec![service];
    while let Some(next) = open.pop() {
        for dep in next.depends_on.iter().filter(|dep| dep.required) {
            if let Some(needed) = stack.service(&dep.service)
                && needed.name != service.name
                && !found.iter().any(|known| known.name == needed.name)
            {
                found.push(needed);
                open.push(needed);
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let named = |needed: &&Service| format!("{} ({})", needed.name, needed.verdict.state.word());
    let names: Vec<String> = found.iter().map(named).collect();
    (!names.is_empty()).then(|| format!("{} brings along {}", glyphs(theme.ascii).arrow, names.join(", ")))
}
