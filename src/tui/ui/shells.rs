//! Ways into a container: a shell as somebody else, elsewhere, beside it; its first process.

use jiff::Timestamp;

use crate::model::containers::ContainerId;
use crate::model::shells::{ShellWay, ShellWish};
use crate::model::timeline::Severity;
use crate::state::State;
use crate::tui::action::Action;
use crate::tui::popups::confirm::Confirm;
use crate::tui::popups::menu::{Entry, Menu};
use crate::tui::popups::prompt::{Prompt, Purpose};
use crate::tui::popups::{Answer, Choice, Popup};
use crate::tui::ui::{Request, Ui};

impl Ui {
    /// Opens what asks for the rest, or says why not.
    pub(super) fn ask_for_shell(&mut self, action: Action, state: &State, now: Timestamp) -> Vec<Request> {
        let Some(id) = self.stacks.container(state) else {
            let words = "Select a service: a shell opens in one container";
            self.toast(Severity::Info, words, now);
            return Vec::new();
        };
        let Some(entry) = state.containers.get(&id) else { return Vec::new() };
        let name = &entry.container.name;
        match action {
            Action::Attach if entry.container.tty || entry.container.stdin_open => {
                return vec![Request::Shell(ShellWish { container: id, way: ShellWay::Attach })];
            }
            Action::Attach => {
                let words = format!(
                    "{name} takes no input (stdin_open or tty: true lets it); {} shows its log",
                    self.keymap.named(Action::OpenLogs)
                );
                self.toast(Severity::Info, words, now);
            }
            Action::ShellAs => {
                let title = format!("Shell in {name} as");
                let remark = "A user of the container: root, 1000, www-data:www-data";
                self.popups.push(Popup::Prompt(Prompt::shell(title, remark, Purpose::ShellAs(id))));
            }
            _ => {
                let title = format!("Shell in {name}, in the folder");
                let remark = "A folder of the container: /var/log";
                self.popups.push(Popup::Prompt(Prompt::shell(title, remark, Purpose::ShellIn(id))));
            }
        }
        Vec::new()
    }

    /// Says that there is no shell, and offers one of another image where there is any.
    pub fn offer_shell_beside(
        &mut self,
        container: &ContainerId,
        name: &str,
        images: Vec<String>,
        now: Timestamp,
    ) {
        let wish =
            |image: String| ShellWish { container: container.clone(), way: ShellWay::Beside { image } };
        if images.is_empty() {
            let words = format!(
                "{name}: its image has no shell; pull a small one that has (docker pull busybox) and press again"
            );
            self.toast(Severity::Warning, words, now);
        } else if let Ok([image]) = <[String; 1]>::try_from(images.clone()) {
            self.ask_beside(name, wish(image));
        } else {
            let entries = images
                .into_iter()
                .map(|image| Entry {
                    label: image.clone(),
                    hint: String::from("asks"),
                    choice: Choice::AskBeside(name.to_owned(), wish(image)),
                })
                .collect();
            self.popups.push(Popup::Menu(Menu::new(format!("{name} has no shell; one of"), entries, 0)));
        }
        self.drawn = None;
    }

    pub(super) fn ask_beside(&mut self, name: &str, wish: ShellWish) {
        let ShellWay::Beside { image } = &wish.way else { return };
        let lines = vec![
            format!("The image of {name} has no shell."),
            format!("A debug container of {image} can have one beside it:"),
            String::from("same network and processes, same volumes, as root."),
            String::from("It is removed when the shell ends."),
        ];
        let question = format!("Open a shell beside {name}?");
        let answer = Answer::Choose(Choice::Shell(wish));
        self.popups.push(Popup::Confirm(Confirm::new(question, lines, answer)));
    }
}
