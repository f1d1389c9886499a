//! One pattern: Go's `filepath.Match` with `**`, made into a regular expression.

use regex::Regex;

/// One pattern, anchored at the folder it is relative to.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Written with `!`: what it matches is not ignored after all.
    pub brings_back: bool,
    whole: Matcher,
    /// A matcher for each name on the way; `None`: any number of names (`**`). Only of patterns that bring back.
    steps: Vec<Option<Matcher>>,
}

#[derive(Clone, Debug)]
enum Matcher {
    /// No character has a meaning of its own.
    Plain(String),
    Regex(Regex),
}

impl Pattern {
    /// Reads a pattern; `Ok(None)` where it is empty. The error says what makes no sense.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        let text = text.trim();
        let (brings_back, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, text),
        };
        if text.is_empty() {
            return if brings_back { Err("a lone \"!\" names nothing".to_owned()) } else { Ok(None) };
        }
        let cleaned = clean_path(text);
        let cleaned = match cleaned.strip_prefix('/') {
            Some(rest) if !rest.is_empty() => rest,
            _ => &cleaned,
        };
        let fault = |why| format!("\"{text}\" is no pattern: {why}");
        let whole = Matcher::new(cleaned, true).map_err(fault)?;
        let steps = if brings_back { steps(cleaned).map_err(fault)? } else { Vec::new() };
        Ok(Some(Self { brings_back, whole, steps }))
    }

    /// Whether a path or a folder above it matches.
    pub fn covers(&self, path: &str) -> bool {
        match &self.whole {
            Matcher::Plain(plain) => {
                path.strip_prefix(plain.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Matcher::Regex(regex) => regex.is_match(path),
        }
    }

    /// Whether something in a folder may match, however deep.
    pub fn may_match_below(&self, folder: &str) -> bool {
        for (step, name) in self.steps.iter().zip(folder.split('/')) {
            match step {
                None => return true,
                Some(step) if step.is_match(name) => {}
                Some(_) => return false,
            }
        }
        true
    }
}

fn steps(cleaned: &str) -> Result<Vec<Option<Matcher>>, &'static str> {
    // A slash in a class or behind a backslash would be cut in two; such a pattern may match anywhere.
    if cleaned.contains(['[', '\\']) {
        return Ok(vec![None]);
    }
    cleaned
        .split('/')
        .map(|step| if step.contains("**") { Ok(None) } else { Matcher::new(step, false).map(Some) })
        .collect()
}

impl Matcher {
    /// `below`: all in a folder that matches, matches too.
    fn new(pattern: &str, below: bool) -> Result<Self, &'static str> {
        if !pattern.contains(['*', '?', '[', '\\']) {
            return Ok(Self::Plain(pattern.to_owned()));
        }
        let end = if below { "(?:/(?s:.)*)?" } else { "" };
        let regex = Regex::new(&format!("^(?:{}){end}$", regex_of(pattern)?));
        regex.map(Self::Regex).map_err(|_| "it is too long")
    }

    fn is_match(&self, name: &str) -> bool {
        match self {
            Self::Plain(plain) => plain == name,
            Self::Regex(regex) => regex.is_match(name),
        }
    }
}

/// Writes a pattern as a regular expression, as Docker's builders do.
fn regex_of(pattern: &str) -> Result<String, &'static str> {
    // At the beginning, and with nothing else that is special, `**` takes the middle of names too: `**rc` is `.bashrc`.
    if let Some(rest) = pattern.strip_prefix("**")
        && !rest.starts_with('/')
        && !rest.contains(['*', '?', '[', ']', '\\'])
    {
        return Ok(format!("(?s:.)*{}", regex::escape(rest)));
    }
    let mut regex = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => {
                let _ = rest.next_if_eq(&'/');
                regex.push_str(if rest.peek().is_none() { "(?s:.)*" } else { "(?:(?s:.)*/)?" });
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '[' => class(&mut rest, &mut regex)?,
            '\\' => push_literal(rest.next().ok_or("nothing follows the last backslash")?, &mut regex),
            other => push_literal(other, &mut regex),
        }
    }
    Ok(regex)
}

/// Reads a class behind its `[`: `[a-z]`, `[^a-z]`; a backslash takes the next character as it is.
fn class(rest: &mut impl Iterator<Item = char>, regex: &mut String) -> Result<(), &'static str> {
    const OPEN: &str = "a \"[\" has no \"]\"";
    let mut rest = rest.peekable();
    regex.push('[');
    if rest.next_if_eq(&'^').is_some() {
        regex.push('^');
    }
    let mut count = 0;
    loop {
        let low = rest.next().ok_or(OPEN)?;
        if low == ']' {
            break;
        }
        let low = class_character(low, &mut rest)?;
        push_literal(low, regex);
        if rest.next_if_eq(&'-').is_some() {
            let high = rest.next().ok_or(OPEN)?;
            let high = class_character(high, &mut rest)?;
            if high < low {
                return Err("a range runs backwards");
            }
            regex.push('-');
            push_literal(high, regex);
        }
        count += 1;
    }
    regex.push(']');
    if count == 0 { Err("\"[]\" names no character") } else { Ok(()) }
}

fn class_character(c: char, rest: &mut impl Iterator<Item = char>) -> Result<char, &'static str> {
    match c {
        '\\' => rest.next().ok_or("nothing follows the last backslash"),
        '-' | ']' => Err("a \"-\" or \"]\" in a class needs a backslash"),
        other => Ok(other),
    }
}

fn push_literal(c: char, regex: &mut String) {
    regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// Makes a path as short as it can be, as Go's `filepath.Clean` does.
fn clean_path(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => {
                names.pop();
            }
            ".." if rooted => {}
            other => names.push(other),
        }
    }
    let joined = names.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
