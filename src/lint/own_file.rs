//! What is wrong with `stackdash.toml` itself and with the labels that say the same: rules that cannot be read
//! watch over nothing.

use crate::lint::places::Place;
use crate::lint::{Findings, Rule, Subject};
use crate::model::findings::Finding;
use crate::model::findings::FindingSeverity::Error;
use crate::model::stack_file::FILE_NAME;

pub const UNUSABLE: Rule = Rule {
    name: "stackdash-file",
    why: "Nothing of it holds until it can be read: no token, probe, action or budget of this stack",
};
pub const LABEL: Rule =
    Rule { name: "stackdash-label", why: "What it says does not hold: the token or probe is not looked at" };

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

/// Finds labels that cannot be used.
pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
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
