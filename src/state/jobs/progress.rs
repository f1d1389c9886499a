//! The steps in what a job prints: BuildKit's plain progress and Compose's own lines. Pure.
//!
//! ```text
//! #7 [app 4/4] RUN make            a step begins
//! #7 0.222 cc -c main.c            it prints
//! #7 DONE 1.2s                     it ends; also CACHED, CANCELED, ERROR: …
//!  Container shop-web-1  Started   an object and its standing
//! ```

use std::collections::VecDeque;

/// Steps kept of one job.
const STEPS: usize = 300;
/// Lines kept of what one step has printed.
const LOG: usize = 40;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Running,
    Cached,
    Done,
    Failed,
    Canceled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// BuildKit's number, in the build that runs now.
    number: Option<u32>,
    /// `[app 4/4] RUN make`, `Container shop-web-1`.
    pub name: String,
    pub standing: Standing,
    /// `1.2s`, `Started`.
    pub remark: String,
    /// The last lines that it printed.
    pub log: VecDeque<String>,
}

/// Everything that could be told apart so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    steps: Vec<Step>,
}

impl Progress {
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns the name of the step that is under way.
    pub fn current(&self) -> Option<&str> {
        let open = self.steps.iter().rev().find(|step| step.standing == Standing::Running);
        open.or(self.steps.last()).map(|step| &*step.name)
    }

    /// Takes a line; returns whether it was one of a step.
    pub fn take(&mut self, line: &str) -> bool {
        let line = line.trim();
        let taken = match line.strip_prefix('#').and_then(|rest| rest.split_once(' ')) {
            Some((number, rest)) => number.parse().is_ok_and(|number| self.build_line(number, rest)),
            None => self.object_line(line),
        };
        if self.steps.len() > STEPS {
            self.steps.remove(0);
        }
        taken
    }

    fn build_line(&mut self, number: u32, rest: &str) -> bool {
        if number == 0 || (number == 1 && rest.starts_with('[') && self.of(1).is_some_and(is_over)) {
            // Another build counts anew.
            for step in &mut self.steps {
                step.number = None;
            }
            if number == 0 {
                return true;
            }
        }
        let Some(step) = self.of(number) else {
            self.steps.push(Step {
                number: Some(number),
                name: rest.to_owned(),
                standing: Standing::Running,
                remark: String::new(),
                log: VecDeque::new(),
            });
            return true;
        };
        let (word, more) = rest.split_once(' ').unwrap_or((rest, ""));
        match word {
            "CACHED" => step.standing = Standing::Cached,
            "DONE" => {
                step.standing = Standing::Done;
                more.clone_into(&mut step.remark);
            }
            "CANCELED" => step.standing = Standing::Canceled,
            "ERROR:" | "ERROR" => {
                step.standing = Standing::Failed;
                more.clone_into(&mut step.remark);
            }
            // Named once more after another had its say.
            "..." => {}
            _ if rest == step.name => {}
            _ => {
                // `0.222 hello`: seconds since the step began.
                let printed = if word.parse::<f32>().is_ok() { more } else { rest };
                step.log.push_back(printed.to_owned());
                if step.log.len() > LOG {
                    step.log.pop_front();
                }
            }
        }
        true
    }

    fn of(&mut self, number: u32) -> Option<&mut Step> {
        self.steps.iter_mut().rev().find(|step| step.number == Some(number))
    }

    fn object_line(&mut self, line: &str) -> bool {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, rest) = match words.as_slice() {
            ["Container" | "Network" | "Volume", name, rest @ ..] if !rest.is_empty() => {
                (format!("{} {name}", words[0]), rest)
            }
            // Layers have names of twelve digits: too many to be told of.
            [name, rest @ ..] if !rest.is_empty() && standing_of(rest[0]).is_some() && !is_layer(name) => {
                ((*name).to_owned(), rest)
            }
            _ => return false,
        };
        let Some(standing) = standing_of(rest[0]) else { return false };
        let remark = rest.join(" ");
        match self.steps.iter_mut().rev().find(|step| step.number.is_none() && step.name == name) {
            // The word after an error says less than the error.
            Some(step) if step.standing == Standing::Failed && standing == Standing::Done => {}
            Some(step) => (step.standing, step.remark) = (standing, remark),
            None => self.steps.push(Step { number: None, name, standing, remark, log: VecDeque::new() }),
        }
        true
    }

    /// Returns the line that says best what went wrong first.
    pub fn first_error(&self) -> Option<String> {
        let step = self.first_failed()?;
        let speaks = |line: &&String| {
            let line = line.to_lowercase();
            ["error", "fatal", "not found", "cannot", "failed", "no space left"]
                .iter()
                .any(|word| line.contains(word))
        };
        let said = step.log.iter().find(speaks).or_else(|| step.log.back());
        // `executor failed running [/bin/sh -c make]: exit code: 2` repeats the step.
        let remark = match step.remark.rsplit_once("]: ") {
            Some((_, end)) => end,
            None => step
                .remark
                .rsplit_once("did not complete successfully: ")
                .map_or(&*step.remark, |(_, end)| end),
        };
        Some(match said {
            Some(said) => format!("{said} ({}: {remark})", step.name),
            None => format!("{}: {remark}", step.name),
        })
    }

    /// Returns the step that failed first: one of the build, for a pull before it may fail and nothing follows.
    fn first_failed(&self) -> Option<&Step> {
        let mut failed = self.steps.iter().filter(|step| step.standing == Standing::Failed);
        failed.clone().find(|step| step.number.is_some()).or_else(|| failed.next())
    }

    /// Returns the last lines of the step that failed first.
    pub fn failed_log(&self) -> Option<String> {
        let step = self.first_failed()?;
        Some(step.log.iter().map(String::as_str).collect::<Vec<_>>().join("\n"))
    }

    /// Returns what could not be pulled, and why.
    pub fn not_pulled(&self) -> Vec<String> {
        let failed =
            self.steps.iter().filter(|step| step.standing == Standing::Failed && step.number.is_none());
        failed
            .map(|step| {
                let why = step.remark.trim_start_matches("Error ").trim_start_matches("Warning ");
                format!("{}: not pulled, its present image stays: {why}", step.name)
            })
            .collect()
    }

    /// Forgets what could be mistaken for a part of the next process.
    pub fn next_process(&mut self) {
        for step in &mut self.steps {
            step.number = None;
        }
    }
}

