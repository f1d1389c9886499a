//! Drawing the list of tokens: one row each, as much of it as the width allows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::model::stacks::{age, duration_words};
use crate::model::tokens::countdown;
use crate::state::tokens::Token;
use crate::tui::action::Action;
use crate::tui::paint::{cut_end, glyphs, put, put_right, wall, width};
use crate::tui::regions::WIDE;
use crate::tui::theme::Theme;
use crate::tui::view::Context;
use crate::tui::views::details::fields::draw_line;
use crate::tui::views::notice::Notice;
use crate::tui::views::tokens::{TokensView, details};
use crate::tui::widgets::{bar, heading, window};

/// Mark and word.
const STATE: u16 = 12;
/// `in 23h 59m`.
const EXPIRES: u16 = 11;
const BUFFER: u16 = 7;
const AUTO: u16 = 7;

/// Columns by the width of the screen; zero: left out.
struct Columns {
    name: u16,
    service: u16,
    bar: u16,
    buffer: u16,
    auto: u16,
    lately: u16,
}

impl Columns {
    fn of(room: u16, longest_name: u16, longest_service: u16) -> Self {
        let bar = match room {
            0..=71 => 8,
            72..=119 => 10,
            120..=159 => 16,
            _ => 28,
        };
        let (buffer, auto) = if room >= 72 { (BUFFER, AUTO) } else { (0, 0) };
        let gap = |wide: u16| if wide > 0 { wide + 2 } else { 0 };
        let fixed = 1 + STATE + 2 + EXPIRES + 2 + bar + gap(buffer) + gap(auto);
        let service = if room >= WIDE { longest_service.clamp(7, 16) } else { 0 };
        let left = room.saturating_sub(fixed + gap(service));
        let name = longest_name.max(12).min(if room >= WIDE { left / 2 } else { left.saturating_sub(1) });
        let lately = left.saturating_sub(name + 3);
        Self { name, service, bar, buffer, auto, lately: if lately >= 12 { lately } else { 0 } }
    }
}

