//! The Docker CLI's contexts, as it keeps them in its configuration folder.
//!
//! Only reads. The folders below `contexts/meta` are named by a hash; the name stands in the file.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::adapters::docker::endpoint::Surroundings;

/// One context that has an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    pub name: String,
    pub host: String,
    /// Folder with the certificates, where the context brings any.
    pub tls: Option<PathBuf>,
}

/// Returns the name of the current context, if one is chosen.
pub fn current(config: &Path, around: &dyn Surroundings) -> Option<String> {
    let file: Value = serde_json::from_str(&around.read(&config.join("config.json"))?).ok()?;
    let name = file.get("currentContext")?.as_str()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// Returns every context that names an engine, sorted by name.
pub fn all(config: &Path, around: &dyn Surroundings) -> Vec<Context> {
    let mut found: Vec<Context> = around
        .list(&config.join("contexts/meta"))
        .iter()
        .filter_map(|folder| {
            let meta: Value = serde_json::from_str(&around.read(&folder.join("meta.json"))?).ok()?;
            let tls = config.join("contexts/tls").join(folder.file_name()?).join("docker");
            Some(Context {
                name: meta.get("Name")?.as_str()?.to_owned(),
                host: meta.pointer("/Endpoints/docker/Host")?.as_str()?.to_owned(),
                tls: around.exists(&tls.join("ca.pem")).then_some(tls),
            })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}
