use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::adapters::http::tests::{Stub, answer};
use crate::model::probes::ProbeId;

fn request(url: &str, timeout_ms: u64) -> ProbeRequest {
    let rule = ProbeRule {
        name: String::from("ready"),
        service: "api".into(),
        url: url.to_owned(),
        every: Duration::from_secs(10),
        timeout: Duration::from_millis(timeout_ms),
        expect: Vec::new(),
        stale: None,
    };
    let id = ProbeId { stack: "shop".into(), service: "api".into(), name: "ready".into() };
    ProbeRequest { id, rule: Arc::new(rule), address: None }
}

async fn probed(url: &str) -> ProbeAnswer {
    HttpProber::default().probe(&request(url, 5000)).await
}

fn fault(answer: &ProbeAnswer) -> (FaultKind, &str) {
    let fault = answer.fault.as_ref().unwrap_or_else(|| panic!("{answer:?}"));
    (fault.kind, &fault.words)
}

/// A server that writes what it is told to, again and again, and keeps the connection.
async fn writing(first: &'static str, again: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut chunk = [0; 4096];
                let _ = stream.read(&mut chunk).await;
                let mut result = stream.write_all(first.as_bytes()).await;
                while result.is_ok() && !again.is_empty() {
                    result = stream.write_all(again.as_bytes()).await;
                }
                std::future::pending::<()>().await;
            });
        }
    });
    port
}

#[tokio::test]
async fn an_answer_passes_with_its_code_its_latency_and_its_words() {
    let body = r#"{"status":"healthy","version":"1.4.2","uptime":42}"#;
    let stub = Stub::answering([answer("200 OK", body), answer("503 Down", r#"{"detail":"no db"}"#)]).await;
    let well = probed(&stub.url("/health")).await;
    assert_eq!(
        (well.fault.clone(), well.code, well.told.version.as_deref()),
        (None, Some(200), Some("1.4.2"))
    );
    assert!(well.latency.is_some());
    let ill = probed(&stub.url("/health")).await;
    assert_eq!(fault(&ill), (FaultKind::Code, "HTTP 503: no db"));
}

#[tokio::test]
async fn who_does_not_answer_is_told_apart() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let refused = probed(&format!("http://127.0.0.1:{closed}/")).await;
    assert_eq!(fault(&refused).0, FaultKind::Refused);
    let nowhere = probed("http://no-such-host.invalid/").await;
    assert_eq!(fault(&nowhere).0, FaultKind::Unreachable);
    let silent = writing("", "").await;
    let slow = HttpProber::default().probe(&request(&format!("http://127.0.0.1:{silent}/"), 200)).await;
    assert_eq!(fault(&slow), (FaultKind::TimedOut, "no answer within 200ms"));
    let odd = writing("SSH-2.0-OpenSSH_9\r\n\r\n", "").await;
    assert_eq!(fault(&probed(&format!("http://127.0.0.1:{odd}/")).await).0, FaultKind::Broken);
    assert_eq!(fault(&probed(&format!("https://127.0.0.1:{odd}/")).await).0, FaultKind::Tls);
    assert_eq!(fault(&probed("http://a b/").await).0, FaultKind::Address);
    let stub = Stub::answering([String::from("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{")]).await;
    let broken = probed(&stub.url("/")).await;
    assert_eq!((fault(&broken).0, broken.code), (FaultKind::Broken, Some(200)));
}

#[tokio::test]
async fn slow_and_endless_bodies_are_bounded() {
    let slow = writing("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", "").await;
    let slow = HttpProber::default().probe(&request(&format!("http://127.0.0.1:{slow}/"), 300)).await;
    assert_eq!(fault(&slow), (FaultKind::TimedOut, "HTTP 200, but its body did not end within 300ms"));
    let endless = writing("HTTP/1.1 200 OK\r\n\r\n", "all work and no play ").await;
    let endless = probed(&format!("http://127.0.0.1:{endless}/")).await;
    assert_eq!(endless.fault, None, "its code is known");
    assert_eq!(endless.remark.as_deref(), Some("its body is larger than 256 KiB, the rest was not read"));
}

#[tokio::test]
async fn redirects_are_followed_on_the_same_host_only() {
    let to = |target: &str| format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
    let stub = Stub::answering([to("/ready"), answer("200 OK", "{}")]).await;
    let here = probed(&stub.url("/")).await;
    assert_eq!((here.fault, here.code, here.remark), (None, Some(200), None));
    assert!(stub.asked()[1].starts_with("GET /ready "));
    let stub = Stub::answering([to("https://user:pw@login.example.com/in")]).await;
    let away = probed(&stub.url("/")).await;
    assert_eq!((away.fault, away.code), (None, Some(302)), "a code from 200 to 399");
    assert_eq!(away.remark.as_deref(), Some("leads to login.example.com, which is not followed"));
    let stub = Stub::answering([to("http://127.0.0.1:1/in")]).await;
    let beside = probed(&stub.url("/")).await;
    assert_eq!(beside.remark.as_deref(), Some("leads to 127.0.0.1:1, which is not followed"));
    let stub = Stub::answering([to("/"), to("/"), to("/"), to("/")]).await;
    assert_eq!(fault(&probed(&stub.url("/")).await).0, FaultKind::Redirect);
}

#[tokio::test]
async fn a_containers_own_address_is_asked_under_its_name() {
    let stub = Stub::answering([answer("200 OK", "{}")]).await;
    let mut request = request(&format!("http://api:{}/health", stub.port), 5000);
    request.address = Some("127.0.0.1".parse().unwrap());
    assert_eq!(HttpProber::default().probe(&request).await.fault, None);
    assert!(stub.asked()[0].contains(&format!("host: api:{}\r\n", stub.port)), "{}", stub.asked()[0]);
}
