//! A token's life under a clock that the test moves.

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::stack_file::StackFile;
use crate::model::timeline::{EntryKind, Severity};
use crate::model::tokens::{Approval, Buffer, TokenRead, TokenReading, TokenRefresh};

const STACK: &str = "uteclocal";

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(super) fn rule(auto_refresh: bool) -> TokenRule {
    TokenRule {
        name: String::from("utec"),
        service: Some(Arc::from("gateway")),
        read: TokenRead::File(String::from("/data/config.json")),
        expires: Some(String::from("token_expires_at")),
        issued: None,
        value: None,
        each: None,
        label: None,
        buffer: Buffer::Fixed(Duration::from_mins(5)),
        refresh: Some(TokenRefresh::Restart),
        auto_refresh,
        authorize: None,
    }
}

pub(super) fn reading(end: i64, fingerprint: &str) -> TokenReading {
    TokenReading {
        label: None,
        expires_at: Some(at(end)),
        issued_at: None,
        fingerprint: fingerprint.to_owned(),
        buffer: None,
        facts: Vec::new(),
    }
}

/// Tokens with a source that answers at once, and a clock.
pub(super) struct Life {
    pub(super) now: i64,
    pub(super) tokens: Tokens,
    containers: Containers,
    /// What the source says; `None`: nothing can be read.
    pub(super) document: Option<TokenReading>,
    pub(super) reads: Vec<i64>,
    refreshes: Vec<i64>,
    /// When the status was asked, and what it says.
    pub(super) asked: Vec<i64>,
    pub(super) approval: Result<Approval, String>,
    pub(super) news: Vec<TokenNews>,
}

impl Life {
    fn new(auto_refresh: bool, document: TokenReading) -> Self {
        Self::of(rule(auto_refresh), document)
    }

    pub(super) fn of(rule: TokenRule, document: TokenReading) -> Self {
        let mut files = StackFiles::default();
        let file = StackFile { tokens: vec![rule], ..StackFile::default() };
        files.read(Arc::from(STACK), PathBuf::from("/srv"), Ok(file));
        let mut tokens = Tokens::default();
        tokens.rules_changed(at(0), &files);
        Self {
            now: 0,
            tokens,
            containers: Containers::default(),
            document: Some(document),
            reads: Vec::new(),
            refreshes: Vec::new(),
            asked: Vec::new(),
            approval: Ok(Approval::Pending),
            news: Vec::new(),
        }
    }

    pub(super) fn id() -> TokenId {
        TokenId { stack: Arc::from(STACK), name: Arc::from("utec") }
    }

    pub(super) fn token(&self) -> &Token {
        self.tokens.iter().next().unwrap()
    }

    pub(super) fn state(&self) -> TokenState {
        self.token().state
    }

    /// Does what is due now.
    pub(super) fn settle(&mut self) {
        for _ in 0..20 {
            let now = at(self.now);
            let wishes = self.tokens.due(now, &self.containers);
            if wishes.is_empty() {
                break;
            }
            for wish in wishes {
                match wish {
                    Command::ReadTokens(request) => {
                        self.reads.push(self.now);
                        let result = match &self.document {
                            Some(reading) => {
                                Ok(TokenReadings { tokens: vec![reading.clone()], clock_ahead: None })
                            }
                            None => Err(TokenProblem::Unreadable(String::from("no such file"))),
                        };
                        self.tokens.read(now, &request.stack, &request.rule.name, result);
                    }
                    Command::RefreshToken { token, by } => {
                        self.refreshes.push(self.now);
                        self.tokens.refresh_started(now, &token, by);
                    }
                    Command::AskApproval(token) => {
                        self.asked.push(self.now);
                        self.tokens.approval_read(now, &token, self.approval.clone());
                    }
                    other => panic!("an odd wish: {other:?}"),
                }
            }
        }
        self.news.extend(self.tokens.take_news());
    }

    /// Lets time pass as the supervisor does: from deadline to deadline.
    pub(super) fn until(&mut self, second: i64) {
        self.settle();
        while self.now < second {
            let next = self.tokens.next_deadline(at(self.now)).map_or(second, |at| {
                // The supervisor's clock is finer; a whole second is late enough here.
                at.as_second() + i64::from(at.subsec_nanosecond() > 0)
            });
            self.now = next.clamp(self.now + 1, second);
            self.settle();
        }
    }

