//! Taking the terminal and giving it back, whatever happens; the clipboard. The only room that knows stdout.

pub mod keys;
mod pen;

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::tui::popups::authorize::Link;
use crate::tui::terminal::pen::Pen;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpgrp, getsid, kill_process_group};

/// Begins and ends what a terminal shows all at once.
const HOLD: &[u8] = b"\x1b[?2026h";
const SHOW: &[u8] = b"\x1b[?2026l";
/// Bytes that a terminal takes in one piece: a longer frame has to be held together, or half of it may show.
const ONE_PIECE: usize = 256;
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
pub const GRACE: Duration = Duration::from_secs(2);
const HUNG_UP: i32 = 129;

/// Whether the terminal is ours now, for the panic hook.
static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal while it is ours; gives it back when dropped.
///
/// Two buffers, and what differs between them is written. ratatui's own `Terminal` would do, but it asks
/// the terminal for its cursor when the screen is cleared, and a terminal that does not answer costs two
/// seconds and an error.
pub struct Screen {
    pen: Pen,
    /// The frame as it is written; kept for the next.
    out: Vec<u8>,
    /// Whether the next frame begins with an empty screen.
    clears: bool,
    shown: Buffer,
    next: Buffer,
    mouse: bool,
    /// Whether links are understood, or at least harmless.
    links: bool,
    /// The link that is on the screen.
    linked: Option<Link>,
    frames: u64,
    bytes: u64,
    slowness: Slowness,
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
        // GNU screen keeps a lone Esc back until the next key as long as somebody wants the mouse.
        let mouse = Between::find() != Between::Screen;
        take(mouse)?;
        let area = size();
        let (shown, next) = (Buffer::empty(area), Buffer::empty(area));
        let links =
            Between::find() != Between::Screen && std::env::var("TERM").is_ok_and(|term| term != "linux");
        Ok(Self {
            pen: Pen::default(),
            out: Vec::new(),
            clears: true,
            shown,
            next,
            mouse,
            links,
            linked: None,
            frames: 0,
            bytes: 0,
            slowness: Slowness::default(),
        })
    }

    /// Whether the mouse is ours; under GNU screen it is not at first.
    pub fn has_mouse(&self) -> bool {
        self.mouse
    }

    pub fn area(&self) -> Rect {
        self.next.area
    }

    /// Takes over a new size.
    pub fn resize(&mut self) -> io::Result<Rect> {
        let area = size();
        if area != self.next.area {
            self.next.resize(area);
            self.clear();
        }
        Ok(area)
    }

    /// Draws a frame in one piece; a frame that looks like the last one writes nothing.
    /// `link`: cells of it that lead somewhere.
    pub fn draw(&mut self, link: Option<Link>, paint: impl FnOnce(Rect, &mut Buffer)) -> io::Result<()> {
        let link = link.filter(|_| self.links);
        let relinked = link != self.linked;
        if relinked && self.linked.is_some() {
            // A cell that stays as it is would stay a link.
            self.clear();
        }
        self.next.reset();
        paint(self.next.area, &mut self.next);
        let changed = self.shown.diff(&self.next);
        let touched = |link: &Link| {
            relinked
                || changed
                    .iter()
                    .any(|(x, y, _)| link.lines.iter().any(|line| line.contains((*x, *y).into())))
        };
        let linked = link.as_ref().filter(|link| touched(link));
        if !changed.is_empty() || linked.is_some() || self.clears {
            let (begin, width) = (Instant::now(), self.next.area.width);
            self.out.clear();
            self.out.extend_from_slice(HOLD);
            if std::mem::take(&mut self.clears) {
                self.pen.forget();
                // A terminal may clear with the color it writes with.
                self.out.extend_from_slice(b"\x1b[0m\x1b[2J");
            }
            self.pen.write(&mut self.out, width, changed.into_iter());
            if let Some(link) = linked {
                let cells = link.lines.iter().flat_map(|line| line.intersection(self.next.area).positions());
                let cells = cells.map(|at| (at.x, at.y, &self.next[at]));
                // All lines of one id are one link; cells keep it until they are written again.
                write!(self.out, "\x1b]8;id=stackdash;{}\x1b\\", link.address)?;
                self.pen.write(&mut self.out, width, cells);
                self.out.extend_from_slice(b"\x1b]8;;\x1b\\");
            }
            let frame = if self.out.len() - HOLD.len() > ONE_PIECE {
                self.out.extend_from_slice(SHOW);
                &self.out[..]
            } else {
                &self.out[HOLD.len()..]
            };
            let mut stdout = io::stdout();
            stdout.write_all(frame)?;
            stdout.flush()?;
            self.bytes += frame.len() as u64;
            self.frames += 1;
            self.slowness.wrote(begin.elapsed(), Instant::now());
        }
        self.linked = link;
        std::mem::swap(&mut self.shown, &mut self.next);
        Ok(())
    }

    /// Returns the frames that changed something, and the bytes that all drawing took.
    pub fn spent(&self) -> (u64, u64) {
        (self.frames, self.bytes)
    }

    /// Whether the terminal takes its time again and again.
    pub fn is_slow(&self) -> bool {
        self.slowness.is_certain()
    }

    /// Forgets what is on the screen, so that the next frame draws every cell.
    pub fn clear(&mut self) {
        // Both have the new size from here on; the next frame is compared with an empty screen.
        self.shown = Buffer::empty(self.next.area);
        self.clears = true;
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
            ResetColor,
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
        self.clear();
        Ok(())
    }

    /// Stops this job until the shell continues it. No reader of the terminal may live meanwhile.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        // All of the job stops, as the terminal's own stop does; the next line runs after SIGCONT.
        kill_process_group(getpgrp(), Signal::STOP)?;
        take(self.mouse)?;
        self.resize()?;
        self.clear();
        Ok(())
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

/// When frames were waited for: a terminal that keeps up takes any frame at once. One that does not takes what
/// its buffer holds, then makes us wait for it to drain, again and again.
#[derive(Debug, Default)]
struct Slowness {
    waits: VecDeque<Instant>,
}

impl Slowness {
    /// A frame that took longer was waited for.
    const LONG: Duration = Duration::from_millis(150);
    /// So many of them within so long; a terminal that is held (Ctrl-S) is one.
    const CERTAIN: usize = 4;
    const LATELY: Duration = Duration::from_secs(30);

    fn wrote(&mut self, time: Duration, now: Instant) {
        if time >= Self::LONG {
            self.waits.push_back(now);
            self.waits.retain(|at| now.saturating_duration_since(*at) <= Self::LATELY);
        }
    }

    fn is_certain(&self) -> bool {
        self.waits.len() >= Self::CERTAIN
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
        ResetColor,
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
    fn a_terminal_is_slow_when_frames_are_waited_for_again_and_again() {
        let (long, quick, start) = (Duration::from_millis(400), Duration::from_millis(1), Instant::now());
        let at = |second| start + Duration::from_secs(second);
        let mut slowness = Slowness::default();
        // One that is held now and then (Ctrl-S) is not.
        for minute in 0..10 {
            slowness.wrote(Duration::from_secs(20), at(minute * 60));
            slowness.wrote(quick, at(minute * 60 + 1));
        }
        assert!(!slowness.is_certain());
        for second in 0..4 {
            slowness.wrote(long, at(700 + second * 5));
            slowness.wrote(quick, at(701 + second * 5));
        }
        assert!(slowness.is_certain());
    }

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
