//! The shape of `stackdash.toml`, and what is wrong with one, by line. Never reads a file: it is given
//! the text.

pub mod labels;
mod probes;
mod tokens;
pub mod variables;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::nearest::did_you_mean;
use crate::config::reader::{Faults, Reader, Table, kind};
use crate::config::spans::parse_bytes;
use crate::model::stack_file::{
    ActionRun, Budget, Choices, CustomAction, HealRule, LogFile, Question, StackFile, Variant,
};
use crate::model::text::clean;

const KEYS: [&str; 8] = ["variants", "token", "probe", "action", "log", "watch", "budget", "heal"];

/// Reads the text of the file at `path`.
pub fn parse(path: &Path, text: &str) -> Result<StackFile, Faults> {
    let name = clean(&path.display().to_string());
    let mut reader = Reader::new(&name, text);
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => return Err(reader.not_toml(&error)),
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut file = StackFile { path: path.to_owned(), ..StackFile::default() };
    for (key, value) in table.get_ref() {
        match &**key.get_ref() {
            "variants" => file.variants = variants(&mut reader, folder, value),
            "token" => {
                let tables = reader.tables("[[token]]", value, &tokens::KEYS);
                file.tokens =
                    tables.iter().filter_map(|table| tokens::token(&mut reader, folder, table)).collect();
                let names = tables.iter().map(|table| (table.get("name"), table.at));
                twice(&mut reader, "[[token]]", names.collect());
            }
            "probe" => {
                let tables = reader.tables("[[probe]]", value, &probes::KEYS);
                file.probes = tables.iter().filter_map(|table| probes::probe(&mut reader, table)).collect();
            }
            "action" => {
                let known =
                    ["name", "service", "exec", "compose", "user", "folder", "ask", "confirm", "timeout"];
                let tables = reader.tables("[[action]]", value, &known);
                file.actions = tables.iter().filter_map(|table| action(&mut reader, table)).collect();
                let names = tables.iter().map(|table| (table.get("name"), table.at));
                twice(&mut reader, "[[action]]", names.collect());
            }
            "log" => {
                let tables = reader.tables("[[log]]", value, &["service", "file"]);
                file.logs = tables.iter().filter_map(|table| log_file(&mut reader, table)).collect();
            }
            "watch" => {
                let tables = reader.tables("[[watch]]", value, &watch::KEYS);
                file.watch =
                    tables.iter().filter_map(|table| watch::rule(&mut reader, folder, table)).collect();
            }
            "budget" => file.budget = budget(&mut reader, value),
            "heal" => file.heal = heal(&mut reader, value),
            unknown => {
                let hint = did_you_mean(unknown, KEYS);
                let known = KEYS.join(", ");
                reader.fault(key.span().start, format!("unknown key {unknown:?}{hint} (known: {known})"));
            }
        }
    }
    reader.finish(file)
}

/// Says that a name was given twice.
fn twice(reader: &mut Reader<'_>, what: &str, names: Vec<(Option<&Spanned<DeValue<'_>>>, usize)>) {
    let mut seen: Vec<&str> = Vec::new();
    for (name, _) in names {
        let Some(value) = name else { continue };
        let Some(text) = value.get_ref().as_str() else { continue };
        if seen.contains(&text) {
            reader.fault(value.span().start, format!("there are two {what} of the name {text:?}"));
        }
        seen.push(text);
    }
}

fn variants(reader: &mut Reader<'_>, folder: &Path, value: &Spanned<DeValue<'_>>) -> Vec<Variant> {
    let Some(table) = value.get_ref().as_table() else {
        let kind = kind(value.get_ref());
        reader.fault(value.span().start, format!("variants wants a table, [variants], this is {kind}"));
        return Vec::new();
    };
    // In the order in which they were written, not by name.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut variants = Vec::new();
    for (key, value) in entries {
        let Some(files) = reader.texts_of(key.get_ref(), value) else { continue };
        if files.is_empty() {
            reader.fault(value.span().start, format!("{} has no files", key.get_ref()));
        }
        let files = files.iter().map(|file| complete(folder, file)).collect();
        variants.push(Variant { name: clean(key.get_ref()), files });
    }
    variants
}

