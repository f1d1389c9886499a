//! Makes readings of a document by a rule: which field is the end, the beginning, the value, the buffer.
//!
//! Pure. Only moments, fingerprints and facts come out.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::adapters::tokens::document::Document;
use crate::adapters::tokens::moment::{self, End};
use crate::adapters::tokens::{fingerprint, jwt, path};
use crate::config::nearest::did_you_mean;
use crate::model::secret::Secret;
use crate::model::text::clean;
use crate::model::tokens::{Buffer, TokenProblem, TokenReading, TokenRule};

/// Members of a document that become tokens.
const MEMBERS: usize = 200;
/// Letters of a label.
const LABEL: usize = 60;

/// What a document was taken from.
#[derive(Clone, Copy)]
pub struct Taken {
    /// When it was written or answered: a span without a beginning counts from then.
    pub at: Timestamp,
    /// Whether it is an answer, of which other parts change with each request: its fingerprint is made of the
    /// end alone where the rule names no value.
    pub answer: bool,
}

/// Returns the tokens of a document.
pub fn readings(
    rule: &TokenRule,
    document: &Document,
    secret: &Secret,
    taken: Taken,
) -> Result<Vec<TokenReading>, TokenProblem> {
    match document {
        Document::Certificate(found) => Ok(vec![TokenReading {
            label: None,
            expires_at: Some(found.not_after),
            issued_at: found.not_before,
            fingerprint: fingerprint::of(secret.bytes()),
            buffer: None,
            facts: found.facts.clone(),
        }]),
        Document::Jwt(claims) => {
            let mut reading = claimed(rule, &claims.0)?;
            reading.fingerprint = fingerprint::of(secret.text().unwrap_or_default().trim().as_bytes());
            Ok(vec![reading])
        }
        Document::Fields(fields) => match &rule.each {
            None => one(rule, &fields.0, &fields.0, None, taken).map(|reading| vec![reading]),
            Some(each) => members(rule, &fields.0, each, taken),
        },
    }
}

/// Returns a member of a document by its label; the whole where there are no members. With its path.
pub fn member<'a>(rule: &TokenRule, root: &'a Value, label: &str) -> Option<(&'a Value, Vec<String>)> {
    let Some(each) = &rule.each else { return Some((root, Vec::new())) };
    let (list, way) = path::find(root, each)?;
    labelled(rule, list).into_iter().find(|(known, ..)| known == label).map(|(_, name, member)| {
        let mut way = way;
        way.push(name);
        (member, way)
    })
}

