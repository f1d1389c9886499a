//! Authorizing anew: from the wish to the new token, with the looks in between.
//!
//! Theory of operation: the endpoint gives an address, a human being opens it. Meanwhile the rule's `status` is
//! asked, or the source itself is read, every few seconds until the time is up. A status that says yes before
//! anybody can have approved speaks of the old token: then only another token in the source counts.

use jiff::{SignedDuration, Timestamp};

use crate::model::tokens::{
    Approval, Authorization, AuthorizationStage, Invitation, Refresh, RefreshCause, TokenId, TokenReading,
};
use crate::state::tokens::Tokens;
use crate::state::tokens::token::{NewsKind, Token, TokenNews};

/// The longest wait for an approval, where the endpoint says nothing, and the bounds where it does.
const LASTS: SignedDuration = SignedDuration::from_mins(10);
const LASTS_WITHIN: (SignedDuration, SignedDuration) =
    (SignedDuration::from_secs(10), SignedDuration::from_hours(1));
/// Between looks, where the endpoint says nothing, and the bounds where it does.
const EVERY: SignedDuration = SignedDuration::from_secs(2);
const EVERY_WITHIN: (SignedDuration, SignedDuration) =
    (SignedDuration::from_secs(1), SignedDuration::from_mins(1));

/// One attempt, with what its schedule needs.
#[derive(Clone, Debug)]
pub(super) struct Authorizing {
    about: Authorization,
    /// The token before it: only another one counts.
    before: Option<TokenReading>,
    /// Whether that is known: before the first look nobody knows whether there is one.
    knows_before: bool,
    every: SignedDuration,
    next_look: Timestamp,
    asking: bool,
    /// What the status is worth: unknown before its first answer.
    trusts_status: Option<bool>,
}

/// Where to look now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    None,
    AtStatus,
    AtSource,
}

impl Token {
    /// Returns the attempt to authorize it that is under way or was over last.
    pub fn authorization(&self) -> Option<&Authorization> {
        self.authorizing.as_ref().map(|authorizing| &authorizing.about)
    }

    /// Whether somebody is waited for.
    pub fn is_authorizing(&self) -> bool {
        self.authorization().is_some_and(|about| !about.stage.is_over())
    }

    /// Whether somebody approved and the token that comes of it was not seen yet.
    pub fn awaits_approved(&self) -> bool {
        self.approved
    }

    pub(super) fn next_approval(&self) -> Option<Timestamp> {
        let authorizing = self.authorizing.as_ref().filter(|_| self.is_authorizing())?;
        let waits = matches!(authorizing.about.stage, AuthorizationStage::Waiting(_)) && !authorizing.asking;
        let look = authorizing.next_look.min(authorizing.about.ends_at);
        Some(if waits { look } else { authorizing.about.ends_at })
    }

    /// Says where to look now, and ends what has lasted too long.
    pub(super) fn look_for_approval(&mut self, now: Timestamp, news: &mut Vec<TokenNews>) -> Look {
        if !self.is_authorizing() {
            return Look::None;
        }
        let has_status = self.rule.authorize.as_ref().is_some_and(|authorize| authorize.status.is_some());
        let Some(authorizing) = &mut self.authorizing else { return Look::None };
        if authorizing.about.ends_at <= now {
            self.not_authorized(AuthorizationStage::TimedOut, now, news);
            return Look::None;
        }
        let waits = matches!(authorizing.about.stage, AuthorizationStage::Waiting(_));
        if !waits || authorizing.asking || now < authorizing.next_look {
            return Look::None;
        }
        authorizing.next_look = now + authorizing.every;
        if has_status && authorizing.trusts_status != Some(false) {
            authorizing.asking = true;
            return Look::AtStatus;
        }
        Look::AtSource
    }

    /// A token was read; another one than before is what was waited for.
    pub(super) fn token_came(&mut self, now: Timestamp, news: &mut Vec<TokenNews>) {
        if !self.is_authorizing() {
            return;
        }
        let (Some(authorizing), Some(reading)) = (&mut self.authorizing, &self.reading) else { return };
        if !std::mem::replace(&mut authorizing.knows_before, true) {
            authorizing.before = Some(reading.clone());
        }
        let lives = reading.expires_at.is_none_or(|end| end > now);
        if lives && Self::is_newer(reading, authorizing.before.as_ref()) {
            self.authorized(now, "there is a new token", news);
            self.approved = false;
        }
    }

    fn authorized(&mut self, now: Timestamp, how: &str, news: &mut Vec<TokenNews>) {
        let Some(authorizing) = &mut self.authorizing else { return };
        authorizing.about.stage = AuthorizationStage::Given(how.to_owned());
        self.refused = None;
        self.attempts = 0;
        self.approved = true;
        let detail = String::from("authorized anew");
        self.remember(Refresh { at: now, by: RefreshCause::Operator, ok: true, detail });
        self.tell(NewsKind::Authorized, news);
    }

