//! The Tokens screen: every token of every stack, how long it lives, what keeps it alive.
//!
//! ```text
//! ─ Tokens 7, 3 in trouble ──────────────────────────────────────── trouble first ─
//!  STATE        TOKEN           EXPIRES                    BUFFER  AUTO    LATELY
//! ✗ expired     assistant/work   3m ago  ────────────────      5m  in 12s  invalid_grant
//! ● valid       uteclocal/utec  in 1h 30m ━━━━━━━━╸───────      5m  on      19m ago ✓ auto
//! ─ assistant/work ────────────────────────────┬─ Refreshes ───────────────────────
//! ✗ expired for 3m                             │ 19:00:31 ✗ auto  invalid_grant: …
//! ```
//!
//! Countdowns are drawn from the moment of the frame; nothing is read for them.

mod details;
mod paint;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::command::{Command, Interest};
use crate::model::stacks::Target;
use crate::model::tokens::{RefreshCause, TokenId, TokenState, countdown};
use crate::state::tokens::Token;
use crate::state::{Revision, State};
use crate::tui::action::{Action, KeyContext};
use crate::tui::regions::WIDE;
use crate::tui::view::Effect;
use crate::tui::widgets::query::Query;
use crate::tui::widgets::window::Window;

/// Rows of the list over which details still make sense below it.
const PEEK: u16 = 5;
/// Rows that one notch of the wheel moves.
const WHEEL_ROWS: usize = 3;

/// What the list is ordered by; one key goes round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SortBy {
    #[default]
    Trouble,
    Expiry,
    Name,
}

impl SortBy {
    fn next(self) -> Self {
        match self {
            Self::Trouble => Self::Expiry,
            Self::Expiry => Self::Name,
            Self::Name => Self::Trouble,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Trouble => "trouble first",
            Self::Expiry => "by expiry",
            Self::Name => "by name",
        }
    }
}

/// Where the parts of the screen are.
#[derive(Clone, Copy, Debug, Default)]
struct Layout {
    heading: Rect,
    columns: Rect,
    list: Rect,
    details_heading: Rect,
    details: Rect,
}

/// Positions in the list of tokens.
#[derive(Debug, Default)]
pub struct TokensView {
    rows: Vec<TokenId>,
    window: Window,
    selected: Option<TokenId>,
    sort: SortBy,
    query: Query,
    /// Whether the details have the keys; on a narrow screen they have it all.
    in_details: bool,
    /// First line of the details that is seen.
    scroll: usize,
    /// What `rows` were built from.
    built: Option<Revision>,
    layout: Layout,
}

impl TokensView {
    /// Whether there is any row to act on.
    pub fn lists_any(&self) -> bool {
        !self.rows.is_empty()
    }

