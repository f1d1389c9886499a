//! Spans of time and sizes as people type them: `90s`, `1h30m`, `100MB`.

use std::time::Duration;

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

/// Reads `100MB`, `1.5GiB`, `512k`; a bare number is bytes. Units without `i` are powers of 1000, as Docker
/// prints images.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let error = || String::from("it wants 512kB, 100MB, 1.5GiB");
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let amount: f64 = text[..digits].parse().map_err(|_| error())?;
    let unit = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1_048_576.0,
        "gib" => 1_073_741_824.0,
        "tib" => 1_099_511_627_776.0,
        _ => return Err(error()),
    };
    Ok((amount * unit).round() as u64)
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
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(parse_bytes("100MB"), Ok(100_000_000));
        assert_eq!(parse_bytes("1.5 GiB"), Ok(1_610_612_736));
        assert_eq!(parse_bytes("7"), Ok(7));
        for wrong in ["", "MB", "1..5MB", "5 parsec", "-1"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong:?} was accepted");
        }
    }
}
