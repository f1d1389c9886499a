//! Variables: unset ones, short secrets, secrets written into files.

use crate::lint::document::Service;
use crate::lint::places::{Place, mentions};
use crate::lint::{Findings, Rule, Subject};
use crate::model::findings::FindingSeverity::{Error, Info, Warning};
use crate::model::redact;

pub const UNSET: Rule = Rule {
    name: "env-unset",
    why: "The service starts with an empty value: it refuses to start, or runs without what it needs",
};
pub const SHORT: Rule = Rule {
    name: "secret-short",
    why: "Whoever gets one signed message can try out short secrets offline and sign messages of their own",
};
pub const INLINE: Rule = Rule {
    name: "secret-inline",
    why: "Whoever may read the file or its history in git has the secret, and every copy of the stack shares it",
};
pub const TRACKED: Rule = Rule {
    name: "env-tracked",
    why: "What git has seen stays in its history and goes wherever the repository goes",
};
pub const TOLD: Rule =
    Rule { name: "compose-warning", why: "Compose goes on, but not necessarily the way that was meant" };

/// Characters below which a signing secret is called short.
const SHORTEST: usize = 32;

/// Variables without which the services that know them do not start, or are open to everyone.
const REQUIRED: [&str; 16] = [
    "JWT_SECRET",
    "JWT_SECRET_KEY",
    "JWT_KEY",
    "SECRET_KEY",
    "SECRET_KEY_BASE",
    "DJANGO_SECRET_KEY",
    "SESSION_SECRET",
    "APP_SECRET",
    "APP_KEY",
    "AUTH_SECRET",
    "NEXTAUTH_SECRET",
    "BETTER_AUTH_SECRET",
    "ENCRYPTION_KEY",
    "POSTGRES_PASSWORD",
    "MYSQL_ROOT_PASSWORD",
    "MONGO_INITDB_ROOT_PASSWORD",
];

/// Ends of names of secrets that something is signed or encrypted with.
const SIGNING: [&str; 7] =
    ["SECRET", "SECRET_KEY", "SECRET_KEY_BASE", "SIGNING_KEY", "ENCRYPTION_KEY", "JWT_KEY", "SESSION_KEY"];

/// Whether the value does for a stand-in that stands where a required variable was missing.
pub const STAND_IN: &str = "a-stand-in-of-stackdash-for-a-variable-that-is-not-set";

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let unset = told(subject, findings);
    for (name, service) in &subject.document.services {
        for key in service.environment.keys() {
            let value = service.variable(key).unwrap_or_default();
            let written = subject.places.environment(name, key);
            let place = written
                .as_ref()
                .map_or_else(|| subject.places.of(name, &["env_file"]), |(place, _)| place.clone());
            if value.contains(STAND_IN) {
                continue;
            }
            if value.is_empty() {
                let text = written.as_ref().map_or("", |(_, text)| *text);
                let told = unset.iter().any(|variable| mentions(text, variable));
                if !told {
                    empty(name, service, key, place, findings);
                }
                continue;
            }
            let signing = is_signing(key);
            if signing && value.chars().count() < SHORTEST && !is_reference(value) {
                findings.add(
                    SHORT,
                    Warning,
                    Some(name),
                    place.clone(),
                    (
                        format!("{key} has {} characters", value.chars().count()),
                        format!("Give {key} at least {SHORTEST} random characters: openssl rand -hex 32"),
                    ),
                );
            }
            if let Some((_, text)) = written
                && !text.contains('$')
                && is_secret(key, value)
            {
                findings.add(
                    INLINE,
                    Warning,
                    Some(name),
                    place,
                    (
                        format!("{key} is written into the compose file"),
                        format!("Write ${{{key}}} there and the value into .env, or use a secret file"),
                    ),
                );
            }
        }
    }
    for file in &subject.facts.tracked {
        let shown = file.display().to_string();
        let base = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        findings.add(
            TRACKED,
            Warning,
            None,
            Place { file: Some(shown), line: None },
            (
                format!("{base} is tracked by git"),
                format!("git rm --cached {base}, add it to .gitignore, and change the secrets in it"),
            ),
        );
    }
}

