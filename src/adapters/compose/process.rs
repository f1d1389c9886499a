//! One child process: its own group, bounded output, ended whole when dropped.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::mpsc;

use crate::model::runs::OutputLine;
use crate::model::{redact, text};

/// Lines of standard error kept for a complaint.
const KEPT_LINES: usize = 200;
/// Bytes of standard output kept; a resolved configuration of a thousand services has 2 MB.
const KEPT_BYTES: usize = 16 << 20;

/// What a child left behind.
#[derive(Debug, Default)]
pub struct Ended {
    /// `None`: ended by a signal.
    pub code: Option<i32>,
    pub stdout: String,
    /// The last lines, sanitized.
    pub stderr: VecDeque<String>,
}

/// Ends the whole group unless the child has ended by itself.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // Compose and its plugin are two processes; BuildKit cancels with the connection.
            let _ = kill_process_group(pid, Signal::INT);
            std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_secs(5));
                let _ = kill_process_group(pid, Signal::KILL);
            });
        }
    }
}

/// Runs a program to its end; each line of both outputs also goes to `lines`.
pub async fn run(
    program: OsString,
    args: Vec<OsString>,
    folder: Option<&Path>,
    env: &[(&str, &str)],
    unset: &[&str],
    lines: Option<mpsc::Sender<OutputLine>>,
) -> io::Result<Ended> {
    feed(program, args, folder, env, unset, (lines, None)).await
}

/// As [`run`], with something to read on its standard input.
pub async fn feed(
    program: OsString,
    args: Vec<OsString>,
    folder: Option<&Path>,
    env: &[(&str, &str)],
    unset: &[&str],
    (lines, input): (Option<mpsc::Sender<OutputLine>>, Option<&str>),
) -> io::Result<Ended> {
    let mut command = Command::new(program);
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    command.args(args).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
        command.current_dir(folder);
    }
    for name in unset {
        command.env_remove(name);
    }
    command.envs(env.iter().copied());
    let mut child = command.spawn()?;
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut ended = Ended::default();
    let mut raw = Vec::new();
    let read_out = async {
        if let Some(out) = stdout {
            raw = read_all(out, lines.clone()).await;
        }
    };
    let read_err = async {
        if let Some(err) = stderr {
            read_lines(err, &mut ended.stderr, lines.clone()).await;
        }
    };
    let stdin = child.stdin.take();
    let write_in = async {
        // One that ends without reading it all says why itself.
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let (status, (), (), ()) = tokio::join!(child.wait(), write_in, read_out, read_err);
    group.0 = None;
    ended.code = status?.code();
    ended.stdout = String::from_utf8_lossy(&raw).into_owned();
    Ok(ended)
}

async fn read_all(mut from: impl AsyncRead + Unpin, lines: Option<mpsc::Sender<OutputLine>>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut splitter = Splitter::default();
    let mut chunk = vec![0; 64 << 10];
    while let Ok(count) = from.read(&mut chunk).await {
        if count == 0 {
            break;
        }
        if all.len() < KEPT_BYTES {
            all.extend_from_slice(&chunk[..count]);
        }
        if let Some(lines) = &lines {
            for line in splitter.push(&chunk[..count]) {
                let _ = lines.send(printed(line, false)).await;
            }
        }
    }
    all
}

async fn read_lines(
    mut from: impl AsyncRead + Unpin,
    kept: &mut VecDeque<String>,
    lines: Option<mpsc::Sender<OutputLine>>,
) {
    let mut splitter = Splitter::default();
    let mut chunk = vec![0; 16 << 10];
    loop {
        let count = from.read(&mut chunk).await.unwrap_or(0);
        let found = if count == 0 { splitter.rest() } else { splitter.push(&chunk[..count]) };
        for line in found {
            if let Some(lines) = &lines {
                let _ = lines.send(printed(line.clone(), true)).await;
            }
            kept.push_back(line);
            if kept.len() > KEPT_LINES {
                kept.pop_front();
            }
        }
        if count == 0 {
            return;
        }
    }
}

fn printed(text: String, is_error: bool) -> OutputLine {
    OutputLine { text, is_error, is_whole: false }
}

/// Cuts bytes into lines, at carriage returns too: progress bars end theirs with one.
#[derive(Default)]
struct Splitter {
    open: Vec<u8>,
}

impl Splitter {
    /// A line longer than this is cut.
    const LONGEST: usize = 16 << 10;

    fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for byte in bytes {
            if matches!(byte, b'\n' | b'\r') {
                found.extend(self.rest());
            } else if self.open.len() < Self::LONGEST {
                self.open.push(*byte);
            }
        }
        found
    }

    fn rest(&mut self) -> Vec<String> {
        let line = text::clean(&String::from_utf8_lossy(&std::mem::take(&mut self.open)));
        // A build or a refusal may print what it was given.
        let line = redact::text(&line);
        if line.trim().is_empty() { Vec::new() } else { vec![line] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_carriage_returns_too() {
        let mut splitter = Splitter::default();
        assert_eq!(splitter.push(b"one\ntw"), ["one"]);
        assert_eq!(splitter.push(b"o\rthree\r\n"), ["two", "three"]);
        assert!(splitter.rest().is_empty());
    }

    #[tokio::test]
    async fn output_and_exit_code_come_back() {
        let (lines, mut seen) = mpsc::channel(16);
        let args = ["-c", "echo out; echo err >&2; exit 3"].map(OsString::from).to_vec();
        let ended = run("sh".into(), args, None, &[], &[], Some(lines)).await.unwrap();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), "out\n"));
        assert_eq!(ended.stderr, ["err"]);
        let mut all = [seen.recv().await.unwrap(), seen.recv().await.unwrap()];
        all.sort_by_key(|line| line.is_error);
        assert_eq!(all.iter().map(|line| &*line.text).collect::<Vec<_>>(), ["out", "err"]);
        assert!(!all[0].is_error && all[1].is_error);
    }
}
