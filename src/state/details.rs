//! What was read on demand: the inspection as text, the process table, the choices of a question.

use jiff::Timestamp;

use crate::event::ProcessTable;
use crate::model::containers::ContainerId;
use crate::model::runs::OutputLine;
use crate::ports::EngineError;
use crate::state::Revision;
use crate::state::containers::Containers;

/// Kept for one container each: the one looked at last.
#[derive(Debug, Default)]
pub struct Details {
    inspect: Option<(ContainerId, Result<Vec<String>, EngineError>)>,
    processes: Option<(ContainerId, Timestamp, Result<ProcessTable, EngineError>)>,
    /// By the number under which they were asked for.
    choices: Option<(u64, Result<ReadChoices, String>)>,
    pub revision: Revision,
}

/// What may be answered to a question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadChoices {
    pub lines: Vec<String>,
    /// Lines that could not be shown as they are, so that they could not be meant either.
    pub left_out: usize,
}

impl Details {
    pub fn inspect(&self, id: &ContainerId) -> Option<&Result<Vec<String>, EngineError>> {
        self.inspect.as_ref().filter(|(of, _)| of == id).map(|(_, lines)| lines)
    }

    /// Returns the process table and when it was read.
    pub fn processes(&self, id: &ContainerId) -> Option<(Timestamp, &Result<ProcessTable, EngineError>)> {
        self.processes.as_ref().filter(|(of, ..)| of == id).map(|(_, at, table)| (*at, table))
    }

    /// Returns the choices that were asked for under this number.
    pub fn choices(&self, number: u64) -> Option<&Result<ReadChoices, String>> {
        self.choices.as_ref().filter(|(of, _)| *of == number).map(|(_, choices)| choices)
    }

    pub(super) fn choices_read(&mut self, number: u64, result: Result<Vec<OutputLine>, String>) {
        let sorted = result.map(|lines| {
            let mut choices = ReadChoices::default();
            for line in lines.into_iter().filter(|line| !line.is_error && !line.text.is_empty()) {
                if line.is_whole {
                    choices.lines.push(line.text);
                } else {
                    choices.left_out += 1;
                }
            }
            choices
        });
        self.choices = Some((number, sorted));
        self.revision.bump();
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
