//! The line over a part of a screen: its name, a word about it, and a rule to the right edge.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::theme::Theme;

/// Draws `title`, `left` after it and `right` at the edge in the first row of `area`, joined by a rule.
///
/// Where room is short the left part is cut first: the right one carries a state ("paused").
pub fn draw(
    area: Rect,
    buf: &mut Buffer,
    title: &str,
    left: &Line<'_>,
    right: &Line<'_>,
    focused: bool,
    theme: &Theme,
) {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return;
    }
    let rule_style = if focused { theme.border_focused } else { theme.border };
    let rule = if theme.ascii { "-" } else { "─" };
    for x in area.x..area.right() {
        buf[(x, area.y)].set_symbol(rule).set_style(rule_style);
    }
    let mut x = area.x + 1;
    let right_width = right.width() as u16;
    let right_start = if right_width == 0 {
        area.right()
    } else {
        // A space on both sides, and one piece of rule at the edge.
        area.right().saturating_sub(right_width + 3).max(area.x)
    };
    let title = Line::from(Span::styled(format!(" {title} "), theme.title));
    x = buf.set_line(x, area.y, &title, right_start.saturating_sub(x)).0;
    if left.width() > 0 && x + 2 < right_start {
        let room = right_start.saturating_sub(x + 1);
        let end = buf.set_line(x, area.y, left, room).0;
        buf.set_stringn(end, area.y, " ", right_start.saturating_sub(end) as usize, Style::new());
    }
    if right_width > 0 {
        let (end, _) = buf.set_stringn(right_start, area.y, " ", 1, Style::new());
        let room = area.right().saturating_sub(end);
        let (end, _) = buf.set_line(end, area.y, right, room);
        buf.set_stringn(end, area.y, " ", area.right().saturating_sub(end).min(1) as usize, Style::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: u16, left: &'static str, right: &'static str) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
        draw(buf.area, &mut buf, "Logs", &Line::from(left), &Line::from(right), false, &Theme::plain());
        buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn the_right_part_stays_when_room_is_short() {
        assert_eq!(drawn(30, "energy/app", "paused"), "─ Logs energy/app ─── paused ─");
        assert_eq!(drawn(22, "energy/app", "paused"), "─ Logs energ  paused ─");
        assert_eq!(drawn(17, "", ""), "─ Logs ──────────");
    }
}
