//! What jobs print: the last lines of each that runs, that failed, or that was run for what it prints.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::model::jobs::{Job, JobId, JobOutcome, Verb};
use crate::model::runs::RunTitle;
use crate::model::stacks::Target;
use crate::state::containers::Containers;
use crate::state::jobs::progress::Progress;

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
    /// What could be told apart in the lines.
    pub progress: Progress,
    /// What was run, of a run.
    pub run: Option<RunTitle>,
    pub started_at: Timestamp,
    /// How and when it ended; what succeeded is kept of runs and of the watcher only.
    pub ended: Option<(Timestamp, JobOutcome)>,
    /// Whether the watcher began it: its history shows it as long as it is kept.
    pub watch: bool,
    /// Whether it says nothing of its target any more.
    past: bool,
}

impl JobOutput {
    /// Whether it has ended, and failed.
    pub fn failed(&self) -> bool {
        self.ended
            .as_ref()
            .is_some_and(|(_, outcome)| !matches!(outcome, JobOutcome::Succeeded | JobOutcome::Cancelled))
    }

    pub fn ended_at(&self) -> Option<Timestamp> {
        self.ended.as_ref().map(|(at, _)| *at)
    }

    /// Says in one line why a call of Compose failed; nothing of what told so itself.
    pub fn why(&self) -> &str {
        match &self.ended {
            Some((_, JobOutcome::Failed(errors))) => errors.first().map_or("", String::as_str),
            _ => "",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Outputs {
    all: VecDeque<JobOutput>,
}

impl Outputs {
    pub fn begin(&mut self, job: &Job) {
        // What failed here before is history now.
        let ended_here = |output: &JobOutput| output.ended.is_some() && output.target == job.target;
        self.all.retain(|output| output.watch || !ended_here(output));
        self.all.iter_mut().filter(|output| ended_here(output)).for_each(|output| output.past = true);
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
            progress: Progress::default(),
            run: job.run.clone(),
            started_at: job.started_at,
            ended: None,
            watch: job.watch.is_some(),
            past: false,
        });
        if self.all.len() > JOBS {
            let oldest = self.all.iter().position(|output| output.past).unwrap_or(0);
            self.all.remove(oldest);
        }
    }

    pub fn add(&mut self, id: JobId, lines: Vec<String>) {
        let Some(output) = self.all.iter_mut().find(|output| output.job == id) else { return };
        for mut line in lines {
            if line.len() > LINE_BYTES {
                line.truncate(line.floor_char_boundary(LINE_BYTES));
                line.shrink_to_fit();
            }
            output.progress.take(&line);
            output.lines.push_back(line);
            if output.lines.len() > LINES {
                output.lines.pop_front();
                output.dropped += 1;
            }
        }
    }

    /// Notes that another process of the same job begins.
    pub fn next_process(&mut self, id: JobId, command: &str) {
        if let Some(output) = self.all.iter_mut().find(|output| output.job == id) {
            output.progress.next_process();
            command.clone_into(&mut output.command);
        }
        if !command.is_empty() {
            self.add(id, vec![format!("$ {command}")]);
        }
    }

    pub fn by_job(&self, id: JobId) -> Option<&JobOutput> {
        self.all.iter().find(|output| output.job == id)
    }

    pub fn failure(&self, target: &Target) -> Option<&JobOutput> {
        let present = |output: &&JobOutput| output.target == *target && !output.past;
        self.all.iter().rev().find(present).filter(|output| output.failed())
    }

    pub fn end(&mut self, now: Timestamp, id: JobId, outcome: &JobOutcome) {
        if let Some(output) = self.all.iter_mut().find(|output| output.job == id) {
            output.ended = Some((now, outcome.clone()));
            output.past = output.watch && !output.failed();
        }
        self.all.retain(|output| output.job != id || output.run.is_some() || output.watch || output.failed());
    }

    /// Returns the newest output of a target; that of its stack stands for a service too.
    pub fn of(&self, target: &Target, containers: &Containers) -> Option<&JobOutput> {
        let service = containers.service_of(target);
        self.all.iter().rev().filter(|output| !output.past).find(|output| {
            output.target == *target
                || service.as_ref().is_some_and(|(stack, service)| match &output.target {
                    Target::Stack(name) => name == stack && output.ended.is_none(),
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
    use crate::model::watch::run::RunId;

    fn job(id: u64, service: &str) -> Job {
        Job {
            id: JobId(id),
            verb: Verb::Compose(crate::model::jobs::ComposeVerb::Up),
            target: Target::Service { stack: "shop".into(), service: service.into() },
            started_at: Timestamp::UNIX_EPOCH,
            stop_timeout: None,
            done: 0,
            total: 0,
            command: String::from("docker compose up"),
            gist: String::new(),
            order: None,
            phase: None,
            run: None,
            watch: None,
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
        outputs.end(Timestamp::UNIX_EPOCH, JobId(1), &JobOutcome::Succeeded);
        assert!(outputs.all.is_empty());
        outputs.begin(&job(2, "web"));
        outputs.end(Timestamp::UNIX_EPOCH, JobId(2), &JobOutcome::Failed(Vec::new()));
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
    fn what_the_watcher_did_is_kept_for_its_history_and_says_nothing_of_the_present() {
        let nothing = Containers::default();
        let mut outputs = Outputs::default();
        let watch = |id| Job { watch: Some(RunId(id)), ..job(id, "web") };
        outputs.begin(&watch(1));
        outputs.end(Timestamp::UNIX_EPOCH, JobId(1), &JobOutcome::Failed(Vec::new()));
        assert!(outputs.failure(&watch(1).target).is_some());
        outputs.begin(&watch(2));
        outputs.end(Timestamp::UNIX_EPOCH, JobId(2), &JobOutcome::Succeeded);
        assert!(outputs.by_job(JobId(1)).is_some() && outputs.by_job(JobId(2)).is_some());
        assert!(outputs.failure(&watch(1).target).is_none());
        assert!(outputs.of(&watch(1).target, &nothing).is_none());
        outputs.begin(&job(3, "db"));
        for id in 10..25 {
            outputs.begin(&watch(id));
            outputs.end(Timestamp::UNIX_EPOCH, JobId(id), &JobOutcome::Succeeded);
        }
        assert!(outputs.by_job(JobId(3)).is_some(), "history goes before what runs");
    }

    #[test]
    fn the_gist_of_a_line_is_its_object_and_its_word() {
        assert_eq!(gist(" Container shop-web-1  Started "), "Started shop-web-1");
        assert_eq!(gist("#7 [2/4] RUN  make"), "#7 [2/4] RUN make");
        assert_eq!(gist(" Container"), "Container");
    }
}