    pub fn contexts(&self) -> &'static [KeyContext] {
        &[KeyContext::Tokens, KeyContext::List, KeyContext::Global]
    }

    pub fn set_filter(&mut self, text: &str) {
        self.query.set(text);
        self.built = None;
    }

    pub fn filter(&self) -> &str {
        self.query.text()
    }

    pub fn interest(&self, _state: &State, _interest: &mut Interest) {}

    /// Whether a figure on it changes with the next second: something ends, or is tried, within a minute.
    pub fn counts_seconds(&self, state: &State, now: Timestamp) -> bool {
        let near =
            |at: Option<Timestamp>| at.is_some_and(|at| (at.as_second() - now.as_second()).abs() <= 61);
        let listed = self.rows.iter().skip(self.window.offset()).take(usize::from(self.layout.list.height));
        listed.chain(&self.selected).filter_map(|id| state.tokens.get(id)).any(|token| {
            near(token.expires_at())
                || near(token.expiring_at())
                || near(token.next_attempt)
                || near(Some(token.since))
                || near(token.read_at)
                || near(token.last_refresh().map(|refresh| refresh.at))
                || token.is_refreshing()
        })
    }

    pub fn sync(&mut self, state: &State, area: Rect) {
        if self.built != Some(state.tokens.revision) {
            self.built = Some(state.tokens.revision);
            let mut shown: Vec<&Token> = state.tokens.iter().filter(|token| self.shows(token)).collect();
            let end = |token: &Token| token.expires_at().unwrap_or(Timestamp::MAX);
            shown.sort_by(|a, b| match self.sort {
                SortBy::Trouble => (a.state, end(a), &a.id).cmp(&(b.state, end(b), &b.id)),
                SortBy::Expiry => (end(a), &a.id).cmp(&(end(b), &b.id)),
                SortBy::Name => a.id.cmp(&b.id),
            });
            self.rows = shown.into_iter().map(|token| token.id.clone()).collect();
        }
        self.layout = self.lay_out(area);
        let row = self.selected.as_ref().and_then(|id| self.rows.iter().position(|row| row == id));
        self.window.fit(self.rows.len(), usize::from(self.layout.list.height));
        if let Some(row) = row.filter(|row| *row != self.window.selected()) {
            self.window.select(row);
        }
        self.note();
    }

    fn lay_out(&self, area: Rect) -> Layout {
        let row = |y: u16| Rect { y: area.y + y, height: 1, ..area };
        if self.in_details && area.width < WIDE {
            let details = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
            return Layout { details_heading: row(0), details, ..Layout::default() };
        }
        let body = area.height.saturating_sub(2);
        let wanted = (self.rows.len() as u16).max(1);
        let most = if area.width >= WIDE { body / 2 } else { body.saturating_sub(PEEK + 1) };
        let height = wanted.min(most.max(3)).min(body);
        let list = Rect { y: area.y + 2, height, ..area };
        let below = body - height;
        if below < PEEK || self.rows.is_empty() {
            let list = Rect { height: body, ..list };
            return Layout { heading: row(0), columns: row(1), list, ..Layout::default() };
        }
        let details = Rect { y: list.bottom() + 1, height: below - 1, ..area };
        Layout { heading: row(0), columns: row(1), list, details_heading: row(2 + height), details }
    }

    fn shows(&self, token: &Token) -> bool {
        self.query.is_empty() || {
            let service = token.rule.service.as_deref().unwrap_or_default();
            let words = format!("{}/{} {service} {}", token.id.stack, token.id.name, token.state.word());
            self.query.lets_through(&words)
        }
    }

    /// Remembers the selected token by what stays of it.
    fn note(&mut self) {
        let now = self.rows.get(self.window.selected()).cloned();
        if now != self.selected {
            self.scroll = 0;
        }
        self.selected = now;
    }

    pub fn selected<'a>(&self, state: &'a State) -> Option<&'a Token> {
        state.tokens.get(self.selected.as_ref()?)
    }

    /// Goes back from the details to the list; whether there was something to leave.
    pub fn leave_details(&mut self) -> bool {
        let left = std::mem::take(&mut self.in_details);
        if left {
            self.scroll = 0;
        }
        left
    }

    pub fn handle(&mut self, action: Action, state: &State) -> Vec<Effect> {
        match action {
            Action::Sort => {
                self.sort = self.sort.next();
                self.built = None;
                return vec![Effect::Toast(format!("Tokens: {}", self.sort.words()))];
            }
            Action::Back => {
                if !self.leave_details() {
                    self.set_filter("");
                }
                return Vec::new();
            }
            Action::NextPane | Action::PreviousPane => {
                self.in_details = !self.in_details && self.selected.is_some();
                self.scroll = 0;
                return Vec::new();
            }
            _ if self.in_details && self.scroll_details(action) => return Vec::new(),
            _ => {}
        }
        if self.window.handle(action) {
            self.note();
            return Vec::new();
        }
        let Some(token) = self.selected(state) else { return Vec::new() };
        match action {
            Action::Open => self.in_details = true,
            Action::OpenDetails => {
                let target = match &token.rule.service {
                    Some(service) => {
                        Target::Service { stack: token.id.stack.clone(), service: service.clone() }
                    }
                    None => Target::Stack(token.id.stack.clone()),
                };
                return vec![Effect::OpenDetails { target, tab: None }];
            }
            Action::RefreshToken => {
                return match state.tokens.can_refresh(&token.id) {
                    Ok(()) => vec![Effect::Run(refresh(token))],
                    Err(why) => vec![Effect::Toast(why)],
                };
            }
            Action::Authorize => return authorize(token, state),
            Action::AutoRefresh => return toggle_auto(token),
            Action::CopyLine => return vec![copy(token)],
            Action::CopyAll => {
                let text = self.text(state);
                return vec![Effect::Copy { what: String::from("tokens"), text }];
            }
            Action::Save => {
                return vec![Effect::Save { name: String::from("tokens.txt"), text: self.text(state) }];
            }
            _ => {}
        }
        Vec::new()
    }

    fn scroll_details(&mut self, action: Action) -> bool {
        let page = usize::from(self.layout.details.height).saturating_sub(1).max(1);
        // Drawing stops at the last line; here only the beginning is a bound.
        self.scroll = match action {
            Action::MoveDown => self.scroll + 1,
            Action::MoveUp => self.scroll.saturating_sub(1),
            Action::PageDown => self.scroll + page,
            Action::PageUp => self.scroll.saturating_sub(page),
            Action::HalfPageDown => self.scroll + page.div_ceil(2),
            Action::HalfPageUp => self.scroll.saturating_sub(page.div_ceil(2)),
            Action::First => 0,
            _ => return false,
        }
        .min(200);
        true
    }

    pub fn click(&mut self, column: u16, row: u16, _state: &State) -> Vec<Effect> {
        if self.layout.list.contains((column, row).into()) {
            self.in_details = false;
            if let Some(row) = self.window.row_at(self.layout.list, row) {
                self.window.select(row);
                self.note();
            }
        } else if self.layout.details.contains((column, row).into()) {
            self.in_details = true;
        }
        Vec::new()
    }

    pub fn wheel(&mut self, column: u16, row: u16, down: bool, _state: &State) {
        let action = if down { Action::MoveDown } else { Action::MoveUp };
        for _ in 0..WHEEL_ROWS {
            if self.layout.details.contains((column, row).into()) {
                self.scroll_details(action);
            } else {
                self.window.handle(action);
            }
        }
        self.note();
    }

    /// Writes the list as text.
    fn text(&self, state: &State) -> String {
        let mut text = String::new();
        for token in self.rows.iter().filter_map(|id| state.tokens.get(id)) {
            let end = token.expires_at().map_or_else(|| String::from("-"), |end| end.to_string());
            let word = token.state.word();
            let _ = writeln!(text, "{word}\t{}/{}\t{end}", token.id.stack, token.id.name);
        }
        text
    }
}