    pub(super) fn answer(&mut self, result: Result<&str, (&str, bool)>) {
        let result = result
            .map(|words| Refreshed::Answered(words.to_owned()))
            .map_err(|(words, rejected)| RefreshFailure { words: words.to_owned(), rejected });
        self.tokens.refreshed(at(self.now), &Self::id(), result);
        self.settle();
    }
}

#[test]
fn a_token_turns_when_its_buffer_begins_and_when_it_ends() {
    let mut life = Life::new(false, reading(3600, "aaaa0000"));
    life.until(1);
    assert_eq!(life.state(), TokenState::Valid);
    life.until(3299);
    assert_eq!(life.state(), TokenState::Valid);
    life.until(3300);
    assert_eq!(life.state(), TokenState::Expiring);
    life.until(3600);
    assert_eq!(life.state(), TokenState::Expired);
    assert!(life.refreshes.is_empty());
    let turns: Vec<_> =
        life.news.iter().filter(|news| matches!(news.kind, NewsKind::Turned { .. })).collect();
    assert_eq!(turns.len(), 2, "{turns:?}");
}

#[test]
fn a_tenth_of_a_known_life_counts_as_expiring_too() {
    let mut document = reading(100_000, "aaaa0000");
    document.issued_at = Some(at(0));
    let mut life = Life::new(false, document);
    life.until(89_999);
    assert_eq!(life.state(), TokenState::Valid);
    life.until(90_000);
    assert_eq!(life.state(), TokenState::Expiring);
}

#[test]
fn a_source_that_fails_keeps_the_last_value_as_stale_and_backs_off() {
    let mut life = Life::new(false, reading(36_000, "aaaa0000"));
    life.until(1);
    life.document = None;
    life.tokens.container_changed(at(1), STACK, "gateway");
    life.until(200);
    assert_eq!(life.state(), TokenState::Valid);
    assert!(life.token().is_stale());
    assert!(life.reads.len() < 12, "{:?}", life.reads);
    life.document = Some(reading(36_000, "aaaa0000"));
    life.until(300);
    assert!(!life.token().is_stale());
}

#[test]
fn one_that_was_never_read_says_why() {
    let mut life = Life::new(false, reading(36_000, "aaaa0000"));
    life.document = None;
    life.until(5);
    assert_eq!(life.state(), TokenState::Unreadable);
    assert_eq!(life.token().reason(), Some("no such file"));
}

#[test]
fn auto_refresh_leaves_the_service_its_chance_and_succeeds_only_by_another_token() {
    let mut life = Life::new(true, reading(3600, "aaaa0000"));
    life.until(3440);
    assert!(life.refreshes.is_empty(), "{:?}", life.refreshes);
    life.until(3490);
    assert_eq!(life.refreshes.len(), 1);
    assert_eq!(life.state(), TokenState::Refreshing);
    life.answer(Ok("HTTP 200"));
    assert_eq!(life.state(), TokenState::Refreshing, "the answer alone is no success");
    life.document = Some(reading(7200, "bbbb0000"));
    life.until(life.now + 3);
    assert_eq!(life.state(), TokenState::Valid);
    let last = life.token().last_refresh().unwrap();
    assert!(last.ok && last.by == RefreshCause::Auto && last.detail == "HTTP 200");
}

#[test]
fn what_earlier_runs_kept_of_refreshes_comes_first_and_once() {
    let mut life = Life::new(true, reading(3600, "aaaa0000"));
    life.until(3490);
    life.answer(Err(("HTTP 503", false)));
    let entry = |at_second: i64, token: &str, detail: &str| TimelineEntry {
        at: at(at_second),
        kind: EntryKind::Token,
        severity: Severity::Good,
        stack: Some(Life::id().stack),
        service: None,
        container: None,
        health: None,
        refresh: Some(KeptRefresh {
            token: Arc::from(token),
            refresh: Refresh {
                at: at(at_second),
                by: RefreshCause::Operator,
                ok: true,
                detail: detail.to_owned(),
            },
        }),
        text: String::from("told"),
    };
    let name = Life::id().name;
    let now = life.now;
    let mut seen_by_another = entry(22, &name, "changed by itself");
    seen_by_another.refresh.as_mut().unwrap().refresh.by = RefreshCause::Service;
    life.tokens.remember(&[
        seen_by_another,
        entry(20, &name, "second"),
        entry(10, &name, "first"),
        entry(30, "another", "of a token that is none"),
        entry(now, &name, "told by two"),
    ]);
    let details: Vec<&str> = life.token().history.iter().map(|refresh| &*refresh.detail).collect();
    assert_eq!(details, ["first", "second", "HTTP 503"]);
    assert!(!life.token().last_refresh().unwrap().ok);
    let told = life.news.iter().find_map(|news| news.refresh.clone()).unwrap();
    assert_eq!((told.ok, &*told.detail), (false, "HTTP 503"), "the timeline keeps it for the next run");
}

