//! Moments and spans as people type them: `90s`, `1h30m`, `2026-11-20T08:00:00Z`.

use std::time::Duration;

use jiff::Timestamp;

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

/// Reads `90s`, `5m`, `1h30m`, `250ms`; a bare number is seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let error = || String::from("it wants 30s, 10m, 2h or 1h30m");
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(error());
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let amount: u64 = rest[..digits].parse().map_err(|_| error())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => Duration::from_millis(1),
            "" | "s" => Duration::from_secs(1),
            "m" | "min" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            "d" => Duration::from_hours(24),
            _ => return Err(error()),
        };
        rest = &rest[letters..];
        let part = u32::try_from(amount).ok().and_then(|amount| unit.checked_mul(amount));
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(error)?;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(parse_duration("15"), Ok(Duration::from_secs(15)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for wrong in ["", "m", "5 m", "-5s", "5y", "1.5h", "99999999999d", "5s!"] {
            assert!(parse_duration(wrong).is_err(), "{wrong:?} was accepted");
        }
    }

    #[test]
    fn since_is_a_span_ago_or_a_moment() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let moment = |text: &str| parse_since(text).map(|since| since.moment(now).to_string());
        assert_eq!(moment("10m").as_deref(), Ok("2026-11-20T09:50:00Z"));
        assert_eq!(moment("2026-11-20T08:00:00+01:00").as_deref(), Ok("2026-11-20T07:00:00Z"));
        assert!(moment("yesterday").is_err());
    }
}
