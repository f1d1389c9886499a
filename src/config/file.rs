//! The shape of the operator's file, and what is wrong with one, by line.
//!
//! Every fault is found in one go, each with its line and the nearest known word. Never reads a file:
//! it is given the text.

mod notify;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::nearest::did_you_mean;
pub use crate::config::reader::Faults;
use crate::config::reader::{Reader, kind};
use crate::config::{KeyChoice, NotifyChoice};

/// Keys of the file's top level.
const KEYS: [&str; 9] =
    ["theme", "read_only", "ascii", "slow_link", "host", "context", "history", "notify", "keys"];

/// What one file says; `None` where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileConfig {
    pub theme: Option<String>,
    /// Where the theme was named, for an error about it.
    pub theme_place: String,
    pub read_only: Option<bool>,
    pub ascii: Option<bool>,
    pub slow_link: Option<bool>,
    pub host: Option<String>,
    pub context: Option<String>,
    pub history: Option<bool>,
    pub notify: NotifyChoice,
    pub keys: Vec<KeyChoice>,
    pub key_preset: Option<String>,
    /// Where the preset was named.
    pub key_preset_place: String,
}

/// Reads the text of a file that is called `name` in messages.
pub fn parse(name: &str, text: &str) -> Result<FileConfig, Faults> {
    let mut reader = Reader::new(name, text);
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => return Err(reader.not_toml(&error)),
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
            "slow_link" => file.slow_link = reader.bool_of(key.get_ref(), value),
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
    reader.finish(file)
}

impl Reader<'_> {
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
