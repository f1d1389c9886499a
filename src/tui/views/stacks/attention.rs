//! What is wrong, worst first, over the tree; one calm line when nothing is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::stacks::{ServiceState, Target, age};
use crate::state::State;
use crate::state::attention::{Problem, Remedy};
use crate::tui::action::Action;
use crate::tui::keymap::Keymap;
use crate::tui::paint::{cut_end, cut_stack, glyphs, put, put_right, width};
use crate::tui::view::Context;
use crate::tui::views::stacks::is_sketch;

/// Columns of a screen below which every column counts, and the reason is worth more than the stack's name.
const TIGHT: u16 = 100;

/// Returns the key's meaning that helps with a problem, and what it opens.
pub fn remedy(problem: &Problem) -> (Action, &'static str) {
    match problem.remedy {
        Remedy::OpenLogs => (Action::OpenLogs, "logs"),
        Remedy::OpenHealth => (Action::OpenDetails, "health"),
        Remedy::OpenOverview => (Action::OpenDetails, "details"),
        Remedy::Start => (Action::Start, "start"),
        Remedy::OpenChecks => (Action::ShowChecks, "checks"),
        Remedy::OpenDependency => (Action::OpenDetails, "details"),
        Remedy::RefreshToken => (Action::RefreshWorst, "refresh"),
        Remedy::OpenTokens => (Action::ShowTokens, "tokens"),
        Remedy::OpenWatch => (Action::ShowWatch, "output"),
        Remedy::ResumeWatch => (Action::TriggerWatch, "go on"),
    }
}

/// Returns how many of the problems fit; the last row may have to say how many more there are.
pub fn fitting(rows: u16, problems: usize) -> usize {
    if problems > usize::from(rows) { usize::from(rows.saturating_sub(1)) } else { problems }
}

pub fn draw(
    area: Rect,
    buf: &mut Buffer,
    keymap: &Keymap,
    is_selected: impl Fn(&Problem) -> bool,
    cx: &Context<'_>,
) {
    if area.height == 0 {
        return;
    }
    if is_sketch(cx.state) {
        // Whether all is well shows when all is known.
        let x = put(buf, area.x + 1, area.y, 2, cx.theme.mark(ServiceState::Starting), cx.theme.starting);
        put(buf, x + 1, area.y, area.width.saturating_sub(4), "Reading the containers", cx.theme.muted);
        return;
    }
    let problems = cx.state.attention.problems();
    if problems.is_empty() {
        draw_calm(area, buf, cx);
        return;
    }
    let fitting = fitting(area.height, problems.len());
    let shown = &problems[..fitting];
    // Services that are alike keep their stacks at any width.
    let mut services: Vec<_> = shown.iter().map(short_name).collect();
    services.sort_unstable();
    services.dedup();
    let short = cx.state.only_stack().is_some() || (area.width < TIGHT && services.len() == shown.len());
    let longest = shown.iter().map(|problem| width(name_of(problem, short))).max().unwrap_or(0);
    let ages = shown.iter().map(|problem| width(&age_of(problem, cx))).max().unwrap_or(0);
    let rooms = Rooms {
        short,
        name: longest.clamp(8, if area.width >= 100 { 36 } else { 24 }),
        age: if area.width < TIGHT { ages } else { 7 },
    };
    for (row, problem) in shown.iter().enumerate() {
        let line = Rect { y: area.y + row as u16, height: 1, ..area };
        draw_problem(line, buf, problem, &rooms, keymap, is_selected(problem), cx);
    }
    if fitting < problems.len() {
        let more = problems.len() - fitting;
        let next = keymap.hint(Action::NextProblem);
        let y = area.y + fitting as u16;
        let x = put(buf, area.x + 3, y, area.width, &format!("and {more} more  "), cx.theme.muted);
        let x = put(buf, x, y, area.right().saturating_sub(x), &next, cx.theme.key);
        put(buf, x + 1, y, area.right().saturating_sub(x + 1), "goes through them", cx.theme.muted);
    }
}

/// How a line is divided.
struct Rooms {
    /// Without the stack's name.
    short: bool,
    name: u16,
    age: u16,
}

