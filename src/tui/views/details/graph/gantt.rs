//! How a stack came up, one row a service on one axis of time: created, started, ready.
//!
//! ```text
//!              0s        5s        10s
//! db           ┄━━━━━━━━━●                  5.1s  ready
//! migrations   ┄┄┄┄┄┄┄┄┄┄┄━━✓               6.4s  done
//! api          ┄┄┄┄┄┄┄┄┄┄┄┄┄━━━━━━━●       10.2s  ready
//! ```

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ratatui::text::{Line, Span};

use crate::model::stacks::{ServiceState, Stack, age, duration_words};
use crate::state::graph::startup::{Bar, Outcome, Startup};
use crate::tui::paint::{cut_end, glyphs, width};
use crate::tui::view::Context;
use crate::tui::views::details::fields::{section, sentences};
use crate::tui::views::details::stack::counts;

/// Columns of a name.
const NAME: u16 = 18;
/// Columns behind the bars: a duration and a word.
const FIGURES: u16 = 17;
/// The longest bar: more says nothing more.
const LONGEST: u16 = 90;

/// Says how the stack is, and how long it took to get there.
pub fn summary<'a>(stack: &Stack, startup: Option<&Startup>, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let state = format!("{} {}", theme.mark(stack.state), stack.state.word());
    let counts = counts(stack);
    let mut lines = if width(&state) + 2 + width(&counts) <= room {
        let counts = Span::styled(format!("  {counts}"), theme.text);
        vec![Line::from(vec![Span::styled(state, theme.state(stack.state)), counts])]
    } else {
        let mut lines = vec![Line::styled(state, theme.state(stack.state))];
        lines.extend(sentences(&counts, theme.text, room));
        lines
    };
    if let Some(job) = cx.state.jobs.on_stack(&stack.name) {
        lines.push(Line::styled(crate::tui::views::stacks::tree::job_words(job, cx.now), theme.starting));
    }
    let Some(startup) = startup else { return lines };
    let words = match startup.ready() {
        Some(at) => {
            let whole = if startup.asked { "up to all ready" } else { "first container to all ready" };
            format!("From {whole}: {}{}", took(startup.from, at), chain(startup, theme.ascii))
        }
        None if startup.is_over() => return lines,
        None => {
            let done = startup.bars.iter().filter(|bar| bar.end().is_some() && !failed(bar)).count();
            let first = startup.bars.iter().find_map(|bar| match bar.outcome {
                Outcome::Failed(at) => {
                    Some(format!("{} failed after {}", bar.service, took(startup.from, at)))
                }
                _ => None,
            });
            let first = first.unwrap_or_else(|| format!("{} so far", took(startup.from, cx.now)));
            format!("{done} of {} came up, {first}", startup.bars.len())
        }
    };
    lines.extend(sentences(&words, theme.muted, room));
    lines
}

fn failed(bar: &Bar) -> bool {
    matches!(bar.outcome, Outcome::Failed(_))
}

/// Writes what took longest, each with its own share: `: db 5.1s → migrations 1.3s → api 3.8s`.
fn chain(startup: &Startup, ascii: bool) -> String {
    if startup.critical.len() < 2 {
        return String::new();
    }
    let mut from = startup.from;
    let hops = startup.critical.iter().filter_map(|name| {
        let end = startup.bar(name)?.end()?;
        let words = format!("{name} {}", took(from, end));
        from = end;
        Some(words)
    });
    let arrow = format!(" {} ", glyphs(ascii).arrow);
    format!(", {}", hops.collect::<Vec<_>>().join(&arrow))
}

pub fn lines<'a>(startup: &Startup, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let title =
        if startup.asked { "Start, from up to ready" } else { "Start, from the first container to ready" };
    let mut lines: Vec<Line<'a>> = section(title, cx).into();
    let names = startup.bars.iter().map(|bar| width(&bar.service)).max().unwrap_or(0).min(NAME);
    let axis = Axis {
        from: startup.from,
        millis: startup.until.duration_since(startup.from).as_millis().max(1) as f64,
        columns: room.saturating_sub(names + 2 + FIGURES).clamp(8, LONGEST),
        now: cx.now,
    };
    lines.push(Line::styled(format!("{:w$}{}", "", axis.ticks(), w = usize::from(names + 2)), theme.faint));
    for bar in &startup.bars {
        let mut spans = vec![Span::styled(
            format!("{:<w$}  ", cut_end(&bar.service, names, theme.ascii), w = usize::from(names)),
            if startup.critical.contains(&bar.service) { theme.strong } else { theme.text },
        )];
        spans.extend(axis.bar(bar, cx));
        lines.push(Line::from(spans));
    }
    if !startup.others.is_empty() {
        let named = |(service, at): &(Arc<str>, Timestamp)| format!("{service} ({} ago)", age(*at, cx.now));
        let others: Vec<String> = startup.others.iter().map(named).collect();
        let words = format!("Started on another occasion: {}", others.join(", "));
        lines.extend(sentences(&words, theme.muted, room));
    }
    lines
}