impl TokensView {
    pub fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        if area.width < 40 || area.height < 6 {
            return;
        }
        if self.layout.heading.height > 0 {
            self.draw_heading(buf, cx);
            if self.rows.is_empty() {
                let rest = Rect { y: area.y + 1, height: area.height - 1, ..area };
                self.why_empty(cx).draw(rest, buf, cx.theme);
            } else {
                self.draw_rows(buf, cx);
            }
        }
        if self.layout.details.height > 0
            && let Some(token) = self.selected(cx.state)
        {
            self.draw_details(buf, token, cx);
        }
        if cx.stale {
            buf.set_style(area, cx.theme.stale);
        }
    }

    fn draw_heading(&self, buf: &mut Buffer, cx: &Context<'_>) {
        let theme = cx.theme;
        let trouble = cx.state.tokens.iter().filter(|token| token.is_worry(&cx.state.containers)).count();
        let mut left = vec![Span::styled(self.rows.len().to_string(), theme.muted)];
        if trouble > 0 {
            left.push(Span::styled(format!(", {trouble} in trouble"), theme.warning));
        }
        if !self.query.is_empty() {
            left.push(Span::styled(format!("  /{}", self.query.text()), theme.text));
        }
        if self.rows.is_empty() && self.query.is_empty() {
            left.clear();
        }
        let right = if self.rows.len() > 1 { self.sort.words() } else { "" };
        let right = Line::styled(right, theme.muted);
        let focused = cx.focused && !self.in_details;
        heading::draw(self.layout.heading, buf, "Tokens", &Line::from(left), &right, focused, theme);
    }

    fn why_empty(&self, cx: &Context<'_>) -> Notice {
        if !self.query.is_empty() {
            return Notice::new(format!("No token matches /{}", self.query.text()))
                .advise(format!("{} clears the filter", cx.keymap.named(Action::Back)));
        }
        if !cx.state.tokens.is_empty() || cx.state.stack_files.is_reading() {
            return Notice::new("Reading the tokens of your stacks");
        }
        Notice::new("No stack has a token to watch")
            .advise(
                "An OAuth token, a JWT or a certificate: write into stackdash.toml beside the compose file",
            )
            .advise("")
            .advise("[[token]]")
            .advise("name = \"cloud\"")
            .advise("service = \"gateway\"")
            .advise("read = { file = \"/data/config.json\" }")
            .advise("expires = \"token_expires_at\"")
            .advise("")
            .advise("It is seen at once, with a countdown; buffer and refresh keep it alive")
    }

    fn draw_rows(&self, buf: &mut Buffer, cx: &Context<'_>) {
        let list = self.layout.list;
        let all = || self.rows.iter().filter_map(|id| cx.state.tokens.get(id));
        let only = cx.state.only_stack();
        let stack = |token: &Token| stack_shown(token, only).map_or(0, |stack| width(stack) + 1);
        let names = all().map(|token| stack(token) + width(&token.id.name)).max();
        let services = all().filter_map(|token| token.rule.service.as_deref()).map(width).max();
        let columns = Columns::of(list.width - 1, names.unwrap_or(0), services.unwrap_or(0));
        draw_titles(self.layout.columns, buf, &columns, cx.theme);
        let visible = self.window.visible();
        for (y, row) in (list.y..list.bottom()).zip(visible.clone()) {
            let Some(token) = cx.state.tokens.get(&self.rows[row]) else { continue };
            let area = Rect { y, height: 1, width: list.width - 1, ..list };
            draw_row(area, buf, token, &columns, cx);
            if row == self.window.selected() {
                let theme = cx.theme;
                let focused = cx.focused && !self.in_details;
                buf.set_style(area, if focused { theme.selection } else { theme.selection_unfocused });
            }
        }
        let bar = Rect { x: list.right() - 1, width: 1, ..list };
        window::draw_scrollbar(bar, buf, visible, self.rows.len(), cx.theme);
    }

    fn draw_details(&self, buf: &mut Buffer, token: &Token, cx: &Context<'_>) {
        let theme = cx.theme;
        let area = self.layout.details;
        let title = format!("{}/{}", token.id.stack, token.id.name);
        let title = cut_end(&title, area.width / 2, theme.ascii);
        let focused = cx.focused && self.in_details;
        let line = self.layout.details_heading;
        heading::draw(line, buf, &title, &Line::default(), &Line::default(), focused, theme);
        let inside = Rect { x: area.x + 1, width: area.width - 2, ..area };
        if area.width < WIDE {
            let mut lines = details::facts(token, inside.width, cx);
            lines.extend(details::history(token, inside.width, true, cx));
            self.draw_lines(inside, buf, &lines, cx.theme);
            return;
        }
        let left = Rect { width: inside.width * 55 / 100, ..inside };
        let x = left.right() + 1;
        let right = Rect { x: x + 2, width: inside.right() - x - 2, ..inside };
        wall(buf, Rect { x, width: 1, ..area }, glyphs(theme.ascii).wall, theme.border);
        put(buf, x, line.y, 1, glyphs(theme.ascii).tee_down, theme.border);
        put(buf, x + 1, line.y, 11, " Refreshes ", theme.title);
        self.draw_lines(left, buf, &details::facts(token, left.width, cx), theme);
        self.draw_lines(right, buf, &details::history(token, right.width, false, cx), theme);
    }

    fn draw_lines(&self, area: Rect, buf: &mut Buffer, lines: &[Line<'_>], theme: &Theme) {
        let hidden = lines.len().saturating_sub(usize::from(area.height));
        let from = if self.in_details { self.scroll.min(hidden) } else { 0 };
        for (y, line) in (area.y..area.bottom()).zip(&lines[from..]) {
            draw_line(Rect { y, height: 1, ..area }, buf, line, 0);
        }
        if hidden > from {
            let more = format!(" {} {} more ", glyphs(theme.ascii).down, hidden - from);
            put_right(buf, area.x, area.bottom() - 1, area.width, &more, theme.faint);
        }
    }
}

