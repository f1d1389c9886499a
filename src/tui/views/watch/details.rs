//! Everything that is known of one service's watching, or of one run, in lines.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::model::stacks::age;
use crate::model::watch::run::{RunAction, RunPhase, WatchRun};
use crate::model::watch::{ServiceKey, WatchAction, WatchRule};
use crate::state::watch::ServiceWatch;
use crate::tui::action::Action;
use crate::tui::paint::{cut_end, cut_middle, width};
use crate::tui::view::Context;
use crate::tui::views::details::fields::{LABEL, field, section, sentences};
use crate::tui::views::details::output as printed;
use crate::tui::views::watch::rows::loops_of;
use crate::tui::views::watch::words::{self, took};
use crate::tui::widgets::{bytes, loops};

/// Files listed before it says how many more.
const FILES: usize = 6;
/// Rows of the chart of loop times.
const CHART: usize = 4;

/// Returns how a service's watching stands, what follows from it, and by which rules.
/// `is_tight`: there is no room for the rules and the chart.
pub fn service<'a>(
    key: &ServiceKey,
    watch: &ServiceWatch,
    room: u16,
    is_tight: bool,
    cx: &Context<'_>,
) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let face = words::standing(key, watch, cx);
    let first = format!("{} {}  ", face.mark, face.word);
    let origin = words::origin(watch.plan.origin);
    let origin = cut_end(origin, room.saturating_sub(width(&first)), theme.ascii).into_owned();
    let mut lines =
        vec![Line::from(vec![Span::styled(first, face.style), Span::styled(origin, theme.muted)])];
    lines.extend(advice(key, watch, room, cx));
    for note in watch.plan.notes.iter().filter(|note| *note != words::origin(watch.plan.origin)) {
        lines.extend(sentences(note, theme.muted, room));
    }
    lines.extend(extent(watch, room, cx));
    if let Some(budget) = words::budget(&key.0, cx.state) {
        lines.extend(field("budget", &format!("{} for a rebuild", took(budget)), theme.text, room, cx));
    }
    if !is_tight {
        lines.extend(rules(key, watch, room, cx));
        lines.extend(chart(key, room, cx));
    }
    if let Some(run) = words::under_way(key, cx.state) {
        lines.extend(section("Now", cx));
        lines.extend(phases(run, room, cx));
    }
    lines
}

/// Says what to do next, where there is something to do.
fn advice<'a>(key: &ServiceKey, watch: &ServiceWatch, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let (trigger, toggle) = (cx.keymap.named(Action::TriggerWatch), cx.keymap.named(Action::ToggleWatch));
    let mut lines = Vec::new();
    let mut say = |words: &str, style: Style| lines.extend(sentences(words, style, room));
    if !watch.suspended.is_empty() {
        say(&watch.suspended, theme.error);
        say(&format!("{trigger} lets it go on, {toggle} switches it off"), theme.muted);
    }
    if watch.failed && watch.suspended.is_empty() {
        let failure = words::last_failure(key, cx.state);
        let what = failure.map_or("build", |run| words::what_failed(run.action));
        let when = failure.and_then(|run| run.phases.last()).map(|(_, at)| age(*at, cx.now));
        let when = when.map(|age| format!(" {age} ago")).unwrap_or_default();
        let why = failure.map_or("", |run| &*run.detail);
        say(&format!("{what} failed{when}: {why}"), theme.error);
        say(
            &format!("What runs is as before; the next save tries again, {trigger} does it now"),
            theme.muted,
        );
    }
    if watch.on && !watch.pending.is_empty() && words::under_way(key, cx.state).is_none() {
        let them = if watch.pending.len() == 1 { "it" } else { "them" };
        say(&format!("{}; {trigger} takes {them} up", words::waiting(watch, cx.state)), theme.warning);
        let folder = cx.state.containers.project_of(&key.0).map(|project| &project.folder);
        for path in watch.pending.keys().take(FILES) {
            let path = words::local(path, folder);
            lines.push(Line::styled(
                format!("  {}", cut_middle(&path, room.saturating_sub(2), theme.ascii)),
                theme.text,
            ));
        }
        lines.extend(more(watch.pending.len().saturating_sub(FILES), cx));
    } else if !watch.on && super::hands::has_rules(watch) && !cx.state.read_only {
        say(&format!("{toggle} watches it"), theme.muted);
    }
    lines
}

fn more<'a>(count: usize, cx: &Context<'_>) -> Option<Line<'a>> {
    (count > 0).then(|| Line::styled(format!("  and {count} more"), cx.theme.faint))
}

