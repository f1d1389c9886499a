//! Everything that is known of one token, in lines; never its value.

use jiff::Timestamp;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::model::stacks::{age, duration_words};
use crate::model::tokens::{TokenState, countdown};
use crate::state::tokens::Token;
use crate::tui::action::Action;
use crate::tui::paint::{cut_end, wrap};
use crate::tui::theme::Theme;
use crate::tui::view::Context;
use crate::tui::views::details::fields::{LABEL, field, moment, section, sentences, zone};
use crate::tui::views::tokens::paint::{color, life_left, mark, word};

/// A clock that is off by less is not worth a word.
const CLOCK_MS: i128 = 2000;

/// Returns how it stands, what to do, and where all of that comes from.
pub fn facts<'a>(token: &Token, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let style = color(token, theme);
    let mut lines = vec![Line::from(vec![
        Span::styled(format!("{} {}", mark(token, theme), word(token)), style),
        Span::styled(format!(" for {}", age(token.since, cx.now)), theme.text),
    ])];
    if let Some(reason) = token.reason() {
        let style = if token.is_stale() { theme.warning } else { style };
        lines.extend(sentences(reason, style, room));
    }
    if let Some(advice) = advice(token, cx) {
        lines.extend(sentences(&advice, theme.muted, room));
    }
    lines.push(Line::default());
    lines.extend(life(token, room, cx));
    let mut add = |label: &str, words: &str, style: Style| {
        if !words.is_empty() {
            lines.extend(field(label, words, style, room, cx));
        }
    };
    let reading = token.reading.as_ref();
    match (token.expires_at(), reading) {
        (Some(end), _) => {
            add("expires", &format!("{} ({})", both_zones(end), countdown(end, cx.now)), theme.strong);
            let from = token.expiring_at().filter(|at| *at > cx.now);
            let from = from.map_or_else(String::new, |at| format!(", expiring {}", countdown(at, cx.now)));
            add("buffer", &format!("{}{from}", duration_words(token.buffer().as_secs())), theme.text);
        }
        (None, Some(_)) => add("expires", "never, as far as its source says", theme.text),
        (None, None) => {}
    }
    if let Some(issued) = reading.and_then(|reading| reading.issued_at) {
        add("issued", &moment(issued, cx.now), theme.text);
    }
    let refresh = token.rule.refresh_words().unwrap_or_else(|| String::from("none in its rule"));
    add("refresh", &refresh, theme.text);
    add("auto", &auto_words(token, cx), theme.text);
    add("authorize", &token.rule.authorize_words().unwrap_or_default(), theme.text);
    add("service", token.rule.service.as_deref().unwrap_or_default(), theme.text);
    add("source", &token.rule.source_words(), theme.text);
    if let Some(read) = token.read_at {
        let stale = if token.is_stale() { ", stale since: the last attempt failed" } else { "" };
        let style = if token.is_stale() { theme.warning } else { theme.text };
        add("read", &format!("{} ago{stale}", age(read, cx.now)), style);
    }
    if let Some(reading) = reading {
        add("fingerprint", &reading.fingerprint, theme.text);
        for (label, words) in &reading.facts {
            add(&cut_end(label, 11, theme.ascii), words, theme.text);
        }
    }
    // A container has the clock of its engine's machine; an endpoint tells its own.
    let engine = cx.state.connection.info.as_ref().and_then(|info| info.clock_ahead);
    let engine = engine.filter(|_| token.rule.read.is_inside());
    let ahead = token.clock_ahead.map(|ahead| (ahead, "source")).or(engine.map(|ahead| (ahead, "engine")));
    if let Some((ahead, whose)) = ahead.filter(|(ahead, _)| ahead.as_millis().abs() > CLOCK_MS) {
        let side = if ahead.is_negative() { "behind" } else { "ahead of" };
        let words = format!("the {whose}'s is {} {side} ours", duration_words(ahead.as_secs().abs()));
        add("clock", &words, theme.warning);
    }
    lines
}

/// Draws what is left of its life, with a mark where its buffer begins.
fn life<'a>(token: &Token, room: u16, cx: &Context<'_>) -> Option<Line<'a>> {
    let theme = cx.theme;
    // A share of a life that nobody knows the beginning of would be a guess.
    token.reading.as_ref()?.issued_at?;
    let (left, buffer) = life_left(token, cx)?;
    let wide = usize::from(room.saturating_sub(LABEL + 10).clamp(8, 40));
    let (full, empty, tick) = if theme.ascii { ("#", "-", "|") } else { ("━", "─", "┃") };
    let filled = ((left * wide as f64).round() as usize).clamp(usize::from(left > 0.0), wide);
    let mark = (buffer * wide as f64).round() as usize;
    let cell = |at: usize| match at {
        at if at == mark && mark > 0 => Span::styled(tick, theme.warning),
        at if at < filled => Span::styled(full, color(token, theme)),
        _ => Span::styled(empty, theme.gauge_empty),
    };
    let label = Span::styled(format!("{:<width$}", "life", width = usize::from(LABEL)), theme.muted);
    let figure = Span::styled(format!("  {:.0}% left", left * 100.0), theme.muted);
    Some(std::iter::once(label).chain((0..wide).map(cell)).chain([figure]).collect())
}

