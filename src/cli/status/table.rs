//! The table of `status`: aligned, calm, at home in 80 columns.
//!
//! ```text
//! ● energy        unhealthy
//!   ✗ app         unhealthy    0.4%    118M   3h 5m  8000
//!       health check failed 3 times: connection refused
//! ```

use std::io;

use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::cli::headless::Figures;
use crate::cli::output::{Ink, Look, Output};
use crate::model::containers::Container;
use crate::model::stacks::{Service, ServiceState, Stack, age};
use crate::state::State;

/// Columns of the first column at least and at most, with indent and mark.
const NAME: (usize, usize) = (16, 32);
/// Columns of a line whatever the terminal: wider ones are hard to read along.
const WIDEST: usize = 120;
/// Lines that a reason may take.
const REASON_LINES: usize = 3;
/// Columns between the name and the ports: state, CPU, memory, uptime, and the blanks around them.
const FIGURES: usize = 2 + 10 + 1 + 6 + 1 + 7 + 1 + 7 + 2;

/// Prints every stack, then one line that sums it up.
pub fn print(
    state: &State,
    stacks: &[&Stack],
    figures: &Figures,
    now: Timestamp,
    output: &mut Output,
) -> io::Result<()> {
    let look = output.look;
    let names = stacks.iter().flat_map(|stack| {
        let services = stack.services.iter().map(|service| 4 + name_of(service).width());
        services.chain([2 + stack.name.width()])
    });
    let table = Table {
        state,
        figures,
        now,
        name_width: names.max().unwrap_or(0).clamp(NAME.0, NAME.1),
        width: output.width.min(WIDEST),
    };
    if !stacks.is_empty() {
        let name = pad("STACK / SERVICE", table.name_width);
        let head = format!("{name}  {:<10} {:>6} {:>7} {:>7}  PORTS", "STATE", "CPU", "MEMORY", "UP");
        output.line(look.paint(Some(Ink::Faint), &head))?;
    }
    for stack in stacks {
        let ink = Ink::of_state(stack.state);
        let mark = look.paint(ink, look.mark(stack.state));
        let name = pad(&cut(&stack.name, table.name_width - 2, look), table.name_width - 2);
        let name = look.paint(Some(Ink::Bold), &name);
        output.line(format!("{mark} {name}  {}", look.paint(ink, stack.state.word())))?;
        for service in &stack.services {
            table.print_service(service, output)?;
        }
    }
    for row in wrapped(&summary(stacks), table.width, look) {
        output.line(row)?;
    }
    let engine = state.connection.info.as_ref().map_or_else(
        || state.connection.host.clone(),
        |info| format!("engine {} at {}", info.version, info.host),
    );
    output.line(look.paint(Some(Ink::Faint), &engine))
}

struct Table<'a> {
    state: &'a State,
    figures: &'a Figures,
    now: Timestamp,
    name_width: usize,
    width: usize,
}

impl Table<'_> {
    fn print_service(&self, service: &Service, output: &mut Output) -> io::Result<()> {
        let look = output.look;
        let verdict = &service.verdict;
        let ink = Ink::of_state(verdict.state);
        let entries = service.containers.iter().filter_map(|id| self.state.containers.get(id));
        let containers: Vec<&Container> = entries.map(|entry| &entry.container).collect();
        let up: Vec<&&Container> = containers.iter().filter(|container| container.run.is_up()).collect();
        let usages = || up.iter().filter_map(|container| self.figures.get(&container.id)).map(|s| &s.usage);
        let cpu = usages().filter_map(|usage| usage.cpu_percent).reduce(|a, b| a + b);
        let memory = usages().filter_map(|usage| usage.memory_bytes).reduce(|a, b| a + b);
        let started = up.iter().filter_map(|container| container.started_at).max();

        let name = pad(&cut(&name_of(service), self.name_width - 4, look), self.name_width - 4);
        let mut line = format!(
            "  {} {name}  {} {:>6} {:>7} {:>7}",
            look.paint(ink, look.mark(verdict.state)),
            look.paint(ink, &format!("{:<10}", verdict.state.word())),
            cpu.map_or_else(String::new, |cpu| format!("{cpu:.1}%")),
            memory.map_or_else(String::new, bytes),
            started.map_or_else(String::new, |at| age(at, self.now)),
        );
        let room = self.width.saturating_sub(self.name_width + FIGURES);
        let ports = cut(&ports_of(&containers), room, look);
        if !ports.is_empty() {
            line.push_str("  ");
            line.push_str(&ports);
        }
        output.line(line.trim_end())?;
        let reason = verdict.reason.describe(self.now);
        // That finished work ended with code 0 is what its state says.
        if reason.is_empty() || verdict.state == ServiceState::Completed {
            return Ok(());
        }
        let ink = if verdict.state.is_trouble() { ink } else { Some(Ink::Faint) };
        for row in wrapped(&reason, self.width.saturating_sub(6).max(20), look) {
            output.line(format!("      {}", look.paint(ink, &row)))?;
        }
        Ok(())
    }
}

