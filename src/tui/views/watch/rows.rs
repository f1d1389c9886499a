//! One row each: a service with its rules and loops, a run with its files and time.

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::stacks::age;
use crate::model::watch::ServiceKey;
use crate::model::watch::run::{RunAction, RunPhase, WatchRun};
use crate::state::watch::ServiceWatch;
use crate::tui::paint::{cut_end, cut_stack, cut_words, put, put_right, width};
use crate::tui::theme::Theme;
use crate::tui::view::Context;
use crate::tui::views::watch::words;
use crate::tui::widgets::loops::{self, Loop};

/// Mark and word.
const STATUS: u16 = 17;
/// `✓ 12.4s  23m`.
const LAST: u16 = 14;
const LOOPS: u16 = 8;
/// From this width of their column on rules name their places.
const WITH_PLACES: u16 = 28;
/// From this width of a list on a run tells its steps.
const WITH_STEPS: u16 = 96;
/// A step that took less is told in the details only.
const WORTH_A_WORD: SignedDuration = SignedDuration::from_millis(30);

/// Columns of the services by the width of the list; zero: left out.
pub struct Columns {
    name: u16,
    rules: u16,
    loops: u16,
}

impl Columns {
    pub fn of(room: u16, longest: u16) -> Self {
        let left = room.saturating_sub(1 + STATUS + 1 + LAST);
        let loops = if left >= 24 + LOOPS { LOOPS + 1 } else { 0 };
        let name = longest.max(8).min(left - loops.min(left)).min(34);
        let rules = left.saturating_sub(name + loops + 2);
        Self { name, rules: if rules >= 11 { rules } else { 0 }, loops }
    }

    pub fn draw_titles(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let (y, style) = (area.y, theme.faint);
        let mut x = area.x + 1;
        put(buf, x + 2, y, STATUS, "STATUS", style);
        x += STATUS + 1;
        x = put(buf, x, y, self.name, "SERVICE", style).max(x + self.name) + 1;
        if self.rules > 0 {
            put(buf, x, y, self.rules, "RULES", style);
            x += self.rules + 1;
        }
        put(buf, x + 2, y, LAST, "LAST LOOP", style);
        x += LAST;
        if self.loops > 0 {
            put_right(buf, x, y, self.loops, "LOOPS", style);
        }
    }
}

/// Draws a service.
pub fn draw_service(
    area: Rect,
    buf: &mut Buffer,
    key: &ServiceKey,
    watch: &ServiceWatch,
    columns: &Columns,
    cx: &Context<'_>,
) {
    let (theme, y) = (cx.theme, area.y);
    let face = words::standing(key, watch, cx);
    let mut x = area.x + 1;
    put(buf, x, y, 1, face.mark, face.style);
    put(buf, x + 2, y, STATUS - 3, &cut_words(&face.word, STATUS - 3, theme.ascii), face.style);
    x += STATUS + 1;
    let name = format!("{}/{}", key.0, key.1);
    let style = if watch.on { theme.strong } else { theme.muted };
    put(buf, x, y, columns.name, &cut_stack(&name, columns.name, theme.ascii), style);
    x += columns.name + 1;
    if columns.rules > 0 {
        let mut rules = words::rules(key, watch, cx);
        if width(&rules) > columns.rules && columns.rules < WITH_PLACES {
            rules = words::actions(watch);
        }
        put(buf, x, y, columns.rules, &cut_end(&rules, columns.rules, theme.ascii), theme.muted);
        x += columns.rules + 1;
    }
    let ended = |run: &&WatchRun| words::is_of(run, key) && run.phase().is_end();
    if let Some(run) = cx.state.watch.runs().rev().find(ended) {
        let face = words::outcome(run, theme);
        let over = words::is_over_budget(run, cx.state);
        put(buf, x, y, 1, face.mark, face.style);
        let took = run.took().map(words::took).unwrap_or_default();
        put_right(buf, x + 1, y, 7, &took, if over { theme.warning } else { theme.text });
        let at = run.phases.last().map_or(run.noticed_at(), |(_, at)| *at);
        put_right(buf, x + 8, y, LAST - 8, &short_age(at, cx), theme.muted);
    }
    x += LAST;
    if columns.loops > 0 {
        let budget = words::budget(&key.0, cx.state).map(|budget| budget.as_secs_f64());
        let cell = Rect { x: x + 1, y, width: columns.loops - 1, height: 1 };
        loops::draw(cell, buf, &loops_of(key, cx), budget, theme);
    }
}

