//! Terminals in containers: a shell by the exec API, the first process by attach, a shell beside.
//!
//! Our script's first line says which process the shell is. So it is known before the screen is left
//! whether there is a shell at all (a missing one is no error of the engine: its words come as output),
//! and it can be hung up: closing the connection ends no process in a container.

mod beside;
mod passwd;
mod stream;

use std::time::Duration;

use bollard::Docker;
use bollard::exec::{CreateExecOptions, ResizeExecOptions, StartExecOptions};
use bollard::query_parameters::ResizeContainerTTYOptionsBuilder;
use tokio::sync::mpsc;

use crate::adapters::docker::json::{Json, shown};
use crate::adapters::docker::shell::stream::{Source, Wires};
use crate::adapters::docker::wire::{bounded, explain};
use crate::adapters::docker::{DockerEngine, container_path, wire};
use crate::model::containers::ContainerId;
use crate::model::shells::{ShellEnd, ShellWay, ShellWish};
use crate::ports::{BoxFuture, EngineError, Opening, ShellSession};

/// bash where there is one, else sh; each says its number first. The script is ours; nothing foreign is
/// in it.
const SCRIPT: &str = "echo \"stackdash:$$\"; command -v bash >/dev/null 2>&1 && exec bash || exec sh";
const MARK: &str = "stackdash:";
/// Where a shell may be, in this order; the last one for images with a bash and nothing else.
pub(super) const SHELLS: [&str; 3] = ["sh", "/bin/sh", "bash"];
/// Longest first line that is waited for.
const FIRST_LINE: usize = 1024;
/// How long an ended shell's exit code may take to be told.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Pause before a container that may be stopping is looked at again.
const STOPPING: Duration = Duration::from_millis(250);
/// How long what has failed may take to end.
const ENDS_SOON: Duration = Duration::from_secs(1);
/// Pauses before an exec that still runs without output is looked at again: one second in all.
const ENDING: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(300),
    Duration::from_millis(500),
];
/// How long a hang-up may take: the operator's terminal is gone already.
const HANG_UP: Duration = Duration::from_millis(700);

impl DockerEngine {
    pub(super) async fn open_shell(
        &self,
        wish: &ShellWish,
        size: (u16, u16),
    ) -> Result<Opening, EngineError> {
        let id = &wish.container;
        // Also checks that it is an id.
        container_path(id, "")?;
        match &wish.way {
            ShellWay::Shell { user, folder } => self.shell_inside(id, user, folder, size).await,
            ShellWay::Attach => self.attach_to(id, size).await.map(Opening::Opened),
            ShellWay::Beside { image } => self.shell_beside(id, image, size).await.map(Opening::Opened),
        }
    }

    async fn shell_inside(
        &self,
        id: &ContainerId,
        user: &str,
        folder: &str,
        size: (u16, u16),
    ) -> Result<Opening, EngineError> {
        let what = format!("open a shell in {}", id.short());
        let docker = self.connected(&what)?;
        let mut said = String::new();
        for shell in SHELLS {
            let command = [shell, "-c", SCRIPT].map(str::to_owned).to_vec();
            match self.run_in(&docker, id, command, user, folder, &what, size).await? {
                Ok(session) => return Ok(Opening::Opened(session)),
                // Without a word at all it was not there either: our script has some.
                Err(words) if is_missing(&words) || words.trim().is_empty() => said = words,
                Err(words) if is_shut(&words) => {
                    return Err(EngineError::Other(format!("cannot {what}: {words}. {SHUT}")));
                }
                // The shell is not what was missing: the user, the folder.
                Err(words) => return Err(EngineError::Other(format!("cannot {what}: {words}"))),
            }
        }
        let whose = if user.is_empty() { self.user_of(id).await } else { user.to_owned() };
        if let Some(shell) = passwd::shell_of(&docker, id, &whose).await
            && let Ok(session) = self.run_in(&docker, id, vec![shell], user, folder, &what, size).await?
        {
            return Ok(Opening::Opened(session));
        }
        let images = self.images_with_a_shell(&docker).await?;
        Ok(Opening::NoShell { said, images })
    }

