//! Chance that repeats: every figure follows from a seed and a few numbers, nothing is remembered.
//!
//! What happened an hour ago can therefore be told again at any time, word for word.

use std::fmt::Write;

/// Mixes numbers into one that looks random (SplitMix64's finalizer over each).
pub fn mix(parts: &[u64]) -> u64 {
    let mut hash = 0x9e37_79b9_7f4a_7c15_u64;
    for part in parts {
        hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ part.wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^= hash >> 31;
    }
    hash
}

/// Makes a seed of a name.
pub fn seed_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Returns a number from 0 up to 1.
pub fn unit(parts: &[u64]) -> f64 {
    (mix(parts) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Returns a wave between -1 and 1 without steps: chance at whole numbers of `x`, eased in between.
pub fn smooth(seed: u64, x: f64) -> f64 {
    let left = x.floor();
    let at = |n: f64| unit(&[seed, n as i64 as u64]) * 2.0 - 1.0;
    let t = x - left;
    let eased = t * t * (3.0 - 2.0 * t);
    at(left) * (1.0 - eased) + at(left + 1.0) * eased
}

/// Returns so many hexadecimal digits.
pub fn hex(seed: u64, digits: usize) -> String {
    let mut text = String::new();
    let mut round = 0;
    while text.len() < digits {
        let _ = write!(text, "{:016x}", mix(&[seed, round]));
        round += 1;
    }
    text.truncate(digits);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_repeats_and_spreads() {
        assert_eq!(mix(&[1, 2]), mix(&[1, 2]));
        assert_ne!(mix(&[1, 2]), mix(&[2, 1]));
        let mean = (0..1000).map(|n| unit(&[7, n])).sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
        assert_eq!(hex(5, 64).len(), 64);
    }

    #[test]
    fn a_smooth_wave_has_no_steps() {
        for step in 0..500 {
            let x = f64::from(step) * 0.01;
            assert!((smooth(3, x) - smooth(3, x + 0.01)).abs() < 0.05);
        }
    }
}
