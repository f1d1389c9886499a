//! Draws the visible rows of the tree: one look-up and a few words each.

use std::sync::Arc;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::containers::{ContainerId, Port};
use crate::model::jobs::{Job, Verb};
use crate::model::probes::ProbeState;
use crate::model::stacks::{Drift, Service, ServiceState, Stack, Target};
use crate::model::tokens::TokenState;
use crate::model::usage::HistoryPoint;
use crate::state::State;
use crate::state::jobs::output::JobOutput;
use crate::state::jobs::profiles::profiles_on;
use crate::state::usage::UsageSum;
use crate::state::variants;
use crate::tui::paint::{cut_end, cut_middle, cut_words, glyphs, put, put_right, width};
use crate::tui::theme::Theme;
use crate::tui::view::Context;
use crate::tui::views::probes::{is_marked, mark as probe_mark};
use crate::tui::views::stacks::columns::{Column, Columns, MARGIN, percent, short_age, uptime};
use crate::tui::views::stacks::rows::Row;
use crate::tui::views::watch::words::{self, Face};
use crate::tui::widgets::{bar, bytes, sparkline};

/// Columns of the word about a token or a probe behind a name: ` ✗ token`.
pub const TOKEN: u16 = 8;

/// Everything a row says.
struct Facts<'a> {
    name: &'a str,
    /// Behind the name, quieter.
    note: String,
    /// The worst token that it lives on, while that needs somebody.
    token: Option<TokenState>,
    /// Whether a probe of it fails.
    probe: bool,
    /// How its sources are watched.
    watch: Option<Face>,
    /// Behind both: it is not as its files say.
    drift: String,
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
    let Some(facts) = facts_of(row, cx) else { return };
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
    let room_of = |words: &str| width(words) + u16::from(!words.is_empty());
    let room = end.saturating_sub(x);
    let mut drift = &*facts.drift;
    let token_room = TOKEN * (u16::from(facts.token.is_some()) + u16::from(facts.probe));
    let watch = facts.watch.as_ref().map(|face| (face.style, format!("{} {}", face.mark, face.word)));
    let mut watched = watch.as_ref().map_or("", |(_, words)| words);
    let taken =
        |drift: &str, watched: &str| room_of(&facts.note) + room_of(drift) + room_of(watched) + token_room;
    let is_tight = |drift: &str, watched: &str| width(facts.name) + taken(drift, watched) > room;
    // The mark alone, where there is no room for its word.
    if is_tight(drift, watched) {
        watched = watched.split(' ').next().unwrap_or_default();
    }
    if is_tight(drift, watched) {
        drift = drift.split(' ').next().unwrap_or_default();
    }
    let note_room = taken(drift, watched);
    let name_room = if width(facts.name) + note_room <= room { room - note_room } else { room };
    // The ends of replicas' names tell them apart.
    let cut = if row.depth == 2 { cut_middle } else { cut_end };
    let name = cut(facts.name, name_room, theme.ascii);
    x = put(buf, x, y, name_room, &name, name_style);
    if name_room < room {
        if !facts.note.is_empty() {
            x = put(buf, x + 1, y, end.saturating_sub(x + 1), &facts.note, theme.faint);
        }
        if !drift.is_empty() {
            x = put(buf, x + 1, y, end.saturating_sub(x + 1), drift, theme.warning);
        }
        if let Some((style, _)) = watch {
            x = put(buf, x + 1, y, end.saturating_sub(x + 1), watched, style);
        }
    }
    if let Some(token) = facts.token {
        x = put(buf, x + 1, y, end.saturating_sub(x + 1), theme.token_mark(token), theme.token(token));
        x = put(buf, x + 1, y, end.saturating_sub(x + 1), "token", theme.token(token));
    }
    if facts.probe {
        let (mark, style) = (probe_mark(ProbeState::Fail, theme), theme.state(ProbeState::Fail.weight()));
        x = put(buf, x + 1, y, end.saturating_sub(x + 1), mark, style);
        put(buf, x + 1, y, end.saturating_sub(x + 1), "probe", style);
    }

    let mut job_until = facts.job.map_or(0, |job| draw_job(area, buf, job, columns, cx));
    if facts.job.is_none()
        && let Some(failure) = cx.state.jobs.failure(&row.target, cx.now)
    {
        draw_failure(area, buf, failure, columns, cx);
        draw_state(area, buf, &facts, columns, cx);
        job_until = u16::MAX;
    }
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
        // It moves with every beat and says little that the figure beside it does not.
        Column::CpuLine if cx.coarse => {}
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
    let room = until - start - 2;
    let words = job_words(job, cx.now);
    put(buf, area.x + start + 2, area.y, room, &cut_words(&words, room, cx.theme.ascii), style);
    until
}

fn draw_state(area: Rect, buf: &mut Buffer, facts: &Facts<'_>, columns: &Columns, cx: &Context<'_>) {
    if let Some((column, x, wide)) = columns.placed.iter().find(|(column, ..)| *column == Column::State) {
        let cell = Rect { x: area.x + x, width: *wide, height: 1, ..area };
        draw_column(*column, cell, buf, facts, cx);
    }
}

