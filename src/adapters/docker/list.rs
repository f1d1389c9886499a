//! Lists containers and inspects them: the list alone leaves too much in doubt.

use std::sync::PoisonError;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::adapters::docker::json::Json;
use crate::adapters::docker::{DockerEngine, convert, wire};
use crate::model::containers::{Container, ContainerId};
use crate::model::text;
use crate::ports::EngineError;

/// Inspections under way at once while listing.
const INSPECTIONS: usize = 16;

impl DockerEngine {
    pub(super) async fn list_all(
        &self,
        sketch: Option<oneshot::Sender<Vec<Container>>>,
    ) -> Result<Vec<Container>, EngineError> {
        const WHAT: &str = "list the containers";
        // The first list need not wait until the engine has said who it is.
        let docker = if let Some(docker) = self.client() {
            docker
        } else {
            let docker = self.dial().await?;
            self.client.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(docker).clone()
        };
        let summaries = wire::get_json(&docker, "/containers/json?all=1", WHAT, wire::LONG_CALL).await?;
        let Value::Array(summaries) = summaries else {
            return Err(EngineError::Other(format!("cannot {WHAT}: the answer is no list")));
        };
        let (told, untold): (Vec<Value>, Vec<Value>) =
            summaries.into_iter().partition(|summary| sketch.is_some() && convert::tells_state(summary));
        let mut containers = Vec::new();
        self.inspect_all(untold, &mut containers).await?;
        if let Some(sketch) = sketch.filter(|_| !told.is_empty()) {
            let lines = told.iter().filter_map(convert::container_of_summary);
            let _ = sketch.send(containers.iter().cloned().chain(lines).collect());
        }
        self.inspect_all(told, &mut containers).await?;
        let timeouts = containers.iter().map(|c| (c.id.clone(), c.stop_timeout_s)).collect();
        *self.stop_timeouts.lock().unwrap_or_else(PoisonError::into_inner) = timeouts;
        Ok(containers)
    }

    /// Inspects containers of the list, some at a time.
    pub(super) async fn inspect_all(
        &self,
        summaries: Vec<Value>,
        containers: &mut Vec<Container>,
    ) -> Result<(), EngineError> {
        let mut inspections = futures_util::stream::iter(summaries)
            .map(|summary| self.inspect_listed(summary))
            .buffer_unordered(INSPECTIONS);
        while let Some(container) = inspections.next().await {
            containers.extend(container?);
        }
        Ok(())
    }

    /// Inspects a container of the list; `None` when it has gone meanwhile.
    pub(super) async fn inspect_listed(&self, summary: Value) -> Result<Option<Container>, EngineError> {
        let id = Json(&summary).raw("Id");
        if !convert::is_id(id) {
            return Ok(None);
        }
        match self.inspection(&ContainerId::new(id), "list the containers").await {
            Ok(inspection) => Ok(convert::container(&inspection)),
            Err(EngineError::NotFound(_)) => Ok(None),
            Err(error) if error.is_connection() && !matches!(error, EngineError::TimedOut(_)) => Err(error),
            // The engine cannot inspect this one (a damaged layer, a lock that is never given back); that
            // is no reason to show none at all.
            Err(error) => {
                log::warn!("container {}: {error}", text::clean(id));
                Ok(convert::container_of_summary(&summary))
            }
        }
    }

    pub(super) async fn inspect_one(&self, id: &ContainerId) -> Result<Container, EngineError> {
        let what = format!("inspect {}", id.short());
        let inspection = self.inspection(id, &what).await?;
        let container = convert::container(&inspection)
            .ok_or_else(|| EngineError::Other(format!("cannot {what}: the answer has no id")))?;
        self.stop_timeouts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(container.id.clone(), container.stop_timeout_s);
        Ok(container)
    }
}
