//! The tree of stacks, services and containers, and what is wrong.
//!
//! Holds positions (selection, folds, marks, order, filter) and the derived rows; the details of the
//! selection live beside it in [`DetailsView`].
//!
//! ```text
//! ✗ failed     energy/questdb   exit code 137 (SIGKILL), out of memory        2m   l logs     attention
//! ─ Stacks · by state ───────────────────┬─ energy/questdb ────────────────────────────────   titles
//!  NAME            STATE      FOR  CPU   │ Overview Health Usage Logs …                       columns
//! ▾ energy 2/3     ✗ failed        1.6%  │ failed for 2m                                      tree, details
//! ```

pub mod attention;
pub mod columns;
pub mod hands;
pub mod lately;
pub mod rows;
pub mod selection;
pub mod tree;

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::command::{Command, Interest};
use crate::model::stacks::Target;
use crate::ports::ComposeError;
use crate::state::Revision;
use crate::state::State;
use crate::tui::action::{Action, KeyContext};
use crate::tui::keymap::Keymap;
use crate::tui::paint::{cut_stack, glyphs, put, rule, wall, width, wrap};
use crate::tui::regions::{StacksRegions, StacksShape, WIDE};
use crate::tui::view::{Context, DetailTab, Effect};
use crate::tui::views::details::DetailsView;
use crate::tui::views::logs::LogPane;
use crate::tui::views::stacks::columns::{Column, Columns};
use crate::tui::views::stacks::rows::{Choice, Filter, Row, SortBy};

/// A row that stands for more containers than this has its sum from figures of the slow beat.
const CROWD: usize = 40;

/// Which of the two panes gets the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    #[default]
    Tree,
    Details,
}

#[derive(Debug, Default)]
pub struct StacksView {
    pub details: DetailsView,
    pub choice: Choice,
    pub focus: Pane,
    pub marks: BTreeSet<Target>,
    rows: Vec<Row>,
    hidden: usize,
    columns: Columns,
    selected: Option<Target>,
    /// What was selected before a filter was typed.
    parked: Option<Target>,
    /// Row of the selection; also where to go when it vanishes.
    cursor: usize,
    /// First visible row.
    top: usize,
    shift: i16,
    area: Rect,
    /// Width that the columns were chosen for.
    fitted: u16,
    /// What the rows were derived from.
    seen: Option<(Revision, Revision, Revision, Revision, Option<Revision>)>,
    /// Whether the selection is down, so that starting it is the next thing to do.
    rests: bool,
    /// Whether nothing of the selection was created, so that bringing it up is the next thing to do.
    absent: bool,
    /// Whether the operator has moved: until then the worst problem is selected.
    moved: bool,
}

impl StacksView {
    /// Brings the rows up to date and keeps the selection on the same item.
    pub fn sync(&mut self, state: &State, area: Rect) {
        self.sync_rows(state, area);
        let details = self.regions(area, state).details;
        self.details.sync(state, details, self.selected.as_ref());
    }

    /// Brings a sketch up to date; of its details there is the overview of a stack, no more.
    pub fn sync_sketch(&mut self, sketch: &State, area: Rect) {
        self.sync_rows(sketch, area);
        let details = self.regions(area, sketch).details;
        let stack = self.selected.as_ref().filter(|target| matches!(target, Target::Stack(_)));
        self.details.sync(sketch, details, stack);
    }

