//! `docker compose config --format json` → [`Definition`]. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::adapters::compose::sections::{Build, HealthCheck, Mount, Watch, build, health, mount, rule};
use crate::model::compose::{Definition, ServiceDefinition, document};
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
    #[serde(default)]
    secrets: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct Service {
    image: Option<String>,
    container_name: Option<String>,
    build: Option<Build>,
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
    #[serde(default)]
    volumes: Vec<Mount>,
    networks: Option<BTreeMap<String, Value>>,
    network_mode: Option<String>,
    #[serde(default)]
    secrets: Vec<Value>,
    user: Option<String>,
    environment: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct DependsOn {
    #[serde(default)]
    condition: String,
    /// Since Compose 2.20; before, everything was required.
    required: Option<bool>,
    #[serde(default)]
    restart: bool,
}

#[derive(Deserialize)]
struct Deploy {
    replicas: Option<u32>,
}

#[derive(Deserialize)]
struct Develop {
    #[serde(default)]
    watch: Vec<Watch>,
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
    // Read a second time, because what is shown is more than what is understood.
    let text = serde_json::from_str(json).map(document::lines).unwrap_or_default();
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
        text: text.into(),
        secrets: file.secrets.unwrap_or_default().keys().map(|name| clean(name)).collect(),
        ..Definition::default()
    })
}

/// Takes the hashes that Compose tells, a service a line.
pub fn take_hashes(definition: &mut Definition, lines: &str) {
    for line in lines.lines() {
        if let Some((name, hash)) = line.split_once(' ')
            && let Some(service) = definition.services.get_mut(name)
        {
            service.config_hash = clean(hash.trim());
        }
    }
}

fn service_of(service: Service) -> ServiceDefinition {
    let restarts_with = service.depends_on.iter().filter(|(_, on)| on.restart);
    let restarts_with = restarts_with.map(|(name, _)| Arc::from(clean(name))).collect();
    let keys = |map: Option<BTreeMap<String, Value>>| -> Vec<String> {
        map.unwrap_or_default().keys().map(|name| clean(name)).collect()
    };
    let depends_on = service
        .depends_on
        .into_iter()
        .map(|(name, on)| Dependency {
            service: Arc::from(clean(&name)),
            condition: DependsCondition::parse(&on.condition),
            required: on.required.unwrap_or(true),
        })
        .collect();
    let replicas = service.deploy.and_then(|deploy| deploy.replicas).or(service.scale).unwrap_or(1);
    ServiceDefinition {
        image: clean(&service.image.unwrap_or_default()),
        container_name: clean(&service.container_name.unwrap_or_default()),
        builds: service.build.is_some(),
        build: service.build.map(build),
        profiles: service.profiles.iter().map(|name| clean(name)).collect(),
        depends_on,
        restart: clean(&service.restart.unwrap_or_default()),
        restarts_with,
        has_health_check: service.healthcheck.as_ref().is_some_and(|check| !check.disable),
        health: service.healthcheck.filter(|check| !check.disable).map(health),
        replicas,
        ports: service.ports.iter().map(port_of).collect(),
        mounts: service.volumes.into_iter().map(mount).collect(),
        networks: keys(service.networks),
        network_mode: clean(&service.network_mode.unwrap_or_default()),
        secrets: service.secrets.iter().filter_map(|secret| secret["source"].as_str()).map(clean).collect(),
        user: clean(&service.user.unwrap_or_default()),
        environment: keys(service.environment),
        watch: service
            .develop
            .map(|develop| develop.watch)
            .unwrap_or_default()
            .into_iter()
            .map(rule)
            .collect(),
        config_hash: String::new(),
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
            "app":{"build":{"context":"/srv","dockerfile":"Df","args":{"KEY":"hidden"},"additional_contexts":{"lib":"/lib"}},"image":null,"container_name":"one","user":"1000",
                   "environment":{"JWT_SECRET":"hidden"},"networks":{"front":null},"secrets":[{"source":"tok","target":"/run/secrets/tok"}],
                   "volumes":[{"type":"bind","source":"/srv/x","target":"/x","read_only":true},{"type":"volume","target":"/anon"}],"depends_on":{"mongodb":{"condition":"service_healthy","required":true,"restart":true}},
                   "ports":[{"mode":"ingress","target":3042,"published":"3042","protocol":"tcp"}],
                   "develop":{"watch":[{"path":"/srv/web","action":"sync+exec","target":"/app","ignore":["node_modules/"],"initial_sync":true,
                       "exec":{"command":["nginx","-s","reload"]}},{"path":"/srv/p.json","action":"rebuild","exec":{"command":null}}]}},
            "mongodb":{"image":"mongo:7","healthcheck":{"test":["CMD","mongosh"],"interval":"5s","retries":4},"restart":"unless-stopped"},
            "mongo-express":{"image":"mongo-express","profiles":["tools"],"deploy":{"replicas":2}}},
            "volumes":{"mongodb_data":{}},"networks":null,"secrets":{"tok":{"file":"/srv/tok"}}}"#;
        let mut definition = parse(json).unwrap();
        take_hashes(&mut definition, "app 0123\nmongodb 4567\nunknown 89\n");
        let hidden = format!("{:?}", definition.services);
        assert!(!hidden.contains("hidden"), "{hidden}");
        assert!(!definition.text.iter().any(|line| line.contains("JWT_SECRET") && line.contains("hidden")));
        insta::assert_debug_snapshot!(definition.services["app"]);
        assert_eq!(definition.profiles(), ["tools"]);
        let app = &definition.services["app"];
        assert!(app.builds);
        assert_eq!(app.depends_on[0].condition, DependsCondition::Healthy);
        assert_eq!(app.ports, ["3042:3042/tcp"]);
        assert_eq!((definition.secrets.join(","), app.config_hash.as_str()), ("tok".into(), "0123"));
        let check = definition.services["mongodb"].health.clone().unwrap();
        assert_eq!((check.interval.as_str(), check.retries), ("5s", Some(4)));
        assert!(definition.services["mongodb"].has_health_check);
        assert_eq!(definition.services["mongo-express"].replicas, 2);
        assert_eq!(definition.volumes, ["mongodb_data"]);
    }
}