    /// Starts a program with a terminal. The inner error is what the engine said in its place.
    #[expect(clippy::too_many_arguments, reason = "each is one field of the request")]
    async fn run_in(
        &self,
        docker: &Docker,
        id: &ContainerId,
        command: Vec<String>,
        user: &str,
        folder: &str,
        what: &str,
        size: (u16, u16),
    ) -> Result<Result<ShellSession, String>, EngineError> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let marked = command.len() > 1;
        let shell = command[0].clone();
        let options = CreateExecOptions {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(true),
            env: Some(vec![format!("TERM={}", term())]),
            cmd: Some(command),
            user: given(user),
            working_dir: given(folder),
            ..CreateExecOptions::default()
        };
        // Esc gives up: a machine that is slow now may take its time.
        let created = bounded(what, wire::LONG_CALL, async {
            docker.create_exec(id.as_str(), options).await.map_err(|error| explain(what, &error))
        });
        let exec = created.await?.id;
        let mut wires = self.take_over(docker, &Source::Exec(&exec), what).await?;
        let (first, mut before) =
            bounded(what, wire::LONG_CALL, async { Ok(first_line(&mut wires).await) }).await?;
        let process = first.trim().strip_prefix(MARK).and_then(|number| number.parse::<u32>().ok());
        if process.is_none() {
            // Our script says its number before anything else: these are last words, most likely.
            let end = if marked || is_refusal(&first) {
                let _ = tokio::time::timeout(ENDS_SOON, last_words(&mut wires, &mut before)).await;
                exec_end(docker, &exec, id).await
            } else {
                exec_end_so_far(docker, &exec, id).await
            };
            let text = shown(&format!("{first} {}", String::from_utf8_lossy(&before)));
            if end.is_some_and(|code| matches!(code, 126 | 127)) || (marked && end.is_some()) {
                return Ok(Err(text));
            }
            // Not our script: what it said first belongs to the operator.
            before = [first.into_bytes(), before].concat();
        }
        // A resize is only taken once the program runs.
        resize_exec(docker, &exec, size).await;
        let (resize, mut sizes) = mpsc::channel(4);
        let (for_sizes, exec_of_sizes) = (docker.clone(), exec.clone());
        tokio::spawn(async move {
            while let Some(size) = sizes.recv().await {
                resize_exec(&for_sizes, &exec_of_sizes, size).await;
            }
        });
        let end = {
            let (docker, id) = (docker.clone(), id.clone());
            Box::pin(async move {
                let exit_code = exec_end(&docker, &exec, &id).await;
                // A container that stops ends what runs in it first.
                let killed = exit_code.is_none_or(|code| code > 128);
                ShellEnd { exit_code, container_runs: runs(&docker, &id, killed).await }
            })
        };
        let hang_up =
            hang_up_exec(docker.clone(), id.clone(), process.map(|number| (shell, number)), user.to_owned());
        Ok(Ok(session(wires, before, resize, end, hang_up)))
    }

    async fn attach_to(&self, id: &ContainerId, size: (u16, u16)) -> Result<ShellSession, EngineError> {
        let what = format!("attach to {}", id.short());
        let docker = self.connected(&what)?;
        let inspection = self.inspection(id, &what).await?;
        let plain = !Json(&inspection).flag("Config/Tty");
        let source = Source::Container(id.as_str());
        let wires = if plain {
            stream::plain(&docker, &source, &what).await?
        } else {
            let wires = self.take_over(&docker, &source, &what).await?;
            // A program draws anew only when its size changes.
            resize_container(&docker, id, (size.0, size.1.saturating_add(1))).await;
            resize_container(&docker, id, size).await;
            wires
        };
        let resize = if plain { no_sizes() } else { container_sizes(&docker, id) };
        let end = {
            let (docker, id) = (docker.clone(), id.clone());
            Box::pin(async move {
                let container_runs = runs(&docker, &id, false).await;
                let state = inspected(&docker, &id).await.unwrap_or_default();
                let exit_code = Json(&state).integer("State/ExitCode");
                ShellEnd { exit_code: exit_code.filter(|_| container_runs == Some(false)), container_runs }
            })
        };
        // The process is the container's own: it stays.
        Ok(ShellSession { plain, ..session(wires, Vec::new(), resize, end, Box::pin(async {})) })
    }

    async fn user_of(&self, id: &ContainerId) -> String {
        match self.inspection(id, "find the user").await {
            Ok(inspection) => Json(&inspection).raw("Config/User").to_owned(),
            Err(_) => String::new(),
        }
    }
}

