//! Walks the tables of a TOML file and gathers every fault, each with its line and the nearest known word.
//!
//! Knows no file's meaning: what keys there are, each file says itself.

use std::fmt;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::nearest::did_you_mean;
use crate::config::spans::parse_duration;

/// What is wrong with a file: one line each, `file:line: what`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

/// A file being read, with what was found wrong so far.
pub struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    /// Byte offset and words.
    faults: Vec<(usize, String)>,
}

impl<'a> Reader<'a> {
    pub fn new(name: &'a str, text: &'a str) -> Self {
        Self { name, text, faults: Vec::new() }
    }

    /// Says that the whole text is no TOML.
    pub fn not_toml(mut self, error: &toml::de::Error) -> Faults {
        let at = error.span().map_or(0, |span| span.start);
        let what = error.message().trim().replace('\n', ", ");
        self.fault(at, format!("this is not TOML: {what}"));
        self.into_faults()
    }

    /// Gives what was read, if nothing was wrong.
    pub fn finish<T>(self, value: T) -> Result<T, Faults> {
        if self.faults.is_empty() { Ok(value) } else { Err(self.into_faults()) }
    }

    /// Returns `file:line` of an offset.
    pub fn place(&self, at: usize) -> String {
        let line = self.text.get(..at).unwrap_or_default().split('\n').count();
        format!("{}:{line}", self.name)
    }

    pub fn fault(&mut self, at: usize, what: String) {
        self.faults.push((at, what));
    }

    fn into_faults(mut self) -> Faults {
        self.faults.sort();
        let faults = std::mem::take(&mut self.faults);
        Faults(faults.into_iter().map(|(at, what)| format!("{}: {what}", self.place(at))).collect())
    }

    pub fn text_of(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        if let Some(text) = value.get_ref().as_str() {
            return Some(text.to_owned());
        }
        let kind = kind(value.get_ref());
        self.fault(value.span().start, format!("{key} wants text in quotes, this is {kind}"));
        None
    }

    pub fn bool_of(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<bool> {
        if let Some(answer) = value.get_ref().as_bool() {
            return Some(answer);
        }
        let kind = kind(value.get_ref());
        self.fault(value.span().start, format!("{key} wants true or false, this is {kind}"));
        None
    }

    /// Looks at a table whose keys are known; `what` names it in messages: `[budget]`.
    pub fn table<'v, 'i>(
        &mut self,
        what: &str,
        value: &'v Spanned<DeValue<'i>>,
        known: &[&str],
    ) -> Option<Table<'v, 'i>> {
        let Some(table) = value.get_ref().as_table() else {
            let kind = kind(value.get_ref());
            self.fault(value.span().start, format!("{what} wants a table, this is {kind}"));
            return None;
        };
        for key in table.keys().filter(|key| !known.contains(&&**key.get_ref())) {
            let unknown = key.get_ref();
            let hint = did_you_mean(unknown, known.iter().copied());
            let known = known.join(", ");
            self.fault(key.span().start, format!("unknown key {unknown:?} in {what}{hint} (known: {known})"));
        }
        Some(Table { keys: table, what: what.to_owned(), at: value.span().start })
    }

    /// Looks at a list of tables: `[[token]]`.
    pub fn tables<'v, 'i>(
        &mut self,
        what: &str,
        value: &'v Spanned<DeValue<'i>>,
        known: &[&str],
    ) -> Vec<Table<'v, 'i>> {
        let Some(list) = value.get_ref().as_array() else {
            let kind = kind(value.get_ref());
            self.fault(value.span().start, format!("{what} wants a list of tables, this is {kind}"));
            return Vec::new();
        };
        list.iter().filter_map(|value| self.table(what, value, known)).collect()
    }

    /// Reads a list of texts.
    pub fn texts_of(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
        let list = value.get_ref().as_array().map(|list| {
            list.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        if let Some(Some(texts)) = list {
            Some(texts)
        } else {
            self.fault(
                value.span().start,
                format!("{key} wants a list of texts: {key} = [\"one\", \"two\"]"),
            );
            None
        }
    }

    /// Reads a span of time.
    pub fn span_of(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Duration> {
        let text = self.text_of(key, value)?;
        let span = parse_duration(&text).ok();
        if span.is_none() {
            self.fault(
                value.span().start,
                format!("{key} wants a time like \"30s\" or \"5m\", this is {text:?}"),
            );
        }
        span
    }
}

/// One table, whose keys were checked.
pub struct Table<'v, 'i> {
    keys: &'v DeTable<'i>,
    what: String,
    /// Where it begins.
    pub at: usize,
}

impl<'v, 'i> Table<'v, 'i> {
    pub fn get(&self, key: &str) -> Option<&'v Spanned<DeValue<'i>>> {
        self.keys.get(key)
    }

    pub fn text(&self, reader: &mut Reader<'_>, key: &str) -> Option<String> {
        self.get(key).and_then(|value| reader.text_of(key, value))
    }

    /// A text that must be there.
    pub fn needed(&self, reader: &mut Reader<'_>, key: &str) -> Option<String> {
        if let Some(value) = self.get(key) {
            reader.text_of(key, value).filter(|text| {
                if text.is_empty() {
                    reader.fault(value.span().start, format!("{key} is empty"));
                }
                !text.is_empty()
            })
        } else {
            reader.fault(self.at, format!("{} has no {key}", self.what));
            None
        }
    }

    pub fn texts(&self, reader: &mut Reader<'_>, key: &str) -> Option<Vec<String>> {
        self.get(key).and_then(|value| reader.texts_of(key, value))
    }

    pub fn span(&self, reader: &mut Reader<'_>, key: &str) -> Option<Duration> {
        self.get(key).and_then(|value| reader.span_of(key, value))
    }

    pub fn flag(&self, reader: &mut Reader<'_>, key: &str) -> Option<bool> {
        self.get(key).and_then(|value| reader.bool_of(key, value))
    }

    /// Exactly one of these keys; says so otherwise.
    pub fn one_of(
        &self,
        reader: &mut Reader<'_>,
        keys: &[&'static str],
    ) -> Option<(&'static str, &'v Spanned<DeValue<'i>>)> {
        let mut found = keys.iter().filter_map(|key| Some((*key, self.get(key)?)));
        match (found.next(), found.next()) {
            (Some(one), None) => Some(one),
            (None, _) => {
                reader.fault(self.at, format!("{} wants one of {}", self.what, keys.join(", ")));
                None
            }
            (Some((one, _)), Some((other, value))) => {
                let what = &self.what;
                reader.fault(value.span().start, format!("{what} has both {one} and {other}: keep one"));
                None
            }
        }
    }
}

/// Says what a value is, for a message.
pub fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
