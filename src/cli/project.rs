//! Which stack a compose file or a folder means, by the rules of Compose.
//!
//! Only the name is wanted here: variable, `.env`, `name:` in the file, the folder's own name.

use std::path::{Path, PathBuf};

use crate::cli::args::Arguments;
use crate::cli::exit::Failure;
use crate::config::nearest::did_you_mean;
use crate::model::compose::ComposeProject;

/// Names of compose files, in the order that Compose looks for them.
const FILE_NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// The stack that a path means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub name: String,
    /// How Compose is told of it.
    pub project: ComposeProject,
}

/// Finds the stack at a path.
pub fn find(path: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Found, Failure> {
    if !path.exists() {
        return Err(not_there(path));
    }
    let in_folder = path.is_dir();
    let file = absolute(&if in_folder { file_in(path)? } else { path.to_owned() })?;
    let folder = file.parent().map(Path::to_owned).unwrap_or_default();
    let name = name_of(&file, &folder, environment)?;
    // In a folder Compose finds the files itself: there may be an override beside the first.
    let files = if in_folder { Vec::new() } else { vec![file] };
    Ok(Found { name, project: ComposeProject { files, folder, ..ComposeProject::default() } })
}

fn name_of(
    file: &Path,
    folder: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?;
    let variable = "COMPOSE_PROJECT_NAME";
    let from_environment = environment(variable).filter(|name| !name.is_empty());
    let from_env_file =
        || std::fs::read_to_string(folder.join(".env")).ok().and_then(|text| value_in(&text, variable));
    if let Some(name) = from_environment.or_else(from_env_file) {
        return Ok(name);
    }
    if let Some(name) = name_in(&text) {
        if name.contains('$') {
            let file = file.display();
            return Err(Failure::usage(format!("{file}: its name is made from a variable: {name}"))
                .next_step("Say the name yourself: -p NAME"));
        }
        return Ok(name);
    }
    let base = folder.file_name().map(|name| normalized(&name.to_string_lossy())).unwrap_or_default();
    if base.is_empty() {
        let folder = folder.display();
        return Err(Failure::usage(format!("{folder}: no stack name can be made from this folder's name"))
            .next_step("Say the name yourself: -p NAME"));
    }
    Ok(base)
}

fn file_in(folder: &Path) -> Result<PathBuf, Failure> {
    FILE_NAMES.into_iter().map(|name| folder.join(name)).find(|file| file.is_file()).ok_or_else(|| {
        Failure::usage(format!(
            "no compose file in {} (known names: {})",
            folder.display(),
            FILE_NAMES.join(", ")
        ))
        .next_step("Give the file itself, or leave the path out to see every stack")
    })
}

fn absolute(file: &Path) -> Result<PathBuf, Failure> {
    let unusable = |error| Failure::usage(format!("cannot find {}: {error}", file.display()));
    let absolute = std::path::absolute(file).map_err(unusable)?;
    // `..` has no name of its own; links keep theirs, as in Compose.
    let roundabout = absolute.components().any(|part| part == std::path::Component::ParentDir);
    if roundabout { absolute.canonicalize().map_err(unusable) } else { Ok(absolute) }
}

/// A word that is no path was probably meant as a command.
fn not_there(path: &Path) -> Failure {
    let name = path.display().to_string();
    let commands: Vec<String> = <Arguments as clap::CommandFactory>::command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    if name.contains(['/', '.', std::path::MAIN_SEPARATOR]) {
        return Failure::usage(format!("{name}: no such file or folder"))
            .next_step("Give a compose file or a folder with one, or nothing to see every stack");
    }
    let hint = did_you_mean(&name, commands.iter().map(|command| &**command));
    Failure::usage(format!("{name:?} is no command, and no file or folder of that name is here{hint}"))
        .next_step(format!("Commands: {}", commands.join(", ")))
}

/// Returns the value of the top-level `name:` of a compose file.
fn name_in(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let value = line.strip_prefix("name:")?;
        if !value.is_empty() && !value.starts_with([' ', '\t']) {
            return None;
        }
        let value = value.trim();
        let value = match value.chars().next()? {
            quote @ ('"' | '\'') => value[1..].split(quote).next()?,
            '#' => return None,
            _ => value.split(" #").next()?.trim(),
        };
        (!value.is_empty()).then(|| value.to_owned())
    })
}

