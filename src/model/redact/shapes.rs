//! What a value gives away by its shape alone.

use std::borrow::Cow;
use std::fmt::Write;

use super::MASK;

/// Beginnings that issuers put before their secrets, so that they can be found.
const PREFIXES: [&str; 33] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "gldt-",
    "glrt-",
    "sk-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "whsec_",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxr-",
    "xoxs-",
    "xapp-",
    "AIza",
    "ya29.",
    "hf_",
    "npm_",
    "pypi-",
    "dop_v1_",
    "dckr_pat_",
    "hvs.",
    "SG.",
    "shpat_",
    "AGE-SECRET-KEY-",
    "1//0",
];
/// Beginnings of checksums that are written in base64.
const CHECKSUMS: [&str; 4] = ["sha256-", "sha384-", "sha512-", "sha1-"];
/// Shortest run of characters that is called random.
const RANDOM_LENGTH: usize = 24;

/// How far an address is looked through for its password: hostile text has no end.
const LONGEST_ADDRESS: usize = 1024;

/// Whether a word is a secret by its shape alone.
pub(super) fn is_secret(word: &str) -> bool {
    is_jwt(word) || has_known_prefix(word) || is_random(word)
}

/// Three parts of base64, the first of which begins like a JSON object.
fn is_jwt(word: &str) -> bool {
    let Some(start) = word.find("eyJ") else { return false };
    let mut parts = word[start..].split('.');
    let long = |part: Option<&str>| part.is_some_and(|part| part.len() >= 8);
    long(parts.next()) && long(parts.next())
}

fn has_known_prefix(word: &str) -> bool {
    let aws = ["AKIA", "ASIA"].iter().any(|prefix| {
        word.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() == 16 && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        })
    });
    aws || PREFIXES.iter().any(|prefix| {
        word.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= 16 && rest.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        })
    })
}

/// Whether a word looks drawn by lot: long, and changing between letters and digits all the time.
///
/// Names are made of words and numbers, so they change seldom; hexadecimal digits alone are ids and
/// digests, which are shown.
fn is_random(word: &str) -> bool {
    if is_path(word) || CHECKSUMS.iter().any(|prefix| word.starts_with(prefix)) {
        return false;
    }
    // Dots do not occur in base64; they join the parts of names and versions.
    word.split(['.', '~']).any(|part| {
        let part = part.trim_end_matches('=');
        if part.len() < RANDOM_LENGTH || is_hexadecimal(part) {
            return false;
        }
        let assigned = part.rsplit('=').next().unwrap_or(part);
        assigned.len() >= RANDOM_LENGTH && longest_random(assigned) >= 12
    })
}

/// Returns the length of the longest piece between punctuation that looks random.
fn longest_random(part: &str) -> usize {
    part.split(['-', '_', '/', '+'])
        .filter(|piece| piece.len() >= 8 && !is_hexadecimal(piece) && looks_drawn(piece))
        .map(str::len)
        .max()
        .unwrap_or(0)
}

fn looks_drawn(piece: &str) -> bool {
    #[derive(PartialEq, Clone, Copy)]
    enum Class {
        Upper,
        Lower,
        Digit,
    }
    let classes: Vec<Class> = piece
        .bytes()
        .map(|byte| match byte {
            b'0'..=b'9' => Class::Digit,
            b'A'..=b'Z' => Class::Upper,
            _ => Class::Lower,
        })
        .collect();
    let has = |class| classes.contains(&class);
    let mixed_case = has(Class::Upper) && has(Class::Lower);
    if !has(Class::Digit) && !mixed_case {
        return false;
    }
    let changes = classes.windows(2).filter(|pair| pair[0] != pair[1]).count();
    // Three classes change in two of three places when drawn by lot, two in two of five. CamelCase
    // words change twice in six or more.
    let needed = if mixed_case { 0.38 } else { 0.2 };
    changes as f32 >= needed * (piece.len() - 1) as f32
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Whether the value of something called a key could be one: no blanks, long enough, not a word.
pub(super) fn could_be_key(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']);
    value.len() >= 12
        && !is_path(value)
        && !is_url(value)
        && value.bytes().all(|byte| byte.is_ascii_graphic())
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Whether a value is plainly a setting: a switch, a number, a path, an address.
pub(super) fn is_harmless(value: &str) -> bool {
    const WORDS: [&str; 22] = [
        "true", "false", "yes", "no", "on", "off", "none", "null", "enabled", "disabled", "required",
        "optional", "basic", "bearer", "oauth", "oauth2", "jwt", "redis", "memory", "file", "database",
        "cookie",
    ];
    (value.len() <= 7 && value.bytes().all(|byte| byte.is_ascii_digit()))
        || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
        || is_path(value)
        || is_url(value)
}

/// Whether a value is an absolute, relative or home path.
pub(super) fn is_path(value: &str) -> bool {
    ["/", "./", "../", "~/"].iter().any(|start| value.starts_with(start))
        && value.bytes().all(|byte| !byte.is_ascii_whitespace() && byte != b'=')
}

/// Whether a value is an address as a whole.
pub(super) fn is_url(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    !rest.is_empty()
        && !value.contains(char::is_whitespace)
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Whether a value is only a variable's name: `$PASSWORD`, `${PASSWORD:-}`.
pub(super) fn is_reference(value: &str) -> bool {
    let Some(name) = value.strip_prefix('$') else { return false };
    let name = name.strip_prefix('$').unwrap_or(name);
    if let Some(name) = name.strip_prefix('{') {
        return name.ends_with('}') && !name.contains(":-") || name.ends_with(":-}");
    }
    name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Masks a value unless it is only a variable's name.
pub(super) fn mask_reference_or(value: &str) -> String {
    if value.is_empty() || is_reference(value) { value.to_owned() } else { MASK.to_owned() }
}

/// Masks the passwords of addresses: `scheme://user:password@host`.
pub(super) fn mask_url_passwords(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        rest = after;
        let Some(user_info) = user_info_of(after) else { continue };
        let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        if !password.is_empty() && !is_reference(password) {
            let _ = write!(out, "{user}:{MASK}");
            rest = &after[user_info.len()..];
        } else if is_secret(user) || (password.is_empty() && user.len() >= 20) {
            out.push_str(MASK);
            rest = &after[user_info.len()..];
        }
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

/// Returns what stands before the `@` of an address.
fn user_info_of(address: &str) -> Option<&str> {
    let end = address
        .char_indices()
        .find(|&(at, c)| at > LONGEST_ADDRESS || c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>'))
        .map_or(address.len(), |(at, _)| at);
    let address = &address[..end];
    let authority = address.find(['/', '?', '#']).map_or(address, |end| &address[..end]);
    if let Some(at) = authority.rfind('@') {
        return Some(&address[..at]);
    }
    // A password with a `/` in it is against the rules, and common. A port is digits only.
    let (_, after_user) = authority.split_once(':')?;
    let at = address.find('@')?;
    (!after_user.bytes().all(|byte| byte.is_ascii_digit()) || after_user.is_empty()).then(|| &address[..at])
}
