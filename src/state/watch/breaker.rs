//! The loop breaker: builds that change their own inputs must not go on for ever.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

/// So many runs, each caused by what changed while the one before was at work …
const ROUNDS: usize = 4;
/// … on the same files, in this time …
const WITHIN: SignedDuration = SignedDuration::from_mins(2);
/// … and each as long after the one before, give or take this: people are not so regular.
const REGULAR: SignedDuration = SignedDuration::from_secs(1);
/// A service that has just started may still write what makes the next round.
const AFTERMATH: SignedDuration = SignedDuration::from_secs(1);

/// Rebuilds of one service that follow from each other.
#[derive(Debug, Default)]
pub struct Chain {
    rounds: Vec<Round>,
    /// Begin and end of the last rebuild.
    last: Option<(Timestamp, Option<Timestamp>)>,
}

/// A rebuild that may have been caused by the one before.
#[derive(Debug)]
struct Round {
    at: Timestamp,
    files: BTreeSet<PathBuf>,
    /// From the begin of the one before to the change.
    after: SignedDuration,
}

impl Chain {
    /// Says whether a rebuild that these changes ask for would be one round too many.
    pub fn is_loop(&self, now: Timestamp, noticed_at: Timestamp, files: &BTreeSet<PathBuf>) -> bool {
        let Some(after) = self.follows(noticed_at) else { return false };
        let alike = |round: &&Round| {
            round.files == *files
                && now.duration_since(round.at) <= WITHIN
                && (round.after - after).abs() <= REGULAR.max(after / 2)
        };
        self.rounds.len() + 1 >= ROUNDS && self.rounds.iter().filter(alike).count() + 1 >= ROUNDS
    }

    /// Notes that a rebuild begins.
    pub fn begun(&mut self, now: Timestamp, noticed_at: Timestamp, files: BTreeSet<PathBuf>) {
        match self.follows(noticed_at) {
            Some(after) if self.rounds.iter().all(|round| round.files == files) => {
                self.rounds.push(Round { at: now, files, after });
                let spare = self.rounds.len().saturating_sub(ROUNDS - 1);
                self.rounds.drain(..spare);
            }
            Some(after) => self.rounds = vec![Round { at: now, files, after }],
            // Whoever saved these was no build.
            None => self.rounds.clear(),
        }
        self.last = Some((now, None));
    }

    /// Notes that the rebuild ended.
    pub fn ended(&mut self, now: Timestamp) {
        if let Some((_, end)) = &mut self.last {
            *end = Some(now);
        }
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Says how long after the begin of the last rebuild something was noticed, if it may come from that.
    fn follows(&self, noticed_at: Timestamp) -> Option<SignedDuration> {
        let (begin, end) = self.last?;
        let is_late = end.is_some_and(|end| noticed_at > end + AFTERMATH);
        (noticed_at >= begin && !is_late).then(|| noticed_at.duration_since(begin))
    }
}
