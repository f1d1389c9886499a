//! Has a token refreshed: one file for each way. One stackdash at a time, by a lock.

pub mod exec;
pub mod http;
pub mod oauth;
pub mod restart;
pub mod write;

use std::time::Duration;

use tokio::time::Instant;

use crate::adapters::tokens::TokenReader;
use crate::adapters::tokens::http::{Complaint, Fault};
use crate::adapters::tokens::lock::{self, Wish};
use crate::model::tokens::{RefreshFailure, Refreshed, TokenId, TokenRefresh, TokenRequest};

/// Error codes after which another attempt is refused as well.
const FINAL: [&str; 6] = [
    "invalid_grant",
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "access_denied",
];

/// Another stackdash at it is waited for so long, and looked after so often: it has its own time limits.
const TURN: Duration = Duration::from_secs(20);
const BETWEEN: Duration = Duration::from_millis(200);

/// Refreshes, or finds that another stackdash just did.
pub async fn refresh(
    reader: &TokenReader,
    request: &TokenRequest,
    token: &TokenId,
) -> Result<Refreshed, RefreshFailure> {
    let Some(way) = &request.rule.refresh else {
        return Err(failed(String::from("its rule says no refresh")));
    };
    let end = Instant::now() + TURN;
    let lock = loop {
        match lock(reader, token).await? {
            Wish::Granted(lock) => break lock,
            Wish::Busy if Instant::now() < end => tokio::time::sleep(BETWEEN).await,
            Wish::Busy => {
                let words = format!("another stackdash has been refreshing it for {} s", TURN.as_secs());
                return Err(failed(words));
            }
            // The source is read again after this, and shows what the other one got.
            Wish::Done(seconds) => return Ok(Refreshed::ByAnother { seconds }),
        }
    };
    let done = match way {
        TokenRefresh::Http(call) => http::refresh(reader, request, call, &token.name).await,
        TokenRefresh::Exec(arguments) => exec::refresh(reader, request, arguments, &token.name).await,
        TokenRefresh::Restart => restart::refresh(reader, request).await,
        TokenRefresh::Oauth(grant) => oauth::refresh(reader, request, grant, &token.name).await,
    };
    if done.is_ok() {
        lock.done();
    }
    done.map(Refreshed::Answered)
}

async fn lock(reader: &TokenReader, token: &TokenId) -> Result<Wish, RefreshFailure> {
    let Some(folder) = reader.locks.clone() else {
        return Err(failed(String::from("there is no folder for its lock: set XDG_RUNTIME_DIR or HOME")));
    };
    let (own, engine, token) = (reader.own.clone(), reader.engine.host(), token.clone());
    let shown = folder.display().to_string();
    let work =
        tokio::task::spawn_blocking(move || lock::wish(&folder, &own, &engine, &token.stack, &token.name));
    let wish = work.await.map_err(|error| failed(error.to_string()))?;
    wish.map_err(|error| failed(format!("its lock cannot be had in {shown}: {error}")))
}

/// A failure that may be none the next time.
pub fn failed(words: String) -> RefreshFailure {
    RefreshFailure { words, rejected: false }
}

/// Says why nothing was answered, and what to do next.
pub fn unanswered(fault: &Fault) -> RefreshFailure {
    let next = match fault {
        Fault::Order(_) => "; mend its rule in stackdash.toml",
        Fault::Unreachable(_) => "; is the service up, and the port right?",
        Fault::TimedOut(_) => "; whether it was refreshed shows when it is read again",
        Fault::Answer(_) => "",
    };
    failed(format!("{}{next}", fault.words()))
}

/// Says what an endpoint answered that did not refresh.
pub fn refused(request: &TokenRequest, status: u16, complaint: &Complaint) -> RefreshFailure {
    let code = complaint.code.as_deref().unwrap_or_default();
    let rejected = matches!(status, 400 | 401 | 403) || FINAL.contains(&code);
    let said = complaint.to_string();
    let colon = if said.is_empty() { "" } else { ": " };
    let can_authorize = request.rule.authorize.is_some();
    let next = match (rejected, code, status) {
        (true, "invalid_client" | "unauthorized_client", _) => "; check the client id and its secret",
        (true, ..) if can_authorize => "; authorize it anew",
        (true, ..) => "; it has to be authorized anew where it was issued",
        (_, _, 404 | 405) => "; is the address of its refresh right?",
        (_, _, 429) => "; it is asked too often",
        (_, _, 500..) => "; look at the log of the service",
        _ => "",
    };
    RefreshFailure { words: format!("HTTP {status}{colon}{said}{next}"), rejected }
}

/// An engine for tests that need none.
#[cfg(test)]
fn engine() -> std::sync::Arc<dyn crate::ports::Engine> {
    use crate::adapters::scenario;
    scenario::ports(scenario::CALM, crate::ports::Clock::Wall).unwrap().engine
}

#[cfg(test)]
mod tests;
