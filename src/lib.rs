#![doc = include_str!("ARCHITECTURE.md")]

// Floor 0: words.
pub mod command;
pub mod event;
pub mod model;
// Floor 1: beliefs, rules and seams.
pub mod config;
pub mod lint;
pub mod ports;
pub mod state;
// Floor 2: the outside.
pub mod adapters;
// Floor 3: the engine room.
pub mod supervisor;
// Floor 4: the face.
pub mod tui;
// Floor 5: the front door.
pub mod cli;
pub mod logging;
