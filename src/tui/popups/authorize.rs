//! A token being authorized anew: the address to be opened, to be copied, clicked or photographed, and how long
//! somebody is waited for.
//!
//! It follows the state ([`Authorize::follow`]); the address is here and nowhere else on the screen.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::command::Command;
use crate::model::qr::Qr;
use crate::model::stacks::duration_words;
use crate::model::tokens::{Authorization, AuthorizationStage, Invitation, TokenId};
use crate::tui::action::{Action, KeyContext};
use crate::tui::keymap::Keymap;
use crate::tui::paint::{cut_end, glyphs, put, width, wrap};
use crate::tui::popups::{Answer, Choice, centered, frame};
use crate::tui::theme::Theme;
use crate::tui::view::Effect;
use crate::tui::widgets::qr;

const CONTEXTS: [KeyContext; 2] = [KeyContext::Menu, KeyContext::Global];
/// Columns of the words, and the fewest that are worth it beside a code.
const WORDS: u16 = 72;
const NARROW: u16 = 40;
/// What a frame takes, and the gap between words and code.
const FRAME: (u16, u16) = (4, 2);
const GAP: u16 = 2;

/// Cells that are one link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub address: String,
    /// Lines of it, top to bottom.
    pub lines: Vec<Rect>,
}

#[derive(Debug)]
pub struct Authorize {
    id: TokenId,
    about: Authorization,
    /// Made once for an address; `None`: too long for any.
    code: Option<Qr>,
    /// Whether the code has the whole screen.
    only_code: bool,
    now: Timestamp,
}

/// How the parts lie on a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Words,
    /// Words at the left, the code at the right.
    Both,
    /// The code alone, without a frame.
    Code,
}

impl Authorize {
    pub fn new(id: TokenId, about: Authorization, now: Timestamp) -> Self {
        let mut popup = Self { id, about, code: None, only_code: false, now };
        popup.make_code();
        popup
    }

    pub fn id(&self) -> &TokenId {
        &self.id
    }

    /// Takes over how it stands; whether anything changed.
    pub fn follow(&mut self, about: &Authorization, now: Timestamp) -> bool {
        self.now = now;
        if self.about == *about {
            return false;
        }
        self.about = about.clone();
        self.make_code();
        true
    }

    fn make_code(&mut self) {
        self.code = self.invitation().and_then(|invitation| Qr::of(invitation.address.as_str()));
        self.only_code &= self.code.is_some();
    }

    fn invitation(&self) -> Option<&Invitation> {
        match &self.about.stage {
            AuthorizationStage::Waiting(invitation) => Some(invitation),
            _ => None,
        }
    }

    pub fn handle(&mut self, action: Option<Action>) -> Answer {
        let drop = || Effect::Run(Command::DropAuthorization(self.id.clone()));
        match action {
            Some(Action::Back) => Answer::Choose(Choice::Do(vec![drop()])),
            Some(Action::Open) if self.about.stage.is_over() => Answer::Choose(Choice::Do(vec![drop()])),
            Some(Action::CopyLine | Action::CopyAll) => match self.invitation() {
                Some(invitation) => {
                    let (what, text) = (String::from("address"), invitation.address.as_str().to_owned());
                    Answer::Do(vec![Effect::Copy { what, text }])
                }
                None => Answer::Stay,
            },
            Some(Action::NextPane | Action::PreviousPane) => {
                self.only_code = !self.only_code && self.code.is_some();
                Answer::Stay
            }
            _ => Answer::Stay,
        }
    }

    fn shape(&self, screen: Rect, ascii: bool) -> Shape {
        let Some((wide, high)) = self.code.as_ref().map(|code| qr::size(code, ascii)) else {
            return Shape::Words;
        };
        let fits = |wide: u16, high: u16| wide <= screen.width && high <= screen.height;
        // Beyond the frame a popup leaves a column at each side and a row above and below.
        let both = fits(wide + GAP + NARROW + FRAME.0 + 4, high + FRAME.1 + 2);
        match (both, self.only_code && fits(wide, high + 1)) {
            (true, _) => Shape::Both,
            (false, true) => Shape::Code,
            (false, false) => Shape::Words,
        }
    }

    /// Returns the columns of its words.
    fn words_room(&self, screen: Rect, ascii: bool) -> u16 {
        let most = screen.width.saturating_sub(FRAME.0 + 4);
        match (self.shape(screen, ascii), &self.code) {
            (Shape::Both, Some(code)) => (most - GAP - qr::size(code, ascii).0).min(WORDS),
            _ => most.min(WORDS),
        }
    }

