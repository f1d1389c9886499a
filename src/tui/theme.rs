//! Meanings → styles. Views name what a thing means (`failed`, `muted`, `selection`), never a color.
//!
//! Themes are TOML files: a palette of named colors and a style for each meaning ([`mod@file`] reads them,
//! [`folder`] finds the user's). What the terminal can show is decided in one place ([`depth`]).
//! Knows nothing of views or of what is drawn.

pub mod depth;
pub mod file;
pub mod folder;

use ratatui::style::Style;

use crate::model::stacks::ServiceState;
use crate::model::timeline::Severity;
use crate::model::tokens::TokenState;

pub use depth::ColorDepth;
pub use file::parse;
pub use folder::{load, names, user_folder};

macro_rules! meanings {
    ($($name:literal => $field:ident $([$index:literal])?, $role:ident;)*) => {
        /// Every meaning by its name in a theme file, and what is asked of its contrast.
        pub const MEANINGS: &[(&str, Role)] = &[$(($name, Role::$role)),*];

        impl Theme {
            /// Returns the style of a meaning by its name in a theme file.
            pub fn style(&self, name: &str) -> Option<Style> {
                match name {
                    $($name => Some(self.$field $([$index])?),)*
                    _ => None,
                }
            }

            fn style_mut(&mut self, name: &str) -> Option<&mut Style> {
                match name {
                    $($name => Some(&mut self.$field $([$index])?),)*
                    _ => None,
                }
            }
        }
    };
}

/// What a meaning is drawn as: text must be legible, lines must be visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Words that are read: contrast 4.5 or more.
    Text,
    /// Frames and hints that may be overlooked: 3 or more.
    Faint,
    /// Patched over something else.
    Patch,
    /// Filled areas that carry no words.
    Fill,
}

meanings! {
    "text" => text, Text;
    "strong" => strong, Text;
    "muted" => muted, Text;
    "faint" => faint, Faint;
    "border" => border, Faint;
    "border-focused" => border_focused, Faint;
    "title" => title, Text;
    "bar" => bar, Text;
    "key" => key, Text;
    "selection" => selection, Patch;
    "selection-unfocused" => selection_unfocused, Patch;
    "marked" => marked, Patch;
    "tab" => tab, Text;
    "tab-active" => tab_active, Text;
    "search-match" => search_match, Patch;
    "search-current" => search_current, Patch;
    "failed" => failed, Text;
    "unhealthy" => unhealthy, Text;
    "restarting" => restarting, Text;
    "blocked" => blocked, Text;
    "starting" => starting, Text;
    "paused" => paused, Text;
    "stopped" => stopped, Text;
    "completed" => completed, Text;
    "running" => running, Text;
    "healthy" => healthy, Text;
    "absent" => absent, Text;
    "good" => good, Text;
    "info" => info, Text;
    "warning" => warning, Text;
    "error" => error, Text;
    "gauge-low" => gauge[0], Faint;
    "gauge-medium" => gauge[1], Faint;
    "gauge-high" => gauge[2], Faint;
    "gauge-empty" => gauge_empty, Fill;
    "series-1" => series[0], Faint;
    "series-2" => series[1], Faint;
    "series-3" => series[2], Faint;
    "series-4" => series[3], Faint;
    "gutter-1" => gutter[0], Text;
    "gutter-2" => gutter[1], Text;
    "gutter-3" => gutter[2], Text;
    "gutter-4" => gutter[3], Text;
    "gutter-5" => gutter[4], Text;
    "gutter-6" => gutter[5], Text;
    "gutter-7" => gutter[6], Text;
    "gutter-8" => gutter[7], Text;
    "stale" => stale, Patch;
}

/// Every meaning that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    pub name: String,
    /// Marks and frames in ASCII only.
    pub ascii: bool,
    /// What the terminal can show; foreign colors (of log lines) are brought down to it too.
    pub depth: ColorDepth,
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
    /// Makes a theme that styles nothing: where every theme starts.
    pub fn plain() -> Self {
        let none = Style::new();
        Self {
            name: String::from("plain"),
            ascii: false,
            depth: ColorDepth::TrueColor,
            text: none,
            strong: none,
            muted: none,
            faint: none,
            border: none,
            border_focused: none,
            title: none,
            bar: none,
            key: none,
            selection: none,
            selection_unfocused: none,
            marked: none,
            tab: none,
            tab_active: none,
            search_match: none,
            search_current: none,
            failed: none,
            unhealthy: none,
            restarting: none,
            blocked: none,
            starting: none,
            paused: none,
            stopped: none,
            completed: none,
            running: none,
            healthy: none,
            absent: none,
            good: none,
            info: none,
            warning: none,
            error: none,
            gauge: [none; 3],
            gauge_empty: none,
            series: [none; 4],
            gutter: [none; 8],
            stale: none,
        }
    }

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

    pub fn token(&self, state: TokenState) -> Style {
        match state {
            TokenState::Expiring => self.warning,
            state => self.state(state.weight()),
        }
    }

    pub fn token_mark(&self, state: TokenState) -> &'static str {
        if self.ascii { state.ascii_mark() } else { state.mark() }
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

    /// Returns the style of a bar or chart that is filled to `ratio` (0 to 1).
    pub fn gauge_at(&self, ratio: f64) -> Style {
        match ratio {
            r if r >= 0.9 => self.gauge[2],
            r if r >= 0.7 => self.gauge[1],
            _ => self.gauge[0],
        }
    }
}

impl Default for Theme {
    /// The default dark theme, as `themes/dark.toml` says it.
    fn default() -> Self {
        // The embedded file is proven by a test; a plain screen is still better than none.
        folder::embedded("dark").unwrap_or_else(|_| Self::plain())
    }
}

#[cfg(test)]
mod tests;
