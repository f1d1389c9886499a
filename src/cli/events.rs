//! `events`: the timeline, a line each; with `--follow` it goes on.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

use crate::cli::args::{EventsArguments, LineFormat};
use crate::cli::exit::{self, Failure};
use crate::cli::headless::{Headless, Measure};
use crate::cli::json;
use crate::cli::output::{Ink, Look, Output};
use crate::cli::select;
use crate::cli::settings::Setup;
use crate::config::Config;
use crate::model::stacks::Target;
use crate::model::timeline::{EntryKind, TimelineEntry};
use crate::state::State;
use crate::state::timeline::Timeline;

/// Columns that names may take.
const NAME: (usize, usize) = (16, 40);

pub async fn run(setup: &Setup, arguments: EventsArguments, output: &mut Output) -> Result<u8, Failure> {
    let mut headless = Headless::connect(setup.ports()?, &setup.config, Measure::Nothing).await?;
    let now = headless.supervisor.now();
    let since = arguments.since.map(|since| since.moment(now));
    let view = View::new(headless.state(), &setup.config, &arguments.services.services)?;
    let mut reader = Reader::default();
    let mut past = reader.news(&headless.state().timeline);
    // That we have just connected is no news to whoever asked us to.
    past.retain(|entry| entry.kind != EntryKind::Engine && since.is_none_or(|since| entry.at >= since));
    past.retain(|entry| view.shows(entry));
    let longest = past.iter().map(|entry| name_of(entry).width()).max().unwrap_or(0);
    let lines = Lines {
        format: arguments.format,
        zone: TimeZone::system(),
        name_width: longest.clamp(NAME.0, NAME.1),
    };
    for entry in past {
        lines.print(entry, output)?;
    }
    output.flush()?;
    if !arguments.follow {
        return Ok(exit::OK);
    }
    loop {
        headless.supervisor.next().await;
        for entry in reader.news(&headless.state().timeline) {
            if entry.kind == EntryKind::Engine || view.shows(entry) {
                lines.print(entry, output)?;
            }
        }
        output.flush()?;
    }
}

/// What was asked for; names are kept, so that a recreated container stays in view.
struct View {
    project: Option<String>,
    /// Stack and service; empty: everything.
    services: Vec<(Arc<str>, Arc<str>)>,
}

impl View {
    fn new(state: &State, config: &Config, words: &[String]) -> Result<Self, Failure> {
        let services = select::services(state, config, words)?
            .into_iter()
            .filter_map(|target| match target {
                Target::Service { stack, service } => Some((stack, service)),
                Target::Container(id) => state
                    .containers
                    .get(&id)
                    .map(|entry| (entry.container.stack_name(), entry.container.service_name())),
                Target::Stack(_) => None,
            })
            .collect();
        Ok(Self { project: config.project.clone(), services })
    }

    fn shows(&self, entry: &TimelineEntry) -> bool {
        let in_project = self.project.as_deref().is_none_or(|name| entry.stack.as_deref() == Some(name));
        let named = || {
            self.services.iter().any(|(stack, service)| {
                entry.stack.as_ref() == Some(stack) && entry.service.as_ref() == Some(service)
            })
        };
        in_project && (self.services.is_empty() || named())
    }
}

/// Knows what of the timeline has been read.
///
/// After a lost connection the engine tells what happened meanwhile, and that is put where its time
/// belongs: new entries are not always the last ones, so they are known by what they say.
#[derive(Default)]
struct Reader {
    count: u64,
    seen: HashSet<(jiff::Timestamp, Option<Arc<str>>, String)>,
}

impl Reader {
    fn news<'a>(&mut self, timeline: &'a Timeline) -> Vec<&'a TimelineEntry> {
        let total = timeline.dropped() + timeline.entries().len() as u64;
        let mut missing = total - self.count;
        self.count = total;
        let mut news = Vec::new();
        for entry in timeline.entries().iter().rev() {
            if missing == 0 {
                break;
            }
            if self.seen.insert((entry.at, entry.service.clone(), entry.text.clone())) {
                news.push(entry);
                missing -= 1;
            }
        }
        // What fell out of the timeline cannot come back.
        if let Some(oldest) = timeline.entries().front()
            && self.seen.len() > 2 * timeline.entries().len()
        {
            let oldest = oldest.at;
            self.seen.retain(|(at, ..)| *at >= oldest);
        }
        news.reverse();
        news
    }
}

/// How entries are written.
struct Lines {
    format: LineFormat,
    zone: TimeZone,
    name_width: usize,
}

impl Lines {
    fn print(&self, entry: &TimelineEntry, output: &mut Output) -> std::io::Result<()> {
        match self.format {
            LineFormat::Json => output.object(&json::event(entry)),
            LineFormat::Text => output.line(self.text(entry, output.look)),
        }
    }

    fn text(&self, entry: &TimelineEntry, look: Look) -> String {
        let at = entry.at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let name = name_of(entry);
        let padding = " ".repeat(self.name_width.saturating_sub(name.width()));
        let at = look.paint(Some(Ink::Faint), &at);
        let text = look.paint(Ink::of_severity(entry.severity), &entry.text);
        format!("{at}  {name}{padding}  {text}")
    }
}

fn name_of(entry: &TimelineEntry) -> String {
    match (&entry.stack, &entry.service) {
        (Some(stack), Some(service)) => select::full_name(stack, service),
        (Some(stack), None) => stack.to_string(),
        (None, _) => String::from("engine"),
    }
}
