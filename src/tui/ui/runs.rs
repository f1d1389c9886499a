//! Programs to be run: what asks for them, what they still lack, and where their output is seen.

use std::sync::Arc;

use jiff::Timestamp;

use crate::command::Command;
use crate::model::containers::RunState;
use crate::model::runs::{RunOrder, RunWay, words};
use crate::model::stack_file::{ActionRun, CustomAction};
use crate::model::stacks::duration_words;
use crate::model::timeline::Severity;
use crate::state::State;
use crate::state::jobs::runs;
use crate::tui::action::Action;
use crate::tui::paint::fold;
use crate::tui::popups::asking::Asking;
use crate::tui::popups::command::CommandLine;
use crate::tui::popups::confirm::Confirm;
use crate::tui::popups::menu::{Entry, Menu};
use crate::tui::popups::{Answer, Choice, Popup};
use crate::tui::ui::{Request, Ui};

/// Typed lines that are remembered.
const REMEMBERED: usize = 50;
/// Room of a line in a question, and what lies around it on a narrow screen.
const QUESTION: u16 = 72;
const AROUND: u16 = 9;

impl Ui {
    /// Opens the line for a program in the selected container, or says why not.
    pub(super) fn ask_for_command(&mut self, state: &State, now: Timestamp) {
        let found = self.stacks.container(state).and_then(|id| state.containers.get(&id));
        let (Some(target), Some(entry)) = (self.stacks.selected(), found) else {
            self.toast(Severity::Info, "Select a service: a program runs in one container", now);
            return;
        };
        let (name, run) = (&entry.container.name, entry.container.run);
        if run != RunState::Running {
            let start = self.keymap.named(Action::Start);
            let words =
                format!("{name} is {}: a program needs a running container; {start} starts it", run.word());
            self.toast(Severity::Info, words, now);
            return;
        }
        let id = entry.container.id.clone();
        let line = CommandLine::new(name, id, target.clone(), &self.typed_commands);
        self.popups.push(Popup::Command(line));
    }

    /// Opens the menu of the selection's custom actions, or says where some could come from.
    pub(super) fn open_actions(&mut self, state: &State, now: Timestamp) {
        let Some(stack) = self.stacks.selected().and_then(|target| state.containers.stack_of(target)) else {
            return;
        };
        if let Some(fault) = state.stack_files.fault(&stack) {
            let words = fault.lines().next().unwrap_or(fault).to_owned();
            self.toast(Severity::Warning, words, now);
            return;
        }
        let entries: Vec<Entry> = self
            .custom_actions(state)
            .into_iter()
            .map(|(stack, action)| Entry {
                label: action.name.clone(),
                hint: remark(&action),
                choice: Choice::Custom(stack, Box::new(action)),
            })
            .collect();
        if entries.is_empty() {
            self.toast(Severity::Info, nothing_offered(&stack, state), now);
            return;
        }
        self.popups.push(Popup::Menu(Menu::new(format!("Actions of {stack}"), entries, 0)));
    }

    /// Returns the custom actions of the selection.
    pub(super) fn custom_actions(&self, state: &State) -> Vec<(Arc<str>, CustomAction)> {
        let Some(target) = self.stacks.selected() else { return Vec::new() };
        let Some(stack) = state.containers.stack_of(target) else { return Vec::new() };
        let Some(file) = state.stack_files.get(&stack) else { return Vec::new() };
        runs::offered(file, &state.containers, target).map(|action| (stack.clone(), action.clone())).collect()
    }

    /// Begins an action: with its first question, or at once with what follows the last.
    pub(super) fn begin_action(
        &mut self,
        stack: Arc<str>,
        action: CustomAction,
        state: &State,
        now: Timestamp,
    ) -> Vec<Request> {
        if action.ask.is_empty() {
            return self.finish_action(&stack, &action, &[], state, now);
        }
        self.popups.push(Popup::Asking(Box::new(Asking::new(stack, action))));
        Vec::new()
    }

    /// Runs an action with its answers, or asks whether it may.
    pub(super) fn finish_action(
        &mut self,
        stack: &Arc<str>,
        action: &CustomAction,
        answers: &[(String, String)],
        state: &State,
        now: Timestamp,
    ) -> Vec<Request> {
        let order = match runs::order(&state.containers, stack, action, answers) {
            Ok(order) => order,
            Err(why) => {
                self.toast(Severity::Warning, why, now);
                return Vec::new();
            }
        };
        if !action.confirm {
            return self.run(order, state);
        }
        let room = QUESTION.min(self.area.width.saturating_sub(AROUND));
        match question(&order, room, state) {
            Ok(lines) => {
                let title = format!("Run {}?", action.name);
                let answer = Answer::Choose(Choice::Run(order));
                self.popups.push(Popup::Confirm(Confirm::new(title, lines, answer)));
            }
            Err(why) => self.toast(Severity::Warning, why, now),
        }
        Vec::new()
    }