/// Says how much is watched, and how.
fn extent<'a>(watch: &ServiceWatch, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let mut lines = Vec::new();
    if !watch.on {
        return lines;
    }
    let (files, folders) = watch
        .trees
        .values()
        .fold((0, 0), |(files, folders), facts| (files + facts.files, folders + facts.folders));
    let noun =
        |count: u64, one: &str| format!("{} {one}{}", bytes::count(count), if count == 1 { "" } else { "s" });
    let words = format!("{} in {}", noun(files, "file"), noun(folders, "folder"));
    lines.extend(field("watched", &words, theme.text, room, cx));
    for (tree, facts) in &watch.trees {
        let root = tree.root.display();
        if let Some(why) = &facts.polled {
            lines.extend(field("polled", &format!("{root}: {why}"), theme.warning, room, cx));
        }
        if let Some(why) = &facts.trouble {
            lines.extend(field("trouble", &format!("{root}: {why}"), theme.warning, room, cx));
        }
    }
    lines
}

fn rules<'a>(key: &ServiceKey, watch: &ServiceWatch, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    if watch.plan.rules.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<Line<'a>> = section("Rules", cx).into();
    let folder = cx.state.containers.project_of(&key.0).map(|project| &project.folder);
    let wide = watch.plan.rules.iter().map(|rule| rule.action.word().len()).max().unwrap_or(0) + 2;
    for rule in &watch.plan.rules {
        let places = words::places(rule, folder, theme);
        let style = if matches!(rule.action, WatchAction::Other(_)) { theme.warning } else { theme.strong };
        lines.push(Line::from(vec![
            Span::styled(format!("{:<wide$}", rule.action.word()), style),
            Span::styled(
                cut_end(&places, room.saturating_sub(wide as u16), theme.ascii).into_owned(),
                theme.text,
            ),
        ]));
        for words in beside(rule) {
            let words = cut_end(&words, room.saturating_sub(wide as u16), theme.ascii).into_owned();
            lines.push(Line::styled(format!("{:wide$}{words}", ""), theme.muted));
        }
    }
    lines
}

/// Says what else a rule wants.
fn beside(rule: &WatchRule) -> Vec<String> {
    let mut words = Vec::new();
    if !rule.include.is_empty() {
        words.push(format!("only {}", rule.include.join(", ")));
    }
    if !rule.ignore.is_empty() {
        words.push(format!("less {}", rule.ignore.join(", ")));
    }
    if rule.initial_sync {
        words.push(String::from("copies everything when the watching begins"));
    }
    if !rule.exec.is_empty() {
        let user = if rule.exec_user.is_empty() { String::new() } else { format!(" as {}", rule.exec_user) };
        words.push(format!("then runs{user}: {}", crate::model::runs::words(&rule.exec)));
    }
    words
}

/// Draws how long the loops of a service took, against what a rebuild may take.
fn chart<'a>(key: &ServiceKey, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let loops = loops_of(key, cx);
    // Of what is only copied a budget of rebuilds says nothing.
    let builds = cx.state.watch.runs().any(|run| words::is_of(run, key) && run.action == RunAction::Rebuild);
    let budget = words::budget(&key.0, cx.state).filter(|_| builds);
    let drawn = loops::lines(&loops, budget.map(|b| b.as_secs_f64()), room.min(60), CHART, theme);
    if drawn.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<Line<'a>> = section("Loop times", cx).into();
    lines.extend(drawn);
    let mut sorted: Vec<f64> = loops.iter().map(|one| one.seconds).collect();
    sorted.sort_by(f64::total_cmp);
    let span = |seconds: f64| took(jiff::SignedDuration::from_millis((seconds * 1000.0) as i64));
    let last = loops.last().map_or(0.0, |one| one.seconds);
    let longest = sorted.last().copied().unwrap_or(0.0);
    let figures =
        format!("last {}, median {}, longest {}", span(last), span(sorted[sorted.len() / 2]), span(longest));
    lines.push(Line::styled(figures, theme.muted));
    if let Some(budget) = budget {
        let of_it = cx.state.watch.runs().filter(|run| words::is_of(run, key));
        let over = of_it.filter(|run| words::is_over_budget(run, cx.state)).count();
        let (words, style) = match over {
            0 => (format!("the line: budget of {}, none over it", took(budget)), theme.muted),
            over => (format!("the line: budget of {}, {over} over it", took(budget)), theme.warning),
        };
        lines.push(Line::styled(words, style));
    }
    lines
}