/// What to do where [`is_shut`].
pub(super) const SHUT: &str = "The engine has lost its own way into the container, which runs on: engines with the \
    storage driver fuse-overlayfs do at a restart. Stop it and start it again";

/// Whether the engine's runtime says that it could not begin.
pub(super) fn is_refusal(line: &str) -> bool {
    line.starts_with("OCI runtime exec failed") || line.starts_with("unable to find user") || is_missing(line)
}

/// Whether these words of the engine mean that the program is not there.
pub(super) fn is_missing(words: &str) -> bool {
    ["executable file not found", "no such file or directory: unknown", "not found in $PATH"]
        .iter()
        .any(|known| words.contains(known))
        && !words.contains("chdir to cwd")
        && !is_shut(words)
}

/// Whether these words mean that no program at all can be run: the runtime starts itself first, from the folder
/// in which the engine keeps the container's files, and that folder is not there.
pub(super) fn is_shut(words: &str) -> bool {
    words.contains("fork/exec /proc/self/exe")
}

/// Waits for the first line that a program prints, or its end; returns what came after it, too.
async fn first_line(wires: &mut Wires) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    while bytes.len() < FIRST_LINE && !bytes.contains(&b'\n') {
        match wires.output.recv().await {
            Some(chunk) => bytes.extend_from_slice(&chunk),
            None => break,
        }
    }
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
    let rest = bytes.split_off(end);
    (String::from_utf8_lossy(&bytes).into_owned(), rest)
}

/// Adds what comes until the end.
async fn last_words(wires: &mut Wires, words: &mut Vec<u8>) {
    while let Some(chunk) = wires.output.recv().await {
        words.extend_from_slice(&chunk);
        if words.len() >= FIRST_LINE {
            break;
        }
    }
}

fn session(
    wires: Wires,
    before: Vec<u8>,
    resize: mpsc::Sender<(u16, u16)>,
    end: BoxFuture<'static, ShellEnd>,
    hang_up: BoxFuture<'static, ()>,
) -> ShellSession {
    let before = (!before.is_empty()).then_some(before);
    let output = futures_util::stream::unfold((before, wires.output), |(before, mut chunks)| async move {
        let chunk = match before {
            Some(chunk) => chunk,
            None => chunks.recv().await?,
        };
        Some((chunk, (None, chunks)))
    });
    ShellSession { output: Box::pin(output), input: wires.input, plain: false, resize, end, hang_up }
}

/// Returns the kind of terminal that programs in a container are told: containers know few.
fn term() -> String {
    let known = ["xterm", "xterm-256color", "linux", "screen", "screen-256color", "vt100"];
    match std::env::var("TERM") {
        Ok(term) if known.contains(&term.as_str()) => term,
        Ok(term) if term.starts_with("tmux") => String::from("screen-256color"),
        _ => String::from("xterm-256color"),
    }
}

async fn resize_exec(docker: &Docker, exec: &str, (columns, rows): (u16, u16)) {
    let options = ResizeExecOptions { width: columns, height: rows };
    if let Err(error) = docker.resize_exec(exec, options).await {
        log::debug!("resizing a shell: {error}");
    }
}

async fn resize_container(docker: &Docker, id: &ContainerId, (columns, rows): (u16, u16)) {
    let options = ResizeContainerTTYOptionsBuilder::default().w(columns.into()).h(rows.into()).build();
    if let Err(error) = docker.resize_container_tty(id.as_str(), options).await {
        log::debug!("resizing a container's terminal: {error}");
    }
}

/// Takes sizes and forgets them.
fn no_sizes() -> mpsc::Sender<(u16, u16)> {
    let (resize, mut sizes) = mpsc::channel(4);
    tokio::spawn(async move { while sizes.recv().await.is_some() {} });
    resize
}