#[test]
fn an_answer_without_another_token_is_a_failure() {
    let mut life = Life::new(true, reading(3600, "aaaa0000"));
    life.until(3490);
    life.answer(Ok("HTTP 200"));
    life.until(3490 + 15);
    let last = life.token().last_refresh().unwrap();
    assert_eq!(last.detail, "the endpoint answered HTTP 200, but the token did not change");
    assert!(!last.ok);
    assert_eq!(life.state(), TokenState::Expiring);
}

#[test]
fn a_refusal_stays_until_there_is_another_token_and_attempts_grow_rarer() {
    let mut life = Life::new(true, reading(3600, "aaaa0000"));
    life.until(3490);
    life.answer(Err(("HTTP 400 invalid_grant: authorize again", true)));
    assert_eq!(life.state(), TokenState::Rejected);
    for _ in 0..4 {
        let attempts = life.refreshes.len();
        while life.refreshes.len() == attempts {
            life.until(life.now + 1);
        }
        life.answer(Err(("HTTP 400 invalid_grant: authorize again", true)));
    }
    let gaps: Vec<i64> = life.refreshes[1..].windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.windows(2).all(|pair| pair[1] >= pair[0]), "{gaps:?}");
    life.document = Some(reading(9000, "cccc0000"));
    life.until(life.now + 120);
    assert_eq!(life.state(), TokenState::Valid);
    assert_eq!(life.token().last_refresh().unwrap().by, RefreshCause::Service);
}

#[test]
fn a_second_refresh_while_one_is_under_way_is_refused() {
    let mut life = Life::new(false, reading(3600, "aaaa0000"));
    life.until(1);
    assert_eq!(life.tokens.can_refresh(&Life::id()), Ok(()));
    life.tokens.refresh_started(at(1), &Life::id(), RefreshCause::Operator);
    assert!(life.tokens.can_refresh(&Life::id()).unwrap_err().contains("already"));
}

#[test]
fn switched_off_it_is_never_refreshed_by_itself() {
    let mut life = Life::new(true, reading(3600, "aaaa0000"));
    life.until(1);
    life.tokens.set_auto(at(1), &Life::id(), false);
    life.until(5000);
    assert!(life.refreshes.is_empty());
    assert_eq!(life.state(), TokenState::Expired);
}

proptest! {
    /// However the clock jumps, a source is never looked at more than once a second, and a token is never
    /// refreshed before its buffer begins.
    #[test]
    fn no_storm_when_the_clock_jumps(jumps in proptest::collection::vec(-5_000_i64..20_000, 1..12)) {
        let mut life = Life::new(true, reading(1_003_600, "aaaa0000"));
        life.now = 1_000_000;
        for jump in jumps {
            let before = life.reads.len();
            life.now = (life.now + jump).max(0);
            let start = life.now;
            life.until(start + 10);
            prop_assert!(life.reads.len() - before <= 12, "{:?}", life.reads);
            for refresh in life.refreshes.drain(..) {
                prop_assert!(refresh >= 1_003_600 - 300, "refreshed at {refresh}");
            }
        }
    }
}

#[test]
fn how_a_token_stands_at_the_first_look_is_no_news() {
    for end in [-5, 100, 36_000] {
        let mut life = Life::new(false, reading(end, "aaaa0000"));
        life.until(20);
        assert!(life.news.is_empty(), "{end}: {:?}", life.news);
    }
    let mut life = Life::new(false, reading(310, "aaaa0000"));
    life.until(20);
    assert_eq!(life.news.len(), 1, "what it turns to later is");
}

