//! The column of times beside logs and events: local, UTC, relative or off.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::stacks::age;

/// How times are shown; one key goes round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeMode {
    #[default]
    Local,
    Utc,
    Relative,
    Off,
}

impl TimeMode {
    pub fn next(self) -> Self {
        match self {
            Self::Local => Self::Utc,
            Self::Utc => Self::Relative,
            Self::Relative => Self::Off,
            Self::Off => Self::Local,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "local time",
            Self::Utc => "UTC",
            Self::Relative => "ages",
            Self::Off => "no times",
        }
    }
}

/// Writes times in one zone.
#[derive(Clone, Debug)]
pub struct Clock {
    pub mode: TimeMode,
    zone: TimeZone,
}

impl Default for Clock {
    /// The operator's own time zone.
    fn default() -> Self {
        Self { mode: TimeMode::default(), zone: TimeZone::system() }
    }
}

impl Clock {
    /// Makes a clock of one zone, whatever the machine's is.
    pub fn in_zone(zone: TimeZone) -> Self {
        Self { mode: TimeMode::default(), zone }
    }

    /// Returns the columns that every time takes in this mode.
    pub fn width(&self) -> u16 {
        match self.mode {
            TimeMode::Local => 8,
            TimeMode::Utc => 9,
            TimeMode::Relative => 7,
            TimeMode::Off => 0,
        }
    }

    /// Writes a time in at most [`Clock::width`] columns; of another day only its date.
    pub fn write(&self, at: Timestamp, now: Timestamp) -> String {
        match self.mode {
            TimeMode::Off => return String::new(),
            TimeMode::Relative => return format!("{:>7}", age(at, now)),
            TimeMode::Local | TimeMode::Utc => {}
        }
        let zone = self.shown_zone();
        let suffix = if self.mode == TimeMode::Utc { "Z" } else { "" };
        let (at, today) = (at.to_zoned(zone.clone()), now.to_zoned(zone).date());
        if at.date() == today {
            return format!("{}{suffix}", at.strftime("%H:%M:%S"));
        }
        // "Nov 19" is worth more than a time of day without its day.
        if at.year() == today.year() {
            at.strftime("%b %d").to_string()
        } else {
            at.strftime("%b %Y").to_string()
        }
    }

    /// Returns the columns of [`Clock::write_dated`], by the oldest time that is shown.
    pub fn dated_width(&self, oldest: Option<Timestamp>, now: Timestamp) -> u16 {
        match self.mode {
            TimeMode::Local | TimeMode::Utc
                if oldest.is_some_and(|oldest| !self.is_same_day(oldest, now)) =>
            {
                12
            }
            _ => self.width(),
        }
    }

    /// Writes a time of today as [`Clock::write`] does, and of another day with its date: `Nov 19 22:03`.
    pub fn write_dated(&self, at: Timestamp, now: Timestamp) -> String {
        match self.mode {
            TimeMode::Local | TimeMode::Utc if !self.is_same_day(at, now) => {
                at.to_zoned(self.shown_zone()).strftime("%b %d %H:%M").to_string()
            }
            _ => self.write(at, now),
        }
    }

    /// Returns the zone that times are shown in.
    pub fn shown_zone(&self) -> TimeZone {
        if self.mode == TimeMode::Utc { TimeZone::UTC } else { self.zone.clone() }
    }

    fn is_same_day(&self, a: Timestamp, b: Timestamp) -> bool {
        let zone = self.shown_zone();
        a.to_zoned(zone.clone()).date() == b.to_zoned(zone).date()
    }

    /// Writes date and time in full.
    pub fn write_full(&self, at: Timestamp) -> String {
        at.to_zoned(self.shown_zone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fit_their_column_in_every_mode() {
        let now: Timestamp = "2026-11-20T19:03:22Z".parse().unwrap();
        let mut clock = Clock::in_zone(TimeZone::fixed(jiff::tz::offset(1)));
        for mode in [TimeMode::Local, TimeMode::Utc, TimeMode::Relative, TimeMode::Off] {
            clock.mode = mode;
            for back in [0, 5, 86_399, 86_400 * 9 + 80_000, 86_400 * 400] {
                let at = Timestamp::from_second(now.as_second() - back).unwrap();
                assert!(clock.write(at, now).len() <= clock.width() as usize, "{mode:?} {back}");
            }
        }
    }

    #[test]
    fn the_day_is_that_of_the_zone() {
        let now: Timestamp = "2026-11-20T23:30:00Z".parse().unwrap();
        let at: Timestamp = "2026-11-20T22:30:00Z".parse().unwrap();
        let mut clock = Clock::in_zone(TimeZone::fixed(jiff::tz::offset(1)));
        assert_eq!(clock.write(at, now), "Nov 20");
        clock.mode = TimeMode::Utc;
        assert_eq!(clock.write(at, now), "22:30:00Z");
    }
}
