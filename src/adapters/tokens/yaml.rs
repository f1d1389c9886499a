//! YAML as the JSON that it stands for, and where in the text each scalar stands.
//!
//! The core schema: null, booleans, numbers, text. Merge keys and tags mean nothing here; aliases are refused,
//! so that no small file becomes a large one.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// Deeper than any document with a token.
const DEPTH: usize = 64;

/// Reads the first document.
pub fn parse(text: &str) -> Option<Value> {
    walk(text, &mut |_, _| {})
}

/// Finds where a scalar stands, in bytes; quotes included. Paths begin with the outermost name.
pub fn locate(text: &str, path: &[String]) -> Option<Range<usize>> {
    let mut found = None;
    walk(text, &mut |at: &[String], range| {
        if at == path {
            found = Some(range);
        }
    })?;
    // The parser counts characters.
    let Range { start, end } = found?;
    let mut places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let from = places.nth(start)?;
    let to = if end > start { places.nth(end - start - 1)? } else { from };
    let trimmed = text[from..to].trim_end().len();
    Some(from..from + trimmed)
}

enum Open {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

fn walk(text: &str, seen: &mut dyn FnMut(&[String], Range<usize>)) -> Option<Value> {
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.ok()?;
        let value = match event {
            Event::Alias(_) => return None,
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() == DEPTH => return None,
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop()? {
                Open::List(items) => Value::Array(items),
                Open::Map(fields, _) => Value::Object(fields),
            },
            Event::Scalar(text, style, ..) => {
                if let Some(Open::Map(_, key @ None)) = open.last_mut() {
                    *key = Some(text.into_owned());
                    continue;
                }
                let path: Vec<String> = open
                    .iter()
                    .map(|open| match open {
                        Open::List(items) => items.len().to_string(),
                        Open::Map(_, key) => key.clone().unwrap_or_default(),
                    })
                    .collect();
                seen(&path, span.start.index()..span.end.index());
                if style == ScalarStyle::Plain { plain(&text) } else { Value::from(text.into_owned()) }
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => continue,
        };
        match open.last_mut() {
            None => return Some(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(fields, key)) => {
                // A list or a map as a key: not ours.
                fields.insert(key.take()?, value);
            }
        }
    }
    None
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => {
            if let Ok(whole) = text.parse::<i64>() {
                return Value::from(whole);
            }
            let looks_like_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
            match text.parse::<f64>() {
                Ok(number) if looks_like_number && number.is_finite() => Value::from(number),
                _ => Value::from(text),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "# ünïcode\naccounts:\n  - name: work\n    expires: 2026-11-20 16:13:58 # soon\n    token: \"a b\"\n  - {name: 'home', expires: 1795191238}\nempty:\n";

    #[test]
    fn it_becomes_json() {
        assert_eq!(
            parse(TEXT),
            Some(json!({ "accounts": [
                { "name": "work", "expires": "2026-11-20 16:13:58", "token": "a b" },
                { "name": "home", "expires": 1_795_191_238 },
            ], "empty": null }))
        );
        assert_eq!(parse("a: &x 1\nb: *x\n"), None, "aliases are refused");
        assert_eq!(parse("a: [1, 2\n"), None);
        assert_eq!(parse(&"[".repeat(1000)), None);
    }

    #[test]
    fn scalars_are_found_in_the_text() {
        let at = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
            locate(TEXT, &path).map(|range| &TEXT[range])
        };
        assert_eq!(at(&["accounts", "0", "expires"]), Some("2026-11-20 16:13:58"));
        assert_eq!(at(&["accounts", "0", "token"]), Some("\"a b\""));
        assert_eq!(at(&["accounts", "1", "name"]), Some("'home'"));
        assert_eq!(at(&["accounts", "2", "name"]), None);
    }
}
