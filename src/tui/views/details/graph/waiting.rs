//! Who waits for what, since when, and what it takes to go on.

use ratatui::text::{Line, Span};

use crate::model::containers::DependsCondition;
use crate::model::health::Health;
use crate::model::stacks::{Service, ServiceState, Stack, age, duration_words};
use crate::state::containers::Entry;
use crate::state::graph::{Holdup, Wait, holdups};
use crate::tui::paint::{width, wrap};
use crate::tui::view::Context;

pub fn lines<'a>(stack: &Stack, waits: &[Wait], room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let mut lines = Vec::new();
    let holdups = holdups(stack, waits);
    for wait in waits {
        for dep in &wait.missing {
            let found = stack.service(&dep.service);
            let state = found.map_or(ServiceState::Absent, |service| service.verdict.state);
            // Whoever waits in turn has a line of its own.
            let waits_too = waits.iter().any(|other| other.service == dep.service);
            let style = if holdups.iter().any(|holdup| holdup.service == dep.service) && !waits_too {
                theme.state(state)
            } else {
                theme.muted
            };
            let since = found.and_then(|service| service.verdict.since);
            let since = since.map_or_else(String::new, |since| format!(" for {}", age(since, cx.now)));
            let optional = if dep.required { "" } else { ", optional" };
            let mut line = Line::from(vec![
                Span::styled(format!("{} ", theme.mark(ServiceState::Blocked)), theme.blocked),
                Span::styled(wait.service.to_string(), theme.strong),
                Span::styled(" waits for ", theme.muted),
                Span::styled(format!("{}: {}", dep.service, dep.condition.goal()), theme.text),
            ]);
            let standing = format!(" ({}{since}{optional})", state.word());
            if line.width() + usize::from(width(&standing)) <= usize::from(room) {
                line.push_span(Span::styled(standing, style));
                lines.push(line);
            } else {
                lines.extend([line, Line::styled(format!(" {standing}"), style)]);
            }
        }
    }
    for holdup in &holdups {
        lines.push(Line::default());
        lines.extend(to_go_on(stack, waits, holdup, room, cx));
    }
    lines
}

/// Says what one service has to do so that the others go on.
fn to_go_on<'a>(
    stack: &Stack,
    waits: &[Wait],
    holdup: &Holdup,
    room: u16,
    cx: &Context<'_>,
) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let held: Vec<&str> = holdup.holds.iter().map(|name| &**name).collect();
    let mut lines = vec![Line::from(vec![
        Span::styled(format!("{} ", theme.mark(holdup.state)), theme.state(holdup.state)),
        Span::styled(holdup.service.to_string(), theme.strong),
        Span::styled(format!(" {}", holdup.state.word()), theme.state(holdup.state)),
        Span::styled(format!(" holds up {}", held.join(", ")), theme.text),
    ])];
    let mut conditions = waits.iter().flat_map(|wait| &wait.missing).filter(|d| d.service == holdup.service);
    let condition = conditions.next().map_or(DependsCondition::Started, |dep| dep.condition);
    let service = stack.service(&holdup.service);
    let words = words(service, condition, holdup.state, cx);
    lines.extend(
        wrap(&words, room.saturating_sub(2))
            .into_iter()
            .map(|line| Line::styled(format!("  {line}"), theme.muted)),
    );
    lines
}

fn words(
    service: Option<&Service>,
    condition: DependsCondition,
    state: ServiceState,
    cx: &Context<'_>,
) -> String {
    let Some(service) = service else {
        return String::from("To go on: define it, or take it out of depends_on");
    };
    let entry = service.containers.iter().find_map(|id| cx.state.containers.get(id));
    let reason = service.verdict.reason.describe(cx.now);
    let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    match (state, condition) {
        (ServiceState::Failed, DependsCondition::CompletedSuccessfully) => {
            format!("It failed{because}. To go on: find out why in its log, then bring the stack up again")
        }
        (ServiceState::Failed | ServiceState::Restarting, _) => {
            format!(
                "It does not stay up{because}. To go on: find out why in its log, then bring the stack up again"
            )
        }
        (ServiceState::Paused, _) => String::from("To go on: unpause it"),
        (ServiceState::Absent | ServiceState::Stopped, DependsCondition::CompletedSuccessfully) => {
            String::from("To go on: it has to run, and end with exit code 0")
        }
        (ServiceState::Absent | ServiceState::Stopped, _) => String::from("To go on: it has to be started"),
        (_, DependsCondition::CompletedSuccessfully) => {
            String::from("To go on: it has to end with exit code 0")
        }
        (_, DependsCondition::Healthy) => check_words(entry, because, cx),
        (_, DependsCondition::Started) => String::from("To go on: it has to be started"),
    }
}

fn check_words(entry: Option<&Entry>, because: String, cx: &Context<'_>) -> String {
    let settings = entry.and_then(|entry| Some((entry, entry.container.health_settings.as_ref()?)));
    let Some((entry, settings)) = settings else {
        return String::from("It has no health check, so it is never healthy. To go on: give it one");
    };
    let container = &entry.container;
    let mut words = if container.health == Health::Unhealthy {
        format!("Its check fails{because}. To go on: it has to pass once")
    } else {
        String::from("To go on: its check has to pass")
    };
    words = format!("{words}: {}", settings.test.trim_start_matches("CMD-SHELL ").trim_start_matches("CMD "));
    if let Some(at) = cx.state.next_health_result(&container.id) {
        let seconds = at.as_second() - cx.now.as_second();
        if seconds > 0 {
            words = format!("{words}, next in {}", duration_words(seconds));
        }
    } else {
        words = format!("{words}, every {}", duration_words(settings.interval.as_secs() as i64));
    }
    if container.health == Health::Starting && container.failing_streak > 0 {
        words = format!("{words}, {} of {} tries failed", container.failing_streak, settings.retries);
    }
    words
}
