//! The Watch screen: whose sources are watched, what is under way, how the loops before went.
//!
//! ```text
//! ─ Watch 3 of 5 on ──────────────────────── paused ─┬─ shop/web ─────────────────────
//!    STATUS        SERVICE          LAST        LOOPS │ ↻ rebuild: building for 4s
//!  ↻ building 4s   shop/web         2.1s    3m  ▂▃▂▅  │ rule    rebuild ./web
//!  ◎ on            shop/api         0.3s   12m  ▁▁▁   │ files   src/app.js
//! ─ Runs 1 under way ────────────────────────────────│ decided  12ms
//!  17:29:58 ↻ shop/web     4.0s  building src/app.js  │ ↻        [2/4] RUN npm ci
//!  17:26:41 ✓ shop/api     0.3s  sync src/main.py     │
//! 1,204 of 65,536 watches · no overflow               p goes on
//! ```
//!
//! Ages are drawn from the moment of the frame; nothing is read for them.

mod details;
pub mod hands;
mod paint;
mod rows;
pub mod words;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::command::{Command, Interest};
use crate::model::stacks::Target;
use crate::model::watch::ServiceKey;
use crate::model::watch::run::{RunId, RunPhase, WatchRun};
use crate::state::watch::{PlanOrigin, ServiceWatch};
use crate::state::{Revision, State};
use crate::tui::action::{Action, KeyContext};
use crate::tui::regions::WIDE;
use crate::tui::view::Effect;
use crate::tui::widgets::query::Query;
use crate::tui::widgets::window::Window;

/// Rows that one notch of the wheel moves.
const WHEEL_ROWS: usize = 3;

/// Which part has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pane {
    #[default]
    Services,
    Runs,
}

/// Where the parts of the screen are.
#[derive(Clone, Copy, Debug, Default)]
struct Layout {
    heading: Rect,
    columns: Rect,
    services: Rect,
    runs_heading: Rect,
    runs: Rect,
    wall: Rect,
    details_heading: Rect,
    details: Rect,
    foot: Rect,
}

/// Positions among services and runs.
#[derive(Debug, Default)]
pub struct WatchView {
    services: Vec<ServiceKey>,
    /// What is under way first, then the newest first.
    runs: Vec<RunId>,
    /// Whether services of two stacks have one name, so that it alone does not tell them apart.
    alike: bool,
    service_rows: Window,
    run_rows: Window,
    service: Option<ServiceKey>,
    run: Option<RunId>,
    /// The list whose selection the details are about.
    pane: Pane,
    /// Whether the details have the keys; on a narrow screen they have it all.
    in_details: bool,
    /// First line of the details that is seen; `None`: what matters, with the end of the output.
    scroll: Option<usize>,
    query: Query,
    /// What the rows were built from.
    built: Option<Revision>,
    layout: Layout,
}

impl WatchView {
    /// Whether there is any service to act on.
    pub fn lists_any(&self) -> bool {
        !self.services.is_empty()
    }

