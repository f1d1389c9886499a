//! The face: keys in, frames out. Never awaits work, never talks to an adapter.

pub mod action;
pub mod draw;
pub mod frames;
pub mod keymap;
pub mod paint;
pub mod picture;
pub mod popups;
pub mod regions;
pub mod shell;
pub mod theme;
pub mod ui;
pub mod view;
pub mod views;
pub mod widgets;

use crate::config::Config;
use crate::supervisor::Supervisor;

/// Runs the face until the operator leaves it; returns the exit code.
#[expect(clippy::unused_async, reason = "a stand-in")]
pub async fn run(_supervisor: Supervisor, _config: &Config) -> anyhow::Result<i32> {
    anyhow::bail!("the face is not there yet")
}
