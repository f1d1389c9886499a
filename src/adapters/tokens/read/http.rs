//! Behind an HTTP endpoint.

use crate::adapters::tokens::TokenReader;
use crate::adapters::tokens::extract::Taken;
use crate::adapters::tokens::http::{Order, complaint};
use crate::adapters::tokens::read::Source;
use crate::model::tokens::{HttpCall, TokenProblem};
use crate::ports::Clock;

pub async fn get(reader: &TokenReader, call: &HttpCall, name: &str) -> Result<Source, TokenProblem> {
    let unreadable =
        |fault: crate::adapters::tokens::http::Fault| TokenProblem::Unreadable(fault.words().to_owned());
    let order = Order::of(call, name).map_err(unreadable)?;
    let place = order.place();
    let answer = reader.http.send(order).await.map_err(unreadable)?;
    let said = || {
        let said = complaint(&answer.body, &[]).to_string();
        let colon = if said.is_empty() { "" } else { ": " };
        format!("{place} answered HTTP {}{colon}{said}", answer.status)
    };
    match answer.status {
        200..=299 => {}
        404 | 410 => return Err(TokenProblem::Missing(said())),
        _ => return Err(TokenProblem::Unreadable(said())),
    }
    Ok(Source {
        taken: Taken { at: Clock::Wall.now(), answer: true },
        name: String::new(),
        clock_ahead: answer.clock_ahead,
        secret: answer.body,
    })
}