struct Axis {
    from: Timestamp,
    millis: f64,
    columns: u16,
    now: Timestamp,
}

impl Axis {
    fn column(&self, at: Timestamp) -> usize {
        let share = at.duration_since(self.from).as_millis().max(0) as f64 / self.millis;
        (share * f64::from(self.columns - 1)).round().min(f64::from(self.columns - 1)) as usize
    }

    /// Writes the scale: a round step that leaves room for its words.
    fn ticks(&self) -> String {
        const STEPS: [i64; 16] =
            [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400];
        let seconds = self.millis / 1000.0;
        let most = f64::from(self.columns) / 9.0;
        let step = STEPS.into_iter().find(|step| seconds / (*step as f64) <= most).unwrap_or(86_400 * 7);
        let mut text = String::new();
        let mut tick = 0;
        while tick as f64 <= seconds {
            let at = (tick as f64 * 1000.0 / self.millis * f64::from(self.columns - 1)).round() as usize;
            let word = clock_words(SignedDuration::from_secs(tick));
            if at + word.len() > usize::from(self.columns) {
                break;
            }
            text.push_str(&" ".repeat(at.saturating_sub(text.len())));
            text.push_str(&word);
            tick += step;
        }
        text
    }

    fn bar<'a>(&self, bar: &Bar, cx: &Context<'_>) -> Vec<Span<'a>> {
        let theme = cx.theme;
        let (dotted, solid) = if theme.ascii { (".", "=") } else { ("┄", "━") };
        let last = usize::from(self.columns - 1);
        let begin = bar.created.or(bar.started).map_or(0, |at| self.column(at));
        let started = bar.started.map(|at| self.column(at));
        let end = bar.end().map_or(last, |at| self.column(at));
        let mut spans = vec![Span::raw(" ".repeat(begin))];
        let waited = started.unwrap_or(end).min(end).saturating_sub(begin);
        spans.push(Span::styled(dotted.repeat(waited), theme.faint));
        let state = theme.state(bar.state);
        let worked = started.map_or(0, |start| end.saturating_sub(start.max(begin)));
        let color = match bar.outcome {
            Outcome::Failed(_) => theme.failed,
            Outcome::Starting => theme.starting,
            _ => theme.completed,
        };
        spans.push(Span::styled(solid.repeat(worked), color));
        let mark = match bar.outcome {
            Outcome::Ready(_) if bar.state == ServiceState::Completed => theme.mark(bar.state),
            // It was ready then, whatever has become of it.
            Outcome::Ready(_) | Outcome::ReadySometime => theme.mark(ServiceState::Healthy),
            Outcome::Failed(_) => theme.mark(ServiceState::Failed),
            Outcome::Starting => theme.mark(ServiceState::Starting),
            Outcome::Waiting => theme.mark(ServiceState::Blocked),
        };
        let style = if matches!(bar.outcome, Outcome::Ready(_)) { theme.good } else { state };
        spans.push(Span::styled(mark, style));
        spans.push(Span::raw(" ".repeat(last.saturating_sub(begin + waited + worked))));
        let (time, word) = match bar.outcome {
            Outcome::Ready(at) if bar.state == ServiceState::Completed => (took(self.from, at), "done"),
            Outcome::Ready(at) => (took(self.from, at), "ready"),
            Outcome::ReadySometime => (String::from("?"), "not seen"),
            Outcome::Failed(at) => (took(self.from, at), "failed"),
            Outcome::Starting => (took(self.from, self.now), "starting"),
            Outcome::Waiting => (took(self.from, self.now), "waiting"),
        };
        let strong = if bar.end().is_some() { theme.text } else { state };
        spans.push(Span::styled(format!("{time:>7}  "), strong));
        spans.push(Span::styled(word, theme.muted));
        spans
    }
}

/// Writes how long something took: tenths while they tell something.
fn took(from: Timestamp, to: Timestamp) -> String {
    clock_tenths(to.duration_since(from))
}

fn clock_tenths(span: SignedDuration) -> String {
    let seconds = span.as_secs_f64().max(0.0);
    if seconds < 59.95 { format!("{seconds:.1}s") } else { clock_words(span) }
}

/// Writes whole seconds, minutes with seconds, or hours.
fn clock_words(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes @ 1..60, 0) => format!("{minutes}m"),
        (minutes @ 1..60, seconds) => format!("{minutes}m {seconds}s"),
        _ => duration_words(seconds),
    }
}
