//! What a seam in a log says: that the container came back, after how long, and how it had ended.
//!
//! The engine's events tell it; the log itself does not.

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use crate::model::containers::ContainerId;

/// What is known of the last end of a container and of its start after that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Turn {
    died: Option<(Timestamp, i64)>,
    started: Option<Timestamp>,
}

/// The life of a followed container, as far as events told it.
#[derive(Debug)]
pub struct Life {
    turn: watch::Sender<Turn>,
    start: Notify,
}

impl Default for Life {
    fn default() -> Self {
        Self { turn: watch::Sender::new(Turn::default()), start: Notify::new() }
    }
}

impl Life {
    pub fn died(&self, at: Timestamp, exit_code: i64) {
        self.turn.send_replace(Turn { died: Some((at, exit_code)), started: None });
    }

    pub fn started(&self, at: Timestamp) {
        self.turn.send_modify(|turn| turn.started = Some(at));
        self.nudge();
    }

    /// Makes its follower try again.
    pub fn nudge(&self) {
        self.start.notify_one();
    }

    pub(super) async fn next_start(&self) {
        self.start.notified().await;
    }

    /// Says once that the container started again: `started again after 3 s, exit code 137`; or only that it
    /// is read again, where no end was told since the last seam.
    pub(super) fn seam(&self) -> String {
        let Turn { died, started } = *self.turn.borrow();
        let Some((died, code)) = died else { return String::from(READ_AGAIN) };
        self.turn.send_replace(Turn::default());
        let gap = started.map(|started| started.duration_since(died).as_secs_f64());
        let gap = gap.filter(|gap| *gap >= 0.0).map(|gap| format!(" after {}", span(gap)));
        format!("started again{}, {}", gap.unwrap_or_default(), exit(code))
    }
}

/// What is said where reading broke off and nothing is known of a restart.
const READ_AGAIN: &str = "read again from here";

/// Says that another container took the place of one in its service.
pub(super) fn created_again(id: &ContainerId, old: &Life) -> String {
    let how = old.turn.borrow().died.map(|(_, code)| format!("; the one before: {}", exit(code)));
    format!("created again as {}{}", id.short(), how.unwrap_or_default())
}

/// Says that lines are missing between the one above and the one below.
pub(super) fn missed(count: usize) -> String {
    let noun = if count == 1 { "line was" } else { "lines were" };
    format!("{count} {noun} missed here: the log ran ahead")
}

fn exit(code: i64) -> String {
    format!("exit code {code}")
}

fn span(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seam_tells_the_gap_and_the_exit() {
        let at = |millisecond| Timestamp::from_millisecond(millisecond).unwrap();
        let life = Life::default();
        assert_eq!(life.seam(), READ_AGAIN);
        life.died(at(1_000), 137);
        assert_eq!(life.seam(), "started again, exit code 137");
        life.died(at(1_000), 137);
        life.started(at(4_200));
        assert_eq!(life.seam(), "started again after 3.2 s, exit code 137");
        assert_eq!(life.seam(), READ_AGAIN, "told once");
        life.died(at(5_000), 0);
        life.started(at(65_000));
        let again = created_again(&ContainerId::new("0123456789abcdef"), &life);
        assert_eq!(again, "created again as 0123456789ab; the one before: exit code 0");
        assert_eq!(life.seam(), "started again after 60 s, exit code 0");
    }
}