fn is_over(step: &mut Step) -> bool {
    step.standing != Standing::Running
}

fn is_layer(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn standing_of(word: &str) -> Option<Standing> {
    Some(match word {
        "Creating" | "Starting" | "Stopping" | "Removing" | "Recreate" | "Pulling" | "Waiting"
        | "Restarting" | "Killing" | "Building" => Standing::Running,
        "Created" | "Started" | "Stopped" | "Removed" | "Recreated" | "Pulled" | "Healthy" | "Restarted"
        | "Running" | "Exited" | "Killed" | "Built" | "Skipped" => Standing::Done,
        "Error" | "Warning" => Standing::Failed,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Progress {
        let mut progress = Progress::default();
        for line in text.lines() {
            progress.take(line);
        }
        progress
    }

    fn told(progress: &Progress) -> Vec<String> {
        progress.steps().iter().map(|s| format!("{:?} {} {}", s.standing, s.name, s.remark)).collect()
    }

    #[test]
    fn a_build_is_told_in_steps() {
        let progress = read(
            "#0 building with \"default\" instance using docker driver\n\n#1 [app internal] load build definition from Dockerfile\n#1 transferring dockerfile: 204B done\n#1 DONE 0.0s\n#6 [app 3/4] COPY a b\n#6 CACHED\n#7 [app 4/4] RUN make\n#7 0.222 cc\n#8 [app 5/5] x\n#7 ...\n#7 [app 4/4] RUN make\n#7 1.223 more\n#7 DONE 1.2s\n#8 CANCELED\n",
        );
        assert_eq!(
            told(&progress),
            [
                "Done [app internal] load build definition from Dockerfile 0.0s",
                "Cached [app 3/4] COPY a b ",
                "Done [app 4/4] RUN make 1.2s",
                "Canceled [app 5/5] x ",
            ]
        );
        assert_eq!(progress.steps()[2].log, ["cc", "more"]);
        assert_eq!(progress.first_error(), None);
    }

    #[test]
    fn the_first_error_names_its_step_and_what_it_said() {
        let text = "#1 [4/4] RUN make\n#1 0.1 cc main.c\n#1 0.2 main.c:3: error: expected ';'\n#1 0.3 make: *** [all] Error 1\n#1 ERROR: executor failed running [/bin/sh -c make]: exit code: 2\n------\n";
        assert_eq!(
            read(text).first_error().as_deref(),
            Some("main.c:3: error: expected ';' ([4/4] RUN make: exit code: 2)")
        );
        let newer = "#5 [2/2] RUN x\n#5 ERROR: process \"/bin/sh -c x\" did not complete successfully: exit code: 127\n";
        assert_eq!(read(newer).first_error().as_deref(), Some("[2/2] RUN x: exit code: 127"));
    }

    #[test]
    fn two_builds_of_one_job_are_not_mixed() {
        let progress = read(
            "#0 building\n#1 [a internal] load\n#1 DONE 0.0s\n#0 building\n#1 [b internal] load\n#1 CACHED\n",
        );
        assert_eq!(told(&progress), ["Done [a internal] load 0.0s", "Cached [b internal] load "]);
    }

    #[test]
    fn objects_stand_once_with_their_last_word() {
        let progress = read(
            " Network shop_default  Creating\n Network shop_default  Created\n Container shop-web-1  Starting\n Container shop-web-1  Error response\n web Pulling\n 0123456789ab Pulling fs layer\n web Error Get \"https://x\": no such host\nsomething else\n",
        );
        assert_eq!(
            told(&progress),
            [
                "Done Network shop_default Created",
                "Failed Container shop-web-1 Error response",
                "Failed web Error Get \"https://x\": no such host",
            ]
        );
        assert!(progress.not_pulled()[1].starts_with("web: not pulled, its present image stays: Get"));
        assert!(!Progress::default().take("just a line"));
    }

    #[test]
    fn a_pull_that_failed_and_did_not_matter_is_not_why_a_build_failed() {
        let mut progress = Progress::default();
        progress.take(" db Error Get \"https://registry.example/v2/\": no such host");
        progress.next_process();
        for line in ["#0 building", "#5 [app 2/2] RUN make", "#5 0.2 cc: No space left on device"] {
            progress.take(line);
        }
        progress.take("#5 ERROR: executor failed running [/bin/sh -c make]: exit code: 1");
        assert_eq!(
            progress.first_error().unwrap(),
            "cc: No space left on device ([app 2/2] RUN make: exit code: 1)"
        );
        assert!(progress.failed_log().unwrap().contains("No space left"));
    }
}
