//! Our own log.
