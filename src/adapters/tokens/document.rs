//! What a source holds, understood: fields (JSON, TOML, YAML), the claims of a JWT, a certificate.
//!
//! Pure. Errors never quote what was read.

use std::ops::Range;

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};
use zeroize::Zeroize as _;

use crate::adapters::tokens::certificate::{self, Found};
use crate::adapters::tokens::{jwt, yaml};
use crate::model::secret::Secret;

pub enum Document {
    Fields(Fields),
    Jwt(Fields),
    Certificate(Found),
}

/// A tree of values that leaves nothing in memory.
pub struct Fields(pub Value);

impl Drop for Fields {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// How fields are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Toml,
    Yaml,
}

/// Understands what was read. `name`: its file's, where it has one; its ending says the format, unless the
/// content knows better.
pub fn parse(secret: &Secret, name: &str) -> Result<Document, String> {
    let Some(text) = secret.text() else { return Err(String::from("it is no text")) };
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(String::from("it is empty"));
    }
    if certificate::is_in(text) {
        return certificate::read(text).map(Document::Certificate);
    }
    if let Some(claims) = jwt::claims(text) {
        return Ok(Document::Jwt(Fields(claims)));
    }
    if jwt::is_encrypted(text) {
        return Err(String::from("it is an encrypted JWT, which only its owner can read"));
    }
    let (_, value) = fields(text, name)?;
    Ok(Document::Fields(Fields(value)))
}

/// Reads fields, and tells how they are written.
pub fn fields(text: &str, name: &str) -> Result<(Format, Value), String> {
    let by_name = match name.rsplit('.').next().map(str::to_ascii_lowercase).as_deref() {
        Some("json") => Some(Format::Json),
        Some("toml") => Some(Format::Toml),
        Some("yaml" | "yml") => Some(Format::Yaml),
        _ => None,
    };
    let tries = match by_name {
        Some(format) => vec![format],
        None if text.starts_with(['{', '"']) => vec![Format::Json],
        None => vec![Format::Json, Format::Toml, Format::Yaml],
    };
    for format in &tries {
        let value = match format {
            Format::Json => serde_json::from_str(text).ok(),
            Format::Toml => toml::from_str::<toml::Table>(text).ok().map(|table| from_toml(table.into())),
            Format::Yaml => yaml::parse(text),
        };
        let holds_something = |value: &Value| by_name.is_some() || value.is_object() || value.is_array();
        if let Some(value) = value.filter(holds_something) {
            return Ok((*format, value));
        }
    }
    Err(String::from(match by_name {
        Some(Format::Json) => "it is no valid JSON",
        Some(Format::Toml) => "it is no valid TOML",
        Some(Format::Yaml) => "it is no YAML that can be read (aliases are not followed)",
        None => "it is neither JSON, TOML, YAML, a JWT nor a certificate",
    }))
}

fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(flag) => Value::from(flag),
        toml::Value::Datetime(at) => Value::from(at.to_string()),
        toml::Value::Array(items) => Value::Array(items.into_iter().map(from_toml).collect()),
        toml::Value::Table(table) => Value::Object(
            table.into_iter().map(|(key, value)| (key, from_toml(value))).collect::<Map<_, _>>(),
        ),
    }
}

/// Finds where a value stands in the text, in bytes.
pub fn locate(format: Format, text: &str, path: &[String]) -> Option<Range<usize>> {
    match format {
        Format::Json => Scanner { text: text.as_bytes(), at: 0 }.find(path),
        Format::Yaml => yaml::locate(text, path),
        Format::Toml => {
            let table = DeTable::parse(text).ok()?;
            let (first, rest) = path.split_first()?;
            let mut at = table.get_ref().get(first.as_str())?;
            for name in rest {
                at = match at.get_ref() {
                    DeValue::Table(table) => table.get(name.as_str())?,
                    DeValue::Array(items) => items.get(name.parse::<usize>().ok()?)?,
                    _ => return None,
                };
            }
            Some(at.span())
        }
    }
}

