use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server that gives these answers, one after the other, and remembers what it was asked.
pub struct Stub {
    pub port: u16,
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    pub async fn answering(answers: impl IntoIterator<Item = String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, answers) = (asked.clone(), answers.into_iter().collect::<Vec<_>>());
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                let mut chunk = [0; 4096];
                loop {
                    let count = stream.read(&mut chunk).await.unwrap_or(0);
                    request.extend_from_slice(&chunk[..count]);
                    let text = String::from_utf8_lossy(&request).to_lowercase();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else {
                        if count == 0 {
                            break;
                        }
                        continue;
                    };
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                    if count == 0 || body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                        break;
                    }
                }
                kept.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, asked }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

pub fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

pub fn call(method: &str, url: &str) -> HttpCall {
    HttpCall { method: method.to_owned(), url: url.to_owned(), headers: BTreeMap::new(), body: None }
}

#[tokio::test]
async fn a_call_is_sent_whole_and_its_name_is_encoded() {
    let stub = Stub::answering([answer("200 OK", "{}")]).await;
    let call = HttpCall {
        headers: BTreeMap::from([(String::from("X-Key"), String::from("k"))]),
        body: Some(String::from("{\"account\":\"{name}\"}")),
        ..call("POST", &stub.url("/refresh/{name}?a=1").replace("://", "://me:p%40ss@"))
    };
    let sent = HttpClient::default().send(Order::of(&call, "a b/\"c").unwrap()).await.unwrap();
    assert_eq!((sent.status, sent.body.text()), (200, Some("{}")));
    let asked = stub.asked().remove(0);
    assert!(asked.starts_with("POST /refresh/a%20b%2F%22c?a=1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("x-key: k\r\n") && asked.contains("content-type: application/json\r\n"));
    assert!(asked.contains(&format!("authorization: Basic {}\r\n", STANDARD.encode("me:p@ss"))), "{asked}");
    assert!(asked.ends_with("{\"account\":\"a b/\\\"c\"}"), "{asked}");
}

#[tokio::test]
async fn redirects_are_followed_on_the_same_host_only() {
    let to = |place: &str| {
        format!("HTTP/1.1 302 Found\r\nlocation: {place}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    };
    let stub = Stub::answering([to("/b"), answer("200 OK", "there")]).await;
    let client = HttpClient::default();
    let order = Order::to("GET", &stub.url("/a")).unwrap();
    assert_eq!(client.send(order).await.unwrap_or_else(|_| panic!()).body.text(), Some("there"));
    assert!(stub.asked()[1].starts_with("GET /b "));
    for (method, place) in [("GET", "http://127.0.0.1:1/b"), ("GET", "//other/x"), ("POST", "/b")] {
        let stub = Stub::answering([to(place)]).await;
        let fault = client.send(Order::to(method, &stub.url("/a")).unwrap()).await.err().unwrap();
        let refused = matches!(&fault, Fault::Answer(words) if words.contains("not followed"));
        assert!(refused, "{method} {place}: {fault:?}");
    }
}

#[tokio::test]
async fn faults_are_told_apart() {
    let client = HttpClient::default();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let refused = client.send(Order::to("GET", &format!("http://127.0.0.1:{closed}/x?key=s3cret")).unwrap());
    let refused = refused.await.err().unwrap();
    assert!(matches!(refused, Fault::Unreachable(_)) && !refused.words().contains("s3cret"), "{refused:?}");
    assert!(refused.words().contains("refused"), "{refused:?}");
    let large = Stub::answering([answer("200 OK", &"x".repeat(LIMIT + 1))]).await;
    let large = client.send(Order::to("GET", &large.url("/")).unwrap()).await.err().unwrap();
    assert!(large.words().contains("larger than 1 MiB"), "{large:?}");
    let cut = Stub::answering([String::from("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")]).await;
    let cut = client.send(Order::to("GET", &cut.url("/")).unwrap()).await.err().unwrap();
    assert!(cut.words().contains("broke off"), "{cut:?}");
    assert!(matches!(Order::to("GET", "ftp://x").err(), Some(Fault::Order(_))));
}

#[test]
fn of_an_errors_body_only_code_and_message_are_told() {
    let of = |body: &str| complaint(&Secret::from(body.to_owned()), &["r3fresh"]).to_string();
    assert_eq!(
        of(r#"{"error":"invalid_grant","error_description":"r3fresh is revoked","access_token":"s3cret"}"#),
        format!("invalid_grant: {MASK} is revoked")
    );
    assert_eq!(of(r#"{"detail":"Not authenticated"}"#), "Not authenticated");
    assert_eq!(of(r#"{"error":{"code":"x_y","message":"no"}}"#), "x_y: no");
    assert_eq!(of(r#"{"error":"No refresh token stored"}"#), "No refresh token stored");
    assert_eq!(of("<html>s3cret</html>"), "");
    assert!(of(&format!(r#"{{"message":"{}"}}"#, "long ".repeat(200))).chars().count() <= WORDS);
}

#[test]
fn a_clock_that_tells_whole_seconds_is_ahead_by_none() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let (sent, came) = (at("2026-11-20T12:00:00.400Z"), at("2026-11-20T12:00:00.600Z"));
    assert_eq!(ahead(at("2026-11-20T12:00:00Z"), sent, came), SignedDuration::ZERO);
    assert_eq!(ahead(at("2026-11-20T12:00:05Z"), sent, came).as_secs(), 5);
}
