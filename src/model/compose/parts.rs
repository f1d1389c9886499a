//! Sections of a service's definition, and the files that a definition was made from.

use std::path::PathBuf;

/// How an image is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildSection {
    /// A folder on the machine where Compose runs, or an address.
    pub context: String,
    /// From the context on; empty: `Dockerfile`, or it stands in the compose file itself.
    pub dockerfile: String,
    /// Whether it stands in the compose file itself.
    pub inline: bool,
    /// Stage that is built; empty: the last.
    pub target: String,
    /// Names and places.
    pub additional_contexts: Vec<(String, String)>,
    /// Names only: values may be secrets.
    pub arguments: Vec<String>,
}

/// A health check as it is asked for. Times are as Compose writes them: `1m30s`; empty: the engine's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthSection {
    /// `CMD curl -f …`; masked. Empty: the image's own check.
    pub test: String,
    pub interval: String,
    pub timeout: String,
    pub start_period: String,
    pub retries: Option<u32>,
}

/// A volume, a bind mount or a temporary file system of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MountDefinition {
    /// `volume`, `bind`, `tmpfs`, …: Compose's word.
    pub kind: String,
    /// Volume by its name in the file, or a path; empty: anonymous.
    pub source: String,
    pub target: String,
    pub read_only: bool,
}

/// A file that a definition was made from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    pub path: PathBuf,
    /// Whether it gives environment variables instead of services.
    pub is_environment: bool,
}
