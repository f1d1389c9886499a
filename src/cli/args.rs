//! The command line, as clap reads it. Help, completions and the manual are made from it.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::cli::when::Since;
use crate::cli::when::{parse_duration, parse_since};

/// A terminal supervisor for Docker Compose stacks.
///
/// Without a command it opens the dashboard. `stackdash demo` does so on an embedded engine, without
/// Docker.
#[derive(Debug, Parser)]
#[command(name = "stackdash", version, disable_help_subcommand = true, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    pub global: GlobalArguments,

    /// A compose file, or a folder with one: shows only its stack
    pub path: Option<PathBuf>,

    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Args)]
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
    /// Show every stack, service and container once
    Status(StatusArguments),
    /// Say what is wrong, for monitoring: exits with 0 ok, 1 warning, 2 critical, 3 unknown
    Check(FormatArguments),
    /// Bring up services, or a whole stack: that of this folder, or -p NAME
    Up(UpArguments),
    /// Take down services, or a whole stack: stop and remove (asks)
    Down(DownArguments),
    /// Build the images of services anew and recreate their containers
    Rebuild(UpArguments),
    /// Restart services, or a whole stack with -p NAME
    Restart(ServiceArguments),
    /// Start services, or a whole stack with -p NAME
    Start(ServiceArguments),
    /// Stop services, or a whole stack with -p NAME
    Stop(ServiceArguments),
    /// Print logs, merged by time
    Logs(LogsArguments),
    /// Print what happened, a line each
    Events(EventsArguments),
    /// Wait until services are ready: exits with 0 ready, 1 failed, 124 out of time
    Wait(WaitArguments),
    /// List the themes
    Themes,
    /// Print the completions for a shell
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
pub struct ServiceArguments {
    /// `service`, `stack/service` or the name of a container
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
}

#[derive(Debug, Args)]
pub struct UpArguments {
    #[command(flatten)]
    pub services: ServiceArguments,

    /// Switch this profile on, beside those whose services are there already
    #[arg(long = "profile", value_name = "PROFILE")]
    pub profiles: Vec<String>,
}

#[derive(Debug, Args)]
pub struct DownArguments {
    #[command(flatten)]
    pub services: ServiceArguments,

    /// Only the services of this profile
    #[arg(long = "profile", value_name = "PROFILE")]
    pub profiles: Vec<String>,

    /// Remove volumes too: the data in them is lost
    #[arg(long)]
    pub volumes: bool,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
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

fn parse_tail(text: &str) -> Result<u32, String> {
    if text == "all" {
        return Ok(u32::MAX);
    }
    text.parse().map_err(|_| String::from("it wants a number of lines, or \"all\""))
}