/// Takes what Compose itself said; returns the variables that it missed.
fn told(subject: &Subject<'_>, findings: &mut Findings) -> Vec<String> {
    let mut unset: Vec<String> = Vec::new();
    for warning in subject.warnings {
        if let Some(name) = unset_variable(warning) {
            if unset.iter().any(|known| known == name) {
                continue;
            }
            unset.push(name.to_owned());
            let (place, service) = subject.places.variable(name);
            let severity = if is_required(subject, name) { Error } else { Warning };
            findings.add(
                UNSET,
                severity,
                service,
                place,
                (
                    format!("{name} is not set"),
                    format!(
                        "Set {name} in .env beside the compose file or give it a default: ${{{name}:-…}}"
                    ),
                ),
            );
        } else if warning.contains("attribute `version` is obsolete") {
            findings.add(
                TOLD,
                Info,
                None,
                subject.places.top(&["version"]),
                (String::from("version: means nothing any more"), String::from("Take the line out")),
            );
        } else {
            findings.add(
                TOLD,
                Warning,
                None,
                subject.places.stack(),
                (warning.clone(), String::from("Do what Compose says")),
            );
        }
    }
    unset
}

/// Reads `The "NAME" variable is not set. …`.
fn unset_variable(warning: &str) -> Option<&str> {
    let rest = warning.split_once("The \"")?.1;
    let (name, rest) = rest.split_once('"')?;
    rest.contains("variable is not set").then_some(name)
}

/// Whether something does not work without a variable.
fn is_required(subject: &Subject<'_>, variable: &str) -> bool {
    REQUIRED.contains(&variable)
        || subject.document.services.iter().any(|(name, service)| {
            REQUIRED.iter().any(|key| {
                service.variable(key) == Some("")
                    && subject.places.environment(name, key).is_some_and(|(_, text)| mentions(text, variable))
            })
        })
}

fn empty(name: &str, service: &Service, key: &str, place: Place, findings: &mut Findings) {
    let from_shell = service.environment.get(key).is_some_and(serde_json::Value::is_null);
    let required = REQUIRED.contains(&key) && !is_open_on_purpose(service);
    let severity = match (required, from_shell && redact::is_secret_name(key)) {
        (true, _) => Error,
        (false, true) => Warning,
        (false, false) => return,
    };
    let what = if from_shell { "is not set" } else { "is empty" };
    findings.add(
        UNSET,
        severity,
        Some(name),
        place,
        (
            format!("{key} {what}"),
            format!("Set {key} in .env beside the compose file, or in the shell that starts the stack"),
        ),
    );
}

/// Databases that were told to let everyone in need no password; that is another finding.
fn is_open_on_purpose(service: &Service) -> bool {
    let is_set = |key: &str| service.variable(key).is_some_and(|value| !value.is_empty());
    [
        "POSTGRES_HOST_AUTH_METHOD",
        "POSTGRES_PASSWORD_FILE",
        "MYSQL_ALLOW_EMPTY_PASSWORD",
        "MYSQL_RANDOM_ROOT_PASSWORD",
    ]
    .iter()
    .any(|key| is_set(key))
}

fn is_signing(key: &str) -> bool {
    let key = key.to_uppercase();
    // These are made by somebody else, who says how long they are.
    !key.contains("CLIENT") && !key.contains("WEBHOOK") && SIGNING.iter().any(|end| key.ends_with(end))
}

/// Whether a value is the place of a secret, not the secret.
fn is_reference(value: &str) -> bool {
    value.starts_with('/') || value.contains("://")
}

fn is_secret(key: &str, value: &str) -> bool {
    if key.to_uppercase().ends_with("_FILE") || ["true", "false", "yes", "no", "on", "off"].contains(&value) {
        return false;
    }
    let shown = redact::env_value(key, value);
    shown.contains(redact::MASK)
}