/// Returns a variable of an `.env` file.
fn value_in(text: &str, variable: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.trim();
        let value = line.strip_prefix("export ").unwrap_or(line).strip_prefix(variable)?.trim_start();
        let value = value.strip_prefix('=')?.trim().trim_matches(['"', '\'']);
        (!value.is_empty()).then(|| value.to_owned())
    })
}

/// Makes a project name from a folder's name, as Compose does.
fn normalized(name: &str) -> String {
    let allowed: String = name
        .to_lowercase()
        .chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
        .collect();
    allowed.trim_start_matches(['-', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn named(path: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<String, Failure> {
        find(path, environment).map(|found| found.name)
    }

    fn stack_in(folder: &str, file: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join(folder);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(file), text).unwrap();
        (temp, folder)
    }

    #[test]
    fn the_name_in_the_file_beats_that_of_the_folder() {
        let (_temp, folder) = stack_in("Web Shop", "compose.yaml", "name: \"shop\" # ours\nservices: {}\n");
        assert_eq!(named(&folder, &nothing).unwrap(), "shop");
        assert_eq!(named(&folder.join("compose.yaml"), &nothing).unwrap(), "shop");
    }

    #[test]
    fn a_folder_gives_its_name_in_the_letters_that_compose_allows() {
        let (_temp, folder) =
            stack_in("_Web.Shop 2", "docker-compose.yml", "services:\n  name:\n    image: x\n");
        assert_eq!(named(&folder, &nothing).unwrap(), "webshop2");
        assert_eq!(named(&folder.join("../_Web.Shop 2"), &nothing).unwrap(), "webshop2");
    }

    #[test]
    fn a_variable_beats_the_env_file_and_that_beats_the_name() {
        let (_temp, folder) = stack_in("a", "compose.yml", "name: b\n");
        std::fs::write(folder.join(".env"), "# no\nCOMPOSE_PROJECT_NAME='c'\n").unwrap();
        assert_eq!(named(&folder, &nothing).unwrap(), "c");
        assert_eq!(named(&folder, &|_| Some(String::from("d"))).unwrap(), "d");
    }

    #[test]
    fn a_name_made_from_a_variable_is_asked_for() {
        let (_temp, folder) = stack_in("a", "compose.yml", "name: ${STAGE:-dev}-web\n");
        let error = named(&folder, &nothing).unwrap_err().to_string();
        assert!(error.contains("${STAGE:-dev}-web") && error.contains("-p NAME"), "{error}");
    }

    #[test]
    fn what_is_not_there_is_said_with_what_was_probably_meant() {
        let error = named(Path::new("staus"), &nothing).unwrap_err().to_string();
        assert!(
            error.contains("did you mean \"status\"?") && error.contains("Commands: demo, status"),
            "{error}"
        );
        let error = named(Path::new("./nowhere/compose.yml"), &nothing).unwrap_err().to_string();
        assert!(error.contains("no such file or folder"), "{error}");
        let temp = tempfile::tempdir().unwrap();
        let error = named(temp.path(), &nothing).unwrap_err().to_string();
        assert!(error.contains("no compose file in") && error.contains("docker-compose.yml"), "{error}");
    }

    #[test]
    fn compose_finds_the_files_of_a_folder_itself() {
        let (_temp, folder) = stack_in("a", "compose.yml", "services: {}\n");
        let project = find(&folder, &nothing).unwrap().project;
        assert_eq!((project.files.len(), &project.folder), (0, &folder));
        let file = folder.join("compose.yml");
        assert_eq!(find(&file, &nothing).unwrap().project.files, [file]);
    }
}
