//! Which columns the tree has room for, and where they stand.

use crate::model::stacks::duration_words;

/// A column of the tree, in the order they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    State,
    Age,
    CpuLine,
    Cpu,
    Memory,
    MemoryBar,
    Restarts,
    Net,
    Uptime,
    Ports,
}

/// Columns by the order in which room is given to them.
const BY_WORTH: [(Column, u16); 10] = [
    (Column::State, 12),
    (Column::Age, 4),
    (Column::Cpu, 5),
    (Column::Memory, 4),
    (Column::CpuLine, 5),
    (Column::MemoryBar, 5),
    (Column::Restarts, 3),
    (Column::Net, 5),
    (Column::Ports, 14),
    (Column::Uptime, 6),
];

const IN_ORDER: [Column; 10] = [
    Column::State,
    Column::Age,
    Column::CpuLine,
    Column::Cpu,
    Column::Memory,
    Column::MemoryBar,
    Column::Restarts,
    Column::Net,
    Column::Uptime,
    Column::Ports,
];

impl Column {
    pub fn title(self) -> &'static str {
        match self {
            Self::State => "STATE",
            Self::Age => "FOR",
            Self::CpuLine => "",
            Self::Cpu => "CPU",
            Self::Memory => "MEM",
            Self::MemoryBar => "LIMIT",
            Self::Restarts => "RST",
            Self::Net => "NET/s",
            Self::Uptime => "UP",
            Self::Ports => "PORTS",
        }
    }

    pub fn is_right_aligned(self) -> bool {
        !matches!(self, Self::State | Self::Ports | Self::MemoryBar)
    }
}

/// Where everything of a row stands, relative to the left edge of the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    pub name_width: u16,
    /// Column, offset, width.
    pub placed: Vec<(Column, u16, u16)>,
}

/// Cells before the name, for a mark, and behind the last column.
pub const MARGIN: u16 = 1;

impl Columns {
    /// Divides a width: the name first gets what it needs, then columns by worth, but for those that
    /// would stay empty; what is left over goes to long names and to the ports.
    pub fn of(width: u16, longest_name: u16, empty: &[Column]) -> Self {
        let name_least = longest_name.clamp(12, 21);
        let mut left = width.saturating_sub(2 * MARGIN + name_least);
        let mut chosen: Vec<(Column, u16)> = Vec::new();
        for (column, wanted) in BY_WORTH {
            if wanted < left && !empty.contains(&column) {
                left -= wanted + 1;
                chosen.push((column, wanted));
            }
        }
        // Long names first, then long lists of ports.
        let name_extra = left.min(longest_name.saturating_sub(name_least));
        left -= name_extra;
        if let Some((_, ports)) = chosen.iter_mut().find(|(column, _)| *column == Column::Ports) {
            let extra = left.min(16);
            *ports += extra;
            left -= extra;
        }
        // What nobody needs stays between the name and the figures, up to a point.
        let name_width = name_least + name_extra + left.min(12);
        let mut x = MARGIN + name_width;
        let mut placed = Vec::with_capacity(chosen.len());
        for column in IN_ORDER {
            if let Some((_, wide)) = chosen.iter().find(|(chosen, _)| *chosen == column) {
                x += 1;
                placed.push((column, x, *wide));
                x += wide;
            }
        }
        Self { name_width, placed }
    }
}

/// Writes an age in one unit: never more than four characters.
pub fn short_age(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..60 => format!("{s}s"),
        s @ 60..3600 => format!("{}m", s / 60),
        s @ 3600..86_400 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    }
}

/// Writes a percentage in five characters: `0.4%`, `98.2%`, `412%`.
pub fn percent(value: f32) -> String {
    if value < 99.95 { format!("{value:.1}%") } else { format!("{value:.0}%") }
}

/// Writes how long something is up in up to six characters.
pub fn uptime(seconds: i64) -> String {
    duration_words(seconds).replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_never_leave_the_width_and_never_touch() {
        for width in 20..240 {
            for longest in [0, 15, 21, 40, 200] {
                let columns = Columns::of(width, longest, &[]);
                let mut end = MARGIN + columns.name_width;
                for (column, x, wide) in &columns.placed {
                    assert!(*x > end, "{column:?} touches at {width}");
                    end = x + wide;
                }
                assert!(end < width.max(2 * MARGIN + 22), "{width} {longest}: {columns:?}");
            }
        }
    }

    #[test]
    fn a_narrow_tree_keeps_the_state_and_a_wide_one_shows_it_all() {
        let names =
            |width| -> Vec<Column> { Columns::of(width, 20, &[]).placed.iter().map(|(c, ..)| *c).collect() };
        assert_eq!(names(37), [Column::State]);
        assert_eq!(names(64).len(), 6, "{:?}", names(64));
        assert_eq!(names(130), IN_ORDER);
    }

    #[test]
    fn figures_fit_their_columns() {
        for seconds in [0, 59, 60, 3599, 3600, 86_399, 86_400, 86_400 * 999] {
            assert!(short_age(seconds).len() <= 4);
        }
        for value in [0.0, 0.04, 9.99, 99.94, 99.96, 412.3, 6400.0] {
            assert!(percent(value).len() <= 5, "{}", percent(value));
        }
    }
}
