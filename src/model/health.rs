//! Docker's health check: its settings, its results and its verdict.

use std::time::Duration;

use jiff::Timestamp;

/// The engine's verdict. It counts only while the container runs: a stopped one with a check
/// always reads `unhealthy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Health {
    /// No health check.
    #[default]
    None,
    Starting,
    Healthy,
    Unhealthy,
}

impl Health {
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }

    pub fn parse(word: &str) -> Self {
        match word {
            "starting" => Self::Starting,
            "healthy" => Self::Healthy,
            "unhealthy" => Self::Unhealthy,
            _ => Self::None,
        }
    }
}

/// One run of a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    pub at: Option<Timestamp>,
    /// 0 passes; -1: the check itself timed out.
    pub exit_code: i64,
    pub duration_ms: u64,
    /// What it printed, sanitized and masked; the engine cuts it at 4096 bytes.
    pub output: String,
}

/// How the engine runs the check; the engine's defaults are filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthSettings {
    pub test: String,
    pub interval: Duration,
    pub timeout: Duration,
    pub start_period: Duration,
    pub retries: u32,
}
