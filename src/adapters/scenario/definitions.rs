//! What the compose files of a scenario's stacks would say, services behind profiles included.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use toml::Spanned;

use crate::adapters::scenario::compose;
use crate::adapters::scenario::engine::Stage;
use crate::adapters::scenario::script::{Condition, ServiceScript, StackScript};
use crate::model::compose::{BuildSection, ComposeProject, Definition, ServiceDefinition, document};
use crate::model::containers::{Dependency, Port};
use crate::model::runs::OutputLine;
use crate::ports::{BoxFuture, Compose, ComposeError};

impl Compose for Stage {
    fn definition<'a>(
        &'a self,
        project: &'a ComposeProject,
    ) -> BoxFuture<'a, Result<Definition, ComposeError>> {
        let definition = self.player.with(|world, _| {
            let mut stacks = world.script.stacks.iter();
            let found = stacks.find(|stack| {
                project.name.as_deref().map_or(project.folder == *stack.folder(), |name| name == stack.name)
            });
            found.map(of_stack)
        });
        let words = || ComposeError::Refused(String::from("no configuration file provided: not found"));
        Box::pin(std::future::ready(definition.ok_or_else(words)))
    }

    fn run<'a>(
        &'a self,
        project: &'a ComposeProject,
        args: &'a [String],
        lines: mpsc::Sender<OutputLine>,
    ) -> BoxFuture<'a, Result<(), ComposeError>> {
        Box::pin(compose::run(&self.player, project, args, lines))
    }
}

fn of_stack(stack: &StackScript) -> Definition {
    let created = stack
        .services
        .iter()
        .map(|service| (Arc::from(&*service.name), of_service(service, &stack.folder())));
    let absent = stack.absent.iter().map(|absent| {
        let definition = ServiceDefinition {
            image: absent.image.clone(),
            profiles: absent.profiles.clone(),
            depends_on: dependencies(&absent.depends_on),
            restart: String::from("unless-stopped"),
            replicas: 1,
            ports: absent.ports.iter().map(|port| port_of(&port.0)).collect(),
            ..ServiceDefinition::default()
        };
        (Arc::from(&*absent.name), definition)
    });
    let services: BTreeMap<Arc<str>, ServiceDefinition> = created.chain(absent).collect();
    let mounts = stack.services.iter().flat_map(|service| &service.mounts);
    let mut volumes: Vec<String> = mounts
        .filter(|mount| mount.0.kind == "volume")
        .map(|mount| mount.0.source.trim_start_matches(&format!("{}_", stack.name)).to_owned())
        .collect();
    volumes.sort();
    volumes.dedup();
    let prefix = format!("{}_", stack.name);
    let network = stack.network.as_deref().map_or("default", |name| name.trim_start_matches(&prefix));
    Definition {
        name: Arc::from(&*stack.name),
        services,
        text: document::lines(resolved(stack, network, &volumes)).into(),
        volumes,
        networks: vec![network.to_owned()],
        ..Definition::default()
    }
}

/// Writes what `docker compose config` would answer.
fn resolved(stack: &StackScript, network: &str, volumes: &[String]) -> Value {
    let named = |names: &[String]| -> Map<String, Value> {
        let full = |name: &String| (name.clone(), json!({ "name": format!("{}_{name}", stack.name) }));
        names.iter().map(full).collect()
    };
    let needs = |depends_on: &BTreeMap<Spanned<String>, Condition>| -> Map<String, Value> {
        let of = |dep: Dependency| {
            (dep.service.to_string(), json!({ "condition": dep.condition.word(), "required": dep.required }))
        };
        dependencies(depends_on).into_iter().map(of).collect()
    };
    let ports = |ports: &[crate::adapters::scenario::units::PortSpec]| -> Vec<String> {
        ports.iter().map(|port| port.0.to_string()).collect()
    };
    let mut services = Map::new();
    for service in &stack.services {
        let env = service.env.iter().map(|line| line.split_once('=').unwrap_or((line, "")));
        let env: Map<String, Value> = env.map(|(key, value)| (key.to_owned(), json!(value))).collect();
        let mounts = service.mounts.iter().map(
            |mount| json!({ "type": mount.0.kind, "source": mount.0.source, "target": mount.0.destination }),
        );
        let check = service.health.as_ref().map(|health| {
            json!({
                "test": health.test, "interval": format!("{}s", health.interval.0.as_secs()),
                "timeout": format!("{}s", health.timeout.0.as_secs()), "retries": health.retries,
            })
        });
        let mut value = json!({
            "image": service.image, "command": service.command, "restart": service.restart.word(),
            "environment": env, "ports": ports(&service.ports), "depends_on": needs(&service.depends_on),
            "profiles": service.profiles, "volumes": mounts.collect::<Vec<_>>(), "healthcheck": check,
            "networks": [network],
        });
        drop_empty(&mut value);
        services.insert(service.name.clone(), value);
    }
    for absent in &stack.absent {
        let mut value = json!({
            "image": absent.image, "profiles": absent.profiles, "ports": ports(&absent.ports),
            "depends_on": needs(&absent.depends_on), "networks": [network],
        });
        drop_empty(&mut value);
        services.insert(absent.name.clone(), value);
    }
    json!({
        "name": stack.name, "services": services,
        "networks": named(&[network.to_owned()]), "volumes": named(volumes),
    })
}

/// Compose does not write what was not given.
fn drop_empty(value: &mut Value) {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    if let Value::Object(fields) = value {
        fields.retain(|_, value| !is_empty(value));
    }
}

fn of_service(service: &ServiceScript, folder: &Path) -> ServiceDefinition {
    let context = service.sources.as_ref().and_then(|sources| sources.context.as_ref());
    let build = context.map(|context| BuildSection {
        context: folder.join(context).display().to_string(),
        ..BuildSection::default()
    });
    let rules = service.sources.iter().flat_map(|sources| &sources.rules);
    ServiceDefinition {
        build,
        watch: rules.map(|rule| rule.rule(folder)).collect(),
        image: service.image.clone(),
        container_name: service.container_name.clone().unwrap_or_default(),
        builds: compose::is_built(&service.image),
        profiles: service.profiles.clone(),
        depends_on: dependencies(&service.depends_on),
        restart: service.restart.word().to_owned(),
        has_health_check: service.health.is_some(),
        replicas: service.replicas,
        ports: service.ports.iter().map(|port| port_of(&port.0)).collect(),
        ..ServiceDefinition::default()
    }
}

fn dependencies(depends_on: &BTreeMap<Spanned<String>, Condition>) -> Vec<Dependency> {
    depends_on
        .iter()
        .map(|(service, condition)| Dependency {
            service: Arc::from(&**service.get_ref()),
            condition: (*condition).into(),
            required: true,
        })
        .collect()
}

/// Writes a port as Compose's answer has it: `8080:80/tcp`.
fn port_of(port: &Port) -> String {
    let published = port.host_port.map_or_else(String::new, |host| format!("{host}:"));
    format!("{published}{}/{}", port.container_port, port.protocol)
}
