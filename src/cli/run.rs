//! `run`: a custom action of a stack without the dashboard. Its outputs are ours, our own words go to standard
//! error, and its exit code is ours. What Compose prints, it prints on one of the two: all of it is output.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, timeout_at};

use crate::cli::args::{DocumentFormat, RunArguments};
use crate::cli::compose::{asked, can_ask, read_files};
use crate::cli::exit::{self, Failure};
use crate::cli::headless::{Headless, Measure};
use crate::cli::lifecycle::check_may_change;
use crate::cli::meant;
use crate::cli::output::{Output, say};
use crate::cli::select;
use crate::cli::settings::Setup;
use crate::command::Command;
use crate::config::nearest::did_you_mean;
use crate::model::jobs::{JobId, JobOutcome};
use crate::model::runs::RunOrder;
use crate::model::stack_file::{ActionRun, Choices, CustomAction, Question};
use crate::state::State;
use crate::state::jobs::runs;

/// The longest wait for the stacks' own files.
const FILES: Duration = Duration::from_secs(5);
/// Choices listed in an error at most.
const LISTED: usize = 20;

pub async fn run(setup: &Setup, arguments: RunArguments, output: &mut Output) -> Result<u8, Failure> {
    if arguments.action.is_some() {
        check_may_change(setup, "run")?;
        if arguments.format == DocumentFormat::Json {
            return Err(Failure::usage("--format belongs to the list of actions")
                .next_step("Leave out the action's name to list all"));
        }
    }
    let mut headless = meant::connect(setup, setup.ports_that_act()?, Measure::Nothing).await?;
    let all = actions(&mut headless, setup).await?;
    let Some(name) = &arguments.action else {
        list(&all, arguments.format, output)?;
        return Ok(exit::OK);
    };
    let (stack, action) = find(&all, name)?;
    let answers = answers(&headless, &stack, &action, &arguments.answers).await?;
    let state = headless.state();
    let order = runs::order(&state.containers, &stack, &action, &answers).map_err(Failure::failed)?;
    let call = runs::call(&state.containers, &order).map_err(Failure::failed)?;
    if action.confirm && !arguments.yes {
        say(format!("$ {}", call.command));
        if !can_ask() {
            return Err(Failure::usage(format!("{name} asks first, and there is no terminal to ask on"))
                .next_step(format!("To do it unasked: stackdash run {name} --yes")));
        }
        if !asked(false)? {
            say("Nothing was run");
            return Ok(exit::OK);
        }
    }
    let code = carry_out(&mut headless, order, output).await;
    headless.supervisor.close().await;
    code
}

/// Returns every action of the stacks that are meant: that of -p, that of this folder, else all.
async fn actions(headless: &mut Headless, setup: &Setup) -> Result<Vec<(Arc<str>, CustomAction)>, Failure> {
    let mut only = setup.config.project.clone();
    if only.is_none()
        && let Some(files) = setup.files_here()?
        && files.folder.join("stackdash.toml").exists()
    {
        only = Some(read_files(headless, files).await?.to_string());
    }
    let end = Instant::now() + FILES;
    while headless.state().stack_files.is_reading() {
        if timeout_at(end, headless.supervisor.next()).await.is_err() {
            break;
        }
    }
    let state = headless.state();
    if let Some(name) = &only {
        let config = crate::config::Config { project: only.clone(), ..setup.config.clone() };
        select::stacks(state, &config)?;
        if let Some(fault) = state.stack_files.fault(name) {
            return Err(Failure::usage(fault));
        }
    }
    let files = state.stack_files.iter().filter(|(stack, _)| only.as_deref().is_none_or(|o| *o == ***stack));
    Ok(files
        .flat_map(|(stack, file)| file.actions.iter().map(|action| (stack.clone(), action.clone())))
        .collect())
}

fn find(all: &[(Arc<str>, CustomAction)], wanted: &str) -> Result<(Arc<str>, CustomAction), Failure> {
    let found: Vec<_> = all.iter().filter(|(_, action)| action.name == wanted).collect();
    match &*found {
        [one] => Ok((*one).clone()),
        [] if all.is_empty() => Err(Failure::usage(format!("there is no action {wanted:?}: none is known"))
            .next_step(
                "Actions are [[action]] in a stackdash.toml beside the compose files, on this machine",
            )),
        [] => {
            let names: Vec<&str> = all.iter().map(|(_, action)| action.name.as_str()).collect();
            let hint = did_you_mean(wanted, names.iter().copied());
            Err(Failure::usage(format!("there is no action {wanted:?}{hint}"))
                .next_step(format!("Known actions: {}", names.join(", "))))
        }
        several => {
            let stacks: Vec<&str> = several.iter().map(|(stack, _)| &**stack).collect();
            Err(Failure::usage(format!("several stacks have an action {wanted:?}: {}", stacks.join(", ")))
                .next_step("Say which: -p NAME"))
        }
    }
}

