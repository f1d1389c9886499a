//! The front door: each command a file over the same supervisor; without one the face opens.
//!
//! Data goes to standard output, words go to standard error, and only the face needs a terminal.

pub mod args;
pub mod check;
pub mod compose;
pub mod dash;
pub mod events;
pub mod examples;
pub mod exit;
pub mod generate;
pub mod headless;
pub mod json;
pub mod lifecycle;
pub mod lint;
pub mod logs;
pub mod meant;
pub mod output;
pub mod parse;
pub mod project;
pub mod run;
#[cfg(test)]
mod sample;
pub mod select;
pub mod settings;
pub mod status;
pub mod tokens;
pub mod wait;
pub mod watch;
pub mod when;

use crate::cli::args::{Arguments, Command};
use crate::cli::exit::Failure;
use crate::cli::output::Output;
use crate::config::Config;
use crate::logging;
use crate::model::jobs::{ComposeVerb, Verb};

/// Does what the command line says; returns the code to end with.
pub async fn run(arguments: Arguments) -> Result<u8, Failure> {
    let Arguments { global, path, command } = arguments;
    // These need neither engine nor configuration, so neither may stop them.
    match &command {
        Some(Command::Completions { shell }) => return generate::completions(*shell),
        Some(Command::Man) => return generate::man(),
        _ => {}
    }
    if let Some(path) = &path
        && command.is_some()
    {
        let path = path.display();
        return Err(Failure::usage(format!(
            "{path:?} stands before a command: a path belongs to the dashboard only"
        ))
        .next_step("To speak of one stack only, name it: -p NAME, or its file before the command: -f FILE"));
    }
    if matches!(command, None | Some(Command::Demo)) {
        // Finding the time zone reads a hundred folders; it is kept, and the first frame wants it.
        std::thread::spawn(|| drop(jiff::tz::TimeZone::system()));
    }
    let mut setup = match settings::load(global, path.as_deref()) {
        Ok(setup) => setup,
        Err(failure) => return not_set_up(command, failure),
    };
    if matches!(command, None | Some(Command::Demo)) {
        dash::check_terminal()?;
    }
    start_log(&setup.config)?;
    if let Err(failure) = setup.find_name().await {
        return not_set_up(command, failure);
    }
    let mut output = Output::stdout(&setup.config);
    let code = match command {
        None => {
            let files = match &setup.files {
                Some(files) => Some(files.clone()),
                // A stack that was named need not be that of this folder.
                None if setup.config.project.is_some() => None,
                None => setup.files_here()?,
            };
            let variant = setup.choice.variant.as_deref();
            let dash = dash::run(setup.ports_with_history()?, &setup.config, files, variant);
            // The whole face lives in it.
            return Box::pin(dash).await;
        }
        Some(Command::Demo) => {
            return Box::pin(dash::run(settings::demo_ports()?, &setup.config, None, None)).await;
        }
        Some(Command::Themes) => generate::themes(&mut output, &setup.config),
        Some(Command::Status(arguments)) => status::run(&setup, arguments, &mut output).await,
        Some(Command::Lint(arguments)) => lint::run(&setup, arguments, &mut output).await,
        Some(Command::Check(arguments)) => check::run(&setup, arguments, &mut output).await,
        Some(Command::Tokens(arguments)) => tokens::run(&setup, arguments, &mut output).await,
        Some(Command::Up(arguments)) => compose::up(&setup, arguments).await,
        Some(Command::Rebuild(arguments)) => {
            let verb = if arguments.no_cache { ComposeVerb::RebuildClean } else { ComposeVerb::Rebuild };
            compose::rebuild(&setup, verb, arguments.up).await
        }
        Some(Command::Update(arguments)) => compose::update(&setup, arguments).await,
        Some(Command::Down(arguments)) => compose::down(&setup, arguments).await,
        Some(Command::Restart(arguments)) => {
            lifecycle::run(&setup, Verb::Restart, arguments, &setup.choice.profiles).await
        }
        Some(Command::Start(arguments)) => {
            lifecycle::run(&setup, Verb::Start, arguments, &setup.choice.profiles).await
        }
        Some(Command::Stop(arguments)) => {
            lifecycle::run(&setup, Verb::Stop, arguments, &setup.choice.profiles).await
        }
        Some(Command::Run(arguments)) => run::run(&setup, arguments, &mut output).await,
        Some(Command::Logs(arguments)) => logs::run(&setup, arguments, &mut output).await,
        Some(Command::Events(arguments)) => events::run(&setup, arguments, &mut output).await,
        Some(Command::Wait(arguments)) => wait::run(&setup, arguments).await,
        Some(Command::Watch(arguments)) => watch::run(&setup, arguments, &mut output).await,
        // Answered above.
        Some(Command::Completions { .. } | Command::Man) => Ok(exit::OK),
    }?;
    output.flush()?;
    Ok(code)
}

/// Ends before anything was done; to monitoring that is an answer like any other.
fn not_set_up(command: Option<Command>, failure: Failure) -> Result<u8, Failure> {
    let Some(Command::Check(arguments)) = command else { return Err(failure) };
    let mut output = Output::stdout(&Config::default());
    let code = check::unknown(failure, arguments, &mut output)?;
    output.flush()?;
    Ok(code)
}

/// Starts our own log; `-v` hears more of ourselves.
fn start_log(config: &Config) -> Result<(), Failure> {
    let level = match config.verbosity {
        0 => log::LevelFilter::Info,
        1 => log::LevelFilter::Debug,
        _ => log::LevelFilter::Trace,
    };
    logging::init(logging::Options { level, file: config.log_file.clone() }).map_err(Failure::usage)
}
