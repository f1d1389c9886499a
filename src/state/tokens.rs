//! What every stack's tokens stand at: when each is read again, when it turns, what refreshing it came to.
//!
//! Knows no values. Moments come in with the events; what is due is wished for, never done here.

mod authorize;
pub mod schedule;
pub mod token;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::command::Command;
use crate::model::containers::{ContainerId, RunState};
use crate::model::stacks::Target;
use crate::model::timeline::TimelineEntry;
use crate::model::tokens::{
    KeptRefresh, Refresh, RefreshCause, RefreshFailure, Refreshed, TokenId, TokenProblem, TokenReadings,
    TokenRequest, TokenRule, TokenState,
};
use crate::state::Revision;
use crate::state::containers::Containers;
use crate::state::stack_files::StackFiles;
use crate::state::tokens::authorize::Look;
use crate::state::tokens::token::Flight;
pub use crate::state::tokens::token::{NewsKind, Token, TokenNews};

/// Between these looks.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(2);

/// A token's name is unique in its stack.
type Name = Arc<str>;

/// One rule of one stack: one source, one token or many.
#[derive(Debug)]
struct Source {
    rule: Arc<TokenRule>,
    reading: bool,
    /// Whether it was looked at, well or in vain.
    was_read: bool,
    /// Asked for while it was being read.
    again: bool,
    next_read: Timestamp,
    failures: u32,
    members: BTreeMap<Name, Token>,
}

#[derive(Debug, Default)]
pub struct Tokens {
    sources: BTreeMap<(Arc<str>, String), Source>,
    /// Refreshes that earlier runs kept, until their token is known; oldest first.
    kept: BTreeMap<(Arc<str>, Name), Vec<Refresh>>,
    /// The rules that were taken over.
    seen: Option<Revision>,
    news: Vec<TokenNews>,
    /// Whether nothing may be refreshed, by itself neither.
    read_only: bool,
    pub revision: Revision,
}

impl Tokens {
    pub(super) fn new(read_only: bool) -> Self {
        Self { read_only, ..Self::default() }
    }

    /// Refreshes nothing unasked from here on.
    pub fn leave_alone(&mut self) {
        self.read_only = true;
    }

