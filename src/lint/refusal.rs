//! What Compose refuses, in its own words: which rule it is, and where it stands.

use crate::lint::places::{Place, Places};
use crate::lint::{Findings, Rule, dependencies, environment, images, ports, running};
use crate::model::findings::{Finding, FindingSeverity};

pub const REFUSED: Rule =
    Rule { name: "compose-refused", why: "Compose refuses the whole stack: nothing of it starts" };
pub const BROKEN: Rule =
    Rule { name: "yaml-broken", why: "The file cannot be read: nothing of the stack starts" };
pub const FIELD: Rule = Rule { name: "field-unknown", why: REFUSED.why };
pub const ENV_FILE: Rule = Rule { name: "env-file-missing", why: REFUSED.why };
pub const FILE: Rule = Rule { name: "file-missing", why: REFUSED.why };

/// A variable that Compose does not go on without.
pub fn required_variable(words: &str) -> Option<&str> {
    let rest = words.split_once("required variable ")?.1;
    let name = rest.split(' ').next()?;
    rest.contains("is missing a value").then_some(name)
}

/// Makes a finding of a refusal.
pub fn findings(words: &str, places: &Places) -> Vec<Finding> {
    let (rule, service, place, fix) = judge(words, places);
    let mut findings = Findings::default();
    findings.add(rule, FindingSeverity::Error, service, place, (words.to_owned(), fix));
    findings.0
}

fn judge<'a>(words: &'a str, places: &Places) -> (Rule, Option<&'a str>, Place, String) {
    let service = quoted_after(words, "service ").or_else(|| service_in_path(words));
    let at_service = |key: &[&str]| service.map_or_else(|| places.stack(), |name| places.of(name, key));
    if let Some(name) = required_variable(words) {
        let (place, _) = places.variable(name);
        let fix =
            format!("Set {name} in .env beside the compose file, or in the shell that starts the stack");
        return (environment::UNSET, service, place, fix);
    }
    let lower = words.to_lowercase();
    if lower.starts_with("yaml:") || lower.contains(" yaml: ") || !places.faults.is_empty() {
        // Our own reader is nearer to the fault than Compose's often is.
        let fault = places.faults.first();
        let place = fault.map_or_else(|| told_place(words, places), |fault| fault.place.clone());
        let what = fault.map_or_else(String::new, |fault| format!(" ({})", fault.what));
        return (
            BROKEN,
            None,
            place,
            format!("Correct the YAML there{what}: look at indentation and colons"),
        );
    }
    if lower.contains("depends on undefined service") {
        let fix = String::from("Correct the name under depends_on, or add the service");
        return (dependencies::UNKNOWN, service, at_service(&["depends_on"]), fix);
    }
    if lower.contains("dependency cycle detected") {
        let first = words.rsplit(": ").next().and_then(|path| path.split(" -> ").next());
        let place = first.map_or_else(|| places.stack(), |name| places.of(name, &["depends_on"]));
        return (dependencies::CYCLE, first, place, String::from("Take one of them out of depends_on"));
    }
    if lower.contains("neither an image nor a build") {
        let fix = String::from("Add image: NAME or build: FOLDER");
        return (images::MISSING, service, at_service(&[]), fix);
    }
    if lower.contains("invalid hostport")
        || lower.contains("invalid containerport")
        || lower.contains("invalid port")
    {
        let port = words.rsplit(": ").next().unwrap_or_default();
        let (place, service) = places.value(port);
        let known = service.is_some();
        let place = if known { place } else { places.stack() };
        return (ports::RANGE, None, place, String::from("Choose a port from 1 to 65535"));
    }
    if lower.contains("env file") && lower.contains("not found") {
        let name = words.split("env file ").nth(1).and_then(|rest| rest.split(" not found").next());
        let base = name.and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let (place, _) = places.value(base);
        return (ENV_FILE, None, place, String::from("Create the file, or set required: false for it"));
    }
    if lower.contains("can't set container_name") {
        let fix = String::from("Take container_name out; Compose numbers the replicas");
        // The words before name no service: "services.deploy.replicas: can't set container_name and web as …".
        let service = words.split("container_name and ").nth(1).and_then(|rest| rest.split(' ').next());
        let place = service.map_or_else(|| places.stack(), |name| places.of(name, &["container_name"]));
        return (running::NAMED_REPLICAS, service, place, fix);
    }
    if let Some(field) = words.split("Additional property ").nth(1).and_then(|rest| rest.split(' ').next()) {
        let place = at_service(&[field]);
        return (FIELD, service, place, format!("Correct the spelling of {field}, or take it out"));
    }
    if lower.contains("no such file or directory") {
        let name = words.split("open ").nth(1).or_else(|| words.split("stat ").nth(1));
        let base = name.and_then(|rest| rest.split(": ").next()).and_then(|path| path.rsplit('/').next());
        let (place, _) = places.value(base.unwrap_or_default());
        return (FILE, service, place, String::from("Create the file, or correct its name"));
    }
    let key = words.split("services.").nth(1).and_then(|rest| rest.split([' ', ':']).next());
    let key: Vec<&str> = key.map(|path| path.split('.').skip(1).collect()).unwrap_or_default();
    (
        REFUSED,
        service,
        at_service(&key),
        String::from("Change what Compose names until docker compose config accepts it"),
    )
}

/// Returns `a` of `service "a" …`.
fn quoted_after<'a>(words: &'a str, before: &str) -> Option<&'a str> {
    words.split_once(&format!("{before}\""))?.1.split('"').next()
}

/// Returns `a` of `services.a.ports …`.
fn service_in_path(words: &str) -> Option<&str> {
    words.split("services.").nth(1)?.split(['.', ' ', ':']).next().filter(|name| !name.is_empty())
}

/// Reads `line 4` out of Compose's words.
fn told_place(words: &str, places: &Places) -> Place {
    let number = words
        .split("line ")
        .nth(1)
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
    Place { line: number, ..places.stack() }
}
