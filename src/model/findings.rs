//! What is wrong with a stack's configuration, or will hurt later: one finding for each thing.
//!
//! Messages name keys, files and services, never the value of a secret.

use std::sync::Arc;

/// How much a finding matters. Ordered worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingSeverity {
    /// The stack does not start, or does not work.
    Error,
    /// It works, and will hurt.
    Warning,
    /// Worth knowing.
    Info,
}

impl FindingSeverity {
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Info];

    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }

    pub fn mark(self) -> &'static str {
        match self {
            Self::Error => "✗",
            Self::Warning => "▲",
            Self::Info => "·",
        }
    }

    /// Returns the mark for terminals without UTF-8.
    pub fn ascii_mark(self) -> &'static str {
        match self {
            Self::Error => "x",
            Self::Warning => "!",
            Self::Info => ".",
        }
    }
}

/// One result of linting. Everything in it is fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: FindingSeverity,
    /// Name of the rule, kebab-case; names stay.
    pub rule: &'static str,
    /// `None`: about the whole stack.
    pub service: Option<Arc<str>>,
    pub message: String,
    /// What it leads to.
    pub why: String,
    /// What to do, in one line.
    pub fix: String,
    pub file: Option<String>,
    /// Counted from 1; `None`: somewhere in the file.
    pub line: Option<u32>,
}

impl Finding {
    /// Writes `file:line`, as editors take it; empty without a file.
    pub fn place(&self) -> String {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (Some(file), None) => file.clone(),
            (None, _) => String::new(),
        }
    }
}

/// Sorts the worst first; below that by place, so that one reads a file from top to bottom.
pub fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| {
        (a.severity, &a.file, a.line, &a.service, a.rule, &a.message)
            .cmp(&(b.severity, &b.file, b.line, &b.service, b.rule, &b.message))
    });
    findings.dedup();
}

/// A port of this machine that a container publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPort {
    /// Whole id of the container.
    pub id: String,
    pub container: String,
    pub stack: Arc<str>,
    /// `None`: every address.
    pub host_ip: Option<String>,
    pub port: u16,
    pub protocol: String,
}

/// What linting has to know of the running world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub ports: Vec<HeldPort>,
    /// Ids of the running containers of the stack itself: what they hold is no trouble.
    pub own: Vec<String>,
    /// Whether stackdash itself runs in one of the engine's containers: then the files and the ports that
    /// it sees are not the engine's.
    pub inside: bool,
}

/// What an image says and has, as far as rules ask for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts {
    pub id: String,
    pub user: String,
    pub has_health_check: bool,
    pub size: u64,
    /// Programs that were asked for and whether the image has them; left out where that is not known.
    pub programs: std::collections::BTreeMap<String, bool>,
}
