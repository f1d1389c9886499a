//! Positions of the whole face: which screen, which popup, what has focus, what was just said.
//!
//! [`Ui::handle`] turns input into [`Request`]s; everything that needs a terminal, a file or the engine
//! is left to [`crate::tui`]. Never draws.

pub mod acts;
mod authorize;
mod early;
pub mod mouse;
pub mod runs;
pub mod shells;

use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Rect;

use crate::command::{Command, Interest};
use crate::model::jobs::JobId;
use crate::model::shells::ShellWish;
use crate::model::timeline::Severity;
use crate::model::tokens::TokenId;
use crate::state::connection::Link;
use crate::state::jobs::Kept;
use crate::state::{Revision, Revisions, State};
use crate::tui::action::KeyContext;
use crate::tui::keymap::{Key, Keymap};
use crate::tui::paint::wrap;
use crate::tui::popups::Popup;
use crate::tui::popups::menu::Menu;
use crate::tui::regions::{Regions, WIDE};
use crate::tui::theme::{ColorDepth, Theme};
use crate::tui::ui::acts::entry_of;
use crate::tui::ui::early::Early;
use crate::tui::view::{Context, Offer, Screen};
use crate::tui::views::checks::ChecksView;
use crate::tui::views::diagnostics::DiagnosticsView;
use crate::tui::views::host::HostView;
use crate::tui::views::logs::LogsView;
use crate::tui::views::stacks::{StacksView, hands};
use crate::tui::views::timeline::TimelineView;
use crate::tui::views::tokens::TokensView;
use crate::tui::views::watch::WatchView;

/// How long a toast stays, and how many letters more are read in another second.
const TOAST: SignedDuration = SignedDuration::from_secs(5);
const READ_A_SECOND: usize = 20;
const LONGEST_TOAST: SignedDuration = SignedDuration::from_secs(12);
/// Columns of the reasons in a question that comes by itself.
const REASON: u16 = 66;
/// Seconds in which ages move over a slow link.
const COARSE: i64 = 10;
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
    pub tokens: TokensView,
    pub watch: WatchView,
    pub timeline: TimelineView,
    pub host: HostView,
    pub checks: ChecksView,
    pub diagnostics: DiagnosticsView,
    pub keymap: Keymap,
    pub theme: Theme,
    pub area: Rect,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// Whether every byte to the terminal counts: fewer frames, ages in steps, no sparklines.
    pub slow_link: bool,
    /// For themes that are chosen later.
    depth: ColorDepth,
    last_notice: u64,
    /// The last update that failed and was asked about.
    asked_about: Option<JobId>,
    /// The attempt to authorize a token that was shown last.
    shown_authorization: Option<(TokenId, Timestamp)>,
    /// Whether there is a picture of the engine to act on.
    pub connected: bool,
    /// Whether nothing is changed: what would be refused is not offered.
    pub read_only: bool,
    drawn: Option<Drawn>,
    /// Whether a sketch is on the screen.
    sketched: bool,
    /// What was asked for meanwhile.
    early: Option<Early>,
    /// Lines that were typed for programs, the newest last.
    typed_commands: Vec<String>,
    /// Number of the choices that were asked for last.
    last_choices: u64,
}

impl Ui {
    pub fn new(keymap: Keymap, theme: Theme, depth: ColorDepth, area: Rect) -> Self {
        Self {
            screen: Screen::default(),
            popups: Vec::new(),
            toasts: Vec::new(),
            stacks: StacksView::default(),
            logs: LogsView::default(),
            tokens: TokensView::default(),
            watch: WatchView::default(),
            timeline: TimelineView::default(),
            host: HostView::default(),
            checks: ChecksView::default(),
            diagnostics: DiagnosticsView::default(),
            keymap,
            theme,
            area,
            mouse: true,
            slow_link: false,
            depth,
            last_notice: 0,
            asked_about: None,
            shown_authorization: None,
            connected: false,
            read_only: false,
            drawn: None,
            sketched: false,
            early: None,
            typed_commands: Vec::new(),
            last_choices: 0,
        }
    }

