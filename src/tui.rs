//! The face: keys in, frames out. Never awaits work, never talks to an adapter.

pub mod action;
pub mod draw;
pub mod frames;
pub mod keymap;
pub mod paint;
pub mod picture;
pub mod popups;
pub mod regions;
pub mod shell;
pub mod theme;
pub mod ui;
pub mod view;
pub mod views;
pub mod widgets;
