//! `tokens`: what the stacks live on and how long it lasts; `tokens refresh` renews one and waits.

mod authorize;

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};
use unicode_width::UnicodeWidthStr;

use crate::cli::args::{DocumentFormat, TokensArguments, TokensCommand};
use crate::cli::exit::{self, Failure};
use crate::cli::headless::Measure;
use crate::cli::json;
use crate::cli::lifecycle::check_may_change;
use crate::cli::meant;
use crate::cli::output::{Ink, Output, say};
use crate::cli::select;
use crate::cli::settings::Setup;
use crate::command::Command;
use crate::config::nearest::did_you_mean;
use crate::model::stacks::{age, duration_words};
use crate::model::tokens::{RefreshCause, TokenId, TokenState, countdown};
use crate::state::State;
use crate::state::tokens::Token;

/// The longest wait for a refresh; each step of it has a shorter one of its own.
const REFRESH: Duration = Duration::from_mins(3);

pub async fn run(setup: &Setup, arguments: TokensArguments, output: &mut Output) -> Result<u8, Failure> {
    match arguments.command {
        Some(TokensCommand::Refresh { name }) => refresh(setup, &name).await,
        Some(TokensCommand::Authorize { name, timeout }) => {
            authorize::run(setup, &name, timeout, output).await
        }
        None => list(setup, arguments.format.format, output).await,
    }
}

async fn list(setup: &Setup, format: DocumentFormat, output: &mut Output) -> Result<u8, Failure> {
    let mut headless = meant::connect(setup, setup.ports()?, Measure::Nothing).await?;
    headless.tokens().await;
    headless.recall_refreshes(&setup.config).await;
    let now = headless.supervisor.now();
    let tokens = in_view(headless.state(), setup)?;
    select::tell_faults(headless.state(), &select::stacks(headless.state(), &setup.config)?);
    match format {
        DocumentFormat::Json => output.document(&json::tokens::tokens(&tokens, now))?,
        DocumentFormat::Table if tokens.is_empty() => {
            say("No stack has a token; [[token]] in the stackdash.toml beside its compose file adds one");
        }
        DocumentFormat::Table => {
            for line in table(&tokens, now, output) {
                output.line(line)?;
            }
        }
    }
    Ok(exit::OK)
}

/// Returns the tokens of the stacks that are spoken of.
fn in_view<'a>(state: &'a State, setup: &Setup) -> Result<Vec<&'a Token>, Failure> {
    let stacks = select::stacks(state, &setup.config)?;
    let of_stacks = |token: &&Token| stacks.iter().any(|stack| stack.name == token.id.stack);
    Ok(state.tokens.iter().filter(of_stacks).collect())
}

async fn refresh(setup: &Setup, word: &str) -> Result<u8, Failure> {
    check_may_change(setup, "refresh")?;
    let mut headless = meant::connect(setup, setup.ports_that_act()?, Measure::Nothing).await?;
    headless.tokens().await;
    let id = find(&in_view(headless.state(), setup)?, word)?;
    headless.state().tokens.can_refresh(&id).map_err(Failure::failed)?;
    let known = headless.state().tokens.get(&id).and_then(Token::last_refresh).map(|refresh| refresh.at);
    headless.supervisor.submit(Command::RefreshToken { token: id.clone(), by: RefreshCause::Operator });
    let end = Instant::now() + REFRESH;
    while headless.state().tokens.get(&id).is_some_and(Token::is_refreshing) {
        if timeout_at(end, headless.supervisor.next()).await.is_err() {
            break;
        }
    }
    headless.supervisor.close().await;
    let now = headless.supervisor.now();
    outcome(headless.state(), &id, known, now)
}

/// Says what came of it; `known`: the refresh before.
fn outcome(state: &State, id: &TokenId, known: Option<Timestamp>, now: Timestamp) -> Result<u8, Failure> {
    let name = format!("{}/{}", id.stack, id.name);
    let token = state.tokens.get(id);
    let last = token.and_then(Token::last_refresh).filter(|refresh| Some(refresh.at) != known);
    match (token, last) {
        (Some(token), Some(refresh)) if refresh.ok => {
            let end = token
                .expires_at()
                .map_or_else(String::new, |end| format!(", expires {}", countdown(end, now)));
            if refresh.was_by_another() {
                say(format!("{name}: {}{end}", refresh.detail));
            } else {
                say(format!("{name}: refreshed ({}){end}", refresh.detail));
            }
            Ok(exit::OK)
        }
        (Some(_), Some(refresh)) => {
            Err(Failure::failed(format!("{name} was not refreshed: {}", refresh.detail)))
        }
        _ => Err(Failure::failed(format!("{name}: no outcome within {}s", REFRESH.as_secs()))
            .next_step("stackdash tokens says how it stands")),
    }
}