/// Brings the answers of the command line into the order of the questions.
async fn answers(
    headless: &Headless,
    stack: &Arc<str>,
    action: &CustomAction,
    words: &[String],
) -> Result<Vec<(String, String)>, Failure> {
    let known: Vec<&str> = action.ask.iter().map(|question| question.name.as_str()).collect();
    let mut given: Vec<(&str, &str)> = Vec::new();
    for word in words {
        let Some((name, answer)) = word.split_once('=') else {
            return Err(Failure::usage(format!("{word:?} is no answer: write NAME=VALUE")));
        };
        if !known.contains(&name) {
            let hint = did_you_mean(name, known.iter().copied());
            let all = if known.is_empty() { String::from("none") } else { known.join(", ") };
            return Err(Failure::usage(format!("{} asks for no {name:?}{hint}", action.name))
                .next_step(format!("It asks for: {all}")));
        }
        if given.iter().any(|(other, _)| *other == name) {
            return Err(Failure::usage(format!("{name} is answered twice")));
        }
        given.push((name, answer));
    }
    let mut answers = Vec::new();
    for question in &action.ask {
        let choices = choices(headless, stack, action, question).await?;
        let known = choices.as_ref().map(|all| {
            let shown = all.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = all.len().saturating_sub(LISTED);
            if more > 0 { format!("{shown} and {more} more") } else { shown }
        });
        let name = &question.name;
        let answer = given.iter().find(|(other, _)| other == name).map(|(_, answer)| *answer);
        let Some(answer) = answer.filter(|answer| !answer.is_empty()) else {
            let next = format!("stackdash run {} {name}=…", action.name);
            return Err(Failure::usage(format!("{} asks for {name}", action.name))
                .next_step(known.map_or(next.clone(), |known| format!("{next}; known: {known}"))));
        };
        if let Some(all) = &choices
            && !all.iter().any(|choice| choice == answer)
        {
            let hint = did_you_mean(answer, all.iter().map(String::as_str));
            return Err(Failure::usage(format!("{name}: {answer:?} is none of its choices{hint}"))
                .next_step(format!("Known: {}", known.unwrap_or_default())));
        }
        answers.push((name.clone(), answer.to_owned()));
    }
    Ok(answers)
}

/// Returns what may be answered; `None`: anything.
async fn choices(
    headless: &Headless,
    stack: &Arc<str>,
    action: &CustomAction,
    question: &Question,
) -> Result<Option<Vec<String>>, Failure> {
    let order = match &question.choices {
        Choices::Free => return Ok(None),
        Choices::List(all) => return Ok(Some(all.clone())),
        Choices::Exec(_) => runs::choices(&headless.state().containers, stack, action, &question.choices),
    };
    let Some(order) = order else { return Ok(None) };
    let failed = |why| Failure::failed(format!("cannot read the choices of {}: {why}", question.name));
    let order = order.map_err(failed)?;
    let lines =
        crate::supervisor::runs::choices(headless.ports.engine.clone(), &order).await.map_err(failed)?;
    let usable = lines.into_iter().filter(|line| line.is_whole && !line.is_error && !line.text.is_empty());
    Ok(Some(usable.map(|line| line.text).collect()))
}

