//! `events`: the timeline, a line each; with `--follow` it goes on.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

use crate::cli::args::{EventsArguments, LineFormat};
use crate::cli::exit::{self, Failure};
use crate::cli::headless::Measure;
use crate::cli::json;
use crate::cli::meant;
use crate::cli::output::{Ink, Look, Output, say};
use crate::cli::select;
use crate::cli::settings::Setup;
use crate::cli::when::Since;
use crate::config::Config;
use crate::model::stacks::Target;
use crate::model::timeline::{EntryKind, TimelineEntry};
use crate::ports::Ports;
use crate::state::State;
use crate::state::timeline::Timeline;

/// Columns that names may take.
const NAME: (usize, usize) = (16, 40);
/// What is shown when nothing else was asked for.
const LATELY: Since = Since::Ago(Duration::from_hours(24));

pub async fn run(setup: &Setup, arguments: EventsArguments, output: &mut Output) -> Result<u8, Failure> {
    let ports = setup.ports_with_history()?;
    let started = ports.clock.now();
    let since = arguments.since.unwrap_or(LATELY).moment(started);
    let mut past = kept(&ports, since).await;
    let words = &arguments.services.services;
    let mut headless = match meant::connect(setup, ports, Measure::Nothing).await {
        Ok(headless) => headless,
        Err(failure) => {
            if !past.is_empty() {
                View::of_words(&setup.config, words).keep(&mut past);
                Lines::new(&arguments, &past).print_all(&past, output)?;
                say("the engine does not answer: this is what was kept of its timeline");
            }
            return Err(failure);
        }
    };
    let config = meant::for_words(&mut headless, setup, words).await?;
    let view = match View::new(headless.state(), &config, words) {
        Ok(view) => view,
        Err(failure) => {
            // What is gone by now is known by its past.
            let view = View::of_words(&setup.config, words);
            if !past.iter().any(|entry| view.shows(entry)) {
                return Err(failure);
            }
            view
        }
    };
    let mut reader = Reader::default();
    let told = reader.news(&headless.state().timeline);
    // That we have just connected is no news to whoever asked us to.
    let told = told.into_iter().filter(|entry| entry.kind != EntryKind::Engine || entry.at < started);
    past = merged(past, told.filter(|entry| entry.at >= since));
    view.keep(&mut past);
    let lines = Lines::new(&arguments, &past);
    lines.print_all(&past, output)?;
    if !arguments.follow {
        headless.supervisor.close().await;
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

/// Reads what was kept; without it there is still what the engine remembers.
async fn kept(ports: &Ports, since: Timestamp) -> Vec<TimelineEntry> {
    let Some(history) = &ports.history else { return Vec::new() };
    history.read(Some(since)).await.unwrap_or_else(|why| {
        say(why);
        Vec::new()
    })
}

/// Puts what the engine told among what was kept, each thing once.
fn merged<'a>(kept: Vec<TimelineEntry>, told: impl Iterator<Item = &'a TimelineEntry>) -> Vec<TimelineEntry> {
    let mut all = kept;
    for entry in told {
        let place = all.partition_point(|known| known.at <= entry.at);
        let mut same = all[..place].iter().rev().take_while(|known| known.at == entry.at);
        if !same.any(|known| known.is_same_as(entry)) {
            all.insert(place, entry.clone());
        }
    }
    all
}

/// What was asked for; names are kept, so that a recreated container stays in view.
struct View {
    project: Option<String>,
    /// Stack and service; empty: everything.
    services: Vec<(Arc<str>, Arc<str>)>,
    /// Services by name alone.
    bare: Vec<Arc<str>>,
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
        Ok(Self { project: config.project.clone(), services, bare: Vec::new() })
    }

    /// Takes words as they stand, where there is no engine to ask what they mean.
    fn of_words(config: &Config, words: &[String]) -> Self {
        let services = words.iter().filter_map(|word| word.split_once('/'));
        let mut view = Self {
            project: config.project.clone(),
            services: services.map(|(stack, service)| (stack.into(), service.into())).collect(),
            bare: Vec::new(),
        };
        view.bare = words.iter().filter(|word| !word.contains('/')).map(|word| (**word).into()).collect();
        view
    }

    /// Drops what was not asked for.
    fn keep(&self, entries: &mut Vec<TimelineEntry>) {
        entries.retain(|entry| self.shows(entry) || (entry.kind == EntryKind::Engine && self.shows_all()));
    }

    fn shows_all(&self) -> bool {
        self.project.is_none() && self.services.is_empty() && self.bare.is_empty()
    }

    fn shows(&self, entry: &TimelineEntry) -> bool {
        let in_project = self.project.as_deref().is_none_or(|name| entry.stack.as_deref() == Some(name));
        let named = || {
            self.services.iter().any(|(stack, service)| {
                entry.stack.as_ref() == Some(stack) && entry.service.as_ref() == Some(service)
            }) || entry.service.as_ref().is_some_and(|service| self.bare.contains(service))
        };
        in_project && (self.services.is_empty() && self.bare.is_empty() || named())
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
    fn new(arguments: &EventsArguments, entries: &[TimelineEntry]) -> Self {
        let longest = entries.iter().map(|entry| name_of(entry).width()).max().unwrap_or(0);
        Self { format: arguments.format, zone: TimeZone::system(), name_width: longest.clamp(NAME.0, NAME.1) }
    }

    fn print_all(&self, entries: &[TimelineEntry], output: &mut Output) -> std::io::Result<()> {
        for entry in entries {
            self.print(entry, output)?;
        }
        output.flush()
    }

    fn print(&self, entry: &TimelineEntry, output: &mut Output) -> std::io::Result<()> {
        match self.format {
            LineFormat::Json => output.object(&json::events::event(entry)),
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
