//! The operator's choices, validated: flags, environment, configuration file; nearer wins.
//!
//! Takes text and gives values; files are read by whoever asks. Names of themes, actions and keys stay
//! text here: only the face knows what they mean.

pub mod file;
pub mod merge;
pub mod nearest;
pub mod notify;
pub mod reader;
pub mod spans;
pub mod stack_file;

use std::path::PathBuf;

pub use notify::{Desktop, NotifyChoice};

/// Which engine is meant; resolved by the adapter with the Docker CLI's precedence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointChoice {
    /// `--host`.
    pub host: Option<String>,
    /// `--context`.
    pub context: Option<String>,
}

/// Which way logs are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogWay {
    /// From the engine's own files where they can be read, else through its API.
    #[default]
    Auto,
    Api,
}

/// Keys that an action has instead of its default ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChoice {
    /// `[keys.CONTEXT]`; `None` for `[keys]`: wherever the action has a meaning.
    pub context: Option<String>,
    pub action: String,
    /// Empty: no key at all.
    pub keys: Vec<String>,
    /// Where it was said, for an error: `/home/ada/.config/stackdash/config.toml:4`.
    pub place: String,
}

/// Everything that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub endpoint: EndpointChoice,
    pub theme: String,
    pub read_only: bool,
    pub ascii: bool,
    pub no_color: bool,
    /// Draw less and coarser; `None`: when the terminal turns out to be slow.
    pub slow_link: Option<bool>,
    /// In the order of the file; a later one with a context wins over one without.
    pub keys: Vec<KeyChoice>,
    /// Keys of another program below the operator's own.
    pub key_preset: Option<String>,
    /// Only this stack, where one was named (`-p NAME`, or a compose file).
    pub project: Option<String>,
    /// Whether the timeline is kept from run to run.
    pub history: bool,
    pub notify: NotifyChoice,
    pub logs: LogWay,
    /// Where our own log goes beside the Diagnostics screen.
    pub log_file: Option<PathBuf>,
    /// How often `-v` was said.
    pub verbosity: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: EndpointChoice::default(),
            theme: String::from("dark"),
            read_only: false,
            ascii: false,
            no_color: false,
            slow_link: None,
            keys: Vec::new(),
            key_preset: None,
            project: None,
            history: true,
            notify: NotifyChoice::default(),
            logs: LogWay::default(),
            log_file: None,
            verbosity: 0,
        }
    }
}
