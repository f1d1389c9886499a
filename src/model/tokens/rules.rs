//! Where a token is read from and what to do about it: the rules of `stackdash.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::model::redact;

/// How one token, or each of a document's tokens, is found and kept alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRule {
    pub name: String,
    /// The service that lives on it, and in whose container it is read where that matters.
    pub service: Option<Arc<str>>,
    pub read: TokenRead,
    /// Path in the document to when it expires; `None`: the source itself knows (JWT, certificate).
    pub expires: Option<String>,
    /// Path to when it was issued, for an `expires_in` that counts from then.
    pub issued: Option<String>,
    /// Path to the value that the fingerprint is made of; `None`: the whole document.
    pub value: Option<String>,
    /// Path to a list: one token for each of its members.
    pub each: Option<String>,
    /// Path, within a member, to what tells it from the others.
    pub label: Option<String>,
    pub buffer: Buffer,
    pub refresh: Option<TokenRefresh>,
    pub auto_refresh: bool,
    pub authorize: Option<Authorize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRead {
    /// A JSON, YAML or TOML file in the container or on its volume.
    File(String),
    Http(HttpCall),
    /// A program in the container that prints JSON.
    Exec(Vec<String>),
    /// A JWT in an environment variable of the container.
    Env(String),
    /// A JWT in a Compose secret of the service.
    Secret(String),
    /// A file on this machine: a PEM certificate, JSON, YAML or TOML.
    HostFile(PathBuf),
}

/// A request of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCall {
    /// `GET`, `POST` …
    pub method: String,
    pub url: String,
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
}

/// How long before its expiry a token is to be refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Buffer {
    Fixed(Duration),
    /// A number in the document, in units of so long.
    Field {
        field: String,
        unit: Duration,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRefresh {
    Http(HttpCall),
    Exec(Vec<String>),
    Restart,
    Oauth(OauthGrant),
}

/// The refresh grant of OAuth 2.0 (RFC 6749, section 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthGrant {
    /// The token endpoint.
    pub url: String,
    pub client_id: Option<String>,
    pub client_secret: Option<SecretPlace>,
    /// Path in the document to the refresh token.
    pub refresh_token: String,
    /// Path in the document to the access token, where the new one is written.
    pub access_token: String,
    pub scope: Option<String>,
}

/// Where a secret is read from when it is needed; it is never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// A variable of our own environment.
    Env(String),
    File(PathBuf),
}

/// How a human being authorizes anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorize {
    pub http: HttpCall,
    /// Path in the answer to the address to be opened.
    pub url: String,
    /// Asked until it says that all is well.
    pub status: Option<HttpCall>,
}

impl TokenRead {
    /// Whether it is read in a container.
    pub fn is_inside(&self) -> bool {
        matches!(self, Self::File(_) | Self::Exec(_) | Self::Env(_) | Self::Secret(_))
    }
}

impl TokenRule {
    /// Says in words where it is read; never with a secret.
    pub fn source_words(&self) -> String {
        let inside = self.service.as_deref().map_or_else(String::new, |service| format!(" in {service}"));
        match &self.read {
            TokenRead::File(path) => format!("file {path}{inside}"),
            TokenRead::Http(call) => call.words(),
            TokenRead::Exec(arguments) => format!("{}{inside}", command_words(arguments)),
            TokenRead::Env(name) => format!("environment variable {name}{inside}"),
            TokenRead::Secret(name) => format!("Compose secret {name}{inside}"),
            TokenRead::HostFile(path) => format!("file {} on this machine", path.display()),
        }
    }

    /// Says in words how it is refreshed.
    pub fn refresh_words(&self) -> Option<String> {
        Some(match self.refresh.as_ref()? {
            TokenRefresh::Http(call) => call.words(),
            TokenRefresh::Exec(arguments) => command_words(arguments),
            TokenRefresh::Restart => {
                format!("restart of {}", self.service.as_deref().unwrap_or("its service"))
            }
            TokenRefresh::Oauth(grant) => format!("OAuth refresh grant at {}", plain_url(&grant.url)),
        })
    }
}

impl TokenRule {
    /// Says in words how it is authorized anew.
    pub fn authorize_words(&self) -> Option<String> {
        self.authorize.as_ref().map(|authorize| authorize.http.words())
    }
}

impl HttpCall {
    /// Writes method and address, without what may be secret in it.
    pub fn words(&self) -> String {
        format!("{} {}", self.method, plain_url(&self.url))
    }
}

fn command_words(arguments: &[String]) -> String {
    redact::command(arguments).join(" ")
}

/// Returns an address without user, password and the values of its query.
fn plain_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let user = if host.len() < authority.len() { "••••@" } else { "" };
    let (path, query) = path.split_once(['?', '#']).map_or((path, ""), |(path, _)| (path, "?…"));
    let colon = if scheme.is_empty() { "" } else { "://" };
    redact::text(&format!("{scheme}{colon}{user}{host}{path}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        let shown = plain_url("https://me:hunter2@auth.example:8443/oauth/token?client_secret=x&id=1");
        assert_eq!(shown, "https://••••@auth.example:8443/oauth/token?…");
        assert_eq!(plain_url("http://localhost:8000/api"), "http://localhost:8000/api");
    }
}
