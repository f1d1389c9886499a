//! Reads tokens where their rules say, and has them refreshed. The only room that ever holds a secret: what
//! leaves it is a moment, a fingerprint and a few words.
//!
//! `read` and `refresh` have one file for each way; `document`, `extract` and what they use are pure.

mod authorize;
mod certificate;
mod document;
mod extract;
mod fingerprint;
mod jwt;
mod lock;
mod read;
mod refresh;
mod yaml;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::adapters::documents::{moment, path};
use crate::adapters::http::{self, HttpClient};
use crate::model::tokens::{
    Approval, Invitation, RefreshFailure, Refreshed, TokenId, TokenProblem, TokenRead, TokenReadings,
    TokenRequest,
};
use crate::ports::{BoxFuture, Engine, TokenSource};

/// How long one source may keep us, with all attempts.
const READ: Duration = Duration::from_secs(30);
/// An end that is told as a span from now wavers by so much.
const WAVER: Duration = Duration::from_secs(3);

/// A token by its stack, its rule and its label.
type Which = (Arc<str>, String, Option<String>);

/// Reads and refreshes through one engine.
pub struct TokenReader {
    engine: Arc<dyn Engine>,
    http: HttpClient,
    /// `None` without a home.
    locks: Option<PathBuf>,
    /// Who we are among those that share the locks.
    own: String,
    /// Ends that were told last.
    ends: Mutex<HashMap<Which, Timestamp>>,
}

impl TokenReader {
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self {
            engine,
            http: HttpClient::default(),
            locks: lock::usual_folder(),
            own: lock::own_name(),
            ends: Mutex::default(),
        }
    }

    /// Keeps its locks elsewhere; for tests.
    #[must_use]
    pub fn locking_in(self, folder: PathBuf) -> Self {
        Self { locks: Some(folder), ..self }
    }

    /// Holds ends still that only waver: a remaining time is told in whole seconds, and answers take their time.
    fn steady(&self, request: &TokenRequest, mut readings: TokenReadings) -> TokenReadings {
        let spans = request.rule.expires.as_deref().is_some_and(moment::names_a_span);
        let answers = matches!(request.rule.read, TokenRead::Http(_) | TokenRead::Exec(_));
        if !answers || !spans || request.rule.issued.is_some() {
            return readings;
        }
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        for reading in &mut readings.tokens {
            let Some(end) = reading.expires_at else { continue };
            let key = (request.stack.clone(), request.rule.name.clone(), reading.label.clone());
            let known = ends.entry(key).or_insert(end);
            if known.duration_since(end).unsigned_abs() > WAVER {
                *known = end;
            }
            reading.expires_at = Some(*known);
            if request.rule.value.is_none() {
                reading.fingerprint = fingerprint::of(known.to_string().as_bytes());
            }
        }
        readings
    }
}

impl TokenSource for TokenReader {
    fn read<'a>(&'a self, request: &'a TokenRequest) -> BoxFuture<'a, Result<TokenReadings, TokenProblem>> {
        Box::pin(async move {
            let read = tokio::time::timeout(READ, read::readings(self, request)).await;
            let read = read.unwrap_or_else(|_| {
                let place = read::place(&request.rule.read);
                Err(TokenProblem::Unreadable(format!("{place} was not read within {} s", READ.as_secs())))
            });
            read.map(|readings| self.steady(request, readings))
        })
    }

    fn refresh<'a>(
        &'a self,
        request: &'a TokenRequest,
        token: &'a TokenId,
    ) -> BoxFuture<'a, Result<Refreshed, RefreshFailure>> {
        Box::pin(refresh::refresh(self, request, token))
    }

    fn authorize<'a>(
        &'a self,
        request: &'a TokenRequest,
        token: &'a TokenId,
    ) -> BoxFuture<'a, Result<Invitation, String>> {
        Box::pin(authorize::invitation(self, request, token))
    }

    fn approval<'a>(
        &'a self,
        request: &'a TokenRequest,
        token: &'a TokenId,
    ) -> BoxFuture<'a, Result<Approval, String>> {
        Box::pin(authorize::approval(self, request, token))
    }
}
