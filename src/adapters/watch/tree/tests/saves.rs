//! Saves of single files, as programs do them, and what is no change at all.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[tokio::test]
async fn a_save_is_told_and_what_changes_no_contents_is_not() {
    let stage = Stage::new(|_| {});
    stage.write("src/main.rs", "one");
    let mut stage = stage.watching().await;
    stage.write("src/main.rs", "two");
    assert_eq!(stage.changed().await, ["*src/main.rs"]);

    // A touch, the mode that it had, the same words again, and an undo before anybody looked.
    let file = stage.root.join("src/main.rs");
    fs::File::options().append(true).open(&file).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    let mode = fs::metadata(&file).unwrap().permissions();
    fs::set_permissions(&file, mode).unwrap();
    stage.write("src/main.rs", "three");
    stage.write("src/main.rs", "two");
    stage.nothing_but("marker").await;

    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(stage.changed().await, ["*src/main.rs"]);
    fs::remove_file(&file).unwrap();
    assert_eq!(stage.changed().await, ["-src/main.rs"]);
}

#[tokio::test]
async fn editors_saves_are_one_change_of_one_file() {
    let stage = Stage::new(|_| {});
    stage.write("main.rs", "zero");
    let mut stage = stage.watching().await;
    let root = stage.root.clone();
    let path = |name: &str| root.join(name);
    let file = path("main.rs");

    // Write beside, rename over.
    fs::write(path("main.rs.tmp123"), "one").unwrap();
    fs::rename(path("main.rs.tmp123"), &file).unwrap();
    assert_eq!(stage.changed().await, ["*main.rs"]);

    // vim: tries whether it may create files, puts the old one aside, writes, removes the old one.
    fs::write(path(".main.rs.swp"), "swap").unwrap();
    fs::write(path("4913"), "").unwrap();
    fs::remove_file(path("4913")).unwrap();
    fs::rename(&file, path("main.rs~")).unwrap();
    fs::write(&file, "two").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    fs::remove_file(path("main.rs~")).unwrap();
    assert_eq!(stage.changed().await, ["*main.rs"]);

    // VS Code: truncates and writes.
    fs::write(&file, "").unwrap();
    fs::write(&file, "three").unwrap();
    assert_eq!(stage.changed().await, ["*main.rs"]);

    // JetBrains: a temporary file, the old one aside, the new one to its place.
    fs::write(path("main.rs___jb_tmp___"), "four").unwrap();
    fs::rename(&file, path("main.rs___jb_old___")).unwrap();
    fs::rename(path("main.rs___jb_tmp___"), &file).unwrap();
    fs::remove_file(path("main.rs___jb_old___")).unwrap();
    assert_eq!(stage.changed().await, ["*main.rs"]);
}

#[tokio::test]
async fn what_changed_while_nobody_watched_is_found_at_the_next_start() {
    let stage = Stage::new(|_| {});
    stage.write("a", "1");
    stage.write("b", "1");
    let mut stage = stage.watching().await;
    stage.write("a", "2");
    assert_eq!(stage.changed().await, ["*a"], "told, but nobody built with it");

    // Another run.
    stage.restart();
    stage.write("b", "2");
    stage.write("c", "1");
    let wish = tree(&stage.root);
    stage.want([wish.clone()]);
    let TreeNews::Scanned { changes, .. } = stage.next().await else { panic!("no scan") };
    assert_eq!(changes.iter().map(|change| stage.say(change)).collect::<Vec<_>>(), ["*a", "*b", "+c"]);
    stage.watcher.keep(&wish, &changes[..2]).await.unwrap();

    stage.restart();
    stage.want([wish]);
    assert_eq!(stage.scanned().await.1, ["+c"]);
}

#[tokio::test]
async fn a_file_that_is_kept_open_and_written_to_is_told_too() {
    use std::io::Write as _;
    let mut stage = Stage::new(|_| {}).watching().await;
    let mut file = fs::File::create(stage.root.join("open")).unwrap();
    file.write_all(b"half").unwrap();
    assert_eq!(stage.changed().await, ["+open"]);
    file.write_all(b" and half").unwrap();
    assert_eq!(stage.changed().await, ["*open"]);
}

#[tokio::test]
async fn a_link_is_its_target_and_is_not_followed() {
    let stage = Stage::new(|_| {});
    stage.write("one/a", "1");
    stage.write("two/a", "2");
    std::os::unix::fs::symlink("one", stage.root.join("link")).unwrap();
    let mut stage = stage.watching().await;
    stage.write("one/a", "other");
    assert_eq!(stage.changed().await, ["*one/a"], "and not a second time by way of the link");
    let link = stage.root.join("link");
    std::os::unix::fs::symlink("two", stage.root.join("new")).unwrap();
    fs::rename(stage.root.join("new"), &link).unwrap();
    assert_eq!(stage.changed().await, ["*link"]);
    // A folder takes the place of the link, and a link that of the folder.
    fs::remove_file(&link).unwrap();
    stage.write("link/b", "1");
    assert_eq!(stage.changed().await, ["-link", "+link/b"]);
    fs::remove_dir_all(&link).unwrap();
    std::os::unix::fs::symlink("two", &link).unwrap();
    assert_eq!(stage.changed().await, ["+link", "-link/b"]);
}

#[tokio::test]
async fn pipes_and_files_that_may_not_be_read_keep_nobody_waiting() {
    let mut stage = Stage::new(|_| {}).watching().await;
    let pipe = stage.root.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    stage.write("beside", "1");
    assert_eq!(stage.changed().await, ["+beside"]);
}

#[tokio::test]
async fn names_that_are_no_text_are_names_too() {
    use std::os::unix::ffi::OsStrExt as _;
    let mut stage = Stage::new(|_| {}).watching().await;
    let name = stage.root.join(std::ffi::OsStr::from_bytes(b"a\xff\nb\\c"));
    fs::write(&name, "1").unwrap();
    let TreeNews::Changed { changes, .. } = stage.next_change().await else { unreachable!() };
    assert_eq!(changes[0].path, name);
    stage.watcher.keep(&tree(&stage.root), &changes).await.unwrap();
    stage.restart();
    stage.want([tree(&stage.root)]);
    assert_eq!(stage.scanned().await.1, [] as [&str; 0]);
}