/// Returns label, name in the document and value of each member. No two have the same label.
fn labelled<'a>(rule: &TokenRule, list: &'a Value) -> Vec<(String, String, &'a Value)> {
    let named: Vec<(String, &Value)> = match list {
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        _ => Vec::new(),
    };
    let mut all: Vec<(String, String, &Value)> = Vec::new();
    for (name, member) in named.into_iter().take(MEMBERS) {
        let own = rule.label.as_ref().and_then(|label| path::get(member, label)).and_then(word);
        let label = own.filter(|label| !label.is_empty()).unwrap_or_else(|| short(&name));
        let label =
            if all.iter().any(|(known, ..)| *known == label) { format!("{label} {name}") } else { label };
        all.push((label, name, member));
    }
    all
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(short(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn short(text: &str) -> String {
    clean(text).chars().take(LABEL).collect()
}

fn members(
    rule: &TokenRule,
    root: &Value,
    each: &str,
    taken: Taken,
) -> Result<Vec<TokenReading>, TokenProblem> {
    let list = path::get(root, each).ok_or_else(|| no_field(root, each))?;
    if !list.is_array() && !list.is_object() {
        return Err(TokenProblem::Unreadable(format!("{} is neither a list nor a map", clean(each))));
    }
    let (mut found, mut first) = (Vec::new(), None);
    for (label, _, member) in labelled(rule, list) {
        match one(rule, root, member, Some(label.clone()), taken) {
            Ok(reading) => found.push(reading),
            Err(problem) => {
                log::debug!("token {label}: {}", problem.words());
                first.get_or_insert(problem);
            }
        }
    }
    match first {
        // One account that was never authorized hides no other.
        Some(problem) if found.is_empty() => Err(problem),
        _ => Ok(found),
    }
}

fn one(
    rule: &TokenRule,
    root: &Value,
    at: &Value,
    label: Option<String>,
    taken: Taken,
) -> Result<TokenReading, TokenProblem> {
    let value = match &rule.value {
        Some(field) => Some(present(at, field)?),
        None => None,
    };
    let Some(field) = &rule.expires else {
        // The value may know by itself.
        let claims = value.and_then(Value::as_str).and_then(jwt::claims);
        let claims = claims.ok_or_else(|| {
            TokenProblem::Unreadable(String::from(
                "the rule does not say where the end is: expires = \"expires_at\"",
            ))
        })?;
        let mut reading = claimed(rule, &claims)?;
        reading.fingerprint = fingerprint::of(value.and_then(Value::as_str).unwrap_or_default().as_bytes());
        return Ok(TokenReading { label, ..reading });
    };
    let issued_at = rule.issued.as_ref().and_then(|field| path::get(at, field)).and_then(moment::moment);
    let expires_at = match moment::end(path::last(field), present(at, field)?) {
        Some(End::At(end)) => end,
        // Longer than time goes: never, then, as good as.
        Some(End::After(span)) => issued_at.unwrap_or(taken.at).checked_add(span).unwrap_or(Timestamp::MAX),
        None => {
            let words = format!("{} is no time that can be read", clean(field));
            return Err(TokenProblem::Unreadable(words));
        }
    };
    let printed = match value {
        Some(Value::String(text)) => fingerprint::of(text.as_bytes()),
        Some(value) => fingerprint::of(value.to_string().as_bytes()),
        None if taken.answer => fingerprint::of(format!("{expires_at:.0}").as_bytes()),
        None => fingerprint::of(at.to_string().as_bytes()),
    };
    let facts = value.and_then(Value::as_str).and_then(jwt::claims);
    Ok(TokenReading {
        label,
        expires_at: Some(expires_at),
        issued_at,
        fingerprint: printed,
        buffer: buffer(rule, at).or_else(|| buffer(rule, root)),
        facts: facts.map(|claims| jwt::facts(&claims)).unwrap_or_default(),
    })
}

fn claimed(rule: &TokenRule, claims: &Value) -> Result<TokenReading, TokenProblem> {
    let field = rule.expires.as_deref().unwrap_or("exp");
    let expires_at = match path::get(claims, field) {
        // A JWT without an end lives for ever.
        None if rule.expires.is_none() => None,
        None => return Err(no_field(claims, field)),
        Some(value) => Some(
            moment::moment(value)
                .ok_or_else(|| TokenProblem::Unreadable(format!("the JWT's {} is no time", clean(field))))?,
        ),
    };
    let issued = rule.issued.as_deref().unwrap_or("iat");
    let issued_at = path::get(claims, issued).or(claims.get("nbf")).and_then(moment::moment);
    Ok(TokenReading {
        label: None,
        expires_at,
        issued_at,
        fingerprint: String::new(),
        buffer: buffer(rule, claims),
        facts: jwt::facts(claims),
    })
}

fn buffer(rule: &TokenRule, at: &Value) -> Option<Duration> {
    let Buffer::Field { field, unit } = &rule.buffer else { return None };
    let number = match path::get(at, field)? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Duration::try_from_secs_f64(unit.as_secs_f64() * number).ok()
}

/// Returns what stands at a field; that there is nothing means that there is no token.
fn present<'a>(at: &'a Value, field: &str) -> Result<&'a Value, TokenProblem> {
    match path::get(at, field) {
        None => Err(no_field(at, field)),
        Some(Value::Null) => Err(empty(field)),
        Some(Value::String(text)) if text.trim().is_empty() => Err(empty(field)),
        Some(value) => Ok(value),
    }
}

fn empty(field: &str) -> TokenProblem {
    TokenProblem::Missing(format!("{} is empty: there is no token yet", clean(field)))
}

fn no_field(at: &Value, field: &str) -> TokenProblem {
    let last = path::last(field);
    let known: Vec<&str> = match at {
        Value::Object(fields) => fields.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    let hint = clean(&did_you_mean(last, known));
    TokenProblem::Missing(format!("there is no {} in the document{hint}", clean(field)))
}

#[cfg(test)]
mod tests;
