//! When a source is looked at again, and when a token is refreshed. Pure.

use jiff::{SignedDuration, Timestamp};

/// Nothing is looked at more often.
pub const SHORTEST: SignedDuration = SignedDuration::from_secs(1);
/// Usually.
pub const LONGEST: SignedDuration = SignedDuration::from_mins(1);
/// Between attempts to refresh after failures, at most.
const RETRY_CAP: SignedDuration = SignedDuration::from_mins(5);

/// Returns how long until the next look, where a token turns at `turns_at`: a tenth of what is left, within
/// bounds.
pub fn next_look(now: Timestamp, turns_at: Option<Timestamp>) -> SignedDuration {
    let Some(at) = turns_at else { return LONGEST };
    let left = at.duration_since(now);
    SignedDuration::from_millis((left.as_millis() / 10) as i64).clamp(SHORTEST, LONGEST)
}

/// Returns how long to wait after so many failures to read.
pub fn back_off(failures: u32) -> SignedDuration {
    let seconds = 1_i64.checked_shl(failures.min(20)).unwrap_or(i64::MAX);
    SignedDuration::from_secs(seconds).clamp(SHORTEST, LONGEST)
}

/// Returns when to refresh for the first time: half into the buffer, for a service that refreshes by itself
/// does so as the buffer begins; up to a tenth of the buffer later, so that many do not come at once.
pub fn first_attempt(end: Timestamp, buffer: SignedDuration, seed: u64) -> Timestamp {
    let half = SignedDuration::from_millis((buffer.as_millis() / 2) as i64);
    let spread = (buffer.as_millis() / 10) as u64;
    let jitter = if spread == 0 { 0 } else { seed % spread };
    end.checked_sub(half).unwrap_or(Timestamp::MIN) + SignedDuration::from_millis(jitter as i64)
}

/// Returns how long to wait after so many refreshes failed.
pub fn retry(attempts: u32, seed: u64) -> SignedDuration {
    let seconds =
        5_i64.saturating_mul(1_i64.checked_shl(attempts.saturating_sub(1).min(20)).unwrap_or(i64::MAX));
    let wait = SignedDuration::from_secs(seconds).min(RETRY_CAP);
    let spread = (wait.as_millis() / 10) as u64;
    wait + SignedDuration::from_millis((seed % spread.max(1)) as i64)
}

/// A number that is always the same for the same token (FNV-1a).
pub fn seed(stack: &str, name: &str) -> u64 {
    let bytes = stack.bytes().chain([0]).chain(name.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    proptest! {
        #[test]
        fn a_look_is_never_rarer_than_a_minute_nor_more_often_than_a_second(
            now in 0_i64..4_000_000_000, turns in proptest::option::of(0_i64..4_000_000_000)
        ) {
            let wait = next_look(at(now), turns.map(at));
            prop_assert!((SHORTEST..=LONGEST).contains(&wait));
        }

        #[test]
        fn the_first_attempt_lies_within_the_buffer(
            end in 1_000_000_i64..4_000_000_000, buffer in 0_i64..1_000_000, seed: u64
        ) {
            let attempt = first_attempt(at(end), SignedDuration::from_secs(buffer), seed);
            prop_assert!(attempt >= at(end - buffer));
            prop_assert!(attempt <= at(end));
        }

        #[test]
        fn retries_grow_to_a_cap(attempts in 1_u32..1000, seed: u64) {
            let wait = retry(attempts, seed);
            prop_assert!(wait >= SignedDuration::from_secs(5));
            prop_assert!(wait <= RETRY_CAP + RETRY_CAP / 10);
        }
    }

    #[test]
    fn failures_to_read_wait_longer_each_time() {
        let waits: Vec<i64> = (1..8).map(|failures| back_off(failures).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
    }
}