    fn sync_rows(&mut self, state: &State, area: Rect) {
        let usage = self.choice.needs_usage().then_some(state.usage.revision);
        let containers = state.containers.revision();
        let seen = Some((
            containers,
            state.stack_files.revision,
            state.tokens.revision,
            state.watch.revision,
            usage,
        ));
        if self.seen != seen {
            self.seen = seen;
            (self.rows, self.hidden) = rows::build(state, &self.choice);
            self.marks.retain(|target| exists(target, state));
            if !self.moved
                && let Some(problem) = state.attention.problems().first()
            {
                self.selected = Some(problem.target.clone());
            }
            self.columns = Columns::default();
        }
        self.find_selection();
        let regions = self.regions(area, state);
        self.area = area;
        // The tree's own width: it has none while details have the whole screen, whatever size that is.
        if self.fitted != regions.tree.width || self.columns == Columns::default() {
            self.fitted = regions.tree.width;
            self.columns = self.fit_columns(regions.tree.width, state);
        }
        let height = usize::from(regions.tree.height);
        // Behind the details it stays where it was.
        if height > 0 {
            self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(height));
            self.top = self.top.min(self.rows.len().saturating_sub(height));
            // The stack's own row gives the first services their name.
            if self.cursor > 0 && self.top == self.cursor && self.rows[self.cursor].depth > 0 {
                self.top -= 1;
            }
        }
        self.rests = self.selected.as_ref().is_some_and(|target| selection::rests(target, state));
        self.absent = self.selected.as_ref().is_some_and(|target| !exists(target, state));
    }

    /// Builds the rows anew at the next sync.
    pub fn invalidate(&mut self) {
        self.seen = None;
    }

    fn fit_columns(&self, width_of_tree: u16, state: &State) -> Columns {
        let longest = self.rows.iter().map(|row| name_width(row, state)).max().unwrap_or(0);
        let mut empty = Vec::new();
        if !state.containers.iter().any(|entry| entry.container.memory_limit.is_some()) {
            empty.push(Column::MemoryBar);
        }
        if !state.containers.iter().any(|entry| entry.container.restart_count > 0) {
            empty.push(Column::Restarts);
        }
        if !state.containers.iter().any(|entry| entry.container.ports.iter().any(|p| p.host_port.is_some())) {
            empty.push(Column::Ports);
        }
        Columns::of(width_of_tree, longest, &empty)
    }

    fn find_selection(&mut self) {
        if let Some(target) = &self.selected {
            if self.rows.get(self.cursor).is_some_and(|row| row.target == *target) {
                return;
            }
            if let Some(index) = self.rows.iter().position(|row| row.target == *target) {
                self.cursor = index;
                return;
            }
        }
        self.cursor = self.cursor.min(self.rows.len().saturating_sub(1));
        self.selected = self.rows.get(self.cursor).map(|row| row.target.clone());
    }

    pub fn regions(&self, area: Rect, state: &State) -> StacksRegions {
        let shape = StacksShape {
            problems: state.attention.problems().len(),
            details_focused: self.focus == Pane::Details,
            shift: self.shift,
        };
        StacksRegions::of(area, shape)
    }

    /// Whether starting the selection is the next thing to do.
    pub fn selection_rests(&self) -> bool {
        self.rests
    }

    /// Whether nothing of the selection was ever created.
    pub fn selection_is_absent(&self) -> bool {
        self.absent
    }

    pub fn selected(&self) -> Option<&Target> {
        self.selected.as_ref()
    }

    /// Selects a target, unfolding what hides it.
    pub fn select(&mut self, target: &Target, state: &State) {
        self.moved = true;
        if let Some(index) = self.rows.iter().position(|row| row.target == *target) {
            self.cursor = index;
            self.selected = Some(target.clone());
            return;
        }
        selection::unfold_to(&mut self.choice, target, state);
        self.selected = Some(target.clone());
        self.invalidate();
    }

    /// Returns the contexts that decide what a key means, innermost first.
    pub fn contexts(&self) -> &'static [KeyContext] {
        match self.focus {
            Pane::Tree => &[KeyContext::Tree, KeyContext::List, KeyContext::Global],
            Pane::Details if self.details.shows_logs() => {
                &[KeyContext::Logs, KeyContext::Text, KeyContext::Tree, KeyContext::Global]
            }
            Pane::Details => &[KeyContext::Text, KeyContext::Tree, KeyContext::Global],
        }
    }

    /// Returns the logs among the details while these have focus.
    pub fn log_pane(&mut self) -> Option<&mut LogPane> {
        if self.focus == Pane::Details { self.details.log_pane() } else { None }
    }

    /// Sets the filter of what has focus; live while it is typed.
    pub fn set_filter(&mut self, text: &str) {
        match self.focus {
            Pane::Tree => {
                if self.choice.filter.is_empty() {
                    self.parked = self.selected.clone();
                }
                self.choice.filter = Filter::new(text);
                // A filter that found nothing leads back to where one was.
                if text.is_empty() && self.selected.is_none() {
                    self.selected = self.parked.take();
                }
                self.invalidate();
            }
            Pane::Details => self.details.set_search(text),
        }
    }

    /// Takes back a filter that was given up while it was typed: one stands where one stood before.
    pub fn drop_filter(&mut self) {
        let before = self.parked.take().filter(|_| self.focus == Pane::Tree);
        self.set_filter("");
        if before.is_some() {
            self.selected = before;
        }
    }

    /// Returns the filter of what has focus.
    pub fn filter(&self) -> &str {
        match self.focus {
            Pane::Tree => &self.choice.filter.text,
            Pane::Details => self.details.search(),
        }
    }

    pub fn set_sort(&mut self, sort: SortBy) {
        self.choice.sort = sort;
        self.invalidate();
    }

    pub fn interest(&self, state: &State, interest: &mut Interest) {
        let height = usize::from(self.regions(self.area, state).tree.height);
        let rows = self.rows.iter().skip(self.top).take(height).map(|row| &row.target);
        for target in rows.chain(&self.selected) {
            let all = state.containers.of_target(target);
            // The sum of a crowd is near enough with figures of the slow beat.
            if all.len() <= CROWD {
                interest.usage.extend(all);
            }
        }
        if self.details_are_visible() {
            self.details.interest(state, interest);
        }
    }

    /// Returns what must be read for what is on the screen.
    pub fn wishes(&mut self, state: &State) -> Vec<Command> {
        if self.details_are_visible() { self.details.wishes(state) } else { Vec::new() }
    }

    fn details_are_visible(&self) -> bool {
        self.area.width >= WIDE || self.focus == Pane::Details
    }

    pub fn handle(&mut self, action: Action, state: &State) -> Vec<Effect> {
        self.moved = true;
        match action {
            Action::NextPane | Action::PreviousPane => {
                self.focus = if self.focus == Pane::Tree { Pane::Details } else { Pane::Tree };
                return Vec::new();
            }
            Action::NextTab => {
                self.details.step_tab(1);
                return Vec::new();
            }
            Action::PreviousTab => {
                self.details.step_tab(-1);
                return Vec::new();
            }
            Action::Larger | Action::Smaller => {
                let grows = (action == Action::Larger) == (self.focus == Pane::Tree);
                self.shift = (self.shift + if grows { 4 } else { -4 }).clamp(-60, 60);
                return Vec::new();
            }
            _ => {}
        }
        if self.focus == Pane::Details {
            let at_the_left = action == Action::Left && self.details.is_at_left();
            if at_the_left || (action == Action::Back && !self.details.leave(state)) {
                self.focus = Pane::Tree;
                return Vec::new();
            }
            if action == Action::Back {
                return Vec::new();
            }
            if let Some(effects) = self.details.handle(action, state) {
                return effects;
            }
        }
        self.handle_in_tree(action, state)
    }

    pub fn click(&mut self, column: u16, row: u16, state: &State) -> Vec<Effect> {
        self.moved = true;
        let at = Position { x: column, y: row };
        let regions = self.regions(self.area, state);
        if regions.tree.contains(at) {
            self.focus = Pane::Tree;
            let index = self.top + usize::from(row - regions.tree.y);
            if index < self.rows.len() {
                let again = index == self.cursor;
                self.move_to(index);
                // On the fold mark, or once more on a stack.
                if self.rows[index].folded.is_some() && (again || column < regions.tree.x + 3) {
                    self.toggle_fold();
                }
            }
        } else if regions.attention.contains(at) {
            let index = usize::from(row - regions.attention.y);
            if let Some(problem) = state.attention.problems().get(index) {
                let target = problem.target.clone();
                self.select(&target, state);
            }
        } else if regions.details.contains(at) {
            self.focus = Pane::Details;
            return self.details.click(column, row, state);
        }
        Vec::new()
    }

    /// Scrolls what lies under the mouse.
    pub fn wheel(&mut self, column: u16, row: u16, down: bool, state: &State) {
        self.moved = true;
        let regions = self.regions(self.area, state);
        let action = if down { Action::MoveDown } else { Action::MoveUp };
        if regions.details.contains(Position { x: column, y: row }) {
            for _ in 0..3 {
                self.details.handle(action, state);
            }
        } else {
            self.handle_in_tree(action, state);
        }
    }

    /// Whether something on the screen counts seconds.
    pub fn counts_seconds(&self, state: &State, now: jiff::Timestamp) -> bool {
        let young =
            |since: Option<jiff::Timestamp>| since.is_some_and(|at| now.as_second() - at.as_second() <= 60);
        let height = usize::from(self.regions(self.area, state).tree.height);
        state.attention.problems().iter().take(5).any(|problem| young(problem.verdict.since))
            || self.rows.iter().skip(self.top).take(height).any(|row| young(selection::since(row, state)))
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, keymap: &Keymap, cx: &Context<'_>) {
        let regions = self.regions(area, cx.state);
        attention::draw(
            regions.attention,
            buf,
            keymap,
            |problem| self.selected.as_ref() == Some(&problem.target),
            cx,
        );
        self.draw_titles(&regions, buf, keymap, cx);
        if regions.tree.height > 0 {
            tree::draw_titles(regions.columns, buf, &self.columns, cx);
            self.draw_rows(regions.tree, buf, keymap, cx);
        }
        if let Some(line) = regions.wall {
            let style = cx.theme.border;
            wall(buf, line, glyphs(cx.theme.ascii).wall, style);
        }
        let sketched = is_sketch(cx.state) && !matches!(self.selected, Some(Target::Stack(_)));
        if regions.details.height > 0 && !sketched {
            let focused = cx.focused && self.focus == Pane::Details;
            self.details.draw(regions.details, buf, &Context { focused, ..*cx });
        }
    }

    fn draw_rows(&self, area: Rect, buf: &mut Buffer, keymap: &Keymap, cx: &Context<'_>) {
        if self.rows.is_empty() {
            self.draw_nothing(area, buf, keymap, cx);
            return;
        }
        let visible = self.rows.iter().enumerate().skip(self.top).take(usize::from(area.height));
        for (line, (index, row)) in visible.enumerate() {
            let look = tree::Look {
                selected: index == self.cursor,
                focused: cx.focused && self.focus == Pane::Tree,
                marked: self.marks.contains(&row.target),
            };
            let area = Rect { y: area.y + line as u16, height: 1, ..area };
            tree::draw_row(area, buf, row, &self.columns, look, cx);
        }
        let used = (self.rows.len() - self.top) as u16;
        let spare =
            Rect { y: area.y + used.min(area.height), height: area.height.saturating_sub(used), ..area };
        lately::draw(spare, buf, keymap, cx);
    }

    fn draw_nothing(&self, area: Rect, buf: &mut Buffer, keymap: &Keymap, cx: &Context<'_>) {
        let refused = cx.state.containers.refused();
        let lines: [String; 2] = if !self.choice.filter.is_empty() {
            [
                format!("Nothing matches /{}", self.choice.filter.text),
                format!("{} clears the filter", keymap.hint(Action::Back)),
            ]
        } else if self.hidden > 0 {
            [
                format!("{} absent or long finished, hidden", self.hidden),
                format!("{} shows them", keymap.hint(Action::ShowAbsent)),
            ]
        } else if let Some(error) = refused {
            let what_next = match error {
                ComposeError::Missing => String::from("Without Compose its files cannot be read"),
                _ => format!(
                    "{} opens Checks: where it stands and what to do; {} there reads the files again",
                    keymap.hint(Action::ShowChecks),
                    keymap.hint(Action::ReadAgain)
                ),
            };
            [format!("Nothing of the stack can start: {error}"), what_next]
        } else {
            let whose = cx.state.scope.as_deref().map_or(String::new(), |stack| format!(" of {stack}"));
            [
                format!("No containers{whose} on this engine yet"),
                String::from("Start a stack with docker compose up -d; it appears here at once"),
            ]
        };
        let room = area.width.saturating_sub(4);
        let head = if refused.is_some() { cx.theme.error } else { cx.theme.text };
        let styled = lines.iter().zip([head, cx.theme.muted]);
        let wrapped = styled.flat_map(|(line, style)| wrap(line, room).into_iter().map(move |l| (l, style)));
        for ((line, style), y) in wrapped.zip(area.y + 1..area.bottom()) {
            put(buf, area.x + 3, y, room, &line, style);
        }
    }

    /// Draws the rule with the panes' titles: what is listed, how, what is left out.
    fn draw_titles(&self, regions: &StacksRegions, buf: &mut Buffer, keymap: &Keymap, cx: &Context<'_>) {
        let theme = cx.theme;
        let glyphs = glyphs(theme.ascii);
        let line = regions.titles;
        let pane_style =
            |pane| if cx.focused && self.focus == pane { theme.border_focused } else { theme.border };
        let split = if regions.tree.height == 0 { line.x } else { line.x + regions.tree.width };
        let list = Rect { width: split - line.x, ..line };
        let details = Rect { x: split, width: line.right() - split, ..line };
        rule(buf, list, glyphs.rule, pane_style(Pane::Tree));
        rule(buf, details, glyphs.rule, pane_style(Pane::Details));
        if regions.wall.is_some() {
            put(buf, split, line.y, 1, glyphs.tee_down, theme.border);
        }
        if list.width > 0 {
            self.draw_list_title(list, buf, keymap, cx);
        }
        if regions.details.height > 0 {
            let name =
                self.selected.as_ref().map(|target| cx.state.containers.name_of(target)).unwrap_or_default();
            let room = details.width.saturating_sub(6);
            let title = cut_stack(&name, room, theme.ascii);
            let title = if title.is_empty() { String::new() } else { format!(" {title} ") };
            let style = if self.focus == Pane::Details { theme.title } else { theme.muted };
            put(buf, details.x + 2, line.y, room + 2, &title, style);
        }
    }

    fn draw_list_title(&self, area: Rect, buf: &mut Buffer, keymap: &Keymap, cx: &Context<'_>) {
        let theme = cx.theme;
        let style = if self.focus == Pane::Tree { theme.title } else { theme.muted };
        let mut x = put(buf, area.x + 1, area.y, area.width, " Stacks ", style);
        let mut parts = vec![self.choice.sort.word().to_owned()];
        if !self.choice.filter.is_empty() {
            parts.insert(0, format!("/{}", self.choice.filter.text));
        }
        if !self.marks.is_empty() {
            parts.push(format!("{} marked, {} acts on them", self.marks.len(), keymap.hint(Action::Bulk)));
        }
        if self.choice.show_all {
            parts.push(String::from("all shown"));
        } else if self.hidden > 0 {
            parts.push(format!("{} hidden, {} shows", self.hidden, keymap.hint(Action::ShowAbsent)));
        }
        let visible = usize::from(self.regions(self.area, cx.state).tree.height);
        if self.rows.len() > visible {
            parts.push(format!("{}/{}", self.cursor + 1, self.rows.len()));
        }
        let dot = glyphs(theme.ascii).dot;
        for part in parts {
            let text = format!("{dot} {part} ");
            if x + width(&text) > area.right() {
                break;
            }
            x = put(buf, x, area.y, area.right() - x, &text, theme.muted);
        }
    }

    /// Selects a target and opens its details.
    pub fn show(&mut self, target: &Target, tab: Option<DetailTab>, state: &State) {
        self.select(target, state);
        if let Some(tab) = tab {
            self.details.show_tab(tab);
        }
        self.focus = Pane::Details;
    }

    /// Selects a target and shows what runs on it; where there is room for both, the tree keeps the keys.
    pub fn show_output(&mut self, target: &Target, state: &State) {
        self.select(target, state);
        self.details.show_tab(DetailTab::Output);
        if self.area.width < WIDE {
            self.focus = Pane::Details;
        }
    }

    /// Returns what is shown as text, with a name for a file.
    pub fn text(&self, state: &State) -> (String, String) {
        match self.focus {
            Pane::Tree => (String::from("stacks"), self.list_text(state)),
            Pane::Details => {
                let name =
                    self.selected.as_ref().map(|target| state.containers.name_of(target)).unwrap_or_default();
                let tab = self.details.tab().title().to_lowercase();
                (format!("{}-{tab}", name.replace('/', "-")), self.details.text(state))
            }
        }
    }
}

