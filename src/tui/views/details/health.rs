//! The Health tab: the check, its last results, its flips.

use ratatui::text::{Line, Span};

use crate::model::health::{Health, HealthCheck, HealthSettings};
use crate::model::stacks::{ServiceState, age, duration_words};
use crate::state::containers::Entry;
use crate::tui::paint::{glyphs, wrap};
use crate::tui::view::Context;
use crate::tui::views::details::fields::{clock, field, section, sentences};

/// Lines of a check's output that are shown.
const OUTPUT_LINES: usize = 6;

pub fn lines<'a>(entry: &Entry, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let container = &entry.container;
    let Some(settings) = &container.health_settings else {
        let mut lines = vec![Line::styled("No health check", theme.text)];
        let words = "Add healthcheck: to the service in its compose file; then its state says healthy or \
                     unhealthy instead of just running";
        lines.extend(sentences(words, theme.muted, room));
        return lines;
    };
    let mut lines = Vec::new();
    if container.run.is_up() {
        let (state, streak) = match container.health {
            Health::Healthy => (ServiceState::Healthy, String::new()),
            Health::Unhealthy => (ServiceState::Unhealthy, streak(container.failing_streak)),
            Health::Starting | Health::None => (ServiceState::Starting, streak(container.failing_streak)),
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{} {}", theme.mark(state), state.word()), theme.state(state)),
            Span::styled(streak, theme.text),
        ]));
    } else {
        lines.push(Line::styled("Not running: the checks below are from before", theme.muted));
    }
    lines.push(Line::default());
    lines.extend(field("check", &settings.test, theme.text, room, cx));
    lines.extend(field("rhythm", &rhythm(settings), theme.text, room, cx));
    if let Some(at) = cx.state.next_health_result(&container.id).filter(|_| container.run.is_up()) {
        let seconds = at.as_second() - cx.now.as_second();
        if seconds > 0 {
            lines.extend(field("next", &format!("in {}", duration_words(seconds)), theme.text, room, cx));
        }
    }
    if let Some(after) = entry.facts.ready_after {
        let words = format!("{:.1}s after its start", after.as_secs_f64());
        lines.extend(field("ready", &words, theme.text, room, cx));
    }
    if !entry.facts.flips.is_empty() {
        let arrow = format!(" {} ", glyphs(theme.ascii).arrow);
        let last: Vec<String> = entry
            .facts
            .flips
            .iter()
            .rev()
            .take(4)
            .rev()
            .map(|(at, health)| format!("{} {}", health.word(), clock(*at)))
            .collect();
        let count = entry.facts.flips.len();
        lines.extend(field("flips", &format!("{count}: {}", last.join(&arrow)), theme.text, room, cx));
    }
    lines.extend(section("Last checks", cx));
    if container.health_log.is_empty() {
        lines.push(Line::styled("None yet: the first comes one interval after the start", theme.muted));
    }
    for check in container.health_log.iter().rev() {
        result(&mut lines, check, room, cx);
    }
    lines
}

fn streak(failures: u32) -> String {
    match failures {
        0 => String::new(),
        1 => String::from("  the last check failed"),
        n => format!("  the last {n} checks failed"),
    }
}

fn rhythm(settings: &HealthSettings) -> String {
    let seconds = |duration: std::time::Duration| {
        if duration.subsec_millis() > 0 {
            format!("{:.1}s", duration.as_secs_f64())
        } else {
            duration_words(duration.as_secs() as i64)
        }
    };
    let mut text = format!(
        "every {}, timeout {}, unhealthy after {} failures",
        seconds(settings.interval),
        seconds(settings.timeout),
        settings.retries
    );
    if !settings.start_period.is_zero() {
        text.push_str(", start period ");
        text.push_str(&seconds(settings.start_period));
    }
    text
}

fn result(lines: &mut Vec<Line<'_>>, check: &HealthCheck, room: u16, cx: &Context<'_>) {
    let theme = cx.theme;
    let passed = check.exit_code == 0;
    let style = if passed { theme.good } else { theme.error };
    let state = if passed { ServiceState::Completed } else { ServiceState::Failed };
    let outcome = match check.exit_code {
        0 => String::from("passed"),
        -1 => String::from("timed out"),
        code => format!("exit code {code}"),
    };
    let (time, ago) =
        check.at.map_or_else(Default::default, |at| (clock(at), format!("{} ago", age(at, cx.now))));
    lines.push(Line::from(vec![
        Span::styled(format!("{} ", theme.mark(state)), style),
        Span::styled(format!("{time}  "), theme.text),
        Span::styled(format!("{outcome:<12}"), style),
        Span::styled(format!("{:>7}", took(check.duration_ms)), theme.text),
        Span::styled(format!("{ago:>10}"), theme.muted),
    ]));
    let output = check.output.lines().filter(|line| !line.trim().is_empty());
    let output: Vec<String> =
        output.flat_map(|line| wrap(line, room.saturating_sub(2))).take(OUTPUT_LINES).collect();
    lines.extend(output.into_iter().map(|line| Line::styled(format!("  {line}"), theme.muted)));
}

fn took(milliseconds: u64) -> String {
    if milliseconds < 10_000 { format!("{milliseconds}ms") } else { format!("{}s", milliseconds / 1000) }
}
