//! The shape of the operator's file, and what is wrong with one, by line.
//!
//! Every fault is found in one go, each with its line and the nearest known word. Never reads a file:
//! it is given the text.

mod notify;

use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::nearest::did_you_mean;
use crate::config::{KeyChoice, NotifyChoice};

/// Keys of the file's top level.
const KEYS: [&str; 8] = ["theme", "read_only", "ascii", "host", "context", "history", "notify", "keys"];

/// What one file says; `None` where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileConfig {
    pub theme: Option<String>,
    /// Where the theme was named, for an error about it.
    pub theme_place: String,
    pub read_only: Option<bool>,
    pub ascii: Option<bool>,
    pub host: Option<String>,
    pub context: Option<String>,
    pub history: Option<bool>,
    pub notify: NotifyChoice,
    pub keys: Vec<KeyChoice>,
    pub key_preset: Option<String>,
    /// Where the preset was named.
    pub key_preset_place: String,
}

/// What is wrong with a file: one line each, `file:line: what`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

/// Reads the text of a file that is called `name` in messages.
pub fn parse(name: &str, text: &str) -> Result<FileConfig, Faults> {
    let mut reader = Reader { name, text, faults: Vec::new() };
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            let what = error.message().trim().replace('\n', ", ");
            reader.fault(at, format!("this is not TOML: {what}"));
            return Err(reader.into_faults());
        }
    };
    let mut file = FileConfig::default();
    for (key, value) in table.get_ref() {
        match &**key.get_ref() {
            "theme" => {
                file.theme = reader.text_of(key.get_ref(), value);
                file.theme_place = reader.place(value.span().start);
            }
            "read_only" => file.read_only = reader.bool_of(key.get_ref(), value),
            "ascii" => file.ascii = reader.bool_of(key.get_ref(), value),
            "host" => file.host = reader.text_of(key.get_ref(), value),
            "context" => file.context = reader.text_of(key.get_ref(), value),
            "history" => file.history = reader.bool_of(key.get_ref(), value),
            "notify" => file.notify = reader.notify_of(value),
            "keys" => {
                file.keys = reader.keys_of(value);
                let preset = value.get_ref().as_table().and_then(|keys| keys.get_key_value("preset"));
                if let Some((key, value)) = preset {
                    file.key_preset = reader.text_of(key.get_ref(), value);
                    file.key_preset_place = reader.place(key.span().start);
                }
            }
            unknown => {
                let hint = did_you_mean(unknown, KEYS);
                let known = KEYS.join(", ");
                reader.fault(key.span().start, format!("unknown key {unknown:?}{hint} (known: {known})"));
            }
        }
    }
    if file.host.is_some() && file.context.is_some() {
        let at = table.get_ref().get("context").map_or(0, |value| value.span().start);
        reader.fault(at, String::from("host and context both name an engine: keep one of them"));
    }
    if reader.faults.is_empty() { Ok(file) } else { Err(reader.into_faults()) }
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    /// Byte offset and words.
    faults: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn place(&self, at: usize) -> String {
        let line = self.text.get(..at).unwrap_or_default().split('\n').count();
        format!("{}:{line}", self.name)
    }

    fn fault(&mut self, at: usize, what: String) {
        self.faults.push((at, what));
    }

    fn into_faults(mut self) -> Faults {
        self.faults.sort();
        let faults = std::mem::take(&mut self.faults);
        Faults(faults.into_iter().map(|(at, what)| format!("{}: {what}", self.place(at))).collect())
    }

    fn text_of(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        if let Some(text) = value.get_ref().as_str() {
            return Some(text.to_owned());
        }
        let kind = kind(value.get_ref());
        self.fault(value.span().start, format!("{key} wants text in quotes, this is {kind}"));
        None
    }

    fn bool_of(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<bool> {
        if let Some(answer) = value.get_ref().as_bool() {
            return Some(answer);
        }
        let kind = kind(value.get_ref());
        self.fault(value.span().start, format!("{key} wants true or false, this is {kind}"));
        None
    }

    /// Reads `[keys]` and the `[keys.CONTEXT]` in it.
    fn keys_of(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<KeyChoice> {
        let Some(table) = value.get_ref().as_table() else {
            let kind = kind(value.get_ref());
            self.fault(value.span().start, format!("keys wants a table, [keys], this is {kind}"));
            return Vec::new();
        };
        let mut anywhere = Vec::new();
        let mut in_context = Vec::new();
        for (name, value) in table {
            match value.get_ref().as_table() {
                // No action, but a table of them.
                None if name.get_ref() == "preset" => {}
                None => anywhere.extend(self.key_of(None, name, value)),
                Some(inner) => {
                    for (action, value) in inner {
                        in_context.extend(self.key_of(Some(name.get_ref()), action, value));
                    }
                }
            }
        }
        // What is said for one context comes last, so that it wins.
        anywhere.extend(in_context);
        anywhere
    }

    fn key_of(
        &mut self,
        context: Option<&str>,
        action: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<KeyChoice> {
        let keys = match value.get_ref() {
            DeValue::String(key) => Some(vec![key.to_string()]),
            DeValue::Array(list) => {
                list.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        let Some(keys) = keys else {
            let action = action.get_ref();
            self.fault(
                value.span().start,
                format!(
                    "{action} wants a key or a list of keys: {action} = \"r\" or {action} = [\"r\", \"F6\"]"
                ),
            );
            return None;
        };
        if keys.iter().any(String::is_empty) {
            let action = action.get_ref();
            self.fault(
                value.span().start,
                format!("{action} has an empty key; for no key at all: {action} = []"),
            );
            return None;
        }
        let place = self.place(action.span().start);
        Some(KeyChoice {
            context: context.map(str::to_owned),
            action: action.get_ref().to_string(),
            keys,
            place,
        })
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
