//! Dependencies as boxes and lines, what is needed above what needs it.
//!
//! ```text
//! ╭────────────────╮
//! │ ● db healthy   │
//! ╰───────┬────────╯
//!         │ healthy ✓
//! ╭───────▼────────╮
//! │ ✗ api failed   │
//! ╰────────────────╯
//! ```

use ratatui::text::Line;

use crate::model::containers::DependsCondition;
use crate::model::stacks::ServiceState;
use crate::tui::paint::{cut_end, width};
use crate::tui::theme::Theme;
use crate::tui::views::details::graph::canvas::{Canvas, Pen};
use crate::tui::views::details::graph::layout::{Layout, layout};
use crate::tui::views::details::graph::{Edge, Graph, Node, Standing};

/// Rows that a picture may take before the tree tells more at a glance.
const TALLEST: usize = 60;
/// Columns of a name.
const NAME: u16 = 24;

/// How much the boxes and lines say, most first.
#[derive(Clone, Copy)]
struct Form {
    /// Name and state on one row.
    flat: bool,
    label: Label,
}

/// What stands beside the end of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    /// `completed ✓`
    Words,
    /// `done ✓`
    Short,
    /// `✓`
    Mark,
}

const FORMS: [Form; 4] = [
    Form { flat: true, label: Label::Words },
    Form { flat: false, label: Label::Words },
    Form { flat: false, label: Label::Short },
    Form { flat: false, label: Label::Mark },
];

fn label(edge: &Edge, form: Form, theme: &Theme) -> String {
    match form.label {
        Label::Words => edge.words(theme),
        Label::Short => {
            let word = match edge.condition {
                DependsCondition::Started => "up",
                DependsCondition::Healthy => "healthy",
                DependsCondition::CompletedSuccessfully => "done",
            };
            format!("{word} {}", edge.standing.mark(theme))
        }
        Label::Mark => edge.standing.mark(theme).to_owned(),
    }
}

/// Draws the picture; `None` where it does not fit.
pub fn lines<'a>(graph: &Graph, room: u16, theme: &Theme) -> Option<Vec<Line<'a>>> {
    FORMS.into_iter().find_map(|form| {
        let height = if form.flat { 3 } else { 4 };
        let widths: Vec<usize> = graph.nodes.iter().map(|node| box_width(node, form, theme)).collect();
        let links = graph.links(|edge| width(&label(edge, form, theme)));
        let found = layout(&widths, &links, height, usize::from(room))?;
        (found.width <= usize::from(room) && found.height <= TALLEST)
            .then(|| draw(graph, &found, form, height, theme))
    })
}

fn texts(node: &Node, theme: &Theme) -> (String, String) {
    let name = cut_end(&node.name, NAME, theme.ascii).into_owned();
    let word = if node.unknown { "not defined" } else { node.state.word() };
    let state = if node.age.is_empty() { word.to_owned() } else { format!("{word} {}", node.age) };
    (name, state)
}

fn box_width(node: &Node, form: Form, theme: &Theme) -> usize {
    let (name, state) = texts(node, theme);
    let (name, state) = (usize::from(width(&name)), usize::from(width(&state)));
    // The walls, a blank beside each, the mark and a blank; on one row two more between name and state.
    if form.flat { name + state + 8 } else { (name + 2).max(state + 2) + 4 }
}

fn draw<'a>(graph: &Graph, found: &Layout, form: Form, height: usize, theme: &Theme) -> Vec<Line<'a>> {
    let mut canvas = Canvas::new(found.width, found.height, theme.ascii);
    for wire in &found.wires {
        let edges = wire.links.iter().map(|link| &graph.edges[*link]);
        let worst = edges.clone().map(|edge| edge.standing).max().unwrap_or(Standing::Met);
        let dashed = edges.clone().all(|edge| !edge.required);
        let pen = Pen { style: worst.style(theme), weight: worst as u8, dashed };
        for pair in wire.points.windows(2) {
            canvas.line(pair[0], pair[1], pen);
        }
    }
    for placed in &found.boxes {
        let node = &graph.nodes[placed.node];
        let speaks = node.state.is_trouble() || node.state == ServiceState::Starting;
        let style = if speaks { theme.state(node.state) } else { theme.border };
        let pen = Pen { style, weight: 9, dashed: false };
        canvas.frame(placed.x, placed.y, placed.width, height, pen);
        let (name, state) = texts(node, theme);
        let strong = if node.state == ServiceState::Absent { theme.muted } else { theme.strong };
        let left = placed.x + 2;
        let after = canvas.text(left, placed.y + 1, theme.mark(node.state), theme.state(node.state)) + 1;
        let after = canvas.text(after, placed.y + 1, &name, strong);
        let (x, y) = if form.flat { (after + 2, placed.y + 1) } else { (left + 2, placed.y + 2) };
        let word = node.state.word();
        let (word, age) = state.split_at(if state.starts_with(word) { word.len() } else { state.len() });
        let after = canvas.text(x, y, word, theme.state(node.state));
        canvas.text(after, y, age, theme.muted);
    }
    for arrival in &found.arrivals {
        let edge = &graph.edges[arrival.link];
        let style = edge.standing.style(theme);
        canvas.text(arrival.x, arrival.y + 1, if theme.ascii { "v" } else { "▼" }, style);
        let at = arrival.x + if form.label == Label::Mark { 1 } else { 2 };
        canvas.text(at, arrival.y, &label(edge, form, theme), style);
    }
    canvas.lines()
}
