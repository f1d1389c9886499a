//! Dependencies as an indented tree, for stacks that are too big for boxes: each service once, under what
//! it waits for longest; whatever else it needs stands beside it.

use ratatui::text::{Line, Span};

use crate::model::stacks::ServiceState;
use crate::tui::paint::{cut_end, glyphs, width};
use crate::tui::theme::Theme;
use crate::tui::views::details::graph::{Edge, Graph};

/// Columns that names, states and guides may take before the needs.
const WIDEST: u16 = 44;

/// What is drawn before a service, by whether it is the last of its siblings.
struct Guides {
    branch: [&'static str; 2],
    trunk: [&'static str; 2],
}

const UNICODE: Guides = Guides { branch: ["├─ ", "╰─ "], trunk: ["│  ", "   "] };
const ASCII: Guides = Guides { branch: ["|- ", "`- "], trunk: ["|  ", "   "] };

/// One row of the tree.
struct Row {
    node: usize,
    guide: String,
    /// The dependency that it hangs on.
    over: Option<usize>,
}

pub fn lines<'a>(graph: &Graph, room: u16, theme: &Theme) -> Vec<Line<'a>> {
    let rows = rows(graph, if theme.ascii { &ASCII } else { &UNICODE });
    let left = |row: &Row| {
        let node = &graph.nodes[row.node];
        let word = if node.unknown { "not defined" } else { node.state.word() };
        width(&row.guide) + 2 + width(&node.name) + 2 + width(word) + 1 + width(&node.age)
    };
    let column = rows.iter().map(left).max().unwrap_or(0).min(WIDEST).min(room);
    rows.iter().map(|row| line(graph, row, column, room, theme)).collect()
}

/// Puts every service into the tree, each once.
fn rows(graph: &Graph, guides: &Guides) -> Vec<Row> {
    let parent: Vec<Option<usize>> = (0..graph.nodes.len())
        .map(|node| {
            let into = graph.edges.iter().enumerate().filter(|(_, edge)| edge.to == node);
            into.max_by_key(|(index, edge)| {
                (graph.ranks[edge.from], edge.standing, std::cmp::Reverse(*index))
            })
            .map(|(index, _)| index)
        })
        .collect();
    let children = |of: Option<usize>| -> Vec<usize> {
        let is_child = |node: &usize| parent[*node].map(|edge| graph.edges[edge].from) == of;
        (0..graph.nodes.len()).filter(is_child).collect()
    };
    let mut rows = Vec::new();
    // Each entry: a node, and what its ancestors draw before it and below it.
    let mut open: Vec<(usize, String, String)> =
        children(None).into_iter().rev().map(|node| (node, String::new(), String::new())).collect();
    while let Some((node, guide, below)) = open.pop() {
        let inner = children(Some(node));
        for (index, child) in inner.iter().enumerate().rev() {
            let last = usize::from(index + 1 == inner.len());
            let (branch, trunk) = (guides.branch[last], guides.trunk[last]);
            open.push((*child, format!("{below}{branch}"), format!("{below}{trunk}")));
        }
        rows.push(Row { node, guide, over: parent[node] });
    }
    rows
}

fn line<'a>(graph: &Graph, row: &Row, column: u16, room: u16, theme: &Theme) -> Line<'a> {
    let node = &graph.nodes[row.node];
    let word = if node.unknown { "not defined" } else { node.state.word() };
    let fixed = width(&row.guide) + 4 + width(word) + 1 + width(&node.age);
    let name = cut_end(&node.name, column.saturating_sub(fixed).max(8), theme.ascii).into_owned();
    let used = fixed + width(&name);
    let strong = if node.state == ServiceState::Absent { theme.muted } else { theme.strong };
    let mut spans = vec![
        Span::styled(row.guide.clone(), theme.border),
        Span::styled(format!("{} ", theme.mark(node.state)), theme.state(node.state)),
        Span::styled(name, strong),
        Span::styled(format!("  {word}"), theme.state(node.state)),
        Span::styled(format!(" {}", node.age), theme.muted),
    ];
    let Some(over) = row.over else { return Line::from(spans) };
    spans.push(Span::raw(" ".repeat(usize::from(column.saturating_sub(used)) + 2)));
    let mut left = room.saturating_sub(used.max(column) + 2);
    // What it hangs on, then what is not met: the rest may have to go.
    let into = graph.edges.iter().enumerate().filter(|(_, edge)| edge.to == row.node);
    let mut needs: Vec<(usize, &Edge)> = into.collect();
    needs.sort_by_key(|(index, edge)| (*index != over, std::cmp::Reverse(edge.standing)));
    let dot = format!(" {} ", glyphs(theme.ascii).dot);
    for (count, (index, edge)) in needs.iter().enumerate() {
        let between = if count > 0 { dot.as_str() } else { "" };
        let words = format!("{between}{}", words(graph, edge, *index != over, theme));
        let rest = needs.len() - count;
        let more = format!(" +{rest}");
        let spare = if rest > 1 { width(&more) } else { 0 };
        if count > 0 && width(&words) + spare > left {
            spans.push(Span::styled(cut_end(&more, left, theme.ascii).into_owned(), theme.muted));
            break;
        }
        let words = cut_end(&words, left, theme.ascii).into_owned();
        left = left.saturating_sub(width(&words));
        spans.push(Span::styled(words, edge.standing.style(theme)));
    }
    Line::from(spans)
}

fn words(graph: &Graph, edge: &Edge, named: bool, theme: &Theme) -> String {
    if named { format!("{} {}", graph.nodes[edge.from].name, edge.words(theme)) } else { edge.words(theme) }
}
