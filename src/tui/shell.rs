//! Steps aside for a terminal in a container and comes back with a word of what happened.
//!
//! Facts are taken meanwhile, signals end the program as ever, and an engine that stays away for a while
//! ends the wait: whoever is stuck in a dead shell has no key that leads out.

pub mod early;
pub mod lines;
pub mod pass;

use std::io;
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEventKind, KeyModifiers};

use crate::model::shells::{ShellEnd, ShellWay, ShellWish};
use crate::model::timeline::Severity;
use crate::ports::{EngineError, Opening, ShellSession};
use crate::supervisor::Supervisor;
use crate::tui::shell::early::Early;
use crate::tui::shell::pass::{Stop, pass};
use crate::tui::terminal::Screen;
use crate::tui::terminal::keys::Keys;
use crate::tui::{Face, SIGHUP, SIGTSTP, next_event};

/// How long an engine may stay away before the terminal comes back.
const AWAY: Duration = Duration::from_secs(5);
/// How long the last words of a broken connection are waited for.
const LAST_WORDS: Duration = Duration::from_secs(4);

/// What ended the time in the container.
enum Leave {
    Stopped(Stop),
    Signal(i32),
    EngineAway,
}

impl Face {
    /// Steps aside for a terminal in a container; facts are taken meanwhile.
    pub(super) async fn open_shell(
        &mut self,
        wish: ShellWish,
        supervisor: &mut Supervisor,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        let name = name_of(&wish, supervisor);
        let area = screen.area();
        let opening = match supervisor.open_shell(wish.clone(), (area.width, area.height)) {
            Ok(opening) => opening,
            Err(why) => {
                self.ui.toast(Severity::Warning, why, supervisor.now());
                return Ok(());
            }
        };
        let mut early = Early::default();
        match self.until_open(opening, &name, &mut early, supervisor, screen).await? {
            None => Ok(()),
            Some(Err(error)) => {
                let (severity, words) = refused(&name, &error);
                self.ui.toast(severity, words, supervisor.now());
                Ok(())
            }
            Some(Ok(Opening::NoShell { said, images })) => {
                log::info!("no shell in {name}: {said}");
                self.ui.offer_shell_beside(&wish.container, &name, images, supervisor.now());
                Ok(())
            }
            Some(Ok(Opening::Opened(session))) => {
                self.inside(session, early, &wish, &name, supervisor, screen).await
            }
        }
    }

    /// Waits for the engine with the screen in place; `None` when the operator gave up or is gone.
    async fn until_open(
        &mut self,
        opening: impl Future<Output = Result<Opening, EngineError>>,
        name: &str,
        early: &mut Early,
        supervisor: &mut Supervisor,
        screen: &mut Screen,
    ) -> anyhow::Result<Option<Result<Opening, EngineError>>> {
        tokio::pin!(opening);
        // Mostly it takes less time than one needs to read that it takes time.
        let mut patience = Box::pin(tokio::time::sleep(Duration::from_millis(500)));
        let mut said = false;
        let waiting = format!("Opening a shell in {name}; Esc gives up");
        loop {
            self.bring_up_to_date(supervisor, screen)?;
            tokio::select! {
                biased;
                number = self.signals.next() => {
                    if number != SIGTSTP {
                        self.quit = Some(128 + number);
                        return Ok(None);
                    }
                }
                _ = &mut self.hangup => {
                    self.quit = Some(128 + SIGHUP);
                    return Ok(None);
                }
                result = &mut opening => {
                    self.ui.toasts.retain(|toast| toast.text != waiting);
                    return Ok(Some(result));
                }
                _ = self.sizes.recv() => {
                    self.resized = true;
                    self.frames.request();
                }
                event = next_event(self.keys.as_mut()) => {
                    let Some(event) = event else {
                        self.quit = Some(128 + SIGHUP);
                        return Ok(None);
                    };
                    if gives_up(&event) {
                        let words = format!("No shell in {name}: given up");
                        self.ui.toast(Severity::Info, words, supervisor.now());
                        return Ok(None);
                    }
                    early.take(&event);
                }
                () = supervisor.next() => {}
                () = self.frames.wait() => {}
                () = &mut patience, if !said => {
                    said = true;
                    self.ui.toast(Severity::Info, waiting.as_str(), supervisor.now());
                    self.frames.request();
                }
            }
        }
    }

    async fn inside(
        &mut self,
        mut session: ShellSession,
        mut early: Early,
        wish: &ShellWish,
        name: &str,
        supervisor: &mut Supervisor,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        while let Some(event) = self.keys.as_mut().and_then(Keys::waiting) {
            early.take(&event);
        }
        self.keys = None;
        screen.step_aside(&greeting(wish, name, session.plain))?;
        let leave = self.wait_inside(&mut session, early, supervisor).await;
        let ShellSession { end, hang_up, input, .. } = session;
        if let Ok(Leave::Signal(number)) = leave {
            self.quit = Some(128 + number);
        }
        if let Ok(Leave::Stopped(Stop::TerminalGone)) = leave {
            self.quit = Some(128 + SIGHUP);
        }
        if self.quit.is_some() {
            // Nobody is left to type `exit`.
            hang_up.await;
            drop(input);
            screen.forget_program()?;
            return Ok(());
        }
        let result = match leave {
            Ok(Leave::Stopped(_)) => {
                let end = tokio::time::timeout(LAST_WORDS, meanwhile(supervisor, end)).await;
                Ok(told(wish, name, end.unwrap_or_default()))
            }
            Ok(_) => Ok((
                Severity::Error,
                format!("The engine is out of reach; what ran in {name} may still run there"),
            )),
            Err(error) => Err(error),
        };
        drop(input);
        screen.come_back()?;
        self.keys = Some(Keys::listen()?);
        self.ui.area = screen.area();
        self.frames.request();
        let (severity, words) = result.unwrap_or_else(|error| (Severity::Error, error.to_string()));
        self.ui.toast(severity, words, supervisor.now());
        Ok(())
    }