    pub fn area(&self, screen: Rect, keymap: &Keymap, ascii: bool) -> Rect {
        let shape = self.shape(screen, ascii);
        if shape == Shape::Code {
            return screen;
        }
        let room = self.words_room(screen, ascii);
        let lines = self.lines(screen, room, keymap, &Looks::plain(ascii)).0.len() as u16 + 2;
        let (mut wide, mut high) = (room + FRAME.0, lines + FRAME.1);
        if let (Shape::Both, Some(code)) = (shape, &self.code) {
            let code = qr::size(code, ascii);
            (wide, high) = (wide + GAP + code.0, high.max(code.1 + FRAME.1));
        }
        centered(screen, wide, high)
    }

    /// Returns what is to be written, and which of the lines are the address.
    fn lines(
        &self,
        screen: Rect,
        room: u16,
        keymap: &Keymap,
        looks: &Looks,
    ) -> (Vec<(String, Style)>, std::ops::Range<usize>) {
        let mut lines: Vec<(String, Style)> = Vec::new();
        let say = |lines: &mut Vec<(String, Style)>, words: &str, style: Style| {
            lines.extend(wrap(words, room).into_iter().map(|line| (line, style)));
        };
        let key = |action| keymap.hint_in(&[KeyContext::Tokens], action);
        let mut address = 0..0;
        match &self.about.stage {
            AuthorizationStage::Asking => say(&mut lines, "Asks for the address to open", looks.text),
            AuthorizationStage::Waiting(invitation) => {
                let host = invitation.address.host();
                say(&mut lines, "Open this in a browser, on any device, and approve:", looks.text);
                lines.push((String::new(), looks.text));
                let first = lines.len();
                // What does not fit on the screen can still be copied.
                let most = usize::from(screen.height.saturating_sub(13).max(2));
                say(&mut lines, invitation.address.as_str(), looks.link);
                address = first..lines.len().min(first + most);
                lines.truncate(address.end);
                if wrap(invitation.address.as_str(), room).len() > most {
                    let more = format!("{} the rest is not shown; copy it", looks.ellipsis);
                    say(&mut lines, &more, looks.muted);
                }
                lines.push((String::new(), looks.text));
                if let Some(code) = &invitation.code {
                    say(&mut lines, &format!("The code to type there: {code}"), looks.strong);
                }
                say(&mut lines, &format!("It leads to {host}"), looks.muted);
                if let Some(words) = self.why_no_code(screen, looks.ascii) {
                    say(&mut lines, &words, looks.muted);
                }
                say(&mut lines, &self.waiting_words(), looks.strong);
                if let Some(problem) = &self.about.problem {
                    say(&mut lines, &format!("The last look was in vain: {problem}"), looks.warning);
                }
            }
            AuthorizationStage::Given(how) => {
                say(&mut lines, &format!("{} Authorized: {how}", looks.good_mark), looks.good);
                say(&mut lines, "Its source is read again", looks.muted);
            }
            AuthorizationStage::Refused(why) => {
                say(&mut lines, &format!("{} Not authorized: {why}", looks.bad_mark), looks.error);
            }
            AuthorizationStage::TimedOut => {
                let span = self.about.ends_at.duration_since(self.about.began).as_secs();
                let words = format!(
                    "{} Nobody approved within {}; {} begins anew",
                    looks.bad_mark,
                    duration_words(span),
                    key(Action::Authorize)
                );
                say(&mut lines, &words, looks.error);
            }
        }
        (lines, address)
    }

    fn waiting_words(&self) -> String {
        let left = self.about.ends_at.duration_since(self.now).as_millis().max(0);
        let seconds = i64::try_from(left).unwrap_or(i64::MAX).saturating_add(999) / 1000;
        let left = match seconds {
            0..60 => format!("{seconds}s"),
            _ => format!("{}m {:02}s", seconds / 60, seconds % 60),
        };
        format!("Waits for approval, {left} left")
    }

    /// Says why there is no code to be seen, if so.
    fn why_no_code(&self, screen: Rect, ascii: bool) -> Option<String> {
        let Some(code) = &self.code else {
            return Some(String::from("It is too long for a QR code"));
        };
        let (wide, high) = qr::size(code, ascii);
        let fits = wide <= screen.width && high < screen.height;
        (!fits).then(|| {
            let (columns, rows) = (screen.width, screen.height);
            format!(
                "Its QR code needs {wide}x{}, this terminal has {columns}x{rows}: a smaller font shows it",
                high + 1
            )
        })
    }

