//! Choosing a variant: which of a stack's sets of compose files the next call uses.

use crate::command::Command;
use crate::model::stack_file::Variant;
use crate::model::stacks::Target;
use crate::model::text::clean;
use crate::state::State;
use crate::state::variants::variants;
use crate::tui::view::{Effect, Offer};

/// Says which variant a call makes, where the stack has several.
pub fn told_before(stack: &str, state: &State) -> Option<String> {
    let all = variants(state, stack);
    let next = all.iter().find(|one| one.next)?;
    Some(format!("Variant {}: {}", next.variant.name, file_names(next.variant)))
}

fn file_names(variant: &Variant) -> String {
    let names = variant.files.iter().filter_map(|file| file.file_name());
    names.map(|name| clean(&name.to_string_lossy())).collect::<Vec<_>>().join(" + ")
}

/// Whether a target's stack has variants to choose from.
pub fn has_variants(target: &Target, state: &State) -> bool {
    state.containers.stack_of(target).is_some_and(|stack| !variants(state, &stack).is_empty())
}

pub fn menu(target: &Target, state: &State) -> Vec<Effect> {
    let Some(stack) = state.containers.stack_of(target) else { return Vec::new() };
    let all = variants(state, &stack);
    if all.is_empty() {
        let words = match state.stack_files.fault(&stack) {
            Some(fault) => fault.lines().next().unwrap_or_default().to_owned(),
            None => {
                format!("{stack} has no variants: [variants] of its stackdash.toml names sets of its files")
            }
        };
        return vec![Effect::Toast(words)];
    }
    let longest = all.iter().map(|one| one.variant.name.chars().count()).max().unwrap_or_default();
    let entries = all
        .iter()
        .map(|one| {
            let command = Command::ChooseVariant { stack: stack.clone(), variant: one.variant.name.clone() };
            Offer {
                label: format!("{:<longest$}  {}", one.variant.name, file_names(one.variant)),
                hint: one.word().to_owned(),
                effects: vec![Effect::Run(command)],
            }
        })
        .collect();
    vec![Effect::Choose { title: format!("Variant of {stack}"), entries }]
}
