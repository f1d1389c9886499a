//! The Overview tab of a service or a container: what it is, how it is, and how it came to that.

use ratatui::text::{Line, Span};

use crate::model::containers::Container;
use crate::model::health::Health;
use crate::model::stacks::{Service, ServiceState, Target, age, signal_name};
use crate::state::State;
use crate::state::containers::Entry;
use crate::state::probes::contradiction;
use crate::state::verdict::exit_of;
use crate::tui::paint::{cut_end, cut_middle, glyphs, width};
use crate::tui::view::Context;
use crate::tui::views::details::fields::{LABEL, clock, field, moment, section, sentences};
use crate::tui::views::details::{output, probes, watch};
use crate::tui::views::stacks::tree::job_words;
use crate::tui::views::tokens::standing;
use crate::tui::widgets::bytes;

/// Lines of recent events.
const RECENT: usize = 6;

pub fn lines<'a>(entry: &'a Entry, target: &Target, room: u16, cx: &Context<'a>) -> Vec<Line<'a>> {
    let container = &entry.container;
    let service = service_of(entry, cx.state);
    let mut lines = sentence(entry, target, service, room, cx);
    lines.extend(figures(container, cx));
    lines.push(Line::default());
    lines.extend(output::lines(target, room, cx));
    identity(&mut lines, container, room, cx);
    lines.push(Line::default());
    life(&mut lines, entry, room, cx);
    if let Some(service) = service {
        relations(&mut lines, entry, service, target, room, cx);
    }
    let (stack, name) = (entry.container.stack_name(), entry.container.service_name());
    let found: Vec<_> = cx.state.probes.of_service(&stack, &name).collect();
    lines.extend(probes::section(&found, false, room, cx));
    tokens(&mut lines, entry, cx);
    watch::lines(&mut lines, &entry.container, room, cx);
    recently(&mut lines, entry, room, cx);
    lines
}

/// The first words: state, since when, why, and what is under way.
fn sentence<'a>(
    entry: &Entry,
    target: &Target,
    service: Option<&Service>,
    room: u16,
    cx: &Context<'_>,
) -> Vec<Line<'a>> {
    let verdict = match (target, service) {
        (Target::Service { .. }, Some(service)) => &service.verdict,
        _ => &entry.verdict,
    };
    let style = cx.theme.state(verdict.state);
    let mut spans =
        vec![Span::styled(format!("{} {}", cx.theme.mark(verdict.state), verdict.state.word()), style)];
    if let Some(since) = verdict.since {
        spans.push(Span::styled(format!(" for {}", age(since, cx.now)), cx.theme.text));
    }
    let mut lines = vec![Line::from(spans)];
    let reason = verdict.reason.describe(cx.now);
    if !reason.is_empty() {
        lines.extend(sentences(&reason, cx.theme.text, room));
    }
    if let Some(service) = service {
        let stack = entry.container.stack_name();
        let words = contradiction(&cx.state.probes, &stack, &service.name, service.verdict.state);
        lines.extend(words.into_iter().flat_map(|words| sentences(&words, cx.theme.warning, room)));
    }
    if let Some(drift) = service.and_then(|service| service.drift.as_ref()) {
        let words = format!("{} {}", glyphs(cx.theme.ascii).differs, drift.describe());
        lines.extend(sentences(&words, cx.theme.warning, room));
    }
    if let Some(job) = cx.state.jobs.conflicting(target, &cx.state.containers) {
        lines.push(Line::styled(job_words(job, cx.now), cx.theme.starting));
    }
    lines
}

fn figures<'a>(container: &Container, cx: &Context<'_>) -> Option<Line<'a>> {
    let theme = cx.theme;
    let found = cx.state.usage.get(&container.id).filter(|_| container.run.is_up())?;
    let usage = found.usage;
    let mut spans = Vec::new();
    let mut add = |label: &'static str, value: String| {
        spans.push(Span::styled(format!("{label} "), theme.muted));
        spans.push(Span::styled(format!("{value}  "), theme.text));
    };
    if let Some(cpu) = usage.cpu_percent {
        add("CPU", format!("{cpu:.1}%"));
    }
    if let Some(memory) = usage.memory_bytes {
        let limit = usage
            .memory_limit
            .or(container.memory_limit)
            .map(|limit| format!("/{}", bytes::short(limit)))
            .unwrap_or_default();
        add("memory", format!("{}{limit}", bytes::short(memory)));
    }
    if let (Some(rx), Some(tx)) = (usage.net_rx_rate, usage.net_tx_rate) {
        let glyphs = glyphs(theme.ascii);
        add("net", format!("{}{} {}{}", glyphs.down, bytes::rate(rx), glyphs.up, bytes::rate(tx)));
    }
    Some(Line::from(spans))
}

