//! The Diagnostics screen: stackdash's own log, drawn by tui-logger in the manner of the Logs screen.

use jiff::Timestamp;
use log::{Level, LevelFilter};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};
use tui_logger::{ExtLogRecord, LogFormatter, TuiLoggerWidget, TuiWidgetEvent, TuiWidgetState};

use crate::command::Interest;
use crate::logging;
use crate::state::State;
use crate::tui::action::{Action, KeyContext};
use crate::tui::theme::Theme;
use crate::tui::view::{Context, Effect};
use crate::tui::views::notice::Notice;
use crate::tui::widgets::{foot, heading, styled};

/// Positions in our own log.
pub struct DiagnosticsView {
    widget: TuiWidgetState,
    /// The lowest level that is shown.
    level: LevelFilter,
    follow: bool,
    shows_times: bool,
}

impl std::fmt::Debug for DiagnosticsView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiagnosticsView").field("level", &self.level).finish_non_exhaustive()
    }
}

impl Default for DiagnosticsView {
    fn default() -> Self {
        Self { widget: TuiWidgetState::new(), level: LevelFilter::Trace, follow: true, shows_times: true }
    }
}

impl DiagnosticsView {
    pub fn contexts(&self) -> &'static [KeyContext] {
        &[KeyContext::Diagnostics, KeyContext::Text, KeyContext::Global]
    }

    /// Returns a count that changes when there is something new to draw.
    pub fn revision(&self) -> u64 {
        logging::revision()
    }

    pub fn sync(&mut self, _state: &State, _area: Rect) {
        logging::collect();
    }

    pub fn handle(&mut self, action: Action, _state: &State) -> Vec<Effect> {
        match action {
            Action::PageUp | Action::HalfPageUp | Action::MoveUp => self.page(TuiWidgetEvent::PrevPageKey),
            Action::PageDown | Action::HalfPageDown | Action::MoveDown if !self.follow => {
                self.page(TuiWidgetEvent::NextPageKey);
            }
            Action::Follow if self.follow => self.page(TuiWidgetEvent::PrevPageKey),
            Action::Follow | Action::Last => {
                self.widget.transition(TuiWidgetEvent::EscapeKey);
                self.follow = true;
            }
            Action::Level => {
                self.level = match self.level {
                    LevelFilter::Trace => LevelFilter::Info,
                    LevelFilter::Info => LevelFilter::Warn,
                    LevelFilter::Warn => LevelFilter::Error,
                    _ => LevelFilter::Trace,
                };
                self.widget = TuiWidgetState::new().set_default_display_level(self.level);
                self.follow = true;
            }
            Action::Timestamps => self.shows_times = !self.shows_times,
            _ => {}
        }
        Vec::new()
    }

    fn page(&mut self, event: TuiWidgetEvent) {
        self.widget.transition(event);
        self.follow = false;
    }

    pub fn click(&mut self, _column: u16, _row: u16, _state: &State) -> Vec<Effect> {
        Vec::new()
    }

    pub fn wheel(&mut self, _column: u16, _row: u16, down: bool, state: &State) {
        self.handle(if down { Action::PageDown } else { Action::PageUp }, state);
    }

    pub fn set_filter(&mut self, _text: &str) {}

    pub fn filter(&self) -> &'static str {
        ""
    }

    pub fn interest(&self, _state: &State, _interest: &mut Interest) {}

    pub fn counts_seconds(&self, _state: &State, _now: Timestamp) -> bool {
        false
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        if area.width < 20 || area.height < 3 {
            return;
        }
        let theme = cx.theme;
        let what = Line::styled("stackdash's own log", theme.muted);
        heading::draw(area, buf, "Diagnostics", &what, &Line::default(), cx.focused, theme);
        let list = Rect { y: area.y + 1, height: area.height - 2, ..area };
        if self.revision() == 0 {
            Notice::new("Nothing has been logged so far")
                .advise("Lost connections, slow answers and what went wrong inside appear here")
                .advise("-v logs more, --log-file FILE keeps it")
                .draw(list, buf, theme);
        } else {
            // The widget leaves cells behind that it does not need.
            Clear.render(list, buf);
            TuiLoggerWidget::default()
                .style(theme.text)
                .formatter(Box::new(Formatter::new(theme, self.shows_times)))
                .state(&self.widget)
                .render(list, buf);
        }
        let mut right: Vec<(String, Style)> = Vec::new();
        if self.level != LevelFilter::Trace {
            right.push((format!("{} and above", self.level.as_str().to_lowercase()), theme.text));
        }
        right.push(if self.follow {
            (String::from("following"), theme.good)
        } else {
            (String::from("paused"), theme.warning)
        });
        foot::draw(Rect { y: area.bottom() - 1, height: 1, ..area }, buf, &[], &right, theme);
    }
}

