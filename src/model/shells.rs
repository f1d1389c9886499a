//! Terminals in containers: what is wished and how one ended.

use crate::model::containers::ContainerId;

/// A wish for a terminal in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellWish {
    pub container: ContainerId,
    pub way: ShellWay,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShellWay {
    /// A shell; empty texts: the container's own user and folder.
    Shell { user: String, folder: String },
    /// The container's own first process.
    Attach,
    /// A shell of another image, in a container of its own that shares the namespaces and the volumes.
    Beside { image: String },
}

impl ShellWish {
    pub fn shell(container: ContainerId) -> Self {
        Self { container, way: ShellWay::Shell { user: String::new(), folder: String::new() } }
    }
}

/// How a terminal in a container ended, as far as the engine could tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShellEnd {
    /// `None`: it runs on, or nobody knows.
    pub exit_code: Option<i64>,
    /// Whether the container runs on; `None`: the engine does not answer.
    pub container_runs: Option<bool>,
}
