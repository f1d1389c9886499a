//! What is wrong, worst first: the short list that opens the Stacks screen. Services, tokens and the watcher.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::containers::{ContainerId, NO_STACK};
use crate::model::stacks::{Reason, Service, ServiceState, Target, Verdict};
use crate::model::tokens::{TokenId, TokenState, countdown};
use crate::model::watch::ServiceKey;
use crate::model::watch::run::{RunAction, RunPhase, WatchRun};
use crate::state::Revision;
use crate::state::containers::Containers;
use crate::state::findings::Findings;
use crate::state::heal::Heal;
use crate::state::probes::Probes;
use crate::state::tokens::{Token, Tokens};
use crate::state::watch::{ServiceWatch, Watch};

/// Word for builds that change their own inputs.
const LOOP: &str = "loop";

/// What helps most with a problem; views turn it into a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remedy {
    OpenLogs,
    OpenHealth,
    /// Look at its probes.
    OpenOverview,
    Start,
    /// Look at what it waits for.
    OpenDependency,
    /// Look at the configuration's findings.
    OpenChecks,
    /// It is the one that is refreshed first.
    RefreshToken,
    OpenTokens,
    /// Look at what the watcher's run has printed.
    OpenWatch,
    /// Let the watcher go on.
    ResumeWatch,
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
    /// The token that it is about; then the verdict says no more than how bad it is.
    pub token: Option<TokenWorry>,
    /// What a probe of ours says although the engine is content: all that there is to say.
    pub probe: Option<String>,
    /// What the watcher could not do; then the verdict says no more than how bad it is.
    pub watch: Option<WatchWorry>,
    /// Something to add to the reason.
    pub note: Option<String>,
}

/// What there is to worry about beside containers.
pub(super) struct Worries<'a> {
    pub findings: &'a Findings,
    pub tokens: &'a Tokens,
    pub probes: &'a Probes,
    pub heal: &'a Heal,
    pub watch: &'a Watch,
}

/// Something of the watcher that somebody should look at. What runs is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchWorry {
    /// `build`, `loop`.
    pub word: &'static str,
    why: String,
}

impl WatchWorry {
    /// Says it without its reason: `build failed`.
    pub fn headline(&self) -> String {
        let verb = if self.word == LOOP { "suspended" } else { "failed" };
        format!("{} {verb}", self.word)
    }
}

/// A token that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenWorry {
    pub id: TokenId,
    pub state: TokenState,
    expires_at: Option<Timestamp>,
    reason: Option<String>,
}

impl Problem {
    /// Says in one word how it stands.
    pub fn word(&self) -> &'static str {
        if let Some(watch) = &self.watch {
            return watch.word;
        }
        match (&self.token, &self.verdict.reason) {
            (Some(token), _) => token.state.word(),
            (None, _) if self.probe.is_some() => "probe",
            (None, Reason::Misconfigured { .. }) => "config",
            (None, _) => self.verdict.state.word(),
        }
    }

    /// Says why.
    pub fn describe(&self, now: Timestamp) -> String {
        if let Some(watch) = &self.watch {
            return watch.why.clone();
        }
        if let Some(probe) = &self.probe {
            return probe.clone();
        }
        let Some(token) = &self.token else {
            let reason = self.verdict.reason.describe(now);
            return match &self.note {
                Some(note) if reason.is_empty() => note.clone(),
                Some(note) => format!("{note}; {reason}"),
                None => reason,
            };
        };
        let what = match (token.expires_at, &token.reason) {
            (_, Some(reason)) => reason.clone(),
            (Some(end), None) if end <= now => format!("expired {}", countdown(end, now)),
            (Some(end), None) => format!("expires {}", countdown(end, now)),
            (None, None) => String::new(),
        };
        if what.is_empty() { String::from("token") } else { format!("token: {what}") }
    }
}

#[derive(Debug, Default)]
pub struct Attention {
    problems: Vec<Problem>,
    seen: Option<[Revision; 6]>,
}

