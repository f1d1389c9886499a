//! What the body of a health endpoint says: `{status, timestamp, version, uptime}` and its usual relatives. Pure.

use jiff::SignedDuration;
use serde_json::Value;

use crate::adapters::documents::{moment, path};
use crate::model::probes::{FaultKind, ProbeAnswer, ProbeFault, ProbeRule, Told};
use crate::model::redact;
use crate::model::text::clean;

/// Letters of a server's own words that are shown.
const WORDS: usize = 160;
/// Letters of a status or a version.
const WORD: usize = 40;
/// Names of fields, without case, underscores and dashes.
const STATUS: [&str; 5] = ["status", "state", "health", "healthstatus", "overall"];
const YES_OR_NO: [&str; 5] = ["ok", "healthy", "ready", "alive", "success"];
const VERSION: [&str; 5] = ["version", "appversion", "releaseid", "release", "buildversion"];
const UPTIME: [&str; 5] = ["uptime", "uptimes", "uptimeseconds", "uptimesec", "processuptime"];
const UPTIME_MS: [&str; 2] = ["uptimems", "uptimemilliseconds"];
const AT: [&str; 6] = ["timestamp", "time", "now", "date", "datetime", "checkedat"];
const MESSAGE: [&str; 7] =
    ["detail", "message", "error", "reason", "errordescription", "description", "output"];
/// Objects that the fields may stand in.
const INSIDE: [&str; 7] = ["data", "health", "result", "status", "info", "build", "app"];
/// Words that say it is not well, without case, blanks, underscores and dashes.
const BAD: [&str; 17] = [
    "fail",
    "failed",
    "failing",
    "failure",
    "error",
    "down",
    "dead",
    "unhealthy",
    "critical",
    "stale",
    "unavailable",
    "notready",
    "notok",
    "notalive",
    "nothealthy",
    "outofservice",
    "false",
];

/// Judges an answer by its code, then by what its body says.
pub fn judge(answer: &mut ProbeAnswer, rule: &ProbeRule, kind: &str, body: &[u8]) {
    let begins = body.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    let says_json = kind.contains("json");
    let value = (says_json || matches!(begins, Some(b'{' | b'[')))
        .then(|| serde_json::from_slice::<Value>(body).ok())
        .flatten();
    match &value {
        Some(value) => answer.told = told(value, rule),
        None if kind.contains("html") || begins == Some(b'<') => {}
        None => answer.told.message = first_line(body).filter(|_| !says_json),
    }
    if value.is_none() && says_json {
        answer.remark.get_or_insert_with(|| String::from("its body is no JSON, although it says so"));
    }
    answer.fault = by_code(answer, rule);
    if answer.fault.is_none() && rule.expect.is_empty() && value.is_some() {
        answer.fault = by_word(&answer.told);
    }
    if let (None, Some(stale), None) = (&answer.fault, &rule.stale, &answer.told.last) {
        let field = clean(&stale.field);
        let words = match value {
            Some(_) => format!("the answer has no moment at {field}"),
            None => format!("the answer is no JSON, so it has no {field}"),
        };
        answer.fault = Some(ProbeFault { kind: FaultKind::Body, words });
    }
}

/// Judges an answer whose body was too large to be read.
pub fn judge_unread(answer: &mut ProbeAnswer, rule: &ProbeRule, limit: usize) {
    let large = format!("its body is larger than {} KiB", limit >> 10);
    answer.fault = by_code(answer, rule);
    if answer.fault.is_none() && rule.stale.is_some() {
        answer.fault =
            Some(ProbeFault { kind: FaultKind::Body, words: format!("{large}, so it is not read") });
    }
    answer.remark.get_or_insert_with(|| format!("{large}, the rest was not read"));
}

fn by_code(answer: &ProbeAnswer, rule: &ProbeRule) -> Option<ProbeFault> {
    let code = answer.code.filter(|code| !rule.expects(*code))?;
    let Told { message, status, .. } = &answer.told;
    let why = message.as_ref().or(status.as_ref()).map_or_else(String::new, |why| format!(": {why}"));
    Some(ProbeFault { kind: FaultKind::Code, words: format!("HTTP {code}{why}") })
}

/// An answer that calls itself unhealthy is not well, whatever its code.
fn by_word(told: &Told) -> Option<ProbeFault> {
    let status = told.status.as_ref()?;
    let word = plain(status);
    let kind = if word == "unknown" {
        FaultKind::Unknown
    } else if BAD.contains(&&*word) {
        FaultKind::Body
    } else {
        return None;
    };
    let why = told.message.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    Some(ProbeFault { kind, words: format!("says {status}{why}") })
}

