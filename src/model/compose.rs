//! What the compose files of a stack say, as the Compose CLI resolved it.
//!
//! Only what stackdash acts on or shows. Values of environment variables are left out: they may be secrets.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::containers::Dependency;
use crate::model::text::clean;

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

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The resolved definition of a stack, services behind every profile included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    pub name: Arc<str>,
    pub services: BTreeMap<Arc<str>, ServiceDefinition>,
    pub volumes: Vec<String>,
    pub networks: Vec<String>,
}

/// One service as it is defined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceDefinition {
    /// Empty where only a build is given.
    pub image: String,
    pub builds: bool,
    pub profiles: Vec<String>,
    pub depends_on: Vec<Dependency>,
    /// Empty: none was asked for.
    pub restart: String,
    pub has_health_check: bool,
    pub replicas: u32,
    /// As Compose writes them: `8080:80/tcp`.
    pub ports: Vec<String>,
    /// Number of `develop.watch` rules.
    pub watch_rules: u32,
}

impl Definition {
    /// Returns every profile that a service names, sorted.
    pub fn profiles(&self) -> Vec<String> {
        let mut all: Vec<String> = self.services.values().flat_map(|s| s.profiles.iter().cloned()).collect();
        all.sort();
        all.dedup();
        all
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
        };
        assert_eq!(
            project.command_line(&[String::from("down")]),
            "docker compose -p shop -f '/srv/my shop/a.yml' -f '/srv/my shop/b.yml' --profile '*' \
             --project-directory '/srv/my shop' --ansi never --progress plain down"
        );
    }
}
