//! From input to deeds: popups first, then what holds everywhere, then the screen.

use jiff::Timestamp;

use crate::command::Command;
use crate::model::timeline::Severity;
use crate::state::State;
use crate::tui::action::{ACTIONS, Action, KeyContext};
use crate::tui::keymap::Key;
use crate::tui::popups::confirm::Confirm;
use crate::tui::popups::help::Help;
use crate::tui::popups::input::{self, Asked};
use crate::tui::popups::menu::{Entry, Menu};
use crate::tui::popups::palette::Palette;
use crate::tui::popups::{Answer, Choice, Popup};
use crate::tui::theme;
use crate::tui::ui::runs::for_palette;
use crate::tui::ui::{Input, Request, Ui};
use crate::tui::view::{Effect, Offer, Screen};
use crate::tui::views::logs::LogPane;
use crate::tui::views::stacks::hands;
use crate::tui::views::stacks::rows::SortBy;
use crate::tui::views::tokens;

const READ_ONLY: &str = "Read-only: nothing is changed (started with --read-only)";

impl Ui {
    /// Reacts to input.
    pub fn handle(&mut self, input: Input, state: &State, now: Timestamp) -> Vec<Request> {
        match input {
            Input::Key(key) => self.key(key, state, now),
            Input::Click { column, row } => self.click(column, row, state, now),
            Input::Wheel { column, row, down } => {
                self.wheel(column, row, down, state);
                Vec::new()
            }
            Input::Paste(text) => self.paste(&text, state, now),
        }
    }

    pub(super) fn key(&mut self, key: Key, state: &State, now: Timestamp) -> Vec<Request> {
        if self.hold_key(key, now) {
            return Vec::new();
        }
        if let Some(popup) = self.popups.last_mut() {
            let answer = popup.handle(key, &self.keymap);
            return self.answer(answer, state, now);
        }
        match self.keymap.resolve(self.contexts(), key) {
            Some(action) => self.act(action, state, now),
            None => Vec::new(),
        }
    }

