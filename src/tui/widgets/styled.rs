//! Lines of foreign text: drawn with the colors they came with, cut and wrapped by columns.
//!
//! The text is clean already; colors are brought to what theme and terminal allow. Only what is visible
//! is looked at, grapheme by grapheme.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::model::text::{Run, StyledText, TextColor, TextStyle};
use crate::tui::theme::{ColorDepth, Theme};

/// Turns a line into spans, for widgets that take these.
pub fn spans<'a>(text: &'a StyledText, base: Style, theme: &Theme) -> Vec<Span<'a>> {
    let mut spans = Vec::with_capacity(text.runs().len() + 1);
    let mut start = 0;
    let mut style = base;
    for run in text.runs() {
        let end = run.start as usize;
        if let Some(piece) = text.text().get(start..end).filter(|piece| !piece.is_empty()) {
            spans.push(Span::styled(piece, style));
        }
        start = end;
        style = base.patch(style_of(run.style, theme));
    }
    if let Some(piece) = text.text().get(start..).filter(|piece| !piece.is_empty()) {
        spans.push(Span::styled(piece, style));
    }
    spans
}

/// Brings the colors a line asks for to the theme.
///
/// The sixteen basic colors become the theme's own, so that they are legible on its ground; others are
/// brought down to what the terminal shows, and go where it shows none.
pub fn style_of(asked: TextStyle, theme: &Theme) -> Style {
    let mut style = Style::new();
    if theme.depth != ColorDepth::None {
        style.bg = asked.background.and_then(|color| theme.depth.color(plain(color)));
        style.fg = match asked.foreground {
            // On a ground of its own a line keeps the color it chose for that ground.
            Some(TextColor::Indexed(n @ 0..16)) if style.bg.is_none() => basic(n, theme),
            Some(color) => theme.depth.color(plain(color)),
            // Many terminals make little of "dim"; where there is a color for it, it is sure to be seen.
            None if asked.dim && style.bg.is_none() => theme.muted.fg,
            None => None,
        };
    }
    let modifiers = [
        (asked.bold, Modifier::BOLD),
        (asked.dim && (asked.foreground.is_some() || style.fg.is_none()), Modifier::DIM),
        (asked.italic, Modifier::ITALIC),
        (asked.underline, Modifier::UNDERLINED),
        (asked.reversed, Modifier::REVERSED),
    ];
    for (_, modifier) in modifiers.into_iter().filter(|(on, _)| *on) {
        style = style.add_modifier(modifier);
    }
    style
}

fn plain(color: TextColor) -> Color {
    match color {
        TextColor::Indexed(n) => Color::Indexed(n),
        TextColor::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}

fn basic(n: u8, theme: &Theme) -> Option<Color> {
    match n {
        0 | 8 => theme.muted.fg,
        1 | 9 => theme.error.fg,
        2 | 10 => theme.good.fg,
        3 | 11 => theme.warning.fg,
        4 | 12 => theme.gutter[4].fg,
        5 | 13 => theme.gutter[1].fg,
        6 | 14 => theme.gutter[0].fg,
        15 => theme.strong.fg,
        _ => theme.text.fg,
    }
}

/// Returns how many rows a text takes when it is wrapped at `width` columns.
pub fn rows(text: &str, width: usize) -> usize {
    // Bytes are at least columns, and most lines are short.
    if text.len() <= width || width == 0 { 1 } else { wrapped(text, width).count().max(1) }
}

/// Returns by how many columns all rows of a wrapped text but the first are indented: a little more than
/// the text itself.
pub fn hang(text: &str, width: usize) -> usize {
    let own = text.bytes().take_while(|byte| *byte == b' ').count();
    (own + 2).min(width / 4)
}

/// Returns the bytes of each row of a wrapped text. Rows end at the ends of words; what has no end in reach
/// is cut where the row ends.
pub fn wrapped(text: &str, width: usize) -> impl Iterator<Item = Range<usize>> {
    let width = width.max(1);
    let hang = hang(text, width);
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let room = if at == 0 { width } else { width - hang };
        let (end, next) = first_row(rest, room);
        let row = at..at + end;
        at += next;
        Some(row)
    })
}

