//! What must never be shown: finds secrets by the name of their key and by the shape of their value.
//!
//! Ids, digests, image names, paths and times are left alone: an operator needs them. `keys` judges
//! names, `shapes` judges values. Knows nothing of control characters; see [`crate::model::text`].

mod keys;
mod shapes;

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use keys::{KeyKind, kind_of};

/// Stands where a secret was.
pub const MASK: &str = "••••••";

/// Returns an environment variable's (or label's) value, masked where it is a secret.
///
/// An empty value stays empty: that it is not set is worth knowing.
pub fn env_value(key: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    match kind_of(key) {
        KeyKind::Secret => masked(value),
        KeyKind::MaybeSecret if shapes::is_harmless(value) => text(value),
        KeyKind::MaybeSecret => masked(value),
        KeyKind::Key if shapes::could_be_key(value) => MASK.to_owned(),
        KeyKind::Path if shapes::is_path(value) => value.to_owned(),
        KeyKind::Public => value.to_owned(),
        KeyKind::Key | KeyKind::Path | KeyKind::Plain => text(value),
    }
}

/// Whether a name promises a secret, whatever its value.
pub fn is_secret_name(key: &str) -> bool {
    kind_of(key) == KeyKind::Secret
}

/// Masks all of a secret, but of an address with a password only that.
fn masked(value: &str) -> String {
    match shapes::mask_url_passwords(value) {
        Cow::Owned(url) if shapes::is_url(value) => url,
        _ => MASK.to_owned(),
    }
}

/// Returns free text (a command line, a check's output) with its secrets masked.
pub fn text(text: &str) -> String {
    // Shorter than any secret worth the name, and without a place for a value.
    if text.len() < 12 && !text.contains(['=', ':', ' ']) {
        return text.to_owned();
    }
    let text = PEM.replace_all(text, MASK);
    let text = shapes::mask_url_passwords(&text).into_owned();
    let text = AUTHORIZATION.replace_all(&text, |found: &Captures| format!("{}{MASK}", &found[1]));
    let text = mask_assignments(&text);
    let text = FLAG.replace_all(&text, mask_flag);
    let text = COMMAND_FLAG.replace_all(&text, |found: &Captures| format!("{}{MASK}", &found[1]));
    WORD.replace_all(&text, |found: &Captures| {
        let word = &found[0];
        if shapes::is_secret(word) { MASK.to_owned() } else { word.to_owned() }
    })
    .into_owned()
}

/// Returns the arguments of a command with their secrets masked.
pub fn command(arguments: &[String]) -> Vec<String> {
    let mut masked: Vec<String> = Vec::with_capacity(arguments.len());
    let mut program = "";
    for (index, argument) in arguments.iter().enumerate() {
        let previous = index.checked_sub(1).map_or("", |before| arguments[before].as_str());
        if argument.starts_with('-') {
            masked.push(mask_glued(program, argument));
        } else if takes_secret(program, previous) {
            masked.push(shapes::mask_reference_or(argument));
        } else {
            if !matches!(argument.as_str(), "CMD" | "CMD-SHELL") && program.is_empty() {
                program = argument.rsplit('/').next().unwrap_or(argument);
            }
            masked.push(text(argument));
        }
    }
    masked
}

/// Whether the argument after `flag` is a secret.
fn takes_secret(program: &str, flag: &str) -> bool {
    let Some(name) = flag.strip_prefix('-') else { return false };
    let name = name.trim_start_matches('-');
    if flag.contains('=') {
        return false;
    }
    match program {
        "curl" if matches!(flag, "-u" | "--user") => true,
        "redis-cli" if flag == "-a" => true,
        _ if flag == "-p" => is_database_client(program),
        _ => matches!(kind_of(name), KeyKind::Secret | KeyKind::MaybeSecret),
    }
}

/// Masks an option that carries its value: `--password=x`, `-psecret` of a database client.
fn mask_glued(program: &str, argument: &str) -> String {
    if is_database_client(program)
        && !argument.starts_with("--")
        && argument.starts_with("-p")
        && argument.len() > 2
    {
        return format!("-p{}", shapes::mask_reference_or(&argument[2..]));
    }
    text(argument)
}

fn is_database_client(program: &str) -> bool {
    ["mysql", "mariadb", "mongo", "sqlcmd"].iter().any(|name| program.starts_with(name))
}

/// Masks every secret in a document of the engine (an inspection).
pub fn json(value: &mut Value) {
    walk("", value);
}

