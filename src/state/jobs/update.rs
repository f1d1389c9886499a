//! Updates: which images to keep, when what was started counts as ready, and what to go back to.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::containers::{Container, ContainerId};
use crate::model::jobs::{ComposeOrder, KeptImage};
use crate::model::stacks::{Reason, ServiceState};
use crate::state::containers::{Containers, Entry};
use crate::state::jobs::compose::{call, scope};

/// Without a health check, what has run for so long is taken for ready.
pub const SETTLES_AFTER: SignedDuration = SignedDuration::from_secs(5);
/// The longest wait for what has no health check.
const PATIENCE: Duration = Duration::from_mins(1);
/// Beyond the limits of a health check itself.
const SLACK: Duration = Duration::from_secs(10);
/// Ends since the start that make a loop.
const CRASHES: usize = 3;

/// Finds the images that an update may take away, by service.
pub fn images(containers: &Containers, order: &ComposeOrder) -> Vec<KeptImage> {
    let Ok(call) = call(containers, order) else { return Vec::new() };
    let scope = scope(containers, order, &call.project);
    let Some(stack) = containers.stack(&order.stack) else { return Vec::new() };
    let services = stack.services.iter().filter(|s| scope.is_empty() || scope.contains(&s.name));
    services
        .filter_map(|service| {
            let mut entries = service.containers.iter().filter_map(|id| containers.get(id));
            let container = &entries.find(|entry| is_replica(&entry.container))?.container;
            let name = container.image.to_string();
            // A digest or an id names one image for ever: nothing takes it away.
            let moves = !name.contains('@') && !name.starts_with("sha256:") && !name.is_empty();
            (moves && !container.image_id.is_empty()).then(|| KeptImage {
                service: service.name.clone(),
                name,
                id: container.image_id.clone(),
                kept_as: kept_as(&order.stack, &service.name),
            })
        })
        .collect()
}

fn is_replica(container: &Container) -> bool {
    container.compose.as_ref().is_none_or(|compose| !compose.one_off)
}

/// Names the image of a service so that it is not lost.
fn kept_as(stack: &str, service: &str) -> String {
    format!("stackdash-rollback/{}/{}:previous", path_of(stack), path_of(service))
}

/// Writes a name as a part of an image's name may be written: lower case, single separators.
fn path_of(name: &str) -> String {
    let mut path = String::new();
    for c in name.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            path.push(c);
        } else if !path.is_empty() && !path.ends_with('-') {
            path.push('-');
        }
    }
    path.truncate(path.trim_end_matches('-').len());
    if path.is_empty() { String::from("x") } else { path }
}

/// What became of what was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Look again when something has changed, or at this time.
    Undecided(Timestamp),
    /// Services that are not going to be ready, and why; none: all are ready.
    Decided(Vec<(Arc<str>, String)>),
}

enum One {
    Ready,
    Pending(Timestamp),
    /// Waits for another: no reason to wait longer when that has failed.
    Blocked(Timestamp),
    Failed(String),
}

/// Judges containers that were started at `since`; without a health check, what has run for `settles` is ready.
pub fn standing(
    containers: &Containers,
    ids: &[ContainerId],
    since: Timestamp,
    settles: SignedDuration,
    now: Timestamp,
) -> Standing {
    let mut failed: Vec<(Arc<str>, String)> = Vec::new();
    let (mut pending, mut blocked): (Option<Timestamp>, Option<Timestamp>) = (None, None);
    let sooner = |one: Option<Timestamp>, at| Some(one.map_or(at, |known: Timestamp| known.min(at)));
    for id in ids {
        // What is not listed yet will be; what went meanwhile is nobody's business any more.
        let Some(entry) = containers.get(id) else { continue };
        match judge(entry, since, settles, now) {
            One::Ready => {}
            One::Pending(at) => pending = sooner(pending, at),
            One::Blocked(at) => blocked = sooner(blocked, at),
            One::Failed(why) => {
                let service = entry.container.service_name();
                if !failed.iter().any(|(known, _)| *known == service) {
                    failed.push((service, why));
                }
            }
        }
    }
    let open = if failed.is_empty() { pending.into_iter().chain(blocked).min() } else { pending };
    open.map_or(Standing::Decided(failed), Standing::Undecided)
}

fn judge(entry: &Entry, since: Timestamp, settles: SignedDuration, now: Timestamp) -> One {
    let container = &entry.container;
    let verdict = &entry.verdict;
    let limit = since + limit_of(container);
    let late = |one: One| {
        if now < limit {
            one
        } else {
            let seconds = now.duration_since(since).as_secs();
            One::Failed(format!("still {} after {seconds}s{}", verdict.state.word(), because(entry, now)))
        }
    };
    match verdict.state {
        ServiceState::Healthy | ServiceState::Completed | ServiceState::Paused | ServiceState::Absent => {
            One::Ready
        }
        ServiceState::Running => {
            let began = container.started_at.map_or(since, |at| at.max(since));
            let settled = (began + settles).min(limit);
            // What ran on untouched has shown that it can.
            let untouched =
                container.started_at.is_some_and(|at| since.duration_since(at) > SETTLES_AFTER * 12);
            if untouched || now >= settled { One::Ready } else { One::Pending(settled) }
        }
        ServiceState::Starting => late(One::Pending(limit)),
        ServiceState::Restarting => {
            let ends = entry.facts.crashes.iter().filter(|at| **at >= since).count();
            if ends >= CRASHES {
                One::Failed(format!("ends again and again{}", because(entry, now)))
            } else {
                late(One::Pending(limit))
            }
        }
        ServiceState::Blocked => late(One::Blocked(limit)),
        ServiceState::Stopped if verdict.reason == Reason::NeverStarted => late(One::Blocked(limit)),
        ServiceState::Failed | ServiceState::Unhealthy | ServiceState::Stopped => {
            One::Failed(format!("{}{}", verdict.state.word(), because(entry, now)))
        }
    }
}

fn because(entry: &Entry, now: Timestamp) -> String {
    let reason = entry.verdict.reason.describe(now);
    if reason.is_empty() { reason } else { format!(": {reason}") }
}

/// How long a container may take to get ready: by its own health check's limits.
pub fn limit_of(container: &Container) -> Duration {
    container.health_settings.as_ref().map_or(PATIENCE, |check| {
        let tries = check.retries + 1;
        (check.start_period + (check.interval + check.timeout) * tries + SLACK).max(PATIENCE / 2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_kept_images_are_names_that_engines_take() {
        assert_eq!(kept_as("shop", "web"), "stackdash-rollback/shop/web:previous");
        assert_eq!(kept_as("shop", "My__Web.-"), "stackdash-rollback/shop/my-web:previous");
        assert_eq!(kept_as("--", "ä"), "stackdash-rollback/x/x:previous");
    }
}
