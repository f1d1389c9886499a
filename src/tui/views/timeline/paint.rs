//! Drawing the timeline: the visible rows and the foot.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr;

use crate::model::timeline::{Severity, TimelineEntry};
use crate::tui::action::Action;
use crate::tui::view::Context;
use crate::tui::views::notice::Notice;
use crate::tui::views::timeline::{TimelineView, entry, name};
use crate::tui::widgets::{bytes, foot, heading, styled, window};

/// From this width on the kind has a column of its own.
const WITH_KIND: u16 = 100;

/// Columns of the visible rows.
struct Columns {
    time: u16,
    name: u16,
    kind: u16,
}

impl TimelineView {
    pub fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        if area.width < 20 || area.height < 3 {
            return;
        }
        let theme = cx.theme;
        heading::draw(area, buf, "Events", &Line::default(), &Line::default(), cx.focused, theme);
        let list = self.list.intersection(area);
        if self.rows.is_empty() {
            self.why_empty(cx).draw(list, buf, theme);
        } else {
            self.draw_rows(list, buf, cx);
        }
        self.draw_foot(Rect { y: area.bottom() - 1, height: 1, ..area }, buf, cx);
        if cx.stale {
            buf.set_style(area, theme.stale);
        }
    }

    fn why_empty(&self, cx: &Context<'_>) -> Notice {
        let all = cx.state.timeline.entries().len() as u64;
        if all == 0 {
            return Notice::new("Nothing has happened so far")
                .advise("Starts, stops, exits, health changes and what you do appear here");
        }
        let noun = if all == 1 { "event passes" } else { "events passes" };
        let mut notice = Notice::new(format!("None of {} {noun} the filter", bytes::count(all)));
        if !self.query.is_empty() {
            notice = notice.advise(format!("{} clears the text", cx.keymap.named(Action::Back)));
        }
        if self.severity.is_some() {
            notice = notice.advise(format!(
                "{} goes on to the next level, after error to all",
                cx.keymap.named(Action::Level)
            ));
        }
        if self.kind.is_some() {
            notice = notice.advise(format!(
                "{} goes on to the next kind, after engine to all",
                cx.keymap.named(Action::Kind)
            ));
        }
        notice
    }

    fn draw_rows(&self, list: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let visible = self.window.visible();
        let shown: Vec<&TimelineEntry> =
            self.rows[visible.clone()].iter().filter_map(|number| entry(cx.state, *number)).collect();
        let longest = shown.iter().map(|entry| shown_name(entry, cx).width()).max().unwrap_or(0) as u16;
        let columns = Columns {
            time: self.clock.dated_width(shown.first().map(|entry| entry.at), cx.now),
            // Steps of four keep the text from dancing while one scrolls.
            name: longest.next_multiple_of(4).min(if list.width < 80 { 16 } else { list.width / 3 }),
            kind: if list.width >= WITH_KIND { 10 } else { 0 },
        };
        for (y, (row, entry)) in (list.y..list.bottom()).zip(visible.clone().zip(shown)) {
            let area = Rect { y, height: 1, width: list.width - 1, ..list };
            self.draw_row(area, buf, entry, &columns, cx);
            if row == self.window.selected() {
                let patch = if cx.focused { cx.theme.selection } else { cx.theme.selection_unfocused };
                buf.set_style(area, patch);
            }
        }
        let bar = Rect { x: list.right() - 1, width: 1, ..list };
        window::draw_scrollbar(bar, buf, visible, self.rows.len(), cx.theme);
    }

    fn draw_row(
        &self,
        area: Rect,
        buf: &mut Buffer,
        entry: &TimelineEntry,
        columns: &Columns,
        cx: &Context<'_>,
    ) {
        let theme = cx.theme;
        let mut x = area.x;
        if columns.time > 0 {
            let time = self.clock.write_dated(entry.at, cx.now);
            let pad = usize::from(columns.time).saturating_sub(time.len()) as u16;
            buf.set_string(x + pad, area.y, time, theme.muted);
            x += columns.time + 1;
        }
        buf.set_string(x, area.y, mark(entry.severity, theme.ascii), theme.severity(entry.severity));
        x += 2;
        draw_name((x, area.y), columns.name, buf, entry, cx);
        x += columns.name + 1;
        if columns.kind > 0 {
            buf.set_string(x, area.y, entry.kind.word(), theme.muted);
            x += columns.kind;
        }
        let style = match entry.severity {
            Severity::Info => theme.text,
            severity => theme.severity(severity),
        };
        let text = styled::cut(&entry.text, usize::from(area.right().saturating_sub(x)), theme.ascii);
        buf.set_string(x, area.y, &text, style);
        for found in self.query.matches(&text) {
            let start = x + text[..found.start].width() as u16;
            let width = text[found].width() as u16;
            buf.set_style(Rect { x: start, y: area.y, width, height: 1 }, theme.search_match);
        }
    }

    fn draw_foot(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let theme = cx.theme;
        let all = cx.state.timeline.entries().len();
        let shown = self.rows.len();
        let noun = if all == 1 { "event" } else { "events" };
        let of = if shown == all { String::new() } else { format!("{} of ", bytes::count(shown as u64)) };
        let mut left = vec![format!("{of}{} {noun}", bytes::count(all as u64))];
        if cx.state.timeline.dropped() > 0 {
            left.push(format!("{} dropped", bytes::count(cx.state.timeline.dropped())));
        }
        if all == 0 {
            left.clear();
        }
        let mut right: Vec<(String, Style)> = Vec::new();
        if !self.query.is_empty() {
            right.push((format!("/{}", styled::cut(self.query.text(), 24, theme.ascii)), theme.text));
            if self.query.error().is_some() {
                right.push((String::from("taken literally"), theme.muted));
            }
        }
        match self.severity {
            Some(Severity::Error) => right.push((String::from("errors"), theme.text)),
            Some(_) => right.push((String::from("warnings and errors"), theme.text)),
            None => {}
        }
        if let Some(kind) = self.kind {
            right.push((format!("kind {}", kind.word()), theme.text));
        }
        right.push(match (self.follow, self.news()) {
            _ if all == 0 => (String::new(), theme.muted),
            (true, _) => (String::from("following"), theme.good),
            (false, 0) => (String::from("paused"), theme.warning),
            (false, news) => (format!("paused, {} new", bytes::count(news as u64)), theme.warning),
        });
        foot::draw(area, buf, &left, &right, theme);
    }
}

