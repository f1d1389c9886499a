//! Whether git keeps a stack's files of variables.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::model::compose::ComposeProject;

const LIMIT: Duration = Duration::from_secs(5);

/// Returns the files of variables that git tracks; none where there is no git or no repository.
pub async fn tracked(project: &ComposeProject) -> Vec<PathBuf> {
    let mut files = project.env_files.clone();
    if files.is_empty() {
        files.push(project.folder.join(".env"));
    }
    let mut tracked = Vec::new();
    for file in files {
        if file.is_file() && is_in_repository(&file) && is_tracked(&file).await {
            tracked.push(file);
        }
    }
    tracked
}

fn is_in_repository(file: &Path) -> bool {
    file.ancestors().skip(1).any(|folder| folder.join(".git").exists())
}

async fn is_tracked(file: &Path) -> bool {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { return false };
    let mut git = Command::new("git");
    // What a repository's own configuration names is not run.
    git.args([
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
        "ls-files",
        "--error-unmatch",
        "--",
    ])
    .arg(name)
    .current_dir(folder)
    .env("GIT_OPTIONAL_LOCKS", "0")
    .env("GIT_LITERAL_PATHSPECS", "1")
    .stdin(Stdio::null())
    .stdout(Stdio::null())
    .stderr(Stdio::null())
    .kill_on_drop(true);
    let Ok(mut child) = git.spawn() else { return false };
    matches!(tokio::time::timeout(LIMIT, child.wait()).await, Ok(Ok(status)) if status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_git_keeps_is_tracked() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().to_owned();
        let git = |args: &[&str]| {
            std::process::Command::new("git")
                .args(args)
                .current_dir(&folder)
                .output()
                .is_ok_and(|o| o.status.success())
        };
        std::fs::write(folder.join(".env"), "A=1\n").unwrap();
        let project = ComposeProject { folder: folder.clone(), ..ComposeProject::default() };
        assert_eq!(tracked(&project).await, Vec::<PathBuf>::new());
        if !git(&["init", "-q"]) {
            return;
        }
        assert_eq!(tracked(&project).await, Vec::<PathBuf>::new());
        assert!(git(&["add", ".env"]));
        assert_eq!(tracked(&project).await, [folder.join(".env")]);
    }
}
