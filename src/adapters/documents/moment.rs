//! Moments in all the ways that services write them: RFC 3339, ISO 8601 without a zone (UTC), seconds,
//! milliseconds and finer since 1970, as numbers and as text; and spans that count from another moment.
//!
//! Pure. Never quotes what it could not read.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// What stands at a field that tells when a token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    At(Timestamp),
    /// So long after it was issued.
    After(SignedDuration),
}

/// How a moment is written, so that another one can be written alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Since 1970: so many to the second; as text or not.
    Epoch {
        per_second: i64,
        text: bool,
    },
    /// Seconds from when it was issued.
    Span {
        text: bool,
    },
    Zoned,
    /// No zone: UTC. With a blank or a `T` between.
    Naive {
        blank: bool,
    },
}

/// Below this a number is no moment of our days: a span of seconds.
const LONGEST_SPAN: f64 = 1e9;
/// Names of fields that hold a span, without case and underscores.
const SPANS: [&str; 6] = ["expiresin", "expiryin", "ttl", "maxage", "lifetime", "validfor"];

/// Reads when something ends. `field`: the last name of its path.
pub fn end(field: &str, value: &Value) -> Option<End> {
    if let Some(seconds) = span(field, value) {
        return SignedDuration::try_from_secs_f64(seconds).ok().map(End::After);
    }
    moment(value).map(End::At)
}

/// Reads a moment. `None` also where the year is 1: that is how some write "never".
pub fn moment(value: &Value) -> Option<Timestamp> {
    let at = match value {
        Value::Number(number) => match number.as_i64() {
            Some(whole) => epoch(whole)?,
            None => fraction(number.as_f64()?)?,
        },
        Value::String(text) => text_moment(text.trim())?,
        // MongoDB's extended JSON.
        Value::Object(fields) => match (fields.get("$date"), fields.get("$numberLong")) {
            (Some(inner), _) | (None, Some(inner)) if !inner.is_array() => moment(inner)?,
            _ => return None,
        },
        Value::Null | Value::Bool(_) | Value::Array(_) => return None,
    };
    (at.as_second() > YEAR_2).then_some(at)
}

/// 0002-01-01.
const YEAR_2: i64 = -62_104_060_800;

/// Tells how a moment is written.
pub fn shape(field: &str, value: &Value) -> Option<Shape> {
    if span(field, value).is_some() {
        return Some(Shape::Span { text: value.is_string() });
    }
    moment(value)?;
    match value {
        Value::Number(number) => Some(Shape::Epoch { per_second: per_second(number.as_f64()?), text: false }),
        Value::String(text) => {
            let text = text.trim();
            Some(if let Ok(number) = text.parse::<f64>() {
                Shape::Epoch { per_second: per_second(number), text: true }
            } else if text.parse::<Timestamp>().is_ok() {
                Shape::Zoned
            } else {
                Shape::Naive { blank: text.contains(' ') }
            })
        }
        _ => None,
    }
}

/// Writes a moment in a shape; `issued` is what spans count from.
pub fn write(shape: Shape, at: Timestamp, issued: Timestamp) -> Value {
    let number = |number: i64, text: bool| {
        if text { Value::from(number.to_string()) } else { Value::from(number) }
    };
    match shape {
        Shape::Epoch { per_second, text } => {
            let nanoseconds = at.as_nanosecond();
            number((nanoseconds / i128::from(1_000_000_000 / per_second)) as i64, text)
        }
        Shape::Span { text } => number(at.duration_since(issued).as_secs(), text),
        Shape::Zoned => Value::from(format!("{at:.0}")),
        Shape::Naive { blank } => {
            let between = if blank { ' ' } else { 'T' };
            let at = TimeZone::UTC.to_datetime(at);
            Value::from(at.strftime(&format!("%Y-%m-%d{between}%H:%M:%S")).to_string())
        }
    }
}

/// Whether a field of this name may hold a span.
pub fn names_a_span(field: &str) -> bool {
    let name: String = field.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    SPANS.iter().any(|known| name.contains(known))
}

fn span(field: &str, value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (names_a_span(field) && number.is_finite() && number.abs() < LONGEST_SPAN).then_some(number)
}

fn text_moment(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(whole) = text.parse::<i64>() {
        return epoch(whole);
    }
    if let Ok(number) = text.parse::<f64>() {
        return fraction(number);
    }
    if let Ok(at) = text.parse::<DateTime>() {
        return TimeZone::UTC.to_timestamp(at).ok();
    }
    if let Ok(at) = text.parse::<Date>() {
        return TimeZone::UTC.to_timestamp(at.to_datetime(jiff::civil::Time::midnight())).ok();
    }
    if let Ok(at) = jiff::fmt::rfc2822::parse(text) {
        return Some(at.timestamp());
    }
    // Go's: 2026-11-20 16:13:58.5 +0000 UTC m=+1.
    let mut words = text.split_whitespace();
    let go = [words.next()?, words.next()?, words.next()?].join(" ");
    Timestamp::strptime("%Y-%m-%d %H:%M:%S%.f %z", go).ok()
}

/// Returns how many of the unit make a second; by size, for nobody says it.
fn per_second(number: f64) -> i64 {
    match number.abs() {
        size if size < 1e11 => 1,
        size if size < 1e14 => 1_000,
        size if size < 1e17 => 1_000_000,
        _ => 1_000_000_000,
    }
}

