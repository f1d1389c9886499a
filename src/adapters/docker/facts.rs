//! What is read of the engine for a look at one thing: processes, an inspection as text, disk use, images.

use serde_json::Value;

use crate::adapters::docker::json::Json;
use crate::adapters::docker::{DockerEngine, container_path, disk, json, wire};
use crate::event::ProcessTable;
use crate::model::containers::ContainerId;
use crate::model::host::EngineDiskUsage;
use crate::model::{redact, text};
use crate::ports::EngineError;

/// Processes shown at most; a fork bomb should not fill the memory of two machines.
const PROCESSES: usize = 2_000;

impl DockerEngine {
    pub(super) async fn read_processes(&self, id: &ContainerId) -> Result<ProcessTable, EngineError> {
        const WHAT: &str = "read the processes";
        let docker = self.connected(WHAT)?;
        let answer = wire::get_json(&docker, &container_path(id, "top")?, WHAT, wire::CALL).await?;
        let cells = |row: Json<'_>| row.texts_here().map(json::shown).collect();
        Ok(ProcessTable {
            titles: cells(Json(&answer).at("Titles")),
            rows: Json(&answer).items("Processes").take(PROCESSES).map(cells).collect(),
        })
    }

    pub(super) async fn read_inspection(&self, id: &ContainerId) -> Result<Vec<String>, EngineError> {
        let what = format!("inspect {}", id.short());
        let mut inspection = self.inspection(id, &what).await?;
        redact::json(&mut inspection);
        let pretty = serde_json::to_string_pretty(&inspection)
            .map_err(|error| EngineError::Other(format!("cannot {what}: {error}")))?;
        Ok(pretty.lines().map(indented_and_clean).collect())
    }

    pub(super) async fn read_disk_usage(&self) -> Result<EngineDiskUsage, EngineError> {
        const WHAT: &str = "read the disk use";
        let docker = self.connected(WHAT)?;
        let answer = wire::get_json(&docker, "/system/df", WHAT, wire::LONG_CALL).await?;
        Ok(disk::usage(&answer))
    }

    pub(super) async fn read_image(&self, image_id: &str) -> Result<Value, EngineError> {
        const WHAT: &str = "inspect the image";
        let docker = self.connected(WHAT)?;
        let known = |c: char| c.is_ascii_alphanumeric() || ":._-/@".contains(c);
        if image_id.is_empty() || !image_id.chars().all(known) || image_id.contains("..") {
            return Err(EngineError::NotFound(format!(
                "cannot {WHAT}: \"{}\" is no id",
                json::shown(image_id)
            )));
        }
        wire::get_json(&docker, &format!("/images/{image_id}/json"), WHAT, wire::CALL).await
    }

    pub(super) async fn read_image_bytes(&self, image_id: &str) -> Result<u64, EngineError> {
        let answer = self.read_image(image_id).await?;
        let size = Json(&answer).count("Size");
        size.ok_or_else(|| {
            EngineError::Other(String::from("cannot inspect the image: the engine does not tell its size"))
        })
    }
}

/// Cleaning trims; the indentation is ours and stays.
fn indented_and_clean(line: &str) -> String {
    let content = line.trim_start_matches(' ');
    let mut shown = " ".repeat(line.len() - content.len());
    shown.push_str(&text::clean(content));
    shown
}
