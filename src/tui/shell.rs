//! Steps aside for a shell: the terminal's bytes go to the container and back, untouched.
//!
//! Runs between leaving and entering our own screen. A thread waits for keys and for the end at the same
//! time and reads only what is there, so no key is stolen from whoever reads the terminal next.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use futures_util::StreamExt;
use rustix::event::{PollFd, PollFlags, poll};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::ports::{EngineError, ShellSession};

/// Passes bytes both ways until the program in the container ends; returns its exit code.
pub async fn run(mut session: ShellSession) -> io::Result<Result<i64, EngineError>> {
    let terminal = File::open("/dev/tty")?;
    let (end, ended) = UnixStream::pair()?;
    let keys = session.input.clone();
    let reader = std::thread::spawn(move || read_keys(terminal, &ended, &keys));
    let result = pass_on(&mut session).await;
    drop(end);
    // The thread wakes when its end of the pair closes.
    let _ = tokio::task::spawn_blocking(move || reader.join()).await;
    result?;
    drop(session.input);
    Ok(session.exit.await)
}

async fn pass_on(session: &mut ShellSession) -> io::Result<()> {
    let mut resized = signal(SignalKind::window_change())?;
    loop {
        tokio::select! {
            chunk = session.output.next() => {
                let Some(chunk) = chunk else { return Ok(()) };
                let mut out = io::stdout().lock();
                out.write_all(&chunk)?;
                out.flush()?;
            }
            _ = resized.recv() => {
                let size = crossterm::terminal::size()?;
                // A program that has just ended takes no new size.
                let _ = session.resize.send(size).await;
            }
        }
    }
}

/// Sends what is typed, until the terminal is gone or the other end of `ended` is closed.
fn read_keys(mut terminal: File, ended: &UnixStream, keys: &mpsc::Sender<Vec<u8>>) {
    let mut buffer = [0; 4096];
    loop {
        let mut ready = [PollFd::new(&terminal, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
        if poll(&mut ready, None).is_err_and(|error| error != rustix::io::Errno::INTR) {
            return;
        }
        let [typed, over] = ready.map(|fd| !fd.revents().is_empty());
        if over {
            return;
        }
        if !typed {
            continue;
        }
        match terminal.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                if keys.blocking_send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        }
    }
}
