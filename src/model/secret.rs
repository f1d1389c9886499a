//! Bytes that nobody may see: no Debug, no Display, no Serialize, nothing left in memory when they go.
//!
//! They pass from the engine's adapter to the reader of tokens, which makes moments and fingerprints of them.

use zeroize::Zeroizing;

/// A token, a password, or a file that holds one.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Hands out what must not be told.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Hands it out where it is text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

/// A file of a container that may hold secrets, with what it takes to write it again as it was.
pub struct SecretFile {
    pub content: Secret,
    /// Where it really lies: links were followed.
    pub path: String,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Seconds since 1970.
    pub modified: u64,
}

/// What a program in a container printed.
pub struct Captured {
    pub output: Secret,
    /// The end of what it said on standard error, sanitized and masked.
    pub complaint: String,
    pub exit_code: Option<i64>,
}
