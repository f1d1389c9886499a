//! What is wrong, worst first: the short list that opens the Stacks screen.

use crate::model::containers::{ContainerId, NO_STACK};
use crate::model::stacks::{Reason, ServiceState, Target, Verdict};
use crate::state::Revision;
use crate::state::containers::Containers;

/// What helps most with a problem; views turn it into a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remedy {
    OpenLogs,
    OpenHealth,
    Start,
    /// Look at what it waits for.
    OpenDependency,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub target: Target,
    /// `energy/app`, or the bare name without a stack.
    pub name: String,
    pub verdict: Verdict,
    pub remedy: Remedy,
    /// The worst container behind it, for logs and details.
    pub container: Option<ContainerId>,
}

#[derive(Debug, Default)]
pub struct Attention {
    problems: Vec<Problem>,
    seen: Option<Revision>,
}

impl Attention {
    /// Returns the problems, worst first, then the newest first.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(super) fn refresh(&mut self, containers: &Containers) {
        if self.seen == Some(containers.revision()) {
            return;
        }
        self.seen = Some(containers.revision());
        self.problems.clear();
        for stack in containers.stacks() {
            for service in &stack.services {
                let verdict = &service.verdict;
                let worth = verdict.state.is_trouble() || is_quiet_trouble(&verdict.reason);
                if !worth {
                    continue;
                }
                let target = Target::Service { stack: stack.name.clone(), service: service.name.clone() };
                let name = if &*stack.name == NO_STACK {
                    service.name.to_string()
                } else {
                    format!("{}/{}", stack.name, service.name)
                };
                let container = service
                    .containers
                    .iter()
                    .filter_map(|id| containers.get(id))
                    .min_by_key(|entry| entry.verdict.state)
                    .map(|entry| entry.container.id.clone());
                let remedy = match verdict.state {
                    ServiceState::Unhealthy => Remedy::OpenHealth,
                    ServiceState::Blocked => Remedy::OpenDependency,
                    ServiceState::Stopped => Remedy::Start,
                    _ => Remedy::OpenLogs,
                };
                self.problems.push(Problem { target, name, verdict: verdict.clone(), remedy, container });
            }
        }
        self.problems.sort_by(|a, b| {
            (a.verdict.state, b.verdict.since, &a.name).cmp(&(b.verdict.state, a.verdict.since, &b.name))
        });
    }
}

/// Something to know although the container runs.
fn is_quiet_trouble(reason: &Reason) -> bool {
    match reason {
        Reason::ChildOutOfMemory { .. } => true,
        Reason::Replicas { worst, .. } => is_quiet_trouble(worst),
        _ => false,
    }
}
