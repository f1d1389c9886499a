//! Taking the terminal and giving it back, whatever happens; the clipboard. The only room that knows stdout.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::backend::{Backend as _, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpgrp, getsid, kill_process_group};

/// crossterm writes in tiny pieces: a frame should be a write or two.
const BUFFER: usize = 64 * 1024;
/// Bytes of text that terminals take by OSC 52.
const CLIPBOARD: usize = 74_000;
/// Longest piece that GNU screen passes on.
const SCREEN_CHUNK: usize = 512;
/// How often the watcher looks whether it is still wanted; a hang-up wakes it at once.
const HANGUP_BEAT: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// Puts the terminal's modes back: a screen of its own (without moving the cursor, as 1049 would), colors,
/// cursor and keypad keys, character set, scroll region, insert mode, wrapping, mouse, paste, focus, cursor.
const FORGET: &str = "\x1b[?47l\x1b[0m\x1b[?1l\x1b>\x1b(B\x0f\x1b7\x1b[?6l\x1b[r\x1b8\x1b[4l\x1b[?7h\
    \x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?2004l\x1b[?1004l\x1b[?25h";

/// How long the program may take to end after a hang-up, and the exit code where it did not by itself.
const GRACE: Duration = Duration::from_secs(2);
const HUNG_UP: i32 = 129;

/// Whether the terminal is ours now, for the panic hook.
static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

type Backend = CrosstermBackend<BufWriter<Stdout>>;

/// The terminal while it is ours; gives it back when dropped.
///
/// Two buffers, and what differs between them is written. ratatui's own `Terminal` would do, but it asks
/// the terminal for its cursor when the screen is cleared, and a terminal that does not answer costs two
/// seconds and an error.
pub struct Screen {
    backend: Backend,
    shown: Buffer,
    next: Buffer,
    mouse: bool,
}

/// Says why there can be no face here, if so.
pub fn unusable() -> Option<&'static str> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        Some("This needs a terminal; without one, use `stackdash status`")
    } else if std::env::var("TERM").is_ok_and(|term| term == "dumb") {
        Some("This terminal calls itself dumb (TERM=dumb); use `stackdash status`")
    } else {
        None
    }
}

/// Returns the size of the terminal; a bare pseudo-terminal or a serial line has none and gets 80x24.
pub fn size() -> Rect {
    match crossterm::terminal::size() {
        Ok((width, height)) if width > 0 && height > 0 => Rect::new(0, 0, width, height),
        _ => Rect::new(0, 0, 80, 24),
    }
}

/// Whether a shell is there that could continue us: a session's first job has none above it, and stopped
/// it would stay so for ever.
pub fn can_suspend() -> bool {
    getsid(None).is_ok_and(|session| session != getpgrp())
}

impl Screen {
    /// Takes the terminal.
    pub fn enter() -> io::Result<Self> {
        hook_panics();
        // A theme decides what has color. Left to itself, crossterm answers NO_COLOR with resets that
        // take bold away as well.
        crossterm::style::force_color_output(true);
        take(true)?;
        let area = size();
        let backend = CrosstermBackend::new(BufWriter::with_capacity(BUFFER, io::stdout()));
        let (shown, next) = (Buffer::empty(area), Buffer::empty(area));
        let mut screen = Self { backend, shown, next, mouse: true };
        screen.clear()?;
        Ok(screen)
    }

    pub fn area(&self) -> Rect {
        self.next.area
    }

    /// Takes over a new size.
    pub fn resize(&mut self) -> io::Result<Rect> {
        let area = size();
        if area != self.next.area {
            self.next.resize(area);
            self.clear()?;
        }
        Ok(area)
    }

    /// Draws a frame in one piece; a frame that looks like the last one writes nothing.
    pub fn draw(&mut self, paint: impl FnOnce(Rect, &mut Buffer)) -> io::Result<()> {
        self.next.reset();
        paint(self.next.area, &mut self.next);
        let changed = self.shown.diff(&self.next);
        if !changed.is_empty() {
            queue!(self.backend, BeginSynchronizedUpdate)?;
            self.backend.draw(changed.into_iter())?;
            queue!(self.backend, EndSynchronizedUpdate)?;
            Write::flush(&mut self.backend)?;
        }
        std::mem::swap(&mut self.shown, &mut self.next);
        Ok(())
    }

    /// Forgets what is on the screen, so that the next frame draws every cell.
    pub fn clear(&mut self) -> io::Result<()> {
        // Both have the new size from here on; the next frame is compared with an empty screen.
        self.shown = Buffer::empty(self.next.area);
        queue!(self.backend, Clear(ClearType::All))
    }

    /// Takes the mouse or gives it back to the terminal, for its own selection.
    pub fn set_mouse(&mut self, ours: bool) -> io::Result<()> {
        self.mouse = ours;
        if ours {
            execute!(io::stdout(), EnableMouseCapture)
        } else {
            execute!(io::stdout(), DisableMouseCapture)
        }
    }

    /// Leaves the screen to a program in a container, below a line of ours. Raw mode stays: the keys are
    /// for its terminal.
    pub fn step_aside(&mut self, greeting: &str) -> io::Result<()> {
        execute!(
            io::stdout(),
            DisableMouseCapture,
            DisableBracketedPaste,
            LeaveAlternateScreen,
            cursor::Show
        )?;
        let mut out = io::stdout();
        write!(out, "{greeting}\r\n")?;
        out.flush()
    }

