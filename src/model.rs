//! Words: the plain data that every other room speaks in.
//!
//! Knows nothing of the engine's wire format, of the screen, of the clock or of files.

pub mod compose;
pub mod containers;
pub mod findings;
pub mod health;
pub mod host;
pub mod jobs;
pub mod logs;
pub mod notify;
pub mod probes;
pub mod qr;
pub mod redact;
pub mod runs;
pub mod secret;
pub mod shells;
pub mod stack_file;
pub mod stacks;
pub mod text;
pub mod timeline;
pub mod tokens;
pub mod usage;
pub mod watch;
