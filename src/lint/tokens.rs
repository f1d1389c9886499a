//! Where the rules of tokens send secrets.

use crate::lint::document::Document;
use crate::lint::places::Place;
use crate::lint::{Findings, Rule, Subject};
use crate::model::findings::FindingSeverity::Warning;
use crate::model::tokens::{HttpCall, TokenRead, TokenRefresh, TokenRule};

pub const PLAIN: Rule =
    Rule { name: "token-plain-http", why: "Whoever is on the way can read the token, and what it opens" };

/// The rule of a token, and where it was written.
#[derive(Clone, Debug)]
pub struct WrittenRule {
    pub rule: TokenRule,
    /// As it is shown; `None`: a label.
    pub file: Option<String>,
    pub text: String,
}

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for written in &subject.facts.tokens {
        let rule = &written.rule;
        for (what, url) in calls(rule) {
            let Some(host) = plain_host(url).filter(|host| !is_near(host, subject.document)) else {
                continue;
            };
            let message = format!(
                "The token {} {what} over plain http at {host}, which is neither this machine nor a container",
                rule.name
            );
            let fix = String::from("Use https, or the address of a container or of this machine");
            let service = rule.service.as_deref();
            let place = match (&written.file, service) {
                (Some(file), _) => Place { file: Some(file.clone()), line: line_of(&written.text, url) },
                (None, Some(service)) => subject.places.of(service, &["labels"]),
                (None, None) => Place::default(),
            };
            findings.add(PLAIN, Warning, service, place, (message, fix));
        }
    }
}

/// Lists what is sent where.
fn calls(rule: &TokenRule) -> Vec<(&'static str, &str)> {
    fn url<'a>(what: &'static str, call: &'a HttpCall) -> (&'static str, &'a str) {
        (what, call.url.as_str())
    }
    let mut all = Vec::new();
    if let TokenRead::Http(call) = &rule.read {
        all.push(url("is read", call));
    }
    match &rule.refresh {
        Some(TokenRefresh::Http(call)) => all.push(url("is refreshed", call)),
        Some(TokenRefresh::Oauth(grant)) => all.push(("is refreshed", grant.url.as_str())),
        Some(TokenRefresh::Exec(_) | TokenRefresh::Restart) | None => {}
    }
    if let Some(authorize) = &rule.authorize {
        all.push(url("is authorized", &authorize.http));
        all.extend(authorize.status.as_ref().map(|call| url("is authorized", call)));
    }
    all
}

/// Returns the host of an address without TLS, without user and port.
fn plain_host(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let host = match place.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    };
    Some(host.to_ascii_lowercase())
}

/// Whether nobody is on the way: this machine, or a container of this stack.
fn is_near(host: &str, document: &Document) -> bool {
    let loops = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let named = host == "localhost" || host.ends_with(".localhost") || host == "host.docker.internal";
    let contained = document
        .services
        .iter()
        .any(|(name, service)| name == host || service.container_name.as_deref() == Some(host));
    // Nobody outside has a name without a dot: what is reached by it is on a network of containers.
    loops || named || contained || !host.contains(['.', ':'])
}

/// Returns the line that an address stands in.
fn line_of(text: &str, url: &str) -> Option<u32> {
    let at = text.lines().position(|line| line.contains(url))?;
    u32::try_from(at + 1).ok()
}
