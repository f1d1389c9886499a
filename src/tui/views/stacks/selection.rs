//! What the keys do in the tree: moving, folding, marking, and the wishes on what is selected.

use jiff::Timestamp;

use crate::command::Command;
use crate::model::containers::{ContainerId, RunState};
use crate::model::shells::ShellWish;
use crate::model::stacks::{ServiceState, Target};
use crate::state::State;
use crate::tui::action::Action;
use crate::tui::view::{DetailTab, Effect};
use crate::tui::views::stacks::rows::{Choice, Row};
use crate::tui::views::stacks::{Pane, StacksView};

impl StacksView {
    pub(super) fn move_to(&mut self, index: usize) {
        self.cursor = index.min(self.rows.len().saturating_sub(1));
        self.selected = self.rows.get(self.cursor).map(|row| row.target.clone());
    }

    pub(super) fn handle_in_tree(&mut self, action: Action, state: &State) -> Vec<Effect> {
        let page = usize::from(self.regions(self.area, state).tree.height).max(2) - 1;
        match action {
            Action::MoveDown => self.move_to(self.cursor + 1),
            Action::MoveUp => self.move_to(self.cursor.saturating_sub(1)),
            Action::First => self.move_to(0),
            Action::Last => self.move_to(self.rows.len()),
            Action::PageDown => self.move_to(self.cursor + page),
            Action::PageUp => self.move_to(self.cursor.saturating_sub(page)),
            Action::HalfPageDown => self.move_to(self.cursor + page / 2),
            Action::HalfPageUp => self.move_to(self.cursor.saturating_sub(page / 2)),
            Action::Right => self.unfold_or_enter(),
            Action::Left => self.fold_or_leave(),
            Action::Open => self.focus = Pane::Details,
            Action::OpenDetails => self.open_details(state),
            Action::Back => self.back(),
            Action::NextProblem => self.step_problem(state, true),
            Action::PreviousProblem => self.step_problem(state, false),
            Action::Mark => self.mark(),
            Action::ShowAbsent => {
                self.choice.show_all = !self.choice.show_all;
                self.invalidate();
            }
            Action::OpenLogs => return self.open_logs(),
            Action::OpenShell => return self.open_shell(state),
            Action::CancelJob => return self.cancel(state),
            Action::CopyLine => return self.copy_id(state),
            Action::ShowOutput => return self.open_output(state),
            Action::CopyAll => {
                let (what, text) = self.text(state);
                return vec![Effect::Copy { what, text }];
            }
            action => return self.hand(action, state),
        }
        Vec::new()
    }

    pub(super) fn toggle_fold(&mut self) {
        let Some(row) = self.rows.get(self.cursor) else { return };
        if let Some(folded) = row.folded {
            self.choice.folds.insert(row.target.clone(), !folded);
            self.invalidate();
        }
    }

    fn unfold_or_enter(&mut self) {
        match self.rows.get(self.cursor).map(|row| row.folded) {
            Some(Some(true)) => self.toggle_fold(),
            Some(_) => self.focus = Pane::Details,
            None => {}
        }
    }

    fn fold_or_leave(&mut self) {
        let Some(row) = self.rows.get(self.cursor) else { return };
        if row.folded == Some(false) {
            self.toggle_fold();
            return;
        }
        let depth = row.depth;
        if let Some(parent) = self.rows[..self.cursor].iter().rposition(|above| above.depth < depth) {
            self.move_to(parent);
        }
    }

    /// Whether Esc has something to undo here.
    pub fn has_something_to_leave(&self) -> bool {
        self.focus == Pane::Details || !self.choice.filter.is_empty() || !self.marks.is_empty()
    }

    fn back(&mut self) {
        if self.choice.filter.is_empty() {
            self.marks.clear();
        } else {
            self.set_filter("");
        }
    }

    fn open_details(&mut self, state: &State) {
        // Of an unhealthy service the checks say most.
        let unhealthy = self.selected.as_ref().is_some_and(|target| {
            state_of(target, state) == Some(ServiceState::Unhealthy) && !matches!(target, Target::Stack(_))
        });
        if unhealthy && self.details.tab() == DetailTab::Overview {
            self.details.show_tab(DetailTab::Health);
        }
        self.focus = Pane::Details;
    }

    fn open_output(&mut self, state: &State) -> Vec<Effect> {
        let known = |target: &Target| state.jobs.output(target, &state.containers).is_some();
        if !self.selected.as_ref().is_some_and(known) {
            // What was asked of the whole stack has touched this service, too.
            let stack = self.selected.as_ref().and_then(|target| stack_of(target, state));
            let Some(stack) = stack.filter(|stack| known(stack)) else {
                return vec![Effect::Toast(String::from("Nothing runs here, and nothing has failed here"))];
            };
            self.select(&stack, state);
        }
        self.details.show_tab(DetailTab::Output);
        self.focus = Pane::Details;
        Vec::new()
    }

    fn step_problem(&mut self, state: &State, forward: bool) {
        // A service may be there more than once, with tokens of its own.
        let mut targets: Vec<&Target> = Vec::new();
        for problem in state.attention.problems() {
            if !targets.contains(&&problem.target) {
                targets.push(&problem.target);
            }
        }
        if targets.is_empty() {
            return;
        }
        let here = targets.iter().position(|target| Some(*target) == self.selected.as_ref());
        let next = match (here, forward) {
            (None, _) => 0,
            (Some(index), true) => (index + 1) % targets.len(),
            (Some(index), false) => (index + targets.len() - 1) % targets.len(),
        };
        let target = targets[next].clone();
        self.select(&target, state);
    }

