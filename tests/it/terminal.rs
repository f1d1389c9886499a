//! A real pseudo-terminal around the real binary: keys in, screen out.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// The longest that anything may take before a test gives up. Generous: machines are busy.
const PATIENCE: Duration = Duration::from_secs(30);
/// Lines that a failed wait remembers.
const PASSED: usize = 200;

pub struct Terminal {
    parser: vt100::Parser,
    raw: Vec<u8>,
    output: Receiver<Vec<u8>>,
    keys: Box<dyn Write + Send>,
    /// `None` after it was closed.
    master: Option<Box<dyn MasterPty + Send>>,
    closing: Arc<AtomicBool>,
    child: Box<dyn Child + Send + Sync>,
}

impl Terminal {
    /// Starts `stackdash` with these arguments on a screen of this size.
    pub fn start(columns: u16, rows: u16, args: &[&str]) -> Self {
        Self::start_with(columns, rows, args, &[])
    }

    pub fn start_with(columns: u16, rows: u16, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_program(env!("CARGO_BIN_EXE_stackdash"), columns, rows, args, env)
    }

    /// Starts another program: a shell or a multiplexer that starts ours.
    pub fn start_program(
        program: &str,
        columns: u16,
        rows: u16,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 })
            .unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LANG", "C.UTF-8");
        command.env_remove("NO_COLOR");
        command.env("XDG_CONFIG_HOME", std::env::temp_dir().join("stackdash-no-config"));
        command.env("STACKDASH_HISTORY", "0");
        for (key, value) in env {
            command.env(key, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let (sender, output) = channel();
        let closing = Arc::new(AtomicBool::new(false));
        let closes = closing.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0
                    || closes.load(Ordering::SeqCst)
                    || sender.send(buffer[..count].to_vec()).is_err()
                {
                    break;
                }
            }
        });
        let parser = vt100::Parser::new(rows, columns, 0);
        Self { parser, raw: Vec::new(), output, keys, master: Some(pair.master), closing, child }
    }

    /// Returns what the screen shows now.
    pub fn screen(&self) -> String {
        self.parser.screen().contents()
    }

    /// Returns every byte that was written so far.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Waits until the screen shows a text.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(&format!("the screen shows {text:?}"), |screen| screen.contains(text));
    }

    /// Waits until these bytes were written.
    #[track_caller]
    pub fn wait_for_bytes(&mut self, wanted: &[u8]) {
        let end = Instant::now() + 2 * PATIENCE;
        while !self.raw.windows(wanted.len()).any(|bytes| bytes == wanted) {
            assert!(Instant::now() < end, "these bytes never came: {:?}", String::from_utf8_lossy(wanted));
            match self.output.recv_timeout(Duration::from_millis(100)) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("the program ended before"),
            }
        }
    }

    /// Whether these bytes were written, or come within so much time.
    pub fn has_written(&mut self, wanted: &[u8], time: Duration) -> bool {
        let end = Instant::now() + time;
        while !self.raw.windows(wanted.len()).any(|bytes| bytes == wanted) {
            let Some(left) = end.checked_duration_since(Instant::now()) else { return false };
            if let Ok(bytes) = self.output.recv_timeout(left) {
                self.take(&bytes);
            }
        }
        true
    }

    /// Waits until the screen no longer shows a text.
    #[track_caller]
    pub fn wait_gone(&mut self, text: &str) {
        self.wait_until(&format!("the screen no longer shows {text:?}"), |screen| !screen.contains(text));
    }

    #[track_caller]
    pub fn wait_until(&mut self, what: &str, is_so: impl Fn(&str) -> bool) {
        let end = Instant::now() + PATIENCE;
        // What came and went, toasts above all, mostly says why.
        let mut passed: Vec<String> = Vec::new();
        let mut screen = self.screen();
        while !is_so(&screen) {
            assert!(
                Instant::now() < end,
                "waited in vain until {what}; the screen:\n{screen}\nwhat was there meanwhile:\n{}",
                passed
                    .iter()
                    .filter(|line| !screen.contains(line.as_str()))
                    .cloned()
                    .collect::<Vec<_>>()
                    .join("\n"),
            );
            match self.output.recv_timeout(Duration::from_millis(100)) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => {
                    assert!(is_so(&self.screen()), "the program ended before {what}:\n{}", self.screen());
                }
            }
            for line in screen.lines().map(str::trim).filter(|line| !line.is_empty()) {
                if passed.len() < PASSED && !passed.iter().any(|known| known == line) {
                    passed.push(line.to_owned());
                }
            }
            screen = self.screen();
        }
    }

    /// Takes in what comes in so much time.
    #[cfg(feature = "live")]
    pub fn pause(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if let Ok(bytes) = self.output.recv_timeout(left) {
                self.take(&bytes);
            }
        }
    }

    /// Forgets what was written so far, where much is and nobody asks.
    #[cfg(feature = "live")]
    pub fn forget_raw(&mut self) {
        self.raw.clear();
    }

    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.parser.process(bytes);
    }

    /// Presses keys: what a terminal would send for them.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Clicks with the left button; columns and rows count from 0.
    pub fn click(&mut self, column: u16, row: u16) {
        let (column, row) = (column + 1, row + 1);
        self.press(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
    }

    /// Returns column and row of a text on the screen.
    pub fn find(&self, text: &str) -> Option<(u16, u16)> {
        let columns = self.parser.screen().size().1;
        self.parser.screen().rows(0, columns).enumerate().find_map(|(row, line)| {
            let byte = line.find(text)?;
            Some((line[..byte].chars().count() as u16, row as u16))
        })
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.parser.screen_mut().set_size(rows, columns);
        let master = self.master.as_ref().unwrap();
        master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    pub fn process_id(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Sends a signal by its name.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let id = self.process_id().to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Closes the terminal, as a broken SSH connection does; returns when the last handle is gone.
    pub fn close(&mut self, key: &str) {
        self.closing.store(true, Ordering::SeqCst);
        // The reader wakes with the next output and lets go of its handle.
        self.press(key);
        let end = Instant::now() + PATIENCE;
        while self.output.recv_timeout(Duration::from_millis(100)) != Err(RecvTimeoutError::Disconnected) {
            assert!(Instant::now() < end, "the program wrote nothing more");
        }
        self.keys = Box::new(std::io::sink());
        self.master = None;
    }

    /// Waits for the end of a program whose terminal was closed; returns how long it took.
    #[track_caller]
    pub fn wait_for_end(&mut self) -> Duration {
        let begin = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(begin.elapsed() < PATIENCE, "the program lives on without a terminal");
            std::thread::sleep(Duration::from_millis(10));
        }
        begin.elapsed()
    }

    /// Waits until something outside is so.
    #[cfg(feature = "live")]
    #[track_caller]
    pub fn eventually(what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < end, "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for the end of the program; returns its exit code.
    #[track_caller]
    pub fn exit_code(&mut self) -> u32 {
        let end = Instant::now() + PATIENCE;
        loop {
            while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(20)) {
                self.take(&bytes);
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(50)) {
                    self.take(&bytes);
                }
                return status.exit_code();
            }
            assert!(Instant::now() < end, "the program did not end; the screen:\n{}", self.screen());
        }
    }

    /// Asserts that the terminal was given back: alternate screen left, cursor shown, mouse released.
    #[track_caller]
    pub fn assert_given_back(&self) {
        let last = |needle: &[u8]| self.raw.windows(needle.len()).rposition(|window| window == needle);
        assert!(last(b"\x1b[?1049l") > last(b"\x1b[?1049h"), "the alternate screen was not left");
        assert!(last(b"\x1b[?25h") > last(b"\x1b[?25l"), "the cursor stayed hidden");
        assert!(!self.parser.screen().alternate_screen());
        assert_eq!(
            self.parser.screen().mouse_protocol_mode(),
            vt100::MouseProtocolMode::None,
            "the mouse was kept"
        );
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
