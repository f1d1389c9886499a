//! The face: keys in, frames out. Never awaits work, never talks to an adapter.
//!
//! One turn of the loop: bring the views up to date and submit what they wish, draw if something on the
//! screen changed and a frame is due, then wait for keys, facts, the frame timer or the next second
//! that is on the screen.

pub mod action;
pub mod draw;
#[cfg(test)]
pub(crate) mod fixture;
pub mod frames;
pub mod keymap;
pub mod notify;
pub mod paint;
pub mod picture;
pub mod popups;
pub mod regions;
pub mod reload;
pub mod shell;
pub mod terminal;
pub mod theme;
pub mod ui;
pub mod view;
pub mod views;
pub mod widgets;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyEventKind, MouseButton, MouseEventKind};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::Receiver;

use crate::command::Command;
use crate::config::Config;
use crate::model::jobs::CopyOrder;
use crate::model::shells::ShellWish;
use crate::model::timeline::Severity;
use crate::supervisor::Supervisor;
use crate::tui::frames::Frames;
use crate::tui::keymap::{Key, Keymap, Preset};
use crate::tui::notify::Messenger;
use crate::tui::popups::confirm::Confirm;
use crate::tui::popups::{Answer, Popup};
use crate::tui::reload::ThemeReloads;
use crate::tui::terminal::Screen;
use crate::tui::terminal::keys::Keys;
use crate::tui::theme::{ColorDepth, Theme};
use crate::tui::ui::{Input, Request, Ui};

const DEFAULT_THEME: &str = "dark";
/// Exit code where there is no terminal to draw on.
const NO_TERMINAL: i32 = 2;
/// Terminal events taken in one turn at most, so that a flood of them never starves the rest.
const BATCH: usize = 256;

/// How long the last work may take where the terminal is gone; less than [`terminal::GRACE`].
const HUNG_UP: Duration = Duration::from_millis(1500);

/// Runs the face until the operator leaves it; returns the exit code.
///
/// `theme_files`: themes of the operator that were written meanwhile, in batches.
pub async fn run(
    mut supervisor: Supervisor,
    config: &Config,
    theme_files: Option<Receiver<Vec<PathBuf>>>,
) -> anyhow::Result<i32> {
    if let Some(why) = terminal::unusable() {
        let _ = writeln!(std::io::stderr(), "{why}");
        return Ok(NO_TERMINAL);
    }
    let depth =
        if config.no_color { ColorDepth::None } else { ColorDepth::detect(|name| std::env::var(name).ok()) };
    // A broken theme is said, and the default takes its place: this is no reason to see nothing.
    let (theme, complaint) = match theme::load(&config.theme, config.ascii, depth) {
        Ok(theme) => (theme, None),
        Err(why) => (theme::load(DEFAULT_THEME, config.ascii, depth).map_err(anyhow::Error::msg)?, Some(why)),
    };
    let preset = config.key_preset.as_deref().and_then(Preset::by_name);
    let keymap = Keymap::with_preset(preset, &config.keys)
        .map_err(|errors| anyhow::anyhow!("keys: {}", errors.join("; ")))?;

    let signals = Signals::listen()?;
    let sizes = signal(SignalKind::window_change())?;
    let mut screen = Screen::enter()?;
    let mut face = Face {
        ui: Ui::new(keymap, theme, depth, screen.area()),
        frames: Frames::default(),
        keys: Some(Keys::listen()?),
        signals,
        sizes,
        hangup: terminal::watch_for_hangup(),
        resized: false,
        shell: None,
        quit: None,
        messenger: Messenger::new(&config.notify, |name| std::env::var(name).ok()),
        told: 0,
        themes: ThemeReloads::new(theme_files),
        may_slow_down: config.slow_link.is_none(),
    };

    face.ui.mouse = screen.has_mouse();
    if config.slow_link == Some(true) {
        face.slow_down(&mut supervisor);
    }
    if let Some(why) = complaint {
        face.ui.toast(Severity::Error, why, supervisor.now());
    }
    face.frames.request();
    let mut ended = face.live(&mut supervisor, &mut screen).await;
    // What is typed from here on is for whoever has the terminal next.
    face.keys = None;
    // Whichever is seen first: the signal, the end of the keys, or a frame that could not be written.
    if face.quit == Some(128 + SIGHUP) || (ended.is_err() && terminal::is_gone()) {
        (face.quit, ended) = (Some(128 + SIGHUP), Ok(()));
        drop(screen);
        // Nobody waits for it any more, and the watcher of the terminal ends us soon by force.
        let _ = tokio::time::timeout(HUNG_UP, supervisor.close()).await;
    } else {
        drop(screen);
        supervisor.close().await;
    }
    ended?;
    Ok(face.quit.unwrap_or(0))
}

