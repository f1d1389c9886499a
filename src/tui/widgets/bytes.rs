//! Sizes and rates in few characters.

/// Writes a size as `84M`, `1.2G`.
pub fn short(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "K", "M", "G", "T"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit < UNITS.len() - 1 {
        value /= 1024.0;
        unit += 1;
    }
    if unit > 1 && value < 9.95 {
        format!("{value:.1}{}", UNITS[unit])
    } else {
        format!("{value:.0}{}", UNITS[unit])
    }
}

/// Writes a rate as `84K/s`.
pub fn rate(bytes_per_second: f32) -> String {
    format!("{}/s", short(bytes_per_second.max(0.0) as u64))
}
