//! The Docker Engine API through bollard.
