//! The table of what Docker leaves out, and what must hold for any list.

use proptest::prelude::*;

use super::*;

fn ignored(patterns: &[&str], path: &str) -> bool {
    Patterns::new(patterns).is_ignored(Path::new(path))
}

#[test]
fn patterns_mean_what_docker_means() {
    for (patterns, path, expected) in [
        (&["foo"][..], "foo", true),
        (&["foo"], "foo/deep/er", true),
        (&["foo"], "sub/foo", false),
        (&["foo"], "foobar", false),
        (&["/foo"], "foo", true),
        (&["foo/"], "foo/a", true),
        (&["./foo/../bar//"], "bar", true),
        (&["*.log"], "a.log", true),
        (&["*.log"], "sub/a.log", false),
        (&["*/*.log"], "sub/a.log", true),
        (&["*/*.log"], "a/b/c.log", false),
        (&["**/*.log"], "a.log", true),
        (&["**/*.log"], "a/b/c.log", true),
        (&["**/node_modules"], "a/node_modules/x/y", true),
        (&["**/node_modules"], "a/my_node_modules", false),
        (&["**rc"], ".bashrc", true),
        (&["**/rc"], ".bashrc", false),
        (&["docs/**"], "docs/a/b", true),
        (&["docs/**"], "docs", false),
        (&["docs/**/*.md"], "docs/a.md", true),
        (&["docs/**/*.md"], "docs/a/b/c.md", true),
        (&["**"], "anything/at/all", true),
        (&["*"], "a/b", true),
        (&["."], "a", false),
        (&["/"], "a", false),
        (&["?.txt"], "a.txt", true),
        (&["?.txt"], "ab.txt", false),
        (&["[a-c].txt"], "b.txt", true),
        (&["[^a-c].txt"], "b.txt", false),
        (&["[^a-c].txt"], "d.txt", true),
        (&["[!a].txt"], "!.txt", true),
        (&["[!a].txt"], "b.txt", false),
        (&["[[].txt"], "[.txt", true),
        (&["[a&&b].txt"], "&.txt", true),
        (&["a]b"], "a]b", true),
        (&["a.b"], "axb", false),
        (&["a+(b)|c{d}^$"], "a+(b)|c{d}^$", true),
        (&["\\*"], "*", true),
        (&["\\*"], "a", false),
        (&["*", "!keep"], "keep", false),
        (&["*", "!keep"], "keep/all/of/it", false),
        (&["*", "!keep", "keep/not"], "keep/not/this", true),
        (&["!keep", "*"], "keep", true),
        (&["dir", "!dir/keep"], "dir/keep", false),
        (&["dir", "!dir/keep"], "dir/other", true),
        (&["**/*.md", "!README*.md", "README-secret.md"], "README.md", false),
        (&["**/*.md", "!README*.md", "README-secret.md"], "README-secret.md", true),
        (&["! keep", "*", " !keep "], "keep", false),
        (&["größe/*"], "größe/ä", true),
    ] {
        assert_eq!(ignored(patterns, path), expected, "{patterns:?} of {path}");
    }
}

#[test]
fn a_file_of_patterns_has_comments_at_the_start_of_a_line_only() {
    let list = Patterns::parse("\u{feff}# all logs\n**/*.log\r\n\n  # no comment\n!keep.log\n#end");
    assert!(list.is_ignored(Path::new("a/b.log")));
    assert!(!list.is_ignored(Path::new("keep.log")));
    assert!(list.is_ignored(Path::new("# no comment")));
    assert!(!list.is_ignored(Path::new("#end")));
    assert_eq!(list.faults(), [] as [&str; 0]);
}

#[test]
fn what_makes_no_sense_is_told_and_left_out() {
    for bad in ["!", "[", "a[]b", "[b-a]", "a\\", "[a", "[-x]"] {
        let list = Patterns::new([bad, "other"]);
        assert_eq!(list.faults().len(), 1, "{bad}");
        assert!(list.is_ignored(Path::new("other")), "{bad}");
    }
}