fn epoch(whole: i64) -> Option<Timestamp> {
    match per_second(whole as f64) {
        1 => Timestamp::from_second(whole).ok(),
        1_000 => Timestamp::from_millisecond(whole).ok(),
        1_000_000 => Timestamp::from_microsecond(whole).ok(),
        _ => Timestamp::from_nanosecond(i128::from(whole)).ok(),
    }
}

fn fraction(number: f64) -> Option<Timestamp> {
    if !number.is_finite() {
        return None;
    }
    let seconds = number / per_second(number) as f64;
    let span = SignedDuration::try_from_secs_f64(seconds).ok()?;
    // Finer than a float of our days can tell is noise.
    let span = SignedDuration::from_micros(i64::try_from(span.as_micros()).ok()?);
    Timestamp::UNIX_EPOCH.checked_add(span).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> String {
        moment(&value).map_or_else(|| String::from("-"), |at| at.to_string())
    }

    #[test]
    fn all_usual_ways_mean_the_same_moment() {
        for value in [
            json!("2026-11-20T16:13:58Z"),
            json!("2026-11-20T16:13:58+00:00"),
            json!("2026-11-20T17:13:58+01:00"),
            json!("2026-11-20T17:13:58+0100"),
            json!("2026-11-20 16:13:58+00"),
            json!("2026-11-20T16:13:58"),
            json!("2026-11-20 16:13:58"),
            json!("2026-11-20T16:13:58.000000"),
            json!(" 2026-11-20T16:13:58Z\n"),
            json!("Fri, 20 Nov 2026 16:13:58 GMT"),
            json!("2026-11-20 16:13:58 +0000 UTC"),
            json!(1_795_191_238),
            json!("1795191238"),
            json!(1_795_191_238.0),
            json!("1795191238.0"),
            json!(1_795_191_238_000_i64),
            json!("1795191238000"),
            json!(1_795_191_238_000_000_i64),
            json!({ "$date": "2026-11-20T16:13:58Z" }),
            json!({ "$date": { "$numberLong": "1795191238000" } }),
        ] {
            assert_eq!(read(value.clone()), "2026-11-20T16:13:58Z", "{value}");
        }
        assert_eq!(read(json!("2026-11-20")), "2026-11-20T00:00:00Z");
        assert_eq!(read(json!(1_795_191_238.25)), "2026-11-20T16:13:58.25Z");
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for value in [
            json!(null),
            json!(true),
            json!(""),
            json!("never"),
            json!("0001-01-01T00:00:00Z"),
            json!("nan"),
            json!("inf"),
            json!([1]),
            json!({ "$date": [1] }),
            json!("2026-13-40T00:00:00Z"),
        ] {
            assert_eq!(read(value.clone()), "-", "{value}");
        }
    }

    #[test]
    fn a_span_is_told_by_its_name_and_its_size() {
        let hour = End::After(SignedDuration::from_hours(1));
        for field in ["expires_in", "expiresIn", "token_expires_in_seconds", "TTL"] {
            assert_eq!(end(field, &json!(3600)), Some(hour), "{field}");
            assert_eq!(end(field, &json!("3600")), Some(hour), "{field}");
        }
        assert!(matches!(end("expires_at", &json!(3600)), Some(End::At(_))));
        // Some write a moment there all the same.
        assert!(matches!(end("expires_in", &json!(1_795_191_238)), Some(End::At(_))));
    }

    #[test]
    fn another_moment_is_written_in_the_same_shape() {
        let later: Timestamp = "2026-11-20T17:13:58Z".parse().unwrap();
        let issued: Timestamp = "2026-11-20T16:13:58Z".parse().unwrap();
        for (field, before, after) in [
            ("expires_at", json!("2026-11-20T16:13:58Z"), json!("2026-11-20T17:13:58Z")),
            ("expires_at", json!("2026-11-20T16:13:58"), json!("2026-11-20T17:13:58")),
            ("expires_at", json!("2026-11-20 16:13:58"), json!("2026-11-20 17:13:58")),
            ("expires_at", json!(1_795_191_238), json!(1_795_194_838)),
            ("expires_at", json!(1_795_191_238.5), json!(1_795_194_838)),
            ("expires_at", json!("1795191238000"), json!("1795194838000")),
            ("expires_in", json!(60), json!(3600)),
        ] {
            let shape = shape(field, &before).unwrap();
            assert_eq!(write(shape, later, issued), after, "{before}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in ".{0,40}", number: f64, whole: i64, field in "[a-z_]{0,12}") {
            for value in [json!(text), json!(number), json!(whole), json!(whole.to_string())] {
                let _ = (moment(&value), end(&field, &value), shape(&field, &value));
            }
        }

        #[test]
        fn every_second_of_these_centuries_is_read_back(second in 1_000_000_000_i64..9_000_000_000) {
            let at = Timestamp::from_second(second).unwrap();
            let naive = at.to_string().trim_end_matches('Z').to_owned();
            for value in [
                json!(second), json!(second.to_string()), json!(second * 1000), json!(second as f64),
                json!(at.to_string()), json!(naive), json!(naive.replace('T', " ")),
            ] {
                prop_assert_eq!(moment(&value), Some(at), "{}", value);
                let shape = shape("expires_at", &value).unwrap();
                prop_assert_eq!(moment(&write(shape, at, at)), Some(at), "{}", value);
            }
        }
    }
}