/// Panics where a test asks for it, to see that the terminal is given back. Not in a release.
fn panic_for_a_test() {
    #[cfg(debug_assertions)]
    assert!(std::env::var_os("STACKDASH_PANIC").is_none(), "asked for by STACKDASH_PANIC");
}

const SIGHUP: i32 = 1;
const SIGTSTP: i32 = 20;

/// What ended the wait.
enum Happened {
    Fact,
    Signal(i32),
    /// The terminal has a new size.
    Resize,
    Terminal(Option<TerminalEvent>),
    /// A theme file was written; the theme as it is now, or what is wrong with it.
    Theme(Box<Result<Theme, String>>),
}

/// Everything of the face that lives as long as the loop.
struct Face {
    ui: Ui,
    frames: Frames,
    /// `None` while another program reads the terminal.
    keys: Option<Keys>,
    signals: Signals,
    /// New sizes by their signal: the reader of keys forgets one where a key came at the same moment.
    sizes: Signal,
    /// Tells when the terminal is gone.
    hangup: tokio::sync::oneshot::Receiver<()>,
    /// Many come while a window is dragged; the last one counts.
    resized: bool,
    /// A terminal in a container that was asked for.
    shell: Option<ShellWish>,
    quit: Option<i32>,
    messenger: Messenger,
    /// Notifications that were sent.
    told: u64,
    themes: ThemeReloads,
    /// Whether a terminal that turns out to be slow gets less.
    may_slow_down: bool,
}

impl Face {
    /// Turns until somebody ends it.
    async fn live(&mut self, supervisor: &mut Supervisor, screen: &mut Screen) -> anyhow::Result<()> {
        while self.quit.is_none() {
            if let Some(wish) = self.shell.take() {
                self.open_shell(wish, supervisor, screen).await?;
                continue;
            }
            self.bring_up_to_date(supervisor, screen)?;
            panic_for_a_test();
            let wake = wait_until(supervisor, &self.ui);
            let happened = tokio::select! {
                biased;
                code = self.signals.next() => Happened::Signal(code),
                _ = &mut self.hangup => Happened::Signal(SIGHUP),
                _ = self.sizes.recv() => Happened::Resize,
                event = next_event(self.keys.as_mut()) => Happened::Terminal(event),
                () = supervisor.next() => Happened::Fact,
                () = self.frames.wait() => Happened::Fact,
                news = self.themes.next(&self.ui.theme) => Happened::Theme(Box::new(news)),
                () = tokio::time::sleep(wake) => Happened::Fact,
            };
            match happened {
                Happened::Fact => {}
                Happened::Signal(SIGTSTP) => self.suspend(supervisor, screen)?,
                Happened::Resize => {
                    self.resized = true;
                    self.frames.urge();
                }
                Happened::Theme(news) => {
                    self.ui.theme_was_written(*news, supervisor.now());
                    self.frames.request();
                }
                Happened::Signal(number) => self.quit = Some(128 + number),
                // The terminal is gone: there is nobody to draw for.
                Happened::Terminal(None) => self.quit = Some(128 + SIGHUP),
                Happened::Terminal(Some(first)) => self.take_events(first, supervisor, screen)?,
            }
        }
        Ok(())
    }

