//! Small drawings that several views share: they know ratatui and the model, not the state.

pub mod bar;
pub mod bytes;
pub mod sparkline;
