//! What is wrong with `stackdash.toml` itself and with the labels that say the same: rules that cannot be read
//! watch over nothing.

use crate::lint::places::Place;
use crate::lint::{Findings, Rule, Subject};
use crate::model::findings::Finding;
use crate::model::findings::FindingSeverity::{Error, Warning};
use crate::model::stack_file::FILE_NAME;

pub const UNUSABLE: Rule = Rule {
    name: "stackdash-file",
    why: "Nothing of it holds until it can be read: no token, probe, action or budget of this stack",
};
pub const LABEL: Rule =
    Rule { name: "stackdash-label", why: "What it says does not hold: the token or probe is not looked at" };
pub const SERVICE: Rule = Rule {
    name: "stackdash-service",
    why: "The rule is about nothing: what it should look at is not looked at",
};
/// Services that are named as a choice.
const CHOICES: usize = 8;

/// Makes a finding of each fault of the file: `path:line: words`.
pub fn findings(faults: &[String]) -> Vec<Finding> {
    let mut findings = Findings::default();
    for fault in faults {
        let (place, words) = taken_apart(fault);
        let fix = format!("Correct {FILE_NAME} there");
        findings.add(UNUSABLE, Error, None, place, (words.to_owned(), fix));
    }
    findings.0
}

/// Finds labels that cannot be used, and rules about services that the stack has not.
pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let services = &subject.document.services;
    for named in subject.facts.named.iter().filter(|named| !services.contains_key(&named.service)) {
        let place = Place { file: Some(named.file.clone()), line: named.line };
        let message =
            format!("The {} names the service {}, which the stack has not", named.what, named.service);
        let mut known: Vec<&str> = services.keys().take(CHOICES).map(String::as_str).collect();
        if services.len() > CHOICES {
            known.push("…");
        }
        let fix = format!("Name one of its services: {}", known.join(", "));
        findings.add(SERVICE, Warning, None, place, (message, fix));
    }
    for (service, fault) in &subject.facts.label_faults {
        let place = subject.places.of(service, &["labels"]);
        let fix = String::from("Correct the label, and create the container anew");
        findings.add(LABEL, Error, Some(service), place, (fault.clone(), fix));
    }
}

/// Cuts off where a fault is.
fn taken_apart(fault: &str) -> (Place, &str) {
    let Some((path, rest)) = fault.split_once(&format!("{FILE_NAME}:")) else {
        return (Place::default(), fault);
    };
    let file = Some(format!("{path}{FILE_NAME}"));
    match rest.split_once(": ") {
        Some((line, words)) if line.parse::<u32>().is_ok() => {
            (Place { file, line: line.parse().ok() }, words)
        }
        _ => (Place { file, line: None }, rest.trim_start()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_keeps_its_file_and_line() {
        let faults = [
            String::from("/srv/a/stackdash.toml:3: unknown key \"fiel\"; did you mean \"file\"?"),
            String::from("/srv/a/stackdash.toml: [[probe]] up: PORT is not set"),
        ];
        let found = findings(&faults);
        let told: Vec<_> = found.iter().map(|one| (one.place(), one.message.as_str())).collect();
        assert_eq!(
            told,
            [
                (String::from("/srv/a/stackdash.toml:3"), "unknown key \"fiel\"; did you mean \"file\"?"),
                (String::from("/srv/a/stackdash.toml"), "[[probe]] up: PORT is not set"),
            ]
        );
    }
}
