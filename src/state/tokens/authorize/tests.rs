//! Somebody opens an address, or does not, under a clock that the test moves.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::model::tokens::{Authorize, HttpCall, OpenAddress, TokenState};
use crate::state::tokens::tests::{Life, at, reading, rule};

const ADDRESS: &str = "https://accounts.example/auth?state=s3cret";

fn call(url: &str) -> HttpCall {
    HttpCall { method: String::from("GET"), url: url.to_owned(), headers: BTreeMap::new(), body: None }
}

/// A rejected token whose authorization has begun, with or without a status to be asked.
fn life(has_status: bool) -> Life {
    let status = has_status.then(|| call("http://localhost/status"));
    let authorize = Authorize { http: call("http://localhost/initiate"), url: String::from("url"), status };
    let rule = crate::model::tokens::TokenRule { authorize: Some(authorize), ..rule(false) };
    let mut life = Life::of(rule, reading(36_000, "aaaa0000"));
    life.until(10);
    life.tokens.refresh_started(at(10), &Life::id(), RefreshCause::Operator);
    life.answer(Err(("HTTP 400: invalid_grant", true)));
    assert_eq!(life.state(), TokenState::Rejected);
    assert_eq!(life.tokens.can_authorize(&Life::id()), Ok(()));
    life.tokens.authorization_started(at(10), &Life::id());
    assert!(life.tokens.can_authorize(&Life::id()).unwrap_err().contains("already"));
    life
}

fn invite(life: &mut Life, lasts: Option<u64>) {
    let invitation = Invitation {
        address: OpenAddress::parse(ADDRESS).unwrap(),
        code: None,
        lasts: lasts.map(Duration::from_secs),
        every: None,
    };
    life.tokens.invitation_read(at(life.now), &Life::id(), Ok(invitation));
    life.settle();
}

fn stage(life: &Life) -> AuthorizationStage {
    life.token().authorization().unwrap().stage.clone()
}

#[test]
fn a_status_that_turns_to_yes_ends_the_wait_and_the_rejection() {
    let mut life = life(true);
    invite(&mut life, None);
    life.until(31);
    assert_eq!(life.asked, [10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]);
    life.approval = Ok(Approval::Given);
    life.until(33);
    assert_eq!(stage(&life), AuthorizationStage::Given(String::from("the status says so")));
    assert_eq!(life.state(), TokenState::Valid);
    let last = life.token().last_refresh().unwrap();
    assert!(last.ok && last.by == RefreshCause::Operator && last.detail == "authorized anew");
    assert!(!format!("{:?} {:?}", life.tokens, life.news).contains("s3cret"));
    // What comes of it is the operator's doing, told once.
    let told = life.token().history.len();
    life.document = Some(reading(72_000, "bbbb0000"));
    life.until(120);
    assert_eq!(life.token().history.len(), told);
    assert!(
        life.news
            .iter()
            .any(|news| matches!(news.kind, NewsKind::Renewed { by: RefreshCause::Operator, .. }))
    );
}

#[test]
fn a_yes_from_before_anybody_approved_is_not_believed() {
    let mut life = life(true);
    life.approval = Ok(Approval::Given);
    invite(&mut life, None);
    life.until(40);
    assert!(matches!(stage(&life), AuthorizationStage::Waiting(_)));
    assert_eq!(life.asked, [10], "from then on the source is read");
    life.document = Some(reading(72_000, "bbbb0000"));
    life.until(43);
    assert_eq!(stage(&life), AuthorizationStage::Given(String::from("there is a new token")));
    assert_eq!(life.state(), TokenState::Valid);
}

#[test]
fn without_a_status_the_source_is_read_until_there_is_another_token() {
    let mut life = life(false);
    invite(&mut life, None);
    let before = life.reads.len();
    life.until(30);
    assert!((9..=12).contains(&(life.reads.len() - before)), "{:?}", life.reads);
    life.document = Some(reading(72_000, "bbbb0000"));
    life.until(33);
    assert!(stage(&life).is_over());
    assert!(life.asked.is_empty());
}

#[test]
fn a_refusal_and_the_end_of_time_are_told_and_leave_the_token_as_it_was() {
    let mut life = life(true);
    invite(&mut life, Some(60));
    life.approval = Err(String::from("HTTP 500"));
    life.until(20);
    assert_eq!(life.token().authorization().unwrap().problem.as_deref(), Some("HTTP 500"));
    life.until(71);
    assert_eq!(stage(&life), AuthorizationStage::TimedOut);
    assert_eq!(life.state(), TokenState::Rejected);
    assert!(life.token().last_refresh().unwrap().detail.contains("nobody approved in time"));
    let asked = life.asked.len();
    life.until(200);
    assert_eq!(life.asked.len(), asked, "it is over");

    life.tokens.authorization_started(at(200), &Life::id());
    life.approval = Ok(Approval::Refused(String::from("the owner said no")));
    invite(&mut life, None);
    life.until(203);
    assert_eq!(stage(&life), AuthorizationStage::Refused(String::from("the owner said no")));

    life.tokens.authorization_started(at(210), &Life::id());
    life.tokens.invitation_read(at(210), &Life::id(), Err(String::from("no address")));
    assert_eq!(stage(&life), AuthorizationStage::Refused(String::from("no address")));
    life.tokens.authorization_started(at(220), &Life::id());
    life.tokens.authorization_dropped(&Life::id());
    invite(&mut life, None);
    assert!(life.token().authorization().is_none(), "what comes late is for nobody");
}

#[test]
fn one_that_was_not_read_yet_when_it_began_is_no_new_token() {
    let status = Some(call("http://localhost/status"));
    let authorize = Authorize { http: call("http://localhost/initiate"), url: String::from("url"), status };
    let rule = crate::model::tokens::TokenRule { authorize: Some(authorize), ..rule(false) };
    let mut life = Life::of(rule, reading(36_000, "aaaa0000"));
    life.tokens.authorization_started(at(0), &Life::id());
    life.until(5);
    assert_eq!(stage(&life), AuthorizationStage::Asking);
    invite(&mut life, None);
    life.until(20);
    assert!(matches!(stage(&life), AuthorizationStage::Waiting(_)));
    life.document = Some(reading(72_000, "bbbb0000"));
    life.until(100);
    assert_eq!(stage(&life), AuthorizationStage::Given(String::from("there is a new token")));
}
