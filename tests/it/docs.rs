//! What the README says of keys is what the table of actions says.
//!
//! `STACKDASH_DOCS=1 cargo test --test it docs` writes the README's key table anew.

use std::fmt::Write;
use std::path::Path;

use stackdash::tui::action::{ACTIONS, KeyContext};
use stackdash::tui::theme::{self, ColorDepth};

const BEGIN: &str = "<!-- keys: begin -->\n";
const END: &str = "<!-- keys: end -->";

fn key_table() -> String {
    let mut table = String::from("| keys | where | what | name |\n|---|---|---|---|\n");
    for info in ACTIONS {
        let keys: Vec<String> =
            info.keys.iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect();
        let contexts: Vec<&str> = info
            .contexts
            .iter()
            .filter(|context| {
                !matches!(context, KeyContext::Menu | KeyContext::Input | KeyContext::Confirm)
                    || info.contexts.len() == 1
            })
            .map(|context| context.name())
            .collect();
        writeln!(table, "| {} | {} | {} | `{}` |", keys.join(" "), contexts.join(", "), info.doc, info.name)
            .unwrap();
    }
    table
}

#[test]
fn the_readmes_key_table_is_the_table_of_actions() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("README has the begin marker");
    let (table, after) = rest.split_once(END).expect("README has the end marker");
    if std::env::var_os("STACKDASH_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", key_table())).unwrap();
        return;
    }
    assert_eq!(table, key_table(), "write it anew: STACKDASH_DOCS=1 cargo test --test it docs");
}

#[test]
fn action_names_are_unique_and_every_action_has_words() {
    let mut names: Vec<_> = ACTIONS.iter().map(|info| info.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    for info in ACTIONS {
        assert!(!info.doc.is_empty() && !info.doc.ends_with('.'), "{}", info.name);
        assert!(!info.contexts.is_empty(), "{}", info.name);
    }
}

#[test]
fn every_theme_loads_at_every_depth_and_the_readme_names_it() {
    let readme = include_str!("../../README.md");
    for name in theme::names() {
        for depth in [ColorDepth::TrueColor, ColorDepth::Indexed256, ColorDepth::Ansi16, ColorDepth::None] {
            for ascii in [false, true] {
                theme::load(&name, ascii, depth).unwrap();
            }
        }
        assert!(readme.contains(&name), "the README does not name the theme {name}");
    }
}

#[test]
fn the_readme_says_what_the_command_line_knows() {
    let help = assert_cmd::Command::cargo_bin("stackdash").unwrap().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let readme = include_str!("../../README.md");
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    for line in commands.take_while(|line| line.starts_with("  ")) {
        let Some(word) = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')) else { continue };
        let name = word.split_whitespace().next().unwrap();
        if name != "help" {
            assert!(readme.contains(name), "the README does not name `stackdash {name}`");
        }
    }
}
