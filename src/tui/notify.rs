//! Notifications through the terminal: the bell, and the sequences that bring a line to the desktop,
//! through SSH and tmux as well. Pure: the environment comes in, bytes go out.

use crate::config::{Desktop, NotifyChoice};
use crate::model::notify::Notification;
use crate::model::text::clean;

/// Lines of one batch; what is more is counted.
const LINES: usize = 3;

/// How this terminal is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messenger {
    bell: bool,
    desktop: Option<Sequence>,
    wrapping: Wrapping,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sequence {
    /// iTerm2, WezTerm, Windows Terminal, Ghostty.
    Osc9,
    /// urxvt, foot, VTE.
    Osc777,
    /// kitty.
    Osc99,
}

/// What stands between us and the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wrapping {
    #[default]
    None,
    Tmux,
    Screen,
}

impl Messenger {
    /// Finds out by the environment what the terminal understands.
    pub fn new(choice: &NotifyChoice, env: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
        let term = env("TERM").unwrap_or_default();
        let auto = || {
            if is_set("KITTY_WINDOW_ID") || term.contains("kitty") {
                Sequence::Osc99
            } else if term.starts_with("foot") || term.starts_with("rxvt") || is_set("VTE_VERSION") {
                Sequence::Osc777
            } else {
                Sequence::Osc9
            }
        };
        let wanted = choice.desktop.map(|desktop| match desktop {
            Desktop::Osc9 => Sequence::Osc9,
            Desktop::Osc777 => Sequence::Osc777,
            Desktop::Osc99 => Sequence::Osc99,
            Desktop::Auto => auto(),
        });
        let wrapping = if is_set("TMUX") {
            Wrapping::Tmux
        } else if is_set("STY") {
            Wrapping::Screen
        } else {
            Wrapping::None
        };
        // The Linux console prints what it does not understand.
        Self { bell: choice.bell, desktop: wanted.filter(|_| term != "linux"), wrapping }
    }

    /// Writes what is to be sent for a batch; empty when there is nothing to tell or no way to.
    pub fn bytes<'a>(&self, batch: impl Iterator<Item = &'a Notification>) -> String {
        let texts: Vec<&str> = batch.map(|notification| &*notification.text).collect();
        if texts.is_empty() {
            return String::new();
        }
        let mut out = String::new();
        if let Some(sequence) = self.desktop {
            for text in texts.iter().take(LINES) {
                out.push_str(&self.wrapping.around(&sequence.with(text)));
            }
            if texts.len() > LINES {
                let more = format!("and {} more", texts.len() - LINES);
                out.push_str(&self.wrapping.around(&sequence.with(&more)));
            }
        }
        if self.bell {
            // tmux and screen know the bell and mark the window; it is never wrapped.
            out.push('\x07');
        }
        out
    }
}

impl Sequence {
    fn with(self, text: &str) -> String {
        // A semicolon separates fields here.
        let text = clean(text).replace(';', ",");
        match self {
            Self::Osc9 => format!("\x1b]9;stackdash: {text}\x07"),
            Self::Osc777 => format!("\x1b]777;notify;stackdash;{text}\x07"),
            Self::Osc99 => format!("\x1b]99;;stackdash: {text}\x1b\\"),
        }
    }
}

impl Wrapping {
    fn around(self, sequence: &str) -> String {
        match self {
            Self::None => sequence.to_owned(),
            Self::Tmux => format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")),
            // The wrapper ends at the first ESC \, so what is inside must not have one.
            Self::Screen => {
                format!(
                    "\x1bP{}\x1b\\",
                    sequence
                        .strip_suffix("\x1b\\")
                        .map_or_else(|| sequence.to_owned(), |inner| format!("{inner}\x07"),)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::notify::Change;

    fn bytes(desktop: Option<Desktop>, bell: bool, env: &[(&str, &str)], texts: &[&str]) -> String {
        let choice = NotifyChoice { bell, desktop, ..NotifyChoice::default() };
        let lookup =
            |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let told: Vec<Notification> = texts
            .iter()
            .map(|text| Notification {
                at: Timestamp::UNIX_EPOCH,
                engine: String::new(),
                change: Change::Failed,
                stack: "shop".into(),
                service: "web".into(),
                token: None,
                text: (*text).to_owned(),
            })
            .collect();
        Messenger::new(&choice, lookup).bytes(told.iter())
    }

    #[test]
    fn each_terminal_gets_its_own_sequence() {
        let auto = |env| bytes(Some(Desktop::Auto), false, env, &["web failed"]);
        assert_eq!(auto(&[("TERM", "xterm-kitty")]), "\x1b]99;;stackdash: web failed\x1b\\");
        assert_eq!(auto(&[("TERM", "foot")]), "\x1b]777;notify;stackdash;web failed\x07");
        assert_eq!(auto(&[("TERM", "xterm-256color")]), "\x1b]9;stackdash: web failed\x07");
        assert_eq!(auto(&[("TERM", "linux")]), "");
    }

    #[test]
    fn tmux_and_screen_pass_on_what_is_wrapped_for_them() {
        let tmux = bytes(Some(Desktop::Osc99), true, &[("TMUX", "/tmp/x")], &["a"]);
        assert_eq!(tmux, "\x1bPtmux;\x1b\x1b]99;;stackdash: a\x1b\x1b\\\x1b\\\x07");
        let screen = bytes(Some(Desktop::Osc99), false, &[("STY", "1.pts")], &["a"]);
        assert_eq!(screen, "\x1bP\x1b]99;;stackdash: a\x07\x1b\\");
    }

    #[test]
    fn a_storm_is_counted_and_rings_once() {
        let told = bytes(Some(Desktop::Osc9), true, &[], &["a", "b", "c", "d", "e"]);
        assert_eq!(told.matches("\x1b]9;").count(), 4);
        assert!(told.ends_with("stackdash: and 2 more\x07\x07"), "{told:?}");
        assert_eq!(bytes(Some(Desktop::Osc9), true, &[], &[]), "");
    }

    #[test]
    fn no_text_ends_the_sequence_early_or_begins_another() {
        let told = bytes(Some(Desktop::Osc777), false, &[], &["a;b\x07\x1b]52;c;eA==\x07"]);
        assert_eq!(told.matches(['\x1b', '\x07']).count(), 2, "{told:?}");
        assert!(told.starts_with("\x1b]777;notify;stackdash;a,b"), "{told:?}");
    }
}
