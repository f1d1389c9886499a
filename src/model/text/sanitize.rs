//! The way in for foreign text: escape sequences go as a whole, and so does every character that
//! moves the cursor, hides, reorders or has no width a terminal agrees on.
//!
//! Each line gets a parser of its own: an escape sequence that never ends eats its line, not the log.
//! Knows nothing of secrets; see [`crate::model::redact`].

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use super::{Run, StyledText, TextColor, TextStyle};

/// Longest text kept of one line, in bytes.
const LINE_BYTES: usize = 16 * 1024;
/// Most changes of color kept in one line; beyond it, the line stays as it is then.
const LINE_RUNS: usize = 256;
/// Most marks (accents and the like) kept on one character: enough for any script, not for towers.
const MARKS: u8 = 4;
const TAB_STOP: usize = 8;

/// Makes one printable line: escape sequences and invisible characters go, line ends and tabs
/// become spaces.
pub fn clean(text: &str) -> String {
    clean_cow(text).into_owned()
}

/// Like [`clean`], without a copy when there is nothing to clean.
pub fn clean_cow(text: &str) -> Cow<'_, str> {
    if is_clean(text) { Cow::Borrowed(text) } else { Cow::Owned(clean_lines(text, ' ')) }
}

/// Like [`clean`], but line ends stay.
pub fn clean_block(text: &str) -> String {
    if is_clean(text) { text.to_owned() } else { clean_lines(text, '\n') }
}

/// Makes a log line fit to be shown, with its colors.
///
/// Of a progress bar that overwrites itself only the last state is kept. Bytes that are not UTF-8
/// become U+FFFD, tabs become spaces, and a very long line is cut with a remark.
pub fn styled(line: &[u8]) -> StyledText {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    if is_plain(line)
        && let Ok(text) = std::str::from_utf8(line)
    {
        return StyledText::plain(text);
    }
    let mut writer =
        LineWriter { text: String::with_capacity(line.len().min(LINE_BYTES)), ..LineWriter::default() };
    if line.contains(&ESCAPE) {
        vte::Parser::new().advance(&mut writer, line);
        // The parser waits for the rest of a character that never comes.
        if ends_inside_a_character(line) {
            writer.put(char::REPLACEMENT_CHARACTER);
        }
    } else {
        for character in String::from_utf8_lossy(line).chars() {
            writer.put(character);
        }
    }
    writer.finish()
}

/// Like [`styled`], without a copy when there is nothing to do.
pub fn styled_owned(line: Vec<u8>) -> StyledText {
    if !is_plain(&line) {
        return styled(&line);
    }
    match String::from_utf8(line) {
        Ok(text) => StyledText::plain(text),
        Err(error) => styled(error.as_bytes()),
    }
}

/// Whether a line can be shown as it is.
fn is_plain(line: &[u8]) -> bool {
    // Without a way out in the middle it is read many bytes at once.
    line.len() <= LINE_BYTES && line.iter().fold(true, |plain, byte| plain & (0x20..0x7f).contains(byte))
}

const ESCAPE: u8 = 0x1b;

fn clean_lines(text: &str, separator: char) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push(separator);
        }
        let mut cleaner = Cleaner { out: &mut out, filter: Filter::default() };
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.as_bytes().contains(&ESCAPE) {
            vte::Parser::new().advance(&mut cleaner, line.as_bytes());
        } else {
            line.chars().for_each(|character| cleaner.put(character));
        }
    }
    out
}

fn is_clean(text: &str) -> bool {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return true;
    }
    let mut filter = Filter::default();
    text.chars().all(|character| filter.allows(character))
}

fn ends_inside_a_character(line: &[u8]) -> bool {
    let tail = &line[line.len().saturating_sub(3)..];
    (0..tail.len()).any(|start| {
        std::str::from_utf8(&tail[start..])
            .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    })
}

/// Decides which characters may pass, one after the other.
#[derive(Default)]
struct Filter {
    /// Marks may follow: a character with a width stands before.
    based: bool,
    marks: u8,
}

impl Filter {
    fn allows(&mut self, character: char) -> bool {
        if character.is_ascii_control() {
            return false;
        }
        if character.is_ascii() {
            self.based = true;
            self.marks = 0;
            return true;
        }
        if is_forbidden(character) {
            return false;
        }
        match character.width() {
            None => false,
            Some(0) => {
                self.marks = self.marks.saturating_add(1);
                self.based && self.marks <= MARKS
            }
            Some(_) => {
                self.based = true;
                self.marks = 0;
                true
            }
        }
    }
}

/// Whether a character is invisible, reorders its neighbors, or changes another one's width.
pub(super) fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            // Zero width, direction marks, line and paragraph separator, embeddings, isolates.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Writes plain text.
struct Cleaner<'a> {
    out: &'a mut String,
    filter: Filter,
}

impl Cleaner<'_> {
    fn put(&mut self, character: char) {
        if matches!(character, '\t' | '\r' | '\u{2028}' | '\u{2029}') {
            self.out.push(' ');
        } else if self.filter.allows(character) {
            self.out.push(character);
        }
    }
}

impl vte::Perform for Cleaner<'_> {
    fn print(&mut self, character: char) {
        self.put(character);
    }

    fn execute(&mut self, byte: u8) {
        self.put(char::from(byte));
    }
}

