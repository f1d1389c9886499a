//! The table: medians, and the spread beside them.

use crate::measure::{Figures, Physical, Stage};

type Column = fn(&Figures) -> &Vec<f64>;

/// What nothing can beat, where anything is known.
type Limit = Option<fn(&Physical) -> Vec<f64>>;

/// Seconds between two readings of figures.
const BEAT: f64 = 2.0;

const ROWS: [(&str, Column, f64, Limit); 20] = [
    ("idle: program + engine above baseline, ms/s", |f| &f.own, -1.0, Some(Physical::figures_a_second)),
    ("idle: the program alone, ms/s", |f| &f.own, 0.0, Some(Physical::figures_a_second)),
    ("idle: wake-ups of its threads a second", |f| &f.wakes, 0.0, None),
    ("idle: resident memory, MB", |f| &f.memory, 0.0, None),
    ("first full screen, ms", |f| &f.first, 0.0, Some(|limits| limits.list.clone())),
    ("key to paint p50, ms", |f| &f.keys, 50.0, None),
    ("key to paint p99, ms", |f| &f.keys, 99.0, None),
    ("state change to paint, ms", |f| &f.change, 0.0, Some(|limits| limits.pause.clone())),
    ("idle: bytes to the terminal a minute", |f| &f.bytes, 0.0, None),
    ("idle: bytes a minute at 80x24", |f| &f.bytes_small, 0.0, None),
    ("the same, containers younger than a minute", |f| &f.bytes_young, 0.0, None),
    ("flood: program + engine above baseline, ms/s", |f| &f.flood_own, -2.0, None),
    ("flood: the program alone, ms/s", |f| &f.flood_own, 0.0, None),
    ("flood: resident memory, MB", |f| &f.flood_memory, 0.0, None),
    ("flood: key to paint p50, ms", |f| &f.flood_keys, 50.0, None),
    ("flood: key to paint p99, ms", |f| &f.flood_keys, 99.0, None),
    ("flood: bytes to the terminal a minute", |f| &f.flood_bytes, 0.0, None),
    ("flood: newest shown line behind, ms, p50", |f| &f.behind, 50.0, None),
    ("flood: newest shown line behind, ms, p99", |f| &f.behind, 99.0, None),
    ("flood: updates of the log seen", |f| &f.behind, -3.0, None),
];

impl Physical {
    /// What reading all figures with every beat costs, in ms a second.
    fn figures_a_second(&self) -> Vec<f64> {
        self.read.iter().map(|ms| ms / BEAT).collect()
    }
}

fn quantile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (percent / 100.0 * (sorted.len() - 1) as f64).round();
    sorted[at as usize]
}

fn figure(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

/// Writes the median and, in brackets, the smallest and the largest.
fn spread(values: &[f64]) -> String {
    if values.is_empty() {
        return String::from("–");
    }
    let (low, high) = (quantile(values, 0.0), quantile(values, 100.0));
    format!("{} ({}–{})", figure(quantile(values, 50.0)), figure(low), figure(high))
}

fn sums(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn cell(figures: &Figures, column: Column, kind: f64) -> String {
    let values = column(figures);
    match kind {
        _ if values.is_empty() => String::from("–"),
        -1.0 => spread(&sums(&figures.own, &figures.engine)),
        -2.0 => spread(&sums(&figures.flood_own, &figures.flood_engine)),
        -3.0 => values.len().to_string(),
        0.0 => spread(values),
        percent => figure(quantile(values, percent)),
    }
}

pub fn written(
    count: usize,
    stage: &Stage,
    names: &[&str],
    figures: &[Figures],
    physical: &Physical,
) -> String {
    let mut lines = vec![
        format!("\n## {count} containers, {}x{}, windows of {:?}\n", stage.columns, stage.rows, stage.window),
        format!("| median (smallest–largest) | {} | nothing can beat |", names.join(" | ")),
        format!("|---|{}", "---|".repeat(names.len() + 1)),
    ];
    for (title, column, kind, limit) in ROWS {
        let limit = limit.map(|limit| spread(&limit(physical))).unwrap_or_default();
        let cells = figures.iter().map(|figures| cell(figures, column, kind));
        let cells: Vec<String> = cells.chain([limit]).collect();
        lines.push(format!("| {title} | {} |", cells.join(" | ")));
    }
    lines.push(format!(
        "\nNothing can beat: one list call {} ms · one direct reading of all figures {} ms, every {BEAT} s here · the \
         engine's own pause {} ms. –: not to be had (dtop has no line to type into beside an open log).",
        spread(&physical.list),
        spread(&physical.read),
        spread(&physical.pause)
    ));
    lines.join("\n")
}
