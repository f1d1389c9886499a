//! The one binary of all tests that look at stackdash from outside.

mod engine_fake;
mod engine_faults;
#[cfg(feature = "live")]
mod engine_live;
mod engine_states;
mod proxy;
