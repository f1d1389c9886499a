//! The one binary of all tests that look at stackdash from outside.

#![expect(clippy::unwrap_used, reason = "a test may fall")]

mod cli_commands;
mod cli_config;
mod cli_history;
mod cli_live_switch;
mod docs;
mod engine_fake;
mod engine_faults;
#[cfg(feature = "live")]
mod engine_live;
mod engine_states;
mod flows;
mod fuzz_text;
#[cfg(feature = "live")]
mod hands_live;
mod hostile;
#[cfg(feature = "live")]
mod hostile_live;
mod layers;
#[cfg(feature = "live")]
mod logs_live;
mod picture;
mod proxy;
mod pty;
mod pty_ends;
mod pty_own;
#[cfg(feature = "live")]
mod shell_live;
mod support;
mod terminal;
#[cfg(feature = "live")]
mod truth_live;
#[cfg(feature = "live")]
mod usage_live;
mod webhook;
