//! What the terminal can show, and how colors are brought down to it.
//!
//! For 256 colors each color goes to its nearest neighbor. Sixteen are too few for that: there the
//! style comes from the meaning, so that failed, warning and good stay apart and the selection is seen.

use ratatui::style::{Color, Modifier, Style};

/// How many colors the terminal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ColorDepth {
    #[default]
    TrueColor,
    Indexed256,
    Ansi16,
    /// No colors, only bold, underlined and the like.
    None,
}

impl ColorDepth {
    /// Finds the depth from the environment; `variable` looks one up.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        // https://no-color.org: present and not empty.
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return Self::None;
        }
        let term = variable("TERM").unwrap_or_default();
        if term == "dumb" || term.starts_with("vt1") || term.starts_with("vt2") {
            return Self::None;
        }
        let color_term = variable("COLORTERM").unwrap_or_default().to_ascii_lowercase();
        if color_term.contains("truecolor") || color_term.contains("24bit") || term.ends_with("-direct") {
            return Self::TrueColor;
        }
        // These speak 24 bits and do not always say so over SSH.
        if ["kitty", "alacritty", "ghostty", "wezterm", "foot"].iter().any(|name| term.contains(name)) {
            return Self::TrueColor;
        }
        if term.contains("256color") {
            return Self::Indexed256;
        }
        Self::Ansi16
    }

    /// Brings one foreign color (of a log line, say) down to what can be shown.
    pub fn color(self, color: Color) -> Option<Color> {
        match (self, color) {
            (Self::None, _) => None,
            (Self::TrueColor, color) => Some(color),
            (Self::Indexed256, Color::Rgb(r, g, b)) => Some(Color::Indexed(nearest_256(r, g, b))),
            (Self::Indexed256, color) => Some(color),
            (Self::Ansi16, Color::Rgb(r, g, b)) => Some(Color::Indexed(nearest_16(r, g, b))),
            (Self::Ansi16, Color::Indexed(n)) if n > 15 => {
                let (r, g, b) = rgb_of_256(n);
                Some(Color::Indexed(nearest_16(r, g, b)))
            }
            (Self::Ansi16, color) => Some(color),
        }
    }

    /// Brings a meaning's style down to what can be shown.
    pub fn style(self, meaning: &str, style: Style) -> Style {
        match self {
            Self::TrueColor => style,
            Self::Indexed256 => Style {
                fg: style.fg.and_then(|color| self.color(color)),
                bg: style.bg.and_then(|color| self.color(color)),
                ..style
            },
            Self::Ansi16 => ansi_16(meaning),
            Self::None => Style { fg: None, bg: None, ..style },
        }
    }
}

/// The style of each meaning on a terminal of sixteen colors, whose background we do not know.
fn ansi_16(meaning: &str) -> Style {
    let plain = Style::new();
    let bold = plain.add_modifier(Modifier::BOLD);
    match meaning {
        "strong" | "title" => bold,
        "faint" | "border" | "gauge-empty" | "absent" | "stale" => plain.add_modifier(Modifier::DIM),
        "border-focused" | "starting" | "series-1" | "gutter-1" => plain.fg(Color::Cyan),
        "key" => bold.fg(Color::Cyan),
        // Reversed, each state's color would become a block of its own; and red on gray cannot be read.
        "selection" => bold.fg(Color::White).bg(Color::DarkGray),
        "selection-unfocused" | "marked" => plain.add_modifier(Modifier::UNDERLINED),
        "tab-active" => bold.add_modifier(Modifier::UNDERLINED),
        "search-match" => plain.fg(Color::Black).bg(Color::Yellow),
        "search-current" => bold.fg(Color::Black).bg(Color::Cyan),
        "failed" | "error" => bold.fg(Color::Red),
        "unhealthy" | "gauge-high" => plain.fg(Color::Red),
        "restarting" | "paused" | "series-2" | "gutter-2" => plain.fg(Color::Magenta),
        "blocked" | "warning" | "gauge-medium" | "series-3" | "gutter-4" => plain.fg(Color::Yellow),
        "running" | "healthy" | "good" | "completed" | "gauge-low" | "series-4" | "gutter-3" => {
            plain.fg(Color::Green)
        }
        "gutter-5" => bold.fg(Color::Blue),
        "gutter-6" => bold.fg(Color::Magenta),
        "gutter-7" => bold.fg(Color::Yellow),
        "gutter-8" => bold.fg(Color::Cyan),
        // Text, info, muted, stopped, tab: the terminal's own foreground is what is surely legible.
        _ => plain,
    }
}

