//! Rules over a resolved configuration: what Compose refuses, and what it lets pass but will hurt.
//!
//! Theory of operation: Compose resolves the files to one document ([`document`]); the files themselves
//! are read once more for positions only ([`places`]), never for meaning. [`questions`] says what has to be
//! known of the machine and of images, an adapter finds it out ([`facts`]), and [`check`] makes findings of
//! all of it. One subject of rules per file. Never does I/O, needs no engine, and no finding ever holds a
//! value of the environment.

mod access;
mod dependencies;
pub mod dockerfile;
pub mod document;
mod environment;
pub mod facts;
mod health;
mod images;
mod mounts;
pub mod own_file;
pub mod places;
mod ports;
pub mod refusal;
mod running;
pub mod tokens;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use crate::lint::environment::STAND_IN;

use crate::lint::document::Document;
use crate::lint::facts::{Facts, Questions};
use crate::lint::places::{Place, Places};
use crate::model::findings::{Finding, FindingSeverity, Standing, sort};
use crate::model::text::clean;

/// A rule: its lasting name, and what becomes of a stack that breaks it.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub name: &'static str,
    pub why: &'static str,
}

/// Every rule there is.
pub const RULES: &[Rule] = &[
    access::OPEN,
    dependencies::UNKNOWN,
    dependencies::CYCLE,
    dependencies::NO_CHECK,
    environment::UNSET,
    environment::SHORT,
    environment::INLINE,
    environment::TRACKED,
    environment::TOLD,
    health::NO_PROGRAM,
    images::MISSING,
    images::LATEST,
    images::NO_DOCKERFILE,
    images::ROOT,
    mounts::MISSING,
    mounts::KIND,
    mounts::SOCKET,
    mounts::SECRET,
    own_file::UNUSABLE,
    own_file::LABEL,
    own_file::SERVICE,
    ports::RANGE,
    ports::TAKEN,
    ports::TWICE,
    ports::RANDOM,
    ports::DISAGREES,
    refusal::REFUSED,
    refusal::BROKEN,
    refusal::FIELD,
    refusal::ENV_FILE,
    refusal::FILE,
    running::NO_RESTART,
    running::NAMED_REPLICAS,
    running::PROFILE,
    tokens::PLAIN,
];

/// Returns a rule by its name.
pub fn rule(name: &str) -> Option<Rule> {
    RULES.iter().find(|rule| rule.name == name).copied()
}

/// Everything that rules look at.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub document: &'a Document,
    pub places: &'a Places,
    pub facts: &'a Facts,
    pub standing: &'a Standing,
    /// What Compose said beside its answer, a line each.
    pub warnings: &'a [String],
    /// Whether these files are meant for production.
    pub production: bool,
}

/// Where findings are collected.
#[derive(Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        rule: Rule,
        severity: FindingSeverity,
        service: Option<&str>,
        place: Place,
        (message, fix): (String, String),
    ) {
        self.0.push(Finding {
            severity,
            rule: rule.name,
            service: service.map(|name| Arc::from(clean(name))),
            message: clean(&message),
            why: rule.why.to_owned(),
            fix: clean(&fix),
            file: place.file.map(|file| clean(&file)),
            line: place.line,
        });
    }
}

/// Says what has to be found out before rules can judge.
pub fn questions(document: &Document) -> Questions {
    let mut questions = Questions::default();
    ports::ask(document, &mut questions);
    mounts::ask(document, &mut questions);
    images::ask(document, &mut questions);
    health::ask(document, &mut questions);
    questions
}

/// Applies every rule; the worst finding comes first.
pub fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Findings::default();
    environment::check(subject, &mut findings);
    ports::check(subject, &mut findings);
    images::check(subject, &mut findings);
    dependencies::check(subject, &mut findings);
    health::check(subject, &mut findings);
    mounts::check(subject, &mut findings);
    running::check(subject, &mut findings);
    access::check(subject, &mut findings);
    tokens::check(subject, &mut findings);
    own_file::check(subject, &mut findings);
    sort(&mut findings.0);
    findings.0
}
