//! Drawing the findings: the visible rows, the details of one, the foot.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::model::findings::{Finding, FindingSeverity};
use crate::model::probes::ProbeState;
use crate::model::redact;
use crate::model::stacks::{ServiceState, age, duration_words};
use crate::state::probes::{Probe, contradiction};
use crate::tui::action::Action;
use crate::tui::paint::{cut_end, cut_middle, glyphs, put, put_right, rule, width, wrap};
use crate::tui::theme::Theme;
use crate::tui::view::Context;
use crate::tui::views::checks::ChecksView;
use crate::tui::views::checks::rows::{Row, Selected, Thing, message};
use crate::tui::views::notice::Notice;
use crate::tui::views::probes::{figures, mark as probe_mark, says};
use crate::tui::widgets::{foot, heading, window};

/// Columns of the labels in the details.
const LABEL: u16 = 7;
/// Columns that a message keeps before the place may have any.
const MESSAGE: u16 = 40;

impl ChecksView {
    pub fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        if area.width < 20 || area.height < 3 {
            return;
        }
        let theme = cx.theme;
        let summary = Line::styled(Self::summary(cx), theme.muted);
        heading::draw(area, buf, "Checks", &summary, &Line::default(), cx.focused, theme);
        let list = self.list().intersection(area);
        let alone = self.opened;
        if self.rows.is_empty() {
            self.why_empty(cx).draw(Rect { width: area.width, ..list }, buf, theme);
        } else if !alone {
            self.draw_rows(list, buf, cx);
        }
        if let Some(details) = self.details().filter(|_| !self.rows.is_empty()) {
            if !alone {
                let line = Rect { y: list.bottom(), height: 1, ..area };
                rule(buf, line, glyphs(theme.ascii).rule, theme.border);
            }
            self.draw_details(details.intersection(area), buf, cx);
        }
        let foot = Rect { x: area.x + 1, y: area.bottom() - 1, width: area.width - 2, height: 1 };
        self.draw_foot(foot, buf, cx);
        if cx.stale {
            buf.set_style(area, theme.stale);
        }
    }

    /// Counts everything, shown or not.
    fn summary(cx: &Context<'_>) -> String {
        let mut counts = [0; 3];
        for finding in findings(cx) {
            counts[finding.severity as usize] += 1;
        }
        let words = [("error", "errors"), ("warning", "warnings"), ("info", "info")];
        let told = counts.iter().zip(words).filter(|(count, _)| **count > 0);
        let mut told: Vec<String> = told
            .map(|(count, (one, many))| format!("{count} {}", if *count == 1 { one } else { many }))
            .collect();
        let probes = cx.state.probes.iter().count();
        let failing = cx.state.probes.iter().filter(|probe| probe.state == ProbeState::Fail).count();
        match (probes, failing) {
            (0, _) => {}
            (all, 0) => told.push(format!("{all} {}", if all == 1 { "probe" } else { "probes" })),
            (all, failing) => {
                told.push(format!(
                    "{failing} of {all} probes {}",
                    if failing == 1 { "fails" } else { "fail" }
                ));
            }
        }
        match cx.state.budgets.stacks().map(|(_, passed)| passed.len()).sum() {
            0 => {}
            1 => told.push(String::from("1 budget passed")),
            count => told.push(format!("{count} budgets passed")),
        }
        told.join(", ")
    }

    fn why_empty(&self, cx: &Context<'_>) -> Notice {
        let all = Self::all(cx);
        let judged = cx.state.findings.stacks().count();
        if all > 0 {
            let mut notice = Notice::new(format!("Nothing of {all} passes the filter"));
            if !self.query.is_empty() {
                notice = notice.advise(format!("{} clears the text", cx.keymap.named(Action::Back)));
            }
            if self.least.is_some() {
                notice = notice.advise(format!(
                    "{} goes on to the next level, after errors to all",
                    cx.keymap.named(Action::Level)
                ));
            }
            return notice;
        }
        if cx.state.findings.is_judging() {
            return Notice::new("Checking the stacks' configuration");
        }
        match judged {
            0 => Notice::new("No stack's compose files are known on this machine")
                .advise("Start stackdash in a folder with a compose file, or name one: stackdash PATH"),
            1 => Notice::new("Nothing was found in the configuration of 1 stack"),
            n => Notice::new(format!("Nothing was found in the configuration of {n} stacks")),
        }
    }

    fn draw_rows(&self, list: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let theme = cx.theme;
        let visible = self.window.visible();
        let shown: Vec<Shown<'_>> =
            self.rows[visible.clone()].iter().filter_map(|row| Shown::of(row, cx)).collect();
        let longest = shown.iter().map(Shown::name_width).max().unwrap_or(0);
        // Steps of four keep the text from dancing while one scrolls.
        let names = longest.next_multiple_of(4).min((list.width / 4).clamp(16, 36));
        let places = shown.iter().map(|shown| width(&shown.place)).max().unwrap_or(0);
        let room = list.width.saturating_sub(12 + names + 4);
        let places = places.min(if list.width >= 160 { 40 } else { 28 });
        let places = if room >= MESSAGE + places + 2 { places } else { 0 };
        let mut shown = shown.into_iter();
        for (y, row) in (list.y..list.bottom()).zip(visible.clone()) {
            if let Row::Title(part) = &self.rows[row] {
                put(buf, list.x + 1, y, list.width - 1, part.title(), theme.title);
                continue;
            }
            let Some(Shown { mark, word, style, stack, service, message, place }) = shown.next() else {
                break;
            };
            put(buf, list.x + 1, y, 1, mark, style);
            put(buf, list.x + 3, y, 7, word, style);
            draw_name((list.x + 12, y), names, buf, (stack, service), theme);
            let x = list.x + 12 + names + 2;
            let end = list.right() - 2 - if places > 0 { places + 2 } else { 0 };
            let room = end.saturating_sub(x);
            put(buf, x, y, room, &cut_end(&message, room, theme.ascii), theme.text);
            if places > 0 {
                let place = cut_middle(&place, places, theme.ascii);
                put_right(buf, end + 2, y, places, &place, theme.muted);
            }
            if row == self.window.selected() {
                let patch = if cx.focused { theme.selection } else { theme.selection_unfocused };
                buf.set_style(Rect { y, height: 1, width: list.width - 1, ..list }, patch);
            }
        }
        let bar = Rect { x: list.right() - 1, width: 1, ..list };
        window::draw_scrollbar(bar, buf, visible, self.rows.len(), theme);
    }

    fn draw_details(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
        let theme = cx.theme;
        let (head, lines) = match &self.selected {
            None => return,
            Some(Selected::Finding(stack, finding)) => {
                let style = severity_style(finding.severity, theme);
                let head =
                    (mark(finding.severity, theme.ascii), finding.severity.word(), style, finding.rule);
                (head, of_finding(stack, finding, !self.has_pane(), theme))
            }
            Some(Selected::Probe(id)) => {
                let Some(probe) = cx.state.probes.get(id) else { return };
                let style = theme.state(probe.state.weight());
                let head = (probe_mark(probe.state, theme), probe.state.word(), style, &*probe.id.name);
                (head, of_probe(probe, cx))
            }
        };
        let (mark, word, style, rule) = head;
        let room = area.width.saturating_sub(1);
        let x = put(buf, area.x, area.y, room, mark, style);
        let x = put(buf, x + 1, area.y, room, word, style);
        put(buf, x + 2, area.y, area.right().saturating_sub(x + 2), rule, theme.muted);
        let mut y = area.y + 1;
        for (label, text, style) in lines {
            let indent = if label.is_empty() { 0 } else { LABEL };
            let wrapped =
                if text.is_empty() { vec![String::new()] } else { wrap(&text, room.saturating_sub(indent)) };
            for (n, line) in wrapped.iter().enumerate() {
                if y >= area.bottom() {
                    return;
                }
                if n == 0 {
                    put(buf, area.x, y, room, label, theme.muted);
                }
                put(buf, area.x + indent, y, room.saturating_sub(indent), line, style);
                y += 1;
            }
        }
    }

    fn all(cx: &Context<'_>) -> usize {
        let budgets: usize = cx.state.budgets.stacks().map(|(_, passed)| passed.len()).sum();
        findings(cx).count() + cx.state.probes.iter().count() + budgets
    }

    fn draw_foot(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let theme = cx.theme;
        let all = Self::all(cx);
        let shown = self.rows.iter().filter(|row| !matches!(row, Row::Title(_))).count();
        let mut left = Vec::new();
        if all > 0 {
            let noun = match (findings(cx).count() == all, all) {
                (true, 1) => "finding",
                (true, _) => "findings",
                (false, _) => "checks",
            };
            let of = if shown == all { String::new() } else { format!("{shown} of ") };
            left.push(format!("{of}{all} {noun}"));
        }
        if cx.state.findings.is_judging() {
            left.push(String::from("checking"));
        }
        let mut right: Vec<(String, Style)> = Vec::new();
        if !self.query.is_empty() {
            right.push((format!("/{}", cut_end(self.query.text(), 24, theme.ascii)), theme.text));
        }
        match self.least {
            Some(FindingSeverity::Error) => right.push((String::from("errors"), theme.text)),
            Some(_) => right.push((String::from("warnings and errors"), theme.text)),
            None => {}
        }
        if all > 0 {
            right.push((self.order.word().to_owned(), theme.muted));
        }
        foot::draw(area, buf, &left, &right, theme);
    }
}