fn draw_titles(area: Rect, buf: &mut Buffer, columns: &Columns, theme: &Theme) {
    let (y, style) = (area.y, theme.faint);
    let mut x = area.x + 1;
    put(buf, x + 2, y, STATE, "STATE", style);
    x += STATE + 1;
    put(buf, x, y, columns.name, "TOKEN", style);
    x += columns.name + 1;
    if columns.service > 0 {
        put(buf, x + 1, y, columns.service, "SERVICE", style);
        x += columns.service + 2;
    }
    put_right(buf, x, y, EXPIRES, "EXPIRES", style);
    x += EXPIRES + 2 + columns.bar;
    if columns.buffer > 0 {
        put_right(buf, x + 2, y, columns.buffer, "BUFFER", style);
        x += columns.buffer + 2;
        put(buf, x + 2, y, columns.auto, "AUTO", style);
        x += columns.auto + 2;
    }
    if columns.lately > 0 {
        put(buf, x + 2, y, columns.lately, "LATELY", style);
    }
}

fn draw_row(area: Rect, buf: &mut Buffer, token: &Token, columns: &Columns, cx: &Context<'_>) {
    let theme = cx.theme;
    let y = area.y;
    let style = color(token, theme);
    let mut x = area.x + 1;
    put(buf, x, y, 2, mark(token, theme), style);
    put(buf, x + 2, y, STATE - 2, word(token), style);
    x += STATE + 1;
    draw_name((x, y), columns.name, buf, token, cx);
    x += columns.name + 1;
    if columns.service > 0 {
        let service = token.rule.service.as_deref().unwrap_or(glyphs(theme.ascii).none);
        put(buf, x + 1, y, columns.service, &cut_end(service, columns.service, theme.ascii), theme.muted);
        x += columns.service + 2;
    }
    let (words, words_style) = expiry(token, cx);
    put_right(buf, x, y, EXPIRES, &words, words_style);
    x += EXPIRES + 2;
    if let Some((ratio, _)) = life_left(token, cx) {
        bar::draw_in(Rect { x, y, width: columns.bar, height: 1 }, buf, ratio, style, theme);
    }
    x += columns.bar;
    if columns.buffer > 0 {
        let buffer = if token.expires_at().is_some() {
            duration_words(token.buffer().as_secs())
        } else {
            glyphs(theme.ascii).none.to_owned()
        };
        put_right(buf, x + 2, y, columns.buffer, &buffer, theme.muted);
        x += columns.buffer + 2;
        let (words, style) = auto(token, cx);
        put(buf, x + 2, y, columns.auto, &words, style);
        x += columns.auto + 2;
    }
    if columns.lately > 0 {
        draw_lately(Rect { x: x + 2, y, width: columns.lately, height: 1 }, buf, token, cx);
    }
}

/// Returns the stack of a token where its name tells anything apart.
fn stack_shown<'a>(token: &'a Token, only: Option<&str>) -> Option<&'a str> {
    Some(&*token.id.stack).filter(|stack| only != Some(stack))
}

/// Draws `stack/name`: the name is what one looks for, so the stack gives way first.
fn draw_name((x, y): (u16, u16), room: u16, buf: &mut Buffer, token: &Token, cx: &Context<'_>) {
    let theme = cx.theme;
    let Some(stack) = stack_shown(token, cx.state.only_stack()) else {
        put(buf, x, y, room, &cut_end(&token.id.name, room, theme.ascii), theme.strong);
        return;
    };
    let name = cut_end(&token.id.name, room, theme.ascii);
    let for_stack = room.saturating_sub(width(&name) + 1);
    let whole = width(stack) <= for_stack;
    let stack = cut_end(stack, for_stack, theme.ascii);
    let x = if for_stack >= 3 || whole {
        let x = put(buf, x, y, for_stack, &stack, theme.muted);
        put(buf, x, y, 1, "/", theme.muted)
    } else {
        x
    };
    put(buf, x, y, room, &name, theme.strong);
}