async fn carry_out(headless: &mut Headless, order: RunOrder, output: &mut Output) -> Result<u8, Failure> {
    let cannot = |error: std::io::Error| Failure::failed(format!("cannot listen for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    headless.supervisor.listen();
    headless.supervisor.submit(Command::Run(order));
    let Some(job) = headless.state().jobs.running().next().map(|job| (job.id, job.command.clone())) else {
        let why = headless.state().jobs.notices().back().map(|notice| notice.text.clone());
        return Err(Failure::failed(why.unwrap_or_else(|| String::from("nothing was run"))));
    };
    let (job, command) = job;
    say(format!("$ {command}"));
    let mut ended_by = None;
    let mut broken = None;
    while headless.state().jobs.running().any(|running| running.id == job) {
        tokio::select! {
            biased;
            _ = interrupt.recv() => ended_by = Some(130),
            _ = terminate.recv() => ended_by = Some(143),
            () = headless.supervisor.next() => {}
        }
        if ended_by.is_some() {
            headless.supervisor.submit(Command::Cancel(job));
        }
        if let Err(error) = print(headless, output)
            && broken.is_none()
        {
            // Whoever read it is gone; what runs inside ends with us.
            headless.supervisor.submit(Command::Cancel(job));
            broken = Some(error);
        }
    }
    if let Some(error) = broken {
        return Err(error.into());
    }
    print(headless, output)?;
    if let Some(notice) = headless.state().jobs.notices().back() {
        say(&notice.text);
    }
    Ok(ended_by.unwrap_or_else(|| code_of(headless.state(), job)))
}

fn print(headless: &mut Headless, output: &mut Output) -> std::io::Result<()> {
    for line in headless.supervisor.take_heard() {
        if line.is_error {
            // What was printed before it is to be read before it.
            output.flush()?;
            say(line.text);
        } else {
            output.line(line.text)?;
        }
    }
    output.flush()
}

fn code_of(state: &State, job: JobId) -> u8 {
    let ended = state.jobs.output_of(job).and_then(|output| output.ended.as_ref());
    match ended.map(|(_, outcome)| outcome) {
        Some(JobOutcome::Succeeded) => exit::OK,
        Some(JobOutcome::Exited { code, .. }) => u8::try_from(*code).unwrap_or(exit::FAILED),
        Some(JobOutcome::TimedOut(_)) => exit::TIMED_OUT,
        Some(JobOutcome::Failed(_) | JobOutcome::Cancelled) | None => exit::FAILED,
    }
}

#[derive(Serialize)]
struct Document<'a> {
    actions: Vec<ActionLine<'a>>,
}

#[derive(Serialize)]
struct ActionLine<'a> {
    stack: &'a str,
    name: &'a str,
    run: &'static str,
    service: Option<&'a str>,
    arguments: Vec<String>,
    ask: Vec<QuestionLine<'a>>,
    confirm: bool,
    timeout_ms: Option<u64>,
}

#[derive(Serialize)]
struct QuestionLine<'a> {
    name: &'a str,
    /// `free`, `list` or `exec`.
    kind: &'static str,
    /// Of a list.
    choices: Option<&'a [String]>,
}

fn list(
    all: &[(Arc<str>, CustomAction)],
    format: DocumentFormat,
    output: &mut Output,
) -> Result<(), Failure> {
    if format == DocumentFormat::Json {
        let actions = all.iter().map(|(stack, action)| line_of(stack, action)).collect();
        output.document(&Document { actions })?;
        return Ok(());
    }
    if all.is_empty() {
        say(
            "No actions: [[action]] in a stackdash.toml beside the compose files, on this machine, makes some",
        );
    }
    let wide = |text: fn(&(Arc<str>, CustomAction)) -> usize| all.iter().map(text).max().unwrap_or(0);
    let (stacks, names) = (wide(|(stack, _)| stack.len()), wide(|(_, action)| action.name.len()));
    for (stack, action) in all {
        let place = match &action.run {
            ActionRun::Exec { service, .. } => format!("in {service}"),
            ActionRun::Compose(_) => String::from("by Compose"),
        };
        let asks: Vec<String> = action.ask.iter().map(|question| format!("{}=…", question.name)).collect();
        let line = format!("{stack:stacks$}  {:names$}  {place}  {}", action.name, asks.join(" "));
        output.line(line.trim_end())?;
    }
    Ok(())
}

fn line_of<'a>(stack: &'a str, action: &'a CustomAction) -> ActionLine<'a> {
    let (run, service, arguments) = match &action.run {
        ActionRun::Exec { service, arguments, .. } => ("exec", Some(&**service), arguments),
        ActionRun::Compose(arguments) => ("compose", None, arguments),
    };
    let ask = action.ask.iter().map(|question| match &question.choices {
        Choices::Free => QuestionLine { name: &question.name, kind: "free", choices: None },
        Choices::List(all) => QuestionLine { name: &question.name, kind: "list", choices: Some(all) },
        Choices::Exec(_) => QuestionLine { name: &question.name, kind: "exec", choices: None },
    });
    ActionLine {
        stack,
        name: &action.name,
        run,
        service,
        arguments: crate::model::redact::command(arguments),
        ask: ask.collect(),
        confirm: action.confirm,
        timeout_ms: action.timeout.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
    }
}
