//! By a request to the service that owns the token.

use serde_json::Value;

use crate::adapters::tokens::TokenReader;
use crate::adapters::tokens::http::{Order, complaint};
use crate::adapters::tokens::refresh::{failed, refused, unanswered};
use crate::model::secret::Secret;
use crate::model::tokens::{HttpCall, RefreshFailure, TokenRequest};

pub async fn refresh(
    reader: &TokenReader,
    request: &TokenRequest,
    call: &HttpCall,
    name: &str,
) -> Result<String, RefreshFailure> {
    let order = Order::of(call, name).map_err(|fault| unanswered(&fault))?;
    let answer = reader.http.send(order).await.map_err(|fault| unanswered(&fault))?;
    let said = complaint(&answer.body, &[]);
    match answer.status {
        200..=299 if !denies(&answer.body) => Ok(format!("HTTP {}", answer.status)),
        // Some say it in the body alone.
        200..=299 => {
            let failure = refused(request, answer.status, &said);
            if failure.rejected {
                Err(failure)
            } else {
                Err(failed(format!("HTTP {}: {said}", answer.status)))
            }
        }
        status => Err(refused(request, status, &said)),
    }
}

/// Whether an answer with a good status says that it went wrong.
fn denies(body: &Secret) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(body.bytes()) else { return false };
    let is_no = |name: &str| value[name] == Value::Bool(false);
    is_no("success")
        || is_no("ok")
        || value["status"] == "error"
        || value["error"].as_str().is_some_and(|code| !code.is_empty())
}
