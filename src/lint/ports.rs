//! Ports: out of range, taken by somebody else, wanted twice, left to chance, not the Dockerfile's.

use std::net::IpAddr;

use crate::lint::document::{Document, Port, Service};
use crate::lint::facts::{Listener, Questions};
use crate::lint::images::stage_of;
use crate::lint::places::Place;
use crate::lint::{Findings, Rule, Subject};
use crate::model::findings::FindingSeverity::{Error, Warning};
use crate::model::findings::HeldPort;

pub const RANGE: Rule = Rule {
    name: "port-range",
    why: "There are ports from 1 to 65535 only: the engine refuses to start the service",
};
pub const TAKEN: Rule = Rule {
    name: "port-taken",
    why: "One port has one owner: the engine refuses to start the service while another listens there",
};
pub const TWICE: Rule =
    Rule { name: "port-twice", why: "Only the first of them starts; the engine refuses the other" };
pub const RANDOM: Rule = Rule {
    name: "port-random",
    why: "Without a host part the engine chooses a free port anew at each start, and whoever calls it has to ask",
};
pub const DISAGREES: Rule = Rule {
    name: "port-disagrees",
    why: "If nothing listens on that port inside, connections are accepted and cut at once",
};

/// Ports of one range that are looked at.
const RANGE_AT_MOST: usize = 256;

/// A published port of one service.
struct Published<'a> {
    service: &'a str,
    profiles: &'a [String],
    port: u16,
    protocol: &'a str,
    ip: Option<IpAddr>,
    place: Place,
}

pub fn ask(document: &Document, questions: &mut Questions) {
    for port in document.services.values().flat_map(|service| &service.ports) {
        questions.ports.extend(numbers(&port.published()));
    }
}

/// Returns the ports that are meant; those out of range and those of endless ranges are left out.
fn numbers(published: &str) -> impl Iterator<Item = u16> + use<> {
    let (first, last) = bounds(published).unwrap_or((1, 0));
    (first..=last).take(RANGE_AT_MOST).filter_map(|number| u16::try_from(number).ok())
}

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let mut published = Vec::new();
    for (name, service) in &subject.document.services {
        variables(subject, name, service, findings);
        for (index, port) in service.ports.iter().enumerate() {
            let place = place_of(subject, name, port, index);
            let before = findings.0.len();
            range(name, port, &place, findings);
            if findings.0.len() > before {
                continue;
            }
            random(name, service, port, &place, findings);
            disagrees(subject, name, service, port, &place, findings);
            for number in numbers(&port.published()) {
                published.push(Published {
                    service: name,
                    profiles: &service.profiles,
                    port: number,
                    protocol: port.protocol(),
                    ip: address(port.host_ip.as_deref()),
                    place: place.clone(),
                });
            }
        }
    }
    twice(&published, findings);
    for wanted in &published {
        taken(subject, wanted, findings);
    }
}

/// Finds the item by its number; several short ports may come from one range.
fn place_of(subject: &Subject<'_>, name: &str, port: &Port, index: usize) -> Place {
    let target = port.target.unwrap_or_default().to_string();
    let published = port.published();
    let fits = |text: &str| {
        let bare = text.split('/').next().unwrap_or_default();
        bare == target
            || bare.ends_with(&format!(":{target}"))
            || (!published.is_empty() && bare == published)
    };
    let found = subject.places.item_with(name, "ports", fits);
    let list = subject.places.of(name, &["ports"]);
    if found == list { subject.places.item(name, "ports", index) } else { found }
}

fn range(name: &str, port: &Port, place: &Place, findings: &mut Findings) {
    let outside = |number: i64| !(1..=65535).contains(&number);
    let published = port.published();
    let wrong = match bounds(&published) {
        Some((first, last)) if outside(first) || outside(last) => Some(published),
        _ => port.target.filter(|target| outside(*target)).map(|target| target.to_string()),
    };
    if let Some(wrong) = wrong {
        findings.add(
            RANGE,
            Error,
            Some(name),
            place.clone(),
            (format!("{wrong} is no port"), String::from("Choose a port from 1 to 65535")),
        );
    }
}

/// Variables that name a port are told to the program inside.
fn variables(subject: &Subject<'_>, name: &str, service: &Service, findings: &mut Findings) {
    for key in service.environment.keys().filter(|key| *key == "PORT" || key.ends_with("_PORT")) {
        let value = service.variable(key).unwrap_or_default();
        if value.parse::<i64>().is_ok_and(|number| !(0..=65535).contains(&number)) {
            let place = subject
                .places
                .environment(name, key)
                .map_or_else(|| subject.places.service(name), |(place, _)| place);
            findings.add(
                RANGE,
                Error,
                Some(name),
                place,
                (
                    format!("{key} is {value}, which is no port"),
                    format!("Set {key} to a port from 1 to 65535"),
                ),
            );
        }
    }
}

