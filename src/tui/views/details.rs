//! Details of what is selected, in tabs. One file per tab; each makes lines, this file scrolls them.
//!
//! Holds the tab, the scroll position and the search; knows nothing of the tree beside it.

pub mod config;
pub mod env;
pub mod fields;
pub mod files;
pub mod graph;
pub mod health;
pub mod inspect;
pub mod logs;
pub mod mounts;
pub mod output;
pub mod overview;
pub mod probes;
pub mod processes;
pub mod profiles;
pub mod stack;
pub mod usage;
pub mod watch;

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
use crate::tui::view::{Context, DetailTab, Effect};
use crate::tui::views::logs::LogPane;
use crate::tui::views::stacks::rows::smart_case;
use crate::tui::views::stacks::selection::container_of;
use crate::tui::views::stacks::tree::job_words;

#[derive(Debug)]
pub struct DetailsView {
    target: Option<Target>,
    tab: DetailTab,
    /// Lines scrolled from the top.
    scroll: usize,
    left: usize,
    search: String,
    pattern: Option<Regex>,
    /// The Logs tab.
    pane: LogPane,
    area: Rect,
    /// The inspection that was asked for last, by what would make it another.
    asked: Option<(ContainerId, RunState, Option<Timestamp>)>,
    /// Whether a job on the target has printed something.
    has_output: bool,
}

impl Default for DetailsView {
    fn default() -> Self {
        Self {
            target: None,
            tab: DetailTab::default(),
            scroll: 0,
            left: 0,
            search: String::new(),
            pattern: None,
            pane: logs::pane(),
            area: Rect::default(),
            asked: None,
            has_output: false,
        }
    }
}

impl DetailsView {
    pub fn sync(&mut self, state: &State, area: Rect, selected: Option<&Target>) {
        self.area = area;
        if self.target.as_ref() != selected {
            self.target = selected.cloned();
            self.scroll = 0;
            self.left = 0;
        }
        self.has_output =
            self.target.as_ref().is_some_and(|target| state.jobs.output(target, &state.containers).is_some());
        if self.shows_logs() {
            let wanted: Vec<Target> = self.target.iter().cloned().collect();
            if self.pane.targets() != wanted {
                self.pane.open(wanted);
            }
            self.pane.sync(state, body_of(area));
        }
    }

    /// Returns the pane of the Logs tab while that is shown.
    pub fn log_pane(&mut self) -> Option<&mut LogPane> {
        self.shows_logs().then_some(&mut self.pane)
    }

    /// Returns the tab that is shown: the chosen one, or the first where the target has no such tab.
    pub fn tab(&self) -> DetailTab {
        if self.tabs().contains(&self.tab) { self.tab } else { DetailTab::Overview }
    }

