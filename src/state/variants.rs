//! Variants: which named set of compose files of a stack runs, and which one the next call uses.

use std::path::Path;

use crate::model::stack_file::Variant;
use crate::state::State;

/// One variant of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariantStanding<'a> {
    pub variant: &'a Variant,
    /// The newest container was made from its files.
    pub runs: bool,
    /// The next `up` uses its files.
    pub next: bool,
}

impl VariantStanding<'_> {
    /// Says where it stands; nothing for one that neither runs nor was chosen.
    pub fn word(&self) -> &'static str {
        match (self.runs, self.next) {
            (true, _) => "running",
            (false, true) => "chosen, not running",
            (false, false) => "",
        }
    }
}

/// Returns the variants of a stack, in the order of its file; none for most.
pub fn variants<'a>(state: &'a State, stack: &str) -> Vec<VariantStanding<'a>> {
    let Some(file) = state.stack_files.get(stack) else { return Vec::new() };
    let found = state.containers.stack(stack);
    let made_from = found.filter(|stack| stack.newest.is_some()).map(|stack| &stack.config_files);
    let next = state.containers.files_of(stack);
    let same = |variant: &Variant, files: &[String]| {
        variant.files.len() == files.len()
            && variant.files.iter().zip(files).all(|(file, other)| file == Path::new(other))
    };
    let standing = |variant| VariantStanding {
        variant,
        runs: made_from.is_some_and(|files| same(variant, files)),
        next: same(variant, &next),
    };
    file.variants.iter().map(standing).collect()
}

/// Returns the variant that runs, or the one that would.
pub fn current<'a>(state: &'a State, stack: &str) -> Option<&'a str> {
    let all = variants(state, stack);
    let found = all.iter().find(|one| one.runs).or_else(|| all.iter().find(|one| one.next));
    found.map(|one| &*one.variant.name)
}
