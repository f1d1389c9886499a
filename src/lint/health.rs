//! Health checks that call a program which the image lacks.

use std::collections::BTreeSet;

use crate::lint::document::{Document, Service};
use crate::lint::facts::Questions;
use crate::lint::{Findings, Rule, Subject};
use crate::model::findings::FindingSeverity::Error;

pub const NO_PROGRAM: Rule = Rule {
    name: "health-program-missing",
    why: "The check fails every time: the service stays unhealthy although it works, and what waits for it never starts",
};

/// Words that a shell knows itself.
const BUILT_IN: [&str; 34] = [
    "exit", "test", "[", "[[", "true", "false", "echo", "cd", "if", "then", "else", "elif", "fi", "for",
    "do", "done", "while", "until", "case", "esac", "in", "set", "export", "exec", "command", "type", "read",
    "printf", "eval", ".", "!", "{", "}", ":",
];

pub fn ask(document: &Document, questions: &mut Questions) {
    for (name, service) in &document.services {
        let programs = programs(service);
        questions.images.entry(service.image_name(&document.name, name)).or_default().extend(programs);
    }
}

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for (name, service) in &subject.document.services {
        let image = service.image_name(&subject.document.name, name);
        let Some(facts) = subject.facts.images.get(&image) else { continue };
        let missing: Vec<String> = programs(service)
            .into_iter()
            .filter(|program| facts.programs.get(program) == Some(&false))
            .collect();
        if missing.is_empty() {
            continue;
        }
        let words = missing.join(" and ");
        findings.add(
            NO_PROGRAM,
            Error,
            Some(name),
            subject.places.of(name, &["healthcheck", "test"]),
            (
                format!("The health check calls {words}, which image {image} does not have"),
                format!("Call a program that the image has, or install {words} in it"),
            ),
        );
    }
}

/// Returns the programs that a service's own health check calls and that only its image can bring.
fn programs(service: &Service) -> BTreeSet<String> {
    let Some(check) = service.healthcheck.as_ref().filter(|check| !check.disable) else {
        return BTreeSet::new();
    };
    let mut programs = match check.test.split_first() {
        Some((word, rest)) if word == "CMD" => rest.iter().take(1).cloned().collect(),
        Some((word, rest)) if word == "CMD-SHELL" => {
            let mut programs = called_by_shell(&rest.join(" "));
            programs.insert(String::from("/bin/sh"));
            programs
        }
        _ => BTreeSet::new(),
    };
    // What is mounted comes from elsewhere.
    programs.retain(|program: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
        !program.is_empty()
            && program.chars().all(plain)
            && !service
                .volumes
                .iter()
                .any(|mount| !mount.target.is_empty() && program.starts_with(&mount.target))
    });
    programs
}

/// Returns the first word of each command of a shell line; of what is too clever for us, nothing.
fn called_by_shell(line: &str) -> BTreeSet<String> {
    let mut programs = BTreeSet::new();
    for command in commands(line) {
        let mut words = command.split_whitespace().filter(|word| !is_assignment(word));
        // `! wget …` and `if wget …` call it too.
        let word =
            words.find(|word| !matches!(*word, "!" | "if" | "then" | "else" | "do" | "while" | "exec" | "{"));
        if let Some(word) =
            word.filter(|word| !BUILT_IN.contains(word) && !word.contains(['$', '(', '`', '\'', '"']))
        {
            programs.insert(word.to_owned());
        }
    }
    programs
}

/// Cuts a line at `;`, `&` and `|` outside of quotes.
fn commands(line: &str) -> Vec<String> {
    let mut commands = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, ';' | '&' | '|' | '\n') => {
                commands.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(command) = commands.last_mut() {
            command.push(c);
        }
    }
    commands
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_a_shell_line_are_found() {
        let called = |line| called_by_shell(line).into_iter().collect::<Vec<_>>();
        assert_eq!(called("curl -f http://localhost:8000/health || exit 1"), ["curl"]);
        assert_eq!(called("A=1 wget -q 'http://x/?a=1&b=2' | grep -q ok && exit 0"), ["grep", "wget"]);
        assert_eq!(called("if ! pg_isready -U x; then exit 1; fi"), ["pg_isready"]);
        assert_eq!(called("[ -f /tmp/ok ]"), Vec::<String>::new());
        assert_eq!(called("$CHECK --now; \"/a b/c\""), Vec::<String>::new());
    }
}