pub(super) fn mark(token: &Token, theme: &Theme) -> &'static str {
    if token.is_unread() && !token.is_refreshing() {
        glyphs(theme.ascii).dot
    } else {
        theme.token_mark(token.state)
    }
}

pub(super) fn word(token: &Token) -> &'static str {
    if token.is_unread() && !token.is_refreshing() { "reading" } else { token.state.word() }
}

pub(super) fn color(token: &Token, theme: &Theme) -> Style {
    if token.is_unread() && !token.is_refreshing() { theme.muted } else { theme.token(token.state) }
}

/// Says when it ends; what could not be confirmed steps back, with a question mark.
fn expiry(token: &Token, cx: &Context<'_>) -> (String, Style) {
    let theme = cx.theme;
    let words = match (token.expires_at(), &token.reading) {
        (Some(end), _) => countdown(end, cx.now),
        (None, Some(_)) => String::from("never"),
        (None, None) => glyphs(theme.ascii).none.to_owned(),
    };
    if token.is_stale() {
        return (format!("{words}?"), theme.muted);
    }
    let style = if token.expires_at().is_some() { theme.strong } else { theme.muted };
    (words, style)
}

/// Returns how much of its life is left, and how much of it is its buffer (0 to 1). Where nobody says when it was issued, ten buffers are a life.
pub(super) fn life_left(token: &Token, cx: &Context<'_>) -> Option<(f64, f64)> {
    let end = token.expires_at()?;
    let issued = token.reading.as_ref().and_then(|reading| reading.issued_at).filter(|issued| *issued < end);
    let life = match issued {
        Some(issued) => end.duration_since(issued).as_secs_f64(),
        None => token.buffer().as_secs_f64() * 10.0,
    };
    let left = end.duration_since(cx.now).as_secs_f64().max(0.0);
    let part = |span: f64| if life > 0.0 { (span / life).clamp(0.0, 1.0) } else { 0.0 };
    Some((part(left), part(token.buffer().as_secs_f64())))
}

fn auto(token: &Token, cx: &Context<'_>) -> (String, Style) {
    let theme = cx.theme;
    if token.rule.refresh.is_none() {
        return (glyphs(theme.ascii).none.to_owned(), theme.faint);
    }
    if !token.auto_refresh {
        return (String::from("off"), theme.muted);
    }
    let soon = token.next_attempt.filter(|at| at.duration_since(cx.now).as_mins() < 60);
    match soon.filter(|_| !token.is_refreshing()) {
        Some(at) if at > cx.now => (countdown(at, cx.now), theme.text),
        Some(_) => (String::from("now"), theme.text),
        None => (String::from("on"), theme.text),
    }
}

/// Says why it stands as it does, or how the last refresh went.
fn draw_lately(area: Rect, buf: &mut Buffer, token: &Token, cx: &Context<'_>) {
    let theme = cx.theme;
    if let Some(reason) = token.reason() {
        let stale = if token.is_stale() { "stale: " } else { "" };
        let words = format!("{stale}{reason}");
        let style = if token.is_stale() { theme.warning } else { color(token, theme) };
        put(buf, area.x, area.y, area.width, &cut_end(&words, area.width, theme.ascii), style);
        return;
    }
    let Some(refresh) = token.last_refresh() else { return };
    let (mark, style) = details::outcome(refresh.ok, theme);
    let x = put(buf, area.x, area.y, 2, mark, style) + 1;
    let words = format!("{} ago by {}: {}", age(refresh.at, cx.now), refresh.by.word(), refresh.detail);
    let room = area.right().saturating_sub(x);
    let style = if refresh.ok { theme.muted } else { theme.error };
    put(buf, x, area.y, room, &cut_end(&words, room, theme.ascii), style);
}
