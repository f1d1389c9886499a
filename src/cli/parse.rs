//! From the words of the command line to [`Arguments`]: `-f` where it can stand, and errors that say what is known.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::cli::args::{Arguments, GLOBAL};
use crate::cli::exit;

/// The id of `-f` and `--file` behind a command.
const FILES: &str = "files-of-command";
/// Commands that speak of no stack.
const WITHOUT_FILES: [&str; 4] = ["demo", "themes", "completions", "man"];

/// The command line could not be understood; what was said about it is for people.
#[derive(Debug)]
pub struct Misread {
    /// What clap has to say; help and version are no errors.
    pub error: clap::Error,
    /// What is known instead; may be empty.
    pub known: String,
    /// The code to end with.
    pub code: u8,
}

/// Makes the whole command: what the derive knows, and `-f` behind every command that leaves the letter free.
pub fn command() -> Command {
    with_files(Arguments::command(), true)
}

fn with_files(command: Command, is_root: bool) -> Command {
    let follows = command.get_arguments().any(|arg| arg.get_short() == Some('f'));
    let command = if is_root || WITHOUT_FILES.contains(&command.get_name()) {
        command
    } else {
        let files = Arg::new(FILES)
            .long("file")
            .value_name("FILE")
            .help("These compose files, several with several of it: only their stack is meant")
            .help_heading(GLOBAL)
            .value_hint(clap::ValueHint::FilePath)
            .value_parser(clap::value_parser!(PathBuf))
            .action(ArgAction::Append);
        // To `logs` and `events` the letter means --follow.
        command.arg(if follows { files } else { files.short('f') })
    };
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    names
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, |inner| with_files(inner, false)))
}

/// Reads the words; the first is the program's own name.
pub fn parse(words: &[OsString]) -> Result<Arguments, Misread> {
    let misread = |error: clap::Error| {
        let mut whole = command();
        whole.build();
        let meant = meant(&whole, words.get(1..).unwrap_or_default());
        let is_check = meant.get_name() == "check";
        let code = match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => exit::OK,
            // To monitoring, 2 would say that something is critical.
            _ if is_check => exit::UNREACHABLE,
            _ => exit::USAGE,
        };
        let known = if error.kind() == ErrorKind::UnknownArgument { known(meant) } else { String::new() };
        Misread { error, known, code }
    };
    let matches = command().try_get_matches_from(words).map_err(misread)?;
    let mut arguments = Arguments::from_arg_matches(&matches).map_err(misread)?;
    add_files(&matches, &mut arguments.global.files);
    Ok(arguments)
}

fn add_files(matches: &ArgMatches, files: &mut Vec<PathBuf>) {
    let Some((_, inner)) = matches.subcommand() else { return };
    if let Ok(Some(named)) = inner.try_get_many::<PathBuf>(FILES) {
        files.extend(named.cloned());
    }
    add_files(inner, files);
}

/// Finds the command that was meant by words that could not be read.
fn meant<'a>(whole: &'a Command, words: &[OsString]) -> &'a Command {
    let mut meant = whole;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(word) = word.to_str() else { continue };
        if word == "--" {
            break;
        }
        if word.starts_with('-') {
            if wants_value(meant, word) {
                words.next();
            }
        } else if let Some(inner) = meant.find_subcommand(word) {
            meant = inner;
        }
    }
    meant
}

/// Whether an option has its value in the next word.
fn wants_value(command: &Command, word: &str) -> bool {
    let is_meant = |arg: &&Arg| match word.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => word.chars().count() == 2 && arg.get_short() == word.chars().nth(1),
    };
    command
        .get_arguments()
        .find(is_meant)
        .is_some_and(|arg| matches!(arg.get_action(), ArgAction::Set | ArgAction::Append))
}

