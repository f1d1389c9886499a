//! One token: what it stands at, what was read of it, what refreshing it came to.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::stacks::Target;
use crate::model::tokens::{
    Buffer, Refresh, RefreshCause, RefreshFailure, Refreshed, TokenId, TokenProblem, TokenReading, TokenRule,
    TokenState,
};
use crate::state::containers::Containers;
use crate::state::tokens::authorize::Authorizing;
use crate::state::tokens::schedule;

/// Refreshes remembered per token.
const HISTORY: usize = 50;
/// After a refresh that was answered well the source is read so often, until the token has changed.
const LOOKS: u32 = 6;

/// One token with all that is known of it.
#[derive(Clone, Debug)]
pub struct Token {
    pub id: TokenId,
    pub rule: Arc<TokenRule>,
    /// What it stands at.
    pub state: TokenState,
    /// Since when.
    pub since: Timestamp,
    /// The last that was read; stays when a later attempt fails.
    pub reading: Option<TokenReading>,
    pub read_at: Option<Timestamp>,
    /// Why the last attempt to read it failed: what is shown is stale.
    pub problem: Option<TokenProblem>,
    pub clock_ahead: Option<SignedDuration>,
    /// Whether stackdash refreshes it by itself; may be switched off.
    pub auto_refresh: bool,
    /// The next attempt of it.
    pub next_attempt: Option<Timestamp>,
    /// Newest last.
    pub history: VecDeque<Refresh>,
    pub(super) attempts: u32,
    pub(super) flight: Option<Flight>,
    pub(super) authorizing: Option<Authorizing>,
    /// Whether it was judged by an answer, good or bad: what comes first is no news.
    pub(super) was_judged: bool,
    /// Whether somebody approved, and the token that comes of it was not seen yet.
    pub(super) approved: bool,
    /// What the endpoint answered when it refused.
    pub(super) refused: Option<String>,
}

/// A refresh under way.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) by: RefreshCause,
    /// The token before it: only another one counts as success.
    pub(super) before: Option<TokenReading>,
    /// What the endpoint answered, and how often we looked since.
    pub(super) answered: Option<(Refreshed, u32)>,
}

impl Token {
    pub(super) fn new(now: Timestamp, id: TokenId, rule: Arc<TokenRule>) -> Self {
        Self {
            auto_refresh: rule.auto_refresh,
            id,
            rule,
            state: TokenState::Missing,
            since: now,
            reading: None,
            read_at: None,
            problem: None,
            clock_ahead: None,
            next_attempt: None,
            history: VecDeque::new(),
            attempts: 0,
            flight: None,
            was_judged: false,
            authorizing: None,
            approved: false,
            refused: None,
        }
    }

    pub fn expires_at(&self) -> Option<Timestamp> {
        self.reading.as_ref()?.expires_at
    }

    /// Returns how long before its end it is to be refreshed.
    pub fn buffer(&self) -> SignedDuration {
        let own = self.reading.as_ref().and_then(|reading| reading.buffer);
        let fixed = match self.rule.buffer {
            Buffer::Fixed(span) => span,
            // The document should say it and does not.
            Buffer::Field { unit, .. } => unit.saturating_mul(5),
        };
        SignedDuration::try_from(own.unwrap_or(fixed)).unwrap_or(SignedDuration::MAX)
    }

    /// Returns when it begins to expire.
    pub fn expiring_at(&self) -> Option<Timestamp> {
        let reading = self.reading.as_ref()?;
        let end = reading.expires_at?;
        let by_buffer = end.checked_sub(self.buffer()).unwrap_or(Timestamp::MIN);
        let by_life = reading.issued_at.filter(|issued| *issued < end).map(|issued| {
            let life = end.duration_since(issued);
            end - SignedDuration::from_millis((life.as_millis() / 10) as i64)
        });
        Some(by_life.map_or(by_buffer, |at| at.min(by_buffer)))
    }

    /// Whether no answer came yet, good or bad.
    pub fn is_unread(&self) -> bool {
        self.reading.is_none() && self.problem.is_none()
    }

    /// Whether somebody should look at it. What cannot be read while nothing runs that lives on it is no worry.
    pub fn is_worry(&self, containers: &Containers) -> bool {
        if !self.state.is_trouble() || self.is_unread() {
            return false;
        }
        if !matches!(self.state, TokenState::Missing | TokenState::Unreadable) {
            return true;
        }
        let stack = self.id.stack.clone();
        let target = match &self.rule.service {
            Some(service) => Target::Service { stack, service: service.clone() },
            None => Target::Stack(stack),
        };
        let ids = containers.of_target(&target);
        ids.iter().any(|id| containers.get(id).is_some_and(|entry| entry.container.run.is_up()))
    }

    pub fn last_refresh(&self) -> Option<&Refresh> {
        self.history.back()
    }

