//! The tree of stacks, services and containers, and what is wrong.
