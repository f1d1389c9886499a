//! Values of scenario files that are written for people: `1h 30m`, `62 MB`, `mongodb_data:/data/db`.
//!
//! Knows nothing of what the values are for.

use std::time::Duration;

use serde::Deserialize;

use crate::model::containers::{Mount, Port};

/// A duration: `250ms`, `20s`, `1h 30m`, `6d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Duration);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no duration; write it like 250ms, 20s, 1h 30m or 6d");
        let mut total = Duration::ZERO;
        let mut any = false;
        for part in text.split_whitespace() {
            let digits = part.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let (number, unit) = part.split_at(digits);
            let number: f64 = number.parse().map_err(|_| wrong())?;
            let seconds = match unit {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return Err(wrong()),
            };
            total += Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
            any = true;
        }
        if any { Ok(Self(total)) } else { Err(wrong()) }
    }
}

/// A number of bytes: `512 B`, `62 MB`, `1.5 GiB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Size(pub u64);

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no size; write it like 512B, 62MB or 1.5GiB");
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, unit) = text.split_at(digits);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let factor: u64 = match unit.trim() {
            "B" => 1,
            "kB" => 1000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(wrong()),
        };
        Ok(Self((number * factor as f64) as u64))
    }
}

/// A port as in a compose file: `8000:8000`, `127.0.0.1:5432:5432`, `9009/tcp` (exposed only).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PortSpec(pub Port);

impl TryFrom<String> for PortSpec {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no port; write it like 8000:8000, 127.0.0.1:5432:5432 or 9009");
        let (numbers, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
        let parts: Vec<&str> = numbers.split(':').collect();
        let number = |text: &str| text.parse::<u16>().map_err(|_| wrong());
        let (host_ip, host_port, container_port) = match parts[..] {
            [inside] => (None, None, number(inside)?),
            [outside, inside] => (Some("0.0.0.0"), Some(number(outside)?), number(inside)?),
            [ip, outside, inside] => (Some(ip), Some(number(outside)?), number(inside)?),
            _ => return Err(wrong()),
        };
        Ok(Self(Port {
            host_ip: host_ip.map(str::to_owned),
            host_port,
            container_port,
            protocol: protocol.to_owned(),
        }))
    }
}

/// A mount as in a compose file: `mongodb_data:/data/db`, `/srv/app/web:/app/web:ro`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct MountSpec(pub Mount);

impl TryFrom<String> for MountSpec {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut parts = text.split(':');
        let (Some(source), Some(destination)) = (parts.next(), parts.next()) else {
            return Err(format!("\"{text}\" is no mount; write it like data:/data or /srv/web:/app/web:ro"));
        };
        let kind = if source.starts_with('/') { "bind" } else { "volume" };
        Ok(Self(Mount {
            kind: kind.to_owned(),
            source: source.to_owned(),
            destination: destination.to_owned(),
            writable: parts.next() != Some("ro"),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_written_for_people() {
        let span = |text: &str| Span::try_from(text.to_owned()).map(|span| span.0);
        assert_eq!(span("1h 30m"), Ok(Duration::from_mins(90)));
        assert_eq!(span("250ms"), Ok(Duration::from_millis(250)));
        assert!(span("").is_err() && span("20").is_err() && span("3 weeks").is_err());
        let size = |text: &str| Size::try_from(text.to_owned()).map(|size| size.0);
        assert_eq!(size("62MB"), Ok(62_000_000));
        assert_eq!(size("1.5 GiB"), Ok(1_610_612_736));
        assert!(size("12").is_err() && size("12 apples").is_err());
    }

    #[test]
    fn ports_read_as_in_a_compose_file() {
        let port = |text: &str| PortSpec::try_from(text.to_owned()).map(|port| port.0.to_string());
        assert_eq!(port("8000:80").unwrap(), "0.0.0.0:8000->80/tcp");
        assert_eq!(port("127.0.0.1:53:53/udp").unwrap(), "127.0.0.1:53->53/udp");
        assert_eq!(port("9009").unwrap(), "9009/tcp");
        assert!(port("a:b").is_err());
    }
}
