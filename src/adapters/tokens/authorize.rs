//! Asks an endpoint for the address that a human being opens, and whether that has happened.
//!
//! The address opens a door: it goes to who asked for it and into no message.

use std::time::Duration;

use serde_json::Value;

use crate::adapters::tokens::TokenReader;
use crate::adapters::tokens::http::{Answer, Order, complaint};
use crate::adapters::tokens::path;
use crate::config::nearest::did_you_mean;
use crate::model::text::clean;
use crate::model::tokens::{Approval, HttpCall, Invitation, OpenAddress, TokenId, TokenRequest};

/// Letters of a code that is to be typed.
const CODE: usize = 40;

/// Fields that say yes or no.
const YES_OR_NO: [&str; 5] = ["authenticated", "authorized", "approved", "connected", "success"];
/// Words of a `status` or a `state` that mean an end; any other is a "not yet".
const GIVEN: [&str; 11] = [
    "authenticated",
    "authorized",
    "approved",
    "complete",
    "completed",
    "connected",
    "granted",
    "success",
    "ok",
    "valid",
    "active",
];
const REFUSED: [&str; 8] =
    ["denied", "access_denied", "refused", "rejected", "failed", "error", "cancelled", "canceled"];
/// Error codes of an endpoint that nobody answered yet (RFC 8628), and of one that somebody declined.
const NOT_YET: [&str; 2] = ["authorization_pending", "slow_down"];
const NEVER: [&str; 3] = ["access_denied", "expired_token", "invalid_grant"];

/// Asks for an address.
pub async fn invitation(
    reader: &TokenReader,
    request: &TokenRequest,
    token: &TokenId,
) -> Result<Invitation, String> {
    let Some(authorize) = &request.rule.authorize else {
        return Err(String::from("its rule does not say how to authorize"));
    };
    let (place, answer) = send(reader, &authorize.http, token).await?;
    if !(200..300).contains(&answer.status) {
        return Err(format!(
            "{}; is the service up, and the address of authorize right?",
            said(&place, &answer)
        ));
    }
    let body: Value = serde_json::from_slice(answer.body.bytes()).map_err(|_| {
        format!("the answer of {place} is no JSON, so there is no {} in it", clean(&authorize.url))
    })?;
    let Some(text) = path::get(&body, &authorize.url).and_then(Value::as_str) else {
        let known = body.as_object().map(|fields| fields.keys().map(String::as_str).collect::<Vec<_>>());
        let hint = clean(&did_you_mean(path::last(&authorize.url), known.unwrap_or_default()));
        return Err(format!("there is no {} in the answer of {place}{hint}", clean(&authorize.url)));
    };
    let address = OpenAddress::parse(text)
        .map_err(|why| format!("the address that {place} gave is not shown: {why}"))?;
    let seconds = |name: &str| {
        let number = body[name].as_f64().filter(|number| *number > 0.0)?;
        Duration::try_from_secs_f64(number).ok()
    };
    let code = body["user_code"].as_str().map(|code| clean(code).chars().take(CODE).collect());
    Ok(Invitation { address, code, lasts: seconds("expires_in"), every: seconds("interval") })
}

/// Asks whether somebody approved.
pub async fn approval(
    reader: &TokenReader,
    request: &TokenRequest,
    token: &TokenId,
) -> Result<Approval, String> {
    let status = request.rule.authorize.as_ref().and_then(|authorize| authorize.status.as_ref());
    let Some(status) = status else { return Ok(Approval::Pending) };
    let (place, answer) = send(reader, status, token).await?;
    judge(&place, &answer)
}

async fn send(reader: &TokenReader, call: &HttpCall, token: &TokenId) -> Result<(String, Answer), String> {
    let order = Order::of(call, &token.name).map_err(|fault| fault.words().to_owned())?;
    let place = order.place();
    let answer = reader.http.send(order).await.map_err(|fault| fault.words().to_owned())?;
    Ok((place, answer))
}

fn said(place: &str, answer: &Answer) -> String {
    let said = complaint(&answer.body, &[]).to_string();
    let colon = if said.is_empty() { "" } else { ": " };
    format!("{place} answered HTTP {}{colon}{said}", answer.status)
}

fn judge(place: &str, answer: &Answer) -> Result<Approval, String> {
    let told = complaint(&answer.body, &[]);
    let code = told.code.as_deref().unwrap_or_default();
    match answer.status {
        200..=299 => {}
        // There is nothing yet to tell of.
        404 | 425 | 428 => return Ok(Approval::Pending),
        _ if NOT_YET.contains(&code) => return Ok(Approval::Pending),
        _ if NEVER.contains(&code) => return Ok(Approval::Refused(said(place, answer))),
        403 | 410 => return Ok(Approval::Refused(said(place, answer))),
        _ => return Err(said(place, answer)),
    }
    let Ok(body) = serde_json::from_slice::<Value>(answer.body.bytes()) else { return Ok(Approval::Pending) };
    if NOT_YET.contains(&code) {
        return Ok(Approval::Pending);
    }
    let word = ["status", "state"].iter().find_map(|name| body[*name].as_str()).unwrap_or_default();
    let word = word.to_ascii_lowercase();
    if NEVER.contains(&code) || REFUSED.contains(&&*word) {
        let words = told.to_string();
        let words = if words.is_empty() { clean(&word) } else { words };
        return Ok(Approval::Refused(format!("{place} says: {words}")));
    }
    let yes_or_no = YES_OR_NO.iter().find_map(|name| body[*name].as_bool());
    let is_given = yes_or_no.unwrap_or_else(|| GIVEN.contains(&&*word));
    // Some know of the token that is over.
    let is_over = body["expired"] == Value::Bool(true);
    Ok(if is_given && !is_over { Approval::Given } else { Approval::Pending })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::Secret;

    fn judged(status: u16, body: &str) -> Result<Approval, String> {
        let body = Secret::from(body.to_owned());
        judge("auth.example/status", &Answer { status, body, clock_ahead: None })
    }

    #[test]
    fn answers_of_many_kinds_are_understood() {
        for (status, body) in [
            (200, r#"{"authenticated": true, "expires_at": "2026-11-21T00:00:00Z"}"#),
            (200, r#"{"status": "Authenticated"}"#),
            (200, r#"{"state": "complete"}"#),
        ] {
            assert_eq!(judged(status, body), Ok(Approval::Given), "{body}");
        }
        for (status, body) in [
            (200, r#"{"authenticated": false, "account_id": "work"}"#),
            (200, r#"{"authenticated": true, "expired": true}"#),
            (200, r#"{"status": "pending"}"#),
            (200, ""),
            (204, ""),
            (404, r#"{"detail": "unknown"}"#),
            (400, r#"{"error": "authorization_pending"}"#),
        ] {
            assert_eq!(judged(status, body), Ok(Approval::Pending), "{body}");
        }
        for (status, body) in [
            (200, r#"{"status": "denied"}"#),
            (400, r#"{"error": "access_denied", "error_description": "the owner said no"}"#),
            (403, ""),
        ] {
            assert!(matches!(judged(status, body), Ok(Approval::Refused(_))), "{body}");
        }
        let broken = judged(500, r#"{"detail": "Database unavailable"}"#).unwrap_err();
        assert_eq!(broken, "auth.example/status answered HTTP 500: Database unavailable");
    }
}
