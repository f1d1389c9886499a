//! Roots that are no plain folders, or not there.

use std::os::unix::fs::symlink;

use super::*;

#[tokio::test]
async fn a_root_that_goes_and_comes_back_is_watched_again() {
    let stage = Stage::new(|_| {});
    stage.write("src/a", "1");
    let mut stage = stage.watching().await;
    let root = stage.root.clone();
    fs::remove_dir_all(&root).unwrap();
    assert_eq!(stage.changed().await, ["-src/a"]);
    stage.until(|_, facts| facts.trouble.is_some()).await;
    stage.write("src/a", "1");
    assert_eq!(stage.changed().await, ["+src/a"]);
    stage.until(|_, facts| facts.trouble.is_none()).await;
    stage.write("src/a", "2");
    assert_eq!(stage.changed().await, ["*src/a"]);

    // At once, and with the folder above it: only what is different counts.
    fs::remove_dir_all(&root).unwrap();
    stage.write("src/a", "2");
    stage.write("src/b", "1");
    assert_eq!(stage.changed().await, ["+src/b"]);
    fs::rename(&root, root.with_extension("old")).unwrap();
    assert_eq!(stage.changed().await, ["-src/a", "-src/b"]);
    fs::write(root.with_extension("old").join("src/a"), "elsewhere").unwrap();
    fs::rename(root.with_extension("old"), &root).unwrap();
    assert_eq!(stage.changed().await, ["+src/a", "+src/b"]);
}

#[tokio::test]
async fn a_root_that_is_not_there_yet_is_waited_for() {
    let mut stage = Stage::new(|_| {});
    let late = stage.root.join("not/yet/there");
    stage.want([tree(&late)]);
    let (facts, changes) = stage.scanned().await;
    assert!(facts.trouble.unwrap().contains("is not there"));
    assert_eq!(changes, [] as [&str; 0]);
    fs::create_dir_all(stage.root.join("not")).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    stage.write("not/yet/there/a", "1");
    assert_eq!(stage.changed().await, ["+not/yet/there/a"]);
    fs::remove_dir_all(stage.root.join("not")).unwrap();
    assert_eq!(stage.changed().await, ["-not/yet/there/a"]);
    stage.write("not/yet/there/b", "1");
    assert_eq!(stage.changed().await, ["+not/yet/there/b"]);
}

#[tokio::test]
async fn a_root_may_be_a_file() {
    let mut stage = Stage::new(|_| {});
    stage.write("package.json", "1");
    stage.write("beside", "1");
    let file = stage.root.join("package.json");
    stage.want([tree(&file)]);
    assert_eq!(stage.scanned().await.0.files, 1);
    stage.write("beside", "2");
    stage.write("package.json", "2");
    assert_eq!(stage.changed().await, ["*package.json"]);
    fs::write(stage.root.join("tmp"), "3").unwrap();
    fs::rename(stage.root.join("tmp"), &file).unwrap();
    assert_eq!(stage.changed().await, ["*package.json"]);
    fs::remove_file(&file).unwrap();
    assert_eq!(stage.changed().await, ["-package.json"]);
    stage.write("package.json", "4");
    assert_eq!(stage.changed().await, ["+package.json"]);
    // And then it is a folder.
    fs::remove_file(&file).unwrap();
    stage.write("package.json/a", "1");
    assert_eq!(stage.changed().await, ["-package.json", "+package.json/a"]);
}

#[tokio::test]
async fn a_root_may_be_a_link_that_is_set_elsewhere() {
    let mut stage = Stage::new(|_| {});
    stage.write("releases/1/src/a", "1");
    stage.write("releases/2/src/a", "2");
    stage.write("releases/2/src/b", "2");
    symlink("releases/1", stage.root.join("current")).unwrap();
    // A link above the root, and one that is the root.
    let root = stage.root.join("current/src");
    stage.want([tree(&root)]);
    stage.scanned().await;
    stage.write("releases/1/src/a", "one");
    assert_eq!(stage.changed().await, ["*current/src/a"], "told in the root's own words");
    symlink("releases/2", stage.root.join("new")).unwrap();
    fs::rename(stage.root.join("new"), stage.root.join("current")).unwrap();
    assert_eq!(stage.changed().await, ["*current/src/a", "+current/src/b"]);
    stage.write("releases/1/src/a", "nobody's");
    stage.write("releases/2/src/b", "two");
    assert_eq!(stage.changed().await, ["*current/src/b"]);
}

#[tokio::test]
async fn a_root_may_be_a_link_to_a_file() {
    let mut stage = Stage::new(|_| {});
    stage.write("real/file", "1");
    stage.write("real/other", "1");
    let link = stage.root.join("link");
    symlink("real/file", &link).unwrap();
    stage.want([tree(&link)]);
    stage.scanned().await;
    stage.write("real/file", "2");
    assert_eq!(stage.changed().await, ["*link"]);
    fs::remove_file(&link).unwrap();
    symlink("real/other", &link).unwrap();
    assert_eq!(stage.changed().await, ["*link"]);
    stage.write("real/other", "2");
    assert_eq!(stage.changed().await, ["*link"]);
}

#[tokio::test]
async fn a_deep_tree_survives_that_a_folder_far_above_is_moved() {
    let mut stage = Stage::new(|_| {});
    stage.write("a/b/c/file", "1");
    let (above, deep) =
        (tree(&stage.root), Tree { service: "deep".into(), ..tree(&stage.root.join("a/b/c")) });
    stage.want([above, deep]);
    stage.scanned().await;
    stage.scanned().await;
    fs::rename(stage.root.join("a"), stage.root.join("x")).unwrap();
    stage.changed().await;
    stage.changed().await;
    fs::rename(stage.root.join("x"), stage.root.join("a")).unwrap();
    stage.changed().await;
    stage.changed().await;
    stage.write("a/b/c/file", "2");
    assert_eq!(stage.changed().await, ["*a/b/c/file"]);
    assert_eq!(stage.changed().await, ["*a/b/c/file"]);
}