    /// Derives what is shown, submits what it wishes, and draws when something changed and a frame is due.
    fn bring_up_to_date(&mut self, supervisor: &mut Supervisor, screen: &mut Screen) -> anyhow::Result<()> {
        if self.resized && self.frames.is_due() {
            self.resized = false;
            self.ui.area = screen.resize()?;
        }
        let notify = &supervisor.state().notify;
        if notify.count() > self.told {
            screen.send(&self.messenger.bytes(notify.since(self.told)))?;
            self.told = notify.count();
        }
        let now = supervisor.now();
        if self.may_slow_down && screen.is_slow() {
            self.slow_down(supervisor);
            let words = "The terminal is slow: drawing less from here on (STACKDASH_SLOW_LINK=0: never)";
            self.ui.toast(Severity::Warning, words, now);
        }
        let (frames, bytes) = screen.spent();
        self.ui.host.drawn(now, frames, bytes);
        self.submit_wishes(supervisor);
        while let Some(requests) = self.ui.catch_up(supervisor.state(), now) {
            self.answer(requests, supervisor, screen)?;
        }
        if self.ui.is_stale(supervisor.state(), now) {
            self.frames.request();
        }
        if self.frames.is_due() {
            let (ui, state) = (&self.ui, supervisor.state());
            screen.draw(ui.link(), |area, buf| draw::draw(area, buf, ui, state, now))?;
            self.ui.mark_drawn(supervisor.state(), now);
            self.frames.mark_drawn();
        }
        Ok(())
    }

    /// Fewer frames, fewer cells, half the beat.
    fn slow_down(&mut self, supervisor: &mut Supervisor) {
        self.may_slow_down = false;
        self.ui.slow_link = true;
        self.frames.slow_down();
        supervisor.slow_down();
    }

    /// Takes an event and all that came with it.
    fn take_events(
        &mut self,
        first: TerminalEvent,
        supervisor: &mut Supervisor,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(event) = next {
            if let Some(input) = translate(event) {
                let now = supervisor.now();
                let requests = self.ui.handle(input, supervisor.state(), now);
                self.answer(requests, supervisor, screen)?;
            }
            self.frames.urge();
            taken += 1;
            // What is typed after the wish for a shell is for the shell.
            if self.quit.is_some() || self.shell.is_some() || taken >= BATCH {
                break;
            }
            next = self.keys.as_mut().and_then(Keys::waiting);
        }
        Ok(())
    }

    /// Carries out what an input asked for, with everything up to date for the next one: that may act on what
    /// this one selected.
    fn answer(
        &mut self,
        requests: Vec<Request>,
        supervisor: &mut Supervisor,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        self.submit_wishes(supervisor);
        for request in requests {
            self.carry_out(request, supervisor, screen)?;
        }
        Ok(())
    }

    fn submit_wishes(&mut self, supervisor: &mut Supervisor) {
        for wish in self.ui.sync(supervisor.state(), supervisor.now()) {
            supervisor.submit(wish);
        }
    }

    fn carry_out(
        &mut self,
        request: Request,
        supervisor: &mut Supervisor,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        let now = supervisor.now();
        match request {
            Request::Run(command) => match would_replace(&command) {
                Some(confirm) => self.ui.popups.push(Popup::Confirm(confirm)),
                None => supervisor.submit(command),
            },
            Request::Quit => self.quit = Some(0),
            Request::Redraw => screen.clear(),
            Request::Mouse(ours) => screen.set_mouse(ours)?,
            Request::Suspend => self.suspend(supervisor, screen)?,
            Request::Shell(wish) => self.shell = Some(wish),
            Request::Copy { what, text } => match screen.copy(&text) {
                Ok(()) => self.ui.toast(Severity::Good, format!("Copied the {what}"), now),
                Err(why) => self.ui.toast(Severity::Warning, why, now),
            },
            Request::Save { name, text } => match save(&name, &text, now) {
                Ok(path) => {
                    self.ui.toast(Severity::Good, format!("Saved to {}", path.display()), now);
                }
                Err(error) => self.ui.toast(Severity::Error, format!("Not saved: {error}"), now),
            },
        }
        Ok(())
    }

