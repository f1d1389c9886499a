//! The Logs tab: the last lines of the selection. The Logs screen can do more.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use regex::Regex;

use crate::model::containers::ContainerId;
use crate::model::logs::{LogLevel, LogLine, LogStatus, LogStream};
use crate::model::stacks::Target;
use crate::model::text::{TextColor, TextStyle};
use crate::tui::paint::{cut_end, put, put_right, width};
use crate::tui::view::Context;
use crate::tui::views::details::fields::{clock, draw_line, highlight};

/// Draws the newest lines; `back` lines below the last one shown are newer.
pub fn draw(
    area: Rect,
    buf: &mut Buffer,
    back: usize,
    left: usize,
    pattern: Option<&Regex>,
    target: &Target,
    cx: &Context<'_>,
) {
    let theme = cx.theme;
    let lines = cx.state.logs.lines();
    let wanted = cx.state.containers.of_target(target);
    if lines.is_empty() {
        let words = nothing(&wanted, cx);
        for (row, line) in crate::tui::paint::wrap(&words, area.width).into_iter().enumerate() {
            put(buf, area.x, area.y + row as u16, area.width, &line, theme.muted);
        }
        return;
    }
    let names: BTreeMap<&ContainerId, (usize, String)> = wanted
        .iter()
        .enumerate()
        .filter_map(|(index, id)| {
            let entry = cx.state.containers.get(id)?;
            Some((id, (index, entry.container.service_name().to_string())))
        })
        .collect();
    let gutter = if wanted.len() > 1 {
        names.values().map(|(_, name)| width(name)).max().unwrap_or(0).min(12)
    } else {
        0
    };
    let page = usize::from(area.height);
    let end = lines.len() - back.min(lines.len().saturating_sub(page));
    let start = end.saturating_sub(page);
    for (row, line) in lines.range(start..end).enumerate() {
        let y = area.y + row as u16;
        let mut x = put(buf, area.x, y, area.width, &clock(line.at), theme.faint) + 1;
        if gutter > 0
            && let Some((index, name)) = names.get(&line.container)
        {
            let style = theme.gutter[index % theme.gutter.len()];
            put(buf, x, y, gutter, &cut_end(name, gutter, theme.ascii), style);
            x += gutter + 1;
        }
        let room = Rect { x, y, width: area.right().saturating_sub(x), height: 1 };
        let text = text_of(line, cx);
        draw_line(room, buf, &text, left);
        if let Some(pattern) = pattern {
            highlight(room, buf, &text, left, pattern, theme);
        }
    }
    if end < lines.len() {
        let words = format!(" {} newer ", lines.len() - end);
        put_right(buf, area.x, area.bottom() - 1, area.width, &words, theme.selection.patch(theme.muted));
    }
}

fn nothing(wanted: &[ContainerId], cx: &Context<'_>) -> String {
    let status = |id| cx.state.logs.status(id);
    if let Some(LogStatus::Unreadable(why)) =
        wanted.iter().find_map(|id| status(id).filter(|s| matches!(s, LogStatus::Unreadable(_))))
    {
        return why.clone();
    }
    if wanted.iter().all(|id| matches!(status(id), None | Some(LogStatus::Opening))) {
        String::from("Reading the log")
    } else {
        String::from("Nothing was logged yet")
    }
}

/// Makes spans of a line's own colors, or one color for its level.
fn text_of<'a>(line: &'a LogLine, cx: &Context<'_>) -> Line<'a> {
    let theme = cx.theme;
    let base = match (line.stream, line.level) {
        (LogStream::Remark, _) => theme.faint,
        (_, Some(LogLevel::Error)) => theme.error,
        (_, Some(LogLevel::Warn)) => theme.warning,
        (_, Some(LogLevel::Trace | LogLevel::Debug)) => theme.muted,
        _ => theme.text,
    };
    let text = line.text.text();
    let mut spans = Vec::new();
    let mut at = 0;
    let mut style = base;
    for run in line.text.runs() {
        let start = (run.start as usize).min(text.len());
        if let Some(part) = text.get(at..start)
            && !part.is_empty()
        {
            spans.push(Span::styled(part, style));
        }
        at = start;
        style = base.patch(style_of(run.style));
    }
    spans.push(Span::styled(text.get(at..).unwrap_or_default(), style));
    Line::from(spans)
}

fn style_of(style: TextStyle) -> Style {
    let color = |color| match color {
        TextColor::Indexed(index) => Color::Indexed(index),
        TextColor::Rgb(r, g, b) => Color::Rgb(r, g, b),
    };
    let mut out = Style::new();
    out.fg = style.foreground.map(color);
    out.bg = style.background.map(color);
    for (wanted, modifier) in [
        (style.bold, Modifier::BOLD),
        (style.dim, Modifier::DIM),
        (style.italic, Modifier::ITALIC),
        (style.underline, Modifier::UNDERLINED),
        (style.reversed, Modifier::REVERSED),
    ] {
        if wanted {
            out = out.add_modifier(modifier);
        }
    }
    out
}
