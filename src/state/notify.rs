//! Who is to be told of what: each change of a service once, with a quiet time.
//!
//! What is wrong already when we come is no news. After a trouble was told, its recovery is told at
//! once; another trouble of the same service waits for the end of the quiet time, and is told then if
//! it still stands. Pure; whoever carries [`Command::Notify`](crate::command::Command::Notify) out
//! knows bells and webhooks.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::containers::NO_STACK;
use crate::model::notify::{Change, Notification, NotifyPolicy};
use crate::model::redact;
use crate::model::stacks::{ServiceState, Verdict};
use crate::state::Revision;
use crate::state::connection::Connection;
use crate::state::containers::Containers;

/// After the first list the engine tells its past again; only then it is known what is old.
const SETTLING: SignedDuration = SignedDuration::from_secs(2);
/// Notifications kept for the face.
const KEPT: usize = 64;
/// Characters of a text.
const TEXT: usize = 300;

#[derive(Debug, Default)]
pub struct Notify {
    /// `None`: nobody wants to know.
    policy: Option<NotifyPolicy>,
    standing: HashMap<(Arc<str>, Arc<str>), Standing>,
    /// Until when what is seen is taken as it is.
    settled_at: Option<Timestamp>,
    seen: Option<Revision>,
    wake: Option<Timestamp>,
    recent: VecDeque<Notification>,
    told: u64,
    /// No other failure of the webhook is told before.
    webhook_quiet: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Standing {
    /// The trouble that was told last and is not over.
    told: Option<Change>,
    quiet_until: Option<Timestamp>,
}

impl Notify {
    pub fn new(policy: NotifyPolicy) -> Self {
        Self { policy: Some(policy), ..Self::default() }
    }

    /// Returns how many notifications there were so far.
    pub fn count(&self) -> u64 {
        self.told
    }

    /// Returns the notifications after the first `count`, as far as they are kept.
    pub fn since(&self, count: u64) -> impl Iterator<Item = &Notification> {
        let new = usize::try_from(self.told.saturating_sub(count)).unwrap_or(usize::MAX);
        self.recent.iter().skip(self.recent.len().saturating_sub(new))
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.wake
    }

    /// Whether a failure of the webhook is worth a line now.
    pub(super) fn webhook_failed(&mut self, now: Timestamp) -> bool {
        let Some(policy) = &self.policy else { return false };
        if self.webhook_quiet.is_some_and(|until| now < until) {
            return false;
        }
        self.webhook_quiet = Some(now + policy.quiet);
        true
    }

    /// Looks at every service and returns what is to be told now.
    pub(super) fn refresh(
        &mut self,
        now: Timestamp,
        containers: &Containers,
        connection: &Connection,
    ) -> Vec<Notification> {
        let due = self.wake.is_some_and(|at| at <= now);
        if self.policy.is_none() || (self.seen == Some(containers.revision()) && !due) {
            return Vec::new();
        }
        let Some(listed_at) = connection.listed_at else { return Vec::new() };
        self.seen = Some(containers.revision());
        let settled_at = *self.settled_at.get_or_insert(listed_at + SETTLING);
        let services = containers.stacks().flat_map(|stack| {
            stack.services.iter().map(|service| (&stack.name, &service.name, &service.verdict))
        });
        self.look(now, now >= settled_at, &connection.host, services)
    }