/// Says behind the state what failed here last, and with which words.
fn draw_failure(area: Rect, buf: &mut Buffer, failure: &JobOutput, columns: &Columns, cx: &Context<'_>) {
    let state = columns.placed.iter().find(|(column, ..)| *column == Column::State);
    let Some((_, x, wide)) = state else { return };
    let x = area.x + x + wide + 1;
    let room = area.right().saturating_sub(x + 1);
    let words = format!("{} failed: {}", failure.verb.word(), failure.why());
    put(buf, x, area.y, room, &cut_end(&words, room, cx.theme.ascii), cx.theme.warning);
}

/// Says how far a job is: `stopping 3s, SIGKILL in 7s`, `restarting 2/5, 3s`.
pub fn job_words(job: &Job, now: Timestamp) -> String {
    let elapsed = (now.as_second() - job.started_at.as_second()).max(0);
    let doing = job.doing();
    // `Waiting shop-db-1` in the row of the shop: the stack's name is there already.
    let gist = match &job.target {
        Target::Stack(stack) => job.gist.replace(&format!(" {stack}-"), " "),
        _ => job.gist.clone(),
    };
    if let Some(phase) = &job.phase {
        let doing = phase.phase.doing();
        let elapsed = (now.as_second() - phase.since.as_second()).max(0);
        return if job.gist.is_empty() {
            format!("{doing} {elapsed}s")
        } else {
            format!("{doing} {elapsed}s: {gist}")
        };
    }
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
        // What is run prints beside the list.
        _ if job.gist.is_empty() || job.run.is_some() => format!("{doing} {elapsed}s"),
        _ => format!("{doing} {elapsed}s: {gist}"),
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

fn facts_of<'a>(row: &'a Row, cx: &Context<'a>) -> Option<Facts<'a>> {
    let (state, ascii) = (cx.state, cx.theme.ascii);
    match &row.target {
        Target::Stack(name) => Some(stack_facts(state.containers.stack(name)?, row, state, ascii)),
        Target::Service { stack, service } => {
            let stack = state.containers.stack(stack)?;
            Some(service_facts(stack, stack.service(service)?, row, cx))
        }
        Target::Container(id) => {
            let entry = state.containers.get(id)?;
            let container = &entry.container;
            let running = container.run.is_up();
            Some(Facts {
                name: &container.name,
                note: String::new(),
                token: None,
                probe: false,
                watch: None,
                drift: String::new(),
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

fn stack_facts<'a>(stack: &'a Stack, row: &Row, state: &'a State, ascii: bool) -> Facts<'a> {
    let (up, all) = count_up(stack, state);
    let containers = running_of(stack.services.iter().flat_map(|service| &service.containers), state);
    Facts {
        name: &stack.name,
        note: stack_note(stack, state),
        token: None,
        probe: false,
        watch: None,
        // Unfolded, its services say so themselves.
        drift: if row.folded == Some(true) { folded_drift(stack, ascii) } else { String::new() },
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

/// Counts the services that are up, of how many that were created; of a stack that never was, of how many
/// that bringing it up creates.
fn count_up(stack: &Stack, state: &State) -> (usize, usize) {
    let created = |service: &&Service| service.verdict.state != ServiceState::Absent;
    let all = stack.services.iter().filter(created).count();
    if all > 0 {
        return (stack.services.iter().filter(|service| service.verdict.state.is_up()).count(), all);
    }
    let on = profiles_on(&state.containers, &stack.name);
    let wanted =
        |service: &&Service| service.profiles.is_empty() || service.profiles.iter().any(|p| on.contains(p));
    (0, stack.services.iter().filter(wanted).count())
}

/// Says which variant of a stack runs, where it has several.
pub fn stack_note(stack: &Stack, state: &State) -> String {
    variants::current(state, &stack.name).unwrap_or_default().to_owned()
}

fn folded_drift(stack: &Stack, ascii: bool) -> String {
    drift_words(stack.services.iter().find_map(|service| service.drift.as_ref()), ascii)
}

/// Says in a row that something is not as the files say.
pub fn drift_words(drift: Option<&Drift>, ascii: bool) -> String {
    let word = match drift {
        None => return String::new(),
        // Compose's own word for it.
        Some(Drift::Gone) => "orphan",
        Some(Drift::Image { .. } | Drift::Config) => "changed",
    };
    format!("{} {word}", glyphs(ascii).differs)
}

fn service_facts<'a>(stack: &'a Stack, service: &'a Service, row: &Row, cx: &Context<'a>) -> Facts<'a> {
    let (state, ascii) = (cx.state, cx.theme.ascii);
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
        token: token_of(&stack.name, &service.name, state),
        probe: is_marked(&stack.name, service, state),
        watch: words::badge(&(stack.name.clone(), service.name.clone()), state, cx.theme),
        drift: drift_words(service.drift.as_ref(), ascii),
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

/// Returns how the worst token that a service lives on stands, while that needs somebody.
pub fn token_of(stack: &str, service: &str, state: &State) -> Option<TokenState> {
    let tokens = state.tokens.of_service(stack, service);
    tokens.filter(|token| token.is_worry(&state.containers)).map(|token| token.state).min()
}

/// Returns how many columns the word about the watching of a service takes.
pub fn watch_width(stack: &Arc<str>, service: &Arc<str>, state: &State) -> u16 {
    let face = words::badge(&(stack.clone(), service.clone()), state, &Theme::plain());
    face.map_or(0, |face| width(&face.word) + 3)
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