    /// Says why it stands as it does, where that is not plain.
    pub fn reason(&self) -> Option<&str> {
        match self.state {
            TokenState::Rejected => self.refused.as_deref(),
            _ => self.problem.as_ref().map(TokenProblem::words),
        }
    }

    /// Whether what is shown could not be confirmed by the last attempt to read it.
    pub fn is_stale(&self) -> bool {
        self.problem.is_some() && self.reading.is_some()
    }

    /// Whether stackdash renews it by itself and that works, as far as is known.
    pub fn is_refreshed_by_us(&self) -> bool {
        self.auto_refresh && self.attempts == 0
    }

    pub fn is_refreshing(&self) -> bool {
        self.flight.is_some()
    }

    pub(super) fn judge(&self, now: Timestamp) -> TokenState {
        if self.flight.is_some() {
            return TokenState::Refreshing;
        }
        let Some(reading) = &self.reading else {
            return match &self.problem {
                Some(TokenProblem::Unreadable(_)) => TokenState::Unreadable,
                Some(TokenProblem::Missing(_)) | None => TokenState::Missing,
            };
        };
        if let Some(TokenProblem::Missing(_)) = self.problem {
            return TokenState::Missing;
        }
        if self.refused.is_some() {
            return TokenState::Rejected;
        }
        match reading.expires_at {
            Some(end) if end <= now => TokenState::Expired,
            Some(_) if self.expiring_at().is_some_and(|at| at <= now) => TokenState::Expiring,
            // One without an end lives for ever.
            Some(_) | None => TokenState::Valid,
        }
    }

    /// Returns since when it stands so: what time alone brought about began before we looked.
    pub(super) fn began(&self, state: TokenState, now: Timestamp) -> Timestamp {
        let at = match state {
            TokenState::Expired => self.expires_at(),
            TokenState::Expiring => self.expiring_at(),
            _ => None,
        };
        at.map_or(now, |at| at.min(now))
    }

    /// Returns when it turns by the passing of time alone.
    pub(super) fn turns_at(&self, now: Timestamp) -> Option<Timestamp> {
        [self.expiring_at(), self.expires_at()].into_iter().flatten().filter(|at| *at > now).min()
    }

    pub(super) fn remember(&mut self, refresh: Refresh) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(refresh);
    }

    /// Puts what earlier runs kept before what this one knows; oldest first.
    pub(super) fn happened_before(&mut self, mut kept: Vec<Refresh>) {
        let first = self.history.front().map(|refresh| refresh.at);
        // What another stackdash told of the same moment on is known already.
        kept.retain(|refresh| first.is_none_or(|first| refresh.at < first));
        // A refresh of one stackdash is a change of itself to another that looks on, a look later.
        kept.dedup_by(|next, first| {
            next.by == RefreshCause::Service
                && first.ok
                && first.by != RefreshCause::Service
                && next.at.duration_since(first.at) <= schedule::LONGEST
        });
        kept.extend(self.history.drain(..));
        self.history.extend(kept.drain(kept.len().saturating_sub(HISTORY)..));
    }

    /// Whether this is another token than before: that is what a refresh is for.
    pub(super) fn is_newer(reading: &TokenReading, before: Option<&TokenReading>) -> bool {
        before.is_none_or(|before| {
            reading.fingerprint != before.fingerprint || reading.expires_at > before.expires_at
        })
    }
}

fn words(refreshed: &Refreshed) -> String {
    match refreshed {
        Refreshed::Answered(detail) => detail.clone(),
        Refreshed::ByAnother { seconds } => {
            format!("{}, {seconds} s ago", Refresh::BY_ANOTHER)
        }
    }
}

/// A change that is worth a line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenNews {
    pub id: TokenId,
    pub service: Option<Arc<str>>,
    pub kind: NewsKind,
    /// The refresh that it is news of.
    pub refresh: Option<Refresh>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewsKind {
    /// It stands otherwise than before.
    Turned {
        from: TokenState,
        to: TokenState,
        why: Option<String>,
    },
    /// There is another token, or another expiry.
    Renewed {
        expires_at: Option<Timestamp>,
        fingerprint: String,
        by: RefreshCause,
    },
    /// Somebody approved.
    Authorized,
    NotAuthorized {
        why: String,
    },
    RefreshFailed {
        by: RefreshCause,
        why: String,
        next: Option<Timestamp>,
    },
}

