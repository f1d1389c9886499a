//! Folders that come and go, bursts, and what is left out.

use super::*;

fn patterns(stage: &Stage, patterns: &[&str]) -> Tree {
    let patterns = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    Tree { ignores: vec![Ignore::Patterns { base: stage.root.clone(), patterns }], ..tree(&stage.root) }
}

fn docker_ignored(stage: &Stage) -> Tree {
    let (context, dockerfile) = (stage.root.clone(), stage.root.join("Dockerfile"));
    Tree { ignores: vec![Ignore::DockerIgnore { context, dockerfile }], ..tree(&stage.root) }
}

#[tokio::test]
async fn a_deep_new_folder_is_watched_with_what_was_written_at_once() {
    let mut stage = Stage::new(|_| {}).watching().await;
    stage.write("a/b/c/d/e", "1");
    assert_eq!(stage.changed().await, ["+a/b/c/d/e"]);
    stage.write("a/b/c/d/e", "2");
    assert_eq!(stage.changed().await, ["*a/b/c/d/e"]);
    fs::remove_dir_all(stage.root.join("a")).unwrap();
    assert_eq!(stage.changed().await, ["-a/b/c/d/e"]);
    stage.until(|health, _| health.watches == 2).await;
}

#[tokio::test]
async fn a_folder_that_is_renamed_is_watched_under_its_new_name() {
    let stage = Stage::new(|_| {});
    stage.write("old/deep/file", "1");
    let mut stage = stage.watching().await;
    fs::rename(stage.root.join("old"), stage.root.join("new")).unwrap();
    assert_eq!(stage.changed().await, ["+new/deep/file", "-old/deep/file"]);
    stage.write("new/deep/file", "2");
    assert_eq!(stage.changed().await, ["*new/deep/file"]);
    // And another one where the old one was.
    stage.write("old/deep/file", "3");
    assert_eq!(stage.changed().await, ["+old/deep/file"]);
    stage.write("old/deep/file", "4");
    assert_eq!(stage.changed().await, ["*old/deep/file"]);
}

#[tokio::test]
async fn a_file_takes_another_case() {
    let stage = Stage::new(|_| {});
    stage.write("readme", "1");
    let mut stage = stage.watching().await;
    fs::rename(stage.root.join("readme"), stage.root.join("README")).unwrap();
    assert_eq!(stage.changed().await, ["+README", "-readme"]);
}

#[tokio::test]
async fn a_storm_of_renames_ends_where_it_began() {
    let stage = Stage::new(|_| {});
    stage.write("dir/a", "1");
    let mut stage = stage.watching().await;
    let path = |name: &str| stage.root.join(name);
    for _ in 0..200 {
        fs::rename(path("dir"), path("other")).unwrap();
        fs::rename(path("other/a"), path("other/b")).unwrap();
        fs::rename(path("other"), path("dir")).unwrap();
        fs::rename(path("dir/b"), path("dir/a")).unwrap();
    }
    stage.nothing_but("marker").await;
    stage.write("dir/a", "2");
    assert_eq!(stage.changed().await, ["*dir/a"], "it is watched still");
}

#[tokio::test]
async fn what_is_left_out_costs_no_watches_and_is_not_told() {
    let mut stage = Stage::new(|_| {});
    for package in 0..500 {
        stage.write(&format!("web/node_modules/p{package}/lib/index.js"), "x");
        stage.write(&format!("web/node_modules/p{package}/package.json"), "x");
    }
    stage.write("web/src/main.js", "1");
    stage.write(".git/objects/aa/bb", "1");
    stage.want([patterns(&stage, &["**/node_modules", "*.log"])]);
    let (facts, _) = stage.scanned().await;
    assert_eq!((facts.files, facts.folders), (1, 3));
    stage.until(|health, _| health.watches == 4).await;

    stage.write("web/node_modules/p1/lib/index.js", "y");
    stage.write("web/node_modules/new/index.js", "y");
    stage.write(".git/index", "y");
    stage.write("debug.log", "y");
    stage.nothing_but("marker").await;
    assert_eq!(stage.health.watches, 4);
}

