//! The one binary of all tests that look at stackdash from outside.

#![expect(clippy::unwrap_used, reason = "a test may fall")]

mod engine_fake;
mod engine_faults;
#[cfg(feature = "live")]
mod engine_live;
mod engine_states;
mod proxy;
