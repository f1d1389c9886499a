//! Details of what is selected, in tabs. One file per tab; each makes lines, this file scrolls them.
//!
//! Holds the tab, the scroll position and the search; knows nothing of the tree beside it.

pub mod env;
pub mod fields;
pub mod health;
pub mod inspect;
pub mod logs;
pub mod mounts;
pub mod output;
pub mod overview;
pub mod processes;
pub mod stack;
pub mod usage;

use std::ops::Range;

use std::sync::LazyLock;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use regex::Regex;

use crate::command::{Command, Interest};
use crate::model::containers::{ContainerId, RunState};
use crate::model::stacks::Target;
use crate::state::State;
use crate::tui::action::Action;
use crate::tui::keymap::Keymap;
use crate::tui::paint::{put, width};
use crate::tui::theme::Theme;
use crate::tui::view::{Context, DetailTab};
use crate::tui::views::stacks::rows::smart_case;
use crate::tui::views::stacks::selection::container_of;
use crate::tui::views::stacks::tree::job_words;

/// Tabs of a stack as a whole.
const STACK_TABS: [DetailTab; 3] = [DetailTab::Overview, DetailTab::Usage, DetailTab::Logs];

#[derive(Debug, Default)]
pub struct DetailsView {
    target: Option<Target>,
    tab: DetailTab,
    /// Lines scrolled from the top; in the Logs tab from the newest line.
    scroll: usize,
    left: usize,
    search: String,
    pattern: Option<Regex>,
    area: Rect,
    /// The inspection that was asked for last, by what would make it another.
    asked: Option<(ContainerId, RunState, Option<Timestamp>)>,
}

impl DetailsView {
    pub fn sync(&mut self, _state: &State, area: Rect, selected: Option<&Target>) {
        self.area = area;
        if self.target.as_ref() != selected {
            self.target = selected.cloned();
            self.scroll = 0;
            self.left = 0;
        }
    }

    /// Returns the tab that is shown: the chosen one, or the first where the target has no such tab.
    pub fn tab(&self) -> DetailTab {
        if self.tabs().contains(&self.tab) { self.tab } else { DetailTab::Overview }
    }

