//! Prints log lines: `service | text` for people, one object a line for scripts.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

use crate::cli::args::LineFormat;
use crate::cli::json;
use crate::cli::logs::Filter;
use crate::cli::output::{Ink, Look, Output};
use crate::model::containers::{ContainerId, NO_STACK};
use crate::model::logs::{LogLine, LogSource, LogStream};
use crate::model::text::{StyledText, TextColor, TextStyle};
use crate::state::State;

/// Columns that names in the gutter may widen it to.
const GUTTER: usize = 32;

struct Origin {
    stack: Arc<str>,
    service: Arc<str>,
    container: Arc<str>,
    /// As it stands in the gutter.
    label: String,
    ink: Ink,
}

pub struct Printer {
    format: LineFormat,
    timestamps: bool,
    filter: Filter,
    zone: TimeZone,
    origins: HashMap<LogSource, Origin>,
    gutter: usize,
}

impl Printer {
    pub fn new(format: LineFormat, timestamps: bool, filter: Filter) -> Self {
        Self { format, timestamps, filter, zone: TimeZone::system(), origins: HashMap::new(), gutter: 0 }
    }

    /// Learns the names of containers; what is known stays known after a container is gone.
    pub fn learn(&mut self, state: &State, wanted: &[ContainerId]) {
        let entries: Vec<_> = wanted.iter().filter_map(|id| state.containers.get(id)).collect();
        let first_stack = entries.first().map(|entry| entry.container.stack_name());
        let one_stack = entries.iter().all(|entry| Some(entry.container.stack_name()) == first_stack);
        for entry in entries {
            let container = &entry.container;
            let (stack, service) = (container.stack_name(), container.service_name());
            let alone = state
                .containers
                .stack(&stack)
                .and_then(|stack| stack.service(&service))
                .is_none_or(|service| service.containers.len() < 2);
            let mut label = if one_stack || *stack == *NO_STACK {
                service.to_string()
            } else {
                format!("{stack}/{service}")
            };
            if let Some(compose) = container.compose.as_ref().filter(|_| !alone) {
                label = format!("{label}-{}", compose.number);
            }
            // By its name, so that a service has the same color whatever else is shown.
            let hash = service.bytes().fold(0_usize, |hash, byte| hash.wrapping_mul(31) + usize::from(byte));
            let ink = Ink::GUTTER[hash % Ink::GUTTER.len()];
            for source in state.stack_files.logs_of(container) {
                let label = match source.file_name() {
                    Some(file) => format!("{label}·{file}"),
                    None => label.clone(),
                };
                self.gutter = self.gutter.max(label.width()).min(GUTTER);
                let (stack, service) = (stack.clone(), service.clone());
                let container = container.name.clone();
                self.origins.entry(source).or_insert(Origin { stack, service, container, label, ink });
            }
        }
    }

    /// Prints one line, if it is wanted.
    pub fn print(&self, line: &LogLine, output: &mut Output) -> std::io::Result<()> {
        let Some(origin) = self.origins.get(&line.source) else { return Ok(()) };
        if !self.filter.lets_through(line) {
            return Ok(());
        }
        match self.format {
            // Remarks are ours, not the container's: scripts get its lines only.
            LineFormat::Json if line.stream == LogStream::Remark => Ok(()),
            LineFormat::Json => {
                output.object(&json::logs::log_line(line, &origin.stack, &origin.service, &origin.container))
            }
            LineFormat::Text => output.line(self.text(line, origin, output.look)),
        }
    }

    fn text(&self, line: &LogLine, origin: &Origin, look: Look) -> String {
        let padding = " ".repeat(self.gutter.saturating_sub(origin.label.width()));
        let bar = if look.ascii { "|" } else { "│" };
        // The point between service and file is no ASCII; names were cleaned, but may hold any letter.
        let label = if look.ascii { origin.label.replace('·', ":") } else { origin.label.clone() };
        let mut text = look.paint(Some(origin.ink), &format!("{label}{padding} {bar} "));
        if self.timestamps {
            let at = line.at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f ").to_string();
            text.push_str(&look.paint(Some(Ink::Faint), &at));
        }
        match line.stream {
            LogStream::Remark => {
                text.push_str(&look.paint(Some(Ink::Faint), &format!("-- {} --", line.text.text())));
            }
            LogStream::Stdout | LogStream::Stderr | LogStream::File if look.color => {
                text.push_str(&with_colors(&line.text));
            }
            LogStream::Stdout | LogStream::Stderr | LogStream::File => text.push_str(line.text.text()),
        }
        text
    }
}

/// Writes a line with the colors it came with.
fn with_colors(text: &StyledText) -> String {
    if text.runs().is_empty() {
        return text.text().to_owned();
    }
    let mut colored = String::new();
    let mut done = 0;
    for run in text.runs() {
        let start = run.start as usize;
        colored.push_str(text.text().get(done..start).unwrap_or_default());
        done = done.max(start);
        colored.push_str(&sgr(run.style));
    }
    colored.push_str(text.text().get(done..).unwrap_or_default());
    colored.push_str("\x1b[0m");
    colored
}

fn sgr(style: TextStyle) -> String {
    // Each run says all that holds from it on, so nothing of the one before may stay.
    let mut codes = vec![String::from("0")];
    let flags =
        [(style.bold, 1), (style.dim, 2), (style.italic, 3), (style.underline, 4), (style.reversed, 7)];
    for (_, number) in flags.iter().filter(|(on, _)| *on) {
        codes.push(number.to_string());
    }
    for (base, color) in [(38, style.foreground), (48, style.background)] {
        match color {
            Some(TextColor::Indexed(index)) => codes.push(format!("{base};5;{index}")),
            Some(TextColor::Rgb(r, g, b)) => codes.push(format!("{base};2;{r};{g};{b}")),
            None => {}
        }
    }
    format!("\x1b[{}m", codes.join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::text::Run;

    #[test]
    fn colors_of_a_line_end_with_it() {
        let red = TextStyle { foreground: Some(TextColor::Indexed(1)), bold: true, ..TextStyle::default() };
        let runs = vec![Run { start: 3, style: red }, Run { start: 6, style: TextStyle::default() }];
        let text = StyledText::new(String::from("an error"), runs);
        assert_eq!(with_colors(&text), "an \x1b[0;1;38;5;1merr\x1b[0mor\x1b[0m");
        assert_eq!(with_colors(&StyledText::plain("plain")), "plain");
    }
}