    /// Runs it, and shows where it prints.
    pub(super) fn run(&mut self, order: RunOrder, state: &State) -> Vec<Request> {
        self.stacks.show_output(&order.target, state);
        self.go_to(crate::tui::view::Screen::Stacks);
        vec![Request::Run(Command::Run(order))]
    }

    /// Remembers a typed line, each once.
    pub(super) fn remember_command(&mut self, line: String) {
        self.typed_commands.retain(|known| *known != line);
        self.typed_commands.push(line);
        if self.typed_commands.len() > REMEMBERED {
            self.typed_commands.remove(0);
        }
    }

    /// Asks for choices that a question wants, and hands over those that have come.
    pub(super) fn sync_asking(&mut self, state: &State) -> Option<Command> {
        let number = self.last_choices + 1;
        let Some(Popup::Asking(asking)) = self.popups.last_mut() else { return None };
        if let Some(wanted) = asking.wants() {
            let order = runs::choices(&state.containers, &asking.stack, &asking.action, wanted)?;
            self.drawn = None;
            match order {
                Ok(order) => {
                    asking.asked(number);
                    self.last_choices = number;
                    return Some(Command::ReadChoices { number, order });
                }
                Err(why) => {
                    asking.take(Err(why));
                }
            }
        } else if let Some(result) = state.details.choices(asking.number())
            && asking.take(result.clone())
        {
            self.drawn = None;
        }
        None
    }
}

/// Says what an action runs and what it asks for.
fn remark(action: &CustomAction) -> String {
    let mut words = match &action.run {
        ActionRun::Exec { service, .. } => format!("in {service}"),
        ActionRun::Compose(arguments) => {
            format!("compose {}", arguments.first().map_or("", String::as_str))
        }
    };
    let asked: Vec<&str> = action.ask.iter().map(|question| question.name.as_str()).collect();
    if !asked.is_empty() {
        words = format!("{words}, asks {}", asked.join(", "));
    } else if action.confirm {
        words.push_str(", asks");
    }
    words
}

fn nothing_offered(stack: &str, state: &State) -> String {
    let some = state.stack_files.get(stack).is_some_and(|file| !file.actions.is_empty());
    if some {
        return format!("{stack} has custom actions, none for this service; select the stack to see them");
    }
    if state.stack_files.get(stack).is_none() && state.stack_files.is_reading() {
        return format!("{stack}: its stackdash.toml is still being read; press again");
    }
    match state.containers.project_of(stack) {
        Some(project) if state.connection.is_local() => {
            let folder = project.folder.display();
            format!("{stack} has no custom actions; [[action]] in {folder}/stackdash.toml makes some")
        }
        _ => format!("{stack}: its folder is not on this machine, so its stackdash.toml cannot be read"),
    }
}

/// Writes what is asked before an action runs: where, and the exact arguments.
fn question(order: &RunOrder, room: u16, state: &State) -> Result<Vec<String>, String> {
    let call = runs::call(&state.containers, order)?;
    let mut lines = match &order.way {
        RunWay::Exec(exec) => {
            let name = state.containers.get(&exec.container).map_or("", |entry| &*entry.container.name);
            let user = exec.user.as_ref().map(|user| format!(", as {user}")).unwrap_or_default();
            let folder = exec.folder.as_ref().map(|folder| format!(", in {folder}")).unwrap_or_default();
            let mut lines = vec![format!("In the container {name}{user}{folder}:"), String::new()];
            lines.extend(fold(&words(&exec.arguments), room));
            lines
        }
        RunWay::Compose { stack, .. } => {
            let mut lines = vec![format!("On this machine, for the stack {stack}:"), String::new()];
            lines.extend(fold(&call.command, room));
            lines
        }
    };
    if let Some(limit) = order.timeout {
        let limit = duration_words(limit.as_secs() as i64);
        lines.extend([String::new(), format!("It is ended after {limit}")]);
    }
    Ok(lines)
}

/// Returns what the palette lists beside the actions of the table.
pub(super) fn for_palette(actions: Vec<(Arc<str>, CustomAction)>) -> Vec<(String, String, Choice)> {
    let entry = |(stack, action): (Arc<str>, CustomAction)| {
        let doc = format!("Custom action of {stack}: {}", remark(&action));
        (action.name.clone(), doc, Choice::Custom(stack, Box::new(action)))
    };
    actions.into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stack_file::Choices;

    #[test]
    fn what_a_question_leads_to_is_said() {
        let action = CustomAction {
            name: String::from("backup"),
            run: ActionRun::Compose(vec![String::from("run"), String::from("backup")]),
            ask: Vec::new(),
            confirm: true,
            timeout: None,
        };
        assert_eq!(remark(&action), "compose run, asks");
        let asks = crate::model::stack_file::Question { name: String::from("file"), choices: Choices::Free };
        assert_eq!(remark(&CustomAction { ask: vec![asks], ..action }), "compose run, asks file");
    }
}