/// Writes an age in one unit, for a column.
fn short_age(at: Timestamp, cx: &Context<'_>) -> String {
    age(at, cx.now).split(' ').next().unwrap_or_default().to_owned()
}

/// Returns the ended loops of a service, oldest first.
pub fn loops_of(key: &ServiceKey, cx: &Context<'_>) -> Vec<Loop> {
    let theme = cx.theme;
    let of_it = cx.state.watch.runs().filter(|run| words::is_of(run, key));
    of_it
        .filter_map(|run| {
            let style = match run.phase() {
                RunPhase::Ready if words::is_over_budget(run, cx.state) => theme.warning,
                RunPhase::Ready if run.action == RunAction::Rebuild => theme.series[0],
                RunPhase::Ready => theme.series[1],
                _ => theme.error,
            };
            Some(Loop { seconds: run.took()?.as_secs_f64(), style })
        })
        .collect()
}

/// Draws a run; its name in the room for it.
pub fn draw_run(area: Rect, buf: &mut Buffer, run: &WatchRun, (words, name): (&str, u16), cx: &Context<'_>) {
    let (theme, y) = (cx.theme, area.y);
    let face = words::outcome(run, theme);
    let mut x = area.x + 1;
    put(buf, x, y, 8, &words::clock(run.noticed_at(), cx.now), theme.muted);
    put(buf, x + 9, y, 1, face.mark, face.style);
    x += 11;
    put(buf, x, y, name, &cut_stack(words, name, theme.ascii), theme.text);
    x += name;
    let over = words::is_over_budget(run, cx.state);
    match run.took() {
        Some(took) => {
            put_right(buf, x, y, 7, &words::took(took), if over { theme.warning } else { theme.text });
        }
        None => put_right(buf, x, y, 7, &age(run.noticed_at(), cx.now), theme.starting),
    }
    if over {
        put(buf, x + 8, y, 1, if theme.ascii { "!" } else { "▲" }, theme.warning);
    }
    x += 10;
    let room = area.right().saturating_sub(x);
    let steps = if area.width >= WITH_STEPS { steps_words(run) } else { String::new() };
    let for_steps = if steps.is_empty() { 0 } else { width(&steps) + 2 };
    let (text, style) = run_words(run, &face.style, cx);
    let for_text = if room >= for_steps + 20 { room - for_steps } else { room };
    put(buf, x, y, for_text, &cut_end(&text, for_text, theme.ascii), style);
    if for_text < room {
        put_right(buf, x + for_text, y, room - for_text, &steps, theme.muted);
    }
}

/// Says what a run does or did, to which files; of a failed one what went wrong.
fn run_words(run: &WatchRun, style: &Style, cx: &Context<'_>) -> (String, Style) {
    let action = run.action.word();
    match run.phase() {
        RunPhase::Failed | RunPhase::Suspended if !run.detail.is_empty() => {
            (format!("{action}: {}", run.detail), *style)
        }
        phase if phase.is_end() => (format!("{action} {}", words::changed(run)), cx.theme.text),
        RunPhase::Queued if !run.detail.is_empty() => (format!("{action} {}", run.detail), *style),
        _ => (format!("{}: {}", words::doing(run, cx.state), words::changed(run)), *style),
    }
}

fn steps_words(run: &WatchRun) -> String {
    let long = |step: &(&str, SignedDuration)| step.1 >= WORTH_A_WORD;
    let steps = words::steps(run).into_iter().filter(long);
    let steps = steps.map(|(word, span)| format!("{word} {}", words::took(span)));
    steps.collect::<Vec<_>>().join(", ")
}
