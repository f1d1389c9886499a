//! The Graph tab of a stack: who needs whom and whether that is met, who waits and what for, and how long
//! everything took to come up.
//!
//! One file per part. The picture is drawn as boxes where they fit, else as an indented tree; it says in
//! words what its colors and symbols say.

pub mod boxes;
pub mod canvas;
pub mod gantt;
pub mod layout;
pub mod tree;
pub mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::model::containers::DependsCondition;
use crate::model::stacks::{DependencyStatus, Service, ServiceState, Stack, age};
use crate::state::graph::startup::{is_being_started, startup};
use crate::state::graph::waits;
use crate::tui::paint::width;
use crate::tui::theme::Theme;
use crate::tui::view::Context;
use crate::tui::views::details::fields::{section, sentences};
use crate::tui::views::details::graph::layout::{Link, ranks};

/// A service in the picture.
#[derive(Clone, Debug)]
pub struct Node {
    pub name: Arc<str>,
    pub state: ServiceState,
    /// How long it has been so.
    pub age: String,
    /// Named by a dependency only.
    pub unknown: bool,
}

/// How a dependency stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Met,
    /// Not met, and nobody waits for it now.
    Idle,
    /// Not met yet.
    Pending,
    /// Not met, and it will not be by itself.
    Failed,
}

impl Standing {
    pub fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Met => theme.muted,
            Self::Idle => theme.faint,
            Self::Pending => theme.blocked,
            Self::Failed => theme.failed,
        }
    }

    /// Returns the symbol behind the condition's word.
    pub fn mark(self, theme: &Theme) -> &'static str {
        match self {
            Self::Met => theme.mark(ServiceState::Completed),
            Self::Idle => theme.mark(ServiceState::Absent),
            Self::Pending => theme.mark(ServiceState::Blocked),
            Self::Failed => theme.mark(ServiceState::Failed),
        }
    }
}

/// A dependency in the picture: `from` is needed by `to`.
#[derive(Clone, Debug)]
pub struct Edge {
    pub from: usize,
    pub to: usize,
    pub condition: DependsCondition,
    pub standing: Standing,
    pub required: bool,
}

impl Edge {
    pub fn words(&self, theme: &Theme) -> String {
        let optional = if self.required { "" } else { " opt." };
        format!("{} {}{optional}", self.condition.goal(), self.standing.mark(theme))
    }
}

/// What there is to draw.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub nodes: Vec<Node>,
    /// Without circles.
    pub edges: Vec<Edge>,
    /// What would close a circle: who needs whom.
    pub circles: Vec<(Arc<str>, Arc<str>)>,
    pub ranks: Vec<usize>,
}

impl Graph {
    pub fn links(&self, label: impl Fn(&Edge) -> u16) -> Vec<Link> {
        let link = |edge: &Edge| Link { from: edge.from, to: edge.to, label: usize::from(label(edge)) };
        self.edges.iter().map(link).collect()
    }

    /// Returns those that need nobody and are needed by nobody.
    pub fn alone(&self) -> Vec<usize> {
        let joined = |node: &usize| self.edges.iter().any(|edge| edge.from == *node || edge.to == *node);
        (0..self.nodes.len()).filter(|node| !joined(node)).collect()
    }

    /// Returns the picture without those that stand alone.
    fn joined(&self) -> Self {
        let alone = self.alone();
        let kept: Vec<usize> = (0..self.nodes.len()).filter(|node| !alone.contains(node)).collect();
        let place = |node: usize| kept.iter().position(|kept| *kept == node).unwrap_or(0);
        Self {
            nodes: kept.iter().map(|node| self.nodes[*node].clone()).collect(),
            edges: self
                .edges
                .iter()
                .map(|edge| Edge { from: place(edge.from), to: place(edge.to), ..edge.clone() })
                .collect(),
            circles: self.circles.clone(),
            ranks: kept.iter().map(|node| self.ranks[*node]).collect(),
        }
    }
}

