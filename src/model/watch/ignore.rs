//! Which files do not matter: patterns with the meaning that Docker gives to `.dockerignore`.
//!
//! Unlike Git's, they are anchored at the root: `*.log` is about the root's own files, `**/*.log` about all. What
//! covers a folder covers all below it. Where several match, the last one wins; `!` brings back. Knows names, no files.

mod pattern;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::Path;

use pattern::Pattern;

/// A list of patterns, in order.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    patterns: Vec<Pattern>,
    faults: Vec<String>,
}

impl Patterns {
    /// Reads patterns as a list has them, such as a rule's `ignore`. What makes no sense is left out; see
    /// [`Self::faults`].
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Self {
        let mut list = Self::default();
        for text in patterns {
            match Pattern::parse(text.as_ref()) {
                Ok(pattern) => list.patterns.extend(pattern),
                Err(fault) => list.faults.push(fault),
            }
        }
        list
    }

    /// Reads the contents of a `.dockerignore`: a pattern a line, and comments, which begin at the line's start.
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self::new(text.lines().filter(|line| !line.starts_with('#')))
    }

    /// Says which patterns make no sense. With such a `.dockerignore`, Docker builds nothing.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a path is covered. It is relative, from the folder of the patterns on; that folder itself never is.
    pub fn is_ignored(&self, path: &Path) -> bool {
        self.covers(&text_of(path))
    }

    /// Whether a path is among what a list of wanted files names; an empty list names all.
    pub fn is_included(&self, path: &Path) -> bool {
        self.is_empty() || self.is_ignored(path)
    }

    /// Whether something in a folder may matter, however deep. `false`: nobody needs to look into it.
    pub fn may_contain_kept(&self, folder: &Path) -> bool {
        let folder = text_of(folder);
        if !self.covers(&folder) {
            return true;
        }
        // What covers the folder covers all in it: only what comes later in the list can bring something back.
        let covering =
            self.patterns.iter().rposition(|pattern| !pattern.brings_back && pattern.covers(&folder));
        let later = covering.map_or(&self.patterns[..], |at| &self.patterns[at + 1..]);
        later.iter().any(|pattern| pattern.brings_back && pattern.may_match_below(&folder))
    }

    fn covers(&self, path: &str) -> bool {
        let mut covered = false;
        for pattern in &self.patterns {
            // A pattern can only change what the ones before it said.
            if pattern.brings_back == covered && pattern.covers(path) {
                covered = !covered;
            }
        }
        covered && !path.is_empty()
    }
}

/// Whether nobody ever wants to hear of a path: what Git keeps for itself, and what editors leave behind while they
/// save. The path is relative; each of its names counts.
pub fn is_always_ignored(path: &Path) -> bool {
    path.iter().any(|name| is_editors_or_gits(&name.to_string_lossy()))
}

/// Whether a file or a folder of this name is Git's or an editor's own.
pub fn is_editors_or_gits(name: &str) -> bool {
    matches!(name, ".git" | ".idea" | ".DS_Store" | "4913")
        || name.ends_with('~')
        || name.ends_with("___jb_tmp___")
        || name.ends_with("___jb_old___")
        || name.starts_with(".#")
        || (name.len() > 1 && name.starts_with('#') && name.ends_with('#'))
        || is_vims_swap(name)
}

/// `.name.swp`, and `.swo`, `.swn`, … where several are open, and the `.swx` that vim tries first.
fn is_vims_swap(name: &str) -> bool {
    let Some((_, end)) = name.rsplit_once('.') else { return false };
    name.starts_with('.')
        && name.len() > ".swp".len()
        && end.len() == 3
        && end.starts_with("sw")
        && matches!(end.as_bytes()[2], b'n'..=b'p' | b'x')
}

fn text_of(path: &Path) -> Cow<'_, str> {
    path.to_string_lossy()
}
