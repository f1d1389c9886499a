//! Which rules a changed file matches, and what follows from all of them together.

use std::collections::BTreeSet;
use std::path::Path;

use crate::model::compose::BuildSection;
use crate::model::text::clean;
use crate::model::watch::ignore::Patterns;
use crate::model::watch::run::{RunAction, SyncHook, SyncItem};
use crate::model::watch::tree::FileChange;
use crate::model::watch::{WatchAction, WatchRule};
use crate::state::watch::plan::ignores_of;

/// What is to be done about some changes of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// `None`: nothing follows from them.
    pub action: Option<RunAction>,
    pub copies: Vec<SyncItem>,
    pub hooks: Vec<SyncHook>,
    /// The rule that decided, in words.
    pub rule: String,
}

/// Rules with their patterns read.
pub struct Matcher<'a> {
    rules: Vec<(&'a WatchRule, Patterns, Patterns)>,
}

impl<'a> Matcher<'a> {
    pub fn new(rules: &'a [WatchRule]) -> Self {
        let read = |rule: &'a WatchRule| (rule, Patterns::new(&rule.ignore), Patterns::new(&rule.include));
        Self { rules: rules.iter().map(read).collect() }
    }

    /// Returns the rules that a path matches.
    pub fn of(&self, path: &Path) -> impl Iterator<Item = &'a WatchRule> {
        self.rules.iter().filter_map(move |(rule, ignore, include)| {
            let inside = path.strip_prefix(&rule.path).ok()?;
            // A rule about one file: its name is all that there is to match.
            let is_root = inside.as_os_str().is_empty();
            let name = if is_root { Path::new(path.file_name()?) } else { inside };
            let ignored = !is_root && ignore.is_ignored(inside);
            (!ignored && include.is_included(name)).then_some(*rule)
        })
    }
}

/// Finds what follows from changes: a rebuild takes the place of everything else.
pub fn work(rules: &[WatchRule], base: &Path, build: Option<&BuildSection>, changes: &[&FileChange]) -> Work {
    let matcher = Matcher::new(rules);
    let mut copies = BTreeSet::new();
    let mut hooks: Vec<SyncHook> = Vec::new();
    let (mut restarts, mut decisive) = (false, None::<(u8, &WatchRule)>);
    for change in changes {
        for rule in matcher.of(&change.path) {
            let rank = rank(&rule.action);
            if decisive.is_none_or(|(known, _)| rank < known) {
                decisive = Some((rank, rule));
            }
            restarts |= matches!(rule.action, WatchAction::Restart | WatchAction::SyncRestart);
            copies.extend(copy(rule, &change.path).map(|item| match change.after {
                Some(_) => item,
                // A folder may have taken the place of a file that is gone.
                None => SyncItem { ignores: ignores_of(rule, build), ..item },
            }));
            if let Some(hook) = hook(rule)
                && !hooks.contains(&hook)
            {
                hooks.push(hook);
            }
        }
    }
    let Some((_, rule)) = decisive else { return Work::default() };
    if rule.action == WatchAction::Rebuild {
        let action = Some(RunAction::Rebuild);
        return Work { action, rule: words(rule, base), ..Work::default() };
    }
    let action = action(restarts, !copies.is_empty(), !hooks.is_empty());
    Work { action: Some(action), copies: copies.into_iter().collect(), hooks, rule: words(rule, base) }
}

/// Finds what copies everything that rules copy; `only`: which of the rules.
pub fn everything(
    rules: &[WatchRule],
    base: &Path,
    build: Option<&BuildSection>,
    only: impl Fn(&WatchRule) -> bool,
) -> Work {
    let mut work = Work::default();
    let mut restarts = false;
    for rule in rules.iter().filter(|rule| copies(&rule.action) && only(rule)) {
        let Some(target) = &rule.target else { continue };
        work.copies.push(SyncItem {
            source: rule.path.clone(),
            target: target.clone(),
            ignores: ignores_of(rule, build),
            include: rule.include.clone(),
            removes: false,
        });
        restarts |= rule.action == WatchAction::SyncRestart;
        work.hooks.extend(hook(rule));
        if work.rule.is_empty() {
            work.rule = words(rule, base);
        }
    }
    work.hooks.dedup();
    if !work.copies.is_empty() {
        work.action = Some(action(restarts, true, !work.hooks.is_empty()));
    }
    work
}

fn action(restarts: bool, copies: bool, hooks: bool) -> RunAction {
    match (restarts, copies, hooks) {
        (true, true, _) => RunAction::SyncRestart,
        (true, false, _) => RunAction::Restart,
        (false, _, true) => RunAction::SyncExec,
        (false, _, false) => RunAction::Sync,
    }
}

fn copies(action: &WatchAction) -> bool {
    matches!(action, WatchAction::Sync | WatchAction::SyncRestart | WatchAction::SyncExec)
}

fn hook(rule: &WatchRule) -> Option<SyncHook> {
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    (rule.action == WatchAction::SyncExec && !rule.exec.is_empty()).then(|| SyncHook {
        arguments: rule.exec.clone(),
        user: text(&rule.exec_user),
        folder: text(&rule.exec_folder),
    })
}

/// Strongest first.
fn rank(action: &WatchAction) -> u8 {
    match action {
        WatchAction::Rebuild => 0,
        WatchAction::Restart => 1,
        WatchAction::SyncRestart => 2,
        WatchAction::SyncExec => 3,
        WatchAction::Sync => 4,
        WatchAction::Other(_) => 5,
    }
}

/// Says where a file of a rule goes.
fn copy(rule: &WatchRule, path: &Path) -> Option<SyncItem> {
    let target = rule.target.as_ref().filter(|_| copies(&rule.action))?;
    let inside = path.strip_prefix(&rule.path).ok()?;
    let target = if inside.as_os_str().is_empty() {
        // A rule about one file; a folder as its target keeps the file's name.
        match target.strip_suffix('/') {
            Some(folder) => format!("{folder}/{}", path.file_name()?.to_str()?),
            None => target.clone(),
        }
    } else {
        format!("{}/{}", target.trim_end_matches('/'), inside.to_str()?)
    };
    Some(SyncItem {
        source: path.to_owned(),
        target,
        ignores: Vec::new(),
        include: Vec::new(),
        removes: true,
    })
}

/// Writes a rule in a few words: `sync ./src → /app/src`. `base` is the stack's folder.
pub fn words(rule: &WatchRule, base: &Path) -> String {
    let path = match rule.path.strip_prefix(base) {
        Ok(inside) if inside.as_os_str().is_empty() => String::from("."),
        Ok(inside) => format!("./{}", inside.display()),
        Err(_) => rule.path.display().to_string(),
    };
    let path = clean(&path);
    match rule.target.as_ref().filter(|_| copies(&rule.action)) {
        Some(target) => format!("{} {path} → {target}", rule.action.word()),
        None => format!("{} {path}", rule.action.word()),
    }
}
