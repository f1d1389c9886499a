//! Probes: HTTP checks of our own, beside the engine's health checks.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::stacks::ServiceState;

/// Codes that pass where a rule names none.
pub const EXPECTED: RangeInclusive<u16> = 200..=399;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeRule {
    pub name: String,
    pub service: Arc<str>,
    pub url: String,
    pub every: Duration,
    pub timeout: Duration,
    /// Codes that pass; empty: [`EXPECTED`].
    pub expect: Vec<RangeInclusive<u16>>,
    /// The answer's own idea of when something last happened, and how old that may be.
    pub stale: Option<Stale>,
}

impl ProbeRule {
    /// Whether an answer with this code passes.
    pub fn expects(&self, code: u16) -> bool {
        if self.expect.is_empty() {
            return EXPECTED.contains(&code);
        }
        self.expect.iter().any(|codes| codes.contains(&code))
    }

    /// Returns the path of its address, for people: `/health/ready`.
    pub fn path(&self) -> &str {
        let rest = self.url.split_once("://").map_or(&*self.url, |(_, rest)| rest);
        let path = rest.find('/').map_or("/", |at| &rest[at..]);
        path.split(['?', '#']).next().unwrap_or("/")
    }

    /// Returns the host that its address names, without brackets and port.
    pub fn host(&self) -> Option<&str> {
        let (_, rest) = self.url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        match host.strip_prefix('[') {
            Some(inner) => inner.split(']').next(),
            None => host.split(':').next(),
        }
        .filter(|host| !host.is_empty())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Path in the answer.
    pub field: String,
    pub after: Duration,
}

/// Which probe is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProbeId {
    pub stack: Arc<str>,
    pub service: Arc<str>,
    /// Unique among those of its service.
    pub name: Arc<str>,
}

/// How a probe stands, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProbeState {
    Fail,
    /// Not asked yet, its service does not run, or the answer itself does not know.
    Unknown,
    Pass,
}

impl ProbeState {
    pub const ALL: [Self; 3] = [Self::Fail, Self::Unknown, Self::Pass];

    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Pass => "pass",
        }
    }

    pub fn mark(self) -> &'static str {
        match self {
            Self::Fail => "✗",
            Self::Unknown => "○",
            Self::Pass => "●",
        }
    }

    /// Returns the mark for terminals without UTF-8.
    pub fn ascii_mark(self) -> &'static str {
        match self {
            Self::Fail => "x",
            Self::Unknown => ".",
            Self::Pass => "*",
        }
    }

    /// Returns the state of a service that is as bad: it gives the color and the place in a list.
    pub fn weight(self) -> ServiceState {
        match self {
            Self::Fail => ServiceState::Unhealthy,
            Self::Unknown => ServiceState::Absent,
            Self::Pass => ServiceState::Healthy,
        }
    }
}

/// A probe to be made: one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeRequest {
    pub id: ProbeId,
    pub rule: Arc<ProbeRule>,
    /// Where the host that the address names is a container: its address in a network of its own.
    pub address: Option<IpAddr>,
}

/// What one attempt came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProbeAnswer {
    /// Why it does not pass, as far as the answer itself tells; age is not judged here.
    pub fault: Option<ProbeFault>,
    pub code: Option<u16>,
    /// From the first byte sent to the head of the answer.
    pub latency: Option<Duration>,
    /// What the body says of itself, where it could be understood.
    pub told: Told,
    /// Something to know although it may pass: where it leads, what was not read.
    pub remark: Option<String>,
}

/// What a health endpoint says of itself. Sanitized, masked and short.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// `ready`, `healthy`.
    pub status: Option<String>,
    pub version: Option<String>,
    /// In seconds.
    pub uptime: Option<f64>,
    /// When it says the answer was made.
    pub at: Option<Timestamp>,
    /// Its words on why it is as it is.
    pub message: Option<String>,
    /// The moment at the rule's field of staleness; `None`: the answer has none.
    pub last: Option<Timestamp>,
}

/// Why a probe fails. The words are complete and sanitized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeFault {
    pub kind: FaultKind,
    pub words: String,
}

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The address makes no sense; nothing was sent.
    Address,
    /// Nobody listens there.
    Refused,
    /// No such host, no way to it.
    Unreachable,
    Tls,
    /// No answer in time, or one that did not end.
    TimedOut,
    /// The connection broke, or what came is no HTTP.
    Broken,
    /// It leads in a circle.
    Redirect,
    Code,
    /// The body says so, or is none that was asked for.
    Body,
    /// The answer itself does not know.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(url: &str) -> ProbeRule {
        ProbeRule {
            name: String::from("ready"),
            service: "api".into(),
            url: url.to_owned(),
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            expect: Vec::new(),
            stale: None,
        }
    }

    #[test]
    fn an_address_has_a_host_and_a_path() {
        let of = |url| {
            let rule = rule(url);
            (rule.host().map(str::to_owned), rule.path().to_owned())
        };
        let some = |host: &str, path: &str| (Some(host.to_owned()), path.to_owned());
        assert_eq!(of("http://api:8000/health/ready?x=1"), some("api", "/health/ready"));
        assert_eq!(of("https://me:pw@api"), some("api", "/"));
        assert_eq!(of("http://[::1]:80/a#b"), some("::1", "/a"));
        assert_eq!(of("nonsense"), (None, String::from("/")));
    }

    #[test]
    fn two_and_three_hundreds_pass_unless_the_rule_says_otherwise() {
        let mut rule = rule("http://a/");
        assert!(rule.expects(200) && rule.expects(302) && !rule.expects(404) && !rule.expects(100));
        rule.expect = vec![401..=401, 500..=599];
        assert!(rule.expects(401) && rule.expects(503) && !rule.expects(200));
    }
}
