//! The one binary of all tests that look at stackdash from outside.

#![expect(clippy::unwrap_used, reason = "a test may fall")]
#![expect(clippy::large_futures, reason = "a test has the stack for itself")]

#[cfg(feature = "live")]
mod authorize_live;
#[cfg(feature = "live")]
mod bad_days_live;
mod cli_commands;
mod cli_config;
mod cli_history;
mod cli_live_switch;
mod docs;
mod endurance;
#[cfg(feature = "live")]
mod energy_dashboard_story_live;
mod engine_fake;
mod engine_faults;
#[cfg(feature = "live")]
mod engine_live;
mod engine_states;
mod flows;
#[cfg(feature = "live")]
mod folder_live;
mod frames;
mod fuzz_text;
#[cfg(feature = "live")]
mod graph_live;
#[cfg(feature = "live")]
mod hackathon_todo_story_live;
#[cfg(feature = "live")]
mod hands_live;
#[cfg(feature = "live")]
mod hangup_live;
mod hostile;
#[cfg(feature = "live")]
mod hostile_live;
#[cfg(feature = "live")]
mod ignore_live;
#[cfg(feature = "live")]
mod json_file_live;
mod layers;
mod lint;
#[cfg(feature = "live")]
mod lint_live;
#[cfg(feature = "live")]
mod log_files_live;
#[cfg(feature = "live")]
mod logs_live;
mod multiplexers;
#[cfg(feature = "live")]
mod personal_assistant_story_live;
mod picture;
#[cfg(feature = "live")]
mod probes_live;
mod proxy;
mod pty;
mod pty_ends;
mod pty_own;
#[cfg(feature = "live")]
mod runs_live;
#[cfg(feature = "live")]
mod shell_live;
#[cfg(feature = "live")]
mod simple_sync_story_live;
#[cfg(feature = "live")]
mod soak_live;
#[cfg(feature = "live")]
mod stories;
mod support;
mod systems;
mod terminal;
#[cfg(feature = "live")]
mod tokens_live;
#[cfg(feature = "live")]
mod truth_live;
#[cfg(feature = "live")]
mod update_live;
#[cfg(feature = "live")]
mod usage_live;
#[cfg(feature = "live")]
mod utec_gateway_story_live;
#[cfg(feature = "live")]
mod variants_live;
#[cfg(feature = "live")]
mod verbs_live;
#[cfg(feature = "live")]
mod watch_live;
mod webhook;