    fn tabs(&self) -> Vec<DetailTab> {
        let all: &[DetailTab] = match self.target {
            Some(Target::Stack(_)) => &DetailTab::OF_STACK,
            _ => &DetailTab::OF_SERVICE,
        };
        all.iter().copied().filter(|tab| self.has_output || *tab != DetailTab::Output).collect()
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

    /// Whether nothing lies further left.
    pub fn is_at_left(&self) -> bool {
        if self.shows_logs() { self.pane.is_at_left() } else { self.left == 0 }
    }

    pub fn search(&self) -> &str {
        if self.shows_logs() { self.pane.filter() } else { &self.search }
    }

    pub fn set_search(&mut self, text: &str) {
        if self.shows_logs() {
            self.pane.set_filter(text);
            return;
        }
        text.clone_into(&mut self.search);
        self.pattern = smart_case(text);
    }

    /// Leaves what was entered last; returns whether there was anything.
    pub fn leave(&mut self, state: &State) -> bool {
        if self.shows_logs() {
            return self.handle(Action::Back, state).is_some();
        }
        let was = !self.search.is_empty();
        self.set_search("");
        was
    }

    pub fn interest(&self, state: &State, interest: &mut Interest) {
        let Some(target) = &self.target else { return };
        match self.tab() {
            DetailTab::Logs => self.pane.interest(state, interest),
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
        if self.shows_logs() {
            return self.pane.wishes(state);
        }
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

    /// Whether the scroll position counts from the newest line.
    fn counts_from_newest(&self) -> bool {
        self.tab() == DetailTab::Output
    }

    /// Scrolls and searches; returns nothing where the action is none of these.
    pub fn handle(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        if self.shows_logs() && logs::takes(action) {
            let effects = self.pane.handle(action, state);
            // Nothing is left to leave in the pane.
            let is_left = action == Action::Back && !effects.is_empty();
            return (!is_left).then_some(effects);
        }
        let body = body_of(self.area);
        let page = usize::from(body.height).max(1);
        let most = self.line_count(state).saturating_sub(page);
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
                return Some(Vec::new());
            }
            Action::Left => {
                self.left = self.left.saturating_sub(8);
                return Some(Vec::new());
            }
            Action::NextMatch | Action::PreviousMatch => {
                self.step_match(state, action == Action::NextMatch);
                return Some(Vec::new());
            }
            _ => return None,
        };
        let newest_first = self.counts_from_newest();
        self.scroll = if forward == newest_first { up(self.scroll, by) } else { down(self.scroll, by) };
        Some(Vec::new())
    }

    pub fn click(&mut self, column: u16, row: u16, state: &State) -> Vec<Effect> {
        if row != self.area.y {
            let pane = self.log_pane();
            return pane.map(|pane| pane.click(column, row, state)).unwrap_or_default();
        }
        let (first, compact) = self.tab_window();
        let mut x = self.area.x + 1;
        for tab in self.tabs().into_iter().skip(first) {
            let wide = width(tab_title(tab, compact));
            if (x..x + wide).contains(&column) {
                self.show_tab(tab);
                return Vec::new();
            }
            x += wide + 1;
        }
        Vec::new()
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
            self.pane.draw(body, buf, cx);
            return;
        }
        let lines = content(self.tab(), target, body.width, cx.state, cx.theme, cx.now);
        let page = usize::from(body.height);
        let most = lines.len().saturating_sub(page);
        let top = self.scroll.min(most);
        let top = if self.counts_from_newest() { most - top } else { top };
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
        for tab in self.tabs().into_iter().skip(first) {
            let title = tab_title(tab, compact);
            if x + width(title) > area.right() {
                put(buf, area.right() - 1, area.y, 1, ">", cx.theme.faint);
                break;
            }
            let style = if tab == self.tab() { cx.theme.tab_active } else { cx.theme.tab };
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
            DetailTab::Usage | DetailTab::Logs => 0,
            tab => content(tab, target, body_of(self.area).width, state, &Theme::default(), state.now).len(),
        }
    }

    /// Writes the tab as text.
    pub fn text(&self, state: &State) -> String {
        let Some(target) = &self.target else { return String::new() };
        let mut text = String::new();
        for line in content(self.tab(), target, u16::MAX, state, &Theme::default(), state.now) {
            text.push_str(line.to_string().trim_end());
            text.push('\n');
        }
        text
    }

    fn step_match(&mut self, state: &State, forward: bool) {
        let (Some(target), Some(pattern)) = (&self.target, &self.pattern) else { return };
        let room = body_of(self.area).width;
        let texts: Vec<String> = match self.tab() {
            DetailTab::Usage | DetailTab::Logs => return,
            // Counted from the newest, as the scroll position is.
            tab => {
                let theme = Theme::default();
                let lines = content(tab, target, room, state, &theme, state.now);
                let mut texts: Vec<String> = lines.iter().map(Line::to_string).collect();
                if tab == DetailTab::Output {
                    texts.reverse();
                }
                texts
            }
        };
        let onward = forward != self.counts_from_newest();
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
        coarse: false,
        stale: false,
    };
    if tab == DetailTab::Output {
        return output::whole(target, room, &cx);
    }
    if let Target::Stack(name) = target {
        let Some(found) = state.containers.stack(name) else { return Vec::new() };
        return match tab {
            DetailTab::Graph => graph::lines(found, room, &cx),
            DetailTab::Profiles => profiles::lines(found, room, &cx),
            DetailTab::Config => config::lines(found, room, &cx),
            _ => stack::lines(found, room, &cx),
        };
    }
    let entry = container_of(target, state).and_then(|id| state.containers.get(&id));
    let Some(entry) = entry else {
        let mut lines = Vec::new();
        if tab == DetailTab::Overview {
            if let Some(job) = state.jobs.conflicting(target, &state.containers) {
                lines.push(Line::styled(job_words(job, now), theme.starting));
                lines.push(Line::default());
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
        DetailTab::Usage
        | DetailTab::Logs
        | DetailTab::Graph
        | DetailTab::Profiles
        | DetailTab::Config
        | DetailTab::Output => Vec::new(),
    }
}

fn draw_scroll_mark(body: Rect, buf: &mut Buffer, top: usize, total: usize, cx: &Context<'_>) {
    let page = usize::from(body.height);
    let at = if total > page { top * (page - 1) / (total - page) } else { 0 };
    let symbol = if cx.theme.ascii { "#" } else { "▐" };
    put(buf, body.right(), body.y + at as u16, 1, symbol, cx.theme.faint);
}
