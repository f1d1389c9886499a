//! Draws the visible rows of the tree: one look-up and a few words each.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::containers::{ContainerId, Port};
use crate::model::jobs::{Job, Verb};
use crate::model::stacks::{Service, ServiceState, Stack, Target};
use crate::model::usage::HistoryPoint;
use crate::state::State;
use crate::state::usage::UsageSum;
use crate::tui::paint::{cut_end, glyphs, put, put_right, width};
use crate::tui::view::Context;
use crate::tui::views::stacks::columns::{Column, Columns, MARGIN, percent, short_age, uptime};
use crate::tui::views::stacks::rows::Row;
use crate::tui::widgets::{bar, bytes, sparkline};

/// Everything a row says.
struct Facts<'a> {
    name: &'a str,
    /// Behind the name, quieter.
    note: String,
    /// Of a stack: services that are up, of how many.
    count: Option<String>,
    state: ServiceState,
    since: Option<Timestamp>,
    sum: UsageSum,
    memory_limit: Option<u64>,
    containers: Vec<&'a ContainerId>,
    restarts: u32,
    up_since: Option<Timestamp>,
    ports: String,
    job: Option<&'a Job>,
}

/// How a row is shown beside what it says.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub selected: bool,
    pub focused: bool,
    pub marked: bool,
}

/// Draws the names of the columns.
pub fn draw_titles(area: Rect, buf: &mut Buffer, columns: &Columns, cx: &Context<'_>) {
    let style = cx.theme.faint;
    put(buf, area.x + MARGIN, area.y, columns.name_width, "NAME", style);
    for (column, x, wide) in &columns.placed {
        if column.is_right_aligned() {
            put_right(buf, area.x + x, area.y, *wide, column.title(), style);
        } else {
            let indent = if *column == Column::State { 2 } else { 0 };
            put(buf, area.x + x + indent, area.y, *wide, column.title(), style);
        }
    }
}

/// Draws one row.
pub fn draw_row(area: Rect, buf: &mut Buffer, row: &Row, columns: &Columns, look: Look, cx: &Context<'_>) {
    let Some(facts) = facts_of(row, cx.state, cx.theme.ascii) else { return };
    let theme = cx.theme;
    let glyphs = glyphs(theme.ascii);
    let y = area.y;
    if look.selected {
        let style = if look.focused { theme.selection } else { theme.selection_unfocused };
        buf.set_style(area, style);
    }
    if look.marked {
        put(buf, area.x, y, 1, glyphs.marked, theme.key);
    }

    let rests = matches!(facts.state, ServiceState::Stopped | ServiceState::Completed | ServiceState::Absent);
    let name_style = match (row.depth, rests) {
        (_, true) => theme.muted,
        (0, false) => theme.strong,
        (1, false) => theme.text,
        _ => theme.muted,
    };
    let mut x = area.x + MARGIN;
    let end = x + columns.name_width;
    if row.depth == 0 {
        let fold = match row.folded {
            Some(true) => glyphs.folded,
            Some(false) => glyphs.unfolded,
            None => " ",
        };
        put(buf, x, y, 1, fold, theme.faint);
    }
    x += if row.depth == 2 { 4 } else { 2 };
    let note_room = width(&facts.note) + u16::from(!facts.note.is_empty());
    let room = end.saturating_sub(x);
    let name_room = if width(facts.name) + note_room <= room { room - note_room } else { room };
    let name = cut_end(facts.name, name_room, theme.ascii);
    x = put(buf, x, y, name_room, &name, name_style);
    if name_room < room {
        put(buf, x + 1, y, end.saturating_sub(x + 1), &facts.note, theme.faint);
    }

    let job_until = facts.job.map_or(0, |job| draw_job(area, buf, job, columns, cx));
    for (column, x, wide) in &columns.placed {
        if *x >= job_until {
            draw_column(*column, Rect { x: area.x + x, y, width: *wide, height: 1 }, buf, &facts, cx);
        }
    }
    if look.marked {
        buf.set_style(Rect { x: area.x + MARGIN, width: columns.name_width, ..area }, theme.marked);
    }
    if look.selected {
        let style = if look.focused { theme.selection } else { theme.selection_unfocused };
        buf.set_style(area, style);
    }
}

