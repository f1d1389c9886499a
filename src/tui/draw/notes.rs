//! Words in place of a screen (connecting, refused) and words over it (toasts).

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use crate::ports::EngineError;
use crate::tui::action::Action;
use crate::tui::draw::header::countdown;
use crate::tui::paint::{cut_end, on, put, width, wrap};
use crate::tui::theme::Theme;
use crate::tui::ui::{Toast, Ui};
use crate::tui::view::Context;

pub fn draw_connecting(area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let connection = &cx.state.connection;
    let doing = if connection.is_up() { "Reading the containers of" } else { "Connecting to" };
    let words = format!("{doing} {}", connection.host);
    let x = area.x + area.width.saturating_sub(width(&words)) / 2;
    put(buf, x, area.y + area.height / 3, area.right().saturating_sub(x), &words, cx.theme.muted);
}

/// Says which endpoint, why not, what to do, and when it is tried again.
pub fn draw_refused(
    area: Rect,
    buf: &mut Buffer,
    error: &EngineError,
    retry_at: Timestamp,
    ui: &Ui,
    cx: &Context<'_>,
) {
    let theme = cx.theme;
    let wide = area.width.saturating_sub(8).min(84);
    let x = area.x + (area.width - wide) / 2;
    let mut lines: Vec<(String, Style)> = Vec::new();
    lines.push((String::from("No engine answers"), theme.error));
    lines.push((String::new(), theme.text));
    let mut add = |text: &str, style: Style| {
        lines.extend(wrap(text, wide).into_iter().map(|line| (line, style)));
    };
    add(&format!("at {}", cx.state.connection.host), theme.strong);
    add(&error.to_string(), theme.text);
    add("", theme.text);
    add(error.advice(), theme.text);
    add("", theme.text);
    let retry = ui.keymap.hint(Action::Reconnect);
    let quit = ui.keymap.hint(Action::Quit);
    let log = ui.keymap.hint(Action::ShowDiagnostics);
    add(&format!("Retrying in {}", countdown(retry_at, cx)), theme.muted);
    add(&format!("{retry} tries now, {log} shows what happened, {quit} quits"), theme.muted);
    let top = area.y + area.height.saturating_sub(lines.len() as u16) / 3;
    for (row, (line, style)) in lines.iter().enumerate() {
        let y = top + row as u16;
        if y < area.bottom() {
            put(buf, x, y, wide, line, *style);
        }
    }
}

/// Draws toasts at the foot of the body, the newest lowest.
pub fn draw_toasts(area: Rect, buf: &mut Buffer, toasts: &[Toast], theme: &Theme) {
    for (above, toast) in toasts.iter().rev().enumerate() {
        let Some(y) = area.bottom().checked_sub(1 + above as u16).filter(|y| *y > area.y) else { break };
        let text = format!(" {} ", cut_end(&toast.text, area.width.saturating_sub(6), theme.ascii));
        let wide = width(&text) + 1;
        let line = Rect { x: area.right().saturating_sub(wide + 1), y, width: wide, height: 1 };
        Clear.render(line, buf);
        buf.set_style(line, theme.bar);
        let side = if theme.ascii { "|" } else { "▌" };
        put(buf, line.x, y, 1, side, on(theme.bar, theme.severity(toast.severity)));
        put(buf, line.x + 1, y, wide - 1, &text, on(theme.bar, theme.severity(toast.severity)));
    }
}
