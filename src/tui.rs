//! The face: keys in, frames out. Never awaits work, never talks to an adapter.

pub mod action;
pub mod picture;
pub mod shell;
pub mod theme;
pub mod view;
pub mod views;
pub mod widgets;
