//! Positions of the whole face: which screen, which popup, what has focus, what was just said.
//!
//! [`Ui::handle`] turns input into [`Request`]s; everything that needs a terminal, a file or the engine
//! is left to [`crate::tui`]. Never draws.

pub mod acts;
pub mod mouse;
pub mod shells;

use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Rect;

use crate::command::{Command, Interest};
use crate::model::shells::ShellWish;
use crate::model::timeline::Severity;
use crate::state::connection::Link;
use crate::state::{Revision, Revisions, State};
use crate::tui::action::KeyContext;
use crate::tui::keymap::{Key, Keymap};
use crate::tui::popups::Popup;
use crate::tui::regions::{Regions, WIDE};
use crate::tui::theme::{ColorDepth, Theme};
use crate::tui::view::{Context, Screen};
use crate::tui::views::diagnostics::DiagnosticsView;
use crate::tui::views::host::HostView;
use crate::tui::views::logs::LogsView;
use crate::tui::views::stacks::StacksView;
use crate::tui::views::timeline::TimelineView;

/// How long a toast stays.
const TOAST: SignedDuration = SignedDuration::from_secs(5);
/// Toasts on the screen at once.
const TOASTS: usize = 3;

/// What came from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Key(Key),
    Click { column: u16, row: u16 },
    Wheel { column: u16, row: u16, down: bool },
    Paste(String),
}

/// What the face wants from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    Run(Command),
    Copy {
        what: String,
        text: String,
    },
    Save {
        name: String,
        text: String,
    },
    Suspend,
    /// Step aside for a terminal in a container.
    Shell(ShellWish),
    /// Draw every cell again.
    Redraw,
    /// Take or give back the mouse.
    Mouse(bool),
    Quit,
}

/// A word at the foot that goes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    pub severity: Severity,
    pub text: String,
    pub until: Timestamp,
}

/// What the last frame showed: equal means nothing to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Drawn {
    revisions: Revisions,
    /// The second or the minute it showed, whichever is on the screen.
    moment: i64,
}

#[derive(Debug)]
pub struct Ui {
    pub screen: Screen,
    pub popups: Vec<Popup>,
    pub toasts: Vec<Toast>,
    pub stacks: StacksView,
    pub logs: LogsView,
    pub timeline: TimelineView,
    pub host: HostView,
    pub diagnostics: DiagnosticsView,
    pub keymap: Keymap,
    pub theme: Theme,
    pub area: Rect,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// For themes that are chosen later.
    depth: ColorDepth,
    last_notice: u64,
    /// Whether there is a picture of the engine to act on.
    pub connected: bool,
    /// Whether nothing is changed: what would be refused is not offered.
    pub read_only: bool,
    drawn: Option<Drawn>,
}

impl Ui {
    pub fn new(keymap: Keymap, theme: Theme, depth: ColorDepth, area: Rect) -> Self {
        Self {
            screen: Screen::default(),
            popups: Vec::new(),
            toasts: Vec::new(),
            stacks: StacksView::default(),
            logs: LogsView::default(),
            timeline: TimelineView::default(),
            host: HostView::default(),
            diagnostics: DiagnosticsView::default(),
            keymap,
            theme,
            area,
            mouse: true,
            depth,
            last_notice: 0,
            connected: false,
            read_only: false,
            drawn: None,
        }
    }

    /// Brings everything derived up to date and returns what the face wishes now.
    pub fn sync(&mut self, state: &State, now: Timestamp) -> Vec<Command> {
        self.take_notices(state, now);
        self.connected = state.connection.is_up();
        self.read_only = state.read_only;
        self.toasts.retain(|toast| toast.until > now);
        let body = Regions::of(self.area).body;
        let mut wishes = Vec::new();
        match self.screen {
            Screen::Stacks => {
                self.stacks.sync(state, body);
                wishes = self.stacks.wishes(state);
            }
            Screen::Logs => {
                self.logs.sync(state, body);
                wishes = self.logs.wishes(state);
            }
            Screen::Events => self.timeline.sync(state, body),
            Screen::Host => {
                self.host.sync(state, body);
                wishes = self.host.wishes(state);
            }
            Screen::Diagnostics => self.diagnostics.sync(state, body),
        }
        let interest = self.interest(state);
        if interest != state.interest {
            wishes.push(Command::LookAt(interest));
        }
        wishes
    }

    fn interest(&self, state: &State) -> Interest {
        let mut interest = Interest::default();
        match self.screen {
            Screen::Stacks => self.stacks.interest(state, &mut interest),
            Screen::Logs => self.logs.interest(state, &mut interest),
            Screen::Events => self.timeline.interest(state, &mut interest),
            Screen::Host => self.host.interest(state, &mut interest),
            Screen::Diagnostics => self.diagnostics.interest(state, &mut interest),
        }
        // The header has room for the machine's figures.
        interest.host |= self.area.width >= WIDE;
        interest
    }

