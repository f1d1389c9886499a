//! Small drawings that several views share: they know ratatui and the model, not the state.
