//! A layered picture of a graph as pure numbers: where each box stands, how each line runs.
//!
//! Sugiyama's way, made for character cells: a longest-path rank for each node, one passing column for
//! each source and layer that its lines cross (so that many lines of one source are one line until they
//! part), barycenter sweeps against crossings, and isotonic regression for places that are straight
//! where they can be. Between two layers each source gets a row of its own for its turns.
//! Knows neither names nor styles, and ends on circles too.

mod places;
mod ranks;

use std::collections::BTreeMap;

use places::{Span, spread};
pub use ranks::ranks;

/// One line: `from` comes before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub from: usize,
    pub to: usize,
    /// Columns of the words beside its end.
    pub label: usize,
}

/// A box: its node and its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub node: usize,
    pub x: usize,
    pub y: usize,
    pub width: usize,
}

/// A line with its turns, from a box (or from where another ends) down to a box (or on to another line).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    pub points: Vec<(usize, usize)>,
    pub links: Vec<usize>,
}

/// Where a link reaches its box, and where its words stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub link: usize,
    pub x: usize,
    pub y: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    pub width: usize,
    pub height: usize,
    pub boxes: Vec<Placed>,
    pub wires: Vec<Wire>,
    pub arrivals: Vec<Arrival>,
}

/// What stands in a layer: a node, or the line of a source on its way further down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Node(usize),
    Pass(usize),
}

/// Columns between two things of a layer.
const GAP: usize = 2;
/// Sweeps against crossings.
const SWEEPS: usize = 8;
/// Above this many things nobody wants a picture, and sweeping would take long.
const MOST: usize = 160;

/// Lays out boxes of these widths and one height. `None`: it does not fit into so many columns.
/// Links must not run in circles: see [`ranks()`].
pub fn layout(widths: &[usize], links: &[Link], height: usize, room: usize) -> Option<Layout> {
    let (rank, kept) = ranks(widths.len(), links);
    debug_assert!(kept.iter().all(|kept| *kept), "circles are cut before");
    let plan = Plan { widths, links, rank: &rank };
    let mut layers = plan.layers();
    if layers.iter().map(Vec::len).sum::<usize>() > MOST || layers.iter().any(|l| plan.least(l) > room) {
        return None;
    }
    plan.untangle(&mut layers);
    let lefts = plan.place(&layers, room);
    Some(plan.route(&layers, &lefts, height))
}

struct Plan<'a> {
    widths: &'a [usize],
    links: &'a [Link],
    rank: &'a [usize],
}

/// All lines of one source between two layers.
struct Net {
    exit: usize,
    start_y: usize,
    /// Column, the links that go there, and whether they end there.
    entries: Vec<(usize, Vec<usize>, bool)>,
    row: usize,
}

impl Net {
    fn is_straight(&self) -> bool {
        self.entries.iter().all(|(column, ..)| *column == self.exit)
    }

    fn span(&self) -> (usize, usize) {
        let columns = self.entries.iter().map(|(column, ..)| *column).chain([self.exit]);
        columns.fold((usize::MAX, 0), |(low, high), column| (low.min(column), high.max(column)))
    }
}