fn findings<'a>(cx: &Context<'a>) -> impl Iterator<Item = &'a Finding> {
    let state = cx.state;
    let present = state.findings.stacks().filter(|(stack, _)| super::is_present(state, stack));
    present.flat_map(|(_, findings)| findings)
}

/// Everything that one row says.
struct Shown<'a> {
    mark: &'static str,
    word: &'static str,
    style: Style,
    stack: &'a str,
    service: Option<&'a str>,
    message: String,
    place: String,
}

impl<'a> Shown<'a> {
    fn of(row: &'a Row, cx: &Context<'a>) -> Option<Self> {
        let theme = cx.theme;
        Some(match row.thing(cx.state)? {
            Thing::Finding(stack, finding) => Self {
                mark: mark(finding.severity, theme.ascii),
                word: finding.severity.word(),
                style: severity_style(finding.severity, theme),
                stack,
                service: finding.service.as_deref(),
                message: finding.message.clone(),
                place: short_place(finding),
            },
            Thing::Probe(probe) => Self {
                mark: probe_mark(probe.state, theme),
                word: probe.state.word(),
                style: theme.state(probe.state.weight()),
                stack: &probe.id.stack,
                service: Some(&probe.id.service),
                message: message(probe),
                place: probe.rule.path().to_owned(),
            },
        })
    }