/// Finds the token that a word means: its name, or `stack/name`.
fn find(tokens: &[&Token], word: &str) -> Result<TokenId, Failure> {
    let full = |token: &Token| format!("{}/{}", token.id.stack, token.id.name);
    let meant: Vec<&&Token> =
        tokens.iter().filter(|token| *token.id.name == *word || full(token) == word).collect();
    let names: Vec<String> = tokens.iter().map(|token| full(token)).collect();
    match &*meant {
        [token] => Ok(token.id.clone()),
        [] => {
            let bare = tokens.iter().map(|token| &*token.id.name);
            let hint = did_you_mean(word, bare.chain(names.iter().map(|name| &**name)));
            let known = if names.is_empty() { String::from("none") } else { names.join(", ") };
            Err(Failure::usage(format!("there is no token {word:?}{hint}"))
                .next_step(format!("Known tokens: {known}")))
        }
        several => {
            let names: Vec<String> = several.iter().map(|token| full(token)).collect();
            Err(Failure::usage(format!("{word:?} is ambiguous: {}", names.join(", ")))
                .next_step("Say which: stack/name, or -p NAME for the stack"))
        }
    }
}

/// Makes the lines of the table; trouble first.
fn table(tokens: &[&Token], now: Timestamp, output: &Output) -> Vec<String> {
    let look = output.look;
    let mut tokens = tokens.to_vec();
    tokens.sort_by_key(|token| (token.state, token.expires_at().unwrap_or(Timestamp::MAX)));
    let name = |token: &Token| format!("{}/{}", token.id.stack, token.id.name);
    let wide = tokens.iter().map(|token| name(token).width()).max().unwrap_or(0).clamp(12, 48);
    let head = format!(
        "  {:<10}  {:<wide$}  {:<12} {:>7}  {:<4}  SERVICE",
        "STATE", "TOKEN", "EXPIRES", "BUFFER", "AUTO"
    );
    let mut lines = vec![look.paint(Some(Ink::Faint), &head)];
    for token in tokens {
        let ink = ink(token.state);
        let mark = if look.ascii { token.state.ascii_mark() } else { token.state.mark() };
        let end = match (token.expires_at(), &token.reading) {
            (Some(end), _) => countdown(end, now),
            (None, Some(_)) => String::from("never"),
            (None, None) => String::from("-"),
        };
        let auto = match (token.rule.refresh.is_some(), token.auto_refresh) {
            (false, _) => "-",
            (true, false) => "off",
            (true, true) => "on",
        };
        let name = name(token);
        let pad = " ".repeat(wide.saturating_sub(name.width()));
        let line = format!(
            "{} {}  {name}{pad}  {end:<12} {:>7}  {auto:<4}  {}",
            look.paint(ink, mark),
            look.paint(ink, &format!("{:<10}", token.state.word())),
            duration_words(token.buffer().as_secs()),
            token.rule.service.as_deref().unwrap_or("-"),
        );
        lines.push(line.trim_end().to_owned());
        if let Some(reason) = token.reason() {
            let stale = if token.is_stale() { "stale: " } else { "" };
            lines.push(format!("    {}", look.paint(ink, &format!("{stale}{reason}"))));
        } else if let Some(last) = token.last_refresh() {
            let words = format!("refreshed {} ago by {}: {}", age(last.at, now), last.by.word(), last.detail);
            lines.push(format!("    {}", look.paint(Some(Ink::Faint), &words)));
        }
    }
    lines
}