fn walk(key: &str, value: &mut Value) {
    match value {
        Value::String(text) => *text = string_at(key, text),
        // A password may be a number; switches and limits are no secrets.
        Value::Number(_) if kind_of(key) == KeyKind::Secret && !keys::is_engine_field(key) => {
            *value = Value::String(MASK.to_owned());
        }
        Value::Array(items) => match key {
            "Env" | "env" | "environment" => {
                for item in items {
                    if let Value::String(pair) = item {
                        *pair = pair_at(pair);
                    }
                }
            }
            "Args" | "Cmd" | "Entrypoint" | "Command" | "Test" | "OnBuild" | "Shell"
                if items.iter().all(Value::is_string) =>
            {
                let words: Vec<String> = items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                *items = command(&words).into_iter().map(Value::String).collect();
            }
            _ => items.iter_mut().for_each(|item| walk(key, item)),
        },
        Value::Object(fields) => {
            // `docker inspect` splits the command: the program under Path, the rest under Args.
            if let (Some(Value::String(program)), Some(Value::Array(arguments))) =
                (fields.get("Path"), fields.get("Args"))
            {
                let words: Vec<String> = std::iter::once(program.clone())
                    .chain(arguments.iter().map(|word| word.as_str().unwrap_or_default().to_owned()))
                    .collect();
                let masked = command(&words).into_iter().skip(1).map(Value::String).collect();
                fields.insert("Args".to_owned(), Value::Array(masked));
            }
            for (name, field) in fields.iter_mut() {
                walk(name, field);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn string_at(key: &str, value: &str) -> String {
    if keys::is_engine_field(key) { value.to_owned() } else { env_value(key, value) }
}

/// Masks the value of `NAME=value`.
fn pair_at(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, value)) => format!("{name}={}", env_value(name, value)),
        None => text(pair),
    }
}

/// Masks values after names: `password=x`, `"token": "x"`, `?api_key=x`.
fn mask_assignments(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = ASSIGNMENT.captures_at(text, at) {
        let (Some(name), Some(between), Some(value)) = (found.get(1), found.get(2), found.get(3)) else {
            break;
        };
        let quote = value.as_str().chars().next().filter(|first| matches!(first, '"' | '\''));
        let bare = if quote.is_some() { value.as_str() } else { beginning_of_bare(&text[value.start()..]) };
        let bare = bare.trim_matches(['"', '\'']);
        if is_secret_assignment(name.as_str(), between.as_str(), bare) {
            let end = if quote.is_some() {
                value.end()
            } else {
                value.start() + bare_length(&text[value.start()..])
            };
            out.push_str(&text[copied..value.start()]);
            out.extend(quote);
            out.push_str(MASK);
            out.extend(quote);
            copied = end;
            at = end;
        } else {
            // The value may hold assignments of its own: `url=http://x/?token=y`.
            at = value.start();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Returns as much of a value without quotes as is needed to judge it: hostile text has no end.
fn beginning_of_bare(text: &str) -> &str {
    const ENOUGH: usize = 128;
    let start = text.char_indices().nth(ENOUGH).map_or(text, |(end, _)| &text[..end]);
    &start[..bare_length(start)]
}

fn bare_length(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '&' | '"' | '\'' | '}' | ')' | ']');
    text.find(ends).unwrap_or(text.len())
}

fn is_secret_assignment(name: &str, between: &str, value: &str) -> bool {
    let named = match kind_of(name) {
        KeyKind::Secret => true,
        // `auth: ok` is a sentence, `auth=…` is an assignment.
        KeyKind::MaybeSecret => between.contains(['=', '"', '\'']) && !shapes::is_harmless(value),
        KeyKind::Key => shapes::could_be_key(value),
        KeyKind::Path | KeyKind::Public | KeyKind::Plain => false,
    };
    // Of addresses the password is gone already.
    named && !value.is_empty() && !value.contains(MASK) && !shapes::is_reference(value) && !is_verdict(value)
}

/// Words that say how it went with a secret, and are none.
fn is_verdict(word: &str) -> bool {
    const WORDS: [&str; 29] = [
        "ok",
        "yes",
        "no",
        "true",
        "false",
        "null",
        "none",
        "on",
        "off",
        "valid",
        "invalid",
        "expired",
        "expiring",
        "missing",
        "required",
        "incorrect",
        "wrong",
        "rejected",
        "refused",
        "accepted",
        "set",
        "unset",
        "empty",
        "unknown",
        "not",
        "bearer",
        "basic",
        "failed",
        "is",
    ];
    WORDS.iter().any(|known| word.trim_end_matches(['.', ',', ';', '!']).eq_ignore_ascii_case(known))
}

/// Masks the word after `--password` and its like.
fn mask_flag(found: &Captures) -> String {
    let (name, gap, value) = (&found[1], &found[2], &found[3]);
    let secret = matches!(kind_of(name.trim_start_matches('-')), KeyKind::Secret | KeyKind::MaybeSecret);
    if !secret || shapes::is_reference(value.trim_matches(['"', '\''])) || value.starts_with('-') {
        return found[0].to_owned();
    }
    format!("{name}{gap}{MASK}")
}

#[expect(clippy::unwrap_used, reason = "the patterns are constants; the tests below compile every one")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

/// A key or certificate, also one that is cut off; line ends may be written as `\n`.
static PEM: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"-----BEGIN [A-Z0-9 ]+-----(?s:.*?)(?:-----END [A-Z0-9 ]+-----|\z)"));
/// What an HTTP client sends to prove itself.
static AUTHORIZATION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b((?:bearer|basic)\s+|authorization:\s*(?:[a-z]+\s+)?)[A-Za-z0-9+/_=.~-]{6,}")
});
/// Of a value without quotes only the beginning: where it ends is looked up when it is masked.
static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"([A-Za-z_][A-Za-z0-9_.-]*)(\\*["']?\s?[:=]\s?(?:\\+["'])?)("(?:[^"\\]|\\.)*"|'[^']*'|/?[^\s,;&"'})\]=/])"#,
    )
});
static FLAG: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(--?[A-Za-z][A-Za-z0-9_-]+)(\s+)("[^"]*"|'[^']*'|[^\s"']+)"#));
/// Options with a secret that do not say so.
static COMMAND_FLAG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(\b(?:mysql|mariadb)[a-z-]*\b[^|;&]*?\s-p|\bredis-cli\b[^|;&]*?\s-a\s+|\bcurl\b[^|;&]*?\s(?:-u|--user)\s+)[^\s$"'•]+"#,
    )
});
static WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Za-z0-9+/_=.~-]{16,}"));

#[cfg(test)]
mod tests;
