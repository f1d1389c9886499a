//! Our own log.

use crate::config::Config;

/// Starts our own log.
pub fn start(_config: &Config) -> anyhow::Result<()> {
    Ok(())
}