    fn take_notices(&mut self, state: &State, now: Timestamp) {
        for notice in state.jobs.notices().iter().filter(|notice| notice.number > self.last_notice) {
            // What is old already was said before this face came.
            if now.duration_since(notice.at) < TOAST {
                let until = now + TOAST;
                self.toasts.push(Toast { severity: notice.severity, text: notice.text.clone(), until });
            }
        }
        self.last_notice = state.jobs.notices().back().map_or(self.last_notice, |notice| notice.number);
        let surplus = self.toasts.len().saturating_sub(TOASTS);
        self.toasts.drain(..surplus);
    }

    pub fn toast(&mut self, severity: Severity, text: impl Into<String>, now: Timestamp) {
        self.toasts.push(Toast { severity, text: text.into(), until: now + TOAST });
        let surplus = self.toasts.len().saturating_sub(TOASTS);
        self.toasts.drain(..surplus);
    }

    /// Takes the theme over as it was saved; a broken one leaves what is on the screen.
    pub fn theme_was_written(&mut self, news: Result<Theme, String>, now: Timestamp) {
        match news {
            Ok(theme) if theme == self.theme => {}
            Ok(theme) => {
                self.toast(Severity::Good, format!("Theme {} reloaded", theme.name), now);
                self.theme = theme;
            }
            Err(why) => self.toast(Severity::Error, why, now),
        }
    }

    /// Returns the contexts of what has focus, innermost first.
    pub fn contexts(&self) -> &'static [KeyContext] {
        match self.screen {
            Screen::Stacks => self.stacks.contexts(),
            Screen::Logs => self.logs.contexts(),
            Screen::Events => self.timeline.contexts(),
            Screen::Host => self.host.contexts(),
            Screen::Diagnostics => self.diagnostics.contexts(),
        }
    }

    pub fn context<'a>(&'a self, state: &'a State, now: Timestamp) -> Context<'a> {
        Context {
            state,
            theme: &self.theme,
            keymap: &self.keymap,
            now,
            focused: self.popups.is_empty(),
            stale: state.connection.is_stale(),
        }
    }

    /// Whether a frame drawn now would differ from the last one.
    pub fn is_stale(&self, state: &State, now: Timestamp) -> bool {
        self.drawn != Some(self.picture(state, now)) || self.toasts.iter().any(|toast| toast.until <= now)
    }

    pub fn mark_drawn(&mut self, state: &State, now: Timestamp) {
        self.drawn = Some(self.picture(state, now));
    }

    fn picture(&self, state: &State, now: Timestamp) -> Drawn {
        let all = state.revisions();
        let mut seen = Revisions {
            connection: all.connection,
            containers: all.containers,
            jobs: all.jobs,
            ..Revisions::default()
        };
        if self.area.width >= WIDE {
            seen.host = all.host;
        }
        let shows_logs = match self.screen {
            Screen::Stacks => {
                seen.usage = all.usage;
                seen.details = all.details;
                seen.timeline = all.timeline;
                self.stacks.details.shows_logs()
            }
            Screen::Logs => true,
            Screen::Events => {
                seen.timeline = all.timeline;
                false
            }
            Screen::Host => {
                seen.host = all.host;
                seen.usage = all.usage;
                false
            }
            Screen::Diagnostics => false,
        };
        seen.logs = if shows_logs { all.logs } else { Revision::default() };
        let beat = if self.counts_seconds(state, now) { 1 } else { 60 };
        Drawn { revisions: seen, moment: now.as_second() / beat }
    }

    fn counts_seconds(&self, state: &State, now: Timestamp) -> bool {
        let waits = matches!(state.connection.link, Link::Lost { .. } | Link::Refused { .. });
        waits
            || state.jobs.running().next().is_some()
            || match self.screen {
                Screen::Stacks => self.stacks.counts_seconds(state, now),
                Screen::Logs => self.logs.counts_seconds(state, now),
                Screen::Events => self.timeline.counts_seconds(state, now),
                // Its own log comes without our revisions.
                Screen::Diagnostics => true,
                Screen::Host => false,
            }
    }

    /// Returns when something on the screen changes by the passing of time alone.
    pub fn next_wake(&self, state: &State, now: Timestamp) -> Timestamp {
        let beat = if self.counts_seconds(state, now) { 1 } else { 60 };
        let next = (now.as_second() / beat + 1) * beat;
        let next = Timestamp::from_second(next).unwrap_or(now);
        self.toasts.iter().map(|toast| toast.until).fold(next, Timestamp::min)
    }
}
