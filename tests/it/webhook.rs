//! The webhook against a listener on this machine: what it sends, and what it makes of the answers.

use std::sync::Arc;

use jiff::SignedDuration;
use stackdash::adapters::scenario;
use stackdash::adapters::webhook::HttpWebhook;
use stackdash::config::notify::WebhookAddress;
use stackdash::model::notify::{Change, Notification, NotifyPolicy};
use stackdash::ports::{BoxFuture, Webhook};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::TestApp;

fn notification() -> Notification {
    Notification {
        at: "2026-03-02T09:00:00Z".parse().unwrap(),
        engine: String::from("unix:///var/run/docker.sock"),
        change: Change::Unhealthy,
        stack: "shop".into(),
        service: "web".into(),
        token: None,
        text: String::from("shop/web is unhealthy: 3 failed checks"),
    }
}

/// Answers one request and returns it.
async fn told(answer: &'static str) -> (Result<(), String>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/T0/secretkey", listener.local_addr().unwrap());
    let webhook = HttpWebhook::new(WebhookAddress::parse(&address).unwrap().0);
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
        }
        let _ = stream.write_all(answer.as_bytes()).await;
        (String::from_utf8(request).unwrap(), stream)
    });
    let result = webhook.tell(notification()).await;
    if let Err(why) = &result {
        assert!(why.starts_with("the webhook at 127.0.0.1 was not told: "), "{why}");
        assert!(!why.contains("secretkey"), "{why}");
    }
    (result, server.await.unwrap().0)
}

#[tokio::test]
async fn a_change_is_one_json_post() {
    let (result, request) = told("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(result, Ok(()));
    assert!(request.starts_with("POST /T0/secretkey HTTP/1.1\r\n"), "{request}");
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let wanted = serde_json::json!({
        "text": "shop/web is unhealthy: 3 failed checks", "change": "unhealthy", "stack": "shop",
        "service": "web", "token": null, "engine": "unix:///var/run/docker.sock", "at": "2026-03-02T09:00:00.000Z",
    });
    assert_eq!(body, wanted);
}

#[tokio::test]
async fn refusals_and_redirects_are_failures() {
    let (result, _) = told("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    assert!(result.unwrap_err().ends_with("HTTP 403"));
    let (result, _) =
        told("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;
    assert!(result.unwrap_err().contains("redirects are not followed"));
}

#[tokio::test(start_paused = true)]
async fn silence_is_waited_for_five_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let began = tokio::time::Instant::now();
    let why = HttpWebhook::new(address.parse().unwrap()).tell(notification()).await.unwrap_err();
    assert!(why.contains("no answer within 5 s"), "{why}");
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn an_endless_answer_is_not_read() {
    let (result, _) = told("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nxxxxxxxx").await;
    assert_eq!(result, Ok(()));
}

#[tokio::test]
async fn nobody_there_is_said() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let webhook = HttpWebhook::new(format!("http://{free}/").parse().unwrap());
    let why = webhook.tell(notification()).await.unwrap_err();
    assert!(why.contains("refused"), "{why}");
}

/// Always fails.
struct Broken;

impl Webhook for Broken {
    fn tell(&self, _: Notification) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { Err(String::from("the webhook at example.com was not told: HTTP 500")) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_flapping_service_is_told_once_and_a_broken_webhook_is_a_line_of_the_timeline() {
    let policy = NotifyPolicy { quiet: SignedDuration::from_mins(5), ..NotifyPolicy::default() };
    let mut app = TestApp::notifying(scenario::CALM, policy, Arc::new(Broken)).await;
    let before = app.now();
    app.seconds(5).await;
    for _ in 0..3 {
        app.scenario.fail_health("blog/web", "no answer");
        app.seconds(40).await;
        app.scenario.recover("blog/web");
        app.seconds(15).await;
    }
    let told: Vec<Change> = app.state().notify.since(0).map(|told| told.change).collect();
    assert_eq!(told, [Change::Unhealthy, Change::Recovered]);
    let lines = app.timeline_since(before);
    let failures = lines.iter().filter(|line| line.contains("the webhook at example.com")).count();
    assert_eq!(failures, 1, "{lines:#?}");
}

#[tokio::test]
async fn https_speaks_tls_or_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}/secretkey", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        greeting
    });
    let why = HttpWebhook::new(address.parse().unwrap()).tell(notification()).await.unwrap_err();
    assert!(
        why.starts_with("the webhook at 127.0.0.1 was not told: ") && !why.contains("secretkey"),
        "{why}"
    );
    assert_eq!(server.await.unwrap()[..2], [0x16, 0x03], "a TLS handshake, not a request in the clear");
}