impl Plan<'_> {
    fn layers(&self) -> Vec<Vec<Slot>> {
        let depth = self.rank.iter().max().map_or(0, |most| most + 1);
        let mut layers = vec![Vec::new(); depth];
        for (node, rank) in self.rank.iter().enumerate() {
            layers[*rank].push(Slot::Node(node));
        }
        for source in 0..self.widths.len() {
            let deepest = self.links.iter().filter(|link| link.from == source).map(|l| self.rank[l.to]).max();
            let (first, end) = (self.rank[source] + 1, deepest.unwrap_or(0));
            for layer in layers.iter_mut().take(end).skip(first) {
                layer.push(Slot::Pass(source));
            }
        }
        layers
    }

    fn incoming(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.links.iter().enumerate().filter(move |(_, link)| link.to == node).map(|(index, _)| index)
    }

    /// Returns what a slot needs: the columns of its box, and with the words that hang over its right edge.
    fn size(&self, slot: Slot) -> (usize, usize) {
        let Slot::Node(node) = slot else { return (1, 1) };
        let labels: Vec<usize> = self.incoming(node).map(|link| self.links[link].label).collect();
        let width = self.widths[node];
        match labels[..] {
            [] => (width, width),
            // The line comes down in the middle.
            [one] => (width, width.max(width / 2 + one + 2)),
            _ => {
                let all = labels.iter().map(|label| label + 2).sum::<usize>() + labels.len() - 1;
                (width.max(all + 2), width.max(all + 2))
            }
        }
    }

    fn center(&self, slot: Slot, left: usize) -> usize {
        left + self.size(slot).0 / 2
    }

    fn least(&self, layer: &[Slot]) -> usize {
        layer.iter().map(|slot| self.size(*slot).1).sum::<usize>() + GAP * layer.len().saturating_sub(1)
    }

    /// Returns what a slot is joined to in the layer below.
    fn below(&self, slot: Slot, next: &[Slot]) -> Vec<usize> {
        let (Slot::Node(source) | Slot::Pass(source)) = slot;
        let joined = |other: &Slot| match *other {
            Slot::Node(node) => self.links.iter().any(|link| link.from == source && link.to == node),
            Slot::Pass(of) => of == source,
        };
        next.iter().enumerate().filter(|(_, other)| joined(other)).map(|(index, _)| index).collect()
    }

    /// Puts the slots of each layer in an order with few crossings.
    fn untangle(&self, layers: &mut [Vec<Slot>]) {
        let mut best = (self.crossings(layers), layers.to_vec());
        for sweep in 0..SWEEPS {
            if best.0 == 0 {
                break;
            }
            let down = sweep % 2 == 0;
            for step in 1..layers.len() {
                let (at, toward) =
                    if down { (step, step - 1) } else { (layers.len() - 1 - step, layers.len() - step) };
                let joined = self.joined(layers, at, toward);
                let mut keyed: Vec<(f64, usize, Slot)> = layers[at]
                    .iter()
                    .enumerate()
                    .map(|(index, slot)| (mean(&joined[index]).unwrap_or(index as f64), index, *slot))
                    .collect();
                keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                layers[at] = keyed.into_iter().map(|(.., slot)| slot).collect();
            }
            let found = self.crossings(layers);
            if found < best.0 {
                best = (found, layers.to_vec());
            }
        }
        layers.clone_from_slice(&best.1);
    }

    /// Returns for each slot of a layer its neighbors in the one above or below, by position.
    fn joined(&self, layers: &[Vec<Slot>], at: usize, toward: usize) -> Vec<Vec<f64>> {
        let mut found = vec![Vec::new(); layers[at].len()];
        let (upper, lower) = (at.min(toward), at.max(toward));
        for (above, slot) in layers[upper].iter().enumerate() {
            for below in self.below(*slot, &layers[lower]) {
                let (mine, other) = if at == lower { (below, above) } else { (above, below) };
                found[mine].push(other as f64);
            }
        }
        found
    }

    fn crossings(&self, layers: &[Vec<Slot>]) -> usize {
        let count = |pair: &[Vec<Slot>]| {
            let joined = pair[0].iter().enumerate();
            let lines: Vec<(usize, usize)> =
                joined.flat_map(|(a, s)| self.below(*s, &pair[1]).into_iter().map(move |b| (a, b))).collect();
            let crosses = |(a, b): &(usize, usize)| lines.iter().filter(|(c, d)| a < c && b > d).count();
            lines.iter().map(crosses).sum::<usize>()
        };
        layers.windows(2).map(count).sum()
    }

    /// Finds the left column of each slot: as much below each other as their order allows.
    fn place(&self, layers: &[Vec<Slot>], room: usize) -> Vec<Vec<usize>> {
        let widest = layers.iter().map(|layer| self.least(layer)).max().unwrap_or(0);
        let mut lefts: Vec<Vec<usize>> = layers
            .iter()
            .map(|layer| {
                let mut x = (widest - self.least(layer)) / 2;
                let advance = |slot: &Slot| {
                    let left = x;
                    x += self.size(*slot).1 + GAP;
                    left
                };
                layer.iter().map(advance).collect()
            })
            .collect();
        let passes = (0..3).flat_map(|_| {
            let down = (1..layers.len()).map(|at| (at, at - 1));
            let up = (1..layers.len()).rev().map(|at| (at - 1, at));
            down.chain(up)
        });
        for (at, toward) in passes {
            let joined = self.joined(layers, at, toward);
            let center = |other: &f64| {
                let other = *other as usize;
                self.center(layers[toward][other], lefts[toward][other]) as f64
            };
            let spans: Vec<Span> = layers[at]
                .iter()
                .zip(&joined)
                .zip(&lefts[at])
                .map(|((slot, joined), left)| {
                    let centers: Vec<f64> = joined.iter().map(center).collect();
                    let (boxed, width) = self.size(*slot);
                    let wish = mean(&centers).map_or(*left as f64, |middle| middle - (boxed / 2) as f64);
                    Span { wish, width, weight: centers.len().max(1) as f64 }
                })
                .collect();
            lefts[at] = spread(&spans, GAP, 0, room.min(widest * 2));
        }
        let least = lefts.iter().flatten().min().copied().unwrap_or(0);
        lefts.iter_mut().flatten().for_each(|left| *left -= least);
        lefts
    }

    /// Draws the lines between the layers, each source on a row of its own where they would run together.
    fn route(&self, layers: &[Vec<Slot>], lefts: &[Vec<usize>], height: usize) -> Layout {
        let mut found = Layout::default();
        let mut y = 0;
        for (at, layer) in layers.iter().enumerate() {
            for (slot, left) in layer.iter().zip(&lefts[at]) {
                let (width, all) = self.size(*slot);
                if let Slot::Node(node) = *slot {
                    found.boxes.push(Placed { node, x: *left, y, width });
                }
                found.width = found.width.max(left + all);
            }
            if let (Some(next), Some(next_lefts)) = (layers.get(at + 1), lefts.get(at + 1)) {
                let mut nets = self.nets((layer, &lefts[at]), (next, next_lefts), y, height);
                let rows = places::rows(&mut nets);
                let gap = y + height;
                let (words, top) = (gap + rows, gap + rows + 1);
                for net in &nets {
                    for (column, links, ends) in &net.entries {
                        let end = if *ends { top } else { words };
                        let mut points = vec![(net.exit, net.start_y)];
                        if *column != net.exit {
                            points.extend([(net.exit, gap + net.row), (*column, gap + net.row)]);
                        }
                        points.push((*column, end));
                        if *ends {
                            let arrivals =
                                links.iter().map(|link| Arrival { link: *link, x: *column, y: words });
                            found.arrivals.extend(arrivals);
                        }
                        found.wires.push(Wire { points, links: links.clone() });
                    }
                }
                y = top;
            }
        }
        found.height = if layers.is_empty() { 0 } else { y + height };
        found
    }

    fn nets(
        &self,
        upper: (&[Slot], &[usize]),
        lower: (&[Slot], &[usize]),
        y: usize,
        height: usize,
    ) -> Vec<Net> {
        let mut nets: BTreeMap<usize, Net> = BTreeMap::new();
        for (slot, left) in upper.0.iter().zip(upper.1) {
            let (source, start_y) = match *slot {
                Slot::Node(source) => (source, y + height - 1),
                // From where its words would stand, through the rows of the boxes.
                Slot::Pass(source) => (source, y - 1),
            };
            let exit = self.center(*slot, *left);
            nets.insert(source, Net { exit, start_y, entries: Vec::new(), row: 0 });
        }
        for (slot, left) in lower.0.iter().zip(lower.1) {
            match *slot {
                Slot::Pass(source) => {
                    let here = self.rank_below(lower.0);
                    let further = |link: &Link| link.from == source && self.rank[link.to] > here;
                    let links: Vec<usize> =
                        (0..self.links.len()).filter(|link| further(&self.links[*link])).collect();
                    let column = self.center(*slot, *left);
                    if let Some(net) = nets.get_mut(&source) {
                        net.entries.push((column, links, false));
                    }
                }
                Slot::Node(node) => {
                    let exit = |link: usize| nets.get(&self.links[link].from).map_or(0, |net| net.exit);
                    let mut links: Vec<usize> = self.incoming(node).collect();
                    links.sort_by_key(|link| (exit(*link), *link));
                    let (width, all) = self.size(*slot);
                    let single = links.len() == 1;
                    let spans: Vec<Span> = links
                        .iter()
                        .map(|link| {
                            let label = if single { 1 } else { self.links[*link].label + 2 };
                            Span { wish: exit(*link) as f64, width: label, weight: 1.0 }
                        })
                        .collect();
                    // A single line may come down left of the middle, where its words have their room.
                    let end = if single { left + width / 2 + 1 } else { left + all - 1 };
                    let taken: Vec<usize> = nets.values().map(|net| net.exit).collect();
                    for (link, column) in links.iter().zip(spread(&spans, 1, left + 1, end)) {
                        let Some(net) = nets.get_mut(&self.links[*link].from) else { continue };
                        // Another line leaves from above this column: a step aside keeps them apart.
                        let aside = column + 1;
                        let blocked = column != net.exit && taken.contains(&column);
                        let free = !single && !taken.contains(&aside) && aside + 2 < left + width;
                        net.entries.push((if blocked && free { aside } else { column }, vec![*link], true));
                    }
                }
            }
        }
        nets.into_values().filter(|net| !net.entries.is_empty()).collect()
    }

    fn rank_below(&self, layer: &[Slot]) -> usize {
        let node = layer.iter().find_map(|slot| match slot {
            Slot::Node(node) => Some(self.rank[*node]),
            Slot::Pass(_) => None,
        });
        node.unwrap_or(0)
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests;
