//! Positions in merged logs: what is shown, where one stands, what the keys do.
//!
//! The place is kept by line number and time, never by row: lines may arrive, fall out and slip between
//! older ones, and the text under the eyes stays where it is.

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::command::Interest;
use crate::model::containers::ContainerId;
use crate::model::logs::{LogLevel, LogLine, LogStream};
use crate::model::stacks::Target;
use crate::state::State;
use crate::state::logs::LogStore;
use crate::tui::action::Action;
use crate::tui::view::Effect;
use crate::tui::views::clock::{Clock, TimeMode};
use crate::tui::views::logs::index::{Index, is_at_least, line_of};
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
    container: ContainerId,
}

impl Anchor {
    fn of(store: &LogStore, number: u64) -> Option<Self> {
        let line = line_of(store, number)?;
        Some(Self { number, at: line.at, container: line.container.clone() })
    }

    /// Finds the line again, or the one that took its place in time.
    fn find(&mut self, store: &LogStore) {
        let is_it = |line: &LogLine| line.at == self.at && line.container == self.container;
        if line_of(store, self.number).is_some_and(is_it) {
            return;
        }
        let lines = store.lines();
        let from = lines.partition_point(|line| line.at < self.at);
        let same = lines.range(from..).take_while(|line| line.at <= self.at).position(is_it);
        self.number = store.dropped() + (from + same.unwrap_or(0)) as u64;
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
    /// The line that was clicked.
    pub(super) cursor: Option<Anchor>,
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
            seek: false,
            list: Rect::ZERO,
            columns: Columns::default(),
        }
    }
}