    fn look<'a>(
        &mut self,
        now: Timestamp,
        settled: bool,
        engine: &str,
        services: impl Iterator<Item = (&'a Arc<str>, &'a Arc<str>, &'a Verdict)>,
    ) -> Vec<Notification> {
        let Some(policy) = self.policy.clone() else { return Vec::new() };
        self.wake = None;
        let mut news = Vec::new();
        for (stack, service, verdict) in services {
            let Some(change) = change_of(verdict.state) else { continue };
            let standing = self.standing.entry((stack.clone(), service.clone())).or_default();
            let trouble = (change != Change::Recovered).then_some(change);
            if standing.told == trouble {
                continue;
            }
            if !settled {
                standing.told = trouble;
                continue;
            }
            if let Some(until) = standing.quiet_until.filter(|until| now < *until && trouble.is_some()) {
                self.wake = Some(self.wake.map_or(until, |at| at.min(until)));
                continue;
            }
            standing.told = trouble;
            if trouble.is_some() {
                standing.quiet_until = Some(now + policy.quiet);
            }
            if policy.on.contains(&change) {
                let text = sentence(now, stack, service, change, verdict);
                let (engine, stack, service) = (engine.to_owned(), stack.clone(), service.clone());
                news.push(Notification { at: now, engine, change, stack, service, text });
            }
        }
        self.told += news.len() as u64;
        self.recent.extend(news.iter().cloned());
        let surplus = self.recent.len().saturating_sub(KEPT);
        self.recent.drain(..surplus);
        news
    }
}

/// Returns what a state is worth telling as; states on the way to another say nothing yet.
fn change_of(state: ServiceState) -> Option<Change> {
    match state {
        ServiceState::Failed => Some(Change::Failed),
        ServiceState::Unhealthy => Some(Change::Unhealthy),
        ServiceState::Restarting => Some(Change::Restarting),
        ServiceState::Running | ServiceState::Healthy | ServiceState::Completed => Some(Change::Recovered),
        ServiceState::Blocked
        | ServiceState::Starting
        | ServiceState::Paused
        | ServiceState::Stopped
        | ServiceState::Absent => None,
    }
}

fn sentence(now: Timestamp, stack: &str, service: &str, change: Change, verdict: &Verdict) -> String {
    let name = if stack == NO_STACK { service.to_owned() } else { format!("{stack}/{service}") };
    let what = match change {
        Change::Unhealthy => "is unhealthy",
        Change::Failed => "failed",
        Change::Restarting => "restarts again and again",
        Change::Recovered => return format!("{name} recovered: {}", verdict.state.word()),
    };
    let reason = verdict.reason.describe(now);
    let text = if reason.is_empty() { format!("{name} {what}") } else { format!("{name} {what}: {reason}") };
    redact::text(&text).chars().take(TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stacks::Reason;

    struct Stage(Notify, Timestamp);

    impl Stage {
        fn new(policy: NotifyPolicy) -> Self {
            Self(Notify::new(policy), Timestamp::from_second(1_000_000).unwrap())
        }

        /// Says what is told when the service is in this state so many seconds after the beginning.
        fn at(&mut self, second: i64, state: ServiceState) -> Vec<Change> {
            let reason = Reason::HealthFailing { streak: 3, output: String::from("token=abcdefgh12345678") };
            let verdict = Verdict { state, reason, since: None };
            let (stack, service) = (Arc::from("shop"), Arc::from("web"));
            let now = self.1 + SignedDuration::from_secs(second);
            let told = self.0.look(now, second >= 0, "here", [(&stack, &service, &verdict)].into_iter());
            assert!(told.iter().all(|told| !told.text.contains("abcdefgh12345678")), "{told:?}");
            told.into_iter().map(|told| told.change).collect()
        }
    }

    const NOTHING: [Change; 0] = [];

    #[test]
    fn what_is_wrong_already_is_no_news_but_its_end_is() {
        let mut stage = Stage::new(NotifyPolicy::default());
        assert_eq!(stage.at(-1, ServiceState::Unhealthy), NOTHING);
        assert_eq!(stage.at(1, ServiceState::Unhealthy), NOTHING);
        assert_eq!(stage.at(2, ServiceState::Healthy), [Change::Recovered]);
        assert_eq!(stage.at(3, ServiceState::Healthy), NOTHING);
    }

    #[test]
    fn each_change_is_told_once_and_states_on_the_way_are_passed_over() {
        let mut stage = Stage::new(NotifyPolicy::default());
        assert_eq!(stage.at(1, ServiceState::Healthy), NOTHING);
        assert_eq!(stage.at(2, ServiceState::Unhealthy), [Change::Unhealthy]);
        assert_eq!(stage.at(3, ServiceState::Unhealthy), NOTHING);
        assert_eq!(stage.at(4, ServiceState::Starting), NOTHING);
        assert_eq!(stage.at(5, ServiceState::Healthy), [Change::Recovered]);
        assert_eq!(stage.0.count(), 2);
        assert_eq!(stage.0.since(1).map(|told| told.change).collect::<Vec<_>>(), [Change::Recovered]);
    }

    #[test]
    fn flapping_is_told_once_per_quiet_time_and_what_stands_at_its_end() {
        let mut stage = Stage::new(NotifyPolicy::default());
        assert_eq!(stage.at(0, ServiceState::Unhealthy), [Change::Unhealthy]);
        assert_eq!(stage.at(10, ServiceState::Healthy), [Change::Recovered]);
        for second in [20, 40, 60] {
            assert_eq!(stage.at(second, ServiceState::Unhealthy), NOTHING);
            assert_eq!(stage.at(second + 10, ServiceState::Healthy), NOTHING);
        }
        assert_eq!(stage.0.next_deadline(), None, "nothing is held back");
        assert_eq!(stage.at(100, ServiceState::Failed), NOTHING);
        let wake = stage.0.next_deadline().unwrap();
        assert_eq!(wake, stage.1 + SignedDuration::from_mins(5));
        assert_eq!(stage.at(300, ServiceState::Failed), [Change::Failed]);
        assert_eq!(stage.0.next_deadline(), None);
    }

    #[test]
    fn only_what_was_asked_for_is_told() {
        let mut stage = Stage::new(NotifyPolicy { on: vec![Change::Failed], ..NotifyPolicy::default() });
        assert_eq!(stage.at(1, ServiceState::Unhealthy), NOTHING);
        assert_eq!(stage.at(400, ServiceState::Failed), [Change::Failed]);
        assert_eq!(stage.at(500, ServiceState::Healthy), NOTHING);
        let mut nobody = Notify::default();
        assert_eq!(nobody.look(stage.1, true, "here", std::iter::empty()), []);
    }

    #[test]
    fn a_broken_webhook_is_told_once_per_quiet_time() {
        let mut stage = Stage::new(NotifyPolicy::default());
        let now = stage.1;
        assert!(stage.0.webhook_failed(now));
        assert!(!stage.0.webhook_failed(now + SignedDuration::from_mins(4)));
        assert!(stage.0.webhook_failed(now + SignedDuration::from_mins(5)));
    }
}
