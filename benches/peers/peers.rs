//! The programs: how each is started, filtered and led to a log.

use std::path::{Path, PathBuf};

/// A program to be measured.
#[derive(Clone)]
pub struct Peer {
    pub name: &'static str,
    pub program: PathBuf,
    pub arguments: &'static [&'static str],
    /// Keys, a pause after each, from the first screen to the log of `flood`.
    pub to_log: &'static [&'static str],
    /// Opens a line to type into; what is typed shows there.
    pub prompt: &'static str,
    /// The same beside an open log, where there is such a line.
    pub prompt_in_log: Option<&'static str>,
    /// Closes it again and forgets what was typed.
    pub close: &'static str,
    pub quit: &'static str,
}

/// Returns what is installed, ours first.
pub fn installed(ours: &Path) -> Vec<Peer> {
    let ours = Peer {
        name: "stackdash",
        // Programs start in another folder than ours.
        program: std::path::absolute(ours).unwrap(),
        arguments: &["--no-history"],
        to_log: &["/", "flood", "\r", "g", "j", "l"],
        prompt: "/",
        prompt_in_log: Some("/"),
        close: "\x1b",
        quit: "\x03",
    };
    let oxker = Peer {
        name: "oxker",
        program: PathBuf::new(),
        arguments: &[],
        to_log: &["/", "flood", "\r"],
        prompt: "/",
        prompt_in_log: Some("/"),
        close: "\x1b",
        quit: "q",
    };
    // Enter opens a menu there, and an open log has no line to type into.
    let dtop = Peer {
        name: "dtop",
        to_log: &["/", "flood", "\r", "\x1b[C"],
        prompt_in_log: None,
        quit: "\x03",
        ..oxker.clone()
    };
    let lazydocker =
        Peer { name: "lazydocker", to_log: &["]", "/", "flood", "\r"], quit: "\x03", ..oxker.clone() };
    let others = [oxker, dtop, lazydocker];
    let others = others.into_iter().filter_map(|peer| Some(Peer { program: find(peer.name)?, ..peer }));
    std::iter::once(ours).filter(|peer| peer.program.is_file()).chain(others).collect()
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    std::env::split_paths(&path)
        .chain(home.map(|home| home.join("bin")))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