    fn mark(&mut self) {
        if let Some(target) = self.selected.clone() {
            if !self.marks.remove(&target) {
                self.marks.insert(target);
            }
            self.move_to(self.cursor + 1);
        }
    }

    fn open_logs(&self) -> Vec<Effect> {
        if self.marks.is_empty() {
            self.selected.clone().map(|target| Effect::OpenLogs(vec![target])).into_iter().collect()
        } else {
            vec![Effect::OpenLogs(self.marks.iter().cloned().collect())]
        }
    }

    fn open_shell(&self, state: &State) -> Vec<Effect> {
        match self.container(state) {
            Some(id) => vec![Effect::OpenShell(ShellWish::shell(id))],
            None => vec![Effect::Toast(String::from("Select a service: a shell opens in one container"))],
        }
    }

    /// Returns the container that a shell is for: the selected one, or a service's first that runs.
    pub fn container(&self, state: &State) -> Option<ContainerId> {
        let target = self.selected.as_ref()?;
        if let Target::Service { stack, service } = target {
            let service = state.containers.stack(stack)?.service(service)?;
            let running = service.containers.iter().filter_map(|id| state.containers.get(id));
            let first = running
                .filter(|entry| entry.container.run == RunState::Running)
                .min_by_key(|entry| entry.container.compose.as_ref().is_some_and(|compose| compose.one_off));
            if let Some(entry) = first {
                return Some(entry.container.id.clone());
            }
        }
        container_of(target, state)
    }

    fn cancel(&self, state: &State) -> Vec<Effect> {
        let Some(target) = &self.selected else { return Vec::new() };
        match state.jobs.conflicting(target, &state.containers) {
            Some(job) => vec![Effect::Run(Command::Cancel(job.id))],
            None => vec![Effect::Toast(String::from("Nothing is under way here"))],
        }
    }

    fn copy_id(&self, state: &State) -> Vec<Effect> {
        let Some(target) = &self.selected else { return Vec::new() };
        let copy = match container_of(target, state) {
            Some(id) => Effect::Copy { what: String::from("container id"), text: id.short().to_owned() },
            None => Effect::Copy { what: String::from("name"), text: state.containers.name_of(target) },
        };
        vec![copy]
    }

    /// Writes the tree as text.
    pub(super) fn list_text(&self, state: &State) -> String {
        let line = |row: &Row| {
            let indent = "  ".repeat(usize::from(row.depth));
            let word = state_of(&row.target, state).map_or("", ServiceState::word);
            format!("{indent}{}\t{word}\n", state.containers.name_of(&row.target))
        };
        self.rows.iter().map(line).collect()
    }
}

/// Returns the stack that a service or a container belongs to.
fn stack_of(target: &Target, state: &State) -> Option<Target> {
    match target {
        Target::Stack(_) => None,
        Target::Service { stack, .. } => Some(Target::Stack(stack.clone())),
        Target::Container(id) => {
            state.containers.get(id).map(|entry| Target::Stack(entry.container.stack_name()))
        }
    }
}

pub(super) fn state_of(target: &Target, state: &State) -> Option<ServiceState> {
    match target {
        Target::Stack(name) => state.containers.stack(name).map(|stack| stack.state),
        Target::Service { stack, service } => {
            state.containers.stack(stack)?.service(service).map(|service| service.verdict.state)
        }
        Target::Container(id) => state.containers.get(id).map(|entry| entry.verdict.state),
    }
}

/// Whether nothing of a target is up.
pub(super) fn rests(target: &Target, state: &State) -> bool {
    let containers = state.containers.of_target(target);
    let up = |id| {
        state
            .containers
            .get(id)
            .is_some_and(|entry| entry.container.run.is_up() || entry.container.run == RunState::Restarting)
    };
    !containers.iter().any(up)
}

pub(super) fn since(row: &Row, state: &State) -> Option<Timestamp> {
    match &row.target {
        Target::Stack(_) => None,
        Target::Service { stack, service } => state.containers.stack(stack)?.service(service)?.verdict.since,
        Target::Container(id) => state.containers.get(id)?.verdict.since,
    }
}

/// Returns the container that stands for a target: its worst; none for a stack.
pub fn container_of(target: &Target, state: &State) -> Option<ContainerId> {
    match target {
        Target::Stack(_) => None,
        Target::Container(id) => state.containers.get(id).map(|entry| entry.container.id.clone()),
        Target::Service { stack, service } => state
            .containers
            .stack(stack)?
            .service(service)?
            .containers
            .iter()
            .filter_map(|id| state.containers.get(id))
            .min_by_key(|entry| {
                let one_off = entry.container.compose.as_ref().is_some_and(|compose| compose.one_off);
                (one_off, entry.verdict.state)
            })
            .map(|entry| entry.container.id.clone()),
    }
}

/// Opens the folds above a target.
pub(super) fn unfold_to(choice: &mut Choice, target: &Target, state: &State) {
    let (stack, service) = match target {
        Target::Stack(_) => return,
        Target::Service { stack, .. } => (stack.clone(), None),
        Target::Container(id) => {
            let Some(entry) = state.containers.get(id) else { return };
            (entry.container.stack_name(), Some(entry.container.service_name()))
        }
    };
    choice.folds.insert(Target::Stack(stack.clone()), false);
    if let Some(service) = service {
        choice.folds.insert(Target::Service { stack, service }, false);
    }
}
