//! What `.dockerignore` leaves out: our matcher against what `docker build` really sends. Behind the feature `live`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use stackdash::model::watch::ignore::Patterns;

use crate::engine_live::docker;

/// The files of the context, beside `Dockerfile` and `.dockerignore`.
const FILES: &[&str] = &[
    "a.log",
    "b.txt",
    "c.txt",
    "[.txt",
    "!.txt",
    "a]b",
    "a+b",
    "#hash",
    "#later",
    ".bashrc",
    "foo/a",
    "foo/deep/a",
    "foobar",
    "sub/foo/a",
    "sub/a.log",
    "sub/deep/a.log",
    "sub/deep/README.md",
    "README.md",
    "docs/a.md",
    "docs/deep/b.md",
    "docs/deep/c.txt",
    "node_modules/p/index.js",
    "web/node_modules/p/index.js",
    "web/my_node_modules/x",
    "web/src/main.js",
    "web/src/gen/out.js",
    "größe/ä",
    "with space/a b",
];

/// One `.dockerignore` each.
const TABLE: &[&str] = &[
    "",
    "foo",
    "/foo",
    "foo/",
    "./foo/../docs//",
    "*.log",
    "*/*.log",
    "**/*.log",
    "node_modules",
    "node_modules/",
    "**/node_modules",
    "docs/**",
    "docs/**/*.md",
    "docs/*",
    "**/deep",
    "**",
    "*",
    "*\n!foo",
    "*\n!web/src",
    "*\n!web/src\nweb/src/gen",
    "!foo\n*",
    "foo\n!foo/deep",
    "foo/*\n!foo/deep",
    "*.md\n!README*.md",
    "**/*.md\n!README.md",
    "docs\n!docs/*.md",
    "?.txt",
    "[a-b].txt",
    "[^a-b].txt",
    "[!a].txt",
    "[[].txt",
    "a]b",
    "a+b",
    "\\#hash",
    "# a comment\n #later\n#hash",
    "  foo  \n\n\t\n! foo/deep",
    "web/*/p",
    "web/**\n!web/src/main.js",
    "größe",
    "with space",
    "with space/a*",
    "..",
    ".",
    "/",
    "./",
    "sub/../foo",
    "*/deep\n!sub/deep/README.md",
    "\u{feff}foo",
    "foo\r\ndocs\r\n",
];

/// Where the builders differ, we are with BuildKit: it looks into a folder for whatever may be brought back, the classic
/// one only where a pattern begins with the folder's very name.
const BUILDKIT_TABLE: &[&str] = &["*\n!**/*.md", "docs\n!**/b.md", "web/*\n!web/*/main.js", "**rc"];

/// Says what a build of the folder gets, without the two files that the builder itself needs.
fn sent(folder: &Path, name: &str, buildkit: bool) -> BTreeSet<String> {
    let built = Command::new("docker")
        .args(["build", "-q", "-t", name, "."])
        .current_dir(folder)
        .env("DOCKER_BUILDKIT", if buildkit { "1" } else { "0" })
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let container = docker(&["create", "--label", "stackdash.test=1", name, "none"]);
    let mut export =
        Command::new("docker").args(["export", &container]).stdout(Stdio::piped()).spawn().unwrap();
    let list = Command::new("tar")
        .args(["--quoting-style=literal", "-t"])
        .stdin(export.stdout.take().unwrap())
        .output();
    let list = list.unwrap().stdout;
    assert!(export.wait().unwrap().success());
    docker(&["rm", &container]);
    docker(&["image", "rm", name]);
    let list = String::from_utf8(list).unwrap();
    list.lines().filter(|path| FILES.contains(path)).map(str::to_owned).collect()
}

fn check(table: &[&str], buildkit: bool) {
    let name = format!("stackdash-test/ignore-{}-{buildkit}", std::process::id());
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for file in FILES {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    // A folder of its own, so that an empty context is one too.
    fs::write(folder.join("Dockerfile"), "FROM scratch\nLABEL stackdash.test=1\nCOPY . /\n").unwrap();
    for text in table {
        fs::write(folder.join(".dockerignore"), format!("{text}\n")).unwrap();
        let patterns = Patterns::parse(text);
        assert_eq!(patterns.faults(), [] as [&str; 0], "{text:?}");
        let ours: BTreeSet<String> = FILES
            .iter()
            .filter(|file| !patterns.is_ignored(Path::new(file)))
            .map(|&file| file.to_owned())
            .collect();
        assert_eq!(ours, sent(folder, &name, buildkit), "{text:?}, BuildKit: {buildkit}");
    }
}

#[test]
fn the_matcher_leaves_out_what_the_classic_builder_leaves_out() {
    check(TABLE, false);
}

#[test]
fn the_matcher_leaves_out_what_buildkit_leaves_out() {
    check(TABLE, true);
    check(BUILDKIT_TABLE, true);
}

#[test]
fn patterns_that_docker_refuses_are_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Dockerfile"), "FROM scratch\nCOPY . /\n").unwrap();
    for text in ["!", "[", "a[]b", "[b-a]", "a\\"] {
        fs::write(folder.path().join(".dockerignore"), text).unwrap();
        let built = Command::new("docker")
            .args(["build", "-q", "."])
            .current_dir(folder.path())
            .env("DOCKER_BUILDKIT", "0")
            .output()
            .unwrap();
        assert!(!built.status.success(), "{text:?} is refused");
        assert_eq!(Patterns::parse(text).faults().len(), 1, "{text:?}");
    }
}
