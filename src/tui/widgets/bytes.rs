//! Sizes and rates in as few columns as they can be told in.

const UNITS: [&str; 7] = ["B", "K", "M", "G", "T", "P", "E"];

/// Writes bytes in binary units and at most four columns: `512B`, `1.2K`, `84M`, `1.2G`.
pub fn short(bytes: u64) -> String {
    scaled(bytes as f64)
}

/// Writes bytes per second: `1.2K/s`; a dash where nothing is known.
pub fn rate(per_second: f32) -> String {
    if per_second.is_finite() {
        format!("{}/s", scaled(f64::from(per_second.max(0.0))))
    } else {
        String::from("-")
    }
}

/// Writes a count with its thousands apart: `1,204`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn scaled(mut value: f64) -> String {
    let mut unit = 0;
    // From 999.5 on, three digits would round to four.
    while value >= 999.5 && unit < UNITS.len() - 1 {
        value /= 1024.0;
        unit += 1;
    }
    if unit > 0 && value < 9.95 {
        format!("{value:.1}{}", UNITS[unit])
    } else {
        format!("{value:.0}{}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_four_columns_at_most() {
        assert_eq!(short(0), "0B");
        assert_eq!(short(512), "512B");
        assert_eq!(short(1000), "1.0K");
        assert_eq!(short(1229), "1.2K");
        assert_eq!(short(84 * 1024 * 1024), "84M");
        assert_eq!(short(1_288_490_189), "1.2G");
        assert_eq!(short(1024 * 1024 - 1), "1.0M");
        for shift in 0..64 {
            assert!(short((1_u64 << shift) - 1).len() <= 4, "{}", short((1_u64 << shift) - 1));
        }
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn an_unknown_rate_is_a_dash_not_zero() {
        assert_eq!(rate(1229.0), "1.2K/s");
        assert_eq!(rate(0.0), "0B/s");
        assert_eq!(rate(f32::NAN), "-");
    }
}