fn short_name(problem: &Problem) -> &str {
    match (&problem.token, &problem.target) {
        (Some(token), _) => &token.id.name,
        (None, Target::Service { service, .. }) => service,
        _ => &problem.name,
    }
}

fn name_of(problem: &Problem, short: bool) -> &str {
    if short { short_name(problem) } else { &problem.name }
}

fn age_of(problem: &Problem, cx: &Context<'_>) -> String {
    problem.verdict.since.map(|since| age(since, cx.now)).unwrap_or_default()
}

fn draw_problem(
    area: Rect,
    buf: &mut Buffer,
    problem: &Problem,
    rooms: &Rooms,
    keymap: &Keymap,
    selected: bool,
    cx: &Context<'_>,
) {
    let theme = cx.theme;
    let (mark, style) = face(problem, cx);
    let y = area.y;
    if selected {
        put(buf, area.x, y, 1, glyphs(theme.ascii).pointer, theme.key);
    }
    put(buf, area.x + 1, y, 1, mark, style);
    put(buf, area.x + 3, y, 10, problem.word(), style);
    let name = cut_stack(name_of(problem, rooms.short), rooms.name, theme.ascii);
    put(buf, area.x + 14, y, rooms.name, &name, if selected { theme.strong } else { theme.text });

    let (action, opens) = remedy(problem);
    let key = keymap.hint(action);
    let hint_width = width(&key) + 1 + 7;
    let hint_x = area.right().saturating_sub(hint_width + 1);
    let x = put(buf, hint_x, y, hint_width, &key, if selected { theme.key } else { theme.muted });
    put(buf, x + 1, y, 7, opens, if selected { theme.text } else { theme.faint });

    let age_x = hint_x.saturating_sub(2 + rooms.age);
    put_right(buf, age_x, y, rooms.age, &age_of(problem, cx), theme.muted);

    let reason_x = area.x + 14 + rooms.name + 2;
    let room = age_x.saturating_sub(reason_x + 1);
    let reason = problem.describe(cx.now);
    put(buf, reason_x, y, room, &cut_end(&reason, room, theme.ascii), theme.text);
}

/// Returns mark and color of a problem.
pub fn face(problem: &Problem, cx: &Context<'_>) -> (&'static str, Style) {
    let (theme, state) = (cx.theme, problem.verdict.state);
    if problem.watch.is_some() {
        let mark = theme.mark(ServiceState::Failed);
        return (mark, theme.warning);
    }
    match &problem.token {
        Some(token) => (theme.token_mark(token.state), theme.token(token.state)),
        None => (theme.mark(state), theme.state(state)),
    }
}

fn draw_calm(area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let (words, state) = calm_words(cx.state);
    let theme = cx.theme;
    let x = put(buf, area.x + 1, area.y, 2, theme.mark(state), theme.state(state));
    let style = if state == ServiceState::Healthy { theme.text } else { theme.muted };
    put(buf, x + 1, area.y, area.width.saturating_sub(4), &words, style);
}

/// Says that all is well, and what is not up although nothing is wrong.
fn calm_words(state: &State) -> (String, ServiceState) {
    let (mut up, mut starting, mut paused, mut resting) = (0, 0, 0, 0);
    for service in state.containers.stacks().flat_map(|stack| &stack.services) {
        match service.verdict.state {
            ServiceState::Starting => starting += 1,
            ServiceState::Paused => paused += 1,
            ServiceState::Stopped | ServiceState::Completed => resting += 1,
            ServiceState::Absent => {}
            _ => up += 1,
        }
    }
    let mut words = match up {
        0 if starting > 0 => String::from("Nothing is up yet"),
        0 => String::from("Nothing is running"),
        1 => String::from("1 service is up, nothing is wrong"),
        n => format!("All {n} running services are well"),
    };
    for (count, what) in [(starting, "starting"), (paused, "paused"), (resting, "stopped or completed")] {
        if count > 0 {
            words = format!("{words}, {count} {what}");
        }
    }
    let mark = if up > 0 { ServiceState::Healthy } else { ServiceState::Absent };
    (words, mark)
}
