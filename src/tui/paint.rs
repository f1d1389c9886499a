//! Putting words into cells: measuring, cutting, aligning, thin rules.
//!
//! Knows widths and symbols; nothing of what the words mean.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Symbols that have a twin in ASCII.
#[derive(Debug)]
pub struct Glyphs {
    pub rule: &'static str,
    pub wall: &'static str,
    pub tee_down: &'static str,
    pub folded: &'static str,
    pub unfolded: &'static str,
    pub ellipsis: &'static str,
    pub dot: &'static str,
    pub marked: &'static str,
    pub pointer: &'static str,
    pub restarts: &'static str,
    pub up: &'static str,
    pub down: &'static str,
    pub arrow: &'static str,
    pub none: &'static str,
    /// Another thing runs than the files say.
    pub differs: &'static str,
}

const UNICODE: Glyphs = Glyphs {
    rule: "─",
    wall: "│",
    tee_down: "┬",
    folded: "▸",
    unfolded: "▾",
    ellipsis: "…",
    dot: "·",
    marked: "◆",
    pointer: "▌",
    restarts: "↻",
    up: "↑",
    down: "↓",
    arrow: "→",
    none: "–",
    differs: "≠",
};

const ASCII: Glyphs = Glyphs {
    rule: "-",
    wall: "|",
    tee_down: "+",
    folded: ">",
    unfolded: "v",
    ellipsis: "~",
    dot: "-",
    marked: "*",
    pointer: ">",
    restarts: "@",
    up: "^",
    down: "v",
    arrow: "->",
    none: "-",
    differs: "!=",
};

/// Returns the symbols for a terminal that knows UTF-8, or their twins.
pub fn glyphs(ascii: bool) -> &'static Glyphs {
    if ascii { &ASCII } else { &UNICODE }
}

pub fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// Cuts the end of a text that is too long: for names and sentences.
pub fn cut_end(text: &str, room: u16, ascii: bool) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    if room == 0 {
        return Cow::Borrowed("");
    }
    Cow::Owned(format!("{}{}", head(text, room - 1), glyphs(ascii).ellipsis))
}

/// Cuts a text that is too long behind a word: for words that change as one looks at them.
pub fn cut_words(text: &str, room: u16, ascii: bool) -> Cow<'_, str> {
    if width(text) <= room || room == 0 {
        return cut_end(text, room, ascii);
    }
    let front = head(text, room - 1);
    let whole = if text[front.len()..].starts_with(' ') { Some(front.len()) } else { front.rfind(' ') };
    match whole.map(|at| front[..at].trim_end_matches([' ', ':', ',', ';'])) {
        Some(words) if !words.is_empty() => Cow::Owned(format!("{words}{}", glyphs(ascii).ellipsis)),
        _ => cut_end(text, room, ascii),
    }
}

/// Cuts `stack/service` that is too long: the service stays whole where it fits, the stack is cut.
pub fn cut_stack(name: &str, room: u16, ascii: bool) -> Cow<'_, str> {
    if width(name) <= room {
        return Cow::Borrowed(name);
    }
    let Some((stack, service)) = name.split_once('/') else { return cut_middle(name, room, ascii) };
    match room.checked_sub(width(service) + 1) {
        // One letter and the ellipsis tell nothing.
        Some(left) if left >= 3 => Cow::Owned(format!("{}/{service}", cut_end(stack, left, ascii))),
        _ => cut_end(service, room, ascii),
    }
}

/// Cuts the middle of a text that is too long: for ids and paths, whose ends tell them apart.
pub fn cut_middle(text: &str, room: u16, ascii: bool) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    if room < 5 {
        return cut_end(text, room, ascii);
    }
    let tail_room = (room - 1) / 2;
    let mut used = 0;
    let mut start = text.len();
    for (at, cluster) in text.grapheme_indices(true).rev() {
        used += width(cluster);
        if used > tail_room {
            break;
        }
        start = at;
    }
    let front = head(text, room - 1 - width(&text[start..]));
    Cow::Owned(format!("{front}{}{}", glyphs(ascii).ellipsis, &text[start..]))
}

/// Returns as much of the beginning as fits.
fn head(text: &str, room: u16) -> &str {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        used += width(cluster);
        if used > room {
            return &text[..at];
        }
    }
    text
}