    /// Returns every token, by stack and name.
    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.sources.values().flat_map(|source| source.members.values())
    }

    pub fn get(&self, id: &TokenId) -> Option<&Token> {
        self.iter().find(|token| token.id == *id)
    }

    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Whether some source was not read even once.
    pub fn is_reading_first(&self) -> bool {
        self.sources.values().any(|source| !source.was_read)
    }

    /// Returns the one that needs somebody most: the worst, then the one that ends first.
    pub fn worst(&self) -> Option<&Token> {
        self.iter().min_by_key(|token| (token.state, token.expires_at().unwrap_or(Timestamp::MAX)))
    }

    /// Returns the one that refreshing helps most.
    pub fn worst_refreshable(&self) -> Option<&Token> {
        self.iter()
            .filter(|token| token.rule.refresh.is_some() && !token.is_refreshing())
            .min_by_key(|token| (token.state, token.expires_at().unwrap_or(Timestamp::MAX)))
    }

    /// Returns the tokens that a service lives on.
    pub fn of_service<'a>(&'a self, stack: &'a str, service: &'a str) -> impl Iterator<Item = &'a Token> {
        self.iter()
            .filter(move |token| *token.id.stack == *stack && token.rule.service.as_deref() == Some(service))
    }

    /// Hands over what changed since the last call.
    pub(super) fn take_news(&mut self) -> Vec<TokenNews> {
        std::mem::take(&mut self.news)
    }

    /// Takes the refreshes that earlier runs kept.
    pub(super) fn remember(&mut self, entries: &[TimelineEntry]) {
        for entry in entries {
            if let (Some(stack), Some(KeptRefresh { token, refresh })) = (&entry.stack, &entry.refresh) {
                let kept = self.kept.entry((stack.clone(), token.clone())).or_default();
                let place = kept.partition_point(|known| known.at <= refresh.at);
                kept.insert(place, refresh.clone());
            }
        }
        self.tell_kept();
    }

    /// Tells tokens that came to be known what was kept of them.
    fn tell_kept(&mut self) {
        if self.kept.is_empty() {
            return;
        }
        for token in self.sources.values_mut().flat_map(|source| source.members.values_mut()) {
            if let Some(kept) = self.kept.remove(&(token.id.stack.clone(), token.id.name.clone())) {
                token.happened_before(kept);
                self.revision.bump();
            }
        }
    }

    /// Takes over the rules of the stacks' files; what is known of tokens that stay is kept.
    pub(super) fn rules_changed(&mut self, now: Timestamp, files: &StackFiles) {
        if self.seen == Some(files.revision) {
            return;
        }
        self.seen = Some(files.revision);
        let mut old = std::mem::take(&mut self.sources);
        for (stack, rule) in files.tokens() {
            let key = (stack.clone(), rule.name.clone());
            let source = match old.remove(&key) {
                Some(source) if *source.rule == *rule => source,
                _ => Source::new(now, stack, rule),
            };
            self.sources.insert(key, source);
        }
        self.tell_kept();
        self.revision.bump();
    }

    /// Something happened to a container: its tokens may have changed.
    pub(super) fn container_changed(&mut self, now: Timestamp, stack: &str, service: &str) {
        for ((of, _), source) in &mut self.sources {
            if **of == *stack && source.rule.service.as_deref() == Some(service) {
                source.ask(now);
            }
        }
    }

    /// Returns what is to be done now: sources to be read, tokens to be refreshed.
    pub(super) fn due(&mut self, now: Timestamp, containers: &Containers) -> Vec<Command> {
        let mut wishes = Vec::new();
        for ((stack, _), source) in &mut self.sources {
            // A clock that was set back must not put off what was planned by the old one.
            source.next_read = source.next_read.min(now + schedule::LONGEST);
            if !source.reading && source.next_read <= now {
                source.reading = true;
                wishes.push(Command::ReadTokens(request(stack, &source.rule, containers)));
            }
            let mut wants_look = false;
            for token in source.members.values_mut() {
                token.hold_to_the_clock(now);
                match token.look_for_approval(now, &mut self.news) {
                    Look::None => {}
                    Look::AtStatus => wishes.push(Command::AskApproval(token.id.clone())),
                    Look::AtSource => wants_look = true,
                }
                let due =
                    !self.read_only && token.auto_refresh && token.next_attempt.is_some_and(|at| at <= now);
                if due && token.flight.is_none() {
                    token.next_attempt = None;
                    wishes.push(Command::RefreshToken { token: token.id.clone(), by: RefreshCause::Auto });
                }
            }
            if wants_look {
                source.ask(now);
                if !std::mem::replace(&mut source.reading, true) {
                    wishes.push(Command::ReadTokens(request(stack, &source.rule, containers)));
                }
            }
        }
        self.turn(now);
        wishes
    }

    /// Returns when something is due.
    pub fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let reads = self.sources.values().filter(|source| !source.reading).map(|source| source.next_read);
        let turns = self.iter().filter_map(|token| token.turns_at(now));
        let attempts = self
            .iter()
            .filter(|token| !self.read_only && token.auto_refresh && token.flight.is_none())
            .filter_map(|token| token.next_attempt);
        let approvals = self.iter().filter_map(Token::next_approval);
        reads.chain(turns).chain(attempts).chain(approvals).min()
    }

    /// Takes what a source said.
    pub(super) fn read(
        &mut self,
        now: Timestamp,
        stack: &Arc<str>,
        rule: &str,
        result: Result<TokenReadings, TokenProblem>,
    ) {
        let Some(source) = self.sources.get_mut(&(stack.clone(), rule.to_owned())) else { return };
        source.reading = false;
        source.was_read = true;
        self.revision.bump();
        match result {
            Ok(readings) => {
                source.failures = 0;
                source.take(now, stack, readings, &mut self.news);
            }
            Err(problem) => {
                source.failures = source.failures.saturating_add(1);
                for token in source.members.values_mut() {
                    token.problem = Some(problem.clone());
                    token.look_in_vain(now, &mut self.news);
                }
            }
        }
        let looking = source.members.values().any(Token::is_awaited);
        source.next_read = if looking {
            now + LOOK_EVERY
        } else if std::mem::take(&mut source.again) {
            now
        } else if source.failures > 0 {
            now + schedule::back_off(source.failures)
        } else {
            let ends = source.members.values().filter_map(|token| token.turns_at(now));
            now + schedule::next_look(now, ends.min())
        };
        self.tell_kept();
        self.turn(now);
    }

    /// A refresh begins; returns what the supervisor needs for it, or why it can't be.
    pub fn can_refresh(&self, id: &TokenId) -> Result<(), String> {
        let name = &id.name;
        let Some(token) = self.get(id) else { return Err(format!("there is no token {name:?}")) };
        if token.rule.refresh.is_none() {
            return Err(format!("{name}: its rule says no refresh; add one to [[token]] in stackdash.toml"));
        }
        if token.flight.is_some() {
            return Err(format!("{name} is being refreshed already"));
        }
        Ok(())
    }

    /// Returns how a token's source is reached.
    pub fn request(&self, id: &TokenId, containers: &Containers) -> Option<TokenRequest> {
        let token = self.get(id)?;
        Some(request(&id.stack, &token.rule, containers))
    }

    pub(super) fn refresh_started(&mut self, now: Timestamp, id: &TokenId, by: RefreshCause) {
        if let Some(token) = self.find(id) {
            token.flight = Some(Flight { by, before: token.reading.clone(), answered: None });
            token.next_attempt = None;
        }
        self.revision.bump();
        self.turn(now);
    }

    /// The endpoint answered. Only what the source says next tells whether that was a success.
    pub(super) fn refreshed(
        &mut self,
        now: Timestamp,
        id: &TokenId,
        result: Result<Refreshed, RefreshFailure>,
    ) {
        let Some(key) = self.key_of(id) else { return };
        let Some(source) = self.sources.get_mut(&key) else { return };
        let Some(token) = source.members.get_mut(&id.name) else { return };
        match result {
            Ok(refreshed) => {
                if let Some(flight) = &mut token.flight {
                    flight.answered = Some((refreshed, 0));
                }
                source.ask(now);
            }
            Err(failure) => {
                token.failed(now, failure, &mut self.news);
                // It may have been taken from us by somebody who succeeded.
                source.ask(now);
            }
        }
        self.revision.bump();
        self.turn(now);
    }

    pub(super) fn set_auto(&mut self, now: Timestamp, id: &TokenId, on: bool) {
        if let Some(token) = self.find(id) {
            token.auto_refresh = on && token.rule.refresh.is_some();
            token.attempts = 0;
            token.plan(now);
        }
        self.revision.bump();
    }

    fn key_of(&self, id: &TokenId) -> Option<(Arc<str>, String)> {
        let found = self
            .sources
            .iter()
            .find(|((stack, _), source)| *stack == id.stack && source.members.contains_key(&id.name));
        found.map(|(key, _)| key.clone())
    }

    fn find(&mut self, id: &TokenId) -> Option<&mut Token> {
        let key = self.key_of(id)?;
        self.sources.get_mut(&key)?.members.get_mut(&id.name)
    }

    /// Judges every token anew.
    fn turn(&mut self, now: Timestamp) {
        for source in self.sources.values_mut() {
            for token in source.members.values_mut() {
                let to = token.judge(now);
                let is_read = !token.is_unread();
                let is_first = is_read && !std::mem::replace(&mut token.was_judged, is_read);
                if to == token.state {
                    continue;
                }
                let from = std::mem::replace(&mut token.state, to);
                token.since = token.began(to, now);
                self.revision.bump();
                // How it stands at the first look is no news, and a refresh tells of itself.
                let quiet = to == TokenState::Refreshing || from == TokenState::Refreshing;
                if !quiet && !is_first {
                    let why = token.reason().map(str::to_owned);
                    self.news.push(TokenNews {
                        id: token.id.clone(),
                        service: token.rule.service.clone(),
                        kind: NewsKind::Turned { from, to, why },
                        refresh: None,
                    });
                }
            }
        }
    }
}