#[tokio::test]
async fn what_dockerignore_leaves_out_follows_the_file() {
    let mut stage = Stage::new(|_| {});
    stage.write("Dockerfile", "FROM scratch");
    stage.write("docs/a.md", "1");
    stage.write("src/a", "1");
    stage.write(".dockerignore", "docs\nDockerfile\n");
    stage.want([docker_ignored(&stage)]);
    let (facts, _) = stage.scanned().await;
    assert_eq!((facts.files, facts.folders), (3, 2), "the Dockerfile matters whatever the patterns say");
    stage.write("docs/a.md", "2");
    stage.nothing_but("marker").await;

    stage.write(".dockerignore", "src\n");
    assert_eq!(stage.changed().await, ["*.dockerignore", "+docs/a.md", "-src/a"]);
    stage.write("docs/a.md", "3");
    assert_eq!(stage.changed().await, ["*docs/a.md"], "it is watched now");
    // The Dockerfile's own one goes before the other.
    stage.write("Dockerfile.dockerignore", "*\n!src\n");
    assert_eq!(stage.changed().await, ["-.dockerignore", "-docs/a.md", "-marker", "+src/a"]);
    stage.write("src/deep/b", "1");
    assert_eq!(stage.changed().await, ["+src/deep/b"]);
    fs::remove_file(stage.root.join("Dockerfile.dockerignore")).unwrap();
    fs::remove_file(stage.root.join(".dockerignore")).unwrap();
    assert_eq!(stage.changed().await, ["+docs/a.md", "+marker"]);
}

#[tokio::test]
async fn dockerignore_above_the_tree_holds_for_it() {
    let mut stage = Stage::new(|_| {});
    stage.write("web/src/a", "1");
    stage.write("web/src/gen/b", "1");
    stage.write(".dockerignore", "web/src/gen\n");
    let deep = Tree { root: stage.root.join("web/src"), ..docker_ignored(&stage) };
    stage.want([deep]);
    assert_eq!(stage.scanned().await.0.files, 1);
    fs::write(stage.root.join(".dockerignore"), "").unwrap();
    assert_eq!(stage.changed().await, ["+web/src/gen/b"]);
}

/// Runs Git without the settings of whoever tests.
fn git(folder: &Path, arguments: &[&str]) {
    let said = std::process::Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .expect("git is there");
    assert!(said.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&said.stderr));
}

/// Makes a branch `other` in which so many files are different, and goes back.
fn two_branches(stage: &Stage, files: usize) {
    let write = |text: &str| {
        for file in 0..files {
            stage.write(&format!("d{}/f{file}", file % 40), &format!("{text} {file}"));
        }
    };
    git(&stage.root, &["init", "-q"]);
    write("main");
    git(&stage.root, &["add", "."]);
    git(&stage.root, &["commit", "-qm", "main"]);
    git(&stage.root, &["checkout", "-qb", "other"]);
    write("other");
    git(&stage.root, &["commit", "-qam", "other"]);
    git(&stage.root, &["checkout", "-q", "main"]);
}

#[tokio::test]
async fn a_branch_switch_is_one_batch_and_switching_back_at_once_is_none() {
    let stage = Stage::new(|_| {});
    two_branches(&stage, 200);
    let mut stage = stage.watching().await;
    git(&stage.root, &["checkout", "-q", "other"]);
    assert_eq!(stage.told(200).await, 1);
    git(&stage.root, &["checkout", "-q", "main"]);
    git(&stage.root, &["checkout", "-q", "other"]);
    stage.nothing_but("marker").await;
}

#[tokio::test]
async fn a_switch_of_two_thousand_files_is_one_batch() {
    let stage = Stage::new(|_| {});
    two_branches(&stage, 2_000);
    let mut stage = stage.watching().await;
    git(&stage.root, &["checkout", "-q", "other"]);
    assert_eq!(stage.told(2_000).await, 1);
}

#[tokio::test]
async fn trees_come_and_go_and_share_what_they_watch() {
    let mut stage = Stage::new(|_| {});
    stage.write("src/a", "1");
    stage.write("docs/b", "1");
    let other = |service: &str, tree: Tree| Tree { service: service.into(), ..tree };
    let (whole, part) = (tree(&stage.root), other("docs", tree(&stage.root.join("docs"))));
    stage.want([whole.clone(), part.clone()]);
    stage.scanned().await;
    stage.scanned().await;
    stage.until(|health, _| health.watches == 4).await;
    stage.write("docs/b", "2");
    assert_eq!(stage.changed().await, ["*docs/b"]);
    assert_eq!(stage.changed().await, ["*docs/b"], "both are told");

    stage.want([part]);
    stage.until(|health, _| health.watches == 2).await;
    stage.write("src/a", "2");
    stage.write("docs/b", "3");
    assert_eq!(stage.changed().await, ["*docs/b"]);
    stage.want([]);
    stage.until(|health, _| health.watches == 0).await;
    stage.want([whole]);
    assert_eq!(stage.scanned().await.1, ["*docs/b", "*src/a"], "nobody said that it was built");
}