    fn foot(&self, screen: Rect, keymap: &Keymap, ascii: bool) -> String {
        let key = |action| keymap.hint_in(&CONTEXTS, action);
        if self.about.stage.is_over() {
            return format!("{} closes", key(Action::Back));
        }
        let mut parts = Vec::new();
        if self.invitation().is_some() {
            parts.push(format!("{} copies it", key(Action::CopyLine)));
            if self.shape(screen, ascii) == Shape::Code {
                parts.push(format!("{} address", key(Action::NextPane)));
            } else if self.why_no_code(screen, ascii).is_none() && self.shape(screen, ascii) == Shape::Words {
                parts.push(format!("{} QR code", key(Action::NextPane)));
            }
        }
        parts.push(format!("{} gives up", key(Action::Back)));
        parts.join(", ")
    }

    /// Returns the cells that lead to the address.
    pub fn link(&self, screen: Rect, keymap: &Keymap, ascii: bool) -> Option<Link> {
        let invitation = self.invitation()?;
        if self.shape(screen, ascii) == Shape::Code {
            return None;
        }
        let area = self.area(screen, keymap, ascii);
        let room = self.words_room(screen, ascii);
        let (lines, address) = self.lines(screen, room, keymap, &Looks::plain(ascii));
        let bottom = area.bottom().saturating_sub(1);
        let lines = address
            .filter_map(|at| {
                let y = area.y + 2 + at as u16;
                let wide = width(&lines[at].0);
                (y < bottom).then_some(Rect { x: area.x + 2, y, width: wide, height: 1 })
            })
            .collect();
        Some(Link { address: invitation.address.as_str().to_owned(), lines })
    }

    pub fn draw(&self, screen: Rect, area: Rect, buf: &mut Buffer, keymap: &Keymap, theme: &Theme) {
        let ascii = theme.ascii;
        let shape = self.shape(screen, ascii);
        if let (Shape::Code, Some(code)) = (shape, &self.code) {
            self.draw_code_alone(area, buf, code, keymap, theme);
            return;
        }
        let title = format!("Authorize {}/{} anew", self.id.stack, self.id.name);
        let title = cut_end(&title, area.width.saturating_sub(8), ascii);
        let inside = frame(area, buf, &title, &self.foot(screen, keymap, ascii), theme);
        let room = self.words_room(screen, ascii).min(inside.width);
        let (lines, _) = self.lines(screen, room, keymap, &Looks::of(theme));
        for (y, (line, style)) in (inside.y + 1..inside.bottom()).zip(&lines) {
            put(buf, inside.x, y, room, line, *style);
        }
        if let (Shape::Both, Some(code)) = (shape, &self.code) {
            let (wide, high) = qr::size(code, ascii);
            let x = inside.right().saturating_sub(wide);
            let y = inside.y + inside.height.saturating_sub(high) / 2;
            qr::draw(Rect { x, y, width: wide, height: high }, buf, code, theme);
        }
    }

    fn draw_code_alone(&self, area: Rect, buf: &mut Buffer, code: &Qr, keymap: &Keymap, theme: &Theme) {
        use ratatui::widgets::{Clear, Widget as _};
        Clear.render(area, buf);
        buf.set_style(area, theme.bar);
        let (wide, high) = qr::size(code, theme.ascii);
        let x = area.x + (area.width - wide) / 2;
        let y = area.y + (area.height - 1 - high) / 2;
        qr::draw(Rect { x, y, width: wide, height: high }, buf, code, theme);
        let foot = format!("{}; {}", self.waiting_words(), self.foot(area, keymap, theme.ascii));
        let foot = cut_end(&foot, area.width.saturating_sub(2), theme.ascii).into_owned();
        put(buf, area.x + 1, area.bottom() - 1, area.width - 2, &foot, theme.text);
    }
}

/// Styles and marks of the words.
struct Looks {
    ascii: bool,
    text: Style,
    strong: Style,
    muted: Style,
    link: Style,
    good: Style,
    warning: Style,
    error: Style,
    ellipsis: &'static str,
    good_mark: &'static str,
    bad_mark: &'static str,
}

impl Looks {
    /// For measuring.
    fn plain(ascii: bool) -> Self {
        let plain = Style::new();
        let (good_mark, bad_mark) = if ascii { ("+", "x") } else { ("✓", "✗") };
        Self {
            ascii,
            text: plain,
            strong: plain,
            muted: plain,
            link: plain,
            good: plain,
            warning: plain,
            error: plain,
            ellipsis: glyphs(ascii).ellipsis,
            good_mark,
            bad_mark,
        }
    }

    fn of(theme: &Theme) -> Self {
        Self {
            text: theme.text,
            strong: theme.strong,
            muted: theme.muted,
            link: theme.key.add_modifier(ratatui::style::Modifier::UNDERLINED),
            good: theme.good,
            warning: theme.warning,
            error: theme.error,
            ..Self::plain(theme.ascii)
        }
    }
}

#[cfg(test)]
mod tests;
