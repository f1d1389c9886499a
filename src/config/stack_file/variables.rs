//! Variables in the addresses of `stackdash.toml`: `http://localhost:${PORT:-8080}/health`.
//!
//! Compose files publish ports by variables, so an address that is asked from the host has to follow them. The
//! forms are Compose's: `${NAME}`, `${NAME:-default}` (also where it is empty), `${NAME-default}`, and `$$` for a
//! dollar. Pure: values come from whoever reads the file.

use crate::model::stack_file::StackFile;
use crate::model::tokens::{TokenRead, TokenRefresh};

/// Puts values in place of variables in every address; says which has none.
pub fn fill_in(file: &mut StackFile, value: &dyn Fn(&str) -> Option<String>) -> Result<(), String> {
    let mut faults = Vec::new();
    let mut fill = |what: String, url: &mut String| match filled(url, value) {
        Ok(text) => *url = text,
        Err(why) => faults.push(format!("{}: {what}: {why}", file.path.display())),
    };
    for probe in &mut file.probes {
        fill(format!("[[probe]] {}", probe.name), &mut probe.url);
    }
    for token in &mut file.tokens {
        let what = format!("[[token]] {}", token.name);
        if let TokenRead::Http(call) = &mut token.read {
            fill(what.clone(), &mut call.url);
        }
        match &mut token.refresh {
            Some(TokenRefresh::Http(call)) => fill(what.clone(), &mut call.url),
            Some(TokenRefresh::Oauth(grant)) => fill(what.clone(), &mut grant.url),
            Some(TokenRefresh::Exec(_) | TokenRefresh::Restart) | None => {}
        }
        if let Some(authorize) = &mut token.authorize {
            fill(what.clone(), &mut authorize.http.url);
            if let Some(status) = &mut authorize.status {
                fill(what, &mut status.url);
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// Reads `NAME=value` lines, as far as addresses need them: comments, quotes and `export` are known, variables
/// in values are not. The last of a name counts.
pub fn value_in(text: &str, name: &str) -> Option<String> {
    text.lines().rev().find_map(|line| {
        let line = line.trim();
        let (key, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        if key.trim() != name {
            return None;
        }
        let value = value.trim();
        let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.split_once(quote));
        Some(match quoted {
            Some((inner, _)) => inner.to_owned(),
            None => value.split(" #").next().unwrap_or_default().trim().to_owned(),
        })
    })
}

fn filled(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (mut all, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('$') {
        all.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            all.push('$');
            rest = after;
            continue;
        }
        let Some((inner, after)) = after.strip_prefix('{').and_then(|inner| inner.split_once('}')) else {
            // A dollar may stand in an address by itself.
            all.push('$');
            rest = after;
            continue;
        };
        all.push_str(&resolved(inner, value)?);
        rest = after;
    }
    Ok(all + rest)
}

fn resolved(inner: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    let known = value(name);
    let found = match (rest, rest.strip_prefix(":-"), rest.strip_prefix('-')) {
        _ if name.is_empty() => None,
        ("", ..) => known,
        (_, Some(default), _) => {
            Some(known.filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned()))
        }
        (_, None, Some(default)) => Some(known.unwrap_or_else(|| default.to_owned())),
        _ => return Err(format!("${{{inner}}} is not understood: write ${{NAME}} or ${{NAME:-default}}")),
    };
    found.ok_or_else(|| {
        format!("${{{inner}}} is set neither in the environment nor in .env: set it, or write ${{{name}:-default}}")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fill(text: &str) -> Result<String, String> {
        filled(text, &|name| match name {
            "PORT" => Some(String::from("8181")),
            "EMPTY" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn variables_are_filled_in_as_compose_does() {
        for (text, wanted) in [
            ("http://localhost:${PORT:-8080}/a", "http://localhost:8181/a"),
            ("http://localhost:${OTHER:-8080}/a", "http://localhost:8080/a"),
            ("${PORT}${PORT}", "81818181"),
            ("a${EMPTY:-b}${EMPTY-c}${NONE-d}", "abd"),
            ("a?price=$$5&b=$c", "a?price=$5&b=$c"),
            ("${open", "${open"),
        ] {
            assert_eq!(fill(text).as_deref(), Ok(wanted), "{text}");
        }
        assert!(fill("${NONE}").unwrap_err().contains("write ${NONE:-default}"));
        assert!(fill("${NONE:?why}").unwrap_err().contains("is not understood"));
        assert!(fill("${}").is_err());
    }

    #[test]
    fn an_env_file_has_comments_and_quotes() {
        let text = "# PORT=1\nPORT=2\nexport PORT = '3' # no\nA=\"x#y\"\nB=z # no\nC=\n";
        let of = |name| value_in(text, name);
        assert_eq!(of("PORT").as_deref(), Some("3"));
        assert_eq!((of("A").as_deref(), of("B").as_deref()), (Some("x#y"), Some("z")));
        assert_eq!((of("C").as_deref(), of("D").as_deref()), (Some(""), None));
    }

    proptest! {
        #[test]
        fn any_text_is_filled_in_or_refused(text in "[${}:\\-A-Z?a ]{0,40}") {
            let _ = fill(&text);
        }
    }
}