fn told(value: &Value, rule: &ProbeRule) -> Told {
    let last = rule.stale.as_ref().and_then(|stale| path::get(value, &stale.field));
    let milliseconds = field(value, &UPTIME_MS).and_then(number).map(|number| number / 1000.0);
    Told {
        status: field(value, &STATUS).and_then(word).or_else(|| answer_of(value)),
        version: field(value, &VERSION).and_then(word),
        uptime: milliseconds.or_else(|| field(value, &UPTIME).and_then(seconds)).filter(|s| *s >= 0.0),
        at: field(value, &AT).and_then(moment::moment),
        message: message(value),
        last: last.and_then(moment::moment),
    }
}

/// Finds a field by one of its names that holds one value, at the top or in one of the usual objects.
fn field<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    let here = |value: &'a Value| {
        let fields = value.as_object()?;
        names.iter().find_map(|name| {
            let found = fields.iter().find(|(key, value)| plain(key) == *name && is_one(value));
            found.map(|(_, value)| value)
        })
    };
    let inside = || {
        let fields = value.as_object()?;
        INSIDE.iter().find_map(|name| {
            let (_, inner) = fields.iter().find(|(key, inner)| plain(key) == *name && inner.is_object())?;
            here(inner)
        })
    };
    here(value).or_else(inside)
}

fn is_one(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Array(_) | Value::Object(_))
}

/// `{"ok": true}` and its like.
fn answer_of(value: &Value) -> Option<String> {
    let fields = value.as_object()?;
    YES_OR_NO.iter().find_map(|name| {
        let (_, answer) = fields.iter().find(|(key, _)| plain(key) == *name)?;
        let answer = answer.as_bool()?;
        Some(if answer { (*name).to_owned() } else { format!("not {name}") })
    })
}

fn message(value: &Value) -> Option<String> {
    if let Some(text) = field(value, &MESSAGE).and_then(Value::as_str) {
        return Some(safe(text, WORDS)).filter(|text| !text.is_empty());
    }
    // {"detail": {"error": …}}, {"error": {"message": …}}.
    let fields = value.as_object()?;
    MESSAGE.iter().find_map(|name| {
        let (_, inner) = fields.iter().find(|(key, inner)| plain(key) == *name && inner.is_object())?;
        let text = field(inner, &MESSAGE).and_then(Value::as_str)?;
        Some(safe(text, WORDS)).filter(|text| !text.is_empty())
    })
}

