//! The operator's choices, validated: flags, environment, configuration file; nearer wins.

/// Which engine is meant; resolved by the adapter with the Docker CLI's precedence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointChoice {
    /// `--host`.
    pub host: Option<String>,
    /// `--context`.
    pub context: Option<String>,
}

/// Everything that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub endpoint: EndpointChoice,
    pub theme: String,
    pub read_only: bool,
    pub ascii: bool,
    pub no_color: bool,
    /// Action name → keys; names and keys are resolved by `tui`.
    pub keys: Vec<(String, Vec<String>)>,
    /// Only this stack, where one was named (`-p NAME`).
    pub project: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: EndpointChoice::default(),
            theme: String::from("dark"),
            read_only: false,
            ascii: false,
            no_color: false,
            keys: Vec::new(),
            project: None,
        }
    }
}
