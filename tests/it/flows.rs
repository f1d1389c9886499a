//! Flows: a scenario plays, commands go in, beliefs come out.

mod actions;
mod connection;
mod crowd;
mod demo;
mod hands;
mod health;
mod history;
mod keys;
mod logs;
mod read_only;
mod runs;
mod start;
mod token_lives;
mod tokens;
mod turns;
mod update;
mod watch;
