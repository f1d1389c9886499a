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

/// Columns of a line that are worth showing beside a toast.
const LEAST_BESIDE: u16 = 12;
/// Columns and lines of a toast at most.
const TOAST_WIDEST: u16 = 96;
const TOAST_LINES: usize = 3;

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

/// Draws toasts near the foot of the body, the newest lowest. The last line stays free: there logs say
/// whether they follow.
pub fn draw_toasts(area: Rect, buf: &mut Buffer, toasts: &[Toast], theme: &Theme) {
    let mut bottom = area.bottom().saturating_sub(1);
    // More would hide what they speak of.
    let least = area.y + area.height / 2;
    for toast in toasts.iter().rev() {
        let room = area.width.saturating_sub(4).min(TOAST_WIDEST);
        let mut lines = wrap(&toast.text, room);
        if lines.len() > TOAST_LINES {
            // The last line is cut at its own edge, with what would have followed.
            let rest = lines.split_off(TOAST_LINES - 1).join(" ");
            lines.push(cut_end(&rest, room, theme.ascii).into_owned());
        }
        let Some(top) = bottom.checked_sub(lines.len() as u16).filter(|top| *top > least) else { break };
        let longest = lines.iter().map(|line| width(line)).max().unwrap_or(0);
        let wide = (longest + 3).min(area.width);
        let face = Rect { x: area.right() - wide, y: top, width: wide, height: lines.len() as u16 };
        // What would be left of the line beneath is a gap, or too little to be read.
        let rest = face.x - area.x;
        let gap = if rest < LEAST_BESIDE { rest } else { 1 };
        let beside = Rect { x: face.x - gap, width: gap, ..face };
        Clear.render(face.union(beside), buf);
        buf.set_style(beside, theme.text);
        buf.set_style(face, theme.bar);
        let side = if theme.ascii { "|" } else { "▌" };
        let style = on(theme.bar, theme.severity(toast.severity));
        for (line, y) in lines.iter().zip(top..) {
            put(buf, face.x, y, 1, side, style);
            put(buf, face.x + 2, y, wide - 2, line, style);
        }
        bottom = top;
    }
}
