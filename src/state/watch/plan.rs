//! What follows from which files: a service's watch rules, or what its build and its mounts say without any.
//!
//! Pure. Paths are compared by their names; nothing is looked up.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::model::compose::{BuildSection, Definition, MountDefinition, ServiceDefinition};
use crate::model::stack_file::{FILE_NAME, StackFile};
use crate::model::watch::tree::{Ignore, Tree};
use crate::model::watch::{WatchAction, WatchRule};
use crate::state::watch::{PlanOrigin, ServicePlan};

/// What a service says of itself where its sources are mounted.
const RELOADS_ITSELF: &str = "bind mount, the service reloads itself";
/// Files that name what is installed into an image: a running service does not notice when they change.
const MANIFESTS: [&str; 30] = [
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
    "requirements*.txt",
    "pyproject.toml",
    "poetry.lock",
    "uv.lock",
    "Pipfile",
    "Pipfile.lock",
    "setup.py",
    "setup.cfg",
    "go.mod",
    "go.sum",
    "Cargo.toml",
    "Cargo.lock",
    "Gemfile",
    "Gemfile.lock",
    "composer.json",
    "composer.lock",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "mix.exs",
    "mix.lock",
    "*.csproj",
];
/// Folders in which manifests are somebody else's.
const INSTALLED: [&str; 6] =
    ["**/node_modules", "**/.venv", "**/venv", "**/vendor", "**/target", "**/__pycache__"];

/// Says what is watched for a service.
pub fn plan(
    name: &str,
    service: &ServiceDefinition,
    definition: &Definition,
    file: Option<&StackFile>,
) -> ServicePlan {
    let own = file.into_iter().flat_map(|file| &file.watch).filter(|(of, _)| **of == *name);
    let own: Vec<WatchRule> = own.map(|(_, rule)| rule.clone()).collect();
    let mut plan = if !service.watch.is_empty() || !own.is_empty() {
        let origin = if service.watch.is_empty() { PlanOrigin::StackFile } else { PlanOrigin::Develop };
        ruled(service, service.watch.iter().cloned().chain(own), origin)
    } else if let Some(build) = &service.build {
        of_build(service, build, &own_files(definition, file))
    } else {
        ServicePlan::default()
    };
    if renews_volumes(service) && plan.rules.iter().any(|rule| rule.action == WatchAction::Rebuild) {
        plan.notes.push(String::from("volumes without a name are made anew with each rebuild"));
    }
    plan
}

/// Keeps the rules that can be followed, and says why not of the others.
fn ruled(
    service: &ServiceDefinition,
    all: impl Iterator<Item = WatchRule>,
    origin: PlanOrigin,
) -> ServicePlan {
    let mut plan = ServicePlan { origin, ..ServicePlan::default() };
    for mut rule in all {
        rule.path = tidy(&rule.path);
        let word = rule.action.word().to_owned();
        let path = rule.path.display().to_string();
        match &rule.action {
            WatchAction::Other(_) => {
                plan.notes
                    .push(format!("{path}: the action {word:?} is not known here, the rule is left out"));
                continue;
            }
            WatchAction::Rebuild if service.build.is_none() => {
                plan.notes.push(format!("{path}: there is no build, so nothing to rebuild"));
                continue;
            }
            WatchAction::Sync | WatchAction::SyncRestart | WatchAction::SyncExec => {
                if binds(service).any(|mount| rule.path.starts_with(&mount)) {
                    plan.notes.push(format!("{path}: {word} is left out, it is bind-mounted already"));
                    continue;
                }
                if rule.target.is_none() {
                    plan.notes.push(format!("{path}: {word} names no target, the rule is left out"));
                    continue;
                }
            }
            WatchAction::Rebuild | WatchAction::Restart => {}
        }
        plan.rules.push(rule);
    }
    plan
}

/// Without rules: whatever goes into the build, less what is mounted over it.
fn of_build(service: &ServiceDefinition, build: &BuildSection, own_files: &[PathBuf]) -> ServicePlan {
    let Some(context) = local(&build.context) else {
        let note = format!("its build context is at {}: not watched", build.context);
        return ServicePlan { notes: vec![note], ..ServicePlan::default() };
    };
    let mounts: Vec<PathBuf> = binds(service).collect();
    let mut plan = ServicePlan { origin: PlanOrigin::Build, ..ServicePlan::default() };
    let mut covered = false;
    let mut ignore = Vec::new();
    for mount in &mounts {
        if context.starts_with(mount) {
            covered = true;
        } else if let Some(inside) = below(&context, mount) {
            ignore.push(inside);
        }
    }
    if covered || !ignore.is_empty() {
        plan.origin = PlanOrigin::BindMount;
        plan.notes.push(RELOADS_ITSELF.to_owned());
    }
    // What an image was installed from is not installed anew by a mount.
    let mounted: Vec<&PathBuf> =
        if covered { vec![&context] } else { mounts.iter().filter(|m| m.starts_with(&context)).collect() };
    for root in mounted {
        let include = MANIFESTS.iter().map(|name| format!("**/{name}")).collect();
        let ignore = INSTALLED.iter().map(|name| (*name).to_owned()).collect();
        plan.rules.push(WatchRule { ignore, include, ..rebuild(root.clone()) });
    }
    if !covered {
        // Compose's own files and ours are watched elsewhere; they rarely go into an image.
        ignore.extend(own_files.iter().filter_map(|file| below(&context, file)));
        plan.rules.push(WatchRule { ignore, ..rebuild(context.clone()) });
    }
    let mut extra: Vec<PathBuf> =
        build.additional_contexts.iter().filter_map(|(_, place)| local(place)).collect();
    extra.extend(dockerfile_of(build));
    for path in extra {
        plan.rules.push(rebuild(path));
    }
    plan
}

