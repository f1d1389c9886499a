//! The file shape of a theme: `inherits`, `[palette]`, `[styles]`.
//!
//! ```toml
//! inherits = "dark"
//!
//! [palette]
//! red = "#f36c6c"            # also an ANSI name or a number from 0 to 255
//!
//! [styles]
//! failed = "red bold"        # [foreground] [modifiers] ["on" background]
//! selection = { bg = "raised", bold = true }
//! ```
//!
//! A palette replaces the inherited one name by name and the inherited styles follow it, so a theme
//! may be a palette alone. Reads no files: what a theme inherits from is looked up by the caller.

use std::collections::BTreeMap;
use std::ops::Range;

use ratatui::style::{Color, Modifier, Style};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::tui::theme::{MEANINGS, Theme};

/// How many themes may inherit from each other.
const DEPTH: usize = 8;

const MODIFIERS: [(&str, Modifier); 7] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
    ("blink", Modifier::SLOW_BLINK),
    ("strike", Modifier::CROSSED_OUT),
];

const ANSI: [(&str, Color); 17] = [
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("gray", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("white", Color::White),
];

/// A style as it is written, before the palette is known.
#[derive(Clone, Debug, Default)]
struct Recipe {
    fg: Option<Written>,
    bg: Option<Written>,
    modifiers: Modifier,
}

/// A color's name and the place it was read at, for the error message.
#[derive(Clone, Debug)]
struct Written {
    name: String,
    place: String,
}

/// Palette and recipes of a theme and of all it inherits from.
#[derive(Default)]
struct Sheet {
    palette: BTreeMap<String, Color>,
    recipes: BTreeMap<String, Recipe>,
}

/// Parses a theme; `lookup` returns the text of a theme that it inherits from.
///
/// The error names file, line and key, and the nearest key that exists.
pub fn parse(text: &str, file_name: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Theme, String> {
    let sheet = read_sheet(text, file_name, lookup, 0)?;
    let mut theme = Theme::plain();
    file_name.rsplit('/').next().unwrap_or(file_name).trim_end_matches(".toml").clone_into(&mut theme.name);
    for (meaning, recipe) in &sheet.recipes {
        let mut style = Style::new().add_modifier(recipe.modifiers);
        style.fg = recipe.fg.as_ref().map(|written| sheet.color(written)).transpose()?;
        style.bg = recipe.bg.as_ref().map(|written| sheet.color(written)).transpose()?;
        if let Some(slot) = theme.style_mut(meaning) {
            *slot = style;
        }
    }
    Ok(theme)
}

fn read_sheet(
    text: &str,
    file: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Result<Sheet, String> {
    let source = Source { text, file };
    let table = DeTable::parse(text).map_err(|error| {
        let message = error.message().lines().next().unwrap_or_default();
        source.error(error.span(), message)
    })?;
    let table = table.get_ref();
    known_keys(&source, table, &["inherits", "palette", "styles"], "")?;
    let mut sheet = match table.get("inherits") {
        None => Sheet::default(),
        Some(value) => {
            let name = source.string("inherits", value)?;
            if depth >= DEPTH {
                return Err(
                    source.error(Some(value.span()), "inherits: themes inherit from each other in a circle")
                );
            }
            let parent = lookup(name).ok_or_else(|| {
                source.error(Some(value.span()), &format!("inherits: there is no theme {name:?}"))
            })?;
            read_sheet(&parent, &format!("{name}.toml"), lookup, depth + 1)?
        }
    };
    if let Some(palette) = table.get("palette") {
        for (key, value) in source.table("palette", palette)? {
            let color = literal_color(value.get_ref()).ok_or_else(|| {
                source.error(
                    Some(value.span()),
                    &format!("palette.{}: a color is \"#rrggbb\", an ANSI name or 0 to 255", key.get_ref()),
                )
            })?;
            sheet.palette.insert(key.get_ref().to_string(), color);
        }
    }
    if let Some(styles) = table.get("styles") {
        let styles = source.table("styles", styles)?;
        let names: Vec<&str> = MEANINGS.iter().map(|(name, _)| *name).collect();
        known_keys(&source, styles, &names, "styles.")?;
        for (key, value) in styles {
            let recipe = recipe(&source, key.get_ref(), value)?;
            sheet.recipes.insert(key.get_ref().to_string(), recipe);
        }
    }
    Ok(sheet)
}

impl Sheet {
    fn color(&self, written: &Written) -> Result<Color, String> {
        let name = written.name.as_str();
        if let Some(color) = self.palette.get(name).copied().or_else(|| named_color(name)) {
            return Ok(color);
        }
        let known = self.palette.keys().map(String::as_str).chain(ANSI.iter().map(|(name, _)| *name));
        Err(format!("{}: unknown color {name:?}{}", written.place, did_you_mean(name, known)))
    }
}

fn recipe(source: &Source<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Result<Recipe, String> {
    let mut recipe = Recipe::default();
    let written = |name: &str, span: Range<usize>| Written {
        name: name.to_owned(),
        place: source.place(Some(span), &format!("styles.{key}")),
    };
    match value.get_ref() {
        DeValue::String(words) => {
            let mut on = false;
            for word in words.split_whitespace() {
                if let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == word) {
                    recipe.modifiers |= *modifier;
                } else if word == "on" {
                    on = true;
                } else if on {
                    recipe.bg = Some(written(word, value.span()));
                } else if recipe.fg.is_none() {
                    recipe.fg = Some(written(word, value.span()));
                } else {
                    let known = MODIFIERS.iter().map(|(name, _)| *name);
                    let hint = did_you_mean(word, known);
                    return Err(source.error(
                        Some(value.span()),
                        &format!("styles.{key}: unknown modifier {word:?}{hint}"),
                    ));
                }
            }
        }
        DeValue::Table(table) => {
            let known: Vec<&str> =
                ["fg", "bg"].into_iter().chain(MODIFIERS.iter().map(|(n, _)| *n)).collect();
            known_keys(source, table, &known, &format!("styles.{key}."))?;
            for (field, value) in table {
                let name = field.get_ref().as_ref();
                match (name, value.get_ref()) {
                    ("fg", DeValue::String(color)) => recipe.fg = Some(written(color, value.span())),
                    ("bg", DeValue::String(color)) => recipe.bg = Some(written(color, value.span())),
                    (_, DeValue::Boolean(on)) => {
                        let modifier = MODIFIERS.iter().find(|(known, _)| *known == name).map(|(_, m)| *m);
                        recipe.modifiers.set(modifier.unwrap_or_default(), *on);
                    }
                    _ => {
                        let wanted =
                            if matches!(name, "fg" | "bg") { "a color in quotes" } else { "true or false" };
                        return Err(source
                            .error(Some(value.span()), &format!("styles.{key}.{name}: must be {wanted}")));
                    }
                }
            }
        }
        _ => {
            return Err(source.error(
                Some(value.span()),
                &format!("styles.{key}: must be like \"red bold\" or {{ fg = \"red\", bold = true }}"),
            ));
        }
    }
    Ok(recipe)
}

/// Reads a color that needs no palette, as it stands in a file.
fn literal_color(value: &DeValue<'_>) -> Option<Color> {
    match value {
        DeValue::String(name) => named_color(name),
        DeValue::Integer(number) => number.as_str().parse().ok().map(Color::Indexed),
        _ => None,
    }
}

/// Reads `#rrggbb`, an ANSI name or a number.
fn named_color(name: &str) -> Option<Color> {
    if let Some(hex) = name.strip_prefix('#') {
        if hex.len() != 6 || !hex.is_ascii() {
            return None;
        }
        let channel = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
        return Some(Color::Rgb(channel(0)?, channel(2)?, channel(4)?));
    }
    let ansi = ANSI.iter().find(|(known, _)| *known == name).map(|(_, color)| *color);
    ansi.or_else(|| name.parse().ok().map(Color::Indexed))
}

fn known_keys(source: &Source<'_>, table: &DeTable<'_>, known: &[&str], prefix: &str) -> Result<(), String> {
    // The first in the file, not in the alphabet, is the one to fix first.
    let unknown = table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
    let Some(key) = unknown.min_by_key(|key: &&Spanned<DeString<'_>>| key.span().start) else {
        return Ok(());
    };
    let hint = did_you_mean(key.get_ref(), known.iter().copied());
    Err(source.error(Some(key.span()), &format!("unknown key {prefix}{}{hint}", key.get_ref())))
}

/// Suggests the nearest known word, if any is near.
pub(super) fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|candidate| (edits(word, candidate), candidate))
        .min()
        .filter(|(edits, _)| *edits <= 1 + word.chars().count() / 3)
        .map_or_else(String::new, |(_, nearest)| format!("; did you mean {nearest:?}?"))
}

/// Counts the edits (insert, delete, replace) between two words.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The text of a file and its name, for messages.
struct Source<'a> {
    text: &'a str,
    file: &'a str,
}

impl<'a> Source<'a> {
    fn place(&self, span: Option<Range<usize>>, what: &str) -> String {
        let before = span.and_then(|span| self.text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        format!("{}:{line}: {what}", self.file)
    }

    fn error(&self, span: Option<Range<usize>>, what: &str) -> String {
        self.place(span, what)
    }

    fn string<'v>(&self, key: &str, value: &'v Spanned<DeValue<'_>>) -> Result<&'v str, String> {
        value
            .get_ref()
            .as_str()
            .ok_or_else(|| self.error(Some(value.span()), &format!("{key}: must be a text in quotes")))
    }

    fn table<'v>(&self, key: &str, value: &'v Spanned<DeValue<'a>>) -> Result<&'v DeTable<'a>, String> {
        value
            .get_ref()
            .as_table()
            .ok_or_else(|| self.error(Some(value.span()), &format!("{key}: must be a table, [{key}]")))
    }
}
