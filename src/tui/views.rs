//! The screens: each its positions, its keys, its drawing, its snapshots. No I/O.

pub mod checks;
pub mod clock;
pub mod details;
pub mod diagnostics;
#[cfg(test)]
pub mod fixture;
pub mod host;
pub mod logs;
pub mod notice;
pub mod probes;
pub mod stacks;
pub mod timeline;
pub mod tokens;
pub mod watch;