fn ink(state: TokenState) -> Option<Ink> {
    match state {
        TokenState::Expiring => Some(Ink::Yellow),
        state => Ink::of_state(state.weight()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::cli::check::{Level, problems};
    use crate::cli::json::in_order;
    use crate::cli::output::Look;
    use crate::cli::sample::{Written, container, now, state};
    use crate::event::Event;
    use crate::model::stack_file::StackFile;
    use crate::model::tokens::{
        Buffer, TokenProblem, TokenRead, TokenReading, TokenReadings, TokenRefresh, TokenRule,
    };

    fn rule(name: &str, refreshes: bool) -> TokenRule {
        TokenRule {
            name: name.to_owned(),
            service: Some(Arc::from("api")),
            read: TokenRead::File(format!("/data/{name}.json")),
            expires: None,
            issued: None,
            value: None,
            each: None,
            label: None,
            buffer: Buffer::Fixed(Duration::from_mins(5)),
            refresh: refreshes.then_some(TokenRefresh::Restart),
            auto_refresh: refreshes,
            authorize: None,
        }
    }

    /// Rules, and seconds until each ends; `None`: it is missing.
    const TOKENS: [(&str, Option<i64>); 4] =
        [("utec", Some(5400)), ("cloud", Some(-190)), ("mail", Some(42)), ("weather", None)];

    fn reading(ends_in: i64) -> TokenReading {
        TokenReading {
            label: None,
            expires_at: Timestamp::from_second(now().as_second() + ends_in).ok(),
            issued_at: None,
            fingerprint: String::from("9f86d081"),
            buffer: None,
            facts: Vec::new(),
        }
    }

    fn with_tokens() -> State {
        let mut state = state();
        let tokens = TOKENS.iter().map(|(name, _)| rule(name, *name != "mail")).collect();
        let file = StackFile { tokens, ..StackFile::default() };
        let (stack, folder) = (Arc::<str>::from("shop"), PathBuf::from("/srv/shop"));
        state.apply(now(), Event::StackFileRead { stack: stack.clone(), folder, result: Ok(file) });
        for (name, ends_in) in TOKENS {
            let one = |ends_in| TokenReadings { tokens: vec![reading(ends_in)], clock_ahead: None };
            let gone = || TokenProblem::Missing(String::from("/data/weather.json is not there"));
            let result = ends_in.map(one).ok_or_else(gone);
            state.apply(now(), Event::TokensRead { stack: stack.clone(), rule: name.to_owned(), result });
        }
        state
    }

    #[test]
    fn the_table_has_a_line_for_each() {
        let state = with_tokens();
        let all: Vec<&Token> = state.tokens.iter().collect();
        let output = Written::default().output(Look::default(), 80);
        insta::assert_snapshot!(table(&all, now(), &output).join("\n"));
    }

    #[test]
    fn the_document_has_every_key_of_the_contract() {
        let state = with_tokens();
        let all: Vec<&Token> = state.tokens.iter().collect();
        insta::assert_snapshot!(serde_json::to_string_pretty(&json::tokens::tokens(&all, now())).unwrap());
    }

    #[test]
    fn a_token_that_is_over_is_critical_and_one_that_ends_soon_a_warning() {
        let mut state = with_tokens();
        let told = |state: &State| problems(state, &in_order(state.containers.stacks()), now());
        // Nothing lives on it: that it cannot be read is no news.
        assert!(!told(&state).iter().any(|problem| problem.what.contains("token weather")));
        state.apply(now(), Event::ContainerInspected(Box::new(container(9, "shop", "api"))));
        let found = told(&state);
        let of = |name: &str| found.iter().find(|problem| problem.what.contains(name)).unwrap();
        assert_eq!(of("token cloud").level, Level::Critical);
        assert_eq!(of("token cloud").hint, "stackdash tokens refresh shop/cloud");
        assert_eq!(of("token mail").level, Level::Warning);
        assert_eq!(of("token weather").what, "token weather missing: /data/weather.json is not there");
        assert!(!found.iter().any(|problem| problem.what.contains("token utec")));
    }

    #[test]
    fn a_slip_names_the_nearest_token() {
        let state = with_tokens();
        let all: Vec<&Token> = state.tokens.iter().collect();
        assert_eq!(&*find(&all, "shop/utec").unwrap().name, "utec");
        assert_eq!(&*find(&all, "utec").unwrap().name, "utec");
        let told = find(&all, "utek").unwrap_err().to_string();
        assert!(told.contains("did you mean \"utec\"?") && told.contains("shop/cloud"), "{told}");
    }
}
