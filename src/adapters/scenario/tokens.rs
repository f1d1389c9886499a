//! Tokens of the embedded engine: they live as the scenario says, and follow from the clock like all else.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::adapters::scenario::engine::{Player, Stage, check_link};
use crate::adapters::scenario::random::{hex, mix, seed_of};
use crate::adapters::scenario::script::TokenScript;
use crate::model::tokens::{
    Invitation, OpenAddress, RefreshFailure, Refreshed, TokenId, TokenProblem, TokenReading, TokenReadings,
    TokenRequest,
};
use crate::ports::{BoxFuture, TokenSource};

/// From a request to its answer.
const ANSWER: Duration = Duration::from_millis(400);

/// When tokens were refreshed on request, by stack, rule and label.
pub type Refreshes = BTreeMap<(String, String, Option<String>), Timestamp>;

/// Returns when the token of this moment was issued.
fn issued(script: &TokenScript, began: Timestamp, refreshed: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let span = |of: Duration| SignedDuration::try_from(of).unwrap_or(SignedDuration::MAX);
    let life = span(script.life.0);
    let first = began + script.left.map_or(life, |left| span(left.0)) - life;
    let since = refreshed.unwrap_or(first);
    let Some(renews) = script.renews else { return since };
    // Its owner fetches a new one each time before the old one ends.
    let cycle = (life - span(renews.0)).max(SignedDuration::from_secs(1));
    let turns = (now.duration_since(since).as_millis() / cycle.as_millis()).max(0);
    since + SignedDuration::from_millis((turns * cycle.as_millis()) as i64)
}

fn reading(script: &TokenScript, stack: &str, issued: Timestamp) -> TokenReading {
    let life = SignedDuration::try_from(script.life.0).unwrap_or(SignedDuration::MAX);
    let label = script.label.as_deref().unwrap_or_default();
    let parts = [seed_of(stack), seed_of(&script.rule), seed_of(label), issued.as_second() as u64];
    TokenReading {
        label: script.label.clone(),
        expires_at: issued.checked_add(life).ok(),
        issued_at: Some(issued),
        fingerprint: hex(mix(&parts), 8),
        buffer: None,
        facts: script.facts.clone().into_iter().collect(),
    }
}

fn readings(player: &Player, request: &TokenRequest) -> Result<TokenReadings, TokenProblem> {
    let rule = &request.rule;
    player.with(|world, now| {
        check_link(world).map_err(|error| TokenProblem::Unreadable(error.to_string()))?;
        let refreshes = player.refreshes.lock().unwrap_or_else(PoisonError::into_inner);
        let stack = world.script.stacks.iter().find(|stack| stack.name == *request.stack);
        let scripts =
            stack.into_iter().flat_map(|stack| &stack.tokens).filter(|token| token.rule == rule.name);
        let tokens: Vec<TokenReading> = scripts
            .map(|script| {
                let key = (request.stack.to_string(), script.rule.clone(), script.label.clone());
                // What somebody will approve later is noted already.
                let refreshed = refreshes.get(&key).copied().filter(|at| *at <= now);
                reading(script, &request.stack, issued(script, world.began(), refreshed, now))
            })
            .collect();
        if tokens.is_empty() {
            return Err(TokenProblem::Missing(String::from("there is no token yet")));
        }
        Ok(TokenReadings { tokens, clock_ahead: None })
    })
}

fn refresh(player: &Player, request: &TokenRequest, token: &TokenId) -> Result<Refreshed, RefreshFailure> {
    let rule = &request.rule;
    let failed = |words: String| RefreshFailure { words, rejected: false };
    player.with(|world, now| {
        check_link(world).map_err(|error| failed(error.to_string()))?;
        let stack = world.script.stacks.iter().find(|stack| stack.name == *request.stack);
        let script = stack.into_iter().flat_map(|stack| &stack.tokens).find(|script| {
            script.rule == rule.name && script.label.as_deref().unwrap_or(&script.rule) == &*token.name
        });
        let Some(script) = script else { return Err(failed(String::from("there is no token yet"))) };
        let key = (request.stack.to_string(), script.rule.clone(), script.label.clone());
        let mut refreshes = player.refreshes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_approved = refreshes.get(&key).is_some_and(|at| *at <= now);
        if let Some(words) = script.refuses.as_ref().filter(|_| !is_approved) {
            return Err(RefreshFailure { words: words.clone(), rejected: true });
        }
        refreshes.insert(key, now);
        Ok(Refreshed::Answered(String::from("HTTP 200")))
    })
}

fn authorize(player: &Player, request: &TokenRequest, token: &TokenId) -> Result<Invitation, String> {
    player.with(|world, now| {
        check_link(world).map_err(|error| error.to_string())?;
        let stack = world.script.stacks.iter().find(|stack| stack.name == *request.stack);
        let script = stack.into_iter().flat_map(|stack| &stack.tokens).find(|script| {
            script.rule == request.rule.name
                && script.label.as_deref().unwrap_or(&script.rule) == &*token.name
        });
        let address = script.and_then(|script| Some((script, script.authorizes.as_ref()?)));
        let Some((script, address)) = address else {
            return Err(String::from("nobody can authorize it here"));
        };
        let address = OpenAddress::parse(address).map_err(str::to_owned)?;
        if let Some(approves) = script.approves {
            let key = (request.stack.to_string(), script.rule.clone(), script.label.clone());
            let at = now.saturating_add(approves.0).unwrap_or(now);
            player.refreshes.lock().unwrap_or_else(PoisonError::into_inner).insert(key, at);
        }
        Ok(Invitation { address, code: None, lasts: Some(Duration::from_mins(5)), every: None })
    })
}

impl TokenSource for Stage {
    fn read<'a>(&'a self, request: &'a TokenRequest) -> BoxFuture<'a, Result<TokenReadings, TokenProblem>> {
        Box::pin(std::future::ready(readings(&self.player, request)))
    }

    fn refresh<'a>(
        &'a self,
        request: &'a TokenRequest,
        token: &'a TokenId,
    ) -> BoxFuture<'a, Result<Refreshed, RefreshFailure>> {
        Box::pin(async move {
            tokio::time::sleep(ANSWER).await;
            refresh(&self.player, request, token)
        })
    }

    fn authorize<'a>(
        &'a self,
        request: &'a TokenRequest,
        token: &'a TokenId,
    ) -> BoxFuture<'a, Result<Invitation, String>> {
        Box::pin(async move {
            tokio::time::sleep(ANSWER).await;
            authorize(&self.player, request, token)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::scenario::units::Span;

    #[test]
    fn a_token_that_its_owner_renews_never_ends() {
        let span = |seconds| Span(Duration::from_secs(seconds));
        let script = TokenScript {
            rule: String::from("utec"),
            label: None,
            life: span(180),
            left: Some(span(60)),
            renews: Some(span(30)),
            refuses: None,
            authorizes: None,
            approves: None,
            facts: BTreeMap::new(),
        };
        let began: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        let left = |refreshed: Option<i64>, second: i64| {
            let at = |second| began + SignedDuration::from_secs(second);
            let issued = issued(&script, began, refreshed.map(at), at(second));
            issued.duration_since(at(second)).as_secs() + 180
        };
        assert_eq!([0, 29, 30, 179, 180].map(|second| left(None, second)), [60, 31, 180, 31, 180]);
        assert_eq!([10, 159, 160].map(|second| left(Some(10), second)), [180, 31, 180]);
    }
}
