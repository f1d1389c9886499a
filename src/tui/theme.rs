//! Meanings → styles. Views name what a thing means (`failed`, `muted`, `selection`), never a color.

use ratatui::style::{Color, Modifier, Style};

use crate::model::stacks::ServiceState;
use crate::model::timeline::Severity;

/// Every meaning that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    pub name: String,
    /// Marks and frames in ASCII only.
    pub ascii: bool,
    /// The screen's background and ordinary text.
    pub text: Style,
    /// Names and figures that matter.
    pub strong: Style,
    /// Units, ages, labels of fields.
    pub muted: Style,
    /// Hints that may be overlooked.
    pub faint: Style,
    pub border: Style,
    pub border_focused: Style,
    pub title: Style,
    /// Header and footer bars.
    pub bar: Style,
    /// A key in the footer or in help.
    pub key: Style,
    /// Patched over a selected row: must not set a foreground, so states keep their color.
    pub selection: Style,
    /// The selected row while its pane has no focus.
    pub selection_unfocused: Style,
    /// Patched over a marked row.
    pub marked: Style,
    pub tab: Style,
    pub tab_active: Style,
    /// Matches of a search; the current one.
    pub search_match: Style,
    pub search_current: Style,
    pub failed: Style,
    pub unhealthy: Style,
    pub restarting: Style,
    pub blocked: Style,
    pub starting: Style,
    pub paused: Style,
    pub stopped: Style,
    pub completed: Style,
    pub running: Style,
    pub healthy: Style,
    pub absent: Style,
    pub good: Style,
    pub info: Style,
    pub warning: Style,
    pub error: Style,
    /// Bars and charts: low, medium, high.
    pub gauge: [Style; 3],
    /// The empty part of a bar.
    pub gauge_empty: Style,
    /// Lines of charts by series.
    pub series: [Style; 4],
    /// Service names in the gutter of merged logs.
    pub gutter: [Style; 8],
    /// Everything while the connection is lost, patched over.
    pub stale: Style,
}

impl Theme {
    pub fn state(&self, state: ServiceState) -> Style {
        match state {
            ServiceState::Failed => self.failed,
            ServiceState::Unhealthy => self.unhealthy,
            ServiceState::Restarting => self.restarting,
            ServiceState::Blocked => self.blocked,
            ServiceState::Starting => self.starting,
            ServiceState::Paused => self.paused,
            ServiceState::Stopped => self.stopped,
            ServiceState::Completed => self.completed,
            ServiceState::Running => self.running,
            ServiceState::Healthy => self.healthy,
            ServiceState::Absent => self.absent,
        }
    }

    pub fn severity(&self, severity: Severity) -> Style {
        match severity {
            Severity::Info => self.info,
            Severity::Good => self.good,
            Severity::Warning => self.warning,
            Severity::Error => self.error,
        }
    }

    pub fn mark(&self, state: ServiceState) -> &'static str {
        if self.ascii { state.ascii_mark() } else { state.mark() }
    }
}

impl Default for Theme {
    /// The default dark theme.
    fn default() -> Self {
        let fg = |r, g, b| Style::new().fg(Color::Rgb(r, g, b));
        let red = fg(0xf3, 0x6c, 0x6c);
        let orange = fg(0xf0, 0xa0, 0x5a);
        let yellow = fg(0xe6, 0xc8, 0x5c);
        let green = fg(0x7f, 0xc8, 0x7f);
        let cyan = fg(0x6c, 0xc4, 0xc8);
        let blue = fg(0x7a, 0xa8, 0xf0);
        let violet = fg(0xb8, 0x98, 0xe8);
        let pink = fg(0xe0, 0x90, 0xc0);
        let text = fg(0xc8, 0xcc, 0xd4);
        let muted = fg(0x8a, 0x92, 0xa0);
        let faint = fg(0x5c, 0x64, 0x72);
        Self {
            name: String::from("dark"),
            ascii: false,
            text,
            strong: fg(0xf0, 0xf2, 0xf6).add_modifier(Modifier::BOLD),
            muted,
            faint,
            border: fg(0x40, 0x46, 0x52),
            border_focused: blue,
            title: fg(0xe0, 0xe4, 0xec).add_modifier(Modifier::BOLD),
            bar: text.bg(Color::Rgb(0x20, 0x24, 0x2c)),
            key: blue.add_modifier(Modifier::BOLD),
            selection: Style::new().bg(Color::Rgb(0x2e, 0x38, 0x4c)).add_modifier(Modifier::BOLD),
            selection_unfocused: Style::new().bg(Color::Rgb(0x24, 0x29, 0x33)),
            marked: Style::new().add_modifier(Modifier::UNDERLINED),
            tab: muted,
            tab_active: fg(0xf0, 0xf2, 0xf6).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            search_match: Style::new().bg(Color::Rgb(0x50, 0x48, 0x20)),
            search_current: Style::new().bg(Color::Rgb(0xe6, 0xc8, 0x5c)).fg(Color::Rgb(0x18, 0x1a, 0x20)),
            failed: red.add_modifier(Modifier::BOLD),
            unhealthy: red,
            restarting: orange,
            blocked: yellow,
            starting: cyan,
            paused: violet,
            stopped: muted,
            completed: fg(0x88, 0xa8, 0x88),
            running: green,
            healthy: green,
            absent: faint,
            good: green,
            info: text,
            warning: yellow,
            error: red,
            gauge: [green, yellow, red],
            gauge_empty: fg(0x34, 0x3a, 0x46),
            series: [cyan, violet, yellow, green],
            gutter: [cyan, violet, green, yellow, blue, pink, orange, muted],
            stale: Style::new().add_modifier(Modifier::DIM),
        }
    }
}

/// Returns the names of the themes.
pub fn names() -> Vec<String> {
    vec![String::from("dark")]
}
