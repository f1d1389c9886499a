//! Authorizing anew: the address that a human being opens, and how that stands.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// A longer address fits no screen and no QR code.
const LONGEST: usize = 4096;

/// An address that is to be opened in a browser: http or https, a host, printable ASCII.
///
/// What it holds (OAuth's `state`) opens a door, so it is shown where it was asked for and printed nowhere
/// else: its Debug names the host alone.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenAddress(Arc<str>);

impl OpenAddress {
    /// Reads what an endpoint gave; the error never quotes it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("it is empty");
        }
        if text.len() > LONGEST {
            return Err("it is longer than 4096 letters");
        }
        // A backslash is a slash to a browser and none to others.
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>`".contains(&byte)) {
            return Err("it has characters that belong in no address");
        }
        let scheme = text.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
        let Some((_, rest)) = scheme.filter(|(scheme, _)| scheme == "http" || scheme == "https") else {
            return Err("it begins with neither https:// nor http://");
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err("it has a user before its host, which hides where it leads");
        }
        if authority.trim_start_matches(':').is_empty() {
            return Err("it names no host");
        }
        Ok(Self(Arc::from(text)))
    }

    /// Hands it out to be shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the host that it leads to, with its port.
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or(&*self.0, |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().unwrap_or_default()
    }
}

impl fmt::Debug for OpenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenAddress({})", self.host())
    }
}

/// What an endpoint gave to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    pub address: OpenAddress,
    /// What is typed there, where the endpoint wants that (`user_code`).
    pub code: Option<String>,
    /// How long it can be used, where the endpoint says so.
    pub lasts: Option<Duration>,
    /// How long to wait between questions, where the endpoint says so.
    pub every: Option<Duration>,
}

/// What the status endpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    Pending,
    Given,
    /// The words are complete and masked.
    Refused(String),
}

/// Where an authorization is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationStage {
    /// The endpoint is asked for an address.
    Asking,
    /// Somebody has to open it.
    Waiting(Invitation),
    /// It was approved, or a new token was seen; says how that was noticed.
    Given(String),
    /// It was refused, or there was no address.
    Refused(String),
    TimedOut,
}

impl AuthorizationStage {
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Given(_) | Self::Refused(_) | Self::TimedOut)
    }
}

/// One attempt to authorize a token anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub began: Timestamp,
    /// When nobody waits any longer.
    pub ends_at: Timestamp,
    pub stage: AuthorizationStage,
    /// Why the last look was in vain; it goes on.
    pub problem: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_that_shows_where_it_leads_is_taken() {
        let good = "https://accounts.example/o/oauth2/auth?client_id=1&state=s3cret#x";
        let address = OpenAddress::parse(&format!(" {good}\n")).unwrap();
        assert_eq!((address.as_str(), address.host()), (good, "accounts.example"));
        assert_eq!(OpenAddress::parse("HTTP://localhost:80").unwrap().host(), "localhost:80");
        for bad in [
            "",
            "javascript:alert(1)",
            "javascript://accounts.example/%0aalert(1)",
            "file:///etc/passwd",
            "https://",
            "https:///path",
            "https://accounts.example@evil.example/",
            "https://evil.example\\@accounts.example/",
            "https://accounts.example/\u{1b}]8;;http://evil\u{7}",
            "https://accounts.example/a b",
            "https://аccounts.example/",
            "https://accounts.example/\u{202e}",
        ] {
            assert!(OpenAddress::parse(bad).is_err(), "{bad:?}");
        }
        assert!(OpenAddress::parse(&format!("https://a/{}", "x".repeat(5000))).is_err());
    }

    #[test]
    fn it_is_never_printed_whole() {
        let address = OpenAddress::parse("https://accounts.example/auth?state=s3cret").unwrap();
        let stage = AuthorizationStage::Waiting(Invitation { address, code: None, lasts: None, every: None });
        let told = format!("{stage:?}");
        assert!(told.contains("accounts.example") && !told.contains("s3cret"), "{told}");
    }
}
