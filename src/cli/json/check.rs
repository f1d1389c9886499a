//! The shape of `check`.

use serde::Serialize;

/// `check --format json`.
#[derive(Serialize)]
pub struct CheckDocument<'a> {
    pub status: &'static str,
    pub problems: Vec<ProblemDocument<'a>>,
}

#[derive(Serialize)]
pub struct ProblemDocument<'a> {
    pub severity: &'static str,
    pub stack: Option<&'a str>,
    pub service: Option<&'a str>,
    pub what: &'a str,
    pub since: Option<String>,
    pub hint: &'a str,
}
