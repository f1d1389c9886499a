//! In a container: a file (also of its volumes, also while it is stopped), a program's output, a variable.

use jiff::Timestamp;

use crate::adapters::tokens::TokenReader;
use crate::adapters::tokens::extract::Taken;
use crate::adapters::tokens::read::{Source, problem};
use crate::model::containers::ContainerId;
use crate::model::secret::SecretFile;
use crate::model::text::clean;
use crate::model::tokens::{TokenProblem, TokenRequest};
use crate::ports::Clock;

/// Returns the container that is looked into: a running one where there is one.
pub fn container(request: &TokenRequest) -> Result<&ContainerId, TokenProblem> {
    request.containers.first().ok_or_else(|| {
        let service = request.rule.service.as_deref().unwrap_or("the service");
        TokenProblem::Missing(format!("{service} has no container: create it (up)"))
    })
}

pub async fn file(
    reader: &TokenReader,
    request: &TokenRequest,
    path: &str,
) -> Result<(SecretFile, Source), TokenProblem> {
    let id = container(request)?;
    let file = reader.engine.read_file(id, path).await.map_err(|error| problem(&error))?;
    let written = i64::try_from(file.modified).ok().and_then(|at| Timestamp::from_second(at).ok());
    let source = Source {
        secret: file.content.clone(),
        // Links are followed to odd names (`..data`); the rule's own name says the format.
        name: path.to_owned(),
        taken: Taken { at: written.unwrap_or_else(|| Clock::Wall.now()), answer: false },
        clock_ahead: None,
    };
    Ok((file, source))
}

pub async fn exec(
    reader: &TokenReader,
    request: &TokenRequest,
    arguments: &[String],
) -> Result<Source, TokenProblem> {
    let id = container(request)?;
    let done = reader.engine.capture(id, arguments).await.map_err(|error| problem(&error))?;
    if done.exit_code.is_some_and(|code| code != 0) {
        let program = clean(arguments.first().map_or("the program", String::as_str));
        let code = done.exit_code.unwrap_or_default();
        let said = if done.complaint.is_empty() { "it said nothing" } else { &done.complaint };
        return Err(TokenProblem::Unreadable(format!("{program} ended with {code}: {said}")));
    }
    if done.output.bytes().trim_ascii().is_empty() {
        let program = clean(arguments.first().map_or("the program", String::as_str));
        return Err(TokenProblem::Missing(format!("{program} printed nothing: there is no token yet")));
    }
    Ok(Source {
        secret: done.output,
        name: String::new(),
        taken: Taken { at: Clock::Wall.now(), answer: true },
        clock_ahead: None,
    })
}

pub async fn variable(
    reader: &TokenReader,
    request: &TokenRequest,
    name: &str,
) -> Result<Source, TokenProblem> {
    let id = container(request)?;
    let value = reader.engine.variable(id, name).await.map_err(|error| problem(&error))?;
    let missing = |how: &str| TokenProblem::Missing(format!("{} is {how} in the container", clean(name)));
    let secret = value.ok_or_else(|| missing("not set"))?;
    if secret.is_empty() {
        return Err(missing("empty"));
    }
    let taken = Taken { at: Clock::Wall.now(), answer: false };
    Ok(Source { secret, name: String::new(), taken, clock_ahead: None })
}