/// Names what an entry is about, without the stack where there is only this one.
fn shown_name(entry: &TimelineEntry, cx: &Context<'_>) -> String {
    match (&entry.stack, &entry.service) {
        (Some(stack), Some(service)) if cx.state.only_stack() == Some(stack) => service.to_string(),
        _ => name(entry),
    }
}

/// Draws `stack/service`: the service is what one looks for, so the stack gives way first.
fn draw_name((x, y): (u16, u16), width: u16, buf: &mut Buffer, entry: &TimelineEntry, cx: &Context<'_>) {
    let theme = cx.theme;
    let full = shown_name(entry, cx);
    let room = usize::from(width);
    let Some((stack, service)) = full.split_once('/') else {
        let style = if entry.stack.is_some() { theme.strong } else { theme.muted };
        buf.set_string(x, y, styled::cut(&full, room, theme.ascii), style);
        return;
    };
    let for_stack = room.saturating_sub(service.width() + 1);
    if for_stack < 3 && stack.width() > for_stack {
        buf.set_string(x, y, styled::cut(service, room, theme.ascii), theme.strong);
        return;
    }
    let stack = styled::cut(stack, for_stack, theme.ascii);
    let (x, _) = buf.set_stringn(x, y, format!("{stack}/"), room, theme.muted);
    buf.set_string(x, y, service, theme.strong);
}

fn mark(severity: Severity, ascii: bool) -> &'static str {
    match (severity, ascii) {
        (Severity::Info, false) => "·",
        (Severity::Good, false) => "✓",
        (Severity::Warning, false) => "▲",
        (Severity::Error, false) => "✗",
        (Severity::Info, true) => ".",
        (Severity::Good, true) => "+",
        (Severity::Warning, true) => "!",
        (Severity::Error, true) => "x",
    }
}
