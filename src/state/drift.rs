//! How what runs differs from what its files say now.
//!
//! `up` makes a container anew where the hash of its configuration is another than on its label. Versions of
//! Compose count it differently, so hashes of two versions are never held against each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::compose::{Definition, ServiceDefinition};
use crate::model::containers::{ComposeLabels, Container};
use crate::model::stacks::{Drift, Service};
use crate::state::containers::Entry;
use crate::state::definitions::Standing;

/// Marks the services of a stack. Returns whether a container is newer than what we know of the files and
/// differs from it: then they are to be read again before anything is said.
pub fn mark(
    services: &mut [Service],
    by_service: &BTreeMap<Arc<str>, Vec<&Entry>>,
    newest: Option<&ComposeLabels>,
    standing: Standing<'_>,
) -> bool {
    let (Some(definition), None, Some(newest)) = (standing.definition, standing.error, newest) else {
        return false;
    };
    // Other files were chosen for the next call: of course they say something else.
    if newest.config_files != standing.files() {
        return false;
    }
    let mut outdated = false;
    for service in services {
        let defined = definition.services.get(&service.name);
        for entry in by_service.get(&service.name).into_iter().flatten() {
            let container = &entry.container;
            let Some(labels) = container.compose.as_ref().filter(|labels| !labels.one_off) else { continue };
            let Some(drift) = of_container(container, labels, defined, definition) else { continue };
            let made = container.created_at;
            if made > standing.read_at && made > standing.looked_after {
                outdated = true;
            } else {
                service.drift = Some(drift);
                break;
            }
        }
    }
    outdated
}

fn of_container(
    container: &Container,
    labels: &ComposeLabels,
    defined: Option<&ServiceDefinition>,
    definition: &Definition,
) -> Option<Drift> {
    let Some(defined) = defined else { return Some(Drift::Gone) };
    if !defined.image.is_empty() && *container.image != *defined.image {
        return Some(Drift::Image { runs: container.image.to_string(), wanted: defined.image.clone() });
    }
    let comparable = !defined.config_hash.is_empty()
        && !labels.config_hash.is_empty()
        && labels.version == definition.version;
    (comparable && labels.config_hash != defined.config_hash).then_some(Drift::Config)
}