    async fn wait_inside(
        &mut self,
        session: &mut ShellSession,
        early: Early,
        supervisor: &mut Supervisor,
    ) -> io::Result<Leave> {
        let passing = pass(session, early.into_bytes());
        tokio::pin!(passing);
        let mut away_since = None;
        loop {
            if supervisor.state().connection.is_up() {
                away_since = None;
            } else {
                away_since.get_or_insert_with(tokio::time::Instant::now);
            }
            let too_long = async {
                match away_since {
                    Some(since) => tokio::time::sleep_until(since + AWAY).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                // Ctrl-Z is the program's; a stop from elsewhere would leave the terminal to nobody.
                number = self.signals.next() => if number != SIGTSTP {
                    return Ok(Leave::Signal(number));
                },
                _ = &mut self.hangup => return Ok(Leave::Signal(SIGHUP)),
                stop = &mut passing => return Ok(Leave::Stopped(stop?)),
                () = too_long => return Ok(Leave::EngineAway),
                () = supervisor.next() => {}
            }
        }
    }
}

fn name_of(wish: &ShellWish, supervisor: &Supervisor) -> String {
    let entry = supervisor.state().containers.get(&wish.container);
    entry.map_or_else(|| wish.container.short().to_owned(), |entry| entry.container.name.to_string())
}

fn gives_up(event: &TerminalEvent) -> bool {
    let TerminalEvent::Key(key) = event else { return false };
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press && (interrupt || key.code == KeyCode::Esc)
}

/// What stands above the program's output.
fn greeting(wish: &ShellWish, name: &str, plain: bool) -> String {
    match &wish.way {
        ShellWay::Shell { .. } => format!("stackdash: a shell in {name}; Ctrl-d or exit comes back"),
        ShellWay::Attach if plain => {
            format!(
                "stackdash: attached to {name}, a line at a time; Ctrl-p Ctrl-q comes back, Ctrl-d ends its input"
            )
        }
        ShellWay::Attach => {
            format!("stackdash: attached to {name}; Ctrl-p Ctrl-q comes back, Ctrl-c is its own")
        }
        ShellWay::Beside { image } => {
            format!("stackdash: a shell of {image} beside {name}; Ctrl-d or exit removes it and comes back")
        }
    }
}

/// Returns what an engine's refusal comes to. That a container has ended may be known to it first.
fn refused(name: &str, error: &EngineError) -> (Severity, String) {
    match error {
        EngineError::Conflict(words) if words.contains("is not running") => {
            (Severity::Warning, format!("{name} is not running any more: no shell"))
        }
        _ => (Severity::Error, error.to_string()),
    }
}

/// Says in a sentence how it ended.
fn told(wish: &ShellWish, name: &str, end: ShellEnd) -> (Severity, String) {
    let attached = wish.way == ShellWay::Attach;
    match (end.container_runs, end.exit_code) {
        (None, _) => (
            Severity::Error,
            format!("The connection to the engine broke; what ran in {name} may still run there"),
        ),
        (Some(true), _) if attached => (Severity::Info, format!("Detached from {name}; it runs on")),
        (Some(false), Some(code)) if attached => {
            (Severity::Warning, format!("{name} ended with exit code {code}"))
        }
        (Some(false), _) => (Severity::Warning, format!("{name} ended, and the shell in it")),
        (Some(true), Some(0)) => (Severity::Info, format!("The shell in {name} ended")),
        (Some(true), Some(code)) => {
            (Severity::Info, format!("The shell in {name} ended with exit code {code}"))
        }
        (Some(true), None) => {
            (Severity::Error, format!("The connection broke; the shell in {name} may still run there"))
        }
    }
}

/// Waits for something while facts go on being taken in.
async fn meanwhile<T>(supervisor: &mut Supervisor, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            result = &mut work => return result,
            () = supervisor.next() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::containers::ContainerId;

    #[test]
    fn an_end_that_the_engine_knows_first_is_no_error() {
        let engine = "cannot open a shell in c1: Container c1 is not running";
        let refusal = |words: &str| refused("web", &EngineError::Conflict(words.to_owned()));
        assert_eq!(
            refusal(engine),
            (Severity::Warning, String::from("web is not running any more: no shell"))
        );
        let paused = "cannot open a shell in c1: Container c1 is paused, unpause the container before exec";
        assert_eq!(refusal(paused), (Severity::Error, paused.to_owned()));
    }

    #[test]
    fn each_end_has_its_words() {
        let shell = ShellWish::shell(ContainerId::new("c1"));
        let attached = ShellWish { way: ShellWay::Attach, ..shell.clone() };
        let words = |wish: &ShellWish, exit_code, container_runs| {
            told(wish, "web", ShellEnd { exit_code, container_runs }).1
        };
        assert_eq!(words(&shell, Some(0), Some(true)), "The shell in web ended");
        assert_eq!(words(&shell, Some(3), Some(true)), "The shell in web ended with exit code 3");
        assert_eq!(words(&shell, Some(137), Some(false)), "web ended, and the shell in it");
        assert_eq!(words(&shell, None, Some(false)), "web ended, and the shell in it");
        assert!(words(&shell, None, Some(true)).starts_with("The connection broke"));
        assert!(words(&shell, None, None).starts_with("The connection to the engine broke"));
        assert_eq!(words(&attached, None, Some(true)), "Detached from web; it runs on");
        assert_eq!(words(&attached, Some(1), Some(false)), "web ended with exit code 1");
    }
}
