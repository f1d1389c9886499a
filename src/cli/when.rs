//! Moments and spans as people type them: `90s`, `1h30m`, `2026-11-20T08:00:00Z`.

use std::time::Duration;

use jiff::Timestamp;

pub use crate::config::spans::parse_duration;

/// A moment, or how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    Ago(Duration),
    At(Timestamp),
}

impl Since {
    /// Returns the moment, counted from `now`.
    pub fn moment(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(span) => now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH),
            Self::At(moment) => moment,
        }
    }
}

/// Reads `10m` (ago) or an RFC 3339 time.
pub fn parse_since(text: &str) -> Result<Since, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(Since::At(moment));
    }
    parse_duration(text)
        .map(Since::Ago)
        .map_err(|_| String::from("it wants 30s, 10m, 2h, 1d, or a time like 2026-11-20T08:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_span_ago_or_a_moment() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let moment = |text: &str| parse_since(text).map(|since| since.moment(now).to_string());
        assert_eq!(moment("10m").as_deref(), Ok("2026-11-20T09:50:00Z"));
        assert_eq!(moment("2026-11-20T08:00:00+01:00").as_deref(), Ok("2026-11-20T07:00:00Z"));
        assert!(moment("yesterday").is_err());
    }
}
