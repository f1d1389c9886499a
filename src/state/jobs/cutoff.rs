//! What would cut stackdash itself off: its own container, and the one that its engine is reached through.

use crate::event::OwnPlace;
use crate::model::containers::{Container, ContainerId};
use crate::model::jobs::{ComposeVerb, Verb};
use crate::model::watch::run::RunAction;
use crate::state::State;

/// Whether a verb takes what runs away, for a while or for good.
fn interrupts(verb: Verb) -> bool {
    match verb {
        Verb::Stop | Verb::Restart | Verb::Pause | Verb::Kill(_) | Verb::Remove | Verb::Rename => true,
        Verb::Watch(action) => !matches!(action, RunAction::Sync | RunAction::SyncExec),
        Verb::Start | Verb::Unpause | Verb::CopyIn | Verb::CopyOut | Verb::Run(_) => false,
        Verb::Compose(verb) => match verb {
            ComposeVerb::Up
            | ComposeVerb::Sweep
            | ComposeVerb::Down { .. }
            | ComposeVerb::Recreate
            | ComposeVerb::Rebuild
            | ComposeVerb::RebuildClean
            | ComposeVerb::Scale(_)
            | ComposeVerb::Update
            | ComposeVerb::GoBack => true,
            ComposeVerb::Pull => false,
        },
    }
}

/// Says what stackdash would lose, a line each; nothing: nothing.
pub fn warnings<'a>(
    state: &State,
    verb: Verb,
    touched: impl IntoIterator<Item = &'a ContainerId>,
) -> Vec<String> {
    let Some(own) = state.connection.info.as_ref().map(|info| &info.own) else { return Vec::new() };
    if !interrupts(verb) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for container in touched.into_iter().filter_map(|id| Some(&state.containers.get(id)?.container)) {
        if is_own(own, container) {
            lines.push(format!("Careful: stackdash itself runs in {}; it may end with it", container.name));
        }
        if carries_engine(own, container) {
            lines.push(format!(
                "Careful: stackdash reaches its engine through {}; it may be cut off",
                container.name
            ));
        }
    }
    lines
}

fn is_own(own: &OwnPlace, container: &Container) -> bool {
    own.container.as_ref().is_some_and(|hint| hint.len() >= 12 && container.id.as_str().starts_with(&**hint))
}

fn carries_engine(own: &OwnPlace, container: &Container) -> bool {
    let publishes = own.engine_port.is_some_and(|port| {
        container.run.is_up() && container.ports.iter().any(|published| published.host_port == Some(port))
    });
    let named = own.engine_name.as_ref().is_some_and(|name| {
        *container.name == **name
            || *container.service_name() == **name
            || container
                .networks
                .iter()
                .any(|network| network.ip == *name || network.aliases.iter().any(|alias| alias == name))
    });
    publishes || (own.container.is_some() && named)
}
