//! The first line: who answers, how much is up, the worst that is wrong, the machine, the clock.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::containers::NO_STACK;
use crate::model::stacks::{ServiceState, Target, age};
use crate::state::State;
use crate::state::connection::Link;
use crate::tui::paint::{cut_end, on, put, rule, width};
use crate::tui::regions::WIDE;
use crate::tui::ui::Ui;
use crate::tui::view::Context;
use crate::tui::views::details::fields::zone;
use crate::tui::views::stacks::attention;
use crate::tui::widgets::sparkline;

/// Cells between the parts.
const GAP: u16 = 3;
/// Cells of an age: `59s`.
const AGE: u16 = 3;

pub fn draw(area: Rect, buf: &mut Buffer, _ui: &Ui, cx: &Context<'_>) {
    let theme = cx.theme;
    rule(buf, area, " ", theme.bar);
    let on_bar = |style: Style| on(theme.bar, style);
    let clock = cx.now.to_zoned(zone()).strftime("%H:%M").to_string();
    let mut right = area.right().saturating_sub(width(&clock) + 1);
    put(buf, right, area.y, width(&clock), &clock, on_bar(theme.muted));
    if area.width >= WIDE {
        right = draw_machine(area, buf, right, cx);
    }

    let room_of_engine = Rect { width: right.saturating_sub(area.x + 1), ..area };
    let mut x = draw_engine(room_of_engine, buf, versions_fit(room_of_engine, cx), cx);
    let state = cx.state;
    if state.connection.listed_at.is_none() {
        return;
    }
    if state.read_only {
        x = put(buf, x + GAP, area.y, room(x + GAP, right), "read-only", on_bar(theme.warning));
    }
    if cx.coarse {
        x = put(buf, x + GAP, area.y, room(x + GAP, right), "slow link", on_bar(theme.muted));
    }
    let (up, all) = stacks_up(state);
    if all > 0 && x + GAP + 16 < right {
        x = put(buf, x + GAP, area.y, room(x + GAP, right), "stacks ", on_bar(theme.muted));
        let style = if up == all { theme.text } else { theme.strong };
        x = put(buf, x, area.y, room(x, right), &format!("{up}/{all}"), on_bar(style));
        x = put(buf, x, area.y, room(x, right), " up", on_bar(theme.muted));
    }
    let left = room(x + GAP, right.saturating_sub(1));
    if left >= 12 {
        let mut words = worst(cx, false);
        // The stack's name goes first when room is short: the list below has it.
        if width(&words) + 2 > left {
            words = worst(cx, true);
        }
        let (mark, style) = worst_face(cx);
        let words = format!("{mark} {words}");
        put(buf, x + GAP, area.y, left, &cut_end(&words, left, theme.ascii), on_bar(style));
    }
}

/// Whether the engine's version leaves enough room for what is wrong: that is worth more.
fn versions_fit(area: Rect, cx: &Context<'_>) -> bool {
    let Some(info) = &cx.state.connection.info else { return false };
    if area.width < 70 {
        return false;
    }
    let (up, all) = stacks_up(cx.state);
    let engine = 3 + width(&info.name).min(24) + 2 + width(&info.flavor) + width(&info.version);
    let stacks = GAP + width(&format!("stacks {up}/{all} up"));
    let notes = if cx.state.read_only { GAP + 9 } else { 0 } + if cx.coarse { GAP + 9 } else { 0 };
    // An age that counts must not make the version come and go.
    let problem = cx.state.attention.problems().first();
    let aged =
        problem.and_then(|problem| problem.verdict.since).map_or(AGE, |since| width(&age(since, cx.now)));
    let least = width(&worst(cx, true)) + AGE.saturating_sub(aged);
    engine + stacks + notes + GAP + 2 + least <= area.width
}

fn room(x: u16, right: u16) -> u16 {
    right.saturating_sub(x)
}