    fn not_authorized(&mut self, stage: AuthorizationStage, now: Timestamp, news: &mut Vec<TokenNews>) {
        let why = match &stage {
            AuthorizationStage::Refused(why) => why.clone(),
            _ => String::from("nobody approved in time"),
        };
        let Some(authorizing) = &mut self.authorizing else { return };
        authorizing.about.stage = stage;
        let detail = format!("not authorized: {why}");
        self.remember(Refresh { at: now, by: RefreshCause::Operator, ok: false, detail });
        self.tell(NewsKind::NotAuthorized { why }, news);
    }

    fn tell(&self, kind: NewsKind, news: &mut Vec<TokenNews>) {
        news.push(TokenNews { id: self.id.clone(), service: self.rule.service.clone(), kind, refresh: None });
    }
}

impl Tokens {
    /// Says why a token cannot be authorized now, if so.
    pub fn can_authorize(&self, id: &TokenId) -> Result<(), String> {
        let name = &id.name;
        let Some(token) = self.get(id) else { return Err(format!("there is no token {name:?}")) };
        if token.rule.authorize.is_none() {
            return Err(format!(
                "{name}: its rule does not say how to authorize; add authorize = {{ http = \"GET …\", url = \"…\" }}"
            ));
        }
        if token.is_authorizing() {
            return Err(format!("{name} is being authorized already"));
        }
        Ok(())
    }

    /// Returns the newest attempt to authorize a token that is not over.
    pub fn authorizing(&self) -> Option<&Token> {
        let waited_for = self.iter().filter(|token| token.is_authorizing());
        waited_for.max_by_key(|token| token.authorization().map(|about| about.began))
    }

    pub(in crate::state) fn authorization_started(&mut self, now: Timestamp, id: &TokenId) {
        if let Some(token) = self.find(id) {
            let about = Authorization {
                began: now,
                ends_at: now + LASTS,
                stage: AuthorizationStage::Asking,
                problem: None,
            };
            token.authorizing = Some(Authorizing {
                about,
                before: token.reading.clone(),
                knows_before: !token.is_unread(),
                every: EVERY,
                next_look: now,
                asking: false,
                trusts_status: None,
            });
        }
        self.revision.bump();
    }

    pub(in crate::state) fn invitation_read(
        &mut self,
        now: Timestamp,
        id: &TokenId,
        result: Result<Invitation, String>,
    ) {
        let mut news = Vec::new();
        if let Some(token) = self.find(id)
            && let Some(authorizing) = &mut token.authorizing
            && authorizing.about.stage == AuthorizationStage::Asking
        {
            match result {
                Ok(invitation) => {
                    let span = |of: Option<std::time::Duration>, usual: SignedDuration, within: (_, _)| {
                        let own = of.and_then(|span| SignedDuration::try_from(span).ok());
                        own.unwrap_or(usual).clamp(within.0, within.1)
                    };
                    authorizing.about.ends_at = now + span(invitation.lasts, LASTS, LASTS_WITHIN);
                    authorizing.every = span(invitation.every, EVERY, EVERY_WITHIN);
                    authorizing.next_look = now;
                    authorizing.about.stage = AuthorizationStage::Waiting(invitation);
                }
                Err(why) => token.not_authorized(AuthorizationStage::Refused(why), now, &mut news),
            }
        }
        self.news.extend(news);
        self.revision.bump();
    }

    pub(in crate::state) fn approval_read(
        &mut self,
        now: Timestamp,
        id: &TokenId,
        result: Result<Approval, String>,
    ) {
        let mut news = Vec::new();
        let mut given = false;
        if let Some(token) = self.find(id)
            && token.is_authorizing()
            && let Some(authorizing) = &mut token.authorizing
        {
            authorizing.asking = false;
            authorizing.about.problem = result.as_ref().err().cloned();
            let is_first = authorizing.trusts_status.is_none();
            match result {
                Err(_) => {}
                Ok(Approval::Pending) => authorizing.trusts_status = Some(true),
                Ok(Approval::Given) if is_first => authorizing.trusts_status = Some(false),
                Ok(Approval::Given) => {
                    token.authorized(now, "the status says so", &mut news);
                    given = true;
                }
                Ok(Approval::Refused(why)) => {
                    token.not_authorized(AuthorizationStage::Refused(why), now, &mut news);
                }
            }
        }
        if given
            && let Some(key) = self.key_of(id)
            && let Some(source) = self.sources.get_mut(&key)
        {
            source.ask(now);
        }
        self.news.extend(news);
        self.revision.bump();
        self.turn(now);
    }

    pub(in crate::state) fn authorization_dropped(&mut self, id: &TokenId) {
        if let Some(token) = self.find(id) {
            token.authorizing = None;
        }
        self.revision.bump();
    }
}

#[cfg(test)]
mod tests;
