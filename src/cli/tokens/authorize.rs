//! `tokens authorize`: the address on standard output, everything else on standard error, until somebody has
//! approved, refused, or the time is up.

use std::io::{self, IsTerminal};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::cli::exit::{self, Failure};
use crate::cli::headless::{Headless, Measure};
use crate::cli::lifecycle::check_may_change;
use crate::cli::meant;
use crate::cli::output::{Look, Output, say};
use crate::cli::settings::Setup;
use crate::cli::tokens::{find, in_view};
use crate::command::Command;
use crate::model::qr::Qr;
use crate::model::stacks::duration_words;
use crate::model::tokens::{Authorization, AuthorizationStage, Invitation, TokenId, countdown};
use crate::state::State;
use crate::state::tokens::Token;

/// What is left over for the endpoint to answer in.
const ADDRESS: Duration = Duration::from_secs(15);
/// After an approval the token is looked for so long.
const TOKEN: Duration = Duration::from_secs(10);

pub async fn run(
    setup: &Setup,
    word: &str,
    patience: Option<Duration>,
    output: &mut Output,
) -> Result<u8, Failure> {
    check_may_change(setup, "authorize")?;
    let mut headless = meant::connect(setup, setup.ports_that_act()?, Measure::Nothing).await?;
    headless.tokens().await;
    let id = find(&in_view(headless.state(), setup)?, word)?;
    headless.state().tokens.can_authorize(&id).map_err(Failure::usage)?;
    headless.supervisor.submit(Command::Authorize(id.clone()));
    let began = Instant::now();
    wait(&mut headless, began + ADDRESS, |state| !asks(state, &id)).await;
    if let Some(invitation) = invitation(headless.state(), &id) {
        tell(&invitation, &id, headless.state(), patience, output)?;
    }
    let end = patience.map_or(began + Duration::from_hours(2), |patience| began + patience);
    wait(&mut headless, end, |state| about(state, &id).is_none_or(|about| about.stage.is_over())).await;
    let ended = about(headless.state(), &id).map(|about| about.stage.clone());
    if matches!(ended, Some(AuthorizationStage::Given(_))) {
        // The status may be ahead of the source.
        let wanted = |state: &State| state.tokens.get(&id).is_none_or(|token| !token.awaits_approved());
        wait(&mut headless, Instant::now() + TOKEN, wanted).await;
    }
    headless.supervisor.close().await;
    outcome(&headless, &id, ended)
}

async fn wait(headless: &mut Headless, end: Instant, is_over: impl Fn(&State) -> bool) {
    while !is_over(headless.state()) {
        if timeout_at(end, headless.supervisor.next()).await.is_err() {
            return;
        }
    }
}

fn about<'a>(state: &'a State, id: &TokenId) -> Option<&'a Authorization> {
    state.tokens.get(id).and_then(Token::authorization)
}

fn asks(state: &State, id: &TokenId) -> bool {
    about(state, id).is_some_and(|about| about.stage == AuthorizationStage::Asking)
}

fn invitation(state: &State, id: &TokenId) -> Option<Invitation> {
    match &about(state, id)?.stage {
        AuthorizationStage::Waiting(invitation) => Some(invitation.clone()),
        _ => None,
    }
}

/// Shows what is to be opened.
fn tell(
    invitation: &Invitation,
    id: &TokenId,
    state: &State,
    patience: Option<Duration>,
    output: &mut Output,
) -> Result<(), Failure> {
    let host = invitation.address.host();
    say(format!("Open this address in a browser, on any device; it leads to {host}:"));
    output.line(invitation.address.as_str())?;
    // A script waits for it, and we wait for somebody.
    output.flush()?;
    if let Some(code) = &invitation.code {
        say(format!("The code to type there: {code}"));
    }
    if io::stderr().is_terminal()
        && let Some(lines) = code_lines(invitation.address.as_str(), output.look)
    {
        for line in lines {
            say(line);
        }
    }
    let left = about(state, id).map_or(0, |about| about.ends_at.duration_since(about.began).as_secs());
    let patience = patience.and_then(|patience| i64::try_from(patience.as_secs()).ok());
    let left = patience.map_or(left, |patience| patience.min(left));
    say(format!("Waits up to {} for approval; Ctrl-c gives up", duration_words(left)));
    Ok(())
}

/// Writes the code where the terminal is wide enough; half of one says nothing.
fn code_lines(text: &str, look: Look) -> Option<Vec<String>> {
    let code = Qr::of(text)?;
    let room = crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
    if look.ascii || code.side() > room {
        return None;
    }
    let line = |row: usize| {
        let blocks: String = (0..code.side()).map(|column| code.half_block(column, row * 2)).collect();
        // White on black whatever the terminal's own colors are.
        if look.color { format!("\x1b[97;40m{blocks}\x1b[0m") } else { blocks }
    };
    Some((0..code.half_rows()).map(line).collect())
}

fn outcome(headless: &Headless, id: &TokenId, ended: Option<AuthorizationStage>) -> Result<u8, Failure> {
    let name = format!("{}/{}", id.stack, id.name);
    let now = headless.supervisor.now();
    match ended {
        Some(AuthorizationStage::Given(how)) => {
            let token = headless.state().tokens.get(id);
            let end = token.and_then(Token::expires_at);
            let end = end.map_or_else(String::new, |end| format!(", expires {}", countdown(end, now)));
            say(format!("{name}: authorized ({how}){end}"));
            Ok(exit::OK)
        }
        Some(AuthorizationStage::Refused(why)) => {
            Err(Failure::failed(format!("{name} was not authorized: {why}")))
        }
        Some(AuthorizationStage::Asking) => {
            Err(Failure::failed(format!("{name}: no address within {} s", ADDRESS.as_secs())))
        }
        Some(AuthorizationStage::TimedOut | AuthorizationStage::Waiting(_)) => Err(Failure::Told {
            code: exit::TIMED_OUT,
            what: format!("{name} was not authorized: nobody approved in time"),
            next_step: String::from("The same command gives a new address"),
        }),
        None => Err(Failure::failed(format!("{name} is gone"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_as_wide_as_it_is_high_and_colored_where_colors_are_wanted() {
        let address = "https://auth.example/device?state=abc";
        let plain = code_lines(address, Look::default()).unwrap();
        assert!(plain.iter().all(|line| line.chars().count().div_ceil(2) == plain.len()));
        let colored = code_lines(address, Look { color: true, ascii: false }).unwrap();
        assert!(colored[0].starts_with("\x1b[97;40m█"));
        assert!(code_lines(address, Look { color: false, ascii: true }).is_none());
        assert!(code_lines(&"x".repeat(2000), Look::default()).is_none(), "wider than a terminal");
    }
}
