//! Positions in merged logs: what is shown, where one stands, what the keys do.
//!
//! The place is kept by line number and time, never by row: lines may arrive, fall out and slip between
//! older ones, and the text under the eyes stays where it is.

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::command::Interest;
use crate::model::logs::{LogLevel, LogLine, LogSource, LogStream, trace};
use crate::model::stacks::Target;
use crate::state::State;
use crate::state::logs::LogStore;
use crate::tui::action::Action;
use crate::tui::view::{Effect, Screen};
use crate::tui::views::clock::{Clock, TimeMode};
use crate::tui::views::logs::face::Faces;
use crate::tui::views::logs::index::{Index, is_at_least, line_of};
use crate::tui::views::logs::sieve::Sieve;
use crate::tui::views::logs::sources::Sources;
use crate::tui::views::logs::words;
use crate::tui::widgets::query::Query;
use crate::tui::widgets::scroll::Scroll;
use crate::tui::widgets::styled;

/// Columns that one key scrolls sideways.
const STEP: usize = 16;
/// Rows that one notch of the wheel scrolls.
const WHEEL_ROWS: usize = 3;

/// A line as it is found again after others moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    pub number: u64,
    at: Timestamp,
    source: LogSource,
}

impl Anchor {
    pub fn of(store: &LogStore, number: u64) -> Option<Self> {
        let line = line_of(store, number)?;
        Some(Self { number, at: line.at, source: line.source.clone() })
    }

    /// Finds the line again, or the one that took its place in time.
    pub fn find(&mut self, store: &LogStore) {
        let is_it = |line: &LogLine| line.at == self.at && line.source == self.source;
        if line_of(store, self.number).is_some_and(is_it) {
            return;
        }
        // A trace stands where it began, so the order of times is not quite strict.
        let lines = store.lines();
        let from = lines.partition_point(|line| line.at < self.at);
        let near = from.saturating_sub(trace::REACH);
        let same = lines.range(near..).take(2 * trace::REACH).position(is_it);
        self.number = store.dropped() + same.map_or(from, |steps| near + steps) as u64;
    }
}

/// The columns a line is divided into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    pub time: u16,
    pub gutter: u16,
    pub level: u16,
    pub text: u16,
}

/// Merged logs with scrolling, search and filter.
#[derive(Debug)]
pub struct LogPane {
    pub(super) sources: Sources,
    pub(super) index: Index,
    pub(super) query: Query,
    pub(super) sieve: Sieve,
    pub(super) faces: Faces,
    /// The lowest level that is shown.
    pub(super) level: Option<LogLevel>,
    pub(super) clock: Clock,
    pub(super) wrap: bool,
    pub(super) follow: bool,
    /// First visible column while not wrapped.
    pub(super) column: usize,
    pub(super) scroll: Scroll,
    /// The line at the top while not following.
    top: Option<Anchor>,
    /// The newest line when following stopped.
    seen: Option<Anchor>,
    /// The match that the search stands on.
    pub(super) current: Option<Anchor>,
    /// The line one stands on: clicked, opened or marked.
    pub(super) cursor: Option<Anchor>,
    /// Where a block began; it ends at the cursor.
    pub(super) block: Option<Anchor>,
    /// Whether older lines are to be asked for.
    pub(super) wants_older: bool,
    /// The moment that is read back to.
    pub(super) goal: Option<Timestamp>,
    /// Whether the next sync looks for a match.
    seek: bool,
    pub(super) list: Rect,
    pub(super) columns: Columns,
}

impl Default for LogPane {
    fn default() -> Self {
        Self {
            sources: Sources::default(),
            index: Index::default(),
            query: Query::default(),
            sieve: Sieve::default(),
            faces: Faces::default(),
            level: None,
            clock: Clock::default(),
            wrap: false,
            follow: true,
            column: 0,
            scroll: Scroll::default(),
            top: None,
            seen: None,
            current: None,
            cursor: None,
            block: None,
            wants_older: false,
            goal: None,
            seek: false,
            list: Rect::ZERO,
            columns: Columns::default(),
        }
    }
}

