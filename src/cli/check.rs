//! `check`: is anything wrong? For monitoring: the exit code is the answer, each problem a line.

use jiff::{SignedDuration, Timestamp};

use crate::cli::args::{DocumentFormat, FormatArguments};
use crate::cli::exit::Failure;
use crate::cli::headless::Measure;
use crate::cli::json::check::{CheckDocument, ProblemDocument};
use crate::cli::json::time;
use crate::cli::meant;
use crate::cli::output::{Ink, Output};
use crate::cli::select;
use crate::cli::settings::Setup;
use crate::model::containers::RunState;
use crate::model::findings::Finding;
use crate::model::stacks::{ExitCause, Reason, Service, ServiceState, Stack, age};
use crate::model::tokens::TokenState;
use crate::state::State;
use crate::state::tokens::Token;

/// A service without a health check of its own pace should be up after this long.
const STARTS_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// How bad it is; as monitoring systems count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl Level {
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the exit code that says it.
    pub fn code(self) -> u8 {
        self as u8
    }

    fn ink(self) -> Ink {
        match self {
            Self::Ok => Ink::Green,
            Self::Warning => Ink::Yellow,
            Self::Critical => Ink::Red,
            Self::Unknown => Ink::Magenta,
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub level: Level,
    pub stack: Option<String>,
    pub service: Option<String>,
    pub what: String,
    pub since: Option<Timestamp>,
    /// The command that helps on.
    pub hint: String,
}

pub async fn run(setup: &Setup, arguments: FormatArguments, output: &mut Output) -> Result<u8, Failure> {
    match look(setup).await {
        Ok((problems, now, all_well)) => answer(&problems, now, &all_well, arguments, output),
        Err(failure) => unknown(failure, arguments, output),
    }
}

/// Answers that nothing could be found out: monitoring reads it where it reads all other answers.
pub fn unknown(failure: Failure, arguments: FormatArguments, output: &mut Output) -> Result<u8, Failure> {
    let Failure::Told { what, next_step, .. } = failure else { return Err(failure) };
    let what = what.replace('\n', " ");
    let problem =
        Problem { level: Level::Unknown, stack: None, service: None, what, since: None, hint: next_step };
    answer(&[problem], Timestamp::UNIX_EPOCH, "", arguments, output)
}

fn answer(
    problems: &[Problem],
    now: Timestamp,
    all_well: &str,
    arguments: FormatArguments,
    output: &mut Output,
) -> Result<u8, Failure> {
    let level = problems.iter().map(|problem| problem.level).max().unwrap_or(Level::Ok);
    match arguments.format {
        DocumentFormat::Json => output.document(&document(level, problems))?,
        DocumentFormat::Table if problems.is_empty() => {
            let word = output.look.paint(Some(level.ink()), level.word());
            output.line(format!("{word}: {all_well}"))?;
        }
        DocumentFormat::Table => {
            for problem in problems {
                let word = output.look.paint(Some(problem.level.ink()), problem.level.word());
                output.line(format!("{word}: {}", sentence(problem, now)))?;
            }
        }
    }
    Ok(level.code())
}

async fn look(setup: &Setup) -> Result<(Vec<Problem>, Timestamp, String), Failure> {
    // One reading: control groups know of processes that were killed for memory.
    let mut headless = meant::connect(setup, setup.ports()?, Measure::Once).await?;
    headless.definitions().await;
    headless.figures(Measure::Once).await;
    headless.tokens().await;
    headless.probes().await;
    let now = headless.supervisor.now();
    let state = headless.state();
    let stacks = select::stacks(state, &setup.config)?;
    if let Some(name) = &setup.config.project
        && stacks.iter().flat_map(|stack| &stack.services).all(|service| service.containers.is_empty())
    {
        // Nothing can be wrong with what is not there, and that is not what was asked.
        return Err(Failure::usage(format!("nothing of {name} is on {}", state.connection.host))
            .next_step("bring it up: stackdash up, with the same files"));
    }
    let services: usize = stacks.iter().map(|stack| stack.services.len()).sum();
    let (services, stacks_in_all) = (counted(services, "service"), counted(stacks.len(), "stack"));
    let all_well = format!("{services} in {stacks_in_all}, nothing is wrong");
    Ok((problems(state, &stacks, now), now, all_well))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Makes the JSON document.
pub fn document(level: Level, problems: &[Problem]) -> CheckDocument<'_> {
    CheckDocument {
        status: level.word(),
        problems: problems
            .iter()
            .map(|problem| ProblemDocument {
                severity: problem.level.word(),
                stack: problem.stack.as_deref(),
                service: problem.service.as_deref(),
                what: &problem.what,
                since: problem.since.map(time),
                hint: &problem.hint,
            })
            .collect(),
    }
}

fn sentence(problem: &Problem, now: Timestamp) -> String {
    let name = match (&problem.stack, &problem.service) {
        (Some(stack), Some(service)) => format!("{} ", select::full_name(stack, service)),
        (Some(stack), None) => format!("{stack} "),
        _ => String::new(),
    };
    let since = problem.since.map_or_else(String::new, |at| format!(" for {}", age(at, now)));
    let hint = if problem.hint.is_empty() { String::new() } else { format!(" ({})", problem.hint) };
    let (state, why) = problem.what.split_once(": ").unwrap_or((&problem.what, ""));
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    format!("{name}{state}{since}{why}{hint}")
}

/// Finds what is wrong, worst first.
pub fn problems(state: &State, stacks: &[&Stack], now: Timestamp) -> Vec<Problem> {
    let mut found: Vec<Problem> = Vec::new();
    for stack in stacks {
        for service in &stack.services {
            let Some(level) = level_of(state, stack, service, now) else { continue };
            let verdict = &service.verdict;
            let why = verdict.reason.describe(now);
            let word = verdict.state.word();
            found.push(Problem {
                level,
                stack: Some(stack.name.to_string()),
                service: Some(service.name.to_string()),
                what: if why.is_empty() { word.to_owned() } else { format!("{word}: {why}") },
                since: verdict.since,
                hint: hint(state, stack, service),
            });
        }
    }
    let tokens = state.tokens.iter().filter(|token| stacks.iter().any(|stack| stack.name == token.id.stack));
    // One that was not read in time is told; one that nothing lives on now is not.
    let tokens = tokens.filter(|token| token.is_unread() || token.is_worry(&state.containers));
    found.extend(tokens.filter_map(of_token));
    for stack in stacks {
        found.extend(stack.services.iter().filter_map(|service| of_probes(state, stack, service)));
        found.extend(select::faults(state, &stack.name).map(|fault| of_rules(stack, fault)));
        found.extend(state.budgets.of(&stack.name).iter().map(|finding| of_budget(stack, finding)));
    }
    found.sort_by(|a, b| (b.level, b.since).cmp(&(a.level, a.since)).then_with(|| a.service.cmp(&b.service)));
    found
}

/// Returns what is wrong with a token.
fn of_token(token: &Token) -> Option<Problem> {
    let level = match token.state {
        TokenState::Valid | TokenState::Refreshing => return None,
        // A source that does not answer in time is no proof of anything.
        _ if token.is_unread() => Level::Warning,
        TokenState::Expiring => Level::Warning,
        TokenState::Rejected | TokenState::Expired | TokenState::Missing | TokenState::Unreadable => {
            Level::Critical
        }
    };
    let name = &token.id.name;
    let what = match (token.is_unread(), token.reason()) {
        (true, _) => format!("token {name} not read yet: its source did not answer in time"),
        (false, Some(why)) => format!("token {name} {}: {why}", token.state.word()),
        (false, None) => format!("token {name} {}", token.state.word()),
    };
    let refreshes =
        token.rule.refresh.is_some() && matches!(token.state, TokenState::Expiring | TokenState::Expired);
    Some(Problem {
        level,
        stack: Some(token.id.stack.to_string()),
        service: token.rule.service.as_ref().map(ToString::to_string),
        what,
        // Of the others one look does not tell.
        since: matches!(token.state, TokenState::Expired | TokenState::Expiring).then_some(token.since),
        hint: if wants_a_person(token) {
            format!("stackdash tokens authorize {}/{name}", token.id.stack)
        } else if refreshes {
            format!("stackdash tokens refresh {}/{name}", token.id.stack)
        } else {
            String::from("stackdash tokens")
        },
    })
}

/// Whether only somebody with a browser can help: it was refused, or nothing but that was ever said of it.
fn wants_a_person(token: &Token) -> bool {
    let ends = matches!(token.state, TokenState::Expiring | TokenState::Expired);
    token.rule.authorize.is_some()
        && (token.state == TokenState::Rejected || ends && token.rule.refresh.is_none())
}

fn level_of(state: &State, stack: &Stack, service: &Service, now: Timestamp) -> Option<Level> {
    match service.verdict.state {
        ServiceState::Failed | ServiceState::Unhealthy | ServiceState::Restarting => Some(Level::Critical),
        ServiceState::Blocked => {
            Some(if blocked_for_good(stack, service, 0) { Level::Critical } else { Level::Warning })
        }
        ServiceState::Paused => Some(Level::Warning),
        ServiceState::Starting if takes_too_long(state, service, now) => Some(Level::Warning),
        ServiceState::Stopped if should_be_up(&service.verdict.reason) => Some(Level::Warning),
        ServiceState::Starting
        | ServiceState::Stopped
        | ServiceState::Completed
        | ServiceState::Running
        | ServiceState::Healthy
        | ServiceState::Absent => worth_a_word(&service.verdict.reason).then_some(Level::Warning),
    }
}

/// Whether what it waits for has failed, directly or further down.
fn blocked_for_good(stack: &Stack, service: &Service, depth: usize) -> bool {
    let Reason::WaitsFor { service: awaited, state, .. } = &service.verdict.reason else { return false };
    match state {
        ServiceState::Failed | ServiceState::Unhealthy | ServiceState::Restarting => true,
        // A cycle cannot be started by Compose, but labels may say anything.
        ServiceState::Blocked if depth < 32 => {
            stack.service(awaited).is_some_and(|awaited| blocked_for_good(stack, awaited, depth + 1))
        }
        _ => false,
    }
}

fn takes_too_long(state: &State, service: &Service, now: Timestamp) -> bool {
    service.containers.iter().filter_map(|id| state.containers.get(id)).any(|entry| {
        let container = &entry.container;
        let patience = container.health_settings.as_ref().map_or(STARTS_WITHIN, |check| {
            let checks = (check.interval + check.timeout).saturating_mul(check.retries + 1);
            SignedDuration::try_from(check.start_period + checks).unwrap_or(STARTS_WITHIN)
        });
        entry.verdict.state == ServiceState::Starting
            && container
                .started_at
                .is_some_and(|start| now.duration_since(start) > patience.max(STARTS_WITHIN))
    })
}

/// Whether nobody asked for the end of something that rests.
fn should_be_up(reason: &Reason) -> bool {
    match reason {
        Reason::Exited(exit) => matches!(exit.cause, ExitCause::OnItsOwn | ExitCause::Killed),
        Reason::NeverStarted => true,
        Reason::Replicas { worst, .. } => should_be_up(worst),
        _ => false,
    }
}

/// Something to know although it is up.
fn worth_a_word(reason: &Reason) -> bool {
    match reason {
        Reason::ChildOutOfMemory { .. } | Reason::Restarted { .. } => true,
        Reason::Replicas { worst, .. } => worth_a_word(worst),
        _ => false,
    }
}

fn hint(state: &State, stack: &Stack, service: &Service) -> String {
    let name = select::full_name(&stack.name, &service.name);
    match (&service.verdict.state, &service.verdict.reason) {
        (ServiceState::Blocked, Reason::WaitsFor { service: awaited, .. }) => {
            format!("stackdash logs {}", select::full_name(&stack.name, awaited))
        }
        (ServiceState::Stopped, _) => format!("stackdash start {name}"),
        (ServiceState::Paused, _) => {
            let paused = service.containers.iter().filter_map(|id| state.containers.get(id));
            let paused = paused.filter(|entry| entry.container.run == RunState::Paused);
            let names: Vec<&str> = paused.map(|entry| &*entry.container.name).collect();
            format!("docker unpause {}", names.join(" "))
        }
        _ => format!("stackdash logs {name}"),
    }
}

/// A probe that fails although the engine is content; what the engine says itself is told already.
fn of_probes(state: &State, stack: &Stack, service: &Service) -> Option<Problem> {
    let (probe, more) = state.probes.trouble_of(&stack.name, &service.name)?;
    if service.verdict.state.is_trouble() {
        return None;
    }
    let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
    let name = select::full_name(&stack.name, &service.name);
    Some(Problem {
        level: Level::Critical,
        stack: Some(stack.name.to_string()),
        service: Some(service.name.to_string()),
        what: format!("probe {} fails: {}{more}", probe.id.name, probe.describe(service.verdict.state)),
        since: Some(probe.since),
        hint: format!("stackdash logs {name}"),
    })
}

/// Rules that cannot be read watch over nothing, and that must not look like calm.
fn of_rules(stack: &Stack, fault: &str) -> Problem {
    Problem {
        level: Level::Warning,
        stack: Some(stack.name.to_string()),
        service: None,
        what: format!("rules cannot be used: {fault}"),
        since: None,
        hint: String::from("correct it: nothing of it is checked"),
    }
}

fn of_budget(stack: &Stack, finding: &Finding) -> Problem {
    Problem {
        level: Level::Warning,
        stack: Some(stack.name.to_string()),
        service: finding.service.as_deref().map(str::to_owned),
        what: format!("{}: {}", finding.rule, finding.message),
        since: None,
        hint: finding.fix.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::json::in_order;
    use crate::cli::sample::{container, id, now, state};
    use crate::event::{EngineInfo, Event};
    use crate::model::health::Health;

    fn found(state: &State) -> Vec<Problem> {
        problems(state, &in_order(state.containers.stacks()), now())
    }

    #[test]
    fn every_problem_is_one_line_worst_first() {
        let lines: Vec<String> = found(&state())
            .iter()
            .map(|problem| format!("{}: {}", problem.level.word(), sentence(problem, now())))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn the_document_has_every_key_of_the_contract() {
        let problems = found(&state());
        let value = serde_json::to_value(document(Level::Critical, &problems)).unwrap();
        assert_eq!(value["status"], "critical");
        let first = value["problems"][0].as_object().unwrap();
        for key in ["severity", "stack", "service", "what", "since", "hint"] {
            assert!(first.contains_key(key), "{key} is missing");
        }
        assert_eq!(first["severity"], "critical");
    }

    #[test]
    fn rules_that_cannot_be_read_are_a_warning_and_not_calm() {
        let fault = String::from("/srv/shop/stackdash.toml:3: unknown key \"raed\"");
        let mut state = State::new(now(), String::new(), false);
        state.apply(now(), Event::EngineConnected(EngineInfo::default()));
        state.apply(now(), Event::ContainersListed(vec![container(1, "shop", "api")]));
        assert!(found(&state).is_empty());
        let (stack, folder) = ("shop".into(), "/srv/shop".into());
        state.apply(now(), Event::StackFileRead { stack, folder, result: Err(fault) });
        let told: Vec<_> = found(&state).iter().map(|one| (one.level, sentence(one, now()))).collect();
        let words = "shop rules cannot be used: /srv/shop/stackdash.toml:3: unknown key \"raed\" \
            (correct it: nothing of it is checked)";
        assert_eq!(told, [(Level::Warning, words.to_owned())]);
    }

    #[test]
    fn what_only_starts_slowly_is_no_problem_yet() {
        let starting = |seconds: i64| {
            let mut slow = container(1, "shop", "api");
            slow.health = Health::Starting;
            slow.started_at = Some(now() - SignedDuration::from_secs(seconds));
            let mut state = State::new(now(), String::new(), false);
            state.apply(now(), Event::EngineConnected(EngineInfo::default()));
            state.apply(now(), Event::ContainersListed(vec![slow]));
            assert!(state.containers.get(&id(1)).is_some());
            found(&state).first().map(|problem| problem.level)
        };
        assert_eq!(starting(30), None);
        assert_eq!(starting(300), Some(Level::Warning));
    }
}
