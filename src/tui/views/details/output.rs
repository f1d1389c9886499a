//! What a job has printed: its steps where they can be told apart, else its lines.
//! The end of it for the Overview tab, all that is kept for the Output tab.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::model::jobs::JobOutcome;
use crate::model::stacks::{Target, age};
use crate::state::jobs::output::JobOutput;
use crate::state::jobs::progress::{Standing, Step};
use crate::state::jobs::runs::code_words;
use crate::tui::paint::{cut_end, cut_middle, fold, width, wrap};
use crate::tui::view::Context;
use crate::tui::views::details::fields::section;

/// Lines shown while it runs, and of what failed: there the reason is what matters.
const TAIL: usize = 10;
const FAILED_TAIL: usize = 20;
/// Lines that the command may take.
const COMMAND: usize = 3;
/// Lines of what a step has printed: while it runs, and when it failed.
const STEP_TAIL: usize = 3;
const STEP_FAILED_TAIL: usize = 12;

/// Returns the end of it, for what runs or has failed.
pub fn lines<'a>(target: &Target, room: u16, cx: &Context<'a>) -> Vec<Line<'a>> {
    let Some(output) = cx.state.jobs.output(target, &cx.state.containers) else { return Vec::new() };
    let mut lines = head(output, room, Some(COMMAND), cx);
    let tail = match output.ended {
        None => TAIL,
        Some(_) if output.failed() => FAILED_TAIL,
        Some(_) => 0,
    };
    let body =
        if output.progress.steps().is_empty() { raw(output, room, cx) } else { steps(output, room, cx) };
    let hidden = body.len().saturating_sub(tail);
    if hidden > 0 && tail > 0 {
        lines.push(Line::styled(format!("({hidden} lines above)"), cx.theme.faint));
    }
    lines.extend(body.into_iter().skip(hidden));
    if output.run.is_some() && output.ended.is_some() {
        lines.push(end(output, cx));
    }
    lines.push(Line::default());
    lines
}

/// Returns all that is kept: the command, what it printed, how it ended.
pub fn whole<'a>(target: &Target, room: u16, cx: &Context<'a>) -> Vec<Line<'a>> {
    let Some(output) = cx.state.jobs.output(target, &cx.state.containers) else {
        return vec![Line::styled("Nothing runs here, and nothing has failed here", cx.theme.muted)];
    };
    let mut lines = head(output, room, None, cx);
    if output.run.is_some() {
        lines.push(Line::default());
        lines.extend(gone(output, cx));
        let folded = output.lines.iter().flat_map(|line| fold(line, room));
        lines.extend(folded.map(|part| Line::styled(part, cx.theme.text)));
        if !output.lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(end(output, cx));
        return lines;
    }
    let lines_of_job = raw(output, room, cx);
    if output.progress.steps().is_empty() {
        lines.extend(lines_of_job);
        return lines;
    }
    let steps = section("Steps", cx).into_iter().chain(steps(output, room, cx));
    if steps_tell_all(output) {
        lines.extend(steps);
        return lines;
    }
    let printed: Vec<Line<'a>> = section("Lines", cx).into_iter().chain(lines_of_job).collect();
    // What one reads last stands last: the steps sum up.
    lines.extend(printed);
    lines.extend(steps);
    lines
}

/// Whether each line that was printed is one of the steps: `Container shop-db-1  Started`.
fn steps_tell_all(output: &JobOutput) -> bool {
    let steps = output.progress.steps();
    let is_step = |line: &str| {
        steps.iter().any(|step| {
            let rest = line.trim_start().strip_prefix(&*step.name);
            rest.is_some_and(|rest| rest.split_whitespace().count() == 1)
        })
    };
    output.dropped == 0 && output.lines.iter().all(|line| is_step(line))
}

/// Returns what a job has printed: in steps where they can be told apart, under a title.
pub fn body<'a>(output: &'a JobOutput, room: u16, cx: &Context<'a>) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = section("Output", cx).into();
    if !output.command.is_empty() {
        // Its last words say what is done.
        let command = format!("$ {}", output.command);
        let command = cut_middle(&command, room, cx.theme.ascii).into_owned();
        lines.push(Line::styled(command, cx.theme.muted));
    }
    lines.extend(if output.progress.steps().is_empty() {
        raw(output, room, cx)
    } else {
        steps(output, room, cx)
    });
    lines
}

fn head<'a>(output: &JobOutput, room: u16, most: Option<usize>, cx: &Context<'a>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let title = match output.ended {
        None => "What it does",
        Some(_) if output.failed() => "What failed last",
        Some(_) => "What ran last",
    };
    // Callers leave a line above.
    let mut lines: Vec<Line<'a>> = section(title, cx).into_iter().skip(1).collect();
    let words = format!("$ {}", output.command);
    let command = if output.run.is_some() { fold(&words, room) } else { wrap(&words, room) };
    let command = command.into_iter().take(most.unwrap_or(usize::MAX));
    if !output.command.is_empty() {
        lines.extend(command.map(|part| Line::styled(part, theme.muted)));
    }
    let job = cx.state.jobs.running().find(|job| job.id == output.job);
    if let Some(phase) = job.and_then(|job| job.phase.as_ref()) {
        let words = format!("{} for {}", phase.phase.doing(), age(phase.since, cx.now));
        lines.push(Line::styled(words, theme.starting));
    }
    if output.run.is_none() && !output.why().is_empty() {
        let why = wrap(output.why(), room).into_iter().take(4);
        lines.extend(why.map(|part| Line::styled(part, theme.failed)));
    }
    lines
}

