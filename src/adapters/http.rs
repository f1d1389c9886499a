//! One HTTP request with its answer, bounded in time and size.
//!
//! Redirects are followed only to the same host, and only for GET: secrets go nowhere else. What a server says
//! in an error is never quoted whole: only its error code and message, masked and cut.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::model::redact::{self, MASK};
use crate::model::secret::Secret;
use crate::model::text::clean;
use crate::model::tokens::HttpCall;
use crate::ports::Clock;

/// From the first byte of the connection to the last one of the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A larger answer is no document with tokens.
const LIMIT: usize = 1 << 20;
const REDIRECTS: usize = 3;
/// Letters of a server's own words that are shown.
const WORDS: usize = 200;

type Plain = Client<HttpConnector, Full<Bytes>>;
type Tls = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// What is sent.
pub struct Order {
    pub method: Method,
    pub address: Uri,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Option<Secret>,
}

pub struct Answer {
    pub status: u16,
    pub body: Secret,
    /// How far the server's clock is ahead, where it tells the time; to the second.
    pub clock_ahead: Option<SignedDuration>,
}

/// Why there is no answer; the words are complete.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// What was asked for makes no sense; nothing was sent.
    Order(String),
    /// Nobody answers there; nothing was sent.
    Unreachable(String),
    TimedOut(String),
    /// There was an answer, and it is no use.
    Answer(String),
}

/// Why one request got no answer; the words are complete.
#[derive(Debug, PartialEq, Eq)]
pub struct Silence {
    pub kind: SilenceKind,
    pub words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SilenceKind {
    /// What was asked for makes no sense; nothing was sent.
    Order,
    /// Nobody listens there.
    Refused,
    /// No such host, no way to it.
    Unreachable,
    /// Who answers there cannot be trusted.
    Tls,
    /// The connection broke, or what came is no HTTP.
    Broken,
}

impl Fault {
    pub fn words(&self) -> &str {
        match self {
            Self::Order(words) | Self::Unreachable(words) | Self::TimedOut(words) | Self::Answer(words) => {
                words
            }
        }
    }
}

impl Order {
    /// Makes an order of a rule's call; `{name}` in its address stands for the token's name.
    pub fn of(call: &HttpCall, name: &str) -> Result<Self, Fault> {
        let mut order = Self::to(&call.method, &call.url.replace("{name}", &encoded(name)))?;
        for (key, value) in &call.headers {
            let key = HeaderName::try_from(key.as_str())
                .map_err(|_| Fault::Order(format!("{} is no name of a header", clean(key))))?;
            let mut value = HeaderValue::try_from(value.as_str())
                .map_err(|_| Fault::Order(format!("the header {key} has a value that cannot be sent")))?;
            value.set_sensitive(true);
            order.headers.retain(|(known, _)| *known != key);
            order.headers.push((key, value));
        }
        if let Some(body) = &call.body {
            if !order.headers.iter().any(|(key, _)| *key == header::CONTENT_TYPE) {
                let kind = if body.trim_start().starts_with(['{', '[']) {
                    "application/json"
                } else {
                    "application/x-www-form-urlencoded"
                };
                order.headers.push((header::CONTENT_TYPE, HeaderValue::from_static(kind)));
            }
            // Inside JSON, a name with a quote would end its text.
            let name = serde_json::to_string(name).unwrap_or_default();
            order.body = Some(Secret::from(body.replace("{name}", name.trim_matches('"'))));
        }
        Ok(order)
    }

    pub fn to(method: &str, address: &str) -> Result<Self, Fault> {
        let (address, login) = without_login(address);
        let address: Uri =
            address.parse().map_err(|_| Fault::Order(String::from("the address cannot be read")))?;
        if !matches!(address.scheme_str(), Some("http" | "https")) || address.host().is_none() {
            return Err(Fault::Order(String::from("the address wants http:// or https:// and a host")));
        }
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| Fault::Order(format!("{} is no method", clean(method))))?;
        let mut headers = vec![
            (header::ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5")),
            (header::USER_AGENT, HeaderValue::from_static(concat!("stackdash/", env!("CARGO_PKG_VERSION")))),
        ];
        headers.extend(login.and_then(|login| basic(&login)));
        Ok(Self { method, address, headers, body: None })
    }