fn identity(lines: &mut Vec<Line<'_>>, container: &Container, room: u16, cx: &Context<'_>) {
    let theme = cx.theme;
    let value = room.saturating_sub(LABEL);
    let mut add = |label: &str, text: &str| {
        if !text.is_empty() {
            lines.extend(field(label, text, theme.text, room, cx));
        }
    };
    add("container", &container.name);
    add("id", container.id.short());
    add("image", &cut_middle(&container.image, value, theme.ascii));
    add("command", &container.command);
    let mut ports: Vec<String> = Vec::new();
    for port in &container.ports {
        // The same port on IPv6 says nothing new.
        let text = port.to_string().replace("[::]", "0.0.0.0");
        if !ports.contains(&text) {
            ports.push(text);
        }
    }
    add("ports", &ports.join(" "));
    let networks: Vec<String> =
        container.networks.iter().map(|network| format!("{} {}", network.name, network.ip)).collect();
    if networks.is_empty() {
        add("network", &container.network_mode);
    } else {
        add("networks", networks.join(", ").trim_end());
    }
    if !container.mounts.is_empty() {
        add("mounts", &container.mounts.len().to_string());
    }
    add("user", &container.user);
    add("log driver", if container.log_driver == "json-file" { "" } else { &container.log_driver });
}

fn life(lines: &mut Vec<Line<'_>>, entry: &Entry, room: u16, cx: &Context<'_>) {
    let container = &entry.container;
    let theme = cx.theme;
    let mut add = |label: &str, text: &str, style| {
        if !text.is_empty() {
            lines.extend(field(label, text, style, room, cx));
        }
    };
    if let Some(exit) = exit_of(container, &entry.facts) {
        add("ended", &exit.describe(), theme.state(entry.verdict.state));
    } else if let Some(exit) = entry.facts.last_exit {
        add("last end", &exit.describe(), theme.text);
    }
    let up = container.run.is_up();
    if let Some(at) = container.finished_at.filter(|_| !up) {
        add("finished", &moment(at, cx.now), theme.text);
    }
    if let Some(at) = container.started_at {
        add("started", &moment(at, cx.now), theme.text);
    }
    if let Some(after) = entry.facts.ready_after {
        add("ready", &format!("{:.1}s after its start", after.as_secs_f64()), theme.text);
    }
    if let Some(at) = container.created_at {
        add("created", &moment(at, cx.now), theme.text);
    }
    let mut restarts = Vec::new();
    if !matches!(&*container.restart_policy, "" | "no") {
        restarts.push(format!("policy {}", container.restart_policy));
    }
    match container.restart_count {
        0 => {}
        1 => restarts.push(String::from("restarted once")),
        count => restarts.push(format!("restarted {count} times")),
    }
    // Each restart follows an end: only more of these are news.
    match entry.facts.crashes.len() {
        ends if ends <= container.restart_count as usize => {}
        1 => restarts.push(String::from("ended once in the last hour")),
        ends => restarts.push(format!("ended {ends} times in the last hour")),
    }
    let style = if container.restart_count > 0 { theme.warning } else { theme.text };
    add("restarts", &restarts.join(", "), style);
    let signal = signal_name(i64::from(container.stop_signal)).unwrap_or("a signal");
    add("stop", &format!("{signal}, SIGKILL after {}s", container.stop_timeout_s), theme.text);
    if let Some(limit) = container.memory_limit {
        add("limit", &format!("{} of memory", bytes::short(limit)), theme.text);
    }
    let health = match (container.health, &container.health_settings) {
        (_, None) => String::from("no check"),
        (Health::Healthy | Health::None | Health::Starting, Some(settings)) => {
            format!("{}, every {}s", container.health.word(), settings.interval.as_secs())
        }
        (Health::Unhealthy, Some(settings)) => {
            format!("{} failures in a row, every {}s", container.failing_streak, settings.interval.as_secs())
        }
    };
    // A stopped container's health says nothing.
    if up {
        add("health", &health, theme.text);
    }
}

