//! The outside: each adapter knows the model, the events, its port, and nothing of the others.

pub mod compose;
pub mod docker;
pub mod host;
pub mod scenario;
pub mod usage;
