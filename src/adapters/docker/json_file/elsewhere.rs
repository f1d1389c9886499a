//! Where containers run in another machine's kernel, no log is read in place.

use std::sync::Arc;

use bollard::Docker;

use crate::adapters::docker::streams;
use crate::model::containers::ContainerId;
use crate::model::logs::LogLine;
use crate::ports::{BoxStream, EngineError, LogRequest};

#[derive(Debug, Default)]
pub struct InPlace;

pub fn logs(
    docker: Docker,
    _shared: Arc<InPlace>,
    id: ContainerId,
    path: String,
    request: LogRequest,
) -> BoxStream<'static, Result<Vec<LogLine>, EngineError>> {
    streams::logs(docker, id, &path, &request)
}
