use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::adapters::tokens::http::tests::{Stub, answer, call};
use crate::model::redact::MASK;
use crate::model::tokens::{
    Buffer, HttpCall, OauthGrant, SecretPlace, TokenProblem, TokenRead, TokenReading, TokenRule,
};
use crate::ports::TokenSource as _;

fn rule(read: TokenRead, refresh: Option<TokenRefresh>) -> TokenRule {
    TokenRule {
        name: String::from("utec"),
        service: None,
        read,
        expires: Some(String::from("expires_at")),
        issued: None,
        value: Some(String::from("access_token")),
        each: None,
        label: None,
        buffer: Buffer::Fixed(Duration::from_mins(5)),
        refresh,
        auto_refresh: false,
        authorize: None,
    }
}

struct Hands {
    reader: TokenReader,
    folder: tempfile::TempDir,
}

impl Hands {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let reader = TokenReader::new(engine()).locking_in(folder.path().join("locks"));
        Self { reader, folder }
    }

    fn file(&self, name: &str, content: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        path
    }

    fn request(rule: &TokenRule) -> TokenRequest {
        let rule = Arc::new(rule.clone());
        TokenRequest { stack: Arc::from("home"), rule, containers: Vec::new(), folder: None }
    }

    async fn refresh(&self, rule: &TokenRule, name: &str) -> Result<String, RefreshFailure> {
        self.asked(rule, name).await.map(|refreshed| match refreshed {
            Refreshed::Answered(words) => words,
            Refreshed::ByAnother { .. } => panic!("another one did it"),
        })
    }

    async fn asked(&self, rule: &TokenRule, name: &str) -> Result<Refreshed, RefreshFailure> {
        let token = TokenId { stack: Arc::from("home"), name: Arc::from(name) };
        self.reader.refresh(&Self::request(rule), &token).await
    }

    async fn read(&self, rule: &TokenRule) -> Result<Vec<TokenReading>, TokenProblem> {
        self.reader.read(&Self::request(rule)).await.map(|readings| readings.tokens)
    }
}

fn grant(url: &str, secret: Option<&Path>) -> TokenRefresh {
    TokenRefresh::Oauth(OauthGrant {
        url: url.to_owned(),
        client_id: Some(String::from("me:you")),
        client_secret: secret.map(|path| SecretPlace::File(path.to_owned())),
        refresh_token: String::from("refresh_token"),
        access_token: String::from("access_token"),
        scope: Some(String::from("a b")),
    })
}

const STORED: &str = "{\n  \"refresh_token\": \"r3fresh/0\",\n  \"kept\": [1,  2],\n  \"access_token\": \"acc3ss0\",\n  \"expires_at\": 1000\n}\n";

