//! How every stack's probes stand: when each is made again, what the last answers came to.
//!
//! A probe is made only while its service runs. One failure alone is told to nobody: the second one in a row
//! counts, or the first where the engine's own health check agrees; while a service starts, none does. Moments
//! come in with the events; what is due is wished for, never done here.

pub mod probe;
pub mod schedule;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::command::Command;
use crate::model::containers::RunState;
use crate::model::probes::{ProbeAnswer, ProbeId, ProbeRequest, ProbeRule, ProbeState};
use crate::model::stacks::ServiceState;
use crate::state::Revision;
use crate::state::containers::{Containers, Entry};
pub use crate::state::probes::probe::{Probe, ProbeNews};
use crate::state::stack_files::StackFiles;

/// Never more often than this.
const LEAST: SignedDuration = SignedDuration::from_secs(1);
/// After an event in its stack.
const SOON: SignedDuration = SignedDuration::from_millis(300);

#[derive(Debug, Default)]
pub struct Probes {
    /// In the order of the stacks' files.
    by_stack: BTreeMap<Arc<str>, Vec<Probe>>,
    rules_seen: Option<Revision>,
    lives_seen: Option<Revision>,
    news: Vec<ProbeNews>,
    /// Counts every answer.
    pub revision: Revision,
    /// Counts changes of what stands in [`Probe::is_trouble`].
    pub troubles: Revision,
}

impl Probes {
    /// Returns every probe, by stack, then in the order of its file.
    pub fn iter(&self) -> impl Iterator<Item = &Probe> {
        self.by_stack.values().flatten()
    }

    pub fn get(&self, id: &ProbeId) -> Option<&Probe> {
        self.by_stack.get(&id.stack)?.iter().find(|probe| probe.id == *id)
    }

    pub fn is_empty(&self) -> bool {
        self.by_stack.is_empty()
    }

    pub fn of_service<'a>(&'a self, stack: &str, service: &'a str) -> impl Iterator<Item = &'a Probe> {
        let of_stack = self.by_stack.get(stack).into_iter().flatten();
        of_stack.filter(move |probe| *probe.id.service == *service)
    }

    /// Returns the first probe of a service that somebody should look at, and how many more there are.
    pub fn trouble_of(&self, stack: &str, service: &str) -> Option<(&Probe, usize)> {
        let mut found = self.by_stack.get(stack).into_iter().flatten();
        let first = found.find(|probe| *probe.id.service == *service && probe.is_trouble())?;
        let more = found.filter(|probe| *probe.id.service == *service && probe.is_trouble()).count();
        Some((first, more))
    }

    /// Whether some probe was not made yet, or has to be made once more before its failure counts.
    pub fn is_settling(&self) -> bool {
        self.iter().any(|probe| !probe.is_settled())
    }

    /// Hands over what changed since the last call.
    pub(super) fn take_news(&mut self) -> Vec<ProbeNews> {
        std::mem::take(&mut self.news)
    }

    /// Takes over the rules of the stacks' files; what is known of probes that stay is kept.
    pub(super) fn rules_changed(&mut self, now: Timestamp, files: &StackFiles) {
        if self.rules_seen == Some(files.revision) {
            return;
        }
        self.rules_seen = Some(files.revision);
        self.lives_seen = None;
        let mut old: Vec<Probe> = std::mem::take(&mut self.by_stack).into_values().flatten().collect();
        for (stack, file) in files.iter().filter(|(_, file)| !file.probes.is_empty()) {
            let mut probes: Vec<Probe> = Vec::new();
            for rule in &file.probes {
                let id = id_of(stack, rule);
                // A second one of a name would take the answers of the first.
                if probes.iter().any(|probe| probe.id == id) {
                    continue;
                }
                let known = old.iter().position(|probe| probe.id == id && *probe.rule == *rule);
                probes.push(match known {
                    Some(at) => old.swap_remove(at),
                    None => Probe::new(now, id, Arc::new(rule.clone())),
                });
            }
            self.by_stack.insert(stack.clone(), probes);
        }
        self.revision.bump();
        self.troubles.bump();
    }

    /// All are wanted now, as far as each was not made a moment ago.
    pub(super) fn wanted(&mut self, now: Timestamp) {
        for probe in self.by_stack.values_mut().flatten() {
            probe.ask(now);
        }
    }

    /// Something happened to a container: its stack's probes may answer otherwise now.
    pub(super) fn container_changed(&mut self, now: Timestamp, stack: &str) {
        for probe in self.by_stack.get_mut(stack).into_iter().flatten() {
            probe.ask(now + SOON);
        }
    }

