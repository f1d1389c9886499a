//! Which stack a compose file or a folder means, by the rules of Compose.
//!
//! Only the name is wanted here: variable, `.env`, `name:` in the file, the folder's own name. Where Compose
//! could see it otherwise, it is asked.

use std::path::{Path, PathBuf};

use crate::adapters::compose::files;
use crate::adapters::stack_files;
use crate::cli::args::Arguments;
use crate::cli::exit::Failure;
use crate::config::nearest::did_you_mean;
use crate::model::compose::ComposeProject;
use crate::model::text::clean;
use crate::ports::ComposeError;

/// Names of compose files, in the order that Compose looks for them.
const FILE_NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
/// Beginnings of the names of files that Compose reads beside them.
const OVERRIDES: [&str; 2] = ["compose.override.", "docker-compose.override."];
/// Variables that let Compose read other files than we see.
const REDIRECTING: [&str; 2] = ["COMPOSE_FILE", "COMPOSE_ENV_FILES"];

/// What the command line says of a stack's files beside where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// `-f`.
    pub files: Vec<PathBuf>,
    pub env_files: Vec<PathBuf>,
    pub profiles: Vec<String>,
    pub variant: Option<String>,
}

impl Choice {
    /// Whether it wants something that needs a stack to be meant.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The stack that a path means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `None`: Compose has to be asked.
    pub name: Option<String>,
    /// How Compose is told of it.
    pub project: ComposeProject,
}

type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Finds the stack that the command line names; none where it names none.
pub fn named(
    path: Option<&Path>,
    choice: &Choice,
    environment: Environment<'_>,
) -> Result<Option<Found>, Failure> {
    if choice.variant.is_some() && !choice.files.is_empty() {
        return Err(Failure::usage("-f and --variant both name files: give one of them"));
    }
    match (path, &*choice.files) {
        (Some(path), []) => find(path, choice, environment).map(Some),
        (None, []) => Ok(None),
        (Some(path), _) => {
            Err(Failure::usage(format!("-f and {} both name files: give one of them", path.display())))
        }
        (None, files) => from_files(files, choice, environment).map(Some),
    }
}

/// Finds the stack of the present folder, or of the nearest one above it that has compose files.
pub fn here(choice: &Choice, environment: Environment<'_>) -> Result<Found, Failure> {
    let present = absolute(Path::new("."))?;
    let redirected = environment("COMPOSE_FILE").is_some_and(|list| !list.is_empty());
    let above = present.ancestors().find(|folder| file_in(folder).is_ok()).filter(|_| !redirected);
    find(above.unwrap_or(&present), choice, environment)
}

/// Finds the stack at a path.
pub fn find(path: &Path, choice: &Choice, environment: Environment<'_>) -> Result<Found, Failure> {
    look_at(path)?;
    if !path.is_dir() {
        if choice.variant.is_some() {
            let path = path.display();
            return Err(Failure::usage(format!(
                "--variant names files, and so does {path}: give one of them"
            )));
        }
        return from_files(&[path.to_owned()], choice, environment);
    }
    let folder = absolute(path)?;
    if let Some(variant) = &choice.variant {
        let files = files_of_variant(&folder, variant)?;
        return Ok(found(None, files, folder, choice));
    }
    let variables = files::read(&folder.join(".env")).unwrap_or_default();
    let redirected = REDIRECTING.iter().any(|name| {
        environment(name).is_some_and(|value| !value.is_empty()) || value_in(&variables, name).is_some()
    });
    // In a folder Compose finds the files itself: there may be an override beside the first.
    if redirected {
        return Ok(found(None, Vec::new(), folder, choice));
    }
    let file = file_in(&folder)?;
    files::check(&file).map_err(unusable)?;
    let name = if choice.env_files.is_empty() && !has_override(&folder) {
        name_of(&file, &folder, environment)?
    } else {
        None
    };
    Ok(found(name, Vec::new(), folder, choice))
}

