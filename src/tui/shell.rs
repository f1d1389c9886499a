//! Steps aside for a shell: the terminal's bytes go to the container and back, untouched.
//!
//! Runs between leaving and entering our own screen. Reads the terminal through a descriptor of its own,
//! dropped at the end, so that no key is stolen from whoever reads next.

use std::fs::File;
use std::io::{self, Read, Write};

use futures_util::StreamExt;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{SignalKind, signal};

use crate::ports::{EngineError, ShellSession};

/// Passes bytes both ways until the program in the container ends; returns its exit code.
pub async fn run(mut session: ShellSession) -> io::Result<Result<i64, EngineError>> {
    let terminal = File::open("/dev/tty")?;
    rustix::io::ioctl_fionbio(&terminal, true)?;
    let terminal = AsyncFd::register(terminal)?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut buffer = [0; 4096];
    loop {
        tokio::select! {
            chunk = session.output.next() => {
                let Some(chunk) = chunk else { break };
                let mut out = io::stdout().lock();
                out.write_all(&chunk)?;
                out.flush()?;
            }
            ready = terminal.readable() => {
                let mut guard = ready?;
                match guard.try_io(|file| file.get_ref().read(&mut buffer)) {
                    // The terminal is gone.
                    Ok(Ok(0)) => break,
                    Ok(Ok(count)) => {
                        if session.input.send(buffer[..count].to_vec()).await.is_err() {
                            break;
                        }
                    }
                    Ok(Err(error)) => return Err(error),
                    // Not ready after all.
                    Err(_) => {}
                }
            }
            _ = resized.recv() => {
                let size = crossterm::terminal::size()?;
                // A program that has just ended takes no new size.
                let _ = session.resize.send(size).await;
            }
        }
    }
    drop(session.input);
    Ok(session.exit.await)
}