fn container_sizes(docker: &Docker, id: &ContainerId) -> mpsc::Sender<(u16, u16)> {
    let (resize, mut sizes) = mpsc::channel(4);
    let (docker, id) = (docker.clone(), id.clone());
    tokio::spawn(async move {
        while let Some(size) = sizes.recv().await {
            resize_container(&docker, &id, size).await;
        }
    });
    resize
}

/// Returns the exit code of an exec whose output has ended; `None` where it runs on, or nobody knows. The
/// engine may learn of the end of a program after that of its output.
pub(super) async fn exec_end(docker: &Docker, exec: &str, id: &ContainerId) -> Option<i64> {
    for pause in ENDING {
        let code = exec_end_so_far(docker, exec, id).await;
        if code.is_some() {
            return code;
        }
        tokio::time::sleep(pause).await;
    }
    exec_end_so_far(docker, exec, id).await
}

/// Returns the exit code of an exec that has ended; `None` while it runs or where nobody knows.
async fn exec_end_so_far(docker: &Docker, exec: &str, id: &ContainerId) -> Option<i64> {
    let what = format!("ask how the shell in {} ended", id.short());
    let answer = wire::get_json(docker, &format!("/exec/{exec}/json"), &what, LAST_WORDS).await.ok()?;
    let answer = Json(&answer);
    if answer.flag("Running") { None } else { answer.integer("ExitCode") }
}

async fn inspected(docker: &Docker, id: &ContainerId) -> Result<serde_json::Value, EngineError> {
    let path = container_path(id, "json")?;
    wire::get_json(docker, &path, "look at the container", LAST_WORDS).await
}

/// Whether a container runs; where it is about to stop, it gets a moment for it.
async fn runs(docker: &Docker, id: &ContainerId, may_stop: bool) -> Option<bool> {
    for last in [!may_stop, false, false, true] {
        match inspected(docker, id).await {
            Ok(state) if Json(&state).flag("State/Running") && !last => {
                tokio::time::sleep(STOPPING).await;
            }
            Ok(state) => return Some(Json(&state).flag("State/Running")),
            Err(EngineError::NotFound(_)) => return Some(false),
            Err(_) => return None,
        }
    }
    None
}

/// Hangs up a shell, as a terminal that is closed does; its own children get the signal from it.
fn hang_up_exec(
    docker: Docker,
    id: ContainerId,
    process: Option<(String, u32)>,
    user: String,
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let Some((shell, process)) = process else { return };
        let options = CreateExecOptions {
            cmd: Some(vec![shell, String::from("-c"), format!("kill -HUP {process}")]),
            user: (!user.is_empty()).then_some(user),
            ..CreateExecOptions::default()
        };
        let work = async {
            let exec = docker.create_exec(id.as_str(), options).await?;
            let detached = StartExecOptions { detach: true, tty: false, output_capacity: None };
            docker.start_exec(&exec.id, Some(detached)).await
        };
        match tokio::time::timeout(HANG_UP, work).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => log::warn!("a shell in {} may run on: {error}", id.short()),
            Err(_) => log::warn!("a shell in {} may run on: no answer in time", id.short()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_told_from_a_missing_user_or_folder() {
        for words in [
            "OCI runtime exec failed: exec failed: unable to start container process: exec: \"sh\": executable file not found in $PATH: unknown",
            "OCI runtime exec failed: exec failed: unable to start container process: exec: \"/bin/sh\": stat /bin/sh: no such file or directory: unknown",
        ] {
            assert!(is_missing(words), "{words}");
        }
        for words in [
            "unable to find user nobody-here: no matching entries in passwd file",
            "OCI runtime exec failed: exec failed: unable to start container process: chdir to cwd (\"/nowhere\") set in config.json failed: no such file or directory: unknown",
        ] {
            assert!(!is_missing(words), "{words}");
        }
    }

    #[test]
    fn a_container_whose_files_the_engine_has_lost_is_not_one_without_the_program() {
        let words = "OCI runtime exec failed: exec failed: unable to start container process: error starting setns process: fork/exec /proc/self/exe: no such file or directory: unknown";
        assert!(is_shut(words) && !is_missing(words));
    }
}
