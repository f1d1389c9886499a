//! Drawing merged logs: the visible lines and the foot, nothing else is looked at.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::model::logs::{LogLevel, LogLine, LogStream};
use crate::tui::theme::Theme;
use crate::tui::view::Context;
use crate::tui::views::clock::TimeMode;
use crate::tui::views::logs::pane::LogPane;
use crate::tui::views::logs::words;
use crate::tui::widgets::styled::{self, Piece};
use crate::tui::widgets::{bytes, foot, window};

impl LogPane {
    pub fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        if area.width < 20 || area.height < 2 {
            return;
        }
        let theme = cx.theme;
        let list = self.list.intersection(area);
        if self.index.len() == 0 {
            words::why_empty(cx.state, &self.sources, self.level, cx.keymap).draw(list, buf, theme);
        } else {
            self.draw_lines(list, buf, cx);
            if let Some(words) =
                words::unreadable(cx.state, &self.sources).filter(|_| list.bottom() < area.bottom())
            {
                let mark = if theme.ascii { "! " } else { "▲ " };
                let text = styled::cut(&format!("{mark}{words}"), usize::from(list.width), theme.ascii);
                buf.set_string(list.x, list.bottom(), text, theme.warning);
            }
        }
        self.draw_foot(Rect { y: area.bottom() - 1, height: 1, ..area }, buf, cx);
        if cx.stale {
            buf.set_style(area, theme.stale);
        }
    }

    fn draw_lines(&self, list: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let store = &cx.state.logs;
        let mut y = list.y;
        let mut skip = self.scroll.row;
        let mut at = self.scroll.line;
        while y < list.bottom() {
            let Some(number) = self.index.number(at) else { break };
            let Some(line) = self.index.line(store, at) else { break };
            let rows =
                self.draw_line(Rect { y, height: list.bottom() - y, ..list }, buf, line, number, skip, cx);
            y += rows;
            skip = 0;
            at += 1;
        }
        let bar = Rect { x: list.right() - 1, width: 1, ..list };
        window::draw_scrollbar(bar, buf, self.scroll.line..at, self.index.len(), cx.theme);
    }

    /// Draws one line from its row `skip` on; returns the rows it took.
    fn draw_line(
        &self,
        area: Rect,
        buf: &mut Buffer,
        line: &LogLine,
        number: u64,
        skip: usize,
        cx: &Context<'_>,
    ) -> u16 {
        let theme = cx.theme;
        let columns = self.columns;
        let mut x = area.x;
        if columns.time > 0 {
            buf.set_stringn(
                x,
                area.y,
                self.clock.write(line.at, cx.now),
                usize::from(columns.time),
                theme.faint,
            );
            x += columns.time;
        }
        if columns.gutter > 0 {
            if let Some(source) = self.sources.get(&line.container) {
                let style = if source.is_gone {
                    theme.faint
                } else {
                    theme.gutter[source.color % theme.gutter.len()]
                };
                let label = styled::cut(&source.label, usize::from(columns.gutter - 1), theme.ascii);
                buf.set_string(x, area.y, label, style);
            }
            x += columns.gutter;
        }
        if line.stream == LogStream::Remark {
            draw_seam(
                Rect { x, width: (area.right() - 1).saturating_sub(x), height: 1, ..area },
                buf,
                line,
                theme,
            );
            return 1;
        }
        let (mark, mark_style, base) = level_look(line.level, theme);
        buf.set_stringn(x, area.y, mark, 1, mark_style);
        x += columns.level;
        let text = line.text.text();
        let matches: Vec<Range<usize>> = self.query.matches(text).collect();
        let piece = Piece {
            text,
            runs: line.text.runs(),
            base,
            matches: &matches,
            current: self.current.as_ref().is_some_and(|current| current.number == number),
        };
        let rows = if self.wrap {
            let width = self.text_width();
            let rows = styled::rows(text, width);
            let shown = skip..rows.min(skip + usize::from(area.height));
            for (y, row) in (area.y..).zip(shown.clone()) {
                piece.draw(buf, (x, y), columns.text, styled::row(text, width, row), theme);
            }
            shown.len() as u16
        } else {
            let (start, over) = styled::byte_at(text, self.column);
            let over = over as u16;
            let end = piece.draw(
                buf,
                (x + over, area.y),
                columns.text.saturating_sub(over),
                start..text.len(),
                theme,
            );
            self.draw_cut_marks((x, end), area.y, buf, text, theme);
            1
        };
        if self.cursor.as_ref().is_some_and(|cursor| cursor.number == number) {
            let patch = if cx.focused { theme.selection } else { theme.selection_unfocused };
            buf.set_style(Rect { height: rows.min(area.height), width: area.width - 1, ..area }, patch);
        }
        rows
    }

    /// Shows at the edges that a line goes on.
    fn draw_cut_marks(&self, (start, end): (u16, u16), y: u16, buf: &mut Buffer, text: &str, theme: &Theme) {
        let (left, right) = if theme.ascii { ("<", ">") } else { ("‹", "›") };
        if self.column > 0 && end > start {
            buf[(start, y)].set_symbol(left).set_style(theme.muted);
        }
        let edge = start + self.columns.text;
        // Bytes are at least columns: the width is only counted where it may matter.
        let is_cut =
            text.len() > self.column + self.text_width() && text.width() > self.column + self.text_width();
        if is_cut && edge > start {
            buf[(edge - 1, y)].set_symbol(right).set_style(theme.muted);
        }
    }

    fn draw_foot(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let theme = cx.theme;
        let mut right: Vec<(String, Style)> = Vec::new();
        if !self.query.is_empty() {
            let hits = self.index.hits();
            let (words, style) = match &self.current {
                _ if hits.len() == 0 => (String::from("no match"), theme.warning),
                Some(current) => {
                    let at = hits.before(current.number) as u64 + 1;
                    (format!("{}/{}", bytes::count(at), bytes::count(hits.len() as u64)), theme.text)
                }
                None => (format!("{} matches", bytes::count(hits.len() as u64)), theme.text),
            };
            let what = styled::cut(self.query.text(), 24, theme.ascii);
            right.push((format!("/{what} {words}"), style));
            if self.query.error().is_some() {
                right.push((String::from("taken literally"), theme.muted));
            }
        }
        if let Some(level) = self.level {
            right.push((format!("{} and above", level.word()), theme.text));
        }
        if self.wrap {
            right.push((String::from("wrap"), theme.muted));
        }
        if self.clock.mode != TimeMode::Local {
            right.push((self.clock.mode.word().to_owned(), theme.muted));
        }
        right.push(match (self.follow, self.news()) {
            _ if self.sources.list().is_empty() => (String::new(), theme.muted),
            (true, _) => (String::from("following"), theme.good),
            (false, 0) => (String::from("paused"), theme.warning),
            (false, news) => (format!("paused, {} new", bytes::count(news as u64)), theme.warning),
        });
        foot::draw(area, buf, &words::amounts(cx.state, &self.sources, self.index.len()), &right, theme);
    }
}

/// Returns the mark of a level, its style, and the style of the text after it.
fn level_look(level: Option<LogLevel>, theme: &Theme) -> (&'static str, Style, Style) {
    match level {
        None => (" ", theme.text, theme.text),
        Some(LogLevel::Trace) => ("T", theme.faint, theme.muted),
        Some(LogLevel::Debug) => ("D", theme.faint, theme.muted),
        Some(LogLevel::Info) => ("I", theme.faint, theme.text),
        Some(LogLevel::Warn) => ("W", theme.warning, theme.text),
        Some(LogLevel::Error) => ("E", theme.error, theme.error),
    }
}

/// Draws our own remark as a seam across the lines.
fn draw_seam(area: Rect, buf: &mut Buffer, line: &LogLine, theme: &Theme) {
    let rule = if theme.ascii { "-" } else { "─" };
    for x in area.x..area.right() {
        buf[(x, area.y)].set_symbol(rule).set_style(theme.border);
    }
    let words = styled::cut(line.text.text(), usize::from(area.width.saturating_sub(6)), theme.ascii);
    buf.set_stringn(
        area.x + 2,
        area.y,
        format!(" {words} "),
        usize::from(area.width.saturating_sub(2)),
        theme.muted,
    );
}