impl Attention {
    /// Returns the problems, worst first, then the newest first.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(super) fn refresh(&mut self, now: Timestamp, containers: &Containers, worries: &Worries<'_>) {
        let Worries { findings, tokens, probes, heal, watch } = worries;
        let seen = Some([
            containers.revision(),
            findings.revision,
            tokens.revision,
            probes.troubles,
            heal.revision,
            watch.revision,
        ]);
        if self.seen == seen {
            return;
        }
        self.seen = seen;
        let known: Vec<_> = self.problems.drain(..).filter(|old| old.remedy == Remedy::OpenChecks).collect();
        for stack in containers.stacks() {
            for service in &stack.services {
                let verdict = &service.verdict;
                let worth = verdict.state.is_trouble() || is_quiet_trouble(&verdict.reason);
                if !worth {
                    self.problems.extend(probe_worry(probes, &stack.name, service));
                    continue;
                }
                let target = Target::Service { stack: stack.name.clone(), service: service.name.clone() };
                let name = full_name(&stack.name, &service.name);
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
                let verdict = verdict.clone();
                self.problems.push(Problem {
                    target,
                    name,
                    verdict,
                    remedy,
                    container,
                    token: None,
                    probe: None,
                    note: heal.gave_up(&stack.name, &service.name),
                    watch: None,
                });
            }
        }
        for (stack, errors, first) in findings.errors() {
            // Of what is gone nobody wants to hear; what could not be read has nothing else to be seen by.
            if containers.stack(stack).is_none() && containers.project_of(stack).is_some() {
                continue;
            }
            let target = Target::Stack(stack.clone());
            // Since when is since it was first found, as long as it stays.
            let since = known.iter().find(|old| old.target == target).and_then(|old| old.verdict.since);
            self.problems.push(Problem {
                target,
                name: stack.to_string(),
                verdict: Verdict {
                    state: ServiceState::Blocked,
                    reason: Reason::Misconfigured { errors, first: first.to_owned() },
                    since: since.or(Some(now)),
                },
                remedy: Remedy::OpenChecks,
                container: None,
                token: None,
                probe: None,
                note: None,
                watch: None,
            });
        }
        let first = tokens.worst_refreshable().map(|token| &token.id);
        let worth = tokens.iter().filter(|token| token.is_worry(containers));
        self.problems.extend(worth.map(|token| worry(token, first)));
        self.problems.extend(watch.services().filter_map(|(key, service)| stuck(key, service, watch)));
        self.problems.sort_by(|a, b| {
            (a.verdict.state, b.verdict.since, &a.name).cmp(&(b.verdict.state, a.verdict.since, &b.name))
        });
    }
}

fn worry(token: &Token, first: Option<&TokenId>) -> Problem {
    let stack = token.id.stack.clone();
    let name = format!("{stack}/{}", token.id.name);
    let target = match &token.rule.service {
        Some(service) => Target::Service { stack, service: service.clone() },
        None => Target::Stack(stack),
    };
    let verdict = Verdict { state: token.state.weight(), reason: Reason::None, since: Some(token.since) };
    // The same would be refused again: the screen of tokens leads to a new one.
    let wants_authorization = token.state == TokenState::Rejected && token.rule.authorize.is_some();
    Problem {
        target,
        name,
        verdict,
        remedy: if first == Some(&token.id) && !wants_authorization {
            Remedy::RefreshToken
        } else {
            Remedy::OpenTokens
        },
        container: None,
        token: Some(TokenWorry {
            id: token.id.clone(),
            state: token.state,
            expires_at: token.expires_at(),
            reason: token.reason().map(str::to_owned),
        }),
        probe: None,
        watch: None,
        note: None,
    }
}

fn full_name(stack: &str, service: &str) -> String {
    if stack == NO_STACK { service.to_owned() } else { format!("{stack}/{service}") }
}

/// A probe that fails although the engine is content with the service.
fn probe_worry(probes: &Probes, stack: &Arc<str>, service: &Service) -> Option<Problem> {
    let (probe, more) = probes.trouble_of(stack, &service.name)?;
    let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
    let words = probe.describe(service.verdict.state) + &more;
    let state = probe.state.weight();
    Some(Problem {
        target: Target::Service { stack: stack.clone(), service: service.name.clone() },
        name: full_name(stack, &service.name),
        verdict: Verdict { state, reason: Reason::None, since: Some(probe.since) },
        remedy: Remedy::OpenOverview,
        container: service.containers.first().cloned(),
        token: None,
        probe: Some(words),
        note: None,
        watch: None,
    })
}

/// Says what the watcher cannot do for a service that it watches.
fn stuck((stack, service): &ServiceKey, watched: &ServiceWatch, watch: &Watch) -> Option<Problem> {
    let suspended = !watched.suspended.is_empty();
    if !watched.on || !(suspended || watched.failed) {
        return None;
    }
    let of_it = |run: &&WatchRun| run.stack == *stack && run.services.contains(service);
    let last = watch.runs().rev().filter(of_it).find(|run| {
        matches!((run.phase(), suspended), (RunPhase::Suspended, true) | (RunPhase::Failed, false))
    });
    let (word, why, remedy) = if suspended {
        (LOOP, watched.suspended.clone(), Remedy::ResumeWatch)
    } else {
        let why = last.map_or("", |run| &*run.detail);
        let (word, verb) = match last.map_or(RunAction::Rebuild, |run| run.action) {
            RunAction::Rebuild => ("build", "build failed"),
            RunAction::Restart => ("restart", "restart failed"),
            RunAction::Sync | RunAction::SyncRestart | RunAction::SyncExec => ("sync", "sync failed"),
        };
        let why = if why.is_empty() { verb.to_owned() } else { format!("{verb}: {why}") };
        (word, why, Remedy::OpenWatch)
    };
    Some(Problem {
        target: Target::Service { stack: stack.clone(), service: service.clone() },
        name: format!("{stack}/{service}"),
        verdict: Verdict {
            // What runs is untouched: whatever does not run is worse.
            state: ServiceState::Blocked,
            reason: Reason::None,
            since: last.and_then(|run| run.phases.last()).map(|(_, at)| *at),
        },
        remedy,
        container: None,
        token: None,
        watch: Some(WatchWorry { word, why }),
        probe: None,
        note: None,
    })
}

/// Something to know although the container runs.
fn is_quiet_trouble(reason: &Reason) -> bool {
    match reason {
        Reason::ChildOutOfMemory { .. } => true,
        Reason::Replicas { worst, .. } => is_quiet_trouble(worst),
        _ => false,
    }
}
