//! Who is to be told of what: each change of a service or a token once, with a quiet time.
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
use crate::model::tokens::{TokenState, countdown};
use crate::state::Revision;
use crate::state::connection::Connection;
use crate::state::containers::Containers;
use crate::state::tokens::{Token, Tokens};

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
    /// By stack, name, and whether it is a token's.
    standing: HashMap<(Arc<str>, Arc<str>, bool), Standing>,
    /// Until when what is seen is taken as it is.
    settled_at: Option<Timestamp>,
    seen: Option<(Revision, Revision)>,
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
    /// What was told last of all, and until when nothing like it is told again.
    quiet: Option<(Change, Timestamp)>,
}

/// What is looked at.
#[derive(Clone, Copy)]
enum Subject<'a> {
    Service { stack: &'a Arc<str>, service: &'a Arc<str>, verdict: &'a Verdict },
    Token(&'a Token),
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
        tokens: &Tokens,
        connection: &Connection,
    ) -> Vec<Notification> {
        let due = self.wake.is_some_and(|at| at <= now);
        let seen = Some((containers.revision(), tokens.revision));
        if self.policy.is_none() || (self.seen == seen && !due) {
            return Vec::new();
        }
        let Some(listed_at) = connection.listed_at else { return Vec::new() };
        self.seen = seen;
        let settled_at = *self.settled_at.get_or_insert(listed_at + SETTLING);
        let services = containers.stacks().flat_map(|stack| {
            stack.services.iter().map(|service| Subject::Service {
                stack: &stack.name,
                service: &service.name,
                verdict: &service.verdict,
            })
        });
        let subjects = services.chain(tokens.iter().map(Subject::Token));
        self.look(now, now >= settled_at, &connection.host, subjects)
    }

    fn look<'a>(
        &mut self,
        now: Timestamp,
        settled: bool,
        engine: &str,
        subjects: impl Iterator<Item = Subject<'a>>,
    ) -> Vec<Notification> {
        let Some(policy) = self.policy.clone() else { return Vec::new() };
        self.wake = None;
        let mut news = Vec::new();
        for subject in subjects {
            let Some(change) = subject.change() else { continue };
            let trouble = (change != Change::Recovered).then_some(change);
            let key = subject.key();
            // How a token stands at the first look is no news, whenever that look is.
            let is_known = !key.2 || self.standing.contains_key(&key);
            let standing = self.standing.entry(key).or_default();
            if standing.told == trouble {
                continue;
            }
            if !settled || !is_known {
                standing.told = trouble;
                continue;
            }
            let holds = |(told, until): &(Change, Timestamp)| now < *until && subject.is_alike(*told, change);
            if let Some((_, until)) = standing.quiet.filter(|quiet| trouble.is_some() && holds(quiet)) {
                self.wake = Some(self.wake.map_or(until, |at| at.min(until)));
                continue;
            }
            standing.told = trouble;
            if trouble.is_some() {
                standing.quiet = Some((change, now + policy.quiet));
            }
            if policy.on.contains(&change) {
                news.push(subject.notification(now, engine, change));
            }
        }
        self.told += news.len() as u64;
        self.recent.extend(news.iter().cloned());
        let surplus = self.recent.len().saturating_sub(KEPT);
        self.recent.drain(..surplus);
        news
    }
}

impl Subject<'_> {
    fn key(&self) -> (Arc<str>, Arc<str>, bool) {
        match self {
            Self::Service { stack, service, .. } => ((*stack).clone(), (*service).clone(), false),
            Self::Token(token) => (token.id.stack.clone(), token.id.name.clone(), true),
        }
    }

    fn change(&self) -> Option<Change> {
        match self {
            Self::Service { verdict, .. } => change_of(verdict.state),
            Self::Token(token) if token.is_unread() => None,
            Self::Token(token) => change_of_token(token),
        }
    }

    /// Whether a trouble is told by another: a service flaps between them, a token goes from bad to worse.
    fn is_alike(&self, told: Change, now: Change) -> bool {
        matches!(self, Self::Service { .. }) || told == now
    }

    fn notification(&self, at: Timestamp, engine: &str, change: Change) -> Notification {
        let engine = engine.to_owned();
        match self {
            Self::Service { stack, service, verdict } => {
                let text = sentence(at, stack, service, change, verdict);
                let (stack, service) = ((*stack).clone(), (*service).clone());
                Notification { at, engine, change, stack, service, token: None, text }
            }
            Self::Token(token) => Notification {
                at,
                engine,
                change,
                stack: token.id.stack.clone(),
                service: token.rule.service.clone().unwrap_or_default(),
                token: Some(token.id.name.clone()),
                text: token_sentence(at, token, change),
            },
        }
    }
}

