//! From the command line, the environment and the file to what holds, and to the ports that follow.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::adapters;
use crate::adapters::compose::ComposeCli;
use crate::cli::args::GlobalArguments;
use crate::cli::exit::Failure;
use crate::cli::project::{self, Choice, Found};
use crate::config::file::{self, FileConfig};
use crate::config::merge::{Flags, merge, switch};
use crate::config::nearest::did_you_mean;
use crate::config::{Config, KeyChoice};
use crate::model::compose::ComposeProject;
use crate::ports::{Clock, Compose as _, ComposeError, Ports};
use crate::tui::action::{ACTIONS, Action, KeyContext};
use crate::tui::keymap::{Keymap, Preset};
use crate::tui::theme;

/// What a command works with.
pub struct Setup {
    pub config: Config,
    /// The compose files of the command line.
    pub files: Option<ComposeProject>,
    /// What else it says of files.
    pub choice: Choice,
    /// Whether the embedded engine takes the place of a real one.
    pub demo: bool,
}

impl Setup {
    /// Plugs in the engine that was chosen, for a command that looks once and keeps nothing.
    pub fn ports(&self) -> Result<Ports, Failure> {
        Ok(Ports { linter: None, ..self.ports_with_linter()? })
    }

    /// Plugs in the engine that was chosen, for a command that looks once and judges configurations.
    pub fn ports_with_linter(&self) -> Result<Ports, Failure> {
        Ok(Ports { history: None, files: None, trees: None, ..self.ports_with_history()? })
    }

    /// Plugs in the engine that was chosen, for a command that acts: the timeline keeps what it did.
    pub fn ports_that_act(&self) -> Result<Ports, Failure> {
        Ok(Ports { linter: None, files: None, trees: None, ..self.ports_with_history()? })
    }

    /// Asks Compose for the name of the stack whose files were named, where only it can tell.
    pub async fn find_name(&mut self) -> Result<(), Failure> {
        let Some(files) = self.files.as_ref().filter(|_| self.config.project.is_none() && !self.demo) else {
            return Ok(());
        };
        let endpoint = self.config.endpoint.clone();
        let definition = ComposeCli::new(endpoint.host, endpoint.context).definition(files).await;
        let name = definition.map_err(|error| match error {
            ComposeError::Missing => {
                Failure::usage(error.to_string()).next_step("Or say the stack's name yourself: -p NAME")
            }
            error => project::refused(files, &error),
        })?;
        self.config.project = Some(name.name.to_string());
        Ok(())
    }

    /// Finds the stack of the present folder with what the command line chose for it; its name where
    /// one was given. None: there is none, and nothing was chosen that needs one.
    pub fn files_here(&self) -> Result<Option<ComposeProject>, Failure> {
        Ok(self.found_here()?.map(|found| found.project))
    }

