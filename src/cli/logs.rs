//! `logs`: the logs of a selection, merged by time, once or as they come.

pub mod follow;
pub mod merge;
pub mod print;

use futures_util::StreamExt;
use jiff::Timestamp;
use regex::{Regex, RegexBuilder};

use crate::cli::args::{Level, LogsArguments};
use crate::cli::exit::{self, Failure};
use crate::cli::headless::Measure;
use crate::cli::logs::print::Printer;
use crate::cli::meant;
use crate::cli::output::{Output, say};
use crate::cli::select;
use crate::cli::settings::Setup;
use crate::model::logs::file::FileNews;
use crate::model::logs::{LogLevel, LogLine, LogStream};
use crate::ports::{BoxStream, EngineError, FileRequest, LogRequest};

/// Lines of each container without any wish.
const TAIL: u32 = 200;
/// Lines of each container with `--since`: the engine searches a whole file without a bound.
const TAIL_SINCE: u32 = 100_000;

pub async fn run(setup: &Setup, arguments: LogsArguments, output: &mut Output) -> Result<u8, Failure> {
    let filter = Filter::new(&arguments)?;
    let mut headless = meant::connect(setup, setup.ports()?, Measure::Nothing).await?;
    let config = meant::for_words(&mut headless, setup, &arguments.services.services).await?;
    headless.stack_files().await;
    let since = arguments.since.map(|since| since.moment(headless.supervisor.now()));
    let tail = arguments.tail.unwrap_or(if since.is_some() { TAIL_SINCE } else { TAIL });
    let wanted = select::containers(headless.state(), &config, &arguments.services.services)?;
    let mut printer = Printer::new(arguments.format, arguments.timestamps, filter);
    printer.learn(headless.state(), &wanted);
    if wanted.is_empty() && !arguments.follow {
        say(match &*arguments.services.services {
            [] => String::from("there is no container whose log could be read"),
            words => format!("no container of {}: nothing was logged yet", words.join(", ")),
        });
    }
    if arguments.follow {
        let words = &arguments.services.services;
        return follow::run(headless, &config, words, tail, since, printer, output).await;
    }
    let streams = wanted
        .iter()
        .filter_map(|id| headless.state().containers.get(id))
        .flat_map(|entry| {
            headless.state().stack_files.logs_of(&entry.container).into_iter().map(move |log| (entry, log))
        })
        .map(|(entry, log)| {
            let (engine, name) = (&headless.ports.engine, entry.container.name.clone());
            let lines = if log.file.is_some() {
                let wanted = FileRequest { tail, resume: None, follow: false };
                since_then(engine.log_file(&log, wanted), since)
            } else {
                let tty = entry.container.tty;
                engine.logs(&log.container, LogRequest { tail, since, until: None, follow: false, tty })
            };
            (name, lines)
        })
        .collect();
    let mut merge = merge::Merge::new(streams);
    while let Some(line) = merge.next().await {
        printer.print(&line, output)?;
    }
    let errors = merge.errors();
    for (name, error) in errors {
        say(format!("{name}: {error}"));
    }
    Ok(if errors.is_empty() { exit::OK } else { exit::FAILED })
}

/// Returns a file's lines from a moment on; it is the file that says when they were written.
fn since_then(
    news: BoxStream<'static, Result<FileNews, EngineError>>,
    since: Option<Timestamp>,
) -> merge::Batches {
    Box::pin(news.map(move |news| {
        Ok(match news? {
            FileNews::Lines(mut lines, _) => {
                lines.retain(|line| since.is_none_or(|since| line.at >= since));
                lines
            }
            FileNews::Waiting(_) => Vec::new(),
        })
    }))
}

/// Which lines are wanted.
pub struct Filter {
    grep: Option<Regex>,
    level: Option<LogLevel>,
}

impl Filter {
    fn new(arguments: &LogsArguments) -> Result<Self, Failure> {
        let grep = arguments.grep.as_deref().map(pattern).transpose()?;
        let level = arguments.level.map(|level| match level {
            Level::Trace => LogLevel::Trace,
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        });
        Ok(Self { grep, level })
    }

    /// A line of unknown level is not known to be serious, so it is left out when a level is asked for.
    fn lets_through(&self, line: &LogLine) -> bool {
        if line.stream == LogStream::Remark {
            return self.grep.is_none() && self.level.is_none();
        }
        self.level.is_none_or(|least| line.level.is_some_and(|level| level >= least))
            && self.grep.as_ref().is_none_or(|grep| grep.is_match(line.text.text()))
    }
}

/// Reads a pattern; only one with a capital letter tells cases apart.
fn pattern(text: &str) -> Result<Regex, Failure> {
    let any_case = !text.chars().any(char::is_uppercase);
    RegexBuilder::new(text)
        .case_insensitive(any_case)
        .build()
        .map_err(|error| Failure::usage(format!("--grep {text:?} is no regular expression: {error}")))
}
