//! Drawing merged logs: the visible lines and the foot, nothing else is looked at.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::model::logs::{LogLevel, LogLine, LogStream};
use crate::model::text::StyledText;
use crate::tui::paint::cut_middle;
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
            words::why_empty(cx.state, &self.sources, self.level, &self.sieve, cx.keymap)
                .draw(list, buf, theme);
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
            if let Some(source) = self.sources.get(&line.source) {
                let style = if source.is_gone {
                    theme.faint
                } else {
                    theme.gutter[source.color % theme.gutter.len()]
                };
                // Names may hold any letter; this point is ours.
                let label = if theme.ascii { &source.label.replace('·', ":") } else { &source.label };
                // Replicas and files differ at their ends.
                let label = cut_middle(label, columns.gutter - 1, theme.ascii);
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
        let room = Rect { x, width: columns.text, ..area };
        let face = self.faces.of(number, line);
        let paragraphs = face.as_ref().map_or(std::slice::from_ref(&line.text), |face| face.as_slice());
        let rows = if self.wrap || self.faces.is_open(number) {
            self.draw_wrapped(room, buf, paragraphs, base, number, skip, theme)
        } else {
            if let Some(text) = paragraphs.first() {
                self.draw_cut(room, buf, text, base, number, theme);
            }
            1
        };
        if self.is_marked(number) {
            let patch = if cx.focused { theme.selection } else { theme.selection_unfocused };
            buf.set_style(Rect { height: rows.min(area.height), width: area.width - 1, ..area }, patch);
        }
        rows
    }

    /// Draws whole paragraphs below each other, from the row `skip` on; returns the rows it took.
    #[expect(clippy::too_many_arguments, reason = "what is drawn, where and how")]
    fn draw_wrapped(
        &self,
        area: Rect,
        buf: &mut Buffer,
        paragraphs: &[StyledText],
        base: Style,
        number: u64,
        mut skip: usize,
        theme: &Theme,
    ) -> u16 {
        let width = self.text_width();
        let mut y = area.y;
        for text in paragraphs {
            let hang = styled::hang(text.text(), width) as u16;
            let matches = self.matches(text.text());
            let piece = self.piece(text, base, &matches, number);
            let mut rows = styled::wrapped(text.text(), width).enumerate().peekable();
            if rows.peek().is_none() {
                // An empty line is a row as well.
                if skip == 0 {
                    y += 1;
                }
                skip = skip.saturating_sub(1);
                continue;
            }
            let mut count = 0;
            for (row, range) in rows {
                count = row + 1;
                if row < skip {
                    continue;
                }
                if y >= area.bottom() {
                    return y - area.y;
                }
                let indent = if row == 0 { 0 } else { hang.min(area.width) };
                piece.draw(buf, (area.x + indent, y), area.width - indent, range, theme);
                y += 1;
            }
            skip = skip.saturating_sub(count);
        }
        y - area.y
    }

    /// Draws one row of a line, from the first visible column on.
    fn draw_cut(
        &self,
        area: Rect,
        buf: &mut Buffer,
        text: &StyledText,
        base: Style,
        number: u64,
        theme: &Theme,
    ) {
        let matches = self.matches(text.text());
        let piece = self.piece(text, base, &matches, number);
        let (start, over) = styled::byte_at(text.text(), self.column);
        let over = over as u16;
        let at = (area.x + over, area.y);
        let end = piece.draw(buf, at, area.width.saturating_sub(over), start..text.text().len(), theme);
        self.draw_cut_marks((area.x, end), area.y, buf, text.text(), theme);
    }

    /// Finds what is marked in a text: what is searched for, or else what lines are chosen by.
    fn matches(&self, text: &str) -> Vec<Range<usize>> {
        match (self.query.is_empty(), self.sieve.hides) {
            (false, _) => self.query.matches(text).collect(),
            (true, false) => self.sieve.query.matches(text).collect(),
            (true, true) => Vec::new(),
        }
    }

    fn piece<'a>(
        &self,
        text: &'a StyledText,
        base: Style,
        matches: &'a [Range<usize>],
        number: u64,
    ) -> Piece<'a> {
        let current = self.current.as_ref().is_some_and(|current| current.number == number);
        Piece { text: text.text(), runs: text.runs(), base, matches, current }
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
        if !self.sieve.is_empty() {
            let how = if self.sieve.hides { "hiding" } else { "only" };
            let what = styled::cut(self.sieve.query.text(), 24, theme.ascii);
            right.push((format!("{how} {what}"), theme.text));
        }
        if let Some(level) = self.level {
            right.push((format!("{} and above", level.word()), theme.text));
        }
        if let Some(range) = self.block_range() {
            right.push((format!("{} marked", bytes::count(range.len() as u64)), theme.text));
        }
        if let Some(words) = self.edge(cx.state) {
            right.push((styled::cut(&words, 40, theme.ascii), theme.muted));
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