    pub fn contexts(&self) -> &'static [KeyContext] {
        &[KeyContext::Watch, KeyContext::List, KeyContext::Global]
    }

    pub fn set_filter(&mut self, text: &str) {
        self.query.set(text);
        self.built = None;
    }

    pub fn filter(&self) -> &str {
        self.query.text()
    }

    pub fn interest(&self, _state: &State, _interest: &mut Interest) {}

    /// Whether a figure on it changes with the next second.
    pub fn counts_seconds(&self, state: &State, now: Timestamp) -> bool {
        let young = |at: Timestamp| now.as_second() - at.as_second() <= 60;
        state.watch.under_way().next().is_some()
            || state.watch.runs().filter_map(|run| run.phases.last()).any(|(_, at)| young(*at))
    }

    pub fn sync(&mut self, state: &State, area: Rect) {
        if self.built != Some(state.watch.revision) {
            self.built = Some(state.watch.revision);
            self.build(state);
        }
        self.layout = self.lay_out(area);
        let row = self.service.as_ref().and_then(|key| self.services.iter().position(|row| row == key));
        self.service_rows.fit(self.services.len(), usize::from(self.layout.services.height));
        if let Some(row) = row.filter(|row| *row != self.service_rows.selected()) {
            self.service_rows.select(row);
        }
        // Who stands on the newest run goes with the newest.
        let follows = self.run_rows.selected() == 0;
        let row = self.run.filter(|_| !follows).and_then(|id| self.runs.iter().position(|row| *row == id));
        self.run_rows.fit(self.runs.len(), usize::from(self.layout.runs.height));
        if let Some(row) = row.filter(|row| *row != self.run_rows.selected()) {
            self.run_rows.shift_to(row);
        }
        if self.runs.is_empty() {
            self.pane = Pane::Services;
        }
        self.note();
    }

    fn build(&mut self, state: &State) {
        let watch = &state.watch;
        let listed = |service: &ServiceWatch| {
            let plan = &service.plan;
            service.on || plan.origin != PlanOrigin::Nothing || !plan.notes.is_empty()
        };
        let mut services: Vec<(&ServiceKey, &ServiceWatch)> = watch
            .services()
            .filter(|(key, service)| {
                listed(service) && self.query.lets_through(&format!("{}/{}", key.0, key.1))
            })
            .collect();
        // Those that are watched first, those that never can be last.
        services.sort_by_key(|(_, service)| (!service.on, !hands::has_rules(service)));
        self.services = services.into_iter().map(|(key, _)| key.clone()).collect();
        let shown = |run: &&WatchRun| self.query.is_empty() || self.query.lets_through(&line(run));
        let mut runs: Vec<&WatchRun> = watch.runs().rev().filter(shown).collect();
        runs.sort_by_key(|run| (run.phase().is_end(), run.phase() == RunPhase::Queued));
        self.runs = runs.into_iter().map(|run| run.id).collect();
        let mut names: Vec<_> = watch.services().map(|(key, _)| &key.1).collect();
        names.sort_unstable();
        self.alike = names.windows(2).any(|pair| pair[0] == pair[1]);
    }

    fn lay_out(&self, area: Rect) -> Layout {
        let row = |y: u16, x: u16, width: u16| Rect { x, y, width, height: 1 };
        let foot = row(area.bottom().saturating_sub(1), area.x, area.width);
        let below = |from: u16, area: Rect| Rect { y: from, height: foot.y.saturating_sub(from), ..area };
        let wide = area.width >= WIDE;
        if !wide && self.in_details {
            let details = below(area.y + 1, area);
            let details_heading = row(area.y, area.x, area.width);
            return Layout { details_heading, details, foot, ..Layout::default() };
        }
        let share = if area.width < 160 { 56 } else { 52 };
        let left = if wide { area.width * share / 100 } else { area.width };
        let list = Rect { width: left, ..area };
        let body = foot.y.saturating_sub(area.y + 2);
        let most = if self.runs.is_empty() { body } else { (body * 45 / 100).max(3) };
        let services =
            Rect { y: area.y + 2, height: (self.services.len() as u16).clamp(1, most.max(1)), ..list };
        let services = if self.runs.is_empty() { below(area.y + 2, list) } else { services };
        let mut layout = Layout {
            heading: row(area.y, area.x, left),
            columns: row(area.y + 1, area.x, left),
            services,
            foot,
            ..Layout::default()
        };
        if !self.runs.is_empty() {
            layout.runs_heading = row(services.bottom(), area.x, left);
            layout.runs = below(services.bottom() + 1, list);
        }
        if wide {
            let x = area.x + left;
            layout.wall = below(area.y + 1, Rect { x, width: 1, ..area });
            layout.details_heading = row(area.y, x, area.width - left);
            layout.details = below(area.y + 1, Rect { x: x + 1, width: area.width - left - 1, ..area });
        }
        layout
    }

    /// Remembers the selections by what stays of them.
    fn note(&mut self) {
        let before = (self.service.clone(), self.run);
        self.service = self.services.get(self.service_rows.selected()).cloned();
        self.run = self.runs.get(self.run_rows.selected()).copied();
        if before != (self.service.clone(), self.run) {
            self.scroll = None;
        }
    }

    /// Selects the service of a target, if it is listed.
    pub fn look_at(&mut self, target: &Target, state: &State) {
        let Some(key) = state.containers.service_of(target) else { return };
        if self.service.as_ref() != Some(&key) && state.watch.service(&key.0, &key.1).is_some() {
            (self.pane, self.service, self.scroll) = (Pane::Services, Some(key), None);
        }
    }

    /// Returns the run that the details are about.
    fn selected_run<'a>(&self, state: &'a State) -> Option<&'a WatchRun> {
        let id = self.run.filter(|_| self.pane == Pane::Runs)?;
        state.watch.runs().rev().find(|run| run.id == id)
    }

    /// Returns the service that keys act on.
    fn selected_service(&self, state: &State) -> Option<ServiceKey> {
        match self.pane {
            Pane::Services => self.service.clone(),
            Pane::Runs => {
                let run = self.selected_run(state)?;
                Some((run.stack.clone(), run.services.first()?.clone()))
            }
        }
    }

    /// Goes back from the details to the lists; whether there was something to leave.
    pub fn leave_details(&mut self) -> bool {
        self.scroll = None;
        std::mem::take(&mut self.in_details)
    }

    pub fn handle(&mut self, action: Action, state: &State) -> Vec<Effect> {
        match action {
            Action::Back => {
                if !self.leave_details() {
                    self.set_filter("");
                }
                return Vec::new();
            }
            Action::Left if self.in_details => {
                self.leave_details();
                return Vec::new();
            }
            Action::NextPane | Action::PreviousPane => {
                self.step_pane(action == Action::NextPane);
                return Vec::new();
            }
            Action::PauseWatch => return hands::pause(state),
            Action::ManualWatch => return hands::manual(state),
            _ if self.in_details && self.scroll_details(action, state) => return Vec::new(),
            _ => {}
        }
        if self.move_rows(action) {
            return Vec::new();
        }
        self.act(action, state)
    }

    fn act(&mut self, action: Action, state: &State) -> Vec<Effect> {
        match action {
            Action::CopyAll => {
                return vec![Effect::Copy { what: String::from("runs"), text: self.text(state) }];
            }
            Action::Save => {
                return vec![Effect::Save { name: String::from("watch.txt"), text: self.text(state) }];
            }
            _ => {}
        }
        let Some((stack, service)) = self.selected_service(state) else { return Vec::new() };
        let target = Target::Service { stack, service };
        match action {
            Action::Open | Action::Right => self.in_details = true,
            Action::ToggleWatch => return hands::toggle(&target, state),
            Action::TriggerWatch => return hands::trigger(&target, state),
            Action::OpenLogs => return vec![Effect::OpenLogs(vec![target])],
            Action::OpenDetails => return vec![Effect::OpenDetails { target, tab: None }],
            Action::CancelJob => return self.cancel(&target, state),
            Action::CopyLine => return vec![self.copy(&target, state)],
            _ => {}
        }
        Vec::new()
    }

    fn step_pane(&mut self, forward: bool) {
        let mut panes = vec![(Pane::Services, false)];
        if !self.runs.is_empty() {
            panes.push((Pane::Runs, false));
        }
        if self.layout.wall.height > 0 {
            panes.push((self.pane, true));
        }
        let here = panes
            .iter()
            .position(|(pane, details)| *details == self.in_details && (*details || *pane == self.pane));
        let step = if forward { 1 } else { panes.len() - 1 };
        (self.pane, self.in_details) = panes[(here.unwrap_or(0) + step) % panes.len()];
        self.scroll = None;
    }

    /// Moves in the list that has the keys; from the end of one into the other.
    fn move_rows(&mut self, action: Action) -> bool {
        let crosses = match (self.pane, action) {
            (Pane::Services, Action::MoveDown) => {
                !self.runs.is_empty() && self.service_rows.selected() + 1 >= self.services.len()
            }
            (Pane::Runs, Action::MoveUp) => self.run_rows.selected() == 0,
            _ => false,
        };
        if crosses {
            self.pane = if self.pane == Pane::Services { Pane::Runs } else { Pane::Services };
            self.scroll = None;
            return true;
        }
        let window = if self.pane == Pane::Services { &mut self.service_rows } else { &mut self.run_rows };
        let moved = window.handle(action);
        self.note();
        moved
    }

    fn scroll_details(&mut self, action: Action, state: &State) -> bool {
        let page = usize::from(self.layout.details.height).saturating_sub(1).max(1);
        let most = self.line_count(state).saturating_sub(usize::from(self.layout.details.height));
        let at = self.scroll.unwrap_or(0);
        let next = match action {
            Action::MoveDown => at + 1,
            Action::MoveUp => at.saturating_sub(1),
            Action::PageDown => at + page,
            Action::PageUp => at.saturating_sub(page),
            Action::HalfPageDown => at + page.div_ceil(2),
            Action::HalfPageUp => at.saturating_sub(page.div_ceil(2)),
            Action::First => 0,
            Action::Last => most,
            _ => return false,
        };
        self.scroll = Some(next.min(most));
        true
    }

    fn cancel(&self, target: &Target, state: &State) -> Vec<Effect> {
        let of_run = self.selected_run(state).filter(|run| !run.phase().is_end()).and_then(|run| run.job);
        let job = of_run.or_else(|| Some(state.jobs.conflicting(target, &state.containers)?.id));
        match job {
            Some(job) => vec![Effect::Run(Command::Cancel(job))],
            None => vec![Effect::Toast(String::from("Nothing is under way here"))],
        }
    }

    fn copy(&self, target: &Target, state: &State) -> Effect {
        match self.selected_run(state) {
            Some(run) if !run.detail.is_empty() => {
                Effect::Copy { what: String::from("what it says"), text: run.detail.clone() }
            }
            Some(run) => Effect::Copy { what: String::from("run"), text: line(run) },
            None => Effect::Copy { what: String::from("name"), text: state.containers.name_of(target) },
        }
    }

    pub fn click(&mut self, column: u16, row: u16, _state: &State) -> Vec<Effect> {
        let at = (column, row).into();
        if self.layout.services.contains(at) {
            (self.pane, self.in_details) = (Pane::Services, false);
            if let Some(row) = self.service_rows.row_at(self.layout.services, row) {
                self.service_rows.select(row);
            }
        } else if self.layout.runs.contains(at) {
            (self.pane, self.in_details) = (Pane::Runs, false);
            if let Some(row) = self.run_rows.row_at(self.layout.runs, row) {
                self.run_rows.select(row);
            }
        } else if self.layout.details.contains(at) {
            self.in_details = true;
        }
        self.note();
        Vec::new()
    }

    pub fn wheel(&mut self, column: u16, row: u16, down: bool, state: &State) {
        let action = if down { Action::MoveDown } else { Action::MoveUp };
        for _ in 0..WHEEL_ROWS {
            if self.layout.details.contains((column, row).into()) {
                self.scroll_details(action, state);
            } else if self.layout.runs.contains((column, row).into()) {
                self.run_rows.handle(action);
            } else {
                self.service_rows.handle(action);
            }
        }
        self.note();
    }

    /// Writes the runs as text, newest first.
    fn text(&self, state: &State) -> String {
        let mut text = String::new();
        for run in state.watch.runs().rev().filter(|run| self.runs.contains(&run.id)) {
            let _ = writeln!(text, "{:.3} {}", run.noticed_at(), line(run));
        }
        text
    }
}

/// Writes a run as one line.
fn line(run: &WatchRun) -> String {
    let services: Vec<&Arc<str>> = run.services.iter().collect();
    let took = run.took().map(|took| format!(" in {}", words::took(took))).unwrap_or_default();
    let names = services.iter().map(|name| &***name).collect::<Vec<_>>().join(",");
    let mut text = format!("{}/{names} {} {}{took}", run.stack, run.action.word(), run.phase().word());
    let _ = write!(text, ": {}", words::changed(run));
    if !run.detail.is_empty() {
        let _ = write!(text, ": {}", run.detail);
    }
    text
}
