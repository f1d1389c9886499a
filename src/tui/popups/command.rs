//! A line to be typed for a program: cut into arguments as one sees it, with those of before.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::containers::ContainerId;
use crate::model::runs::split;
use crate::model::stacks::Target;
use crate::state::jobs::runs::typed;
use crate::tui::action::{Action, KeyContext};
use crate::tui::keymap::{Key, Keymap};
use crate::tui::paint::{cut_end, put, width};
use crate::tui::popups::input::Edit;
use crate::tui::popups::{Answer, Choice, centered, frame};
use crate::tui::theme::Theme;

#[derive(Debug)]
pub struct CommandLine {
    /// The container's name.
    name: String,
    container: ContainerId,
    /// What was selected: the row that shows the run.
    target: Target,
    edit: Edit,
    /// Lines of before, the newest last, then the one being typed.
    lines: Vec<String>,
    at: usize,
    problem: Option<&'static str>,
}

impl CommandLine {
    pub fn new(name: &str, container: ContainerId, target: Target, earlier: &[String]) -> Self {
        let mut lines = earlier.to_vec();
        lines.push(String::new());
        let at = lines.len() - 1;
        Self { name: name.to_owned(), container, target, edit: Edit::default(), lines, at, problem: None }
    }

    pub fn handle(&mut self, action: Option<Action>, key: Key) -> Answer {
        match action {
            Some(Action::Back) => return Answer::Close,
            Some(Action::Open) => return self.submit(),
            Some(Action::PreviousEntry) => self.go_to(self.at.saturating_sub(1)),
            Some(Action::NextEntry) => self.go_to((self.at + 1).min(self.lines.len() - 1)),
            action => {
                if self.edit.handle(action, key) {
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
    }

    fn go_to(&mut self, at: usize) {
        self.edit.text().clone_into(&mut self.lines[self.at]);
        self.at = at;
        self.edit = Edit::new(&self.lines[at]);
    }

    fn submit(&mut self) -> Answer {
        match split(self.edit.text()) {
            Ok(arguments) if arguments.is_empty() => {
                self.problem = Some("Type a program and its arguments");
                Answer::Stay
            }
            Ok(arguments) => {
                let line = self.edit.text().trim().to_owned();
                let order = typed(self.target.clone(), self.container.clone(), arguments);
                Answer::Choose(Choice::RunLine(line, order))
            }
            Err(problem) => {
                self.problem = Some(problem);
                Answer::Stay
            }
        }
    }

    pub fn area(screen: Rect) -> Rect {
        centered(screen, 76, 7)
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, keymap: &Keymap, theme: &Theme) {
        let key = |action| keymap.hint_in(&[KeyContext::Input], action);
        let mut foot = format!("{} runs it, {} leaves it", key(Action::Open), key(Action::Back));
        if self.lines.len() > 1 {
            foot = format!("{} earlier ones, {foot}", key(Action::PreviousEntry));
        }
        let inside = frame(area, buf, &format!("Run in {}", self.name), &foot, theme);
        let (x, room) = (inside.x + 1, inside.width.saturating_sub(1));
        let words = "A program and its arguments; quotes group, no shell expands anything";
        put(buf, x, inside.y + 1, room, &cut_end(words, room, theme.ascii), theme.muted);
        let after = put(buf, x, inside.y + 2, 2, "$", theme.key) + 1;
        let place =
            Rect { x: after, y: inside.y + 2, width: inside.right().saturating_sub(after), height: 1 };
        self.edit.draw(place, buf, theme);
        let (style, words) = match (self.problem, split(self.edit.text())) {
            (Some(problem), _) => (theme.warning, problem.to_owned()),
            (None, Ok(arguments)) if arguments.len() > 1 => {
                (theme.faint, shown(&arguments, room, theme.ascii))
            }
            _ => (theme.faint, String::new()),
        };
        put(buf, x, inside.y + 4, room, &cut_end(&words, room, theme.ascii), style);
    }
}

/// Shows where one argument ends and the next begins.
fn shown(arguments: &[String], room: u16, ascii: bool) -> String {
    let dot = if ascii { "|" } else { "·" };
    let mut words = format!("{} arguments", arguments.len() - 1);
    for argument in &arguments[1..] {
        words = format!("{words} {dot} {argument}");
        if width(&words) > room {
            break;
        }
    }
    words.replacen(" arguments", if arguments.len() == 2 { " argument" } else { " arguments" }, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::Keymap;

    fn press(line: &mut CommandLine, keys: &str) -> Answer {
        let keymap = Keymap::default();
        let mut last = Answer::Stay;
        for key in keys.split_whitespace() {
            let key = Key::parse(key).unwrap();
            last = line.handle(keymap.resolve(&[KeyContext::Input], key), key);
        }
        last
    }

    fn line(earlier: &[&str]) -> CommandLine {
        let earlier: Vec<String> = earlier.iter().map(|line| (*line).to_owned()).collect();
        CommandLine::new("web", ContainerId::new("abc"), Target::Stack("shop".into()), &earlier)
    }

    #[test]
    fn a_line_becomes_arguments_and_an_open_quote_is_told() {
        let mut line = line(&[]);
        assert_eq!(press(&mut line, "Enter"), Answer::Stay);
        assert_eq!(press(&mut line, "l s Space ' a Space b Enter"), Answer::Stay);
        assert_eq!(line.problem, Some("A quote is still open"));
        let Answer::Choose(Choice::RunLine(text, order)) = press(&mut line, "' Enter") else { panic!() };
        let crate::model::runs::RunWay::Exec(exec) = order.way else { panic!() };
        assert_eq!(
            (text.as_str(), &exec.arguments[..]),
            ("ls 'a b'", &["ls".to_owned(), "a b".to_owned()][..])
        );
        assert_eq!(&*order.title.name, "ls");
    }

    #[test]
    fn earlier_lines_come_back_and_the_one_being_typed_is_kept() {
        let mut line = line(&["one", "two"]);
        press(&mut line, "x Up");
        assert_eq!(line.edit.text(), "two");
        press(&mut line, "Up Up Up");
        assert_eq!(line.edit.text(), "one");
        press(&mut line, "Down Down Down");
        assert_eq!(line.edit.text(), "x");
    }
}
