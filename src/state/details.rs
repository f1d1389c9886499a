//! What was read on demand for the detail tabs: the inspection as text, the process table.

use jiff::Timestamp;

use crate::event::ProcessTable;
use crate::model::containers::ContainerId;
use crate::ports::EngineError;
use crate::state::Revision;
use crate::state::containers::Containers;

/// Kept for one container each: the one looked at last.
#[derive(Debug, Default)]
pub struct Details {
    inspect: Option<(ContainerId, Result<Vec<String>, EngineError>)>,
    processes: Option<(ContainerId, Timestamp, Result<ProcessTable, EngineError>)>,
    pub revision: Revision,
}

impl Details {
    pub fn inspect(&self, id: &ContainerId) -> Option<&Result<Vec<String>, EngineError>> {
        self.inspect.as_ref().filter(|(of, _)| of == id).map(|(_, lines)| lines)
    }

    /// Returns the process table and when it was read.
    pub fn processes(&self, id: &ContainerId) -> Option<(Timestamp, &Result<ProcessTable, EngineError>)> {
        self.processes.as_ref().filter(|(of, ..)| of == id).map(|(_, at, table)| (*at, table))
    }

    pub(super) fn inspect_read(&mut self, id: ContainerId, lines: Result<Vec<String>, EngineError>) {
        self.inspect = Some((id, lines));
        self.revision.bump();
    }

    pub(super) fn processes_read(
        &mut self,
        now: Timestamp,
        id: ContainerId,
        table: Result<ProcessTable, EngineError>,
    ) {
        self.processes = Some((id, now, table));
        self.revision.bump();
    }

    pub(super) fn retain(&mut self, containers: &Containers) {
        if self.inspect.as_ref().is_some_and(|(id, _)| containers.get(id).is_none()) {
            self.inspect = None;
        }
        if self.processes.as_ref().is_some_and(|(id, ..)| containers.get(id).is_none()) {
            self.processes = None;
        }
    }
}
