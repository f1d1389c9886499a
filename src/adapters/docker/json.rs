//! Lenient reading of the engine's JSON: a field that is missing or odd costs itself, nothing else.
//!
//! Engines differ (Podman, old and new Docker), and a strict decoder loses a whole answer over one
//! unknown word.

use jiff::Timestamp;
use serde_json::Value;

use crate::model::{redact, text};

/// One value with readers that never fail. Paths are written `State/Health/Status`.
#[derive(Clone, Copy, Debug)]
pub struct Json<'a>(pub &'a Value);

impl<'a> Json<'a> {
    /// Follows a path; [`Value::Null`] where it leads nowhere.
    pub fn at(self, path: &str) -> Self {
        static NULL: Value = Value::Null;
        path.split('/').fold(self, |json, key| Json(json.0.get(key).unwrap_or(&NULL)))
    }

    /// Returns text as it is, for our own comparisons; empty where there is none.
    pub fn raw(self, path: &str) -> &'a str {
        self.at(path).0.as_str().unwrap_or_default()
    }

    /// Returns one clean line: a name, an id, a path, where no secret can stand.
    pub fn line(self, path: &str) -> String {
        text::clean(self.raw(path))
    }

    pub fn integer(self, path: &str) -> Option<i64> {
        let value = self.at(path).0;
        // Some engines write numbers as text, some as floats.
        value
            .as_i64()
            .or_else(|| value.as_f64().map(|number| number as i64))
            .or_else(|| value.as_str()?.trim().parse().ok())
    }

    /// Returns a number that cannot be negative; a negative one means "not known" to the engine.
    pub fn count(self, path: &str) -> Option<u64> {
        self.integer(path).and_then(|number| u64::try_from(number).ok())
    }

    pub fn flag(self, path: &str) -> bool {
        self.at(path).0.as_bool().unwrap_or_default()
    }

    /// Returns a moment; the zero date that means "never" is none.
    pub fn time(self, path: &str) -> Option<Timestamp> {
        self.raw(path).parse::<Timestamp>().ok().filter(|at| at.as_second() > 0)
    }

    pub fn items(self, path: &str) -> impl Iterator<Item = Json<'a>> {
        self.at(path).0.as_array().into_iter().flatten().map(Json)
    }

    pub fn items_here(self) -> impl Iterator<Item = Json<'a>> {
        self.0.as_array().into_iter().flatten().map(Json)
    }

    pub fn texts(self, path: &str) -> impl Iterator<Item = &'a str> {
        self.at(path).texts_here()
    }

    pub fn texts_here(self) -> impl Iterator<Item = &'a str> {
        self.0.as_array().into_iter().flatten().filter_map(Value::as_str)
    }
}

/// Makes one clean, masked line of foreign text.
pub fn shown(foreign: &str) -> String {
    text::clean(&redact::text(foreign))
}
