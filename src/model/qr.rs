//! QR codes as plain squares: dark or light, nothing of how they are drawn.

use qrcode::types::Color;
use qrcode::{EcLevel, QrCode};

/// Light squares around it; the standard wants four, phones are content with two.
pub const MARGIN: usize = 2;

/// A square of squares, with its margin.
#[derive(Clone, PartialEq, Eq)]
pub struct Qr {
    side: usize,
    dark: Vec<bool>,
}

impl std::fmt::Debug for Qr {
    // What it says may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Qr({0}x{0})", self.side)
    }
}

impl Qr {
    /// Makes the smallest code of a text; `None`: it is too long for any.
    pub fn of(text: &str) -> Option<Self> {
        // A screen has no scratches: the least redundancy gives the fewest squares.
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let side = code.width();
        let dark = code.into_colors().into_iter().map(|color| color == Color::Dark).collect();
        Some(Self { side, dark })
    }

    /// Squares in a row, margin and all.
    pub fn side(&self) -> usize {
        self.side + 2 * MARGIN
    }

    /// Whether the square at a column and a row is dark; everything outside is light.
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(MARGIN).filter(|at| *at < self.side);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => self.dark[y * self.side + x],
            _ => false,
        }
    }

    /// Writes the half block that shows a square and the one below it where light is drawn and dark is not.
    pub fn half_block(&self, x: usize, y: usize) -> &'static str {
        // An odd side has one row more below, which is margin.
        let below_light = !self.is_dark(x, y + 1);
        match (!self.is_dark(x, y), below_light) {
            (true, true) => "█",
            (true, false) => "▀",
            (false, true) => "▄",
            (false, false) => " ",
        }
    }

    /// Rows of half blocks.
    pub fn half_rows(&self) -> usize {
        self.side().div_ceil(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners_and_a_margin() {
        let code = Qr::of("https://a.example/").unwrap();
        assert_eq!(code.side(), 25 + 2 * MARGIN);
        let last = code.side() - 1 - MARGIN;
        for (x, y) in [(MARGIN, MARGIN), (last, MARGIN), (MARGIN, last)] {
            assert!(code.is_dark(x, y), "{x} {y}");
        }
        assert!((0..code.side()).all(|at| !code.is_dark(at, 0) && !code.is_dark(0, at)));
        assert!(!code.is_dark(1000, 1000));
        assert_eq!(code.half_block(0, 0), "█");
        assert!(Qr::of(&"x".repeat(5000)).is_none());
        assert!(!format!("{code:?}").contains("example"));
    }
}
