//! Log lines that were never stored: each follows from its container's seed and its place in time.
//!
//! Time is cut into slots of one line on average; a slot's lines are a function of its number. So the
//! history of hours can be read backwards, a stream can be resumed, and the same line is never told
//! in two ways. Lines that belong to an occasion (a start, a crash, a burst) are remembered as such.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::adapters::scenario::member::{Member, Occasion};
use crate::adapters::scenario::random::{hex, mix, unit};
use crate::adapters::scenario::script::{LogStyle, LogTemplate, When};
use crate::model::logs::LogLine;
use crate::model::text::styled;

/// From the first to the last line of what is written at once, at most.
const LONGEST: SignedDuration = SignedDuration::from_millis(1);
/// Slots looked into at most when a log is read backwards.
const HORIZON: i64 = 20_000;

/// Returns the last lines of a log up to `now`, oldest first.
pub fn tail(member: &Member, style: &LogStyle, count: u32, now: Timestamp) -> Vec<LogLine> {
    let Some(first) = member.lives.front().map(|life| life.from) else { return Vec::new() };
    let count = count as usize;
    let mut slots = count as i64 + 16;
    loop {
        let from = now - SignedDuration::from_nanos(slot_length(member).saturating_mul(slots));
        let mut lines = between(member, style, from.max(first), now);
        if lines.len() >= count || from <= first || slots >= HORIZON {
            lines.drain(..lines.len().saturating_sub(count));
            return lines;
        }
        slots *= 2;
    }
}

/// Returns the lines from `from` to `to`, both included, oldest first.
pub fn between(member: &Member, style: &LogStyle, from: Timestamp, to: Timestamp) -> Vec<LogLine> {
    let mut lines = Vec::new();
    let slot = slot_length(member);
    let number = |at: Timestamp| (at.as_nanosecond() / i128::from(slot)) as i64;
    // A traceback that began a moment earlier may reach into the time that is asked for.
    let early = from.checked_sub(LONGEST).unwrap_or(from);
    for life in &member.lives {
        let first = early.max(life.from);
        let last = to.min(life.to.unwrap_or(to));
        if first > last {
            continue;
        }
        // While it starts up, it says what belongs to that.
        let talks_from = life.from + START_SPACING * style.start.len() as i32;
        for slot_number in number(first)..=number(last) {
            slot_lines(member, style, slot_number, &mut |at, template, seed| {
                if at >= talks_from && at <= last {
                    write(member, style, at, template, seed, &mut lines);
                }
            });
        }
    }
    for (began, occasion) in &member.occasions {
        let end = member.lives.iter().rev().find(|life| life.from <= *began).and_then(|life| life.to);
        occasion_lines(style, *occasion, &mut |step, spacing, template| {
            let at = *began + spacing * step as i32;
            if at >= early && at <= to && end.is_none_or(|end| at <= end) {
                let seed = mix(&[member.seed, at.as_nanosecond() as u64, step]);
                write(member, style, at, template, seed, &mut lines);
            }
        });
    }
    lines.retain(|line| line.at >= from && line.at <= to);
    lines.sort_by_key(|line| line.at);
    lines
}

/// Returns when to look again: at the next line after `after`, or after a while.
pub fn next_line(member: &Member, style: &LogStyle, after: Timestamp) -> Timestamp {
    let slot = slot_length(member);
    let horizon = after + SignedDuration::from_nanos(slot.saturating_mul(32));
    between(member, style, after + SignedDuration::from_nanos(1), horizon)
        .first()
        .map_or(horizon, |line| line.at)
}

fn slot_length(member: &Member) -> i64 {
    (1e9 / member.script.log_rate.clamp(0.001, 1000.0)) as i64
}

fn slot_lines<'a>(
    member: &Member,
    style: &'a LogStyle,
    slot: i64,
    put: &mut impl FnMut(Timestamp, &'a LogTemplate, u64),
) {
    let length = slot_length(member);
    let chance = unit(&[member.seed, slot as u64, 1]);
    let count = match chance {
        c if c < 0.40 => 0,
        c if c < 0.75 => 1,
        c if c < 0.93 => 2,
        _ => 4,
    };
    for index in 0..count {
        let seed = mix(&[member.seed, slot as u64, 2, index]);
        let share = (unit(&[seed, 3]) + index as f64) / count as f64;
        let offset = (share * length as f64) as i128;
        let Ok(at) = Timestamp::from_nanosecond(i128::from(slot) * i128::from(length) + offset) else {
            continue;
        };
        let sick = member.is_sick(at);
        let fits = |template: &&LogTemplate| match template.when {
            When::Always => true,
            When::Sick => sick,
            When::Well => !sick,
        };
        let total: u64 = style.lines.iter().filter(fits).map(|t| u64::from(t.weight)).sum();
        if total == 0 {
            continue;
        }
        let mut pick = mix(&[seed, 4]) % total;
        for template in style.lines.iter().filter(fits) {
            if pick < u64::from(template.weight) {
                put(at, template, seed);
                break;
            }
            pick -= u64::from(template.weight);
        }
    }
}