/// Breaks a text into lines after spaces where it can; nothing is added and nothing left out.
pub fn fold(text: &str, room: u16) -> Vec<String> {
    let room = usize::from(room.max(1));
    let mut lines = Vec::new();
    let mut line = String::new();
    let (mut wide, mut last_space) = (0, None);
    for character in text.chars() {
        let columns = usize::from(width(character.encode_utf8(&mut [0; 4])));
        if wide + columns > room && !line.is_empty() {
            let rest = last_space.take().map_or(String::new(), |at| line.split_off(at));
            wide = usize::from(width(&rest));
            lines.push(std::mem::replace(&mut line, rest));
        }
        line.push(character);
        wide += columns;
        if character == ' ' {
            last_space = Some(line.len());
        }
    }
    lines.push(line);
    lines
}

/// Breaks a text into lines at spaces; a word longer than a line is broken anywhere.
pub fn wrap(text: &str, room: u16) -> Vec<String> {
    let room = room.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word;
        if !line.is_empty() && width(&line) + 1 + width(word) > room {
            lines.push(std::mem::take(&mut line));
        }
        while width(word) > room {
            let part = head(word, room);
            if part.is_empty() {
                break;
            }
            lines.push(part.to_owned());
            word = &word[part.len()..];
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Returns a style as it looks on a bar: its own color, the bar's background.
pub fn on(bar: Style, style: Style) -> Style {
    let mut on = bar.patch(style);
    on.bg = bar.bg;
    on
}

/// Writes a text from the left and returns the column behind it.
pub fn put(buf: &mut Buffer, x: u16, y: u16, room: u16, text: &str, style: Style) -> u16 {
    if room == 0 || !buf.area.contains((x, y).into()) {
        return x;
    }
    buf.set_stringn(x, y, text, usize::from(room), style).0
}

/// Writes a text that ends at the right edge of its room.
pub fn put_right(buf: &mut Buffer, x: u16, y: u16, room: u16, text: &str, style: Style) {
    let wide = width(text).min(room);
    put(buf, x + room - wide, y, wide, text, style);
}

/// Fills a row of an area with one symbol.
pub fn rule(buf: &mut Buffer, area: Rect, symbol: &str, style: Style) {
    for x in area.left()..area.right() {
        if let Some(cell) = buf.cell_mut((x, area.y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    }
}

/// Fills a column of an area with one symbol.
pub fn wall(buf: &mut Buffer, area: Rect, symbol: &str, style: Style) {
    for y in area.top()..area.bottom() {
        if let Some(cell) = buf.cell_mut((area.x, y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_keeps_what_tells_things_apart() {
        assert_eq!(cut_end("personal-assistant", 8, false), "persona…");
        assert_eq!(cut_middle("/srv/stacks/energy/docker-compose.yml", 20, false), "/srv/stack…mpose.yml");
        assert_eq!(cut_middle("short", 20, false), "short");
        assert_eq!(cut_end("日本語テキスト", 6, false), "日本…");
        assert_eq!(cut_end("abc", 0, false), "");
        assert_eq!(cut_words("bringing up 11s: Waiting shop", 26, false), "bringing up 11s: Waiting…");
        assert_eq!(cut_words("bringing up 11s: Waiting shop", 25, false), "bringing up 11s: Waiting…");
        assert_eq!(cut_words("bringing up 11s: Waiting shop", 20, false), "bringing up 11s…");
        assert_eq!(cut_words("monstrousword", 8, false), "monstro…");
        assert_eq!(cut_stack("energy-dashboard/mongodb", 14, false), "energ…/mongodb");
        assert_eq!(cut_stack("energy-dashboard/mongodb", 10, false), "mongodb");
        assert_eq!(cut_stack("energy-dashboard/mongodb", 5, false), "mong…");
        assert_eq!(cut_stack("energy/app", 10, false), "energy/app");
    }

    #[test]
    fn wrapping_breaks_at_spaces_and_inside_monsters() {
        assert_eq!(wrap("waits for migrations to end", 10), ["waits for", "migrations", "to end"]);
        assert_eq!(wrap("aaaaaaaaaaaa b", 5), ["aaaaa", "aaaaa", "aa b"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
