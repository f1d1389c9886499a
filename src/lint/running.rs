//! How services run: restart policies in production, replicas, profiles.

use crate::lint::document::Service;
use crate::lint::places::Place;
use crate::lint::{Findings, Rule, Subject};
use crate::model::findings::FindingSeverity::{Error, Warning};

pub const NO_RESTART: Rule = Rule {
    name: "restart-missing",
    why: "After a crash or a restart of the machine it stays down until somebody notices",
};
pub const NAMED_REPLICAS: Rule = Rule {
    name: "container-name-replicas",
    why: "A container's name is unique: the second replica cannot be created",
};
pub const PROFILE: Rule =
    Rule { name: "profile-unknown", why: "Nothing starts by it, and Compose does not say so" };

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for (name, service) in &subject.document.services {
        restart(subject, name, service, findings);
        if service.container_name.is_some() && service.replicas() > 1 {
            findings.add(
                NAMED_REPLICAS,
                Error,
                Some(name),
                subject.places.of(name, &["container_name"]),
                (
                    format!("It has a container_name and {} replicas", service.replicas()),
                    String::from("Take container_name out; Compose numbers the replicas"),
                ),
            );
        }
    }
    let known: Vec<&String> = subject.document.services.values().flat_map(|s| &s.profiles).collect();
    for (profile, file) in &subject.facts.profiles {
        if profile == "*" || known.contains(&profile) {
            continue;
        }
        let mut names: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let fix = if names.is_empty() {
            String::from("Take it out of COMPOSE_PROFILES: no service has a profile")
        } else {
            format!("Profiles there are: {}", names.join(", "))
        };
        let place = Place { file: file.as_ref().map(|file| file.display().to_string()), line: None };
        findings.add(
            PROFILE,
            Warning,
            None,
            place,
            (format!("COMPOSE_PROFILES switches on {profile}, which no service has"), fix),
        );
    }
}

fn restart(subject: &Subject<'_>, name: &str, service: &Service, findings: &mut Findings) {
    let decided = service.restart.as_deref().is_some_and(|policy| !policy.is_empty())
        || service.deploy.as_ref().is_some_and(|deploy| deploy.restart_policy.is_some());
    if decided || !(subject.production || is_production(service)) || is_one_shot(subject, name) {
        return;
    }
    findings.add(
        NO_RESTART,
        Warning,
        Some(name),
        subject.places.service(name),
        (
            String::from("It has no restart policy in production"),
            String::from("Add restart: unless-stopped, or restart: \"no\" if it is meant to end"),
        ),
    );
}

fn is_production(service: &Service) -> bool {
    ["NODE_ENV", "APP_ENV", "ENVIRONMENT", "RAILS_ENV", "FLASK_ENV", "ASPNETCORE_ENVIRONMENT"]
        .iter()
        .filter_map(|key| service.variable(key))
        .any(|value| value.eq_ignore_ascii_case("production") || value.eq_ignore_ascii_case("prod"))
}

/// Whether others wait until it has done its work.
fn is_one_shot(subject: &Subject<'_>, name: &str) -> bool {
    let services = subject.document.services.values();
    services
        .filter_map(|service| service.depends_on.get(name))
        .any(|on| on.condition == "service_completed_successfully")
}