/// Says that Compose cannot use the files of a stack, in its own words.
pub fn refused(project: &ComposeProject, error: &ComposeError) -> Failure {
    if *error == ComposeError::Missing {
        return Failure::usage(error.to_string());
    }
    let files: Vec<String> = project.files.iter().map(|file| clean(&file.display().to_string())).collect();
    let place =
        if files.is_empty() { clean(&project.folder.display().to_string()) } else { files.join(", ") };
    let lint = match &*files {
        [] => format!("stackdash lint {place}"),
        several => format!("stackdash lint -f {}", several.join(" -f ")),
    };
    Failure::usage(format!("Compose cannot use {place}: {error}"))
        .next_step(format!("Where it is wrong, and what to do: {lint}"))
}

/// Says what is wrong with a path itself.
fn look_at(path: &Path) -> Result<(), Failure> {
    match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(not_there(path)),
        Err(error) => Err(Failure::usage(format!("cannot read {}: {error}", path.display()))),
        Ok(_) => Ok(()),
    }
}

fn unusable(why: String) -> Failure {
    Failure::usage(why).next_step("Give a compose file or a folder with one")
}

fn from_files(named: &[PathBuf], choice: &Choice, environment: Environment<'_>) -> Result<Found, Failure> {
    let mut all = Vec::new();
    for file in named {
        if file == Path::new("-") {
            return Err(Failure::usage(
                "-f - reads standard input, and stackdash reads its files again and again",
            )
            .next_step("Write it to a file first"));
        }
        // Behind -f nobody means a command.
        if choice.files.contains(file) && !file.exists() {
            return Err(no_such_file(&file.display().to_string()));
        }
        look_at(file)?;
        files::check(file).map_err(unusable)?;
        all.push(absolute(file)?);
    }
    let folder = all.first().and_then(|file| file.parent()).map(Path::to_owned).unwrap_or_default();
    let plain =
        choice.env_files.is_empty() && environment("COMPOSE_ENV_FILES").is_none_or(|value| value.is_empty());
    let name = match &*all {
        [file] if plain => name_of(file, &folder, environment)?,
        _ => None,
    };
    Ok(found(name, all, folder, choice))
}

fn found(name: Option<String>, files: Vec<PathBuf>, folder: PathBuf, choice: &Choice) -> Found {
    let whole = |file: &PathBuf| std::path::absolute(file).unwrap_or_else(|_| file.clone());
    let project = ComposeProject {
        name: None,
        files,
        folder,
        env_files: choice.env_files.iter().map(whole).collect(),
        profiles: choice.profiles.clone(),
        own_environment: true,
    };
    Found { name, project }
}

/// Returns the files of a variant of the folder's `stackdash.toml`.
fn files_of_variant(folder: &Path, wanted: &str) -> Result<Vec<PathBuf>, Failure> {
    let file = stack_files::read_in(folder).map_err(Failure::usage)?;
    if let Some(variant) = file.variants.iter().find(|variant| variant.name == wanted) {
        return Ok(variant.files.clone());
    }
    Err(unknown_variant(&folder.display().to_string(), wanted, file.variants.iter().map(|one| &*one.name)))
}

/// Says which variants there are instead.
pub fn unknown_variant<'a>(
    place: &str,
    wanted: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Failure {
    let names: Vec<&str> = known.clone().collect();
    if names.is_empty() {
        return Failure::usage(format!("{place} has no variants"))
            .next_step("Name sets of its compose files under [variants] in stackdash.toml beside them");
    }
    let hint = did_you_mean(wanted, known);
    Failure::usage(format!("{place} has no variant {wanted:?}{hint}"))
        .next_step(format!("Known variants: {}", names.join(", ")))
}

fn has_override(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.any(|name| OVERRIDES.iter().any(|beginning| name.starts_with(beginning)))
}

/// Reads the name as Compose would; `None` where only Compose can tell.
fn name_of(file: &Path, folder: &Path, environment: Environment<'_>) -> Result<Option<String>, Failure> {
    let text = files::read(file).map_err(unusable)?;
    let variable = "COMPOSE_PROJECT_NAME";
    let from_environment = environment(variable).filter(|name| !name.is_empty());
    let from_env_file = || files::read(&folder.join(".env")).ok().and_then(|text| value_in(&text, variable));
    let name = from_environment.or_else(from_env_file).or_else(|| name_in(&text));
    if let Some(name) = name {
        // Made from another variable: Compose knows its value.
        return Ok(Some(name).filter(|name| !name.contains('$')));
    }
    let base = folder.file_name().map(|name| normalized(&name.to_string_lossy())).unwrap_or_default();
    if base.is_empty() {
        let folder = folder.display();
        return Err(Failure::usage(format!("{folder}: no stack name can be made from this folder's name"))
            .next_step("Say the name yourself: -p NAME"));
    }
    Ok(Some(base))
}