fn gone<'a>(output: &JobOutput, cx: &Context<'_>) -> Option<Line<'a>> {
    let words = format!("({} lines above are gone)", output.dropped);
    (output.dropped > 0).then(|| Line::styled(words, cx.theme.faint))
}

fn raw<'a>(output: &JobOutput, room: u16, cx: &Context<'a>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let style = if output.failed() { theme.warning } else { theme.text };
    let mut lines: Vec<Line<'a>> = gone(output, cx).into_iter().collect();
    for line in &output.lines {
        if line.starts_with("$ ") {
            // A command line is worth being read whole.
            lines.extend(wrap(line, room).into_iter().map(|part| Line::styled(part, theme.muted)));
        } else {
            let words = cut_end(line, room, theme.ascii).into_owned();
            lines.push(Line::from(vec![Span::styled(words, style)]));
        }
    }
    lines
}

fn steps<'a>(output: &JobOutput, room: u16, cx: &Context<'a>) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    // Where none tells a time, no column of times is kept free.
    let timed = output.progress.steps().iter().any(|step| !word_and_name(step).0.is_empty());
    for step in output.progress.steps() {
        lines.push(step_line(step, timed, room, cx));
        let tail = match step.standing {
            Standing::Running => STEP_TAIL,
            Standing::Failed => STEP_FAILED_TAIL,
            Standing::Cached | Standing::Done | Standing::Canceled => 0,
        };
        let hidden = step.log.len().saturating_sub(tail);
        let style = if step.standing == Standing::Failed { cx.theme.warning } else { cx.theme.muted };
        lines.extend(step.log.iter().skip(hidden).map(|line| {
            let words = cut_end(line, room.saturating_sub(9), cx.theme.ascii).into_owned();
            Line::from(vec![Span::raw("         "), Span::styled(words, style)])
        }));
    }
    lines
}

/// `✓   1.2s  [4/4] RUN make`.
fn step_line<'a>(step: &Step, timed: bool, room: u16, cx: &Context<'a>) -> Line<'a> {
    let theme = cx.theme;
    let ascii = theme.ascii;
    let (mark, style) = match step.standing {
        Standing::Running => (if ascii { "@" } else { "↻" }, theme.starting),
        Standing::Cached | Standing::Done => (if ascii { "+" } else { "✓" }, theme.healthy),
        Standing::Failed => (if ascii { "x" } else { "✗" }, theme.failed),
        Standing::Canceled => (if ascii { "-" } else { "–" }, theme.muted),
    };
    let (word, name) = word_and_name(step);
    let word = if timed { format!("{word:>6} ") } else { String::new() };
    let room = room.saturating_sub(2 + width(&word));
    let name = cut_end(&name, room, ascii).into_owned();
    let name_style = if step.standing == Standing::Cached { theme.muted } else { theme.text };
    Line::from(vec![
        Span::styled(format!("{mark} "), style),
        Span::styled(word, theme.muted),
        Span::styled(name, name_style),
    ])
}

/// Returns the word in front of a step's name, and the name with what there is to say beside it.
fn word_and_name(step: &Step) -> (String, String) {
    let seconds = step.remark.ends_with('s') && step.remark.starts_with(|c: char| c.is_ascii_digit());
    match step.standing {
        Standing::Cached => (String::from("CACHED"), step.name.clone()),
        Standing::Canceled => (String::from("ended"), step.name.clone()),
        _ if seconds => (step.remark.clone(), step.name.clone()),
        Standing::Failed => (String::from("ERROR"), format!("{}  {}", step.name, step.remark)),
        _ if step.remark.is_empty() => (String::new(), step.name.clone()),
        // The news first: names are long.
        _ => (String::new(), format!("{} {}", step.remark, step.name)),
    }
}

/// Says how it ended, or how long it runs.
fn end<'a>(output: &JobOutput, cx: &Context<'_>) -> Line<'a> {
    let theme = cx.theme;
    let Some((at, outcome)) = &output.ended else {
        let mark = if theme.ascii { "@" } else { "↻" };
        return Line::styled(
            format!("{mark} running for {}", age(output.started_at, cx.now)),
            theme.starting,
        );
    };
    let (good, bad) = if theme.ascii { ("+", "x") } else { ("✓", "✗") };
    let (mark, style, words): (&str, Style, String) = match outcome {
        JobOutcome::Succeeded => (good, theme.good, format!("ended with {}", code_words(0))),
        JobOutcome::Exited { code, words } if words.is_empty() => {
            (bad, theme.failed, format!("ended with {}", code_words(*code)))
        }
        JobOutcome::Exited { code, words } => (bad, theme.failed, format!("{}: {words}", code_words(*code))),
        JobOutcome::Failed(errors) => (bad, theme.failed, errors.join("; ")),
        JobOutcome::TimedOut(words) => (bad, theme.failed, format!("took too long; {words}")),
        JobOutcome::Cancelled => (bad, theme.warning, String::from("cancelled")),
    };
    let took = age(output.started_at, *at);
    let ago = age(*at, cx.now);
    Line::from(vec![
        Span::styled(format!("{mark} {words}"), style),
        Span::styled(format!(" after {took}, {ago} ago"), theme.muted),
    ])
}