/// Returns why a run began, how it went and how long each step took.
pub fn run<'a>(run: &WatchRun, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let face = words::outcome(run, theme);
    let words = match run.took() {
        Some(took) if run.phase() == RunPhase::Ready => format!("ready in {}", words::took(took)),
        Some(took) => format!("{} after {}", face.word, words::took(took)),
        None => format!("{} for {}", words::doing(run, cx.state), age(run.noticed_at(), cx.now)),
    };
    let mut lines = vec![Line::styled(format!("{} {}: {words}", face.mark, run.action.word()), face.style)];
    if words::is_over_budget(run, cx.state)
        && let (Some(took), Some(budget)) = (run.took(), words::budget(&run.stack, cx.state))
    {
        let mark = if theme.ascii { "!" } else { "▲" };
        let words =
            format!("{mark} {} over the budget of {}", words::took(took - budget), words::took(budget));
        lines.push(Line::styled(words, theme.warning));
    }
    if !run.detail.is_empty() {
        let style = if run.phase().is_end() { face.style } else { theme.muted };
        lines.extend(sentences(&run.detail, style, room));
    }
    lines.push(Line::default());
    let names: Vec<&str> = run.services.iter().map(|service| &**service).collect();
    if names.len() > 1 {
        lines.extend(field("services", &names.join(", "), theme.text, room, cx));
    }
    let when = format!("{} ({} ago)", words::clock(run.noticed_at(), cx.now), age(run.noticed_at(), cx.now));
    lines.extend(field("when", &when, theme.text, room, cx));
    if !run.rule.is_empty() {
        lines.extend(field("rule", &run.rule, theme.text, room, cx));
    }
    lines.extend(changed(run, room, cx));
    if run.coalesced > 0 {
        let words = match run.coalesced {
            1 => String::from("1 later change was taken along"),
            n => format!("{n} later changes were taken along"),
        };
        lines.extend(field("coalesced", &words, theme.text, room, cx));
    }
    lines.extend(section("Phases", cx));
    lines.extend(phases(run, room, cx));
    lines
}

fn changed<'a>(run: &WatchRun, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    if run.files.is_empty() {
        return field("why", words::trigger(run.trigger), theme.text, room, cx);
    }
    let indent = usize::from(LABEL);
    let mut lines = Vec::new();
    for (row, file) in run.files.iter().take(FILES).enumerate() {
        let label = if row == 0 { words::files(run.file_count) } else { String::new() };
        let file = file.display().to_string();
        let file = cut_middle(&file, room.saturating_sub(LABEL), theme.ascii).into_owned();
        lines.push(Line::from(vec![
            Span::styled(format!("{label:<indent$}"), theme.muted),
            Span::styled(file, theme.text),
        ]));
    }
    let hidden = run.file_count.saturating_sub(run.files.len().min(FILES));
    if hidden > 0 {
        lines.push(Line::styled(format!("{:indent$}and {hidden} more", ""), theme.faint));
    }
    lines
}

/// Draws each step of a run with its share of the whole; of one under way what it does now.
fn phases<'a>(run: &WatchRun, room: u16, cx: &Context<'_>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let steps = words::steps(run);
    let end = if run.phase().is_end() { None } else { Some(cx.now) };
    let until = end.or_else(|| run.phases.last().map(|(_, at)| *at)).unwrap_or(cx.now);
    let whole = until.duration_since(run.noticed_at()).as_secs_f64();
    let wide = usize::from(room.saturating_sub(LABEL + 10).clamp(6, 30));
    let full = if theme.ascii { "#" } else { "━" };
    let line = |word: &str, seconds: f64, figure: String, style: Style| {
        let share = if whole > 0.0 { (seconds / whole * wide as f64).round() as usize } else { 0 };
        Line::from(vec![
            Span::styled(format!("{word:<width$}", width = usize::from(LABEL)), theme.muted),
            Span::styled(format!("{figure:>8}  "), theme.text),
            Span::styled(full.repeat(share.min(wide)), style),
        ])
    };
    let mut lines: Vec<Line<'a>> = steps
        .iter()
        .filter(|(_, span)| !span.is_zero())
        .map(|(word, span)| {
            let style = if *word == "failed" { theme.error } else { theme.series[0] };
            line(word, span.as_secs_f64(), took(*span), style)
        })
        .collect();
    if let (Some(now), Some((_, since))) = (end, run.phases.last()) {
        let seconds = now.duration_since(*since).as_secs_f64();
        let doing = cut_end(words::doing(run, cx.state), LABEL - 1, theme.ascii).into_owned();
        lines.push(line(&doing, seconds, age(*since, now), theme.starting));
    }
    lines
}

/// Returns what the job of a run prints, as far as it is kept.
pub fn output<'a>(run: &WatchRun, room: u16, cx: &Context<'a>) -> Vec<Line<'a>> {
    let Some(output) = run.job.and_then(|job| cx.state.jobs.output_of(job)) else { return Vec::new() };
    printed::body(output, room, cx)
}