fn relations(
    lines: &mut Vec<Line<'_>>,
    entry: &Entry,
    service: &Service,
    target: &Target,
    room: u16,
    cx: &Context<'_>,
) {
    let theme = cx.theme;
    let stack = cx.state.containers.stack(&entry.container.stack_name());
    if !service.depends_on.is_empty() {
        lines.extend(section("Needs", cx));
        // What is needed of it matters more than a long name.
        let most = room.saturating_sub(2 + 2 + 11 + 18).max(14);
        let names = service.depends_on.iter().map(|dep| width(&dep.service)).max().unwrap_or(0).min(most);
        for dep in &service.depends_on {
            let found = stack.and_then(|stack| stack.service(&dep.service));
            let state = found.map_or(ServiceState::Absent, |s| s.verdict.state);
            let met = if dep.met { "met" } else { "not met" };
            let name = cut_end(&dep.service, names, theme.ascii);
            lines.push(Line::from(vec![
                Span::styled(format!("{} ", theme.mark(state)), theme.state(state)),
                Span::styled(format!("{name:<width$}  ", width = usize::from(names)), theme.text),
                Span::styled(format!("{:<11}", state.word()), theme.state(state)),
                Span::styled(
                    format!("{}: {met}", dep.condition.goal()),
                    if dep.met { theme.muted } else { theme.warning },
                ),
            ]));
        }
    }
    let needed_by: Vec<&str> = stack
        .map(|stack| {
            let needs = |other: &&Service| other.depends_on.iter().any(|dep| dep.service == service.name);
            stack.services.iter().filter(needs).map(|other| &*other.name).collect()
        })
        .unwrap_or_default();
    if !needed_by.is_empty() {
        if service.depends_on.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(field("needed by", &needed_by.join(", "), theme.text, room, cx));
    }
    if service.containers.len() > 1 && matches!(target, Target::Service { .. }) {
        lines.extend(section("Containers", cx));
        for other in service.containers.iter().filter_map(|id| cx.state.containers.get(id)) {
            let state = other.verdict.state;
            let one_off = other.container.compose.as_ref().is_some_and(|compose| compose.one_off);
            lines.push(Line::from(vec![
                Span::styled(format!("{} ", theme.mark(state)), theme.state(state)),
                Span::styled(format!("{:<11}", state.word()), theme.state(state)),
                Span::styled(
                    cut_middle(&other.container.name, room.saturating_sub(13), theme.ascii).into_owned(),
                    theme.text,
                ),
                Span::styled(if one_off { "  one-off run" } else { "" }, theme.muted),
            ]));
        }
    }
}

/// The tokens that it lives on.
fn tokens(lines: &mut Vec<Line<'_>>, entry: &Entry, cx: &Context<'_>) {
    let theme = cx.theme;
    let (stack, service) = (entry.container.stack_name(), entry.container.service_name());
    let mut found = cx.state.tokens.of_service(&stack, &service).peekable();
    if found.peek().is_none() {
        return;
    }
    lines.extend(section("Tokens", cx));
    for token in found {
        let style = theme.token(token.state);
        lines.push(Line::from(vec![
            Span::styled(format!("{} ", theme.token_mark(token.state)), style),
            Span::styled(format!("{:<14} ", token.id.name), theme.text),
            Span::styled(standing(token, cx.now), style),
        ]));
    }
}

/// What happened to it lately, newest first.
fn recently(lines: &mut Vec<Line<'_>>, entry: &Entry, room: u16, cx: &Context<'_>) {
    let (stack, service) = (entry.container.stack_name(), entry.container.service_name());
    let mut entries = cx
        .state
        .timeline
        .entries()
        .iter()
        .rev()
        .filter(|line| line.stack.as_ref() == Some(&stack) && line.service.as_ref() == Some(&service))
        .take(RECENT)
        .peekable();
    if entries.peek().is_none() {
        return;
    }
    lines.extend(section("Lately", cx));
    for event in entries {
        let text = cut_end(&event.text, room.saturating_sub(10), cx.theme.ascii).into_owned();
        lines.push(Line::from(vec![
            Span::styled(format!("{}  ", clock(event.at)), cx.theme.muted),
            Span::styled(text, cx.theme.severity(event.severity)),
        ]));
    }
}

fn service_of<'a>(entry: &Entry, state: &'a State) -> Option<&'a Service> {
    state.containers.stack(&entry.container.stack_name())?.service(&entry.container.service_name())
}
