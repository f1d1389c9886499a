//! The Overview tab of a whole stack: its services at a glance, its files.

use ratatui::text::{Line, Span};

use crate::model::containers::NO_STACK;
use crate::model::stacks::{ServiceState, Stack, Target, age};
use crate::tui::paint::{cut_end, width, wrap};
use crate::tui::view::Context;
use crate::tui::views::details::fields::{section, sentences};
use crate::tui::views::details::{files, output, probes};
use crate::tui::views::stacks::tree::job_words;
use crate::tui::widgets::bytes;

pub fn lines<'a>(stack: &'a Stack, room: u16, cx: &Context<'a>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let mut lines = vec![Line::from(vec![Span::styled(
        format!("{} {}", theme.mark(stack.state), stack.state.word()),
        theme.state(stack.state),
    )])];
    lines.extend(sentences(&counts(stack), theme.text, room));
    if let Some(job) = cx.state.jobs.on_stack(&stack.name) {
        lines.push(Line::styled(job_words(job, cx.now), theme.starting));
    }
    let sum = cx.state.usage.sum_of_stack(stack);
    let mut figures = Vec::new();
    if let Some(cpu) = sum.cpu_percent {
        figures.push(format!("CPU {cpu:.1}%"));
    }
    if let Some(memory) = sum.memory_bytes {
        figures.push(format!("memory {}", bytes::short(memory)));
    }
    if let Some(rate) = sum.net_rate {
        figures.push(format!("net {}", bytes::rate(rate)));
    }
    if !figures.is_empty() {
        lines.push(Line::styled(figures.join("  "), theme.muted));
    }
    lines.push(Line::default());
    lines.extend(output::lines(&Target::Stack(stack.name.clone()), room, cx));
    if &*stack.name == NO_STACK {
        let words = "These containers carry no Compose labels; each stands for itself";
        lines.extend(sentences(words, theme.muted, room));
    }
    lines.extend(files::lines(stack, room, cx));
    lines.extend(section("Services", cx));
    let mut services: Vec<_> = stack.services.iter().collect();
    services.sort_by(|a, b| (a.verdict.state, &a.name).cmp(&(b.verdict.state, &b.name)));
    let names = services.iter().map(|service| width(&service.name)).max().unwrap_or(0).min(20);
    for service in services {
        let state = service.verdict.state;
        let name = cut_end(&service.name, names, theme.ascii).into_owned();
        let since = service.verdict.since.map(|since| age(since, cx.now)).unwrap_or_default();
        lines.push(Line::from(vec![
            Span::styled(format!("{} ", theme.mark(state)), theme.state(state)),
            Span::styled(format!("{name:<width$}  ", width = usize::from(names)), theme.text),
            Span::styled(format!("{:<11}", state.word()), theme.state(state)),
            Span::styled(since, theme.muted),
        ]));
        let reason = service.verdict.reason.describe(cx.now);
        if !reason.is_empty() {
            let words = wrap(&reason, room.saturating_sub(2)).into_iter().take(2);
            lines.extend(words.map(|line| Line::styled(format!("  {line}"), theme.muted)));
        }
    }
    let found: Vec<_> = cx.state.probes.iter().filter(|probe| probe.id.stack == stack.name).collect();
    lines.extend(probes::section(&found, true, room, cx));
    lines
}

/// Counts services by state, worst first: `1 failed, 4 healthy`.
pub fn counts(stack: &Stack) -> String {
    let words: Vec<String> = ServiceState::ALL
        .into_iter()
        .filter_map(|state| {
            let count = stack.services.iter().filter(|service| service.verdict.state == state).count();
            (count > 0).then(|| format!("{count} {}", state.word()))
        })
        .collect();
    words.join(", ")
}
