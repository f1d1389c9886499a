//! The Logs tab: the pane of the Logs screen, with what is selected in it.
//!
//! Says which keys the pane takes; everything else means what it means in the tree.

use crate::tui::action::Action;
use crate::tui::views::clock::Clock;
use crate::tui::views::details::fields::zone;
use crate::tui::views::logs::LogPane;

/// Makes the pane of the tab.
pub fn pane() -> LogPane {
    let mut pane = LogPane::default();
    pane.set_clock(Clock::in_zone(zone()));
    pane
}

/// Whether the pane takes an action.
pub fn takes(action: Action) -> bool {
    matches!(
        action,
        Action::MoveDown
            | Action::MoveUp
            | Action::PageDown
            | Action::PageUp
            | Action::HalfPageDown
            | Action::HalfPageUp
            | Action::First
            | Action::Last
            | Action::Left
            | Action::Right
            | Action::Open
            | Action::Back
            | Action::NextMatch
            | Action::PreviousMatch
            | Action::Follow
            | Action::Level
            | Action::Fields
            | Action::MarkBlock
            | Action::Wrap
            | Action::Timestamps
            | Action::CopyLine
            | Action::CopyAll
            | Action::Save
    )
}