    /// Returns the probes that are to be made now.
    pub(super) fn due(&mut self, now: Timestamp, containers: &Containers) -> Vec<Command> {
        if self.lives_seen != Some(containers.revision()) {
            self.lives_seen = Some(containers.revision());
            self.look_at_lives(now, containers);
        }
        let mut wishes = Vec::new();
        for probe in self.by_stack.values_mut().flatten() {
            if probe.is_due(now) {
                probe.began(now);
                let request = ProbeRequest {
                    id: probe.id.clone(),
                    rule: probe.rule.clone(),
                    address: address_of(&probe.id, &probe.rule, containers),
                };
                wishes.push(Command::Probe(request));
            }
        }
        wishes
    }

    /// Returns when something is due.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.iter().filter_map(Probe::next).min()
    }

    /// Takes what one attempt came to.
    pub(super) fn answered(
        &mut self,
        now: Timestamp,
        id: &ProbeId,
        answer: ProbeAnswer,
        containers: &Containers,
    ) {
        let state = service_state(id, containers);
        let Some(probe) =
            self.by_stack.get_mut(&id.stack).and_then(|all| all.iter_mut().find(|probe| probe.id == *id))
        else {
            return;
        };
        let standing = |probe: &Probe| (probe.is_trouble(), probe.why.clone(), probe.ready_after);
        let before = standing(probe);
        probe.take(now, answer, state);
        self.revision.bump();
        if before != standing(probe) {
            self.troubles.bump();
        }
        self.news.extend(probe.news(state));
    }

    fn look_at_lives(&mut self, now: Timestamp, containers: &Containers) {
        let mut changed = false;
        for probe in self.by_stack.values_mut().flatten() {
            let life = running(&probe.id.stack, &probe.id.service, containers)
                .filter_map(|entry| entry.container.started_at)
                .min();
            changed |= probe.lives(now, life, service_state(&probe.id, containers));
        }
        if changed {
            self.revision.bump();
            self.troubles.bump();
        }
    }
}

fn id_of(stack: &Arc<str>, rule: &ProbeRule) -> ProbeId {
    ProbeId { stack: stack.clone(), service: rule.service.clone(), name: Arc::from(&*rule.name) }
}

fn service_state(id: &ProbeId, containers: &Containers) -> ServiceState {
    let service = containers.stack(&id.stack).and_then(|stack| stack.service(&id.service));
    service.map_or(ServiceState::Absent, |service| service.verdict.state)
}

fn running<'a>(
    stack: &str,
    service: &str,
    containers: &'a Containers,
) -> impl Iterator<Item = &'a Entry> + use<'a> {
    let service = containers.stack(stack).and_then(|stack| stack.service(service));
    let ids = service.map(|service| service.containers.as_slice()).unwrap_or_default();
    let entries = ids.iter().filter_map(|id| containers.get(id));
    entries.filter(|entry| {
        let one_off = entry.container.compose.as_ref().is_some_and(|compose| compose.one_off);
        entry.container.run == RunState::Running && !one_off
    })
}

/// Finds the container that an address names, by its service, its name or an alias, and its own address.
fn address_of(id: &ProbeId, rule: &ProbeRule, containers: &Containers) -> Option<IpAddr> {
    let host = rule.host()?;
    let stack = containers.stack(&id.stack)?;
    let mut entries: Vec<&Entry> = running(&id.stack, host, containers).collect();
    let others = stack.services.iter().flat_map(|service| running(&id.stack, &service.name, containers));
    entries.extend(others.filter(|entry| {
        let container = &entry.container;
        let mut aliases = container.networks.iter().flat_map(|network| &network.aliases);
        *container.name == *host || aliases.any(|alias| alias == host)
    }));
    entries.iter().flat_map(|entry| &entry.container.networks).find_map(|network| network.ip.parse().ok())
}

/// How a failing probe and the engine's health check stand to each other, in words.
pub fn contradiction(probes: &Probes, stack: &str, service: &str, state: ServiceState) -> Option<String> {
    if let Some((probe, _)) = probes.trouble_of(stack, service) {
        return (state == ServiceState::Healthy).then(|| probe.describe(state));
    }
    let passing = probes.of_service(stack, service).find(|probe| probe.state == ProbeState::Pass)?;
    (state == ServiceState::Unhealthy)
        .then(|| format!("unhealthy by Docker, yet {} passes", passing.rule.path()))
}

#[cfg(test)]
mod tests;
