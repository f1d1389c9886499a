//! The resolved configuration, as far as rules look at it: `docker compose config --format json`.
//!
//! Holds values of environment variables in clear: never shown, never kept longer than a check takes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

/// A resolved stack.
#[derive(Default, Deserialize)]
pub struct Document {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub services: BTreeMap<String, Service>,
    #[serde(default, deserialize_with = "or_empty")]
    pub secrets: BTreeMap<String, FileSource>,
    #[serde(default, deserialize_with = "or_empty")]
    pub configs: BTreeMap<String, FileSource>,
}

/// Values may be secrets: only the names are ever written.
impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("services", &self.services.keys()).finish_non_exhaustive()
    }
}

#[derive(Default, Deserialize)]
pub struct Service {
    pub image: Option<String>,
    pub build: Option<Build>,
    pub container_name: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub labels: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "or_empty")]
    pub environment: BTreeMap<String, Value>,
    pub healthcheck: Option<HealthCheck>,
    #[serde(default, deserialize_with = "or_empty")]
    pub depends_on: BTreeMap<String, DependsOn>,
    #[serde(default, deserialize_with = "or_empty")]
    pub ports: Vec<Port>,
    #[serde(default, deserialize_with = "or_empty")]
    pub volumes: Vec<Mount>,
    #[serde(default, deserialize_with = "or_empty")]
    pub profiles: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub secrets: Vec<Reference>,
    #[serde(default, deserialize_with = "or_empty")]
    pub configs: Vec<Reference>,
    pub restart: Option<String>,
    pub user: Option<String>,
    pub scale: Option<u32>,
    pub deploy: Option<Deploy>,
    pub network_mode: Option<String>,
    pub command: Option<Value>,
}

#[derive(Default, Deserialize)]
pub struct Build {
    #[serde(default)]
    pub context: String,
    pub dockerfile: Option<String>,
    pub dockerfile_inline: Option<String>,
    pub target: Option<String>,
}

#[derive(Default, Deserialize)]
pub struct HealthCheck {
    #[serde(default, deserialize_with = "or_empty")]
    pub test: Vec<String>,
    #[serde(default)]
    pub disable: bool,
}

#[derive(Default, Deserialize)]
pub struct DependsOn {
    #[serde(default)]
    pub condition: String,
}

#[derive(Default, Deserialize)]
pub struct Port {
    pub target: Option<i64>,
    /// A string since Compose 2, a number before.
    pub published: Option<Value>,
    pub host_ip: Option<String>,
    pub protocol: Option<String>,
}

#[derive(Default, Deserialize)]
pub struct Mount {
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub source: String,
    #[serde(default)]
    pub target: String,
    #[serde(default)]
    pub read_only: bool,
    pub bind: Option<BindOptions>,
}

#[derive(Default, Deserialize)]
pub struct BindOptions {
    #[serde(default)]
    pub create_host_path: bool,
}

#[derive(Default, Deserialize)]
pub struct Reference {
    #[serde(default)]
    pub source: String,
}

#[derive(Default, Deserialize)]
pub struct FileSource {
    pub file: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
pub struct Deploy {
    pub replicas: Option<u32>,
    pub restart_policy: Option<Value>,
}

/// Compose writes `null` where something is given without content.
fn or_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads what Compose resolved; the error names no value.
pub fn parse(json: &str) -> Result<Document, String> {
    serde_json::from_str(json).map_err(|error| {
        format!(
            "cannot read the answer of docker compose config (line {}, column {})",
            error.line(),
            error.column()
        )
    })
}

impl Service {
    pub fn replicas(&self) -> u32 {
        self.deploy.as_ref().and_then(|deploy| deploy.replicas).or(self.scale).unwrap_or(1)
    }

    /// Returns a variable of the environment; an unset one is empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(|value| value.as_str().unwrap_or_default())
    }

    /// Returns the image's name, also of one that is only built.
    pub fn image_name(&self, project: &str, service: &str) -> String {
        match self.image.as_deref().filter(|image| !image.is_empty()) {
            Some(image) => image.to_owned(),
            None => format!("{project}-{service}"),
        }
    }

    /// Whether the image is of a name, wherever it is kept: `postgres` of `docker.io/library/postgres:16`.
    pub fn is_image(&self, name: &str) -> bool {
        let image = self.image.as_deref().unwrap_or_default();
        let last = image.rsplit('/').next().unwrap_or_default();
        last.split([':', '@']).next() == Some(name)
    }
}

impl Port {
    /// Returns what is published, as it is written; empty: whatever port is free.
    pub fn published(&self) -> String {
        match &self.published {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    pub fn protocol(&self) -> &str {
        self.protocol.as_deref().unwrap_or("tcp")
    }
}
