//! Where themes come from: the embedded ones and the user's folder. The only place here that reads files.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::tui::theme::file::{did_you_mean, parse};
use crate::tui::theme::{ColorDepth, MEANINGS, Theme};

/// The embedded themes, in the order they are offered.
const EMBEDDED: [(&str, &str); 8] = [
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("colorblind", include_str!("../../../themes/colorblind.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
    ("catppuccin-mocha", include_str!("../../../themes/catppuccin-mocha.toml")),
    ("gruvbox-dark", include_str!("../../../themes/gruvbox-dark.toml")),
    ("nord", include_str!("../../../themes/nord.toml")),
];

/// Bytes of a theme file that are read at most.
const MAX_BYTES: u64 = 256 * 1024;

/// Lists every theme: the embedded ones, then the user's by name.
pub fn names() -> Vec<String> {
    names_in(user_folder().as_deref())
}

/// Loads a theme by name for a terminal. A user's theme wins over an embedded one of its name.
///
/// The error is one line for people: file, line and key, and what would have been known.
pub fn load(name: &str, ascii: bool, depth: ColorDepth) -> Result<Theme, String> {
    load_from(user_folder().as_deref(), name, ascii, depth)
}

/// Loads an embedded theme as it stands in its file.
pub(super) fn embedded(name: &str) -> Result<Theme, String> {
    let text = embedded_text(name).ok_or_else(|| format!("there is no theme {name:?}"))?;
    parse(&text, &format!("{name}.toml"), &embedded_text)
}

/// Returns the user's folder of themes, `$XDG_CONFIG_HOME/stackdash/themes`.
pub fn user_folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("stackdash").join("themes"))
}

fn names_in(folder: Option<&Path>) -> Vec<String> {
    let mut names: Vec<String> = EMBEDDED.iter().map(|(name, _)| (*name).to_owned()).collect();
    let users: BTreeSet<String> = folder
        .and_then(|folder| fs::read_dir(folder).ok())
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix(".toml").map(str::to_owned))
        .filter(|name| is_plain_name(name) && !names.contains(name))
        .collect();
    names.extend(users);
    names
}

fn load_from(folder: Option<&Path>, name: &str, ascii: bool, depth: ColorDepth) -> Result<Theme, String> {
    let mut theme = match user_text(folder, name)? {
        Some((file, text)) => {
            // A theme named like an embedded one may build on its namesake: asked for a second time, a
            // name means the embedded theme.
            let asked = RefCell::new(BTreeSet::from([name.to_owned()]));
            let lookup = |parent: &str| {
                let again = !asked.borrow_mut().insert(parent.to_owned());
                let embedded = embedded_text(parent);
                if again && embedded.is_some() {
                    return embedded;
                }
                let users = user_text(folder, parent).ok().flatten().map(|(_, text)| text);
                users.or(embedded)
            };
            parse(&text, &file, &lookup)?
        }
        None if embedded_text(name).is_some() => embedded(name)?,
        None => {
            let names = names_in(folder);
            let hint = did_you_mean(name, names.iter().map(String::as_str));
            let hint = if hint.is_empty() { String::from(";") } else { hint };
            return Err(format!("there is no theme {name:?}{hint} known: {}", names.join(", ")));
        }
    };
    // Without colors only modifiers tell meanings apart, and the mono theme is made of these.
    if depth == ColorDepth::None {
        let mono = embedded("mono")?;
        theme = Theme { name: theme.name, ..mono };
    }
    for (meaning, _) in MEANINGS {
        if let Some(slot) = theme.style_mut(meaning) {
            *slot = depth.style(meaning, *slot);
        }
    }
    theme.ascii = ascii;
    theme.depth = depth;
    Ok(theme)
}

fn embedded_text(name: &str) -> Option<String> {
    EMBEDDED.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
}

/// Reads a user's theme: its path for messages and its text.
fn user_text(folder: Option<&Path>, name: &str) -> Result<Option<(String, String)>, String> {
    let Some(folder) = folder.filter(|_| is_plain_name(name)) else { return Ok(None) };
    let path = folder.join(format!("{name}.toml"));
    let file = path.display().to_string();
    match fs::metadata(&path) {
        Err(_) => return Ok(None),
        Ok(meta) if !meta.is_file() || meta.len() > MAX_BYTES => {
            return Err(format!("{file}: not a theme file (no plain file, or larger than 256 KiB)"));
        }
        Ok(_) => {}
    }
    let text = fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
    Ok(Some((file, text)))
}

/// Whether a name stays inside the folder and is fit to be shown.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_theme_is_found_and_may_build_on_its_namesake() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mine.toml"), "inherits = \"nord\"\n[styles]\nfailed = \"blue\"")
            .unwrap();
        fs::write(folder.path().join("dark.toml"), "inherits = \"dark\"\n[palette]\nred = 1").unwrap();
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        let at = Some(folder.path());
        assert_eq!(names_in(at).last().unwrap(), "mine");
        assert_eq!(names_in(at).iter().filter(|name| *name == "dark").count(), 1);
        let mine = load_from(at, "mine", true, ColorDepth::TrueColor).unwrap();
        assert_eq!((mine.name.as_str(), mine.ascii), ("mine", true));
        assert_eq!(mine.failed.fg, embedded("nord").unwrap().border_focused.fg);
        let dark = load_from(at, "dark", false, ColorDepth::TrueColor).unwrap();
        assert_eq!(dark.error.fg, Some(ratatui::style::Color::Indexed(1)));
    }

    #[test]
    fn an_unknown_theme_names_the_nearest_and_all() {
        let error = load_from(None, "catpuccin-mocha", false, ColorDepth::TrueColor).unwrap_err();
        assert!(
            error.starts_with("there is no theme \"catpuccin-mocha\"; did you mean \"catppuccin-mocha\"?"),
            "{error}"
        );
        assert!(error.contains("? known: dark, light"), "{error}");
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let error = load_from(Some(Path::new("/")), "../etc/x", false, ColorDepth::TrueColor).unwrap_err();
        assert!(error.starts_with("there is no theme"), "{error}");
    }
}
