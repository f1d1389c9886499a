//! What is made from the tables of the program itself: themes, completions, the manual.

use std::io::{self, Write};

use clap::{Arg, Command};
use clap_complete::Shell;

use crate::cli::args::GLOBAL;
use crate::cli::examples;
use crate::cli::exit::{self, Failure};
use crate::cli::output::{Ink, Output};
use crate::cli::parse;
use crate::config::Config;
use crate::tui::theme;

/// What clap does not know of.
const MANUAL: &str = r#".SH ENVIRONMENT
.TP
\fBDOCKER_HOST\fR, \fBDOCKER_CONTEXT\fR, \fBDOCKER_TLS_VERIFY\fR, \fBDOCKER_CERT_PATH\fR, \fBDOCKER_CONFIG\fR
Which engine is meant, as for the Docker CLI. \fB\-\-host\fR and \fB\-\-context\fR go first.
.TP
\fBSTACKDASH_HOST\fR, \fBSTACKDASH_CONTEXT\fR, \fBSTACKDASH_PROJECT\fR, \fBSTACKDASH_THEME\fR, \fBSTACKDASH_READ_ONLY\fR, \fBSTACKDASH_ASCII\fR, \fBSTACKDASH_CONFIG\fR, \fBSTACKDASH_LOG_FILE\fR, \fBSTACKDASH_SLOW_LINK\fR
As the flag of the same name. A flag goes first, the configuration file comes after.
.TP
\fBSTACKDASH_DEMO\fR
1: any command runs on the embedded engine of \fBstackdash demo\fR.
.TP
\fBSTACKDASH_HISTORY\fR
0: as \fB\-\-no\-history\fR.
.TP
\fBCOMPOSE_FILE\fR, \fBCOMPOSE_PROFILES\fR, \fBCOMPOSE_PROJECT_NAME\fR, \fBCOMPOSE_ENV_FILES\fR
As for Compose itself.
.TP
\fBNO_COLOR\fR
Set to anything: no colors.
.SH FILES
.TP
\fI$XDG_CONFIG_HOME/stackdash/config.toml\fR
Theme, keys, engine, notifications: the operator's.
.TP
\fIstackdash.toml\fR beside the compose file
Variants, tokens, probes, actions, log files, watch rules, budgets, healing: the stack's.
.SH "EXIT STATUS"
.TP
0
Done.
.TP
1
Tried and failed.
.TP
2
The command line, a file or a variable cannot be used.
.TP
3
The engine cannot be reached.
.TP
124
\fBwait\fR or \fBtokens authorize\fR ran out of time.
.PP
\fBcheck\fR has its own: 0 ok, 1 warning, 2 critical, 3 unknown.
"#;

/// Lists the themes, one a line; the one in use is marked on a terminal.
pub fn themes(output: &mut Output, config: &Config) -> Result<u8, Failure> {
    for name in theme::names() {
        let ink = (*name == *config.theme).then_some(Ink::Bold);
        let name = output.look.paint(ink, &name);
        output.line(name)?;
    }
    Ok(exit::OK)
}

pub fn completions(shell: Shell) -> Result<u8, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut parse::command(), "stackdash", &mut text);
    print(&text)
}

pub fn man() -> Result<u8, Failure> {
    let mut text = Vec::new();
    let mut command = parse::command();
    command.build();
    let man = clap_mangen::Man::new(command.clone()).manual("User Commands");
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    text.extend_from_slice(b".SH COMMANDS\n");
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        text.extend_from_slice(section(inner).as_bytes());
        for inner in inner.get_subcommands() {
            text.extend_from_slice(section(inner).as_bytes());
        }
    }
    text.extend_from_slice(format!(".SH EXAMPLES\n{}", preformatted(examples::DASH)).as_bytes());
    text.extend_from_slice(MANUAL.as_bytes());
    print(&text)
}

/// Writes what one command does and its own options: there is one page for all of them.
fn section(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let mut lines: Vec<String> = usage
        .lines()
        .map(|line| format!(".SS {}", escaped(line.trim().trim_start_matches("Usage: "))))
        .take(1)
        .collect();
    lines.push(command.get_about().map(|about| escaped(&about.to_string())).unwrap_or_default());
    let is_own =
        |arg: &&Arg| arg.get_help_heading() != Some(GLOBAL) && !arg.is_hide_set() && arg.get_id() != "help";
    for arg in command.get_arguments().filter(is_own) {
        let Some(help) = arg.get_help() else { continue };
        let short = arg.get_short().map_or_else(String::new, |letter| format!("\\-{letter}, "));
        lines.push(format!(".TP\n\\fB{short}{}\\fR", escaped(&arg.to_string())));
        let values: Vec<String> = if arg.get_action().takes_values() {
            arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect()
        } else {
            Vec::new()
        };
        let values = if values.is_empty() { values.join("") } else { format!(": {}", values.join(", ")) };
        lines.push(escaped(&format!("{help}{values}")));
    }
    let mut text = lines.join("\n");
    text.push('\n');
    if let Some(examples) = command.get_after_help() {
        text.push_str(".PP\n");
        text.push_str(&preformatted(&examples.to_string()));
    }
    text
}

/// Writes lines as they are.
fn preformatted(text: &str) -> String {
    format!(".nf\n{}\n.fi\n", text.lines().map(escaped).collect::<Vec<_>>().join("\n"))
}

/// Keeps roff from reading words of ours as its own.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

fn print(text: &[u8]) -> Result<u8, Failure> {
    let mut stdout = io::stdout();
    stdout.write_all(text)?;
    stdout.flush()?;
    Ok(exit::OK)
}