fn file_in(folder: &Path) -> Result<PathBuf, Failure> {
    let mut named = FILE_NAMES.into_iter().map(|name| folder.join(name));
    // The first that is there is the one that Compose takes, whatever it is.
    named.find(|file| file.symlink_metadata().is_ok()).ok_or_else(|| {
        Failure::usage(format!(
            "no compose file in {} (known names: {})",
            folder.display(),
            FILE_NAMES.join(", ")
        ))
        .next_step("Give the file itself (-f FILE), go to its folder, or name a stack that runs (-p NAME)")
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
        return no_such_file(&name);
    }
    let hint = did_you_mean(&name, commands.iter().map(|command| &**command));
    Failure::usage(format!("{name:?} is no command, and no file or folder of that name is here{hint}"))
        .next_step(format!("Commands: {}", commands.join(", ")))
}

fn no_such_file(name: &str) -> Failure {
    Failure::usage(format!("{name}: no such file or folder"))
        .next_step("Give a compose file or a folder with one, or nothing to see every stack")
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
        find(path, &Choice::default(), environment).map(|found| found.name.unwrap_or_default())
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
        let variable = "COMPOSE_PROJECT_NAME";
        std::fs::write(folder.join(".env"), format!("# no\n{variable}='c'\n")).unwrap();
        assert_eq!(named(&folder, &nothing).unwrap(), "c");
        assert_eq!(named(&folder, &|name| (name == variable).then(|| String::from("d"))).unwrap(), "d");
    }

    #[test]
    fn where_compose_could_see_another_name_it_is_asked() {
        let (_temp, folder) = stack_in("a", "compose.yml", "name: ${STAGE:-dev}-web\n");
        assert_eq!(named(&folder, &nothing).unwrap(), "");
        let (_temp, folder) = stack_in("b", "compose.yml", "name: b\n");
        assert_eq!(named(&folder, &nothing).unwrap(), "b");
        let elsewhere = |name: &str| (name == "COMPOSE_FILE").then(|| String::from("other.yml"));
        assert_eq!(named(&folder, &elsewhere).unwrap(), "");
        std::fs::write(folder.join("compose.override.yml"), "name: c\n").unwrap();
        assert_eq!(named(&folder, &nothing).unwrap(), "");
        let both = Choice { files: vec![folder.join("compose.yml"); 2], ..Choice::default() };
        assert_eq!(super::named(None, &both, &nothing).unwrap().unwrap().name, None);
        assert!(super::named(Some(&folder), &both, &nothing).is_err());
    }

    #[test]
    fn a_folder_whose_files_a_variable_names_needs_none_of_the_usual_names() {
        let (_temp, folder) = stack_in("a", ".env", "COMPOSE_FILE=one.yml:two.yml\n");
        let found = find(&folder, &Choice::default(), &nothing).unwrap();
        assert_eq!((found.name, found.project.files.len()), (None, 0));
    }

    #[test]
    fn a_variant_is_a_set_of_files_and_a_wrong_one_is_told_the_nearest() {
        let (_temp, folder) = stack_in("a", "compose.yml", "services: {}\n");
        let text = "[variants]\ndev = [\"compose.yml\"]\nprod = [\"compose.yml\", \"prod.yml\"]\n";
        std::fs::write(folder.join("stackdash.toml"), text).unwrap();
        let of = |name: &str| {
            let choice = Choice { variant: Some(name.to_owned()), ..Choice::default() };
            find(&folder, &choice, &nothing).map(|found| found.project.files)
        };
        assert_eq!(of("prod").unwrap(), [folder.join("compose.yml"), folder.join("prod.yml")]);
        let error = of("prd").unwrap_err().to_string();
        assert!(error.contains("did you mean \"prod\"?") && error.contains("dev, prod"), "{error}");
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
        let project = find(&folder, &Choice::default(), &nothing).unwrap().project;
        assert_eq!((project.files.len(), &project.folder), (0, &folder));
        let file = folder.join("compose.yml");
        assert_eq!(find(&file, &Choice::default(), &nothing).unwrap().project.files, [file]);
    }
}
