//! What jobs print: the last lines of each, of those that run and of those that failed.

use std::collections::VecDeque;

use crate::model::jobs::{Job, JobId, JobOutcome, Verb};
use crate::model::stacks::Target;
use crate::state::containers::Containers;

/// Lines kept of one job.
const LINES: usize = 500;
/// Bytes kept of one line: progress of a build may come in lines of megabytes.
const LINE_BYTES: usize = 1_000;
/// Jobs whose output is kept.
const JOBS: usize = 16;

/// What one job has printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobOutput {
    pub job: JobId,
    pub verb: Verb,
    pub target: Target,
    /// The exact command line.
    pub command: String,
    pub lines: VecDeque<String>,
    /// Lines that had to go for newer ones.
    pub dropped: u64,
    /// Whether it has ended, and failed: what succeeded is not kept.
    pub failed: bool,
}

#[derive(Debug, Default)]
pub(super) struct Outputs {
    all: VecDeque<JobOutput>,
}

impl Outputs {
    pub fn begin(&mut self, job: &Job) {
        // What failed here before is history now.
        self.all.retain(|output| !(output.failed && output.target == job.target));
        if job.command.is_empty() {
            return;
        }
        self.all.push_back(JobOutput {
            job: job.id,
            verb: job.verb,
            target: job.target.clone(),
            command: job.command.clone(),
            lines: VecDeque::new(),
            dropped: 0,
            failed: false,
        });
        if self.all.len() > JOBS {
            self.all.pop_front();
        }
    }

    pub fn add(&mut self, id: JobId, lines: Vec<String>) {
        let Some(output) = self.all.iter_mut().find(|output| output.job == id) else { return };
        for mut line in lines {
            if line.len() > LINE_BYTES {
                line.truncate(line.floor_char_boundary(LINE_BYTES));
                line.shrink_to_fit();
            }
            output.lines.push_back(line);
            if output.lines.len() > LINES {
                output.lines.pop_front();
                output.dropped += 1;
            }
        }
    }

    pub fn end(&mut self, id: JobId, outcome: &JobOutcome) {
        if matches!(outcome, JobOutcome::Failed(_)) {
            if let Some(output) = self.all.iter_mut().find(|output| output.job == id) {
                output.failed = true;
            }
        } else {
            self.all.retain(|output| output.job != id);
        }
    }

    /// Returns the newest output of a target; that of its stack stands for a service too.
    pub fn of(&self, target: &Target, containers: &Containers) -> Option<&JobOutput> {
        let service = containers.service_of(target);
        self.all.iter().rev().find(|output| {
            output.target == *target
                || service.as_ref().is_some_and(|(stack, service)| match &output.target {
                    Target::Stack(name) => name == stack && !output.failed,
                    Target::Service { stack: s, service: v } => s == stack && v == service,
                    Target::Container(_) => false,
                })
        })
    }
}

/// Returns what of a line is worth the little room of a row, the news first:
/// ` Container shop-web-1  Started` is `Started shop-web-1`.
pub fn gist(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["Container" | "Network" | "Volume" | "Service" | "Image", name, rest @ ..] if !rest.is_empty() => {
            format!("{} {name}", rest.join(" "))
        }
        words => words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: u64, service: &str) -> Job {
        Job {
            id: JobId(id),
            verb: Verb::Compose(crate::model::jobs::ComposeVerb::Up),
            target: Target::Service { stack: "shop".into(), service: service.into() },
            started_at: jiff::Timestamp::UNIX_EPOCH,
            stop_timeout: None,
            done: 0,
            total: 0,
            command: String::from("docker compose up"),
            gist: String::new(),
        }
    }

    #[test]
    fn five_hundred_lines_are_kept_and_long_ones_are_cut() {
        let mut outputs = Outputs::default();
        outputs.begin(&job(1, "web"));
        outputs.add(JobId(1), (0..600).map(|n| format!("{n} {}", "ä".repeat(2_000))).collect());
        let output = &outputs.all[0];
        assert_eq!((output.lines.len(), output.dropped), (500, 100));
        assert!(output.lines[0].starts_with("100 ä"));
        assert!(output.lines.iter().all(|line| line.len() <= LINE_BYTES));
    }

    #[test]
    fn only_running_and_failed_jobs_keep_their_output() {
        let nothing = Containers::default();
        let mut outputs = Outputs::default();
        outputs.begin(&job(1, "web"));
        outputs.end(JobId(1), &JobOutcome::Succeeded);
        assert!(outputs.all.is_empty());
        outputs.begin(&job(2, "web"));
        outputs.end(JobId(2), &JobOutcome::Failed(Vec::new()));
        assert!(outputs.of(&job(2, "web").target, &nothing).is_some());
        assert!(outputs.of(&job(2, "db").target, &nothing).is_none());
        outputs.begin(&job(3, "web"));
        assert_eq!(outputs.all.len(), 1, "the next job takes the place of the failed one");
        for id in 10..40 {
            outputs.begin(&job(id, "db"));
        }
        assert_eq!(outputs.all.len(), JOBS);
    }

    #[test]
    fn the_gist_of_a_line_is_its_object_and_its_word() {
        assert_eq!(gist(" Container shop-web-1  Started "), "Started shop-web-1");
        assert_eq!(gist("#7 [2/4] RUN  make"), "#7 [2/4] RUN make");
        assert_eq!(gist(" Container"), "Container");
    }
}
