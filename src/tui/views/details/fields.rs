//! Lines of labels and values, sections, times: the alphabet of the detail tabs.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use regex::Regex;
use unicode_segmentation::UnicodeSegmentation;

use crate::model::stacks::age;
use crate::tui::paint::{put, width, wrap};
use crate::tui::theme::Theme;
use crate::tui::view::Context;

/// Room for the label of a field.
pub const LABEL: u16 = 12;

/// Makes a field; a long value goes on under itself.
pub fn field<'a>(label: &str, value: &str, style: Style, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    wrap(value, room.saturating_sub(LABEL))
        .into_iter()
        .enumerate()
        .map(|(row, part)| {
            let label = if row == 0 { label } else { "" };
            Line::from(vec![
                Span::styled(format!("{label:<width$}", width = usize::from(LABEL)), cx.theme.muted),
                Span::styled(part, style),
            ])
        })
        .collect()
}

/// Makes the title of a section, with an empty line above it.
pub fn section<'a>(title: &str, cx: &Context<'_>) -> [Line<'a>; 2] {
    [Line::default(), Line::styled(title.to_owned(), cx.theme.title)]
}

/// Makes sentences that may need several lines.
pub fn sentences<'a>(text: &str, style: Style, room: u16) -> Vec<Line<'a>> {
    wrap(text, room).into_iter().map(|line| Line::styled(line, style)).collect()
}

/// Writes a moment in local time with its age: `2026-11-20 17:29:04 (3m ago)`.
pub fn moment(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({} ago)", at.to_zoned(zone()).strftime("%Y-%m-%d %H:%M:%S"), age(at, now))
}

/// Writes the time of day.
pub fn clock(at: Timestamp) -> String {
    at.to_zoned(zone()).strftime("%H:%M:%S").to_string()
}

/// The operator's time zone; UTC in tests, so that pictures repeat.
pub fn zone() -> TimeZone {
    if cfg!(test) { TimeZone::UTC } else { TimeZone::system() }
}

/// Draws a line from some column on.
pub fn draw_line(area: Rect, buf: &mut Buffer, line: &Line<'_>, left: usize) {
    let mut skip = left as u16;
    let mut x = area.x;
    for span in &line.spans {
        let style = line.style.patch(span.style);
        let wide = width(&span.content);
        if skip >= wide {
            skip -= wide;
            continue;
        }
        let mut rest: &str = &span.content;
        while skip > 0 {
            let Some(cluster) = rest.graphemes(true).next() else { break };
            skip = skip.saturating_sub(width(cluster));
            rest = &rest[cluster.len()..];
        }
        x = put(buf, x, area.y, area.right().saturating_sub(x), rest, style);
        if x >= area.right() {
            break;
        }
    }
}

/// Colors what a search finds in a line that is drawn already.
pub fn highlight(area: Rect, buf: &mut Buffer, line: &Line<'_>, left: usize, pattern: &Regex, theme: &Theme) {
    let text = line.to_string();
    for found in pattern.find_iter(&text) {
        let start = width(&text[..found.start()]);
        let end = start + width(found.as_str());
        let left = left as u16;
        let (start, end) = (start.saturating_sub(left), end.saturating_sub(left).min(area.width));
        if end > start {
            let area = Rect { x: area.x + start, width: end - start, ..area };
            buf.set_style(area, theme.search_match);
        }
    }
}