/// Says what a command knows: its own options, and what a word without a dash means to it.
fn known(command: &Command) -> String {
    let name = if command.get_name() == "stackdash" {
        String::from("stackdash")
    } else {
        format!("stackdash {}", command.get_name())
    };
    let shown = |arg: &&Arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version");
    let own = command.get_arguments().filter(shown).filter(|arg| arg.get_help_heading() != Some(GLOBAL));
    let options: Vec<String> = own.filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")).collect();
    let global = command.get_arguments().filter(shown).filter(|arg| arg.get_help_heading() == Some(GLOBAL));
    let global: Vec<String> =
        global.filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")).collect();
    let of_its_own =
        if options.is_empty() { String::from("no options of its own") } else { options.join(", ") };
    let mut lines = vec![format!("{name} knows {of_its_own}; everywhere: {}", global.join(", "))];
    if command.get_positionals().next().is_none() && !command.has_subcommands() {
        let of_a_stack = if WITHOUT_FILES.contains(&command.get_name()) {
            ""
        } else {
            "; where one stack is meant: -p NAME or -f FILE"
        };
        lines.push(format!("{name} takes no names{of_a_stack}"));
    }
    lines.join("\n")
}

/// Says on standard output or standard error what there is to say; returns the code to end with.
pub fn report(misread: &Misread) -> u8 {
    // Nobody is left to hear it when this fails.
    let _ = misread.error.print();
    if !misread.known.is_empty() {
        crate::cli::output::say(&misread.known);
    }
    misread.code
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command as Verb;

    fn words(line: &str) -> Vec<OsString> {
        std::iter::once("stackdash").chain(line.split_whitespace()).map(OsString::from).collect()
    }

    #[test]
    fn the_command_line_has_no_two_meanings() {
        command().debug_assert();
    }

    #[test]
    fn a_file_may_stand_before_and_behind_a_command() {
        for line in ["-f a.yml status", "status -f a.yml", "status --file a.yml", "tokens refresh x -f a.yml"]
        {
            let arguments = parse(&words(line)).unwrap();
            assert_eq!(arguments.global.files, [PathBuf::from("a.yml")], "{line}");
        }
        let both = parse(&words("-f a.yml up -f b.yml web")).unwrap();
        assert_eq!(both.global.files, [PathBuf::from("a.yml"), PathBuf::from("b.yml")]);
    }

    #[test]
    fn to_logs_and_events_the_letter_means_follow() {
        let arguments = parse(&words("logs -f web --file a.yml")).unwrap();
        assert_eq!(arguments.global.files, [PathBuf::from("a.yml")]);
        assert!(matches!(arguments.command, Some(Verb::Logs(logs)) if logs.follow));
        assert!(
            matches!(parse(&words("events -f")).unwrap().command, Some(Verb::Events(events)) if events.follow)
        );
    }

    #[test]
    fn an_unknown_option_is_told_what_is_known() {
        let misread = parse(&words("status --colour")).unwrap_err();
        assert_eq!(misread.code, exit::USAGE);
        assert!(
            misread
                .known
                .starts_with("stackdash status knows --format, --no-usage; everywhere: --file, --host")
        );
        let misread = parse(&words("status web")).unwrap_err();
        assert!(misread.known.contains("stackdash status takes no names"), "{}", misread.known);
        assert!(misread.known.contains("-p NAME"), "{}", misread.known);
        assert!(!misread.known.contains("--demo"), "{}", misread.known);
        let misread = parse(&words("logs --grpe x")).unwrap_err();
        assert!(misread.known.contains("--grep") && !misread.known.contains("no names"), "{}", misread.known);
    }

    #[test]
    fn what_check_cannot_read_is_unknown_and_not_critical() {
        for line in ["check --format yaml", "check --bogus", "-p status check --bogus", "check -x"] {
            assert_eq!(parse(&words(line)).unwrap_err().code, 3, "{line}");
        }
        assert_eq!(parse(&words("-p check status --bogus")).unwrap_err().code, 2);
        assert_eq!(parse(&words("check --help")).unwrap_err().code, 0);
    }
}
