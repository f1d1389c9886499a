//! The profiles of a stack: what each adds, what is up, and what bringing some up would do.
//!
//! ```text
//! ╭─ Profiles of energy ───────────────────────────────╮
//! │ ▌[ ] backup   mongo-backup                 0 of 1 up│
//! │  [x] tools    mongo-express                1 of 1 up│
//! │                                                     │
//! │ Bringing up backup                                  │
//! │   + mongo-backup   will be created                  │
//! │   ● mongodb        is up, mongo-backup needs it     │
//! ╰────────────────────── Space marks, u up, D down ────╯
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::state::jobs::profiles::{Coming, Fate, ProfileStanding};
use crate::tui::action::{Action, KeyContext};
use crate::tui::keymap::{Key, Keymap};
use crate::tui::paint::{cut_end, glyphs, put, put_right, width};
use crate::tui::popups::{Answer, Choice, centered, frame};
use crate::tui::theme::Theme;

/// Services that the preview lists before it says "and n more".
const LISTED: usize = 9;

/// One profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub profile: ProfileStanding,
    /// What bringing it up touches.
    pub coming: Vec<Coming>,
    /// Whether bringing the stack up brings it up too.
    pub on: bool,
    pub marked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profiles {
    stack: Arc<str>,
    lines: Vec<Line>,
    cursor: usize,
}

impl Profiles {
    pub fn new(stack: Arc<str>, lines: Vec<Line>) -> Self {
        Self { stack, lines, cursor: 0 }
    }

    pub fn handle(&mut self, action: Option<Action>, key: Key, keymap: &Keymap) -> Answer {
        match action {
            Some(Action::MoveDown) => self.step(true),
            Some(Action::MoveUp) => self.step(false),
            Some(Action::First | Action::PageUp) => self.cursor = 0,
            Some(Action::Last | Action::PageDown) => self.cursor = self.lines.len().saturating_sub(1),
            Some(Action::Open) => return self.choose(!self.all_up()),
            Some(Action::Back | Action::Quit) => return Answer::Close,
            // The keys of the tree mean here what they mean there.
            _ => match keymap.resolve(&[KeyContext::Tree], key) {
                Some(Action::Mark) => self.mark(),
                Some(Action::Up | Action::UpStack | Action::Start) => return self.choose(true),
                Some(Action::Down | Action::Stop) => return self.choose(false),
                Some(Action::Profiles) => return Answer::Close,
                _ => {}
            },
        }
        Answer::Stay
    }

    pub fn step(&mut self, down: bool) {
        let count = self.lines.len().max(1);
        self.cursor = if down { (self.cursor + 1) % count } else { (self.cursor + count - 1) % count };
    }

    fn mark(&mut self) {
        if let Some(line) = self.lines.get_mut(self.cursor) {
            line.marked = !line.marked;
        }
        if self.cursor + 1 < self.lines.len() {
            self.cursor += 1;
        }
    }

    pub fn click(&mut self, line: usize) -> Answer {
        if line < self.lines.len() {
            self.cursor = line;
            self.lines[line].marked = !self.lines[line].marked;
        }
        Answer::Stay
    }

    /// The marked ones, else the one at the cursor.
    fn meant(&self) -> Vec<&Line> {
        let marked: Vec<&Line> = self.lines.iter().filter(|line| line.marked).collect();
        if marked.is_empty() { self.lines.get(self.cursor).into_iter().collect() } else { marked }
    }

    fn all_up(&self) -> bool {
        self.meant().iter().all(|line| line.profile.up == line.profile.services.len())
    }

    fn choose(&self, up: bool) -> Answer {
        let names = self.meant().iter().map(|line| line.profile.name.clone()).collect();
        Answer::Choose(Choice::Profiles { stack: self.stack.clone(), names, up })
    }

    /// Everything that the meant ones touch, each once; a service of a profile before a mere need.
    fn coming(&self) -> Vec<&Coming> {
        let mut all: Vec<&Coming> = Vec::new();
        for own in [true, false] {
            for coming in self.meant().into_iter().flat_map(|line| &line.coming) {
                let known = all.iter().any(|other| other.service == coming.service);
                if coming.needed_by.is_none() == own && !known {
                    all.push(coming);
                }
            }
        }
        all
    }

