//! Standard output and what may be put there: data, and colors only where a terminal reads them.
//!
//! Words for people (progress, warnings) go to standard error through [`say`].

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

use serde::Serialize;

use crate::config::Config;
use crate::model::stacks::ServiceState;
use crate::model::timeline::Severity;

/// The terminal's own sixteen colors: they follow whatever palette the operator has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
    Faint,
    Bold,
}

impl Ink {
    /// Colors that tell services apart in merged lines.
    pub const GUTTER: [Self; 6] =
        [Self::Cyan, Self::Magenta, Self::Green, Self::Yellow, Self::Blue, Self::Faint];

    fn code(self) -> &'static str {
        match self {
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Blue => "34",
            Self::Magenta => "35",
            Self::Cyan => "36",
            Self::Faint => "2",
            Self::Bold => "1",
        }
    }

    pub fn of_state(state: ServiceState) -> Option<Self> {
        match state {
            ServiceState::Failed | ServiceState::Unhealthy => Some(Self::Red),
            ServiceState::Restarting | ServiceState::Blocked => Some(Self::Yellow),
            ServiceState::Starting | ServiceState::Paused => Some(Self::Cyan),
            ServiceState::Running | ServiceState::Healthy => Some(Self::Green),
            ServiceState::Stopped | ServiceState::Completed | ServiceState::Absent => Some(Self::Faint),
        }
    }

    pub fn of_severity(severity: Severity) -> Option<Self> {
        match severity {
            Severity::Info => None,
            Severity::Good => Some(Self::Green),
            Severity::Warning => Some(Self::Yellow),
            Severity::Error => Some(Self::Red),
        }
    }
}

/// How text may look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    pub color: bool,
    pub ascii: bool,
}

impl Look {
    /// Puts a color around the text where colors are wanted.
    pub fn paint(self, ink: Option<Ink>, text: &str) -> String {
        match ink {
            Some(ink) if self.color && !text.is_empty() => format!("\x1b[{}m{text}\x1b[0m", ink.code()),
            _ => text.to_owned(),
        }
    }

    pub fn mark(self, state: ServiceState) -> &'static str {
        if self.ascii { state.ascii_mark() } else { state.mark() }
    }

    pub fn ellipsis(self) -> &'static str {
        if self.ascii { "~" } else { "…" }
    }
}

/// Where data goes.
pub struct Output {
    to: Box<dyn Write>,
    pub look: Look,
    /// Columns a line may take.
    pub width: usize,
}

impl Output {
    /// Writes to standard output.
    pub fn stdout(config: &Config) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let width =
            if terminal { crossterm::terminal::size().map_or(80, |(w, _)| usize::from(w)) } else { 80 };
        let look = Look { color: terminal && !config.no_color, ascii: config.ascii };
        Self { to: Box::new(BufWriter::new(stdout)), look, width: if width == 0 { 80 } else { width } }
    }

    /// Writes to wherever a test looks.
    #[cfg(test)]
    pub fn into(to: Box<dyn Write>, look: Look, width: usize) -> Self {
        Self { to, look, width }
    }

    /// Writes one line.
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.to, "{text}")
    }

    /// Writes text as it is.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)
    }

    /// Writes one document, indented.
    pub fn document(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.to, value).map_err(io::Error::from)?;
        writeln!(self.to)
    }

    /// Writes one object on a line of its own.
    pub fn object(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.to, value).map_err(io::Error::from)?;
        writeln!(self.to)
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Says something to the operator, on standard error.
pub fn say(text: impl Display) {
    // With nobody listening there is nothing to be done about it.
    let _ = writeln!(io::stderr(), "{text}");
}
