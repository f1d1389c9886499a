//! A pseudo-terminal around a program: what it shows, since when, in how many bytes.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::peers::Peer;

pub struct Terminal {
    parser: vt100::Parser,
    /// Each piece with the moment at which it was read.
    output: Receiver<(Instant, Vec<u8>)>,
    keys: Box<dyn Write + Send>,
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    pub started: Instant,
    pub bytes: u64,
    /// When the last piece came that has been taken.
    pub at: Instant,
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

impl Terminal {
    pub fn start(peer: &Peer, columns: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(&peer.program);
        command.args(peer.arguments);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LANG", "C.UTF-8");
        command.env_remove("NO_COLOR");
        command.env("XDG_CONFIG_HOME", std::env::temp_dir().join("stackdash-no-config"));
        command.cwd("/");
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 || sender.send((Instant::now(), buffer[..count].to_vec())).is_err() {
                    break;
                }
            }
        });
        let parser = vt100::Parser::new(rows, columns, 0);
        Self { parser, output, keys, master: pair.master, child, started, bytes: 0, at: started }
    }

    pub fn process(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    pub fn screen(&self) -> String {
        self.parser.screen().contents()
    }

    pub fn press(&mut self, keys: &str) -> Instant {
        let now = Instant::now();
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        now
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.parser.screen_mut().set_size(rows, columns);
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// Takes the next piece; `false` when none came in time.
    pub fn take(&mut self, patience: Duration) -> bool {
        let Ok((at, bytes)) = self.output.recv_timeout(patience) else { return false };
        self.bytes += bytes.len() as u64;
        self.at = at;
        self.parser.process(&bytes);
        // A terminal answers: some programs wait for it.
        if bytes.windows(4).any(|bytes| bytes == b"\x1b[6n") {
            self.press("\x1b[1;1R");
        }
        true
    }

    /// Looks at the screen after each piece for so long.
    pub fn watch(&mut self, time: Duration, mut look: impl FnMut(&Self)) {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if self.take(left.min(Duration::from_millis(250))) {
                look(self);
            }
        }
    }

    /// Waits until the screen is so; returns when the piece came that made it so.
    pub fn wait(&mut self, patience: Duration, is_so: impl Fn(&str) -> bool) -> Option<Instant> {
        let end = Instant::now() + patience;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if self.take(left) && is_so(&self.screen()) {
                return Some(self.at);
            }
        }
        None
    }

    pub fn end(mut self, quit: &str) {
        self.press(quit);
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end && self.child.try_wait().unwrap().is_none() {
            self.take(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
