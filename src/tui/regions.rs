//! Size and positions → rectangles. Used by input (paging, mouse) and by drawing alike, so drawing never
//! has to write anything down.

use ratatui::layout::Rect;

/// From this width on, list and details stand side by side.
pub const WIDE: u16 = 100;
/// Below this nothing is drawn but a line that says so.
pub const SMALLEST: (u16, u16) = (60, 20);

/// The frame around every screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    pub header: Rect,
    pub body: Rect,
    pub footer: Rect,
}

impl Regions {
    pub fn of(area: Rect) -> Self {
        let height = area.height;
        Self {
            header: Rect { height: height.min(1), ..area },
            body: Rect { y: area.y + 1, height: height.saturating_sub(2), ..area },
            footer: Rect { y: area.y + height.saturating_sub(1), height: height.min(1), ..area },
        }
    }
}

pub fn is_too_small(area: Rect) -> bool {
    area.width < SMALLEST.0 || area.height < SMALLEST.1
}

/// The Stacks screen inside the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StacksRegions {
    /// What is wrong, worst first; over the full width.
    pub attention: Rect,
    /// The rule that carries the panes' titles.
    pub titles: Rect,
    /// Names of the columns; the rows below them.
    pub columns: Rect,
    pub tree: Rect,
    /// The line between the panes.
    pub wall: Option<Rect>,
    pub details: Rect,
}

/// What the Stacks screen is divided by.
#[derive(Clone, Copy, Debug)]
pub struct StacksShape {
    pub problems: usize,
    pub details_focused: bool,
    /// Columns moved from the details to the list.
    pub shift: i16,
}

/// Returns how many rows of problems are shown in a body of some height.
pub fn attention_rows(height: u16, problems: usize) -> u16 {
    let most = match height {
        0..=19 => 3,
        20..=27 => 4,
        _ => 5,
    };
    // One calm line when nothing is wrong.
    (problems as u16).clamp(1, most)
}

impl StacksRegions {
    pub fn of(body: Rect, shape: StacksShape) -> Self {
        let wide = body.width >= WIDE;
        // Alone on a narrow screen, the details take it all.
        let alone = !wide && shape.details_focused;
        let above = if alone { 0 } else { attention_rows(body.height, shape.problems) };
        let attention = Rect { height: above, ..body };
        let titles = Rect { y: body.y + above, height: 1, ..body };
        let rest = Rect { y: titles.y + 1, height: body.height.saturating_sub(above + 1), ..body };
        if alone {
            return Self { attention, titles, details: rest, ..Self::default() };
        }
        let list_width = if wide { list_width(body.width, shape.shift) } else { body.width };
        let list = Rect { width: list_width, ..rest };
        let columns = Rect { height: rest.height.min(1), ..list };
        let tree = Rect { y: list.y + 1, height: rest.height.saturating_sub(1), ..list };
        if !wide {
            return Self { attention, titles, columns, tree, ..Self::default() };
        }
        let wall = Rect { x: list.right(), width: 1, ..rest };
        let details = Rect { x: wall.right(), width: rest.width - list_width - 1, ..rest };
        Self { attention, titles, columns, tree, wall: Some(wall), details }
    }
}

/// The list gets what its columns need and about half of what is left over.
fn list_width(width: u16, shift: i16) -> u16 {
    let base = match width {
        0..=119 => width * 54 / 100,
        120..=159 => 66 + (width - 120) / 2,
        _ => 86 + (width - 160) / 2,
    };
    base.saturating_add_signed(shift).clamp(44, width - 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_fill_the_body_and_do_not_overlap() {
        for (width, height) in [(60, 20), (80, 24), (99, 30), (100, 30), (120, 40), (200, 50), (400, 100)] {
            for focused in [false, true] {
                for shift in [-200, 0, 200] {
                    let regions = Regions::of(Rect::new(0, 0, width, height));
                    let shape = StacksShape { problems: 7, details_focused: focused, shift };
                    let stacks = StacksRegions::of(regions.body, shape);
                    let wall = stacks.wall.unwrap_or_default();
                    let area: u32 = [
                        regions.header,
                        regions.footer,
                        stacks.attention,
                        stacks.titles,
                        stacks.columns,
                        stacks.tree,
                        wall,
                        stacks.details,
                    ]
                    .iter()
                    .map(|rect| rect.area())
                    .sum();
                    assert_eq!(area, u32::from(width) * u32::from(height), "{width}x{height} {stacks:?}");
                }
            }
        }
    }
}