#[test]
fn what_another_stackdash_refreshed_is_told_as_that_and_is_no_failure() {
    let mut life = Life::new(false, reading(36_000, "aaaa0000"));
    life.until(1);
    life.tokens.refresh_started(at(1), &Life::id(), RefreshCause::Operator);
    life.tokens.refreshed(at(1), &Life::id(), Ok(Refreshed::ByAnother { seconds: 3 }));
    life.until(2);
    let last = life.token().last_refresh().unwrap();
    assert!(last.ok && !life.token().is_refreshing());
    assert_eq!(last.detail, "already refreshed by another stackdash, 3 s ago");
    assert!(!life.news.iter().any(|news| matches!(news.kind, NewsKind::Renewed { .. })));
    // One that is over is none, whoever had it refreshed.
    life.document = Some(reading(20, "aaaa0000"));
    life.until(90);
    life.tokens.refresh_started(at(90), &Life::id(), RefreshCause::Operator);
    life.tokens.refreshed(at(90), &Life::id(), Ok(Refreshed::ByAnother { seconds: 3 }));
    life.until(110);
    assert!(!life.token().last_refresh().unwrap().ok);
}

#[test]
fn a_document_without_members_yet_is_one_token_that_is_missing() {
    let mut each = rule(false);
    each.each = Some(String::from("accounts"));
    let mut life = Life::of(each, reading(36_000, "aaaa0000"));
    life.tokens.read(at(0), &Arc::from(STACK), "utec", Ok(TokenReadings::default()));
    assert_eq!(life.state(), TokenState::Missing);
    assert_eq!(life.token().reason(), Some("accounts is empty: there is no token yet"));
    let labelled =
        |label: &str| TokenReading { label: Some(label.to_owned()), ..reading(36_000, "aaaa0000") };
    // One of them never ends.
    let endless = TokenReading { expires_at: None, ..labelled("private") };
    let both = TokenReadings { tokens: vec![labelled("work"), endless], clock_ahead: None };
    life.tokens.read(at(1), &Arc::from(STACK), "utec", Ok(both));
    let found: Vec<_> = life.tokens.iter().map(|token| (token.id.name.to_string(), token.state)).collect();
    assert_eq!(
        found,
        [(String::from("private"), TokenState::Valid), (String::from("work"), TokenState::Valid)]
    );
    life.tokens.read(at(2), &Arc::from(STACK), "utec", Ok(TokenReadings::default()));
    assert!(life.tokens.iter().all(|token| token.state == TokenState::Missing));
    assert_eq!(life.tokens.iter().count(), 2);
}

proptest! {
    /// However the clock jumped, a beat later the state is right, and what was to be refreshed by then is under
    /// way: never before its buffer, never later than one beat.
    #[test]
    fn a_beat_after_a_jump_everything_is_as_it_should_be(
        jumps in proptest::collection::vec(-500_000_i64..500_000, 1..6), buffer in 20_i64..3000, life_of in 10_i64..20_000
    ) {
        let mut rule = rule(true);
        rule.buffer = Buffer::Fixed(Duration::from_secs(buffer.unsigned_abs()));
        let (beat, start) = (60, 1_000_000);
        let end = start + life_of;
        let mut life = Life::of(rule, reading(end, "aaaa0000"));
        life.now = start;
        life.until(start + 1);
        let seed = schedule::seed(STACK, "utec");
        let first = schedule::first_attempt(at(end), SignedDuration::from_secs(buffer), seed).as_second();
        for jump in jumps {
            // The supervisor sleeps on by a clock that does not jump: at most one beat.
            life.now = (life.now + jump).max(1) + beat;
            life.settle();
            let wanted = match life.now {
                now if life.token().is_refreshing() => { let _ = now; TokenState::Refreshing }
                now if now >= end => TokenState::Expired,
                now if now >= end - buffer => TokenState::Expiring,
                _ => TokenState::Valid,
            };
            prop_assert_eq!(life.state(), wanted);
            prop_assert!(life.refreshes.iter().all(|refresh| *refresh >= end - buffer));
            if life.now > first + 1 {
                prop_assert!(!life.refreshes.is_empty(), "at {} of {first}", life.now);
            }
            let next = life.tokens.next_deadline(at(life.now)).unwrap().as_second();
            prop_assert!(next <= life.now + beat, "{next} is later than a beat after {}", life.now);
        }
    }
}
