//! Keys pressed while the first list is still being read: what they ask for waits until there is something
//! to act on, and all that was typed behind it waits in line.
//!
//! Mostly that takes less than a tenth of a second. What has waited for longer than a second is dropped, with
//! a word: nothing is done that nobody remembers having asked for.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::model::timeline::Severity;
use crate::state::State;
use crate::tui::action::Action;
use crate::tui::keymap::Key;
use crate::tui::ui::{Request, Ui};

/// How long what was asked for may wait for the list.
const PATIENCE: SignedDuration = SignedDuration::from_secs(1);
/// Most that may wait in line.
const MOST: usize = 256;
const STILL_READING: &str = "The containers are still being read: press it again";

#[derive(Debug)]
enum Held {
    Action(Action),
    Key(Key),
}

/// What waits, and since when the first of it does.
#[derive(Debug)]
pub(super) struct Early {
    since: Timestamp,
    held: VecDeque<Held>,
}

impl Early {
    /// Returns when this has waited for too long.
    pub(super) fn until(&self) -> Timestamp {
        self.since + PATIENCE
    }
}

impl Ui {
    /// Keeps what needs the list.
    pub(super) fn hold_action(&mut self, action: Action, now: Timestamp) {
        self.hold(Held::Action(action), now);
    }

    /// Keeps a key that was pressed behind what waits; whether it did. Who wants to leave at once never waits.
    pub(super) fn hold_key(&mut self, key: Key, now: Timestamp) -> bool {
        let holds =
            self.early.is_some() && self.keymap.resolve(self.contexts(), key) != Some(Action::QuitNow);
        if holds {
            self.hold(Held::Key(key), now);
        }
        holds
    }

    fn hold(&mut self, held: Held, now: Timestamp) {
        let early = self.early.get_or_insert_with(|| Early { since: now, held: VecDeque::new() });
        if early.held.len() < MOST {
            early.held.push_back(held);
        }
    }

    /// Drops what has waited for too long, and says so.
    pub(super) fn drop_what_is_late(&mut self, now: Timestamp) {
        let is_late = |early: &Early| now >= early.until() || now < early.since;
        if self.early.as_ref().is_some_and(is_late) {
            self.early = None;
            self.toast(Severity::Info, STILL_READING, now);
        }
    }

    /// Does the first of what waited, once the list is there; `None` when nothing waits, or it still has to.
    pub fn catch_up(&mut self, state: &State, now: Timestamp) -> Option<Vec<Request>> {
        if self.sketched {
            return None;
        }
        let mut early = self.early.take()?;
        let first = early.held.pop_front()?;
        // Out of the way while it is done, or it would wait behind the rest.
        let requests = match first {
            Held::Action(action) => self.act(action, state, now),
            Held::Key(key) => self.key(key, state, now),
        };
        // What is typed behind the wish for a shell is not for this screen.
        let leaves = requests.iter().any(|request| matches!(request, Request::Shell(_) | Request::Quit));
        if !leaves && !early.held.is_empty() {
            self.early = Some(early);
        }
        Some(requests)
    }
}