    fn paste(&mut self, text: &str, state: &State, now: Timestamp) -> Vec<Request> {
        // Pasted text is text: it never presses keys.
        match self.popups.last_mut() {
            Some(Popup::Input(input)) => {
                let answer = input.paste(text);
                self.answer(answer, state, now)
            }
            Some(Popup::Prompt(prompt)) => {
                prompt.paste(text);
                self.drawn = None;
                Vec::new()
            }
            Some(Popup::Command(line)) => {
                line.paste(text);
                self.drawn = None;
                Vec::new()
            }
            Some(Popup::Asking(asking)) => {
                asking.paste(text);
                self.drawn = None;
                Vec::new()
            }
            Some(Popup::Palette(palette)) => {
                palette.paste(text);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn answer(&mut self, answer: Answer, state: &State, now: Timestamp) -> Vec<Request> {
        let asked = match self.popups.last() {
            Some(Popup::Input(input)) => input.asked(),
            _ => Asked::Search,
        };
        match answer {
            Answer::Stay => {}
            Answer::Close => {
                self.popups.pop();
            }
            Answer::Dropped => {
                self.popups.pop();
                if asked == Asked::Search && self.screen == Screen::Stacks {
                    self.stacks.drop_filter();
                    self.drawn = None;
                } else {
                    self.typed(asked, "");
                }
            }
            Answer::Do(effects) => return self.carry_out(effects, state, now),
            Answer::Typed(text) => self.typed(asked, &text),
            Answer::Run(commands) => {
                self.popups.pop();
                self.stacks.marks.clear();
                return commands.into_iter().map(Request::Run).collect();
            }
            Answer::QuitNow => return vec![Request::Quit],
            Answer::Choose(choice) => {
                self.popups.pop();
                return self.choose(choice, state, now);
            }
        }
        Vec::new()
    }

    /// Returns the logs that have focus.
    fn log_pane(&mut self) -> Option<&mut LogPane> {
        match self.screen {
            Screen::Logs => Some(self.logs.pane()),
            Screen::Stacks => self.stacks.log_pane(),
            Screen::Tokens
            | Screen::Watch
            | Screen::Events
            | Screen::Host
            | Screen::Checks
            | Screen::Diagnostics => None,
        }
    }

    /// Takes over a line as it is being typed.
    fn typed(&mut self, asked: Asked, text: &str) {
        match asked {
            Asked::Search => self.set_filter(text),
            Asked::Only => {
                if let Some(pane) = self.log_pane() {
                    pane.set_sieve(text);
                }
            }
            // It is carried out when it is finished.
            Asked::Time => {}
        }
        self.drawn = None;
    }

    fn choose(&mut self, choice: Choice, state: &State, now: Timestamp) -> Vec<Request> {
        match choice {
            Choice::Act(action) => return self.act(action, state, now),
            Choice::Do(effects) => return self.carry_out(effects, state, now),
            Choice::ClearMarks => self.stacks.marks.clear(),
            Choice::Profiles { stack, names, up } => {
                let effects = hands::profiles::effects(&stack, &names, up, state);
                return self.carry_out(effects, state, now);
            }
            Choice::Sort(sort) => self.stacks.set_sort(sort),
            Choice::Jump(text) => {
                let effects = self.log_pane().map(|pane| pane.jump(&text, state, now)).unwrap_or_default();
                return self.carry_out(effects, state, now);
            }
            Choice::Theme(name) => match theme::load(&name, self.theme.ascii, self.depth) {
                Ok(theme) => self.theme = theme,
                Err(why) => self.toast(Severity::Error, why, now),
            },
            Choice::Custom(stack, action) => return self.begin_action(stack, *action, state, now),
            Choice::Answered(stack, action, answers) => {
                return self.finish_action(&stack, &action, &answers, state, now);
            }
            Choice::Run(order) => return self.run(order, state),
            Choice::RunLine(line, order) => {
                self.remember_command(line);
                return self.run(order, state);
            }
            Choice::Shell(wish) => return vec![Request::Shell(wish)],
            Choice::AskBeside(name, wish) => self.ask_beside(&name, wish),
        }
        Vec::new()
    }

    /// Carries out what a key means.
    pub fn act(&mut self, action: Action, state: &State, now: Timestamp) -> Vec<Request> {
        if state.read_only && action.changes_something() && action != Action::CancelJob {
            self.toast(Severity::Warning, READ_ONLY, now);
            return Vec::new();
        }
        // There is a sketch to look at, and nothing yet to act on.
        let of_the_tree = action.info().contexts.contains(&KeyContext::Tree);
        if self.sketched && self.screen == Screen::Stacks && of_the_tree {
            self.hold_action(action, now);
            return Vec::new();
        }
        match action {
            Action::ShowStacks => self.go_to(Screen::Stacks),
            Action::ShowLogs => {
                // The first time, what is selected is the best guess.
                if self.logs.targets().is_empty()
                    && let Some(target) = self.stacks.selected()
                {
                    self.logs.open(vec![target.clone()]);
                }
                self.go_to(Screen::Logs);
            }
            Action::ShowTokens => self.go_to(Screen::Tokens),
            Action::ShowWatch => {
                // What is selected elsewhere is the best guess.
                if let Some(target) = self.stacks.selected().filter(|_| self.screen == Screen::Stacks) {
                    self.watch.look_at(target, state);
                }
                self.go_to(Screen::Watch);
            }
            Action::ShowEvents => self.go_to(Screen::Events),
            Action::ShowHost => self.go_to(Screen::Host),
            Action::ShowChecks => self.go_to(Screen::Checks),
            Action::ShowDiagnostics => self.go_to(Screen::Diagnostics),
            Action::Palette => {
                let custom = for_palette(self.custom_actions(state));
                let palette = Palette::new(self.contexts(), state.read_only).with(custom);
                self.popups.push(Popup::Palette(palette));
            }
            Action::Help => self.popups.push(Popup::Help(Help::new(self.contexts(), state.read_only))),
            Action::Filter if self.screen != Screen::Host => {
                self.popups.push(Popup::Input(input::Input::new(self.filter())));
            }
            Action::OnlyMatching if self.log_pane().is_some() => {
                let sieve = self.log_pane().map(|pane| pane.sieve_text().to_owned());
                let line = input::Input::for_a(Asked::Only, &sieve.unwrap_or_default());
                self.popups.push(Popup::Input(line));
            }
            Action::JumpToTime if self.log_pane().is_some() => {
                self.popups.push(Popup::Input(input::Input::for_a(Asked::Time, "")));
            }
            Action::Themes => self.open_themes(),
            Action::Sort if self.screen == Screen::Stacks => self.open_sort(),
            Action::Menu if self.screen == Screen::Stacks => self.open_menu(state),
            Action::RunCommand if self.screen == Screen::Stacks => self.ask_for_command(state, now),
            Action::CustomActions if self.screen == Screen::Stacks => self.open_actions(state, now),
            Action::ShellAs | Action::ShellIn | Action::Attach if self.screen == Screen::Stacks => {
                return self.ask_for_shell(action, state, now);
            }
            Action::Bulk if self.screen == Screen::Stacks => self.open_bulk(state, now),
            Action::Quit => return self.quit_or_back(state),
            Action::QuitNow => return vec![Request::Quit],
            Action::Redraw => return vec![Request::Redraw],
            Action::Suspend => return vec![Request::Suspend],
            Action::ToggleMouse => {
                self.mouse = !self.mouse;
                let words = if self.mouse {
                    "The mouse acts here again"
                } else {
                    "The mouse is the terminal's: select and copy with it"
                };
                self.toast(Severity::Info, words, now);
                return vec![Request::Mouse(self.mouse)];
            }
            Action::Reconnect => {
                if state.connection.is_up() {
                    self.toast(Severity::Info, "The engine is connected", now);
                } else {
                    return vec![Request::Run(Command::Reconnect)];
                }
            }
            Action::Save if self.screen == Screen::Stacks && self.log_pane().is_none() => {
                let (name, text) = self.stacks.text(state);
                return vec![Request::Save { name, text }];
            }
            Action::RefreshWorst => {
                let effects = tokens::refresh_worst(state, now);
                return self.carry_out(effects, state, now);
            }
            action => {
                let effects = self.act_in_view(action, state);
                return self.carry_out(effects, state, now);
            }
        }
        Vec::new()
    }

    fn act_in_view(&mut self, action: Action, state: &State) -> Vec<Effect> {
        match self.screen {
            Screen::Stacks => self.stacks.handle(action, state),
            Screen::Logs => self.logs.handle(action, state),
            Screen::Tokens => self.tokens.handle(action, state),
            Screen::Watch => self.watch.handle(action, state),
            Screen::Events => self.timeline.handle(action, state),
            Screen::Host => self.host.handle(action, state),
            Screen::Checks => self.checks.handle(action, state),
            Screen::Diagnostics => self.diagnostics.handle(action, state),
        }
    }

    /// Carries out what a view asks for.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>, state: &State, now: Timestamp) -> Vec<Request> {
        let mut requests = Vec::new();
        for effect in effects {
            match effect {
                Effect::Run(command) => requests.push(Request::Run(command)),
                Effect::Confirm { question, lines, commands } => {
                    let answer = Answer::Run(commands);
                    self.popups.push(Popup::Confirm(Confirm::new(question, lines, answer)));
                }
                Effect::Choose { title, entries } => {
                    let entries = entries.into_iter().map(entry_of).collect();
                    self.popups.push(Popup::Menu(Menu::new(title, entries, 0)));
                }
                Effect::Ask(prompt) => self.popups.push(Popup::Prompt(prompt)),
                Effect::Profiles(profiles) => self.popups.push(Popup::Profiles(profiles)),
                Effect::OpenLogs(targets) => {
                    self.logs.open(targets);
                    self.go_to(Screen::Logs);
                }
                Effect::OpenDetails { target, tab } => {
                    self.stacks.show(&target, tab, state);
                    self.go_to(Screen::Stacks);
                }
                Effect::GoTo(screen) => self.go_to(screen),
                Effect::Toast(text) => self.toast(Severity::Info, text, now),
                Effect::Copy { what, text } => requests.push(Request::Copy { what, text }),
                Effect::Save { name, text } => requests.push(Request::Save { name, text }),
                Effect::OpenShell(id) => requests.push(Request::Shell(id)),
            }
        }
        requests
    }

    pub fn go_to(&mut self, screen: Screen) {
        self.screen = screen;
        self.drawn = None;
    }

    /// Leaves what can be left; at the top quits, and asks first while work runs.
    fn quit_or_back(&mut self, state: &State) -> Vec<Request> {
        let left = match self.screen {
            Screen::Tokens => self.tokens.leave_details(),
            Screen::Watch => self.watch.leave_details(),
            _ => false,
        };
        if left {
            self.drawn = None;
            return Vec::new();
        }
        if self.screen != Screen::Stacks {
            self.go_to(Screen::Stacks);
            return Vec::new();
        }
        if self.stacks.has_something_to_leave() {
            self.stacks.handle(Action::Back, state);
            return Vec::new();
        }
        let running: Vec<String> = state
            .jobs
            .running()
            .map(|job| format!("{} {}", job.doing(), state.containers.name_of(&job.target)))
            .collect();
        if running.is_empty() {
            return vec![Request::Quit];
        }
        let question = String::from("Quit while this is under way?");
        self.popups.push(Popup::Confirm(Confirm::new(question, running, Answer::QuitNow)));
        Vec::new()
    }

    fn filter(&self) -> &str {
        match self.screen {
            Screen::Stacks => self.stacks.filter(),
            Screen::Logs => self.logs.filter(),
            Screen::Tokens => self.tokens.filter(),
            Screen::Watch => self.watch.filter(),
            Screen::Events => self.timeline.filter(),
            Screen::Host => self.host.filter(),
            Screen::Checks => self.checks.filter(),
            Screen::Diagnostics => self.diagnostics.filter(),
        }
    }

    fn set_filter(&mut self, text: &str) {
        match self.screen {
            Screen::Stacks => self.stacks.set_filter(text),
            Screen::Logs => self.logs.set_filter(text),
            Screen::Tokens => self.tokens.set_filter(text),
            Screen::Watch => self.watch.set_filter(text),
            Screen::Events => self.timeline.set_filter(text),
            Screen::Host => self.host.set_filter(text),
            Screen::Checks => self.checks.set_filter(text),
            Screen::Diagnostics => self.diagnostics.set_filter(text),
        }
        self.drawn = None;
    }

    fn open_themes(&mut self) {
        let names = theme::names();
        let cursor = names.iter().position(|name| *name == self.theme.name).unwrap_or(0);
        let entries = names
            .into_iter()
            .map(|name| Entry { label: name.clone(), hint: String::new(), choice: Choice::Theme(name) })
            .collect();
        self.popups.push(Popup::Menu(Menu::new("Theme", entries, cursor)));
    }

    fn open_sort(&mut self) {
        let present = self.stacks.choice.sort;
        let cursor = SortBy::ALL.iter().position(|sort| *sort == present).unwrap_or(0);
        let entries = SortBy::ALL
            .into_iter()
            .map(|sort| Entry {
                label: capitalized(sort.word()),
                hint: if sort == present { String::from("now") } else { String::new() },
                choice: Choice::Sort(sort),
            })
            .collect();
        self.popups.push(Popup::Menu(Menu::new("Order", entries, cursor)));
    }

    fn open_menu(&mut self, state: &State) {
        let Some(target) = self.stacks.selected() else { return };
        let title = state.containers.name_of(target);
        let entries = ACTIONS
            .iter()
            .filter(|info| info.contexts.contains(&KeyContext::Tree))
            .filter(|info| !matches!(info.action, Action::Menu | Action::Bulk | Action::Sort))
            .filter(|info| !matches!(info.action, Action::NextProblem | Action::PreviousProblem))
            .filter(|info| info.action != Action::ShowAbsent)
            .filter(|info| self.stacks.offers(info.action, state))
            .map(|info| Entry {
                label: info.doc.to_owned(),
                hint: self.keymap.hint(info.action),
                choice: Choice::Act(info.action),
            })
            .collect();
        self.popups.push(Popup::Menu(Menu::new(title, entries, 0)));
    }

    fn open_bulk(&mut self, state: &State, now: Timestamp) {
        let count = self.stacks.marks.len();
        if count == 0 {
            let words = format!("Nothing is marked yet; {} marks", self.keymap.hint(Action::Mark));
            self.toast(Severity::Info, words, now);
            return;
        }
        let offers = self.stacks.bulk_offers(state);
        let mut entries: Vec<Entry> = offers.into_iter().map(entry_of).collect();
        entries.push(Entry {
            label: String::from("Logs of all, merged"),
            hint: String::new(),
            choice: Choice::Act(Action::OpenLogs),
        });
        entries.push(Entry {
            label: String::from("Take the marks away"),
            hint: String::new(),
            choice: Choice::ClearMarks,
        });
        self.popups.push(Popup::Menu(Menu::new(format!("{count} marked"), entries, 0)));
    }
}

pub(super) fn entry_of(offer: Offer) -> Entry {
    Entry { label: offer.label, hint: offer.hint, choice: Choice::Do(offer.effects) }
}

fn capitalized(word: &str) -> String {
    let mut word = word.to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}