/// Writes a log line with its colors.
#[derive(Default)]
struct LineWriter {
    text: String,
    runs: Vec<Run>,
    style: TextStyle,
    filter: Filter,
    /// Columns written so far, for tabs.
    column: usize,
    /// Bytes beyond the longest line.
    cut: usize,
    /// A carriage return was seen; it counts when text follows.
    rewind: bool,
}

impl LineWriter {
    fn put(&mut self, character: char) {
        match character {
            '\r' => {
                self.rewind = true;
                self.filter = Filter::default();
            }
            '\t' => {
                for _ in 0..TAB_STOP - self.column % TAB_STOP {
                    self.put(' ');
                }
            }
            // Lines arrive one by one; a stray line end inside must not run words together.
            '\n' | '\u{2028}' | '\u{2029}' => self.put(' '),
            _ if self.filter.allows(character) => self.write(character),
            _ => {}
        }
    }

    fn write(&mut self, character: char) {
        if self.rewind {
            self.rewind = false;
            self.text.clear();
            self.runs.clear();
            self.column = 0;
            self.cut = 0;
        }
        // Once cut, always cut: a narrow character must not slip in after a wide one was left out.
        if self.cut > 0 || self.text.len() + character.len_utf8() > LINE_BYTES {
            self.cut += character.len_utf8();
            return;
        }
        let current = self.runs.last().map_or(TextStyle::default(), |run| run.style);
        if current != self.style && self.runs.len() < LINE_RUNS {
            self.runs.push(Run { start: self.text.len() as u32, style: self.style });
        }
        self.text.push(character);
        self.column += character.width().unwrap_or(0);
    }

    fn finish(mut self) -> StyledText {
        if self.cut > 0 {
            let style = TextStyle { dim: true, ..TextStyle::default() };
            self.runs.push(Run { start: self.text.len() as u32, style });
            let _ = write!(self.text, "… {} bytes cut", self.cut);
        }
        StyledText::new(self.text, self.runs)
    }

    /// Applies "select graphic rendition": the one escape sequence that means anything here.
    fn select(&mut self, params: &vte::Params) {
        let style = &mut self.style;
        let mut params = params.iter();
        while let Some(param) = params.next() {
            let Some(&code) = param.first() else { continue };
            match code {
                0 => *style = TextStyle::default(),
                1 => style.bold = true,
                2 => style.dim = true,
                3 => style.italic = true,
                4 => style.underline = param.get(1) != Some(&0),
                7 => style.reversed = true,
                21 => style.underline = true,
                22 => {
                    style.bold = false;
                    style.dim = false;
                }
                23 => style.italic = false,
                24 => style.underline = false,
                27 => style.reversed = false,
                30..=37 => style.foreground = Some(TextColor::Indexed((code - 30) as u8)),
                39 => style.foreground = None,
                40..=47 => style.background = Some(TextColor::Indexed((code - 40) as u8)),
                49 => style.background = None,
                90..=97 => style.foreground = Some(TextColor::Indexed((code - 90 + 8) as u8)),
                100..=107 => style.background = Some(TextColor::Indexed((code - 100 + 8) as u8)),
                38 | 48 | 58 => {
                    let color = if param.len() > 1 {
                        color_of_subparams(&param[1..])
                    } else {
                        color_of_params(&mut params)
                    };
                    match (code, color) {
                        (38, Some(color)) => style.foreground = Some(color),
                        (48, Some(color)) => style.background = Some(color),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }
}

impl vte::Perform for LineWriter {
    fn print(&mut self, character: char) {
        self.put(character);
    }

    fn execute(&mut self, byte: u8) {
        self.put(char::from(byte));
    }

    fn csi_dispatch(&mut self, params: &vte::Params, intermediates: &[u8], ignore: bool, action: char) {
        // With a prefix (`CSI > … m`) it sets keyboard modes, not colors.
        if action == 'm' && intermediates.is_empty() && !ignore {
            self.select(params);
        }
    }
}

/// Reads a color as `38:5:n`, `38:2:r:g:b` or `38:2::r:g:b` write it, after the 38.
fn color_of_subparams(values: &[u16]) -> Option<TextColor> {
    match *values {
        [5, index, ..] => Some(TextColor::Indexed(u8::try_from(index).ok()?)),
        [2, red, green, blue] => rgb(red, green, blue),
        [2, _space, red, green, blue, ..] => rgb(red, green, blue),
        _ => None,
    }
}

/// Reads a color as `38;5;n` and `38;2;r;g;b` write it, after the 38.
fn color_of_params<'a>(params: &mut impl Iterator<Item = &'a [u16]>) -> Option<TextColor> {
    let mut next = || params.next().and_then(|param| param.first().copied());
    match next()? {
        5 => Some(TextColor::Indexed(u8::try_from(next()?).ok()?)),
        2 => rgb(next()?, next()?, next()?),
        _ => None,
    }
}

fn rgb(red: u16, green: u16, blue: u16) -> Option<TextColor> {
    Some(TextColor::Rgb(red.try_into().ok()?, green.try_into().ok()?, blue.try_into().ok()?))
}

#[cfg(test)]
mod tests;