impl LogPane {
    /// Shows the merged logs of some targets, following. Filter, wrap and times stay as they are.
    pub fn open(&mut self, targets: Vec<Target>) {
        if self.sources.targets() == targets {
            return;
        }
        self.sources.set(targets);
        self.index.clear();
        self.resume();
        self.column = 0;
        self.current = None;
        self.cursor = None;
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

    pub fn filter(&self) -> &str {
        self.query.text()
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

    fn refresh(&mut self, state: &State) {
        let store = &state.logs;
        let is_foreign = store.shown().iter().any(|id| self.sources.get(id).is_none());
        let (level, query, sources) = (self.level, &self.query, &self.sources);
        let passes = |at: usize, line: &LogLine| {
            (!is_foreign || sources.get(&line.container).is_some())
                && level.is_none_or(|level| is_at_least(store, at, line, level))
        };
        let matches = |line: &LogLine| query.finds(line.text.text());
        let matches: Option<&dyn Fn(&LogLine) -> bool> = if query.is_empty() { None } else { Some(&matches) };
        let moved = self.index.update(store, is_foreign || level.is_some(), passes, matches);
        if moved.is_some() {
            for anchor in [&mut self.top, &mut self.seen, &mut self.current, &mut self.cursor] {
                if let Some(anchor) = anchor {
                    anchor.find(store);
                }
            }
        }
        if self.follow {
            self.scroll = self.end(store);
        } else if let Some(top) = &self.top {
            self.scroll.line = self.index.position(top.number);
            if top.number < store.dropped() {
                self.scroll.row = 0;
            }
            let (index, wrap, width) = (&self.index, self.wrap, self.text_width());
            self.scroll.settle(index.len(), self.view(), |at| height(index, store, wrap, width, at));
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
            // Where everything is in sight there is nothing to stop for.
            Action::First if self.scroll == Scroll::default() => {}
            Action::First => {
                self.pause(store);
                self.scroll = Scroll::default();
                self.hold(store);
            }
            Action::Last => self.resume(),
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

    /// Marks the line that was clicked: what the copy key copies.
    pub fn click(&mut self, column: u16, row: u16, state: &State) -> Vec<Effect> {
        if !self.list.contains((column, row).into()) {
            return Vec::new();
        }
        let store = &state.logs;
        let number = self.at_row(usize::from(row - self.list.y), store).and_then(|at| self.index.number(at));
        let clicked = number.and_then(|number| Anchor::of(store, number));
        self.cursor = if clicked == self.cursor { None } else { clicked };
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
        let (index, wrap, width) = (&self.index, self.wrap, self.text_width());
        Scroll::end(index.len(), self.view(), |at| height(index, store, wrap, width, at))
    }

    fn resume(&mut self) {
        self.follow = true;
        self.top = None;
        self.seen = None;
        self.cursor = None;
    }

    fn pause(&mut self, store: &LogStore) {
        if self.follow {
            self.follow = false;
            self.seen = Anchor::of(store, (store.dropped() + store.lines().len() as u64).saturating_sub(1));
            self.hold(store);
        }
    }

    /// Holds on to the line at the top.
    fn hold(&mut self, store: &LogStore) {
        self.top = self.index.number(self.scroll.line).and_then(|number| Anchor::of(store, number));
    }

    fn down(&mut self, rows: usize, store: &LogStore) {
        if self.follow {
            return;
        }
        let (index, wrap, width) = (&self.index, self.wrap, self.text_width());
        let view = usize::from(self.list.height);
        self.scroll.down(rows, index.len(), view, |at| height(index, store, wrap, width, at));
        if self.scroll >= self.end(store) && self.cursor.is_none() {
            self.resume();
        } else {
            self.hold(store);
        }
    }

    fn up(&mut self, rows: usize, store: &LogStore) {
        let (index, wrap, width) = (&self.index, self.wrap, self.text_width());
        let before = self.scroll;
        self.scroll.up(rows, |at| height(index, store, wrap, width, at));
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
            let height = height(&self.index, store, self.wrap, self.text_width(), at);
            if left < height {
                return Some(at);
            }
            left -= height;
        }
        None
    }

    /// Returns the position of the last visible line.
    fn last_visible(&self, store: &LogStore) -> usize {
        let last = self.index.len().saturating_sub(1);
        self.at_row(self.view().saturating_sub(1), store).unwrap_or(last)
    }

    /// Returns the columns of the widest visible line, less what fits.
    fn widest(&self, store: &LogStore) -> usize {
        let visible = self.scroll.line..=self.last_visible(store);
        let widths = visible.filter_map(|at| self.index.line(store, at)).map(|line| line.text.text().len());
        widths.max().unwrap_or(0).saturating_sub(self.text_width() / 2)
    }

    /// Goes to the newest match at or above the foot, or else to the first one below.
    fn seek_nearest(&mut self, store: &LogStore) {
        let hits = self.index.hits();
        let foot = self.index.number(self.last_visible(store)).unwrap_or(0);
        let at = hits.before(foot + 1).saturating_sub(1);
        if let Some(number) = hits.get(at) {
            self.go_to(number, store);
        }
    }

    fn step(&mut self, by: isize, store: &LogStore) -> Vec<Effect> {
        let hits = self.index.hits();
        if self.query.is_empty() || hits.len() == 0 {
            let what = if self.query.is_empty() { "Nothing is searched for" } else { "No match" };
            return vec![Effect::Toast(what.to_owned())];
        }
        let count = hits.len() as isize;
        let from = match &self.current {
            Some(current) => hits.before(current.number) as isize + by,
            None => hits.before(self.index.number(self.scroll.line).unwrap_or(0)) as isize,
        };
        if let Some(number) = hits.get(from.rem_euclid(count) as usize) {
            self.go_to(number, store);
        }
        Vec::new()
    }

    /// Stands on a match; scrolls, and stops following, only where it is out of sight.
    fn go_to(&mut self, number: u64, store: &LogStore) {
        self.current = Anchor::of(store, number);
        let position = self.index.position(number);
        let (index, wrap, width) = (&self.index, self.wrap, self.text_width());
        let before = self.scroll;
        let view = usize::from(self.list.height);
        self.scroll.reveal(position, index.len(), view, |at| height(index, store, wrap, width, at));
        if self.scroll != before {
            self.pause(store);
            self.hold(store);
        }
        // Sideways too, where lines are cut.
        if let Some(line) = line_of(store, number).filter(|_| !self.wrap) {
            let text = line.text.text();
            let found =
                self.query.matches(text).next().map_or(0, |found| text[..found.start].chars().count());
            if found < self.column || found >= self.column + self.text_width() {
                self.column = found.saturating_sub(self.text_width() / 3);
            }
        }
    }

    fn copy_line(&self, store: &LogStore) -> Vec<Effect> {
        let marked = self.cursor.as_ref().or(self.current.as_ref()).map(|anchor| anchor.number);
        let number = marked.or_else(|| self.index.number(self.last_visible(store)));
        let Some(line) = number.and_then(|number| line_of(store, number)) else {
            return vec![Effect::Toast(String::from("There is no line to copy"))];
        };
        vec![Effect::Copy { what: String::from("line"), text: line.text.text().to_owned() }]
    }

    fn copy_all(&self, state: &State) -> Vec<Effect> {
        if self.index.len() == 0 {
            return vec![Effect::Toast(String::from("There is nothing to copy"))];
        }
        let text = self.text(state, self.scroll.line..self.last_visible(&state.logs) + 1);
        vec![Effect::Copy { what: String::from("visible lines"), text }]
    }

    fn save(&self, state: &State) -> Vec<Effect> {
        if self.index.len() == 0 {
            return vec![Effect::Toast(String::from("There is nothing to save"))];
        }
        let name = match self.sources.targets() {
            [one] => state.containers.name_of(one),
            _ => String::from("selection"),
        };
        let name: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
            .collect();
        vec![Effect::Save {
            name: format!("{}.log", name.trim_matches(['-', '.'])),
            text: self.text(state, 0..self.index.len()),
        }]
    }

    /// Writes lines as they go into a file: time in UTC, source, text.
    fn text(&self, state: &State, range: std::ops::Range<usize>) -> String {
        let mut text = String::new();
        for line in range.filter_map(|at| self.index.line(&state.logs, at)) {
            let source = self.sources.get(&line.container).map_or("", |source| source.label.as_str());
            let (open, close) = if line.stream == LogStream::Remark { ("-- ", " --") } else { ("", "") };
            text.push_str(&format!("{:.3} {source} {open}{}{close}\n", line.at, line.text.text()));
        }
        text
    }
}

/// Returns the rows that the line at a position takes.
pub(super) fn height(index: &Index, store: &LogStore, wrap: bool, width: usize, position: usize) -> usize {
    match index.line(store, position) {
        Some(line) if wrap && line.stream != LogStream::Remark => styled::rows(line.text.text(), width),
        _ => 1,
    }
}