/// Returns where the first row of a text ends and where the next one begins.
fn first_row(text: &str, width: usize) -> (usize, usize) {
    let mut column = 0;
    let mut end = 0;
    // The last end of a word: its byte and its column.
    let mut word = None;
    let mut is_space = true;
    for grapheme in text.graphemes(true) {
        let wide = grapheme.width();
        if column + wide > width && end > 0 {
            if grapheme != " " {
                // A word that leaves most of the row empty is cut all the same.
                if let Some((byte, _)) = word.filter(|(_, at)| *at * 3 >= width) {
                    end = byte;
                }
            }
            // Spaces at the break are seen on neither side of it.
            let shown = text[..end].trim_end_matches(' ').len();
            end = if shown > 0 { shown } else { end };
            let spaces = text[end..].bytes().take_while(|byte| *byte == b' ').count();
            return (end, end + spaces);
        }
        let was_space = std::mem::replace(&mut is_space, grapheme == " ");
        if is_space && !was_space {
            word = Some((end, column));
        }
        column += wide;
        end += grapheme.len();
    }
    (end, end)
}

/// Returns the byte at a column and how many columns of a wide character before it are cut.
pub fn byte_at(text: &str, column: usize) -> (usize, usize) {
    if text.is_ascii() {
        return (column.min(text.len()), 0);
    }
    let mut at = 0;
    for (byte, grapheme) in text.grapheme_indices(true) {
        if at >= column {
            return (byte, at - column);
        }
        at += grapheme.width();
    }
    (text.len(), at.saturating_sub(column))
}

/// A piece of a line and how it is drawn.
#[derive(Clone, Copy)]
pub struct Piece<'a> {
    pub text: &'a str,
    /// The colors it came with; byte offsets count in `text`.
    pub runs: &'a [Run],
    pub base: Style,
    /// Matches of a search, in order; offsets count in `text`.
    pub matches: &'a [Range<usize>],
    /// Whether the search stands on this line.
    pub current: bool,
}

impl Piece<'_> {
    /// Draws the bytes of `range` from a cell on, at most `width` columns; returns the column after it.
    pub fn draw(
        &self,
        buf: &mut Buffer,
        at: (u16, u16),
        width: u16,
        range: Range<usize>,
        theme: &Theme,
    ) -> u16 {
        let (mut x, y) = at;
        let end = x.saturating_add(width).min(buf.area.right());
        if y >= buf.area.bottom() || range.is_empty() {
            return x;
        }
        let mut run = self.runs.partition_point(|run| run.start as usize <= range.start);
        let mut style = self.style_before(run, theme);
        let mut found = self.matches.partition_point(|found| found.end <= range.start);
        let mark = if self.current { theme.search_current } else { theme.search_match };
        for (offset, grapheme) in self.text[range.clone()].grapheme_indices(true) {
            let byte = range.start + offset;
            if self.runs.get(run).is_some_and(|next| next.start as usize <= byte) {
                while self.runs.get(run).is_some_and(|next| next.start as usize <= byte) {
                    run += 1;
                }
                style = self.style_before(run, theme);
            }
            while self.matches.get(found).is_some_and(|found| found.end <= byte) {
                found += 1;
            }
            let wide = grapheme.width() as u16;
            if wide == 0 {
                continue;
            }
            if x + wide > end {
                break;
            }
            let marked = self.matches.get(found).is_some_and(|found| found.contains(&byte));
            let style = if marked { style.patch(mark) } else { style };
            buf[(x, y)].set_symbol(grapheme).set_style(style);
            for covered in x + 1..x + wide {
                buf[(covered, y)].set_symbol(" ").set_style(style);
            }
            x += wide;
        }
        x
    }

    fn style_before(&self, run: usize, theme: &Theme) -> Style {
        match run.checked_sub(1).and_then(|before| self.runs.get(before)) {
            Some(run) => self.base.patch(style_of(run.style, theme)),
            None => self.base,
        }
    }
}

