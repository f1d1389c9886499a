//! Well-known services that let everyone in.

use crate::lint::document::Service;
use crate::lint::{Findings, Rule, Subject};
use crate::model::findings::FindingSeverity::Warning;

pub const OPEN: Rule =
    Rule { name: "auth-missing", why: "Everyone who reaches the port may read and change all data" };

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for (name, service) in &subject.document.services {
        let Some((what, fix, key)) = fault_of(service) else { continue };
        let place = key
            .and_then(|key| subject.places.environment(name, key))
            .map_or_else(|| subject.places.of(name, &["image"]), |(place, _)| place);
        findings.add(OPEN, Warning, Some(name), place, (what.to_owned(), fix.to_owned()));
    }
}

/// Returns what is open, how to close it, and the variable that it hangs on.
fn fault_of(service: &Service) -> Option<(&'static str, &'static str, Option<&'static str>)> {
    let value = |key: &str| service.variable(key).unwrap_or_default().to_lowercase();
    let is = |key: &str, word: &str| value(key) == word;
    let published = !service.ports.is_empty();
    if service.is_image("mongo-express") {
        let off = is("ME_CONFIG_BASICAUTH", "false");
        // Its default name and password are printed in its manual.
        return (off || value("ME_CONFIG_BASICAUTH_USERNAME").is_empty()).then_some((
            "mongo-express runs without authentication",
            "Set ME_CONFIG_BASICAUTH=true, ME_CONFIG_BASICAUTH_USERNAME and ME_CONFIG_BASICAUTH_PASSWORD",
            Some("ME_CONFIG_BASICAUTH"),
        ));
    }
    if service.is_image("mongo") && published {
        let named = ["MONGO_INITDB_ROOT_USERNAME", "MONGO_INITDB_ROOT_USERNAME_FILE"];
        return named.iter().all(|key| value(key).is_empty()).then_some((
            "mongo is published without authentication",
            "Set MONGO_INITDB_ROOT_USERNAME and _PASSWORD, or publish on 127.0.0.1 only, or not at all",
            None,
        ));
    }
    if is("POSTGRES_HOST_AUTH_METHOD", "trust") {
        return Some((
            "postgres trusts every connection",
            "Take POSTGRES_HOST_AUTH_METHOD out and set POSTGRES_PASSWORD",
            Some("POSTGRES_HOST_AUTH_METHOD"),
        ));
    }
    for key in ["MYSQL_ALLOW_EMPTY_PASSWORD", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD"] {
        if ["1", "true", "yes"].contains(&&*value(key)) {
            return Some((
                "The database's root has no password",
                "Set MYSQL_ROOT_PASSWORD (MARIADB_ROOT_PASSWORD) instead",
                Some(if key.starts_with("MYSQL") {
                    "MYSQL_ALLOW_EMPTY_PASSWORD"
                } else {
                    "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD"
                }),
            ));
        }
    }
    if is("xpack.security.enabled", "false") && published {
        return Some((
            "Elasticsearch is published with its security off",
            "Set xpack.security.enabled=true, or publish on 127.0.0.1 only",
            Some("xpack.security.enabled"),
        ));
    }
    None
}
