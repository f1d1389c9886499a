//! `[[watch]]`: rules beside those of `develop.watch`, for what the installed Compose does not know yet.

use std::path::Path;
use std::sync::Arc;

use crate::config::reader::{Reader, Table};
use crate::config::stack_file::{complete, service};
use crate::model::text::clean;
use crate::model::watch::{WatchAction, WatchRule};

pub const KEYS: [&str; 8] =
    ["service", "path", "action", "target", "ignore", "include", "initial_sync", "exec"];
const ACTIONS: [&str; 5] = ["sync", "rebuild", "restart", "sync+restart", "sync+exec"];

/// Reads one rule; a relative path is meant from the file's own folder.
pub fn rule(reader: &mut Reader<'_>, folder: &Path, table: &Table<'_, '_>) -> Option<(Arc<str>, WatchRule)> {
    let service = service(reader, table);
    let path = table.needed(reader, "path");
    let action = table.needed(reader, "action").map(|word| WatchAction::parse(&word));
    if let (Some(WatchAction::Other(word)), Some(value)) = (&action, table.get("action")) {
        let known = ACTIONS.join(", ");
        reader.fault(value.span().start, format!("unknown action {word:?} (known: {known})"));
    }
    let copies = matches!(action, Some(WatchAction::Sync | WatchAction::SyncRestart | WatchAction::SyncExec));
    let target = table.text(reader, "target");
    match (&target, table.get("target")) {
        (None, _) if copies => {
            reader.fault(table.at, String::from("a sync wants a target: where it goes in the container"));
        }
        (Some(target), Some(value)) if !target.starts_with('/') => {
            let words = format!("target wants a complete path in the container, this is {target:?}");
            reader.fault(value.span().start, words);
        }
        _ => {}
    }
    let mut list =
        |key: &str| table.get(key).and_then(|value| reader.texts_of(key, value)).unwrap_or_default();
    let (ignore, include) = (list("ignore"), list("include"));
    let initial_sync = table.flag(reader, "initial_sync").unwrap_or_default();
    let exec = table.get("exec").and_then(|value| {
        let table = reader.table("exec", value, &["command", "user", "folder"])?;
        let command = table.texts(reader, "command").unwrap_or_default();
        if command.is_empty() {
            reader.fault(
                table.at,
                String::from("exec wants a command: { command = [\"nginx\", \"-s\", \"reload\"] }"),
            );
        }
        let text = |reader: &mut Reader<'_>, key| {
            table.text(reader, key).map(|word| clean(&word)).unwrap_or_default()
        };
        Some((command, text(reader, "user"), text(reader, "folder")))
    });
    if action == Some(WatchAction::SyncExec) && exec.is_none() {
        reader.fault(table.at, String::from("sync+exec wants exec = { command = [\"…\"] }"));
    }
    let (exec, exec_user, exec_folder) = exec.unwrap_or_default();
    let rule = WatchRule {
        path: complete(folder, &path?),
        action: action?,
        target: target.map(|target| clean(&target)),
        ignore,
        include,
        initial_sync,
        exec,
        exec_user,
        exec_folder,
    };
    Some((service?, rule))
}
