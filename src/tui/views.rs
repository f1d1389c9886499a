//! The screens: each its positions, its keys, its drawing, its snapshots. No I/O.