    pub fn area(&self, screen: Rect) -> Rect {
        // As high as the longest preview can get, so that the box does not jump under the cursor.
        let all: BTreeSet<&Arc<str>> =
            self.lines.iter().flat_map(|line| &line.coming).map(|coming| &coming.service).collect();
        let most = all.len();
        let high = self.lines.len() + most.min(LISTED) + 4;
        centered(screen, 76, high as u16)
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, keymap: &Keymap, theme: &Theme) {
        let key = |action| keymap.hint_in(&[KeyContext::Tree], action);
        let foot = format!("{} marks, {} up, {} down", key(Action::Mark), key(Action::Up), key(Action::Down));
        let inside = frame(area, buf, &format!("Profiles of {}", self.stack), &foot, theme);
        if inside.height == 0 {
            return;
        }
        // Half of a small screen at least is for what will happen.
        let rows = self.lines.len().min(usize::from(inside.height).div_ceil(2)).max(1);
        let top = (self.cursor + 1).saturating_sub(rows);
        let names = self.lines.iter().map(|line| width(&line.profile.name)).max().unwrap_or(0).min(20);
        for (row, (index, line)) in self.lines.iter().enumerate().skip(top).take(rows).enumerate() {
            let place = Rect { y: inside.y + row as u16, height: 1, ..inside };
            draw_line(place, buf, line, names, index == self.cursor, theme);
        }
        let y = inside.y + rows as u16 + 1;
        if y < inside.bottom() {
            self.draw_preview(Rect { y, height: inside.bottom() - y, ..inside }, buf, theme);
        }
    }

    fn draw_preview(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let meant = self.meant();
        let names: Vec<&str> = meant.iter().map(|line| &*line.profile.name).collect();
        let title = format!("Bringing up {}", names.join(", "));
        put(buf, area.x, area.y, area.width, &cut_end(&title, area.width, theme.ascii), theme.muted);
        let coming = self.coming();
        let room = usize::from(area.height.saturating_sub(1));
        let shown = if coming.len() > room { room.saturating_sub(1) } else { coming.len() };
        let wide = coming.iter().map(|coming| width(&coming.service)).max().unwrap_or(0).min(24);
        for (row, coming) in coming.iter().take(shown).enumerate() {
            let y = area.y + 1 + row as u16;
            let (mark, style) = match coming.fate {
                Fate::Exists => (if theme.ascii { "*" } else { "●" }, theme.muted),
                Fate::WillStart => (if theme.ascii { "-" } else { "◔" }, theme.starting),
                Fate::WillBeCreated => ("+", theme.key),
            };
            put(buf, area.x, y, 2, mark, style);
            let name = cut_end(&coming.service, wide, theme.ascii);
            put(buf, area.x + 2, y, wide, &name, theme.text);
            let mut words = coming.fate.words().to_owned();
            if let Some(needed_by) = &coming.needed_by {
                words = format!("{words}, {needed_by} needs it");
            }
            let x = area.x + wide + 4;
            let left = area.right().saturating_sub(x);
            put(buf, x, y, left, &cut_end(&words, left, theme.ascii), style);
        }
        if shown < coming.len() {
            let y = area.y + 1 + shown as u16;
            let words = format!("and {} more", coming.len() - shown);
            put(buf, area.x + 2, y, area.width.saturating_sub(2), &words, theme.faint);
        }
    }
}

fn draw_line(area: Rect, buf: &mut Buffer, line: &Line, names: u16, here: bool, theme: &Theme) {
    let Rect { x, y, .. } = area;
    let profile = &line.profile;
    if line.marked {
        put(buf, x, y, 1, glyphs(theme.ascii).marked, theme.key);
    }
    let style = if here || line.marked { theme.strong } else { theme.text };
    put(buf, x + 2, y, names, &cut_end(&profile.name, names, theme.ascii), style);
    let services: Vec<&str> = profile.services.iter().map(|name| &**name).collect();
    let up = format!("{} of {} up", profile.up, services.len());
    let hint = if line.on && profile.up == 0 { format!("on, {up}") } else { up };
    let begin = x + 2 + names + 2;
    let room = area.right().saturating_sub(begin + width(&hint) + 2);
    put(buf, begin, y, room, &cut_end(&services.join(", "), room, theme.ascii), theme.muted);
    let hint_style = if profile.up > 0 { theme.healthy } else { theme.muted };
    put_right(buf, x, y, area.width, &hint, hint_style);
    if here {
        buf.set_style(Rect { x: area.x - 1, width: area.width + 2, ..area }, theme.selection);
    }
}
