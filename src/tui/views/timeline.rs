//! The Events screen: what happened.
