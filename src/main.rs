//! Parses arguments, calls the front door, turns the result into an exit code. Nothing else.

fn main() {}
