//! Passes a terminal's bytes to a program in a container and back, untouched.
//!
//! A thread waits for keys and for the end at the same time and reads only what is there, so no key is
//! stolen from whoever reads the terminal next.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use futures_util::StreamExt;
use rustix::event::{PollFd, PollFlags, poll};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::ports::ShellSession;
use crate::tui::shell::lines::{Lines, with_returns};

/// Keys that may wait to be edited.
const CHUNKS: usize = 64;

/// Why the bytes no longer pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The program ended, or the way to it.
    Ended,
    /// Our own terminal is gone.
    TerminalGone,
}

/// Passes bytes both ways until one side is gone. `early`: what was typed before there was a program.
pub async fn pass(session: &mut ShellSession, early: Vec<u8>) -> io::Result<Stop> {
    let terminal = File::open("/dev/tty")?;
    let (end, ended) = UnixStream::pair()?;
    let (typed_in, typed) = mpsc::channel(CHUNKS);
    let keys = if session.plain { typed_in } else { session.input.clone() };
    if !early.is_empty() {
        // Nothing else has been sent yet: there is room.
        let _ = keys.try_send(early);
    }
    let (gone_in, gone) = oneshot::channel();
    let reader = std::thread::spawn(move || {
        if read_keys(terminal, &ended, &keys) {
            let _ = gone_in.send(());
        }
    });
    let guard = Reader { end: Some(end), thread: Some(reader) };
    let result = both_ways(session, typed, gone).await;
    drop(guard);
    result
}

/// Ends the thread also where the wait for it is dropped.
struct Reader {
    end: Option<UnixStream>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.end.take());
        // The thread wakes when its end of the pair closes. It must be gone before anybody else reads.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn both_ways(
    session: &mut ShellSession,
    mut typed: mpsc::Receiver<Vec<u8>>,
    mut gone: oneshot::Receiver<()>,
) -> io::Result<Stop> {
    let mut lines = Lines::default();
    let mut resized = signal(SignalKind::window_change())?;
    let mut can_vanish = true;
    loop {
        tokio::select! {
            chunk = session.output.next() => {
                let Some(chunk) = chunk else { return Ok(Stop::Ended) };
                if !show(&if session.plain { with_returns(&chunk) } else { chunk }) {
                    return Ok(Stop::TerminalGone);
                }
            }
            // Of a terminal's keys none come this way.
            Some(keys) = typed.recv() => {
                let took = lines.take(&keys);
                if !show(&took.echo) {
                    return Ok(Stop::TerminalGone);
                }
                if !took.send.is_empty() {
                    // A program that takes no more input has ended, which its output tells.
                    let _ = session.input.send(took.send).await;
                }
                if took.end {
                    // The last sender is gone with it, so the other side reads the end.
                    session.input = mpsc::channel(1).0;
                }
                if took.leave {
                    return Ok(Stop::Ended);
                }
            }
            _ = resized.recv() => {
                let size = crate::tui::terminal::size();
                // A program that has just ended takes no new size.
                let _ = session.resize.try_send((size.width, size.height));
            }
            vanished = &mut gone, if can_vanish => {
                if vanished.is_ok() {
                    return Ok(Stop::TerminalGone);
                }
                can_vanish = false;
            }
        }
    }
}

/// Writes to our own terminal; false when it is gone.
fn show(bytes: &[u8]) -> bool {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).is_ok()
}

/// Sends what is typed, until the terminal is gone (true) or the other end of `ended` is closed.
fn read_keys(mut terminal: File, ended: &UnixStream, keys: &mpsc::Sender<Vec<u8>>) -> bool {
    let mut buffer = [0; 4096];
    loop {
        let mut ready = [PollFd::new(&terminal, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
        match poll(&mut ready, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return true,
        }
        let [typed, over] = ready.map(|fd| !fd.revents().is_empty());
        if over {
            return false;
        }
        if !typed {
            continue;
        }
        match terminal.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return true,
            Ok(count) => {
                // Waiting here for room would keep the end waiting, too.
                let mut chunk = buffer[..count].to_vec();
                while let Err(mpsc::error::TrySendError::Full(back)) = keys.try_send(chunk) {
                    let mut over = [PollFd::new(ended, PollFlags::IN)];
                    let beat = rustix::event::Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
                    if poll(&mut over, Some(&beat)).is_ok_and(|count| count > 0) {
                        return false;
                    }
                    chunk = back;
                }
            }
        }
    }
}
