//! The same rules from labels of a container: `stackdash.token.NAME.read.file=/data/token.json`.
//!
//! Each name's labels become one table of TOML, a line for each label, and are read as if the file had them: one
//! grammar, and faults that name the label instead of the line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use toml::de::DeTable;

use crate::config::nearest::did_you_mean;
use crate::config::stack_file::parse;
use crate::model::stack_file::LabelRules;
use crate::model::text::clean;

/// What the labels that are ours begin with.
pub const PREFIX: &str = "stackdash.";
/// Labels of another container than this are not read.
const MOST: usize = 500;
const KINDS: [&str; 2] = ["token", "probe"];
/// What the container itself says.
const OWN: [&str; 2] = ["name", "service"];

/// By kind and name: the rest of each label, the label, its value.
type Tables<'a> = BTreeMap<(&'a str, &'a str), Vec<(&'a str, &'a str, &'a str)>>;

/// Reads the labels of a container of a service; `folder` is where relative paths begin.
pub fn rules<'a>(
    container: &str,
    service: &str,
    folder: &Path,
    labels: impl Iterator<Item = (&'a str, &'a str)>,
) -> LabelRules {
    let mut rules = LabelRules::default();
    let mut tables = Tables::new();
    for (label, value) in labels.filter(|(label, _)| label.starts_with(PREFIX)).take(MOST) {
        match split(label) {
            Ok((kind, name, key)) => tables.entry((kind, name)).or_default().push((key, label, value)),
            // Tests and tools mark what is theirs, too.
            Err(None) => {}
            Err(Some(what)) => rules.faults.push(told(container, label, &what)),
        }
    }
    for ((kind, name), mut keys) in tables {
        keys.sort_unstable();
        let (text, lines) = table(kind, name, service, &keys);
        match parse(&folder.join("labels"), &text) {
            Ok(file) => {
                rules.tokens.extend(file.tokens);
                rules.probes.extend(file.probes);
            }
            Err(faults) => {
                let place = clean(&folder.join("labels").display().to_string());
                rules.faults.extend(faults.0.iter().map(|fault| {
                    let (line, what) = of_line(fault, &place);
                    let whole = format!("{PREFIX}{kind}.{name}");
                    let label =
                        line.checked_sub(1).and_then(|line| lines.get(line)).map_or(&*whole, |label| label);
                    told(container, label, what)
                }));
            }
        }
    }
    rules
}

fn told(container: &str, label: &str, what: &str) -> String {
    clean(&format!("container {container}, label {label}: {what}"))
}

/// Cuts `stackdash.token.NAME.read.file` into kind, name and key; `None` where it is none of ours.
fn split(label: &str) -> Result<(&str, &str, &str), Option<String>> {
    let rest = label.strip_prefix(PREFIX).unwrap_or_default();
    let (kind, rest) = rest.split_once('.').ok_or(None)?;
    if !KINDS.contains(&kind) {
        let hint = did_you_mean(kind, KINDS);
        // What is like nothing of ours belongs to somebody else.
        return Err((!hint.is_empty()).then(|| format!("unknown {kind:?}{hint}")));
    }
    let Some((name, key)) = rest.split_once('.').filter(|(name, key)| !name.is_empty() && !key.is_empty())
    else {
        return Err(Some(format!("it wants a name and a key: {PREFIX}{kind}.NAME.KEY")));
    };
    if OWN.contains(&key) {
        return Err(Some(format!("{key} is known from the container: leave it out")));
    }
    Ok((kind, name, key))
}

/// Writes the table, and which label each line comes from.
fn table<'a>(
    kind: &str,
    name: &str,
    service: &str,
    keys: &[(&str, &'a str, &str)],
) -> (String, Vec<&'a str>) {
    let first = keys.first().map_or("", |(_, label, _)| label);
    let mut text = format!("[[{kind}]]\nname = {}\nservice = {}\n", quoted(name), quoted(service));
    let mut lines = vec![first; 3];
    for (key, label, value) in keys {
        let key: Vec<String> = key.split('.').map(quoted).collect();
        let _ = writeln!(text, "{} = {}", key.join("."), written(value));
        lines.push(label);
    }
    (text, lines)
}

/// Writes a value: a list, a table, true and false as they stand, anything else as text.
fn written(value: &str) -> String {
    let plain = value.trim();
    let is_one_line = !plain.contains(['\n', '\r']);
    let is_toml = plain.starts_with(['[', '{']) && DeTable::parse(&format!("x = {plain}")).is_ok();
    if plain == "true" || plain == "false" || (is_one_line && is_toml) {
        return plain.to_owned();
    }
    quoted(value)
}

fn quoted(text: &str) -> String {
    let mut all = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => all.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(all, "\\u{:04X}", u32::from(control));
            }
            other => all.push(other),
        }
    }
    all.push('"');
    all
}

