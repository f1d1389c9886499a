//! What stands where nothing else is to be shown: why, and what to do next.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::tui::theme::Theme;

/// A sentence and some advice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    pub title: String,
    pub advice: Vec<String>,
    /// Whether it tells of something wrong.
    pub is_trouble: bool,
}

impl Notice {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    pub fn trouble(title: impl Into<String>) -> Self {
        Self { title: title.into(), is_trouble: true, ..Self::default() }
    }

    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// Draws it a third of the way down, left-aligned as one block, wrapped at words.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let room = usize::from(area.width.saturating_sub(4)).clamp(1, 76);
        let mark = match (self.is_trouble, theme.ascii) {
            (false, _) => "",
            (true, true) => "! ",
            (true, false) => "▲ ",
        };
        let title_style = if self.is_trouble { theme.warning } else { theme.text };
        let mut lines: Vec<(String, _)> = Vec::new();
        lines
            .extend(wrap(&format!("{mark}{}", self.title), room).into_iter().map(|line| (line, title_style)));
        for advice in &self.advice {
            lines.extend(wrap(advice, room).into_iter().map(|line| (line, theme.muted)));
        }
        let width = lines.iter().map(|(line, _)| line.width()).max().unwrap_or(0) as u16;
        let x = area.x + area.width.saturating_sub(width) / 2;
        let top = area.y + area.height.saturating_sub(lines.len() as u16) / 3;
        for (y, (line, style)) in (top..area.bottom()).zip(lines) {
            buf.set_stringn(x, y, line, usize::from(area.right() - x), style);
        }
    }
}

/// Wraps at words; a word longer than a line is left to the edge.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().map_or(0, |line| line.width());
        if line > 0 && line + 1 + word.width() > room {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
