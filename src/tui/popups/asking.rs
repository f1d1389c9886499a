//! The questions of a custom action, one after another; Back goes to the one before.
//!
//! Choices that a program prints are read by somebody else: [`Asking::wants`] says which.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::stack_file::{Choices, CustomAction};
use crate::state::details::ReadChoices;
use crate::tui::action::{Action, KeyContext};
use crate::tui::keymap::{Key, Keymap};
use crate::tui::paint::{cut_end, cut_middle, put, width, wrap};
use crate::tui::popups::input::Edit;
use crate::tui::popups::palette::score;
use crate::tui::popups::{Answer, Choice, centered, frame};
use crate::tui::theme::Theme;

/// Rows of a list.
const ROWS: u16 = 12;

/// What may be answered.
#[derive(Debug)]
enum Known {
    /// Whatever is typed.
    Free,
    /// Asked for, or to be asked for.
    Waiting,
    /// Why there are none.
    Failed(String),
    List(ReadChoices),
}

#[derive(Debug)]
pub struct Asking {
    pub stack: Arc<str>,
    pub action: CustomAction,
    /// Answers so far; the next question is the one being asked.
    answers: Vec<String>,
    known: Known,
    /// An answer, or what narrows the list down.
    edit: Edit,
    cursor: usize,
    /// Under which number the choices were asked for; 0: not yet.
    number: u64,
    problem: Option<&'static str>,
}

impl Asking {
    /// Begins with the first question; the action must have one.
    pub fn new(stack: Arc<str>, action: CustomAction) -> Self {
        let mut asking = Self {
            stack,
            action,
            answers: Vec::new(),
            known: Known::Free,
            edit: Edit::default(),
            cursor: 0,
            number: 0,
            problem: None,
        };
        asking.begin("");
        asking
    }

    /// Returns what prints the choices, where they are still to be asked for.
    pub fn wants(&self) -> Option<&Choices> {
        let question = self.action.ask.get(self.answers.len())?;
        (matches!(self.known, Known::Waiting) && self.number == 0).then_some(&question.choices)
    }

