//! Merged logs of the selection.
