//! What is wrong, worst first, over the tree; one calm line when nothing is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::stacks::{ServiceState, age};
use crate::state::State;
use crate::state::attention::{Problem, Remedy};
use crate::tui::action::Action;
use crate::tui::keymap::Keymap;
use crate::tui::paint::{cut_end, cut_middle, glyphs, put, put_right, width};
use crate::tui::view::Context;

/// Returns the key's meaning that helps with a problem, and what it opens.
pub fn remedy(problem: &Problem) -> (Action, &'static str) {
    match problem.remedy {
        Remedy::OpenLogs => (Action::OpenLogs, "logs"),
        Remedy::OpenHealth => (Action::OpenDetails, "health"),
        Remedy::Start => (Action::Start, "start"),
        Remedy::OpenDependency => (Action::OpenDetails, "details"),
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
    let problems = cx.state.attention.problems();
    if problems.is_empty() {
        draw_calm(area, buf, cx);
        return;
    }
    let fitting = fitting(area.height, problems.len());
    let shown = &problems[..fitting];
    let longest = shown.iter().map(|problem| width(&problem.name)).max().unwrap_or(0);
    let name_room = longest.clamp(12, if area.width >= 100 { 36 } else { 24 });
    for (row, problem) in shown.iter().enumerate() {
        let line = Rect { y: area.y + row as u16, height: 1, ..area };
        draw_problem(line, buf, problem, name_room, keymap, is_selected(problem), cx);
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

fn draw_problem(
    area: Rect,
    buf: &mut Buffer,
    problem: &Problem,
    name_room: u16,
    keymap: &Keymap,
    selected: bool,
    cx: &Context<'_>,
) {
    let theme = cx.theme;
    let state = problem.verdict.state;
    let style = theme.state(state);
    let y = area.y;
    if selected {
        put(buf, area.x, y, 1, glyphs(theme.ascii).pointer, theme.key);
    }
    put(buf, area.x + 1, y, 1, theme.mark(state), style);
    put(buf, area.x + 3, y, 10, state.word(), style);
    let name = cut_middle(&problem.name, name_room, theme.ascii);
    put(buf, area.x + 14, y, name_room, &name, if selected { theme.strong } else { theme.text });

    let (action, opens) = remedy(problem);
    let key = keymap.hint(action);
    let hint_width = width(&key) + 1 + 7;
    let hint_x = area.right().saturating_sub(hint_width + 1);
    let x = put(buf, hint_x, y, hint_width, &key, if selected { theme.key } else { theme.muted });
    put(buf, x + 1, y, 7, opens, if selected { theme.text } else { theme.faint });

    let since = problem.verdict.since.map(|since| age(since, cx.now)).unwrap_or_default();
    let age_x = hint_x.saturating_sub(2 + 7);
    put_right(buf, age_x, y, 7, &since, theme.muted);

    let reason_x = area.x + 14 + name_room + 2;
    let room = age_x.saturating_sub(reason_x + 1);
    let reason = problem.verdict.reason.describe(cx.now);
    put(buf, reason_x, y, room, &cut_end(&reason, room, theme.ascii), theme.text);
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