impl Source {
    fn new(now: Timestamp, stack: &Arc<str>, rule: &TokenRule) -> Self {
        let rule = Arc::new(rule.clone());
        // Where a document lists many, the rule's own name stands for them until there is one.
        let name: Name = Arc::from(&*rule.name);
        let id = TokenId { stack: stack.clone(), name: name.clone() };
        let members = BTreeMap::from([(name, Token::new(now, id, rule.clone()))]);
        Self { rule, reading: false, was_read: false, again: false, next_read: now, failures: 0, members }
    }

    /// Wants a look soon.
    fn ask(&mut self, now: Timestamp) {
        if self.reading {
            self.again = true;
        } else {
            self.next_read = self.next_read.min(now);
        }
    }

    fn take(&mut self, now: Timestamp, stack: &Arc<str>, readings: TokenReadings, news: &mut Vec<TokenNews>) {
        let mut seen = Vec::new();
        for reading in readings.tokens {
            let name: Name = match &reading.label {
                Some(label) if self.rule.each.is_some() => Arc::from(&**label),
                _ => Arc::from(&*self.rule.name),
            };
            seen.push(name.clone());
            let id = TokenId { stack: stack.clone(), name: name.clone() };
            let rule = self.rule.clone();
            let token = self.members.entry(name).or_insert_with(|| Token::new(now, id, rule));
            token.clock_ahead = readings.clock_ahead;
            token.take(now, reading, news);
        }
        let rule = &self.rule;
        let stands_in = |name: &Name| rule.each.is_some() && **name == *rule.name;
        if !seen.is_empty() {
            self.members.retain(|name, _| seen.contains(name) || !stands_in(name));
        }
        for (name, token) in &mut self.members {
            if seen.is_empty() && stands_in(name) && token.reading.is_none() {
                let each = self.rule.each.as_deref().unwrap_or_default();
                let words = format!("{each} is empty: there is no token yet");
                token.problem = Some(TokenProblem::Missing(words));
                token.look_in_vain(now, news);
            } else if !seen.contains(name) {
                let words = format!("{name} is no longer in the document");
                token.problem = Some(TokenProblem::Missing(words));
                token.look_in_vain(now, news);
            }
        }
    }
}

fn request(stack: &Arc<str>, rule: &Arc<TokenRule>, containers: &Containers) -> TokenRequest {
    let folder = containers.project_of(stack).map(|project| project.folder.clone());
    TokenRequest {
        stack: stack.clone(),
        rule: rule.clone(),
        containers: rule
            .service
            .as_ref()
            .map_or_else(Vec::new, |service| of_service(stack, service, containers)),
        folder,
    }
}

fn of_service(stack: &Arc<str>, service: &Arc<str>, containers: &Containers) -> Vec<ContainerId> {
    let target = Target::Service { stack: stack.clone(), service: service.clone() };
    let mut all = containers.of_target(&target);
    all.sort_by_key(|id| containers.get(id).is_none_or(|entry| entry.container.run != RunState::Running));
    all
}

#[cfg(test)]
mod tests;
