//! What the compose files of a stack say, as the Compose CLI resolved it.
//!
//! Only what stackdash acts on or shows. Values of environment variables are left out: they may be secrets.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::containers::Dependency;

/// Where a stack's files are and how Compose is to read them. Passed to every call explicitly, so that
/// the caller's own environment cannot redirect an action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComposeProject {
    /// Project name; `None`: Compose finds it.
    pub name: Option<String>,
    /// Empty: Compose finds them in the folder.
    pub files: Vec<PathBuf>,
    pub folder: PathBuf,
    pub env_files: Vec<PathBuf>,
    /// Profiles that are switched on.
    pub profiles: Vec<String>,
}

/// The resolved definition of a stack, services behind every profile included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    pub name: Arc<str>,
    pub services: BTreeMap<Arc<str>, ServiceDefinition>,
    pub volumes: Vec<String>,
    pub networks: Vec<String>,
}

/// One service as it is defined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceDefinition {
    /// Empty where only a build is given.
    pub image: String,
    pub builds: bool,
    pub profiles: Vec<String>,
    pub depends_on: Vec<Dependency>,
    /// Empty: none was asked for.
    pub restart: String,
    pub has_health_check: bool,
    pub replicas: u32,
    /// As Compose writes them: `8080:80/tcp`.
    pub ports: Vec<String>,
    /// Number of `develop.watch` rules.
    pub watch_rules: u32,
}

impl Definition {
    /// Returns every profile that a service names, sorted.
    pub fn profiles(&self) -> Vec<String> {
        let mut all: Vec<String> = self.services.values().flat_map(|s| s.profiles.iter().cloned()).collect();
        all.sort();
        all.dedup();
        all
    }
}