    /// Names the place without what may be secret in it.
    pub fn place(&self) -> String {
        place(&self.address)
    }
}

/// Writes the header of a client that authenticates with `user:password`.
pub fn basic(login: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(login))).ok()?;
    value.set_sensitive(true);
    Some((header::AUTHORIZATION, value))
}

/// Writes text as it may stand in an address or a form.
pub fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            all.push(char::from(byte));
        } else {
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut all, mut at) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        let code = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        if let Some(code) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            all.push(code);
            at += 3;
        } else {
            all.push(*byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// Takes `user:password@` out of an address: it belongs into a header.
fn without_login(address: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = address.split_once("://") else { return (address.to_owned(), None) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((login, host)) => (format!("{scheme}://{host}{}", &rest[end..]), Some(decoded(login))),
        None => (address.to_owned(), None),
    }
}

fn place(address: &Uri) -> String {
    let host = address.host().unwrap_or_default();
    let port = address.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    clean(&redact::text(&format!("{host}{port}{}", address.path())))
}

/// Sends orders.
#[derive(Default)]
pub struct HttpClient {
    plain: OnceCell<Plain>,
    /// Made at the first use: reading the system's certificates takes a while.
    tls: OnceCell<Tls>,
}

impl HttpClient {
    pub async fn send(&self, order: Order) -> Result<Answer, Fault> {
        let place = order.place();
        match tokio::time::timeout(PATIENCE, self.follow(order)).await {
            Ok(result) => result,
            Err(_) => Err(Fault::TimedOut(format!("{place} gave no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    async fn follow(&self, mut order: Order) -> Result<Answer, Fault> {
        for _ in 0..=REDIRECTS {
            let place = order.place();
            let sent = Clock::Wall.now();
            let answer = self.once(&order).await?;
            let status = answer.status();
            let target = answer.headers().get(header::LOCATION).and_then(|at| at.to_str().ok());
            if status.is_redirection()
                && let Some(target) = target
            {
                let next = joined(&order.address, target).filter(|next| {
                    order.method == Method::GET
                        && next.authority() == order.address.authority()
                        && next.scheme() == order.address.scheme()
                });
                order.address = next.ok_or_else(|| {
                    Fault::Answer(format!(
                        "{place} answered HTTP {} and leads elsewhere, which is not followed: name the right address",
                        status.as_u16()
                    ))
                })?;
                continue;
            }
            let date = answer.headers().get(header::DATE).and_then(|at| at.to_str().ok());
            let date = date.and_then(|at| jiff::fmt::rfc2822::parse(at).ok()).map(|at| at.timestamp());
            let clock_ahead = date.map(|date| ahead(date, sent, Clock::Wall.now()));
            let body = Limited::new(answer.into_body(), LIMIT).collect().await.map_err(|error| {
                Fault::Answer(if error.is::<LengthLimitError>() {
                    format!("the answer of {place} is larger than 1 MiB")
                } else {
                    format!("the answer of {place} broke off: {}", innermost(&*error))
                })
            })?;
            let body = Secret::new(body.to_bytes().to_vec());
            return Ok(Answer { status: status.as_u16(), body, clock_ahead });
        }
        Err(Fault::Answer(format!("{} leads in a circle", order.place())))
    }

    async fn once(&self, order: &Order) -> Result<Response<hyper::body::Incoming>, Fault> {
        self.ask(order).await.map_err(|silence| match silence.kind {
            SilenceKind::Order => Fault::Order(silence.words),
            SilenceKind::Refused | SilenceKind::Unreachable | SilenceKind::Tls => {
                Fault::Unreachable(silence.words)
            }
            SilenceKind::Broken => Fault::Answer(silence.words),
        })
    }

    /// Sends one request and returns the head of its answer. Follows nothing; not bounded in time.
    pub async fn ask(&self, order: &Order) -> Result<Response<hyper::body::Incoming>, Silence> {
        let place = order.place();
        let cannot = |words: String| Silence { kind: SilenceKind::Order, words };
        let mut request = Request::builder().method(&order.method).uri(&order.address);
        for (key, value) in &order.headers {
            request = request.header(key, value);
        }
        let body = order.body.as_ref().map_or_else(Bytes::new, |body| Bytes::copy_from_slice(body.bytes()));
        let request = request
            .body(Full::new(body))
            .map_err(|_| cannot(String::from("the request cannot be written")))?;
        let answer = if order.address.scheme_str() == Some("https") {
            self.tls().await.map_err(|fault| cannot(fault.words().to_owned()))?.request(request).await
        } else {
            self.plain().await.request(request).await
        };
        answer.map_err(|error| {
            let why = clean(&innermost(&error));
            let tls = ["certificate", "tls", "handshake", "corrupt"];
            let (kind, words) = if !error.is_connect() {
                (SilenceKind::Broken, format!("{place} ended the connection: {why}"))
            } else if tls.iter().any(|word| why.to_lowercase().contains(word)) {
                (SilenceKind::Tls, format!("{place} cannot be trusted: {why}"))
            } else if is_refused(&error) {
                (SilenceKind::Refused, format!("nothing answers at {place}: {why}"))
            } else {
                (SilenceKind::Unreachable, format!("nothing answers at {place}: {why}"))
            };
            Silence { kind, words }
        })
    }

    async fn plain(&self) -> &Plain {
        self.plain
            .get_or_init(|| async {
                Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http()
            })
            .await
    }

    async fn tls(&self) -> Result<&Tls, Fault> {
        let make = || async {
            let roots = tokio::task::spawn_blocking(|| HttpsConnectorBuilder::new().with_native_roots());
            let roots = roots.await.map_err(|error| error.to_string())?;
            let connector = roots.map_err(|error| error.to_string())?.https_only().enable_http1().build();
            Ok(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector))
        };
        let made: Result<_, String> = self.tls.get_or_try_init(make).await;
        made.map_err(|why| Fault::Order(format!("no certificates to trust: {why}")))
    }
}

/// Returns how far a clock is ahead that told `date` between two moments of ours. It tells whole seconds, so
/// half of one is added.
fn ahead(date: Timestamp, sent: Timestamp, came: Timestamp) -> SignedDuration {
    let middle = sent + came.duration_since(sent) / 2;
    date.duration_since(middle) + SignedDuration::from_millis(500)
}

/// Reads where an answer leads to, from the address that gave it.
pub fn joined(base: &Uri, target: &str) -> Option<Uri> {
    if target.contains("://") {
        return target.parse().ok();
    }
    // Another host in disguise.
    if target.starts_with("//") {
        return None;
    }
    let path = if target.starts_with('/') {
        target.to_owned()
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/{target}")
    };
    let mut parts = base.clone().into_parts();
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}

fn is_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut at = Some(error);
    while let Some(error) = at {
        let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if kind == Some(std::io::ErrorKind::ConnectionRefused) {
            return true;
        }
        at = error.source();
    }
    false
}

/// Says the innermost reason: the outer ones say only that something failed.
pub fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// What a server says of an error.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Complaint {
    /// `invalid_grant`
    pub code: Option<String>,
    pub words: Option<String>,
}

/// Finds code and message in an answer; what was sent in confidence is masked where it is echoed.
pub fn complaint(body: &Secret, confidential: &[&str]) -> Complaint {
    let Ok(value) = serde_json::from_slice::<Value>(body.bytes()) else { return Complaint::default() };
    let safe = |text: &str| {
        let mut text = text.to_owned();
        for secret in confidential.iter().filter(|secret| secret.len() > 3) {
            text = text.replace(secret, MASK);
        }
        let text: String = redact::text(&clean(&text)).chars().take(WORDS).collect();
        Some(text).filter(|text| !text.is_empty())
    };
    // Some wrap it: {"error": {"code": …, "message": …}}, {"detail": {"error": …}}.
    let inner = ["error", "detail"].iter().map(|name| &value[*name]).find(|inner| inner.is_object());
    let at = inner.unwrap_or(&value);
    let text = |names: &[&str]| names.iter().find_map(|name| at[*name].as_str()).and_then(safe);
    let error = text(&["error", "code", "error_code", "type"]);
    let words = text(&["error_description", "message", "detail", "error_message", "reason"]);
    match error {
        Some(code) if !code.contains(' ') => Complaint { code: Some(code), words },
        sentence => Complaint { code: None, words: words.or(sentence) },
    }
}

impl std::fmt::Display for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.code, &self.words) {
            (Some(code), Some(words)) if code != words => write!(f, "{code}: {words}"),
            (Some(one), _) | (None, Some(one)) => f.write_str(one),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
pub mod tests;
