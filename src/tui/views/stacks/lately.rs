//! What happened last, in the room that a short tree leaves.

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::containers::NO_STACK;
use crate::model::stacks::age;
use crate::model::timeline::TimelineEntry;
use crate::tui::action::Action;
use crate::tui::keymap::Keymap;
use crate::tui::paint::{cut_end, cut_stack, glyphs, put, rule, width};
use crate::tui::view::Context;
use crate::tui::views::details::fields::clock;

/// Less room than this stays empty.
const LEAST: u16 = 6;
/// More lines than this are for the Events screen.
const MOST: u16 = 12;

/// Draws the last entries of the timeline, newest first, at the foot of the spare room.
pub fn draw(spare: Rect, buf: &mut Buffer, keymap: &Keymap, cx: &Context<'_>) {
    let entries = cx.state.timeline.entries();
    let lines = MOST.min(entries.len() as u16).min(spare.height.saturating_sub(2));
    if spare.height < LEAST || lines == 0 {
        return;
    }
    let theme = cx.theme;
    let title = Rect { y: spare.bottom() - lines - 1, height: 1, ..spare };
    rule(buf, title, glyphs(theme.ascii).rule, theme.border);
    let x = put(buf, title.x + 1, title.y, title.width, " Lately ", theme.muted);
    let all = format!("{} {} shows all ", glyphs(theme.ascii).dot, keymap.hint(Action::ShowEvents));
    put(buf, x, title.y, title.right().saturating_sub(x), &all, theme.faint);
    let shown = || entries.iter().rev().take(usize::from(lines));
    // What happened matters more than the whole name; beside short words there is room for it.
    let room = spare.width.saturating_sub(12);
    let only = cx.state.only_stack();
    let named: Vec<_> = shown().map(|entry| (name_of(entry, only), &*entry.text)).collect();
    let named = || named.iter().filter(|(name, _)| !name.is_empty());
    let texts = named().map(|(_, text)| width(text)).max().unwrap_or(0);
    let most = room.saturating_sub(texts + 2).max(room / 4).max(14);
    let names = named().map(|(name, _)| width(name)).max().unwrap_or(0).min(most);
    for (row, entry) in shown().enumerate() {
        let y = title.y + 1 + row as u16;
        let x = put(buf, spare.x + 1, y, 8, &moment(entry.at, cx.now), theme.faint) + 2;
        let name = name_of(entry, only);
        put(buf, x, y, names, &cut_stack(&name, names, theme.ascii), theme.text);
        let x = if name.is_empty() { x } else { x + names + 2 };
        let room = spare.right().saturating_sub(x + 1);
        let text = cut_end(&entry.text, room, theme.ascii);
        put(buf, x, y, room, &text, theme.severity(entry.severity));
    }
}

/// A time of day; what an earlier day has left says how long ago it was.
fn moment(at: Timestamp, now: Timestamp) -> String {
    if now.duration_since(at) < SignedDuration::from_hours(12) {
        clock(at)
    } else {
        format!("{} ago", age(at, now).split(' ').next().unwrap_or_default())
    }
}

/// Names what an entry is about; where there is only one stack its name says nothing.
fn name_of(entry: &TimelineEntry, only: Option<&str>) -> String {
    match (&entry.stack, &entry.service) {
        (Some(stack), Some(service)) if only == Some(stack) => service.to_string(),
        (Some(stack), Some(service)) if &**stack != NO_STACK => format!("{stack}/{service}"),
        (_, Some(service)) => service.to_string(),
        (Some(stack), None) => stack.to_string(),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yesterday_is_told_by_its_age() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let ago = |hours| moment(now - SignedDuration::from_hours(hours), now);
        assert_eq!((&*ago(2), &*ago(14), &*ago(50)), ("10:00:00", "14h ago", "2d ago"));
    }
}