/// Goes through valid JSON without keeping anything.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn find(mut self, path: &[String]) -> Option<Range<usize>> {
        self.blanks();
        let Some((name, rest)) = path.split_first() else {
            let start = self.at;
            self.skip()?;
            return Some(start..self.at);
        };
        let list = *self.text.get(self.at)? == b'[';
        self.at += 1;
        for index in 0.. {
            self.blanks();
            let found = if list {
                index.to_string() == *name
            } else {
                let start = self.at;
                self.string()?;
                let key: String = serde_json::from_slice(self.text.get(start..self.at)?).ok()?;
                self.blanks();
                self.at += 1;
                key == *name
            };
            if found {
                return self.find(rest);
            }
            self.blanks();
            self.skip()?;
            self.blanks();
            if *self.text.get(self.at)? != b',' {
                return None;
            }
            self.at += 1;
        }
        None
    }

    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Option<()> {
        if *self.text.get(self.at)? != b'"' {
            return None;
        }
        loop {
            self.at += 1;
            match self.text.get(self.at)? {
                b'\\' => self.at += 1,
                b'"' => break,
                _ => {}
            }
        }
        self.at += 1;
        Some(())
    }

    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.text.get(self.at)? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                byte if depth == 0 && !byte.is_ascii_whitespace() => {
                    while self.text.get(self.at).is_some_and(|byte| !b",]} \t\r\n".contains(byte)) {
                        self.at += 1;
                    }
                }
                _ => self.at += 1,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(text: &str, name: &str) -> Result<Value, String> {
        match parse(&Secret::from(text.to_owned()), name)? {
            Document::Fields(fields) | Document::Jwt(fields) => Ok(fields.0.clone()),
            Document::Certificate(_) => Ok(json!("certificate")),
        }
    }

    #[test]
    fn formats_are_told_by_ending_and_by_content() {
        let wanted = json!({ "a": { "b": 1 } });
        for (text, name) in [
            (r#"{"a":{"b":1}}"#, "x.json"),
            (r#"{"a":{"b":1}}"#, "token"),
            ("\u{feff}{\"a\":{\"b\":1}}\n", ""),
            ("[a]\nb = 1\n", "x.toml"),
            ("[a]\nb = 1\n", "x"),
            ("a:\n  b: 1\n", "x.YAML"),
            ("a:\n  b: 1\n", "config"),
        ] {
            assert_eq!(of(text, name), Ok(wanted.clone()), "{text:?} {name}");
        }
        assert_eq!(of(&jwt::tests::jwt(&wanted), "x"), Ok(wanted));
    }

    #[test]
    fn errors_never_quote_what_was_read() {
        for (text, name) in [
            ("s3cret-value", ""),
            ("{\"token\": \"s3cret", "a.json"),
            ("s3cret = ", "a.toml"),
            ("eyJs3cret.a.b.c.d", ""),
            ("-----BEGIN CERTIFICATE-----\ns3cret\n-----END CERTIFICATE-----", ""),
            ("", ""),
        ] {
            let words = of(text, name).unwrap_err();
            assert!(!words.contains("s3cret"), "{words}");
        }
    }

    #[test]
    fn values_are_found_in_the_text_of_every_format() {
        let json = "{ \"x\" : [1, {\"y\":\"a\\\"]}b\"}], \"tok\\u0065n\":\n \"old\" , \"n\": 12.5}";
        let toml = "n = 12.5\ntoken = \"old\"\nx = [1, { y = 'b' }]\n";
        let yaml = "token: old\nx:\n- 1\n- y: b\nn: 12.5\n";
        for (format, text, y) in
            [(Format::Json, json, "\"a\\\"]}b\""), (Format::Toml, toml, "'b'"), (Format::Yaml, yaml, "b")]
        {
            let at = |path: &[&str]| {
                let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
                locate(format, text, &path).map(|range| &text[range])
            };
            assert_eq!(at(&["x", "1", "y"]), Some(y), "{format:?}");
            assert_eq!(at(&["token"]).map(|found| found.trim_matches('"')), Some("old"), "{format:?}");
            assert_eq!(at(&["n"]), Some("12.5"), "{format:?}");
            assert_eq!(at(&["x", "7", "y"]), None, "{format:?}");
            assert_eq!(at(&["no"]), None, "{format:?}");
        }
    }
}
