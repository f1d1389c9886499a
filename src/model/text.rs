//! Foreign text made fit for a terminal.
//!
//! Everything that was not written by us passes here before it is stored: only printable characters
//! and, in log lines, colors survive. Views may then draw it as it is. `sanitize` holds the way in,
//! `level` reads how serious a line says it is.

mod level;
mod sanitize;

pub use level::level_of;
pub use sanitize::{clean, clean_block, clean_cow, styled, styled_owned};

/// A color as a log line asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextColor {
    /// One of the 16 of the terminal, or of the 256.
    Indexed(u8),
    Rgb(u8, u8, u8),
}

/// The colors and attributes of a run of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TextStyle {
    pub foreground: Option<TextColor>,
    pub background: Option<TextColor>,
    pub bold: bool,
    pub dim: bool,
    pub italic: bool,
    pub underline: bool,
    pub reversed: bool,
}

/// A style that holds from a byte offset to the next run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub start: u32,
    pub style: TextStyle,
}

/// One line of printable text with the colors it came with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StyledText {
    text: Box<str>,
    runs: Box<[Run]>,
}

impl StyledText {
    pub fn new(text: String, runs: Vec<Run>) -> Self {
        Self { text: text.into_boxed_str(), runs: runs.into_boxed_slice() }
    }

    /// Makes a line without colors; `text` must be clean already.
    pub fn plain(text: impl Into<Box<str>>) -> Self {
        Self { text: text.into(), runs: Box::default() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Returns the bytes it holds on the heap.
    pub fn weight(&self) -> usize {
        self.text.len() + size_of_val(&*self.runs)
    }
}
