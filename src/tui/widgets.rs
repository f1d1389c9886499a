//! Small drawings that several views share: they know ratatui and the model, not the state.

pub mod bar;
pub mod bytes;
pub mod chart;
pub mod foot;
pub mod heading;
pub mod loops;
pub mod qr;
pub mod query;
pub mod scroll;
pub mod sparkline;
pub mod styled;
pub mod text_pane;
pub mod window;
