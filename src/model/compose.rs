//! What the compose files of a stack say, as the Compose CLI resolved it.
//!
//! Only what stackdash acts on or shows. Values of environment variables are left out: they may be secrets.

pub mod document;
mod parts;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

pub use crate::model::compose::parts::{BuildSection, HealthSection, MountDefinition, SourceFile};
use crate::model::containers::Dependency;
use crate::model::text::clean;
use crate::model::watch::WatchRule;

/// Where a stack's files are and how Compose is to read them. Passed to every call explicitly, so that
/// the caller's own environment cannot redirect an action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComposeProject {
    /// Project name; `None`: Compose finds it.
    pub name: Option<String>,
    /// Empty: Compose finds them in the folder.
    pub files: Vec<PathBuf>,
    pub folder: PathBuf,
    pub env_files: Vec<PathBuf>,
    /// Profiles that are switched on.
    pub profiles: Vec<String>,
    /// Whether `COMPOSE_FILE` and its like of our own environment hold: the operator stands in the folder
    /// or has named the files, as with Compose itself.
    pub own_environment: bool,
}

/// Words before every verb: no colors, one line for each step.
pub const PLAIN: [&str; 4] = ["--ansi", "never", "--progress", "plain"];

impl ComposeProject {
    /// Returns the arguments that name the project in full.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut args = Vec::new();
        if let Some(name) = &self.name {
            args.extend(["-p".into(), OsString::from(name)]);
        }
        for file in &self.files {
            args.extend(["-f".into(), file.clone().into_os_string()]);
        }
        for file in &self.env_files {
            args.extend(["--env-file".into(), file.clone().into_os_string()]);
        }
        for profile in &self.profiles {
            args.extend(["--profile".into(), OsString::from(profile)]);
        }
        args.extend(["--project-directory".into(), self.folder.clone().into_os_string()]);
        args
    }

    /// Writes a call as one would type it, fit to be shown.
    pub fn command_line(&self, arguments: &[String]) -> String {
        let named = self.arguments().into_iter().map(|word| word.to_string_lossy().into_owned());
        let words = PLAIN.iter().map(|word| (*word).to_owned()).chain(arguments.iter().cloned());
        let mut line = String::from("docker compose");
        for word in named.chain(words) {
            line.push(' ');
            line.push_str(&quoted(&clean(&word)));
        }
        line
    }
}

/// Writes a word as one would type it in a shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The whole resolved document, for rules to look at. It has secrets in clear: never shown, never kept.
#[derive(Clone, Default)]
pub struct Resolved {
    pub json: String,
    /// What Compose said beside it, a line each.
    pub warnings: Vec<String>,
}

impl std::fmt::Debug for Resolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolved").field("warnings", &self.warnings).finish_non_exhaustive()
    }
}

/// The resolved definition of a stack, services behind every profile included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    pub name: Arc<str>,
    pub services: BTreeMap<Arc<str>, ServiceDefinition>,
    pub volumes: Vec<String>,
    pub networks: Vec<String>,
    /// Profiles that are on without being asked for: `COMPOSE_PROFILES` of the `.env` file.
    pub default_profiles: Vec<String>,
    /// All of it as lines fit to be shown, secrets masked; see [`document`].
    pub text: Arc<[String]>,
    /// Secrets that do not come from elsewhere, by the names that services use.
    pub secrets: Vec<String>,
    /// The files that it was made from: those that were named, or those that Compose finds in the folder.
    pub files: Vec<PathBuf>,
    /// Every file that was read, as far as that can be known: what to watch.
    pub sources: Vec<SourceFile>,
    /// Version of the Compose that read it: another one makes other hashes.
    pub version: String,
}

/// One service as it is defined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceDefinition {
    /// Empty where only a build is given.
    pub image: String,
    /// Empty: the engine's containers are numbered.
    pub container_name: String,
    pub builds: bool,
    pub build: Option<BuildSection>,
    pub profiles: Vec<String>,
    pub depends_on: Vec<Dependency>,
    /// Empty: none was asked for.
    pub restart: String,
    /// Services that it is restarted with.
    pub restarts_with: Vec<Arc<str>>,
    pub has_health_check: bool,
    pub health: Option<HealthSection>,
    pub replicas: u32,
    /// As Compose writes them: `8080:80/tcp`.
    pub ports: Vec<String>,
    pub mounts: Vec<MountDefinition>,
    /// By the names that the files give them.
    pub networks: Vec<String>,
    /// `host`, `service:db`; empty: networks as above.
    pub network_mode: String,
    pub secrets: Vec<String>,
    /// Empty: the image's own.
    pub user: String,
    /// Names of the environment variables that it is given.
    pub environment: Vec<String>,
    /// `develop.watch`.
    pub watch: Vec<WatchRule>,
    /// What `up` compares with a container's label; empty where Compose did not tell.
    pub config_hash: String,
}

impl Definition {
    /// Returns every profile that a service names, sorted.
    pub fn profiles(&self) -> Vec<String> {
        let mut all: Vec<String> = self.services.values().flat_map(|s| s.profiles.iter().cloned()).collect();
        all.sort();
        all.dedup();
        all
    }

    pub fn has_profile(&self, name: &str) -> bool {
        self.services.values().any(|service| service.profiles.iter().any(|profile| profile == name))
    }

    /// Finds out which profiles are on from the services that Compose takes without being told any.
    pub fn set_default_profiles(&mut self, active: &[String]) {
        let is_on = |profile: &String| {
            let mut of_it = self.services.iter().filter(|(_, service)| service.profiles.contains(profile));
            of_it.all(|(name, _)| active.iter().any(|service| **service == **name))
        };
        self.default_profiles = self.profiles().into_iter().filter(is_on).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_named_in_full() {
        let project = ComposeProject {
            name: Some("shop".into()),
            files: vec!["/srv/my shop/a.yml".into(), "/srv/my shop/b.yml".into()],
            folder: "/srv/my shop".into(),
            env_files: vec![],
            profiles: vec!["*".into()],
            own_environment: false,
        };
        assert_eq!(
            project.command_line(&[String::from("down")]),
            "docker compose -p shop -f '/srv/my shop/a.yml' -f '/srv/my shop/b.yml' --profile '*' \
             --project-directory '/srv/my shop' --ansi never --progress plain down"
        );
    }
}