fn draw_engine(area: Rect, buf: &mut Buffer, with_version: bool, cx: &Context<'_>) -> u16 {
    let theme = cx.theme;
    let connection = &cx.state.connection;
    let (mark, style, words) = match &connection.link {
        Link::Connected => (ServiceState::Running, theme.good, String::new()),
        Link::Connecting => (ServiceState::Starting, theme.starting, String::from("connecting")),
        Link::Lost { since, retry_at, .. } => (
            ServiceState::Failed,
            theme.error,
            format!("disconnected for {}, retrying in {}", age(*since, cx.now), countdown(*retry_at, cx)),
        ),
        Link::Refused { retry_at, .. } => (
            ServiceState::Failed,
            theme.error,
            format!("no connection, retrying in {}", countdown(*retry_at, cx)),
        ),
    };
    let mut x = put(buf, area.x + 1, area.y, 2, theme.mark(mark), on(theme.bar, style)) + 1;
    let name = match &connection.info {
        Some(info) if !info.name.is_empty() => info.name.clone(),
        // The whole screen below says where.
        _ if !words.is_empty() => String::from("engine"),
        _ => connection.host.clone(),
    };
    let name = cut_end(&name, 24, theme.ascii).into_owned();
    x = put(buf, x, area.y, area.right().saturating_sub(x), &name, on(theme.bar, theme.strong));
    if let Some(info) = connection.info.as_ref().filter(|_| with_version && words.is_empty()) {
        let what = format!(" {} {}", info.flavor, info.version);
        x = put(buf, x, area.y, area.right().saturating_sub(x), what.trim_end(), on(theme.bar, theme.muted));
    }
    if !words.is_empty() {
        x = put(buf, x + 1, area.y, area.right().saturating_sub(x + 1), &words, on(theme.bar, style));
    }
    x
}

/// Writes how long until a moment, never less than nothing.
pub fn countdown(at: jiff::Timestamp, cx: &Context<'_>) -> String {
    // Rounded up: "in 0s" would look stuck.
    let milliseconds = at.as_millisecond() - cx.now.as_millisecond();
    format!("{}s", (milliseconds.max(0) + 999) / 1000)
}

/// Counts the stacks that are up, of how many.
pub fn stacks_up(state: &State) -> (usize, usize) {
    let stacks = state.containers.stacks().filter(|stack| &*stack.name != NO_STACK);
    stacks.fold((0, 0), |(up, all), stack| (up + usize::from(stack.state.is_up()), all + 1))
}

fn worst_face(cx: &Context<'_>) -> (&'static str, Style) {
    if let Some(problem) = cx.state.attention.problems().first() {
        return attention::face(problem, cx);
    }
    let calm = if cx.state.containers.is_empty() { ServiceState::Absent } else { ServiceState::Healthy };
    (cx.theme.mark(calm), cx.theme.state(calm))
}

fn worst(cx: &Context<'_>, short: bool) -> String {
    let problems = cx.state.attention.problems();
    let Some(problem) = problems.first() else {
        let any = !cx.state.containers.is_empty();
        return if any { "nothing is wrong" } else { "no containers" }.to_owned();
    };
    let since = problem.verdict.since.map(|since| format!(" {}", age(since, cx.now))).unwrap_or_default();
    let more = match problems.len() - 1 {
        0 => String::new(),
        n => format!(", {n} more"),
    };
    let name = match &problem.target {
        Target::Service { service, .. } if short || cx.state.only_stack().is_some() => service,
        _ => problem.name.as_str(),
    };
    let word = problem.word();
    if let Some(watch) = &problem.watch {
        return format!("{name} {}{since}{more}", watch.headline());
    }
    match &problem.token {
        Some(token) => format!("token {} {word}{since}{more}", token.id.name),
        None => format!("{name} {word}{since}{more}"),
    }
}

/// Draws CPU and memory of this machine; returns where the free room ends.
fn draw_machine(area: Rect, buf: &mut Buffer, right: u16, cx: &Context<'_>) -> u16 {
    let theme = cx.theme;
    let Some(sample) = &cx.state.host.sample else { return right };
    let line: u16 = if area.width >= 120 { 8 } else { 5 };
    let line = if cx.coarse { 0 } else { line };
    let memory = sample.memory_used as f64 * 100.0 / sample.memory_total.max(1) as f64;
    let history = || cx.state.host.history.last(usize::from(line), cx.now);
    let cpu: Vec<f32> = history().map(|point| point.cpu_percent).collect();
    let total = sample.memory_total as f32;
    let memories: Vec<f32> = history().map(|point| point.memory_bytes * 100.0 / total.max(1.0)).collect();
    let mut x = right;
    for (label, percent, values) in [("mem", memory, memories), ("cpu", f64::from(sample.cpu_percent), cpu)] {
        let wide = 4 + line + 1 + 4;
        x = x.saturating_sub(wide + 2);
        put(buf, x, area.y, 4, label, on(theme.bar, theme.muted));
        let gauge = match percent {
            p if p >= 90.0 => theme.gauge[2],
            p if p >= 70.0 => theme.gauge[1],
            _ => theme.gauge[0],
        };
        let plot = Rect { x: x + 4, y: area.y, width: line, height: 1 };
        sparkline::draw(plot, buf, &values, Some(100.0), on(theme.bar, gauge), theme.ascii);
        let figure = format!("{percent:>3.0}%");
        put(buf, x + 4 + line + 1, area.y, 4, &figure, on(theme.bar, theme.text));
    }
    x
}
