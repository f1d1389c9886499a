//! The one binary of all tests that look at stackdash from outside.

#![expect(clippy::unwrap_used, reason = "a test may fall")]

mod cli_commands;
mod cli_config;
mod cli_live_switch;
mod docs;
mod engine_fake;
mod engine_faults;
#[cfg(feature = "live")]
mod engine_live;
mod engine_states;
mod flows;
#[cfg(feature = "live")]
mod hands_live;
mod layers;
mod picture;
mod proxy;
mod pty;
mod support;
mod terminal;
#[cfg(feature = "live")]
mod truth_live;
#[cfg(feature = "live")]
mod usage_live;
