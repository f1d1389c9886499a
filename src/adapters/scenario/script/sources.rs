//! Sources of a service in a scenario: its watch rules, how much there is, and who saves what.

use std::path::Path;

use serde::Deserialize;

use crate::adapters::scenario::units::Span;
use crate::model::watch::{WatchAction, WatchRule};

/// Paths are from the stack's folder on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcesScript {
    /// Whether it is watched from the beginning.
    #[serde(default)]
    pub watched: bool,
    /// Its build context; there is one where this is given.
    pub context: Option<String>,
    /// `develop.watch`.
    #[serde(default)]
    pub rules: Vec<RuleScript>,
    /// Somebody works on it.
    #[serde(default)]
    pub saves: Vec<SaveScript>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleScript {
    pub path: String,
    pub action: String,
    pub target: Option<String>,
    #[serde(default)]
    pub ignore: Vec<String>,
}

/// A file that is saved at a set time, once or again and again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaveScript {
    pub at: Span,
    pub every: Option<Span>,
    pub file: String,
}

impl RuleScript {
    pub fn rule(&self, folder: &Path) -> WatchRule {
        WatchRule {
            path: folder.join(&self.path),
            action: WatchAction::parse(&self.action),
            target: self.target.clone(),
            ignore: self.ignore.clone(),
            include: Vec::new(),
            initial_sync: false,
            exec: Vec::new(),
            exec_user: String::new(),
            exec_folder: String::new(),
        }
    }
}