    fn tabs(&self) -> &'static [DetailTab] {
        match self.target {
            Some(Target::Stack(_)) => &STACK_TABS,
            _ => &DetailTab::ALL,
        }
    }

    pub fn show_tab(&mut self, tab: DetailTab) {
        self.tab = tab;
        self.scroll = 0;
        self.left = 0;
    }

    pub fn step_tab(&mut self, step: isize) {
        let tabs = self.tabs();
        let here = tabs.iter().position(|tab| *tab == self.tab()).unwrap_or(0) as isize;
        let next = (here + step).rem_euclid(tabs.len() as isize) as usize;
        self.show_tab(tabs[next]);
    }

    pub fn left(&self) -> usize {
        self.left
    }

    pub fn search(&self) -> &str {
        &self.search
    }

    pub fn set_search(&mut self, text: &str) {
        text.clone_into(&mut self.search);
        self.pattern = smart_case(text);
    }

    /// Ends the search; returns whether there was one.
    pub fn clear_search(&mut self) -> bool {
        let was = !self.search.is_empty();
        self.set_search("");
        was
    }

    pub fn interest(&self, state: &State, interest: &mut Interest) {
        let Some(target) = &self.target else { return };
        match self.tab() {
            DetailTab::Logs => interest.logs.extend(state.containers.of_target(target)),
            DetailTab::Health => interest.health = container_of(target, state),
            DetailTab::Processes => {
                interest.processes = container_of(target, state)
                    .filter(|id| state.containers.get(id).is_some_and(|entry| entry.container.run.is_up()));
            }
            _ => {}
        }
    }

    /// Asks for the inspection when it is shown, and again when the container has become another.
    pub fn wishes(&mut self, state: &State) -> Vec<Command> {
        if self.tab() != DetailTab::Inspect || !state.connection.is_up() {
            return Vec::new();
        }
        let Some(id) = self.target.as_ref().and_then(|target| container_of(target, state)) else {
            return Vec::new();
        };
        let Some(entry) = state.containers.get(&id) else { return Vec::new() };
        let wanted = Some((id.clone(), entry.container.run, entry.container.started_at));
        if self.asked == wanted {
            return Vec::new();
        }
        self.asked = wanted;
        vec![Command::ReadInspect(id)]
    }

    /// Whether the Logs tab is shown, so that new lines matter.
    pub fn shows_logs(&self) -> bool {
        self.tab() == DetailTab::Logs
    }

    /// Scrolls and searches; returns whether the action was one of these.
    pub fn handle(&mut self, action: Action, state: &State) -> bool {
        let body = body_of(self.area);
        let page = usize::from(body.height).max(1);
        let most = self.line_count(state).saturating_sub(page);
        let newest_first = self.shows_logs();
        let down = |at: usize, by: usize| (at + by).min(most);
        let up = |at: usize, by: usize| at.min(most).saturating_sub(by);
        let (forward, by) = match action {
            Action::MoveDown => (true, 1),
            Action::MoveUp => (false, 1),
            Action::PageDown => (true, page),
            Action::PageUp => (false, page),
            Action::HalfPageDown => (true, page / 2),
            Action::HalfPageUp => (false, page / 2),
            Action::First => (false, usize::MAX / 2),
            Action::Last => (true, usize::MAX / 2),
            Action::Right => {
                self.left += 8;
                return true;
            }
            Action::Left => {
                self.left = self.left.saturating_sub(8);
                return true;
            }
            Action::NextMatch | Action::PreviousMatch => {
                self.step_match(state, action == Action::NextMatch);
                return true;
            }
            _ => return false,
        };
        self.scroll = if forward == newest_first { up(self.scroll, by) } else { down(self.scroll, by) };
        true
    }

    pub fn click(&mut self, column: u16, row: u16) {
        if row != self.area.y {
            return;
        }
        let (first, compact) = self.tab_window();
        let mut x = self.area.x + 1;
        for tab in self.tabs().iter().skip(first) {
            let wide = width(tab_title(*tab, compact));
            if (x..x + wide).contains(&column) {
                self.show_tab(*tab);
                return;
            }
            x += wide + 1;
        }
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        if area.height < 3 || area.width < 10 {
            return;
        }
        let Some(target) = &self.target else {
            put(buf, area.x + 1, area.y, area.width - 1, "Nothing selected", cx.theme.faint);
            return;
        };
        self.draw_tabs(area, buf, cx);
        let body = body_of(area);
        if self.tab() == DetailTab::Usage {
            usage::draw(body, buf, target, cx);
            return;
        }
        if self.tab() == DetailTab::Logs {
            logs::draw(body, buf, self.scroll, self.left, self.pattern.as_ref(), target, cx);
            return;
        }
        let lines = content(self.tab(), target, body.width, cx.state, cx.theme, cx.now);
        let page = usize::from(body.height);
        let top = self.scroll.min(lines.len().saturating_sub(page));
        for (row, line) in lines.iter().skip(top).take(page).enumerate() {
            let line_area = Rect { y: body.y + row as u16, height: 1, ..body };
            fields::draw_line(line_area, buf, line, self.left);
            if let Some(pattern) = &self.pattern {
                fields::highlight(line_area, buf, line, self.left, pattern, cx.theme);
            }
        }
        if lines.len() > page {
            draw_scroll_mark(body, buf, top, lines.len(), cx);
        }
    }

    fn draw_tabs(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let (first, compact) = self.tab_window();
        let mut x = area.x + 1;
        if first > 0 {
            put(buf, area.x, area.y, 1, "<", cx.theme.faint);
        }
        for tab in self.tabs().iter().skip(first) {
            let title = tab_title(*tab, compact);
            if x + width(title) > area.right() {
                put(buf, area.right() - 1, area.y, 1, ">", cx.theme.faint);
                break;
            }
            let style = if *tab == self.tab() { cx.theme.tab_active } else { cx.theme.tab };
            x = put(buf, x, area.y, area.right() - x, title, style) + 1;
        }
    }

    /// Returns the first tab to show so that the present one fits, and whether titles are short.
    fn tab_window(&self) -> (usize, bool) {
        let tabs = self.tabs();
        let room = self.area.width.saturating_sub(1);
        let total = |compact: bool, range: Range<usize>| -> u16 {
            tabs[range].iter().map(|tab| width(tab_title(*tab, compact)) + 1).sum::<u16>().saturating_sub(1)
        };
        for compact in [false, true] {
            if total(compact, 0..tabs.len()) <= room {
                return (0, compact);
            }
        }
        let here = tabs.iter().position(|tab| *tab == self.tab()).unwrap_or(0);
        let first = (0..=here).find(|first| total(true, *first..here + 1) <= room).unwrap_or(here);
        (first, true)
    }

    fn line_count(&self, state: &State) -> usize {
        let Some(target) = &self.target else { return 0 };
        match self.tab() {
            DetailTab::Usage => 0,
            DetailTab::Logs => state.logs.lines().len(),
            tab => content(tab, target, body_of(self.area).width, state, &Theme::default(), state.now).len(),
        }
    }

    /// Writes the tab as text.
    pub fn text(&self, state: &State) -> String {
        let Some(target) = &self.target else { return String::new() };
        let mut text = String::new();
        match self.tab() {
            DetailTab::Logs => {
                for line in state.logs.lines() {
                    text.push_str(line.text.text());
                    text.push('\n');
                }
            }
            tab => {
                for line in content(tab, target, u16::MAX, state, &Theme::default(), state.now) {
                    text.push_str(line.to_string().trim_end());
                    text.push('\n');
                }
            }
        }
        text
    }

    fn step_match(&mut self, state: &State, forward: bool) {
        let (Some(target), Some(pattern)) = (&self.target, &self.pattern) else { return };
        let room = body_of(self.area).width;
        let texts: Vec<String> = match self.tab() {
            DetailTab::Usage => return,
            // Counted from the newest, as the scroll position is.
            DetailTab::Logs => {
                state.logs.lines().iter().rev().map(|line| line.text.text().to_owned()).collect()
            }
            tab => content(tab, target, room, state, &Theme::default(), state.now)
                .iter()
                .map(Line::to_string)
                .collect(),
        };
        let onward = forward != self.shows_logs();
        let found =
            texts.iter().enumerate().filter(|(_, text)| pattern.is_match(text)).map(|(index, _)| index);
        let next = if onward {
            found.clone().find(|index| *index > self.scroll).or_else(|| found.clone().next())
        } else {
            found.clone().rfind(|index| *index < self.scroll).or_else(|| found.clone().next_back())
        };
        if let Some(index) = next {
            self.scroll = index;
        }
    }
}