fn word(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(answer) => answer.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(safe(&text, WORD)).filter(|text| !text.is_empty())
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// Reads seconds, or a span in words: `1h2m3.5s`, `3 days 2 hours`.
fn seconds(value: &Value) -> Option<f64> {
    number(value).or_else(|| {
        let span: SignedDuration = value.as_str()?.trim().parse().ok()?;
        Some(span.as_secs_f64())
    })
}

fn first_line(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(safe(line, WORDS)).filter(|line| !line.is_empty())
}

fn safe(text: &str, most: usize) -> String {
    // Cut first: nobody needs a megabyte cleaned.
    let text: String = text.trim().chars().take(most * 4).collect();
    let text = redact::text(&clean(&text));
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::probes::Stale;

    fn rule() -> ProbeRule {
        ProbeRule {
            name: String::from("ready"),
            service: "api".into(),
            url: String::from("http://api/"),
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            expect: Vec::new(),
            stale: None,
        }
    }

    fn judged(code: u16, body: &str, rule: &ProbeRule) -> ProbeAnswer {
        let mut answer = ProbeAnswer { code: Some(code), ..ProbeAnswer::default() };
        judge(&mut answer, rule, "application/json", body.as_bytes());
        answer
    }

    fn words(code: u16, body: &str) -> String {
        judged(code, body, &rule()).fault.map_or_else(|| String::from("pass"), |fault| fault.words)
    }

    #[test]
    fn the_usual_body_is_understood() {
        let body = r#"{"status":"healthy","timestamp":"2026-11-20T16:13:58Z","version":"1.4.2","uptime":42}"#;
        let told = judged(200, body, &rule()).told;
        assert_eq!((told.status.as_deref(), told.version.as_deref()), (Some("healthy"), Some("1.4.2")));
        assert_eq!(
            (told.uptime, told.at.map(|at| at.to_string())),
            (Some(42.0), Some("2026-11-20T16:13:58Z".into()))
        );
    }

    #[test]
    fn its_relatives_are_understood_too() {
        let of = |value: Value| told(&value, &rule());
        let nested = of(json!({"data": {"Status": "UP", "app_version": 3, "uptimeSeconds": "7.5"}}));
        assert_eq!(
            (nested.status.as_deref(), nested.version.as_deref(), nested.uptime),
            (Some("UP"), Some("3"), Some(7.5))
        );
        let build =
            of(json!({"ok": true, "build": {"version": "2.0"}, "uptime_ms": 1500, "time": 1_795_191_238}));
        assert_eq!(
            (build.status.as_deref(), build.version.as_deref(), build.uptime),
            (Some("ok"), Some("2.0"), Some(1.5))
        );
        assert!(build.at.is_some());
        let spelled = of(json!({"health": "green", "uptime": "1h2m3s"}));
        assert_eq!((spelled.status.as_deref(), spelled.uptime), (Some("green"), Some(3723.0)));
        assert_eq!(of(json!({"ready": false})).status.as_deref(), Some("not ready"));
        assert_eq!(of(json!([1, 2])), Told::default());
    }

    #[test]
    fn the_code_counts_first_then_the_bodys_own_word() {
        assert_eq!(words(200, r#"{"status":"ready"}"#), "pass");
        assert_eq!(words(503, r#"{"detail":"Database unavailable"}"#), "HTTP 503: Database unavailable");
        assert_eq!(words(500, r#"{"error":{"code":"x","message":"no disk"}}"#), "HTTP 500: no disk");
        assert_eq!(words(404, ""), "HTTP 404");
        assert_eq!(words(200, r#"{"status":"unhealthy","message":"no db"}"#), "says unhealthy: no db");
        assert_eq!(words(200, r#"{"ready":false}"#), "says not ready");
        assert_eq!(words(200, r#"{"healthy":false}"#), "says not healthy");
        let unknown = judged(200, r#"{"status":"unknown","message":"No logs"}"#, &rule()).fault.unwrap();
        assert_eq!((unknown.kind, &*unknown.words), (FaultKind::Unknown, "says unknown: No logs"));
        // Who names codes means codes.
        let named = ProbeRule { expect: vec![503..=503], ..rule() };
        assert_eq!(judged(503, r#"{"status":"down"}"#, &named).fault, None);
    }

    #[test]
    fn a_moment_that_is_wanted_must_be_there() {
        let stale = Some(Stale { field: String::from("agent.last"), after: Duration::from_mins(1) });
        let rule = ProbeRule { stale, ..rule() };
        let answer = judged(200, r#"{"agent":{"last":"2026-11-20T16:13:58Z"}}"#, &rule);
        assert_eq!((answer.fault, answer.told.last.is_some()), (None, true));
        let fault = |body| judged(200, body, &rule).fault.unwrap().words;
        assert_eq!(fault(r#"{"agent":{}}"#), "the answer has no moment at agent.last");
        assert_eq!(fault("{broken"), "the answer is no JSON, so it has no agent.last");
        assert_eq!(fault(r#"{"status":"unknown"}"#), "says unknown");
    }

    #[test]
    fn broken_json_and_other_bodies_pass_by_their_code() {
        let broken = judged(200, "{\"status\":", &rule());
        assert_eq!(
            (broken.fault, broken.remark.as_deref()),
            (None, Some("its body is no JSON, although it says so"))
        );
        let mut text = ProbeAnswer { code: Some(503), ..ProbeAnswer::default() };
        judge(&mut text, &rule(), "text/plain", b"\n upstream is down\nmore");
        assert_eq!(text.fault.unwrap().words, "HTTP 503: upstream is down");
        let mut page = ProbeAnswer { code: Some(502), ..ProbeAnswer::default() };
        judge(&mut page, &rule(), "text/html", b"<html>bad</html>");
        assert_eq!(page.fault.unwrap().words, "HTTP 502");
    }

    #[test]
    fn nothing_hostile_and_no_secret_gets_through() {
        let answer = judged(
            500,
            r#"{"status":"\u001b[2Jx","version":"1\u202e2","message":"at postgres://u:hunter2secret@db/x \u0007"}"#,
            &rule(),
        );
        let all = format!("{answer:?}");
        assert!(
            !all.contains("hunter2secret") && !all.contains("\\u{1b}") && !all.contains("u{202e}"),
            "{all}"
        );
        let long = judged(500, &format!("{{\"message\":\"{}\"}}", "x".repeat(100_000)), &rule());
        assert!(long.told.message.unwrap().chars().count() <= WORDS);
    }

    proptest! {
        #[test]
        fn any_body_is_judged(code in 100_u16..600, kind in "(application/json|text/html|)", body in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut answer = ProbeAnswer { code: Some(code), ..ProbeAnswer::default() };
            judge(&mut answer, &rule(), &kind, &body);
            prop_assert_eq!(answer.fault.is_some_and(|fault| fault.kind == FaultKind::Code), !(200..400).contains(&code));
        }
    }
}
