//! The shape of a token: in `status` with its stack, in `tokens` by itself. Never its value.

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::json::time;
use crate::model::tokens::Refresh;
use crate::state::State;
use crate::state::tokens::Token;

/// `tokens --format json`.
#[derive(Serialize)]
pub struct TokensDocument<'a> {
    tokens: Vec<TokenDocument<'a>>,
}

#[derive(Serialize)]
pub struct TokenDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<&'a str>,
    name: &'a str,
    service: Option<&'a str>,
    state: &'static str,
    reason: Option<&'a str>,
    /// Whether the last attempt to read it failed, and this is what was known before.
    stale: bool,
    expires_at: Option<String>,
    /// Below zero once it is over.
    expires_in_s: Option<i64>,
    issued_at: Option<String>,
    refresh_buffer_s: i64,
    auto_refresh: bool,
    fingerprint: Option<&'a str>,
    last_refresh: Option<RefreshDocument<'a>>,
}

#[derive(Serialize)]
struct RefreshDocument<'a> {
    at: String,
    by: &'static str,
    ok: bool,
    detail: &'a str,
}

/// Makes the document of some tokens.
pub fn tokens<'a>(tokens: &[&'a Token], now: Timestamp) -> TokensDocument<'a> {
    let tokens = tokens.iter().map(|token| {
        let stack = Some(&*token.id.stack);
        TokenDocument { stack, ..document(token, now) }
    });
    TokensDocument { tokens: tokens.collect() }
}

/// Makes the documents of one stack's tokens.
pub fn of_stack<'a>(state: &'a State, stack: &str, now: Timestamp) -> Vec<TokenDocument<'a>> {
    let tokens = state.tokens.iter().filter(|token| *token.id.stack == *stack);
    tokens.map(|token| document(token, now)).collect()
}

fn document(token: &Token, now: Timestamp) -> TokenDocument<'_> {
    let reading = token.reading.as_ref();
    TokenDocument {
        stack: None,
        name: &token.id.name,
        service: token.rule.service.as_deref(),
        state: token.state.word(),
        reason: token.reason(),
        stale: token.is_stale(),
        expires_at: token.expires_at().map(time),
        expires_in_s: token.expires_at().map(|end| end.as_second() - now.as_second()),
        issued_at: reading.and_then(|reading| reading.issued_at).map(time),
        refresh_buffer_s: token.buffer().as_secs(),
        auto_refresh: token.auto_refresh,
        fingerprint: reading.map(|reading| &*reading.fingerprint),
        last_refresh: token.last_refresh().map(refresh),
    }
}

fn refresh(refresh: &Refresh) -> RefreshDocument<'_> {
    RefreshDocument { at: time(refresh.at), by: refresh.by.word(), ok: refresh.ok, detail: &refresh.detail }
}
