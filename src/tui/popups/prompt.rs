//! Lines to be typed: a new name, two paths, the word that lets volumes go.
//!
//! Knows what makes an answer complete; says what is wrong with one that is not.

use std::path::PathBuf;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::Command;
use crate::model::containers::ContainerId;
use crate::model::jobs::{ComposeOrder, ComposeVerb, CopyOrder};
use crate::model::shells::{ShellWay, ShellWish};
use crate::state::jobs::names;
use crate::tui::action::Action;
use crate::tui::keymap::Key;
use crate::tui::paint::{cut_middle, put, width};
use crate::tui::popups::input::Edit;
use crate::tui::popups::{Answer, Choice, centered, frame};
use crate::tui::theme::Theme;

/// What is typed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    Rename(ContainerId),
    /// The word `yes` lets these happen.
    Yes(Vec<Command>),
    CopyOut(ContainerId),
    CopyIn(ContainerId),
    /// So many containers of the order's one service.
    Scale(ComposeOrder),
    /// A shell as the user, or in the folder, that is typed.
    ShellAs(ContainerId),
    ShellIn(ContainerId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    title: String,
    /// What is touched.
    lines: Vec<String>,
    fields: Vec<(&'static str, Edit)>,
    cursor: usize,
    purpose: Purpose,
    problem: Option<&'static str>,
}

impl Prompt {
    pub fn rename(id: ContainerId, name: &str) -> Self {
        let fields = vec![("New name", Edit::new(name))];
        Self::new(format!("Rename {name}"), Vec::new(), fields, Purpose::Rename(id))
    }

    /// Asks for the word `yes`.
    pub fn yes(title: String, lines: Vec<String>, commands: Vec<Command>) -> Self {
        let fields = vec![("Type yes to do it", Edit::default())];
        Self::new(title, lines, fields, Purpose::Yes(commands))
    }

    pub fn copy_out(id: ContainerId, name: &str) -> Self {
        let fields =
            vec![("File in the container", Edit::new("/")), ("To, on this machine", Edit::new("./"))];
        Self::new(format!("Copy a file out of {name}"), Vec::new(), fields, Purpose::CopyOut(id))
    }

    pub fn copy_in(id: ContainerId, name: &str) -> Self {
        let fields =
            vec![("File on this machine", Edit::new("./")), ("To, in the container", Edit::new("/"))];
        let lines = vec![String::from("A file of the same name in the container is replaced"), String::new()];
        Self::new(format!("Copy a file into {name}"), lines, fields, Purpose::CopyIn(id))
    }

    /// Asks for a number of containers.
    pub fn scale(order: ComposeOrder, now: usize) -> Self {
        let name = order.services.first().map_or(&*order.stack, |service| &**service).to_owned();
        let lines = vec![
            format!("It has {now} now; 0 takes all of them away"),
            String::from("Bringing the stack up again goes by the compose file's number"),
            String::new(),
        ];
        let fields = vec![("Containers", Edit::new(&now.to_string()))];
        Self::new(format!("Scale {}/{name}", order.stack), lines, fields, Purpose::Scale(order))
    }

    /// Asks for what a shell needs to know; `remark` says what may be typed.
    pub fn shell(title: String, remark: &str, purpose: Purpose) -> Self {
        let label = if matches!(purpose, Purpose::ShellAs(_)) { "User" } else { "Folder" };
        Self::new(title, vec![remark.to_owned()], vec![(label, Edit::default())], purpose)
    }

    fn new(title: String, lines: Vec<String>, fields: Vec<(&'static str, Edit)>, purpose: Purpose) -> Self {
        Self { title, lines, fields, cursor: 0, purpose, problem: None }
    }

    pub fn handle(&mut self, action: Option<Action>, key: Key) -> Answer {
        match action {
            Some(Action::Back) => return Answer::Close,
            Some(Action::Open) if self.cursor + 1 < self.fields.len() => self.cursor += 1,
            Some(Action::Open) => return self.submit(),
            Some(Action::NextPane | Action::NextEntry) => {
                self.cursor = (self.cursor + 1) % self.fields.len();
            }
            Some(Action::PreviousPane | Action::PreviousEntry) => {
                self.cursor = (self.cursor + self.fields.len() - 1) % self.fields.len();
            }
            action => {
                if self.fields[self.cursor].1.handle(action, key) {
                    self.problem = None;
                }
            }
        }
        Answer::Stay
    }

    pub fn paste(&mut self, text: &str) {
        for character in text.trim().chars() {
            self.fields[self.cursor].1.insert(character);
        }
    }

    fn submit(&mut self) -> Answer {
        if let Some(answer) = self.shell_wish() {
            return answer;
        }
        match self.complete() {
            Ok(commands) => Answer::Run(commands),
            Err(problem) => {
                self.problem = Some(problem);
                Answer::Stay
            }
        }
    }

    fn shell_wish(&self) -> Option<Answer> {
        let typed = self.fields.first().map_or("", |(_, edit)| edit.text()).trim().to_owned();
        let (container, way) = match &self.purpose {
            Purpose::ShellAs(id) => (id, ShellWay::Shell { user: typed.clone(), folder: String::new() }),
            Purpose::ShellIn(id) => (id, ShellWay::Shell { user: String::new(), folder: typed.clone() }),
            _ => return None,
        };
        if typed.is_empty() {
            return Some(Answer::Close);
        }
        Some(Answer::Choose(Choice::Shell(ShellWish { container: container.clone(), way })))
    }

    fn complete(&self) -> Result<Vec<Command>, &'static str> {
        let typed = |index: usize| self.fields.get(index).map_or("", |(_, edit)| edit.text());
        match &self.purpose {
            Purpose::Rename(id) => {
                let name = typed(0).trim();
                match names::fault_of(name) {
                    Some(fault) => Err(fault),
                    None => Ok(vec![Command::Rename { container: id.clone(), name: name.to_owned() }]),
                }
            }
            Purpose::Yes(commands) if typed(0).trim() == "yes" => Ok(commands.clone()),
            Purpose::Yes(_) => Err("Only the whole word yes does it; Esc leaves everything as it is"),
            Purpose::ShellAs(_) | Purpose::ShellIn(_) => Ok(Vec::new()),
            Purpose::Scale(order) => match typed(0).trim().parse() {
                Ok(count) => {
                    let verb = ComposeVerb::Scale(count);
                    Ok(vec![Command::Compose(ComposeOrder { verb, ..order.clone() })])
                }
                Err(_) => Err("Type a number, such as 3"),
            },
            Purpose::CopyOut(id) => Ok(vec![copy(id, true, typed(0), typed(1))?]),
            Purpose::CopyIn(id) => Ok(vec![copy(id, false, typed(1), typed(0))?]),
        }
    }

    pub fn area(&self, screen: Rect) -> Rect {
        let longest = self.lines.iter().map(|line| width(line)).max().unwrap_or(0);
        let wide = longest.max(width(&self.title)).clamp(64, 76) + 6;
        centered(screen, wide, (self.lines.len() + self.fields.len()) as u16 + 5)
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let foot =
            if self.fields.len() > 1 { "Enter next, Esc leaves it" } else { "Enter does it, Esc leaves it" };
        let inside = frame(area, buf, &self.title, foot, theme);
        let room = inside.width.saturating_sub(1);
        // The fields stand at the bottom, whatever room the list above them has.
        let fields_at = inside.bottom().saturating_sub(self.fields.len() as u16 + 1);
        for (row, line) in self.lines.iter().enumerate() {
            let y = inside.y + 1 + row as u16;
            if y < fields_at {
                put(buf, inside.x + 1, y, room, &cut_middle(line, room, theme.ascii), theme.text);
            }
        }
        let labels = self.fields.iter().map(|(label, _)| width(label)).max().unwrap_or(0);
        for (index, (label, edit)) in self.fields.iter().enumerate() {
            let y = fields_at + index as u16;
            put(buf, inside.x + 1, y, labels, label, theme.muted);
            let x = inside.x + labels + 3;
            let place = Rect { x, y, width: inside.right().saturating_sub(x), height: 1 };
            if index == self.cursor {
                edit.draw(place, buf, theme);
            } else {
                put(buf, x, y, place.width, edit.text(), theme.text);
            }
        }
        if let Some(problem) = self.problem {
            put(buf, inside.x + 1, inside.bottom().saturating_sub(1), room, problem, theme.warning);
        }
    }
}

fn copy(id: &ContainerId, out: bool, inside: &str, outside: &str) -> Result<Command, &'static str> {
    let (inside, outside) = (inside.trim(), outside.trim());
    if !inside.starts_with('/') {
        return Err("The path in the container begins with /");
    }
    if out && inside.ends_with('/') {
        return Err("Name a file in the container, not a folder");
    }
    if outside.is_empty() || (!out && outside.ends_with('/')) {
        return Err("Name a file on this machine");
    }
    if outside.starts_with('~') {
        return Err("Write the path in full: no shell expands ~ here");
    }
    Ok(Command::Copy(CopyOrder {
        container: id.clone(),
        out,
        inside: inside.to_owned(),
        outside: PathBuf::from(outside),
        overwrite: false,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::action::KeyContext;
    use crate::tui::keymap::Keymap;

    fn type_in(prompt: &mut Prompt, keys: &str) -> Answer {
        let mut last = Answer::Stay;
        for key in keys.split_whitespace() {
            let key = Key::parse(key).unwrap();
            let action = Keymap::default().resolve(&[KeyContext::Input], key);
            last = prompt.handle(action, key);
        }
        last
    }

    #[test]
    fn only_the_whole_word_lets_volumes_go() {
        let mut prompt = Prompt::yes(String::new(), Vec::new(), vec![Command::Reconnect]);
        assert_eq!(type_in(&mut prompt, "Enter"), Answer::Stay);
        assert_eq!(type_in(&mut prompt, "y Enter"), Answer::Stay);
        assert!(prompt.problem.is_some());
        assert_eq!(type_in(&mut prompt, "e s Enter"), Answer::Run(vec![Command::Reconnect]));
        assert_eq!(type_in(&mut prompt, "Esc"), Answer::Close);
    }

    #[test]
    fn a_name_that_no_engine_takes_is_not_taken() {
        let id = ContainerId::new("abc");
        let mut prompt = Prompt::rename(id.clone(), "web");
        assert_eq!(type_in(&mut prompt, "/ Enter"), Answer::Stay);
        let wanted = Command::Rename { container: id, name: String::from("web2") };
        assert_eq!(type_in(&mut prompt, "Backspace 2 Enter"), Answer::Run(vec![wanted]));
    }

    #[test]
    fn both_paths_are_asked_for() {
        let mut prompt = Prompt::copy_out(ContainerId::new("abc"), "web");
        assert_eq!(type_in(&mut prompt, "Enter Enter"), Answer::Stay);
        assert_eq!(prompt.problem, Some("Name a file in the container, not a folder"));
        let Answer::Run(commands) = type_in(&mut prompt, "Tab e t c / h Enter x Enter") else { panic!() };
        let [Command::Copy(order)] = &*commands else { panic!() };
        assert_eq!((&*order.inside, order.outside.to_str(), order.overwrite), ("/etc/h", Some("./x"), false));
    }
}