#[tokio::test]
async fn a_grant_writes_the_new_tokens_and_nothing_else() {
    let hands = Hands::new();
    let secret = hands.file("client", "cl1ent\n");
    let file = hands.file("token.json", STORED);
    let stub = Stub::answering([answer(
        "200 OK",
        r#"{"access_token":"acc3ss1","refresh_token":"r3fresh1","expires_in":3600,"token_type":"Bearer"}"#,
    )])
    .await;
    let rule = rule(TokenRead::HostFile(file.clone()), Some(grant(&stub.url("/token"), Some(&secret))));
    let before = hands.read(&rule).await.unwrap().remove(0);
    assert_eq!(hands.refresh(&rule, "utec").await.unwrap(), "HTTP 200, a new refresh token");
    let asked = stub.asked().remove(0);
    assert!(
        asked.contains("authorization: Basic bWUlM0F5b3U6Y2wxZW50\r\n"),
        "id and secret are encoded: {asked}"
    );
    assert!(
        asked.ends_with("\r\n\r\ngrant_type=refresh_token&refresh_token=r3fresh%2F0&scope=a%20b"),
        "{asked}"
    );
    let text = std::fs::read_to_string(&file).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let ends = value["expires_at"].as_i64().unwrap();
    let left = ends - jiff::Timestamp::now().as_second();
    assert!((3590..=3600).contains(&left), "{left}");
    let wanted = STORED
        .replace("r3fresh/0", "r3fresh1")
        .replace("acc3ss0", "acc3ss1")
        .replace("1000", &ends.to_string());
    assert_eq!(text, wanted, "all else stays, blank for blank");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    let after = hands.read(&rule).await.unwrap().remove(0);
    assert!(after.expires_at > before.expires_at && after.fingerprint != before.fingerprint);
    let left: Vec<_> =
        std::fs::read_dir(hands.folder.path()).unwrap().flatten().map(|file| file.file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[tokio::test]
async fn an_account_of_many_in_yaml_is_written_alone() {
    let hands = Hands::new();
    let file = hands.file(
        "accounts.yaml",
        "# by hand\naccounts:\n  - id: work\n    access_token: old-a\n    refresh_token: 'old-r'\n    expires_at: 2026-01-01 00:00:00\n  - id: home\n    access_token: x\n    refresh_token: y\n    expires_at: 2026-01-01 00:00:00\n",
    );
    let stub = Stub::answering([answer("200 OK", r#"{"access_token":"n","expires_in":"60"}"#)]).await;
    let rule = TokenRule {
        each: Some(String::from("accounts")),
        label: Some(String::from("id")),
        ..rule(TokenRead::HostFile(file.clone()), Some(grant(&stub.url("/token"), None)))
    };
    assert_eq!(hands.refresh(&rule, "work").await.unwrap(), "HTTP 200");
    assert!(stub.asked()[0].ends_with("refresh_token=old-r&scope=a%20b&client_id=me%3Ayou"));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with(
            "# by hand\naccounts:\n  - id: work\n    access_token: \"n\"\n    refresh_token: 'old-r'\n"
        ),
        "{text}"
    );
    assert!(
        text.ends_with(
            "  - id: home\n    access_token: x\n    refresh_token: y\n    expires_at: 2026-01-01 00:00:00\n"
        ),
        "{text}"
    );
    assert_eq!(hands.read(&rule).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_grant_that_is_refused_says_why_and_leaves_the_file() {
    let hands = Hands::new();
    let file = hands.file("token.json", STORED);
    let refusal = r#"{"error":"invalid_grant","error_description":"r3fresh/0 was revoked","acc":"s3cret"}"#;
    let stub = Stub::answering([answer("400 Bad Request", refusal)]).await;
    let rule = rule(TokenRead::HostFile(file.clone()), Some(grant(&stub.url("/token"), None)));
    let failure = hands.refresh(&rule, "utec").await.unwrap_err();
    assert!(failure.rejected);
    assert_eq!(
        failure.words,
        format!(
            "HTTP 400: invalid_grant: {MASK} was revoked; it has to be authorized anew where it was issued"
        )
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), STORED);
}

#[tokio::test]
async fn a_server_that_wants_the_client_in_the_body_gets_it_there() {
    let hands = Hands::new();
    let secret = hands.file("client", "cl1ent");
    let file = hands.file("token.json", STORED);
    let stub = Stub::answering([
        answer("401 Unauthorized", r#"{"error":"invalid_client"}"#),
        answer("200 OK", r#"{"access_token":"acc3ss1"}"#),
    ])
    .await;
    let rule = rule(TokenRead::HostFile(file), Some(grant(&stub.url("/token"), Some(&secret))));
    assert_eq!(hands.refresh(&rule, "utec").await.unwrap(), "HTTP 200");
    assert!(stub.asked()[1].ends_with("&client_id=me%3Ayou&client_secret=cl1ent"));
}

#[tokio::test]
async fn where_nothing_can_be_written_nothing_is_spent() {
    let hands = Hands::new();
    let oauth = || Some(grant("http://127.0.0.1:1/never-asked", None));
    for (read, words) in [
        (TokenRead::Env(String::from("TOKEN")), "can be written back to a file only"),
        (TokenRead::HostFile(hands.file("a.json", r#"{"access_token":"x"}"#)), "there is no refresh_token"),
        (TokenRead::HostFile(hands.file("b.json", r#"{"refresh_token":"x"}"#)), "there is no access_token"),
        (TokenRead::HostFile(hands.file("c.json", r#"{"refresh_token":""}"#)), "authorize it first"),
    ] {
        let failure = hands.refresh(&rule(read, oauth()), "utec").await.unwrap_err();
        assert!(failure.words.contains(words) && !failure.rejected, "{failure:?}");
    }
}

#[tokio::test]
async fn a_services_own_endpoint_tells_what_became_of_it() {
    let hands = Hands::new();
    let cases = [
        (answer("200 OK", "{\"success\":true}"), Ok("HTTP 200"), false),
        (answer("204 No Content", ""), Ok("HTTP 204"), false),
        (
            answer("200 OK", r#"{"success":false,"error":"No refresh token"}"#),
            Err("HTTP 200: No refresh token"),
            false,
        ),
        (
            answer("200 OK", r#"{"error":"invalid_grant"}"#),
            Err("invalid_grant; it has to be authorized anew"),
            true,
        ),
        (answer("401 Unauthorized", "<html>s3cret"), Err("HTTP 401; it has to be"), true),
        (answer("403 Forbidden", r#"{"detail":"no"}"#), Err("HTTP 403: no"), true),
        (answer("429 Too Many Requests", ""), Err("HTTP 429; it is asked too often"), false),
        (answer("502 Bad Gateway", "s3cret"), Err("HTTP 502; look at the log"), false),
    ];
    for (said, wanted, rejected) in cases {
        let stub = Stub::answering([said.clone()]).await;
        let call = call("POST", &stub.url("/refresh/{name}"));
        let rule = rule(TokenRead::Env(String::new()), Some(TokenRefresh::Http(call)));
        match (hands.refresh(&rule, "a/b").await, wanted) {
            (Ok(detail), Ok(wanted)) => assert_eq!(detail, wanted),
            (Err(failure), Err(words)) => {
                assert!(failure.words.contains(words), "{said}: {failure:?}");
                assert!(!failure.words.contains("s3cret"));
                assert_eq!(failure.rejected, rejected, "{said}");
            }
            (other, _) => panic!("{said}: {other:?}"),
        }
        assert!(stub.asked()[0].starts_with("POST /refresh/a%2Fb "));
    }
    let gone =
        rule(TokenRead::Env(String::new()), Some(TokenRefresh::Http(call("POST", "http://127.0.0.1:1/"))));
    let failure = hands.refresh(&gone, "utec").await.unwrap_err();
    assert!(failure.words.contains("nothing answers at 127.0.0.1:1/") && !failure.rejected, "{failure:?}");
}

#[tokio::test]
async fn two_at_once_make_one_request() {
    let hands = Hands::new();
    let folder = hands.folder.path().join("locks");
    let Wish::Granted(held) = lock::wish(&folder, "7.1", "demo", "home", "utec").unwrap() else { panic!() };
    let http = HttpCall { headers: BTreeMap::new(), ..call("POST", "http://127.0.0.1:1/") };
    let rule = rule(TokenRead::Env(String::new()), Some(TokenRefresh::Http(http)));
    // The other one gives up: then it is our turn.
    let other = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(held);
    };
    let (failure, ()) = tokio::join!(hands.refresh(&rule, "utec"), other);
    assert!(failure.unwrap_err().words.contains("nothing answers"));
    // It succeeds while we wait: nothing is asked for.
    let Wish::Granted(held) = lock::wish(&folder, "7.1", "demo", "home", "utec").unwrap() else { panic!() };
    let other = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        held.done();
    };
    let (refreshed, ()) = tokio::join!(hands.asked(&rule, "utec"), other);
    assert!(matches!(refreshed, Ok(Refreshed::ByAnother { seconds: 0..=5 })), "{refreshed:?}");
}

#[tokio::test]
async fn a_file_that_is_half_written_is_looked_at_again() {
    let hands = Hands::new();
    let file = hands.file("token.json", &STORED[..40]);
    let rule = rule(TokenRead::HostFile(file.clone()), None);
    let writer = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        std::fs::write(&file, STORED).unwrap();
    };
    let (read, ()) = tokio::join!(hands.read(&rule), writer);
    assert_eq!(read.unwrap().len(), 1);
    std::fs::write(&file, &STORED[..40]).unwrap();
    let problem = hands.read(&rule).await.unwrap_err();
    assert!(problem.words().ends_with("it is no valid JSON"), "{problem:?}");
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(hands.read(&rule).await, Err(TokenProblem::Missing(_))));
}

#[tokio::test]
async fn a_remaining_time_that_wavers_is_the_same_token() {
    let hands = Hands::new();
    let body = |seconds: u32| answer("200 OK", &json!({ "expires_in": seconds }).to_string());
    let stub = Stub::answering([body(3600), body(3599), body(7200)]).await;
    let rule = TokenRule {
        expires: Some(String::from("expires_in")),
        value: None,
        ..rule(TokenRead::Http(call("GET", &stub.url("/"))), None)
    };
    let first = hands.read(&rule).await.unwrap();
    assert_eq!(hands.read(&rule).await.unwrap(), first);
    assert_ne!(hands.read(&rule).await.unwrap(), first);
}
