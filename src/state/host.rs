//! Figures of this machine, with ten minutes of CPU and memory, and the engine's disk use.

use jiff::Timestamp;

use crate::model::host::{EngineDiskUsage, HostSample, PerMinute};
use crate::model::usage::{History, HistoryPoint};
use crate::ports::EngineError;
use crate::state::Revision;

#[derive(Debug, Default)]
pub struct Host {
    pub sample: Option<HostSample>,
    /// CPU in percent of all cores, memory in bytes.
    pub history: History,
    pub disk_usage: Option<Result<EngineDiskUsage, EngineError>>,
    pub disk_usage_at: Option<Timestamp>,
    /// Requests to the engine.
    pub engine_calls: PerMinute,
    pub revision: Revision,
}

impl Host {
    pub(super) fn sampled(&mut self, now: Timestamp, sample: HostSample) {
        self.history.push(
            now,
            HistoryPoint {
                cpu_percent: sample.cpu_percent,
                memory_bytes: sample.memory_used as f32,
                ..HistoryPoint::EMPTY
            },
        );
        if let Some(calls) = sample.own.engine_calls {
            self.engine_calls.push(now, calls);
        }
        self.sample = Some(sample);
        self.revision.bump();
    }

    pub(super) fn disk_usage_read(&mut self, now: Timestamp, result: Result<EngineDiskUsage, EngineError>) {
        self.disk_usage = Some(result);
        self.disk_usage_at = Some(now);
        self.revision.bump();
    }
}