/// Returns the nearest color of the 6×6×6 cube and the gray ramp.
fn nearest_256(r: u8, g: u8, b: u8) -> u8 {
    (16..=255).min_by_key(|n| distance((r, g, b), rgb_of_256(*n))).unwrap_or(15)
}

/// Returns the nearest of the first sixteen, as xterm paints them.
fn nearest_16(r: u8, g: u8, b: u8) -> u8 {
    (0..16).min_by_key(|n| distance((r, g, b), rgb_of_256(*n))).unwrap_or(7)
}

/// Returns what xterm paints for a color of the 256.
pub(super) fn rgb_of_256(n: u8) -> (u8, u8, u8) {
    const FIRST: [(u8, u8, u8); 16] = [
        (0, 0, 0),
        (205, 0, 0),
        (0, 205, 0),
        (205, 205, 0),
        (0, 0, 238),
        (205, 0, 205),
        (0, 205, 205),
        (229, 229, 229),
        (127, 127, 127),
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 0),
        (92, 92, 255),
        (255, 0, 255),
        (0, 255, 255),
        (255, 255, 255),
    ];
    match n {
        0..=15 => FIRST[n as usize],
        16..=231 => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
            let n = n - 16;
            (level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        232..=255 => {
            let gray = 8 + (n - 232) * 10;
            (gray, gray, gray)
        }
    }
}

/// Weighs the channels as the eye does, roughly.
fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> i32 {
    let square = |x: u8, y: u8| (i32::from(x) - i32::from(y)).pow(2);
    3 * square(a.0, b.0) + 6 * square(a.1, b.1) + 2 * square(a.2, b.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(variables: &[(&str, &str)]) -> ColorDepth {
        ColorDepth::detect(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_tells_the_depth() {
        assert_eq!(detect(&[("COLORTERM", "truecolor"), ("TERM", "xterm-256color")]), ColorDepth::TrueColor);
        assert_eq!(detect(&[("TERM", "xterm-direct")]), ColorDepth::TrueColor);
        assert_eq!(detect(&[("TERM", "xterm-kitty")]), ColorDepth::TrueColor);
        assert_eq!(detect(&[("TERM", "screen-256color")]), ColorDepth::Indexed256);
        assert_eq!(detect(&[("TERM", "linux")]), ColorDepth::Ansi16);
        assert_eq!(detect(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]), ColorDepth::None);
        assert_eq!(detect(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), ColorDepth::None);
        assert_eq!(detect(&[("NO_COLOR", ""), ("COLORTERM", "truecolor")]), ColorDepth::TrueColor);
    }

    #[test]
    fn colors_go_to_their_nearest_neighbor() {
        assert_eq!(nearest_256(255, 255, 255), 231);
        assert_eq!(nearest_256(0, 0, 0), 16);
        assert_eq!(nearest_256(0x76, 0x76, 0x76), 243);
        assert_eq!(nearest_256(95, 175, 255), 75);
        assert_eq!(ColorDepth::Ansi16.color(Color::Rgb(250, 5, 5)), Some(Color::Indexed(9)));
        assert_eq!(ColorDepth::Ansi16.color(Color::Indexed(46)), Some(Color::Indexed(10)));
        assert_eq!(ColorDepth::None.color(Color::Red), None);
    }

    #[test]
    fn sixteen_colors_keep_good_warning_and_failed_apart() {
        let theme = crate::tui::theme::load("dark", false, ColorDepth::Ansi16).unwrap();
        assert_ne!(theme.failed, theme.warning);
        assert_ne!(theme.warning, theme.good);
        assert_ne!(theme.failed, theme.good);
        assert!(theme.selection.bg.is_some() && theme.selection.fg == Some(Color::White));
    }
}
