//! The command line, as clap reads it. Help, completions and the manual are made from it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::cli::examples;
use crate::cli::when::Since;
use crate::cli::when::{parse_duration, parse_since};

/// The heading of what every command takes.
pub const GLOBAL: &str = "Options of every command";

/// A terminal supervisor for Docker Compose stacks.
///
/// Without a command it opens the dashboard. `stackdash demo` does so on an embedded engine, without
/// Docker.
#[derive(Debug, Parser)]
#[command(name = "stackdash", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = examples::DASH)]
pub struct Arguments {
    /// A compose file, or a folder with one: shows only its stack
    pub path: Option<PathBuf>,

    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub global: GlobalArguments,
}

#[derive(Debug, Args)]
#[command(next_help_heading = GLOBAL)]
pub struct GlobalArguments {
    /// Talk to this engine: unix:///path, tcp://host:port, ssh://user@host
    #[arg(short = 'H', long, global = true, value_name = "URL", conflicts_with = "context")]
    pub host: Option<String>,

    /// Talk to the engine of this Docker context
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,

    /// Only the stack of this name (the Compose project)
    #[arg(short = 'p', long = "project-name", global = true, value_name = "NAME")]
    pub project: Option<String>,

    /// These compose files, several with several of it: only their stack is meant. Behind `logs` and `events`,
    /// whose -f is --follow: --file
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Variables for the compose files, instead of those in .env
    #[arg(long = "env-file", global = true, value_name = "FILE")]
    pub env_files: Vec<PathBuf>,

    /// With up, update, rebuild and the dashboard: this profile is on, beside those whose services are there
    /// already; with down, start, stop and restart: only its services
    #[arg(long = "profile", global = true, value_name = "PROFILE")]
    pub profiles: Vec<String>,

    /// The compose files of this variant: one of the table variants in stackdash.toml
    #[arg(long, global = true, value_name = "NAME")]
    pub variant: Option<String>,

    /// Read this configuration file instead of the usual one
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Use this theme; `stackdash themes` lists them
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,

    /// Refuse everything that changes something
    #[arg(long, global = true)]
    pub read_only: bool,

    /// Draw marks and frames in ASCII
    #[arg(long, global = true)]
    pub ascii: bool,

    /// Use no colors
    #[arg(long, global = true)]
    pub no_color: bool,

    /// Draw less for a slow connection: half the beat, no sparklines, ages in steps; by itself where the
    /// terminal turns out to be slow (STACKDASH_SLOW_LINK=0: never)
    #[arg(long, global = true)]
    pub slow_link: bool,

    /// Keep nothing of the timeline for the next run, and read nothing of earlier ones
    #[arg(long, global = true)]
    pub no_history: bool,

    /// Write stackdash's own log to this file as well
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,

    /// Log more; twice: everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// Run on the embedded engine of `stackdash demo` (also: STACKDASH_DEMO=1)
    #[arg(long = "demo", global = true, hide = true)]
    pub on_demo_engine: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the dashboard on an embedded engine: five stacks with a life of their own, no Docker needed
    Demo,
    /// Show every stack, service and container once; of one stack with -p NAME or -f FILE
    #[command(after_help = examples::STATUS)]
    Status(StatusArguments),
    /// Say what is wrong, for monitoring: exits with 0 ok, 1 warning, 2 critical, 3 unknown
    #[command(after_help = examples::CHECK)]
    Check(FormatArguments),
    /// Judge a stack's configuration: exits with 0 without errors, 1 with errors, 2 if it cannot be read
    #[command(after_help = examples::LINT)]
    Lint(LintArguments),
    /// List every token with its expiry; `tokens refresh NAME` refreshes one now, `tokens authorize NAME`
    /// authorizes one anew
    #[command(after_help = examples::TOKENS)]
    Tokens(TokensArguments),
    /// Bring up services, or a whole stack: that of this folder, or -p NAME
    #[command(after_help = examples::UP)]
    Up(ScaledUpArguments),
    /// Take down services, or a whole stack: stop and remove (asks)
    #[command(after_help = examples::DOWN)]
    Down(DownArguments),
    /// Build the images of services anew and recreate their containers
    Rebuild(RebuildArguments),
    /// Pull, build, bring up and wait until healthy; where that fails, say how to go back
    Update(UpdateArguments),
    /// Restart services, or a whole stack: that of this folder, or -p NAME
    Restart(ServiceArguments),
    /// Start services, or a whole stack: that of this folder, or -p NAME
    Start(ServiceArguments),
    /// Stop services, or a whole stack: that of this folder, or -p NAME
    Stop(ServiceArguments),
    /// Run a custom action of a stack (stackdash.toml); without a name: list them
    #[command(after_help = examples::RUN)]
    Run(RunArguments),
    /// Print logs, merged by time: of every stack, or of services, of -p NAME, of -f FILE
    #[command(after_help = examples::LOGS)]
    Logs(LogsArguments),
    /// Print what happened, a line each: to every stack, or to services, to -p NAME
    #[command(after_help = examples::EVENTS)]
    Events(EventsArguments),
    /// Wait until services are ready, or all of the stack of this folder or of -p NAME; elsewhere of every
    /// stack. Exits with 0 ready, 1 failed, 124 out of time
    #[command(after_help = examples::WAIT)]
    Wait(WaitArguments),
    /// Rebuild, sync or restart services when their files are saved, a line for each step: those of this
    /// folder's stack or of -p NAME that have a build or watch rules. Ends with Ctrl-C
    #[command(after_help = examples::WATCH)]
    Watch(WatchArguments),
    /// List the themes
    Themes,
    /// Print the completions for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions { shell: Shell },
    /// Print the manual page, in roff: stackdash man | man -l -
    Man,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DocumentFormat {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LineFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Args)]