    fn suspend(&mut self, supervisor: &Supervisor, screen: &mut Screen) -> anyhow::Result<()> {
        if !terminal::can_suspend() {
            let words = "Nothing here could continue stackdash: it was not started from a shell";
            self.ui.toast(Severity::Warning, words, supervisor.now());
            self.frames.request();
            return Ok(());
        }
        self.keys = None;
        screen.suspend()?;
        self.keys = Some(Keys::listen()?);
        self.ui.area = screen.area();
        self.frames.request();
        Ok(())
    }
}

/// Waits for the terminal; its end is `None`. Without a reader it waits for ever.
async fn next_event(keys: Option<&mut Keys>) -> Option<TerminalEvent> {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}

/// Returns how long nothing on the screen changes by time alone.
fn wait_until(supervisor: &Supervisor, ui: &Ui) -> Duration {
    let now = supervisor.now();
    let wake = ui.next_wake(supervisor.state(), now);
    Duration::try_from(wake.duration_since(now)).unwrap_or_default()
}

fn translate(event: TerminalEvent) -> Option<Input> {
    match event {
        TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => Some(Input::Key(Key::from(key))),
        TerminalEvent::Mouse(mouse) => {
            let (column, row) = (mouse.column, mouse.row);
            match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => Some(Input::Click { column, row }),
                MouseEventKind::ScrollDown => Some(Input::Wheel { column, row, down: true }),
                MouseEventKind::ScrollUp => Some(Input::Wheel { column, row, down: false }),
                _ => None,
            }
        }
        TerminalEvent::Paste(text) => Some(Input::Paste(text)),
        _ => None,
    }
}

/// Returns the question that comes before a copy takes the place of a file that is there.
fn would_replace(command: &Command) -> Option<Confirm> {
    let Command::Copy(order) = command else { return None };
    if !order.out || order.overwrite {
        return None;
    }
    let path = if order.outside.is_dir() {
        order.outside.join(order.inside.rsplit('/').next().unwrap_or_default())
    } else {
        order.outside.clone()
    };
    let again = Command::Copy(CopyOrder { overwrite: true, ..order.clone() });
    path.is_file().then(|| {
        let question = String::from("Replace the file that is there?");
        Confirm::new(question, vec![path.display().to_string()], Answer::Run(vec![again]))
    })
}

/// Writes a text to a new file in the present folder.
fn save(name: &str, text: &str, now: jiff::Timestamp) -> std::io::Result<PathBuf> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let at = now.to_zoned(views::details::fields::zone()).strftime("%Y%m%d-%H%M%S").to_string();
    let path = PathBuf::from(format!("stackdash-{name}-{at}.txt"));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    file.write_all(text.as_bytes())?;
    Ok(path)
}

/// The signals that end or stop the face.
struct Signals {
    each: Vec<(i32, Signal)>,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        // Hang-up, interrupt, quit, terminate, and the terminal's stop.
        let each = [SIGHUP, 2, 3, 15, SIGTSTP]
            .into_iter()
            .map(|number| Ok((number, signal(SignalKind::from_raw(number))?)))
            .collect::<std::io::Result<_>>()?;
        Ok(Self { each })
    }

    /// Waits for the next one and returns its number.
    fn next(&mut self) -> impl Future<Output = i32> + '_ {
        std::future::poll_fn(|cx| {
            for (number, signal) in &mut self.each {
                if signal.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(*number);
                }
            }
            std::task::Poll::Pending
        })
    }
}