fn name_of(service: &Service) -> String {
    match (service.desired, service.running) {
        (0 | 1, _) => service.name.to_string(),
        (desired, running) => format!("{} {running}/{desired}", service.name),
    }
}

/// Says the published ports short: `8000`, `127.0.0.1:5432`, each once.
fn ports_of(containers: &[&Container]) -> String {
    let mut ports: Vec<String> = Vec::new();
    for port in containers.iter().flat_map(|container| &container.ports) {
        let Some(host_port) = port.host_port else { continue };
        let text = match port.host_ip.as_deref() {
            None | Some("" | "0.0.0.0" | "::") => host_port.to_string(),
            Some(ip) if ip.contains(':') => format!("[{ip}]:{host_port}"),
            Some(ip) => format!("{ip}:{host_port}"),
        };
        if !ports.contains(&text) {
            ports.push(text);
        }
    }
    ports.join(" ")
}

/// Writes bytes in five columns at most: `912K`, `1.5G`.
fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "K", "M", "G"] {
        if value < 1000.0 {
            let digits = usize::from(value < 10.0 && unit != "B");
            return format!("{value:.digits$}{unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1}T")
}

fn summary(stacks: &[&Stack]) -> String {
    let count = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let services: Vec<&Service> = stacks.iter().flat_map(|stack| &stack.services).collect();
    if services.is_empty() {
        return String::from("No containers");
    }
    let by_state: Vec<String> = ServiceState::ALL
        .into_iter()
        .map(|wanted| (wanted, services.iter().filter(|service| service.verdict.state == wanted).count()))
        .filter(|(_, n)| *n > 0)
        .map(|(state, n)| format!("{n} {}", state.word()))
        .collect();
    let stacks = count(stacks.len(), "stack");
    format!("{stacks}, {}: {}", count(services.len(), "service"), by_state.join(", "))
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Cuts text to so many columns, with a sign that it was cut.
fn cut(text: &str, width: usize, look: Look) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > width {
            break;
        }
        used += wide;
        kept.push(c);
    }
    if width > 0 {
        kept.push_str(look.ellipsis());
    }
    kept
}

/// Breaks text at blanks into rows; what does not fit into the last one is cut.
fn wrapped(text: &str, width: usize, look: Look) -> Vec<String> {
    let mut rows = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if rest.width() <= width || rows.len() + 1 == REASON_LINES {
            rows.push(cut(rest, width, look));
            break;
        }
        let mut used = 0;
        let fits = rest.char_indices().find(|(_, c)| {
            used += c.width().unwrap_or(0);
            used > width
        });
        let end = fits.map_or(rest.len(), |(at, _)| at);
        // A long word without blanks is broken where the row ends.
        let at = rest[..end].rfind(' ').filter(|at| *at > end / 2).unwrap_or(end);
        rows.push(rest[..at].to_owned());
        rest = rest[at..].trim_start();
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::json::in_order;
    use crate::cli::sample::{Written, extras, now, state};

    fn printed(look: Look, width: usize) -> String {
        let state = state();
        let written = Written::default();
        let stacks = in_order(state.containers.stacks());
        print(&state, &stacks, &extras().figures, now(), &mut written.output(look, width)).unwrap();
        written.text()
    }

    #[test]
    fn the_table_fits_80_columns() {
        let text = printed(Look::default(), 80);
        insta::assert_snapshot!(text);
        assert!(text.lines().all(|line| line.width() <= 80));
        assert!(!text.contains('\x1b'));
    }

    #[test]
    fn the_table_speaks_ascii_where_it_must() {
        let text = printed(Look { ascii: true, color: false }, 60);
        assert!(text.is_ascii(), "{text}");
        assert!(text.lines().all(|line| line.width() <= 60), "{text}");
    }

    #[test]
    fn a_state_is_told_by_mark_word_and_color() {
        let text = printed(Look { ascii: false, color: true }, 80);
        let line = text.lines().find(|line| line.contains(" web ")).unwrap();
        assert!(line.contains("\x1b[31m✗\x1b[0m web") && line.contains("\x1b[31munhealthy"), "{line:?}");
    }

    #[test]
    fn an_empty_engine_is_said_to_be_empty() {
        let state = State::new(now(), String::from("unix:///x"), false);
        let written = Written::default();
        print(&state, &[], &Figures::new(), now(), &mut written.output(Look::default(), 80)).unwrap();
        assert_eq!(written.text(), "No containers\nunix:///x\n");
    }

    #[test]
    fn a_long_reason_takes_three_rows_and_no_more() {
        let rows = wrapped(&"word ".repeat(60), 20, Look::default());
        assert_eq!(rows, ["word word word word", "word word word word", "word word word word…"]);
        assert_eq!(wrapped(&"x".repeat(30), 20, Look::default()), ["x".repeat(20), "x".repeat(10)]);
        assert_eq!(wrapped("日本語日本語日本", 5, Look::default()), ["日本", "語日", "本語…"]);
    }

    #[test]
    fn bytes_are_short() {
        let texts = [0, 999, 1024, 118 << 20, 1500 << 20, 3 << 40].map(bytes);
        assert_eq!(texts, ["0B", "999B", "1.0K", "118M", "1.5G", "3.0T"]);
    }
}