/// A relative path is meant from the file's own folder.
fn complete(folder: &Path, path: &str) -> PathBuf {
    let whole = folder.join(path);
    // `./a` and `a` are the same file, and are compared with the paths of labels.
    whole.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

fn service(reader: &mut Reader<'_>, table: &Table<'_, '_>) -> Option<Arc<str>> {
    table.needed(reader, "service").map(|name| Arc::from(clean(&name)))
}

fn action(reader: &mut Reader<'_>, table: &Table<'_, '_>) -> Option<CustomAction> {
    let name = table.needed(reader, "name");
    let (key, value) = table.one_of(reader, &["exec", "compose"])?;
    let arguments = reader.texts_of(key, value)?;
    if arguments.is_empty() {
        reader.fault(value.span().start, format!("{key} names no program"));
    }
    let run = if key == "exec" {
        let service = service(reader, table)?;
        let user = table.text(reader, "user");
        let folder = table.text(reader, "folder");
        ActionRun::Exec { service, arguments, user, folder }
    } else {
        for key in ["service", "user", "folder"] {
            if let Some(value) = table.get(key) {
                let at = value.span().start;
                reader.fault(at, format!("{key} belongs to exec; with compose say it in its arguments"));
            }
        }
        ActionRun::Compose(arguments)
    };
    let ask = table.get("ask").map(|value| questions(reader, value)).unwrap_or_default();
    let confirm = table.flag(reader, "confirm").unwrap_or_default();
    let timeout = table.span(reader, "timeout");
    Some(CustomAction { name: clean(&name?), run, ask, confirm, timeout })
}

fn questions(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>) -> Vec<Question> {
    let tables = reader.tables("ask", value, &["name", "choices"]);
    let mut questions = Vec::new();
    for table in tables {
        let name = table.needed(reader, "name");
        let choices = match table.get("choices") {
            None => Some(Choices::Free),
            Some(value) if value.get_ref().is_table() => {
                let inner = reader.table("choices", value, &["exec"]);
                inner.and_then(|inner| inner.texts(reader, "exec")).map(Choices::Exec)
            }
            Some(value) => reader.texts_of("choices", value).map(Choices::List),
        };
        if let (Some(name), Some(choices)) = (name, choices) {
            questions.push(Question { name: clean(&name), choices });
        }
    }
    questions
}

fn log_file(reader: &mut Reader<'_>, table: &Table<'_, '_>) -> Option<LogFile> {
    let service = service(reader, table);
    let file = table.needed(reader, "file");
    if let Some(file) = file.as_deref().filter(|file| !file.starts_with('/')) {
        reader.fault(
            table.at,
            format!("file wants a complete path in the container, like /data/app.log, this is {file:?}"),
        );
    }
    Some(LogFile { service: service?, file: clean(&file?) })
}

fn budget(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>) -> Budget {
    let Some(table) = reader.table("[budget]", value, &["ready", "memory", "image", "health", "rebuild"])
    else {
        return Budget::default();
    };
    let mut bytes = |key: &str| {
        let value = table.get(key)?;
        let text = reader.text_of(key, value)?;
        match parse_bytes(&text) {
            Ok(bytes) => Some(bytes),
            Err(why) => {
                reader.fault(value.span().start, format!("{key}: {why}, this is {text:?}"));
                None
            }
        }
    };
    let (memory, image) = (bytes("memory"), bytes("image"));
    let mut span = |key: &str| table.span(reader, key);
    Budget { ready: span("ready"), memory, image, health: span("health"), rebuild: span("rebuild") }
}

fn heal(
    reader: &mut Reader<'_>,
    value: &Spanned<DeValue<'_>>,
) -> std::collections::BTreeMap<Arc<str>, HealRule> {
    let Some(table) = value.get_ref().as_table() else {
        let kind = kind(value.get_ref());
        reader.fault(value.span().start, format!("heal wants a table, [heal], this is {kind}"));
        return std::collections::BTreeMap::new();
    };
    let mut rules = std::collections::BTreeMap::new();
    for (key, value) in table {
        let what = format!("heal.{}", key.get_ref());
        let Some(table) = reader.table(&what, value, &["after", "max", "per"]) else { continue };
        let after = table.span(reader, "after").unwrap_or(Duration::from_mins(1));
        let per = table.span(reader, "per").unwrap_or(Duration::from_hours(1));
        let max = match table.get("max") {
            None => Some(3),
            Some(value) => {
                let max = value.get_ref().as_integer().and_then(|number| {
                    u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|max| *max > 0)
                });
                if max.is_none() {
                    reader.fault(value.span().start, String::from("max wants a number from 1 on"));
                }
                max
            }
        };
        if let Some(max) = max {
            rules.insert(Arc::from(clean(key.get_ref())), HealRule { after, max, per });
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> String {
        parse(Path::new("/srv/app/stackdash.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn everything_that_a_file_can_say_is_read() {
        let text = include_str!("../../fixtures/stack_file/valid.toml");
        let file = parse(Path::new("/srv/app/stackdash.toml"), text).unwrap();
        insta::assert_debug_snapshot!(file);
    }

    #[test]
    fn every_fault_is_told_with_its_line_and_the_nearest_word() {
        let text = include_str!("../../fixtures/stack_file/invalid.toml");
        insta::assert_snapshot!(faults(text));
    }

    #[test]
    fn what_is_no_toml_is_said_with_its_line() {
        assert!(faults("[variants]\ndev = [").starts_with("/srv/app/stackdash.toml:2: this is not TOML"));
    }
}
