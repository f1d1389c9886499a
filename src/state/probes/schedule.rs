//! When a probe is made again. Pure functions of the clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// After a first failure it is asked again so soon: one failure alone is told to nobody.
const AGAIN: SignedDuration = SignedDuration::from_secs(2);
/// While its service has just started.
const STARTING: SignedDuration = SignedDuration::from_secs(1);

/// Returns the next moment of a steady beat: each probe has a place of its own in it, so that many do not come
/// together, and one that was made in between (at a start, after a failure) does not shift it. Follows from the
/// clock alone: however that jumps, one is due at most once.
pub fn beat(now: Timestamp, every: Duration, seed: u64) -> Timestamp {
    let every = (every.as_millis() as i64).clamp(1, i64::from(u32::MAX));
    let place = (seed % every as u64) as i64;
    let from = now.as_millisecond() + every / 2;
    let next = from + (place - from).rem_euclid(every);
    Timestamp::from_millisecond(next).unwrap_or(now)
}

/// Returns when to look again at one that has failed for the first time.
pub fn again(now: Timestamp, every: Duration) -> Timestamp {
    now + span(every).min(AGAIN)
}

/// Returns when to look again at one whose service has just started.
pub fn starting(now: Timestamp, every: Duration) -> Timestamp {
    now + span(every).min(STARTING)
}

pub fn span(of: Duration) -> SignedDuration {
    SignedDuration::try_from(of).unwrap_or(SignedDuration::MAX).min(SignedDuration::from_hours(24 * 49))
}

/// Returns a number that is one probe's own and stays.
pub fn seed<'a>(names: impl IntoIterator<Item = &'a str>) -> u64 {
    // FNV-1a.
    names
        .into_iter()
        .flat_map(|name| name.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_beat_is_never_far_and_never_at_once(
            now in 0_i64..4_000_000_000_000,
            every in 1_u64..100_000_000,
            seed in any::<u64>(),
        ) {
            let now = Timestamp::from_millisecond(now).unwrap();
            let next = beat(now, Duration::from_millis(every), seed);
            let wait = next.duration_since(now).as_millis() as u64;
            prop_assert!(wait >= every / 2 && wait <= every + every / 2, "{wait} of {every}");
            // From there on it is steady.
            prop_assert_eq!(beat(next, Duration::from_millis(every), seed).duration_since(next).as_millis() as u64, every);
        }
    }

    #[test]
    fn probes_of_one_rhythm_are_spread() {
        let now = Timestamp::from_second(1_795_191_238).unwrap();
        let at = |name: &str| beat(now, Duration::from_secs(10), seed(["shop", name])).as_millisecond();
        let mut times = ["a", "b", "c", "d", "e"].map(at);
        times.sort_unstable();
        assert!(times.windows(2).all(|pair| pair[0] != pair[1]), "{times:?}");
    }
}
