//! How the sources of a service are watched, on its Overview tab.

use ratatui::text::{Line, Span};

use crate::model::containers::Container;
use crate::model::stacks::age;
use crate::model::watch::run::WatchRun;
use crate::state::watch::PlanOrigin;
use crate::tui::paint::cut_end;
use crate::tui::view::Context;
use crate::tui::views::details::fields::{section, sentences};
use crate::tui::views::watch::words;

/// Runs that are listed.
const RECENT: usize = 3;

pub fn lines(lines: &mut Vec<Line<'_>>, container: &Container, room: u16, cx: &Context<'_>) {
    let theme = cx.theme;
    let key = (container.stack_name(), container.service_name());
    let Some(watch) = cx.state.watch.service(&key.0, &key.1) else { return };
    if !watch.on && watch.plan.origin == PlanOrigin::Nothing {
        return;
    }
    lines.extend(section("Watch", cx));
    let face = words::standing(&key, watch, cx);
    let rules = words::rules(&key, watch, cx);
    let first = format!("{} {}", face.mark, face.word);
    let left = room.saturating_sub(first.chars().count() as u16 + 2);
    lines.push(Line::from(vec![
        Span::styled(first, face.style),
        Span::styled(format!("  {}", cut_end(&rules, left, theme.ascii)), theme.muted),
    ]));
    if watch.on && !watch.pending.is_empty() && words::under_way(&key, cx.state).is_none() {
        lines.extend(sentences(&words::waiting(watch, cx.state), theme.warning, room));
    }
    if !watch.suspended.is_empty() {
        lines.extend(sentences(&watch.suspended, theme.error, room));
    }
    let ended = |run: &&WatchRun| words::is_of(run, &key) && run.phase().is_end();
    for run in cx.state.watch.runs().rev().filter(ended).take(RECENT) {
        let face = words::outcome(run, theme);
        let what = if run.detail.is_empty() { words::changed(run) } else { run.detail.clone() };
        let took = run.took().map(words::took).unwrap_or_default();
        let text =
            format!("{:>6} ago {took:>6}  {} {what}", age(run.noticed_at(), cx.now), run.action.word());
        lines.push(Line::from(vec![
            Span::styled(format!("{} ", face.mark), face.style),
            Span::styled(cut_end(&text, room.saturating_sub(2), theme.ascii).into_owned(), theme.text),
        ]));
    }
}