fn refresh(token: &Token) -> Command {
    Command::RefreshToken { token: token.id.clone(), by: RefreshCause::Operator }
}

/// Asks whether an address for a browser is to be got.
fn authorize(token: &Token, state: &State) -> Vec<Effect> {
    if let Err(why) = state.tokens.can_authorize(&token.id) {
        return vec![Effect::Toast(why)];
    }
    let mut lines: Vec<String> = token.reason().map(str::to_owned).into_iter().collect();
    lines.extend(token.rule.authorize_words().map(|words| format!("by {words}")));
    lines.push(String::from(
        "You get an address to open in a browser; nothing changes before you approve there",
    ));
    let question = format!("Authorize {}/{} anew?", token.id.stack, token.id.name);
    vec![Effect::Confirm { question, lines, commands: vec![Command::Authorize(token.id.clone())] }]
}

fn toggle_auto(token: &Token) -> Vec<Effect> {
    let (id, on) = (token.id.clone(), !token.auto_refresh);
    if token.rule.refresh.is_none() {
        let words = format!("{}: its rule in stackdash.toml says no refresh", id.name);
        return vec![Effect::Toast(words)];
    }
    let words = if on {
        format!("{}: stackdash refreshes it by itself, until it ends", id.name)
    } else {
        format!("{}: stackdash leaves it alone, until it ends", id.name)
    };
    vec![Effect::Run(Command::SetAutoRefresh { token: id, on }), Effect::Toast(words)]
}

fn copy(token: &Token) -> Effect {
    let fingerprint = token.reading.as_ref().map_or("", |reading| &*reading.fingerprint);
    let text = format!("{}/{} {fingerprint}", token.id.stack, token.id.name);
    Effect::Copy { what: String::from("name and fingerprint"), text: text.trim_end().to_owned() }
}

/// Asks whether the token that needs it most is to be refreshed.
pub fn refresh_worst(state: &State, now: Timestamp) -> Vec<Effect> {
    let Some(token) = state.tokens.worst_refreshable() else {
        let words = if state.tokens.is_empty() {
            "No stack has a token; [[token]] in its stackdash.toml adds one"
        } else if state.tokens.iter().any(Token::is_refreshing) {
            "A refresh is under way already"
        } else {
            "No token's rule says how to refresh it"
        };
        return vec![Effect::Toast(String::from(words))];
    };
    let mut lines = vec![standing(token, now)];
    lines.extend(token.reason().map(str::to_owned));
    lines.extend(token.rule.refresh_words().map(|words| format!("by {words}")));
    let question = format!("Refresh the token {}/{} now?", token.id.stack, token.id.name);
    vec![Effect::Confirm { question, lines, commands: vec![refresh(token)] }]
}

/// Says how it stands and when it ends: `expiring, expires in 4m`.
pub fn standing(token: &Token, now: Timestamp) -> String {
    let end = match (token.expires_at(), token.state) {
        (None, TokenState::Valid) => String::from(", never expires"),
        (None, _) => String::new(),
        (Some(end), TokenState::Expired) => return format!("expired {}", countdown(end, now)),
        (Some(end), _) if end <= now => format!(", expired {}", countdown(end, now)),
        (Some(end), _) => format!(", expires {}", countdown(end, now)),
    };
    format!("{}{end}", token.state.word())
}
