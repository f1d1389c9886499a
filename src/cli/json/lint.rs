//! Findings of a configuration, as JSON.

use serde::Serialize;

use crate::model::findings::Finding;

/// One finding of a configuration.
#[derive(Serialize)]
pub struct FindingDocument<'a> {
    severity: &'static str,
    rule: &'static str,
    service: Option<&'a str>,
    message: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    why: &'a str,
    fix: &'a str,
}

pub(super) fn finding(finding: &Finding) -> FindingDocument<'_> {
    FindingDocument {
        severity: finding.severity.word(),
        rule: finding.rule,
        service: finding.service.as_deref(),
        message: &finding.message,
        file: finding.file.as_deref(),
        line: finding.line,
        why: &finding.why,
        fix: &finding.fix,
    }
}

/// `lint --format json`.
#[derive(Serialize)]
pub struct LintDocument<'a> {
    stack: Option<&'a str>,
    findings: Vec<FindingDocument<'a>>,
}

impl<'a> LintDocument<'a> {
    pub fn of(stack: Option<&'a str>, findings: &'a [Finding]) -> Self {
        Self { stack, findings: findings.iter().map(finding).collect() }
    }
}
