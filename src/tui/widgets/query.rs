//! What is typed after `/`: a regular expression with smart case.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

/// Bytes a compiled pattern may take: enough for people, too little to hurt.
const SIZE_LIMIT: usize = 1 << 20;

/// A search or a filter as it is being typed; empty matches nothing and filters nothing.
#[derive(Clone, Debug, Default)]
pub struct Query {
    text: String,
    regex: Option<Regex>,
    error: Option<String>,
}

impl Query {
    /// Takes over new text. Text that is no regular expression (yet) is searched for literally, and
    /// [`Query::error`] says why.
    pub fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        self.error = None;
        self.regex = None;
        if text.is_empty() {
            return;
        }
        // A capital letter that is no escape (`\S`) asks for exact case.
        let mut escaped = false;
        let exact = text.chars().any(|c| {
            let counts = c.is_uppercase() && !escaped;
            escaped = c == '\\' && !escaped;
            counts
        });
        let build = |pattern: &str| {
            RegexBuilder::new(pattern).case_insensitive(!exact).size_limit(SIZE_LIMIT).build()
        };
        self.regex = match build(text) {
            Ok(regex) => Some(regex),
            Err(error) => {
                self.error = Some(reason(&error));
                build(&regex::escape(text)).ok()
            }
        };
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns why the text is no regular expression.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Whether a filter with this query lets `text` through.
    pub fn lets_through(&self, text: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(text))
    }

    /// Whether a search with this query finds something in `text`.
    pub fn finds(&self, text: &str) -> bool {
        self.regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }

    /// Returns the byte ranges of all matches that are not empty.
    pub fn matches<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let found = self.regex.iter().flat_map(move |regex| regex.find_iter(text));
        found.map(|found| found.range()).filter(|range| !range.is_empty())
    }
}

/// Takes the one line of the error that says what is wrong.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("not a regular expression");
    line.trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        let mut query = Query::default();
        query.set(text);
        query
    }

    #[test]
    fn case_matters_only_once_a_capital_is_typed() {
        assert!(query("error").finds("an ERROR"));
        assert!(!query("Error").finds("an ERROR"));
        assert!(query(r"\Serror").finds("xERROR"));
    }

    #[test]
    fn an_unfinished_pattern_is_searched_literally() {
        let query = query("get(");
        assert!(query.finds("GET(1)"));
        assert!(query.error().unwrap().contains("unclosed group"), "{:?}", query.error());
    }

    #[test]
    fn empty_filters_nothing_and_finds_nothing() {
        assert!(query("").lets_through("x"));
        assert!(!query("").finds("x"));
        assert_eq!(query("x*").matches("axxb").next(), Some(1..3));
    }
}