#[test]
fn a_folder_is_looked_into_where_something_may_be_brought_back() {
    for (patterns, folder, expected) in [
        (&["node_modules"][..], "node_modules", false),
        (&["node_modules"], "src", true),
        (&["*", "!src"], "src", true),
        (&["*", "!src"], "docs", false),
        (&["*", "!src/web"], "src", true),
        (&["*", "!src/web"], "src/api", false),
        (&["*", "!src/web"], "src/web/deep", true),
        (&["*", "!*/keep"], "any", true),
        (&["*", "!*/keep"], "any/other", false),
        (&["*", "!a?c/keep"], "abc", true),
        (&["*", "!a?c/keep"], "ab", false),
        (&["vendor", "!**/keep"], "vendor", true),
        // What comes later covers what was brought back.
        (&["*", "!**/*.md", "**/node_modules"], "a/node_modules", false),
        (&["*", "![a-c]/x"], "z", true),
    ] {
        assert_eq!(
            Patterns::new(patterns).may_contain_kept(Path::new(folder)),
            expected,
            "{patterns:?} of {folder}"
        );
    }
}

#[test]
fn what_editors_and_git_leave_is_known_by_name() {
    for name in [
        ".git/HEAD",
        "a/main.rs~",
        "4913",
        ".main.rs.swp",
        ".main.rs.swx",
        ".swp.swp",
        ".#main.rs",
        "#main.rs#",
        "main.rs___jb_tmp___",
        "x/main.rs___jb_old___",
        ".idea/workspace.xml",
        ".DS_Store",
    ] {
        assert!(is_always_ignored(Path::new(name)), "{name}");
    }
    for name in [".gitignore", "git", "49130", "main.swp", ".swp", "#", "a#b#", "~a", ".github/x", ".a.swift"]
    {
        assert!(!is_always_ignored(Path::new(name)), "{name}");
    }
}

/// Few names and few patterns, so that they often meet.
fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec("[ab]{1,2}", 1..4).prop_map(|names| names.join("/"))
}

fn patterns() -> impl Strategy<Value = Vec<String>> {
    let step = prop_oneof![
        "[ab]{1,2}",
        Just("*".to_owned()),
        Just("**".to_owned()),
        Just("a?".to_owned()),
        Just("[^a]".to_owned())
    ];
    let pattern = (any::<bool>(), proptest::collection::vec(step, 1..4))
        .prop_map(|(back, steps)| format!("{}{}", if back { "!" } else { "" }, steps.join("/")));
    proptest::collection::vec(pattern, 0..5)
}

/// Docker's rule in its own words: a match of the path or of a parent, tried step by step.
fn docker_says(patterns: &[String], path: &str) -> bool {
    let mut ignored = false;
    for text in patterns {
        let back = text.starts_with('!');
        if back != ignored {
            continue;
        }
        let glob: Vec<&str> = text.trim_start_matches('!').split('/').collect();
        let names: Vec<&str> = path.split('/').collect();
        if (1..=names.len()).any(|end| glob_says(&glob, &names[..end])) {
            ignored = !back;
        }
    }
    ignored
}

fn glob_says(glob: &[&str], names: &[&str]) -> bool {
    match (glob, names) {
        ([], []) => true,
        // At the end it takes at least what follows the slash, which is never nothing.
        (["**"], names) => !names.is_empty(),
        (["**", rest @ ..], names) => (0..=names.len()).any(|taken| glob_says(rest, &names[taken..])),
        ([step, glob @ ..], [name, names @ ..]) => {
            let fits = match *step {
                "*" => true,
                "a?" => name.len() == 2 && name.starts_with('a'),
                "[^a]" => name.len() == 1 && *name != "a",
                plain => plain == *name,
            };
            fits && glob_says(glob, names)
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn the_matcher_agrees_with_docker_s_rule(patterns in patterns(), path in path()) {
        prop_assert_eq!(Patterns::new(&patterns).is_ignored(Path::new(&path)), docker_says(&patterns, &path));
    }

    #[test]
    fn nothing_that_matters_hides_in_a_folder_that_is_skipped(patterns in patterns(), path in path()) {
        let list = Patterns::new(&patterns);
        if !list.is_ignored(Path::new(&path)) {
            for folder in Path::new(&path).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
                prop_assert!(list.may_contain_kept(folder), "{:?}", folder);
            }
        }
    }

    #[test]
    fn no_text_breaks_it(lines in ".{0,40}", path in ".{0,40}") {
        let list = Patterns::parse(&lines);
        let _ = (list.is_ignored(Path::new(&path)), list.may_contain_kept(Path::new(&path)));
    }
}
