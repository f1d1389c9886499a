//! How a line looks: as it was written, taken apart into message and fields, or opened over several rows.
//!
//! Lines are taken apart only when they are about to be seen, and kept while they stay where they are.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::model::logs::{LogLine, LogStream, fields};
use crate::model::text::{Run, StyledText, TextStyle};
use crate::state::logs::LogStore;
use crate::tui::views::logs::pane::Anchor;

/// Faces kept; more than any screen shows at once.
const KEPT: usize = 1_000;
const DIM: TextStyle = TextStyle {
    foreground: None,
    background: None,
    bold: false,
    dim: true,
    italic: false,
    underline: false,
    reversed: false,
};

/// The paragraphs of a line that is not shown as it was written.
pub type Face = Arc<Vec<StyledText>>;

#[derive(Debug)]
pub struct Faces {
    /// Whether structured lines are taken apart.
    pub is_on: bool,
    /// Lines that are opened.
    open: Vec<Anchor>,
    known: RefCell<HashMap<u64, Option<Face>>>,
}

impl Default for Faces {
    fn default() -> Self {
        Self { is_on: true, open: Vec::new(), known: RefCell::default() }
    }
}

impl Faces {
    pub fn toggle(&mut self) {
        self.is_on = !self.is_on;
        self.known.get_mut().clear();
    }

    pub fn is_open(&self, number: u64) -> bool {
        self.open.iter().any(|open| open.number == number)
    }

    pub fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Opens a line, or closes it.
    pub fn toggle_open(&mut self, line: Anchor) {
        self.known.get_mut().remove(&line.number);
        let before = self.open.len();
        self.open.retain(|open| open.number != line.number);
        if self.open.len() == before {
            self.open.push(line);
        }
    }

    pub fn close_all(&mut self) {
        self.open.clear();
        self.known.get_mut().clear();
    }

    /// Finds the open lines again after lines moved from a number on.
    pub fn moved(&mut self, store: &LogStore, from: u64) {
        self.known.get_mut().retain(|number, _| *number < from);
        for open in &mut self.open {
            open.find(store);
        }
        self.open.retain(|open| open.number >= store.dropped());
    }

    /// Returns the paragraphs of a line, or none where it is shown as it was written.
    pub fn of(&self, number: u64, line: &LogLine) -> Option<Face> {
        let is_open = self.is_open(number);
        let looks = self.is_on && line.text.text().contains(['{', '=']);
        if line.stream == LogStream::Remark || !is_open && !looks {
            return None;
        }
        let mut known = self.known.borrow_mut();
        if let Some(face) = known.get(&number) {
            return face.clone();
        }
        if known.len() >= KEPT {
            known.clear();
        }
        let face = if is_open { Some(opened(line)) } else { headline(line).map(|text| vec![text]) };
        known.entry(number).or_insert(face.map(Arc::new)).clone()
    }
}

/// Writes a structured line in one paragraph: its message, then its fields, dimmed.
fn headline(line: &LogLine) -> Option<StyledText> {
    let parts = fields::parse(line.text.text(), line.at, line.level.is_some())?;
    let mut text = parts.message.replace('\n', " ");
    let start = text.len() as u32;
    for (key, value) in &parts.fields {
        if !text.is_empty() {
            text.push_str("  ");
        }
        let value = value.replace('\n', " ");
        let quote = if value.contains(' ') && !value.starts_with(['{', '[']) { "\"" } else { "" };
        let _ = write!(text, "{key}={quote}{value}{quote}");
    }
    let runs = if text.len() as u32 > start { vec![Run { start, style: DIM }] } else { Vec::new() };
    Some(StyledText::new(text, runs))
}

/// Writes a line over several paragraphs: one for the message, one for each field, one for its origin.
fn opened(line: &LogLine) -> Vec<StyledText> {
    let mut paragraphs = Vec::new();
    match fields::parse(line.text.text(), line.at, line.level.is_some()) {
        None => paragraphs.push(line.text.clone()),
        Some(parts) => {
            paragraphs.extend(parts.message.split('\n').map(StyledText::plain));
            for (key, value) in parts.fields {
                let mut rows = value.split('\n');
                let first = rows.next().unwrap_or_default();
                let key_end = (key.len() + 3) as u32;
                let runs =
                    vec![Run { start: 0, style: DIM }, Run { start: key_end, style: TextStyle::default() }];
                paragraphs.push(StyledText::new(format!("  {key}: {first}"), runs));
                paragraphs.extend(rows.map(|row| StyledText::plain(format!("    {row}"))));
            }
        }
    }
    let origin = format!("  {} {} {}", line.at, line.stream.word(), line.source.container.short());
    paragraphs.push(StyledText::new(origin, vec![Run { start: 0, style: DIM }]));
    paragraphs
}
