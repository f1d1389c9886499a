//! Who waits for whom: unknown services, circles, health that nobody reports.

use std::collections::BTreeSet;

use crate::lint::document::Service;
use crate::lint::images::stage_of;
use crate::lint::{Findings, Rule, Subject};
use crate::model::findings::FindingSeverity::{Error, Warning};

pub const UNKNOWN: Rule =
    Rule { name: "depends-unknown", why: "Compose refuses the whole stack: nothing of it starts" };
pub const CYCLE: Rule =
    Rule { name: "depends-cycle", why: "Each waits for the other: Compose refuses the whole stack" };
pub const NO_CHECK: Rule = Rule {
    name: "healthy-without-check",
    why: "Without a health check nothing is ever healthy: up waits, fails, and leaves the service created",
};

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let services = &subject.document.services;
    for (name, service) in services {
        for (other, on) in &service.depends_on {
            let place = subject.places.of(name, &["depends_on", other]);
            let Some(dependency) = services.get(other) else {
                findings.add(
                    UNKNOWN,
                    Error,
                    Some(name),
                    place,
                    (
                        format!("It depends on {other}, which is no service"),
                        String::from("Correct the name under depends_on, or add the service"),
                    ),
                );
                continue;
            };
            if on.condition != "service_healthy" {
                continue;
            }
            let severity = match has_check(subject, other, dependency) {
                Some(true) => continue,
                Some(false) => Error,
                None => Warning,
            };
            let maybe = if severity == Warning { " unless its image brings one" } else { "" };
            findings.add(
                NO_CHECK,
                severity,
                Some(name),
                place,
                (
                    format!("It waits until {other} is healthy, but {other} has no health check{maybe}"),
                    format!("Add a healthcheck: to {other}, or wait for service_started"),
                ),
            );
        }
    }
    if let Some(circle) = circle(subject) {
        let first = circle.first().copied().unwrap_or_default();
        findings.add(
            CYCLE,
            Error,
            Some(first),
            subject.places.of(first, &["depends_on"]),
            (
                format!("Services wait for each other: {}", circle.join(" → ")),
                String::from("Take one of them out of depends_on"),
            ),
        );
    }
}

/// Whether a service has a health check, its image's included; `None`: not known.
fn has_check(subject: &Subject<'_>, name: &str, service: &Service) -> Option<bool> {
    if let Some(check) = &service.healthcheck {
        if check.disable || check.test.first().is_some_and(|word| word == "NONE") {
            return Some(false);
        }
        if !check.test.is_empty() {
            return Some(true);
        }
    }
    let image = service.image_name(&subject.document.name, name);
    let from_image = subject.facts.images.get(&image).map(|facts| facts.has_health_check);
    match stage_of(subject, service) {
        Some((stage, _)) if stage.has_health_check => Some(true),
        // The image below may bring one; what was built of it tells.
        _ => from_image,
    }
}

fn circle<'a>(subject: &Subject<'a>) -> Option<Vec<&'a str>> {
    let services = &subject.document.services;
    let mut clear = BTreeSet::new();
    for start in services.keys() {
        let mut path: Vec<&str> = vec![start];
        let mut left: Vec<Vec<&str>> = vec![services[start].depends_on.keys().map(String::as_str).collect()];
        while let Some(next) = left.last_mut() {
            let Some(name) = next.pop() else {
                left.pop();
                clear.extend(path.pop());
                continue;
            };
            if let Some(at) = path.iter().position(|known| *known == name) {
                let mut found = path[at..].to_vec();
                found.push(name);
                return Some(found);
            }
            if clear.contains(name) {
                continue;
            }
            if let Some(service) = services.get(name) {
                path.push(name);
                left.push(service.depends_on.keys().map(String::as_str).collect());
            }
        }
    }
    None
}