fn draw_column(column: Column, cell: Rect, buf: &mut Buffer, facts: &Facts<'_>, cx: &Context<'_>) {
    let theme = cx.theme;
    let Rect { x, y, width: wide, .. } = cell;
    let seconds = |at: Timestamp| cx.now.as_second() - at.as_second();
    match column {
        Column::State => {
            let style = theme.state(facts.state);
            put(buf, x, y, 2, theme.mark(facts.state), style);
            put(buf, x + 2, y, wide - 2, facts.state.word(), style);
        }
        Column::Age => {
            // A stack has a count where others have an age; it may lean on the state's free room.
            if let Some(count) = &facts.count {
                let wide = width(count);
                put(buf, (x + cell.width).saturating_sub(wide), y, wide, count, theme.text);
            } else if let Some(since) = facts.since {
                put_right(buf, x, y, wide, &short_age(seconds(since)), theme.muted);
            }
        }
        Column::CpuLine => {
            let values = cpu_history(&facts.containers, usize::from(wide), cx);
            if values.iter().any(|value| !value.is_nan()) {
                // Idle stays flat, and a steady load does not fill the cell.
                let peak = values.iter().copied().filter(|v| !v.is_nan()).fold(0.0, f32::max);
                let top = (peak * 1.5).max(20.0);
                sparkline::draw(cell, buf, &values, Some(top), theme.series[0], theme.ascii);
            }
        }
        Column::Cpu => {
            if let Some(cpu) = facts.sum.cpu_percent {
                let style = if cpu >= 90.0 { theme.warning } else { figure(cpu >= 0.05, cx) };
                put_right(buf, x, y, wide, &percent(cpu), style);
            }
        }
        Column::Memory => {
            if let Some(memory) = facts.sum.memory_bytes {
                put_right(buf, x, y, wide, &bytes::short(memory), figure(true, cx));
            }
        }
        Column::MemoryBar => {
            if let (Some(used), Some(limit)) = (facts.sum.memory_bytes, facts.memory_limit)
                && limit > 0
            {
                bar::draw(cell, buf, used as f64 / limit as f64, theme);
            }
        }
        Column::Restarts => {
            if facts.restarts > 0 {
                let style = if facts.restarts >= 3 { theme.warning } else { theme.muted };
                put_right(buf, x, y, wide, &facts.restarts.to_string(), style);
            }
        }
        Column::Net => {
            if let Some(rate) = facts.sum.net_rate {
                put_right(buf, x, y, wide, &bytes::short(rate.max(0.0) as u64), figure(rate >= 1.0, cx));
            }
        }
        Column::Uptime => {
            if let Some(since) = facts.up_since {
                put_right(buf, x, y, wide, &uptime(seconds(since)), theme.muted);
            }
        }
        Column::Ports => {
            put(buf, x, y, wide, &cut_end(&facts.ports, wide, theme.ascii), theme.muted);
        }
    }
}

/// Figures that are nothing step back.
fn figure(is_something: bool, cx: &Context<'_>) -> Style {
    if is_something { cx.theme.text } else { cx.theme.faint }
}

/// Draws what is under way where the state stands; returns the first offset that is free again.
fn draw_job(area: Rect, buf: &mut Buffer, job: &Job, columns: &Columns, cx: &Context<'_>) -> u16 {
    let Some((_, start, _)) = columns.placed.iter().find(|(column, ..)| *column == Column::State) else {
        return 0;
    };
    let until = columns
        .placed
        .iter()
        .take_while(|(column, ..)| {
            matches!(column, Column::State | Column::Age | Column::CpuLine | Column::Cpu)
        })
        .last()
        .map_or(*start, |(_, x, wide)| x + wide);
    let style = cx.theme.starting;
    put(buf, area.x + start, area.y, 2, if cx.theme.ascii { "@" } else { "↻" }, style);
    put(buf, area.x + start + 2, area.y, until - start - 2, &job_words(job, cx.now), style);
    until
}

/// Says how far a job is: `stopping 3s, SIGKILL in 7s`, `restarting 2/5, 3s`.
pub fn job_words(job: &Job, now: Timestamp) -> String {
    let elapsed = (now.as_second() - job.started_at.as_second()).max(0);
    let doing = job.verb.doing();
    if matches!(job.verb, Verb::CopyIn | Verb::CopyOut) && job.total > 0 {
        return format!("{doing} {}/{}, {elapsed}s", bytes::short(job.done), bytes::short(job.total));
    }
    if job.total > 1 {
        return format!("{doing} {}/{}, {elapsed}s", job.done, job.total);
    }
    match job.stop_timeout {
        Some(timeout) if elapsed >= 2 && elapsed < timeout.as_secs() as i64 => {
            format!("{doing} {elapsed}s, kill in {}s", timeout.as_secs() as i64 - elapsed)
        }
        _ if job.gist.is_empty() => format!("{doing} {elapsed}s"),
        _ => format!("{doing} {elapsed}s: {}", job.gist),
    }
}

/// Adds up the CPU histories of some containers; a moment nobody knows stays a gap.
pub fn cpu_history(containers: &[&ContainerId], count: usize, cx: &Context<'_>) -> Vec<f32> {
    history_sum(containers, count, cx, |point| point.cpu_percent)
}