impl LogPane {
    /// Shows the merged logs of some targets, following. Filter, wrap and times stay as they are.
    pub fn open(&mut self, targets: Vec<Target>) {
        self.resume();
        if self.sources.targets() == targets {
            return;
        }
        self.sources.set(targets);
        self.index.clear();
        self.column = 0;
        self.current = None;
        self.faces.close_all();
    }

    pub fn targets(&self) -> &[Target] {
        self.sources.targets()
    }

    pub fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    pub fn set_filter(&mut self, text: &str) {
        self.query.set(text);
        self.index.clear_hits();
        self.current = None;
        self.seek = !text.is_empty();
    }

    pub fn set_sieve(&mut self, text: &str) {
        self.sieve.set(text);
        self.index.clear();
    }

    /// Returns what lines are chosen by, as it was typed.
    pub fn sieve_text(&self) -> &str {
        self.sieve.text()
    }

    pub fn filter(&self) -> &str {
        self.query.text()
    }

    /// Whether the first column is in sight.
    pub fn is_at_left(&self) -> bool {
        self.column == 0
    }

    pub fn is_following(&self) -> bool {
        self.follow
    }

    /// Whether the times shown grow by themselves.
    pub fn counts_seconds(&self) -> bool {
        self.clock.mode == TimeMode::Relative
    }

    pub fn interest(&self, state: &State, interest: &mut Interest) {
        interest.logs.extend(self.sources.ids(state));
    }

    /// Looks at what is new; costs in proportion to it.
    pub fn sync(&mut self, state: &State, area: Rect) {
        if self.sources.sync(state) {
            self.index.clear();
        }
        // The foot, and a line about logs that cannot be read.
        let below = 1 + u16::from(words::unreadable(state, &self.sources).is_some());
        self.list = Rect { height: area.height.saturating_sub(below), ..area };
        self.columns = self.divide(area.width);
        self.refresh(state);
    }

    pub(super) fn refresh(&mut self, state: &State) {
        let store = &state.logs;
        let is_foreign = store.shown().iter().any(|id| self.sources.get(id).is_none());
        let (level, query, sieve, sources) = (self.level, &self.query, &self.sieve, &self.sources);
        let passes = |at: usize, line: &LogLine| {
            (!is_foreign || sources.get(&line.source).is_some())
                && level.is_none_or(|level| is_at_least(store, at, line, level))
                && sieve.lets_through(store, at, line)
        };
        let is_filtered = is_foreign || level.is_some() || !sieve.is_empty();
        let matches = |line: &LogLine| query.finds(line.text.text());
        let matches: Option<&dyn Fn(&LogLine) -> bool> = if query.is_empty() { None } else { Some(&matches) };
        let reopened = |next| sieve.reopened(store, next);
        let moved = self.index.update(store, is_filtered, reopened, passes, matches);
        if let Some(from) = moved {
            self.faces.moved(store, from);
            let anchors =
                [&mut self.top, &mut self.seen, &mut self.current, &mut self.cursor, &mut self.block];
            for anchor in anchors.into_iter().flatten() {
                anchor.find(store);
            }
        }
        if self.follow {
            self.scroll = self.end(store);
        } else if let Some(top) = &self.top {
            self.scroll.line = self.index.position(top.number);
            if top.number < store.dropped() {
                self.scroll.row = 0;
            }
            let mut scroll = self.scroll;
            scroll.settle(self.index.len(), self.view(), |at| self.height(store, at));
            self.scroll = scroll;
        }
        if std::mem::take(&mut self.seek) {
            self.seek_nearest(store);
        }
    }