    /// Brings everything derived up to date and returns what the face wishes now.
    pub fn sync(&mut self, state: &State, now: Timestamp) -> Vec<Command> {
        self.take_notices(state, now);
        self.connected = state.connection.is_up();
        self.read_only = state.read_only;
        // What would stay longer than any was said before the clock was set back.
        self.toasts.retain(|toast| toast.until > now && toast.until <= now + LONGEST_TOAST);
        self.ask_to_go_back(state);
        self.follow_authorization(state, now);
        let body = Regions::of(self.area).body;
        let mut wishes = Vec::new();
        if self.sketched != state.sketch().is_some() {
            self.sketched = !self.sketched;
            self.stacks.invalidate();
        }
        self.drop_what_is_late(now);
        match self.screen {
            Screen::Stacks if self.sketched => {
                self.stacks.sync_sketch(state.sketch().unwrap_or(state), body);
            }
            Screen::Stacks => {
                self.stacks.sync(state, body);
                wishes = self.stacks.wishes(state);
            }
            Screen::Logs => {
                self.logs.sync(state, body);
                wishes = self.logs.wishes(state);
            }
            Screen::Tokens => self.tokens.sync(state, body),
            Screen::Watch => self.watch.sync(state, body),
            Screen::Events => self.timeline.sync(state, body),
            Screen::Host => {
                self.host.sync(state, body);
                wishes = self.host.wishes(state);
            }
            Screen::Checks => self.checks.sync(state, body),
            Screen::Diagnostics => self.diagnostics.sync(state, body),
        }
        wishes.extend(self.sync_asking(state));
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
            Screen::Tokens => self.tokens.interest(state, &mut interest),
            Screen::Watch => self.watch.interest(state, &mut interest),
            Screen::Events => self.timeline.interest(state, &mut interest),
            Screen::Host => self.host.interest(state, &mut interest),
            Screen::Checks => self.checks.interest(state, &mut interest),
            Screen::Diagnostics => self.diagnostics.interest(state, &mut interest),
        }
        // The header has room for the machine's figures.
        interest.host |= self.area.width >= WIDE;
        interest
    }

    /// Asks, once, whether to undo an update that failed. The first entry leaves everything as it is, and no
    /// single key does more than that.
    fn ask_to_go_back(&mut self, state: &State) {
        if !self.popups.is_empty() || state.read_only {
            return;
        }
        let unasked = |kept: &Kept| kept.asks && self.asked_about.is_none_or(|job| job < kept.job);
        let Some((stack, kept)) = state.jobs.all_kept().find(|(_, kept)| unasked(kept)) else { return };
        self.asked_about = Some(kept.job);
        let leave = Offer {
            label: String::from("Leave it as it is, and look at it"),
            hint: String::new(),
            effects: Vec::new(),
        };
        let entries = std::iter::once(leave).chain(hands::go_back_offer(stack, kept, state));
        let menu = Menu::new(format!("The update of {stack} failed"), entries.map(entry_of).collect(), 0);
        self.popups
            .push(Popup::Menu(menu.about(kept.why.iter().flat_map(|why| wrap(why, REASON)).collect())));
    }

    fn take_notices(&mut self, state: &State, now: Timestamp) {
        let last = self.last_notice;
        for notice in state.jobs.notices().iter().filter(|notice| notice.number > last) {
            // What is old already was said before this face came.
            if now.duration_since(notice.at) < TOAST {
                self.toast(notice.severity, notice.text.clone(), now);
            }
        }
        self.last_notice = state.jobs.notices().back().map_or(self.last_notice, |notice| notice.number);
    }

    pub fn toast(&mut self, severity: Severity, text: impl Into<String>, now: Timestamp) {
        let text = text.into();
        // What is said again stays longer; it does not stand there twice.
        self.toasts.retain(|toast| toast.text != text);
        let more = text.chars().count().saturating_sub(60) / READ_A_SECOND;
        let stay = (TOAST + SignedDuration::from_secs(more as i64)).min(LONGEST_TOAST);
        self.toasts.push(Toast { severity, text, until: now + stay });
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
            Screen::Tokens => self.tokens.contexts(),
            Screen::Watch => self.watch.contexts(),
            Screen::Events => self.timeline.contexts(),
            Screen::Host => self.host.contexts(),
            Screen::Checks => self.checks.contexts(),
            Screen::Diagnostics => self.diagnostics.contexts(),
        }
    }

    pub fn context<'a>(&'a self, state: &'a State, now: Timestamp) -> Context<'a> {
        Context {
            state,
            theme: &self.theme,
            keymap: &self.keymap,
            now: self.shown(now),
            coarse: self.slow_link,
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
            stack_files: all.stack_files,
            // The header tells the worst of all.
            findings: all.findings,
            // The header and the list of what is wrong speak of them.
            tokens: all.tokens,
            troubles: all.troubles,
            // So do the rows of the tree.
            watch: all.watch,
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
                seen.probes = all.probes;
                self.stacks.details.shows_logs()
            }
            Screen::Logs => true,
            Screen::Tokens | Screen::Watch => false,
            Screen::Events => {
                seen.timeline = all.timeline;
                false
            }
            Screen::Host => {
                seen.host = all.host;
                seen.usage = all.usage;
                false
            }
            Screen::Checks => {
                seen.probes = all.probes;
                seen.budgets = all.budgets;
                false
            }
            Screen::Diagnostics => false,
        };
        seen.logs = if shows_logs { all.logs } else { Revision::default() };
        Drawn { revisions: seen, moment: now.as_second() / self.step(state, now) }
    }

    /// Seconds in which time alone changes nothing on the screen.
    fn step(&self, state: &State, now: Timestamp) -> i64 {
        if !self.counts_seconds(state, now) {
            60
        } else if self.slow_link {
            COARSE
        } else {
            1
        }
    }

    /// Returns the moment that a frame shows; over a slow link in steps, so that ages change together.
    fn shown(&self, now: Timestamp) -> Timestamp {
        if !self.slow_link {
            return now;
        }
        Timestamp::from_second(now.as_second() / COARSE * COARSE).unwrap_or(now)
    }

    fn counts_seconds(&self, state: &State, now: Timestamp) -> bool {
        let waits = matches!(state.connection.link, Link::Lost { .. } | Link::Refused { .. });
        waits
            || self.popups.iter().any(|popup| matches!(popup, Popup::Authorize(_)))
            || state.jobs.running().next().is_some()
            || match self.screen {
                Screen::Stacks => self.stacks.counts_seconds(state, now),
                Screen::Logs => self.logs.counts_seconds(state, now),
                Screen::Tokens => self.tokens.counts_seconds(state, now),
                Screen::Watch => self.watch.counts_seconds(state, now),
                Screen::Events => self.timeline.counts_seconds(state, now),
                // Its own log comes without our revisions.
                Screen::Diagnostics => true,
                Screen::Host | Screen::Checks => false,
            }
    }

    /// Returns when something on the screen changes by the passing of time alone.
    pub fn next_wake(&self, state: &State, now: Timestamp) -> Timestamp {
        let beat = self.step(state, now);
        let next = (now.as_second() / beat + 1) * beat;
        let next = Timestamp::from_second(next).unwrap_or(now);
        let early = self.early.iter().map(Early::until);
        self.toasts.iter().map(|toast| toast.until).chain(early).fold(next, Timestamp::min)
    }
}
