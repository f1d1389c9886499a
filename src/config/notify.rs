//! `[notify]`: who is told when something goes wrong. All of it is off until it is asked for.

use std::fmt;

use hyper::Uri;

use crate::model::notify::NotifyPolicy;

/// How the desktop is reached through the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desktop {
    Osc9,
    Osc777,
    Osc99,
    /// By what the terminal calls itself.
    Auto,
}

impl Desktop {
    pub const WORDS: [(&'static str, Self); 4] =
        [("osc9", Self::Osc9), ("osc777", Self::Osc777), ("osc99", Self::Osc99), ("auto", Self::Auto)];
}

/// What was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotifyChoice {
    pub bell: bool,
    pub desktop: Option<Desktop>,
    pub webhook: Option<WebhookAddress>,
    pub policy: NotifyPolicy,
}

impl NotifyChoice {
    /// Whether anybody is to be told.
    pub fn is_on(&self) -> bool {
        self.bell || self.desktop.is_some() || self.webhook.is_some()
    }
}

/// A webhook's address. Its path may be a key, so it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookAddress(pub Uri);

impl fmt::Debug for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookAddress({})", self.0.host().unwrap_or_default())
    }
}

impl WebhookAddress {
    /// Reads an address: https, or plain http to this machine.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let uri: Uri = text.parse().map_err(|_| "this is no address (https://host/path)")?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_here = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("a user or a password in the address is not sent; leave it out");
        }
        match uri.scheme_str() {
            Some("https") if !host.is_empty() => Ok(Self(uri)),
            Some("http") if is_here => Ok(Self(uri)),
            Some("http") => Err("plain http is for this machine only: use https"),
            _ => Err("it wants https://host/path"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_https_or_on_this_machine() {
        for good in [
            "https://hooks.example.com/T0/B0/key",
            "http://127.0.0.1:8080/",
            "http://localhost/x",
            "http://[::1]:9/",
        ] {
            assert!(WebhookAddress::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://hooks.example.com/",
            "ftp://x/",
            "hooks.example.com/x",
            "",
            "https://",
            "https://me:pw@x/",
            "http://127.0.0.1.example.com/",
        ] {
            assert!(WebhookAddress::parse(bad).is_err(), "{bad}");
        }
        let address = WebhookAddress::parse("https://hooks.example.com/T0/B0/key").unwrap();
        assert!(!format!("{address:?}").contains("key"));
    }
}