    /// Remembers under which number the choices were asked for.
    pub fn asked(&mut self, number: u64) {
        self.number = number;
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    /// Takes what was read, or why nothing was; returns whether it was waited for.
    pub fn take(&mut self, result: Result<ReadChoices, String>) -> bool {
        if !matches!(self.known, Known::Waiting) {
            return false;
        }
        self.known = match result {
            Ok(choices) => Known::List(choices),
            Err(why) => Known::Failed(why),
        };
        true
    }

    /// Asks the question that comes next; `answer`: what was answered to it before.
    fn begin(&mut self, answer: &str) {
        self.number = 0;
        self.cursor = 0;
        self.problem = None;
        self.edit = Edit::default();
        self.known = match self.action.ask.get(self.answers.len()).map(|question| &question.choices) {
            Some(Choices::List(lines)) => Known::List(ReadChoices { lines: lines.clone(), left_out: 0 }),
            Some(Choices::Exec(_)) => Known::Waiting,
            _ => {
                self.edit = Edit::new(answer);
                Known::Free
            }
        };
        if let Known::List(choices) = &self.known {
            self.cursor = choices.lines.iter().position(|line| line == answer).unwrap_or(0);
        }
    }

    pub fn handle(&mut self, action: Option<Action>, key: Key) -> Answer {
        match action {
            Some(Action::Back) => {
                let Some(answer) = self.answers.pop() else { return Answer::Close };
                self.begin(&answer);
            }
            Some(Action::Open) => return self.submit(self.cursor),
            Some(Action::NextEntry) => self.step(true),
            Some(Action::PreviousEntry) => self.step(false),
            action => {
                if self.edit.handle(action, key) {
                    self.cursor = 0;
                    self.problem = None;
                }
            }
        }
        Answer::Stay
    }

    pub fn paste(&mut self, text: &str) {
        for character in text.trim().chars() {
            self.edit.insert(character);
        }
        self.cursor = 0;
    }

    pub fn step(&mut self, down: bool) {
        let count = self.found().len().max(1);
        self.cursor = if down { (self.cursor + 1) % count } else { (self.cursor + count - 1) % count };
    }

    pub fn click(&mut self, line: usize) -> Answer {
        let top = (self.cursor + 1).saturating_sub(usize::from(ROWS));
        match line.checked_sub(2) {
            Some(row) if row + top < self.found().len() => self.submit(row + top),
            _ => Answer::Stay,
        }
    }

    fn submit(&mut self, index: usize) -> Answer {
        let answer = match &self.known {
            Known::Waiting => return Answer::Stay,
            Known::Failed(_) => {
                // Once more: what was missing may be there now.
                self.known = Known::Waiting;
                self.number = 0;
                return Answer::Stay;
            }
            Known::Free => self.edit.text().to_owned(),
            Known::List(_) => self.found().get(index).map_or(String::new(), |line| (*line).to_owned()),
        };
        if answer.is_empty() {
            self.problem = Some(match self.known {
                Known::Free => "Type an answer",
                _ => "Nothing is called so",
            });
            return Answer::Stay;
        }
        self.answers.push(answer);
        if self.answers.len() < self.action.ask.len() {
            self.begin("");
            return Answer::Stay;
        }
        let names = self.action.ask.iter().map(|question| question.name.clone());
        let answers = names.zip(self.answers.iter().cloned()).collect();
        Answer::Choose(Choice::Answered(self.stack.clone(), Box::new(self.action.clone()), answers))
    }

    /// Returns the choices that match what was typed, best first.
    fn found(&self) -> Vec<&str> {
        let Known::List(choices) = &self.known else { return Vec::new() };
        let wanted = self.edit.text();
        let mut found: Vec<(i32, &str)> =
            choices.lines.iter().filter_map(|line| Some((score(line, wanted)?, line.as_str()))).collect();
        if !wanted.is_empty() {
            found.sort_by_key(|(points, _)| -points);
        }
        found.into_iter().map(|(_, line)| line).collect()
    }

    pub fn area(&self, screen: Rect) -> Rect {
        let rows = match &self.known {
            Known::List(choices) => (choices.lines.len() as u16).clamp(1, ROWS) + 2,
            Known::Failed(why) => (wrap(why, 66).len() as u16).min(6) + 1,
            Known::Free | Known::Waiting => 3,
        };
        let before = if self.answers.is_empty() { 0 } else { self.answers.len() as u16 + 1 };
        centered(screen, 72, rows + before + 2)
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, keymap: &Keymap, theme: &Theme) {
        let key = |action| keymap.hint_in(&[KeyContext::Input], action);
        let enter = match &self.known {
            Known::Failed(_) => format!("{} tries again, ", key(Action::Open)),
            Known::Waiting => String::new(),
            Known::Free | Known::List(_) => format!("{} takes it, ", key(Action::Open)),
        };
        let back = if self.answers.is_empty() { "leaves it" } else { "goes back" };
        let foot = format!("{enter}{} {back}", key(Action::Back));
        let (at, of) = (self.answers.len(), self.action.ask.len());
        let question = self.action.ask.get(at).map_or("", |question| question.name.as_str());
        let count = if of > 1 { format!(" ({} of {of})", at + 1) } else { String::new() };
        let title = format!("{}: which {question}?{count}", self.action.name);
        let mut inside = frame(area, buf, &title, &foot, theme);
        for (question, answer) in self.action.ask.iter().zip(&self.answers) {
            let x = put(buf, inside.x + 1, inside.y, inside.width, &question.name, theme.muted) + 1;
            let room = inside.right().saturating_sub(x);
            put(buf, x, inside.y, room, &cut_middle(answer, room, theme.ascii), theme.text);
            inside.y += 1;
            inside.height = inside.height.saturating_sub(1);
        }
        if at > 0 {
            inside.y += 1;
            inside.height = inside.height.saturating_sub(1);
        }
        let line = Rect { x: inside.x + 1, width: inside.width.saturating_sub(1), height: 1, ..inside };
        match &self.known {
            Known::Waiting => {
                let dots = if theme.ascii { "..." } else { "…" };
                let words = format!("Reading the choices{dots}");
                put(buf, line.x, line.y + 1, line.width, &words, theme.muted);
            }
            Known::Failed(why) => {
                let words = format!("There are no choices: {why}");
                let rows = usize::from(inside.height);
                for (row, part) in wrap(&words, line.width).into_iter().take(rows).enumerate() {
                    put(buf, line.x, line.y + row as u16, line.width, &part, theme.warning);
                }
            }
            Known::Free => {
                let line = Rect { y: line.y + 1, ..line };
                let x = put(buf, line.x, line.y, line.width, question, theme.muted) + 2;
                let place = Rect { x, width: line.right().saturating_sub(x), ..line };
                self.edit.draw(place, buf, theme);
                self.say_problem(line, buf, theme);
            }
            Known::List(choices) => self.draw_list(inside, buf, choices, theme),
        }
    }

    fn draw_list(&self, inside: Rect, buf: &mut Buffer, choices: &ReadChoices, theme: &Theme) {
        let x = put(buf, inside.x, inside.y, 2, "/", theme.key) + 1;
        let place = Rect { x, width: inside.right().saturating_sub(x), height: 1, ..inside };
        self.edit.draw(place, buf, theme);
        let found = self.found();
        let remark = match (choices.left_out, found.len()) {
            (0, count) if count > usize::from(ROWS) => format!("{} of {count}", self.cursor + 1),
            (0, _) => String::new(),
            (left_out, _) => format!("{left_out} cannot be shown as they are: left out"),
        };
        let wide = width(&remark);
        put(buf, inside.right().saturating_sub(wide), inside.y, wide, &remark, theme.muted);
        if found.is_empty() {
            let words =
                if choices.lines.is_empty() { "There is nothing to choose from" } else { "Nothing matches" };
            put(buf, inside.x + 1, inside.y + 2, inside.width, words, theme.muted);
        }
        let rows = usize::from(inside.height.saturating_sub(2));
        let top = (self.cursor + 1).saturating_sub(rows);
        for (row, (index, line)) in found.iter().enumerate().skip(top).take(rows).enumerate() {
            let y = inside.y + 2 + row as u16;
            let style = if index == self.cursor { theme.strong } else { theme.text };
            let room = inside.width.saturating_sub(1);
            put(buf, inside.x + 1, y, room, &cut_end(line, room, theme.ascii), style);
            if index == self.cursor {
                let area = Rect { x: inside.x - 1, y, width: inside.width + 2, height: 1 };
                buf.set_style(area, theme.selection);
            }
        }
    }

    fn say_problem(&self, line: Rect, buf: &mut Buffer, theme: &Theme) {
        if let Some(problem) = self.problem {
            put(buf, line.x, line.y + 1, line.width, problem, theme.warning);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stack_file::{ActionRun, Question};

    fn action() -> CustomAction {
        let question = |name: &str, choices| Question { name: name.to_owned(), choices };
        CustomAction {
            name: String::from("restore"),
            run: ActionRun::Compose(Vec::new()),
            ask: vec![
                question("file", Choices::Exec(vec![String::from("ls")])),
                question("mode", Choices::List(vec![String::from("dry"), String::from("real")])),
                question("note", Choices::Free),
            ],
            confirm: false,
            timeout: None,
        }
    }

    fn press(asking: &mut Asking, keys: &str) -> Answer {
        let keymap = Keymap::default();
        let mut last = Answer::Stay;
        for key in keys.split_whitespace() {
            let key = Key::parse(key).unwrap();
            last = asking.handle(keymap.resolve(&[KeyContext::Input], key), key);
        }
        last
    }

    fn two_files() -> ReadChoices {
        ReadChoices { lines: vec![String::from("a.gz"), String::from("b;$(rm).gz")], left_out: 1 }
    }

    #[test]
    fn questions_come_in_turn_and_back_leads_to_the_one_before() {
        let mut asking = Asking::new("shop".into(), action());
        assert!(asking.wants().is_some());
        asking.asked(7);
        assert!(asking.wants().is_none(), "asked once");
        assert_eq!(press(&mut asking, "Enter"), Answer::Stay, "nothing is there yet");
        assert!(asking.take(Ok(two_files())));
        assert_eq!(press(&mut asking, "b Enter Down Enter"), Answer::Stay);
        assert_eq!(press(&mut asking, "Enter"), Answer::Stay, "an empty answer is none");
        assert!(asking.problem.is_some());
        press(&mut asking, "Esc");
        assert_eq!((asking.answers.len(), asking.cursor), (1, 1), "the answer of before is chosen");
        let Answer::Choose(Choice::Answered(_, _, answers)) = press(&mut asking, "Enter h i Enter") else {
            panic!()
        };
        let wanted = [("file", "b;$(rm).gz"), ("mode", "real"), ("note", "hi")];
        assert_eq!(answers, wanted.map(|(name, answer)| (name.to_owned(), answer.to_owned())));
    }

    #[test]
    fn choices_that_cannot_be_read_are_asked_for_again() {
        let mut asking = Asking::new("shop".into(), action());
        asking.asked(1);
        asking.take(Err(String::from("no ls")));
        assert!(asking.wants().is_none());
        press(&mut asking, "Enter");
        assert!(asking.wants().is_some());
        assert_eq!(press(&mut asking, "Esc"), Answer::Close);
    }
}