    /// Reacts to a key's meaning.
    pub fn handle(&mut self, action: Action, state: &State) -> Vec<Effect> {
        let store = &state.logs;
        let page = self.view().saturating_sub(1).max(1);
        let half = (self.view() / 2).max(1);
        match action {
            Action::MoveDown => self.down(1, store),
            Action::MoveUp => self.up(1, store),
            Action::HalfPageDown => self.down(half, store),
            Action::HalfPageUp => self.up(half, store),
            Action::PageDown => self.down(page, store),
            Action::PageUp => self.up(page, store),
            Action::First => {
                self.wants_older = true;
                // Where everything is in sight there is nothing to stop for.
                if self.scroll != Scroll::default() {
                    self.pause(store);
                    self.scroll = Scroll::default();
                    self.hold(store);
                }
                if self.cursor.is_some() {
                    self.stand_at(0, store);
                }
            }
            Action::Last if self.block.is_some() => self.stand_at(self.index.len().saturating_sub(1), store),
            Action::Last => self.resume(),
            Action::Open => self.open_line(store),
            Action::Fields => {
                self.faces.toggle();
                let words = if self.faces.is_on { "message and fields" } else { "as written" };
                self.refresh(state);
                return vec![Effect::Toast(format!("Structured lines: {words}"))];
            }
            Action::MarkBlock => return self.toggle_block(store),
            Action::Back => return self.leave(state),
            Action::Follow if self.follow => self.pause(store),
            Action::Follow => self.resume(),
            Action::Right if !self.wrap => self.column = (self.column + STEP).min(self.widest(store)),
            Action::Left if !self.wrap => self.column = self.column.saturating_sub(STEP),
            Action::Wrap => {
                self.wrap = !self.wrap;
                self.column = 0;
                self.scroll.row = 0;
            }
            Action::Timestamps => {
                self.clock.mode = self.clock.mode.next();
                return vec![Effect::Toast(format!("Times: {}", self.clock.mode.word()))];
            }
            Action::Level => {
                self.level = match self.level {
                    None => Some(LogLevel::Info),
                    Some(LogLevel::Info) => Some(LogLevel::Warn),
                    Some(LogLevel::Warn) => Some(LogLevel::Error),
                    Some(_) => None,
                };
                self.index.clear();
            }
            Action::NextMatch => return self.step(1, store),
            Action::PreviousMatch => return self.step(-1, store),
            Action::CopyLine => return self.copy_line(store),
            Action::CopyAll => return self.copy_all(state),
            Action::Save => return self.save(state),
            _ => return Vec::new(),
        }
        self.columns = self.divide(self.list.width);
        self.refresh(state);
        Vec::new()
    }

    /// Leaves what was entered last: the block, the line, what is opened, the search, the filter, the screen.
    fn leave(&mut self, state: &State) -> Vec<Effect> {
        if self.block.take().is_some() || self.cursor.take().is_some() {
        } else if self.faces.has_open() {
            self.faces.close_all();
        } else if !self.query.is_empty() {
            self.set_filter("");
        } else if !self.sieve.is_empty() {
            self.set_sieve("");
        } else {
            return vec![Effect::GoTo(Screen::Stacks)];
        }
        self.refresh(state);
        Vec::new()
    }

    /// Marks the line that was clicked: what the copy key copies.
    pub fn click(&mut self, column: u16, row: u16, state: &State) -> Vec<Effect> {
        if !self.list.contains((column, row).into()) {
            return Vec::new();
        }
        let store = &state.logs;
        let number = self.at_row(usize::from(row - self.list.y), store).and_then(|at| self.index.number(at));
        let clicked = number.and_then(|number| Anchor::of(store, number));
        self.cursor = if clicked == self.cursor { None } else { clicked };
        self.block = self.block.take().filter(|_| self.cursor.is_some());
        if self.cursor.is_some() {
            // Nobody reads a line that runs away.
            self.pause(store);
        }
        Vec::new()
    }

    pub fn wheel(&mut self, _column: u16, _row: u16, down: bool, state: &State) {
        if down { self.down(WHEEL_ROWS, &state.logs) } else { self.up(WHEEL_ROWS, &state.logs) }
    }

    /// Returns how many shown lines came since following stopped.
    pub(super) fn news(&self) -> usize {
        let seen = self.seen.as_ref().map_or(0, |seen| self.index.position(seen.number + 1));
        self.index.len().saturating_sub(seen)
    }