fn tab_title(tab: DetailTab, compact: bool) -> &'static str {
    match tab {
        DetailTab::Processes if compact => "Procs",
        other => other.title(),
    }
}

/// The area below the tabs.
fn body_of(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        y: area.y + 2,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}

static NO_KEYS: LazyLock<Keymap> = LazyLock::new(Keymap::default);

/// Returns the lines of a tab that is made of lines.
fn content<'a>(
    tab: DetailTab,
    target: &Target,
    room: u16,
    state: &'a State,
    theme: &'a Theme,
    now: Timestamp,
) -> Vec<Line<'a>> {
    let cx = Context {
        state,
        theme,
        // The lines of a tab name no keys: they are measured and copied as well.
        keymap: &NO_KEYS,
        now,
        focused: false,
        stale: false,
    };
    if let (DetailTab::Overview, Target::Stack(name)) = (tab, target) {
        return state.containers.stack(name).map(|found| stack::lines(found, room, &cx)).unwrap_or_default();
    }
    let entry = container_of(target, state).and_then(|id| state.containers.get(&id));
    let Some(entry) = entry else {
        let mut lines = Vec::new();
        if tab == DetailTab::Overview {
            if let Some(job) = state.jobs.conflicting(target, &state.containers) {
                lines.push(Line::styled(job_words(job, now), theme.starting));
            }
            lines.extend(output::lines(target, room, &cx));
        }
        lines.push(Line::styled("It was never created, so there is nothing to show", theme.muted));
        return lines;
    };
    match tab {
        DetailTab::Overview => overview::lines(entry, target, room, &cx),
        DetailTab::Health => health::lines(entry, room, &cx),
        DetailTab::Env => env::lines(entry, room, &cx),
        DetailTab::Mounts => mounts::lines(entry, room, &cx),
        DetailTab::Processes => processes::lines(entry, &cx),
        DetailTab::Inspect => inspect::lines(entry, &cx),
        DetailTab::Usage | DetailTab::Logs => Vec::new(),
    }
}

fn draw_scroll_mark(body: Rect, buf: &mut Buffer, top: usize, total: usize, cx: &Context<'_>) {
    let page = usize::from(body.height);
    let at = if total > page { top * (page - 1) / (total - page) } else { 0 };
    let symbol = if cx.theme.ascii { "#" } else { "▐" };
    put(buf, body.right(), body.y + at as u16, 1, symbol, cx.theme.faint);
}