/// Collects services and dependencies. Services come in their own order, which keeps pictures steady.
pub fn gather(stack: &Stack, starting: bool, now: Timestamp) -> Graph {
    let mut nodes: Vec<Node> = Vec::new();
    let mut known: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for service in &stack.services {
        known.insert(service.name.clone(), nodes.len());
        nodes.push(Node {
            name: service.name.clone(),
            state: service.verdict.state,
            age: service.verdict.since.map(|since| age(since, now)).unwrap_or_default(),
            unknown: false,
        });
    }
    let mut edges = Vec::new();
    for service in &stack.services {
        for dep in &service.depends_on {
            let from = *known.entry(dep.service.clone()).or_insert_with(|| {
                let name = dep.service.clone();
                nodes.push(Node { name, state: ServiceState::Absent, age: String::new(), unknown: true });
                nodes.len() - 1
            });
            let (to, state) = (known[&service.name], nodes[from].state);
            let standing = standing(service, dep, state, starting);
            edges.push(Edge { from, to, condition: dep.condition, standing, required: dep.required });
        }
    }
    let links: Vec<Link> = edges.iter().map(|e| Link { from: e.from, to: e.to, label: 0 }).collect();
    let (ranks, kept) = ranks(nodes.len(), &links);
    let name = |node: usize| nodes[node].name.clone();
    let cut = edges.iter().zip(&kept).filter(|(_, kept)| !**kept);
    let circles = cut.map(|(edge, _)| (name(edge.to), name(edge.from))).collect();
    let mut kept = kept.into_iter();
    edges.retain(|_| kept.next().unwrap_or(true));
    Graph { nodes, edges, circles, ranks }
}

fn standing(service: &Service, dep: &DependencyStatus, state: ServiceState, starting: bool) -> Standing {
    let waits = match service.verdict.state {
        ServiceState::Blocked => true,
        ServiceState::Absent | ServiceState::Stopped => starting,
        // It has been started: what it once waited for may have changed since.
        _ => false,
    };
    match state {
        _ if dep.met => Standing::Met,
        ServiceState::Failed | ServiceState::Unhealthy => Standing::Failed,
        _ if waits => Standing::Pending,
        _ => Standing::Idle,
    }
}

pub fn lines<'a>(stack: &'a Stack, room: u16, cx: &Context<'a>) -> Vec<Line<'a>> {
    let theme = cx.theme;
    let starting = is_being_started(&stack.name, cx.state);
    let all = gather(stack, starting, cx.now);
    let startup = startup(stack, cx.state, cx.now);
    let mut lines = gantt::summary(stack, startup.as_ref(), room, cx);
    let waits = waits(stack, cx.state);
    if !waits.is_empty() {
        lines.extend(section("Waiting", cx));
        lines.extend(waiting::lines(stack, &waits, room, cx));
    }
    lines.extend(section("Dependencies", cx));
    if all.edges.is_empty() {
        let words = "No service of this stack waits for another: all start at once";
        lines.extend(sentences(words, theme.muted, room));
    } else {
        let graph = all.joined();
        lines.extend(boxes::lines(&graph, room, theme).unwrap_or_else(|| tree::lines(&graph, room, theme)));
    }
    for (one, other) in &all.circles {
        let words = format!("A circle: {one} needs {other}, and {other} cannot start before {one}");
        lines.extend(sentences(&words, theme.error, room));
    }
    let alone = all.alone();
    if !alone.is_empty() {
        if !all.edges.is_empty() {
            lines.extend([Line::default(), Line::styled("Waits for nobody, and nobody for it", theme.muted)]);
        }
        lines.extend(abreast(alone.iter().map(|node| &all.nodes[*node]), room, theme));
    }
    if let Some(startup) = &startup {
        lines.extend(gantt::lines(startup, room, cx));
    }
    lines
}

/// Sets services side by side, as many as fit.
fn abreast<'a, 'b>(nodes: impl Iterator<Item = &'b Node>, room: u16, theme: &Theme) -> Vec<Line<'a>> {
    let cells: Vec<[Span<'a>; 3]> = nodes.map(|node| node_spans(node, theme)).collect();
    let wide = |cell: &[Span<'a>; 3]| cell.iter().map(|span| width(&span.content)).sum::<u16>();
    let column = cells.iter().map(wide).max().unwrap_or(0) + 3;
    let abreast = usize::from((room.saturating_add(3) / column).clamp(1, 8));
    let row = |row: &[[Span<'a>; 3]]| {
        let mut spans = Vec::new();
        for cell in row {
            spans.extend(cell.iter().cloned());
            spans.push(Span::raw(" ".repeat(usize::from(column - wide(cell)))));
        }
        Line::from(spans)
    };
    cells.chunks(abreast).map(row).collect()
}

/// Writes `● db`, `healthy`, `2h`.
fn node_spans<'a>(node: &Node, theme: &Theme) -> [Span<'a>; 3] {
    let word = if node.unknown { "not defined" } else { node.state.word() };
    let name = if node.state == ServiceState::Absent { theme.muted } else { theme.strong };
    let age = if node.age.is_empty() { String::new() } else { format!(" {}", node.age) };
    [
        Span::styled(format!("{} {word} ", theme.mark(node.state)), theme.state(node.state)),
        Span::styled(node.name.to_string(), name),
        Span::styled(age, theme.muted),
    ]
}

#[cfg(test)]
mod tests;