/// Writes a record as the Logs screen writes a line.
struct Formatter {
    shows_times: bool,
    faint: Style,
    target: Style,
    text: Style,
    error: Style,
    warning: Style,
}

impl Formatter {
    fn new(theme: &Theme, shows_times: bool) -> Self {
        Self {
            shows_times,
            faint: theme.faint,
            target: theme.muted,
            text: theme.text,
            error: theme.error,
            warning: theme.warning,
        }
    }
}

impl LogFormatter for Formatter {
    fn min_width(&self) -> u16 {
        20
    }

    fn format(&self, width: usize, record: &ExtLogRecord) -> Vec<Line<'_>> {
        let (mark, mark_style, style) = match record.level {
            Level::Error => ("E", self.error, self.error),
            Level::Warn => ("W", self.warning, self.text),
            Level::Info => ("I", self.faint, self.text),
            Level::Debug => ("D", self.faint, self.target),
            Level::Trace => ("T", self.faint, self.target),
        };
        let time = if self.shows_times {
            format!("{} ", record.timestamp.strftime("%H:%M:%S"))
        } else {
            String::new()
        };
        // Every target of ours begins with our name: what is left says more.
        let target = record.target().strip_prefix("stackdash::").unwrap_or(record.target());
        let message = format!("{target} {}", record.msg());
        let indent = time.len() + 2;
        let room = width.saturating_sub(indent).max(1);
        let mut lines = Vec::new();
        let hang = styled::hang(&message, room);
        for (row, range) in styled::wrapped(&message, room).enumerate() {
            let mut spans = if row == 0 {
                vec![Span::styled(time.clone(), self.faint), Span::styled(format!("{mark} "), mark_style)]
            } else {
                vec![Span::raw(" ".repeat(indent + hang))]
            };
            let split = target.len().clamp(range.start, range.end);
            spans.push(Span::styled(message[range.start..split].to_owned(), self.target));
            spans.push(Span::styled(message[split..range.end].to_owned(), style));
            lines.push(Line::from(spans));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use log::{Log as _, Record};

    use super::*;
    use crate::tui::views::fixture::{self, Fixture, SIZES, screen};

    fn drawn(view: &mut DiagnosticsView, fixture: &Fixture, size: (u16, u16)) -> String {
        view.sync(&fixture.state, Rect::new(0, 0, size.0, size.1));
        screen(&fixture::draw(size, &fixture.state, &Theme::default(), |area, buf, cx| {
            view.draw(area, buf, cx);
        }))
    }

    /// One test, because the log behind it is one for the whole process.
    #[test]
    fn our_own_log_is_shown_masked_and_filtered() {
        tui_logger::set_default_level(LevelFilter::Debug);
        let logger = logging::Logger {
            level: LevelFilter::Debug,
            file: Mutex::new(None),
            drain: tui_logger::Drain::new(),
        };
        let say = |level: Level, target: &str, message: &str| {
            logger
                .log(&Record::builder().level(level).target(target).args(format_args!("{message}")).build());
        };
        let before = logging::revision();
        say(
            Level::Info,
            "stackdash::supervisor",
            "connected to unix:///var/run/docker.sock, engine 20.10.24",
        );
        say(Level::Debug, "stackdash::adapters::docker", "listed 45 containers in 212 ms");
        say(Level::Warn, "hyper::client", "connection closed before message completed");
        say(
            Level::Error,
            "stackdash::supervisor::link",
            "the event stream ended: connection reset by peer, password=hunter2hunter2, trying again in 2 s",
        );
        assert_eq!(logging::revision(), before + 4);
        let fixture = Fixture::new();
        let mut view = DiagnosticsView { shows_times: false, ..DiagnosticsView::default() };
        for size in SIZES {
            let text = drawn(&mut view, &fixture, size);
            assert!(text.contains("E supervisor::link the event stream ended"), "{text}");
            assert!(text.contains("W hyper::client connection closed"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
            insta::assert_snapshot!(format!("busy_{}x{}", size.0, size.1 + 2), text);
        }
        view.handle(Action::Level, &fixture.state);
        view.handle(Action::Level, &fixture.state);
        let text = drawn(&mut view, &fixture, SIZES[0]);
        insta::assert_snapshot!("filtered_60x20", text);
        assert!(!text.contains("listed 45") && text.contains("warn and above"), "{text}");
        view.shows_times = true;
        let text = drawn(&mut view, &fixture, SIZES[0]);
        assert!(text.lines().any(|line| line.as_bytes().get(2) == Some(&b':')), "{text}");
        view.handle(Action::MoveUp, &fixture.state);
        assert!(drawn(&mut view, &fixture, SIZES[0]).trim_end().ends_with("paused"));
        view.handle(Action::Last, &fixture.state);
        assert!(drawn(&mut view, &fixture, SIZES[0]).trim_end().ends_with("following"));
    }
}