    /// As [`Setup::files_here`], with the stack's name as far as it is known without Compose.
    pub fn found_here(&self) -> Result<Option<Found>, Failure> {
        match project::here(&self.choice, &|name| std::env::var(name).ok()) {
            Ok(found) => {
                let project = ComposeProject { name: self.config.project.clone(), ..found.project };
                Ok(Some(Found { name: found.name, project }))
            }
            // A stack that was named has files elsewhere.
            Err(_) if self.choice.is_empty() || self.config.project.is_some() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Plugs in the engine that was chosen, and what is kept of its timeline.
    pub fn ports_with_history(&self) -> Result<Ports, Failure> {
        if self.demo {
            demo_ports()
        } else {
            adapters::live(&self.config).map_err(|error| Failure::unreachable("", &error))
        }
    }
}

/// Plugs in the embedded engine.
pub fn demo_ports() -> Result<Ports, Failure> {
    Ok(adapters::demo(Clock::Wall)?)
}

/// Reads everything that was chosen; `path` is the compose file or folder of the command line.
pub fn load(arguments: GlobalArguments, path: Option<&Path>) -> Result<Setup, Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let file = read_file(arguments.config.as_deref(), &environment)?;
    let theme_place = (arguments.theme.is_none() && file.theme.is_some()).then(|| file.theme_place.clone());
    let choice = Choice {
        files: arguments.files,
        env_files: arguments.env_files,
        profiles: arguments.profiles,
        variant: arguments.variant,
    };
    let flags = Flags {
        host: arguments.host,
        context: arguments.context,
        project: arguments.project,
        theme: arguments.theme,
        read_only: arguments.read_only,
        ascii: arguments.ascii,
        no_color: arguments.no_color,
        slow_link: arguments.slow_link,
        no_history: arguments.no_history,
        log_file: arguments.log_file,
        verbosity: arguments.verbose,
    };
    let mut config = merge(flags, &environment, file).map_err(Failure::usage)?;
    check_theme(&config.theme, theme_place.as_deref())?;
    let env = |name: &str| environment(name).filter(|value| !value.is_empty());
    let from_environment = switch("STACKDASH_DEMO", &env).map_err(Failure::usage)?.unwrap_or_default();
    let demo = arguments.on_demo_engine || from_environment;
    let found = project::named(path, &choice, &environment)?;
    // A variant is one of a stack's: without another word, of the stack of this folder.
    let found = match found {
        None if choice.variant.is_some() && config.project.is_none() && !demo => {
            Some(project::here(&choice, &environment)?)
        }
        found => found,
    };
    let files = found.map(|found| {
        // A name on the command line is nearer than the one in the file; without it Compose finds the
        // name, and the stack is shown although nothing of it was created yet.
        let name = config.project.clone();
        config.project = config.project.take().or(found.name);
        ComposeProject { name, ..found.project }
    });
    Ok(Setup { config, files, choice, demo })
}

fn read_file(
    named: Option<&Path>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<FileConfig, Failure> {
    let named = named
        .map(Path::to_owned)
        .or_else(|| environment("STACKDASH_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from));
    let wanted = named.is_some();
    let Some(path) = named.or_else(usual_path) else { return Ok(FileConfig::default()) };
    let name = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !wanted => {
            return Ok(FileConfig::default());
        }
        Err(error) => return Err(Failure::usage(format!("cannot read the configuration {name}: {error}"))),
    };
    let file = parse(&name, &text).map_err(|faults| {
        Failure::usage(format!("cannot use the configuration:\n{faults}"))
            .next_step("Correct the file, or start without it: --config /dev/null")
    })?;
    Ok(file)
}

/// Reads the text of a configuration file and checks that the face knows its names.
pub fn parse(name: &str, text: &str) -> Result<FileConfig, String> {
    let file = file::parse(name, text).map_err(|faults| faults.to_string())?;
    let mut faults: Vec<String> = file.keys.iter().filter_map(fault_of_key).collect();
    let preset = file.key_preset.as_deref().and_then(Preset::by_name);
    if let Some(unknown) = file.key_preset.as_deref().filter(|_| preset.is_none()) {
        let known: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name).collect();
        let hint = did_you_mean(unknown, known.iter().copied());
        let place = &file.key_preset_place;
        faults.push(format!("{place}: unknown preset {unknown:?}{hint} (known: {})", known.join(", ")));
    }
    // What the names mean is known now; what the keys mean, and which are wanted twice, the face knows.
    if faults.is_empty()
        && let Err(told) = Keymap::with_preset(preset, &file.keys)
    {
        faults = told;
    }
    if faults.is_empty() { Ok(file) } else { Err(faults.join("\n")) }
}

/// `$XDG_CONFIG_HOME/stackdash/config.toml`.
fn usual_path() -> Option<PathBuf> {
    let folders = etcetera::base_strategy::Xdg::new().ok()?;
    Some(folders.config_dir().join("stackdash").join("config.toml"))
}

fn fault_of_key(choice: &KeyChoice) -> Option<String> {
    let KeyChoice { context, action, place, .. } = choice;
    let contexts = KeyContext::ALL.map(KeyContext::name);
    if let Some(context) = context
        && !contexts.contains(&&**context)
    {
        let hint = did_you_mean(context, contexts);
        let known = contexts.join(", ");
        return Some(format!("{place}: unknown context [keys.{context}]{hint} (known: {known})"));
    }
    let Some(found) = Action::by_name(action) else {
        let hint = did_you_mean(action, ACTIONS.iter().map(|info| info.name));
        return Some(format!("{place}: unknown action {action:?}{hint} (the help, key ?, lists them)"));
    };
    let meant = found.info().contexts;
    let context = context.as_deref()?;
    if meant.iter().any(|known| known.name() == context) {
        return None;
    }
    let belongs: Vec<&str> = meant.iter().map(|known| known.name()).collect();
    Some(format!(
        "{place}: {action} has no meaning in [keys.{context}]; it belongs to {}",
        belongs.join(", ")
    ))
}

fn check_theme(name: &str, place: Option<&str>) -> Result<(), Failure> {
    let names = theme::names();
    if names.iter().any(|known| *known == name) {
        return Ok(());
    }
    let hint = did_you_mean(name, names.iter().map(|known| &**known));
    let place = place.map_or_else(String::new, |place| format!("{place}: "));
    let known: Vec<&str> = names.iter().map(|known| &**known).collect();
    Err(Failure::usage(format!("{place}unknown theme {name:?}{hint} (known: {})", known.join(", "))))
}
