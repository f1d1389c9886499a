//! When writing has settled: soon after a single save, later in a burst, and never later than a cap.
//!
//! A pure function of moments that it is told of; tests give it made-up ones.

use std::time::{Duration, Instant};

/// After one path, nothing came for so long: an editor's dance takes a few milliseconds.
const QUIET: Duration = Duration::from_millis(30);
/// However many paths: a pause as long as this is an end.
const QUIET_OF_BURST: Duration = Duration::from_millis(300);
/// Somebody has a file open and has written to it.
const QUIET_WHILE_OPEN: Duration = Duration::from_millis(200);
/// From the first to the telling, however much is still being written.
pub const LONGEST: Duration = Duration::from_secs(2);

/// Gathers moments of one batch.
#[derive(Clone, Debug)]
pub struct Settle {
    longest: Duration,
    /// The first moment and the last.
    span: Option<(Instant, Instant)>,
}

impl Settle {
    pub fn new(longest: Duration) -> Self {
        Self { longest, span: None }
    }

    /// Something was written.
    pub fn note(&mut self, now: Instant) {
        let (first, last) = self.span.unwrap_or((now, now));
        self.span = Some((first, last.max(now)));
    }

    /// Returns when to tell, by how many paths there are and how many of them are still open for writing; `None`:
    /// there is nothing.
    pub fn due(&self, paths: usize, open: usize) -> Option<Instant> {
        let (first, last) = self.span?;
        // Doubling the paths adds as much as one path waits: a checkout's files come with pauses between them.
        let steps = paths.max(1).ilog2() + 1;
        let quiet = (QUIET * steps).min(QUIET_OF_BURST);
        let quiet = if open > 0 { quiet.max(QUIET_WHILE_OPEN) } else { quiet };
        Some((last + quiet).min(first + self.longest))
    }

    /// The batch is told; the next one begins.
    pub fn clear(&mut self) {
        self.span = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Tells moments (milliseconds) as they come, each a path of its own; returns when and how many were told.
    fn told(moments: &[u64]) -> Vec<(u64, usize)> {
        let start = Instant::now();
        let at = |milliseconds: u64| start + Duration::from_millis(milliseconds);
        let mut settle = Settle::new(LONGEST);
        let (mut told, mut paths) = (Vec::new(), 0);
        for moment in moments.iter().map(Some).chain([None]) {
            if let Some(due) = settle.due(paths, 0)
                && moment.is_none_or(|moment| due <= at(*moment))
            {
                told.push((due.duration_since(start).as_millis() as u64, paths));
                settle.clear();
                paths = 0;
            }
            if let Some(moment) = moment {
                settle.note(at(*moment));
                paths += 1;
            }
        }
        assert_eq!(settle.due(paths, 0), None);
        told
    }

    #[test]
    fn a_single_save_is_told_soon_and_a_burst_once() {
        assert_eq!(told(&[0]), [(30, 1)]);
        assert_eq!(told(&[0, 5, 20]), [(80, 3)]);
        assert_eq!(told(&[0, 500]), [(30, 1), (530, 1)]);
        let burst: Vec<u64> = (0..200).map(|number| number * 5).collect();
        assert_eq!(told(&burst), [(995 + 240, 200)]);
        let checkout: Vec<u64> = (0..2_000).map(|number| number / 4).collect();
        assert_eq!(told(&checkout), [(499 + 300, 2_000)]);
    }

    #[test]
    fn what_is_still_open_is_waited_for_but_not_for_ever() {
        let now = Instant::now();
        let mut settle = Settle::new(LONGEST);
        assert_eq!(settle.due(0, 0), None);
        settle.note(now);
        assert_eq!(settle.due(1, 1), Some(now + QUIET_WHILE_OPEN));
        assert_eq!(settle.due(1, 0), Some(now + QUIET));
        for step in 0..100 {
            settle.note(now + Duration::from_millis(step * 100));
        }
        assert_eq!(settle.due(1, 1), Some(now + LONGEST));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_waits_longer_than_the_cap(
            gaps in proptest::collection::vec(0_u64..400, 1..300)
        ) {
            let moments: Vec<u64> = gaps.iter().scan(0, |sum, gap| { *sum += gap; Some(*sum) }).collect();
            let told = told(&moments);
            prop_assert_eq!(told.iter().map(|(_, paths)| paths).sum::<usize>(), moments.len());
            let mut rest = &moments[..];
            for (due, paths) in told {
                let (batch, others) = rest.split_at(paths);
                rest = others;
                prop_assert!(due - batch[0] <= 2_000, "{} after {}", due, batch[0]);
                // What belongs together is not cut: only the cap tells before it is quiet.
                prop_assert!(due - batch[0] == 2_000 || due - batch[paths - 1] >= 30);
                prop_assert!(due - batch[0] == 2_000 || due - batch[paths - 1] <= 300);
            }
        }
    }
}
