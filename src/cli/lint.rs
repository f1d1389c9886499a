//! `lint`: the configuration's findings. Needs no engine; with one it knows images and ports as well.

use std::path::Path;
use std::sync::Arc;

use crate::cli::args::{DocumentFormat, LintArguments};
use crate::cli::exit::{self, Failure};
use crate::cli::headless::{Headless, Measure};
use crate::cli::json::lint::LintDocument;
use crate::cli::output::{Ink, Output, say};
use crate::cli::project::{self, Found};
use crate::cli::settings::Setup;
use crate::model::compose::ComposeProject;
use crate::model::findings::{Finding, FindingSeverity, Standing};
use crate::model::text::clean;
use crate::ports::{ComposeError, Linter, Ports};
use crate::state::findings::standing;

pub async fn run(setup: &Setup, arguments: LintArguments, output: &mut Output) -> Result<u8, Failure> {
    let ports = setup.ports_with_linter()?;
    let Some(linter) = ports.linter.clone() else {
        return Err(Failure::usage("the embedded engine judges no files"));
    };
    // What is wrong with the path itself needs no engine to be told.
    let found = found(setup, arguments.path.as_deref())?;
    let headless = connect(setup, ports).await;
    let (project, standing) = what_stands(headless.as_ref(), setup, found)?;
    let findings = findings(&*linter, &project, standing).await?;
    let stack = project.name.as_deref();
    match arguments.format.format {
        DocumentFormat::Json => output.document(&LintDocument::of(stack, &findings))?,
        DocumentFormat::Table => print(&findings, output)?,
    }
    let is_wrong = findings.iter().any(|finding| finding.severity == FindingSeverity::Error);
    Ok(if is_wrong { exit::FAILED } else { exit::OK })
}

/// Finds the files that are meant; none where only a stack was named that is there already.
fn found(setup: &Setup, path: Option<&Path>) -> Result<Option<Found>, Failure> {
    let named = &setup.config.project;
    let environment = |name: &str| std::env::var(name).ok();
    let here = path.is_none() && setup.files.is_none();
    let found = match &setup.files {
        Some(files) if path.is_none() => Ok(Found { name: named.clone(), project: files.clone() }),
        _ => project::find(path.unwrap_or(Path::new(".")), &setup.choice, &environment),
    };
    match found {
        Ok(found) => Ok(Some(Found {
            name: named.clone().or(found.name),
            project: ComposeProject { name: named.clone(), ..found.project },
        })),
        Err(_) if here && named.is_some() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Reaches the engine if it is there; the files are judged without it too.
async fn connect(setup: &Setup, ports: Ports) -> Option<Headless> {
    // The supervisor would judge every stack that runs.
    let ports = Ports { linter: None, ..ports };
    match Headless::connect(ports, &setup.config, Measure::Nothing).await {
        Ok(headless) => Some(headless),
        Err(failure) => {
            let words = failure.to_string();
            say(format!("images and ports are not looked at: {}", words.lines().next().unwrap_or_default()));
            None
        }
    }
}

/// Finds the project and what runs of it.
fn what_stands(
    headless: Option<&Headless>,
    setup: &Setup,
    found: Option<Found>,
) -> Result<(ComposeProject, Standing), Failure> {
    let state = headless.map(Headless::state);
    let (project, name) = match (found, &setup.config.project) {
        (Some(found), _) => (found.project, found.name),
        (None, named) => {
            let name = named.as_deref().unwrap_or_default();
            let known = state.and_then(|state| state.containers.project_of(name)).cloned();
            let known = known.ok_or_else(|| {
                Failure::usage(format!("the files of a stack {name:?} are not known"))
                    .next_step("Name its compose file or its folder: stackdash lint PATH")
            })?;
            (known, named.clone())
        }
    };
    let standing =
        state.map_or_else(Standing::default, |state| standing(state, name.as_deref().unwrap_or("")));
    Ok((project, standing))
}

async fn findings(
    linter: &dyn Linter,
    project: &ComposeProject,
    standing: Standing,
) -> Result<Vec<Finding>, Failure> {
    linter.findings(project, standing).await.map_err(|error| match error {
        ComposeError::Missing => Failure::usage(error.to_string()),
        ComposeError::Refused(words) | ComposeError::Failed(words) | ComposeError::Exited { words, .. } => {
            Failure::usage(words)
        }
    })
}

/// Prints a block for each finding: what, why, what to do.
fn print(findings: &[Finding], output: &mut Output) -> Result<(), Failure> {
    for finding in findings {
        let word = output.look.paint(Some(ink(finding.severity)), finding.severity.word());
        let rule = output.look.paint(Some(Ink::Faint), finding.rule);
        let about: Option<&Arc<str>> = finding.service.as_ref();
        let about = about.map_or_else(String::new, |service| format!("{service}: "));
        let place = finding.place();
        let place = if place.is_empty() { String::new() } else { format!("{}: ", clean(&place)) };
        output.line(format!("{place}{word}: {about}{} [{rule}]", finding.message))?;
        for (label, text) in [("why", &finding.why), ("fix", &finding.fix)] {
            if !text.is_empty() {
                output.line(format!("    {label}: {text}"))?;
            }
        }
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let words: Vec<String> = FindingSeverity::ALL
        .into_iter()
        .map(|severity| (count(severity), severity.word()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 || word == "info" { "" } else { "s" }))
        .collect();
    say(if words.is_empty() { String::from("nothing was found") } else { words.join(", ") });
    Ok(())
}

fn ink(severity: FindingSeverity) -> Ink {
    match severity {
        FindingSeverity::Error => Ink::Red,
        FindingSeverity::Warning => Ink::Yellow,
        FindingSeverity::Info => Ink::Faint,
    }
}
