//! `docker compose config --format json` → [`Definition`]. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::model::compose::{Definition, ServiceDefinition};
use crate::model::containers::{Dependency, DependsCondition};
use crate::model::text::clean;
use crate::ports::ComposeError;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    name: String,
    #[serde(default)]
    services: BTreeMap<String, Service>,
    #[serde(default)]
    volumes: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    networks: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct Service {
    image: Option<String>,
    build: Option<Value>,
    #[serde(default)]
    profiles: Vec<String>,
    #[serde(default)]
    depends_on: BTreeMap<String, DependsOn>,
    restart: Option<String>,
    healthcheck: Option<HealthCheck>,
    scale: Option<u32>,
    deploy: Option<Deploy>,
    #[serde(default)]
    ports: Vec<Port>,
    develop: Option<Develop>,
}

#[derive(Deserialize)]
struct DependsOn {
    #[serde(default)]
    condition: String,
}

#[derive(Deserialize)]
struct HealthCheck {
    #[serde(default)]
    disable: bool,
}

#[derive(Deserialize)]
struct Deploy {
    replicas: Option<u32>,
}

#[derive(Deserialize)]
struct Develop {
    #[serde(default)]
    watch: Vec<Value>,
}

#[derive(Deserialize)]
struct Port {
    target: Option<u32>,
    /// A string since Compose 2, a number before.
    published: Option<Value>,
    protocol: Option<String>,
}

/// Reads what Compose resolved.
pub fn parse(json: &str) -> Result<Definition, ComposeError> {
    let file: File = serde_json::from_str(json).map_err(|error| {
        ComposeError::Failed(format!("cannot read the answer of docker compose config: {error}"))
    })?;
    let services = file
        .services
        .into_iter()
        .map(|(name, service)| (Arc::from(clean(&name)), service_of(service)))
        .collect();
    // By the engine's names; what is external comes and goes without the stack.
    let names = |map: Option<BTreeMap<String, Value>>| {
        let own = map.unwrap_or_default().into_iter().filter(|(_, value)| value["external"] != true);
        own.map(|(key, value)| clean(value["name"].as_str().unwrap_or(&key))).collect()
    };
    Ok(Definition {
        name: Arc::from(clean(&file.name)),
        services,
        volumes: names(file.volumes),
        networks: names(file.networks),
    })
}

fn service_of(service: Service) -> ServiceDefinition {
    let depends_on = service
        .depends_on
        .into_iter()
        .map(|(name, on)| Dependency {
            service: Arc::from(clean(&name)),
            condition: DependsCondition::parse(&on.condition),
        })
        .collect();
    let replicas = service.deploy.and_then(|deploy| deploy.replicas).or(service.scale).unwrap_or(1);
    ServiceDefinition {
        image: clean(&service.image.unwrap_or_default()),
        builds: service.build.is_some_and(|build| !build.is_null()),
        profiles: service.profiles.iter().map(|name| clean(name)).collect(),
        depends_on,
        restart: clean(&service.restart.unwrap_or_default()),
        has_health_check: service.healthcheck.is_some_and(|check| !check.disable),
        replicas,
        ports: service.ports.iter().map(port_of).collect(),
        watch_rules: service.develop.map_or(0, |develop| develop.watch.len() as u32),
    }
}

fn port_of(port: &Port) -> String {
    let target = port.target.unwrap_or_default();
    let protocol = clean(port.protocol.as_deref().unwrap_or("tcp"));
    match &port.published {
        Some(Value::String(published)) if !published.is_empty() => {
            format!("{}:{target}/{protocol}", clean(published))
        }
        Some(Value::Number(published)) => format!("{published}:{target}/{protocol}"),
        _ => format!("{target}/{protocol}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_behind_profiles_and_their_conditions_are_read() {
        let json = r#"{"name":"energy","services":{
            "app":{"build":{"context":"."},"image":null,"depends_on":{"mongodb":{"condition":"service_healthy","required":true}},
                   "ports":[{"mode":"ingress","target":3042,"published":"3042","protocol":"tcp"}],
                   "develop":{"watch":[{"path":"web","action":"sync"}]}},
            "mongodb":{"image":"mongo:7","healthcheck":{"test":["CMD","mongosh"]},"restart":"unless-stopped"},
            "mongo-express":{"image":"mongo-express","profiles":["tools"],"deploy":{"replicas":2}}},
            "volumes":{"mongodb_data":{}},"networks":null}"#;
        let definition = parse(json).unwrap();
        assert_eq!(definition.profiles(), ["tools"]);
        let app = &definition.services["app"];
        assert!(app.builds);
        assert_eq!(app.depends_on[0].condition, DependsCondition::Healthy);
        assert_eq!(app.ports, ["3042:3042/tcp"]);
        assert_eq!(app.watch_rules, 1);
        assert!(definition.services["mongodb"].has_health_check);
        assert_eq!(definition.services["mongo-express"].replicas, 2);
        assert_eq!(definition.volumes, ["mongodb_data"]);
    }
}