    fn view(&self) -> usize {
        usize::from(self.list.height)
    }

    pub(super) fn text_width(&self) -> usize {
        usize::from(self.columns.text)
    }

    fn divide(&self, width: u16) -> Columns {
        let time = match self.clock.width() {
            0 => 0,
            width => width + 1,
        };
        let gutter = match self.sources.list() {
            [] | [_] => 0,
            many => {
                let longest = many.iter().map(|source| source.label.chars().count()).max().unwrap_or(0);
                (longest as u16).min((width / 5).clamp(8, 20)) + 1
            }
        };
        let level = 2;
        // The last column belongs to the scrollbar.
        Columns { time, gutter, level, text: width.saturating_sub(time + gutter + level + 1) }
    }

    fn end(&self, store: &LogStore) -> Scroll {
        Scroll::end(self.index.len(), self.view(), |at| self.height(store, at))
    }

    fn resume(&mut self) {
        self.follow = true;
        self.top = None;
        self.seen = None;
        self.cursor = None;
        self.block = None;
        self.goal = None;
    }

    pub(super) fn pause(&mut self, store: &LogStore) {
        if self.follow {
            self.follow = false;
            self.seen = Anchor::of(store, (store.dropped() + store.lines().len() as u64).saturating_sub(1));
            self.hold(store);
        }
    }

    /// Holds on to the line at the top.
    pub(super) fn hold(&mut self, store: &LogStore) {
        self.top = self.index.number(self.scroll.line).and_then(|number| Anchor::of(store, number));
    }

    fn down(&mut self, rows: usize, store: &LogStore) {
        if self.follow || self.step_cursor(rows as isize, store) {
            return;
        }
        let mut scroll = self.scroll;
        scroll.down(rows, self.index.len(), self.view(), |at| self.height(store, at));
        self.scroll = scroll;
        if self.scroll >= self.end(store) {
            self.resume();
        } else {
            self.hold(store);
        }
    }

    fn up(&mut self, rows: usize, store: &LogStore) {
        self.wants_older |= self.scroll == Scroll::default();
        if self.step_cursor(-(rows as isize), store) {
            return;
        }
        let before = self.scroll;
        let mut scroll = self.scroll;
        scroll.up(rows, |at| self.height(store, at));
        self.scroll = scroll;
        // Where everything is in sight there is nothing to stop for.
        if self.scroll != before {
            self.pause(store);
            self.hold(store);
        }
    }

    /// Returns the position of the line at a row of the list.
    fn at_row(&self, row: usize, store: &LogStore) -> Option<usize> {
        let mut left = row + self.scroll.row;
        for at in self.scroll.line..self.index.len() {
            let height = self.height(store, at);
            if left < height {
                return Some(at);
            }
            left -= height;
        }
        None
    }

    /// Returns the position of the last visible line.
    pub(super) fn last_visible(&self, store: &LogStore) -> usize {
        let last = self.index.len().saturating_sub(1);
        self.at_row(self.view().saturating_sub(1), store).unwrap_or(last)
    }

    /// Returns the columns of the widest visible line, less what fits.
    fn widest(&self, store: &LogStore) -> usize {
        let visible = self.scroll.line..=self.last_visible(store);
        let widths = visible.filter_map(|at| self.index.line(store, at)).map(|line| line.text.text().len());
        widths.max().unwrap_or(0).saturating_sub(self.text_width() / 2)
    }

    /// Returns the rows that the line at a position takes.
    pub(super) fn height(&self, store: &LogStore, position: usize) -> usize {
        let Some(number) = self.index.number(position) else { return 1 };
        let is_open = self.faces.is_open(number);
        let Some(line) = line_of(store, number).filter(|_| self.wrap || is_open) else { return 1 };
        if line.stream == LogStream::Remark {
            return 1;
        }
        let width = self.text_width();
        match self.faces.of(number, line) {
            Some(face) => face.iter().map(|paragraph| styled::rows(paragraph.text(), width)).sum(),
            None => styled::rows(line.text.text(), width),
        }
    }
}
