//! Going back in time: older lines as one scrolls up, and the jump to a moment.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::command::Command;
use crate::model::logs::Reach;
use crate::state::State;
use crate::tui::view::Effect;
use crate::tui::views::logs::pane::{Anchor, LogPane};

impl LogPane {
    /// Returns what the pane wishes now: older lines, where one has come to the first ones.
    pub fn wishes(&mut self, state: &State) -> Vec<Command> {
        let sources = self.sources.list().iter().filter(|source| !source.is_gone);
        let ids: Vec<_> = sources.map(|source| source.id.clone()).collect();
        let mut wants = std::mem::take(&mut self.wants_older);
        if let Some(goal) = self.goal {
            let is_reading = ids.iter().any(|id| state.logs.reach(id) == Some(&Reach::Reading));
            let is_there = state.logs.lines().front().is_some_and(|first| first.at <= goal);
            if is_there || !is_reading && !ids.iter().any(|id| state.logs.has_past(id)) {
                self.goal = None;
                self.go_to_time(goal, state);
            } else {
                wants = true;
            }
        }
        let ids: Vec<_> = ids.into_iter().filter(|id| state.logs.has_past(id)).collect();
        if wants && !ids.is_empty() { vec![Command::LoadOlderLogs(ids)] } else { Vec::new() }
    }

    /// Goes to a moment as it was typed; reads back as far as that needs.
    pub fn jump(&mut self, text: &str, state: &State, now: Timestamp) -> Vec<Effect> {
        let Some(moment) = parse(text, now, &self.clock.shown_zone()) else {
            let words = "A time is written 14:05, 14:05:30, 2026-11-20 14:05, or 5m, 2h, 1d for so long ago";
            return vec![Effect::Toast(words.to_owned())];
        };
        let is_held = state.logs.lines().front().is_some_and(|first| first.at <= moment);
        self.go_to_time(moment, state);
        if !is_held {
            self.goal = Some(moment);
        }
        if state.logs.lines().back().is_some_and(|last| last.at < moment) {
            return vec![Effect::Toast(String::from("Nothing was written since then"))];
        }
        Vec::new()
    }

    /// Stands on the first shown line from a moment on, at the top.
    fn go_to_time(&mut self, moment: Timestamp, state: &State) {
        let store = &state.logs;
        self.refresh(state);
        let at = store.lines().partition_point(|line| line.at < moment);
        let last = self.index.len().saturating_sub(1);
        let position = self.index.position(store.dropped() + at as u64).min(last);
        self.pause(store);
        self.scroll.line = position;
        self.scroll.row = 0;
        self.hold(store);
        self.cursor = self.index.number(position).and_then(|number| Anchor::of(store, number));
        self.refresh(state);
    }

    /// Says how far back the logs were read, where one looks at the first line.
    pub(super) fn edge(&self, state: &State) -> Option<String> {
        let sources = self.sources.list().iter().filter(|source| !source.is_gone);
        let reaches: Vec<_> = sources.map(|source| state.logs.reach(&source.id)).collect();
        if reaches.contains(&Some(&Reach::Reading)) {
            return Some(String::from("reading older lines"));
        }
        if self.follow || self.scroll.line > 0 || self.scroll.row > 0 {
            return None;
        }
        let failed = reaches.iter().find_map(|reach| match reach {
            Some(Reach::Failed(why)) => Some(why),
            _ => None,
        });
        if let Some(why) = failed {
            return Some(format!("no older lines: {why}"));
        }
        if reaches.contains(&Some(&Reach::Full)) {
            return Some(String::from("no room for older lines"));
        }
        let is_beginning = !reaches.is_empty() && reaches.iter().all(|r| *r == Some(&Reach::Beginning));
        is_beginning.then(|| String::from("the log begins here"))
    }
}

/// Reads a moment: a time of day (the last one that was), date and time, or how long ago.
fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    if let Some(span) = ago(text) {
        return now.checked_sub(span).ok();
    }
    let at = |moment: DateTime| moment.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    if text.contains(['-', '/']) {
        return at(text.replace('/', "-").parse().ok()?);
    }
    let padded = if text.find(':') == Some(1) { format!("0{text}") } else { text.to_owned() };
    let time: Time = padded.contains(':').then(|| padded.parse().ok())??;
    let today = now.to_zoned(zone.clone()).date();
    let moment = at(today.to_datetime(time))?;
    if moment > now { at(today.yesterday().ok()?.to_datetime(time)) } else { Some(moment) }
}

/// Reads `90s`, `5m`, `1h30m`, `2d`.
fn ago(text: &str) -> Option<SignedDuration> {
    let mut rest = text.strip_suffix("ago").unwrap_or(text).trim_end();
    let mut total = SignedDuration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let amount: i64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let seconds = match rest.bytes().next()? {
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            _ => return None,
        };
        total = total.checked_add(SignedDuration::from_secs(amount.checked_mul(seconds)?))?;
        rest = rest[1..].trim_start();
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now: Timestamp = "2026-11-20T19:03:22Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let told = |text: &str| parse(text, now, &zone).map(|at| at.to_string());
        let table = [
            ("14:05", "2026-11-20T13:05:00Z"),
            ("9:05:30", "2026-11-20T08:05:30Z"),
            ("23:00", "2026-11-19T22:00:00Z"),
            ("2026-11-19 08:00", "2026-11-19T07:00:00Z"),
            ("2026-11-19T08:00:00Z", "2026-11-19T08:00:00Z"),
            ("5m", "2026-11-20T18:58:22Z"),
            ("1h 30m ago", "2026-11-20T17:33:22Z"),
        ];
        for (text, wanted) in table {
            assert_eq!(told(text).as_deref(), Some(wanted), "{text}");
        }
        for text in ["", "5", "25:00", "soon", "m", "14:0x", "99999999999999999999d"] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
