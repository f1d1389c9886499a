use serde_json::json;

use super::*;
use crate::adapters::tokens::document;
use crate::adapters::tokens::jwt::tests::jwt;
use crate::model::tokens::TokenRead;

fn rule(expires: Option<&str>) -> TokenRule {
    TokenRule {
        name: String::from("utec"),
        service: None,
        read: TokenRead::Exec(Vec::new()),
        expires: expires.map(str::to_owned),
        issued: None,
        value: None,
        each: None,
        label: None,
        buffer: Buffer::Fixed(Duration::from_mins(5)),
        refresh: None,
        auto_refresh: false,
        authorize: None,
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn taken(answer: bool) -> Taken {
    Taken { at: at("2026-11-20T12:00:00Z"), answer }
}

fn read(rule: &TokenRule, text: &str) -> Result<Vec<TokenReading>, TokenProblem> {
    let secret = Secret::from(text.to_owned());
    readings(rule, &document::parse(&secret, "").unwrap(), &secret, taken(false))
}

#[test]
fn the_gateways_file_is_one_token_with_its_own_buffer() {
    let rule = TokenRule {
        value: Some(String::from("access_token")),
        buffer: Buffer::Field { field: String::from("refresh_buffer_minutes"), unit: Duration::from_mins(1) },
        ..rule(Some("token_expires_at"))
    };
    let text = json!({ "access_token": "s3cret", "token_expires_at": "2026-11-20T13:00:00", "refresh_buffer_minutes": 7 });
    let [reading] = &read(&rule, &text.to_string()).unwrap()[..] else { panic!() };
    assert_eq!(reading.expires_at, Some(at("2026-11-20T13:00:00Z")));
    assert_eq!(reading.buffer, Some(Duration::from_mins(7)));
    assert_eq!(reading.fingerprint, fingerprint::of(b"s3cret"));
    assert!(!format!("{reading:?}").contains("s3cret"));
}

#[test]
fn lists_and_maps_of_accounts_become_many() {
    let rule = TokenRule {
        each: Some(String::from("data.accounts")),
        label: Some(String::from("id")),
        ..rule(Some("expires_at"))
    };
    let list = json!({ "data": { "accounts": [
        { "id": "work", "expires_at": 1_795_191_238 }, { "id": "home", "expires_at": null },
        { "id": "work", "expires_at": "1795191238000" }, { "expires_at": 1_795_191_238.5 } ] } });
    let labels: Vec<String> =
        read(&rule, &list.to_string()).unwrap().into_iter().filter_map(|reading| reading.label).collect();
    assert_eq!(labels, ["work", "work 2", "3"], "one that was never authorized hides no other");
    let map = json!({ "data": { "accounts": { "a": { "expires_at": 1_795_191_238 } } } });
    assert_eq!(read(&rule, &map.to_string()).unwrap()[0].label.as_deref(), Some("a"));
    let (_, way) = member(&rule, &list, "work 2").unwrap();
    assert_eq!(way, ["data", "accounts", "2"]);
    assert_eq!(read(&rule, "{\"data\":{\"accounts\":[]}}").unwrap(), []);
}

#[test]
fn spans_count_from_the_beginning_that_is_known() {
    let with_issued = TokenRule { issued: Some(String::from("obtained_at")), ..rule(Some("expires_in")) };
    let text = json!({ "expires_in": 3600, "obtained_at": "2026-11-20T10:00:00Z" }).to_string();
    assert_eq!(read(&with_issued, &text).unwrap()[0].expires_at, Some(at("2026-11-20T11:00:00Z")));
    let without = rule(Some("expires_in"));
    assert_eq!(read(&without, &text).unwrap()[0].expires_at, Some(at("2026-11-20T13:00:00Z")));
}

#[test]
fn a_jwt_knows_its_own_end_alone_and_inside_a_document() {
    let text = jwt(&json!({ "exp": 1_795_191_238, "iat": 1_795_191_000, "iss": "home" }));
    let end = Some(at("2026-11-20T16:13:58Z"));
    let alone = read(&rule(None), &text).unwrap().remove(0);
    assert_eq!((alone.expires_at, &*alone.facts[0].1), (end, "home"));
    let inside = TokenRule { value: Some(String::from("t")), ..rule(None) };
    let found = read(&inside, &json!({ "t": text }).to_string()).unwrap().remove(0);
    assert_eq!(found, alone);
    assert_eq!(read(&rule(None), &jwt(&json!({}))).unwrap()[0].expires_at, None, "it lives for ever");
}

#[test]
fn what_is_missing_and_what_cannot_be_read_are_told_apart_without_values() {
    let rule = rule(Some("expires_at"));
    for (text, missing, words) in [
        ("{\"expires_at\":null}", true, "is empty"),
        ("{\"expires_at\":\" \"}", true, "is empty"),
        ("{\"expires_et\":1}", true, "did you mean \"expires_et\"?"),
        ("{\"expires_at\":\"s3cret\"}", false, "is no time"),
    ] {
        let problem = read(&rule, text).unwrap_err();
        assert_eq!(matches!(problem, TokenProblem::Missing(_)), missing, "{text}");
        assert!(problem.words().contains(words) && !problem.words().contains("s3cret"), "{problem:?}");
    }
}

#[test]
fn an_answer_that_changes_with_each_request_is_no_new_token() {
    let rule = rule(Some("expires_at"));
    let of = |uptime: u32| {
        let text = json!({ "expires_at": 1_795_191_238, "uptime": uptime }).to_string();
        let secret = Secret::from(text);
        let document = document::parse(&secret, "").unwrap();
        readings(&rule, &document, &secret, taken(true)).unwrap().remove(0)
    };
    assert_eq!(of(1), of(2));
}
