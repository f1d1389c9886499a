//! The shapes of our JSON: a contract with scripts. Keys may be added, never removed.
//!
//! The model knows nothing of them: each document is made from it here, in a file of its own. Times are
//! RFC 3339 in UTC with milliseconds, sizes are bytes, ids have 12 digits, and what is not known is `null`.

pub mod check;
pub mod events;
pub mod lint;
pub mod logs;
pub mod probes;
pub mod status;
pub mod tokens;
pub mod watch;

use jiff::Timestamp;

use crate::model::containers::NO_STACK;
use crate::model::stacks::Stack;

/// Writes a moment as every document does: `2026-11-20T19:03:42.123Z`.
pub fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Sorts stacks by name, containers without one last.
pub fn in_order<'a>(stacks: impl Iterator<Item = &'a Stack>) -> Vec<&'a Stack> {
    let mut stacks: Vec<&Stack> = stacks.collect();
    stacks.sort_by_key(|stack| (&*stack.name == NO_STACK, stack.name.clone()));
    stacks
}