pub struct StatusArguments {
    #[command(flatten)]
    pub format: FormatArguments,

    /// Leave out CPU and memory: they take two readings, a second apart
    #[arg(long)]
    pub no_usage: bool,
}

#[derive(Debug, Args)]
pub struct FormatArguments {
    /// How to print it
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: DocumentFormat,
}

#[derive(Debug, Args)]
pub struct LintArguments {
    /// A compose file, or a folder with one [default: this folder, or the stack of -p NAME]
    pub path: Option<PathBuf>,

    #[command(flatten)]
    pub format: FormatArguments,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct TokensArguments {
    #[command(subcommand)]
    pub command: Option<TokensCommand>,

    #[command(flatten)]
    pub format: FormatArguments,
}

#[derive(Debug, Subcommand)]
pub enum TokensCommand {
    /// Refresh a token now and wait for the outcome: exits with 0 refreshed, 1 failed
    Refresh {
        /// Its name, or `stack/name`
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Print an address that authorizes a token anew and wait until somebody has opened it and approved: exits
    /// with 0 authorized, 1 refused, 124 out of time
    Authorize {
        /// Its name, or `stack/name`
        #[arg(value_name = "NAME")]
        name: String,

        /// Wait no longer than this: 30s, 5m (else as long as the address lasts, usually 10m)
        #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
        timeout: Option<Duration>,
    },
}

#[derive(Debug, Args)]
pub struct ServiceArguments {
    /// `service` (of this folder first), `stack/service` or the name of a container
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
}

#[derive(Debug, Args)]
pub struct UpArguments {
    #[command(flatten)]
    pub services: ServiceArguments,
}

#[derive(Debug, Args)]
pub struct ScaledUpArguments {
    #[command(flatten)]
    pub up: UpArguments,

    /// Then give a service so many containers; may be given several times
    #[arg(long = "scale", value_name = "SERVICE=N", value_parser = parse_scale)]
    pub scales: Vec<(String, u32)>,

    /// Also remove containers of services that the compose files know no more
    #[arg(long, conflicts_with = "services")]
    pub remove_orphans: bool,
}

#[derive(Debug, Args)]
pub struct RebuildArguments {
    #[command(flatten)]
    pub up: UpArguments,

    /// Do every step of the build anew
    #[arg(long)]
    pub no_cache: bool,
}

#[derive(Debug, Args)]
pub struct UpdateArguments {
    #[command(flatten)]
    pub up: UpArguments,

    /// Where something does not get ready, go back to the image from before, unasked
    #[arg(long)]
    pub rollback: bool,
}

#[derive(Debug, Args)]
pub struct DownArguments {
    #[command(flatten)]
    pub services: ServiceArguments,

    /// Remove volumes too: the data in them is lost
    #[arg(long)]
    pub volumes: bool,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct RunArguments {
    /// Name of the action
    #[arg(value_name = "ACTION")]
    pub action: Option<String>,

    /// Answers to what it asks for
    #[arg(value_name = "NAME=VALUE")]
    pub answers: Vec<String>,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,

    /// How to print the list
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: DocumentFormat,
}

#[derive(Debug, Args)]
pub struct WaitArguments {
    #[command(flatten)]
    pub services: ServiceArguments,

    /// Give up after this long: 90s, 5m
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    pub timeout: std::time::Duration,
}

#[derive(Debug, Args)]
pub struct WatchArguments {
    #[command(flatten)]
    pub services: ServiceArguments,

    /// How to print it
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: LineFormat,
}

#[derive(Debug, Args)]
pub struct LogsArguments {
    #[command(flatten)]
    pub services: ServiceArguments,

    /// Stay and print what comes; restarted and recreated containers are followed on
    #[arg(short, long)]
    pub follow: bool,

    /// Only lines from here on: 10m, 2h or an RFC 3339 time
    #[arg(long, value_name = "WHEN", value_parser = parse_since)]
    pub since: Option<Since>,

    /// So many lines of each container, or "all" [default: 200, with --since 100000]
    #[arg(short = 'n', long, value_name = "LINES", value_parser = parse_tail)]
    pub tail: Option<u32>,

    /// Only lines that match; lower case matches both cases
    #[arg(long, value_name = "REGEX")]
    pub grep: Option<String>,

    /// Only lines of this level and worse
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub level: Option<Level>,

    /// Print when each line was written
    #[arg(short, long)]
    pub timestamps: bool,

    /// How to print it
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: LineFormat,
}

#[derive(Debug, Args)]
pub struct EventsArguments {
    #[command(flatten)]
    pub services: ServiceArguments,

    /// Stay and print what happens
    #[arg(short, long)]
    pub follow: bool,

    /// Only what happened from here on: 10m, 24h or an RFC 3339 time; without it, the last 24 hours
    #[arg(long, value_name = "WHEN", value_parser = parse_since)]
    pub since: Option<Since>,

    /// How to print it
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: LineFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

fn parse_scale(text: &str) -> Result<(String, u32), String> {
    let wanted = || String::from("it wants a service and a number: web=3");
    let (service, count) = text.split_once('=').ok_or_else(wanted)?;
    let count = count.parse().map_err(|_| wanted())?;
    if service.is_empty() { Err(wanted()) } else { Ok((service.to_owned(), count)) }
}

fn parse_tail(text: &str) -> Result<u32, String> {
    if text == "all" {
        return Ok(u32::MAX);
    }
    text.parse().map_err(|_| String::from("it wants a number of lines, or \"all\""))
}
