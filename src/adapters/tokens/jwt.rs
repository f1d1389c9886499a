//! What a JWT says of itself (RFC 7519). Its signature is not judged: this is shown, never trusted.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::model::text::clean;

const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);
/// Claims that are good to know, and what they are called.
const FACTS: [(&str, &str); 7] = [
    ("iss", "issuer"),
    ("sub", "subject"),
    ("aud", "audience"),
    ("scope", "scope"),
    ("scp", "scope"),
    ("client_id", "client"),
    ("azp", "client"),
];
/// Letters of one fact that are shown.
const LENGTH: usize = 120;

/// Returns the claims, where this is a JWT; `Bearer` before it does no harm.
pub fn claims(text: &str) -> Option<Value> {
    let text = text.trim();
    let text = text.strip_prefix("Bearer ").unwrap_or(text).trim();
    let parts: Vec<&str> = text.split('.').collect();
    let [header, payload, _signature] = parts[..] else { return None };
    let object = |part: &str| {
        let bytes = BASE64.decode(part).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object)
    };
    object(header)?.get("alg")?;
    object(payload)
}

/// Whether this is an encrypted one (five parts), which nobody but its owner can read.
pub fn is_encrypted(text: &str) -> bool {
    text.trim().starts_with("ey") && text.matches('.').count() == 4
}

/// Tells what is good to know of the claims.
pub fn facts(claims: &Value) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    for (claim, name) in FACTS {
        let words = match &claims[claim] {
            Value::String(text) => text.clone(),
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        let words: String = clean(&words).chars().take(LENGTH).collect();
        if !words.is_empty() && !facts.iter().any(|(known, _)| known == name) {
            facts.push((name.to_owned(), words));
        }
    }
    facts
}

#[cfg(test)]
pub mod tests {
    use serde_json::json;

    use super::*;

    /// Makes an unsigned one.
    pub fn jwt(claims: &Value) -> String {
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let header = engine.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        format!("{header}.{}.c2lnbmF0dXJl", engine.encode(claims.to_string()))
    }

    #[test]
    fn claims_are_read_and_facts_are_told() {
        let told = json!({ "iss": "https://auth", "exp": 1.5e9, "scope": ["read", "write"], "aud": "api",
            "sub": "a\u{1b}[31mb" });
        let text = jwt(&told);
        assert_eq!(claims(&text), Some(told.clone()));
        assert_eq!(claims(&format!("Bearer {text}\n")), Some(told.clone()));
        let facts: Vec<String> =
            facts(&told).into_iter().map(|(name, words)| format!("{name}={words}")).collect();
        assert_eq!(facts, ["issuer=https://auth", "subject=ab", "audience=api", "scope=read write"]);
    }

    #[test]
    fn what_is_none_is_none() {
        for text in ["", "a.b.c", "abc", "1.2.3", "eyJhbGciOiJub25lIn0..", "eyJhbGciOiJub25lIn0.W10.x"] {
            assert_eq!(claims(text), None, "{text}");
        }
        assert!(is_encrypted("eyJ.a.b.c.d"));
    }
}