impl Token {
    pub(super) fn take(&mut self, now: Timestamp, reading: TokenReading, news: &mut Vec<TokenNews>) {
        self.problem = None;
        self.read_at = Some(now);
        let before = self.reading.replace(reading);
        let Some(reading) = &self.reading else { return };
        let changed = before.is_some() && Self::is_newer(reading, before.as_ref());
        let (expires_at, fingerprint) = (reading.expires_at, reading.fingerprint.clone());
        let done = self.flight.as_ref().filter(|flight| flight.answered.is_some()).map(|flight| {
            // What another one refreshed may have been read before we asked.
            let by_another = matches!(flight.answered, Some((Refreshed::ByAnother { .. }, _)));
            let lives = reading.expires_at.is_none_or(|end| end > now);
            Self::is_newer(reading, flight.before.as_ref()) || (by_another && lives)
        });
        match done {
            Some(true) => {
                if let Some(Flight { by, answered: Some((refreshed, _)), .. }) = self.flight.take() {
                    let is_ours = matches!(refreshed, Refreshed::Answered(_));
                    self.remember(Refresh { at: now, by, ok: true, detail: words(&refreshed) });
                    if is_ours || changed {
                        self.renewed(now, expires_at, fingerprint, by, news);
                        // Whose refresh it was keeps it.
                        if let Some(last) = news.last_mut().filter(|_| !is_ours) {
                            last.refresh = None;
                        }
                    } else {
                        self.refused = None;
                        self.attempts = 0;
                        self.next_attempt = None;
                    }
                }
            }
            Some(false) => self.look_in_vain(now, news),
            // It changed although nobody of us asked for it, or before our own answer came.
            None if changed => {
                let approved = std::mem::take(&mut self.approved) || self.is_authorizing();
                let by = match &self.flight {
                    Some(flight) => flight.by,
                    None if approved => RefreshCause::Operator,
                    None => RefreshCause::Service,
                };
                if self.flight.is_none() && !approved {
                    let detail = String::from("changed by itself");
                    self.remember(Refresh { at: now, by, ok: true, detail });
                }
                self.renewed(now, expires_at, fingerprint, by, news);
            }
            None => {}
        }
        self.token_came(now, news);
        self.plan(now);
    }

    pub(super) fn renewed(
        &mut self,
        now: Timestamp,
        expires_at: Option<Timestamp>,
        fingerprint: String,
        by: RefreshCause,
        news: &mut Vec<TokenNews>,
    ) {
        self.refused = None;
        self.attempts = 0;
        self.next_attempt = None;
        self.since = now;
        let kind = NewsKind::Renewed { expires_at, fingerprint, by };
        let refresh = self.last_refresh().filter(|refresh| refresh.at == now).cloned();
        news.push(TokenNews { id: self.id.clone(), service: self.rule.service.clone(), kind, refresh });
    }

    /// Whether an answer came and the token that it promised did not, yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.answered.is_some())
    }

    /// One more look after an answer, and nothing new.
    pub(super) fn look_in_vain(&mut self, now: Timestamp, news: &mut Vec<TokenNews>) {
        let Some(Flight { answered: Some((refreshed, looks)), .. }) = &mut self.flight else { return };
        *looks += 1;
        if *looks >= LOOKS {
            let words = match refreshed {
                Refreshed::Answered(detail) => {
                    format!("the endpoint answered {detail}, but the token did not change")
                }
                Refreshed::ByAnother { .. } => format!("{}, but the token is over", words(refreshed)),
            };
            self.failed(now, RefreshFailure { words, rejected: false }, news);
        }
    }

    pub(super) fn failed(&mut self, now: Timestamp, failure: RefreshFailure, news: &mut Vec<TokenNews>) {
        let Some(flight) = self.flight.take() else { return };
        self.attempts = self.attempts.saturating_add(1);
        if failure.rejected {
            self.refused = Some(failure.words.clone());
        }
        self.plan(now);
        let refresh = Refresh { at: now, by: flight.by, ok: false, detail: failure.words.clone() };
        self.remember(refresh);
        let kind = NewsKind::RefreshFailed { by: flight.by, why: failure.words, next: self.next_attempt };
        let refresh = self.last_refresh().cloned();
        news.push(TokenNews { id: self.id.clone(), service: self.rule.service.clone(), kind, refresh });
    }

    /// Brings near what a clock planned that was set back since.
    pub(super) fn hold_to_the_clock(&mut self, now: Timestamp) {
        if self.attempts > 0 {
            let seed = schedule::seed(&self.id.stack, &self.id.name);
            let latest = now + schedule::retry(self.attempts, seed);
            self.next_attempt = self.next_attempt.map(|at| at.min(latest));
        }
    }

    /// Sets the next attempt to refresh it by itself.
    pub(super) fn plan(&mut self, now: Timestamp) {
        if !self.auto_refresh || self.flight.is_some() {
            self.next_attempt = None;
            return;
        }
        let Some(end) = self.expires_at() else { return };
        let seed = schedule::seed(&self.id.stack, &self.id.name);
        self.next_attempt = Some(if self.attempts == 0 {
            schedule::first_attempt(end, self.buffer(), seed)
        } else if self.next_attempt.is_some_and(|at| at > now) {
            return;
        } else {
            now + schedule::retry(self.attempts, seed)
        });
    }
}
