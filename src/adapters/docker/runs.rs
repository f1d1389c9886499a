//! Programs in containers without a terminal: lines out, an exit code, and an end that holds.
//!
//! The engine has no call to end an exec, and closing the connection ends nothing. So each one carries a
//! mark in its environment, which its children inherit: whoever has it is sent SIGTERM, then SIGKILL, from
//! inside the container, by a shell's own words only. An image without a shell gets no such end.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::{Stream, StreamExt};
use tokio::sync::{mpsc, oneshot};

use crate::adapters::docker::json::shown;
use crate::adapters::docker::shell::{SHELLS, SHUT, exec_end, is_missing, is_refusal, is_shut};
use crate::adapters::docker::wire::{self, bounded, explain};
use crate::adapters::docker::{DockerEngine, container_path};
use crate::model::containers::ContainerId;
use crate::model::runs::{ExecEnd, ExecOrder, OutputLine};
use crate::model::{redact, text};
use crate::ports::{EngineError, ExecSession, Killed};

/// Lines that may wait; the program waits for them then.
const LINES: usize = 256;
/// Bytes kept of one line.
const LONGEST: usize = 16 << 10;
/// Name of the mark in the environment.
const MARK: &str = "STACKDASH_RUN";
/// Sends a signal to whoever has the mark and prints to how many. Shells skip the zero bytes of `environ`.
const SIGNAL: &str = "n=0
for e in /proc/[0-9]*/environ; do
  p=${e#/proc/}; p=${p%/environ}
  while IFS= read -r l || [ -n \"$l\" ]; do
    case $l in *\"STACKDASH_RUN=$1\"*) kill -\"$2\" \"$p\" && n=$((n+1)); break;; esac
  done <\"$e\"
done 2>/dev/null
echo \"stackdash:$n\"";
const COUNTED: &str = "stackdash:";
/// How often a program that was sent a signal is looked for, and how long between.
const LOOKS: u32 = 8;
const LOOK_PAUSE: Duration = Duration::from_millis(150);
/// All of the end, whatever the engine does.
const KILLING: Duration = Duration::from_secs(5);

impl DockerEngine {
    pub(super) async fn start_program(&self, order: &ExecOrder) -> Result<ExecSession, EngineError> {
        let id = &order.container;
        // Also checks that it is an id.
        container_path(id, "")?;
        let program = order.arguments.first().map_or("", String::as_str);
        let what = format!("run {} in {}", shown(program), id.short());
        let docker = self.connected(&what)?;
        let mark = format!("{:016x}", RandomState::new().hash_one(program));
        let options = CreateExecOptions {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(false),
            env: Some(vec![format!("{MARK}={mark}")]),
            cmd: Some(order.arguments.clone()),
            user: order.user.clone(),
            working_dir: order.folder.clone(),
            ..CreateExecOptions::default()
        };
        let started = bounded(&what, wire::CALL, start(&docker, id, options, &what));
        let (exec, output) = started.await?;
        let (lines_in, lines) = mpsc::channel(LINES);
        let (end_in, end) = oneshot::channel();
        let pump =
            Pump { docker: docker.clone(), exec: exec.clone(), id: id.clone(), program: shown(program) };
        tokio::spawn(async move {
            // Nobody waits for the end of one that was cancelled.
            let _ = end_in.send(pump.run(output, lines_in).await);
        });
        let kill = {
            let (id, user) = (id.clone(), order.user.clone());
            Box::pin(async move {
                let work = end_all(&docker, &exec, &id, user, &mark);
                tokio::time::timeout(KILLING, work).await.unwrap_or(Killed::Unknown)
            })
        };
        let end = Box::pin(async move { end.await.unwrap_or_default() });
        Ok(ExecSession { lines, end, kill })
    }
}

type Output = std::pin::Pin<Box<dyn Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>>;

async fn start(
    docker: &Docker,
    id: &ContainerId,
    options: CreateExecOptions<String>,
    what: &str,
) -> Result<(String, Output), EngineError> {
    let failed = |error: bollard::errors::Error| explain(what, &error);
    let exec = docker.create_exec(id.as_str(), options).await.map_err(failed)?.id;
    let attached = StartExecOptions { detach: false, tty: false, output_capacity: None };
    match docker.start_exec(&exec, Some(attached)).await.map_err(failed)? {
        StartExecResults::Attached { output, .. } => Ok((exec, output)),
        StartExecResults::Detached => {
            Err(EngineError::Other(format!("cannot {what}: the engine attached nothing")))
        }
    }
}

/// Brings lines out of one program.
struct Pump {
    docker: Docker,
    exec: String,
    id: ContainerId,
    program: String,
}

impl Pump {
    async fn run(self, mut output: Output, lines: mpsc::Sender<OutputLine>) -> ExecEnd {
        let (mut out, mut err) = (Splitter::default(), Splitter::default());
        let mut refusal: Option<OutputLine> = None;
        let mut first = true;
        while let Some(Ok(chunk)) = output.next().await {
            let is_error = matches!(chunk, LogOutput::StdErr { .. });
            let splitter = if is_error { &mut err } else { &mut out };
            for (text, is_whole) in splitter.push(&chunk.into_bytes()) {
                let line = OutputLine { text, is_error, is_whole };
                if std::mem::take(&mut first) && is_refusal(&line.text) {
                    refusal = Some(line);
                } else if lines.send(line).await.is_err() {
                    return ExecEnd::default();
                }
            }
        }
        for (splitter, is_error) in [(out, false), (err, true)] {
            if let Some((text, is_whole)) = splitter.rest() {
                let line = OutputLine { text, is_error, is_whole };
                if std::mem::take(&mut first) && is_refusal(&line.text) {
                    refusal = Some(line);
                } else {
                    let _ = lines.send(line).await;
                }
            }
        }
        let exit_code = exec_end(&self.docker, &self.exec, &self.id).await;
        match refusal {
            // The engine says with the program's own voice why it never began.
            Some(line) if matches!(exit_code, Some(126 | 127)) => {
                ExecEnd { exit_code, refusal: advised(&line.text, &self.program) }
            }
            Some(line) => {
                let _ = lines.send(line).await;
                ExecEnd { exit_code, refusal: String::new() }
            }
            None => ExecEnd { exit_code, refusal: String::new() },
        }
    }
}

fn advised(words: &str, program: &str) -> String {
    let advice = if is_shut(words) {
        String::from(SHUT)
    } else if words.contains("chdir to cwd") {
        String::from("Name a folder that is there")
    } else if words.starts_with("unable to find user") {
        String::from("Name a user of its /etc/passwd, or a number")
    } else if is_missing(words) {
        format!("The image has no {program}: name its whole path, or another program")
    } else {
        return words.to_owned();
    };
    format!("{words}. {advice}")
}

/// Ends whatever carries a mark; says what is left.
async fn end_all(docker: &Docker, exec: &str, id: &ContainerId, user: Option<String>, mark: &str) -> Killed {
    let signal = async |name: &str| send(docker, id, user.clone(), mark, name).await;
    let asked = signal("TERM").await;
    // It may have ended by itself, or it has given its mark away, or there is no shell to look with.
    if !matches!(asked, Some(1..)) {
        return match exec_end(docker, exec, id).await {
            Some(_) => Killed::Gone,
            None => Killed::Unknown,
        };
    }
    let gone = async || {
        for _ in 0..LOOKS {
            tokio::time::sleep(LOOK_PAUSE).await;
            if signal("0").await == Some(0) {
                return true;
            }
        }
        false
    };
    if gone().await {
        return Killed::Gone;
    }
    signal("KILL").await;
    if gone().await { Killed::Gone } else { Killed::Left(signal("0").await.unwrap_or(1)) }
}

/// Sends a signal to whoever carries a mark; returns to how many, `None` where nobody can tell.
async fn send(
    docker: &Docker,
    id: &ContainerId,
    user: Option<String>,
    mark: &str,
    signal: &str,
) -> Option<u32> {
    for shell in SHELLS {
        let words = [shell, "-c", SIGNAL, "sh", mark, signal];
        let options = CreateExecOptions {
            attach_stdout: Some(true),
            cmd: Some(words.map(str::to_owned).to_vec()),
            user: user.clone(),
            ..CreateExecOptions::default()
        };
        let Ok((_, mut output)) = start(docker, id, options, "end a program").await else { continue };
        let mut said = String::new();
        while let Some(Ok(chunk)) = output.next().await {
            said.push_str(&String::from_utf8_lossy(&chunk.into_bytes()));
        }
        if let Some(count) = said.trim().strip_prefix(COUNTED) {
            return count.parse().ok();
        }
    }
    None
}

/// Cuts bytes into clean lines, at carriage returns too: progress bars end theirs with one.
#[derive(Default)]
struct Splitter {
    open: Vec<u8>,
    cut: bool,
    /// A newline that comes next belongs to the carriage return before it.
    returned: bool,
}

impl Splitter {
    fn push(&mut self, bytes: &[u8]) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        for byte in bytes {
            let returned = std::mem::replace(&mut self.returned, *byte == b'\r');
            match byte {
                b'\n' if returned => {}
                b'\n' | b'\r' => found.push(self.take()),
                byte if self.open.len() < LONGEST => self.open.push(*byte),
                _ => self.cut = true,
            }
        }
        found
    }

    fn rest(mut self) -> Option<(String, bool)> {
        (!self.open.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> (String, bool) {
        let bytes = std::mem::take(&mut self.open);
        let cut = std::mem::take(&mut self.cut);
        let raw = String::from_utf8_lossy(&bytes);
        let mut line = redact::text(&text::clean(&raw));
        // Cleaning trims; the indentation says something.
        let indent = raw.len() - raw.trim_start_matches(' ').len();
        if indent > 0 && !line.is_empty() && !line.starts_with(' ') {
            line.insert_str(0, &" ".repeat(indent.min(80)));
        }
        let is_whole = !cut && line.as_bytes() == bytes;
        if cut {
            line.push_str(" … cut");
        }
        (line, is_whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_clean_masked_and_with_their_indentation() {
        let mut splitter = Splitter::default();
        let mut all =
            splitter.push(b"one\r\n\n  two \x1b[31mred\x1b[0m\n10%\r20%\rDB_PASSWORD=correct-horse\nla");
        all.extend(splitter.push(b"st"));
        all.extend(splitter.rest());
        let texts: Vec<&str> = all.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts[..5], ["one", "", "  two red", "10%", "20%"]);
        assert!(!texts[5].contains("horse"), "{}", texts[5]);
        assert_eq!(texts[6], "last");
        let whole: Vec<bool> = all.iter().map(|(_, whole)| *whole).collect();
        assert_eq!(whole, [true, true, false, true, true, false, true]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut splitter = Splitter::default();
        for _ in 0..10 {
            assert!(splitter.push(&[b'x'; 8 << 10]).is_empty());
        }
        let (line, whole) = splitter.rest().unwrap();
        assert!(line.ends_with("x … cut") && line.len() < LONGEST + 16 && !whole);
    }
}
