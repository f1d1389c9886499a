//! Drawing the lists of services and runs, and the watcher's own health at the foot.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::model::watch::run::WatchRun;
use crate::state::State;
use crate::tui::action::Action;
use crate::tui::paint::{cut_stack, glyphs, put, put_right, wall, width};
use crate::tui::theme::Theme;
use crate::tui::view::Context;
use crate::tui::views::details::fields::draw_line;
use crate::tui::views::notice::Notice;
use crate::tui::views::watch::rows::{Columns, draw_run, draw_service};
use crate::tui::views::watch::{Pane, WatchView, details, words};
use crate::tui::widgets::{bytes, foot, heading, window};

/// Rows of the details that have room for rules and chart above an output.
const ROOMY: u16 = 28;
/// Share of the kernel's watches from which on somebody should know.
const TIGHT: f64 = 0.8;

impl WatchView {
    pub fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        if area.width < 40 || area.height < 6 {
            return;
        }
        if self.layout.heading.height > 0 {
            self.draw_heading(buf, cx);
            self.draw_lists(buf, cx);
        }
        if self.layout.details_heading.height > 0 {
            self.draw_details(buf, cx);
        }
        self.draw_foot(buf, cx);
        if cx.stale {
            buf.set_style(area, cx.theme.stale);
        }
    }

    fn draw_heading(&self, buf: &mut Buffer, cx: &Context<'_>) {
        let (theme, watch) = (cx.theme, &cx.state.watch);
        let on = watch.services().filter(|(_, service)| service.on).count();
        let mut left = Vec::new();
        if !self.services.is_empty() {
            left.push(Span::styled(format!("{on} of {} on", self.services.len()), theme.muted));
        }
        let bad = watch.services().filter(|(_, s)| s.on && (s.failed || !s.suspended.is_empty())).count();
        if bad > 0 {
            left.push(Span::styled(format!(", {bad} in trouble"), theme.error));
        }
        if !self.query.is_empty() {
            left.push(Span::styled(format!("  /{}", self.query.text()), theme.text));
        }
        let right = Line::styled(mode(cx.state).unwrap_or_default(), theme.warning);
        let focused = cx.focused && !self.in_details && self.pane == Pane::Services;
        heading::draw(self.layout.heading, buf, "Watch", &Line::from(left), &right, focused, theme);
    }

    fn draw_lists(&self, buf: &mut Buffer, cx: &Context<'_>) {
        if self.services.is_empty() {
            let room = Rect { y: self.layout.columns.y, ..self.layout.services };
            let room = Rect { height: self.layout.services.height + 1, ..room };
            self.why_empty(cx).draw(room, buf, cx.theme);
        } else {
            self.draw_services(buf, cx);
        }
        if self.layout.runs.height > 0 {
            self.draw_runs(buf, cx);
        }
    }

    fn why_empty(&self, cx: &Context<'_>) -> Notice {
        if !self.query.is_empty() {
            return Notice::new(format!("No service matches /{}", self.query.text()))
                .advise(format!("{} clears the filter", cx.keymap.named(Action::Back)));
        }
        if cx.state.containers.reads_definitions() {
            return Notice::new("Reading the compose files of your stacks");
        }
        Notice::new("No service has anything to watch")
            .advise(
                "A service with build: in its compose file is rebuilt when what it is made from is saved; \
                 develop.watch there says what is synced or restarted instead",
            )
            .advise(format!(
                "{} on a service here or on {} begins",
                cx.keymap.named(Action::ToggleWatch),
                "the Stacks screen"
            ))
    }

    fn draw_services(&self, buf: &mut Buffer, cx: &Context<'_>) {
        let list = self.layout.services;
        let names = self.services.iter().map(|key| width(&key.0) + 1 + width(&key.1)).max().unwrap_or(0);
        let columns = Columns::of(list.width - 1, names);
        columns.draw_titles(self.layout.columns, buf, cx.theme);
        let visible = self.service_rows.visible();
        for (y, row) in (list.y..list.bottom()).zip(visible.clone()) {
            let key = &self.services[row];
            let Some(watch) = cx.state.watch.service(&key.0, &key.1) else { continue };
            let area = Rect { y, height: 1, width: list.width - 1, ..list };
            draw_service(area, buf, key, watch, &columns, cx);
            if row == self.service_rows.selected() {
                self.draw_selection(area, buf, Pane::Services, cx);
            }
        }
        let bar = Rect { x: list.right() - 1, width: 1, ..list };
        window::draw_scrollbar(bar, buf, visible, self.services.len(), cx.theme);
    }

    fn draw_selection(&self, area: Rect, buf: &mut Buffer, pane: Pane, cx: &Context<'_>) {
        // What the details speak of is seen; the selection of the other list waits unseen.
        if self.pane == pane {
            let focused = cx.focused && !self.in_details;
            let theme = cx.theme;
            buf.set_style(area, if focused { theme.selection } else { theme.selection_unfocused });
        }
    }

    fn draw_runs(&self, buf: &mut Buffer, cx: &Context<'_>) {
        let (theme, list) = (cx.theme, self.layout.runs);
        let busy = cx.state.watch.under_way().count();
        let left = match busy {
            0 => Line::styled("newest first", theme.muted),
            busy => Line::styled(format!("{busy} under way"), theme.starting),
        };
        let right = Line::styled(self.runs.len().to_string(), theme.muted);
        let focused = cx.focused && !self.in_details && self.pane == Pane::Runs;
        heading::draw(self.layout.runs_heading, buf, "Runs", &left, &right, focused, theme);
        let visible = self.run_rows.visible();
        let shown: Vec<(usize, &WatchRun)> = visible
            .clone()
            .filter_map(|row| Some((row, cx.state.watch.runs().rev().find(|run| run.id == self.runs[row])?)))
            .collect();
        let longest =
            shown.iter().map(|(_, run)| width(&words::services(run, self.alike))).max().unwrap_or(0);
        // Steps of four keep the text from dancing while one scrolls.
        let name = longest.next_multiple_of(4).min(if list.width < 80 { 20 } else { 32 });
        for (y, (row, run)) in (list.y..list.bottom()).zip(shown) {
            let area = Rect { y, height: 1, width: list.width - 1, ..list };
            draw_run(area, buf, run, (&words::services(run, self.alike), name), cx);
            if row == self.run_rows.selected() {
                self.draw_selection(area, buf, Pane::Runs, cx);
            }
        }
        let bar = Rect { x: list.right() - 1, width: 1, ..list };
        window::draw_scrollbar(bar, buf, visible, self.runs.len(), theme);
    }

    fn draw_details(&self, buf: &mut Buffer, cx: &Context<'_>) {
        let (theme, line) = (cx.theme, self.layout.details_heading);
        let title = self.details_title(cx.state);
        let title = cut_stack(&title, line.width.saturating_sub(6), theme.ascii);
        let focused = cx.focused && self.in_details;
        let after_wall = Rect { x: line.x + 1, width: line.width.saturating_sub(1), ..line };
        let rest = if self.layout.wall.height > 0 { after_wall } else { line };
        heading::draw(rest, buf, &title, &Line::default(), &Line::default(), focused, theme);
        if self.layout.wall.height > 0 {
            wall(buf, self.layout.wall, glyphs(theme.ascii).wall, theme.border);
            put(buf, line.x, line.y, 1, glyphs(theme.ascii).tee_down, theme.border);
        }
        let area = self.layout.details;
        let inside = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let (facts, output) = self.content(inside, cx);
        let (height, total) = (usize::from(inside.height), facts.len() + output.len());
        let all = || facts.iter().chain(&output);
        let mut shown: Vec<&Line<'_>>;
        if let Some(scroll) = self.scroll {
            shown = all().skip(scroll.min(total.saturating_sub(height))).take(height).collect();
        } else {
            // What is printed last is what one waits for.
            let tail = height.saturating_sub(facts.len());
            shown = facts.iter().take(height).collect();
            shown.extend(output.iter().skip(output.len().saturating_sub(tail)));
        }
        for (y, line) in (inside.y..inside.bottom()).zip(shown.drain(..)) {
            draw_line(Rect { y, height: 1, ..inside }, buf, line, 0);
        }
        if total > height {
            let seen = self.scroll.map_or(height, |scroll| scroll.min(total - height) + height);
            let more = match total.saturating_sub(seen) {
                0 => String::new(),
                more => format!(" {} {more} more ", glyphs(theme.ascii).down),
            };
            if self.scroll.is_some() || output.is_empty() {
                put_right(buf, inside.x, inside.bottom() - 1, inside.width, &more, theme.faint);
            }
        }
    }

    fn details_title(&self, state: &State) -> String {
        match (self.selected_run(state), &self.service) {
            (Some(run), _) => format!("{} of {}", run.action.word(), words::services(run, true)),
            (None, Some((stack, service))) => format!("{stack}/{service}"),
            (None, None) => String::from("Details"),
        }
    }

    /// Returns the facts of the selection, and what its job prints.
    fn content<'a>(&self, area: Rect, cx: &Context<'a>) -> (Vec<Line<'a>>, Vec<Line<'a>>) {
        let room = area.width;
        if let Some(run) = self.selected_run(cx.state) {
            return (details::run(run, room, cx), details::output(run, room, cx));
        }
        let Some(key) = &self.service else { return (Vec::new(), Vec::new()) };
        let Some(watch) = cx.state.watch.service(&key.0, &key.1) else { return (Vec::new(), Vec::new()) };
        let failed = || words::last_failure(key, cx.state).filter(|_| watch.failed);
        let output = match words::under_way(key, cx.state).or_else(failed) {
            Some(run) => details::output(run, room, cx),
            None => Vec::new(),
        };
        // What is printed now matters more than what could be looked up at any time.
        let is_tight = !output.is_empty() && area.height < ROOMY;
        (details::service(key, watch, room, is_tight, cx), output)
    }

    pub(super) fn line_count(&self, state: &State) -> usize {
        let theme = Theme::default();
        let keymap = crate::tui::keymap::Keymap::default();
        let cx = Context {
            state,
            theme: &theme,
            keymap: &keymap,
            now: state.now,
            focused: false,
            stale: false,
            coarse: false,
        };
        let area = self.layout.details;
        let inside = Rect { width: area.width.saturating_sub(2), ..area };
        let (facts, output) = self.content(inside, &cx);
        facts.len() + output.len()
    }

    /// Says how the watching itself is doing.
    fn draw_foot(&self, buf: &mut Buffer, cx: &Context<'_>) {
        let (theme, watch) = (cx.theme, &cx.state.watch);
        let health = &watch.health;
        let mut left = Vec::new();
        let mut right = Vec::new();
        let watched = health.watches > 0 || watch.services().any(|(_, service)| service.on);
        if watched {
            let limit = health.limit.map(|limit| format!(" of {}", bytes::count(limit))).unwrap_or_default();
            left.push(format!(" {}{limit} watches of the kernel", bytes::count(health.watches)));
            left.push(match health.overflows {
                0 => String::from("no event lost"),
                1 => String::from("1 overflow, all looked at again"),
                n => format!("{n} overflows, all looked at again"),
            });
        }
        if !watched && !self.services.is_empty() && !cx.state.read_only {
            left.push(format!(" nothing is watched, {} begins", cx.keymap.named(Action::ToggleWatch)));
        }
        match health.polled {
            0 => {}
            1 => right.push((String::from("1 tree is polled"), theme.warning)),
            n => right.push((format!("{n} trees are polled"), theme.warning)),
        }
        if health.limit.is_some_and(|limit| health.watches as f64 >= limit as f64 * TIGHT) {
            right.push((String::from("few watches are left"), theme.warning));
        }
        if watch.paused {
            let words = format!("paused, {} goes on", cx.keymap.named(Action::PauseWatch));
            right.push((words, theme.warning));
        }
        if watch.manual {
            let key = cx.keymap.named(Action::TriggerWatch);
            right.push((format!("manual, {key} begins what waits"), theme.warning));
        }
        let room = Rect { width: self.layout.foot.width.saturating_sub(1), ..self.layout.foot };
        foot::draw(room, buf, &left, &right, theme);
    }
}

/// Says that not everything is taken up at once.
fn mode(state: &State) -> Option<&'static str> {
    match (state.watch.paused, state.watch.manual) {
        (true, _) => Some("paused"),
        (false, true) => Some("manual"),
        (false, false) => None,
    }
}
