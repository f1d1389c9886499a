//! Gets what a rule's source holds: one file for each kind of place.

pub mod host_file;
pub mod http;
pub mod inside;

use std::time::Duration;

use jiff::SignedDuration;

use crate::adapters::tokens::extract::{self, Taken};
use crate::adapters::tokens::{TokenReader, document};
use crate::model::secret::Secret;
use crate::model::text::clean;
use crate::model::tokens::{TokenProblem, TokenRead, TokenReadings, TokenRequest};
use crate::ports::EngineError;

/// A file may be seen half-written, or gone for a moment while it is replaced: it is looked at so often.
const LOOKS: u32 = 6;
const BETWEEN: Duration = Duration::from_millis(120);

/// What a source holds.
pub struct Source {
    pub secret: Secret,
    /// Of its file, where it has one: the ending says the format.
    pub name: String,
    pub taken: Taken,
    pub clock_ahead: Option<SignedDuration>,
}

/// Reads every token of a request's source.
pub async fn readings(reader: &TokenReader, request: &TokenRequest) -> Result<TokenReadings, TokenProblem> {
    let is_file =
        matches!(request.rule.read, TokenRead::File(_) | TokenRead::Secret(_) | TokenRead::HostFile(_));
    let mut looks = if is_file { LOOKS } else { 1 };
    loop {
        looks -= 1;
        let (result, is_worth_another) = look(reader, request).await;
        if result.is_ok() || looks == 0 || !is_worth_another {
            return result;
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

/// Looks once; also says whether another look may see more.
async fn look(reader: &TokenReader, request: &TokenRequest) -> (Result<TokenReadings, TokenProblem>, bool) {
    let source = match get(reader, request).await {
        Ok(source) => source,
        Err(problem) => return (Err(problem), true),
    };
    let document = match document::parse(&source.secret, &source.name) {
        Ok(document) => document,
        Err(why) => {
            let place = place(&request.rule.read);
            return (Err(TokenProblem::Unreadable(format!("{place}: {why}"))), true);
        }
    };
    let tokens = extract::readings(&request.rule, &document, &source.secret, source.taken);
    (tokens.map(|tokens| TokenReadings { tokens, clock_ahead: source.clock_ahead }), false)
}

async fn get(reader: &TokenReader, request: &TokenRequest) -> Result<Source, TokenProblem> {
    let rule = &request.rule;
    match &rule.read {
        TokenRead::File(path) => inside::file(reader, request, path).await.map(|(_, source)| source),
        TokenRead::Secret(name) => {
            let path = format!("/run/secrets/{name}");
            inside::file(reader, request, &path).await.map(|(_, source)| source)
        }
        TokenRead::Exec(arguments) => inside::exec(reader, request, arguments).await,
        TokenRead::Env(name) => inside::variable(reader, request, name).await,
        TokenRead::Http(call) => http::get(reader, call, &rule.name).await,
        TokenRead::HostFile(path) => host_file::get(path.clone()).await,
    }
}

/// Names a source for people.
pub fn place(read: &TokenRead) -> String {
    clean(&match read {
        TokenRead::File(path) => path.clone(),
        TokenRead::Http(_) => String::from("the answer"),
        TokenRead::Exec(arguments) => {
            format!("the output of {}", arguments.first().map_or("the program", String::as_str))
        }
        TokenRead::Env(name) => format!("the variable {name}"),
        TokenRead::Secret(name) => format!("the secret {name}"),
        TokenRead::HostFile(path) => path.display().to_string(),
    })
}

/// What of the engine is gone is missing, all else keeps us from reading.
pub fn problem(error: &EngineError) -> TokenProblem {
    match error {
        EngineError::NotFound(words) => TokenProblem::Missing(words.clone()),
        other => TokenProblem::Unreadable(other.to_string()),
    }
}