/// Returns what a token's state is worth telling as.
fn change_of_token(token: &Token) -> Option<Change> {
    match token.state {
        // Somebody is on it, as each time before.
        TokenState::Expiring if token.is_refreshed_by_us() => None,
        TokenState::Expiring => Some(Change::Expiring),
        TokenState::Expired => Some(Change::Expired),
        TokenState::Rejected => Some(Change::Rejected),
        TokenState::Valid => Some(Change::Recovered),
        // A source that cannot be read says nothing of the token.
        TokenState::Missing | TokenState::Unreadable | TokenState::Refreshing => None,
    }
}

fn token_sentence(now: Timestamp, token: &Token, change: Change) -> String {
    let name = format!("token {}/{}", token.id.stack, token.id.name);
    let end = token.expires_at().map(|end| countdown(end, now));
    let text = match (change, end) {
        (Change::Expiring, Some(end)) => format!("{name} expires {end}"),
        (Change::Expired, Some(end)) => format!("{name} expired {end}"),
        (Change::Rejected, _) => format!("{name} was rejected: {}", token.reason().unwrap_or_default()),
        (Change::Recovered, Some(end)) => format!("{name} recovered: valid, expires {end}"),
        (change, _) => format!("{name}: {}", change.word()),
    };
    redact::text(&text).chars().take(TEXT).collect()
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
        Change::Expiring | Change::Expired | Change::Rejected => change.word(),
    };
    let reason = verdict.reason.describe(now);
    let text = if reason.is_empty() { format!("{name} {what}") } else { format!("{name} {what}: {reason}") };
    redact::text(&text).chars().take(TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stacks::Reason;
    use crate::model::tokens::{TokenReading, TokenReadings};
    use crate::state::stack_files::StackFiles;

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
            let told = self.0.look(
                now,
                second >= 0,
                "here",
                std::iter::once(Subject::Service { stack: &stack, service: &service, verdict: &verdict }),
            );
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

    /// A token of the stack `shop`, that ends at second 4000, read at this second.
    fn tokens_at(now: Timestamp, tokens: &mut Tokens, end: i64, fingerprint: &str) {
        let reading = TokenReading {
            label: None,
            expires_at: Timestamp::from_second(1_000_000 + end).ok(),
            issued_at: None,
            fingerprint: fingerprint.to_owned(),
            buffer: None,
            facts: Vec::new(),
        };
        let read = TokenReadings { tokens: vec![reading], clock_ahead: None };
        tokens.read(now, &Arc::from("shop"), "cloud", Ok(read));
    }

    fn shop(auto_refresh: bool) -> Tokens {
        let text = format!(
            "[[token]]\nname = \"cloud\"\nservice = \"web\"\nread = {{ env = \"T\" }}\nrefresh = {{ restart = true }}\nauto_refresh = {auto_refresh}\n"
        );
        let file =
            crate::config::stack_file::parse(std::path::Path::new("/srv/stackdash.toml"), &text).unwrap();
        let mut files = StackFiles::default();
        files.read(Arc::from("shop"), "/srv".into(), Ok(file));
        let mut tokens = Tokens::default();
        tokens.rules_changed(Timestamp::from_second(1_000_000).unwrap(), &files);
        tokens
    }

    /// Says what is told of a token at these seconds, where it is read anew with these ends.
    fn told_of(auto_refresh: bool, looks: &[(i64, i64)]) -> Vec<(i64, Change)> {
        let (mut stage, mut tokens) = (Stage::new(NotifyPolicy::default()), shop(auto_refresh));
        let mut all = Vec::new();
        for (second, end) in looks {
            let now = stage.1 + SignedDuration::from_secs(*second);
            tokens_at(now, &mut tokens, *end, &end.to_string());
            let told = stage.0.look(now, true, "here", tokens.iter().map(Subject::Token));
            assert!(
                told.iter()
                    .all(|told| told.token.as_deref() == Some("cloud")
                        && told.text.contains("token shop/cloud"))
            );
            all.extend(told.into_iter().map(|told| (*second, told.change)));
        }
        all
    }

    #[test]
    fn a_token_is_told_of_from_bad_to_worse_without_a_quiet_time_between() {
        let told = told_of(
            false,
            &[(0, 4000), (3000, 4000), (3800, 4000), (3900, 4000), (4001, 4000), (4010, 9000)],
        );
        assert_eq!(told, [(3800, Change::Expiring), (4001, Change::Expired), (4010, Change::Recovered)]);
    }

    #[test]
    fn the_first_look_at_a_token_is_no_news_and_one_that_we_renew_ends_every_time() {
        assert_eq!(told_of(false, &[(3900, 4000), (3950, 4000), (4001, 4000)]), [(4001, Change::Expired)]);
        assert_eq!(told_of(true, &[(0, 4000), (3800, 4000), (3900, 9000)]), []);
    }
}