/// Cuts a text to `width` columns, with an ellipsis where something is missing.
pub fn cut(text: &str, width: usize, ascii: bool) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let dots = if ascii { "~" } else { "…" };
    let (end, over) = byte_at(text, width.saturating_sub(1));
    // A wide character that would stand across the edge goes as a whole.
    let end =
        if over > 0 { text[..end].grapheme_indices(true).next_back().map_or(0, |(at, _)| at) } else { end };
    if width == 0 { String::new() } else { format!("{}{dots}", &text[..end]) }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    const WIDE: &str = "日本語 text";

    fn red(start: u32) -> Run {
        Run { start, style: TextStyle { foreground: Some(TextColor::Indexed(1)), ..TextStyle::default() } }
    }

    fn drawn(piece: &Piece<'_>, width: u16, range: Range<usize>) -> Buffer {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
        piece.draw(&mut buf, (0, 0), width, range, &Theme::default());
        buf
    }

    fn piece<'a>(text: &'a str, runs: &'a [Run], matches: &'a [Range<usize>]) -> Piece<'a> {
        Piece { text, runs, base: Style::new(), matches, current: false }
    }

    fn symbols(buf: &Buffer) -> String {
        buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn wide_characters_are_never_halved() {
        assert_eq!(parts(WIDE, 5), ["日本", "語", "text"]);
        assert_eq!(byte_at(WIDE, 1), (3, 1));
        assert_eq!(symbols(&drawn(&piece(WIDE, &[], &[]), 5, 0..WIDE.len())), "日 本  ");
        assert_eq!(cut(WIDE, 4, false), "日…");
        assert_eq!(cut(WIDE, 5, false), "日本…");
        assert_eq!(cut("plain", 4, true), "pla~");
        assert_eq!(cut("plain", 5, true), "plain");
    }

    fn parts(text: &str, width: usize) -> Vec<&str> {
        wrapped(text, width).map(|row| &text[row]).collect()
    }

    #[test]
    fn rows_end_with_words_and_what_has_no_end_is_cut() {
        assert_eq!((rows("", 10), rows("0123456789", 10), rows("0123456789a", 10)), (1, 1, 2));
        assert_eq!(parts("GET /health took 12 ms", 12), ["GET /health", "took 12 ms"]);
        assert_eq!(parts("one two  three", 8), ["one two", "three"]);
        assert_eq!(parts("0123456789abcdefgh", 8), ["01234567", "89abcd", "efgh"]);
        // A word that is long itself goes on in the same row.
        assert_eq!(parts("a 0123456789abcdefgh", 12), ["a 0123456789", "abcdefgh"]);
        assert_eq!(hang("    at x", 40), 6);
        assert_eq!(hang("    at x", 8), 2);
    }

    proptest::proptest! {
        #[test]
        fn wrapping_loses_nothing_but_spaces(text in "[a-z日é ]{0,80}", width in 1_usize..30) {
            let parts = parts(&text, width);
            let bare = |text: &str| text.replace(' ', "");
            proptest::prop_assert_eq!(bare(&parts.concat()), bare(&text));
            proptest::prop_assert_eq!(parts.len().max(1), rows(&text, width));
            for (row, part) in parts.iter().enumerate() {
                let room = if row == 0 { width } else { width - hang(&text, width) };
                proptest::prop_assert!(part.width() <= room || part.chars().count() == 1, "{:?}", parts);
            }
        }
    }

    #[test]
    fn colors_start_where_their_run_does_even_in_a_later_row() {
        let theme = Theme::default();
        let runs = [red(2)];
        let buf = drawn(&piece("abcdef", &runs, &[]), 6, 0..6);
        assert_eq!(buf[(1, 0)].fg, Color::Reset);
        assert_eq!(Some(buf[(2, 0)].fg), theme.error.fg);
        let buf = drawn(&piece("abcdef", &runs, &[]), 6, 4..6);
        assert_eq!(Some(buf[(0, 0)].fg), theme.error.fg);
    }

    #[test]
    fn matches_are_marked_over_the_colors() {
        let theme = Theme::default();
        let runs = [red(0)];
        let matches = [1..3, 5..6];
        let buf = drawn(&piece("abcdef", &runs, &matches), 6, 0..6);
        assert_eq!(Some(buf[(1, 0)].bg), theme.search_match.bg);
        assert_eq!(Some(buf[(1, 0)].fg), theme.error.fg);
        assert_ne!(Some(buf[(3, 0)].bg), theme.search_match.bg);
        assert_eq!(Some(buf[(5, 0)].bg), theme.search_match.bg);
    }

    #[test]
    fn no_color_leaves_only_modifiers() {
        let none = Theme { depth: ColorDepth::None, ..Theme::plain() };
        let asked =
            TextStyle { foreground: Some(TextColor::Rgb(1, 2, 3)), bold: true, ..TextStyle::default() };
        assert_eq!(style_of(asked, &none), Style::new().add_modifier(Modifier::BOLD));
    }

    #[test]
    fn spans_cover_the_whole_line() {
        let text = StyledText::new(
            String::from("abcdef"),
            vec![red(2), Run { start: 4, style: TextStyle::default() }],
        );
        let spans = spans(&text, Style::new(), &Theme::default());
        let pieces: Vec<&str> = spans.iter().map(|span| span.content.as_ref()).collect();
        assert_eq!(pieces, ["ab", "cd", "ef"]);
    }
}
