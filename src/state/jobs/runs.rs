//! What a run is: which container, which project, which arguments, and what may not go on beside it.

use std::sync::Arc;

use crate::model::compose::ComposeProject;
use crate::model::containers::{ContainerId, RunState};
use crate::model::jobs::{JobOutcome, RunKind};
use crate::model::redact;
use crate::model::runs::{ExecEnd, ExecOrder, RunOrder, RunTitle, RunWay, fill, words};
use crate::model::stack_file::{ActionRun, Choices, CustomAction, StackFile};
use crate::model::stacks::{Target, signal_name};
use crate::state::containers::Containers;
use crate::state::jobs::profiles::profiles_on;

/// Verbs of Compose that leave the containers of the other services as they are.
const HARMLESS: [&str; 12] =
    ["run", "exec", "logs", "ps", "top", "cp", "images", "port", "events", "config", "version", "ls"];

/// A run, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunCall {
    pub how: RunHow,
    pub kind: RunKind,
    /// As one would type it, secrets masked.
    pub command: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunHow {
    Exec(ExecOrder),
    Compose { project: ComposeProject, arguments: Vec<String> },
}

/// Works a run out, or says why it can't begin.
pub fn call(containers: &Containers, order: &RunOrder) -> Result<RunCall, String> {
    match &order.way {
        RunWay::Exec(exec) => {
            let Some(entry) = containers.get(&exec.container) else {
                return Err(String::from("The container is gone"));
            };
            let container = &entry.container;
            if container.run != RunState::Running {
                let (name, state) = (&container.name, container.run.word());
                return Err(format!(
                    "{name} is {state}: a program needs a running container; start it first"
                ));
            }
            let command = command_line(&container.name, exec);
            Ok(RunCall { how: RunHow::Exec(exec.clone()), kind: RunKind::Beside, command })
        }
        RunWay::Compose { stack, arguments } => {
            let Some(project) = containers.project_of(stack) else {
                return Err(format!(
                    "{stack}: its compose files are not known here, so Compose can't act on it"
                ));
            };
            let mut project = project.clone();
            project.profiles = profiles_on(containers, stack);
            let command = project.command_line(&redact::command(arguments));
            let arguments = arguments.clone();
            let kind = kind_of(&arguments);
            Ok(RunCall { how: RunHow::Compose { project, arguments }, kind, command })
        }
    }
}

fn kind_of(arguments: &[String]) -> RunKind {
    match arguments.first() {
        Some(verb) if HARMLESS.contains(&verb.as_str()) => RunKind::Beside,
        _ => RunKind::Alone,
    }
}

fn command_line(name: &str, exec: &ExecOrder) -> String {
    let mut line = vec![String::from("docker"), String::from("exec")];
    for (flag, value) in [("-u", &exec.user), ("-w", &exec.folder)] {
        line.extend(value.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
    }
    line.push(name.to_owned());
    format!("{} {}", words(&line), words(&exec.arguments))
}

/// Makes the order for a line that was typed for a container.
pub fn typed(target: Target, container: ContainerId, arguments: Vec<String>) -> RunOrder {
    let program = arguments.first().map_or("", String::as_str);
    let name = words(&[program.rsplit('/').next().unwrap_or(program).to_owned()]);
    RunOrder {
        title: RunTitle { name: Arc::from(name), is_action: false },
        target,
        way: RunWay::Exec(ExecOrder { container, arguments, user: None, folder: None }),
        timeout: None,
    }
}

/// Makes the order for a custom action with its answers, or says what it lacks.
pub fn order(
    containers: &Containers,
    stack: &Arc<str>,
    action: &CustomAction,
    answers: &[(String, String)],
) -> Result<RunOrder, String> {
    let (target, way) = match &action.run {
        ActionRun::Exec { service, arguments, user, folder } => {
            let container = running(containers, stack, service)?;
            let arguments = fill(arguments, answers);
            let exec = ExecOrder { container, arguments, user: user.clone(), folder: folder.clone() };
            let target = Target::Service { stack: stack.clone(), service: service.clone() };
            (target, RunWay::Exec(exec))
        }
        ActionRun::Compose(arguments) => {
            let arguments = fill(arguments, answers);
            (Target::Stack(stack.clone()), RunWay::Compose { stack: stack.clone(), arguments })
        }
    };
    let title = RunTitle { name: Arc::from(action.name.as_str()), is_action: true };
    Ok(RunOrder { title, target, way, timeout: action.timeout })
}

/// Returns what prints the choices of a question, where a program does.
pub fn choices(
    containers: &Containers,
    stack: &Arc<str>,
    action: &CustomAction,
    choices: &Choices,
) -> Option<Result<ExecOrder, String>> {
    let Choices::Exec(arguments) = choices else { return None };
    let ActionRun::Exec { service, user, folder, .. } = &action.run else {
        return Some(Err(String::from("choices from a program need an action with a service")));
    };
    Some(running(containers, stack, service).map(|container| ExecOrder {
        container,
        arguments: arguments.clone(),
        user: user.clone(),
        folder: folder.clone(),
    }))
}

/// Returns the first running container of a service.
fn running(containers: &Containers, stack: &Arc<str>, service: &Arc<str>) -> Result<ContainerId, String> {
    let target = Target::Service { stack: stack.clone(), service: service.clone() };
    let ids = containers.of_target(&target);
    let runs =
        |id: &&ContainerId| containers.get(id).is_some_and(|entry| entry.container.run == RunState::Running);
    ids.iter().find(runs).cloned().ok_or_else(|| {
        let known = containers.stack(stack).is_some_and(|found| found.service(service).is_some());
        if known {
            format!("{stack}/{service} has no running container; start it first")
        } else {
            format!("{stack} has no service {service:?}; see its stackdash.toml")
        }
    })
}

/// Returns the actions that a target can have: of a service those that run in it and those of Compose.
pub fn offered<'a>(
    file: &'a StackFile,
    containers: &Containers,
    target: &Target,
) -> impl Iterator<Item = &'a CustomAction> {
    let selected = containers.service_of(target).filter(|_| !matches!(target, Target::Stack(_)));
    file.actions.iter().filter(move |action| match (&action.run, &selected) {
        (ActionRun::Exec { service, .. }, Some((_, wanted))) => service == wanted,
        _ => true,
    })
}

/// Says what came of a program that ended by itself.
pub fn outcome(end: ExecEnd) -> JobOutcome {
    match end {
        ExecEnd { exit_code: Some(0), .. } => JobOutcome::Succeeded,
        ExecEnd { exit_code: Some(code), refusal } => JobOutcome::Exited { code, words: refusal },
        ExecEnd { exit_code: None, refusal } if !refusal.is_empty() => JobOutcome::Failed(vec![refusal]),
        ExecEnd { .. } => JobOutcome::Failed(vec![String::from(
            "the connection broke; the program may still run in the container",
        )]),
    }
}

/// Says an exit code in words: `exit code 137 (SIGKILL)`.
pub fn code_words(code: i64) -> String {
    match (code, signal_name(code - 128)) {
        (0, _) => String::from("exit code 0"),
        (_, Some(signal)) => format!("exit code {code} ({signal})"),
        (126, None) => String::from("exit code 126 (cannot be run)"),
        (127, None) => String::from("exit code 127 (not found)"),
        _ => format!("exit code {code}"),
    }
}
