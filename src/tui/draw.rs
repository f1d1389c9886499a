//! The root of every frame: regions → header, screen, footer → popups.
//!
//! ```text
//! ● lab01 docker 20.10.24   stacks 4/5 up   ✗ energy/questdb failed 2m, 2 more   cpu ▁▂▅ 28%  17:29
//! ✗ failed     energy/questdb      exit code 137 (SIGKILL), out of memory            2m   l logs
//! ◌ blocked    assistant/api       waits for migrations: completed (running for 4s)  4s   d details
//! ── Stacks · by state ────────────────────┬── energy/questdb ─────────────────────────────────────
//!  NAME            STATE       FOR   CPU   │ Overview Health Usage Logs Env Mounts …
//! ▾ energy 2/3   ✗ failed           1.6%   │ ✗ failed for 2m
//!     …                                    │ …
//!  Enter open  l logs  r restart  / filter  ? help               1 Stacks  2 Logs  5 Events  6 Host
//! ```

pub mod footer;
pub mod header;
pub mod notes;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use crate::state::State;
use crate::state::connection::Link;
use crate::tui::paint::put;
use crate::tui::popups::Popup;
use crate::tui::regions::{Regions, SMALLEST, is_too_small};
use crate::tui::ui::Ui;
use crate::tui::view::{Context, Screen};

/// Draws everything. A pure function of the state, the positions, the size and the moment.
pub fn draw(area: Rect, buf: &mut Buffer, ui: &Ui, state: &State, now: Timestamp) {
    let cx = ui.context(state, now);
    draw_all(area, buf, ui, &cx);
    if cx.theme.ascii {
        spell_in_ascii(area, buf);
    }
}

/// Names and logs may bring letters that an ASCII terminal cannot show.
fn spell_in_ascii(area: Rect, buf: &mut Buffer) {
    for position in area.positions() {
        let cell = &mut buf[position];
        if !cell.symbol().is_ascii() {
            let twin = match cell.symbol() {
                "…" => "~",
                "·" | "–" | "—" | "─" => "-",
                "│" => "|",
                "→" => ">",
                _ => "?",
            };
            cell.set_symbol(twin);
        }
    }
}

fn draw_all(area: Rect, buf: &mut Buffer, ui: &Ui, cx: &Context<'_>) {
    buf.set_style(area, cx.theme.text);
    if is_too_small(area) {
        let words =
            format!("stackdash needs {}x{}, this is {}x{}", SMALLEST.0, SMALLEST.1, area.width, area.height);
        put(buf, area.x, area.y, area.width, &words, cx.theme.text);
        return;
    }
    let regions = Regions::of(area);
    header::draw(regions.header, buf, ui, cx);
    draw_body(regions.body, buf, ui, cx);
    footer::draw(regions.footer, buf, ui, cx);
    notes::draw_toasts(regions.body, buf, &ui.toasts, cx.theme);
    for popup in &ui.popups {
        if !matches!(popup, Popup::Input(_)) {
            // What lies below steps back.
            fade(regions.body, buf, cx);
        }
        popup.draw(area, buf, &ui.keymap, cx.theme);
    }
}

/// Lets what lies there step back. Many terminals make little of "dim", so true colors are mixed with the
/// background by ourselves.
fn fade(area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let Some(Color::Rgb(r, g, b)) = cx.theme.text.bg else {
        buf.set_style(area, cx.theme.stale);
        return;
    };
    // 45 parts of the color, 55 of the background.
    let mix = |color: u8, ground: u8| ((u16::from(color) * 45 + u16::from(ground) * 55) / 100) as u8;
    for position in area.intersection(buf.area).positions() {
        let cell = &mut buf[position];
        match cell.fg {
            Color::Rgb(red, green, blue) => cell.fg = Color::Rgb(mix(red, r), mix(green, g), mix(blue, b)),
            _ => cell.modifier.insert(Modifier::DIM),
        }
    }
}

fn draw_body(area: Rect, buf: &mut Buffer, ui: &Ui, cx: &Context<'_>) {
    // The program's own log helps most while nothing else works.
    if ui.screen != Screen::Diagnostics {
        if let Some(sketch) = cx.state.sketch().filter(|_| ui.screen == Screen::Stacks) {
            ui.stacks.draw(area, buf, &ui.keymap, &Context { state: sketch, ..*cx });
            return;
        }
        match &cx.state.connection.link {
            Link::Refused { error, retry_at, .. } => {
                notes::draw_refused(area, buf, error, *retry_at, ui, cx);
                return;
            }
            Link::Connecting => {
                notes::draw_connecting(area, buf, cx);
                return;
            }
            Link::Connected if cx.state.connection.listed_at.is_none() => {
                notes::draw_connecting(area, buf, cx);
                return;
            }
            Link::Connected | Link::Lost { .. } => {}
        }
    }
    match ui.screen {
        Screen::Stacks => ui.stacks.draw(area, buf, &ui.keymap, cx),
        Screen::Logs => ui.logs.draw(area, buf, cx),
        Screen::Tokens => ui.tokens.draw(area, buf, cx),
        Screen::Watch => ui.watch.draw(area, buf, cx),
        Screen::Events => ui.timeline.draw(area, buf, cx),
        Screen::Host => ui.host.draw(area, buf, cx),
        Screen::Checks => ui.checks.draw(area, buf, cx),
        Screen::Diagnostics => ui.diagnostics.draw(area, buf, cx),
    }
    if cx.stale {
        fade(area, buf, cx);
    }
}

#[cfg(test)]
mod tests;