/// Says what to do next, where there is something to do.
fn advice(token: &Token, cx: &Context<'_>) -> Option<String> {
    let key = cx.keymap.named(Action::RefreshToken);
    let can = token.rule.refresh.is_some() && !cx.state.read_only;
    // One that can be refreshed is refreshed first.
    let can_authorize = token.rule.authorize.is_some()
        && !cx.state.read_only
        && (token.state == TokenState::Rejected || token.rule.refresh.is_none());
    let words = match token.state {
        TokenState::Refreshing => String::from("Waits for the answer, then reads the source again"),
        _ if token.is_unread() => String::from("Waits for the first answer of its source"),
        TokenState::Rejected | TokenState::Missing | TokenState::Expired if can_authorize => {
            format!(
                "{} authorizes it anew: an address to open in a browser",
                cx.keymap.named(Action::Authorize)
            )
        }
        TokenState::Rejected => format!(
            "The same will be refused again: authorize anew at {}, then {key}",
            token.rule.service.as_deref().unwrap_or("its issuer")
        ),
        TokenState::Missing => {
            String::from("Check name and path in its rule, and whether the service wrote it")
        }
        TokenState::Unreadable => String::from("It is read again by itself, ever more rarely while it fails"),
        TokenState::Expired | TokenState::Expiring if can && token.auto_refresh => {
            format!("stackdash refreshes it by itself; {key} does it now")
        }
        TokenState::Expired | TokenState::Expiring if can => format!("{key} refreshes it now"),
        TokenState::Expired | TokenState::Expiring if token.rule.refresh.is_none() => {
            String::from("Its service has to renew it: the rule in stackdash.toml says no refresh")
        }
        TokenState::Expired | TokenState::Expiring | TokenState::Valid => return None,
    };
    Some(words)
}

fn auto_words(token: &Token, cx: &Context<'_>) -> String {
    let key = cx.keymap.named(Action::AutoRefresh);
    match (token.rule.refresh.is_some(), token.auto_refresh) {
        (false, _) => String::new(),
        (true, false) => format!("off; {key} switches it on"),
        (true, true) => match token.next_attempt.filter(|_| !token.is_refreshing()) {
            Some(at) => format!("on, next attempt {}", countdown(at.max(cx.now), cx.now)),
            None => String::from("on"),
        },
    }
}

/// Writes local time and UTC, once where they are the same.
fn both_zones(at: Timestamp) -> String {
    let local = at.to_zoned(zone());
    let utc = at.strftime("%Y-%m-%d %H:%M:%S UTC");
    if local.offset().is_zero() {
        return utc.to_string();
    }
    format!("{}, {}", local.strftime("%Y-%m-%d %H:%M:%S"), at.strftime("%H:%M:%S UTC"))
}

/// Returns the refreshes, newest first.
pub fn history<'a>(token: &Token, room: u16, titled: bool, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let mut lines = Vec::new();
    if titled {
        lines.extend(section("Refreshes", cx));
    }
    if token.history.is_empty() {
        lines.push(Line::styled("none seen yet", theme.faint));
    }
    for refresh in token.history.iter().rev() {
        let local = refresh.at.to_zoned(zone());
        let today = local.date() == cx.now.to_zoned(zone()).date();
        let time = local.strftime(if today { "%H:%M:%S" } else { "%b %d  " }).to_string();
        let (mark, style) = outcome(refresh.ok, theme);
        let words = wrap(&refresh.detail, room.saturating_sub(21));
        for (row, part) in words.into_iter().enumerate() {
            let detail = Span::styled(part, if refresh.ok { theme.text } else { style });
            lines.push(if row == 0 {
                Line::from(vec![
                    Span::styled(format!("{time:<9}"), theme.muted),
                    Span::styled(format!("{mark} "), style),
                    Span::styled(format!("{:<10}", refresh.by.word()), theme.muted),
                    detail,
                ])
            } else {
                Line::from(vec![Span::raw(" ".repeat(21)), detail])
            });
        }
    }
    lines
}

/// Returns mark and color of what a refresh came to.
pub fn outcome(ok: bool, theme: &Theme) -> (&'static str, Style) {
    match (ok, theme.ascii) {
        (true, false) => ("✓", theme.good),
        (true, true) => ("+", theme.good),
        (false, false) => ("✗", theme.error),
        (false, true) => ("x", theme.error),
    }
}
