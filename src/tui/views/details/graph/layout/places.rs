//! Places along one axis: columns that keep their order, rows in which lines turn.

use super::Net;

/// Something with a width that wishes to begin at a column.
pub struct Span {
    pub wish: f64,
    pub width: usize,
    pub weight: f64,
}

/// Returns the first column of each span: as near to the wishes as their order, the gaps between them and
/// the bounds allow. Least squares, by pooling neighbors that would overlap.
pub fn spread(spans: &[Span], gap: usize, low: usize, high: usize) -> Vec<usize> {
    let mut offset = 0;
    let offsets: Vec<usize> = spans
        .iter()
        .map(|span| {
            let here = offset;
            offset += span.width + gap;
            here
        })
        .collect();
    let total = offset.saturating_sub(gap);
    // Each pool: its wish, its weight, how many spans it holds.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (span, offset) in spans.iter().zip(&offsets) {
        let mut pool = (span.wish - *offset as f64, span.weight, 1);
        while let Some(last) = pools.last().copied().filter(|last| last.0 > pool.0) {
            pools.pop();
            let weight = last.1 + pool.1;
            pool = ((last.0 * last.1 + pool.0 * pool.1) / weight, weight, last.2 + pool.2);
        }
        pools.push(pool);
    }
    let most = high.saturating_sub(total).max(low);
    let starts = pools.iter().flat_map(|(wish, _, count)| {
        let start = wish.round().clamp(low as f64, most as f64) as usize;
        std::iter::repeat_n(start, *count)
    });
    starts.zip(&offsets).map(|(start, offset)| start + offset).collect()
}

/// Gives each line that turns a row between two layers, so that none runs along another; returns how many
/// rows that takes.
pub fn rows(nets: &mut [Net]) -> usize {
    let turning: Vec<usize> = (0..nets.len()).filter(|net| !nets[*net].is_straight()).collect();
    // Where one comes down in a column that another leaves from, the other must have turned by then.
    let before = |one: usize, other: usize, nets: &[Net]| {
        one != other && nets[other].entries.iter().any(|(column, ..)| *column == nets[one].exit)
    };
    let mut open = turning;
    let mut placed: Vec<usize> = Vec::new();
    while !open.is_empty() {
        let waits = |net: &usize| open.iter().any(|other| before(*other, *net, nets));
        // In a circle of waits one has to begin; it then shares a column with another for a few cells.
        let at = open.iter().position(|net| !waits(net)).unwrap_or(0);
        let net = open.remove(at);
        let first =
            placed.iter().filter(|other| before(**other, net, nets)).map(|other| nets[*other].row + 1);
        let (low, high) = nets[net].span();
        let mut row = first.max().unwrap_or(0);
        let clashes = |row: usize| {
            placed.iter().any(|other| {
                let (start, end) = nets[*other].span();
                nets[*other].row == row && start <= high + 1 && low <= end + 1
            })
        };
        while clashes(row) {
            row += 1;
        }
        nets[net].row = row;
        placed.push(net);
    }
    placed.iter().map(|net| nets[*net].row + 1).max().unwrap_or(0)
}
