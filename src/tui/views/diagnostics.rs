//! stackdash's own log.
