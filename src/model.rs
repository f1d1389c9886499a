//! Words: the plain data that every other room speaks in.
//!
//! Knows nothing of the engine's wire format, of the screen, of the clock or of files.

pub mod compose;
pub mod containers;
pub mod health;
pub mod host;
pub mod jobs;
pub mod logs;
pub mod notify;
pub mod redact;
pub mod shells;
pub mod stacks;
pub mod text;
pub mod timeline;
pub mod usage;
