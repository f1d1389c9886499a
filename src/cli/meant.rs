//! Which services and stacks a command without `-p` means: those of the present folder's stack first, as with
//! Compose itself.

use std::slice;
use std::sync::Arc;

use crate::cli::compose::read_files;
use crate::cli::exit::Failure;
use crate::cli::headless::{Headless, Measure};
use crate::cli::output::say;
use crate::cli::select;
use crate::cli::settings::Setup;
use crate::config::Config;
use crate::model::stacks::Target;
use crate::ports::Ports;
use crate::state::State;

/// Connects, and lets Compose read the files that were named: what was never created is known too.
pub async fn connect(setup: &Setup, ports: Ports, measure: Measure) -> Result<Headless, Failure> {
    let mut headless = Headless::connect(ports, &setup.config, measure).await?;
    read_named(&mut headless, setup).await?;
    Ok(headless)
}

/// Lets Compose read the files that were named, if any were.
pub async fn read_named(headless: &mut Headless, setup: &Setup) -> Result<(), Failure> {
    let (Some(files), false) = (&setup.files, setup.demo) else { return Ok(()) };
    let Err(failure) = read_files(headless, files.clone()).await else { return Ok(()) };
    if runs_all_the_same(headless.state(), setup.config.project.as_deref(), &failure) {
        Ok(())
    } else {
        Err(failure)
    }
}

/// Whether a stack is there to be seen although its files cannot be read; then that is told.
fn runs_all_the_same(state: &State, stack: Option<&str>, failure: &Failure) -> bool {
    let runs = stack.is_some_and(|name| state.containers.stack(name).is_some());
    if runs {
        say(failure.to_string().lines().next().unwrap_or_default());
    }
    runs
}

/// Returns the configuration with the stack that is meant where no service is named: that of `-p` or `-f`,
/// else that of this folder. Without a folder's stack as it is.
pub async fn narrowed(headless: &mut Headless, setup: &Setup) -> Result<Config, Failure> {
    let mut config = setup.config.clone();
    if config.project.is_none() {
        config.project = stack_here(headless, setup).await?.map(|name| name.to_string());
    }
    Ok(config)
}

/// Returns the configuration in which words are to be looked up: narrowed to this folder's stack where that
/// has a service of each bare name, else as it is.
pub async fn for_words(headless: &mut Headless, setup: &Setup, words: &[String]) -> Result<Config, Failure> {
    let bare = !words.is_empty() && words.iter().all(|word| !word.contains('/'));
    if bare
        && let Ok(here) = narrowed(headless, setup).await
        && select::services(headless.state(), &here, words).is_ok()
    {
        return Ok(here);
    }
    Ok(setup.config.clone())
}

/// Finds what words mean. A bare name means this folder's service if there is one; `stack/service` and
/// names of containers mean the same everywhere.
pub async fn services(
    headless: &mut Headless,
    setup: &Setup,
    words: &[String],
) -> Result<Vec<Target>, Failure> {
    let bare = words.iter().any(|word| !word.contains('/'));
    // Files that cannot be read are no reason to find nothing.
    let here = if bare { narrowed(headless, setup).await.ok() } else { None };
    let here = here.filter(|config| config.project != setup.config.project);
    let mut found = Vec::new();
    for word in words {
        let word = slice::from_ref(word);
        let own = here.as_ref().map(|config| select::services(headless.state(), config, word));
        let targets = match own {
            Some(Ok(targets)) => targets,
            _ => headless.services(&setup.config, word).await?,
        };
        found.extend(targets);
    }
    let mut once = Vec::new();
    for target in found {
        if !once.contains(&target) {
            once.push(target);
        }
    }
    Ok(once)
}

/// Returns the name of the present folder's stack; the files are read, so that services are known that were
/// never created.
async fn stack_here(headless: &mut Headless, setup: &Setup) -> Result<Option<Arc<str>>, Failure> {
    if setup.demo {
        return Ok(None);
    }
    let Some(found) = setup.found_here()? else { return Ok(None) };
    match (read_files(headless, found.project).await, found.name) {
        (Ok(name), _) => Ok(Some(name)),
        // Without Compose, or with files that it refuses, what runs is there all the same.
        (Err(failure), Some(name)) if runs_all_the_same(headless.state(), Some(&name), &failure) => {
            Ok(Some(Arc::from(name)))
        }
        (Err(failure), _) => Err(failure),
    }
}