/// Cuts `PLACE:3: what` into line and words.
fn of_line<'a>(fault: &'a str, place: &str) -> (usize, &'a str) {
    let rest = fault.strip_prefix(place).and_then(|rest| rest.strip_prefix(':')).unwrap_or(fault);
    match rest.split_once(": ") {
        Some((line, what)) => line.parse().map_or((0, fault), |line| (line, what)),
        None => (0, fault),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::tokens::{Buffer, TokenRead, TokenRefresh};

    fn read(labels: &[(&str, &str)]) -> LabelRules {
        rules("gateway-1", "gateway", Path::new("/srv/home"), labels.iter().copied())
    }

    #[test]
    fn labels_say_what_the_file_would() {
        let rules = read(&[
            ("com.docker.compose.project", "home"),
            ("stackdash.test", "1"),
            ("stackdash.token.utec.read.file", "/data/config.json"),
            ("stackdash.token.utec.expires", "token_expires_at"),
            ("stackdash.token.utec.buffer", "6s"),
            ("stackdash.token.utec.refresh.http", "POST http://localhost:8000/api/token/refresh"),
            ("stackdash.token.utec.refresh.headers.X-Key", "a \"b\" \\ c"),
            ("stackdash.token.utec.auto_refresh", "true"),
            ("stackdash.token.db.read", r#"{ exec = ["psql", "-Atc", "select 1"] }"#),
            ("stackdash.token.db.expires", "expires_at"),
            ("stackdash.token.db.buffer", r#"{ field = "minutes", unit = "minutes" }"#),
            ("stackdash.probe.ready.http", "http://localhost:8000/health/ready"),
            ("stackdash.probe.ready.every", "5s"),
        ]);
        assert_eq!(rules.faults, [""; 0]);
        let [db, utec] = &rules.tokens[..] else { panic!("{rules:?}") };
        assert_eq!((&*db.name, &*utec.name), ("db", "utec"));
        assert_eq!(utec.service.as_deref(), Some("gateway"));
        assert_eq!(utec.read, TokenRead::File(String::from("/data/config.json")));
        assert_eq!(utec.buffer, Buffer::Fixed(Duration::from_secs(6)));
        assert!(utec.auto_refresh);
        let Some(TokenRefresh::Http(call)) = &utec.refresh else { panic!("{utec:?}") };
        assert_eq!((&*call.method, &*call.headers["X-Key"]), ("POST", "a \"b\" \\ c"));
        assert!(matches!(&db.read, TokenRead::Exec(arguments) if arguments.len() == 3));
        let probe = &rules.probes[0];
        assert_eq!(
            (&*probe.name, &*probe.service, probe.every),
            ("ready", "gateway", Duration::from_secs(5))
        );
    }

    #[test]
    fn a_bad_label_is_named_with_its_container_and_spoils_no_other() {
        let rules = read(&[
            ("stackdash.token.utec.read.fil", "/data/config.json"),
            ("stackdash.token.good.read.env", "HA_TOKEN"),
            ("stackdash.token.late.read.env", "HA_TOKEN"),
            ("stackdash.token.late.buffer", "soon"),
            ("stackdash.tokn.utec.read.env", "HA_TOKEN"),
            ("stackdash.token.utec", "x"),
            ("stackdash.token.other.service", "x"),
            ("stackdash.token.odd.read.env", "A\nB\u{1b}[31m"),
        ]);
        let names: Vec<&str> = rules.tokens.iter().map(|token| &*token.name).collect();
        assert_eq!(names, ["good", "odd"]);
        let all = rules.faults.join("\n");
        for part in [
            "container gateway-1, label stackdash.token.utec.read.fil: unknown key \"fil\" in read",
            "did you mean \"file\"?",
            "container gateway-1, label stackdash.token.late.buffer: buffer wants a time",
            "label stackdash.tokn.utec.read.env: unknown \"tokn\"",
            "label stackdash.token.utec: it wants a name and a key",
            "label stackdash.token.other.service: service is known from the container",
        ] {
            assert!(all.contains(part), "{part} is not in:\n{all}");
        }
        assert!(!all.contains("labels:"), "{all}");
    }

    proptest::proptest! {
        #[test]
        fn whatever_labels_say_a_fault_is_the_worst_of_it(
            name in "[ -~]{0,12}", key in "[ -~]{0,16}", value in proptest::string::string_regex("(?s).{0,40}").unwrap()
        ) {
            let label = format!("stackdash.token.{name}.{key}");
            let rules = read(&[(&label, &value), ("stackdash.token.good.read.env", "A")]);
            proptest::prop_assert!(rules.tokens.iter().any(|token| &*token.name == "good") || name == "good");
            proptest::prop_assert!(rules.faults.iter().all(|fault| !fault.contains(char::is_control)));
        }
    }
}
