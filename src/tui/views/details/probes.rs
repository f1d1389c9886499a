//! Probes in the Overview tab: side by side where there is width, so that tiers (alive, ready, agent) are seen
//! against each other; below each other else.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::model::probes::ProbeState;
use crate::model::stacks::{age, duration_words};
use crate::state::probes::Probe;
use crate::tui::paint::{cut_end, glyphs, width, wrap};
use crate::tui::view::Context;
use crate::tui::views::details::fields;
use crate::tui::views::probes::{figures, mark, says};

/// Columns that one needs to stand beside others.
const COLUMN: u16 = 24;
/// Columns between two.
const GAP: u16 = 2;
/// Columns of the widest one.
const WIDEST: u16 = 36;

/// A column of short lines.
type Cell = Vec<(String, Style)>;

/// Makes the section; empty without a probe. `named`: whether the services are named, too.
pub fn section<'a>(probes: &[&Probe], named: bool, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    if probes.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<Line<'a>> = fields::section("Probes", cx).into();
    let fit = usize::from((room + GAP) / (COLUMN + GAP)).max(1);
    for (at, row) in probes.chunks(fit.min(probes.len())).enumerate() {
        if at > 0 {
            lines.push(Line::default());
        }
        let columns = fit.min(probes.len()) as u16;
        let wide = ((room + GAP) / columns).saturating_sub(GAP).min(if columns == 1 { room } else { WIDEST });
        let cells: Vec<Cell> = row.iter().map(|probe| cell(probe, named, wide, cx)).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for y in 0..height {
            let mut spans = Vec::new();
            for cell in &cells {
                let (text, style) = cell.get(y).cloned().unwrap_or_default();
                let pad = usize::from((wide + GAP).saturating_sub(width(&text)));
                spans.push(Span::styled(text, style));
                spans.push(Span::raw(" ".repeat(pad)));
            }
            spans.pop();
            lines.push(Line::from(spans));
        }
    }
    lines
}

fn cell(probe: &Probe, named: bool, wide: u16, cx: &Context<'_>) -> Cell {
    let theme = cx.theme;
    let style = theme.state(probe.state.weight());
    let name =
        if named { format!("{} {}", probe.id.service, probe.id.name) } else { probe.id.name.to_string() };
    let since = format!("for {}", age(probe.since, cx.now));
    let head = format!("{} {name} {}", mark(probe.state, theme), probe.state.word());
    let cut = |text: &str| cut_end(text, wide, theme.ascii).into_owned();
    let with_since = format!("{head} {since}");
    let fits = width(&with_since) <= wide;
    let mut cell: Cell = vec![(if fits { with_since } else { cut(&head) }, style)];
    let dot = glyphs(theme.ascii).dot;
    let join = |parts: Vec<String>| parts.join(&format!(" {dot} "));
    let figures = join(figures(probe));
    if !figures.is_empty() {
        cell.push((cut(&format!("  {figures}")), theme.muted));
    }
    let says = join(says(probe));
    if !says.is_empty() && probe.state == ProbeState::Pass {
        cell.push((cut(&format!("  {says}")), theme.text));
    }
    if let (Some(stale), Some(last), ProbeState::Pass) =
        (&probe.rule.stale, probe.last.as_ref().and_then(|answer| answer.told.last), probe.state)
    {
        let most = duration_words(stale.after.as_secs() as i64);
        cell.push((cut(&format!("  active {} ago, of {most}", age(last, cx.now))), theme.muted));
    }
    if let Some(why) = &probe.why {
        let style = if probe.state == ProbeState::Fail { style } else { theme.muted };
        let words = wrap(why, wide.saturating_sub(2)).into_iter().take(6);
        cell.extend(words.map(|line| (format!("  {line}"), style)));
    }
    if let Some(remark) = probe.last.as_ref().and_then(|answer| answer.remark.as_ref()) {
        let words = wrap(remark, wide.saturating_sub(2)).into_iter().take(2);
        cell.extend(words.map(|line| (format!("  {line}"), theme.muted)));
    }
    if !fits {
        cell.push((format!("  {since}"), theme.muted));
    }
    cell
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::text::Text;
    use ratatui::widgets::Widget as _;

    use super::*;
    use crate::tui::theme::Theme;
    use crate::tui::views::fixture::{self, Fixture, screen};

    fn drawn(width: u16, named: bool, theme: &Theme) -> String {
        let fixture = Fixture::with_probes();
        let probes: Vec<&Probe> = fixture.state.probes.iter().collect();
        let probes = if named { &probes[..] } else { &probes[..2] };
        screen(&fixture::draw((width, 16), &fixture.state, theme, |area: Rect, buf, cx| {
            Text::from(section(probes, named, area.width, cx)).render(area, buf);
        }))
    }

    #[test]
    fn tiers_stand_side_by_side_where_there_is_width() {
        for width in [40, 58, 110] {
            insta::assert_snapshot!(format!("service_{width}"), drawn(width, false, &Theme::default()));
            insta::assert_snapshot!(format!("stack_{width}"), drawn(width, true, &Theme::default()));
        }
        let ascii = drawn(58, true, &Theme { ascii: true, ..Theme::plain() });
        assert!(ascii.is_ascii(), "{ascii}");
    }
}
