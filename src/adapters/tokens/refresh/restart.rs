//! By a restart of the service's containers, for services that refresh as they start.

use crate::adapters::tokens::TokenReader;
use crate::adapters::tokens::read::inside;
use crate::adapters::tokens::refresh::failed;
use crate::model::containers::RunState;
use crate::model::tokens::{RefreshFailure, TokenRequest};

pub async fn refresh(reader: &TokenReader, request: &TokenRequest) -> Result<String, RefreshFailure> {
    let first = inside::container(request).map_err(|problem| failed(problem.words().to_owned()))?;
    let mut count = 0;
    for id in &request.containers {
        let found = reader.engine.inspect(id).await.map_err(|error| failed(error.to_string()))?;
        // One that was stopped on purpose stays so, as long as another one runs.
        if found.run == RunState::Running {
            reader.engine.restart(id).await.map_err(|error| failed(error.to_string()))?;
            count += 1;
        }
    }
    if count == 0 {
        reader.engine.restart(first).await.map_err(|error| failed(error.to_string()))?;
        count = 1;
    }
    Ok(if count == 1 { String::from("restarted") } else { format!("restarted {count} containers") })
}
