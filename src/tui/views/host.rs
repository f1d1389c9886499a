//! This machine and the engine's disk use.