    fn name_width(&self) -> u16 {
        width(self.stack) + self.service.map_or(0, |service| width(service) + 1)
    }
}

/// A label, a text, its style.
type Said = (&'static str, String, Style);

fn of_finding(stack: &str, finding: &Finding, is_alone: bool, theme: &Theme) -> Vec<Said> {
    let gap = ("", String::new(), theme.text);
    let name = match &finding.service {
        Some(service) => format!("{stack}/{service}"),
        None => stack.to_owned(),
    };
    let mut lines =
        vec![("", finding.message.clone(), theme.strong), gap.clone(), ("Where", name, theme.text)];
    if finding.file.is_some() {
        lines.push(("File", finding.place(), theme.text));
    }
    lines.push(gap.clone());
    lines.push(("Why", finding.why.clone(), theme.text));
    if is_alone {
        lines.push(gap);
    }
    lines.push(("Fix", finding.fix.clone(), theme.good));
    lines
}

fn of_probe(probe: &Probe, cx: &Context<'_>) -> Vec<Said> {
    let (theme, id) = (cx.theme, &probe.id);
    let service = cx.state.containers.stack(&id.stack).and_then(|stack| stack.service(&id.service));
    let state = service.map_or(ServiceState::Absent, |service| service.verdict.state);
    let standing = match &probe.why {
        Some(_) if probe.is_trouble() => probe.describe(state),
        Some(why) => why.clone(),
        None => contradiction(&cx.state.probes, &id.stack, &id.service, state)
            .unwrap_or_else(|| format!("passes for {}", age(probe.since, cx.now))),
    };
    let mut lines = vec![("", standing, theme.strong), ("", String::new(), theme.text)];
    let mut add = |label, text: String| {
        if !text.is_empty() {
            lines.push((label, text, theme.text));
        }
    };
    add("Where", format!("{}/{}, {} by Docker", id.stack, id.service, state.word()));
    add("Asks", redact::text(&probe.rule.url));
    let last = probe.at.map(|at| format!("{} ago", age(at, cx.now)));
    add("Answer", figures(probe).into_iter().chain(last).collect::<Vec<_>>().join("  "));
    add("Says", says(probe).join("  "));
    if let (Some(stale), Some(last)) =
        (&probe.rule.stale, probe.last.as_ref().and_then(|answer| answer.told.last))
    {
        let most = duration_words(stale.after.as_secs() as i64);
        add("Age", format!("{} {}, at most {most}", stale.field, age(last, cx.now)));
    }
    add("Note", probe.last.as_ref().and_then(|answer| answer.remark.clone()).unwrap_or_default());
    let since = format!("{} for {}", probe.state.word(), age(probe.since, cx.now));
    add("Since", format!("{since}, asked every {}", duration_words(probe.rule.every.as_secs() as i64)));
    lines
}

/// Draws `stack/service`: the service is what one looks for, so the stack gives way first.
fn draw_name(
    (x, y): (u16, u16),
    room: u16,
    buf: &mut Buffer,
    (stack, service): (&str, Option<&str>),
    theme: &Theme,
) {
    let Some(service) = service else {
        put(buf, x, y, room, &cut_end(stack, room, theme.ascii), theme.strong);
        return;
    };
    let for_stack = room.saturating_sub(width(service) + 1);
    if for_stack < 3 && width(stack) > for_stack {
        put(buf, x, y, room, &cut_middle(service, room, theme.ascii), theme.strong);
        return;
    }
    let stack = cut_end(stack, for_stack, theme.ascii);
    let end = put(buf, x, y, room, &format!("{stack}/"), theme.muted);
    put(buf, end, y, (x + room).saturating_sub(end), service, theme.strong);
}

/// Writes the file's own name and the line; the details have all of it.
fn short_place(finding: &Finding) -> String {
    let place = finding.place();
    place.rsplit('/').next().unwrap_or_default().to_owned()
}

fn mark(severity: FindingSeverity, ascii: bool) -> &'static str {
    if ascii { severity.ascii_mark() } else { severity.mark() }
}

fn severity_style(severity: FindingSeverity, theme: &Theme) -> Style {
    match severity {
        FindingSeverity::Error => theme.error,
        FindingSeverity::Warning => theme.warning,
        FindingSeverity::Info => theme.muted,
    }
}
