//! What the compose files of a scenario's stacks would say, services behind profiles included.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use toml::Spanned;

use crate::adapters::scenario::compose;
use crate::adapters::scenario::engine::Stage;
use crate::adapters::scenario::script::{Condition, ServiceScript, StackScript};
use crate::model::compose::{ComposeProject, Definition, ServiceDefinition};
use crate::model::containers::Dependency;
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
        lines: mpsc::Sender<String>,
    ) -> BoxFuture<'a, Result<(), ComposeError>> {
        Box::pin(compose::run(&self.player, project, args, lines))
    }
}

fn of_stack(stack: &StackScript) -> Definition {
    let created = stack.services.iter().map(|service| (Arc::from(&*service.name), of_service(service)));
    let absent = stack.absent.iter().map(|absent| {
        let definition = ServiceDefinition {
            image: absent.image.clone(),
            profiles: absent.profiles.clone(),
            depends_on: dependencies(&absent.depends_on),
            restart: String::from("unless-stopped"),
            replicas: 1,
            ports: absent.ports.iter().map(|port| port.0.to_string()).collect(),
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
    Definition { name: Arc::from(&*stack.name), services, volumes, networks: vec![network.to_owned()] }
}

fn of_service(service: &ServiceScript) -> ServiceDefinition {
    ServiceDefinition {
        image: service.image.clone(),
        // Images without a registry's name or a version are built here.
        builds: service.image.ends_with(":latest") && !service.image.contains('/'),
        profiles: service.profiles.clone(),
        depends_on: dependencies(&service.depends_on),
        restart: service.restart.word().to_owned(),
        has_health_check: service.health.is_some(),
        replicas: service.replicas,
        ports: service.ports.iter().map(|port| port.0.to_string()).collect(),
        watch_rules: 0,
    }
}

fn dependencies(depends_on: &BTreeMap<Spanned<String>, Condition>) -> Vec<Dependency> {
    depends_on
        .iter()
        .map(|(service, condition)| Dependency {
            service: Arc::from(&**service.get_ref()),
            condition: (*condition).into(),
        })
        .collect()
}