fn random(name: &str, service: &Service, port: &Port, place: &Place, findings: &mut Findings) {
    // Replicas cannot share one host port: there a random one is meant.
    if !port.published().is_empty() || service.replicas() > 1 {
        return;
    }
    let target = port.target.unwrap_or_default();
    findings.add(
        RANDOM,
        Warning,
        Some(name),
        place.clone(),
        (
            format!("Port {target} is published on a random port of the host"),
            format!(
                "Name the host's port (\"{target}:{target}\"), or use expose: if only other services call it"
            ),
        ),
    );
}

fn disagrees(
    subject: &Subject<'_>,
    name: &str,
    service: &Service,
    port: &Port,
    place: &Place,
    findings: &mut Findings,
) {
    let Some((stage, file)) = stage_of(subject, service) else { return };
    let Some(exposed) = stage.ports.filter(|ports| !ports.is_empty()) else { return };
    let Some(target) = port.target.and_then(|target| u16::try_from(target).ok()) else { return };
    if exposed.contains(&target) {
        return;
    }
    let list: Vec<String> = exposed.iter().map(u16::to_string).collect();
    let line = stage.ports_line.unwrap_or(1);
    findings.add(
        DISAGREES,
        Warning,
        Some(name),
        place.clone(),
        (
            format!("Port {target} is published, the Dockerfile exposes {}", list.join(", ")),
            format!("Publish {}, or correct EXPOSE in {file}:{line}", list.join(" or ")),
        ),
    );
}

fn twice(published: &[Published<'_>], findings: &mut Findings) {
    for (index, later) in published.iter().enumerate() {
        let earlier = published[..index].iter().find(|earlier| {
            earlier.service != later.service
                && earlier.port == later.port
                && earlier.protocol == later.protocol
                && overlap(earlier.ip, later.ip)
                && may_be_up_together(earlier.profiles, later.profiles)
        });
        if let Some(earlier) = earlier {
            findings.add(
                TWICE,
                Error,
                Some(later.service),
                later.place.clone(),
                (
                    format!("Port {} is published by {} as well", later.port, earlier.service),
                    String::from("Give one of them another port on the host"),
                ),
            );
        }
    }
}

/// Services of different profiles are usually meant as one or the other.
fn may_be_up_together(one: &[String], other: &[String]) -> bool {
    one.is_empty() || other.is_empty() || one.iter().any(|profile| other.contains(profile))
}

fn taken(subject: &Subject<'_>, wanted: &Published<'_>, findings: &mut Findings) {
    let standing = subject.standing;
    let same = |held: &&HeldPort| {
        held.port == wanted.port
            && held.protocol == wanted.protocol
            && overlap(address(held.host_ip.as_deref()), wanted.ip)
    };
    let mut holders = standing.ports.iter().filter(same).peekable();
    let known = holders.peek().is_some();
    let foreign = holders.find(|held| !standing.own.contains(&held.id));
    let by = if let Some(held) = foreign {
        format!("container {} of {}", held.container, held.stack)
    } else {
        // Its own container holds it: that is how it should be.
        if known || !subject.facts.local {
            return;
        }
        let listener = subject.facts.listeners.iter().find(|listener| {
            listener.port == wanted.port
                && listener.protocol == wanted.protocol
                && overlap(listener.address, wanted.ip)
        });
        let Some(listener) = listener else { return };
        match by_listener(subject, listener) {
            Some(by) => by,
            None => return,
        }
    };
    // What nobody switched on disturbs nobody yet.
    let severity = if wanted.profiles.is_empty() { Error } else { Warning };
    let (port, service) = (wanted.port, wanted.service);
    findings.add(
        TAKEN,
        severity,
        Some(service),
        wanted.place.clone(),
        (
            format!("Port {port} of this machine is taken by {by}"),
            format!("Give {service} another host port, or stop what holds {port}"),
        ),
    );
}

/// Names who listens; `None`: a container of the stack itself, or one that nobody knows.
fn by_listener(subject: &Subject<'_>, listener: &Listener) -> Option<String> {
    let Some(owner) = &listener.owner else { return Some(String::from("another process")) };
    match &owner.container {
        Some(id) if subject.standing.own.iter().any(|own| own == id) => None,
        Some(id) => Some(format!("{} in container {}", owner.name, &id[..id.len().min(12)])),
        // Whose container that is would be known; a new one of the stack's own may not be listed yet.
        None if owner.name == "docker-proxy" => None,
        None => Some(format!("process {} ({})", owner.name, owner.pid)),
    }
}

/// Reads `8000` or `8000-8010`.
fn bounds(published: &str) -> Option<(i64, i64)> {
    match published.split_once('-') {
        Some((first, last)) => Some((first.parse().ok()?, last.parse().ok()?)),
        None => published.parse().ok().map(|number| (number, number)),
    }
}

fn address(text: Option<&str>) -> Option<IpAddr> {
    text?.parse().ok().filter(|ip: &IpAddr| !ip.is_unspecified())
}

/// Whether two addresses get in each other's way; `None` is every address.
fn overlap(one: Option<IpAddr>, other: Option<IpAddr>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}
