//! The outside: each adapter knows the model, the events, its port, and nothing of the others.

pub mod compose;
pub mod docker;
pub mod host;
pub mod scenario;
pub mod usage;

use crate::config::Config;
use crate::ports::Ports;

/// Plugs in the outside: the one list of what is plugged in.
pub fn live(_config: &Config) -> anyhow::Result<Ports> {
    anyhow::bail!("the engine is not plugged in yet")
}