fn rebuild(path: PathBuf) -> WatchRule {
    WatchRule {
        path,
        action: WatchAction::Rebuild,
        target: None,
        ignore: Vec::new(),
        include: Vec::new(),
        initial_sync: false,
        exec: Vec::new(),
        exec_user: String::new(),
        exec_folder: String::new(),
    }
}

/// Returns the trees that rules are about, the same one once.
pub fn trees(
    stack: &Arc<str>,
    name: &Arc<str>,
    service: &ServiceDefinition,
    plan: &ServicePlan,
) -> Vec<Arc<Tree>> {
    let build = service.build.as_ref();
    let mut all: Vec<Arc<Tree>> = Vec::new();
    for rule in &plan.rules {
        let mut ignores = ignores_of(rule, build);
        ignores.dedup();
        let tree =
            Arc::new(Tree { stack: stack.clone(), service: name.clone(), root: rule.path.clone(), ignores });
        if !all.contains(&tree) {
            all.push(tree);
        }
    }
    all
}

/// Returns what of a rule's path does not matter.
pub fn ignores_of(rule: &WatchRule, build: Option<&BuildSection>) -> Vec<Ignore> {
    let mut ignores = Vec::new();
    if !rule.ignore.is_empty() {
        ignores.push(Ignore::Patterns { base: rule.path.clone(), patterns: rule.ignore.clone() });
    }
    let Some(build) = build else { return ignores };
    let dockerfile = dockerfile_of(build);
    // A Dockerfile may be left out of the context, and is what is built all the same.
    if dockerfile.as_ref() == Some(&rule.path) {
        return ignores;
    }
    let extra = build.additional_contexts.iter().filter_map(|(_, place)| local(place));
    if let Some(extra) = extra.into_iter().find(|extra| rule.path.starts_with(extra)) {
        ignores.push(Ignore::DockerIgnore { dockerfile: extra.join("Dockerfile"), context: extra });
    } else if let Some(context) = local(&build.context) {
        let dockerfile = dockerfile.unwrap_or_else(|| context.join("Dockerfile"));
        ignores.push(Ignore::DockerIgnore { context, dockerfile });
    }
    ignores
}

/// Whether a rebuild fills the unnamed volumes of a service from the new image: they hold what the old one
/// had installed, and would hide it.
pub fn renews_volumes(service: &ServiceDefinition) -> bool {
    let unnamed = |mount: &MountDefinition| mount.kind == "volume" && mount.source.is_empty();
    service.build.is_some() && service.mounts.iter().any(unnamed)
}

/// Returns a build's Dockerfile; `None` where it stands in the compose file or the context is elsewhere.
pub fn dockerfile_of(build: &BuildSection) -> Option<PathBuf> {
    let context = local(&build.context)?;
    let name = if build.dockerfile.is_empty() { "Dockerfile" } else { &build.dockerfile };
    (!build.inline).then(|| tidy(&context.join(name)))
}

/// Returns a place that is a path of this machine.
pub fn local(place: &str) -> Option<PathBuf> {
    place.starts_with('/').then(|| tidy(Path::new(place)))
}

/// The files that say what the stack is, not what is in its images.
fn own_files(definition: &Definition, file: Option<&StackFile>) -> Vec<PathBuf> {
    let files = definition.files.iter().chain(definition.sources.iter().map(|source| &source.path));
    let folder = definition.files.first().and_then(|file| file.parent()).map(|folder| folder.join(FILE_NAME));
    let ours = file.map(|file| file.path.clone()).filter(|path| !path.as_os_str().is_empty());
    let mut all: Vec<PathBuf> = files.cloned().chain(ours).chain(folder).map(|path| tidy(&path)).collect();
    all.sort();
    all.dedup();
    all
}

fn binds(service: &ServiceDefinition) -> impl Iterator<Item = PathBuf> {
    service.mounts.iter().filter(|mount| mount.kind == "bind").filter_map(|mount| local(&mount.source))
}

/// Writes a path as a pattern from a folder on; `None`: it is not below it.
fn below(folder: &Path, path: &Path) -> Option<String> {
    let inside = path.strip_prefix(folder).ok()?.to_str()?;
    if inside.is_empty() {
        return None;
    }
    let mut pattern = String::with_capacity(inside.len());
    for c in inside.chars() {
        // Names are meant as they are.
        if "*?[]\\!#".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    Some(pattern)
}

/// Takes `.` and `..` out of a path.
pub fn tidy(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                whole.pop();
            }
            part => whole.push(part),
        }
    }
    whole
}