fn occasion_lines<'a>(
    style: &'a LogStyle,
    occasion: Occasion,
    put: &mut impl FnMut(u64, SignedDuration, &'a LogTemplate),
) {
    let (templates, spacing) = match occasion {
        Occasion::Start => (&style.start, START_SPACING),
        Occasion::Stop => (&style.stop, SignedDuration::from_millis(60)),
        Occasion::Crash => (&style.crash, SignedDuration::from_millis(1)),
        Occasion::Burst { lines } => {
            for step in 0..u64::from(lines) {
                if let Some(template) =
                    style.lines.get((mix(&[step]) % style.lines.len().max(1) as u64) as usize)
                {
                    put(step, SignedDuration::from_millis(4), template);
                }
            }
            return;
        }
    };
    for (step, template) in templates.iter().enumerate() {
        put(step as u64, spacing, template);
    }
}

/// Between two lines of a start.
const START_SPACING: SignedDuration = SignedDuration::from_millis(110);

fn write(
    member: &Member,
    style: &LogStyle,
    at: Timestamp,
    template: &LogTemplate,
    seed: u64,
    lines: &mut Vec<LogLine>,
) {
    let text = fill(template.text.get_ref(), &style.words, member, at, seed);
    for (index, line) in text.lines().enumerate() {
        lines.push(LogLine {
            at: at + SignedDuration::from_micros(index as i64),
            source: (&member.container.id).into(),
            stream: template.stream(),
            level: template.level.map(Into::into),
            text: styled(line.as_bytes()),
        });
    }
}

/// Names that every style knows.
const KNOWN: [&str; 13] =
    ["n", "ms", "id", "uuid", "ip", "port", "pid", "host", "iso", "epoch_ms", "epoch_us", "pg", "clf"];

/// Returns a placeholder that means nothing.
pub fn unknown_placeholder<'a>(text: &'a str, words: &BTreeMap<String, Vec<String>>) -> Option<&'a str> {
    let mut found = None;
    placeholders(text, |piece| {
        if let Piece::Name(name) = piece {
            let (name, range) =
                name.split_once(':').map_or((name, None), |(name, range)| (name, Some(range)));
            let range_ok = range.is_none_or(|range| name == "n" && bounds(range).is_some());
            let known = words.get(name).is_some_and(|list| !list.is_empty()) || KNOWN.contains(&name);
            if (!known || !range_ok) && found.is_none() {
                found = Some(name);
            }
        }
    });
    found
}

enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// Cuts a template; braces around anything but a bare word are text (JSON).
fn placeholders<'a>(text: &'a str, mut piece: impl FnMut(Piece<'a>)) {
    let mut rest = text;
    let mut from = 0;
    while let Some(open) = rest[from..].find('{').map(|at| at + from) {
        let name = rest[open + 1..].find('}').map(|end| &rest[open + 1..open + 1 + end]);
        let is_name = |name: &&str| {
            name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "_:-.".contains(c))
        };
        match name.filter(is_name) {
            Some(name) => {
                piece(Piece::Text(&rest[..open]));
                piece(Piece::Name(name));
                rest = &rest[open + name.len() + 2..];
                from = 0;
            }
            None => from = open + 1,
        }
    }
    piece(Piece::Text(rest));
}

fn bounds(range: &str) -> Option<(u64, u64)> {
    let (low, high) = range.split_once("..")?;
    let (low, high) = (low.parse().ok()?, high.parse().ok()?);
    (low < high).then_some((low, high))
}

fn fill(
    template: &str,
    words: &BTreeMap<String, Vec<String>>,
    member: &Member,
    at: Timestamp,
    seed: u64,
) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut round = 16;
    placeholders(template, |piece| {
        let name = match piece {
            Piece::Text(plain) => return text.push_str(plain),
            Piece::Name(name) => name,
        };
        round += 1;
        let chance = mix(&[seed, round]);
        if let Some(list) = words.get(name) {
            if let Some(word) = list.get((chance % list.len().max(1) as u64) as usize) {
                text.push_str(word);
            }
            return;
        }
        let (name, range) = name.split_once(':').unwrap_or((name, "1..1000"));
        let word = match name {
            "n" => {
                let (low, high) = bounds(range).unwrap_or((1, 1000));
                (low + chance % (high - low)).to_string()
            }
            // Most answers are quick, a few are not.
            "ms" => format!("{:.1}", 1.2 + 40.0 * unit(&[chance]).powi(4) + 6.0 * unit(&[chance, 1])),
            "id" => hex(chance, 8),
            "uuid" => {
                let hex = hex(chance, 31);
                format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
            }
            "ip" => format!("172.{}.0.{}", 18 + member.seed % 8, 1 + chance % 9),
            "port" => (32_768 + chance % 28_000).to_string(),
            "pid" => (20 + chance % 160).to_string(),
            "host" => member.container.id.short().to_owned(),
            "iso" => format!("{at:.3}"),
            "epoch_ms" => at.as_millisecond().to_string(),
            "epoch_us" => at.as_microsecond().to_string(),
            "pg" => at.strftime("%Y-%m-%d %H:%M:%S%.3f UTC").to_string(),
            "clf" => at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            _ => String::new(),
        };
        text.push_str(&word);
    });
    text
}
