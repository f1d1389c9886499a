//! The Host screen: this machine, what the engine keeps on its disks, and what stackdash itself costs.
//!
//! ```text
//! ─ CPU lab01 · 8 cores · up 3d 4h ── now 12% · max 88% ─┬─ Disks ──────────
//! 100%                                                     /      ━━━━── 61%
//!   0%⣀⣀⣤⣤⣀⣀⣀⣿⣿⣀⣀⣀⣀⣀⣀⣀                                  ─ Engine ─────────
//! ─ Memory ────────────────────────────────────────────   images  12  3  4.2G
//! memory ━━━━━━━━━━━──────  9.8G of 16G  61%             ─ stackdash ──────
//! ```
//!
//! The engine's disk use is expensive for the engine, so it is read once and then on demand.

mod engine;
mod machine;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::{Command, Interest};
use crate::model::host::PerMinute;
use crate::state::State;
use crate::tui::action::{Action, KeyContext};
use crate::tui::view::{Context, Effect};
use crate::tui::views::notice::Notice;

/// From this width on machine and engine stand side by side.
const WIDE: u16 = 100;

/// Positions of the Host screen: it has none but what was asked for.
#[derive(Debug, Default)]
pub struct HostView {
    /// When the disk use was asked for; the answer is newer.
    asked_at: Option<Timestamp>,
    /// What the face itself has drawn.
    frames: PerMinute,
    written: PerMinute,
}

impl HostView {
    pub fn contexts(&self) -> &'static [KeyContext] {
        &[KeyContext::Host, KeyContext::Global]
    }

    /// Takes what was drawn so far: frames, and bytes to the terminal.
    pub fn drawn(&mut self, now: Timestamp, frames: u64, bytes: u64) {
        self.frames.push(now, frames);
        self.written.push(now, bytes);
    }

    /// What the machine's own figures do not tell of our cost, by the minute.
    fn rates(&self, state: &State) -> [(Option<u64>, &'static str, bool); 3] {
        [
            (state.host.engine_calls.get(), "engine calls", false),
            (self.frames.get(), "frames", false),
            (self.written.get(), "written", true),
        ]
    }

    pub fn sync(&mut self, _state: &State, _area: Rect) {}

    /// Returns what to read on first sight.
    pub fn wishes(&mut self, state: &State) -> Vec<Command> {
        if self.asked_at.is_some() || state.host.disk_usage.is_some() || !state.connection.is_up() {
            return Vec::new();
        }
        self.asked_at = Some(state.now);
        vec![Command::ReadDiskUsage]
    }

    pub fn handle(&mut self, action: Action, state: &State) -> Vec<Effect> {
        match action {
            Action::ReadAgain if !state.connection.is_up() => {
                vec![Effect::Toast(String::from("The engine is not connected"))]
            }
            Action::ReadAgain => {
                self.asked_at = Some(state.now);
                vec![Effect::Run(Command::ReadDiskUsage)]
            }
            _ => Vec::new(),
        }
    }

    pub fn click(&mut self, _column: u16, _row: u16, _state: &State) -> Vec<Effect> {
        Vec::new()
    }

    pub fn wheel(&mut self, _column: u16, _row: u16, _down: bool, _state: &State) {}

    pub fn set_filter(&mut self, _text: &str) {}

    pub fn filter(&self) -> &'static str {
        ""
    }

    pub fn interest(&self, _state: &State, interest: &mut Interest) {
        interest.host = true;
    }

    /// Whether something on it counts seconds, so that time alone asks for a frame.
    pub fn counts_seconds(&self, _state: &State, _now: Timestamp) -> bool {
        false
    }

    fn is_reading(&self, state: &State) -> bool {
        self.asked_at.is_some_and(|asked| state.host.disk_usage_at.is_none_or(|read| read < asked))
            && state.connection.is_up()
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        if area.width < 40 || area.height < 10 {
            return;
        }
        if area.width >= WIDE {
            let left = Rect { width: area.width * 11 / 20, ..area };
            let right = Rect { x: left.right() + 2, width: area.width - left.width - 2, ..area };
            self.draw_wide(left, right, buf, cx);
        } else {
            self.draw_narrow(area, buf, cx);
        }
        if cx.stale {
            buf.set_style(area, cx.theme.stale);
        }
    }

    /// Machine at the left, disks, engine and own cost at the right.
    fn draw_wide(&self, left: Rect, right: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let Some(sample) = &cx.state.host.sample else {
            waiting().draw(left, buf, cx.theme);
            let mut rows = Rows(right);
            engine::draw(rows.take(engine::ROWS), buf, self.is_reading(cx.state), cx);
            return;
        };
        let mut rows = Rows(left);
        let cores = machine::core_rows(sample, left.width).min(left.height / 4);
        let bars = machine::memory_rows(sample);
        // Both charts share what headings, cores and bars leave.
        let spare = left.height.saturating_sub(2 + cores + bars);
        let for_memory = spare * 2 / 5;
        machine::draw_cpu(rows.take(1 + spare - for_memory), buf, sample, cx);
        machine::draw_cores(rows.take(cores), buf, sample, cx.theme);
        machine::draw_memory(rows.take(1 + bars + for_memory), buf, sample, cx);
        let mut rows = Rows(right);
        let below = engine::ROWS + machine::COST_ROWS + 2;
        let temperatures = machine::temperature_rows(sample).min(6);
        let for_disks = right.height.saturating_sub(below + temperatures + u16::from(temperatures > 0));
        machine::draw_disks(rows.take(machine::disk_rows(sample).min(for_disks)), buf, sample, cx.theme);
        rows.gap();
        if temperatures > 0 {
            machine::draw_temperatures(rows.take(temperatures), buf, sample, cx.theme);
            rows.gap();
        }
        engine::draw(rows.take(engine::ROWS), buf, self.is_reading(cx.state), cx);
        rows.gap();
        machine::draw_cost(rows.take(machine::COST_ROWS), buf, sample, self.rates(cx.state), cx.theme);
    }

    /// One below the other; the chart takes what is left.
    fn draw_narrow(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let mut rows = Rows(area);
        let Some(sample) = &cx.state.host.sample else {
            waiting().draw(rows.take(area.height - engine::ROWS), buf, cx.theme);
            engine::draw(rows.take(engine::ROWS), buf, self.is_reading(cx.state), cx);
            return;
        };
        let memory = 1 + machine::memory_rows(sample);
        let fixed = memory + engine::ROWS + machine::COST_ROWS;
        let spare = area.height.saturating_sub(fixed);
        // The chart wants five rows before disks get more than two.
        let disks = machine::disk_rows(sample).min(spare.saturating_sub(5).max(2));
        machine::draw_cpu(rows.take(spare.saturating_sub(disks)), buf, sample, cx);
        machine::draw_memory(rows.take(memory), buf, sample, cx);
        machine::draw_disks(rows.take(disks), buf, sample, cx.theme);
        engine::draw(rows.take(engine::ROWS), buf, self.is_reading(cx.state), cx);
        machine::draw_cost(rows.take(machine::COST_ROWS), buf, sample, self.rates(cx.state), cx.theme);
    }
}

fn waiting() -> Notice {
    Notice::new("Reading the figures of this machine …")
}

/// Hands out an area from its top.
struct Rows(Rect);

impl Rows {
    fn take(&mut self, rows: u16) -> Rect {
        let rows = rows.min(self.0.height);
        let taken = Rect { height: rows, ..self.0 };
        self.0 = Rect { y: self.0.y + rows, height: self.0.height - rows, ..self.0 };
        taken
    }

    fn gap(&mut self) {
        self.take(1);
    }
}