/// Whether this is the first list without all that inspections tell.
fn is_sketch(state: &State) -> bool {
    state.connection.listed_at.is_none()
}

fn exists(target: &Target, state: &State) -> bool {
    !state.containers.of_target(target).is_empty()
}

fn name_width(row: &Row, state: &State) -> u16 {
    match &row.target {
        Target::Stack(name) => {
            let note = state.containers.stack(name).map(|stack| tree::stack_note(stack, state));
            2 + width(name) + note.filter(|note| !note.is_empty()).map_or(0, |note| width(&note) + 1)
        }
        Target::Service { stack, service } => {
            let found = state.containers.stack(stack).and_then(|stack| stack.service(service));
            // With or without ASCII, the longer of the two.
            let drift = tree::drift_words(found.and_then(|service| service.drift.as_ref()), true);
            let drift = if drift.is_empty() { 0 } else { width(&drift) + 1 };
            let token = tree::token_of(stack, service, state).map_or(0, |_| tree::TOKEN);
            let watch = tree::watch_width(stack, service, state);
            2 + width(service) + if row.folded.is_some() { 5 } else { 0 } + drift + token + watch
        }
        Target::Container(id) => {
            4 + state.containers.get(id).map_or(12, |entry| width(&entry.container.name))
        }
    }
}

#[cfg(test)]
mod tests;
