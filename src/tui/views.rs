//! The screens: each its positions, its keys, its drawing, its snapshots. No I/O.

pub mod details;
pub mod diagnostics;
pub mod host;
pub mod logs;
pub mod stacks;
pub mod timeline;
