//! The front door: each command a file over the same supervisor; without one the face opens.
//!
//! Data goes to standard output, words go to standard error, and only the face needs a terminal.

pub mod args;
pub mod check;
pub mod compose;
pub mod dash;
pub mod events;
pub mod exit;
pub mod generate;
pub mod headless;
pub mod json;
pub mod lifecycle;
pub mod logs;
pub mod output;
pub mod project;
#[cfg(test)]
mod sample;
pub mod select;
pub mod settings;
pub mod status;
pub mod wait;
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
        .next_step("To speak of one stack only, name it: -p NAME"));
    }
    let setup = settings::load(global, path.as_deref())?;
    if matches!(command, None | Some(Command::Demo)) {
        dash::check_terminal()?;
    }
    start_log(&setup.config)?;
    let mut output = Output::stdout(&setup.config);
    let code = match command {
        None => {
            let files = setup.files.clone().or_else(dash::files_here);
            return dash::run(setup.ports_with_history()?, &setup.config, files).await;
        }
        Some(Command::Demo) => return dash::run(settings::demo_ports()?, &setup.config, None).await,
        Some(Command::Themes) => generate::themes(&mut output, &setup.config),
        Some(Command::Status(arguments)) => status::run(&setup, arguments, &mut output).await,
        Some(Command::Check(arguments)) => check::run(&setup, arguments, &mut output).await,
        Some(Command::Up(arguments)) => compose::up(&setup, ComposeVerb::Up, arguments).await,
        Some(Command::Rebuild(arguments)) => compose::up(&setup, ComposeVerb::Rebuild, arguments).await,
        Some(Command::Down(arguments)) => compose::down(&setup, arguments).await,
        Some(Command::Restart(arguments)) => lifecycle::run(&setup, Verb::Restart, arguments).await,
        Some(Command::Start(arguments)) => lifecycle::run(&setup, Verb::Start, arguments).await,
        Some(Command::Stop(arguments)) => lifecycle::run(&setup, Verb::Stop, arguments).await,
        Some(Command::Logs(arguments)) => logs::run(&setup, arguments, &mut output).await,
        Some(Command::Events(arguments)) => events::run(&setup, arguments, &mut output).await,
        Some(Command::Wait(arguments)) => wait::run(&setup, arguments).await,
        // Answered above.
        Some(Command::Completions { .. } | Command::Man) => Ok(exit::OK),
    }?;
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
