//! Probes over HTTP: one attempt, bounded in time and size. Knows nothing of schedules.
//!
//! A container's name in an address is not looked up: the request says which address it has in a network of its
//! own, which a Linux host reaches directly. What an answer says is understood in `told`; nothing of it is quoted
//! that was not cleaned and masked.

mod told;

use std::net::IpAddr;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{Response, Uri};
use tokio::time::{Instant, timeout_at};

use crate::adapters::http::{Fault, HttpClient, Order, Silence, SilenceKind, innermost, joined};
use crate::model::probes::{FaultKind, ProbeAnswer, ProbeFault, ProbeRequest, ProbeRule};
use crate::model::text::clean;
use crate::ports::{BoxFuture, Prober};

/// More of a body is not read, in bytes.
const LIMIT: usize = 256 << 10;
/// Steps within one host that are followed.
const REDIRECTS: usize = 3;

/// Probes over HTTP and TLS.
#[derive(Default)]
pub struct HttpProber {
    http: HttpClient,
}

impl Prober for HttpProber {
    fn probe<'a>(&'a self, request: &'a ProbeRequest) -> BoxFuture<'a, ProbeAnswer> {
        Box::pin(self.attempt(request))
    }
}

/// The head of an answer, and what there is to know of the way to it.
struct Head {
    response: Response<Incoming>,
    latency: Duration,
    /// Where it leads that is not followed.
    leads: Option<String>,
}

impl HttpProber {
    async fn attempt(&self, request: &ProbeRequest) -> ProbeAnswer {
        let rule = &*request.rule;
        let order = match Order::to("GET", &rule.url).and_then(|order| placed(order, request.address)) {
            Ok(order) => order,
            Err(fault) => return failed(FaultKind::Address, fault.words().to_owned()),
        };
        let end = Instant::now() + rule.timeout;
        let words = seconds(rule.timeout);
        match timeout_at(end, self.head(order, rule)).await {
            Ok(Ok(head)) => answered(head, rule, end).await,
            Ok(Err(fault)) => ProbeAnswer { fault: Some(fault), ..ProbeAnswer::default() },
            Err(_) => failed(FaultKind::TimedOut, format!("no answer within {words}")),
        }
    }

    async fn head(&self, mut order: Order, rule: &ProbeRule) -> Result<Head, ProbeFault> {
        let start = Instant::now();
        for _ in 0..=REDIRECTS {
            let response = self.http.ask(&order).await.map_err(of_silence)?;
            let latency = start.elapsed();
            let status = response.status();
            // A code that was asked for is the answer, wherever it leads.
            let is_wanted = !rule.expect.is_empty() && rule.expects(status.as_u16());
            let target = response.headers().get(header::LOCATION).and_then(|at| at.to_str().ok());
            let Some(target) = target.filter(|_| status.is_redirection() && !is_wanted) else {
                return Ok(Head { response, latency, leads: None });
            };
            let next = joined(&order.address, target).filter(|next| is_same_place(next, &order.address));
            let Some(next) = next else {
                let leads = Some(host_of(target));
                return Ok(Head { response, latency, leads });
            };
            order.address = next;
        }
        Err(ProbeFault {
            kind: FaultKind::Redirect,
            words: format!("{} leads in a circle: more than {REDIRECTS} redirects", order.place()),
        })
    }
}

/// Sends an order to a container's own address; who is asked for stays.
fn placed(mut order: Order, address: Option<IpAddr>) -> Result<Order, Fault> {
    let Some(address) = address else { return Ok(order) };
    let cannot = || Fault::Order(String::from("the address cannot be read"));
    let asked = order.address.authority().map(Authority::to_string).unwrap_or_default();
    let host = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let port = order.address.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    let mut parts = order.address.into_parts();
    parts.authority = Some(format!("{host}{port}").parse().map_err(|_| cannot())?);
    order.address = Uri::from_parts(parts).map_err(|_| cannot())?;
    order.headers.push((header::HOST, HeaderValue::try_from(asked).map_err(|_| cannot())?));
    Ok(order)
}

fn is_same_place(one: &Uri, other: &Uri) -> bool {
    one.authority() == other.authority() && one.scheme() == other.scheme()
}

fn host_of(target: &str) -> String {
    let host = target.parse::<Uri>().ok().and_then(|at| at.authority().map(Authority::to_string));
    let host = host.unwrap_or_else(|| String::from("elsewhere"));
    clean(host.rsplit('@').next().unwrap_or_default())
}

/// Reads the body and judges the whole.
async fn answered(head: Head, rule: &ProbeRule, end: Instant) -> ProbeAnswer {
    let code = head.response.status().as_u16();
    let kind = head.response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_lowercase();
    let mut answer = ProbeAnswer {
        code: Some(code),
        latency: Some(head.latency),
        remark: head.leads.map(|host| format!("leads to {host}, which is not followed")),
        ..ProbeAnswer::default()
    };
    match timeout_at(end, body_of(head.response.into_body())).await {
        Ok(Ok(body)) => told::judge(&mut answer, rule, &kind, &body),
        Ok(Err(Unread::Large)) => told::judge_unread(&mut answer, rule, LIMIT),
        Ok(Err(Unread::Broken(why))) => {
            let words = format!("HTTP {code}, but its body broke off: {why}");
            answer.fault = Some(ProbeFault { kind: FaultKind::Broken, words });
        }
        Err(_) => {
            let words = format!("HTTP {code}, but its body did not end within {}", seconds(rule.timeout));
            answer.fault = Some(ProbeFault { kind: FaultKind::TimedOut, words });
        }
    }
    answer
}

enum Unread {
    Large,
    Broken(String),
}

async fn body_of(mut body: Incoming) -> Result<Vec<u8>, Unread> {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unread::Broken(clean(&innermost(&error))))?;
        if let Some(data) = frame.data_ref() {
            all.extend_from_slice(data);
            if all.len() > LIMIT {
                return Err(Unread::Large);
            }
        }
    }
    Ok(all)
}

fn failed(kind: FaultKind, words: String) -> ProbeAnswer {
    ProbeAnswer { fault: Some(ProbeFault { kind, words }), ..ProbeAnswer::default() }
}

fn of_silence(silence: Silence) -> ProbeFault {
    let kind = match silence.kind {
        SilenceKind::Order => FaultKind::Address,
        SilenceKind::Refused => FaultKind::Refused,
        SilenceKind::Unreachable => FaultKind::Unreachable,
        SilenceKind::Tls => FaultKind::Tls,
        SilenceKind::Broken => FaultKind::Broken,
    };
    ProbeFault { kind, words: silence.words }
}

fn seconds(span: Duration) -> String {
    if span.subsec_millis() == 0 { format!("{}s", span.as_secs()) } else { format!("{}ms", span.as_millis()) }
}

#[cfg(test)]
mod tests;
