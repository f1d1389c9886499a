//! A resolved configuration as text fit to be shown: YAML, one clean line each, secrets masked.
//!
//! Written from the resolved JSON, because there each value still has its key: what is masked is decided
//! by both. Never meant to be read back.

use serde_json::{Map, Value};

use crate::model::redact;
use crate::model::text::clean;

/// Lines kept; a thousand services have some 30,000.
const MOST: usize = 40_000;
/// The parts that one looks for, first.
const FIRST: [&str; 6] = ["name", "services", "networks", "volumes", "secrets", "configs"];
/// Lists that are one command line.
const COMMANDS: [&str; 3] = ["command", "entrypoint", "test"];

/// Writes a resolved configuration.
pub fn lines(mut document: Value) -> Vec<String> {
    mask_contents(&mut document);
    redact::json(&mut document);
    let mut writer = Writer { lines: Vec::new() };
    if let Value::Object(fields) = &document {
        let known = FIRST.iter().filter_map(|name| fields.get_key_value(*name));
        let others = fields.iter().filter(|(name, _)| !FIRST.contains(&name.as_str()));
        for (name, value) in known.chain(others) {
            writer.field(0, "", name, value);
        }
    }
    writer.lines
}

/// Whatever stands in the file as a secret is one, whatever its name.
fn mask_contents(document: &mut Value) {
    for part in ["secrets", "configs"] {
        let entries = document.get_mut(part).and_then(Value::as_object_mut);
        for entry in entries.into_iter().flat_map(Map::values_mut) {
            if let Some(content) = entry.get_mut("content") {
                *content = Value::String(redact::MASK.to_owned());
            }
        }
    }
    let services = document.get_mut("services").and_then(Value::as_object_mut);
    for service in services.into_iter().flat_map(Map::values_mut) {
        mask_commands(service);
        if let Some(check) = service.get_mut("healthcheck") {
            mask_commands(check);
        }
    }
}

fn mask_commands(of: &mut Value) {
    for name in COMMANDS {
        if let Some(Value::Array(words)) = of.get_mut(name)
            && words.iter().all(Value::is_string)
        {
            let plain: Vec<String> = words.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            *words = redact::command(&plain).into_iter().map(Value::String).collect();
        }
    }
}

struct Writer {
    lines: Vec<String>,
}

impl Writer {
    fn push(&mut self, line: String) {
        if self.lines.len() < MOST {
            self.lines.push(line);
        } else if self.lines.len() == MOST {
            self.lines.push(String::from("# more is not shown"));
        }
    }

    /// Writes `name: value` so far in, with what goes before it on its line.
    fn field(&mut self, depth: usize, lead: &str, name: &str, value: &Value) {
        let indent = " ".repeat(depth.saturating_sub(lead.len()));
        let name = scalar(name);
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                self.push(format!("{indent}{lead}{name}:"));
                for (name, value) in fields {
                    self.field(depth + 2, "", name, value);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                self.push(format!("{indent}{lead}{name}:"));
                for item in items {
                    self.item(depth + 2, item);
                }
            }
            value => self.push(format!("{indent}{lead}{name}: {}", simple(value))),
        }
    }

    fn item(&mut self, depth: usize, value: &Value) {
        let indent = " ".repeat(depth);
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (index, (name, value)) in fields.iter().enumerate() {
                    let lead = if index == 0 { "- " } else { "" };
                    self.field(depth + 2, lead, name, value);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                self.push(format!("{indent}-"));
                for item in items {
                    self.item(depth + 2, item);
                }
            }
            value => self.push(format!("{indent}- {}", simple(value))),
        }
    }
}

fn simple(value: &Value) -> String {
    match value {
        Value::Null => String::from("null"),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => scalar(text),
        Value::Array(_) => String::from("[]"),
        Value::Object(_) => String::from("{}"),
    }
}

/// Writes text as YAML would have it on one line: quoted where it could be taken for something else.
fn scalar(text: &str) -> String {
    let shown = clean(&text.replace('\n', "\\n"));
    let odd_start = shown.starts_with(|c: char| c.is_whitespace() || "-?:,[]{}#&*!|>'\"%@`".contains(c));
    let is_word = matches!(&*shown, "" | "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "~");
    let is_number = shown.parse::<f64>().is_ok();
    let breaks =
        shown.contains(": ") || shown.contains(" #") || shown.ends_with([':', ' ']) || text.contains('\n');
    if odd_start || is_word || is_number || breaks {
        format!("\"{}\"", shown.replace('"', "\\\""))
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_configuration_reads_as_a_compose_file_without_its_secrets() {
        let document = json!({
            "volumes": { "data": null },
            "name": "shop",
            "services": { "db": {
                "image": "postgres:16", "command": ["postgres", "-c", "fsync=off"],
                "environment": { "POSTGRES_PASSWORD": "hunter2-hunter2", "POSTGRES_DB": "shop", "PORT": "5432" },
                "healthcheck": { "test": ["CMD", "pg_isready", "--password", "hunter2"], "interval": "5s" },
                "ports": [ { "target": 5432, "published": "5432", "protocol": "tcp" } ],
                "deploy": { "replicas": 2 }, "entrypoint": null,
                "labels": { "note": "two: words\u{1b}[31m\nred" },
            } },
            "secrets": { "pw": { "name": "shop_pw", "content": "anything at all" } },
        });
        let text = lines(document).join("\n");
        insta::assert_snapshot!(text);
        assert!(!text.contains("hunter2") && !text.contains("anything at all") && !text.contains('\u{1b}'));
    }
}
