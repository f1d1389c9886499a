//! What is typed, as events.
//!
//! A thread waits for bytes and has crossterm make events of them. Not crossterm's own stream: its source is told
//! only once that bytes have come, and forgets it where a new size or its own wake-up comes in the same moment, or
//! where more comes than it reads at once; the key then lies until the next one. The wait here ends as long as
//! anything is there. The thread is over before anybody else may read the terminal.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crossterm::event::Event;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

/// Events that may wait to be taken; a paste into no field is one event a character.
const WAITING: usize = 1024;
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
/// How long bytes are waited for that are there and do not come, on a system whose kernel does not tell again.
const PATIENCE: Duration = Duration::from_millis(20);

/// The reader of the terminal, while it is ours.
#[derive(Debug)]
pub struct Keys {
    events: mpsc::Receiver<Event>,
    end: Option<UnixStream>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Keys {
    /// Begins to read.
    pub fn listen() -> io::Result<Self> {
        let (told, events) = mpsc::channel(WAITING);
        let (end, ended) = UnixStream::pair()?;
        // What crossterm opens is opened now: later there may be no descriptor left.
        crossterm::event::poll(Duration::ZERO)?;
        let thread =
            std::thread::Builder::new().name(String::from("keys")).spawn(move || read(&ended, &told))?;
        Ok(Self { events, end: Some(end), thread: Some(thread) })
    }

    /// Waits for the next event; `None`: the terminal is gone.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Returns an event that has come already, if there is one.
    pub fn waiting(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // Where it waits for room, and where it waits for bytes.
        self.events.close();
        drop(self.end.take());
        // Of a terminal that is gone crossterm reads for ever.
        if let Some(thread) = self.thread.take().filter(|_| !super::is_gone()) {
            let _ = thread.join();
        }
    }
}

/// Reads until the other end of `ended` is closed, nobody takes the events, or the terminal is gone.
fn read(ended: &UnixStream, told: &mpsc::Sender<Event>) {
    let stdin = io::stdin();
    // What was typed before the first wait may be with crossterm already, and then no byte tells of it.
    if pass_on(told).is_err() {
        return;
    }
    loop {
        let mut ready = [PollFd::new(&stdin, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
        match poll(&mut ready, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        let [typed, over] = ready.map(|fd| fd.revents());
        if !over.is_empty() || typed.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return;
        }
        if !typed.is_empty() && pass_on(told).is_err() {
            return;
        }
    }
}

/// Tells of all that lies there.
fn pass_on(told: &mpsc::Sender<Event>) -> io::Result<()> {
    let mut patience = Duration::ZERO;
    loop {
        let mut any = false;
        while crossterm::event::poll(patience)? {
            patience = Duration::ZERO;
            any = true;
            let event = crossterm::event::read()?;
            told.blocking_send(event).map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
        if !lies_there() {
            return Ok(());
        }
        if !any && patience > Duration::ZERO {
            return Ok(());
        }
        // Setting the modes to what they are makes the kernel tell again what it has.
        let stdin = io::stdin();
        tcsetattr(&stdin, OptionalActions::Now, &tcgetattr(&stdin)?)?;
        if !any {
            patience = PATIENCE;
        }
    }
}

fn lies_there() -> bool {
    let stdin = io::stdin();
    let mut waits = [PollFd::new(&stdin, PollFlags::IN)];
    poll(&mut waits, Some(&AT_ONCE)).is_ok() && waits[0].revents().contains(PollFlags::IN)
}
