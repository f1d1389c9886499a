//! By a program in the service's container.

use crate::adapters::tokens::TokenReader;
use crate::adapters::tokens::http::complaint;
use crate::adapters::tokens::read::inside;
use crate::adapters::tokens::refresh::failed;
use crate::model::text::clean;
use crate::model::tokens::{RefreshFailure, TokenRequest};

pub async fn refresh(
    reader: &TokenReader,
    request: &TokenRequest,
    arguments: &[String],
    name: &str,
) -> Result<String, RefreshFailure> {
    let id = inside::container(request).map_err(|problem| failed(problem.words().to_owned()))?;
    let arguments = with_name(arguments, name).map_err(failed)?;
    let program = clean(&arguments[0]);
    let done = reader.engine.capture(id, &arguments).await;
    let done = done.map_err(|error| failed(format!("{error}; is the service running?")))?;
    match done.exit_code {
        Some(0) | None => Ok(format!("{program} ended well")),
        Some(code) => {
            let said = complaint(&done.output, &[]).to_string();
            let said = if said.is_empty() { done.complaint } else { said };
            let rejected = said.contains("invalid_grant");
            let said = if said.is_empty() { String::from("it said nothing") } else { said };
            Err(RefreshFailure { words: format!("{program} ended with {code}: {said}"), rejected })
        }
    }
}

/// Fills in the token's name; it may make no option of an argument.
fn with_name(arguments: &[String], name: &str) -> Result<Vec<String>, String> {
    let filled: Vec<String> = arguments.iter().map(|argument| argument.replace("{name}", name)).collect();
    let turned = arguments
        .iter()
        .zip(&filled)
        .any(|(before, after)| after.starts_with('-') && !before.starts_with('-'));
    if turned || filled.is_empty() {
        return Err(format!("{name:?} cannot be an argument: it would be taken for an option"));
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fills_an_argument_and_makes_no_option() {
        let of = |arguments: &[&str], name: &str| {
            with_name(&arguments.iter().map(|&part| part.to_owned()).collect::<Vec<_>>(), name)
        };
        assert_eq!(of(&["pa", "--account={name}"], "a b").unwrap(), ["pa", "--account=a b"]);
        assert!(of(&["pa", "{name}"], "--all").is_err());
        assert!(of(&["pa", "--account={name}"], "-x").is_ok());
    }
}