    /// Undoes what a program may have left behind that was ended before it could clean up.
    pub fn forget_program(&mut self) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(FORGET.as_bytes())?;
        out.flush()
    }

    /// Takes the screen again after [`Screen::step_aside`].
    pub fn come_back(&mut self) -> io::Result<()> {
        self.forget_program()?;
        take(self.mouse)?;
        self.resize()?;
        self.clear()
    }

    /// Stops this job until the shell continues it. No reader of the terminal may live meanwhile.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        // All of the job stops, as the terminal's own stop does; the next line runs after SIGCONT.
        kill_process_group(getpgrp(), Signal::STOP)?;
        take(self.mouse)?;
        self.resize()?;
        self.clear()
    }

    /// Sends a sequence that draws nothing.
    pub fn send(&mut self, sequence: &str) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(sequence.as_bytes())?;
        out.flush()
    }

    /// Puts a text into the clipboard of the terminal, also over SSH; says why not.
    pub fn copy(&mut self, text: &str) -> Result<(), String> {
        let term = std::env::var("TERM").unwrap_or_default();
        if term == "linux" {
            return Err(String::from("This console has no clipboard"));
        }
        if text.len() > CLIPBOARD {
            let save = "save it to a file instead";
            return Err(format!("{} bytes are too much for a terminal's clipboard; {save}", text.len()));
        }
        let sequence = osc52(text, Between::find());
        let mut out = io::stdout();
        out.write_all(sequence.as_bytes()).and_then(|()| out.flush()).map_err(|error| error.to_string())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// What stands between us and the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Between {
    Nothing,
    Tmux,
    Screen,
}

impl Between {
    fn find() -> Self {
        if std::env::var_os("TMUX").is_some() {
            Self::Tmux
        } else if std::env::var_os("STY").is_some() {
            Self::Screen
        } else {
            Self::Nothing
        }
    }
}

/// Writes the request to set the clipboard.
fn osc52(text: &str, between: Between) -> String {
    let sequence = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    match between {
        Between::Nothing => sequence,
        // Which of the two passes is a matter of its settings: `set-clipboard on` takes the plain one,
        // `allow-passthrough on` the wrapped one. Each ignores the other.
        Between::Tmux => {
            let wrapped = sequence.replace('\x1b', "\x1b\x1b");
            format!("{sequence}\x1bPtmux;{wrapped}\x1b\\")
        }
        // Longer strings than this are cut; the terminal puts the pieces together.
        Between::Screen => {
            let mut pieces = String::new();
            for chunk in sequence.as_bytes().chunks(SCREEN_CHUNK) {
                pieces.push_str("\x1bP");
                pieces.push_str(&String::from_utf8_lossy(chunk));
                pieces.push_str("\x1b\\");
            }
            pieces
        }
    }
}

fn take(mouse: bool) -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    let mut out = io::stdout();
    execute!(out, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
    if mouse {
        execute!(out, EnableMouseCapture)?;
    }
    Ok(())
}

/// Gives the terminal back as it was. Does nothing the second time.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // Whoever listens may be gone already; there is nobody left to tell.
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
}

/// Gives the terminal back before a panic is reported.
fn hook_panics() {
    HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            give_back();
            report(info);
        }));
    });
}

/// Whether the terminal is gone. Reading from one that is, crossterm spins for ever.
pub fn is_gone() -> bool {
    let stdin = io::stdin();
    let mut waits = [PollFd::new(&stdin, PollFlags::empty())];
    poll(&mut waits, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|gone| gone > 0)
}

/// Tells when the terminal is gone. A closed one sends no event, and the signal may be ignored by the
/// parent's wish; then the reader of keys would spin for ever.
pub fn watch_for_hangup() -> tokio::sync::oneshot::Receiver<()> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let watch = move || {
        let stdin = io::stdin();
        let mut waits = [PollFd::new(&stdin, PollFlags::empty())];
        while !tell.is_closed() {
            match poll(&mut waits, Some(&HANGUP_BEAT)) {
                Ok(0) => {}
                Ok(_) => {
                    let _ = tell.send(());
                    std::thread::sleep(GRACE);
                    // Still here: the last look at the terminal came too early, and the reader spins.
                    std::process::exit(HUNG_UP);
                }
                // Interrupted, or odd: not so fast.
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        }
    };
    // Without the watcher everything else still works.
    let _ = std::thread::Builder::new().name(String::from("hangup")).spawn(watch);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clipboard_request_is_wrapped_for_multiplexers() {
        let plain = "\x1b]52;c;aGk=\x07";
        assert_eq!(osc52("hi", Between::Nothing), plain);
        assert_eq!(osc52("hi", Between::Tmux), format!("{plain}\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\"));
        assert_eq!(osc52("hi", Between::Screen), format!("\x1bP{plain}\x1b\\"));
        let long = osc52(&"x".repeat(1000), Between::Screen);
        let pieces: Vec<&str> = long.split("\x1b\\").filter(|piece| !piece.is_empty()).collect();
        assert!(pieces.len() > 2 && pieces.iter().all(|piece| piece.starts_with("\x1bP")));
        let whole: String = pieces.iter().map(|piece| &piece[2..]).collect();
        assert_eq!(whole, osc52(&"x".repeat(1000), Between::Nothing));
    }
}