/// Adds up one figure over the histories of some containers.
pub fn history_sum(
    containers: &[&ContainerId],
    count: usize,
    cx: &Context<'_>,
    figure: impl Fn(&HistoryPoint) -> f32,
) -> Vec<f32> {
    let mut sums = vec![f32::NAN; count];
    for entry in containers.iter().filter_map(|id| cx.state.usage.get(id)) {
        for (sum, point) in sums.iter_mut().zip(entry.history.last(count, cx.now)) {
            let value = figure(&point);
            if !value.is_nan() {
                *sum = if sum.is_nan() { value } else { *sum + value };
            }
        }
    }
    sums
}

fn facts_of<'a>(row: &'a Row, state: &'a State, ascii: bool) -> Option<Facts<'a>> {
    match &row.target {
        Target::Stack(name) => Some(stack_facts(state.containers.stack(name)?, state)),
        Target::Service { stack, service } => {
            let stack = state.containers.stack(stack)?;
            Some(service_facts(stack, stack.service(service)?, row, state, ascii))
        }
        Target::Container(id) => {
            let entry = state.containers.get(id)?;
            let container = &entry.container;
            let running = container.run.is_up();
            Some(Facts {
                name: &container.name,
                note: String::new(),
                count: None,
                state: entry.verdict.state,
                since: entry.verdict.since,
                sum: if running { state.usage.sum([id]) } else { UsageSum::default() },
                memory_limit: container.memory_limit,
                containers: vec![id],
                restarts: container.restart_count,
                up_since: container.started_at.filter(|_| running),
                ports: ports(&container.ports),
                job: state.jobs.running().find(|job| job.target == row.target),
            })
        }
    }
}

fn stack_facts<'a>(stack: &'a Stack, state: &'a State) -> Facts<'a> {
    let expected = stack.services.iter().filter(|service| service.verdict.state != ServiceState::Absent);
    let (mut up, mut all) = (0, 0);
    for service in expected {
        all += 1;
        up += usize::from(service.verdict.state.is_up());
    }
    let containers = running_of(stack.services.iter().flat_map(|service| &service.containers), state);
    Facts {
        name: &stack.name,
        note: String::new(),
        count: Some(format!("{up}/{all}")),
        state: stack.state,
        since: None,
        sum: state.usage.sum(containers.iter().copied()),
        memory_limit: None,
        containers,
        restarts: 0,
        up_since: None,
        ports: String::new(),
        job: state.jobs.on_stack(&stack.name),
    }
}

fn service_facts<'a>(
    stack: &'a Stack,
    service: &'a Service,
    row: &Row,
    state: &'a State,
    ascii: bool,
) -> Facts<'a> {
    let entries: Vec<_> = service.containers.iter().filter_map(|id| state.containers.get(id)).collect();
    let containers = running_of(&service.containers, state);
    let limits: Vec<u64> =
        containers.iter().filter_map(|id| state.containers.get(id)?.container.memory_limit).collect();
    let note = match row.folded {
        Some(folded) => {
            let glyphs = glyphs(ascii);
            format!("x{} {}", service.containers.len(), if folded { glyphs.folded } else { glyphs.unfolded })
        }
        None => String::new(),
    };
    Facts {
        name: &service.name,
        note,
        count: None,
        state: service.verdict.state,
        since: service.verdict.since,
        sum: state.usage.sum(containers.iter().copied()),
        memory_limit: (!limits.is_empty() && limits.len() == containers.len()).then(|| limits.iter().sum()),
        restarts: entries.iter().map(|entry| entry.container.restart_count).sum(),
        up_since: entries
            .iter()
            .filter(|entry| entry.container.run.is_up())
            .filter_map(|entry| entry.container.started_at)
            .min(),
        ports: entries.first().map(|entry| ports(&entry.container.ports)).unwrap_or_default(),
        containers,
        job: state.jobs.on_service(&stack.name, &service.name, &state.containers),
    }
}

fn running_of<'a>(ids: impl IntoIterator<Item = &'a ContainerId>, state: &State) -> Vec<&'a ContainerId> {
    ids.into_iter()
        .filter(|id| state.containers.get(id).is_some_and(|entry| entry.container.run.is_up()))
        .collect()
}

/// Writes published ports short, each once: `8000→80 5432`. The engine lists IPv4 and IPv6 apart.
pub fn ports(ports: &[Port]) -> String {
    let mut words: Vec<String> = Vec::new();
    for port in ports {
        let Some(host) = port.host_port else { continue };
        let mut word = if host == port.container_port {
            host.to_string()
        } else {
            format!("{host}:{}", port.container_port)
        };
        if port.protocol != "tcp" {
            word.push('/');
            word.push_str(&port.protocol);
        }
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(" ")
}
